//! Leaving: each session moves to another worker, which logs in before this one stops.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bus::End;
use cluster::Failure;
use error::Error;
use futures_util::{StreamExt, stream};
use registry::{Fence, Place};
use tokio::time::{Instant, sleep, timeout};

use super::owner::{ACTIVATE_LIMIT, PREPARE_LIMIT};
use super::{Member, names};
use crate::session::{Rank, Session, moved, unreachable};

/// Sessions that move at the same time.
const AT_ONCE: usize = 16;
/// Workers that are tried for a session.
const TRIES: usize = 3;
/// Most time that trade requests under way may take before the session moves without their outcomes: the next owner finds
/// them out.
const SETTLE_LIMIT: Duration = Duration::from_secs(5);
/// Pause between attempts to tell the new owner.
const RETRY_EVERY: Duration = Duration::from_millis(200);

impl Member {
    /// Gives all sessions to other workers, as far as that works within `grace`, and leaves the cluster. Calls are answered
    /// meanwhile.
    pub async fn leave(self: &Arc<Self>, grace: Duration) {
        self.is_open.store(false, Ordering::SeqCst);
        self.worker.is_draining.store(true, Ordering::SeqCst);
        let id = self.worker.shared.lease.worker();
        if let Err(failure) = self.registry().beat(&self.beat(&id)).await {
            tracing::warn!(%failure, "others do not know yet that this worker drains");
        }
        let sessions = self.worker.all_sessions();
        tracing::info!(sessions = sessions.len(), "moving sessions to other workers");
        let moving = stream::iter(sessions).for_each_concurrent(AT_ONCE, |session| async move {
            if let Err(failure) = self.give_away(&session).await {
                tracing::info!(%failure, cause = failure.cause(), "a session could not be moved");
            }
        });
        if timeout(grace, moving).await.is_err() {
            tracing::warn!(left = self.worker.count(), "not all sessions could be moved in time");
        }
        // Whoever claims what is left shall not think that this worker died of it.
        self.tell_stood(self.worker.trials.take_all()).await;
        self.tasks.stop();
        self.worker.shared.lease.end();
        // Those that are left may be claimed at once.
        if let Err(failure) = self.registry().leave(&self.worker.shared.lease.worker()).await {
            tracing::warn!(%failure, "others find out by the lease that this worker is gone");
        }
        self.tasks.finish(RETRY_EVERY).await;
    }

    async fn give_away(&self, session: &Session) -> Result<(), Error> {
        let place = self.prepared(session).await?;
        let standing = session.standing();
        standing.set_rank(Rank::Giving);
        let memo = match session.leave(Instant::now() + SETTLE_LIMIT).await {
            Ok(memo) => memo.to_bytes(),
            Err(_) => session.copy(Instant::now() + SETTLE_LIMIT).await?.1,
        };
        let given = self.registry().give(session.token(), standing.fence(), &place.worker, &memo).await;
        let given = given.map_err(|failure| unreachable(&failure))?;
        // From here on it is not ours, whoever's it is.
        self.worker.drop_session(session, End::Moved);
        let Some(fence) = given else { return Err(moved()) };
        self.tell_new_owner(session.token(), &place, fence).await;
        Ok(())
    }

    /// A worker that is logged in already.
    async fn prepared(&self, session: &Session) -> Result<Place, Error> {
        let mut except = vec![self.worker.shared.lease.worker()];
        let broker = names(session).into_iter().next().unwrap_or_default();
        for _ in 0..TRIES {
            let place = self.registry().place(&broker, &except).await;
            let Some(place) = place.map_err(|failure| unreachable(&failure))? else { break };
            match self.client.prepare(&place.address, session.token(), PREPARE_LIMIT).await {
                Ok(()) => return Ok(place),
                // It may have died of the session: another one would as well.
                Err(Failure::Broken(why)) => {
                    tracing::warn!(why, worker = %place.worker, "a worker broke off while it took a session");
                    break;
                }
                Err(failure) => {
                    tracing::info!(?failure, worker = %place.worker, "a worker cannot take a session");
                    except.push(place.worker);
                }
            }
        }
        Err(Error::busy("No other worker can take the session."))
    }

    async fn tell_new_owner(&self, token: &str, place: &Place, fence: Fence) {
        for _ in 0..TRIES {
            match self.client.activate(&place.address, token, fence, ACTIVATE_LIMIT).await {
                Ok(()) => break,
                Err(failure) => {
                    tracing::info!(?failure, worker = %place.worker, "the new owner of a session does not answer");
                    sleep(RETRY_EVERY).await;
                }
            }
        }
        if let Err(failure) = self.registry().tell_changed(token).await {
            tracing::debug!(%failure, "listeners find out by themselves");
        }
    }
}
