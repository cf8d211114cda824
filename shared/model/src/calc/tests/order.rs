//! Margin of orders, worked by hand. Sources of the formulas: MetaTrader 5 Help, "Margin Calculation: Retail Forex,
//! Futures"; MQL5 Reference, ENUM_SYMBOL_CALC_MODE.

use super::*;
use crate::OrderType;

fn needed(c: &Contract, kind: OrderType, volume: f64, at: f64, currency: &str) -> Option<String> {
    let margin = order_margin(c, kind, lots(volume), price(at), &deposit(currency), &Market);
    margin.map(|money| money.to_string())
}

/// Terms of a symbol of each mode, everything in dollars, and the margin of a buy on a dollar account 1:100.
struct Case {
    mode: CalcMode,
    size: f64,
    fixed: f64,
    tick: (f64, f64),
    volume: f64,
    at: f64,
    margin: Option<&'static str>,
}

impl Case {
    const fn of(mode: CalcMode, size: f64, volume: f64, at: f64, margin: Option<&'static str>) -> Self {
        Self { mode, size, fixed: 0.0, tick: (0.01, 0.0), volume, at, margin }
    }

    const fn fixed(self, fixed: f64) -> Self {
        Self { fixed, ..self }
    }

    const fn tick(self, size: f64, value: f64) -> Self {
        Self { tick: (size, value), ..self }
    }
}

const CASES: [Case; 26] = [
    // Lots * ContractSize / Leverage: 1 lot x 100,000 / 100 = 1,000.
    Case::of(CalcMode::Forex, 100_000.0, 1.0, 1.1, Some("1000")),
    // Fixed, by leverage: 2 lots x 50,000 / 100 = 1,000.
    Case::of(CalcMode::Forex, 100_000.0, 2.0, 1.1, Some("1000")).fixed(50_000.0),
    // Lots * ContractSize: 0.01 lots x 100,000 = 1,000.
    Case::of(CalcMode::ForexNoLeverage, 100_000.0, 0.01, 1.1, Some("1000")),
    // Fixed: 0.5 lots x 1,200 = 600.
    Case::of(CalcMode::ForexNoLeverage, 100_000.0, 0.5, 1.1, Some("600")).fixed(1200.0),
    // Lots * InitialMargin: 2 lots x 1,500 = 3,000.
    Case::of(CalcMode::Futures, 50.0, 2.0, 5000.0, Some("3000")).fixed(1500.0),
    // No initial margin is set: 2 lots x 0 = 0.
    Case::of(CalcMode::Futures, 50.0, 2.0, 5000.0, Some("0")),
    // Lots * ContractSize * MarketPrice: 0.1 lots x 100 x 2,400.50 = 24,005.
    Case::of(CalcMode::Cfd, 100.0, 0.1, 2400.5, Some("24005")),
    // Fixed: 0.1 lots x 900 = 90.
    Case::of(CalcMode::Cfd, 100.0, 0.1, 2400.5, Some("90")).fixed(900.0),
    // Lots * ContractSize * MarketPrice * TickPrice / TickSize: 2 lots x 1 x 5,000 x 0.05 / 0.1 = 5,000.
    Case::of(CalcMode::CfdIndex, 1.0, 2.0, 5000.0, Some("5000")).tick(0.1, 0.05),
    // The same without a tick: nobody can tell.
    Case::of(CalcMode::CfdIndex, 1.0, 2.0, 5000.0, None).tick(0.0, 0.05),
    // Lots * ContractSize * MarketPrice / Leverage: 3 lots x 10 x 70.25 / 100 = 21.075, rounded up.
    Case::of(CalcMode::CfdLeverage, 10.0, 3.0, 70.25, Some("21.08")),
    // Fixed, by leverage: 3 lots x 500 / 100 = 15.
    Case::of(CalcMode::CfdLeverage, 10.0, 3.0, 70.25, Some("15")).fixed(500.0),
    // Lots * ContractSize * LastPrice: 7 lots x 1 x 230.50 = 1,613.50.
    Case::of(CalcMode::Stocks, 1.0, 7.0, 230.5, Some("1613.5")),
    // The same: 3 lots x 10 x 251.37 = 7,541.10.
    Case::of(CalcMode::MoexStocks, 10.0, 3.0, 251.37, Some("7541.1")),
    // Fixed: 7 lots x 100 = 700.
    Case::of(CalcMode::Stocks, 1.0, 7.0, 230.5, Some("700")).fixed(100.0),
    // Lots * InitialMargin: 3 lots x 11,000 = 33,000.
    Case::of(CalcMode::ExchangeFutures, 1000.0, 3.0, 78.4, Some("33000")).fixed(11_000.0),
    // The same: 5 lots x 8,425.50 = 42,127.50.
    Case::of(CalcMode::FortsFutures, 1.0, 5.0, 92_450.0, Some("42127.5")).fixed(8425.5),
    // No initial margin is set: 5 lots x 0 = 0.
    Case::of(CalcMode::FortsFutures, 1.0, 5.0, 92_450.0, Some("0")),
    // Fixed: 2 lots x 310 = 620; no formula is published without.
    Case::of(CalcMode::Option, 100.0, 2.0, 4.5, Some("620")).fixed(310.0),
    Case::of(CalcMode::Option, 100.0, 2.0, 4.5, None),
    // Fixed: 1.5 lots x 480 = 720; no formula is published without.
    Case::of(CalcMode::MarginOption, 100.0, 1.5, 4.5, Some("720")).fixed(480.0),
    Case::of(CalcMode::MarginOption, 100.0, 1.5, 4.5, None),
    // Fixed: 4 lots x 950 = 3,800; without, nobody can tell as long as the face value is unknown.
    Case::of(CalcMode::Bonds, 1.0, 4.0, 99.8, Some("3800")).fixed(950.0),
    Case::of(CalcMode::Bonds, 1.0, 4.0, 99.8, None),
    Case::of(CalcMode::MoexBonds, 1.0, 4.0, 99.8, None),
    // Collateral is not traded and needs no margin.
    Case::of(CalcMode::Collateral, 1.0, 4.0, 99.8, Some("0")),
];

#[test]
fn each_calculation_mode_has_its_formula() {
    for case in &CASES {
        let mut c = contract(case.mode, case.size, "USD", "USD");
        (c.tick_size, c.tick_value) = case.tick;
        c.margin_initial = case.fixed;
        let margin = needed(&c, OrderType::Buy, case.volume, case.at, "USD");
        assert_eq!(margin.as_deref(), case.margin, "{:?} fixed {}", case.mode, case.fixed);
    }
    let missing = CalcMode::ALL.iter().find(|mode| CASES.iter().all(|case| case.mode != **mode));
    assert_eq!(missing, None);
}

#[test]
fn margin_is_converted_by_the_side_of_the_order() {
    // 1 lot x 100,000 EUR / 100 = 1,000 EUR. Bought at the ask 1.1002: 1,100.20; sold at the bid 1.1: 1,100.
    let mut eurusd = contract(CalcMode::Forex, 100_000.0, "USD", "EUR");
    assert_eq!(needed(&eurusd, OrderType::Buy, 1.0, 1.1002, "USD").as_deref(), Some("1100.2"));
    assert_eq!(needed(&eurusd, OrderType::Sell, 1.0, 1.1, "USD").as_deref(), Some("1100"));
    assert_eq!(needed(&eurusd, OrderType::Buy, 1.0, 1.1002, "EUR").as_deref(), Some("1000"));
    // By two steps: bought 1,000 EUR x 1.1002 x 1/1.25 (the bid of GBPUSD) = 880.16 GBP.
    assert_eq!(needed(&eurusd, OrderType::Buy, 1.0, 1.1002, "GBP").as_deref(), Some("880.16"));
    // 0.1 lots x 100 x 70 USD = 700 USD; 700 / 1.1 (bought at the bid) = 636.36 EUR, 700 / 1.1002 = 636.25.
    let oil = contract(CalcMode::Cfd, 100.0, "USD", "USD");
    assert_eq!(needed(&oil, OrderType::Buy, 0.1, 70.0, "EUR").as_deref(), Some("636.36"));
    assert_eq!(needed(&oil, OrderType::Sell, 0.1, 70.0, "EUR").as_deref(), Some("636.25"));
    eurusd.currency_margin = "TRY".into();
    assert_eq!(needed(&eurusd, OrderType::Buy, 1.0, 1.1002, "USD"), None);
}

#[test]
fn each_type_of_order_has_its_ratio() {
    let mut c = contract(CalcMode::Forex, 100_000.0, "USD", "USD");
    c.rates_initial = [1.0, 1.5, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6];
    // For keeping a position; a new order does not meet it.
    c.rates_maintenance = [9.0; 8];
    // 1 lot x 100,000 / 100 = 1,000, times the ratio of the type.
    let expected = ["1000", "1500", "100", "200", "300", "400", "500", "600", "0"];
    for (kind, expected) in OrderType::ALL.iter().zip(expected) {
        assert_eq!(needed(&c, *kind, 1.0, 1.1, "USD").as_deref(), Some(expected), "{kind:?}");
    }
}

#[test]
fn an_order_needs_what_its_position_will_hold() {
    for mode in CalcMode::ALL.iter().filter(|mode| **mode != CalcMode::CfdIndex) {
        let mut c = contract(*mode, 100.0, "USD", "EUR");
        c.margin_initial = 250.0;
        let mut exposure = Exposure::default();
        exposure.add(Side::Buy, lots(0.7), price(70.0), 1.1002);
        let held = exposure.margin(&c, &deposit("USD")).to_string();
        assert_eq!(needed(&c, OrderType::Buy, 0.7, 70.0, "USD"), Some(held), "{mode:?}");
    }
}

#[test]
fn figures_that_are_no_numbers_give_no_margin() {
    let mut c = contract(CalcMode::Cfd, f64::NAN, "USD", "USD");
    assert_eq!(needed(&c, OrderType::Buy, 1.0, 70.0, "USD"), None);
    c.contract_size = f64::INFINITY;
    assert_eq!(needed(&c, OrderType::Buy, 1.0, 70.0, "USD"), None);
    c.contract_size = 100.0;
    assert_eq!(needed(&c, OrderType::Buy, 0.0, 70.0, "USD").as_deref(), Some("0"));
    c.rates_initial[0] = f64::NAN;
    assert_eq!(needed(&c, OrderType::Buy, 1.0, 70.0, "USD"), None);
}
