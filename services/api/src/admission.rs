//! How much work is under way at a time. What comes beyond it waits a little and is refused then, so that a front that is asked
//! for more than it can do still does what it has begun. Some places are for trades alone: whoever must close a position is not
//! kept waiting by those who look.

use std::sync::Arc;
use std::time::Duration;

use calls::Policy;
use error::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long a call waits for a place. Longer ones would be answered when nobody wants to know any more.
const PATIENCE: Duration = Duration::from_secs(1);

/// The share of all places that only trades may have: one in so many.
const TRADES_SHARE: usize = 8;

/// The places of a front.
pub(crate) struct Admission {
    calls_max: usize,
    all: Arc<Semaphore>,
    /// Of these, what calls that are no trades may have.
    others: Arc<Semaphore>,
}

/// A call's place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _any: OwnedSemaphorePermit,
    _other: Option<OwnedSemaphorePermit>,
}

impl Admission {
    /// For so many calls, one at least of each sort.
    pub(crate) fn new(calls_max: usize) -> Self {
        let calls_max = calls_max.clamp(2, Semaphore::MAX_PERMITS);
        let for_trades = calls_max.div_ceil(TRADES_SHARE);
        Self {
            calls_max,
            all: Arc::new(Semaphore::new(calls_max)),
            others: Arc::new(Semaphore::new(calls_max - for_trades)),
        }
    }

    /// A place for a call.
    ///
    /// # Errors
    /// There is none for a second: nothing was begun.
    pub(crate) async fn place(&self, policy: Policy) -> Result<Place, Error> {
        let admitting = async {
            // In this order, so that those who wait for the first never hold the second.
            let other = match policy.trades() {
                true => None,
                false => Some(Arc::clone(&self.others).acquire_owned().await),
            };
            let any = Arc::clone(&self.all).acquire_owned().await;
            // They are never closed.
            Some(Place { _any: any.ok()?, _other: other.transpose().ok()? })
        };
        timeout(PATIENCE, admitting).await.ok().flatten().ok_or_else(|| self.refused())
    }

    fn refused(&self) -> Error {
        let most = self.calls_max;
        Error::busy(format!(
            "This service works on {most} calls at the moment, which is the most: try again soon."
        ))
    }
}

#[cfg(test)]
mod tests {
    use calls::account::AccountSummary;
    use calls::trading::{OrderClose, OrderSend};
    use calls::{Call, CallId};
    use error::Code;

    use super::*;

    fn policy<C: Call>() -> Policy {
        CallId::of::<C>().policy()
    }

    #[tokio::test(start_paused = true)]
    async fn trades_are_let_in_when_reads_have_taken_all_that_they_may() {
        let admission = Admission::new(16);
        let mut reads = Vec::new();
        for _ in 0..14 {
            reads.push(admission.place(policy::<AccountSummary>()).await.unwrap());
        }
        let refused = admission.place(policy::<AccountSummary>()).await.unwrap_err();
        assert_eq!(refused.code(), Code::ServerBusy);
        assert!(refused.detail().contains("16 calls"), "{refused}");
        // Many more that wait do not stand before a trade.
        let waiting =
            futures_util::future::join_all((0..100).map(|_| admission.place(policy::<AccountSummary>())));
        let trades = async {
            let one = admission.place(policy::<OrderClose>()).await.unwrap();
            let two = admission.place(policy::<OrderSend>()).await.unwrap();
            assert!(admission.place(policy::<OrderSend>()).await.is_err(), "they have a bound as well");
            (one, two)
        };
        let (waited, trades) = tokio::join!(waiting, trades);
        assert!(waited.iter().all(Result::is_err));
        drop((reads, trades));
        assert_eq!((admission.all.available_permits(), admission.others.available_permits()), (16, 14));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_waits_for_one_that_ends() {
        let admission = Admission::new(2);
        let first = admission.place(policy::<AccountSummary>()).await.unwrap();
        let (second, ()) = tokio::join!(admission.place(policy::<AccountSummary>()), async {
            tokio::time::advance(PATIENCE / 2).await;
            drop(first);
        });
        second.unwrap();
    }
}
