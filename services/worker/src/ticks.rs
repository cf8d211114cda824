//! Ticks that this worker has seen, by server and symbol: kept for downloads, compressed and bounded.
//!
//! The protocol has no past ticks, so these are all there are. Sessions of one server see the same ticks: each symbol is
//! written by one of them, and another takes over when that one goes silent.

mod chunk;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use access::Tenant;
use link::Endpoint;
use model::Price;

use self::chunk::Chunk;
use crate::zone::CLOCK_STEP_MS;

/// Bytes kept of one server: some three million ticks.
const SERVER_BYTES_MAX: usize = 16 << 20;
/// Bytes kept of all servers.
const BYTES_MAX: usize = 256 << 20;
/// Servers without a session whose ticks are kept on.
const IDLE_SERVERS_MAX: usize = 64;
/// A symbol whose writer is silent for so long is written by another session, in milliseconds of the server clock.
const SILENT_MS: i64 = 2_000;

/// One tick, complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tick {
    /// Milliseconds of the server clock.
    pub(crate) time_ms: i64,
    pub(crate) bid: Price,
    pub(crate) ask: Price,
    pub(crate) last: Price,
    /// Of the last deal, units of 1e-8 lot.
    pub(crate) volume: u64,
}

/// Of whom ticks are kept for whom.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Source {
    /// What one has listened to is nothing to the others.
    tenant: Tenant,
    /// The proxy that could be the server himself.
    detour: Option<String>,
    server: Endpoint,
}

/// The ticks of all servers of a worker.
#[derive(Debug, Default)]
pub(crate) struct TickArchive {
    servers: Mutex<HashMap<Source, Arc<ServerTicks>>>,
    bytes: Arc<AtomicUsize>,
    writers: AtomicU64,
}

/// The ticks of one server.
#[derive(Debug)]
struct ServerTicks {
    series: Mutex<HashMap<Arc<str>, Series>>,
    bytes: AtomicUsize,
    all_bytes: Arc<AtomicUsize>,
}

#[derive(Debug, Default)]
struct Series {
    chunks: VecDeque<Chunk>,
    /// The number of the first chunk.
    first: u64,
    /// The session that writes it; 0: none.
    writer: u64,
}

impl TickArchive {
    /// The access of a session to the ticks of its server.
    pub(crate) fn of(&self, tenant: &Tenant, detour: Option<String>, server: &Endpoint) -> TickWriter {
        let source = Source { tenant: tenant.clone(), detour, server: server.clone() };
        let mut servers = locked(&self.servers);
        let idle = servers.values().filter(|ticks| Arc::strong_count(ticks) == 1).count();
        if idle > IDLE_SERVERS_MAX {
            servers.retain(|_, ticks| Arc::strong_count(ticks) > 1);
        }
        let fresh = || {
            let (series, bytes, all_bytes) = (Mutex::default(), AtomicUsize::new(0), Arc::clone(&self.bytes));
            Arc::new(ServerTicks { series, bytes, all_bytes })
        };
        let ticks = Arc::clone(servers.entry(source).or_insert_with(fresh));
        TickWriter { ticks, id: self.writers.fetch_add(1, Ordering::Relaxed) + 1 }
    }

    /// How many ticks are kept, and the bytes that they take.
    pub(crate) fn size(&self) -> (u64, u64) {
        let servers: Vec<_> = locked(&self.servers).values().cloned().collect();
        let count = |ticks: &Arc<ServerTicks>| {
            let series = locked(&ticks.series);
            let chunks = series.values().flat_map(|series| &series.chunks);
            chunks.map(|chunk| u64::from(chunk.len())).sum::<u64>()
        };
        let bytes = self.bytes.load(Ordering::Relaxed);
        (servers.iter().map(count).sum(), u64::try_from(bytes).unwrap_or(u64::MAX))
    }
}

/// A session's access to the ticks of its server. Dropping it lets others write.
#[derive(Debug)]
pub(crate) struct TickWriter {
    ticks: Arc<ServerTicks>,
    id: u64,
}

impl TickWriter {
    /// Of a server that nobody else is on.
    #[cfg(test)]
    pub(crate) fn lone() -> Self {
        let archive = TickArchive::default();
        let server = Endpoint::parse("lone.example", None).unwrap_or_else(|cause| panic!("{cause}"));
        archive.of(&Tenant::default(), None, &server)
    }

    /// Keeps a tick, if this session is the one that writes the symbol.
    pub(crate) fn write(&self, symbol: &Arc<str>, digits: u32, tick: Tick) {
        let mut all = locked(&self.ticks.series);
        if !all.contains_key(symbol) {
            all.insert(Arc::clone(symbol), Series::default());
        }
        let Some(series) = all.get_mut(symbol) else { return };
        let newest = series.chunks.back().map_or(i64::MIN, |chunk| chunk.last().time_ms);
        if series.writer != self.id {
            let is_silent = series.writer == 0 || tick.time_ms > newest.saturating_add(SILENT_MS);
            // What is so much older than the newest is none of those that were written: the clock was set back.
            let is_set_back = newest.saturating_sub(tick.time_ms) >= CLOCK_STEP_MS;
            if !is_set_back && (!is_silent || tick.time_ms <= newest) {
                return;
            }
            series.writer = self.id;
        }
        let grown = match series.chunks.back_mut().and_then(|chunk| chunk.push(tick, digits)) {
            Some(grown) => grown,
            None => {
                let chunk = Chunk::begin(tick, digits);
                let grown = chunk.bytes();
                series.chunks.push_back(chunk);
                grown
            }
        };
        let own = self.ticks.bytes.fetch_add(grown, Ordering::Relaxed) + grown;
        let total = self.ticks.all_bytes.fetch_add(grown, Ordering::Relaxed) + grown;
        if own > SERVER_BYTES_MAX || total > BYTES_MAX {
            self.ticks.forget_oldest(&mut all);
        }
    }

    /// The ticks of a symbol from a moment on, portion by portion: the next one after the portion with this number, and
    /// its number. `None`: that was all.
    pub(crate) fn portion(&self, symbol: &str, from_ms: i64, after: Option<u64>) -> Option<(u64, Vec<Tick>)> {
        let all = locked(&self.ticks.series);
        let series = all.get(symbol)?;
        let is_next = |(number, chunk): &(u64, &Chunk)| {
            after.is_none_or(|after| *number > after) && chunk.last().time_ms >= from_ms
        };
        let (number, chunk) = (series.first..).zip(&series.chunks).find(is_next)?;
        Some((number, chunk.ticks().filter(|tick| tick.time_ms >= from_ms).collect()))
    }

    /// Whether ticks of a symbol are kept from a moment on.
    pub(crate) fn has_any_since(&self, symbol: &str, time_ms: i64) -> bool {
        let all = locked(&self.ticks.series);
        all.get(symbol)
            .and_then(|series| series.chunks.back())
            .is_some_and(|chunk| chunk.last().time_ms >= time_ms)
    }

    /// Lets other sessions write: this one does not hear ticks any more.
    pub(crate) fn pause(&self) {
        for series in locked(&self.ticks.series).values_mut().filter(|series| series.writer == self.id) {
            series.writer = 0;
        }
    }
}

impl Drop for TickWriter {
    fn drop(&mut self) {
        self.pause();
    }
}

impl ServerTicks {
    /// Drops the oldest chunk of all symbols.
    fn forget_oldest(&self, all: &mut HashMap<Arc<str>, Series>) {
        // The only chunk of a symbol stays: it is being written.
        let long = all.values_mut().filter(|series| series.chunks.len() > 1);
        let age = |series: &&mut Series| series.chunks.front().map(|chunk| chunk.last().time_ms);
        let Some(series) = long.min_by_key(age) else { return };
        if let Some(chunk) = series.chunks.pop_front() {
            series.first += 1;
            self.bytes.fetch_sub(chunk.bytes(), Ordering::Relaxed);
            self.all_bytes.fetch_sub(chunk.bytes(), Ordering::Relaxed);
        }
    }
}

impl Drop for ServerTicks {
    fn drop(&mut self) {
        self.all_bytes.fetch_sub(self.bytes.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// Locks, also after a panic elsewhere: every critical section here leaves the value whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick(time_ms: i64) -> Tick {
        let price = |points| Price::from_points(points, 5);
        Tick {
            time_ms,
            bid: price(110_000 + time_ms % 7),
            ask: price(110_010),
            last: Price::default(),
            volume: 0,
        }
    }

    fn of(archive: &TickArchive, server: &str) -> TickWriter {
        archive.of(&Tenant::default(), None, &Endpoint::parse(server, None).unwrap())
    }

    fn all(writer: &TickWriter, symbol: &str, from_ms: i64) -> Vec<i64> {
        let mut after = None;
        let mut times = Vec::new();
        while let Some((number, portion)) = writer.portion(symbol, from_ms, after) {
            times.extend(portion.iter().map(|tick| tick.time_ms));
            after = Some(number);
        }
        times
    }

    #[test]
    fn sessions_of_a_server_write_each_tick_once() {
        let archive = TickArchive::default();
        let (one, two) = (of(&archive, "a.example"), of(&archive, "a.example"));
        let other = of(&archive, "b.example");
        let symbol: Arc<str> = "EURUSD".into();
        for time in 1..=5 {
            one.write(&symbol, 5, tick(time * 100));
            two.write(&symbol, 5, tick(time * 100));
        }
        assert_eq!(all(&two, "EURUSD", 200), [200, 300, 400, 500]);
        assert!(all(&other, "EURUSD", 0).is_empty());
        drop(one);
        two.write(&symbol, 5, tick(500));
        two.write(&symbol, 5, tick(600));
        assert_eq!(all(&two, "EURUSD", 500), [500, 600]);
        assert_eq!(archive.size().0, 6);
    }

    #[test]
    fn what_one_tenant_has_seen_and_what_a_proxy_tells_is_not_shared() {
        let archive = TickArchive::default();
        let server = Endpoint::parse("a.example", None).unwrap();
        let other: Tenant = "other".parse().unwrap();
        let (own, foreign) = (of(&archive, "a.example"), archive.of(&other, None, &server));
        let astray = archive.of(&Tenant::default(), Some("proxy.example:1080".to_owned()), &server);
        own.write(&"EURUSD".into(), 5, tick(100));
        assert_eq!((all(&own, "EURUSD", 0).len(), all(&foreign, "EURUSD", 0).len()), (1, 0));
        assert!(all(&astray, "EURUSD", 0).is_empty());
    }

    #[test]
    fn a_silent_writer_is_replaced() {
        let archive = TickArchive::default();
        let (one, two) = (of(&archive, "a.example"), of(&archive, "a.example"));
        let symbol: Arc<str> = "EURUSD".into();
        one.write(&symbol, 5, tick(100));
        two.write(&symbol, 5, tick(100 + SILENT_MS));
        two.write(&symbol, 5, tick(101 + SILENT_MS));
        one.write(&symbol, 5, tick(102 + SILENT_MS));
        assert_eq!(all(&one, "EURUSD", 0), [100, 101 + SILENT_MS]);
    }

    #[test]
    fn an_hour_that_comes_twice_is_kept_twice() {
        let archive = TickArchive::default();
        let (one, two) = (of(&archive, "a.example"), of(&archive, "a.example"));
        let symbol: Arc<str> = "EURUSD".into();
        let hour = 3_600_000;
        for time in [hour, 2 * hour - 1, hour, hour + 1] {
            two.write(&symbol, 5, tick(time));
            one.write(&symbol, 5, tick(time));
        }
        assert_eq!(all(&one, "EURUSD", hour + 1), [2 * hour - 1, hour + 1]);
        assert_eq!(all(&one, "EURUSD", 0), [hour, 2 * hour - 1, hour, hour + 1]);
    }

    #[test]
    fn the_oldest_ticks_make_room() {
        let archive = TickArchive::default();
        let writer = of(&archive, "a.example");
        let symbols: [Arc<str>; 2] = ["EURUSD".into(), "USDJPY".into()];
        let mut time = 0;
        // More than fits, at four bytes or more each.
        while time < i64::try_from(SERVER_BYTES_MAX / 6).unwrap() {
            time += 1;
            for symbol in &symbols {
                writer.write(symbol, 5, tick(time));
            }
        }
        let limit = u64::try_from(SERVER_BYTES_MAX + 4096).unwrap();
        assert!(archive.size().1 <= limit, "{}", archive.size().1);
        let (_, first) = writer.portion("EURUSD", 0, None).unwrap();
        assert!(first[0].time_ms > 1, "the oldest are gone");
        assert_eq!(all(&writer, "EURUSD", time - 5).len(), 6);
    }
}
