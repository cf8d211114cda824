//! Tick values, worked by hand. Sources: MQL5 Reference, SYMBOL_TRADE_TICK_VALUE_PROFIT and _LOSS,
//! ENUM_SYMBOL_CALC_MODE.

use super::*;

/// The tick value to eight digits, of a gain and of a loss.
fn values(c: &Contract, currency: &str) -> Option<(String, String)> {
    let value = tick_value(c, &deposit(currency), &Market)?;
    let show = |value| Money::round(value, 8).to_string();
    Some((show(value.profit), show(value.loss)))
}

fn some(profit: &str, loss: &str) -> Option<(String, String)> {
    Some((profit.into(), loss.into()))
}

#[test]
fn each_calculation_mode_values_its_tick() {
    // Mode, contract size, tick size, tick value, value of a tick of a lot in dollars.
    let cases: [(CalcMode, f64, f64, f64, Option<&str>); 15] = [
        // 0.00001 x 100,000 = 1.
        (CalcMode::Forex, 100_000.0, 0.00001, 0.0, Some("1")),
        (CalcMode::ForexNoLeverage, 100_000.0, 0.00001, 0.0, Some("1")),
        // 0.01 x 100 = 1; 0.1 x 5 = 0.5; 0.05 x 20 = 1. The symbol's tick value plays no part in these profits.
        (CalcMode::Cfd, 100.0, 0.01, 7.0, Some("1")),
        (CalcMode::CfdIndex, 5.0, 0.1, 7.0, Some("0.5")),
        (CalcMode::CfdLeverage, 20.0, 0.05, 7.0, Some("1")),
        // 0.01 x 1 = 0.01; 0.02 x 10 = 0.2.
        (CalcMode::Stocks, 1.0, 0.01, 7.0, Some("0.01")),
        (CalcMode::MoexStocks, 10.0, 0.02, 7.0, Some("0.2")),
        // (close - open) * TickPrice / TickSize * Lots: a tick brings the symbol's tick value.
        (CalcMode::Futures, 50.0, 0.25, 12.5, Some("12.5")),
        (CalcMode::ExchangeFutures, 1000.0, 0.01, 10.0, Some("10")),
        (CalcMode::FortsFutures, 1.0, 10.0, 13.8, Some("13.8")),
        (CalcMode::Option, 100.0, 0.05, 5.0, Some("5")),
        (CalcMode::MarginOption, 100.0, 0.05, 5.0, Some("5")),
        // Profit of bonds needs the face value, which these terms lack; collateral makes no profit.
        (CalcMode::Bonds, 1.0, 0.01, 0.1, None),
        (CalcMode::MoexBonds, 1.0, 0.01, 0.1, None),
        (CalcMode::Collateral, 1.0, 0.01, 0.1, None),
    ];
    for (mode, size, tick_size, tick, expected) in cases {
        let mut c = contract(mode, size, "USD", "USD");
        (c.tick_size, c.tick_value) = (tick_size, tick);
        assert_eq!(values(&c, "USD"), expected.and_then(|value| some(value, value)), "{mode:?}");
    }
    let missing = CalcMode::ALL.iter().find(|mode| cases.iter().all(|case| case.0 != **mode));
    assert_eq!(missing, None);
}

#[test]
fn gains_are_sold_and_losses_bought() {
    // A tick of 1 USD in EUR: sold at the ask, 1 / 1.1002 = 0.90892565; bought at the bid, 1 / 1.1 = 0.90909091.
    let eurusd = contract(CalcMode::Forex, 100_000.0, "USD", "EUR");
    assert_eq!(values(&eurusd, "EUR"), some("0.90892565", "0.90909091"));
    // 0.001 x 100,000 = 100 JPY in USD: 100 / 150.02 = 0.66657779, 100 / 150 = 0.66666667.
    let mut usdjpy = contract(CalcMode::Forex, 100_000.0, "JPY", "USD");
    usdjpy.tick_size = 0.001;
    assert_eq!(values(&usdjpy, "USD"), some("0.66657779", "0.66666667"));
    usdjpy.currency_profit = "TRY".into();
    assert_eq!(values(&usdjpy, "USD"), None);
}

#[test]
fn ticks_add_up_to_the_profit() {
    for mode in CalcMode::ALL {
        let mut c = contract(*mode, 10.0, "USD", "USD");
        // The value that the server would send: tick size times contract size.
        (c.tick_size, c.tick_value, c.face_value) = (0.05, 0.5, 500.0);
        let value = tick_value(&c, &deposit("EUR"), &Market);
        // 2 lots, 1,000 ticks up.
        let gain = profit(&c, Side::Buy, 2.0, 100.0, 150.0, "EUR");
        let loss = profit(&c, Side::Sell, 2.0, 100.0, 150.0, "EUR");
        let ticks = |value: f64| Money::round(value * 2000.0, 2).to_string();
        if c.is_forex() {
            // Forex converts by the side of the position: bought, whatever a buy brings.
            assert_eq!(gain, value.map(|value| ticks(value.loss)), "{mode:?}");
            assert_eq!(loss, value.map(|value| ticks(-value.profit)), "{mode:?}");
        } else {
            assert_eq!(gain, value.map(|value| ticks(value.profit)), "{mode:?}");
            assert_eq!(loss, value.map(|value| ticks(-value.loss)), "{mode:?}");
        }
    }
}

#[test]
fn a_symbol_without_a_tick_size_steps_by_a_point() {
    let mut c = contract(CalcMode::Forex, 100_000.0, "USD", "EUR");
    c.tick_size = 0.0;
    // 5 digits: 0.00001 x 100,000 = 1.
    assert_eq!(values(&c, "USD"), some("1", "1"));
    c.contract_size = f64::NAN;
    assert_eq!(values(&c, "USD"), None);
    // What one tick of a future is worth cannot be told from its point.
    c.calc_mode = CalcMode::Futures;
    assert_eq!(values(&c, "USD"), None);
}
