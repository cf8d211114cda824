//! What the hub knows of a connection.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::bars_desk::BarsJob;
use super::outbox::Outbox;
use crate::accounts::Access;
use crate::catalogue::SymbolId;

/// A connection's number, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ClientId(pub(super) u64);

/// A connection with what was agreed on it.
pub(super) struct Client {
    pub(super) outbox: Arc<Outbox>,
    pub(super) access: Option<Access>,
    pub(super) is_visitor: bool,
    pub(super) ticks: BTreeSet<SymbolId>,
    pub(super) books: BTreeSet<SymbolId>,
    /// Subscribed just now: a first price, or book, is still owed.
    pub(super) fresh_ticks: Vec<SymbolId>,
    pub(super) fresh_books: Vec<SymbolId>,
    /// Where its requests for bars wait their turn, once it has made one.
    pub(super) bars: Option<mpsc::Sender<BarsJob>>,
}

impl Client {
    pub(super) fn new(outbox: Arc<Outbox>) -> Self {
        Self {
            outbox,
            access: None,
            is_visitor: false,
            ticks: BTreeSet::new(),
            books: BTreeSet::new(),
            fresh_ticks: Vec::new(),
            fresh_books: Vec::new(),
            bars: None,
        }
    }
}
