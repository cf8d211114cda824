//! Minutes of this run.

use std::collections::VecDeque;

use super::Bar;
use crate::catalogue::SymbolId;
use crate::engine::Tick;

/// Minutes kept for each symbol, a week; what is older comes from the generated past again.
const MINUTES_MAX: usize = 7 * 1440;

#[derive(Debug)]
pub(super) struct Live {
    symbols: Vec<VecDeque<Bar>>,
}

impl Live {
    pub(super) fn new(symbols: usize) -> Self {
        Self { symbols: vec![VecDeque::new(); symbols] }
    }

    /// Takes a tick in; true for the first one of its symbol.
    pub(super) fn add(&mut self, tick: &Tick) -> bool {
        let Some(bars) = self.symbols.get_mut(tick.symbol.index()) else { return false };
        let seconds = tick.time.seconds();
        let price = tick.bid;
        let time_s = seconds - seconds.rem_euclid(60);
        let fresh = Bar { time_s, open: price, high: price, low: price, close: price, ticks: 1 };
        let is_first = bars.is_empty();
        // Mostly it belongs to the newest minute or a new one; when the clock was set back, to one of the hour before.
        let place = match bars.back() {
            Some(last) if last.time_s > time_s => bars.partition_point(|bar| bar.time_s < time_s),
            Some(last) if last.time_s == time_s => bars.len() - 1,
            _ => bars.len(),
        };
        match bars.get_mut(place).filter(|bar| bar.time_s == time_s) {
            Some(bar) => bar.absorb(&fresh),
            None => bars.insert(place, fresh),
        }
        if bars.len() > MINUTES_MAX {
            bars.pop_front();
        }
        is_first
    }

    /// Puts minutes before the first one of a symbol.
    pub(super) fn begin_with(&mut self, symbol: SymbolId, minutes: Vec<Bar>) {
        let Some(bars) = self.symbols.get_mut(symbol.index()) else { return };
        minutes.into_iter().rev().for_each(|bar| bars.push_front(bar));
    }

    pub(super) fn minutes(&self, symbol: SymbolId) -> Vec<Bar> {
        self.symbols.get(symbol.index()).map(|bars| bars.iter().copied().collect()).unwrap_or_default()
    }
}
