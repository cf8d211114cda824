//! The end of sessions when nothing is allowed any more.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use error::Error;
use futures_util::{StreamExt, stream};
use runtime::CancellationToken;
use tokio::time::{Instant, sleep};

use crate::session::{Phase, Rank, Session};
use crate::worker::Worker;

/// How often it is looked whether sessions must end.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// So many looks in a row must say so: a file that is being replaced may be gone, or be half there, for a moment.
const LOOKS_MIN: u32 = 3;
/// Sessions that end at the same time.
const AT_ONCE: usize = 16;
/// A session in which a trade request is under way is waited for so long, and then looked at again later.
const SETTLE_LIMIT: Duration = Duration::from_secs(20);

/// Looks again and again, as long as there is a worker that does not stop.
pub(crate) async fn end_when_over(worker: Weak<Worker>, stop: CancellationToken) {
    let looking = async {
        let mut looks = 0;
        while let Some(worker) = worker.upgrade() {
            looks = if worker.shared.licensing.terms().await.is_over() { looks + 1 } else { 0 };
            if looks >= LOOKS_MIN {
                looks = LOOKS_MIN;
                worker.end_all().await;
            }
            drop(worker);
            sleep(LOOK_EVERY).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = looking => {}
    }
}

impl Worker {
    /// Ends all sessions that this process owns, none in the middle of an order.
    async fn end_all(self: &Arc<Self>) {
        let sessions = self.all_sessions();
        // Those that are being given away are their next owner's to end.
        let own = sessions.into_iter().filter(|session| {
            let standing = session.standing();
            standing.rank() == Rank::Owner && standing.holds()
        });
        stream::iter(own)
            .for_each_concurrent(AT_ONCE, |session| async move {
                if let Err(failure) = self.end_at_rest(&session).await {
                    tracing::info!(%failure, token = session.token(), "a session ends a little later");
                }
            })
            .await;
    }

    async fn end_at_rest(&self, session: &Session) -> Result<(), Error> {
        // From here on nothing new is begun, and what is under way comes to its end.
        session.standing().set_rank(Rank::Giving);
        let left = match session.phase() {
            // It does not come up again by itself, so nothing more comes of anything.
            Phase::Ended(_) => Ok(()),
            _ => session.leave(Instant::now() + SETTLE_LIMIT).await.map(drop),
        };
        // A licence may have come meanwhile.
        if left.is_err() || !self.shared.licensing.terms().await.is_over() {
            if !self.is_draining.load(Ordering::SeqCst) {
                session.standing().set_rank(Rank::Owner);
            }
            return left;
        }
        tracing::warn!(token = session.token(), "a session ends, since the trial or the licence is over");
        self.close(session.token(), true).await
    }
}
