//! Sessions that kill whoever takes them: after two deaths nobody takes them for a while.
//!
//! Whoever takes a session over has it on trial until it says that it has stood it. An owner that dies before that is
//! counted when the next one claims the session. The second death within ten minutes, and each further one until an owner
//! has stood it, puts the session into quarantine, for twice as long each time: no claim succeeds meanwhile.

use std::time::Duration;

use async_trait::async_trait;

use crate::{AccountName, Fence, RegistryError, WorkerId, Written};

/// A session that nobody may take for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// Its token.
    pub token: String,
    /// Whose account it is of.
    pub account: AccountName,
    /// Its last owner, which is dead.
    pub owner: WorkerId,
    /// How often it was put into quarantine since an owner has stood it.
    pub times: u32,
    /// For how long it stays there; zero when it waits for whoever takes it.
    pub left: Duration,
}

/// See the module.
#[async_trait]
pub trait Quarantine: Send + Sync {
    /// The owner has stood the session: its death would say nothing of it any more.
    async fn stood(&self, token: &str, fence: Fence) -> Result<Written, RegistryError>;

    /// Sessions in quarantine (at most a thousand), and those that were and wait for whoever takes them.
    async fn quarantined(&self) -> Result<Vec<Quarantined>, RegistryError>;

    /// Ends the quarantine of a session; the next one will be as long as it would have been. False: it was in none.
    async fn release(&self, token: &str) -> Result<bool, RegistryError>;
}
