//! What waits to be written.

use std::collections::VecDeque;
use std::time::Duration;

use bus::{Event, Keeper, Position};
use bytes::Bytes;
use registry::{Fence, Key};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::session::trade::Outcome;

/// Writes that may wait, in count and in bytes. A busy account makes some tens a second; when the registry is away for
/// longer, or the account is busier, the session begins anew from what was written last.
const WAITING_MAX: usize = 4096;
const WAITING_BYTES: usize = 2 << 20;
/// Whole events that wait beside those in short, in bytes, and what each entry of their lists takes.
const WHOLE_BYTES: usize = 4 << 20;
const ENTRY_BYTES: usize = size_of::<Bytes>();
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
    SettleKey { key: Key, outcome: Bytes },
    /// A key under which a call is a new one from now on.
    FreeKey(Key),
    /// Login data after a login, sealed.
    Login(Bytes),
}

#[derive(Default)]
pub(super) struct Backlog {
    pub(super) waiting: VecDeque<Write>,
    pub(super) is_writing: bool,
    pub(super) has_overflowed: bool,
    /// The place of the last event.
    pub(super) last: Position,
    keeper: Keeper,
    /// Under which fence, and when, the last event was put in short.
    kept: Option<(Fence, Instant)>,
    /// What waits, in bytes, and whole events among it.
    bytes: usize,
    whole_bytes: usize,
}

impl Write {
    /// What it takes, and how much of that is a whole event.
    fn bytes(&self) -> (usize, usize) {
        match self {
            Self::Event { short, whole, memo } => {
                let whole = whole.as_ref().map_or(0, |event| {
                    event.before.len() + event.after.len() + ENTRY_BYTES * event.list.len()
                });
                (short.len() + memo.len(), whole)
            }
            Self::Memo(memo) => (memo.len(), 0),
            Self::Settle { outcome, .. } | Self::SettleKey { outcome, .. } => (outcome.len(), 0),
            Self::Login(sealed) => (sealed.len(), 0),
            Self::FreeKey(_) => (0, 0),
        }
    }
}

impl Backlog {
    /// Puts an event in short.
    pub(super) fn short(&mut self, event: &Event, fence: Fence) -> Bytes {
        let now = Instant::now();
        let goes_on = |(under, at): (Fence, Instant)| under == fence && now.duration_since(at) < SILENCE;
        if !self.kept.is_some_and(goes_on) {
            self.keeper = Keeper::default();
        }
        self.kept = Some((fence, now));
        self.keeper.keep(event)
    }

    /// Adds a write. Gives it back if too much waits.
    pub(super) fn add(&mut self, write: Write) -> Option<Write> {
        let (bytes, whole_bytes) = write.bytes();
        if self.waiting.len() >= WAITING_MAX || self.bytes + bytes > WAITING_BYTES {
            self.has_overflowed = true;
            return Some(write);
        }
        let write = match write {
            Write::Event { short, memo, .. } if self.whole_bytes + whole_bytes > WHOLE_BYTES => {
                Write::Event { short, whole: None, memo }
            }
            other => other,
        };
        self.bytes += bytes;
        self.whole_bytes += write.bytes().1;
        self.waiting.push_back(write);
        None
    }

    /// Takes the first ones out.
    pub(super) fn take(&mut self, count: usize) -> Vec<Write> {
        let taken: Vec<Write> = self.waiting.drain(..count.min(self.waiting.len())).collect();
        for (bytes, whole_bytes) in taken.iter().map(Write::bytes) {
            self.bytes -= bytes;
            self.whole_bytes -= whole_bytes;
        }
        taken
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

    #[test]
    fn what_waits_is_bounded_in_bytes_and_freed() {
        let mut backlog = Backlog::default();
        // First whole events are left out, then no more is taken.
        let mut memo = Bytes::from(vec![0; WAITING_BYTES / 64]);
        let (mut count, mut whole) = (0, 0);
        loop {
            let event = event(WHOLE_BYTES / ENTRY_BYTES / 8);
            let short = backlog.short(&event, Fence(1));
            if backlog.add(Write::Event { short, whole: Some(event), memo: memo.clone() }).is_some() {
                break;
            }
            count += 1;
            whole += usize::from(matches!(backlog.waiting.back(), Some(Write::Event { whole: Some(_), .. })));
        }
        assert!((50..64).contains(&count) && (6..8).contains(&whole), "{count} {whole}");
        assert!(
            backlog.has_overflowed && backlog.bytes <= WAITING_BYTES && backlog.whole_bytes <= WHOLE_BYTES
        );
        assert_eq!(backlog.take(usize::MAX).len(), count);
        assert_eq!((backlog.bytes, backlog.whole_bytes), (0, 0));
        memo.truncate(1);
        while backlog.add(Write::Memo(memo.clone())).is_none() {}
        assert_eq!(backlog.waiting.len(), WAITING_MAX);
    }

    #[test]
    fn each_write_takes_its_bytes() {
        let bytes = |length| Bytes::from(vec![b' '; length]);
        let event = Event { before: bytes(3), list: vec![bytes(100), bytes(200)], after: bytes(5) };
        let key = || Key::Chosen("key".into());
        let rows = [
            (
                Write::Event { short: bytes(7), whole: Some(event), memo: bytes(11) },
                (18, 8 + 2 * ENTRY_BYTES),
            ),
            (Write::Event { short: bytes(7), whole: None, memo: bytes(11) }, (18, 0)),
            (Write::Memo(bytes(4)), (4, 0)),
            (Write::Settle { number: 1, outcome: bytes(5), then: None }, (5, 0)),
            (Write::SettleKey { key: key(), outcome: bytes(6) }, (6, 0)),
            (Write::FreeKey(key()), (0, 0)),
            (Write::Login(bytes(9)), (9, 0)),
        ];
        let mut backlog = Backlog::default();
        for (write, expected) in rows {
            assert_eq!(write.bytes(), expected);
            assert!(backlog.add(write).is_none());
        }
        assert_eq!((backlog.bytes, backlog.whole_bytes), (60, 8 + 2 * ENTRY_BYTES));
        assert_eq!(backlog.take(1).len(), 1);
        assert_eq!((backlog.bytes, backlog.whole_bytes), (42, 0));
        assert_eq!(backlog.take(10).len(), 6);
        assert_eq!((backlog.bytes, backlog.whole_bytes), (0, 0));
    }

    #[test]
    fn there_is_room_to_the_last_byte() {
        let bytes = |length| Bytes::from(vec![b' '; length]);
        let mut backlog = Backlog::default();
        assert!(backlog.add(Write::Memo(bytes(WAITING_BYTES))).is_none() && !backlog.has_overflowed);
        assert!(backlog.add(Write::Memo(bytes(0))).is_none() && !backlog.has_overflowed);
        assert!(backlog.add(Write::Memo(bytes(1))).is_some() && backlog.has_overflowed);
        let mut backlog = Backlog::default();
        let mut is_whole = |length| {
            let whole = Some(Event { before: bytes(length), ..Event::default() });
            assert!(backlog.add(Write::Event { short: bytes(1), whole, memo: bytes(1) }).is_none());
            matches!(backlog.waiting.back(), Some(Write::Event { whole: Some(_), .. }))
        };
        assert!(is_whole(WHOLE_BYTES - 1) && !is_whole(2) && is_whole(1) && !is_whole(1));
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_long_silence_an_event_stands_by_itself() {
        let mut backlog = Backlog::default();
        let mut is_whole = || {
            let short = backlog.short(&event(3), Fence(1));
            Frame::new(Topic::OrderUpdate, None, short).is_whole()
        };
        assert!(is_whole() && !is_whole());
        tokio::time::advance(SILENCE - Duration::from_secs(1)).await;
        assert!(!is_whole());
        tokio::time::advance(SILENCE).await;
        assert!(is_whole() && !is_whole());
    }

    #[test]
    fn an_event_stands_by_itself_under_each_fence() {
        let mut backlog = Backlog::default();
        let frame = |short: Bytes| Frame::new(Topic::OrderUpdate, None, short);
        for (fence, is_whole) in [(1, true), (1, false), (2, true), (2, false), (1, true)] {
            let short = backlog.short(&event(3), Fence(fence));
            assert_eq!(frame(short).is_whole(), is_whole, "{fence}");
        }
    }
}
