//! Workers: that they live, how full they are, and where a new session should go.

use std::time::Duration;

use async_trait::async_trait;

use crate::{RegistryError, WorkerId};

/// What a worker tells with each heartbeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beat {
    /// Whose.
    pub worker: WorkerId,
    /// Where other processes reach it, `host:port`.
    pub address: String,
    /// Sessions it has.
    pub sessions: u32,
    /// Sessions it can have.
    pub sessions_max: u32,
    /// False while it is to get no new sessions: it is draining, or not ready.
    pub is_open: bool,
    /// Names and addresses of the brokers it serves (lower case), so that sessions of a broker come together.
    pub brokers: Vec<String>,
    /// For how long this heartbeat is good.
    pub ttl: Duration,
}

/// What became of a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// The worker lives on.
    Kept,
    /// The last heartbeat had run out: this id is dead for ever, and its sessions are whose claims them first.
    Lost,
}

/// A worker as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerInfo {
    /// Its id.
    pub worker: WorkerId,
    /// Where it is reached.
    pub address: String,
    /// Sessions it has.
    pub sessions: u32,
    /// Sessions it can have.
    pub sessions_max: u32,
    /// Whether it takes new ones.
    pub is_open: bool,
}

/// Where a session is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which worker.
    pub worker: WorkerId,
    /// Where it is reached.
    pub address: String,
}

/// See the module.
#[async_trait]
pub trait Workers: Send + Sync {
    /// The first heartbeat of an id.
    async fn join(&self, beat: &Beat) -> Result<(), RegistryError>;

    /// Every further heartbeat. Never brings a dead id back.
    async fn beat(&self, beat: &Beat) -> Result<Lease, RegistryError>;

    /// The worker goes: its id is dead at once, and what sessions it still has may be claimed.
    async fn leave(&self, worker: &WorkerId) -> Result<(), RegistryError>;

    /// All that live.
    async fn workers(&self) -> Result<Vec<WorkerInfo>, RegistryError>;

    /// Ids that are dead and still have sessions to their name (as far as is known). Ids without any are forgotten by
    /// this.
    async fn dead(&self) -> Result<Vec<WorkerId>, RegistryError>;

    /// Where a new session of a broker (lower case) should go: of two open workers with room, chosen at random, the one with
    /// fewer sessions; among those that serve the broker already, as long as they are not much fuller than the others
    /// (1.25 times the mean and 8 sessions more). Each choice counts as a session at once, so that a burst is spread.
    /// `None`: no open worker has room.
    async fn place(&self, broker: &str, except: &[WorkerId]) -> Result<Option<Place>, RegistryError>;
}
