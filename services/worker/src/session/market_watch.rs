//! The day's figures of symbols (protocol 9.9), and whether clients want events of them.

use std::collections::{BTreeSet, HashMap};

use calls::reply::MarketWatch;
use model::Price;
use model::calc::BidAsk;
use wire::records::{SymbolDetails, details_field as field};

use super::state::State;
use crate::translate::finite;

/// Per cent in the server's record have two digits.
const CHANGE_SCALE: f64 = 100.0;
/// Bit of a record: the volume of the day's deals is there.
const TRADE_VOLUME: i64 = 1 << 17;

/// The day's figures of one symbol; zero until the server tells them.
#[derive(Clone, Copy, Debug, Default)]
struct Day {
    bid_high: Price,
    bid_low: Price,
    last_high: Price,
    last_low: Price,
    open: Price,
    /// Of the day before.
    close: Price,
    /// Per cent.
    change: f64,
    volume: i64,
}

/// The day's figures of a session's symbols.
#[derive(Debug, Default)]
pub(crate) struct MarketWatches {
    days: HashMap<u32, Day>,
    is_wanted: bool,
    /// Counts changes of that.
    version: u64,
    changed: BTreeSet<u32>,
}

impl MarketWatches {
    /// Begins or ends events. At the begin every symbol with prices, `all`, is told.
    pub(crate) fn want(&mut self, is_wanted: bool, all: impl Iterator<Item = u32>) {
        self.version += 1;
        self.is_wanted = is_wanted;
        self.changed = if is_wanted { all.collect() } else { BTreeSet::new() };
    }

    /// Whether clients want them.
    pub(crate) const fn is_wanted(&self) -> bool {
        self.is_wanted
    }

    /// Counts changes of that.
    pub(crate) const fn version(&self) -> u64 {
        self.version
    }

    /// Something about a symbol has changed.
    pub(crate) fn touch(&mut self, id: u32) {
        if self.is_wanted {
            self.changed.insert(id);
        }
    }

    /// Symbols to be told now.
    pub(crate) fn take_changed(&mut self) -> BTreeSet<u32> {
        std::mem::take(&mut self.changed)
    }

    /// Forgets figures, not whether they are wanted.
    pub(crate) fn forget(&mut self) {
        self.days.clear();
        self.changed.clear();
    }

    /// Whether the server has told the day's figures of a symbol.
    pub(crate) fn has(&self, id: u32) -> bool {
        self.days.contains_key(&id)
    }

    /// Takes a record over: only values whose bit is set count.
    pub(crate) fn apply(&mut self, details: &SymbolDetails, digits: u32) {
        let day = self.days.entry(details.symbol_id).or_default();
        let has = |bit: i64| details.fields & bit != 0;
        let set = |to: &mut Price, bit: i64, scaled: f64| {
            if has(bit) {
                *to = Price::from_scaled(scaled, digits).unwrap_or(*to);
            }
        };
        set(&mut day.bid_high, field::BID_HIGH, details.bid_high);
        set(&mut day.bid_low, field::BID_LOW, details.bid_low);
        set(&mut day.last_high, field::LAST_HIGH, details.last_high);
        set(&mut day.last_low, field::LAST_LOW, details.last_low);
        set(&mut day.open, field::PRICE_OPEN, details.price_open);
        set(&mut day.close, field::PRICE_CLOSE, details.price_close);
        if has(field::PRICE_CHANGE) {
            day.change = finite(details.price_change / CHANGE_SCALE);
        }
        if has(TRADE_VOLUME) {
            day.volume = i64::try_from(details.trade_volume).unwrap_or(i64::MAX);
        }
        self.touch(details.symbol_id);
    }

    /// The figures as the contract shows them, at these prices.
    pub(crate) fn show(&self, id: u32, symbol: &str, digits: u32, quote: BidAsk) -> MarketWatch {
        let day = self.days.get(&id).copied().unwrap_or_default();
        let or = |bid: Price, last: Price| if bid.is_zero() { last.to_f64() } else { bid.to_f64() };
        let spread = quote.ask.points(digits) - quote.bid.points(digits);
        MarketWatch {
            symbol: symbol.to_owned(),
            high: or(day.bid_high, day.last_high),
            low: or(day.bid_low, day.last_low),
            open_price: day.open.to_f64(),
            close_price: day.close.to_f64(),
            daily_change: day.change,
            bid: quote.bid.to_f64(),
            ask: quote.ask.to_f64(),
            spread: i32::try_from(spread).unwrap_or(0),
            volume: day.volume,
        }
    }
}

impl State {
    /// The day's figures of a symbol; `None` before its first prices.
    pub(crate) fn market_watch(&self, id: u32) -> Option<MarketWatch> {
        let symbol = self.catalogue.by_id(id)?;
        Some(self.market_watches.show(id, &symbol.name, symbol.digits, self.quotes.prices(id)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_values_that_are_in_a_record_count() {
        let mut watches = MarketWatches::default();
        let full = SymbolDetails {
            symbol_id: 7,
            fields: field::BID_HIGH
                | field::BID_LOW
                | field::PRICE_OPEN
                | field::PRICE_CLOSE
                | field::PRICE_CHANGE,
            bid_high: 110_900.0,
            bid_low: 109_900.0,
            price_open: 110_000.0,
            price_close: 109_000.0,
            price_change: 92.0,
            ..SymbolDetails::default()
        };
        watches.apply(&full, 5);
        assert!(watches.take_changed().is_empty(), "nobody wants events");
        watches.want(true, std::iter::empty());
        let part = SymbolDetails { symbol_id: 7, fields: field::BID_HIGH, bid_high: 111_000.0, ..full };
        watches.apply(&part, 5);
        assert_eq!(watches.take_changed().into_iter().collect::<Vec<_>>(), [7]);
        let price = |points| Price::from_points(points, 5);
        let shown = watches.show(7, "EURUSD", 5, BidAsk { bid: price(110_000), ask: price(110_012) });
        let texts = [shown.high, shown.low, shown.open_price, shown.close_price, shown.daily_change]
            .map(|one| one.to_string());
        assert_eq!(texts, ["1.11", "1.099", "1.1", "1.09", "0.92"]);
        assert_eq!((shown.spread, shown.volume), (12, 0));
    }
}
