//! One session that is listened to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bus::{End, Fanout, Frame, Position, Topic, Topics};
use tokio::sync::{Notify, OnceCell};

use crate::Interested;
use crate::client::Peer;
use crate::routes::Route;

/// One session that is listened to.
#[derive(Debug)]
pub(crate) struct Channel {
    token: String,
    pub(super) fanout: Fanout,
    /// Whether the ear listens, and the session was there then.
    pub(super) opened: OnceCell<()>,
    state: Mutex<State>,
    /// The owner was told something.
    has_told: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// The highest epoch seen: frames of earlier owners are dropped.
    epoch: u64,
    /// The place of the last kept event; `None` while nobody has to know.
    last: Option<Position>,
    owner: Option<Arc<Route>>,
    /// When its owner is to be looked for, while it has none.
    look_at: Option<Instant>,
    /// What the owner was told.
    told: Option<(Topics, Option<Duration>)>,
}

impl Channel {
    pub(super) fn new(token: &str) -> Self {
        let (fanout, opened, state, has_told) = Default::default();
        Self { token: token.to_owned(), fanout, opened, state, has_told }
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// The streams that somebody listens to.
    pub(super) fn topics(&self) -> Topics {
        Topic::ALL.into_iter().filter(|topic| self.fanout.has_listeners(*topic)).collect()
    }

    /// What its owner should know.
    pub(super) fn interested(&self) -> Interested {
        let topics = self.topics();
        let every = topics.iter().filter_map(|topic| self.fanout.pace(topic)).min();
        Interested { token: self.token.clone(), topics, every }
    }

    /// Hands a frame on, unless it is of an owner that was replaced.
    pub(super) fn publish(&self, frame: Frame) {
        {
            let mut state = self.state();
            if frame.at.epoch < state.epoch {
                return;
            }
            state.epoch = frame.at.epoch;
            if frame.topic.is_kept() {
                state.last = state.last.max(Some(frame.at));
            }
        }
        self.fanout.publish(frame);
    }

    /// Ends all subscriptions.
    pub(super) fn end(&self, why: End) {
        self.fanout.end(why);
    }

    /// The log reaches so far.
    pub(super) fn reached(&self, end: Position) {
        let mut state = self.state();
        state.epoch = state.epoch.max(end.epoch);
        state.last = state.last.max(Some(end));
    }

    /// Whether the place of the last kept event is known.
    pub(super) fn knows_its_place(&self) -> bool {
        self.state().last.is_some()
    }

    /// Events may have been missed: the place to read the log from, if somebody has to have them.
    pub(super) fn place_before_gap(&self) -> Option<Position> {
        let mut state = self.state();
        if !super::kept(self.topics()) {
            state.last = None;
        }
        state.last
    }

    pub(super) fn set_owner(&self, owner: Option<Arc<Route>>) {
        let mut state = self.state();
        if owner.is_none() {
            state.look_at.get_or_insert_with(Instant::now);
        } else {
            state.look_at = None;
        }
        state.told = None;
        state.owner = owner;
    }

    /// Has the owner looked for, not before `at`. With `wrong`, only if that is still the one.
    pub(super) fn look(&self, wrong: Option<&Arc<Peer>>, at: Instant) {
        let mut state = self.state();
        let is_meant = |route: &Arc<Route>| wrong.is_none_or(|wrong| Arc::ptr_eq(&route.peer, wrong));
        if state.owner.as_ref().is_none_or(is_meant) {
            state.owner = None;
            state.told = None;
            state.look_at = Some(at);
        }
    }

    /// Whether the owner is to be looked for now.
    pub(super) fn is_lost(&self, now: Instant) -> bool {
        let state = self.state();
        state.owner.is_none() && state.look_at.is_some_and(|at| at <= now)
    }

    pub(super) fn peer(&self) -> Option<Arc<Peer>> {
        self.state().owner.as_ref().map(|route| Arc::clone(&route.peer))
    }

    /// Whether the owner publishes less than this.
    pub(super) fn has_grown(&self, to: &Interested) -> bool {
        let told = self.state().told;
        let Some((topics, every)) = told else { return true };
        let is_faster = match (every, to.every) {
            (Some(told), Some(wanted)) => wanted < told,
            (None, Some(_)) => true,
            (_, None) => false,
        };
        is_faster || to.topics.iter().any(|topic| !topics.contains(topic))
    }

    pub(super) fn was_told(&self, what: &Interested, by: &Arc<Peer>) {
        let mut state = self.state();
        if state.owner.as_ref().is_some_and(|route| Arc::ptr_eq(&route.peer, by)) {
            state.told = Some((what.topics, what.every));
        }
        drop(state);
        self.has_told.notify_waiters();
    }

    /// Waits until the owner publishes all that is listened to.
    pub(super) async fn is_heard(&self) {
        loop {
            let told = self.has_told.notified();
            if !self.has_grown(&self.interested()) {
                return;
            }
            told.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
