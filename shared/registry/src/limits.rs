//! Limits that both registries keep.

use std::time::Duration;

/// Events that a log keeps, in count and in bytes with what keeping each costs, and for how long after the last one. A
/// log begins with an event that is whole; the last such one and what builds on it may take more, where an account has
/// very much open.
pub(crate) const LOG_MAX: usize = 640;
pub(crate) const LOG_BYTES: usize = 80 << 10;
pub(crate) const LOG_TAIL_BYTES: usize = 4 << 20;
pub(crate) const LOG_EVENT_BYTES: usize = 88;
/// The logs of all sessions in memory, in bytes; the largest make room.
pub(crate) const LOGS_BYTES: usize = 256 << 20;
pub(crate) const LOG_KEPT: Duration = Duration::from_secs(24 * 3600);
/// Settled trade requests that a journal keeps, and the bytes of their outcomes.
pub(crate) const SETTLED_MAX: usize = 1_024;
pub(crate) const SETTLED_BYTES: usize = 16 << 10;
/// Trade requests that were settled before they were begun, of which a journal remembers that. As many as a session may have under
/// way.
pub(crate) const EARLY_MAX: usize = 256;
/// Trade requests of a session that may be without an outcome at once, and how many bytes each may have.
pub(crate) const BEGUN_MAX: usize = 1_000;
pub(crate) const REQUEST_BYTES: usize = 4 << 10;
/// Idempotency keys of a session, their bytes with their outcomes (those of each kind by themselves), and for how long
/// each is kept.
pub(crate) const KEYS_MAX: usize = 10_000;
pub(crate) const KEYS_BYTES: usize = 4 << 20;
pub(crate) const KEYS_KEPT: Duration = Duration::from_secs(24 * 3600);
/// Implied keys of a session, of calls whose answers have not reached their callers, and for how long each is kept.
pub(crate) const IMPLIED_MAX: usize = 256;
pub(crate) const IMPLIED_KEPT: Duration = Duration::from_secs(10 * 60);
/// What memos, journals and keys of all sessions take in memory, in bytes, before those that have more than their even share of it are
/// given no more keys and begin no more requests. In Redis each session has its own bounds, and Redis its own memory.
pub(crate) const KEPT_BYTES: usize = 512 << 20;
/// The fence of a session, and its keys, are kept for so long after its end.
pub(crate) const FENCE_KEPT: Duration = Duration::from_secs(24 * 3600);
/// Brokers, and accounts, that operators see.
pub(crate) const SEEN_MAX: usize = 200;
/// Things heard that wait for a slow listener, in count and in bytes; beyond that they are dropped, and the listener is told
/// of a gap.
pub(crate) const HEARD_MAX: usize = 16_384;
pub(crate) const HEARD_BYTES: usize = 32 << 20;
/// A second death of an owner counts against a session within this.
pub(crate) const DEATHS_WITHIN: Duration = Duration::from_secs(10 * 60);
/// For how long a session is in quarantine the first time, and at most: it doubles each time.
pub(crate) const QUARANTINE_FIRST: Duration = Duration::from_secs(10);
pub(crate) const QUARANTINE_LONGEST: Duration = Duration::from_secs(3600);
/// Sessions in quarantine that are listed.
pub(crate) const QUARANTINED_SHOWN: usize = 1_000;

/// Bytes of an API key with its tenant and its record.
pub(crate) const API_KEY_BYTES: usize = 8 << 10;
/// Bytes of a file of API keys: as many as there may be, each as long as it may be.
pub(crate) const KEY_FILE_BYTES: u64 = 256 << 20;
/// API keys that are looked up in one step.
pub(crate) const API_KEYS_AT_ONCE: usize = 256;
/// Token buckets in memory that are not full.
pub(crate) const RATE_BUCKETS_MAX: usize = 100_000;
/// Tickets that wait to be taken, and bytes of each.
pub(crate) const TICKETS_MAX: usize = 10_000;
pub(crate) const TICKET_BYTES: usize = 8 << 10;

/// How much is kept of sessions that have ended; beyond it the oldest make room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedMax {
    /// Sessions.
    pub sessions: usize,
    /// Bytes of them all: login data and idempotency keys.
    pub bytes: usize,
}

impl Default for EndedMax {
    fn default() -> Self {
        Self { sessions: 50_000, bytes: 128 * 1024 * 1024 }
    }
}
