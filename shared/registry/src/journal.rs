//! The order journal: a trade request is written here before it is sent, and its outcome when it is known.

use async_trait::async_trait;
use bytes::Bytes;

use crate::limits::REQUEST_BYTES;
use crate::{Fence, Key, RegistryError, Written};

/// A trade request that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number within the session.
    pub number: u32,
    /// The key of its call, if it has one.
    pub key: Option<Key>,
    /// What it asked for, as the worker wrote it.
    pub request: Bytes,
}

impl Entry {
    /// Whether the request is of a size that is kept.
    pub(crate) fn check(&self) -> Result<(), RegistryError> {
        if self.request.len() <= REQUEST_BYTES {
            return Ok(());
        }
        Err(RegistryError(format!("a request has more than {REQUEST_BYTES} bytes")))
    }
}

/// Why a request is not begun.
pub(crate) fn settled_before(token: &str, number: u32) -> RegistryError {
    RegistryError(format!("the request {number} of {token} has an outcome already"))
}

/// See the module.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Writes a request that is about to be sent. Where its call has a key, the key says from now on that something was
    /// sent.
    ///
    /// # Errors
    /// Also for a request that was settled before: what is written over several connections may arrive in another order, and
    /// it would stay open for ever.
    async fn begin(&self, token: &str, fence: Fence, entry: &Entry) -> Result<Written, RegistryError>;

    /// Writes what came of a request; it is not open any more. One that was not begun cannot be begun any more.
    async fn settle(
        &self,
        token: &str,
        fence: Fence,
        number: u32,
        outcome: &Bytes,
    ) -> Result<Written, RegistryError>;

    /// Requests without an outcome, oldest first.
    async fn unsettled(&self, token: &str) -> Result<Vec<Entry>, RegistryError>;

    /// The whole journal as far as it is kept, oldest first: number, request, outcome. Of the request nothing is kept once
    /// it has an outcome.
    async fn journal(&self, token: &str) -> Result<Vec<(u32, Bytes, Option<Bytes>)>, RegistryError>;
}
