//! A client that listens to order updates, and comes back with its place whenever the stream breaks.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use runtime::Tasks;
use serde_json::Value;
use testkit::{Events, pause};

use super::Fronts;
use crate::streams::after;
use crate::world::Session;

/// Between two looks whether it shall stop.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// See the module.
pub(super) struct Follower {
    session: Session,
    fronts: Fronts,
    listens: AtomicBool,
    heard: Mutex<Heard>,
}

/// What it has heard.
#[derive(Default)]
pub(super) struct Heard {
    /// The place of the last event.
    place: Option<String>,
    /// Tickets that were opened, and that were closed, in order.
    pub(super) opened: Vec<u64>,
    pub(super) closed: Vec<u64>,
}

impl Follower {
    /// Listens until the tasks stop.
    pub(super) fn start(tasks: &Tasks, session: &Session, fronts: &Fronts) -> Arc<Self> {
        let follower = Arc::new(Self {
            session: session.clone(),
            fronts: fronts.clone(),
            listens: AtomicBool::new(false),
            heard: Mutex::default(),
        });
        let (own, stop) = (Arc::clone(&follower), tasks.stop_signal());
        tasks.spawn(async move {
            for round in 0_usize.. {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = own.listen(round) => pause(LOOK_EVERY).await,
                }
            }
        });
        follower
    }

    pub(super) fn account(&self) -> u64 {
        self.session.account
    }

    /// Whether it has begun.
    pub(super) fn listens(&self) -> bool {
        self.listens.load(Ordering::SeqCst)
    }

    pub(super) fn heard(&self) -> std::sync::MutexGuard<'_, Heard> {
        self.heard.lock().unwrap()
    }

    /// One socket, from its opening to its end.
    async fn listen(&self, round: usize) {
        let addresses = self.fronts.borrow().clone();
        let address = &addresses[round % addresses.len()];
        let since = self.heard().place.clone().unwrap_or_else(|| "now".to_owned());
        let path = self.session.path("OnOrderUpdate", &format!("since={since}"));
        let Some(mut events) = Events::try_open(&format!("ws://{address}{path}")).await else { return };
        loop {
            match events.try_next(LOOK_EVERY).await {
                Some(Ok(event)) => self.take(&event),
                Some(Err(_)) => return,
                None => {}
            }
        }
    }

    fn take(&self, event: &Value) {
        let mut heard = self.heard();
        match event["type"].as_str() {
            Some("Resumed") => {
                assert_eq!(event["data"]["isComplete"], true, "events were lost: {event}");
                let place = event["data"]["position"].as_str().unwrap();
                let known = heard.place.get_or_insert_with(|| place.to_owned());
                assert_eq!(known, place, "it goes on where it stood");
                self.listens.store(true, Ordering::SeqCst);
            }
            Some("OrderUpdate") => {
                let place = event["position"].as_str().unwrap();
                let last = heard.place.clone().unwrap();
                assert!(after(place, &last), "{place} does not follow {last}");
                heard.place = Some(place.to_owned());
                let update = &event["data"]["update"];
                let ticket = update["order"]["ticket"].as_u64();
                match update["type"].as_str() {
                    Some("MarketOpen") => heard.opened.extend(ticket),
                    Some("MarketClose") => heard.closed.extend(ticket),
                    _ => {}
                }
            }
            _ => {}
        }
    }
}
