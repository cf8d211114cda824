//! What waits to be written.

use std::collections::VecDeque;
use std::time::Duration;

use bus::{Event, Keeper, Position};
use bytes::Bytes;
use registry::{CallOutcome, Fence, Key};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::session::trade::Outcome;

/// Writes that may wait, in count and in bytes. A busy account makes some tens a second; when the registry is away for
/// longer, or the account is busier, the session begins anew from what was written last. One that is larger than all that
/// may wait, such as the first event of an account with thousands of positions, may wait beside: the session would begin with
/// the same one again.
const WAITING_MAX: usize = 4096;
const WAITING_BYTES: usize = 2 << 20;
/// Whole events that wait beside those in short, in bytes. One may always wait.
const WHOLE_BYTES: usize = 4 << 20;
/// After such a silence an event stands by itself, since the log may have forgotten those before.
const SILENCE: Duration = Duration::from_secs(3600);

/// Something to be written.
pub(super) enum Write {
    /// An event in short; the memo is that after it. It is also there as a whole, unless too much waits.
    Event { short: Bytes, whole: Option<Event>, memo: Bytes },
    /// The memo alone.
    Memo(Bytes),
    /// The outcome of a trade request; its caller is told afterwards.
    Settle { number: u32, outcome: Bytes, then: Option<(oneshot::Sender<Outcome>, Outcome)> },
    /// The outcome of a call whose caller is gone, under its key.
    SettleKey { key: Key, outcome: CallOutcome },
    /// A key under which a call is a new one from now on.
    FreeKey(Key),
    /// Login data after a login, sealed.
    Login(Bytes),
}

/// Puts events in short, each behind the one before.
#[derive(Default)]
pub(super) struct Shortener {
    keeper: Keeper,
    /// Under which fence, and when, the last event was put in short.
    kept: Option<(Fence, Instant)>,
}

/// What a write takes in bytes, and a whole event in it.
#[derive(Clone, Copy, Default)]
struct Cost {
    bytes: usize,
    whole: usize,
}

#[derive(Default)]
pub(super) struct Backlog {
    pub(super) waiting: VecDeque<Write>,
    /// What each of these takes.
    costs: VecDeque<Cost>,
    pub(super) is_writing: bool,
    pub(super) has_overflowed: bool,
    /// The place of the last event.
    pub(super) last: Position,
    /// What all of them take.
    all: Cost,
    /// Of this, the one that is larger than all that may wait beside it.
    large: usize,
}

impl Write {
    /// What it takes, but for a whole event.
    fn bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Event { short, memo, .. } => short.len() + memo.len(),
                Self::Memo(memo) => memo.len(),
                Self::Settle { outcome, then, .. } => {
                    outcome.len() + then.as_ref().map_or(0, |(_, outcome)| outcome.bytes())
                }
                Self::SettleKey { key, outcome } => key_bytes(key) + outcome.text.len(),
                Self::Login(sealed) => sealed.len(),
                Self::FreeKey(key) => key_bytes(key),
            }
    }

    fn whole(&self) -> Option<&Event> {
        match self {
            Self::Event { whole, .. } => whole.as_ref(),
            _ => None,
        }
    }
}

fn key_bytes(key: &Key) -> usize {
    key.name().len() + key.attempt().len()
}

impl Shortener {
    pub(super) fn short(&mut self, event: &Event, fence: Fence) -> Bytes {
        let now = Instant::now();
        let goes_on = |(under, at): (Fence, Instant)| under == fence && now.duration_since(at) < SILENCE;
        if !self.kept.is_some_and(goes_on) {
            self.keeper = Keeper::default();
        }
        self.kept = Some((fence, now));
        self.keeper.keep(event)
    }
}

impl Backlog {
    /// Adds a write. Gives it back if too much waits.
    pub(super) fn add(&mut self, write: Write) -> Option<Write> {
        let bytes = write.bytes();
        let is_large = bytes > WAITING_BYTES && self.large == 0;
        let beside = self.all.bytes - self.large + if is_large { 0 } else { bytes };
        if self.waiting.len() >= WAITING_MAX || beside > WAITING_BYTES {
            self.has_overflowed = true;
            return Some(write);
        }
        let whole = self.whole_bytes(&write);
        let is_much = self.all.whole > 0 && self.all.whole + whole > WHOLE_BYTES;
        let (write, whole) = match write {
            Write::Event { short, memo, .. } if is_much => (Write::Event { short, whole: None, memo }, 0),
            other => (other, whole),
        };
        if is_large {
            self.large = bytes;
        }
        self.all.bytes += bytes;
        self.all.whole += whole;
        self.waiting.push_back(write);
        self.costs.push_back(Cost { bytes, whole });
        None
    }

    /// What a whole event takes: of its list what the one that waits before it does not have. That of the first is the
    /// session's own.
    fn whole_bytes(&self, write: &Write) -> usize {
        let Some(event) = write.whole() else { return 0 };
        let before = self.waiting.iter().rev().find_map(Write::whole);
        event.bytes_beside(before.unwrap_or(event))
    }

    /// Takes the first ones out.
    pub(super) fn take(&mut self, count: usize) -> Vec<Write> {
        let count = count.min(self.waiting.len());
        for cost in self.costs.drain(..count) {
            self.all.bytes -= cost.bytes;
            // There is but one.
            if cost.bytes > WAITING_BYTES {
                self.large = 0;
            }
            self.all.whole -= cost.whole;
        }
        self.waiting.drain(..count).collect()
    }
}

/// Tells who waits for a write.
pub(super) fn tell(write: Write) {
    if let Write::Settle { then: Some((caller, outcome)), .. } = write {
        // The caller may have given up.
        let _ = caller.send(outcome);
    }
}

#[cfg(test)]
mod tests {
    use bus::{Frame, Topic};

    use super::*;

    fn event(list: usize) -> Event {
        let list = (0..list).map(|number| Bytes::from(number.to_string())).collect();
        Event { before: Bytes::from_static(b"{["), list, after: Bytes::from_static(b"]}") }
    }

    fn waits(short: Bytes, event: Event, memo: &Bytes) -> Write {
        Write::Event { short, whole: Some(event), memo: memo.clone() }
    }

    #[test]
    fn what_waits_is_bounded_in_bytes_and_freed() {
        let (mut backlog, mut shortener) = (Backlog::default(), Shortener::default());
        // First whole events are left out, then no more is taken.
        let mut memo = Bytes::from(vec![0; WAITING_BYTES / 64]);
        let (mut count, mut whole) = (0, 0);
        loop {
            let event = event(WHOLE_BYTES / size_of::<Bytes>() / 8);
            let short = shortener.short(&event, Fence(1));
            if backlog.add(waits(short, event, &memo)).is_some() {
                break;
            }
            count += 1;
            whole += usize::from(backlog.waiting.back().is_some_and(|write| write.whole().is_some()));
        }
        assert!((50..64).contains(&count) && (6..8).contains(&whole), "{count} {whole}");
        assert!(
            backlog.has_overflowed && backlog.all.bytes <= WAITING_BYTES && backlog.all.whole <= WHOLE_BYTES
        );
        assert_eq!(backlog.take(usize::MAX).len(), count);
        assert_eq!((backlog.all.bytes, backlog.all.whole, backlog.costs.len()), (0, 0, 0));
        memo.truncate(1);
        while backlog.add(Write::Memo(memo.clone())).is_none() {}
        assert_eq!(backlog.waiting.len(), WAITING_MAX);
    }

    #[test]
    fn each_write_takes_its_bytes() {
        let bytes = |length| Bytes::from(vec![b' '; length]);
        let event = Event { before: bytes(3), list: vec![bytes(100), bytes(200)], after: bytes(5) };
        let key = || Key::Chosen("key".into());
        let whole_bytes = 8 + 2 * size_of::<Bytes>();
        let rows = [
            (Write::Event { short: bytes(7), whole: Some(event), memo: bytes(11) }, 18),
            (Write::Event { short: bytes(7), whole: None, memo: bytes(11) }, 18),
            (Write::Memo(bytes(4)), 4),
            (Write::Settle { number: 1, outcome: bytes(5), then: None }, 5),
            (
                Write::SettleKey {
                    key: key(),
                    outcome: CallOutcome { text: bytes(6), is_known: true, number: None },
                },
                9,
            ),
            (Write::FreeKey(key()), 3),
            (Write::Login(bytes(9)), 9),
        ];
        let mut backlog = Backlog::default();
        for (write, expected) in rows {
            assert_eq!(write.bytes(), size_of::<Write>() + expected);
            assert!(backlog.add(write).is_none());
        }
        assert_eq!((backlog.all.bytes, backlog.all.whole), (7 * size_of::<Write>() + 66, whole_bytes));
        assert_eq!(backlog.take(1).len(), 1);
        assert_eq!((backlog.all.bytes, backlog.all.whole), (6 * size_of::<Write>() + 48, 0));
        assert_eq!(backlog.take(10).len(), 6);
        assert_eq!((backlog.all.bytes, backlog.all.whole), (0, 0));
    }

    #[test]
    fn there_is_room_to_the_last_byte() {
        let bytes = |length| Bytes::from(vec![b' '; length]);
        let mut backlog = Backlog::default();
        let room = WAITING_BYTES - 2 * size_of::<Write>();
        assert!(backlog.add(Write::Memo(bytes(room))).is_none() && !backlog.has_overflowed);
        assert!(backlog.add(Write::Memo(bytes(0))).is_none() && !backlog.has_overflowed);
        assert!(backlog.add(Write::Memo(bytes(0))).is_some() && backlog.has_overflowed);
        let mut backlog = Backlog::default();
        let mut is_whole = |length| {
            let whole = Some(Event { before: bytes(length), ..Event::default() });
            assert!(backlog.add(Write::Event { short: bytes(1), whole, memo: bytes(1) }).is_none());
            backlog.waiting.back().is_some_and(|write| write.whole().is_some())
        };
        assert!(is_whole(WHOLE_BYTES - 1) && !is_whole(2) && is_whole(1) && !is_whole(1));
    }

    #[test]
    fn one_that_is_larger_than_all_that_may_wait_waits_beside_it() {
        let bytes = |length| Bytes::from(vec![b' '; length]);
        let event = || Write::Event { short: bytes(2 * WAITING_BYTES), whole: None, memo: bytes(1) };
        let mut backlog = Backlog::default();
        for before in 0..2 {
            assert!(backlog.add(event()).is_none() && !backlog.has_overflowed, "with {before} before it");
            assert!(backlog.add(Write::Memo(bytes(WAITING_BYTES / 4))).is_none() && !backlog.has_overflowed);
            // The large one is written, and the next comes while others wait.
            assert_eq!(backlog.take(1 + before).len(), 1 + before);
        }
        assert!(backlog.add(event()).is_none() && backlog.add(event()).is_some(), "two are too much");
        assert!(backlog.has_overflowed);
        backlog.take(usize::MAX);
        assert_eq!((backlog.all.bytes, backlog.large), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_long_silence_an_event_stands_by_itself() {
        let mut shortener = Shortener::default();
        let mut is_whole = || {
            let short = shortener.short(&event(3), Fence(1));
            Frame::new(Topic::OrderUpdate, None, short).is_whole()
        };
        assert!(is_whole() && !is_whole());
        tokio::time::advance(SILENCE - Duration::from_secs(1)).await;
        assert!(!is_whole());
        tokio::time::advance(SILENCE).await;
        assert!(is_whole() && !is_whole());
    }

    #[test]
    fn of_whole_events_counts_what_they_do_not_share() {
        let (mut backlog, memo) = (Backlog::default(), Bytes::new());
        let mut last = Event { list: vec![Bytes::from(vec![b'x'; WHOLE_BYTES / 8]); 64], ..event(0) };
        let mut whole = Vec::new();
        for number in 0..12 {
            // One entry of many is new.
            last.list[number] = Bytes::from(vec![b'a' + u8::try_from(number).unwrap(); WHOLE_BYTES / 8]);
            backlog.add(waits(Bytes::new(), last.clone(), &memo));
            whole.push(backlog.waiting.back().is_some_and(|write| write.whole().is_some()));
        }
        let kept = whole.iter().take_while(|is_whole| **is_whole).count();
        assert!((7..=9).contains(&kept) && whole[kept..].iter().all(|is_whole| !is_whole), "{whole:?}");
    }

    #[test]
    fn outcomes_and_names_of_keys_count() {
        let name = "n".repeat(WAITING_BYTES / 16);
        let (mut backlog, mut count) = (Backlog::default(), 0);
        while backlog.add(Write::FreeKey(Key::Chosen(name.clone()))).is_none() {
            count += 1;
        }
        assert!((14..=16).contains(&count), "{count} names");
        let (mut backlog, mut count) = (Backlog::default(), 0);
        loop {
            let order = crate::translate::pending(&wire::records::Order::default(), <_>::default());
            let order = calls::reply::Order { comment: name.clone(), ..order };
            let then = Some((oneshot::channel().0, Outcome::Done(Box::new(order))));
            if backlog.add(Write::Settle { number: 1, outcome: Bytes::new(), then }).is_some() {
                break;
            }
            count += 1;
        }
        assert!((14..=16).contains(&count), "{count} outcomes");
    }

    #[test]
    fn an_event_stands_by_itself_under_each_fence() {
        let mut shortener = Shortener::default();
        let frame = |short: Bytes| Frame::new(Topic::OrderUpdate, None, short);
        for (fence, is_whole) in [(1, true), (1, false), (2, true), (2, false), (1, true)] {
            let short = shortener.short(&event(3), Fence(fence));
            assert_eq!(frame(short).is_whole(), is_whole, "{fence}");
        }
    }
}
