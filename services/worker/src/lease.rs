//! The right of this process to act, as its own monotonic clock sees it. It ends before anybody else may take over.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use registry::WorkerId;
use tokio::time::Instant;

/// How long a heartbeat is good for others.
pub(crate) const TTL: Duration = Duration::from_secs(5);
/// How often it is renewed.
pub(crate) const EVERY: Duration = Duration::from_secs(1);
/// So much earlier than for others it ends for ourselves: clocks run differently, and what has left is still on its way.
pub(crate) const MARGIN: Duration = Duration::from_secs(1);

/// See the module. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Lease(Arc<RwLock<Inner>>);

#[derive(Debug)]
struct Inner {
    worker: WorkerId,
    /// `None`: nobody else could take over.
    ends: Option<Instant>,
}

impl Lease {
    /// Of a process that is alone.
    pub(crate) fn unending() -> Self {
        Self(Arc::new(RwLock::new(Inner { worker: WorkerId::new("alone"), ends: None })))
    }

    /// Of a process that has not got any yet.
    pub(crate) fn ended() -> Self {
        let inner = Inner { worker: WorkerId::new(""), ends: Some(Instant::now()) };
        Self(Arc::new(RwLock::new(inner)))
    }

    /// The present life of this process.
    pub(crate) fn worker(&self) -> WorkerId {
        self.0.read().unwrap_or_else(PoisonError::into_inner).worker.clone()
    }

    /// A heartbeat that was sent at this moment has been taken.
    pub(crate) fn renew(&self, worker: &WorkerId, sent: Instant) {
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        inner.worker = worker.clone();
        inner.ends = Some(sent + TTL.saturating_sub(MARGIN));
    }

    /// It is over, whatever the clock says.
    pub(crate) fn end(&self) {
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if inner.ends.is_some() {
            inner.ends = Some(Instant::now());
        }
    }

    /// Whether it has not ended.
    pub(crate) fn holds(&self) -> bool {
        let ends = self.0.read().unwrap_or_else(PoisonError::into_inner).ends;
        ends.is_none_or(|ends| Instant::now() < ends)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_ends_for_us_before_it_ends_for_others() {
        let lease = Lease::ended();
        assert!(!lease.holds());
        lease.renew(&WorkerId::new("w"), Instant::now());
        tokio::time::advance(TTL - MARGIN - Duration::from_millis(1)).await;
        assert!(lease.holds() && lease.worker().as_str() == "w");
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(!lease.holds());
        assert!(Lease::unending().holds());
    }
}
