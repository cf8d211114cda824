//! The one ear of this process.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::End;
use error::Error;
use futures_util::StreamExt;
use registry::{Ear, Heard};
use runtime::Backoff;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::channel::Channel;
use super::hub::{Open, deaf};
use crate::router::{Shared, away};

/// How long channels stay when nobody listens any more, and how often it is looked.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// How long the registry may take to begin listening.
pub(super) const OPEN_TIME: Duration = Duration::from_secs(5);

/// Logs that are read at once after a gap.
const READS_MAX: usize = 32;

/// How often a log is read after a gap before its readers are sent away.
const READ_ATTEMPTS: usize = 5;

/// Pauses between them: the first, and the longest.
const READ_PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// Hears for all channels until the router stops.
pub(crate) async fn listen(shared: Arc<Shared>, mut orders: mpsc::Receiver<Open>) {
    let mut ear: Option<Box<dyn Ear>> = None;
    let mut open: HashSet<String> = HashSet::new();
    let mut sweep = interval(SWEEP_EVERY);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let stop = shared.stop.clone();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            order = orders.recv() => {
                let Some(order) = order else { break };
                let result = begin(&shared, &mut ear, &mut open, &order.token).await;
                // Who asked may be gone; the sweep closes what nobody listens to.
                let _ = order.done.send(result);
            }
            heard = next(&mut ear) => tokio::select! {
                () = stop.cancelled() => break,
                () = hear(&shared, heard) => {}
            },
            _ = sweep.tick() => {
                for token in shared.hub.sweep(&open) {
                    open.remove(&token);
                    let Some(ear) = ear.as_mut() else { continue };
                    if let Ok(Err(error)) = timeout(OPEN_TIME, ear.close(&token)).await {
                        tracing::debug!(%error, "a session is still listened to");
                    }
                }
            }
        }
    }
    shared.hub.end_all(End::Moved);
}

async fn next(ear: &mut Option<Box<dyn Ear>>) -> Heard {
    match ear {
        Some(ear) => ear.next().await,
        None => std::future::pending().await,
    }
}

/// Listens to one more token.
async fn begin(
    shared: &Arc<Shared>,
    ear: &mut Option<Box<dyn Ear>>,
    open: &mut HashSet<String>,
    token: &str,
) -> Result<(), Error> {
    if open.contains(token) {
        return Ok(());
    }
    let opening = async {
        let ear = match ear {
            Some(ear) => ear,
            None => ear.insert(shared.registry.listen().await?),
        };
        ear.open(token).await
    };
    match timeout(OPEN_TIME, opening).await {
        Ok(Ok(())) => {
            open.insert(token.to_owned());
            Ok(())
        }
        Ok(Err(why)) => Err(away(&why)),
        Err(_) => Err(deaf()),
    }
}

async fn hear(shared: &Arc<Shared>, heard: Heard) {
    match heard {
        Heard::Frame { token, frame } => {
            if let Some(channel) = shared.hub.get(&token)
                && channel.publish(frame).is_err()
            {
                fill(Arc::clone(shared), channel).await;
            }
        }
        Heard::Changed { token } => {
            shared.routes.drop(&token);
            if let Some(channel) = shared.hub.get(&token) {
                channel.look(None, Instant::now());
                shared.hub.grown.notify_one();
            }
        }
        Heard::Gap => repair(shared).await,
    }
}

/// Publishes what was told while nothing was heard, before anything later is.
async fn repair(shared: &Arc<Shared>) {
    let all = shared.hub.all();
    tracing::info!(sessions = all.len(), "events were not heard for a moment; they are read from their logs");
    let repairs = all.into_iter().map(|channel| {
        // That a session moved may have been missed as well.
        channel.look(None, Instant::now());
        fill(Arc::clone(shared), channel)
    });
    futures_util::stream::iter(repairs).buffer_unordered(READS_MAX).collect::<()>().await;
    shared.hub.grown.notify_one();
}

/// Publishes what the log has and was not heard.
async fn fill(shared: Arc<Shared>, channel: Arc<Channel>) {
    let Some(last) = channel.place_before_gap() else { return };
    let mut pauses = Backoff::new(READ_PAUSES.0, READ_PAUSES.1);
    for _ in 0..READ_ATTEMPTS {
        match shared.told(shared.registry.since(channel.token(), last)).await {
            Ok(log) if channel.catch_up(&log) => return,
            Ok(_) => break,
            Err(_) => tokio::time::sleep(pauses.pause()).await,
        }
    }
    // They come back, say where they were, and are told what is missing.
    shared.hub.end(&channel, End::Lagged);
}
