//! Words that all parts share.

use std::fmt;
use std::sync::Arc;

/// One life of a worker process: a new one after each start, and after each lease that ran out.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkerId(pub Arc<str>);

impl WorkerId {
    /// An id from text.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WorkerId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// An account of a tenant at a server, as one text. Sessions of an account are found by it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccountName(pub Arc<str>);

impl AccountName {
    /// A name from text.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Proves ownership of a session: grows with every change of owner and outlives the session. The first one of a record is
/// the registry's clock in milliseconds since 1970, so that it also grows when everything was forgotten meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(pub u64);

impl fmt::Display for Fence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)
    }
}

/// What begins a memo that is added to the one that is there; any other one stands in its place. So begin changes that
/// [`bus::Keeper`] writes.
const MEMO_ADDS: u8 = 2;

/// Whether a memo is added to the one that is there, and does not replace it.
pub fn adds_to_memo(memo: &[u8]) -> bool {
    memo.first() == Some(&MEMO_ADDS)
}

/// What became of a write that carries a fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Written {
    /// It was done.
    Yes,
    /// The session has another owner by now, or is gone: nothing was written.
    Stale,
}

/// The registry cannot be reached, or answers nonsense. Nothing is known of what became of the operation.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the registry does not answer: {0}")]
pub struct RegistryError(pub String);
