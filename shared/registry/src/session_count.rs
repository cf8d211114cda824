//! How many sessions there are, in all processes together, and in which order they began.

use async_trait::async_trait;

use crate::RegistryError;

/// See the module. A session counts from its opening until it has ended, whoever owns it. One that a process has left behind
/// in the middle of a step may be counted too much, until it is looked for; none is counted too little.
#[async_trait]
pub trait SessionCount: Send + Sync {
    /// How many there are.
    async fn count_sessions(&self) -> Result<usize, RegistryError>;

    /// How many there are that were opened before this one; none if it does not count itself. So of several that are opened
    /// at once, each knows whether there is a place for it.
    async fn older_sessions(&self, token: &str) -> Result<usize, RegistryError>;

    /// Looks for sessions that are counted too much. This looks at each of them.
    async fn recount_sessions(&self) -> Result<(), RegistryError>;
}
