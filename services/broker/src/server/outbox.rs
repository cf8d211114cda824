//! What waits to be sent to one client.
//!
//! Answers and trade updates are never dropped: a client that lets too many of them pile up is disconnected.
//! Prices are state: of those that pile up only the latest of each symbol is kept.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runtime::CancellationToken;
use tokio::sync::Notify;
use wire::{Command, Push, pushes};

/// Answers and updates that may wait, and their bytes together.
const FRAMES_MAX: usize = 4096;
const BYTES_MAX: usize = 64 << 20;
/// Ticks that may wait before only the latest of each symbol are kept.
const TICKS_MAX: usize = 1024;

/// The body of a message, shared by all who get it.
pub(super) type Body = Arc<[u8]>;

/// A message to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outgoing {
    pub(super) prefix: [u8; 2],
    pub(super) command: u16,
    pub(super) code: u8,
    pub(super) body: Body,
}

/// What a connection is to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Send(Outgoing),
    /// Drop the socket, without a close frame.
    HangUp,
}

#[derive(Debug, Default)]
struct Waiting {
    frames: VecDeque<Next>,
    bytes: usize,
    ticks: Vec<(u32, Body)>,
    details: BTreeMap<u32, Body>,
    books: BTreeMap<u32, Body>,
}

/// The queue of one client. Shared between the hub, which fills it, and the connection, which empties it.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: Mutex<Waiting>,
    filled: Notify,
    closing: CancellationToken,
    is_logged_in: AtomicBool,
}

impl Outbox {
    /// Answers a request.
    pub(super) fn answer(&self, prefix: [u8; 2], command: u16, code: u8, body: Body) {
        self.add(Next::Send(Outgoing { prefix, command, code, body }));
    }

    /// Sends something that must not be lost.
    pub(super) fn push<P: Push>(&self, body: Body) {
        self.add(Next::Send(pushed(P::COMMAND, body)));
    }

    /// Lets the connection drop once everything before this was sent.
    pub(super) fn hang_up(&self) {
        self.add(Next::HangUp);
    }

    fn add(&self, next: Next) {
        let mut waiting = self.locked();
        if let Next::Send(outgoing) = &next {
            waiting.bytes += outgoing.body.len();
        }
        waiting.frames.push_back(next);
        let is_too_much = waiting.frames.len() > FRAMES_MAX || waiting.bytes > BYTES_MAX;
        drop(waiting);
        if is_too_much {
            tracing::info!("a client does not read what it is sent: disconnected");
            self.close();
        }
        self.filled.notify_one();
    }

    /// Sends prices of symbols; the records are whole and in order.
    pub(super) fn tick<'a>(&self, ticks: impl Iterator<Item = &'a (u32, Body)>) {
        let mut waiting = self.locked();
        let before = waiting.ticks.len();
        waiting.ticks.extend(ticks.cloned());
        if waiting.ticks.len() > TICKS_MAX {
            keep_latest(&mut waiting.ticks);
        }
        let has_grown = waiting.ticks.len() != before;
        drop(waiting);
        if has_grown {
            self.filled.notify_one();
        }
    }

    /// Sends the day's figures of a symbol.
    pub(super) fn details(&self, symbol: u32, record: Body) {
        self.locked().details.insert(symbol, record);
        self.filled.notify_one();
    }

    /// Sends a snapshot of a symbol's book.
    pub(super) fn book(&self, symbol: u32, snapshot: Body) {
        self.locked().books.insert(symbol, snapshot);
        self.filled.notify_one();
    }

    /// The next message; waits for one. Cancelling the wait loses nothing.
    pub(super) async fn next(&self) -> Next {
        loop {
            if let Some(next) = self.take() {
                return next;
            }
            self.filled.notified().await;
        }
    }

    fn take(&self) -> Option<Next> {
        let mut waiting = self.locked();
        if let Some(next) = waiting.frames.pop_front() {
            if let Next::Send(outgoing) = &next {
                waiting.bytes -= outgoing.body.len();
            }
            return Some(next);
        }
        if !waiting.ticks.is_empty() {
            let ticks = std::mem::take(&mut waiting.ticks);
            let body = joined(ticks.iter().map(|(_, record)| record));
            return Some(Next::Send(pushed(pushes::Ticks::COMMAND, body)));
        }
        if !waiting.details.is_empty() {
            let details = std::mem::take(&mut waiting.details);
            return Some(Next::Send(pushed(pushes::SymbolDetails::COMMAND, joined(details.values()))));
        }
        let (_, book) = waiting.books.pop_first()?;
        Some(Next::Send(pushed(pushes::Books::COMMAND, book)))
    }

    /// Ends the connection now.
    pub(super) fn close(&self) {
        self.closing.cancel();
    }

    /// Resolves when the connection must end.
    pub(super) async fn closed(&self) {
        self.closing.cancelled().await;
    }

    /// Whether a login has succeeded on this connection.
    pub(super) fn is_logged_in(&self) -> bool {
        self.is_logged_in.load(Ordering::Acquire)
    }

    pub(super) fn set_logged_in(&self) {
        self.is_logged_in.store(true, Ordering::Release);
    }

    /// No code runs under the lock that could leave the queue half-changed.
    fn locked(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pushed(command: Command, body: Body) -> Outgoing {
    Outgoing { prefix: [0; 2], command: command.number(), code: wire::code::SUCCESS, body }
}

fn joined<'a>(records: impl Iterator<Item = &'a Body>) -> Body {
    records.flat_map(|record| record.iter().copied()).collect::<Vec<u8>>().into()
}

/// Keeps the last tick of each symbol, in the order of those.
fn keep_latest(ticks: &mut Vec<(u32, Body)>) {
    let mut seen = std::collections::BTreeSet::new();
    let mut latest: Vec<_> = ticks.drain(..).rev().filter(|(symbol, _)| seen.insert(*symbol)).collect();
    latest.reverse();
    *ticks = latest;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(bytes: &[u8]) -> Body {
        bytes.into()
    }

    #[test]
    fn ticks_wait_in_order_until_there_are_too_many() {
        let outbox = Outbox::default();
        outbox.tick([(1, body(&[1])), (2, body(&[2])), (1, body(&[3]))].iter());
        let Some(Next::Send(sent)) = outbox.take() else { panic!("nothing to send") };
        assert_eq!((sent.command, &sent.body[..]), (8, &[1, 2, 3][..]));
        assert_eq!(outbox.take(), None);
        let many: Vec<_> = (0..=TICKS_MAX).map(|n| (n as u32 % 3, body(&[n as u8]))).collect();
        outbox.tick(many.iter());
        let Some(Next::Send(sent)) = outbox.take() else { panic!("nothing to send") };
        assert_eq!(&sent.body[..], [(TICKS_MAX - 2) as u8, (TICKS_MAX - 1) as u8, TICKS_MAX as u8]);
    }

    #[test]
    fn answers_go_first_and_too_many_end_the_connection() {
        let outbox = Outbox::default();
        outbox.tick([(1, body(&[1]))].iter());
        outbox.answer([7, 8], 7, 0, body(&[]));
        let Some(Next::Send(sent)) = outbox.take() else { panic!("nothing to send") };
        assert_eq!((sent.prefix, sent.command), ([7, 8], 7));
        for _ in 0..FRAMES_MAX {
            outbox.answer([0; 2], 51, 0, body(&[]));
        }
        assert!(!outbox.closing.is_cancelled());
        outbox.answer([0; 2], 51, 0, body(&[]));
        assert!(outbox.closing.is_cancelled());
    }
}
