//! Price history: bars of all periods, from the ticks of this run and, before it, from a generated past.
//!
//! Minutes are the only truth; every longer bar is made of them, so that periods agree. The past is computed a
//! day at a time when it is asked for and is the same function of seed and time that the walk's ticks are: it
//! meets the first live quote without a jump. Bars are of bid prices.

mod live;
mod past;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{Price, ServerTime};
use wire::records::Period;

use crate::catalogue::{Symbol, SymbolId};
use crate::engine::Tick;
use crate::feed::World;
use live::Live;
use model::grid::{next_open, open_of};
use past::Past;

/// Bars in one answer, unless settings say otherwise.
pub const BARS_MAX: usize = 100_000;
/// Days of past before the broker's start.
pub const PAST_DAYS: i64 = 731;
/// Days whose hours are kept once they were computed, over all symbols; some 25 megabytes.
const DAYS_KEPT_MAX: usize = 20_000;
const DAY_S: i64 = 86_400;
const HOUR_S: i64 = 3600;

/// A bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// When it opened, seconds of the server clock.
    pub time_s: i64,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Number of ticks.
    pub ticks: u32,
}

impl Bar {
    /// Takes a later bar in.
    fn absorb(&mut self, later: &Self) {
        self.high = self.high.max(later.high);
        self.low = self.low.min(later.low);
        self.close = later.close;
        self.ticks = self.ticks.saturating_add(later.ticks);
    }
}

/// Hours of a symbol's day, counted from 1970.
type HoursByDay = HashMap<(SymbolId, i64), Arc<[Bar]>>;

/// The history of all symbols. Shared: the engine's task adds ticks, others ask for bars; asking for years takes
/// a while and holds no lock meanwhile.
#[derive(Debug)]
pub struct Charts {
    past: Past,
    start_s: i64,
    live: Mutex<Live>,
    hours: Mutex<HoursByDay>,
}

impl Charts {
    /// A history whose past ends at `start`. With `joins`, the past of each symbol is scaled so that it meets the
    /// symbol's first tick, wherever that is: for prices that do not come from the walk.
    #[must_use]
    pub fn new(world: Arc<World>, start: ServerTime, joins: bool) -> Self {
        let count = world.catalogue().symbols().len();
        Self {
            past: Past::new(world, joins),
            start_s: start.seconds() - start.seconds().rem_euclid(60),
            live: Mutex::new(Live::new(count)),
            hours: Mutex::new(HashMap::new()),
        }
    }

    /// Takes a tick into its minute.
    pub fn add(&self, tick: &Tick) {
        let is_first = locked(&self.live).add(tick);
        if is_first && self.past.join(tick) {
            locked(&self.hours).retain(|(symbol, _), _| *symbol != tick.symbol);
        }
    }

    /// The clock was set back to `now`. Ticks go on in the minutes that it shows for the second time, so those of them
    /// that were before the broker's start stop being computed.
    pub fn set_back(&self, now: ServerTime, symbols: &[Arc<Symbol>]) {
        let from_s = now.seconds() - now.seconds().rem_euclid(60);
        for symbol in symbols {
            let Some(first_s) = locked(&self.live).minutes(symbol.id).first().map(|bar| bar.time_s) else {
                continue;
            };
            let days = from_s.div_euclid(DAY_S)..=first_s.div_euclid(DAY_S);
            let minutes = days.flat_map(|day| self.past.minutes(symbol, day));
            let missing = minutes.filter(|bar| (from_s..first_s).contains(&bar.time_s)).collect();
            locked(&self.live).begin_with(symbol.id, missing);
        }
    }

    /// The hours of symbols have changed.
    pub fn change_symbols(&self) {
        locked(&self.hours).clear();
    }

    /// Bars that open from `from_s` to `to_s`, both inclusive, in rising order; of more than `most` the newest.
    #[must_use]
    pub fn range(&self, symbol: &Symbol, period: Period, from_s: i64, to_s: i64, most: usize) -> Vec<Bar> {
        let first = open_of(period.minutes, self.start_s - PAST_DAYS * DAY_S);
        let minutes = locked(&self.live).minutes(symbol.id);
        let cut = minutes.first().map_or(self.start_s, |bar| bar.time_s);
        let end = minutes.last().map_or(cut, |bar| bar.time_s + 60);
        let to_s = to_s.min(end);
        let from_s = from_s.max(first);
        let from_s = if open_of(period.minutes, from_s) == from_s {
            from_s
        } else {
            next_open(period.minutes, from_s)
        };
        if from_s > to_s {
            return Vec::new();
        }
        let until = next_open(period.minutes, to_s);
        let live: Vec<Bar> =
            minutes.into_iter().filter(|bar| (from_s..until).contains(&bar.time_s)).collect();
        let mut opens = Opens { minutes: period.minutes, count: 0, last: None };
        opens.count_back(&live);
        // By the day, from the newest back: older ones than are given need not be computed.
        let mut parts: Vec<Arc<[Bar]>> = vec![live.into()];
        let past_until = until.min(cut);
        let mut day = (past_until - 1).div_euclid(DAY_S);
        while past_until > from_s && (day + 1) * DAY_S > from_s && opens.count <= most {
            let bars = self.past_of(symbol, period, day, (from_s, past_until));
            opens.count_back(&bars);
            parts.push(bars);
            day -= 1;
        }
        let mut builder = Builder { period, bars: Vec::new() };
        for bar in parts.iter().rev().flat_map(|bars| bars.iter()) {
            builder.add(bar);
        }
        let excess = builder.bars.len().saturating_sub(most);
        builder.bars.drain(..excess);
        builder.bars
    }

    /// The generated minutes of a day within `from_s..until_s`, or its hours where these are all of them.
    fn past_of(
        &self,
        symbol: &Symbol,
        period: Period,
        day: i64,
        (from_s, until_s): (i64, i64),
    ) -> Arc<[Bar]> {
        let in_hours = i64::from(period.minutes) * 60 >= HOUR_S;
        let is_whole = (day + 1) * DAY_S <= until_s;
        if in_hours && is_whole {
            let hours = self.hours_of(symbol, day);
            if day * DAY_S >= from_s {
                return hours;
            }
            return hours.iter().filter(|bar| bar.time_s >= from_s).copied().collect();
        }
        let minutes = self.past.minutes(symbol, day).into_iter();
        minutes.filter(|bar| (from_s..until_s).contains(&bar.time_s)).collect()
    }

    fn hours_of(&self, symbol: &Symbol, day: i64) -> Arc<[Bar]> {
        let key = (symbol.id, day);
        if let Some(hours) = locked(&self.hours).get(&key) {
            return Arc::clone(hours);
        }
        let mut builder = Builder { period: HOURS, bars: Vec::new() };
        self.past.minutes(symbol, day).iter().for_each(|bar| builder.add(bar));
        let hours: Arc<[Bar]> = builder.bars.into();
        let mut kept = locked(&self.hours);
        if kept.len() >= DAYS_KEPT_MAX {
            kept.clear();
        }
        kept.insert(key, Arc::clone(&hours));
        hours
    }
}

const HOURS: Period = Period { name: "H1", code: 16385, minutes: 60 };

/// Counts bars of a length, from the newest back.
struct Opens {
    minutes: u32,
    count: usize,
    last: Option<i64>,
}

impl Opens {
    fn count_back(&mut self, bars: &[Bar]) {
        for bar in bars.iter().rev() {
            let open = open_of(self.minutes, bar.time_s);
            if self.last.replace(open) != Some(open) {
                self.count += 1;
            }
        }
    }
}

/// Puts bars together to longer ones.
struct Builder {
    period: Period,
    bars: Vec<Bar>,
}

impl Builder {
    fn add(&mut self, bar: &Bar) {
        let time_s = open_of(self.period.minutes, bar.time_s);
        match self.bars.last_mut().filter(|last| last.time_s == time_s) {
            Some(last) => last.absorb(bar),
            None => self.bars.push(Bar { time_s, ..*bar }),
        }
    }
}

/// Nothing is left half-changed under these locks, so a panic elsewhere does not spoil them.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
