//! Looking for owners.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::Ask;
use error::Error;
use rand::seq::IndexedRandom;
use registry::{RegistryError, Routed, WorkerInfo};
use runtime::Backoff;
use tokio::sync::Mutex;

use super::Shared;
use crate::Reply;
use crate::client::{Failure, Peer};
use crate::form::Form;
use crate::routes::Route;

/// How long a call waits for the owner of its session to be found, or to be replaced.
pub const SEARCH_MAX: Duration = Duration::from_secs(15);

/// What a call gets beyond its deadline, so that the worker is the one to say how a late call ended.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// Pauses of a search: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(500));

/// How often a call is sent on from worker to worker.
const HOPS_MAX: usize = 3;

/// Sessions that workers are asked to take over at once. Workers also look for them by themselves.
const ADOPTIONS_MAX: usize = 256;

/// How long a worker may take to take over a session.
const ADOPT_TIME: Duration = Duration::from_secs(30);

/// For how long a list of the living is good.
const ALIVE_FOR: Duration = Duration::from_secs(1);

/// The last list of the living.
pub(super) type Alive = Mutex<Option<(Instant, Arc<Vec<WorkerInfo>>)>>;

/// What the registry says of a token.
pub(crate) enum Found {
    /// Its owner.
    At(Arc<Route>),
    /// Its owner is dead; a worker is asked to take it over.
    Orphan,
    /// Its owners have died of it: nobody takes it over for so long.
    Quarantined(Duration),
    /// There is no such session.
    Nowhere,
}

/// A search that does not go on for ever.
pub(super) struct Search {
    until: Instant,
    pauses: Backoff,
}

impl Search {
    pub(super) fn until(deadline: Instant) -> Self {
        Self { until: deadline.min(Instant::now() + SEARCH_MAX), pauses: Backoff::new(PAUSES.0, PAUSES.1) }
    }

    /// Waits a little; false when the time is over.
    pub(super) async fn pause(&mut self) -> bool {
        if Instant::now() >= self.until {
            return false;
        }
        tokio::time::sleep(self.pauses.pause()).await;
        true
    }
}

impl Shared {
    /// What the registry answers, unless it takes too long: a call that was not sent must not end as one of unknown fate.
    pub(crate) async fn told<T>(
        &self,
        question: impl Future<Output = Result<T, RegistryError>>,
    ) -> Result<T, RegistryError> {
        let answer = tokio::time::timeout(self.settings.registry_time, question).await;
        answer.unwrap_or_else(|_| Err(RegistryError("nothing within the time it may take".to_owned())))
    }

    /// Asks the registry where a token is.
    pub(crate) async fn find(self: &Arc<Self>, token: &str) -> Result<Found, RegistryError> {
        Ok(match self.told(self.registry.route(token)).await? {
            Routed::Nowhere => {
                self.routes.drop(token);
                Found::Nowhere
            }
            Routed::Orphan { .. } => {
                self.routes.drop(token);
                self.have_adopted(token);
                Found::Orphan
            }
            Routed::Quarantined { left } => {
                self.routes.drop(token);
                Found::Quarantined(left)
            }
            Routed::At { worker, address, fence } => {
                let peer = self.client.peer(&address).map_err(|wrong| RegistryError(format!("{wrong:?}")))?;
                let route = Arc::new(Route { worker, fence, peer });
                self.routes.put(token, &route);
                Found::At(route)
            }
        })
    }

    /// Has some worker take over a session; one at a time is asked.
    fn have_adopted(self: &Arc<Self>, token: &str) {
        let turn = {
            let mut adopting = self.adopting.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if adopting.len() >= ADOPTIONS_MAX || !adopting.insert(token.to_owned()) {
                return;
            }
            Turn { shared: Arc::clone(self), token: token.to_owned() }
        };
        self.tasks.spawn(async move {
            let (shared, token) = (&turn.shared, &turn.token);
            let Some(address) = shared.some_worker().await else { return };
            tokio::select! {
                () = shared.stop.cancelled() => {}
                done = shared.client.adopt(&address, token, ADOPT_TIME) => if let Err(failure) = done {
                    tracing::info!(?failure, "a worker has not taken over a session");
                }
            }
        });
    }

    /// The address of a worker that lives, if possible of one with room.
    async fn some_worker(&self) -> Option<String> {
        let all = self.alive().await.ok()?;
        let open: Vec<&WorkerInfo> = all.iter().filter(|worker| worker.is_open).collect();
        let chosen = open.choose(&mut rand::rng()).copied().or_else(|| all.choose(&mut rand::rng()));
        chosen.map(|worker| worker.address.clone())
    }

    /// The workers that lived a moment ago.
    pub(super) async fn alive(&self) -> Result<Arc<Vec<WorkerInfo>>, RegistryError> {
        let mut last = self.alive.lock().await;
        if let Some((at, all)) = last.as_ref()
            && at.elapsed() < ALIVE_FOR
        {
            return Ok(Arc::clone(all));
        }
        let all = Arc::new(self.told(self.registry.workers()).await?);
        *last = Some((Instant::now(), Arc::clone(&all)));
        Ok(all)
    }

    /// Forwards a call to a worker, and to another one that this one names.
    pub(super) async fn forward<F: Form>(&self, to: &Arc<Peer>, ask: &Ask) -> Result<Reply<F>, Failure> {
        let until = ask.deadline + GRACE;
        let mut to = Arc::clone(to);
        for _ in 0..=HOPS_MAX {
            let reply = tokio::select! {
                reply = self.client.ask(&to, ask, until) => reply?,
                () = self.death_of(&to) => return Err(Failure::Broken("the worker has died".to_owned())),
            };
            match reply {
                Reply::Elsewhere(address) => {
                    // So that the next call does not make the same detour.
                    if let Some(token) = ask.token() {
                        self.routes.drop(&token);
                    }
                    to = self.client.peer(&address)?;
                }
                reply => return Ok(reply),
            }
        }
        Err(Failure::NotSent("workers send the call around among themselves".to_owned()))
    }

    /// Done when a worker is not among the living any more: a machine that vanished does not close its connections.
    async fn death_of(&self, peer: &Peer) {
        loop {
            tokio::time::sleep(self.settings.watch_every).await;
            if self.alive().await.is_ok_and(|all| all.iter().all(|one| one.address != peer.address())) {
                return;
            }
        }
    }
}

/// That a worker is being asked to take over a session.
struct Turn {
    shared: Arc<Shared>,
    token: String,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut adopting = self.shared.adopting.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        adopting.remove(&self.token);
    }
}

/// The error while the registry is away.
pub(crate) fn away(why: &RegistryError) -> Error {
    Error::busy("Where this session runs cannot be looked up at the moment. Try again soon.").because(why)
}
