//! Figures of several runs, and how they are shown.

use std::time::{SystemTime, UNIX_EPOCH};

/// A measured number of one run.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) what: String,
    pub(super) unit: &'static str,
    pub(super) value: f64,
}

impl Sample {
    pub(super) fn new(what: impl Into<String>, unit: &'static str, value: f64) -> Self {
        Self { what: what.into(), unit, value }
    }
}

/// Median and 99th percentile of times, told in milliseconds.
pub(super) fn times(what: &str, micros: &mut [u64]) -> [Sample; 2] {
    let at = |share, micros: &mut [u64]| percentile(micros, share).map_or(f64::NAN, |us| us as f64 / 1000.0);
    [
        Sample::new(format!("{what}, p50"), "ms", at(0.5, micros)),
        Sample::new(format!("{what}, p99"), "ms", at(0.99, micros)),
    ]
}

/// The value below which this share of all lies.
pub(super) fn percentile(values: &mut [u64], share: f64) -> Option<u64> {
    values.sort_unstable();
    let place = (values.len() as f64 * share).ceil() as usize;
    values.get(place.max(1) - 1).copied()
}

/// Microseconds since 1970: processes of one machine share this clock.
pub(super) fn now_us() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_micros().try_into().unwrap_or(u64::MAX)
}

/// The runs of one figure, a line for each number, in the order in which they first came.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<(String, &'static str, Vec<f64>)>,
}

impl Table {
    pub(super) fn add(&mut self, samples: Vec<Sample>) {
        for Sample { what, unit, value } in samples {
            match self.rows.iter_mut().find(|(own, ..)| *own == what) {
                Some((.., values)) => values.push(value),
                None => self.rows.push((what, unit, vec![value])),
            }
        }
    }

    /// As a table of a document.
    pub(super) fn text(&self) -> String {
        let mut lines = vec![
            "| What | Median | Lowest to highest | Runs |".to_owned(),
            "| --- | ---: | ---: | ---: |".to_owned(),
        ];
        for (what, unit, values) in &self.rows {
            let mut values = values.clone();
            values.sort_by(f64::total_cmp);
            let show = |at: usize| values.get(at).map_or_else(String::new, |value| shown(*value));
            let (median, last) = (show(values.len() / 2), values.len() - 1);
            lines.push(format!(
                "| {what} | {median} {unit} | {} to {} | {} |",
                show(0),
                show(last),
                values.len()
            ));
        }
        lines.join("\n")
    }
}

/// With as many digits as say something.
fn shown(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let mut values: Vec<u64> = (1..=100).rev().collect();
        assert_eq!(percentile(&mut values, 0.5), Some(50));
        assert_eq!(percentile(&mut values, 0.99), Some(99));
        assert_eq!(percentile(&mut values, 1.0), Some(100));
        assert_eq!(percentile(&mut [7], 0.01), Some(7));
        assert_eq!(percentile(&mut [], 0.5), None);
    }

    #[test]
    fn a_row_tells_median_and_spread() {
        let mut table = Table::default();
        for value in [0.5, 3.0, 0.25] {
            table.add(vec![Sample::new("a", "ms", value), Sample::new("b", "", 120.4)]);
        }
        let text = table.text();
        assert!(text.contains("| a | 0.50 ms | 0.25 to 3 | 3 |"), "{text}");
        assert!(text.contains("| b | 120  | 120 to 120 | 3 |"), "{text}");
    }
}
