//! The backend of an api process: finds the worker of each call.

mod admit;
mod delivered;
mod everywhere;
mod health;
mod owner;
mod place;
mod search;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use access::{Caller, id_of};
use async_trait::async_trait;
use bus::{Answer, Ask, Backend, Body, Delivery, Interest, Payload, Readiness, Subscription};
use calls::Reach;
use error::Error;
use registry::Registry;
use runtime::{CancellationToken, Tasks};
use tls::Trust;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::ClusterKey;
use crate::client::{IN_FLIGHT_MAX, WorkerClient};
use crate::form::Form;
use crate::routes::{ROUTES_MAX, Routes};
use crate::stream::{self, Hub};

pub use search::SEARCH_MAX;
pub(crate) use search::{Found, away};

/// How a router behaves.
#[derive(Debug, Clone)]
pub struct RouterSettings {
    /// Names this process to workers: unique in the cluster, new after each start.
    pub listener: String,
    /// Calls that may be under way at one worker.
    pub in_flight_max: usize,
    /// Routes that are remembered.
    pub routes_max: usize,
    /// How often workers are told what is listened to.
    pub interest_every: Duration,
    /// For how long that is good.
    pub interest_ttl: Duration,
    /// How often the owner of a session without one is looked for, while somebody listens to it.
    pub look_every: Duration,
    /// How long the registry may take to answer.
    pub registry_time: Duration,
    /// How often it is seen after a worker that has not answered yet lives, and after the health of the cluster.
    pub watch_every: Duration,
    /// Which certificates of workers are good. Without, workers with TLS cannot be called.
    pub trust: Option<Trust>,
}

impl RouterSettings {
    /// The usual ones, for a process of this name.
    pub fn new(listener: impl Into<String>) -> Self {
        Self {
            listener: listener.into(),
            in_flight_max: IN_FLIGHT_MAX,
            routes_max: ROUTES_MAX,
            interest_every: Duration::from_secs(2),
            interest_ttl: Duration::from_secs(6),
            look_every: Duration::from_secs(1),
            registry_time: Duration::from_secs(3),
            watch_every: Duration::from_secs(2),
            trust: None,
        }
    }
}

/// What all parts of a router use.
pub(crate) struct Shared {
    pub(crate) registry: Arc<dyn Registry>,
    pub(crate) client: WorkerClient,
    pub(crate) settings: RouterSettings,
    pub(crate) routes: Routes,
    pub(crate) hub: Hub,
    pub(crate) tasks: Tasks,
    pub(crate) stop: CancellationToken,
    /// Tokens that a worker is being asked to take over.
    adopting: Mutex<HashSet<String>>,
    /// Places of those who tell an owner what became of an answer.
    telling: Semaphore,
    alive: search::Alive,
    health: health::Health,
}

/// The backend of an api process. It holds no session: it knows where each is, and what is told of those that its
/// clients listen to.
pub struct Router {
    shared: Arc<Shared>,
    ends: Mutex<Vec<JoinHandle<()>>>,
}

impl Router {
    /// Begins to listen and to route. Its tasks run in `tasks` and end at their signal, or with the router.
    pub fn new(
        registry: Arc<dyn Registry>,
        key: &ClusterKey,
        settings: RouterSettings,
        tasks: &Tasks,
    ) -> Self {
        let (hub, orders) = Hub::new();
        let shared = Arc::new(Shared {
            registry,
            client: WorkerClient::with_bound(key, settings.trust.as_ref(), settings.in_flight_max),
            routes: Routes::new(settings.routes_max),
            settings,
            hub,
            tasks: tasks.clone(),
            stop: tasks.stop_signal().child_token(),
            adopting: Mutex::default(),
            telling: Semaphore::new(delivered::TELLING_MAX),
            alive: search::Alive::default(),
            health: health::Health::default(),
        });
        let ends = vec![
            tasks.spawn(stream::listen(Arc::clone(&shared), orders)),
            tasks.spawn(stream::keep_interest(Arc::clone(&shared))),
            tasks.spawn(health::watch(Arc::clone(&shared))),
        ];
        Self { shared, ends: Mutex::new(ends) }
    }

    /// Ends all subscriptions, with the word to come back, and the router's own tasks. Calls under way go on.
    pub async fn shutdown(&self) {
        self.shared.stop.cancel();
        let ends = std::mem::take(&mut *self.ends.lock().unwrap_or_else(PoisonError::into_inner));
        for end in ends {
            if let Err(fault) = end.await {
                tracing::error!(%fault, "a task of the router failed");
            }
        }
    }

    /// Sessions that somebody listens to here, or did a moment ago.
    pub fn listened_to(&self) -> usize {
        self.shared.hub.len()
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

#[async_trait]
impl Backend for Router {
    async fn ask(&self, ask: Ask) -> Answer {
        self.shared.answer(ask).await
    }

    async fn ask_streamed(&self, ask: Ask) -> Answer<Body> {
        // What was done is told whole, or not at all.
        if ask.only_reads() {
            return self.shared.answer(ask).await;
        }
        self.shared.answer::<Payload>(ask).await.map(Body::Whole)
    }

    async fn delivered(&self, token: &str, receipt: &str, delivery: Delivery) {
        self.shared.tell_delivered(token, receipt, delivery).await;
    }

    fn readiness(&self) -> Readiness {
        self.shared.health.readiness()
    }

    async fn subscribe(
        &self,
        id: &str,
        interest: Interest,
        caller: &Arc<Caller>,
    ) -> Result<Subscription, Error> {
        self.shared.admit(id, caller).await?;
        stream::subscribe(&self.shared, &caller.tenant.token(id), interest).await
    }
}

impl Shared {
    /// Has whoever can answer a call, in the form that is asked for.
    async fn answer<F: Form>(self: &Arc<Self>, ask: Ask) -> Answer<F> {
        let call = ask.call;
        let token = ask.token();
        match (call.policy().reach, token.as_deref()) {
            (Reach::Session, Some(token)) => {
                let answer = self.at_owner(call, &ask, token).await;
                answer.unwrap_or_else(|| call.refused(Error::invalid_token(id_of(token))).into())
            }
            (Reach::Session, None) => {
                call.refused(Error::missing_param("id", "the token that Connect answered")).into()
            }
            (Reach::Kept, Some(token)) => match self.at_owner(call, &ask, token).await {
                Some(answer) => answer,
                None => self.at_some(call, &ask).await,
            },
            (Reach::Kept, None) | (Reach::None, _) => self.at_some(call, &ask).await,
            (Reach::All, _) => self.at_all(call, &ask).await.map(F::of),
        }
    }
}
