//! Sessions in memory.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;

use super::ended::End;
use super::events::Log;
use super::journal::{Book, KeyBooks};
use super::tally::{Tally, Total};
use super::trial::Trial;
use super::{MemoryRegistry, State};
use crate::{
    AccountName, Fence, Opened, Record, RegistryError, Routed, SessionState, Sessions, Unclaimed, WorkerId,
    Written, adds_to_memo,
};

/// A session, or what is left of one.
pub(super) struct Session {
    /// But for the memo.
    pub(super) record: Record,
    /// Tells those that were opened before from those after.
    pub(super) number: u64,
    memo: MemoParts,
    pub(super) trial: Trial,
    /// The fence its maker knew, of one that was brought back.
    origin: Option<Fence>,
    pub(super) ended: Option<End>,
    pub(super) log: Log,
    pub(super) book: Book,
    pub(super) keys: KeyBooks,
}

/// A memo as it was written: one that stands by itself, and what was added to it. So adding costs what is added.
struct MemoParts {
    parts: Vec<Bytes>,
    tally: Tally,
}

impl MemoParts {
    fn new(kept: &Total) -> Self {
        Self { parts: Vec::new(), tally: Tally::of(kept) }
    }

    fn clear(&mut self) {
        self.parts.clear();
        self.tally.sub(self.tally.bytes());
    }

    fn push(&mut self, memo: &Bytes) {
        self.tally.add(memo.len());
        self.parts.push(memo.clone());
    }

    /// Replaces the memo.
    fn set(&mut self, memo: &Bytes) {
        self.clear();
        self.push(memo);
    }

    fn put(&mut self, memo: &Bytes) {
        if adds_to_memo(memo) { self.push(memo) } else { self.set(memo) }
    }

    const fn bytes(&self) -> usize {
        self.tally.bytes()
    }

    fn whole(&self) -> Bytes {
        match self.parts.as_slice() {
            [] => Bytes::new(),
            [one] => one.clone(),
            parts => parts.concat().into(),
        }
    }
}

impl Session {
    /// What is kept of it, but for its log and its journal.
    pub(super) fn bytes(&self) -> usize {
        self.record.sealed.len() + self.memo.bytes() + self.keys.bytes()
    }

    /// What is counted of it among all sessions.
    const fn kept_bytes(&self) -> usize {
        self.memo.bytes() + self.keys.bytes() + self.book.bytes()
    }

    /// The record with its memo.
    fn record(&self) -> Record {
        Record { memo: self.memo.whole(), ..self.record.clone() }
    }

    pub(super) fn forget_login_data(&mut self) {
        self.record.sealed = Bytes::new();
        self.forget_memo();
    }

    pub(super) fn forget_memo(&mut self) {
        self.memo.clear();
    }

    /// Replaces the memo, or adds to it.
    pub(super) fn put_memo(&mut self, memo: &Bytes) {
        self.memo.put(memo);
    }
}

/// Who connects an account.
pub(super) struct Turn {
    holder: String,
    until: Instant,
}

/// Where tokens are found.
#[derive(Default)]
pub(super) struct Lists {
    by_worker: HashMap<WorkerId, HashSet<String>>,
    by_account: HashMap<AccountName, HashSet<String>>,
}

impl Lists {
    pub(super) fn has_any(&self, worker: &WorkerId) -> bool {
        self.by_worker.contains_key(worker)
    }

    fn list(&mut self, token: &str, account: &AccountName, worker: &WorkerId) {
        self.by_worker.entry(worker.clone()).or_default().insert(token.to_owned());
        self.by_account.entry(account.clone()).or_default().insert(token.to_owned());
    }

    pub(super) fn unlist(&mut self, token: &str, worker: &WorkerId) {
        strike(&mut self.by_worker, worker, token);
    }

    pub(super) fn unlist_account(&mut self, token: &str, account: &AccountName) {
        strike(&mut self.by_account, account, token);
    }
}

fn strike<K: std::hash::Hash + Eq>(lists: &mut HashMap<K, HashSet<String>>, of: &K, token: &str) {
    if let Some(list) = lists.get_mut(of) {
        list.remove(token);
        if list.is_empty() {
            lists.remove(of);
        }
    }
}

impl State {
    fn next_number(&mut self) -> u64 {
        self.opened += 1;
        self.opened
    }

    /// The session, if it lives (or opens) and is owned under this fence.
    pub(super) fn owned(&mut self, token: &str, fence: Fence) -> Option<&mut Session> {
        let session = self.sessions.get_mut(token)?;
        (session.ended.is_none() && session.record.fence == fence).then_some(session)
    }

    /// Whether a session must keep no more: all have too much, and it has more than its even share.
    pub(super) fn is_beyond_share(&self, token: &str) -> bool {
        let own = self.sessions.get(token).map_or(0, Session::kept_bytes);
        self.kept.bytes() >= self.kept_bytes_max
            && own.saturating_mul(self.sessions.len()) >= self.kept_bytes_max
    }

    /// Makes a session another's, from an owner that is dead, or is the same one.
    fn transfer(
        &mut self,
        token: &str,
        from: &WorkerId,
        to: &WorkerId,
        is_dead: bool,
    ) -> Result<Record, Unclaimed> {
        let Self { sessions, lists, .. } = self;
        let session = sessions.get_mut(token).filter(|session| session.ended.is_none());
        let session = session.ok_or(Unclaimed::Gone)?;
        if session.record.owner != *from {
            return Err(Unclaimed::Other);
        }
        if session.record.state == SessionState::Opening {
            self.end(token, Duration::ZERO);
            return Err(Unclaimed::Gone);
        }
        if is_dead {
            if let Some(left) = session.trial.quarantine() {
                lists.unlist(token, from);
                return Err(Unclaimed::Quarantined(left));
            }
            session.trial.begin();
        }
        lists.unlist(token, from);
        lists.list(token, &session.record.account, to);
        session.record.owner = to.clone();
        session.record.fence.0 += 1;
        Ok(session.record())
    }
}

fn now() -> u64 {
    u64::try_from(runtime::unix_ms()).unwrap_or_default()
}

#[async_trait]
impl Sessions for MemoryRegistry {
    async fn open(
        &self,
        token: &str,
        account: &AccountName,
        owner: &WorkerId,
        sealed: &Bytes,
    ) -> Result<Opened, RegistryError> {
        let mut state = self.state();
        let mut fence = now();
        let mut keys = KeyBooks::new(&state.kept);
        let old = state.sessions.get(token).map(|old| (old.record.state, old.record.owner.clone()));
        match old {
            Some((SessionState::Live, _)) => return Ok(Opened::Taken),
            Some((SessionState::Opening, former)) if state.address_of(&former).is_some() => {
                return Ok(Opened::Taken);
            }
            // Without its owner one that was only opening is nothing.
            Some((SessionState::Opening, _)) => state.end(token, Duration::ZERO),
            Some((SessionState::Ended, _)) | None => {}
        }
        if let Some(old) = state.remove(token) {
            fence = fence.max(old.record.fence.0 + 1);
            if old.record.account == *account {
                keys = old.keys;
            }
        }
        let fence = Fence(fence);
        let record = Record {
            account: account.clone(),
            owner: owner.clone(),
            fence,
            state: SessionState::Opening,
            sealed: sealed.clone(),
            memo: Bytes::new(),
        };
        let log = Log::new(fence, true, &state.logs_bytes);
        let session = Session {
            record,
            number: state.next_number(),
            memo: MemoParts::new(&state.kept),
            trial: Trial::default(),
            origin: None,
            ended: None,
            log,
            book: Book::new(&state.kept),
            keys,
        };
        state.sessions.insert(token.to_owned(), session);
        state.lists.list(token, account, owner);
        Ok(Opened::Yes(fence))
    }

    async fn opened(&self, token: &str, fence: Fence, memo: &Bytes) -> Result<Written, RegistryError> {
        let mut state = self.state();
        let Some(session) = state.owned(token, fence) else { return Ok(Written::Stale) };
        session.record.state = SessionState::Live;
        if session.memo.bytes() == 0 {
            session.memo.set(memo);
        }
        Ok(Written::Yes)
    }

    async fn record(&self, token: &str) -> Result<Option<Record>, RegistryError> {
        let state = self.state();
        let known = state.sessions.get(token).filter(|session| match &session.ended {
            Some(end) => end.kept_until.is_some_and(|until| until > Instant::now()),
            None => true,
        });
        Ok(known.map(Session::record))
    }

    async fn route(&self, token: &str) -> Result<Routed, RegistryError> {
        let mut state = self.state();
        let Some(session) = state.sessions.get(token) else { return Ok(Routed::Nowhere) };
        let (owner, fence, stage) =
            (session.record.owner.clone(), session.record.fence, session.record.state);
        let left = session.trial.left().filter(|left| !left.is_zero());
        if stage == SessionState::Ended {
            return Ok(Routed::Nowhere);
        }
        Ok(match state.address_of(&owner) {
            Some(address) => Routed::At { worker: owner, address, fence },
            None if stage == SessionState::Opening => Routed::Nowhere,
            None => left.map_or(Routed::Orphan { owner }, |left| Routed::Quarantined { left }),
        })
    }

    async fn claim(
        &self,
        token: &str,
        from: &WorkerId,
        to: &WorkerId,
    ) -> Result<Result<Record, Unclaimed>, RegistryError> {
        Ok(self.state().transfer(token, from, to, true))
    }

    async fn reclaim(
        &self,
        token: &str,
        from: &WorkerId,
        to: &WorkerId,
    ) -> Result<Result<Record, Unclaimed>, RegistryError> {
        Ok(self.state().transfer(token, from, to, false))
    }

    async fn give(
        &self,
        token: &str,
        fence: Fence,
        to: &WorkerId,
        memo: &Bytes,
    ) -> Result<Option<Fence>, RegistryError> {
        let mut state = self.state();
        let Some(session) = state.owned(token, fence) else { return Ok(None) };
        session.record.fence.0 += 1;
        session.memo.set(memo);
        session.trial.end();
        let given = session.record.fence;
        let account = session.record.account.clone();
        let from = std::mem::replace(&mut session.record.owner, to.clone());
        state.lists.unlist(token, &from);
        state.lists.list(token, &account, to);
        Ok(Some(given))
    }

    async fn bring_back(
        &self,
        token: &str,
        known: &Record,
        to: &WorkerId,
    ) -> Result<Option<Fence>, RegistryError> {
        let mut state = self.state();
        let mut above = known.fence;
        let (mut book, mut keys) = (Book::new(&state.kept), KeyBooks::new(&state.kept));
        if let Some(old) = state.sessions.get(token) {
            let Some(origin) = old.origin.filter(|_| old.ended.is_none()) else { return Ok(None) };
            if origin == known.fence && old.record.owner == *to {
                return Ok(Some(old.record.fence));
            }
            if origin >= known.fence {
                return Ok(None);
            }
            above = above.max(old.record.fence);
        }
        if let Some(old) = state.remove(token) {
            state.lists.unlist(token, &old.record.owner);
            (book, keys) = (old.book, old.keys);
        }
        let fence = Fence(now().max(above.0 + 1));
        let mut memo = MemoParts::new(&state.kept);
        memo.set(&known.memo);
        let record = Record {
            owner: to.clone(),
            fence,
            state: SessionState::Live,
            memo: Bytes::new(),
            ..known.clone()
        };
        let log = Log::new(fence, false, &state.logs_bytes);
        state.lists.list(token, &record.account, to);
        let session = Session {
            record,
            number: state.next_number(),
            memo,
            trial: Trial::default(),
            origin: Some(known.fence),
            ended: None,
            log,
            book,
            keys,
        };
        state.sessions.insert(token.to_owned(), session);
        Ok(Some(fence))
    }

    async fn verify(&self, sessions: &[(String, Fence)]) -> Result<Vec<bool>, RegistryError> {
        let mut state = self.state();
        Ok(sessions.iter().map(|(token, fence)| state.owned(token, *fence).is_some()).collect())
    }

    async fn save(&self, token: &str, fence: Fence, memo: &Bytes) -> Result<Written, RegistryError> {
        let mut state = self.state();
        let Some(session) = state.owned(token, fence) else { return Ok(Written::Stale) };
        session.put_memo(memo);
        Ok(Written::Yes)
    }

    async fn reseal(&self, token: &str, fence: Fence, sealed: &Bytes) -> Result<Written, RegistryError> {
        let mut state = self.state();
        let Some(session) = state.owned(token, fence) else { return Ok(Written::Stale) };
        session.record.sealed = sealed.clone();
        Ok(Written::Yes)
    }

    async fn end(&self, token: &str, fence: Fence, keep: Option<Duration>) -> Result<Written, RegistryError> {
        let mut state = self.state();
        if state.owned(token, fence).is_none() {
            return Ok(Written::Stale);
        }
        state.end(token, keep.unwrap_or_default());
        Ok(Written::Yes)
    }

    async fn forget_ended(&self, account: &AccountName) -> Result<(), RegistryError> {
        let mut state = self.state();
        let State { sessions, lists, .. } = &mut *state;
        for (token, session) in sessions {
            if let Some(end) = session.ended.as_mut().filter(|_| session.record.account == *account) {
                end.kept_until = None;
                session.forget_login_data();
                lists.unlist_account(token, account);
            }
        }
        Ok(())
    }

    async fn tokens_of(&self, account: &AccountName) -> Result<Vec<String>, RegistryError> {
        let state = self.state();
        let tokens = state.lists.by_account.get(account);
        Ok(tokens.into_iter().flatten().cloned().collect())
    }

    async fn tokens_at(&self, worker: &WorkerId, most: usize) -> Result<Vec<String>, RegistryError> {
        let state = self.state();
        let tokens = state.lists.by_worker.get(worker);
        Ok(tokens.into_iter().flatten().take(most).cloned().collect())
    }

    async fn unlist(&self, token: &str, worker: &WorkerId) -> Result<(), RegistryError> {
        self.state().lists.unlist(token, worker);
        Ok(())
    }

    async fn lock(&self, account: &AccountName, holder: &str, ttl: Duration) -> Result<bool, RegistryError> {
        let (mut state, now) = (self.state(), Instant::now());
        state.turns.retain(|_, turn| turn.until > now);
        if state.turns.get(account).is_some_and(|turn| turn.holder != holder) {
            return Ok(false);
        }
        state.turns.insert(account.clone(), Turn { holder: holder.to_owned(), until: now + ttl });
        Ok(true)
    }

    async fn unlock(&self, account: &AccountName, holder: &str) -> Result<(), RegistryError> {
        let mut state = self.state();
        if state.turns.get(account).is_some_and(|turn| turn.holder == holder) {
            state.turns.remove(account);
        }
        Ok(())
    }
}
