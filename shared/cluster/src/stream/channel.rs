//! One session that is listened to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bus::{End, Fanout, Frame, Position, Reader, Topic, Topics};
use registry::Since;
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

/// An event builds on what was not heard.
pub(super) struct Missed;

#[derive(Debug, Default)]
struct State {
    /// The highest epoch seen: frames of earlier owners are dropped.
    epoch: u64,
    /// The place of the last kept event, and what the next one builds on; `None` while nobody has to know.
    last: Option<Position>,
    reader: Reader,
    /// The place of the last kept event that was heard while nobody had to know what came before.
    unread: Position,
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
    ///
    /// # Errors
    /// [`Missed`] if it builds on what was not heard: then that must be read from the log.
    pub(super) fn publish(&self, frame: Frame) -> Result<(), Missed> {
        let mut state = self.state();
        if frame.at.epoch < state.epoch {
            return Ok(());
        }
        state.epoch = frame.at.epoch;
        if !frame.topic.is_kept() {
            drop(state);
            self.fanout.publish(frame);
            return Ok(());
        }
        if !self.fanout.has_listeners(frame.topic) {
            (state.last, state.reader) = (None, Reader::default());
        }
        let Some(last) = state.last else {
            state.unread = state.unread.max(frame.at);
            return Ok(());
        };
        if frame.at <= last {
            return Ok(());
        }
        let event = state.reader.read(&frame.text).map_err(|_| Missed)?;
        state.last = Some(frame.at);
        // Before anybody else publishes: in order.
        self.fanout.publish(Frame { text: event.text(), ..frame });
        Ok(())
    }

    /// Hears from the end of this log on, unless it hears already. Says whether nothing has come since then.
    pub(super) fn begin(&self, log: &Since) -> bool {
        let mut state = self.state();
        state.epoch = state.epoch.max(log.end.epoch);
        if state.last.is_some() {
            return true;
        }
        if state.unread > log.end {
            return false;
        }
        let mut reader = Reader::default();
        for frame in log.base.iter().chain(&log.events) {
            // What cannot be read is missed when something builds on it.
            let _ = reader.read(&frame.text);
        }
        (state.last, state.reader) = (Some(log.end), reader);
        true
    }

    /// Publishes what the log has after the last event that was heard. Says whether nothing is missing.
    pub(super) fn catch_up(&self, log: &Since) -> bool {
        let mut state = self.state();
        let Some(last) = state.last.filter(|_| !log.is_cut) else { return false };
        let mut reader = Reader::default();
        for frame in log.base.iter().chain(&log.events) {
            let read = reader.read(&frame.text);
            if frame.at <= last {
                continue;
            }
            let Ok(event) = read else { return false };
            state.epoch = state.epoch.max(frame.at.epoch);
            state.last = Some(frame.at);
            self.fanout.publish(Frame { text: event.text(), ..frame.clone() });
        }
        if last <= log.end {
            state.reader = reader;
        }
        true
    }

    /// Ends all subscriptions.
    pub(super) fn end(&self, why: End) {
        self.fanout.end(why);
    }

    /// Whether the place of the last kept event is known.
    pub(super) fn knows_its_place(&self) -> bool {
        self.state().last.is_some()
    }

    /// Events may have been missed: the place to read the log from, if somebody has to have them.
    pub(super) fn place_before_gap(&self) -> Option<Position> {
        let mut state = self.state();
        if !super::kept(self.topics()) {
            (state.last, state.reader) = (None, Reader::default());
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
