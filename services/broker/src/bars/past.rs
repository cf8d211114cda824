//! Minutes before this run, computed from the walk.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use model::ServerTime;

use super::{Bar, locked};
use crate::catalogue::{Symbol, SymbolId};
use crate::engine::Tick;
use crate::feed::World;
use crate::feed::{bid_of, hash, uniform};

/// Points of the walk's grid in a minute.
const MINUTE_UNITS: usize = 4;
const DAY_S: i64 = 86_400;

#[derive(Debug)]
pub(super) struct Past {
    world: Arc<World>,
    joins: bool,
    /// What the walk is multiplied by to meet the first tick.
    factors: Mutex<HashMap<SymbolId, f64>>,
}

impl Past {
    pub(super) fn new(world: Arc<World>, joins: bool) -> Self {
        Self { world, joins, factors: Mutex::new(HashMap::new()) }
    }

    /// Scales the past of a symbol to its first tick. True if that changed it.
    pub(super) fn join(&self, tick: &Tick) -> bool {
        let Some(symbol) = self.world.catalogue().get(tick.symbol).filter(|_| self.joins) else {
            return false;
        };
        let walked = self.world.mid(symbol, tick.time);
        let mid = f64::midpoint(tick.bid.to_f64(), tick.ask.to_f64());
        locked(&self.factors).insert(tick.symbol, mid / walked);
        true
    }

    /// The minutes of a day (counted from 1970) in which the symbol was quoted.
    pub(super) fn minutes(&self, symbol: &Symbol, day: i64) -> Vec<Bar> {
        let factor = locked(&self.factors).get(&symbol.id).copied().unwrap_or(1.0);
        let mids = self.world.day_of_mids(symbol, day);
        let bids: Vec<_> = mids.iter().map(|mid| bid_of(symbol, mid * factor, None)).collect();
        let mut bars = Vec::with_capacity(1440);
        for (minute, from) in (0..).zip((0..bids.len() - 1).step_by(MINUTE_UNITS)) {
            let time_s = day * DAY_S + minute * 60;
            if !symbol.schedule.is_quoted(ServerTime::from_parts(time_s, 0)) {
                continue;
            }
            // The price at the end of a minute is the one at which the next begins.
            let prices = &bids[from..=from + MINUTE_UNITS];
            let high = prices.iter().copied().max().unwrap_or(prices[0]);
            let low = prices.iter().copied().min().unwrap_or(prices[0]);
            let ticks = self.ticks(symbol, time_s);
            bars.push(Bar { time_s, open: prices[0], high, low, close: prices[MINUTE_UNITS], ticks });
        }
        bars
    }

    /// About as many ticks as the symbol has in a minute.
    fn ticks(&self, symbol: &Symbol, time_s: i64) -> u32 {
        let draw = uniform(hash(&[self.world.seed(), 13, u64::from(symbol.id.0), time_s as u64]));
        (symbol.pace.ticks_per_second * 60.0 * (0.7 + 0.6 * draw)).round().max(1.0) as u32
    }
}
