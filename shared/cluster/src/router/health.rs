//! Whether this process and its cluster fit together: registry, clock, workers, key. It is looked at all the time, so that
//! readiness and log say what is wrong before a caller has to guess.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bus::Readiness;
use rand::seq::IndexedRandom;
use registry::{CLOCKS_APART_MAX, RegistryError};

use super::{SEARCH_MAX, Shared};
use crate::client::{Failure, Greeting};

/// Workers that are asked in a look.
const ASKED_MAX: usize = 3;

/// How long a worker may take to say whether it knows this process.
const GREETING_TIME: Duration = Duration::from_secs(2);

/// So many looks in a row must have found a trouble before it counts; at the start the first does.
const LOOKS: u32 = 2;

/// What is wrong.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    /// The registry does not answer, or is none.
    Registry(RegistryError),
    /// The clock of this process is that far ahead of the registry's, or behind it, in milliseconds.
    Clock(i64),
    /// No worker lives.
    NoWorker,
    /// Workers do not know this process; so one said.
    Key(String),
    /// No worker can be reached; one of the reasons.
    Unreachable(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(why) => write!(out, "{why}: is --redis-url that of the Redis of this cluster?"),
            Self::Clock(ahead_ms) => {
                let (apart_s, direction) =
                    (ahead_ms.unsigned_abs() / 1000, if *ahead_ms > 0 { "ahead of" } else { "behind" });
                write!(
                    out,
                    "the clock of this process is {apart_s} s {direction} that of Redis, and may be {} s: set it right",
                    CLOCKS_APART_MAX.as_secs()
                )
            }
            Self::NoWorker => out.write_str("no worker of the cluster lives"),
            Self::Key(said) => {
                write!(
                    out,
                    "the workers do not let this process in: is --cluster-key the same everywhere? They say: {said}"
                )
            }
            Self::Unreachable(why) => {
                write!(out, "no worker can be reached where it says to be (--advertise): {why}")
            }
        }
    }
}

/// What the last looks have found.
#[derive(Debug, Default)]
pub(super) struct Health(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// It has been well since the start.
    was_well: bool,
    /// Looks in a row that have found a trouble, and the last one.
    looks: u32,
    trouble: Option<Trouble>,
    /// Since when looks have found no worker.
    deserted: Option<Instant>,
}

impl State {
    /// The trouble that counts.
    fn counted(&self) -> Option<&Trouble> {
        self.trouble.as_ref().filter(|_| self.looks >= LOOKS || !self.was_well)
    }
}

impl Health {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the process stands.
    pub(super) fn readiness(&self) -> Readiness {
        let state = self.state();
        match state.counted() {
            None if !state.was_well => Readiness::NotReady("the cluster was not looked at yet".to_owned()),
            None => Readiness::Ready,
            // What is known of sessions is enough for many calls.
            Some(trouble @ Trouble::Registry(_)) if state.was_well => {
                Readiness::Impaired(trouble.to_string())
            }
            Some(trouble) => Readiness::NotReady(trouble.to_string()),
        }
    }

    /// Whether no worker has lived for as long as a call would wait for one: a worker that is started anew is back before.
    pub(super) fn has_no_worker(&self) -> bool {
        self.state().deserted.is_some_and(|since| since.elapsed() >= SEARCH_MAX)
    }

    /// Notes what a look has found, and tells of changes once.
    fn note(&self, found: Result<(), Trouble>) {
        let mut state = self.state();
        let before = state.counted().map(std::mem::discriminant);
        match found {
            Ok(()) => *state = State { was_well: true, ..State::default() },
            Err(trouble) => {
                state.looks = state.looks.saturating_add(1);
                state.deserted = match trouble {
                    Trouble::NoWorker => state.deserted.or_else(|| Some(Instant::now())),
                    _ => None,
                };
                state.trouble = Some(trouble);
            }
        }
        let after = state.counted();
        match (before, after) {
            (Some(_), None) => tracing::info!("this process serves calls again"),
            (before, Some(trouble)) if before != Some(std::mem::discriminant(trouble)) => {
                tracing::error!("this process cannot serve calls as it should: {trouble}");
            }
            _ => {}
        }
    }
}

/// Looks, until the router is told to stop.
pub(super) async fn watch(shared: Arc<Shared>) {
    while !shared.stop.is_cancelled() {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            found = shared.look() => shared.health.note(found),
        }
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = tokio::time::sleep(shared.settings.watch_every) => {}
        }
    }
}

impl Shared {
    async fn look(&self) -> Result<(), Trouble> {
        let ahead_ms = self.told(self.registry.clock_ahead_ms()).await.map_err(Trouble::Registry)?;
        if u128::from(ahead_ms.unsigned_abs()) > CLOCKS_APART_MAX.as_millis() {
            return Err(Trouble::Clock(ahead_ms));
        }
        let all = self.alive().await.map_err(Trouble::Registry)?;
        let mut found = Trouble::NoWorker;
        let asked: Vec<_> = all.choose_multiple(&mut rand::rng(), ASKED_MAX).cloned().collect();
        for worker in asked {
            match self.client.greet(&worker.address, Instant::now() + GREETING_TIME).await {
                Ok(Greeting::Known) => return Ok(()),
                Ok(Greeting::Unknown(said)) => found = Trouble::Key(said),
                Err(_) if matches!(found, Trouble::Key(_)) => {}
                Err(failure) => {
                    found = Trouble::Unreachable(format!("{}: {}", worker.address, told(failure)));
                }
            }
        }
        Err(found)
    }
}

fn told(failure: Failure) -> String {
    match failure {
        Failure::NotSent(why) | Failure::Broken(why) => why,
        Failure::Late => "no answer in time".to_owned(),
        Failure::Refused(error) => error.detail().to_owned(),
    }
}
