//! Sessions whose owner is dead: each worker takes some, the emptier ones more.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use bus::End;
use futures_util::{StreamExt, stream};
use rand::seq::{IndexedRandom, SliceRandom};
use registry::{Fence, SessionState, WorkerId};
use tokio::time::{Instant, sleep};

use super::Member;
use crate::lease::EVERY;
use crate::session::Session;
use crate::trials::Trial;

/// Sessions that are taken over at the same time.
const AT_ONCE: usize = 16;
/// Tokens that are looked at before the next look at who is how full.
const BATCH: usize = 64;
/// What could not be taken over is left to others for so long.
const REFUSED_FOR: Duration = Duration::from_secs(15);
/// A worker that is much fuller than the others leaves them this time to take what there is.
const POLITENESS: Duration = Duration::from_millis(300);
/// Sessions of this worker whose ownership is looked up at a time.
const VERIFIED_AT_ONCE: usize = 512;
/// Looks between two such look-ups.
const VERIFY_EVERY: u32 = 15;

impl Member {
    /// Looks for sessions that nobody has, and after its own.
    pub(super) async fn look_after_orphans(self: Arc<Self>) {
        let stop = self.tasks.stop_signal();
        let mut missing = HashSet::new();
        for round in 0_u32.. {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = sleep(EVERY.mul_f64(rand::random_range(0.5..=1.0))) => {}
            }
            self.drop_old_standbys();
            self.interests.drop_old();
            if !self.worker.shared.lease.holds() {
                continue;
            }
            self.restart_overflowed().await;
            self.tell_stood(self.worker.trials.take_stood()).await;
            if round % VERIFY_EVERY == 0 {
                self.check_fitness().await;
                self.verify().await;
                missing = self.take_up_missing(missing).await;
            }
            if !self.takes() {
                continue;
            }
            self.take_one_of_quarantine().await;
            match self.registry().dead().await {
                Ok(dead) => {
                    for owner in dead {
                        self.adopt_from(&owner).await;
                    }
                }
                Err(failure) => tracing::debug!(%failure, "cannot look for sessions without an owner"),
            }
        }
    }

    /// Tells that this worker has lived with sessions that it took.
    pub(super) async fn tell_stood(&self, trials: Vec<Trial>) {
        let telling = stream::iter(trials).for_each_concurrent(AT_ONCE, |trial| async move {
            if self.registry().stood(&trial.token, trial.fence).await.is_err() {
                self.worker.trials.put_back(trial);
            }
        });
        telling.await;
    }

    /// Takes over a session whose quarantine is over. One at a time, in no order: if this worker dies of it, those that came
    /// before it are suspected with it, and those that would have come after it are not.
    async fn take_one_of_quarantine(&self) {
        if self.worker.check_room().is_err() {
            return;
        }
        let Ok(mut all) = self.registry().quarantined().await else { return };
        {
            let refused = self.refused_now();
            all.retain(|session| session.left.is_zero() && !refused.contains_key(&session.token));
        }
        let chosen = all.choose(&mut rand::rng()).cloned();
        if let Some(session) = chosen {
            self.adopt_one(&session.token, &session.owner).await;
        }
    }

    /// Sessions that this worker could not take over a moment ago.
    fn refused_now(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        let (mut refused, now) = (self.refused(), Instant::now());
        refused.retain(|_, until| *until > now);
        refused
    }

    /// Takes over the sessions of a dead worker, as far as there is room.
    async fn adopt_from(&self, owner: &WorkerId) {
        let Ok(mut tokens) = self.registry().tokens_at(owner, self.worker.sessions_max).await else { return };
        {
            let refused = self.refused_now();
            tokens.retain(|token| !refused.contains_key(token));
        }
        if tokens.is_empty() {
            return;
        }
        tracing::info!(%owner, "taking over sessions of a worker that is gone");
        tokens.shuffle(&mut rand::rng());
        for some in tokens.chunks(BATCH) {
            if !self.takes() || self.worker.check_room().is_err() {
                return;
            }
            if self.is_fuller_than_others().await {
                sleep(POLITENESS).await;
            }
            let adopting = stream::iter(some).for_each_concurrent(AT_ONCE, |token| async move {
                self.adopt_one(token, owner).await;
            });
            adopting.await;
        }
    }

    async fn adopt_one(&self, token: &str, owner: &WorkerId) {
        if let Err(failure) = self.worker.take_over(token, owner).await {
            tracing::warn!(%failure, cause = failure.cause(), "a session was not taken over");
            self.refused().insert(token.to_owned(), Instant::now() + REFUSED_FOR);
            return;
        }
        if let Err(failure) = self.registry().unlist(token, owner).await {
            tracing::debug!(%failure, "a session stays listed at its dead owner");
        }
        if let Err(failure) = self.registry().tell_changed(token).await {
            tracing::debug!(%failure, "listeners find out by themselves");
        }
    }

    async fn is_fuller_than_others(&self) -> bool {
        let Ok(all) = self.registry().workers().await else { return false };
        let others: Vec<u32> = all
            .iter()
            .filter(|one| one.is_open && one.address != self.advertise)
            .map(|one| one.sessions)
            .collect();
        let own = u32::try_from(self.worker.count()).unwrap_or(u32::MAX);
        let slack = u32::try_from(BATCH).unwrap_or(u32::MAX);
        others.iter().min().is_some_and(|least| own > least.saturating_add(slack))
    }

    /// Sessions that somebody else has taken (say while the registry had lost its last writes) are dropped.
    async fn verify(&self) {
        let sessions = self.worker.all_sessions();
        for some in sessions.chunks(VERIFIED_AT_ONCE) {
            let claims: Vec<(String, Fence)> =
                some.iter().map(|session| (session.token().to_owned(), session.standing().fence())).collect();
            let Ok(owned) = self.registry().verify(&claims).await else { return };
            for ((session, (_, fence)), is_ours) in some.iter().zip(&claims).zip(owned) {
                // One that nobody knows is no one's: the registry came back empty, and is about to be told.
                let is_lost = !is_ours
                    && session.standing().holds()
                    && session.standing().fence() == *fence
                    && matches!(self.registry().record(session.token()).await, Ok(Some(_)));
                if is_lost {
                    tracing::warn!("a session has another owner by now");
                    self.worker.drop_session(session, End::Moved);
                }
            }
        }
    }

    /// Sessions that are this worker's by the registry and do not run here begin: the answer that they are its own was
    /// lost on the way. Answers those that are missing for the first time, as they may be about to begin.
    async fn take_up_missing(&self, before: HashSet<String>) -> HashSet<String> {
        let own = self.worker.shared.lease.worker();
        let Ok(tokens) = self.registry().tokens_at(&own, self.worker.sessions_max).await else {
            return before;
        };
        let mut missing = HashSet::new();
        for token in tokens.into_iter().filter(|token| self.worker.session(token).is_err()) {
            let Ok(Some(record)) = self.registry().record(&token).await else { continue };
            if record.owner != own {
                // It only looks as if: the registry lists too many rather than too few.
                let _ = self.registry().unlist(&token, &own).await;
            } else if record.state == SessionState::Live && before.contains(&token) {
                tracing::warn!("a session of this worker did not run and begins");
                if let Err(failure) = self.worker.take_over(&token, &own).await {
                    tracing::warn!(%failure, "a session could not begin yet");
                }
            } else if record.state == SessionState::Live {
                missing.insert(token);
            }
        }
        missing
    }

    /// Sessions that could not write for long begin anew from what was written.
    async fn restart_overflowed(&self) {
        for session in self.worker.all_sessions().iter().filter(|session| session.has_overflowed()) {
            tracing::warn!("a session could not write for long and begins anew");
            let owner = self.worker.shared.lease.worker();
            if let Err(failure) = self.worker.take_over(session.token(), &owner).await {
                tracing::warn!(%failure, "a session could not begin anew yet");
            }
        }
    }

    fn drop_old_standbys(&self) {
        let now = Instant::now();
        let old = |(session, until): &(Session, Instant)| {
            let is_old = *until <= now;
            if is_old {
                session.end(End::Moved);
            }
            is_old
        };
        self.standbys().retain(|_, standby| !old(standby));
    }
}

#[cfg(test)]
mod tests;
