//! That a request was let in, and for how long that holds.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use access::Caller;
use serde::{Deserialize, Serialize};

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
enum Hold {
    Key(KeyHold),
    /// A token, which ends then, in milliseconds since 1970 UTC.
    Token(i64),
}

/// By a key.
#[derive(Debug, Clone)]
struct KeyHold {
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
        Self { caller, hold: Some(Hold::Key(KeyHold { cache, slot, key, from })) }
    }

    /// Of a caller who has shown a token.
    pub(super) const fn by_token(caller: Arc<Caller>, until_ms: i64) -> Self {
        Self { caller, hold: Some(Hold::Token(until_ms)) }
    }

    /// What a ticket for the same says; none where everybody is let in.
    pub(super) fn content(&self) -> Option<Content> {
        Some(match self.hold.as_ref()? {
            Hold::Key(hold) => Content::Key(hold.key.clone()),
            Hold::Token(until_ms) => {
                Content::Token { caller: Caller::clone(&self.caller), until_ms: *until_ms }
            }
        })
    }

    /// Waits until it holds no more, perhaps for ever. Safe to cancel.
    pub(crate) async fn over(&self) -> Over {
        let hold = match &self.hold {
            None => return std::future::pending().await,
            Some(Hold::Token(until_ms)) => return until(*until_ms).await,
            Some(Hold::Key(hold)) => hold,
        };
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

/// What a ticket holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Content {
    Key(ShownKey),
    Token { caller: Caller, until_ms: i64 },
}

/// Waits for the end of a token.
async fn until(until_ms: i64) -> Over {
    while let Ok(left @ 1..) = u64::try_from(until_ms - runtime::unix_ms()) {
        tokio::time::sleep(Duration::from_millis(left).min(LOOK_EVERY)).await;
    }
    Over::Ended
}

impl KeyHold {
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
