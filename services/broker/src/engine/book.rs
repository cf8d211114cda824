//! Order books of exchange symbols.

use model::{Price, Side, Volume};

/// One price of an order book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// The price.
    pub price: Price,
    /// What is offered or wanted there.
    pub volume: Volume,
}

/// Both sides of an order book, best prices first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    /// What buyers bid.
    pub bids: Vec<Level>,
    /// What sellers ask.
    pub asks: Vec<Level>,
}

/// What a market or book gives for an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fill {
    pub(super) volume: Volume,
    /// Volume-weighted average.
    pub(super) price: Price,
}

impl Book {
    /// What an order of this side would get now, not beyond `limit`.
    pub(super) fn offer(&self, side: Side, volume: Volume, limit: Option<Price>) -> Option<Fill> {
        let mut left = volume;
        let mut value = 0_i128;
        for level in self.against(side).iter().take_while(|level| within(side, level.price, limit)) {
            let part = level.volume.min(left);
            value += i128::from(part.units()) * i128::from(level.price.units());
            left -= part;
        }
        let filled = volume - left;
        if filled.is_zero() {
            return None;
        }
        Some(Fill { volume: filled, price: divided(value, filled) })
    }

    /// Takes this volume off, from the best price on.
    pub(super) fn take(&mut self, side: Side, volume: Volume) {
        let levels = match side {
            Side::Buy => &mut self.asks,
            Side::Sell => &mut self.bids,
        };
        let mut left = volume;
        for level in levels.iter_mut() {
            let part = level.volume.min(left);
            level.volume -= part;
            left -= part;
        }
        levels.retain(|level| !level.volume.is_zero());
    }

    fn against(&self, side: Side) -> &[Level] {
        match side {
            Side::Buy => &self.asks,
            Side::Sell => &self.bids,
        }
    }
}

/// Whether an order of this side may trade at `price` under its limit.
fn within(side: Side, price: Price, limit: Option<Price>) -> bool {
    limit.is_none_or(|limit| match side {
        Side::Buy => price <= limit,
        Side::Sell => price >= limit,
    })
}

/// The weighted average of two prices.
pub(super) fn average(one: (Price, Volume), other: (Price, Volume)) -> Price {
    let value = |(price, volume): (Price, Volume)| i128::from(price.units()) * i128::from(volume.units());
    divided(value(one) + value(other), one.1 + other.1)
}

/// A value over a volume, to the nearest unit.
fn divided(value: i128, volume: Volume) -> Price {
    let volume = i128::from(volume.units()).max(1);
    Price::from_units(i64::try_from((value + volume / 2).div_euclid(volume)).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::SCALE;

    fn level(price: i64, lots: u64) -> Level {
        Level { price: Price::from_points(price, 2), volume: Volume::from_units(lots * SCALE as u64) }
    }

    #[test]
    fn orders_walk_the_book_up_to_their_limit() {
        let book = Book { bids: vec![level(99, 5)], asks: vec![level(101, 5), level(103, 10)] };
        let offer = |side, lots: u64, limit: Option<i64>| {
            let limit = limit.map(|points| Price::from_points(points, 2));
            book.offer(side, Volume::from_units(lots * SCALE as u64), limit)
                .map(|fill| (fill.volume.to_string(), fill.price.to_string()))
        };
        let pair = |volume: &str, price: &str| Some((volume.to_string(), price.to_string()));
        assert_eq!(offer(Side::Buy, 5, None), pair("5", "1.01"));
        assert_eq!(offer(Side::Buy, 10, None), pair("10", "1.02"));
        assert_eq!(offer(Side::Buy, 10, Some(102)), pair("5", "1.01"));
        assert_eq!(offer(Side::Buy, 10, Some(100)), None);
        assert_eq!(offer(Side::Sell, 10, None), pair("5", "0.99"));
    }

    #[test]
    fn what_was_taken_is_gone() {
        let mut book = Book { bids: vec![], asks: vec![level(101, 5), level(103, 10)] };
        book.take(Side::Buy, Volume::from_units(6 * SCALE as u64));
        assert_eq!(book.asks, [level(103, 9)]);
    }
}
