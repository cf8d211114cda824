//! What the processes of a cluster know together: who owns a session, what was sent for it, what was told of it.
//!
//! A [`Registry`] is the sum of small traits, one for each kind of knowledge. There are two of them: one in memory, for
//! a process that is alone, and one in Redis. Both pass the same tests.
//!
//! **Ownership.** A worker lives as long as its heartbeat is renewed in time; an id whose heartbeat has run out never
//! comes back (renewing never creates it). So "the owner is dead" does not change any more once it is seen, and a session
//! is claimed by comparing its owner with the dead id. Every change of owner raises the session's *fence*; writes carry
//! the fence they were made under, and a lower one is refused as [`Stale`](Written::Stale).
//!
//! **What is kept** of a session is opaque here: its login data, sealed by the worker, and its memo, which lets the next
//! owner go on where the last one stood. This crate knows nothing of accounts, orders or passwords.

mod api_keys;
mod audit_log;
mod clock;
mod events;
mod governor;
mod guard_store;
mod heard;
mod journal;
mod key_file;
mod key_manager;
mod key_table;
mod keys;
mod limits;
mod memory;
mod quarantine;
mod rate_buckets;
mod redis;
mod session_count;
mod sessions;
mod trial_file;
mod trial_store;
mod types;
mod workers;

pub use api_keys::{ApiKeyAdded, ApiKeyEntry, ApiKeys, ApiKeysMax};
pub use audit_log::{AuditLog, AuditMax, CHECKPOINTS_MAX};
pub use clock::{CLOCKS_APART_MAX, Clock};
pub use events::{Ear, Events, Heard, Since};
pub use governor::{Governor, Limits, LoginPass, LoginState, Slot};
pub use guard_store::{GuardStore, GuardsKept};
pub use journal::{Entry, Journal};
pub use key_manager::{
    KEY_DAYS, KEY_DAYS_MAX, KeyError, KeyInfo, KeyManager, NewKey, read as read_api_key, usual_scopes,
};
pub use keys::{CallOutcome, Key, Keyed, Keys};
pub use limits::EndedMax;
pub use memory::MemoryRegistry;
pub use quarantine::{Quarantine, Quarantined};
pub use rate_buckets::{Drawn, RateBuckets};
pub use redis::RedisRegistry;
pub use session_count::SessionCount;
pub use sessions::{Opened, Record, Routed, SessionState, Sessions, Unclaimed};
pub use trial_file::TrialFile;
pub use trial_store::TrialStore;
pub use types::{AccountName, Fence, RegistryError, WorkerId, Written, adds_to_memo};
pub use workers::{Beat, Lease, Place, WorkerInfo, Workers};

/// Everything that is known together.
pub trait Registry:
    Clock
    + Workers
    + Sessions
    + SessionCount
    + Quarantine
    + Journal
    + Keys
    + Events
    + Governor
    + ApiKeys
    + AuditLog
    + TrialStore
    + GuardStore
    + RateBuckets
{
}

impl<T> Registry for T where
    T: Clock
        + Workers
        + Sessions
        + SessionCount
        + Quarantine
        + Journal
        + Keys
        + Events
        + Governor
        + ApiKeys
        + AuditLog
        + TrialStore
        + GuardStore
        + RateBuckets
{
}
