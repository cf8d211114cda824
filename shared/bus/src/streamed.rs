//! Long replies that are forwarded while they come, so that nobody on their way holds all of one.

use std::fmt;
use std::pin::Pin;

use bytes::Bytes;
use calls::Payload;
use futures_util::Stream;

/// A reply, whole or on its way.
#[derive(Debug)]
pub enum Body {
    /// All of it.
    Whole(Payload),
    /// A long one that is still coming.
    Streamed(Streamed),
}

impl Body {
    /// How many bytes it has in all.
    #[must_use]
    pub fn size(&self) -> u64 {
        match self {
            Self::Whole(payload) => payload.size() as u64,
            Self::Streamed(streamed) => streamed.length,
        }
    }
}

/// A JSON document that comes in pieces, as fast as they are taken. After an error nothing more comes, and what came is
/// worth nothing.
pub struct Streamed {
    /// The bytes of all pieces together.
    pub length: u64,
    /// The pieces, in order.
    pub pieces: Pin<Box<dyn Stream<Item = Result<Bytes, Interrupted>> + Send>>,
}

impl fmt::Debug for Streamed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Streamed").field("length", &self.length).finish_non_exhaustive()
    }
}

/// A reply broke off before its end; the cause is for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a reply broke off: {0}")]
pub struct Interrupted(pub String);
