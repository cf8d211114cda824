//! Bars are computed beside the quotes: on other threads, a few at a time, in each client's order.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};
use wire::records::{Bar as BarRecord, Period};
use wire::{Bare, Command, Payload, code};

use super::outbox::Outbox;
use crate::bars::{Bar, Charts};
use crate::catalogue::Symbol;

/// Requests of one client that may wait; one more ends its connection.
pub(super) const JOBS_MAX: usize = 64;
/// Requests of all clients computed at a time.
pub(super) const WORKERS: usize = 2;

/// A request for bars. Without symbol or period it is answered by an error, in its turn.
pub(super) struct BarsJob {
    pub(super) prefix: [u8; 2],
    pub(super) wanted: Option<(Arc<Symbol>, Period)>,
    pub(super) from_s: i64,
    pub(super) to_s: i64,
}

/// Works off a client's requests until the client is gone.
pub(super) async fn serve(
    mut jobs: mpsc::Receiver<BarsJob>,
    outbox: Arc<Outbox>,
    charts: Arc<Charts>,
    workers: Arc<Semaphore>,
    most: usize,
) {
    while let Some(job) = jobs.recv().await {
        let prefix = job.prefix;
        let Ok(_turn) = workers.acquire().await else { break };
        let charts = Arc::clone(&charts);
        let computed = tokio::task::spawn_blocking(move || compute(&charts, &job, most)).await;
        let (code, body) = match computed {
            Ok(Some(body)) => (code::SUCCESS, body),
            Ok(None) | Err(_) => (code::INTERNAL_ERROR, Vec::new()),
        };
        outbox.answer(prefix, Command::Bars.number(), code, body.into());
    }
}

fn compute(charts: &Charts, job: &BarsJob, most: usize) -> Option<Vec<u8>> {
    let (symbol, period) = job.wanted.as_ref()?;
    let bars = charts.range(symbol, *period, job.from_s, job.to_s, most);
    Some(Bare(bars.iter().map(record).collect::<Vec<_>>()).to_bytes())
}

fn record(bar: &Bar) -> BarRecord {
    BarRecord {
        time: i32::try_from(bar.time_s).unwrap_or(i32::MAX),
        open: bar.open.to_f64(),
        high: bar.high.to_f64(),
        low: bar.low.to_f64(),
        close: bar.close.to_f64(),
        tick_volume: bar.ticks,
        // Clients take anything else for a spread.
        real_volume: 0.0,
    }
}
