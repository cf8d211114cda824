//! What the engine can be told.

use std::sync::Arc;

use model::{DealType, Expiration, Filling, Money, OrderType, Price, ServerTime, Side, TradeAction, Volume};

use super::{AccountTerms, Book, Login, Ticket};
use crate::catalogue::{Catalogue, SymbolId};

/// Something that happens to the engine.
#[derive(Clone, Debug)]
pub enum Command {
    /// Nothing but the passing of time; all accounts are looked over.
    Clock,
    /// The server clock was set: daylight saving time begins or ends. What comes is told by the new clock.
    ClockSet {
        /// How far; below zero: back.
        by_ms: i64,
    },
    /// New prices, in order.
    Ticks(Vec<Tick>),
    /// A new account. One whose login is taken already stays as it is.
    Open(Box<AccountTerms>),
    /// Whether an account may trade.
    Enable {
        /// The account.
        login: Login,
        /// Whether it may.
        enabled: bool,
    },
    /// A deposit, withdrawal or other movement of money.
    Operation {
        /// The account.
        login: Login,
        /// What it is; trades are ignored.
        kind: DealType,
        /// Account currency; negative takes away.
        amount: Money,
        /// Remark on the deal.
        comment: String,
    },
    /// A trader's request.
    Trade {
        /// The account.
        login: Login,
        /// Given back with the verdict.
        tag: u64,
        /// Whether it comes from a login that may only look.
        is_investor: bool,
        /// What is asked for.
        request: Box<TradeRequest>,
    },
    /// A dealer's own deal: hours, volumes and money are no hindrance.
    Deal(Box<DealerDeal>),
    /// A dividend for all who hold a symbol.
    Dividend {
        /// The symbol.
        symbol: SymbolId,
        /// For each unit of it, profit currency; those who are short pay it.
        amount: f64,
        /// Remark on the deals.
        comment: String,
    },
    /// Other terms of an account that is there, found by its number.
    Terms(Box<AccountTerms>),
    /// Other terms of symbols; numbers and names stay as they are.
    Symbols(Arc<Catalogue>),
}

/// A deal as a dealer makes it.
#[derive(Clone, Debug, PartialEq)]
pub struct DealerDeal {
    /// The account.
    pub login: Login,
    /// What is traded.
    pub symbol: SymbolId,
    /// Buy or sell.
    pub side: Side,
    /// How much.
    pub volume: Volume,
    /// At which price; none: that of the market.
    pub price: Option<Price>,
    /// The position that it takes from; none: it makes one.
    pub position: Option<Ticket>,
    /// Remark.
    pub comment: String,
}

/// A change of a symbol's price.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// The symbol.
    pub symbol: SymbolId,
    /// When it changed. Within a symbol, an earlier time than the last counts as the last.
    pub time: ServerTime,
    /// What sellers get.
    pub bid: Price,
    /// What buyers pay.
    pub ask: Price,
    /// Price and volume of the last trade, on an exchange.
    pub last: Option<(Price, Volume)>,
    /// The order book, on an exchange.
    pub book: Option<Book>,
}

/// A trade request whose numbers are known ones; nothing else was checked.
#[derive(Clone, Debug, PartialEq)]
pub struct TradeRequest {
    /// What to do.
    pub action: TradeAction,
    /// Symbol name; not needed where a ticket tells.
    pub symbol: String,
    /// Volume.
    pub volume: Volume,
    /// Order type; for a close, the opposite side of the position.
    pub kind: OrderType,
    /// How it may be filled.
    pub filling: Filling,
    /// How long it lives.
    pub expiration: Expiration,
    /// When it ends, for the two kinds that need it; seconds of the server clock, 0 = not given.
    pub expires_s: i64,
    /// Order price; for stop-limit the stop price; 0 = not given.
    pub price: f64,
    /// Limit price of a stop-limit order; 0 = not given.
    pub limit_price: f64,
    /// Stop loss, 0 = none.
    pub sl: f64,
    /// Take profit, 0 = none.
    pub tp: f64,
    /// Largest deviation from `price` for instant execution, points.
    pub deviation: u32,
    /// The trader's remark.
    pub comment: String,
    /// Order to change or remove.
    pub order: Option<Ticket>,
    /// Position to close or change.
    pub position: Option<Ticket>,
    /// The opposite position of a close-by.
    pub position_by: Option<Ticket>,
    /// The part of what the market offers that an order at market gets, rounded down to a whole step, one step at least;
    /// 1 is all.
    pub share: f64,
}
