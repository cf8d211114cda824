//! Limits that both registries keep.

use std::time::Duration;

/// Events that a log keeps, and for how long after the last one.
pub(crate) const LOG_MAX: usize = 1_024;
pub(crate) const LOG_KEPT: Duration = Duration::from_secs(24 * 3600);
/// Settled trade requests that a journal keeps.
pub(crate) const SETTLED_MAX: usize = 1_024;
/// Trade requests of a session that may be without an outcome at once.
pub(crate) const BEGUN_MAX: usize = 10_000;
/// Idempotency keys of a session, and for how long each is kept.
pub(crate) const KEYS_MAX: usize = 10_000;
pub(crate) const KEYS_KEPT: Duration = Duration::from_secs(24 * 3600);
/// Implied keys of a session, of calls whose answers have not reached their callers, and for how long each is kept.
pub(crate) const IMPLIED_MAX: usize = 256;
pub(crate) const IMPLIED_KEPT: Duration = Duration::from_secs(10 * 60);
/// The fence of a session, and its keys, are kept for so long after its end.
pub(crate) const FENCE_KEPT: Duration = Duration::from_secs(24 * 3600);
/// Brokers, and accounts, that operators see.
pub(crate) const SEEN_MAX: usize = 200;
/// Things heard that wait for a slow listener; beyond that they are dropped, and the listener is told of a gap.
pub(crate) const HEARD_MAX: usize = 16_384;
/// A second death of an owner counts against a session within this.
pub(crate) const DEATHS_WITHIN: Duration = Duration::from_secs(10 * 60);
/// For how long a session is in quarantine the first time, and at most: it doubles each time.
pub(crate) const QUARANTINE_FIRST: Duration = Duration::from_secs(10);
pub(crate) const QUARANTINE_LONGEST: Duration = Duration::from_secs(3600);
/// Sessions in quarantine that are listed.
pub(crate) const QUARANTINED_SHOWN: usize = 1_000;

/// How much is kept of sessions that have ended; beyond it the oldest make room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedMax {
    /// Sessions.
    pub sessions: usize,
    /// Bytes of them all: login data, memos, idempotency keys.
    pub bytes: usize,
}

impl Default for EndedMax {
    fn default() -> Self {
        Self { sessions: 50_000, bytes: 128 * 1024 * 1024 }
    }
}
