//! What the engine has to tell.

use model::{Money, Price, Retcode, Volume};

use super::{Deal, DealTicket, Login, Order, Position, Ticket};

/// Something that came of a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// An order appeared in a list, changed there or left it.
    Order {
        /// Whose it is.
        login: Login,
        /// Which list.
        list: List,
        /// What happened to it there.
        change: Change,
        /// The order after that.
        order: Box<Order>,
    },
    /// Deals were made, or a position changed without one.
    Deal {
        /// Whose they are.
        login: Login,
        /// Added for deals, updated for a position alone.
        change: Change,
        /// The deals and what they left.
        report: Box<DealReport>,
    },
    /// The answer to a request.
    Verdict {
        /// Who asked.
        login: Login,
        /// The request's tag.
        tag: u64,
        /// The answer.
        verdict: Verdict,
    },
    /// A day has begun, and what was earned on the one before is no longer the day's.
    NewDay {
        /// Whose.
        login: Login,
        /// Its money.
        funds: Funds,
    },
    /// The margin level fell below the margin-call level.
    MarginCall {
        /// Whose.
        login: Login,
    },
}

/// The two lists that orders live in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// Working orders.
    Open,
    /// Orders that ended.
    History,
}

/// What happened to an entry of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Added,
    /// It is another than before.
    Updated,
    /// It left.
    Deleted,
}

/// A deal with the position it left.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DealReport {
    /// The deal; none if only the position changed.
    pub deal: Option<Deal>,
    /// The position after it, with no volume if it is closed; none for movements of money.
    pub position: Option<Position>,
    /// The other deal and position of a close-by.
    pub other: Option<(Deal, Position)>,
    /// What the account has after it.
    pub funds: Funds,
}

/// What an account has, apart from its positions; account currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Funds {
    /// Balance.
    pub balance: Money,
    /// Credit.
    pub credit: Money,
    /// Profit realised today.
    pub day_profit: Money,
}

/// The final answer to a trade request.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The return code.
    pub retcode: Retcode,
    /// The deal that was made.
    pub deal: Option<DealTicket>,
    /// The order that was made or changed.
    pub order: Option<Ticket>,
    /// Executed volume.
    pub volume: Volume,
    /// Price of execution.
    pub price: Price,
    /// Current or requoted bid, zero while unknown.
    pub bid: Price,
    /// Current or requoted ask, zero while unknown.
    pub ask: Price,
    /// Price of the last trade on an exchange, else zero.
    pub last: Price,
    /// The server's remark.
    pub comment: String,
}

impl Verdict {
    /// A bare return code.
    #[must_use]
    pub fn of(retcode: Retcode) -> Self {
        Self {
            retcode,
            deal: None,
            order: None,
            volume: Volume::ZERO,
            price: Price::ZERO,
            bid: Price::ZERO,
            ask: Price::ZERO,
            last: Price::ZERO,
            comment: String::new(),
        }
    }
}
