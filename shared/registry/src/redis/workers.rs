//! Workers in Redis.
//!
//! When a worker's heartbeat runs out stands in one sorted set, not in a key of each that expires: so a script can see all
//! workers with keys that are known before, and being dead is written down once it was seen.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::RedisRegistry;
use super::replies::{Row, nonsense, parsed, text};
use super::scripts::{self, Script};
use crate::{Beat, Clock, Lease, Place, RegistryError, WorkerId, WorkerInfo, Workers};

/// A dead id without sessions is remembered for so long, should one of its writes still be on its way.
const DEAD_KEPT: Duration = Duration::from_secs(60);

/// What does not change with each placed session.
#[derive(Serialize, Deserialize)]
struct Info {
    address: String,
    sessions_max: u32,
    is_open: bool,
    brokers: Vec<String>,
}

impl RedisRegistry {
    async fn of_workers<T: redis::FromRedisValue>(
        &self,
        script: &Script,
        args: &[&[u8]],
    ) -> Result<T, RegistryError> {
        let keys = self.names.workers();
        self.lines.script(script, &keys.each_ref().map(String::as_str), args).await
    }

    async fn heartbeat(&self, script: &Script, beat: &Beat) -> Result<bool, RegistryError> {
        let info = Info {
            address: beat.address.clone(),
            sessions_max: beat.sessions_max,
            is_open: beat.is_open,
            brokers: beat.brokers.clone(),
        };
        let info = serde_json::to_string(&info).map_err(|error| RegistryError(error.to_string()))?;
        let (ttl, sessions) = (beat.ttl.as_millis().to_string(), beat.sessions.to_string());
        let args = [beat.worker.as_str(), &ttl, &info, &sessions].map(str::as_bytes);
        Ok(self.of_workers::<i64>(script, &args).await? == 1)
    }

    /// Where a worker is reached, if it lives.
    pub(super) async fn address_of(&self, worker: &WorkerId) -> Result<Option<String>, RegistryError> {
        let found: Vec<u8> = self.of_workers(&scripts::WORKER, &[worker.as_str().as_bytes()]).await?;
        if found.is_empty() { Ok(None) } else { Ok(Some(info(&found)?.address)) }
    }
}

fn info(field: &[u8]) -> Result<Info, RegistryError> {
    serde_json::from_slice(field).map_err(|_| nonsense("not a worker"))
}

#[async_trait]
impl Clock for RedisRegistry {
    async fn time_ms(&self) -> Result<i64, RegistryError> {
        parsed(&self.of_workers::<Vec<u8>>(&scripts::CLOCK, &[]).await?)
    }
}

#[async_trait]
impl Workers for RedisRegistry {
    async fn join(&self, beat: &Beat) -> Result<(), RegistryError> {
        match self.heartbeat(&scripts::JOIN, beat).await? {
            true => Ok(()),
            false => Err(RegistryError(format!("the id {} is dead", beat.worker))),
        }
    }

    async fn beat(&self, beat: &Beat) -> Result<Lease, RegistryError> {
        let is_kept = self.heartbeat(&scripts::BEAT, beat).await?;
        Ok(if is_kept { Lease::Kept } else { Lease::Lost })
    }

    async fn leave(&self, worker: &WorkerId) -> Result<(), RegistryError> {
        self.of_workers::<i64>(&scripts::LEAVE, &[worker.as_str().as_bytes()]).await.map(drop)
    }

    async fn workers(&self) -> Result<Vec<WorkerInfo>, RegistryError> {
        let row: Row = self.of_workers(&scripts::WORKERS, &[]).await?;
        let each = row.chunks_exact(3).map(|fields| {
            let info = info(&fields[1])?;
            Ok(WorkerInfo {
                worker: WorkerId::new(text(&fields[0])?),
                address: info.address,
                sessions: parsed(&fields[2])?,
                sessions_max: info.sessions_max,
                is_open: info.is_open,
            })
        });
        each.collect()
    }

    async fn dead(&self) -> Result<Vec<WorkerId>, RegistryError> {
        let row: Row = self.of_workers(&scripts::DEAD, &[]).await?;
        let (now, ids) = row.split_first().ok_or_else(|| nonsense("no time"))?;
        let now: f64 = parsed(now)?;
        let mut dead = Vec::new();
        for fields in ids.chunks_exact(2) {
            let worker = text(&fields[0])?;
            let tokens = self.names.tokens_at(worker);
            if self.lines.repeatable(redis::cmd("EXISTS").arg(&tokens)).await? {
                dead.push(WorkerId::new(worker));
            } else if now - parsed::<f64>(&fields[1])? > DEAD_KEPT.as_secs_f64() * 1000.0 {
                let [.., buried] = self.names.workers();
                self.lines.repeatable::<i64>(redis::cmd("ZREM").arg(buried).arg(worker)).await?;
            }
        }
        Ok(dead)
    }

    async fn place(&self, broker: &str, except: &[WorkerId]) -> Result<Option<Place>, RegistryError> {
        let random = [rand::random::<u32>(), rand::random()].map(|number| number.to_string());
        let mut args = vec![broker.as_bytes(), random[0].as_bytes(), random[1].as_bytes()];
        args.extend(except.iter().map(|worker| worker.as_str().as_bytes()));
        let row: Row = self.of_workers(&scripts::PLACE, &args).await?;
        let [worker, about] = row.as_slice() else { return Ok(None) };
        Ok(Some(Place { worker: WorkerId::new(text(worker)?), address: info(about)?.address }))
    }
}
