//! Who listens to which sessions from other processes, and telling them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bus::{Interest, Subscription, Topic, Topics};
use cluster::Interested;
use runtime::CancellationToken;
use tokio::time::Instant;

use crate::session::Session;
use crate::worker::Worker;

/// Processes that may listen.
const LISTENERS_MAX: usize = 1024;

/// What is listened to of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wanted {
    topics: Topics,
    every: Option<Duration>,
}

/// What one process listens to, and until when that is known.
struct Listener {
    until: Instant,
    wanted: HashMap<String, Wanted>,
}

/// Copies what a session tells into the registry, as long as somebody listens there.
struct Pump {
    wanted: Wanted,
    session: Session,
    stop: CancellationToken,
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// See the module.
pub(super) struct Interests {
    worker: Arc<Worker>,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    listeners: HashMap<String, Listener>,
    pumps: HashMap<String, Pump>,
}

impl Interests {
    pub(super) fn new(worker: Arc<Worker>) -> Self {
        Self { worker, table: Mutex::default() }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces what a process listens to. Answers the tokens that are not here.
    pub(super) fn replace(&self, listener: &str, all: Vec<Interested>, ttl: Duration) -> Vec<String> {
        let until = Instant::now() + ttl;
        let mut strangers = Vec::new();
        let mut wanted = HashMap::new();
        for one in all {
            match self.worker.session(&one.token) {
                Ok(session) if session.standing().may_answer() => {
                    wanted.insert(one.token, Wanted { topics: one.topics, every: one.every });
                }
                _ => strangers.push(one.token),
            }
        }
        let mut table = self.table();
        if table.listeners.len() < LISTENERS_MAX || table.listeners.contains_key(listener) {
            table.listeners.insert(listener.to_owned(), Listener { until, wanted });
        }
        self.pump(&mut table);
        strangers
    }

    /// Forgets processes that were not heard of for long.
    pub(super) fn drop_old(&self) {
        let (mut table, now) = (self.table(), Instant::now());
        table.listeners.retain(|_, listener| listener.until > now);
        self.pump(&mut table);
    }

    /// Has a pump for each session that somebody listens to.
    fn pump(&self, table: &mut Table) {
        let mut all: HashMap<String, Wanted> = HashMap::new();
        for (token, wanted) in table.listeners.values().flat_map(|listener| &listener.wanted) {
            all.entry(token.clone()).and_modify(|known| *known = known.and(*wanted)).or_insert(*wanted);
        }
        let sessions = |token: &str| self.worker.session(token).ok();
        table.pumps.retain(|token, pump| {
            let is_live = sessions(token).is_some_and(|session| session.is(&pump.session));
            is_live && all.get(token) == Some(&pump.wanted)
        });
        for (token, wanted) in all {
            if !table.pumps.contains_key(&token)
                && let Some(session) = sessions(&token)
            {
                table.pumps.insert(token, self.begin(session, wanted));
            }
        }
    }

    fn begin(&self, session: Session, wanted: Wanted) -> Pump {
        let stop = CancellationToken::new();
        // What is kept is told with its place in the log, when it is written there.
        let told = wanted.topics.iter().filter(|topic| !topic.is_kept());
        let (common, own): (Vec<Topic>, Vec<Topic>) = told.partition(|topic| topic.is_common());
        for (topics, every) in [(common, None), (own, wanted.every)] {
            let topics: Topics = topics.into_iter().collect();
            if topics.iter().next().is_none() {
                continue;
            }
            match session.subscribe(Interest { topics, every, since: None }) {
                Ok(subscription) => {
                    let copying = copy(Arc::clone(&self.worker), session.clone(), subscription, stop.clone());
                    self.worker.shared.tasks.spawn(copying);
                }
                Err(failure) => tracing::warn!(%failure, "a session has too many listeners"),
            }
        }
        Pump { wanted, session, stop }
    }
}

impl Wanted {
    /// What satisfies both.
    fn and(self, other: Self) -> Self {
        let topics = self.topics.iter().chain(other.topics.iter()).collect();
        let every = match (self.every, other.every) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Self { topics, every }
    }
}

async fn copy(
    worker: Arc<Worker>,
    session: Session,
    mut subscription: Subscription,
    stop: CancellationToken,
) {
    let all_stop = worker.shared.tasks.stop_signal();
    loop {
        let frame = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = all_stop.cancelled() => return,
            next = subscription.next() => match next {
                Ok(frame) => frame,
                Err(_) => return,
            },
        };
        if !session.standing().may_answer() {
            continue;
        }
        if let Err(failure) = worker.registry().tell(session.token(), &frame).await {
            // What is told is state: the next one says as much.
            tracing::debug!(%failure, "something was not told to other processes");
        }
    }
}
