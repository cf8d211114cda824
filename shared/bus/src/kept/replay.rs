//! Kept events on their way to who comes back.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::vec;

use error::Error;

use super::{Reader, Unreadable};
use crate::frame::{Frame, Position};

/// The whole texts of what one reader may miss, in bytes. Who has missed more looks at the present state.
pub const REPLAY_BYTES_MAX: usize = 256 << 20;
/// What all replays of a process hold at once, in bytes.
pub const REPLAYS_BYTES_MAX: usize = 128 << 20;

/// What those of this process hold.
static PROCESS: Bounds = Bounds::new(REPLAY_BYTES_MAX, REPLAYS_BYTES_MAX);

/// What replays hold at once, and how much they may.
#[derive(Debug)]
struct Bounds {
    held: AtomicUsize,
    each_max: usize,
    all_max: usize,
}

/// Kept events of a log, which become whole one by one, when they are taken.
#[derive(Debug)]
pub struct Replay {
    reader: Reader,
    frames: vec::IntoIter<Frame>,
    after: Position,
    /// Counted until it is over.
    _held: Held,
}

/// Why events of a log cannot be replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoReplay {
    /// Some cannot be read, or were left out.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// Their whole texts are more than [`REPLAY_BYTES_MAX`].
    #[error("the events that were missed have more than {REPLAY_BYTES_MAX} bytes")]
    TooLong,
    /// The replays of this process hold too much already.
    #[error("replays hold {REPLAYS_BYTES_MAX} bytes already")]
    Busy,
}

impl From<NoReplay> for Error {
    fn from(cause: NoReplay) -> Self {
        Self::busy("Too many streams that have come back are reading what they missed. Try again.")
            .because(cause)
    }
}

/// What one holds, in bytes, as long as it lives.
#[derive(Debug)]
struct Held {
    bounds: &'static Bounds,
    bytes: usize,
}

impl Bounds {
    const fn new(each_max: usize, all_max: usize) -> Self {
        Self { held: AtomicUsize::new(0), each_max, all_max }
    }

    fn take(&'static self, bytes: usize) -> Option<Held> {
        // The first one finds room, however long it is.
        let fits = |held: usize| (held == 0 || held + bytes <= self.all_max).then_some(held + bytes);
        self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).ok()?;
        Some(Held { bounds: self, bytes })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.bounds.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Replay {
    /// Of what a log has, perhaps in short: what comes after a place, and before it what that builds on.
    ///
    /// # Errors
    /// [`NoReplay`]; only when it is busy a later attempt may succeed.
    pub fn of(frames: Vec<Frame>, after: Position) -> Result<Self, NoReplay> {
        Self::within(&PROCESS, frames, after)
    }

    fn within(bounds: &'static Bounds, frames: Vec<Frame>, after: Position) -> Result<Self, NoReplay> {
        let (mut reader, mut longest, mut all) = (Reader::default(), 0, 0);
        let mut short = 0;
        for frame in &frames {
            short += frame.text.len();
            let bytes = reader.read(&frame.text)?.text_bytes();
            longest = longest.max(bytes);
            if frame.at > after {
                all += bytes;
            }
            if all > bounds.each_max {
                return Err(NoReplay::TooLong);
            }
        }
        drop(reader);
        // The events in short, the list of the last one, and the text that is being written.
        let held = bounds.take(short + 2 * longest).ok_or(NoReplay::Busy)?;
        Ok(Self { reader: Reader::default(), frames: frames.into_iter(), after, _held: held })
    }

    /// None.
    pub fn none() -> Self {
        let (frames, after) = (Vec::new().into_iter(), Position::default());
        Self { reader: Reader::default(), frames, after, _held: Held { bounds: &PROCESS, bytes: 0 } }
    }
}

impl Iterator for Replay {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        for frame in self.frames.by_ref() {
            // It was read before, and is read in the same order.
            let event = self.reader.read(&frame.text).ok()?;
            if frame.at > self.after {
                return Some(Frame { text: event.text(), ..frame });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::{Event, Keeper};
    use super::*;
    use crate::frame::Topic;

    /// So many events of a little more than so many bytes, which in short are small.
    fn log(count: u64, bytes: usize) -> Vec<Frame> {
        let mut keeper = Keeper::default();
        let list = vec![Bytes::from(vec![b'x'; bytes])];
        let each = (1..=count).map(|offset| {
            let before = Bytes::from(offset.to_string());
            let event = Event { before, list: list.clone(), ..Event::default() };
            let frame = Frame::new(Topic::OrderUpdate, None, keeper.keep(&event));
            frame.at(Position { epoch: 1, offset })
        });
        each.collect()
    }

    #[test]
    fn replays_are_bounded_in_bytes_each_and_together() {
        static BOUNDS: Bounds = Bounds::new(1 << 20, 256 << 10);
        let place = |offset| Position { epoch: 1, offset };
        let frames = log(17, 64 << 10);
        let whole = Replay::within(&BOUNDS, frames.clone(), place(0));
        assert_eq!(whole.unwrap_err(), NoReplay::TooLong);
        let mut replays = Vec::new();
        let full = loop {
            match Replay::within(&BOUNDS, frames.clone(), place(15)) {
                Ok(replay) => replays.push(replay),
                Err(why) => break why,
            }
        };
        assert_eq!((full, replays.len()), (NoReplay::Busy, 1), "each has a list and a text");
        assert_eq!(replays[0].by_ref().count(), 2);
        assert!(Replay::within(&BOUNDS, frames.clone(), place(15)).is_err());
        replays.clear();
        assert!(Replay::within(&BOUNDS, frames, place(15)).is_ok(), "what is over holds nothing");
    }
}
