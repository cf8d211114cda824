//! The feed that a broker runs: one of three kinds behind the same two questions.

use std::sync::Arc;

use model::ServerTime;

use super::{Replay, Walk, World};
use crate::catalogue::Symbol;
use crate::engine::Tick;

/// What makes the ticks.
#[derive(Debug)]
pub enum Source {
    /// The generator.
    Walk(Walk),
    /// A recording; symbols that it lacks walk, or follow the recorded ones that drive them.
    Replay(Box<Replay>, Walk),
    /// Nobody; prices are set from outside.
    Manual,
}

impl Source {
    /// A recording on top of a walk.
    #[must_use]
    pub fn replay(replay: Replay, world: Arc<World>, start: ServerTime) -> Self {
        let mut walk = Walk::new(world, start);
        for (symbol, bid, ask) in replay.first_prices() {
            walk.give(symbol, bid, ask);
        }
        Self::Replay(Box::new(replay), walk)
    }

    /// The first price of every symbol that has one.
    pub fn opening(&mut self, now: ServerTime) -> Vec<Tick> {
        match self {
            Self::Walk(walk) => walk.opening(now),
            Self::Replay(_, walk) => walk.opening(now),
            Self::Manual => Vec::new(),
        }
    }

    /// From now on, this symbol's price goes on from `mid`.
    pub fn lead(&mut self, symbol: &Symbol, mid: f64, now: ServerTime) {
        if let Self::Walk(walk) | Self::Replay(_, walk) = self {
            walk.lead(symbol, mid, now);
        }
    }

    /// The server clock is so many milliseconds ahead of the one that [`Source::advance`] is told.
    pub fn set_clock(&mut self, set_ms: i64) {
        match self {
            Self::Walk(walk) => walk.set_clock(set_ms),
            Self::Replay(replay, walk) => {
                replay.set_clock(set_ms);
                walk.set_clock(set_ms);
            }
            Self::Manual => {}
        }
    }

    /// Goes on under other terms of the symbols.
    pub fn change_symbols(&mut self, world: Arc<World>) {
        if let Self::Walk(walk) | Self::Replay(_, walk) = self {
            walk.change_symbols(world);
        }
    }

    /// What has happened since the last call.
    pub fn advance(&mut self, now: ServerTime, world: &World) -> Vec<Tick> {
        match self {
            Self::Walk(walk) => walk.advance(now),
            Self::Replay(replay, walk) => {
                let mut ticks = replay.advance(now, world.catalogue());
                for tick in &mut ticks {
                    walk.bend(tick);
                    walk.give(tick.symbol, tick.bid, tick.ask);
                }
                ticks.extend(walk.advance(now));
                ticks
            }
            Self::Manual => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Catalogue, MarketHours};
    use crate::feed::{export_ticks, parse_ticks};

    const START_MS: i64 = 1_795_330_800_000;

    fn exported(name: &str) -> (Arc<World>, Vec<(crate::catalogue::SymbolId, crate::feed::FileTick)>) {
        let catalogue = Arc::new(Catalogue::built_in(MarketHours::Always));
        let world = Arc::new(World::new(catalogue, 3));
        let symbol = world.catalogue().by_name(name).unwrap();
        let start = ServerTime::from_ms(START_MS);
        let mut walk = Walk::new(Arc::clone(&world), start);
        let mut text = Vec::new();
        let until = ServerTime::from_ms(START_MS + 60_000);
        let count = export_ticks(&mut walk, start, until, symbol, &mut text).unwrap();
        let ticks = parse_ticks(std::str::from_utf8(&text).unwrap()).unwrap();
        assert!(count > 20);
        assert_eq!(ticks.len(), count);
        let ticks = ticks.into_iter().map(|tick| (symbol.id, tick)).collect();
        (world, ticks)
    }

    #[test]
    fn what_is_exported_is_replayed() {
        for name in ["EURUSD", "AAPL"] {
            let (world, ticks) = exported(name);
            let start = ServerTime::from_ms(START_MS);
            let mut walk = Walk::new(Arc::clone(&world), start);
            let id = ticks[0].0;
            let steps = (1..=600).flat_map(|n| walk.advance(ServerTime::from_ms(START_MS + n * 100)));
            let walked: Vec<_> = steps.filter(|t| t.symbol == id).map(|t| (t.bid, t.ask, t.last)).collect();
            let mut replay = Replay::of(ticks, start, 2.0);
            // At twice the speed, and short of the second round.
            let half = ServerTime::from_ms(START_MS + 30_000);
            let replayed = replay.advance(half, world.catalogue());
            let prices: Vec<_> = replayed.iter().map(|t| (t.bid, t.ask, t.last)).collect();
            assert_eq!(prices[..walked.len().min(prices.len())], walked[..walked.len().min(prices.len())]);
            assert!(replayed.windows(2).all(|pair| pair[0].time <= pair[1].time));
        }
    }

    #[test]
    fn a_replay_goes_round_and_moves_the_crosses() {
        let (world, ticks) = exported("EURUSD");
        let (count, start) = (ticks.len(), ServerTime::from_ms(START_MS));
        let replay = Replay::of(ticks, start, 1.0);
        let mut source = Source::replay(replay, Arc::clone(&world), start);
        let eurusd = world.catalogue().by_name("EURUSD").unwrap().id;
        assert!(source.opening(start).iter().all(|tick| tick.symbol != eurusd));
        let later = ServerTime::from_ms(START_MS + 150_000);
        let replayed = source.advance(later, &world).iter().filter(|tick| tick.symbol == eurusd).count();
        assert!(replayed > 2 * count, "{replayed} of {count} in a round");
    }

    #[test]
    fn a_recording_goes_on_from_where_it_was_led_to() {
        let (world, ticks) = exported("EURUSD");
        let start = ServerTime::from_ms(START_MS);
        let catalogue = Arc::clone(world.catalogue());
        let [eurusd, eurjpy] = ["EURUSD", "EURJPY"].map(|name| catalogue.by_name(name).unwrap());
        let mut source = Source::replay(Replay::of(ticks, start, 1.0), Arc::clone(&world), start);
        let mid = |ticks: &[Tick], id| {
            let tick = ticks.iter().rfind(|tick| tick.symbol == id).unwrap();
            f64::midpoint(tick.bid.to_f64(), tick.ask.to_f64())
        };
        let before = source.advance(ServerTime::from_ms(START_MS + 30_000), &world);
        source.lead(eurusd, 3.0, ServerTime::from_ms(START_MS + 30_000));
        let after = source.advance(ServerTime::from_ms(START_MS + 50_000), &world);
        assert!((mid(&after, eurusd.id) - 3.0).abs() < 0.01, "{}", mid(&after, eurusd.id));
        let share = mid(&after, eurjpy.id) / mid(&before, eurjpy.id);
        assert!((share - 3.0 / mid(&before, eurusd.id)).abs() < 0.01, "crosses follow: {share}");
    }
}
