//! The day's figures of symbols: what push 17 tells.

use model::{Price, day_start_s};
use wire::records::{SymbolDetails, details_field as bit};

use crate::catalogue::Symbol;
use crate::engine::Tick;

/// Highest and lowest of a price today.
#[derive(Clone, Copy, Debug)]
struct Range {
    last: Price,
    high: Price,
    low: Price,
}

impl Range {
    fn of(price: Price) -> Self {
        Self { last: price, high: price, low: price }
    }

    fn add(&mut self, price: Price) {
        self.last = price;
        self.high = self.high.max(price);
        self.low = self.low.min(price);
    }
}

/// A symbol's day so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figures {
    day_s: i64,
    bid: Range,
    ask: Range,
    last: Option<Range>,
    open: Price,
    previous_close: Price,
    time_ms: i64,
    /// Whether it changed since it was last sent to all.
    pub(super) is_fresh: bool,
}

impl Figures {
    /// The first tick begins a day whose earlier part is given by the bars: open, high, low, close before it.
    pub(super) fn new(tick: &Tick, earlier: Option<(crate::bars::Bar, Price)>) -> Self {
        let spread = tick.ask - tick.bid;
        let mut figures = Self {
            day_s: day_start_s(tick.time.seconds()),
            bid: Range::of(tick.bid),
            ask: Range::of(tick.ask),
            last: tick.last.map(|(price, _)| Range::of(price)),
            open: tick.bid,
            previous_close: tick.bid,
            time_ms: tick.time.ms(),
            is_fresh: true,
        };
        if let Some((bar, close)) = earlier {
            (figures.open, figures.previous_close) = (bar.open, close);
            figures.bid.high = figures.bid.high.max(bar.high);
            figures.bid.low = figures.bid.low.min(bar.low);
            figures.ask.high = figures.ask.high.max(bar.high + spread);
            figures.ask.low = figures.ask.low.min(bar.low + spread);
        }
        figures
    }

    pub(super) fn add(&mut self, tick: &Tick) {
        if day_start_s(tick.time.seconds()) > self.day_s {
            let close = self.bid.last;
            *self = Self { previous_close: close, ..Self::new(tick, None) };
            return;
        }
        self.bid.add(tick.bid);
        self.ask.add(tick.ask);
        if let Some((price, _)) = tick.last {
            self.last.get_or_insert(Range::of(price)).add(price);
        }
        self.time_ms = self.time_ms.max(tick.time.ms());
        self.is_fresh = true;
    }

    /// States its time by a clock that was set.
    pub(super) fn set_clock(&mut self, by_ms: i64) {
        self.time_ms = self.time_ms.saturating_add(by_ms);
        self.is_fresh = true;
    }

    pub(super) fn record(&self, symbol: &Symbol) -> SymbolDetails {
        let digits = symbol.digits();
        let scaled = |price: Price| price.to_scaled(digits);
        let close = self.previous_close.to_f64();
        let change = if close > 0.0 { (self.bid.last.to_f64() / close - 1.0) * 100.0 } else { 0.0 };
        let mut fields = bit::BID_LAST | bit::BID_HIGH | bit::BID_LOW | bit::ASK_LAST | bit::ASK_HIGH;
        fields |= bit::ASK_LOW | bit::PRICE_OPEN | bit::PRICE_CLOSE | bit::PRICE_CHANGE;
        let mut record = SymbolDetails {
            symbol_id: symbol.id.0,
            fields,
            lasttime: i32::try_from(self.time_ms.div_euclid(1000)).unwrap_or(i32::MAX),
            digits,
            bid_last: scaled(self.bid.last),
            bid_high: scaled(self.bid.high),
            bid_low: scaled(self.bid.low),
            ask_last: scaled(self.ask.last),
            ask_high: scaled(self.ask.high),
            ask_low: scaled(self.ask.low),
            price_open: scaled(self.open),
            price_close: scaled(self.previous_close),
            // Per cent × 10^2, whole.
            price_change: (change * 100.0).round(),
            lasttime_msc: self.time_ms.rem_euclid(1000),
            ..SymbolDetails::default()
        };
        if let Some(last) = self.last {
            record.fields |= bit::LAST_LAST | bit::LAST_HIGH | bit::LAST_LOW;
            record.last_last = scaled(last.last);
            record.last_high = scaled(last.high);
            record.last_low = scaled(last.low);
        }
        record
    }
}
