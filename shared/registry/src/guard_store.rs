//! The guards of accounts, which outlive sessions and their owners.

use access::GuardBook;
use async_trait::async_trait;

use crate::{AccountName, RegistryError};

/// The guards of an account as they stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuardsKept {
    /// Counts their changes; 0 for those that were never set.
    pub revision: u64,
    /// What they say.
    pub book: GuardBook,
}

/// See the module.
#[async_trait]
pub trait GuardStore: Send + Sync {
    /// The guards of an account.
    async fn guards(&self, account: &AccountName) -> Result<GuardsKept, RegistryError>;

    /// Replaces them if nobody has changed them since this revision. Says whether they were replaced.
    async fn change_guards(
        &self,
        account: &AccountName,
        revision: u64,
        book: &GuardBook,
    ) -> Result<bool, RegistryError>;
}
