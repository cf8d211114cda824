//! Sessions that kill their owners, in Redis. Which are in quarantine stands in their records; a list names them.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::RedisRegistry;
use super::replies::{Row, nonsense, parsed, sent, text, written};
use super::scripts;
use super::sessions::AT_ONCE;
use crate::limits::QUARANTINED_SHOWN;
use crate::{AccountName, Fence, Quarantine, Quarantined, RegistryError, WorkerId, Written};

impl RedisRegistry {
    /// What is to be known of a session in quarantine.
    pub(super) async fn quarantine_of(&self, token: &str) -> Result<Option<Quarantined>, RegistryError> {
        let names = self.names.session(token);
        let row: Row = self.lines.script(&scripts::QUARANTINE, &[&names.record], &[]).await?;
        match row.as_slice() {
            [] => Ok(None),
            [account, owner, times, left] => Ok(Some(Quarantined {
                token: token.to_owned(),
                account: AccountName::new(text(account)?),
                owner: WorkerId::new(text(owner)?),
                times: parsed(times)?,
                left: Duration::from_millis(parsed(left)?),
            })),
            _ => Err(nonsense("not a quarantine")),
        }
    }
}

#[async_trait]
impl Quarantine for RedisRegistry {
    async fn stood(&self, token: &str, fence: Fence) -> Result<Written, RegistryError> {
        let (names, fence) = (self.names.session(token), sent(fence)?);
        Ok(written(self.lines.script(&scripts::STOOD, &[&names.record], &[fence.as_bytes()]).await?))
    }

    async fn quarantined(&self) -> Result<Vec<Quarantined>, RegistryError> {
        let list = self.names.quarantine();
        let listed = self.scored(&list).await?;
        let looked = stream::iter(listed).map(|(token, score)| async move {
            let found = self.quarantine_of(&token).await?;
            Ok::<_, RegistryError>((token, score, found))
        });
        let (mut all, mut gone) = (Vec::new(), Vec::new());
        for (token, score, found) in looked.buffered(AT_ONCE).try_collect::<Vec<_>>().await? {
            match found {
                Some(session) => all.push(session),
                None => gone.push((token, score)),
            }
        }
        self.prune(&list, gone).await?;
        all.truncate(QUARANTINED_SHOWN);
        Ok(all)
    }

    async fn release(&self, token: &str) -> Result<bool, RegistryError> {
        let names = self.names.session(token);
        Ok(self.lines.script::<i64>(&scripts::RELEASE, &[&names.record], &[]).await? == 1)
    }
}
