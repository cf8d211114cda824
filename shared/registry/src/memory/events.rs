//! Events in memory.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use bus::{Frame, Position};
use bytes::Bytes;
use tokio::time::Instant;

use super::{MemoryRegistry, State};
use crate::heard::HeardQueue;
use crate::limits::{LOG_BYTES, LOG_EVENT_BYTES, LOG_KEPT, LOG_MAX, LOG_TAIL_BYTES};
use crate::{Ear, Events, Fence, Heard, RegistryError, Since, Written};

/// A session's log.
pub(super) struct Log {
    events: VecDeque<Frame>,
    /// What they cost, and what the last one that is whole and those behind it do.
    bytes: usize,
    tail_bytes: usize,
    /// What the logs of all sessions cost.
    total: Arc<AtomicUsize>,
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
    pub(super) fn new(fence: Fence, is_whole: bool, total: &Arc<AtomicUsize>) -> Self {
        let begin = Position { epoch: fence.0, offset: 0 };
        Self {
            events: VecDeque::new(),
            bytes: 0,
            tail_bytes: 0,
            total: Arc::clone(total),
            first: fence.0,
            end: begin,
            cut: begin,
            is_whole,
            told_at: Instant::now(),
        }
    }

    /// What its events cost.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
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
            self.clear();
        }
    }

    /// Forgets all events.
    pub(super) fn clear(&mut self) {
        self.total.fetch_sub(self.bytes, Ordering::Relaxed);
        (self.events, self.bytes, self.tail_bytes) = (VecDeque::new(), 0, 0);
        self.cut_at(self.end);
    }

    fn push(&mut self, event: Frame) {
        let cost = cost(&event);
        self.tail_bytes = if event.is_whole() { cost } else { self.tail_bytes + cost };
        self.bytes += cost;
        self.total.fetch_add(cost, Ordering::Relaxed);
        self.events.push_back(event);
    }

    /// Forgets the oldest ones of too many, and those that built on them.
    fn shed(&mut self) {
        if self.tail_bytes > LOG_TAIL_BYTES {
            return self.clear();
        }
        while (self.events.len() > LOG_MAX || self.bytes > LOG_BYTES) && self.bytes > self.tail_bytes {
            self.drop_first();
            while self.events.front().is_some_and(|event| !event.is_whole()) {
                self.drop_first();
            }
        }
    }

    fn drop_first(&mut self) {
        if let Some(dropped) = self.events.pop_front() {
            self.bytes -= cost(&dropped);
            self.total.fetch_sub(cost(&dropped), Ordering::Relaxed);
            self.cut_at(dropped.at);
        }
    }

    fn append(&mut self, events: &[Frame]) {
        self.forget_old();
        for event in events {
            let next = if event.at.epoch == self.end.epoch { self.end.offset + 1 } else { 1 };
            let is_hole = event.at.offset != next;
            if is_hole {
                self.cut_at(Position { offset: event.at.offset - 1, ..event.at });
            }
            self.end = event.at;
            self.told_at = Instant::now();
            if event.is_whole() || !(is_hole || self.events.is_empty()) {
                self.push(event.clone());
                self.shed();
            } else {
                self.clear();
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
        let place = self.events.partition_point(|event| event.at <= after);
        let begin = match self.events.get(place) {
            // Nothing builds on what came before.
            None => place,
            Some(next) if next.is_whole() => place,
            Some(_) => self.events.range(..place).rposition(Frame::is_whole).unwrap_or(place),
        };
        let range = |range| self.events.range(range).cloned().collect();
        let events = self.events.range(place..).cloned().collect();
        Since { is_cut, base: range(begin..place), events, end: self.end }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.total.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// What an event costs to keep.
fn cost(event: &Frame) -> usize {
    event.text.len() + LOG_EVENT_BYTES
}

impl State {
    /// Forgets the largest of too much.
    fn shed_logs(&mut self) {
        let mut excess = self.logs_bytes.load(Ordering::Relaxed).saturating_sub(self.logs_bytes_max);
        if excess == 0 {
            return;
        }
        // Some more, so that it is not looked for again at once.
        excess += self.logs_bytes_max / 8;
        let mut logs: Vec<&mut Log> = self.sessions.values_mut().map(|session| &mut session.log).collect();
        logs.sort_by_key(|log| std::cmp::Reverse(log.bytes()));
        for log in logs {
            if excess == 0 {
                break;
            }
            excess = excess.saturating_sub(log.bytes());
            log.clear();
        }
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
        session.put_memo(memo);
        session.log.append(events);
        state.shed_logs();
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
