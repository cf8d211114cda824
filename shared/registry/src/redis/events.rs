//! Events in Redis: a stream for those who come back, a channel for those who listen.

use async_trait::async_trait;
use bus::{Frame, Position};
use bytes::Bytes;

use super::RedisRegistry;
use super::ear::RedisEar;
use super::packed::{CHANGED, from_log, of_log, packed};
use super::replies::{Row, nonsense, parsed, sent, text, written};
use super::scripts;
use crate::limits::{LOG_BYTES, LOG_EVENT_BYTES, LOG_KEPT, LOG_MAX, LOG_TAIL_BYTES};
use crate::{Ear, Events, Fence, RegistryError, Since, Written};

impl RedisRegistry {
    /// In a cluster a channel belongs to a slot and is told where its keys are: a listener is connected with that very
    /// server, so it notices when something may have been lost on the way. Plain channels go over links between the servers
    /// that nobody watches.
    fn tells_with(&self) -> &'static str {
        if self.lines.address().is_cluster() { "SPUBLISH" } else { "PUBLISH" }
    }

    async fn publish(&self, token: &str, told: &[u8]) -> Result<(), RegistryError> {
        let names = self.names.session(token);
        let mut cmd = redis::cmd(self.tells_with());
        cmd.arg(&names.channel).arg(told);
        self.lines.command::<i64>(&cmd).await.map(drop)
    }
}

fn bytes_of(frame: &Frame) -> Result<Vec<u8>, RegistryError> {
    packed(frame).ok_or_else(|| RegistryError("the key of a frame is too long".to_owned()))
}

#[async_trait]
impl Events for RedisRegistry {
    async fn append(
        &self,
        token: &str,
        fence: Fence,
        events: &[Frame],
        memo: &Bytes,
    ) -> Result<Written, RegistryError> {
        let (names, fence) = (self.names.session(token), sent(fence)?);
        let limits = [LOG_MAX, LOG_BYTES, LOG_TAIL_BYTES, LOG_EVENT_BYTES].map(|limit| limit.to_string());
        let kept = LOG_KEPT.as_millis().to_string();
        let mut told = Vec::with_capacity(4 * events.len());
        for event in events {
            let packed = bytes_of(event)?;
            let name: &[u8] = if event.is_whole() { b"whole" } else { b"change" };
            told.extend([event.at.to_string().into_bytes(), name.to_vec(), of_log(&packed), packed]);
        }
        let mut args = vec![fence.as_bytes(), memo, self.tells_with().as_bytes(), kept.as_bytes()];
        args.extend(limits.iter().map(String::as_bytes));
        args.extend(told.iter().map(Vec::as_slice));
        let keys = [&*names.record, &names.log, &names.channel];
        Ok(written(self.lines.script(&scripts::APPEND, &keys, &args).await?))
    }

    async fn since(&self, token: &str, after: Position) -> Result<Since, RegistryError> {
        let (names, position) = (self.names.session(token), after.to_string());
        let keys = [&*names.record, &names.log];
        let row: Row = self.lines.script(&scripts::SINCE, &keys, &[position.as_bytes()]).await?;
        let mut fields = row.into_iter();
        let (Some(is_cut), Some(end)) = (fields.next(), fields.next()) else {
            return Err(nonsense("not a log"));
        };
        let (mut base, mut events) = (Vec::new(), Vec::new());
        while let (Some(at), Some(kept)) = (fields.next(), fields.next()) {
            let at = text(&at)?.parse().map_err(|_| nonsense("not a place"))?;
            let event = from_log(at, &kept).ok_or_else(|| nonsense("not an event"))?;
            if at > after { events.push(event) } else { base.push(event) }
        }
        Ok(Since { is_cut: is_cut == b"1", base, end: parsed(&end)?, events })
    }

    async fn tell(&self, token: &str, frame: &Frame) -> Result<(), RegistryError> {
        self.publish(token, &bytes_of(frame)?).await
    }

    async fn tell_changed(&self, token: &str) -> Result<(), RegistryError> {
        self.publish(token, CHANGED).await
    }

    async fn listen(&self) -> Result<Box<dyn Ear>, RegistryError> {
        Ok(Box::new(RedisEar::new(self.lines.address().clone(), self.names.clone())))
    }
}
