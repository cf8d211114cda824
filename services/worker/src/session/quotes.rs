//! Prices of one session, and who wants them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use calls::ServerClock;
use calls::reply::Quote;
use model::calc::{BidAsk, Quotes};
use model::{Price, ServerTime, Volume};
use tokio::time::Instant;
use wire::records::{Tick, tick_field};

use super::paced::Paced;
use crate::catalogue::Catalogue;
use crate::ticks;
use crate::zone::{CLOCK_STEP, CLOCK_STEP_MS};

/// Symbols that stay subscribed because a call asked for their quote.
const WATCHED_MAX: usize = 1024;

/// For so long an hour may come again after the clock was set back. Nor is it ever set back by more.
const AGAIN_MAX: Duration = Duration::from_hours(3);

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

/// What became of a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It says nothing, or came too late.
    Not,
    /// A price changed.
    Price,
    /// The same, and its time says that the server clock was set back.
    SetBack,
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
    /// When it came, on our clock.
    last_received: Option<Instant>,
    /// How far the server's clock was set back before the account was told, as the ticks show, milliseconds, and when the
    /// first of them came.
    set_back: Option<(i64, Instant)>,
    /// How far the server's clock is behind what the account is told, milliseconds.
    behind_ms: i64,
    ticks: u64,
}

impl QuoteBook {
    /// Takes a tick over (protocol 9.8).
    pub(crate) fn apply(&mut self, tick: &Tick, digits: u32, now: Instant) -> Taken {
        let time = ServerTime::from_parts(i64::from(tick.tick_time), i64::from(tick.time_ms_delta.min(999)));
        let latest = self.latest.entry(tick.symbol_id).or_default();
        // Late ticks are dropped. A large step back is the server's clock, at the end of daylight saving time; accounts are
        // told of that, but perhaps later, or never.
        let is_set_back = latest.time - time >= CLOCK_STEP;
        if time < latest.time && !is_set_back {
            return Taken::Not;
        }
        latest.digits = digits;
        let price = |bit: u32, scaled: f64| {
            let given = tick.fields & bit != 0;
            Price::from_scaled(scaled, digits).filter(|price| given && !price.is_zero())
        };
        let (bid, ask) = (price(tick_field::BID, tick.bid), price(tick_field::ASK, tick.ask));
        let last = price(tick_field::LAST, tick.last);
        if bid.is_none() && ask.is_none() && last.is_none() {
            return Taken::Not;
        }
        latest.bid = bid.unwrap_or(latest.bid);
        latest.ask = ask.unwrap_or(latest.ask);
        latest.last = last.unwrap_or(latest.last);
        if tick.fields & tick_field::VOLUME != 0 {
            latest.volume = Volume::from_units(u64::try_from(tick.tick_volume).unwrap_or(0));
        }
        latest.time = time;
        latest.received = Some(now);
        let back_ms = self.last_tick_ms - time.ms();
        if is_set_back && back_ms >= CLOCK_STEP_MS {
            // The clock went on between the two ticks.
            let passed = self.last_received.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
            let passed_ms = i64::try_from(passed.as_millis()).unwrap_or(0);
            let set_ms = (back_ms + passed_ms + CLOCK_STEP_MS / 2) / CLOCK_STEP_MS * CLOCK_STEP_MS;
            // A price from before, of a symbol that was not heard of since, is no second change.
            if !self.was_set_back(now) {
                self.set_back = Some((set_ms, now));
            }
            self.last_tick_ms = time.ms();
        }
        if time.ms() >= self.last_tick_ms {
            (self.last_tick_ms, self.last_received) = (time.ms(), Some(now));
        }
        self.changed.insert(tick.symbol_id);
        self.ticks += 1;
        self.wanted.touch(tick.symbol_id);
        if is_set_back { Taken::SetBack } else { Taken::Price }
    }

    /// Compares a tick that was taken with what our clock says of the server's by what the account is told, so that a
    /// clock that was set without a word is known until ticks are in time again.
    pub(crate) fn compare(&mut self, tick_ms: i64, told_ms: i64, taken: Taken) {
        let behind_ms = told_ms - tick_ms;
        if behind_ms < CLOCK_STEP_MS {
            self.behind_ms = 0;
        } else if taken == Taken::SetBack
            && self.behind_ms == 0
            && u128::try_from(behind_ms).is_ok_and(|behind| behind <= AGAIN_MAX.as_millis())
        {
            self.behind_ms = (behind_ms + CLOCK_STEP_MS / 2) / CLOCK_STEP_MS * CLOCK_STEP_MS;
        }
    }

    /// Whether ticks have shown of late that the clock was set back.
    pub(crate) fn was_set_back(&self, now: Instant) -> bool {
        self.set_back.is_some_and(|(_, since)| now.saturating_duration_since(since) < AGAIN_MAX)
    }

    /// States the times of prices by a clock that was set. Those that came by the new one already, before the account was
    /// told of it, stay.
    pub(crate) fn set_clock(&mut self, before: ServerClock, new: ServerClock, now: Instant) {
        let (by_ms, unix_ms) = (new.ahead_ms() - before.ahead_ms(), runtime::unix_ms());
        let set_back = self.set_back.take();
        self.behind_ms = 0;
        let stated = |time_ms: i64, received: Option<Instant>| {
            let ago = received.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
            let came_ms = unix_ms - i64::try_from(ago.as_millis()).unwrap_or(0);
            let is_by_new = (time_ms - new.ahead_ms() - came_ms).abs() < CLOCK_STEP_MS;
            let is_set_back = set_back
                .is_some_and(|(set_ms, since)| set_ms == -by_ms && received.is_some_and(|at| at >= since));
            if is_by_new || is_set_back { time_ms } else { time_ms + by_ms }
        };
        for latest in self.latest.values_mut() {
            latest.time = ServerTime::from_ms(stated(latest.time.ms(), latest.received));
        }
        if self.last_tick_ms != 0 {
            self.last_tick_ms = stated(self.last_tick_ms, self.last_received);
        }
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

    /// How far the server's clock is behind what the account is told, milliseconds.
    pub(crate) const fn behind_ms(&self) -> i64 {
        self.behind_ms
    }

    /// The quote as the contract shows it.
    pub(crate) fn quote(&self, id: u32, symbol: &str, zone: ServerClock) -> Option<Quote> {
        let latest = self.latest.get(&id).filter(|latest| latest.is_complete())?;
        Some(Quote {
            symbol: symbol.to_owned(),
            bid: latest.bid.to_f64(),
            ask: latest.ask.to_f64(),
            time: calls::ServerTime::from_ms(latest.time.ms()),
            last: latest.last.to_f64(),
            volume: latest.volume.units(),
            // Its time was stated anew if the clock was set since.
            timestamp_utc: latest.time.ms() - zone.ahead_ms(),
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
        assert_eq!(book.apply(&tick(10, 1, 108_500.0, 0.0), 5, now), Taken::Price);
        assert!(book.prices(1).is_none(), "a symbol is not shown before both prices are there");
        book.apply(&tick(11, 2, 0.0, 108_510.0), 5, now);
        let quote = book.quote(1, "EURUSD", ServerClock::default()).unwrap();
        assert_eq!((quote.bid.to_string(), quote.ask.to_string()), ("1.085".into(), "1.0851".into()));
        assert_eq!(book.apply(&tick(9, 3, 1.0, 1.0), 5, now), Taken::Not, "times do not go back");
        assert_eq!(book.apply(&tick(12, 3, 0.0, 0.0), 5, now), Taken::Not, "zero is no price");
        assert_eq!(book.apply(&tick(11 - 3600, 3, 108_600.0, 108_610.0), 5, now), Taken::SetBack);
        assert_eq!(book.last_tick_ms(), (11 - 3600) * 1000, "the clock shows this now");
        assert!(book.was_set_back(now) && !book.was_set_back(now + AGAIN_MAX));
        assert_eq!(book.set_back, Some((3_600_000, now)));
        let other = |time| Tick { symbol_id: 2, ..tick(time, 3, 1.0, 1.0) };
        assert_eq!(
            book.apply(&other(12), 5, now),
            Taken::Price,
            "older than the change, for all that is known"
        );
        assert_eq!(book.apply(&other(13 - 3600), 5, now), Taken::SetBack);
        assert_eq!((book.last_tick_ms(), book.set_back), ((13 - 3600) * 1000, Some((3_600_000, now))));
    }

    #[test]
    fn a_clock_that_is_behind_what_is_told_is_known_until_it_is_not() {
        const HOUR_MS: i64 = 3_600_000;
        let mut book = QuoteBook::default();
        let told_ms = 500 * HOUR_MS;
        // An old price is no change of the clock, nor is one that was told before, nor what lies far back.
        for (behind_ms, taken, expected) in [
            (2 * HOUR_MS, Taken::Price, 0),
            (1000, Taken::SetBack, 0),
            (-HOUR_MS, Taken::SetBack, 0),
            (400 * HOUR_MS, Taken::SetBack, 0),
            (HOUR_MS + 1000, Taken::SetBack, HOUR_MS),
            // What comes later of before, and what goes on.
            (2 * HOUR_MS, Taken::SetBack, HOUR_MS),
            (HOUR_MS, Taken::Price, HOUR_MS),
            // Set forward again.
            (0, Taken::Price, 0),
        ] {
            book.compare(told_ms - behind_ms, told_ms, taken);
            assert_eq!(book.behind_ms(), expected, "{behind_ms} {taken:?}");
        }
        book.compare(told_ms - HOUR_MS, told_ms, Taken::SetBack);
        book.set_clock(ServerClock::fixed(HOUR_MS), ServerClock::fixed(0), Instant::now());
        assert_eq!(book.behind_ms(), 0, "told at last");
    }

    #[test]
    fn prices_are_stated_by_a_clock_that_was_set() {
        let (hour_s, now) = (3600, Instant::now());
        let utc_s = i32::try_from(runtime::unix_ms() / 1000).unwrap();
        let (winter, summer) = (ServerClock::fixed(7_200_000), ServerClock::fixed(10_800_000));
        for (before, new) in [(winter, summer), (summer, winter)] {
            let ahead_s = |zone: ServerClock| i32::try_from(zone.ahead_ms() / 1000).unwrap();
            let mut book = QuoteBook::default();
            let of = |symbol_id: u32, time: i32| Tick { symbol_id, ..tick(time, 3, 1.0, 1.0) };
            // One from long ago, one of now, and one that comes by the new clock before the account is told.
            book.apply(&of(1, utc_s + ahead_s(before) - 50 * hour_s), 5, now);
            book.apply(&of(2, utc_s + ahead_s(before)), 5, now);
            book.apply(&of(3, utc_s + ahead_s(new)), 5, now);
            book.set_clock(before, new, now);
            let utc_of = |id: u32| book.quote(id, "", new).unwrap().timestamp_utc / 1000;
            let utc_s = i64::from(utc_s);
            assert_eq!([1, 2, 3].map(utc_of), [utc_s - 50 * 3600, utc_s, utc_s]);
            assert_eq!((book.last_tick_ms() - new.ahead_ms()) / 1000, utc_s);
        }
    }
}
