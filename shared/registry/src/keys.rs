//! Under what order calls are remembered, so that a repeated one is the first one.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::limits::{IMPLIED_KEPT, IMPLIED_MAX, KEYS_BYTES, KEYS_KEPT, KEYS_MAX};
use crate::{Fence, RegistryError, Written};

/// Under what an order call is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// Its idempotency key, chosen by the client. Kept for 24 hours, 10,000 or 4 MiB of them for each session.
    Chosen(String),
    /// The call itself, for one attempt at it: until its answer has reached its caller. Kept for ten minutes, 256 for each
    /// session.
    Implied {
        /// Stands for the call and its parameters.
        print: String,
        /// Which attempt at it, a name without a colon: what is said of one attempt does not concern another.
        attempt: String,
    },
}

impl Key {
    /// What equal calls have in common.
    pub fn name(&self) -> &str {
        match self {
            Self::Chosen(name) | Self::Implied { print: name, .. } => name,
        }
    }

    /// Which attempt; none of a key that was chosen.
    pub fn attempt(&self) -> &str {
        match self {
            Self::Chosen(_) => "",
            Self::Implied { attempt, .. } => attempt,
        }
    }

    /// The same key, for the attempt that was found under it.
    #[must_use]
    pub fn of_attempt(&self, found: &str) -> Self {
        match self {
            Self::Chosen(name) => Self::Chosen(name.clone()),
            Self::Implied { print, .. } => Self::Implied { print: print.clone(), attempt: found.to_owned() },
        }
    }

    /// How much is kept of its kind.
    pub(crate) fn bounds(&self) -> KeyBounds {
        let (kept_for, count) = match self {
            Self::Chosen(_) => (KEYS_KEPT, KEYS_MAX),
            Self::Implied { .. } => (IMPLIED_KEPT, IMPLIED_MAX),
        };
        KeyBounds { kept_for, count, bytes: KEYS_BYTES }
    }
}

/// How much is kept of one kind of keys.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyBounds {
    /// For how long each.
    pub(crate) kept_for: Duration,
    /// How many of a session.
    pub(crate) count: usize,
    /// And how many bytes of them: a further one is refused once there are so many.
    pub(crate) bytes: usize,
}

/// What came of the call of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallOutcome {
    /// As its repetitions are told.
    pub text: Bytes,
    /// Whether it is known what came of the call. Such an outcome is not replaced by one that says that nobody knows.
    pub is_known: bool,
    /// The request that it is of; `None`: of the call. Of a request that is not the last one under the key, nothing is written.
    pub number: Option<u32>,
}

/// What a key says when a call begins under it. Attempts are those of implied keys, and empty for others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keyed {
    /// The call is new, or its first one never sent anything and its owner is gone: do it.
    New,
    /// The call was begun and something was sent; its outcome is not known yet.
    Open {
        /// Which attempt that was.
        attempt: String,
    },
    /// The call was done.
    Done {
        /// What came of it.
        outcome: Bytes,
        /// Which attempt that was.
        attempt: String,
    },
    /// The key was used for another call.
    Other,
    /// The session has too many keys.
    Full,
    /// The session has another owner by now.
    Stale,
}

/// See the module.
#[async_trait]
pub trait Keys: Send + Sync {
    /// Begins a call under a key. `fingerprint` stands for the call and its parameters. A key that is open under the same
    /// fence answers `Open` also when nothing was sent yet.
    async fn begin_key(
        &self,
        token: &str,
        fence: Fence,
        key: &Key,
        fingerprint: &str,
    ) -> Result<Keyed, RegistryError>;

    /// The outcome of the call, replacing an earlier one, unless that says more or is of a later request.
    async fn settle_key(
        &self,
        token: &str,
        fence: Fence,
        key: &Key,
        outcome: &CallOutcome,
    ) -> Result<Written, RegistryError>;

    /// A call under the key is a new one from now on: nothing was sent, or, of an implied key, the answer has reached its
    /// caller. A chosen key with an outcome stays.
    async fn free_key(&self, token: &str, fence: Fence, key: &Key) -> Result<Written, RegistryError>;
}
