//! Journal and idempotency keys in memory.

use std::collections::{BTreeMap, HashMap, VecDeque};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;

use super::MemoryRegistry;
use crate::limits::{BEGUN_MAX, KEYS_KEPT, KEYS_MAX, SETTLED_MAX};
use crate::{Entry, Fence, Journal, Keyed, Keys, RegistryError, Written};

/// A session's journal.
#[derive(Default)]
pub(super) struct Book {
    begun: BTreeMap<u32, Entry>,
    settled: VecDeque<(u32, Bytes, Bytes)>,
}

/// A session's idempotency keys.
#[derive(Default)]
pub(super) struct KeyBook {
    keys: HashMap<String, Key>,
    /// In the order they were begun; of a key that was freed and begun again the earlier place is left over.
    order: VecDeque<(Instant, String)>,
}

struct Key {
    begun_at: Instant,
    print: String,
    fence: Fence,
    is_sent: bool,
    outcome: Option<Bytes>,
}

impl KeyBook {
    fn forget_old(&mut self) {
        while let Some((begun_at, key)) = self.order.front() {
            let known = self.keys.get(key).is_some_and(|own| own.begun_at == *begun_at);
            if known && begun_at.elapsed() < KEYS_KEPT {
                break;
            }
            if known {
                self.keys.remove(key);
            }
            self.order.pop_front();
        }
        // Freed ones behind one that stays.
        if self.order.len() > 2 * KEYS_MAX {
            let keys = &self.keys;
            self.order.retain(|(at, key)| keys.get(key).is_some_and(|own| own.begun_at == *at));
        }
    }

    fn begin(&mut self, fence: Fence, key: &str, print: &str) -> Keyed {
        self.forget_old();
        if let Some(own) = self.keys.get_mut(key) {
            return match &own.outcome {
                _ if own.print != print => Keyed::Other,
                Some(outcome) => Keyed::Done(outcome.clone()),
                None if own.is_sent || own.fence == fence => Keyed::Open,
                None => {
                    own.fence = fence;
                    Keyed::New
                }
            };
        }
        if self.keys.len() >= KEYS_MAX {
            return Keyed::Full;
        }
        let begun_at = Instant::now();
        let new = Key { begun_at, print: print.to_owned(), fence, is_sent: false, outcome: None };
        self.keys.insert(key.to_owned(), new);
        self.order.push_back((begun_at, key.to_owned()));
        Keyed::New
    }
}

#[async_trait]
impl Journal for MemoryRegistry {
    async fn begin(&self, token: &str, fence: Fence, entry: &Entry) -> Result<Written, RegistryError> {
        let mut state = self.state();
        let Some(session) = state.owned(token, fence) else { return Ok(Written::Stale) };
        if session.book.begun.len() >= BEGUN_MAX && !session.book.begun.contains_key(&entry.number) {
            return Err(RegistryError(format!("{BEGUN_MAX} requests of {token} have no outcome yet")));
        }
        if let Some(key) = entry.key.as_ref().and_then(|key| session.keys.keys.get_mut(key)) {
            key.is_sent = true;
        }
        session.book.begun.insert(entry.number, entry.clone());
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
        let Book { begun, settled } = &mut session.book;
        let request = begun.remove(&number).map(|entry| entry.request).or_else(|| {
            let place = settled.iter().rposition(|(own, ..)| *own == number)?;
            settled.remove(place).map(|(_, request, _)| request)
        });
        if let Some(request) = request {
            settled.push_back((number, request, outcome.clone()));
            if settled.len() > SETTLED_MAX {
                settled.pop_front();
            }
        }
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
        let Book { begun, settled } = &session.book;
        let settled = settled
            .iter()
            .map(|(number, request, outcome)| (*number, request.clone(), Some(outcome.clone())));
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
        key: &str,
        fingerprint: &str,
    ) -> Result<Keyed, RegistryError> {
        let mut state = self.state();
        let Some(session) = state.owned(token, fence) else { return Ok(Keyed::Stale) };
        Ok(session.keys.begin(fence, key, fingerprint))
    }

    async fn settle_key(
        &self,
        token: &str,
        fence: Fence,
        key: &str,
        outcome: &Bytes,
    ) -> Result<Written, RegistryError> {
        let mut state = self.state();
        let Some(session) = state.owned(token, fence) else { return Ok(Written::Stale) };
        if let Some(own) = session.keys.keys.get_mut(key) {
            own.outcome = Some(outcome.clone());
        }
        Ok(Written::Yes)
    }

    async fn free_key(&self, token: &str, fence: Fence, key: &str) -> Result<Written, RegistryError> {
        let mut state = self.state();
        let Some(session) = state.owned(token, fence) else { return Ok(Written::Stale) };
        let keys = &mut session.keys.keys;
        if keys.get(key).is_some_and(|own| own.outcome.is_none()) {
            keys.remove(key);
        }
        Ok(Written::Yes)
    }
}
