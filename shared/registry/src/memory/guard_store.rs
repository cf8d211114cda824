//! The guards of accounts in memory.

use access::GuardBook;
use async_trait::async_trait;

use super::MemoryRegistry;
use crate::{AccountName, GuardStore, GuardsKept, RegistryError};

#[async_trait]
impl GuardStore for MemoryRegistry {
    async fn guards(&self, account: &AccountName) -> Result<GuardsKept, RegistryError> {
        Ok(self.state().guards.get(account).cloned().unwrap_or_default())
    }

    async fn change_guards(
        &self,
        account: &AccountName,
        revision: u64,
        book: &GuardBook,
    ) -> Result<bool, RegistryError> {
        let mut state = self.state();
        let kept = state.guards.entry(account.clone()).or_default();
        let is_seen = kept.revision == revision;
        if is_seen {
            *kept = GuardsKept { revision: revision + 1, book: book.clone() };
        }
        Ok(is_seen)
    }
}
