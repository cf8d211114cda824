use std::vec;

use super::{Reader, Unreadable};
use crate::frame::{Frame, Position};

/// Kept events of a log, which become whole one by one, when they are taken.
#[derive(Debug)]
pub struct Replay {
    reader: Reader,
    frames: vec::IntoIter<Frame>,
    after: Position,
}

impl Replay {
    /// Of what a log has, perhaps in short: what comes after a place, and before it what that builds on.
    ///
    /// # Errors
    /// [`Unreadable`] if any of it is.
    pub fn of(frames: Vec<Frame>, after: Position) -> Result<Self, Unreadable> {
        let mut reader = Reader::default();
        frames.iter().try_for_each(|frame| reader.read(&frame.text).map(drop))?;
        Ok(Self { reader: Reader::default(), frames: frames.into_iter(), after })
    }

    /// None.
    pub fn none() -> Self {
        Self { reader: Reader::default(), frames: Vec::new().into_iter(), after: Position::default() }
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
