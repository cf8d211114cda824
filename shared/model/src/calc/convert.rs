//! Conversion between currencies by the market's own quotes.

use super::BidAsk;

/// Where the arithmetic finds quotes of currency pairs.
pub trait Quotes {
    /// The quote of the forex symbol with this base and profit currency, if there is one with a price.
    fn pair(&self, base: &str, profit: &str) -> Option<BidAsk>;
}

/// The currency through which others are converted when they have no pair of their own.
const CROSS: &str = "USD";

/// What one unit of `from` costs in `to`: the ask of the pair, or one over the bid of the reverse pair,
/// or both steps through the US dollar. `None` while a quote is missing.
pub fn rate_buy(from: &str, to: &str, quotes: &impl Quotes) -> Option<f64> {
    through_cross(from, to, |from, to| {
        let direct = quotes.pair(from, to).map(|quote| quote.ask.to_f64());
        direct.or_else(|| quotes.pair(to, from).map(|quote| 1.0 / quote.bid.to_f64()))
    })
}

/// What one unit of `from` brings in `to`: the bid of the pair, or one over the ask of the reverse pair,
/// or both steps through the US dollar. `None` while a quote is missing.
pub fn rate_sell(from: &str, to: &str, quotes: &impl Quotes) -> Option<f64> {
    through_cross(from, to, |from, to| {
        let direct = quotes.pair(from, to).map(|quote| quote.bid.to_f64());
        direct.or_else(|| quotes.pair(to, from).map(|quote| 1.0 / quote.ask.to_f64()))
    })
}

fn through_cross(from: &str, to: &str, one_step: impl Fn(&str, &str) -> Option<f64>) -> Option<f64> {
    if from == to {
        return Some(1.0);
    }
    let usable = |rate: &f64| rate.is_finite() && *rate > 0.0;
    if let Some(rate) = one_step(from, to).filter(usable) {
        return Some(rate);
    }
    // From dollars or to dollars, one of these steps is what has just failed.
    Some(one_step(from, CROSS).filter(usable)? * one_step(CROSS, to).filter(usable)?)
}
