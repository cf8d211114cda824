//! Events in Redis: a stream for those who come back, a channel for those who listen.

use async_trait::async_trait;
use bus::{Frame, Position};
use bytes::Bytes;

use super::RedisRegistry;
use super::ear::RedisEar;
use super::packed::{CHANGED, Told, packed, unpacked};
use super::replies::{Row, nonsense, parsed, sent, written};
use super::scripts;
use crate::limits::{LOG_KEPT, LOG_MAX};
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
        let (most, kept) = (LOG_MAX.to_string(), LOG_KEPT.as_millis().to_string());
        let mut told = Vec::with_capacity(2 * events.len());
        for event in events {
            told.push(event.at.to_string().into_bytes());
            told.push(bytes_of(event)?);
        }
        let mut args =
            vec![fence.as_bytes(), memo, self.tells_with().as_bytes(), most.as_bytes(), kept.as_bytes()];
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
        let events = fields.map(|event| match unpacked(Bytes::from(event)) {
            Some(Told::Frame(frame)) => Ok(frame),
            _ => Err(nonsense("not an event")),
        });
        Ok(Since { is_cut: is_cut == b"1", end: parsed(&end)?, events: events.collect::<Result<_, _>>()? })
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
