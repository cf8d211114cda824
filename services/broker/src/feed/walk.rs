//! Ticks of the random walk.

use std::collections::HashMap;
use std::sync::Arc;

use model::{Price, ServerTime, Volume};

use super::book::book_around;
use super::noise::{hash, uniform};
use super::world::{World, bid_of};
use crate::catalogue::{Symbol, SymbolId};
use crate::engine::Tick;

/// Time between two steps of the feed. In a step a symbol has one tick or none.
pub const STEP_MS: i64 = 100;
/// Steps that are caught up with; after a longer pause, or a jump of the clock, the feed goes on from now.
const CATCH_UP_STEPS_MAX: i64 = 20;
/// Share of ticks with a spread far above the usual one.
const WIDE_SHARE: f64 = 0.02;

/// The generator: which symbols tick in which step follows from seed and time, as the prices do.
#[derive(Debug)]
pub struct Walk {
    world: Arc<World>,
    /// Drivers whose price comes from elsewhere: logarithms of their middles.
    given: HashMap<SymbolId, f64>,
    /// How far prices were led away from the walk, or from the recording: differences of logarithms.
    shifts: HashMap<SymbolId, f64>,
    last_step: i64,
    /// How far the server clock was set since the walk began, milliseconds. The walk goes on evenly.
    set_ms: i64,
}

impl Walk {
    /// A walk that begins at `start`.
    #[must_use]
    pub fn new(world: Arc<World>, start: ServerTime) -> Self {
        Self {
            world,
            given: HashMap::new(),
            shifts: HashMap::new(),
            last_step: start.ms().div_euclid(STEP_MS),
            set_ms: 0,
        }
    }

    /// The server clock is so far ahead of the one that the walk goes by: ticks bear the time that it shows.
    pub fn set_clock(&mut self, set_ms: i64) {
        self.set_ms = set_ms;
    }

    /// From now on, this symbol's price is another's affair; what it drives follows it.
    pub fn give(&mut self, symbol: SymbolId, bid: Price, ask: Price) {
        let mid = f64::midpoint(bid.to_f64(), ask.to_f64());
        if mid > 0.0 {
            self.given.insert(symbol, mid.ln());
        }
    }

    /// From now on, this symbol's price goes on from `mid`; what it drives follows it.
    pub fn lead(&mut self, symbol: &Symbol, mid: f64, now: ServerTime) {
        if mid > 0.0 {
            let way = mid.ln() - self.ln(symbol, now);
            *self.shifts.entry(symbol.id).or_default() += way;
        }
    }

    /// A recorded tick of a price that was led elsewhere.
    pub(super) fn bend(&self, tick: &mut Tick) {
        let Some(shift) = self.shifts.get(&tick.symbol) else { return };
        let Some(symbol) = self.world.catalogue().get(tick.symbol) else { return };
        let spread = tick.ask - tick.bid;
        let bid = symbol.price(tick.bid.to_f64() * shift.exp()).unwrap_or(tick.bid);
        tick.bid = bid.max(symbol.tick_size);
        tick.ask = tick.bid + spread;
        if tick.book.is_some() {
            tick.book = Some(book_around(symbol, tick.bid, tick.ask, 0));
        }
    }

    /// Goes on under other terms of the symbols.
    pub fn change_symbols(&mut self, world: Arc<World>) {
        self.world = world;
    }

    /// The logarithm of a symbol's middle.
    fn ln(&self, symbol: &Symbol, time: ServerTime) -> f64 {
        if let Some(given) = self.given.get(&symbol.id) {
            return *given;
        }
        let shift = |id: SymbolId| self.shifts.get(&id).copied().unwrap_or(0.0);
        let driver = |(id, power): &(SymbolId, f64)| {
            let own = || self.world.driver_ln(*id, time) + shift(*id);
            power * self.given.get(id).copied().unwrap_or_else(own)
        };
        let is_driver = symbol.drivers.iter().any(|(id, _)| *id == symbol.id);
        let own = if is_driver { 0.0 } else { shift(symbol.id) };
        symbol.drivers.iter().map(driver).sum::<f64>() + own
    }

    /// A tick of every symbol, so that each has a price: where the market is closed, the one that its last session ended
    /// with, as bars of the past have it.
    #[must_use]
    pub fn opening(&self, time: ServerTime) -> Vec<Tick> {
        let shown = time.set_by(self.set_ms);
        let of = |symbol: &Arc<Symbol>| {
            let schedule = &symbol.schedule;
            let end = if schedule.is_quoted(shown) { None } else { schedule.last_quoted_end(shown) };
            match end {
                Some(end) => {
                    let usual = symbol.points(symbol.pace.spread);
                    self.tick_with(symbol, end.set_by(-self.set_ms), |_| usual)
                }
                None => self.tick(symbol, time),
            }
        };
        self.own_symbols().map(of).collect()
    }

    /// The ticks of all steps since the last call, in order.
    pub fn advance(&mut self, now: ServerTime) -> Vec<Tick> {
        let step = now.ms().div_euclid(STEP_MS);
        let first = (self.last_step + 1).max(step - CATCH_UP_STEPS_MAX);
        let ticks = (first..=step).flat_map(|step| self.step(step)).collect();
        self.last_step = self.last_step.max(step);
        ticks
    }

    fn own_symbols(&self) -> impl Iterator<Item = &Arc<Symbol>> {
        self.world.catalogue().symbols().iter().filter(|symbol| !self.given.contains_key(&symbol.id))
    }

    fn step(&self, step: i64) -> Vec<Tick> {
        let time = ServerTime::from_ms(step * STEP_MS);
        let is_due = |symbol: &&Arc<Symbol>| {
            let chance = symbol.pace.ticks_per_second * STEP_MS as f64 / 1000.0;
            let draw = hash(&[self.world.seed(), 11, u64::from(symbol.id.0), step as u64]);
            uniform(draw) < chance && symbol.schedule.is_quoted(time.set_by(self.set_ms))
        };
        self.own_symbols().filter(is_due).map(|symbol| self.tick(symbol, time)).collect()
    }

    fn tick(&self, symbol: &Symbol, time: ServerTime) -> Tick {
        self.tick_with(symbol, time, |draw| spread_of(symbol, draw))
    }

    fn tick_with(&self, symbol: &Symbol, time: ServerTime, spread: impl Fn(u64) -> Price) -> Tick {
        let mid = self.ln(symbol, time).exp();
        let draw = hash(&[self.world.seed(), 12, u64::from(symbol.id.0), time.ms() as u64]);
        let spread = spread(draw);
        let bid = bid_of(symbol, mid, Some(spread));
        let time = time.set_by(self.set_ms);
        let ask = bid + spread;
        if !symbol.has_book() {
            return Tick { symbol: symbol.id, time, bid, ask, last: None, book: None };
        }
        let is_buyer = draw & 1 == 0;
        let lots = 1 + (draw >> 8) % 200;
        let volume = Volume::from_units(lots.saturating_mul(symbol.volume_step.units()));
        let last = Some((if is_buyer { ask } else { bid }, volume));
        Tick { symbol: symbol.id, time, bid, ask, last, book: Some(book_around(symbol, bid, ask, draw)) }
    }
}

/// The usual spread give or take a quarter, rarely twice as wide; a whole number of price steps.
fn spread_of(symbol: &Symbol, draw: u64) -> Price {
    let usual = symbol.points(symbol.pace.spread).to_f64();
    let factor = 0.75 + 0.5 * uniform(draw);
    let is_wide = uniform(hash(&[draw])) < WIDE_SHARE;
    let spread = symbol.price(usual * factor * if is_wide { 2.0 } else { 1.0 });
    spread.unwrap_or(symbol.tick_size).max(symbol.tick_size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Catalogue, MarketHours};

    fn walk(seed: u64, hours: MarketHours, start_ms: i64) -> Walk {
        let catalogue = Arc::new(Catalogue::built_in(hours));
        Walk::new(Arc::new(World::new(catalogue, seed)), ServerTime::from_ms(start_ms))
    }

    const START_MS: i64 = 1_795_330_800_000;

    #[test]
    fn ticks_depend_on_seed_and_time_only() {
        let ticks = |seed, pieces: &[i64]| {
            let mut walk = walk(seed, MarketHours::Always, START_MS);
            pieces.iter().flat_map(|ms| walk.advance(ServerTime::from_ms(START_MS + ms))).collect::<Vec<_>>()
        };
        let whole = ticks(3, &[1900]);
        assert!(!whole.is_empty());
        assert_eq!(whole, ticks(3, &[150, 400, 410, 1000, 1900]));
        assert_ne!(whole, ticks(4, &[1900]));
    }

    #[test]
    fn every_symbol_ticks_at_its_rate_with_a_spread() {
        let mut walk = walk(3, MarketHours::Always, START_MS);
        let mut counts: HashMap<SymbolId, u32> = HashMap::new();
        for second in 1..=200 {
            for tick in walk.advance(ServerTime::from_ms(START_MS + second * 1000)) {
                assert!(tick.ask > tick.bid && tick.bid > Price::ZERO, "{tick:?}");
                *counts.entry(tick.symbol).or_default() += 1;
            }
        }
        let catalogue = Arc::clone(walk.world.catalogue());
        for symbol in catalogue.symbols() {
            let expected = symbol.pace.ticks_per_second * 200.0;
            let count = f64::from(counts.get(&symbol.id).copied().unwrap_or(0));
            assert!((count / expected - 1.0).abs() < 0.35, "{}: {count} of {expected}", symbol.name);
        }
    }

    #[test]
    fn closed_markets_are_silent_but_have_a_price() {
        // 2026-11-21 was a Saturday.
        let saturday = 1_795_262_400_000;
        let mut walk = walk(3, MarketHours::Real, saturday);
        let names: Vec<_> = walk
            .advance(ServerTime::from_ms(saturday + 1900))
            .iter()
            .filter_map(|tick| walk.world.catalogue().get(tick.symbol).map(|symbol| symbol.name.clone()))
            .collect();
        assert!(!names.is_empty() && names.iter().all(|name| name.len() == 6), "{names:?}");
        assert!(names.iter().all(|name| ["BTCUSD", "ETHUSD", "LTCUSD"].contains(&name.as_str())));
        assert_eq!(walk.opening(ServerTime::from_ms(saturday)).len(), walk.world.catalogue().symbols().len());
    }

    #[test]
    fn a_given_driver_moves_its_crosses() {
        let mut walk = walk(3, MarketHours::Always, START_MS);
        let catalogue = Arc::clone(walk.world.catalogue());
        let [eurusd, usdjpy, eurjpy] = ["EURUSD", "USDJPY", "EURJPY"].map(|n| catalogue.by_name(n).unwrap());
        let price = |value, digits| Price::from_f64(value, digits).unwrap();
        walk.give(eurusd.id, price(2.0, 5), price(2.0, 5));
        walk.give(usdjpy.id, price(100.0, 3), price(100.0, 3));
        let opening = walk.opening(ServerTime::from_ms(START_MS));
        assert!(opening.iter().all(|tick| tick.symbol != eurusd.id && tick.symbol != usdjpy.id));
        let tick = opening.iter().find(|tick| tick.symbol == eurjpy.id).unwrap();
        assert!((f64::midpoint(tick.bid.to_f64(), tick.ask.to_f64()) - 200.0).abs() < 0.02, "{tick:?}");
    }
}
