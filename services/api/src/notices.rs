//! What the owners of sessions say of their licence, for replies that the front makes by itself.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use access::Caller;
use bus::{Ask, Backend};
use calls::service::LicenseStatus;
use calls::{Call, CallId, Params};

/// How old what was said may be.
const KEPT: Duration = Duration::from_secs(10);
/// The version of the service is told without it rather than late.
const LIMIT: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Notices(Mutex<Option<(Instant, Option<String>)>>);

impl Notices {
    /// What is said now, or was a moment ago.
    pub(crate) async fn get(&self, backend: &dyn Backend) -> Option<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some((at, notice)) if at.elapsed() < KEPT => notice,
            _ => {
                let notice = ask(backend).await;
                // Several may ask at once; the last answer stays.
                *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some((Instant::now(), notice.clone()));
                notice
            }
        }
    }
}

async fn ask(backend: &dyn Backend) -> Option<String> {
    let ask = Ask {
        call: LicenseStatus::NAME.parse::<CallId>().ok()?,
        params: Params::new(),
        id: None,
        caller: Caller::local(),
        source: None,
        deadline: Instant::now() + LIMIT,
        idempotency_key: None,
    };
    tokio::time::timeout(LIMIT, backend.ask(ask)).await.ok()?.notice
}
