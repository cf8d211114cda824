//! The registry of a cluster of processes: in Redis, alone, behind Sentinels, or as a cluster itself.

mod address;
mod api_keys;
mod audit_log;
mod ear;
mod ended;
mod events;
mod governor;
mod guard_store;
mod journal;
mod line;
mod names;
mod packed;
mod quarantine;
mod rate_buckets;
mod replies;
mod scripts;
mod session_count;
mod sessions;
mod trial_store;
mod workers;

use std::fmt;
use std::sync::Arc;

use crate::{ApiKeysMax, EndedMax, RegistryError};
use address::Address;
use line::Lines;
use names::Names;

/// What processes know together, in Redis 7 or later.
///
/// Forms of its URL (`rediss` instead of `redis` is TLS, with the certificate authorities of the system):
///
/// | Form | What stands there |
/// | --- | --- |
/// | `redis://[user:password@]host[:port][/db]` | one server |
/// | `redis+sentinel://[user:password@]host[:port],host[:port]/master[/db]` | Sentinels, and the name of the master; user and password are for the servers, Sentinels are asked without |
/// | `redis+cluster://[user:password@]host[:port],host[:port]` | some servers of a cluster |
///
/// Nothing is connected before the first operation, and what was lost is connected again by the next one. An operation
/// that is not answered in 2 seconds fails. Nothing is sent twice, unless the server says that it has not done it.
/// Clones share their connections.
#[derive(Clone)]
pub struct RedisRegistry {
    lines: Arc<Lines>,
    names: Names,
    ended_max: EndedMax,
    api_keys_max: ApiKeysMax,
}

impl RedisRegistry {
    /// A registry at a URL. Redis need not run yet.
    ///
    /// # Errors
    /// When the URL is none of the known forms.
    pub fn connect(url: &str) -> Result<Self, RegistryError> {
        let lines = Lines::new(Address::parse(url)?);
        if url.starts_with("rediss") {
            // The library takes what the process has agreed upon, and panics without. An error says that it has already.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let (ended_max, api_keys_max) = (EndedMax::default(), ApiKeysMax::default());
        Ok(Self { lines: Arc::new(lines), names: Names::new(names::PREFIX), ended_max, api_keys_max })
    }

    /// The same connections, with another beginning of all keys and channels instead of `mt5rest:`, so that several
    /// installations can share a Redis. Databases with numbers do not keep them apart: channels have none.
    #[must_use]
    pub fn with_prefix(self, prefix: &str) -> Self {
        Self { names: Names::new(prefix), ..self }
    }

    /// The same, with other limits of what is kept of sessions that have ended.
    #[must_use]
    pub fn with_ended_max(self, ended_max: EndedMax) -> Self {
        Self { ended_max, ..self }
    }

    /// The same, with other limits of how many API keys there may be.
    #[must_use]
    pub fn with_api_keys_max(self, api_keys_max: ApiKeysMax) -> Self {
        Self { api_keys_max, ..self }
    }
}

impl fmt::Debug for RedisRegistry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("RedisRegistry").field(self.lines.address()).finish()
    }
}
