//! The guards of accounts in Redis.

use access::GuardBook;
use async_trait::async_trait;

use super::RedisRegistry;
use super::replies::{nonsense, parsed};
use super::scripts;
use crate::{AccountName, GuardStore, GuardsKept, RegistryError};

#[async_trait]
impl GuardStore for RedisRegistry {
    async fn guards(&self, account: &AccountName) -> Result<GuardsKept, RegistryError> {
        let mut cmd = redis::cmd("HMGET");
        cmd.arg(self.names.guards(account.as_str())).arg("revision").arg("book");
        let row: (Option<Vec<u8>>, Option<Vec<u8>>) = self.lines.repeatable(&cmd).await?;
        let (Some(revision), Some(book)) = row else { return Ok(GuardsKept::default()) };
        let book = serde_json::from_slice(&book).map_err(|_| nonsense("guards that cannot be read"))?;
        Ok(GuardsKept { revision: parsed(&revision)?, book })
    }

    async fn change_guards(
        &self,
        account: &AccountName,
        revision: u64,
        book: &GuardBook,
    ) -> Result<bool, RegistryError> {
        let text = serde_json::to_vec(book).map_err(|failure| RegistryError(failure.to_string()))?;
        let (guards, seen) = (self.names.guards(account.as_str()), revision.to_string());
        let args = [seen.as_bytes(), &text];
        Ok(self.lines.script::<i64>(&scripts::CHANGE_GUARDS, &[&guards], &args).await? == 1)
    }
}
