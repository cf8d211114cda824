//! The walk of one price: a Brownian bridge between anchors about a year apart, computed to any depth by
//! halving. A value costs some thirty steps, a day of values a few thousand.

use super::noise::{gauss, hash};

/// The walk is stored nowhere but on this grid everybody agrees: four units to a minute.
pub(crate) const UNIT_MS: i64 = 15_000;
/// Units between two anchors, about a year; a power of two, so that every unit is a point of the halving.
const ERA_UNITS: i64 = 1 << 21;
/// Finest parts of a unit.
const FINE_PARTS: i64 = 1 << 14;
/// How far anchors lie off the base price, in standard deviations of a year's change: prices stay in the
/// range that the table calls realistic, for ever.
const ANCHOR_SPREAD: f64 = 0.5;
const UNITS_PER_DAY: f64 = 5760.0;

/// The logarithm of a price over time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path {
    key: u64,
    base: f64,
    /// Standard deviation of the change in a unit.
    sigma: f64,
}

impl Path {
    /// A walk around `price`; `volatility` is the standard deviation of a day's relative change.
    pub(crate) fn new(key: u64, price: f64, volatility: f64) -> Self {
        Self { key, base: price.ln(), sigma: volatility / UNITS_PER_DAY.sqrt() }
    }

    fn anchor(&self, era: i64) -> f64 {
        let year = self.sigma * (ERA_UNITS as f64).sqrt();
        self.base + gauss(hash(&[self.key, 1, era as u64])) * year * ANCHOR_SPREAD
    }

    /// The midpoint of a bridge over `span` units.
    fn middle(&self, low: f64, high: f64, point: u64, depth: u64, span: f64) -> f64 {
        f64::midpoint(low, high) + gauss(hash(&[self.key, depth, point])) * self.sigma * span.sqrt() / 2.0
    }

    /// At a unit of the grid.
    pub(crate) fn at_unit(&self, unit: i64) -> f64 {
        let era = unit.div_euclid(ERA_UNITS);
        let (mut from, mut span) = (era * ERA_UNITS, ERA_UNITS);
        let (mut low, mut high) = (self.anchor(era), self.anchor(era + 1));
        while unit != from {
            span /= 2;
            let point = from + span;
            let value = self.middle(low, high, point as u64, 2, (span * 2) as f64);
            if unit < point {
                high = value;
            } else {
                (low, from) = (value, point);
            }
        }
        low
    }

    /// At a millisecond.
    pub(crate) fn at_ms(&self, ms: i64) -> f64 {
        let unit = ms.div_euclid(UNIT_MS);
        let part = ms.rem_euclid(UNIT_MS) * FINE_PARTS / UNIT_MS;
        let mut low = self.at_unit(unit);
        if part == 0 {
            return low;
        }
        let mut high = self.at_unit(unit + 1);
        let (mut from, mut span) = (0, FINE_PARTS);
        while part != from {
            span /= 2;
            let point = from + span;
            let key = unit as u64 ^ ((point as u64) << 48);
            let value = self.middle(low, high, key, 3, (span * 2) as f64 / FINE_PARTS as f64);
            if part < point {
                high = value;
            } else {
                (low, from) = (value, point);
            }
        }
        low
    }

    /// At every unit from `first` to `last`, both inclusive.
    pub(crate) fn units(&self, first: i64, last: i64) -> Vec<f64> {
        let mut values = Vec::with_capacity(usize::try_from(last - first + 1).unwrap_or(0));
        for era in first.div_euclid(ERA_UNITS)..=last.div_euclid(ERA_UNITS) {
            let ends = (self.anchor(era), self.anchor(era + 1));
            self.fill(era * ERA_UNITS, ERA_UNITS, ends, (first, last), &mut values);
        }
        values
    }

    /// Appends the values at the units of `from..from + span` that are wanted, from left to right.
    fn fill(&self, from: i64, span: i64, ends: (f64, f64), wanted: (i64, i64), values: &mut Vec<f64>) {
        if from > wanted.1 || from + span <= wanted.0 {
            return;
        }
        if span == 1 {
            values.push(ends.0);
            return;
        }
        let half = span / 2;
        let middle = self.middle(ends.0, ends.1, (from + half) as u64, 2, span as f64);
        self.fill(from, half, (ends.0, middle), wanted, values);
        self.fill(from + half, half, (middle, ends.1), wanted, values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ways_to_a_value_agree() {
        let path = Path::new(42, 1.1, 0.005);
        let first = ERA_UNITS * 50 - 100;
        let values = path.units(first, first + 200);
        assert_eq!(values.len(), 201);
        for (unit, value) in (first..).zip(&values) {
            assert_eq!(path.at_unit(unit).to_bits(), value.to_bits());
            assert_eq!(path.at_ms(unit * UNIT_MS).to_bits(), value.to_bits());
        }
    }

    #[test]
    fn a_day_moves_as_much_as_asked_for() {
        let path = Path::new(7, 100.0, 0.01);
        let days: Vec<f64> = (19_000..20_000).map(|day| path.at_unit(day * 5760)).collect();
        let moves: Vec<f64> = days.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let deviation = (moves.iter().map(|m| m * m).sum::<f64>() / moves.len() as f64).sqrt();
        assert!((0.009..0.011).contains(&deviation), "{deviation}");
        assert!(days.iter().all(|ln| (60.0..160.0).contains(&ln.exp())));
    }

    #[test]
    fn it_does_not_jump_between_milliseconds() {
        let path = Path::new(9, 1.0, 0.01);
        let start = 1_795_305_600_000;
        let values: Vec<f64> = (0..60_000).map(|ms| path.at_ms(start + ms)).collect();
        assert!(values.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 1e-4));
    }
}
