//! Margin and profit of every calculation mode, each row with the source of its formula; worked examples that were
//! published stand with their own numbers. `ENUM_SYMBOL_CALC_MODE` is of the MQL5 Reference, "Symbol Properties".

use super::*;
use crate::OrderType;

/// A long position of an account 1:100 whose currency is that of the symbol.
struct Row {
    mode: CalcMode,
    size: f64,
    face: f64,
    /// Fixed margin a lot.
    fixed: f64,
    /// Size and value.
    tick: (f64, f64),
    volume: f64,
    open: f64,
    close: f64,
    /// In use once it is open; `None`: only the server can tell.
    margin: Option<&'static str>,
    /// At `close`; `None`: only the server can tell, or there is none.
    profit: Option<&'static str>,
    source: &'static str,
}

const ROW: Row = Row {
    mode: CalcMode::Forex,
    size: 100_000.0,
    face: 0.0,
    fixed: 0.0,
    tick: (0.01, 0.0),
    volume: 1.0,
    open: 1.0,
    close: 1.0,
    margin: None,
    profit: None,
    source: "",
};

const ROWS: [Row; 19] = [
    Row {
        // 1 x 100,000 / 100 = 1,000; (1.1050 - 1.1000) x 100,000 = 500.
        mode: CalcMode::Forex,
        open: 1.1,
        close: 1.105,
        margin: Some("1000"),
        profit: Some("500"),
        source: "MetaTrader 5 Help, Margin Calculation: Retail Forex, Futures: the example of EURUSD",
        ..ROW
    },
    Row {
        // 0.5 x 100,000 = 50,000; (0.9000 - 0.9100) x 100,000 x 0.5 = -500.
        mode: CalcMode::ForexNoLeverage,
        volume: 0.5,
        open: 0.91,
        close: 0.9,
        margin: Some("50000"),
        profit: Some("-500"),
        source: "SYMBOL_CALC_MODE_FOREX_NO_LEVERAGE: Lots * Contract_Size",
        ..ROW
    },
    Row {
        // 3 x 1,500 = 4,500; 10 points of 0.25 x 12.5 x 3 = 1,500.
        mode: CalcMode::Futures,
        fixed: 1500.0,
        tick: (0.25, 12.5),
        volume: 3.0,
        open: 5000.0,
        close: 5010.0,
        margin: Some("4500"),
        profit: Some("1500"),
        source: "SYMBOL_CALC_MODE_FUTURES: Lots * InitialMargin; (close - open) * TickPrice / TickSize * Lots",
        ..ROW
    },
    Row {
        // 1 x 100 x 1,000 = 100,000; (1,012.5 - 1,000) x 100 = 1,250.
        mode: CalcMode::Cfd,
        size: 100.0,
        open: 1000.0,
        close: 1012.5,
        margin: Some("100000"),
        profit: Some("1250"),
        source: "MetaTrader 5 Help, Margin Calculation: Retail Forex, Futures: the example of XAUUSD",
        ..ROW
    },
    Row {
        // 2 x 1 x 5,000 x 0.05 / 0.1 = 5,000; the profit leaves the tick out: (5,100 - 5,000) x 1 x 2 = 200.
        mode: CalcMode::CfdIndex,
        size: 1.0,
        tick: (0.1, 0.05),
        volume: 2.0,
        open: 5000.0,
        close: 5100.0,
        margin: Some("5000"),
        profit: Some("200"),
        source: "SYMBOL_CALC_MODE_CFDINDEX: (Lots * ContractSize * MarketPrice) * TickPrice / TickSize",
        ..ROW
    },
    Row {
        // 1 x 100 x 1,000 / 100 = 1,000; -12.5 x 100 = -1,250.
        mode: CalcMode::CfdLeverage,
        size: 100.0,
        open: 1000.0,
        close: 987.5,
        margin: Some("1000"),
        profit: Some("-1250"),
        source: "SYMBOL_CALC_MODE_CFDLEVERAGE: (Lots * ContractSize * MarketPrice) / Leverage",
        ..ROW
    },
    Row {
        // 7 x 10 x 230.50 = 16,135; 1.25 x 10 x 7 = 87.50.
        mode: CalcMode::Stocks,
        size: 10.0,
        volume: 7.0,
        open: 230.5,
        close: 231.75,
        margin: Some("16135"),
        profit: Some("87.5"),
        source: "SYMBOL_CALC_MODE_EXCH_STOCKS: Lots * ContractSize * LastPrice",
        ..ROW
    },
    Row {
        // 2 x 11,000 = 22,000; 0.40 / 0.01 x 10 x 2 = 800.
        mode: CalcMode::ExchangeFutures,
        fixed: 11_000.0,
        tick: (0.01, 10.0),
        volume: 2.0,
        open: 78.4,
        close: 78.8,
        margin: Some("22000"),
        profit: Some("800"),
        source: "SYMBOL_CALC_MODE_EXCH_FUTURES: Lots * InitialMargin; (close - open) * Lots * TickPrice / TickSize",
        ..ROW
    },
    Row {
        // 5 x 8,425.50 = 42,127.50; -50 / 10 x 13.8 x 5 = -345. The margin of the settlement price is the server's.
        mode: CalcMode::FortsFutures,
        fixed: 8425.5,
        tick: (10.0, 13.8),
        volume: 5.0,
        open: 92_450.0,
        close: 92_400.0,
        margin: Some("42127.5"),
        profit: Some("-345"),
        source: "SYMBOL_CALC_MODE_EXCH_FUTURES_FORTS: (close - open) * Lots * TickPrice / TickSize",
        ..ROW
    },
    Row {
        // No formula is published for its margin; 0.50 / 0.05 x 5 x 2 = 100.
        mode: CalcMode::Option,
        tick: (0.05, 5.0),
        volume: 2.0,
        open: 4.5,
        close: 5.0,
        margin: None,
        profit: Some("100"),
        source: "protocol 13: options as futures",
        ..ROW
    },
    Row {
        // A fixed margin holds everywhere: 2 x 310 = 620.
        mode: CalcMode::Option,
        fixed: 310.0,
        tick: (0.05, 5.0),
        volume: 2.0,
        open: 4.5,
        close: 4.0,
        margin: Some("620"),
        profit: Some("-100"),
        source: "MetaTrader 5 Help, Margin Calculation: Retail Forex, Futures: fixed margin",
        ..ROW
    },
    Row {
        mode: CalcMode::MarginOption,
        tick: (0.05, 5.0),
        volume: 2.0,
        open: 4.5,
        close: 5.0,
        margin: None,
        profit: Some("100"),
        source: "protocol 13: options as futures",
        ..ROW
    },
    Row {
        // 4 x 1 x 1,000 x 97.35 / 100 = 3,894; 4 x 1 x 1,000 x 0.40 / 100 = 16.
        mode: CalcMode::Bonds,
        size: 1.0,
        face: 1000.0,
        volume: 4.0,
        open: 97.35,
        close: 97.75,
        margin: Some("3894"),
        profit: Some("16"),
        source: "SYMBOL_CALC_MODE_EXCH_BONDS: Lots * ContractSize * FaceValue * open_price / 100",
        ..ROW
    },
    Row {
        mode: CalcMode::Bonds,
        size: 1.0,
        volume: 4.0,
        open: 97.35,
        close: 97.75,
        margin: None,
        profit: None,
        source: "SYMBOL_CALC_MODE_EXCH_BONDS: nothing without a face value",
        ..ROW
    },
    Row {
        // 3 x 251.37 x 10 = 7,541.10; 3 x -1.37 x 10 = -41.10.
        mode: CalcMode::MoexStocks,
        size: 10.0,
        volume: 3.0,
        open: 251.37,
        close: 250.0,
        margin: Some("7541.1"),
        profit: Some("-41.1"),
        source: "SYMBOL_CALC_MODE_EXCH_STOCKS_MOEX: Lots * ContractSize * LastPrice",
        ..ROW
    },
    Row {
        // 10 x 1 x 1,000 x 101.2 / 100 = 10,120; 10 x 1,000 x -1.2 / 100 = -120.
        mode: CalcMode::MoexBonds,
        size: 1.0,
        face: 1000.0,
        volume: 10.0,
        open: 101.2,
        close: 100.0,
        margin: Some("10120"),
        profit: Some("-120"),
        source: "SYMBOL_CALC_MODE_EXCH_BONDS_MOEX: Lots * ContractSize * FaceValue * open_price / 100",
        ..ROW
    },
    Row {
        // Fixed: 2 x 900 = 1,800, whatever the price is.
        mode: CalcMode::MoexBonds,
        size: 1.0,
        face: 1000.0,
        fixed: 900.0,
        volume: 2.0,
        open: 101.2,
        close: 101.2,
        margin: Some("1800"),
        profit: Some("0"),
        source: "MetaTrader 5 Help, Margin Calculation: Retail Forex, Futures: fixed margin",
        ..ROW
    },
    Row {
        mode: CalcMode::Collateral,
        size: 1.0,
        open: 1100.0,
        close: 1210.56,
        margin: Some("0"),
        profit: None,
        source: "MetaTrader 5 Help, Collateral Symbols: no margin, no profit",
        ..ROW
    },
    Row {
        mode: CalcMode::Collateral,
        size: 1.0,
        fixed: 500.0,
        open: 1100.0,
        close: 1210.56,
        margin: Some("0"),
        profit: None,
        source: "MetaTrader 5 Help, Collateral Symbols: no margin, no profit",
        ..ROW
    },
];

fn terms(row: &Row) -> Contract {
    let mut c = contract(row.mode, row.size, "USD", "USD");
    (c.tick_size, c.tick_value) = row.tick;
    (c.face_value, c.margin_initial) = (row.face, row.fixed);
    c
}

#[test]
fn every_calculation_mode_has_margin_and_profit_by_its_source() {
    for row in &ROWS {
        let (c, account) = (terms(row), deposit("USD"));
        let needed = order_margin(&c, OrderType::Buy, lots(row.volume), price(row.open), &account, &Market);
        assert_eq!(needed.map(|money| money.to_string()).as_deref(), row.margin, "{}", row.source);
        let mut held = Exposure::default();
        held.add(Side::Buy, lots(row.volume), price(row.open), 1.0);
        // What nobody can tell counts as nothing.
        assert_eq!(held.margin(&c, &account).to_string(), row.margin.unwrap_or("0"), "{}", row.source);
        let long = profit(&c, Side::Buy, row.volume, row.open, row.close, "USD");
        assert_eq!(long.as_deref(), row.profit, "{}", row.source);
        let short = profit(&c, Side::Sell, row.volume, row.close, row.open, "USD");
        assert_eq!(
            short.as_deref(),
            row.profit,
            "sold at the close, bought back at the open: {}",
            row.source
        );
    }
    let missing = CalcMode::ALL.iter().find(|mode| ROWS.iter().all(|row| row.mode != **mode));
    assert_eq!(missing, None, "every mode has a row");
    assert!(ROWS.iter().all(|row| !row.source.is_empty()));
}

#[test]
fn ratios_multiply_every_margin() {
    // MQL5 Reference, SymbolInfoMarginRate: the margin times the rate of the order's type.
    for row in ROWS.iter().filter(|row| row.margin.is_some()) {
        let mut c = terms(row);
        c.rates_initial[0] = 0.5;
        let needed =
            order_margin(&c, OrderType::Buy, lots(row.volume), price(row.open), &deposit("USD"), &Market);
        let whole: f64 = row.margin.unwrap_or_default().parse().unwrap();
        assert_eq!(needed, Some(Money::round(whole / 2.0, 2)), "{}", row.source);
    }
}

/// An ounce of gold that the market values at 1,210.56 dollars (MetaTrader 5 Help, "Collateral Symbols").
#[test]
fn collateral_covers_by_its_liquid_value() {
    let mut gold = contract(CalcMode::Collateral, 1.0, "USD", "USD");
    let value = |c: &Contract, side, volume, currency: &str| {
        let value = asset_value(c, side, lots(volume), price(1210.56), &deposit(currency), &Market);
        value.map(|money| money.to_string())
    };
    gold.liquidity_rate = 1.0;
    assert_eq!(value(&gold, Side::Buy, 1.0, "USD").as_deref(), Some("1210.56"));
    // 2 x 1,210.56 x 0.8; sold for euros at the ask, 1.1002; what is owed is bought at the bid, 1.1.
    gold.liquidity_rate = 0.8;
    assert_eq!(value(&gold, Side::Buy, 2.0, "USD").as_deref(), Some("1936.9"));
    assert_eq!(value(&gold, Side::Buy, 2.0, "EUR").as_deref(), Some("1760.49"));
    assert_eq!(value(&gold, Side::Sell, 2.0, "EUR").as_deref(), Some("-1760.81"));
    gold.currency_profit = "TRY".into();
    assert_eq!(value(&gold, Side::Buy, 2.0, "USD"), None);
    for mode in CalcMode::ALL.iter().filter(|mode| **mode != CalcMode::Collateral) {
        let mut other = contract(*mode, 1.0, "USD", "USD");
        other.liquidity_rate = 1.0;
        assert_eq!(value(&other, Side::Buy, 1.0, "USD").as_deref(), Some("0"), "{mode:?}");
    }
}

#[test]
fn assets_raise_equity_free_margin_and_level() {
    let funds = Funds { balance: Money::round(1000.0, 2), ..Funds::default() };
    let margin = Money::round(500.0, 2);
    let mut floating = Floating::default();
    let of = |floating: &Floating, mode| Equity::of(&funds, floating, margin, mode);
    for mode in [FreeMarginMode::None, FreeMarginMode::ProfitAndLoss, FreeMarginMode::Loss] {
        let before = of(&floating, mode);
        assert_eq!(
            (before.equity.to_string(), before.free_margin.to_string()),
            ("1000".into(), "500".into())
        );
    }
    floating.add_asset(Money::round(1210.56, 2));
    let with = of(&floating, FreeMarginMode::None);
    assert_eq!((with.equity.to_string(), with.free_margin.to_string()), ("2210.56".into(), "1710.56".into()));
    assert_eq!(Money::round(with.margin_level, 2).to_string(), "442.11");
    assert_eq!(floating.total(), Money::ZERO, "it is no profit");
}

/// A volume's value: MQL5 Reference, `ENUM_SYMBOL_CALC_MODE`; bonds with `AccruedInterest * Lots * ContractSize`.
#[test]
fn values_are_those_of_the_unit_of_the_price() {
    let value = |mode, tick: (f64, f64), face, interest, at| {
        let mut c = contract(mode, 10.0, "USD", "USD");
        (c.tick_size, c.tick_value, c.face_value, c.accrued_interest) = (tick.0, tick.1, face, interest);
        Money::round(value_of(&c, lots(2.0), price(at)), 2).to_string()
    };
    assert_eq!(value(CalcMode::Stocks, (0.01, 0.0), 0.0, 0.0, 230.5), "4610");
    // 2 x 5,000 / 0.25 x 12.5.
    assert_eq!(value(CalcMode::Futures, (0.25, 12.5), 0.0, 0.0, 5000.0), "500000");
    // 2 x 10 x (1,000 x 97.35 / 100 + 10.60); nobody else accrues interest.
    assert_eq!(value(CalcMode::Bonds, (0.01, 0.0), 1000.0, 10.6, 97.35), "19682");
    assert_eq!(value(CalcMode::Cfd, (0.01, 0.0), 1000.0, 10.6, 97.35), "1947");
}
