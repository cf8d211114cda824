//! The best and the worst moment of a trade.

use std::sync::Arc;

use model::calc::{Contract, Deposit, profit_of};
use model::{Money, Price, Side, Volume};

use crate::tape::Tape;
use crate::trade::Fill;

/// A trade, open or closed, as far as its floating result depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The position's number.
    pub ticket: u64,
    /// What is held.
    pub symbol: Arc<str>,
    /// Long or short.
    pub side: Side,
    /// Lots.
    pub volume: Volume,
    /// When and at what price it was opened.
    pub opened: Fill,
    /// When and at what price it was closed; `None` while it is open.
    pub closed: Option<Fill>,
    /// Its latest result that is known, and when: that of the closing, or the present one. In place of the one that the
    /// closing price comes to.
    pub latest: Option<(i64, Money)>,
}

/// The greatest and the least floating result of a trade; account currency, without swap and commission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extrema {
    /// The position's number.
    pub ticket: u64,
    /// What is held.
    pub symbol: Arc<str>,
    /// The begin of the candle that brought the greatest result, or the moment of opening or closing.
    pub max_time_ms: i64,
    /// The greatest result, at least zero.
    pub max: Money,
    /// The begin of the candle that brought the least result, or the moment of opening or closing.
    pub min_time_ms: i64,
    /// The least result, at most zero.
    pub min: Money,
}

/// The best and the worst of a trade: at its opening, where the result is zero, at the highs and lows of the candles
/// that lie wholly within its life, and at its closing, or now if the present result is known. The earliest of equals
/// counts.
///
/// Candles are bid prices and carry no spread: shorts look better by the spread than they were. Rates of conversion
/// are those at the candle's end. What cannot be converted is left out. No reference defines these figures (maximum
/// favourable and adverse excursion in the literature).
#[must_use]
pub fn extrema(holding: &Holding, contract: &Contract, deposit: &Deposit, tape: &Tape) -> Extrema {
    let opened = holding.opened;
    let mut found = Extrema {
        ticket: holding.ticket,
        symbol: Arc::clone(&holding.symbol),
        max_time_ms: opened.time_ms,
        max: Money::ZERO,
        min_time_ms: opened.time_ms,
        min: Money::ZERO,
    };
    let mut look = |time_ms: i64, price: Price, rates_at_ms: i64| {
        let (side, volume, quotes) = (holding.side, holding.volume, tape.at(rates_at_ms));
        if let Some(profit) = profit_of(contract, side, volume, opened.price, price, deposit, &quotes) {
            found.take(time_ms, profit.money);
        }
    };
    let until_ms = holding.closed.map_or(i64::MAX, |closed| closed.time_ms);
    let bars = tape.bars(&holding.symbol);
    let first = bars.partition_point(|bar| bar.candle.time_ms < opened.time_ms);
    for bar in bars.iter().skip(first).take_while(|bar| bar.end_ms <= until_ms) {
        look(bar.candle.time_ms, bar.candle.high, bar.end_ms);
        look(bar.candle.time_ms, bar.candle.low, bar.end_ms);
    }
    match (holding.latest, holding.closed) {
        (Some((time_ms, result)), _) => found.take(time_ms, result),
        (None, Some(closed)) => look(closed.time_ms, closed.price, closed.time_ms),
        (None, None) => {}
    }
    found
}

impl Extrema {
    fn take(&mut self, time_ms: i64, result: Money) {
        if result > self.max {
            (self.max_time_ms, self.max) = (time_ms, result);
        }
        if result < self.min {
            (self.min_time_ms, self.min) = (time_ms, result);
        }
    }
}
