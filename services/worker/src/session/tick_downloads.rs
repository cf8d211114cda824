//! Downloads of kept ticks to those who listen.

use std::sync::Arc;

use calls::ServerTime;
use calls::reply::{TickBar, TickHistoryEventArgs};

use crate::ticks::{Tick, TickWriter};

/// Downloads of a session at once.
const DOWNLOADS_MAX: usize = 64;

#[derive(Debug)]
struct Download {
    symbol: Arc<str>,
    from_ms: i64,
    /// The last portion that was told.
    told: Option<u64>,
}

/// The downloads of a session, told in turns.
#[derive(Debug, Default)]
pub(crate) struct TickDownloads(Vec<Download>);

impl TickDownloads {
    /// Begins a download, in place of an earlier one of the symbol. Returns `false` if there are too many.
    pub(crate) fn begin(&mut self, symbol: &Arc<str>, from_ms: i64) -> bool {
        self.stop(symbol);
        let fits = self.0.len() < DOWNLOADS_MAX;
        if fits {
            self.0.push(Download { symbol: Arc::clone(symbol), from_ms, told: None });
        }
        fits
    }

    /// Ends a download.
    pub(crate) fn stop(&mut self, symbol: &str) {
        self.0.retain(|download| &*download.symbol != symbol);
    }

    /// Whether there is one.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next portion of one of them; an empty one is its end.
    pub(crate) fn next(&mut self, ticks: &TickWriter) -> Option<TickHistoryEventArgs> {
        if self.0.is_empty() {
            return None;
        }
        let mut download = self.0.remove(0);
        let symbol = download.symbol.to_string();
        match ticks.portion(&symbol, download.from_ms, download.told) {
            Some((number, portion)) => {
                download.told = Some(number);
                self.0.push(download);
                Some(TickHistoryEventArgs { symbol, bars: portion.iter().map(bar).collect() })
            }
            None => Some(TickHistoryEventArgs { symbol, bars: Vec::new() }),
        }
    }
}

fn bar(tick: &Tick) -> TickBar {
    TickBar {
        time: ServerTime::from_ms(tick.time_ms),
        bid: tick.bid.to_f64(),
        ask: tick.ask.to_f64(),
        last: tick.last.to_f64(),
        volume: tick.volume,
    }
}
