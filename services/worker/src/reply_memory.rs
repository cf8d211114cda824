//! Memory of long replies, bounded for the whole process: what calls download for them, what is made of it, and the encoded
//! replies until they are written.
//!
//! A call reserves before it takes, but for the answer to one request, which is counted when it has come. Where there is no room
//! it waits a little and is refused then. So that calls that hold a part of the room and wait for more cannot block each other for
//! ever, the one that began first among those that are being made may go beyond the bound, as long as replies that nobody
//! has read leave it room. In all, the bound and the largest reply are never exceeded.

use std::collections::BTreeSet;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use error::Error;
use tokio::sync::Notify;
use tokio::time::timeout;

/// What a call may take without being counted: most need no more, and must be answered however many long replies are made.
const UNCOUNTED_BYTES_MAX: usize = 512 * 1024;

/// Encoded replies that are counted although nothing was reserved for them. Shorter ones are written, or held by the front and
/// counted there.
pub(crate) const COUNTED_REPLY_BYTES_MIN: usize = 1024 * 1024;

/// How long a call waits for room.
const PATIENCE: Duration = Duration::from_secs(5);

const MIB: usize = 1024 * 1024;

/// See the module. Clones are the same memory.
#[derive(Debug, Clone)]
pub(crate) struct ReplyMemory(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bytes_max: usize,
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct State {
    bytes: usize,
    /// Of these, what was made and is not written yet.
    unwritten: usize,
    /// Counted calls whose replies are being made, in the order in which they began.
    in_progress: BTreeSet<u64>,
    /// The number of the last call.
    last: u64,
}

impl ReplyMemory {
    /// For so many bytes.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self(Arc::new(Inner { bytes_max, state: Mutex::default(), freed: Notify::new() }))
    }

    /// For one call; nothing is reserved yet.
    pub(crate) fn reservation(&self) -> Reservation {
        Reservation { memory: Arc::clone(&self.0), held: Mutex::default() }
    }
}

impl Inner {
    /// No step is left half done by a panic: nothing in them can.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refused(&self) -> Error {
        Error::busy(format!(
            "Long replies take {} MiB here at the moment, which is the most: try again soon, or ask for less at once.",
            self.bytes_max.div_ceil(MIB)
        ))
    }
}

/// What one call has of the memory. Dropped, it gives it back.
#[derive(Debug)]
pub(crate) struct Reservation {
    memory: Arc<Inner>,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// All that the call takes.
    bytes: usize,
    /// Of these, what is counted.
    counted: usize,
    /// Its number, once something is counted and while its reply is being made.
    number: Option<u64>,
    /// Whether its reply was made.
    is_made: bool,
}

impl Reservation {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reserves so many bytes more, before they are taken.
    ///
    /// # Errors
    /// There is no room, for a few seconds: nothing is reserved then.
    pub(crate) async fn add(&self, bytes: usize) -> Result<(), Error> {
        let reserving = async {
            loop {
                let freed = self.memory.freed.notified();
                if self.try_add(bytes) {
                    return;
                }
                freed.await;
            }
        };
        timeout(PATIENCE, reserving).await.map_err(|_| self.memory.refused())
    }

    fn try_add(&self, bytes: usize) -> bool {
        let mut held = self.held();
        let wanted = held.bytes.saturating_add(bytes);
        if wanted > UNCOUNTED_BYTES_MAX {
            let mut state = self.memory.state();
            let number = *held.number.get_or_insert_with(|| {
                state.last += 1;
                state.last
            });
            state.in_progress.insert(number);
            let after = state.bytes.saturating_add(wanted - held.counted);
            let bytes_max = self.memory.bytes_max;
            let leaves_room = state.unwritten == 0 || state.unwritten.saturating_add(wanted) <= bytes_max;
            let is_first = state.in_progress.first() == Some(&number);
            if after > bytes_max && !(is_first && leaves_room) {
                return false;
            }
            state.bytes = after;
            held.counted = wanted;
        }
        held.bytes = wanted;
        true
    }

    /// Gives so many bytes back.
    pub(crate) fn give_back(&self, bytes: usize) {
        let mut held = self.held();
        held.bytes = held.bytes.saturating_sub(bytes);
        let freed = held.counted.saturating_sub(held.bytes);
        held.counted -= freed;
        self.memory.state().bytes -= freed;
        drop(held);
        self.memory.freed.notify_waiters();
    }

    /// The reply was made: what else was held for it is free, and its bytes are counted until they were written. What was not
    /// reserved must find room at once where it `may_be_refused`.
    ///
    /// # Errors
    /// It finds none.
    pub(crate) fn made(self, reply: Bytes, may_be_refused: bool) -> Result<Bytes, Error> {
        let length = reply.len();
        let before = mem::take(&mut *self.held());
        let mut state = self.memory.state();
        state.bytes -= before.counted;
        if let Some(number) = before.number {
            state.in_progress.remove(&number);
        }
        let is_counted = length >= COUNTED_REPLY_BYTES_MIN;
        let is_beyond = state.bytes > 0 && state.bytes.saturating_add(length) > self.memory.bytes_max;
        let is_refused = is_counted && is_beyond && may_be_refused && before.counted == 0;
        if is_counted && !is_refused {
            state.bytes += length;
            state.unwritten += length;
        }
        drop(state);
        self.memory.freed.notify_waiters();
        if is_refused {
            return Err(self.memory.refused());
        }
        if !is_counted {
            return Ok(reply);
        }
        *self.held() = Held { bytes: length, counted: length, number: None, is_made: true };
        Ok(Bytes::from_owner(Unwritten { reply, _reservation: self }))
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let held = mem::take(&mut *self.held());
        if held.counted == 0 && held.number.is_none() {
            return;
        }
        let mut state = self.memory.state();
        state.bytes -= held.counted;
        if held.is_made {
            state.unwritten -= held.counted;
        }
        if let Some(number) = held.number {
            state.in_progress.remove(&number);
        }
        drop(state);
        self.memory.freed.notify_waiters();
    }
}

/// An encoded reply that is counted until it is dropped.
struct Unwritten {
    reply: Bytes,
    _reservation: Reservation,
}

impl AsRef<[u8]> for Unwritten {
    fn as_ref(&self) -> &[u8] {
        &self.reply
    }
}

#[cfg(test)]
mod tests {
    use error::Code;
    use futures_util::FutureExt;

    use super::*;

    const MAX: usize = 8 * MIB;

    fn bytes(memory: &ReplyMemory) -> usize {
        memory.0.state().bytes
    }

    fn reply(length: usize) -> Bytes {
        vec![b' '; length].into()
    }

    #[tokio::test(start_paused = true)]
    async fn what_finds_no_room_waits_and_is_refused_then() {
        let memory = ReplyMemory::new(MAX);
        let (first, second) = (memory.reservation(), memory.reservation());
        first.add(MAX - MIB).await.unwrap();
        second.add(MIB).await.unwrap();
        let refused = second.add(MIB).await.unwrap_err();
        assert_eq!(refused.code(), Code::ServerBusy);
        assert!(refused.detail().contains("8 MiB"), "{refused}");
        assert_eq!(bytes(&memory), MAX, "what was refused is not counted");
        let (added, ()) = tokio::join!(second.add(MIB), async { first.give_back(MIB) });
        added.unwrap();
        drop((first, second));
        assert_eq!(bytes(&memory), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn short_calls_are_served_however_much_is_taken() {
        let memory = ReplyMemory::new(MAX);
        let long = memory.reservation();
        long.add(2 * MAX).await.unwrap();
        let short = memory.reservation();
        short.add(UNCOUNTED_BYTES_MAX).await.unwrap();
        assert!(short.add(1).await.is_err());
        let made = memory.reservation().made(reply(COUNTED_REPLY_BYTES_MIN - 1), true).unwrap();
        assert_eq!((made.len(), bytes(&memory)), (COUNTED_REPLY_BYTES_MIN - 1, 2 * MAX));
    }

    #[tokio::test(start_paused = true)]
    async fn replies_that_nobody_reads_leave_the_bound_standing() {
        let memory = ReplyMemory::new(MAX);
        let mut unread = Vec::new();
        for number in 0..20 {
            let one = memory.reservation();
            match one.add(MAX / 2).await {
                Ok(()) => unread.push(one.made(reply(MAX / 2), true).unwrap()),
                Err(refused) => assert_eq!((refused.code(), number >= 2), (Code::ServerBusy, true)),
            }
            assert!(bytes(&memory) <= MAX, "{number}");
        }
        assert_eq!(unread.len(), 2);
        // One that is larger than all the room is made alone.
        drop(unread);
        let large = memory.reservation();
        large.add(3 * MAX).await.unwrap();
        drop(large.made(reply(3 * MAX), true).unwrap());
        assert_eq!((bytes(&memory), memory.0.state().unwritten), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_hold_a_part_each_do_not_block_each_other() {
        let memory = ReplyMemory::new(MAX);
        let all: Vec<Reservation> = (0..8).map(|_| memory.reservation()).collect();
        for one in &all {
            one.add(MIB).await.unwrap();
        }
        // All want more, the last one first; each goes on once those before it are done.
        let done = Mutex::new(Vec::new());
        let grow = |number: usize, one: Reservation| {
            let done = &done;
            async move {
                one.add(MIB).await.unwrap();
                done.lock().unwrap().push(number);
            }
        };
        futures_util::future::join_all(
            all.into_iter().enumerate().rev().map(|(number, one)| grow(number, one)),
        )
        .await;
        assert_eq!(done.lock().unwrap()[0], 0, "who began first goes beyond the bound");
        assert_eq!(done.lock().unwrap().len(), 8);
        assert_eq!(bytes(&memory), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reply_counts_until_it_was_written() {
        let memory = ReplyMemory::new(MAX);
        let call = memory.reservation();
        call.add(MAX).await.unwrap();
        let made = call.made(reply(3 * MIB), true).unwrap();
        assert_eq!((made.len(), bytes(&memory)), (3 * MIB, 3 * MIB));
        let part = made.slice(..10);
        drop(made);
        assert_eq!(bytes(&memory), 3 * MIB, "a part of it is still there");
        drop(part);
        assert_eq!(bytes(&memory), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_nothing_was_reserved_for_must_find_room_unless_it_tells_what_was_done() {
        let memory = ReplyMemory::new(MAX);
        let held = memory.reservation().made(reply(MAX - MIB), true).unwrap();
        let made = |may_be_refused| memory.reservation().made(reply(2 * MIB), may_be_refused);
        assert_eq!(made(true).unwrap_err().code(), Code::ServerBusy);
        assert_eq!(bytes(&memory), MAX - MIB);
        let told = made(false).unwrap();
        assert_eq!(bytes(&memory), MAX + MIB);
        drop((held, told));
        assert!(memory.reservation().made(reply(2 * MAX), true).is_ok(), "as the only one it may be larger");
        assert_eq!(bytes(&memory), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_given_up_leaves_nothing() {
        let memory = ReplyMemory::new(MAX);
        let (first, second) = (memory.reservation(), memory.reservation());
        first.add(MAX).await.unwrap();
        assert!(second.add(MIB).now_or_never().is_none());
        drop(first);
        drop(second);
        let third = memory.reservation();
        third.add(2 * MAX).await.unwrap();
        drop(third);
        assert!(bytes(&memory) == 0 && memory.0.state().in_progress.is_empty());
    }
}
