//! Events in memory.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use bus::{Frame, Position};
use bytes::Bytes;
use tokio::time::Instant;

use super::{MemoryRegistry, State};
use crate::heard::HeardQueue;
use crate::limits::{LOG_KEPT, LOG_MAX};
use crate::{Ear, Events, Fence, Heard, RegistryError, Since, Written};

/// A session's log.
pub(super) struct Log {
    events: VecDeque<Frame>,
    /// The first epoch whose events it has had.
    first: u64,
    end: Position,
    /// What stood here and before is not kept.
    cut: Position,
    /// Whether it still has everything since the session began.
    is_whole: bool,
    told_at: Instant,
}

impl Log {
    pub(super) fn new(fence: Fence, is_whole: bool) -> Self {
        let begin = Position { epoch: fence.0, offset: 0 };
        let events = VecDeque::new();
        Self { events, first: fence.0, end: begin, cut: begin, is_whole, told_at: Instant::now() }
    }

    /// Whether positions go up from the end, in the epoch of the owner.
    fn takes(&self, fence: Fence, events: &[Frame]) -> bool {
        let mut before = self.end;
        events.iter().all(|event| {
            let is_next = event.at.epoch == fence.0 && event.at > before;
            before = event.at;
            is_next
        })
    }

    fn cut_at(&mut self, position: Position) {
        self.cut = self.cut.max(position);
        self.is_whole = false;
    }

    fn forget_old(&mut self) {
        if !self.events.is_empty() && self.told_at.elapsed() >= LOG_KEPT {
            self.events.clear();
            self.cut_at(self.end);
        }
    }

    fn append(&mut self, events: &[Frame]) {
        self.forget_old();
        for event in events {
            let next = if event.at.epoch == self.end.epoch { self.end.offset + 1 } else { 1 };
            if event.at.offset != next {
                self.cut_at(Position { offset: event.at.offset - 1, ..event.at });
            }
            self.events.push_back(event.clone());
            self.end = event.at;
            self.told_at = Instant::now();
            if self.events.len() > LOG_MAX
                && let Some(dropped) = self.events.pop_front()
            {
                self.cut_at(dropped.at);
            }
        }
    }

    fn since(&mut self, after: Position, fence: Fence) -> Since {
        self.forget_old();
        let is_cut = if after == Position::default() {
            !self.is_whole
        } else {
            after.epoch < self.first || after.epoch > fence.0 || after < self.cut
        };
        let events = self.events.iter().filter(|event| event.at > after).cloned().collect();
        Since { is_cut, events, end: self.end }
    }
}

/// Who listens to what.
#[derive(Default)]
pub(super) struct Listeners {
    by_token: HashMap<String, Vec<Weak<HeardQueue>>>,
}

impl Listeners {
    fn tell(&mut self, token: &str, heard: &Heard) {
        let Some(ears) = self.by_token.get_mut(token) else { return };
        ears.retain(|ear| {
            let ear = ear.upgrade();
            if let Some(ear) = &ear {
                ear.push(heard.clone());
            }
            ear.is_some()
        });
        if ears.is_empty() {
            self.by_token.remove(token);
        }
    }

    fn close(&mut self, token: &str, queue: &Arc<HeardQueue>) {
        if let Some(ears) = self.by_token.get_mut(token) {
            ears.retain(|ear| ear.strong_count() > 0 && !std::ptr::eq(ear.as_ptr(), Arc::as_ptr(queue)));
            if ears.is_empty() {
                self.by_token.remove(token);
            }
        }
    }
}

#[async_trait]
impl Events for MemoryRegistry {
    async fn append(
        &self,
        token: &str,
        fence: Fence,
        events: &[Frame],
        memo: &Bytes,
    ) -> Result<Written, RegistryError> {
        let mut state = self.state();
        let Some(session) = state.owned(token, fence) else { return Ok(Written::Stale) };
        if !session.log.takes(fence, events) {
            return Ok(Written::Stale);
        }
        session.record.memo = memo.clone();
        session.log.append(events);
        for event in events {
            let heard = Heard::Frame { token: token.to_owned(), frame: event.clone() };
            state.listeners.tell(token, &heard);
        }
        Ok(Written::Yes)
    }

    async fn since(&self, token: &str, after: Position) -> Result<Since, RegistryError> {
        let mut state = self.state();
        let found =
            state.sessions.get_mut(token).map(|session| session.log.since(after, session.record.fence));
        Ok(found.unwrap_or(Since { is_cut: true, ..Since::default() }))
    }

    async fn tell(&self, token: &str, frame: &Frame) -> Result<(), RegistryError> {
        let heard = Heard::Frame { token: token.to_owned(), frame: frame.clone() };
        self.state().listeners.tell(token, &heard);
        Ok(())
    }

    async fn tell_changed(&self, token: &str) -> Result<(), RegistryError> {
        self.state().listeners.tell(token, &Heard::Changed { token: token.to_owned() });
        Ok(())
    }

    async fn listen(&self) -> Result<Box<dyn Ear>, RegistryError> {
        let queue = Arc::new(HeardQueue::default());
        Ok(Box::new(MemoryEar { registry: self.clone(), queue, open: HashSet::new() }))
    }
}

struct MemoryEar {
    registry: MemoryRegistry,
    queue: Arc<HeardQueue>,
    open: HashSet<String>,
}

#[async_trait]
impl Ear for MemoryEar {
    async fn open(&mut self, token: &str) -> Result<(), RegistryError> {
        if self.open.insert(token.to_owned()) {
            let mut state = self.registry.state();
            let State { listeners, .. } = &mut *state;
            let ears = listeners.by_token.entry(token.to_owned()).or_default();
            ears.push(Arc::downgrade(&self.queue));
        }
        Ok(())
    }

    async fn close(&mut self, token: &str) -> Result<(), RegistryError> {
        if self.open.remove(token) {
            self.registry.state().listeners.close(token, &self.queue);
        }
        Ok(())
    }

    async fn next(&mut self) -> Heard {
        self.queue.next().await
    }
}

impl Drop for MemoryEar {
    fn drop(&mut self) {
        let mut state = self.registry.state();
        for token in &self.open {
            state.listeners.close(token, &self.queue);
        }
    }
}
