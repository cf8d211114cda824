//! Events: those that must not be lost are kept in a log for those who come back; all go to whoever listens now.

use std::time::Duration;

use async_trait::async_trait;
use bus::{Frame, NoReplay, Position, Replay};
use bytes::Bytes;
use runtime::Seldom;

use crate::{Fence, RegistryError, Written};

/// Of logs that cannot be read not each is worth a line: whoever comes back to one finds it so.
static UNREADABLE: Seldom = Seldom::new(Duration::from_secs(60));

/// What was told since a position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Since {
    /// Events between the position and the first of these are not kept any more.
    pub is_cut: bool,
    /// What the first of these builds on, from an event on that is whole.
    pub base: Vec<Frame>,
    /// What is kept of them, in order.
    pub events: Vec<Frame>,
    /// The place of the last event of the log, whether it is among these or not.
    pub end: Position,
}

impl Since {
    /// What is kept, for a reader who stood there, and whether some of it is not. What cannot be read, or is too long, is
    /// as good as not kept.
    ///
    /// # Errors
    /// [`NoReplay::Busy`]: the reader may come again.
    pub fn replay(self, after: Position) -> Result<(Replay, bool), NoReplay> {
        let mut frames = self.base;
        frames.extend(self.events);
        match Replay::of(frames, after) {
            Ok(replay) => Ok((replay, self.is_cut)),
            Err(NoReplay::Busy) => Err(NoReplay::Busy),
            Err(failure) => {
                if UNREADABLE.is_due() {
                    tracing::error!(%failure, %after, "a log cannot be replayed; others are not reported for a minute");
                }
                Ok((Replay::none(), true))
            }
        }
    }
}

/// Something that came by subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Something that a session tells, kept or not.
    Frame {
        /// Of which session.
        token: String,
        /// What it tells.
        frame: Frame,
    },
    /// The session has ended, or another owner has it: look.
    Changed {
        /// Which session.
        token: String,
    },
    /// The connection was lost and is back: what was told meanwhile was not heard, but is in the log.
    Gap,
}

/// Subscriptions of one process, over one connection. Dropping it ends them.
#[async_trait]
pub trait Ear: Send {
    /// Begins to listen to a session; done when everything told from now on will be heard.
    async fn open(&mut self, token: &str) -> Result<(), RegistryError>;

    /// Stops listening to a session.
    async fn close(&mut self, token: &str) -> Result<(), RegistryError>;

    /// The next thing heard. Safe to cancel. Restores a lost connection by itself (with pauses), and says so.
    async fn next(&mut self) -> Heard;
}

/// See the module.
#[async_trait]
pub trait Events: Send + Sync {
    /// Appends events to the log in order, tells them to listeners, and replaces the memo or adds to it, all at once. Positions that are
    /// not above the log's end are refused as stale. The log keeps the last 640 events or 80 KiB of them, for a day.
    ///
    /// Events may be in short ([`bus::Keeper`]): one that builds on the one before it is kept only behind that one.
    async fn append(
        &self,
        token: &str,
        fence: Fence,
        events: &[Frame],
        memo: &Bytes,
    ) -> Result<Written, RegistryError>;

    /// What was told after a position, at most what is kept.
    async fn since(&self, token: &str, after: Position) -> Result<Since, RegistryError>;

    /// Tells something that is not kept. Not checked against the owner: listeners drop frames of earlier epochs.
    async fn tell(&self, token: &str, frame: &Frame) -> Result<(), RegistryError>;

    /// Tells that a session has ended or moved.
    async fn tell_changed(&self, token: &str) -> Result<(), RegistryError>;

    /// An ear of one's own.
    async fn listen(&self) -> Result<Box<dyn Ear>, RegistryError>;
}
