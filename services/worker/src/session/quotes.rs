//! Prices of one session, and who wants them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use calls::reply::Quote;
use model::calc::{BidAsk, Quotes};
use model::{Price, ServerTime, Volume};
use tokio::time::Instant;
use wire::records::{Tick, tick_field};

use super::paced::Paced;
use crate::catalogue::Catalogue;
use crate::ticks;

/// Ticks are never so late: then it is the clock that was set back.
const CLOCK_STEP: Duration = Duration::from_secs(30 * 60);
/// Symbols that stay subscribed because a call asked for their quote.
const WATCHED_MAX: usize = 1024;

/// The latest prices of a symbol.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Latest {
    bid: Price,
    ask: Price,
    last: Price,
    volume: Volume,
    time: ServerTime,
    digits: u32,
    /// When it came, on our clock.
    received: Option<Instant>,
}

impl Latest {
    /// Whether both prices are there: before that a symbol must not be shown.
    fn is_complete(&self) -> bool {
        !self.bid.is_zero() && !self.ask.is_zero()
    }
}

/// The prices of a session and the interest in them.
#[derive(Debug, Default)]
pub(crate) struct QuoteBook {
    latest: HashMap<u32, Latest>,
    changed: BTreeSet<u32>,
    /// Symbols whose quotes clients want as events.
    pub(crate) wanted: Paced<u32>,
    /// Symbols whose quotes calls asked for, oldest first.
    watched: Vec<u32>,
    last_tick_ms: i64,
    ticks: u64,
}

impl QuoteBook {
    /// Takes a tick over (protocol 9.8). Returns whether a price changed.
    pub(crate) fn apply(&mut self, tick: &Tick, digits: u32, now: Instant) -> bool {
        let time = ServerTime::from_parts(i64::from(tick.tick_time), i64::from(tick.time_ms_delta.min(999)));
        let latest = self.latest.entry(tick.symbol_id).or_default();
        // Late ticks are dropped. A large step back is the server's clock, at the end of daylight saving time.
        if time < latest.time && latest.time - time < CLOCK_STEP {
            return false;
        }
        latest.digits = digits;
        let price = |bit: u32, scaled: f64| {
            let given = tick.fields & bit != 0;
            Price::from_scaled(scaled, digits).filter(|price| given && !price.is_zero())
        };
        let (bid, ask) = (price(tick_field::BID, tick.bid), price(tick_field::ASK, tick.ask));
        let last = price(tick_field::LAST, tick.last);
        if bid.is_none() && ask.is_none() && last.is_none() {
            return false;
        }
        latest.bid = bid.unwrap_or(latest.bid);
        latest.ask = ask.unwrap_or(latest.ask);
        latest.last = last.unwrap_or(latest.last);
        if tick.fields & tick_field::VOLUME != 0 {
            latest.volume = Volume::from_units(u64::try_from(tick.tick_volume).unwrap_or(0));
        }
        latest.time = time;
        latest.received = Some(now);
        self.last_tick_ms = self.last_tick_ms.max(time.ms());
        self.changed.insert(tick.symbol_id);
        self.ticks += 1;
        self.wanted.touch(tick.symbol_id);
        true
    }

    /// Symbols whose prices changed since the last call.
    pub(crate) fn take_changed(&mut self) -> BTreeSet<u32> {
        std::mem::take(&mut self.changed)
    }

    /// How many ticks have changed a price so far.
    pub(crate) const fn ticks(&self) -> u64 {
        self.ticks
    }

    /// Forgets prices, not who wants them.
    pub(crate) fn forget_prices(&mut self) {
        self.latest.clear();
        self.changed.clear();
    }

    /// The symbol list changed: prices are forgotten, interest moves to the new ids of the same symbols.
    pub(crate) fn renumber(&mut self, new_id: &impl Fn(u32) -> Option<u32>) {
        self.forget_prices();
        self.watched = self.watched.iter().filter_map(|id| new_id(*id)).collect();
        self.wanted.rename(new_id);
    }

    /// Bid and ask of a symbol, once both are known.
    pub(crate) fn prices(&self, id: u32) -> Option<BidAsk> {
        self.latest
            .get(&id)
            .filter(|latest| latest.is_complete())
            .map(|one| BidAsk { bid: one.bid, ask: one.ask })
    }

    /// When the quote of a symbol came.
    pub(crate) fn received(&self, id: u32) -> Option<Instant> {
        self.latest.get(&id).filter(|latest| latest.is_complete())?.received
    }

    /// Server time of the last tick of any symbol; zero before the first one.
    pub(crate) const fn last_tick_ms(&self) -> i64 {
        self.last_tick_ms
    }

    /// The quote as the contract shows it.
    pub(crate) fn quote(&self, id: u32, symbol: &str, zone_ms: i64) -> Option<Quote> {
        let latest = self.latest.get(&id).filter(|latest| latest.is_complete())?;
        Some(Quote {
            symbol: symbol.to_owned(),
            bid: latest.bid.to_f64(),
            ask: latest.ask.to_f64(),
            time: calls::ServerTime::from_ms(latest.time.ms()),
            last: latest.last.to_f64(),
            volume: latest.volume.units(),
            timestamp_utc: latest.time.ms() - zone_ms,
        })
    }

    /// Quotes of all pairs, for conversions.
    pub(crate) fn market<'a>(&'a self, catalogue: &Arc<Catalogue>) -> Market<'a> {
        Market { book: self, catalogue: Arc::clone(catalogue) }
    }

    /// Begins events of a symbol, or changes their pace. Returns `false` if there are too many already.
    pub(crate) fn subscribe(&mut self, id: u32, interval: Duration) -> bool {
        self.wanted.begin(id, interval, self.prices(id).is_some())
    }

    /// The present prices as they are kept for downloads.
    pub(crate) fn tick(&self, id: u32) -> Option<ticks::Tick> {
        let latest = self.latest.get(&id).filter(|latest| latest.is_complete())?;
        Some(ticks::Tick {
            time_ms: latest.time.ms(),
            bid: latest.bid,
            ask: latest.ask,
            last: latest.last,
            volume: latest.volume.units(),
        })
    }

    /// Keeps a symbol's prices coming because a call asked for them.
    pub(crate) fn watch(&mut self, id: u32) {
        if self.wanted.contains(id) || self.watched.contains(&id) {
            return;
        }
        if self.watched.len() >= WATCHED_MAX {
            self.watched.remove(0);
        }
        self.watched.push(id);
    }

    /// Symbols whose ticks are wanted by clients and calls.
    pub(crate) fn ids(&self) -> impl Iterator<Item = u32> {
        self.wanted.keys().chain(self.watched.iter().copied())
    }
}

/// The session's prices as conversions see them.
pub(crate) struct Market<'a> {
    book: &'a QuoteBook,
    catalogue: Arc<Catalogue>,
}

impl Quotes for Market<'_> {
    fn pair(&self, base: &str, profit: &str) -> Option<BidAsk> {
        self.book.prices(self.catalogue.pair(base, profit)?.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick(time: i32, fields: u32, bid: f64, ask: f64) -> Tick {
        Tick { symbol_id: 1, tick_time: time, fields, bid, ask, ..Tick::default() }
    }

    #[test]
    fn values_that_are_not_in_a_tick_stay() {
        let mut book = QuoteBook::default();
        let now = Instant::now();
        assert!(book.apply(&tick(10, 1, 108_500.0, 0.0), 5, now));
        assert!(book.prices(1).is_none(), "a symbol is not shown before both prices are there");
        book.apply(&tick(11, 2, 0.0, 108_510.0), 5, now);
        let quote = book.quote(1, "EURUSD", 0).unwrap();
        assert_eq!((quote.bid.to_string(), quote.ask.to_string()), ("1.085".into(), "1.0851".into()));
        assert!(!book.apply(&tick(9, 3, 1.0, 1.0), 5, now), "times do not go back");
        assert!(!book.apply(&tick(12, 3, 0.0, 0.0), 5, now), "zero is no price");
        assert!(book.apply(&tick(11 - 3600, 3, 108_600.0, 108_610.0), 5, now), "the clock was set back");
    }
}
