//! Conversion by quotes: which of them are used, and which are none.

use super::*;

/// Pairs with bid and ask.
struct Pairs(&'static [(&'static str, &'static str, f64, f64)]);

impl Quotes for Pairs {
    fn pair(&self, base: &str, profit: &str) -> Option<BidAsk> {
        let quote = self.0.iter().find(|pair| (pair.0, pair.1) == (base, profit));
        quote.map(|pair| BidAsk { bid: price(pair.2), ask: price(pair.3) })
    }
}

/// What a unit costs and brings, to five digits.
fn rates(pairs: &'static [(&'static str, &'static str, f64, f64)], from: &str, to: &str) -> Option<String> {
    let (buy, sell) = (rate_buy(from, to, &Pairs(pairs)), rate_sell(from, to, &Pairs(pairs)));
    assert_eq!(buy.is_some(), sell.is_some(), "{from} in {to}");
    Some(format!("{:.5} {:.5}", buy?, sell?))
}

#[test]
fn a_pair_is_used_before_its_reverse_and_both_before_dollars() {
    let direct: &[_] = &[("EUR", "GBP", 0.85, 0.86), ("GBP", "EUR", 1.25, 1.6)];
    assert_eq!(rates(direct, "EUR", "GBP").as_deref(), Some("0.86000 0.85000"));
    // One over the bid, one over the ask.
    let reverse: &[_] = &[("GBP", "EUR", 1.25, 1.6), ("EUR", "USD", 1.1, 1.2), ("USD", "GBP", 0.7, 0.8)];
    assert_eq!(rates(reverse, "EUR", "GBP").as_deref(), Some("0.80000 0.62500"));
    // Bought for 1.2 dollars of 0.8 pounds each; sold for 1.1 of 0.7 each.
    assert_eq!(rates(&reverse[1..], "EUR", "GBP").as_deref(), Some("0.96000 0.77000"));
    assert_eq!(rates(&[], "EUR", "EUR").as_deref(), Some("1.00000 1.00000"));
}

#[test]
fn a_symbol_without_a_price_converts_nothing() {
    for (from, to) in [("EUR", "USD"), ("USD", "EUR"), ("EUR", "GBP"), ("GBP", "EUR")] {
        assert_eq!(rates(&[], from, to), None, "{from} in {to}");
        let unpriced = &[("EUR", "USD", 0.0, 0.0), ("EUR", "GBP", 0.0, 0.0), ("GBP", "USD", 1.25, 1.25)];
        assert_eq!(rates(unpriced, from, to), None, "{from} in {to}");
    }
    // The pair has none, its way through dollars has.
    let way = &[("EUR", "GBP", 0.0, 0.0), ("EUR", "USD", 1.1, 1.1), ("GBP", "USD", 1.25, 1.25)];
    assert_eq!(rates(way, "EUR", "GBP").as_deref(), Some("0.88000 0.88000"));
    assert_eq!(rates(&way[..2], "EUR", "GBP"), None, "half of the way");
    // A broker may list dollars in dollars: no way to anything else.
    assert_eq!(rates(&[("USD", "USD", 1.0, 1.0)], "USD", "EUR"), None);
}
