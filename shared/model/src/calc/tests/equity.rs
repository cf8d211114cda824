//! Which floating results count where.

use super::*;

fn money(value: f64) -> Money {
    Money::round(value, 2)
}

fn free_margin(contract: &Contract, side: Side, profit: f64) -> String {
    let mut floating = Floating::default();
    floating.add(contract, side, money(profit), money(-2.0));
    let funds = Funds { balance: money(1000.0), ..Funds::default() };
    Equity::of(&funds, &floating, Money::ZERO, FreeMarginMode::ProfitAndLoss).free_margin.to_string()
}

#[test]
fn the_careful_reading_of_an_unknown_free_margin_mode_counts_losses_only() {
    use FreeMarginMode::{Loss, None, Profit, ProfitAndLoss};
    let read: Vec<_> = (0..6).map(FreeMarginMode::from_number).collect();
    assert_eq!(read, [None, ProfitAndLoss, Profit, Loss, Loss, Loss]);
}

#[test]
fn only_the_gains_of_long_positions_can_be_excluded() {
    let mut c = contract(CalcMode::Forex, 100_000.0, "USD", "EUR");
    let all = |c: &Contract| {
        [(Side::Buy, 50.0), (Side::Sell, 50.0), (Side::Buy, -50.0), (Side::Sell, -50.0)]
            .map(|(side, profit)| free_margin(c, side, profit))
    };
    // Each has a swap of -2, which counts always.
    assert_eq!(all(&c), ["1048", "1048", "948", "948"]);
    c.margin_flags = MARGIN_NO_LONG_PROFIT;
    assert_eq!(all(&c), ["998", "1048", "948", "948"]);
    c.margin_flags = MARGIN_LARGER_LEG;
    assert_eq!(all(&c), ["1048", "1048", "948", "948"]);
}

#[test]
fn a_position_without_terms_counts_by_what_the_server_says() {
    let mut floating = Floating::default();
    floating.add_without_terms(money(50.0), money(-2.0));
    floating.add_without_terms(money(-20.0), money(-1.0));
    assert_eq!((floating.profit, floating.swap), (money(30.0), money(-3.0)));
    assert_eq!(floating.total(), money(27.0));
}

#[test]
fn there_is_no_margin_level_without_margin() {
    let funds = Funds { balance: money(1000.0), ..Funds::default() };
    let level = |margin: f64| {
        let figures = Equity::of(&funds, &Floating::default(), money(margin), FreeMarginMode::None);
        format!("{:.2}", figures.margin_level)
    };
    assert_eq!(level(0.0), "0.00");
    assert_eq!(level(0.01), "10000000.00");
    assert_eq!(level(300.0), "333.33");
}
