//! Workers in memory.

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::{MemoryRegistry, State};
use crate::{Beat, Clock, Lease, Place, RegistryError, WorkerId, WorkerInfo, Workers};

/// A dead id without sessions is remembered for so long, should one of its writes still be on its way.
const DEAD_KEPT: Duration = Duration::from_secs(60);

/// A worker that lives.
pub(super) struct Member {
    beat: Beat,
    until: Instant,
}

impl State {
    /// Workers whose heartbeat has run out are dead.
    fn bury(&mut self) {
        let now = Instant::now();
        let dead = &mut self.dead;
        self.members.retain(|id, member| {
            let lives = member.until > now;
            if !lives {
                dead.insert(id.clone(), now);
            }
            lives
        });
    }

    /// Where a worker is reached, if it lives.
    pub(super) fn address_of(&mut self, worker: &WorkerId) -> Option<String> {
        self.bury();
        self.members.get(worker).map(|member| member.beat.address.clone())
    }

    fn keep(&mut self, beat: &Beat) {
        let member = Member { beat: beat.clone(), until: Instant::now() + beat.ttl };
        self.members.insert(beat.worker.clone(), member);
    }
}

#[async_trait]
impl Clock for MemoryRegistry {
    async fn time_ms(&self) -> Result<i64, RegistryError> {
        Ok(runtime::unix_ms())
    }
}

#[async_trait]
impl Workers for MemoryRegistry {
    async fn join(&self, beat: &Beat) -> Result<(), RegistryError> {
        let mut state = self.state();
        state.bury();
        if state.dead.contains_key(&beat.worker) {
            return Err(RegistryError(format!("the id {} is dead", beat.worker)));
        }
        state.keep(beat);
        Ok(())
    }

    async fn beat(&self, beat: &Beat) -> Result<Lease, RegistryError> {
        let mut state = self.state();
        state.bury();
        if !state.members.contains_key(&beat.worker) {
            return Ok(Lease::Lost);
        }
        state.keep(beat);
        Ok(Lease::Kept)
    }

    async fn leave(&self, worker: &WorkerId) -> Result<(), RegistryError> {
        let mut state = self.state();
        state.members.remove(worker);
        state.dead.entry(worker.clone()).or_insert_with(Instant::now);
        Ok(())
    }

    async fn workers(&self) -> Result<Vec<WorkerInfo>, RegistryError> {
        let mut state = self.state();
        state.bury();
        let infos = state.members.values().map(|Member { beat, .. }| WorkerInfo {
            worker: beat.worker.clone(),
            address: beat.address.clone(),
            sessions: beat.sessions,
            sessions_max: beat.sessions_max,
            is_open: beat.is_open,
        });
        Ok(infos.collect())
    }

    async fn dead(&self) -> Result<Vec<WorkerId>, RegistryError> {
        let mut state = self.state();
        state.bury();
        let State { dead, lists, .. } = &mut *state;
        dead.retain(|id, since| lists.has_any(id) || since.elapsed() <= DEAD_KEPT);
        Ok(dead.keys().filter(|id| lists.has_any(id)).cloned().collect())
    }

    async fn place(&self, broker: &str, except: &[WorkerId]) -> Result<Option<Place>, RegistryError> {
        let mut state = self.state();
        state.bury();
        let mut all: Vec<&mut Beat> = state.members.values_mut().map(|member| &mut member.beat).collect();
        all.retain(|beat| {
            beat.is_open && beat.sessions < beat.sessions_max && !except.contains(&beat.worker)
        });
        let total: u64 = all.iter().map(|beat| u64::from(beat.sessions)).sum();
        let count = all.len() as u64;
        // 1.25 times the mean and 8 more, in whole numbers.
        let serves = |beat: &Beat| {
            beat.brokers.iter().any(|own| own == broker)
                && 4 * count * u64::from(beat.sessions) <= 5 * total + 32 * count
        };
        if all.iter().any(|beat| serves(beat)) {
            all.retain(|beat| serves(beat));
        }
        if all.is_empty() {
            return Ok(None);
        }
        let first = rand::random_range(0..all.len());
        let other = if all.len() > 1 { rand::random_range(1..all.len()) } else { 0 };
        let second = (first + other) % all.len();
        let chosen = if all[second].sessions < all[first].sessions { second } else { first };
        let beat = &mut all[chosen];
        beat.sessions += 1;
        Ok(Some(Place { worker: beat.worker.clone(), address: beat.address.clone() }))
    }
}
