//! How a session stands among its owners: whether this process may act for it, and under which fence.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use registry::Fence;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::lease::Lease;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rank {
    /// Logged in beside the owner, ready to take over: tells nothing, does nothing.
    Standby,
    /// The owner.
    Owner,
    /// The owner, about to give the session away: starts no new trade.
    Giving,
    /// The owner, unless somebody has claimed the session while the lease had run out: to be found out.
    Doubtful,
    /// Not the owner any more.
    Gone,
}

/// How a session stands. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Standing(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    lease: Lease,
    rank: watch::Sender<Rank>,
    fence: AtomicU64,
    /// Pace of ticket lists for sockets that name none, milliseconds.
    tickets_pace_ms: AtomicU32,
    is_tickets_pace_set: AtomicBool,
}

/// Pace of ticket lists until a client sets another.
const TICKETS_PACE_MS: u32 = 1000;

impl Standing {
    pub(crate) fn new(lease: Lease, rank: Rank, fence: Fence) -> Self {
        Self(Arc::new(Inner {
            lease,
            rank: watch::Sender::new(rank),
            fence: AtomicU64::new(fence.0),
            tickets_pace_ms: AtomicU32::new(TICKETS_PACE_MS),
            is_tickets_pace_set: AtomicBool::new(false),
        }))
    }

    pub(crate) fn rank(&self) -> Rank {
        *self.0.rank.borrow()
    }

    /// Under which the session acts.
    pub(crate) fn fence(&self) -> Fence {
        Fence(self.0.fence.load(Ordering::SeqCst))
    }

    /// The session is this process', under a new fence.
    pub(crate) fn own(&self, fence: Fence) {
        self.0.fence.store(fence.0, Ordering::SeqCst);
        let _ = self.0.rank.send_replace(Rank::Owner);
    }

    /// Takes another rank. What is gone stays gone.
    pub(crate) fn set_rank(&self, rank: Rank) {
        self.0.rank.send_if_modified(|now| {
            let changes = *now != Rank::Gone && *now != rank;
            if changes {
                *now = rank;
            }
            changes
        });
    }

    /// Whether this process may answer for the session, and send what was begun: it owns it, and its lease has not run out.
    /// Asked again right before a trade request leaves.
    pub(crate) fn holds(&self) -> bool {
        matches!(self.rank(), Rank::Owner | Rank::Giving) && self.0.lease.holds()
    }

    /// Waits while the session is being given away or its owner is in doubt; whether it may begin a trade then.
    pub(crate) async fn may_begin(&self, deadline: Instant) -> bool {
        let mut rank = self.0.rank.subscribe();
        let settled = rank.wait_for(|rank| matches!(rank, Rank::Owner | Rank::Gone));
        let is_owner =
            timeout_at(deadline, settled).await.is_ok_and(|rank| rank.is_ok_and(|rank| *rank == Rank::Owner));
        is_owner && self.0.lease.holds()
    }

    /// Waits until the session is gone.
    pub(crate) async fn gone(&self) {
        // An error means that nobody is left to change it.
        let _ = self.0.rank.subscribe().wait_for(|rank| *rank == Rank::Gone).await;
    }

    /// Pace of ticket lists in milliseconds.
    pub(crate) fn tickets_pace_ms(&self) -> u32 {
        self.0.tickets_pace_ms.load(Ordering::Relaxed)
    }

    /// The same, if a client has set it.
    pub(crate) fn tickets_pace_set(&self) -> Option<u32> {
        self.0.is_tickets_pace_set.load(Ordering::Relaxed).then(|| self.tickets_pace_ms())
    }

    /// Sets it.
    pub(crate) fn set_tickets_pace(&self, every_ms: u32) {
        self.0.tickets_pace_ms.store(every_ms, Ordering::Relaxed);
        self.0.is_tickets_pace_set.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn trades_wait_while_it_is_open_who_owns_the_session() {
        let standing = Standing::new(Lease::unending(), Rank::Owner, Fence(1));
        let soon = || Instant::now() + std::time::Duration::from_secs(1);
        assert!(standing.may_begin(soon()).await);
        standing.set_rank(Rank::Giving);
        assert!(
            standing.holds() && !standing.may_begin(soon()).await,
            "what was begun is sent, nothing is begun"
        );
        standing.set_rank(Rank::Doubtful);
        assert!(!standing.holds() && !standing.holds());
        let (may, ()) = tokio::join!(standing.may_begin(soon()), async { standing.own(Fence(2)) });
        assert!(may && standing.fence() == Fence(2));
        standing.set_rank(Rank::Gone);
        standing.set_rank(Rank::Owner);
        assert!(standing.rank() == Rank::Gone && !standing.may_begin(soon()).await);
        standing.gone().await;
    }
}
