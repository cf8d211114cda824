//! The formulas against figures worked out by hand.

use super::*;
use crate::{CalcMode, Money, Price, Side, Volume};

mod convert;
mod equity;
mod formulas;
mod leverage;
mod order;
mod pending;
mod tick;

/// EURUSD 1.10000/1.10020, USDJPY 150.00/150.02, GBPUSD 1.25000/1.25030.
struct Market;

impl Quotes for Market {
    fn pair(&self, base: &str, profit: &str) -> Option<BidAsk> {
        let quote = |bid, ask| Some(BidAsk { bid: price(bid), ask: price(ask) });
        match (base, profit) {
            ("EUR", "USD") => quote(1.1, 1.1002),
            ("USD", "JPY") => quote(150.0, 150.02),
            ("GBP", "USD") => quote(1.25, 1.2503),
            _ => None,
        }
    }
}

fn price(value: f64) -> Price {
    Price::from_f64(value, 5).unwrap()
}

fn lots(value: f64) -> Volume {
    Volume::from_lots(value).unwrap()
}

fn deposit(currency: &str) -> Deposit {
    Deposit { currency: currency.into(), digits: 2, leverage: 100 }
}

fn contract(calc_mode: CalcMode, size: f64, profit: &str, margin: &str) -> Contract {
    Contract {
        calc_mode,
        digits: 5,
        contract_size: size,
        face_value: 0.0,
        accrued_interest: 0.0,
        liquidity_rate: 0.0,
        tick_value: 0.0,
        tick_size: 0.00001,
        currency_profit: profit.into(),
        currency_profit_digits: 2,
        currency_margin: margin.into(),
        margin_initial: 0.0,
        margin_hedged: size,
        rates_initial: [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        rates_maintenance: [0.0; 8],
        margin_flags: 0,
        trade_flags: 0,
    }
}

fn profit(c: &Contract, side: Side, volume: f64, open: f64, close: f64, currency: &str) -> Option<String> {
    let result = profit_of(c, side, lots(volume), price(open), price(close), &deposit(currency), &Market);
    result.map(|profit| profit.money.to_string())
}

#[test]
fn forex_profit_is_converted_by_the_side_of_the_position() {
    let eurusd = contract(CalcMode::Forex, 100_000.0, "USD", "EUR");
    assert_eq!(profit(&eurusd, Side::Buy, 1.0, 1.1, 1.101, "USD").as_deref(), Some("100"));
    // 100 USD in EUR for a buy: rate_buy(USD, EUR) = 1 / bid of EURUSD.
    assert_eq!(profit(&eurusd, Side::Buy, 1.0, 1.1, 1.101, "EUR").as_deref(), Some("90.91"));
    // For a sell: rate_sell = 1 / ask.
    assert_eq!(profit(&eurusd, Side::Sell, 1.0, 1.101, 1.1, "EUR").as_deref(), Some("90.89"));
    let usdjpy = contract(CalcMode::Forex, 100_000.0, "JPY", "USD");
    assert_eq!(profit(&usdjpy, Side::Sell, 0.1, 150.0, 150.5, "USD").as_deref(), Some("-33.33"));
    // JPY to GBP goes through the dollar.
    assert_eq!(profit(&usdjpy, Side::Sell, 0.1, 150.0, 150.5, "GBP").as_deref(), Some("-26.66"));
}

#[test]
fn other_profit_is_converted_by_its_sign() {
    let mut cfd = contract(CalcMode::Cfd, 100.0, "USD", "USD");
    assert_eq!(profit(&cfd, Side::Buy, 1.0, 70.0, 71.0, "EUR").as_deref(), Some("90.89"));
    assert_eq!(profit(&cfd, Side::Buy, 1.0, 71.0, 70.0, "EUR").as_deref(), Some("-90.91"));
    cfd.calc_mode = CalcMode::Futures;
    (cfd.tick_size, cfd.tick_value) = (0.25, 12.5);
    assert_eq!(profit(&cfd, Side::Sell, 2.0, 5000.0, 4999.0, "USD").as_deref(), Some("100"));
    let even = profit_of(&cfd, Side::Buy, lots(1.0), price(70.0), price(70.0), &deposit("EUR"), &Market);
    // What is no loss counts as a profit: one over the ask of EURUSD.
    assert_eq!(even.map(|even| format!("{} {:.5}", even.money, even.rate)).as_deref(), Some("0 0.90893"));
    let mut forex = contract(CalcMode::Forex, 100_000.0, "USD", "EUR");
    forex.trade_flags = PROFIT_BY_MARKET_RATES;
    assert_eq!(profit(&forex, Side::Buy, 1.0, 1.1, 1.101, "EUR").as_deref(), Some("90.89"));
}

#[test]
fn a_missing_quote_gives_no_profit_rather_than_a_wrong_one() {
    let exotic = contract(CalcMode::Forex, 100_000.0, "TRY", "USD");
    assert_eq!(profit(&exotic, Side::Buy, 1.0, 30.0, 31.0, "USD"), None);
    let bond = contract(CalcMode::Bonds, 100.0, "USD", "USD");
    assert_eq!(profit(&bond, Side::Buy, 1.0, 30.0, 31.0, "USD"), None);
}

#[test]
fn a_future_is_worth_its_ticks_where_it_has_any() {
    let mut futures = contract(CalcMode::Futures, 50.0, "USD", "USD");
    futures.tick_value = 12.5;
    for (tick_size, expected) in [(0.25, "50"), (0.5, "25"), (0.0, "50"), (-0.5, "50")] {
        futures.contract_size = if tick_size > 0.0 { 1.0 } else { 50.0 };
        futures.tick_size = tick_size;
        assert_eq!(unit_value(&futures).to_string(), expected, "{tick_size}");
    }
}

/// Of a single long position whose margin currency is the account's.
fn margin(c: &Contract, volume: f64, open: f64) -> String {
    let mut exposure = Exposure::default();
    exposure.add(Side::Buy, lots(volume), price(open), 1.0);
    exposure.margin(c, &deposit("USD")).to_string()
}

#[test]
fn margin_follows_the_calculation_mode() {
    let cases = [
        (CalcMode::Forex, 100_000.0, 1.1, "1000"),
        (CalcMode::ForexNoLeverage, 100_000.0, 1.1, "100000"),
        (CalcMode::Cfd, 100.0, 70.0, "7000"),
        (CalcMode::CfdLeverage, 100.0, 70.0, "70"),
        (CalcMode::Stocks, 1.0, 230.5, "230.5"),
    ];
    for (mode, size, at, expected) in cases {
        let c = contract(mode, size, "USD", "USD");
        assert_eq!(margin(&c, 1.0, at), expected, "{mode:?}");
    }
    let mut index = contract(CalcMode::CfdIndex, 1.0, "USD", "USD");
    (index.tick_size, index.tick_value) = (0.1, 0.1);
    index.rates_maintenance[0] = 0.05;
    assert_eq!(margin(&index, 2.0, 5000.0), "500");
    let mut futures = contract(CalcMode::Futures, 1.0, "USD", "USD");
    futures.margin_initial = 1500.0;
    assert_eq!(margin(&futures, 2.0, 5000.0), "3000");
    let mut fixed = contract(CalcMode::Forex, 100_000.0, "USD", "USD");
    fixed.margin_initial = 50_000.0;
    assert_eq!(margin(&fixed, 1.0, 1.1), "500");
}

#[test]
fn hedged_volume_pays_once_by_the_hedged_size() {
    let mut c = contract(CalcMode::Forex, 100_000.0, "USD", "EUR");
    c.margin_hedged = 50_000.0;
    let mut exposure = Exposure::default();
    exposure.add(Side::Buy, lots(1.0), price(1.1), 1.1);
    exposure.add(Side::Buy, lots(1.0), price(1.2), 1.2);
    exposure.add(Side::Sell, lots(0.5), price(1.15), 1.15);
    // Uncovered 1.5 lots at the buys' average rate 1.15, covered 0.5 at the average of all, 1.15.
    assert_eq!(exposure.margin(&c, &deposit("USD")).to_string(), "2012.5");
    c.margin_flags = MARGIN_LARGER_LEG;
    assert_eq!(exposure.margin(&c, &deposit("USD")).to_string(), "2300");
    c.margin_flags = 0;
    c.margin_hedged = 0.0;
    exposure.add(Side::Sell, lots(1.5), price(1.15), 1.15);
    assert_eq!(exposure.margin(&c, &deposit("USD")), Money::ZERO);
}

#[test]
fn what_is_hedged_pays_by_the_average_price_of_both_sides() {
    let mut c = contract(CalcMode::Cfd, 100.0, "USD", "USD");
    c.margin_hedged = 50.0;
    let mut exposure = Exposure::default();
    assert!(exposure.is_empty());
    exposure.add(Side::Sell, lots(1.0), price(130.0), 1.0);
    assert!(!exposure.is_empty());
    exposure.add(Side::Buy, lots(2.0), price(100.0), 1.0);
    // Uncovered 1 x 100 x 100; covered 1 x 50 x (2 x 100 + 130) / 3.
    assert_eq!(exposure.margin(&c, &deposit("USD")).to_string(), "15500");
    assert_eq!((exposure.volume(Side::Buy), exposure.volume(Side::Sell)), (lots(2.0), lots(1.0)));
}

#[test]
fn an_index_without_a_tick_has_no_margin_of_its_own() {
    let mut index = contract(CalcMode::CfdIndex, 1.0, "USD", "USD");
    index.tick_value = 0.1;
    for tick_size in [0.0, -0.1] {
        index.tick_size = tick_size;
        assert_eq!(margin(&index, 2.0, 5000.0), "0", "{tick_size}");
    }
}

#[test]
fn equity_and_free_margin_add_up() {
    let funds = Funds {
        balance: Money::round(10_000.0, 2),
        credit: Money::round(100.0, 2),
        commission_accrued: Money::round(-3.5, 2),
    };
    let mut c = contract(CalcMode::Forex, 100_000.0, "USD", "EUR");
    let mut floating = Floating::default();
    floating.add(&c, Side::Buy, Money::round(-250.0, 2), Money::round(-1.25, 2));
    let margin = Money::round(1100.0, 2);
    let with = |mode| Equity::of(&funds, &floating, margin, mode);
    let figures = with(FreeMarginMode::ProfitAndLoss);
    assert_eq!(figures.equity.to_string(), "9845.25");
    assert_eq!(figures.free_margin.to_string(), "8745.25");
    assert_eq!(Money::round(figures.margin_level, 2).to_string(), "895.02");
    assert_eq!(with(FreeMarginMode::None).free_margin.to_string(), "8996.5");
    assert_eq!(with(FreeMarginMode::Profit).free_margin.to_string(), "8996.5");
    assert_eq!(with(FreeMarginMode::Loss).free_margin.to_string(), "8745.25");
    assert_eq!(
        Money::round(Equity::of(&funds, &floating, Money::ZERO, FreeMarginMode::None).margin_level, 2),
        Money::ZERO
    );

    c.margin_flags = MARGIN_NO_LONG_PROFIT;
    let mut gains = Floating::default();
    gains.add(&c, Side::Buy, Money::round(50.0, 2), Money::ZERO);
    gains.add(&c, Side::Sell, Money::round(20.0, 2), Money::ZERO);
    let figures = Equity::of(&funds, &gains, margin, FreeMarginMode::ProfitAndLoss);
    assert_eq!((figures.equity - figures.free_margin - margin).to_string(), "50");
}
