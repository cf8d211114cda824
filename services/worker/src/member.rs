//! A worker as a member of a cluster: it lives by its heartbeats, takes sessions of the dead, and gives its own away before
//! it leaves.

mod adoption;
mod drain;
mod fitness;
mod heart;
mod interests;
mod owner;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cluster::{ClusterKey, WorkerClient};
use registry::{Beat, Registry, WorkerId};
use runtime::Tasks;
use tls::Trust;
use tokio::time::Instant;

use self::fitness::Fitness;
use self::interests::Interests;
use crate::lease::TTL;
use crate::session::Session;
use crate::worker::Worker;

/// Brokers that a heartbeat names.
const BROKERS_MAX: usize = 1000;

/// How a worker takes part.
#[derive(Clone, Debug)]
pub struct MemberSettings {
    /// Where other processes reach it: `host:port`, or `https://host:port` if it speaks TLS.
    pub advertise: String,
    /// Signs calls to other workers.
    pub key: ClusterKey,
    /// Which certificates of other workers are good. Without, those with TLS cannot be called.
    pub trust: Option<Trust>,
}

/// See the module.
pub struct Member {
    worker: Arc<Worker>,
    advertise: String,
    client: WorkerClient,
    /// False from when it drains.
    is_open: AtomicBool,
    /// Sessions that were logged in beside their owner, and until when they wait.
    standbys: Mutex<HashMap<String, (Session, Instant)>>,
    interests: Interests,
    fitness: Fitness,
    /// Sessions that this worker could not take over, and when it tries again.
    refused: Mutex<HashMap<String, Instant>>,
    tasks: Tasks,
}

impl Member {
    /// Joins the cluster of the worker's registry, as soon as that answers.
    pub fn join(worker: Arc<Worker>, settings: MemberSettings) -> Arc<Self> {
        let member = Arc::new(Self {
            interests: Interests::new(Arc::clone(&worker)),
            client: WorkerClient::new(&settings.key, settings.trust.as_ref()),
            worker,
            advertise: settings.advertise,
            is_open: AtomicBool::new(true),
            standbys: Mutex::default(),
            fitness: Fitness::default(),
            refused: Mutex::default(),
            tasks: Tasks::new(),
        });
        member.tasks.spawn(Arc::clone(&member).live());
        member.tasks.spawn(Arc::clone(&member).look_after_orphans());
        member
    }

    fn registry(&self) -> &dyn Registry {
        self.worker.registry()
    }

    fn is_open(&self) -> bool {
        self.is_open.load(Ordering::SeqCst)
    }

    /// Whether it takes sessions of others.
    fn takes(&self) -> bool {
        self.is_open() && self.fitness.is_fit() && self.worker.shared.lease.holds()
    }

    fn refused(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn standbys(&self) -> MutexGuard<'_, HashMap<String, (Session, Instant)>> {
        self.standbys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the worker tells of itself.
    fn beat(&self, worker: &WorkerId) -> Beat {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let sessions = self.worker.all_sessions();
        let mut brokers: Vec<String> = sessions.iter().flat_map(names).collect();
        brokers.sort_unstable();
        brokers.dedup();
        brokers.truncate(BROKERS_MAX);
        Beat {
            worker: worker.clone(),
            address: self.advertise.clone(),
            sessions: count(sessions.len()),
            sessions_max: count(self.worker.sessions_max),
            is_open: self.is_open() && self.fitness.is_fit(),
            brokers,
            ttl: TTL,
        }
    }
}

/// What a session's broker is called where sessions are placed.
fn names(session: &Session) -> Vec<String> {
    let mut names = vec![session.account().server.to_ascii_lowercase()];
    names.extend(session.endpoints().iter().map(|endpoint| format!("{}:{}", endpoint.host, endpoint.port)));
    names
}
