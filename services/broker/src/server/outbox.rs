//! What waits to be sent to one client.
//!
//! Answers and trade updates are never dropped: a client that lets too many of them pile up is disconnected.
//! Prices are state: of those that pile up only the latest of each symbol is kept. Faults that are in force spoil,
//! drop, double and delay here; what is delayed counts as waiting, and holds up what comes after it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use runtime::CancellationToken;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use wire::{Command, Payload};

use crate::faults::{Damage, Fate, Faults, Push, QuoteSide};

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
    pub(super) damage: Option<Damage>,
}

/// What a connection is to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Send(Outgoing),
    /// Drop the socket, without a close frame.
    HangUp,
}

/// A message, or the end, with the moment before which it must not be sent.
#[derive(Debug)]
struct Frame {
    due: Option<Instant>,
    next: Next,
}

/// Prices of a symbol.
#[derive(Clone, Debug)]
struct Priced {
    symbol: u32,
    body: Body,
    due: Option<Instant>,
    copies: u8,
    damage: Option<Damage>,
}

#[derive(Debug, Default)]
struct Waiting {
    frames: VecDeque<Frame>,
    /// What everything else may overtake.
    late: Vec<Frame>,
    bytes: usize,
    ticks: Vec<Priced>,
    details: BTreeMap<u32, Priced>,
    books: BTreeMap<u32, Priced>,
}

/// The queue of one client. Shared between the hub, which fills it, and the connection, which empties it.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: Mutex<Waiting>,
    filled: Notify,
    closing: CancellationToken,
    is_logged_in: AtomicBool,
    faults: Faults,
    /// Whose faults meet it; 0 before the login.
    login: AtomicU64,
}

impl Outbox {
    pub(super) fn new(faults: Faults) -> Self {
        Self { faults, ..Self::default() }
    }

    /// Answers a request.
    pub(super) fn answer(&self, prefix: [u8; 2], command: u16, code: u8, body: Body) {
        let fate = self.faults.of_answer(self.login(), command);
        self.send(Outgoing { prefix, command, code, body, damage: fate.damage }, fate);
    }

    /// Sends something that must not be lost.
    pub(super) fn push<P: wire::Push>(&self, body: Body) {
        let fate = self.push_fate(P::COMMAND);
        self.send(pushed(P::COMMAND, body, fate.damage), fate);
    }

    /// Sends something that must not be lost so much later; everything else overtakes it.
    pub(super) fn push_late<P: wire::Push>(&self, body: Body, delay: Duration) {
        let fate = self.push_fate(P::COMMAND);
        let next = Next::Send(pushed(P::COMMAND, body, fate.damage));
        if fate.copies > 0 {
            let mut waiting = self.locked();
            waiting.bytes += next.bytes();
            waiting.late.push(Frame { due: Some(Instant::now() + delay + fate.delay), next });
            self.check(waiting);
        }
    }

    /// Lets the connection drop once everything before this was sent.
    pub(super) fn hang_up(&self) {
        self.add_frame(Frame { due: None, next: Next::HangUp });
    }

    fn push_fate(&self, command: Command) -> Fate {
        Push::of(command).map_or_else(Fate::default, |push| self.faults.of_push(self.login(), push))
    }

    fn send(&self, outgoing: Outgoing, fate: Fate) {
        for _ in 1..fate.copies {
            self.add_frame(Frame { due: fate.due(), next: Next::Send(outgoing.clone()) });
        }
        if fate.copies > 0 {
            self.add_frame(Frame { due: fate.due(), next: Next::Send(outgoing) });
        }
    }

    fn add_frame(&self, frame: Frame) {
        let mut waiting = self.locked();
        waiting.bytes += frame.next.bytes();
        waiting.frames.push_back(frame);
        self.check(waiting);
    }

    /// Ends the connection if too much waits, and wakes it anyway.
    fn check(&self, waiting: MutexGuard<'_, Waiting>) {
        let count = waiting.frames.len() + waiting.late.len();
        let is_too_much = count > FRAMES_MAX || waiting.bytes > BYTES_MAX;
        drop(waiting);
        if is_too_much {
            tracing::info!("a client does not read what it is sent: disconnected");
            self.close();
        }
        self.filled.notify_one();
    }

    /// Sends prices of symbols; the records are whole and in order.
    pub(super) fn tick<'a>(&self, ticks: impl Iterator<Item = &'a (u32, Body)>) {
        let is_quiet = self.faults.is_quiet();
        let mut waiting = self.locked();
        let before = waiting.ticks.len();
        if is_quiet {
            waiting.ticks.extend(ticks.map(|(symbol, body)| Priced::plain(*symbol, body)));
        } else {
            waiting.ticks.extend(ticks.filter_map(|(symbol, body)| {
                let mut tick = self.priced(Push::Ticks, *symbol, body)?;
                if let Some(side) = self.faults.of_sides(self.login()) {
                    tick.body = sides(&tick.body, side);
                }
                Some(tick)
            }));
        }
        self.check_ticks(waiting, before);
    }

    /// Sends the first price of a symbol, always whole.
    pub(super) fn first_tick(&self, symbol: u32, body: &Body) {
        let tick = self.priced(Push::Ticks, symbol, body);
        let mut waiting = self.locked();
        let before = waiting.ticks.len();
        waiting.ticks.extend(tick);
        self.check_ticks(waiting, before);
    }

    fn check_ticks(&self, mut waiting: MutexGuard<'_, Waiting>, before: usize) {
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
    pub(super) fn details(&self, symbol: u32, record: &Body) {
        if let Some(details) = self.priced(Push::SymbolDetails, symbol, record) {
            keep(&mut self.locked().details, details);
            self.filled.notify_one();
        }
    }

    /// Sends a snapshot of a symbol's book.
    pub(super) fn book(&self, symbol: u32, snapshot: &Body) {
        if let Some(book) = self.priced(Push::Books, symbol, snapshot) {
            keep(&mut self.locked().books, book);
            self.filled.notify_one();
        }
    }

    /// Prices under the faults in force; none if they do not go out.
    fn priced(&self, push: Push, symbol: u32, body: &Body) -> Option<Priced> {
        let plain = Priced::plain(symbol, body);
        if self.faults.is_quiet() {
            return Some(plain);
        }
        let login = self.login();
        if self.faults.is_frozen(login, symbol) {
            return None;
        }
        let fate = self.faults.of_push(login, push);
        let priced = Priced { due: fate.due(), copies: fate.copies, damage: fate.damage, ..plain };
        (fate.copies > 0).then_some(priced)
    }

    /// The next message; waits for one. Cancelling the wait loses nothing.
    pub(super) async fn next(&self) -> Next {
        loop {
            match self.take() {
                Ok(next) => return next,
                Err(None) => self.filled.notified().await,
                Err(Some(due)) => tokio::select! {
                    () = self.filled.notified() => {}
                    () = sleep_until(due) => {}
                },
            }
        }
    }

    /// What may be sent now; else the moment when something may, if anything waits for one.
    fn take(&self) -> Result<Next, Option<Instant>> {
        let mut waiting = self.locked();
        let mut wake = None;
        if let Some(next) = waiting.take_frame(&mut wake) {
            waiting.bytes -= next.bytes();
            return Ok(next);
        }
        let prices = [Waiting::take_ticks, Waiting::take_details, Waiting::take_book];
        prices.iter().find_map(|take| take(&mut waiting, &mut wake)).map(Next::Send).ok_or(wake)
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

    /// Whose connection it is, from now on.
    pub(super) fn set_login(&self, login: u64) {
        self.login.store(login, Ordering::Release);
    }

    fn login(&self) -> u64 {
        self.login.load(Ordering::Acquire)
    }

    /// How many bytes a second the connection carries; none: as many as it can.
    pub(super) fn bytes_per_s(&self) -> Option<u32> {
        self.faults.bytes_per_s(self.login())
    }

    /// No code runs under the lock that could leave the queue half-changed.
    fn locked(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Next {
    fn bytes(&self) -> usize {
        match self {
            Self::Send(outgoing) => outgoing.body.len(),
            Self::HangUp => 0,
        }
    }
}

impl Priced {
    fn plain(symbol: u32, body: &Body) -> Self {
        Self { symbol, body: Arc::clone(body), due: None, copies: 1, damage: None }
    }
}

impl Waiting {
    fn take_frame(&mut self, wake: &mut Option<Instant>) -> Option<Next> {
        if let Some(place) = (0..self.late.len()).find(|place| is_due(self.late[*place].due, wake)) {
            return Some(self.late.remove(place).next);
        }
        let is_first_due = is_due(self.frames.front()?.due, wake);
        if is_first_due { self.frames.pop_front().map(|frame| frame.next) } else { None }
    }

    fn take_ticks(&mut self, wake: &mut Option<Instant>) -> Option<Outgoing> {
        // Times must not go backwards: what comes after a delayed tick waits as well.
        let count = self.ticks.iter().take_while(|tick| is_due(tick.due, wake)).count();
        let rest = self.ticks.split_off(count);
        let ready = std::mem::replace(&mut self.ticks, rest);
        together(Command::Ticks, &ready)
    }

    fn take_details(&mut self, wake: &mut Option<Instant>) -> Option<Outgoing> {
        let (ready, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.details).into_values().partition(|details| is_due(details.due, wake));
        self.details = rest.into_iter().map(|details| (details.symbol, details)).collect();
        together(Command::SymbolDetails, &ready)
    }

    fn take_book(&mut self, wake: &mut Option<Instant>) -> Option<Outgoing> {
        let book = self.books.values_mut().find(|book| is_due(book.due, wake))?;
        book.copies -= 1;
        let outgoing = pushed(Command::Books, Arc::clone(&book.body), book.damage);
        let (symbol, left) = (book.symbol, book.copies);
        if left == 0 {
            self.books.remove(&symbol);
        }
        Some(outgoing)
    }
}

/// Whether a moment has come; else it is noted as one to wake up at.
fn is_due(due: Option<Instant>, wake: &mut Option<Instant>) -> bool {
    let Some(due) = due.filter(|due| *due > Instant::now()) else { return true };
    *wake = Some(wake.map_or(due, |earlier| earlier.min(due)));
    false
}

fn pushed(command: Command, body: Body, damage: Option<Damage>) -> Outgoing {
    Outgoing { prefix: [0; 2], command: command.number(), code: wire::code::SUCCESS, body, damage }
}

/// Bare records in one message.
fn together(command: Command, priced: &[Priced]) -> Option<Outgoing> {
    let damage = priced.iter().find_map(|each| each.damage);
    let mut body = Vec::with_capacity(priced.iter().map(|each| each.body.len()).sum());
    for each in priced {
        (0..each.copies).for_each(|_| body.extend_from_slice(&each.body));
    }
    (!priced.is_empty()).then(|| pushed(command, body.into(), damage))
}

/// Prices of a symbol instead of earlier ones. They go out when those would have: a client that is told late shall
/// not be told never.
fn keep(waiting: &mut BTreeMap<u32, Priced>, mut fresh: Priced) {
    if let Some(stale) = waiting.get(&fresh.symbol) {
        fresh.due = fresh.due.and_then(|due| stale.due.map(|earlier| earlier.min(due)));
    }
    waiting.insert(fresh.symbol, fresh);
}

/// Keeps the last tick of each symbol, in the order of those; it goes out when the first of them would have.
fn keep_latest(ticks: &mut Vec<Priced>) {
    let mut first_due: BTreeMap<u32, Option<Instant>> = BTreeMap::new();
    for tick in ticks.iter() {
        first_due.entry(tick.symbol).or_insert(tick.due);
    }
    let last = |tick: &Priced| Some(Priced { due: first_due.remove(&tick.symbol)?, ..tick.clone() });
    let mut latest: Vec<_> = ticks.iter().rev().filter_map(last).collect();
    latest.reverse();
    *ticks = latest;
}

/// A tick with one side only, or as two of one side each. What is not there is zero (protocol 9.8).
fn sides(record: &Body, only: Option<QuoteSide>) -> Body {
    use wire::records::{Tick, tick_field};
    let Ok(whole) = Tick::from_bytes(record) else { return Arc::clone(record) };
    let bid = Tick { fields: whole.fields & !tick_field::ASK, ask: 0.0, ..whole };
    let ask = Tick { fields: tick_field::ASK, bid: 0.0, last: 0.0, tick_volume: 0, ..whole };
    match only {
        Some(QuoteSide::Bid) => bid.to_bytes().into(),
        Some(QuoteSide::Ask) => ask.to_bytes().into(),
        None => [bid.to_bytes(), ask.to_bytes()].concat().into(),
    }
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
        let Ok(Next::Send(sent)) = outbox.take() else { panic!("nothing to send") };
        assert_eq!((sent.command, &sent.body[..]), (8, &[1, 2, 3][..]));
        assert_eq!(outbox.take(), Err(None));
        let many: Vec<_> = (0..=TICKS_MAX).map(|n| (n as u32 % 3, body(&[n as u8]))).collect();
        outbox.tick(many.iter());
        let Ok(Next::Send(sent)) = outbox.take() else { panic!("nothing to send") };
        assert_eq!(&sent.body[..], [(TICKS_MAX - 2) as u8, (TICKS_MAX - 1) as u8, TICKS_MAX as u8]);
    }

    #[test]
    fn prices_that_pile_up_go_out_when_the_first_of_them_would_have() {
        let soon = Instant::now() + Duration::from_secs(60);
        let tick = |symbol, due| Priced { due: Some(due), ..Priced::plain(symbol, &body(&[symbol as u8])) };
        let later = soon + Duration::from_secs(1);
        let mut ticks = vec![tick(1, soon), tick(2, later), tick(1, later)];
        keep_latest(&mut ticks);
        let kept: Vec<_> = ticks.iter().map(|tick| (tick.symbol, tick.due)).collect();
        assert_eq!(kept, [(2, Some(later)), (1, Some(soon))]);
        let mut books = BTreeMap::new();
        for (due, expected) in [(Some(soon), Some(soon)), (Some(later), Some(soon)), (None, None)] {
            keep(&mut books, Priced { due, ..tick(1, later) });
            assert_eq!(books[&1].due, expected);
        }
    }

    #[test]
    fn what_is_not_due_holds_up_its_like_only() {
        let outbox = Outbox::default();
        let due = Instant::now() + Duration::from_secs(60);
        outbox.add_frame(Frame { due: Some(due), next: Next::HangUp });
        outbox.answer([7, 8], 7, 0, body(&[]));
        assert_eq!(outbox.take(), Err(Some(due)));
        outbox.tick([(1, body(&[1]))].iter());
        let Ok(Next::Send(sent)) = outbox.take() else { panic!("nothing to send") };
        assert_eq!(sent.command, 8, "prices do not wait for answers");
        outbox.locked().late.push(Frame { due: None, next: Next::HangUp });
        assert_eq!(outbox.take(), Ok(Next::HangUp), "nor does what is late");
        assert_eq!(outbox.take(), Err(Some(due)));
    }

    #[test]
    fn answers_go_first_and_too_many_end_the_connection() {
        let outbox = Outbox::default();
        outbox.tick([(1, body(&[1]))].iter());
        outbox.answer([7, 8], 7, 0, body(&[]));
        let Ok(Next::Send(sent)) = outbox.take() else { panic!("nothing to send") };
        assert_eq!((sent.prefix, sent.command), ([7, 8], 7));
        for _ in 0..FRAMES_MAX {
            outbox.answer([0; 2], 51, 0, body(&[]));
        }
        assert!(!outbox.closing.is_cancelled());
        outbox.answer([0; 2], 51, 0, body(&[]));
        assert!(outbox.closing.is_cancelled());
    }
}
