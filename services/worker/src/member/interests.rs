//! Who listens to which sessions from other processes, and telling them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bus::{Frame, Interest, Position, Subscription, Topic, Topics};
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
    topics: Topics,
    every: Option<Duration>,
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
    pumps: HashMap<String, Vec<Pump>>,
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
                Ok(session) if session.standing().holds() => {
                    wanted.insert(one.token, Wanted { topics: one.topics, every: one.every });
                }
                _ => strangers.push(one.token),
            }
        }
        let mut table = self.table();
        // What is retained is told again, for those who have not been told.
        let known = table.listeners.get(listener);
        let was_told = |token: &String| {
            known.and_then(|known| known.wanted.get(token)).is_some_and(|known| retained(known.topics))
        };
        let newcomers: Vec<String> = wanted
            .iter()
            .filter(|(token, wanted)| retained(wanted.topics) && !was_told(token))
            .map(|(token, _)| token.clone())
            .collect();
        for token in newcomers {
            table.pumps.entry(token).or_default().retain(|pump| !retained(pump.topics));
        }
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

    /// Has pumps for each session that somebody listens to. One that runs goes on as long as it is of use, so that nothing
    /// is left out or told twice while others come and go.
    fn pump(&self, table: &mut Table) {
        let mut all: HashMap<String, Wanted> = HashMap::new();
        for (token, wanted) in table.listeners.values().flat_map(|listener| &listener.wanted) {
            all.entry(token.clone()).and_modify(|known| *known = known.and(*wanted)).or_insert(*wanted);
        }
        table.pumps.retain(|token, _| all.contains_key(token));
        for (token, wanted) in all {
            let Ok(session) = self.worker.session(&token) else { continue };
            let pumps = table.pumps.entry(token).or_default();
            pumps.retain(|pump| pump.session.is(&session) && pump.is_of_use(wanted));
            let carried = |topic: &Topic| pumps.iter().any(|pump| pump.topics.contains(*topic));
            // What is kept is told with its place in the log, when it is written there.
            let missing = wanted.topics.iter().filter(|topic| !topic.is_kept() && !carried(topic));
            let (paced, others): (Vec<Topic>, Vec<Topic>) = missing.partition(|topic| topic.is_paced());
            let (retained, others): (Vec<Topic>, Vec<Topic>) =
                others.into_iter().partition(|topic| topic.is_retained());
            for (topics, every) in [(others, None), (retained, None), (paced, wanted.every)] {
                if !topics.is_empty() {
                    pumps.extend(self.begin(&session, topics.into_iter().collect(), every));
                }
            }
        }
    }

    fn begin(&self, session: &Session, topics: Topics, every: Option<Duration>) -> Option<Pump> {
        let stop = CancellationToken::new();
        match session.subscribe(Interest { topics, every, since: None }) {
            Ok(subscription) => {
                let copying = copy(Arc::clone(&self.worker), session.clone(), subscription, stop.clone());
                self.worker.shared.tasks.spawn(copying);
                Some(Pump { topics, every, session: session.clone(), stop })
            }
            Err(failure) => {
                tracing::warn!(%failure, "a session has too many listeners");
                None
            }
        }
    }
}

/// Whether what is retained for later listeners is among these.
fn retained(topics: Topics) -> bool {
    topics.iter().any(Topic::is_retained)
}

impl Pump {
    /// Whether anything of it is still wanted, at its pace.
    fn is_of_use(&self, wanted: Wanted) -> bool {
        let is_wanted = self.topics.iter().any(|topic| wanted.topics.contains(topic));
        let is_paced = self.topics.iter().any(Topic::is_paced);
        is_wanted && (!is_paced || self.every == wanted.every)
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
        if !session.standing().holds() {
            continue;
        }
        // What is retained may be from before the session was this worker's.
        let at = Position { epoch: session.standing().fence().0, ..frame.at };
        let frame = Frame::clone(&frame).at(at);
        if let Err(failure) = worker.registry().tell(session.token(), &frame).await {
            // What is told is state: the next one says as much.
            tracing::debug!(%failure, "something was not told to other processes");
        }
    }
}
