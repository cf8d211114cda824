//! That a request was let in, and for how long that holds.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use access::Caller;

use super::credentials::ShownKey;
use super::keys::{KeyCache, Slot};

/// The longest that nobody looks whether a grant still holds: clocks may be set meanwhile.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// That a request was let in.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) caller: Arc<Caller>,
    hold: Option<Hold>,
}

/// By what it was.
#[derive(Debug, Clone)]
struct Hold {
    cache: Arc<KeyCache>,
    slot: Arc<Slot>,
    key: ShownKey,
    from: Option<IpAddr>,
}

/// Why a grant holds no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// The key was revoked, has expired, or may not be used from there any more.
    Ended,
    /// The key allows something else now.
    Changed,
    /// Nobody could tell for so long that it is not believed any more.
    Unknown,
}

impl Grant {
    /// Of a caller whom nobody can take it from.
    pub(crate) const fn of(caller: Arc<Caller>) -> Self {
        Self { caller, hold: None }
    }

    pub(super) fn by_key(
        caller: Arc<Caller>,
        cache: Arc<KeyCache>,
        slot: Arc<Slot>,
        key: ShownKey,
        from: Option<IpAddr>,
    ) -> Self {
        Self { caller, hold: Some(Hold { cache, slot, key, from }) }
    }

    /// The key that it was given for.
    pub(super) fn key(&self) -> Option<&ShownKey> {
        self.hold.as_ref().map(|hold| &hold.key)
    }

    /// Waits until it holds no more, perhaps for ever. Safe to cancel.
    pub(crate) async fn over(&self) -> Over {
        let Some(hold) = &self.hold else { return std::future::pending().await };
        let mut changes = hold.cache.changes();
        loop {
            let left = match hold.left(&self.caller) {
                Ok(left) => left.min(LOOK_EVERY),
                Err(over) => return over,
            };
            tokio::select! {
                _ = changes.changed() => {}
                () = tokio::time::sleep(left) => {}
            }
        }
    }
}

impl Hold {
    /// For how long it holds if nothing changes.
    fn left(&self, caller: &Arc<Caller>) -> Result<Duration, Over> {
        if !self.cache.is_believed() {
            return Err(Over::Unknown);
        }
        let known = self.slot.known().ok_or(Over::Ended)?;
        let until_ms = known.admits(&self.key, self.from).ok_or(Over::Ended)?;
        if known.caller != *caller {
            return Err(Over::Changed);
        }
        Ok(Duration::from_millis(u64::try_from(until_ms - runtime::unix_ms()).unwrap_or_default()))
    }
}
