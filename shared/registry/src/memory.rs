//! The registry of a process that is alone: in its memory, and gone with it.

mod ended;
mod events;
mod governor;
mod journal;
mod sessions;
mod trial;
mod workers;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::limits::LOGS_BYTES;
use crate::{AccountName, EndedMax, WorkerId};
use ended::Ended;
use events::Listeners;
use governor::Buckets;
use sessions::{Lists, Session, Turn};
use workers::Member;

/// What processes know together, for a process that is alone.
///
/// It keeps the same promises as the one in Redis. Clones are the same registry.
#[derive(Clone)]
pub struct MemoryRegistry {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    members: HashMap<WorkerId, Member>,
    dead: HashMap<WorkerId, tokio::time::Instant>,
    sessions: HashMap<String, Session>,
    ended: Ended,
    lists: Lists,
    turns: HashMap<AccountName, Turn>,
    listeners: Listeners,
    buckets: Buckets,
    /// What the logs of all sessions cost in bytes, and may cost.
    logs_bytes: Arc<AtomicUsize>,
    logs_bytes_max: usize,
}

impl MemoryRegistry {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::with_log_bytes(LOGS_BYTES)
    }

    /// An empty one whose event logs have this many bytes together; the largest make room.
    #[must_use]
    pub fn with_log_bytes(logs_bytes_max: usize) -> Self {
        Self { state: Arc::new(Mutex::new(State { logs_bytes_max, ..State::default() })) }
    }

    /// The same, with other limits of what is kept of sessions that have ended.
    #[must_use]
    pub fn with_ended_max(self, max: EndedMax) -> Self {
        self.state().ended.max = max;
        self
    }

    /// No step is left half done by a panic: nothing in them can.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryRegistry {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryRegistry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        out.debug_struct("MemoryRegistry")
            .field("workers", &state.members.len())
            .field("sessions", &state.sessions.len())
            .finish()
    }
}
