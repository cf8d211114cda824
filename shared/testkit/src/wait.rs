//! Waiting for a state. Nothing else in the tests sleeps, but for pauses that are part of a scenario.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

/// How long a test waits before it fails: far more than a busy machine needs, so that only a fault reaches it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Looks until there is something to see, and returns it.
///
/// # Panics
/// After [`PATIENCE`], naming what was waited for.
pub async fn eventually<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    eventually_within(PATIENCE, what, look).await
}

/// The same for what takes minutes by itself.
///
/// # Panics
/// After this time, naming what was waited for.
pub async fn eventually_within<T>(
    patience: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let end = Instant::now() + patience;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < end, "never happened: {what}");
        sleep(LOOK_EVERY).await;
    }
}

/// Lets time pass that is part of what is tested: clients that think, troubles that last. Never to wait for a state.
pub async fn pause(span: Duration) {
    sleep(span).await;
}

/// What a future comes to, within [`PATIENCE`].
///
/// # Panics
/// After [`PATIENCE`], naming what was waited for.
pub async fn in_time<F: Future>(what: &str, future: F) -> F::Output {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("never happened: {what}"))
}
