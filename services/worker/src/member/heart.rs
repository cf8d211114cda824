//! Heartbeats, and what follows when one comes too late.

use std::sync::Arc;

use bus::End;
use futures_util::StreamExt;
use futures_util::stream;
use registry::{Fence, Lease as Kept, Record, SessionState, Unclaimed, WorkerId};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::Member;
use crate::lease::{EVERY, MARGIN, TTL};
use crate::session::{Rank, Session};

/// Sessions that are claimed back at the same time.
const CLAIMS_AT_ONCE: usize = 32;

impl Member {
    /// Tells again and again that this worker lives.
    pub(super) async fn live(self: Arc<Self>) {
        let stop = self.tasks.stop_signal();
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut alive: Option<WorkerId> = None;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            alive = match alive {
                Some(id) => self.beat_once(id).await,
                None => self.join_anew().await,
            };
        }
    }

    /// One heartbeat. `None`: the last one had run out.
    async fn beat_once(self: &Arc<Self>, id: WorkerId) -> Option<WorkerId> {
        let sent = Instant::now();
        match self.registry().beat(&self.beat(&id)).await {
            Ok(Kept::Kept) => {
                self.worker.shared.lease.renew(&id, sent);
                Some(id)
            }
            Ok(Kept::Lost) => {
                tracing::warn!(worker = %id, "the lease of this worker has run out");
                for session in self.worker.all_sessions() {
                    session.standing().set_rank(Rank::Doubtful);
                }
                self.join_anew().await
            }
            Err(failure) => {
                tracing::warn!(%failure, "a heartbeat was not taken");
                Some(id)
            }
        }
    }

    /// Begins another life, and claims what the last one had.
    async fn join_anew(self: &Arc<Self>) -> Option<WorkerId> {
        let lease = &self.worker.shared.lease;
        let (before, had_lease) = (lease.worker(), lease.holds());
        self.check_fitness().await;
        let id = WorkerId::new(format!("{}-{:08x}", self.worker.name, rand::random::<u32>()));
        let sent = Instant::now();
        if let Err(failure) = self.registry().join(&self.beat(&id)).await {
            tracing::warn!(%failure, "the worker cannot join its cluster yet");
            return None;
        }
        lease.renew(&id, sent);
        tracing::info!(worker = %id, address = self.advertise, "joined the cluster");
        let doubtful = self.worker.all_sessions();
        if !doubtful.is_empty() {
            let reclaiming = Arc::clone(self).reclaim(doubtful, before, id.clone(), had_lease);
            self.tasks.spawn(reclaiming);
        }
        Some(id)
    }

    /// Finds out whose the sessions are, and goes on with those that nobody else has.
    async fn reclaim(self: Arc<Self>, sessions: Vec<Session>, from: WorkerId, to: WorkerId, had_lease: bool) {
        let all = stream::iter(sessions);
        let (member, from, to) = (&self, &from, &to);
        all.for_each_concurrent(CLAIMS_AT_ONCE, |session| async move {
            member.reclaim_one(&session, from, to, had_lease).await;
        })
        .await;
    }

    async fn reclaim_one(&self, session: &Session, from: &WorkerId, to: &WorkerId, had_lease: bool) {
        while session.standing().rank() == Rank::Doubtful && !self.tasks.is_stopping() {
            match self.registry().reclaim(session.token(), from, to).await {
                Ok(Ok(record)) => return session.standing().own(record.fence),
                Ok(Err(Unclaimed::Other | Unclaimed::Quarantined(_))) => {
                    return self.worker.drop_session(session, End::Moved);
                }
                Ok(Err(Unclaimed::Gone)) => return self.bring_back(session, to, had_lease).await,
                Err(_) => sleep(EVERY).await,
            }
        }
    }

    /// The registry does not know the session: it was ended, or the registry was emptied.
    async fn bring_back(&self, session: &Session, to: &WorkerId, had_lease: bool) {
        if !had_lease {
            // Somebody else may have taken it over before the registry was emptied, and goes first.
            sleep(TTL + MARGIN).await;
        }
        match self.registry().record(session.token()).await {
            Ok(Some(record)) if record.state == SessionState::Ended => {
                return self.worker.drop_session(session, End::Closed);
            }
            Ok(_) => {}
            Err(_) => return self.worker.drop_session(session, End::Moved),
        }
        let Ok((sealed, memo)) = session.copy(Instant::now() + TTL).await else {
            return self.worker.drop_session(session, End::Moved);
        };
        let known = Record {
            account: session.account().name(),
            owner: to.clone(),
            fence: session.standing().fence(),
            state: SessionState::Live,
            sealed,
            memo,
        };
        match self.registry().bring_back(session.token(), &known, to).await {
            Ok(Some(Fence(fence))) => session.standing().own(Fence(fence)),
            Ok(None) | Err(_) => self.worker.drop_session(session, End::Moved),
        }
    }
}
