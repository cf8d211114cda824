//! The number of sessions in Redis.
//!
//! As with the other lists, a token is put there before its session is made, and taken off after it has ended.

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::RedisRegistry;
use super::scripts;
use super::sessions::{AT_ONCE, LISTED_MAX};
use crate::{Clock, RegistryError, SessionCount, SessionState};

impl RedisRegistry {
    /// A session is about to be made, or to come back.
    pub(super) async fn count_in(&self, token: &str, comes_back: bool) -> Result<(), RegistryError> {
        let counted = self.names.counted();
        let args = [token, if comes_back { "1" } else { "0" }].map(str::as_bytes);
        self.lines.script::<i64>(&scripts::COUNT_IN, &[&counted], &args).await.map(drop)
    }

    /// It has ended.
    pub(super) async fn count_out(&self, token: &str) -> Result<(), RegistryError> {
        let mut cmd = redis::cmd("ZREM");
        cmd.arg(self.names.counted()).arg(token);
        self.lines.repeatable::<i64>(&cmd).await.map(drop)
    }
}

#[async_trait]
impl SessionCount for RedisRegistry {
    async fn count_sessions(&self) -> Result<usize, RegistryError> {
        self.lines.repeatable(redis::cmd("ZCARD").arg(self.names.counted())).await
    }

    async fn older_sessions(&self, token: &str) -> Result<usize, RegistryError> {
        let mut cmd = redis::cmd("ZRANK");
        cmd.arg(self.names.counted()).arg(token);
        Ok(self.lines.repeatable::<Option<usize>>(&cmd).await?.unwrap_or(0))
    }

    async fn recount_sessions(&self) -> Result<(), RegistryError> {
        let counted = self.names.counted();
        // Those that are about to be made have no record yet.
        let settled = self.time_ms().await? as f64 - LISTED_MAX.as_secs_f64() * 1000.0;
        let listed = self.scored(&counted).await?.into_iter().filter(|(_, since)| *since < settled);
        let looked = stream::iter(listed).map(|(token, score)| async move {
            let there = self.owner(&token).await?;
            let is_there = there.is_some_and(|(_, _, state)| state != SessionState::Ended);
            Ok::<_, RegistryError>((!is_there).then_some((token, score)))
        });
        let gone: Vec<Option<_>> = looked.buffered(AT_ONCE).try_collect().await?;
        self.prune(&counted, gone.into_iter().flatten().collect()).await
    }
}
