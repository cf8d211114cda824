//! API keys, and the tickets that stand in for one when a browser opens a WebSocket.
//!
//! What a key allows is opaque here: its record is a text. The registry knows by whom and until when it is of use, so that
//! keys are bounded in number and dead ones make room. Everybody may keep what was looked up for as long as
//! [`ApiKeys::api_keys_stamp`] stays the same.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::RegistryError;
use crate::limits::{API_KEY_BYTES, TICKET_BYTES};

/// An API key as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyEntry {
    /// What it is looked up by.
    pub id: String,
    /// Whose it is.
    pub tenant: String,
    /// From when on it is of no use, in milliseconds since 1970 UTC: it may be forgotten then.
    pub until_ms: i64,
    /// What else there is to know of it, as whoever made it wrote it.
    pub record: String,
}

/// How many API keys there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiKeysMax {
    /// Of one tenant.
    pub of_tenant: usize,
    /// Of all.
    pub all: usize,
}

impl Default for ApiKeysMax {
    fn default() -> Self {
        Self { of_tenant: 1_000, all: 10_000 }
    }
}

/// What became of a new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum ApiKeyAdded {
    /// It is there.
    Yes,
    /// There is one with its id.
    IdTaken,
    /// The tenant has as many as it may have, none of them dead.
    TenantFull,
    /// There are as many as there may be, none of them dead.
    Full,
}

impl ApiKeyEntry {
    /// Whether it is of a size that is kept.
    pub(crate) fn check(&self) -> Result<(), RegistryError> {
        if self.record.len() + self.id.len() + self.tenant.len() <= API_KEY_BYTES {
            return Ok(());
        }
        Err(RegistryError(format!("an API key has more than {API_KEY_BYTES} bytes")))
    }
}

/// Whether the content of a ticket is of a size that is kept.
pub(crate) fn check_ticket(content: &Bytes) -> Result<(), RegistryError> {
    if content.len() <= TICKET_BYTES {
        return Ok(());
    }
    Err(RegistryError(format!("a ticket has more than {TICKET_BYTES} bytes")))
}

/// See the module.
#[async_trait]
pub trait ApiKeys: Send + Sync {
    /// Keeps a new key. Where there are too many, those that are of no use any more are forgotten, the oldest first.
    ///
    /// # Errors
    /// Also for an entry of more than 8 KiB.
    async fn add_api_key(&self, entry: &ApiKeyEntry) -> Result<ApiKeyAdded, RegistryError>;

    /// Those of these ids that there are, in any order.
    async fn api_keys(&self, ids: &[String]) -> Result<Vec<ApiKeyEntry>, RegistryError>;

    /// All keys, or those of a tenant, by id.
    async fn all_api_keys(&self, tenant: Option<&str>) -> Result<Vec<ApiKeyEntry>, RegistryError>;

    /// Writes a key anew if its record is still the one that was read; false if it has changed meanwhile, or is gone. Its
    /// tenant stays what it was.
    async fn change_api_key(&self, was: &str, entry: &ApiKeyEntry) -> Result<bool, RegistryError>;

    /// Changes whenever a key does. Cheap: it is asked several times a second.
    async fn api_keys_stamp(&self) -> Result<u64, RegistryError>;

    /// Notes that keys were used, by id, in milliseconds since 1970 UTC; an earlier time than the one that is known, and a
    /// key that is not, change nothing.
    async fn note_api_keys_used(&self, used: &[(String, i64)]) -> Result<(), RegistryError>;

    /// When these keys were used last, as far as that was noted.
    async fn api_keys_used(&self, ids: &[String]) -> Result<Vec<(String, i64)>, RegistryError>;

    /// Keeps a ticket for a short time, under a name that nobody can guess. False: there are too many.
    async fn keep_ticket(&self, name: &str, content: &Bytes, keep: Duration) -> Result<bool, RegistryError>;

    /// Takes a ticket; nobody else gets it. `None`: there is none, or not any more.
    async fn take_ticket(&self, name: &str) -> Result<Option<Bytes>, RegistryError>;
}
