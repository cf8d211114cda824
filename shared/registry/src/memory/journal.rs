//! Journal and idempotency keys in memory.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;

use super::MemoryRegistry;
use super::tally::{Tally, Total};
use crate::journal::settled_before;
use crate::limits::{BEGUN_MAX, EARLY_MAX, SETTLED_BYTES, SETTLED_MAX};
use crate::{CallOutcome, Entry, Fence, Journal, Key, Keyed, Keys, RegistryError, Written};

/// A session's journal.
pub(super) struct Book {
    begun: BTreeMap<u32, Entry>,
    settled: VecDeque<(u32, Box<[u8]>)>,
    settled_bytes: usize,
    /// What was settled before it was begun.
    early: VecDeque<u32>,
    /// What both take, in bytes.
    tally: Tally,
}

/// A session's keys, those of each kind by themselves.
pub(super) struct KeyBooks {
    chosen: KeyBook,
    implied: KeyBook,
}

/// Keys of one kind.
struct KeyBook {
    keys: HashMap<String, Kept>,
    /// In the order they were begun; of a key that was freed and begun again the earlier place is left over.
    order: VecDeque<(Instant, String)>,
    /// What the keys take, in bytes.
    tally: Tally,
}

struct Kept {
    begun_at: Instant,
    print: String,
    attempt: String,
    fence: Fence,
    is_sent: bool,
    /// The request that was begun last under it, and under which fence.
    request: Option<(Fence, u32)>,
    outcome: Option<Bytes>,
    is_known: bool,
}

impl Kept {
    /// What it takes under this name, in bytes.
    fn bytes(&self, name: &str) -> usize {
        let outcome = self.outcome.as_ref().map_or(0, Bytes::len);
        name.len() + self.print.len() + self.attempt.len() + outcome
    }

    /// The last one counts, and none once there is an outcome: an earlier one may arrive here later.
    fn begin(&mut self, fence: Fence, number: u32) {
        self.is_sent = true;
        let is_late =
            self.outcome.is_some() || self.request.is_some_and(|(own, last)| own == fence && last > number);
        if !is_late {
            self.request = Some((fence, number));
        }
    }

    /// Whether an outcome takes the place of what is known by now.
    fn takes(&self, outcome: &CallOutcome) -> bool {
        let is_of_other = self.request.zip(outcome.number).is_some_and(|((_, last), number)| last != number);
        !is_of_other && (outcome.is_known || !self.is_known)
    }
}

impl Book {
    pub(super) fn new(kept: &Total) -> Self {
        Self {
            begun: BTreeMap::new(),
            settled: VecDeque::new(),
            settled_bytes: 0,
            early: VecDeque::new(),
            tally: Tally::of(kept),
        }
    }

    /// What is kept of it.
    pub(super) const fn bytes(&self) -> usize {
        self.tally.bytes()
    }

    fn begin(&mut self, entry: &Entry) {
        self.tally.add(entry_bytes(entry));
        if let Some(earlier) = self.begun.insert(entry.number, entry.clone()) {
            self.tally.sub(entry_bytes(&earlier));
        }
    }

    fn settle(&mut self, number: u32, outcome: &Bytes) {
        if let Some(entry) = self.begun.remove(&number) {
            self.tally.sub(entry_bytes(&entry));
        } else {
            let place = self.settled.iter().rposition(|(own, _)| *own == number);
            let Some((_, earlier)) = place.and_then(|place| self.settled.remove(place)) else {
                return self.settle_early(number);
            };
            self.settled_bytes -= earlier.len();
            self.tally.sub(earlier.len());
        }
        self.settled_bytes += outcome.len();
        self.tally.add(outcome.len());
        // On its own: what it was written into may be some times as long.
        self.settled.push_back((number, (&**outcome).into()));
        while self.settled.len() > SETTLED_MAX || self.settled_bytes > SETTLED_BYTES {
            let Some((_, oldest)) = self.settled.pop_front() else { break };
            self.settled_bytes -= oldest.len();
            self.tally.sub(oldest.len());
        }
    }

    fn settle_early(&mut self, number: u32) {
        if self.early.contains(&number) {
            return;
        }
        if self.early.len() >= EARLY_MAX {
            self.early.pop_front();
        }
        self.early.push_back(number);
    }
}

/// What a request without an outcome takes.
fn entry_bytes(entry: &Entry) -> usize {
    let key = entry.key.as_ref().map_or(0, |key| key.name().len() + key.attempt().len());
    size_of::<Entry>() + entry.request.len() + key
}

impl KeyBooks {
    pub(super) fn new(kept: &Total) -> Self {
        Self { chosen: KeyBook::new(kept), implied: KeyBook::new(kept) }
    }

    /// What is kept of them.
    pub(super) const fn bytes(&self) -> usize {
        self.chosen.tally.bytes() + self.implied.tally.bytes()
    }

    fn of(&mut self, key: &Key) -> &mut KeyBook {
        match key {
            Key::Chosen(_) => &mut self.chosen,
            Key::Implied { .. } => &mut self.implied,
        }
    }

    /// What is kept for this attempt.
    fn get(&mut self, key: &Key) -> Option<&mut Kept> {
        self.of(key).keys.get_mut(key.name()).filter(|kept| kept.attempt == key.attempt())
    }
}

impl KeyBook {
    fn new(kept: &Total) -> Self {
        Self { keys: HashMap::new(), order: VecDeque::new(), tally: Tally::of(kept) }
    }

    fn put(&mut self, name: String, kept: Kept) {
        self.tally.add(kept.bytes(&name));
        self.keys.insert(name, kept);
    }

    fn remove(&mut self, name: &str) {
        if let Some(kept) = self.keys.remove(name) {
            self.tally.sub(kept.bytes(name));
        }
    }

    /// The outcome of what is kept under this name.
    fn settle(&mut self, name: &str, outcome: &CallOutcome) {
        if let Some(kept) = self.keys.get_mut(name).filter(|kept| kept.takes(outcome)) {
            kept.is_known = outcome.is_known;
            let before = kept.outcome.replace(outcome.text.clone());
            self.tally.add(outcome.text.len());
            self.tally.sub(before.as_ref().map_or(0, Bytes::len));
        }
    }

    fn forget_old(&mut self, kept_for: Duration, most: usize) {
        while let Some((begun_at, key)) = self.order.pop_front() {
            let known = self.keys.get(&key).is_some_and(|own| own.begun_at == begun_at);
            if known && begun_at.elapsed() < kept_for {
                self.order.push_front((begun_at, key));
                break;
            }
            if known {
                self.remove(&key);
            }
        }
        // Freed ones behind one that stays.
        if self.order.len() > 2 * most {
            let keys = &self.keys;
            self.order.retain(|(at, key)| keys.get(key).is_some_and(|own| own.begun_at == *at));
        }
    }

    /// A new one is taken only where the session may keep more.
    fn begin(&mut self, fence: Fence, key: &Key, print: &str, may_grow: bool) -> Keyed {
        let bounds = key.bounds();
        self.forget_old(bounds.kept_for, bounds.count);
        if let Some(own) = self.keys.get_mut(key.name()) {
            let attempt = own.attempt.clone();
            return match &own.outcome {
                _ if own.print != print => Keyed::Other,
                Some(outcome) => Keyed::Done { outcome: outcome.clone(), attempt },
                None if own.is_sent || own.fence == fence => Keyed::Open { attempt },
                None => {
                    self.tally.add(key.attempt().len());
                    self.tally.sub(attempt.len());
                    (own.fence, own.attempt) = (fence, key.attempt().to_owned());
                    Keyed::New
                }
            };
        }
        if self.keys.len() >= bounds.count || self.tally.bytes() >= bounds.bytes || !may_grow {
            return Keyed::Full;
        }
        let (begun_at, attempt) = (Instant::now(), key.attempt().to_owned());
        let new = Kept {
            begun_at,
            print: print.to_owned(),
            attempt,
            fence,
            is_sent: false,
            request: None,
            outcome: None,
            is_known: false,
        };
        self.put(key.name().to_owned(), new);
        self.order.push_back((begun_at, key.name().to_owned()));
        Keyed::New
    }
}

#[async_trait]
impl Journal for MemoryRegistry {
    async fn begin(&self, token: &str, fence: Fence, entry: &Entry) -> Result<Written, RegistryError> {
        entry.check()?;
        let mut state = self.state();
        let is_beyond_share = state.is_beyond_share(token);
        let Some(session) = state.owned(token, fence) else { return Ok(Written::Stale) };
        if is_beyond_share {
            return Err(RegistryError(format!("what {token} keeps is more than its share of too much")));
        }
        if session.book.early.contains(&entry.number) {
            return Err(settled_before(token, entry.number));
        }
        if session.book.begun.len() >= BEGUN_MAX && !session.book.begun.contains_key(&entry.number) {
            return Err(RegistryError(format!("{BEGUN_MAX} requests of {token} have no outcome yet")));
        }
        if let Some(kept) = entry.key.as_ref().and_then(|key| session.keys.get(key)) {
            kept.begin(fence, entry.number);
        }
        session.book.begin(entry);
        Ok(Written::Yes)
    }

    async fn settle(
        &self,
        token: &str,
        fence: Fence,
        number: u32,
        outcome: &Bytes,
    ) -> Result<Written, RegistryError> {
        let mut state = self.state();
        let Some(session) = state.owned(token, fence) else { return Ok(Written::Stale) };
        session.book.settle(number, outcome);
        Ok(Written::Yes)
    }

    async fn unsettled(&self, token: &str) -> Result<Vec<Entry>, RegistryError> {
        let state = self.state();
        let begun = state.sessions.get(token).map(|session| session.book.begun.values().cloned());
        Ok(begun.into_iter().flatten().collect())
    }

    async fn journal(&self, token: &str) -> Result<Vec<(u32, Bytes, Option<Bytes>)>, RegistryError> {
        let state = self.state();
        let Some(session) = state.sessions.get(token) else { return Ok(Vec::new()) };
        let Book { begun, settled, .. } = &session.book;
        let settled = settled
            .iter()
            .map(|(number, outcome)| (*number, Bytes::new(), Some(Bytes::copy_from_slice(outcome))));
        let begun = begun.values().map(|entry| (entry.number, entry.request.clone(), None));
        let mut all: Vec<_> = settled.chain(begun).collect();
        all.sort_by_key(|(number, ..)| *number);
        Ok(all)
    }
}

#[async_trait]
impl Keys for MemoryRegistry {
    async fn begin_key(
        &self,
        token: &str,
        fence: Fence,
        key: &Key,
        fingerprint: &str,
    ) -> Result<Keyed, RegistryError> {
        let mut state = self.state();
        let may_grow = !state.is_beyond_share(token);
        let Some(session) = state.owned(token, fence) else { return Ok(Keyed::Stale) };
        Ok(session.keys.of(key).begin(fence, key, fingerprint, may_grow))
    }

    async fn settle_key(
        &self,
        token: &str,
        fence: Fence,
        key: &Key,
        outcome: &CallOutcome,
    ) -> Result<Written, RegistryError> {
        let mut state = self.state();
        let Some(session) = state.owned(token, fence) else { return Ok(Written::Stale) };
        if session.keys.get(key).is_some() {
            session.keys.of(key).settle(key.name(), outcome);
        }
        Ok(Written::Yes)
    }

    async fn free_key(&self, token: &str, fence: Fence, key: &Key) -> Result<Written, RegistryError> {
        let mut state = self.state();
        let Some(session) = state.owned(token, fence) else { return Ok(Written::Stale) };
        let is_implied = matches!(key, Key::Implied { .. });
        if session.keys.get(key).is_some_and(|own| is_implied || own.outcome.is_none()) {
            session.keys.of(key).remove(key.name());
        }
        Ok(Written::Yes)
    }
}
