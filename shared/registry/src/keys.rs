//! Idempotency keys of order calls. Kept for 24 hours, 10,000 for each session.

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Fence, RegistryError, Written};

/// What a key says when a call begins under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keyed {
    /// The call is new, or its first one never sent anything and its owner is gone: do it.
    New,
    /// The call was begun and something was sent; its outcome is not known yet.
    Open,
    /// This was its outcome.
    Done(Bytes),
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
        key: &str,
        fingerprint: &str,
    ) -> Result<Keyed, RegistryError>;

    /// The outcome of the call, replacing an earlier one.
    async fn settle_key(
        &self,
        token: &str,
        fence: Fence,
        key: &str,
        outcome: &Bytes,
    ) -> Result<Written, RegistryError>;

    /// Nothing was sent: the key may be used again.
    async fn free_key(&self, token: &str, fence: Fence, key: &str) -> Result<Written, RegistryError>;
}
