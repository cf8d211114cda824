//! The registry of a process that is alone: in its memory, and gone with it.

mod api_keys;
mod audit_log;
mod ended;
mod events;
mod governor;
mod guard_store;
mod journal;
mod rate_buckets;
mod session_count;
mod sessions;
mod tally;
mod trial;
mod trial_store;
mod workers;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use access::TrialMark;

use crate::key_file::{KeyFile, in_background};
use crate::key_table::KeyTable;
use crate::limits::{KEPT_BYTES, LOGS_BYTES};
use crate::{AccountName, ApiKeysMax, EndedMax, GuardsKept, RegistryError, WorkerId};
use api_keys::Tickets;
use ended::Ended;
use events::Listeners;
use governor::Buckets;
use rate_buckets::FullAt;
use sessions::{Lists, Session, Turn};
use tally::Total;
use workers::Member;

/// What processes know together, for a process that is alone.
///
/// It keeps the same promises as the one in Redis. Clones are the same registry.
#[derive(Clone)]
pub struct MemoryRegistry {
    state: Arc<Mutex<State>>,
    key_file: Option<Arc<KeyFile>>,
    api_keys_max: ApiKeysMax,
}

#[derive(Default)]
struct State {
    members: HashMap<WorkerId, Member>,
    dead: HashMap<WorkerId, tokio::time::Instant>,
    sessions: HashMap<String, Session>,
    /// Sessions that were ever opened.
    opened: u64,
    trial_mark: Option<TrialMark>,
    /// Records of what was done.
    audit: audit_log::Chains,
    /// Of accounts that have, or had, some.
    guards: HashMap<AccountName, GuardsKept>,
    ended: Ended,
    lists: Lists,
    turns: HashMap<AccountName, Turn>,
    listeners: Listeners,
    buckets: Buckets,
    rate_buckets: FullAt,
    api_keys: KeyTable,
    tickets: Tickets,
    /// What the logs of all sessions cost in bytes, and may cost.
    logs_bytes: Arc<AtomicUsize>,
    logs_bytes_max: usize,
    /// What memos, journals and keys of all sessions take, and may take.
    kept: Total,
    kept_bytes_max: usize,
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
        let state = State { logs_bytes_max, kept_bytes_max: KEPT_BYTES, ..State::default() };
        let state = Arc::new(Mutex::new(state));
        Self { state, key_file: None, api_keys_max: ApiKeysMax::default() }
    }

    /// The same, with other limits of what is kept of sessions that have ended.
    #[must_use]
    pub fn with_ended_max(self, max: EndedMax) -> Self {
        self.state().ended.max = max;
        self
    }

    /// The same, whose memos, journals and keys may have this many bytes together.
    #[must_use]
    pub fn with_kept_bytes(self, kept_bytes_max: usize) -> Self {
        self.state().kept_bytes_max = kept_bytes_max;
        self
    }

    /// The same, with other limits of how many API keys there may be.
    #[must_use]
    pub fn with_api_keys_max(self, api_keys_max: ApiKeysMax) -> Self {
        Self { api_keys_max, ..self }
    }

    /// The same, with its API keys in files of a folder, which outlive it and which the command line can change.
    ///
    /// # Errors
    /// When the folder cannot be made, or what is there cannot be read.
    pub fn with_api_keys_in(self, folder: &Path) -> Result<Self, RegistryError> {
        Ok(Self { key_file: Some(Arc::new(KeyFile::open(folder)?)), ..self })
    }

    fn key_file(&self) -> Option<Arc<KeyFile>> {
        self.key_file.clone()
    }

    /// Looks at the API keys.
    async fn read_keys<T: Send + 'static>(
        &self,
        look: impl FnOnce(&KeyTable) -> T + Send + 'static,
    ) -> Result<T, RegistryError> {
        match self.key_file() {
            Some(file) => in_background(move || file.read(look)).await,
            None => Ok(look(&self.state().api_keys)),
        }
    }

    /// Changes the API keys.
    async fn change_keys<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut KeyTable, ApiKeysMax) -> T + Send + 'static,
    ) -> Result<T, RegistryError> {
        let max = self.api_keys_max;
        match self.key_file() {
            Some(file) => in_background(move || file.change(change, max)).await,
            None => Ok(change(&mut self.state().api_keys, max)),
        }
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
