//! Prices of the past.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use model::Price;
use model::calc::{BidAsk, Quotes};

/// Prices of one period, bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candle {
    /// When it begins: milliseconds of the server's clock.
    pub time_ms: i64,
    /// The first price.
    pub open: Price,
    /// The highest price.
    pub high: Price,
    /// The lowest price.
    pub low: Price,
    /// The last price.
    pub close: Price,
}

/// Candles of the symbols that matter to an account. Candles are bid prices and carry no spread, so that bid and ask
/// are one here: what is valued by them comes out better by the spread than it was.
#[derive(Clone, Debug)]
pub struct Tape {
    period_ms: i64,
    bars: HashMap<Arc<str>, Vec<Bar>>,
    pairs: HashMap<String, HashMap<String, Arc<str>>>,
}

/// A candle and its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bar {
    pub(crate) candle: Candle,
    pub(crate) end_ms: i64,
}

impl Tape {
    /// An empty tape of candles of this length, milliseconds.
    #[must_use]
    pub fn new(period_ms: i64) -> Self {
        Self { period_ms: period_ms.max(0), bars: HashMap::new(), pairs: HashMap::new() }
    }

    /// Puts a symbol's candles on the tape, in any order, in place of what it had. Of two that begin at the same time
    /// the later in the list counts. A candle ends after the period, or where the next one begins: months differ.
    pub fn insert(&mut self, symbol: Arc<str>, mut candles: Vec<Candle>) {
        candles.reverse();
        candles.sort_by_key(|candle| candle.time_ms);
        candles.dedup_by_key(|candle| candle.time_ms);
        let next = candles.iter().skip(1).map(|candle| candle.time_ms).chain([i64::MAX]);
        let bars = candles.iter().zip(next).map(|(candle, next_ms)| Bar {
            candle: *candle,
            end_ms: candle.time_ms.saturating_add(self.period_ms).min(next_ms),
        });
        self.bars.insert(symbol, bars.collect());
    }

    /// Says that prices of this symbol are what one unit of `base` costs in `profit`.
    pub fn name_pair(&mut self, base: &str, profit: &str, symbol: Arc<str>) {
        self.pairs.entry(base.to_owned()).or_default().insert(profit.to_owned(), symbol);
    }

    /// The close of the last candle that had ended by then. Before the first end: the open of the first candle, if it
    /// had begun. `None` while there is no price.
    #[must_use]
    pub fn price(&self, symbol: &str, time_ms: i64) -> Option<Price> {
        let bars = self.bars(symbol);
        let ended = bars.partition_point(|bar| bar.end_ms <= time_ms);
        match ended.checked_sub(1).and_then(|last| bars.get(last)) {
            Some(bar) => Some(bar.candle.close),
            None => bars.first().filter(|bar| bar.candle.time_ms <= time_ms).map(|bar| bar.candle.open),
        }
    }

    /// The tape's prices at a moment, as the arithmetic of [`model::calc`] asks for them.
    #[must_use]
    pub fn at(&self, time_ms: i64) -> Moment<'_> {
        Moment { tape: self, time_ms }
    }

    /// A symbol's candles, the oldest first.
    pub(crate) fn bars(&self, symbol: &str) -> &[Bar] {
        self.bars.get(symbol).map(Vec::as_slice).unwrap_or_default()
    }

    /// When candles of any symbol end, after `from_ms` and not after `to_ms`.
    pub(crate) fn ends(&self, from_ms: i64, to_ms: i64) -> BTreeSet<i64> {
        let ends = self.bars.values().flatten().map(|bar| bar.end_ms);
        ends.filter(|end_ms| (from_ms < *end_ms) && (*end_ms <= to_ms)).collect()
    }
}

/// The prices of a [`Tape`] at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    tape: &'a Tape,
    time_ms: i64,
}

impl Quotes for Moment<'_> {
    fn pair(&self, base: &str, profit: &str) -> Option<BidAsk> {
        let symbol = self.tape.pairs.get(base)?.get(profit)?;
        self.tape.price(symbol, self.time_ms).map(|price| BidAsk { bid: price, ask: price })
    }
}
