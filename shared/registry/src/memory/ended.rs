//! What is left of sessions that have ended.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::State;
use super::journal::Book;
use super::sessions::Session;
use crate::SessionState;
use crate::limits::{EndedMax, FENCE_KEPT};

/// Sessions that have ended.
#[derive(Default)]
pub(super) struct Ended {
    pub(super) max: EndedMax,
    /// By when they have ended.
    by_end: BTreeSet<(Instant, String)>,
    /// By when they are forgotten.
    by_expiry: BTreeSet<(Instant, String)>,
    bytes: usize,
}

/// The end of a session.
pub(super) struct End {
    /// Until when its login data are kept.
    pub(super) kept_until: Option<Instant>,
    at: Instant,
    forgotten_at: Instant,
    /// Of what is left.
    bytes: usize,
}

impl State {
    /// The session is over; its login data are kept for so long, its fence and its keys longer.
    pub(super) fn end(&mut self, token: &str, keep: Duration) {
        let book = Book::new(&self.kept);
        let Some(session) = self.sessions.get_mut(token) else { return };
        let now = Instant::now();
        let kept_until = (!keep.is_zero()).then(|| now + keep);
        session.record.state = SessionState::Ended;
        // Its events, its journal and its memo are of no use any more.
        session.forget_memo();
        session.log.clear();
        session.book = book;
        self.lists.unlist(token, &session.record.owner);
        if kept_until.is_none() {
            session.forget_login_data();
            self.lists.unlist_account(token, &session.record.account);
        }
        let (forgotten_at, bytes) = (now + keep.max(FENCE_KEPT), session.bytes());
        session.ended = Some(End { kept_until, at: now, forgotten_at, bytes });
        self.ended.by_end.insert((now, token.to_owned()));
        self.ended.by_expiry.insert((forgotten_at, token.to_owned()));
        self.ended.bytes += bytes;
        self.forget_ended(now);
    }

    /// Takes a session away, whether it has ended or not.
    pub(super) fn remove(&mut self, token: &str) -> Option<Session> {
        let session = self.sessions.remove(token)?;
        self.lists.unlist_account(token, &session.record.account);
        if let Some(end) = &session.ended {
            self.ended.bytes = self.ended.bytes.saturating_sub(end.bytes);
            self.ended.by_end.remove(&(end.at, token.to_owned()));
            self.ended.by_expiry.remove(&(end.forgotten_at, token.to_owned()));
        }
        Some(session)
    }

    /// Forgets what has ended long ago, and the oldest of what is too much.
    fn forget_ended(&mut self, now: Instant) {
        while let Some(token) = self.ended.first_to_go(now) {
            self.remove(&token);
        }
    }
}

impl Ended {
    fn first_to_go(&self, now: Instant) -> Option<String> {
        let expired = self.by_expiry.first().filter(|(at, _)| *at <= now);
        let is_over = self.by_end.len() > self.max.sessions || self.bytes > self.max.bytes;
        let oldest = self.by_end.first().filter(|_| is_over);
        expired.or(oldest).map(|(_, token)| token.clone())
    }
}
