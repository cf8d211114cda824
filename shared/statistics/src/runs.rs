//! Whether wins and losses follow each other by chance.

use crate::normal::within_percent;

/// Dependence of the results of successive trades.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Runs {
    /// By how many standard deviations the number of runs is above what chance would make it. Negative: wins follow
    /// wins.
    pub z_score: f64,
    /// Probability that it is not chance, in percent.
    pub probability: f64,
}

/// Z-score of a series of wins (`true`) and losses: `(N·(R − 0.5) − P) / √(P·(P − N)/(N − 1))` with N results, R runs
/// and P = 2·wins·losses (Ralph Vince, "Portfolio Management Formulas"; MetaTrader 5 Help, "Testing Report"). The
/// probability is that of the two-sided normal distribution. Both are zero where the formula has no value: without wins
/// or losses, or with one of each.
#[must_use]
pub fn z_score(results: &[bool]) -> Runs {
    let count = results.len() as f64;
    let wins = results.iter().filter(|is_win| **is_win).count() as f64;
    let changes = results.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let runs = changes as f64 + 1.0;
    let product = 2.0 * wins * (count - wins);
    let variance = product * (product - count) / (count - 1.0);
    if variance.is_nan() || variance <= 0.0 {
        return Runs::default();
    }
    let z_score = (count * (runs - 0.5) - product) / variance.sqrt();
    Runs { z_score, probability: within_percent(z_score) }
}
