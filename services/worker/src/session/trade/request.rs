//! A trade request: what it is for, who waits for it, and how far it is.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use calls::reply;
use error::Error;
use registry::Key;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::time::Instant;
use wire::records::{TradeRequest, TradeResult};

/// What a request is for: says where its outcome shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Intent {
    /// Ask for a price.
    Prices,
    /// Open a position.
    Open,
    /// Place a pending order.
    Place,
    /// Change the stops of a position.
    Stops(i64),
    /// Change a pending order.
    Modify(i64),
    /// Close a position or a part of it.
    Close(i64),
    /// Close a position, or a part of it, by an opposite one.
    CloseBy(i64),
    /// Remove a pending order.
    Remove(i64),
}

/// What came of a request.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// Done; the order it made or changed.
    Done(Box<reply::Order>),
    /// The answer to [`Intent::Prices`].
    Prices {
        /// Offered bid.
        bid: f64,
        /// Offered ask.
        ask: f64,
    },
    /// The server refused: nothing happened.
    Refused(Error),
    /// It was never sent.
    NotSent(Error),
    /// Nobody knows. The number finds it again.
    Unknown(u32),
    /// It left no trace on the server, as far as can be seen.
    Absent(u32),
}

impl Outcome {
    /// What it takes, in bytes.
    pub(in crate::session) fn bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Done(order) => order_bytes(order),
                Self::Refused(error) | Self::NotSent(error) => {
                    error.detail().len() + error.cause().map_or(0, str::len)
                }
                Self::Prices { .. } | Self::Unknown(_) | Self::Absent(_) => 0,
            }
    }

    /// Whether nobody knows what came of it.
    pub(crate) const fn is_open(&self) -> bool {
        matches!(self, Self::Unknown(_) | Self::Absent(_))
    }
}

fn order_bytes(order: &reply::Order) -> usize {
    let deals = order.deal_internal_in.iter().chain(&order.deal_internal_out).map(AsRef::as_ref);
    let deals = deals.chain(&order.partial_close_deals).chain(&order.partial_fill_deals);
    let deals = deals.map(|deal| size_of_val(deal) + deal.id.len() + deal.symbol.len() + deal.comment.len());
    let record = order.order_internal.as_deref().map_or(0, |record| {
        size_of_val(record) + record.id.len() + record.symbol.len() + record.comment.len()
    });
    let texts = order.symbol.len() + order.comment.len() + order.close_comment.len();
    size_of_val(order) + texts + deals.sum::<usize>() + record
}

/// A request to be sent.
#[derive(Debug)]
pub(crate) struct Job {
    /// The request; its `action_id` is filled in.
    pub(crate) request: TradeRequest,
    /// What it is for.
    pub(crate) intent: Intent,
    /// Magic number, 0 for none.
    pub(crate) magic: i64,
    /// Who waits.
    pub(crate) reply: oneshot::Sender<Outcome>,
    /// Set to its number once it is begun.
    pub(crate) number: Arc<AtomicU32>,
    /// The call it is part of.
    pub(crate) call: CallName,
}

/// How the call of a request is found again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CallName {
    /// Under what it is remembered.
    pub(crate) key: Option<Key>,
    /// Stands for the call and its parameters.
    pub(crate) fingerprint: String,
}

/// A request that was sent.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(in crate::session) request: TradeRequest,
    pub(in crate::session) intent: Intent,
    pub(in crate::session) magic: i64,
    /// Under what its call is remembered.
    pub(in crate::session) key: Option<Key>,
    pub(in crate::session) reply: Option<oneshot::Sender<Outcome>>,
    pub(in crate::session) stage: Stage,
    pub(in crate::session) begun: Instant,
    /// When it was begun, milliseconds since 1970 UTC; 0: not known.
    pub(in crate::session) sent_ms: i64,
    /// The link that it was sent on is gone: what it has not done by now, it will not do.
    pub(in crate::session) is_cut: bool,
    /// Largest tickets known when it was sent: what it made is larger.
    pub(in crate::session) after_order: i64,
    pub(in crate::session) after_deal: i64,
    /// The order that is its work, 0 as long as none is known.
    pub(in crate::session) order: i64,
}

#[derive(Debug)]
pub(crate) enum Stage {
    /// It is being written into the journal; it has not been sent.
    Recording,
    /// The verdict is awaited.
    Verdict { until: Instant },
    /// Done, and its records are awaited.
    Settling { result: Box<TradeResult>, until: Instant, looks: u32 },
    /// Nobody knows; it is looked for.
    Unsure { looks: u32, next: Instant },
}
