//! What calls ask of a session's actor.

use std::time::Duration;

use bytes::Bytes;
use error::Error;
use registry::Fence;
use tokio::sync::oneshot;
use wire::Command;

use super::guarding::Guarding;
use super::memo::Memo;
use super::note::Inherited;
use super::state::State;
use super::trade::{Job, Outcome};

/// What must let a trade request through that would do more than reduce what the account holds.
#[derive(Debug, Default)]
pub(crate) struct TradeLimits {
    /// With what it is refused; `None`: it may be sent.
    pub(crate) reduce_only: Option<Error>,
    /// Guards that it must keep.
    pub(crate) guarding: Option<Guarding>,
}

/// A message to the actor. The mailbox is bounded, and each message is answered, if only with an error.
pub(crate) enum Mail {
    /// Runs on the state, between two events.
    Visit(Box<dyn FnOnce(&mut State) + Send>),
    /// A request to the trade server.
    Request {
        /// Its command.
        command: Command,
        /// Its payload.
        payload: Vec<u8>,
        /// The body of the answer.
        reply: oneshot::Sender<Result<Vec<u8>, Error>>,
    },
    /// A trade request.
    Trade {
        /// Boxed: a mailbox keeps room for dozens of mails, of the size of the largest.
        job: Box<Job>,
        /// What must let it through if it would do more than reduce.
        limits: Box<TradeLimits>,
    },
    /// A trade request stands in the journal, or cannot be written there and must not be sent.
    Recorded {
        /// Its number.
        action_id: u32,
        /// Whether it stands there.
        written: Result<(), Error>,
    },
    /// The session was given to this process, by an owner who stood there: takes over, and answers once it is up to date.
    Activate {
        /// What the last owner left.
        memo: Box<Memo>,
        /// What it had sent.
        inherited: Inherited,
        /// Under which the session acts from now on.
        fence: Fence,
        /// Done.
        reply: oneshot::Sender<()>,
    },
    /// What the next owner would need now, as soon as nothing is under way; dropped if that takes too long.
    Leave {
        /// The memo.
        reply: oneshot::Sender<Memo>,
    },
    /// The sealed login data and the memo as they are now.
    Copy {
        /// Both.
        reply: oneshot::Sender<(Bytes, Bytes)>,
    },
    /// What became of an earlier trade request: looks again if it is not known.
    Lookup {
        /// Its number.
        action_id: u32,
        /// The outcome.
        reply: oneshot::Sender<Option<Outcome>>,
    },
    /// Somebody has begun to listen to a stream.
    Listener,
    /// A lost link should be restored now, not after a pause.
    Hurry,
    /// The password was changed, or proved to be another one.
    Password(String),
    /// Sets the pace of profit events; `None` ends them.
    ProfitPace(Option<Duration>),
}
