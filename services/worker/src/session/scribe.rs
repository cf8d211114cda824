//! Writes into the registry what a session must not forget: events with their places, outcomes of trade requests, the
//! memo. In order, one write at a time, again and again until it is done or somebody else owns the session.

mod backlog;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bus::{EVENT_BYTES_MAX, Event, Fanout, Frame, Position, Topic};
use bytes::{Bytes, BytesMut};
use error::{Code, Error};
use registry::{CallOutcome, Entry, Fence, Key, Registry, RegistryError, Written};
use runtime::{Backoff, Tasks};
use tokio::sync::oneshot;

use self::backlog::{Backlog, Shortener, Write, tell};
use super::standing::{Rank, Standing};
use super::trade::Outcome;

/// Events written at once.
const BATCH_MAX: usize = 64;
/// Pauses before a write is tried again.
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_CEILING: Duration = Duration::from_secs(1);

/// See the module. Clones write to the same session.
#[derive(Clone)]
pub(crate) struct Scribe(Arc<Inner>);

struct Inner {
    token: Arc<str>,
    registry: Arc<dyn Registry>,
    tasks: Tasks,
    standing: Standing,
    fanout: Arc<Fanout>,
    /// Taken before the backlog, so that events wait in the order in which they were put in short; whoever writes needs
    /// the backlog alone.
    shortener: Mutex<Shortener>,
    backlog: Mutex<Backlog>,
    /// The first fence of this process: events from before are not its own.
    first: Fence,
}

impl fmt::Debug for Scribe {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Scribe({} waiting)", self.waiting())
    }
}

/// What became of one attempt.
enum Attempt {
    /// The first writes are done; these are the places of events among them.
    Done(Vec<Position>),
    /// Somebody else owns the session.
    Stale,
    /// Not known; to be tried again.
    Failed(RegistryError),
}

impl Scribe {
    pub(crate) fn new(
        token: Arc<str>,
        registry: Arc<dyn Registry>,
        tasks: Tasks,
        standing: Standing,
        fanout: Arc<Fanout>,
    ) -> Self {
        let (shortener, backlog, first) = (Mutex::default(), Mutex::default(), standing.fence());
        Self(Arc::new(Inner { token, registry, tasks, standing, fanout, shortener, backlog, first }))
    }

    /// How the session stands.
    pub(crate) fn standing(&self) -> &Standing {
        &self.0.standing
    }

    /// Writes that wait, or are being written.
    pub(crate) fn waiting(&self) -> usize {
        self.backlog().waiting.len()
    }

    /// Whether so many writes waited that some were left out: the session must begin anew.
    pub(crate) fn has_overflowed(&self) -> bool {
        self.backlog().has_overflowed
    }

    /// An event of the session's sequence. Listeners are told once it is written.
    pub(crate) fn event(&self, event: Event, memo: Bytes) {
        let mut shortener = self.0.shortener.lock().unwrap_or_else(PoisonError::into_inner);
        let short = shortener.short(&event, self.0.standing.fence());
        self.push(Write::Event { short, whole: Some(event), memo });
    }

    /// Writes the next memo.
    pub(crate) fn memo(&self, memo: Bytes) {
        self.push(Write::Memo(memo));
    }

    /// Replaces the sealed login data.
    pub(crate) fn login(&self, sealed: Bytes) {
        self.push(Write::Login(sealed));
    }

    /// The outcome of a trade request; then its caller is told, also if the write fails: the outcome is true all the same.
    pub(crate) fn settle(
        &self,
        number: u32,
        outcome: Bytes,
        then: Option<(oneshot::Sender<Outcome>, Outcome)>,
    ) {
        self.push(Write::Settle { number, outcome, then });
    }

    /// The outcome of a call under its key, when the caller itself cannot write it any more.
    pub(crate) fn settle_key(&self, key: Key, outcome: CallOutcome) {
        self.push(Write::SettleKey { key, outcome });
    }

    /// The answer to the call of a key has reached its caller.
    pub(crate) fn free_key(&self, key: Key) {
        self.push(Write::FreeKey(key));
    }

    /// Writes a trade request that is about to be sent.
    ///
    /// # Errors
    /// It must not be sent: the session is somebody else's, or nobody can tell.
    pub(crate) async fn begin(&self, entry: &Entry) -> Result<(), Error> {
        let begun = self.0.registry.begin(&self.0.token, self.0.standing.fence(), entry).await;
        match begun {
            Ok(Written::Yes) => Ok(()),
            Ok(Written::Stale) => {
                self.lose();
                Err(moved())
            }
            Err(failure) => Err(unreachable(&failure)),
        }
    }

    fn backlog(&self) -> MutexGuard<'_, Backlog> {
        self.0.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, write: Write) {
        let mut backlog = self.backlog();
        if matches!(self.0.standing.rank(), Rank::Standby | Rank::Gone) {
            // Told by the owner, not by us; but who waits here is told.
            drop(backlog);
            return tell(write);
        }
        if let Some(write) = backlog.add(write) {
            drop(backlog);
            return tell(write);
        }
        if !std::mem::replace(&mut backlog.is_writing, true) {
            self.0.tasks.spawn(self.clone().write_all());
        }
    }

    /// Writes until nothing waits any more.
    async fn write_all(self) {
        let mut backoff = Backoff::new(RETRY_FIRST, RETRY_CEILING);
        let mut is_again = false;
        loop {
            let count = {
                let mut backlog = self.backlog();
                if self.0.standing.rank() == Rank::Gone {
                    backlog.take(usize::MAX).into_iter().for_each(tell);
                }
                if backlog.waiting.is_empty() {
                    backlog.is_writing = false;
                    return;
                }
                leading(&backlog.waiting)
            };
            match self.write(count, is_again).await {
                Attempt::Done(places) => {
                    let done = self.backlog().take(places.len());
                    for (write, at) in done.into_iter().zip(places) {
                        self.publish(&write, at);
                        tell(write);
                    }
                    backoff.reset();
                    is_again = false;
                }
                Attempt::Stale => self.lose(),
                Attempt::Failed(failure) => {
                    tracing::debug!(%failure, "a write has to wait");
                    self.tell_callers();
                    if self.0.tasks.is_stopping() {
                        // Whoever comes next finds out from the trade server.
                        return;
                    }
                    is_again = true;
                    tokio::select! {
                        () = tokio::time::sleep(backoff.pause()) => {}
                        () = self.0.standing.gone() => {}
                    }
                }
            }
        }
    }

    /// Tries to write the first ones that wait.
    async fn write(&self, count: usize, is_again: bool) -> Attempt {
        let (token, registry) = (&self.0.token, &self.0.registry);
        let fence = self.0.standing.fence();
        let (frames, memo) = self.events(count, fence);
        if !frames.is_empty() {
            return match is_again {
                true => self.append_again(&frames, &memo, fence).await,
                false => self.append(&frames, &memo, fence).await,
            };
        }
        // Copied out, so that nothing is locked while it is written.
        let copied = match self.backlog().waiting.front() {
            Some(Write::Memo(memo)) => Write::Memo(memo.clone()),
            Some(Write::Login(sealed)) => Write::Login(sealed.clone()),
            Some(Write::Settle { number, outcome, .. }) => {
                Write::Settle { number: *number, outcome: outcome.clone(), then: None }
            }
            Some(Write::SettleKey { key, outcome }) => {
                Write::SettleKey { key: key.clone(), outcome: outcome.clone() }
            }
            Some(Write::FreeKey(key)) => Write::FreeKey(key.clone()),
            Some(Write::Event { .. }) | None => return Attempt::Done(Vec::new()),
        };
        let written = match copied {
            Write::Memo(memo) => registry.save(token, fence, &memo).await,
            Write::Login(sealed) => registry.reseal(token, fence, &sealed).await,
            Write::Settle { number, outcome, .. } => registry.settle(token, fence, number, &outcome).await,
            Write::FreeKey(key) => registry.free_key(token, fence, &key).await,
            Write::SettleKey { key, outcome } => registry.settle_key(token, fence, &key, &outcome).await,
            Write::Event { .. } => return Attempt::Done(Vec::new()),
        };
        match written {
            Ok(Written::Yes) => Attempt::Done(vec![Position::default()]),
            Ok(Written::Stale) => self.stale(fence).await,
            Err(failure) => Attempt::Failed(failure),
        }
    }

    /// The leading events with their places, and the memos after them from the last on that stands by itself.
    fn events(&self, count: usize, fence: Fence) -> (Vec<Frame>, Bytes) {
        let backlog = self.backlog();
        let mut at = backlog.last;
        if at.epoch != fence.0 {
            at = Position { epoch: fence.0, offset: 0 };
        }
        let (mut frames, mut memos) = (Vec::new(), BytesMut::new());
        for write in backlog.waiting.iter().take(count) {
            if let Write::Event { short, memo, .. } = write {
                at.offset += 1;
                frames.push(Frame::new(Topic::OrderUpdate, None, short.clone()).at(at));
                if !registry::adds_to_memo(memo) {
                    memos.clear();
                }
                memos.extend_from_slice(memo);
            }
        }
        (frames, memos.freeze())
    }

    async fn append(&self, frames: &[Frame], memo: &Bytes, fence: Fence) -> Attempt {
        match self.0.registry.append(&self.0.token, fence, frames, memo).await {
            Ok(Written::Yes) => self.appended(frames.iter().map(|frame| frame.at).collect()),
            Ok(Written::Stale) => self.stale(fence).await,
            Err(failure) => Attempt::Failed(failure),
        }
    }

    /// An attempt that seemed to fail may have written its events, under a fence that was another one then.
    async fn append_again(&self, frames: &[Frame], memo: &Bytes, fence: Fence) -> Attempt {
        let last = self.backlog().last.max(Position { epoch: self.0.first.0, offset: 0 });
        match self.0.registry.since(&self.0.token, last).await {
            Ok(since) => match places_after(last, since.end, frames.len()) {
                places if places.is_empty() => self.append(frames, memo, fence).await,
                places => self.appended(places),
            },
            Err(failure) => Attempt::Failed(failure),
        }
    }

    fn appended(&self, places: Vec<Position>) -> Attempt {
        if let Some(last) = places.last() {
            self.backlog().last = *last;
        }
        Attempt::Done(places)
    }

    /// Tells those who listen in this process of an event that is written.
    fn publish(&self, write: &Write, at: Position) {
        let Write::Event { whole, .. } = write else { return };
        let fanout = &self.0.fanout;
        match whole {
            _ if !fanout.has_listeners(Topic::OrderUpdate) => {}
            Some(event) if event.text_bytes() <= EVENT_BYTES_MAX => {
                fanout.publish(Frame::new(Topic::OrderUpdate, None, event.text()).at(at));
            }
            // They come back and find it in the log, or that it is not kept.
            _ => fanout.end_readers(Topic::OrderUpdate),
        }
    }

    /// A write was refused: whether the session is still ours (under a newer fence, say).
    async fn stale(&self, fence: Fence) -> Attempt {
        if self.0.standing.fence() != fence {
            return Attempt::Failed(RegistryError("the fence has changed meanwhile".to_owned()));
        }
        match self.0.registry.verify(&[(self.0.token.to_string(), fence)]).await {
            Ok(owned) if owned == [true] => Attempt::Failed(RegistryError("the log is further".to_owned())),
            Ok(_) if self.0.standing.rank() == Rank::Doubtful => {
                Attempt::Failed(RegistryError("it is not known whose the session is".to_owned()))
            }
            Ok(_) => self.forgotten_or_lost().await,
            Err(failure) => Attempt::Failed(failure),
        }
    }

    /// A session that is not this process' any more is known to the registry, unless that came back empty: then the
    /// worker is about to tell it what it has.
    async fn forgotten_or_lost(&self) -> Attempt {
        match self.0.registry.record(&self.0.token).await {
            Ok(None) => Attempt::Failed(RegistryError("the registry does not know the session".to_owned())),
            Ok(Some(_)) => Attempt::Stale,
            Err(failure) => Attempt::Failed(failure),
        }
    }

    /// The session is somebody else's.
    fn lose(&self) {
        self.0.standing.set_rank(Rank::Gone);
    }

    /// Callers do not wait for a registry that is away.
    fn tell_callers(&self) {
        for write in &mut self.backlog().waiting {
            if let Write::Settle { then, .. } = write
                && let Some((caller, outcome)) = then.take()
            {
                let _ = caller.send(outcome);
            }
        }
    }
}

/// The places of events that were written behind the last one known, by the end of the log alone: what it kept of them
/// may have been cut since. They were written at once, so they are of one epoch.
fn places_after(last: Position, end: Position, most: usize) -> Vec<Position> {
    if end <= last {
        return Vec::new();
    }
    let before = if end.epoch == last.epoch { last.offset } else { 0 };
    (before + 1..=end.offset).take(most).map(|offset| Position { epoch: end.epoch, offset }).collect()
}

/// How many of the first writes go together.
fn leading(waiting: &VecDeque<Write>) -> usize {
    let events = waiting.iter().take_while(|write| matches!(write, Write::Event { .. }));
    events.take(BATCH_MAX).count().max(1)
}

/// The session has another owner: nothing was done here.
pub(crate) fn moved() -> Error {
    Error::new(Code::ConnectError, "The session has moved to another worker. Try again.")
}

/// The registry does not answer, so nothing may be done.
pub(crate) fn unreachable(failure: &RegistryError) -> Error {
    let told = "The service cannot reach its registry at the moment, so nothing was sent. Try again.";
    Error::new(Code::ServerBusy, told).because(failure)
}

#[cfg(test)]
mod tests;
