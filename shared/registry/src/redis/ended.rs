//! What is left of sessions that have ended: it expires in time, and goes earlier where it is too much.
//!
//! The list of them lies in another slot than each of them. A process that dies between the two leaves a session that
//! expires without ever having counted, or one on the list that is forgotten already.

use std::time::Duration;

use super::RedisRegistry;
use super::replies::{self, Row, text};
use super::scripts;
use crate::RegistryError;

/// Sessions that are forgotten when one ends: more than come to the list by it, so that the list falls to a lower limit.
const AT_ONCE: &str = "8";

impl RedisRegistry {
    /// A session has ended, of which so many bytes are left; others may have to go for it.
    pub(super) async fn count_ended(
        &self,
        token: &str,
        bytes: &str,
        kept: Duration,
    ) -> Result<(), RegistryError> {
        let names = self.names.ended();
        let keys = names.each_ref().map(String::as_str);
        let kept = kept.as_millis().to_string();
        let (sessions, most) = (self.ended_max.sessions.to_string(), self.ended_max.bytes.to_string());
        let args = [token, bytes, &kept, &sessions, &most, AT_ONCE].map(str::as_bytes);
        let over: Vec<String> = self.lines.script(&scripts::ENDED, &keys, &args).await?;
        for token in over {
            self.forget(&token).await?;
        }
        Ok(())
    }

    /// A session of this token lives again.
    pub(super) async fn discount_ended(&self, token: &str) -> Result<(), RegistryError> {
        let names = self.names.ended();
        let keys = names.each_ref().map(String::as_str);
        self.lines.script::<i64>(&scripts::NOT_ENDED, &keys, &[token.as_bytes()]).await.map(drop)
    }

    /// Forgets a session, unless it lives again.
    async fn forget(&self, token: &str) -> Result<(), RegistryError> {
        let names = self.names.session(token);
        let row: Row = self.lines.script(&scripts::FORGET, &names.all(), &[]).await?;
        let [account, fence] = row.as_slice() else { return Ok(()) };
        self.strike(&self.names.tokens_of(text(account)?), token, replies::fence(fence)?).await
    }
}
