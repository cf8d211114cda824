//! Tells owners what is listened to here, and looks for owners that are gone.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::End;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::channel::Channel;
use crate::Interested;
use crate::client::{Failure, Peer};
use crate::router::{Found, Shared};

/// Between two rounds: what grows in the meantime is told at once.
const ROUND_MIN: Duration = Duration::from_millis(10);

/// How long a worker may take to hear.
const TELL_TIME: Duration = Duration::from_secs(2);

/// Owners that are looked for at once.
const LOOKS_MAX: usize = 32;

/// What came of telling a worker.
type Told = (Arc<Peer>, List, Result<Vec<String>, Failure>);

/// What is listened to at one worker.
type List = Vec<(Arc<Channel>, Interested)>;

/// What is known of the workers that were told something.
#[derive(Default)]
struct Workers {
    /// When each was told last, and whether that was something.
    told: HashMap<String, (Arc<Peer>, Instant)>,
    /// Those that are being told.
    busy: HashSet<String>,
    telling: FuturesUnordered<BoxFuture<'static, Told>>,
}

/// Runs until the router stops.
pub(crate) async fn keep_interest(shared: Arc<Shared>) {
    let mut workers = Workers::default();
    let mut looking: Option<BoxFuture<'static, ()>> = None;
    let pace = shared.settings.look_every.min(shared.settings.interest_every) / 2;
    let mut rounds = interval(pace.max(ROUND_MIN));
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            _ = rounds.tick() => {}
            () = shared.hub.grown.notified() => sleep(ROUND_MIN).await,
            Some(told) = workers.telling.next() => workers.heard(&shared, told),
            () = finished(&mut looking) => looking = None,
        }
        if looking.is_none() {
            looking = look(&shared);
        }
        workers.round(&shared);
    }
}

async fn finished(looking: &mut Option<BoxFuture<'static, ()>>) {
    match looking {
        Some(looking) => looking.await,
        None => std::future::pending().await,
    }
}

/// Looks for the owners of sessions without one.
fn look(shared: &Arc<Shared>) -> Option<BoxFuture<'static, ()>> {
    let now = Instant::now();
    let lost: Vec<_> = shared.hub.all().into_iter().filter(|channel| channel.is_lost(now)).collect();
    if lost.is_empty() {
        return None;
    }
    let shared = Arc::clone(shared);
    let looking = async move {
        let looks = lost.into_iter().map(|channel| find(Arc::clone(&shared), channel));
        futures_util::stream::iter(looks).buffer_unordered(LOOKS_MAX).collect::<()>().await;
    };
    Some(looking.boxed())
}

async fn find(shared: Arc<Shared>, channel: Arc<Channel>) {
    match shared.find(channel.token()).await {
        Ok(Found::At(route)) => channel.set_owner(Some(route)),
        Ok(Found::Nowhere) => shared.hub.end(&channel, End::Closed),
        Ok(Found::Orphan | Found::Quarantined(_)) => {
            channel.look(None, Instant::now() + shared.settings.look_every);
        }
        Err(error) => {
            tracing::debug!(%error, "the owner of a session cannot be looked up");
            channel.look(None, Instant::now() + shared.settings.look_every);
        }
    }
}

impl Workers {
    /// Tells each worker for which it is time.
    fn round(&mut self, shared: &Arc<Shared>) {
        let mut wanted: HashMap<String, (Arc<Peer>, List, bool)> = HashMap::new();
        for channel in shared.hub.all() {
            let Some(peer) = channel.peer() else { continue };
            let interested = channel.interested();
            if interested.topics.iter().next().is_none() {
                continue;
            }
            let (_, list, has_grown) =
                wanted.entry(peer.address().to_owned()).or_insert_with(|| (peer, Vec::new(), false));
            *has_grown |= channel.has_grown(&interested);
            list.push((channel, interested));
        }
        let gone: Vec<Arc<Peer>> = self
            .told
            .iter()
            .filter(|(address, _)| !wanted.contains_key(*address) && !self.busy.contains(*address))
            .map(|(_, (peer, _))| Arc::clone(peer))
            .collect();
        for peer in gone {
            self.told.remove(peer.address());
            self.tell(shared, peer, Vec::new());
        }
        let now = Instant::now();
        for (address, (peer, list, has_grown)) in wanted {
            let every = shared.settings.interest_every;
            let is_due = self.told.get(&address).is_none_or(|(_, at)| now.duration_since(*at) >= every);
            if (is_due || has_grown) && !self.busy.contains(&address) {
                self.told.insert(address, (Arc::clone(&peer), now));
                self.tell(shared, peer, list);
            }
        }
    }

    fn tell(&mut self, shared: &Arc<Shared>, peer: Arc<Peer>, list: List) {
        self.busy.insert(peer.address().to_owned());
        let shared = Arc::clone(shared);
        let telling = async move {
            let settings = &shared.settings;
            let all: Vec<Interested> = list.iter().map(|(_, interested)| interested.clone()).collect();
            let told = shared
                .client
                .interest(&peer, &settings.listener, &all, settings.interest_ttl, TELL_TIME)
                .await;
            (peer, list, told)
        };
        self.telling.push(telling.boxed());
    }

    /// Sessions that are not there are looked for again.
    fn heard(&mut self, shared: &Arc<Shared>, (peer, list, told): Told) {
        self.busy.remove(peer.address());
        let soon = Instant::now() + shared.settings.look_every;
        match told {
            Ok(not_mine) => {
                let not_mine: HashSet<String> = not_mine.into_iter().collect();
                for (channel, interested) in list {
                    if not_mine.contains(channel.token()) {
                        shared.routes.drop(channel.token());
                        channel.look(Some(&peer), soon);
                    } else {
                        channel.was_told(&interested, &peer);
                    }
                }
            }
            Err(failure) => {
                tracing::debug!(
                    worker = peer.address(),
                    ?failure,
                    "a worker does not hear what is listened to"
                );
                self.told.remove(peer.address());
                for (channel, _) in list {
                    channel.look(Some(&peer), soon);
                }
            }
        }
    }
}
