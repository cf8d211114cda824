//! What became of answers, told to the owners of the sessions.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::Delivery;

use super::Shared;
use super::search::{Found, Search};

/// Answers whose owners are being told at once. An owner that is not told takes its answer for lost, which is safe.
pub(super) const TELLING_MAX: usize = 1024;

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(2);

impl Shared {
    /// Tells the owner of a session, whichever it is by now; gives up when none is found in time.
    pub(super) async fn tell_delivered(self: &Arc<Self>, token: &str, receipt: &str, delivery: Delivery) {
        let Ok(_place) = self.telling.try_acquire() else { return };
        let mut search = Search::until(Instant::now() + super::SEARCH_MAX);
        let mut next = self.routes.get(token);
        loop {
            let route = match next.take() {
                Some(route) => Some(route),
                None => match self.find(token).await {
                    Ok(Found::At(route)) => Some(route),
                    Ok(Found::Nowhere) => return,
                    Ok(Found::Orphan | Found::Quarantined(_)) | Err(_) => None,
                },
            };
            if let Some(route) = route {
                let told = self.client.delivered(&route.peer, token, receipt, delivery, ATTEMPT);
                match told.await {
                    Ok(true) => return,
                    Ok(false) => {}
                    Err(failure) => tracing::debug!(?failure, "what became of an answer could not be told"),
                }
                self.routes.forget(token, &route);
            }
            let has_time = tokio::select! {
                has_time = search.pause() => has_time,
                () = self.stop.cancelled() => false,
            };
            if !has_time {
                return;
            }
        }
    }
}
