//! Small cases worked out by hand.

use std::sync::Arc;

use model::calc::{Contract, Deposit};
use model::{CalcMode, DealEntry, Money, Price, Side, Volume};

use crate::{Account, Candle, Contracts, Deal, DealKind, Tape};

mod curve;
mod extrema;
mod properties;
mod stats;
mod times;
mod trades;

const HOUR: i64 = 3_600_000;

fn money(value: f64) -> Money {
    Money::round(value, 2)
}

fn price(value: f64) -> Price {
    Price::from_f64(value, 8).unwrap()
}

fn lots(value: f64) -> Volume {
    Volume::from_lots(value).unwrap()
}

/// A deal of a position at an hour; its ticket is the hour too.
fn deal(hour: i64, position: u64, side: Side, entry: DealEntry, volume: f64, at: f64) -> Deal {
    let kind = DealKind::Trade { side, entry, volume: lots(volume), price: price(at) };
    Deal { kind, symbol: "EURUSD".into(), position, ..payment(hour, DealKind::Charge, 0.0) }
}

fn payment(hour: i64, kind: DealKind, amount: f64) -> Deal {
    Deal {
        ticket: hour.unsigned_abs(),
        position: 0,
        time_ms: hour * HOUR,
        symbol: "".into(),
        kind,
        profit: money(amount),
        swap: Money::ZERO,
        commission: Money::ZERO,
        fee: Money::ZERO,
    }
}

impl Deal {
    fn with(self, profit: f64, swap: f64, commission: f64) -> Self {
        Self { profit: money(profit), swap: money(swap), commission: money(commission), ..self }
    }

    fn on(self, symbol: &str) -> Self {
        Self { symbol: symbol.into(), ..self }
    }
}

fn contract(digits: u32, size: f64, profit: &str) -> Contract {
    Contract {
        calc_mode: CalcMode::Forex,
        digits,
        contract_size: size,
        face_value: 0.0,
        accrued_interest: 0.0,
        liquidity_rate: 0.0,
        tick_value: 0.0,
        tick_size: 0.0,
        currency_profit: profit.into(),
        currency_profit_digits: if profit == "JPY" { 0 } else { 2 },
        currency_margin: "EUR".into(),
        margin_initial: 0.0,
        margin_hedged: 0.0,
        rates_initial: [1.0; 8],
        rates_maintenance: [0.0; 8],
        margin_flags: 0,
        trade_flags: 0,
    }
}

/// An account in dollars that trades EURUSD and USDJPY.
struct Home {
    deposit: Deposit,
    contracts: Contracts,
}

impl Home {
    fn new() -> Self {
        let contracts = [
            (Arc::from("EURUSD"), contract(5, 100_000.0, "USD")),
            (Arc::from("USDJPY"), contract(3, 100_000.0, "JPY")),
        ];
        Self {
            deposit: Deposit { currency: "USD".into(), digits: 2, leverage: 100 },
            contracts: contracts.into(),
        }
    }

    fn account<'a>(&'a self, deals: &'a [Deal], balance: f64) -> Account<'a> {
        let (balance, credit) = (money(balance), Money::ZERO);
        Account { deals, balance, credit, deposit: &self.deposit, contracts: &self.contracts, floating: None }
    }
}

/// Hourly candles: open, high, low and close, from an hour on.
fn candles(from_hour: i64, prices: &[[f64; 4]]) -> Vec<Candle> {
    let hours = from_hour..;
    let of = |(hour, [open, high, low, close]): (i64, &[f64; 4])| Candle {
        time_ms: hour * HOUR,
        open: price(*open),
        high: price(*high),
        low: price(*low),
        close: price(*close),
    };
    hours.zip(prices).map(of).collect()
}

fn tape(symbol: &str, from_hour: i64, prices: &[[f64; 4]]) -> Tape {
    let mut tape = Tape::new(HOUR);
    tape.insert(symbol.into(), candles(from_hour, prices));
    tape
}
