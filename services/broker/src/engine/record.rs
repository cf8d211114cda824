//! Orders, deals and positions as the engine keeps them.

use model::{
    DealEntry, DealType, Expiration, Filling, Money, OrderState, OrderType, Price, Reason, ServerTime, Side,
    Volume,
};

use crate::catalogue::SymbolId;

/// An account number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Login(pub u64);

/// The number of an order; a position has that of the order that opened it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// The number of a deal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DealTicket(pub u64);

/// What has set an order going.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// Nothing yet.
    None,
    /// Its price was reached.
    Price,
    /// The stop price of a stop-limit was reached.
    StopLimit,
}

/// An open position.
#[derive(Clone, Debug, PartialEq)]
pub struct Position {
    /// Its number.
    pub id: Ticket,
    /// The order that opened or last changed it.
    pub order: Ticket,
    /// What is held.
    pub symbol: SymbolId,
    /// Which way.
    pub side: Side,
    /// How much; zero once it is closed.
    pub volume: Volume,
    /// Average opening price.
    pub price_open: Price,
    /// What it would close at now.
    pub price_current: Price,
    /// Stop loss.
    pub sl: Option<Price>,
    /// Take profit.
    pub tp: Option<Price>,
    /// Floating profit, account currency, without swap and commission.
    pub profit: Money,
    /// Profit currency to account currency, as used for `profit`.
    pub rate_profit: f64,
    /// Margin currency to account currency at opening.
    pub rate_margin: f64,
    /// Charged for opening what is open, account currency; negative. What closes a part takes its share along.
    pub commission: Money,
    /// Swap so far, account currency.
    pub swap: Money,
    /// When it was opened.
    pub opened: ServerTime,
    /// When it last changed.
    pub updated: ServerTime,
    /// What opened it.
    pub reason: Reason,
    /// The trader's remark.
    pub comment: String,
}

/// An order, working or ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// Its number.
    pub ticket: Ticket,
    /// What is to be traded.
    pub symbol: SymbolId,
    /// What it does.
    pub kind: OrderType,
    /// Where it is in its life.
    pub state: OrderState,
    /// How it may be filled.
    pub filling: Filling,
    /// How long it lives.
    pub expiration: Expiration,
    /// The moment that was given for that.
    pub expires: Option<ServerTime>,
    /// What made it.
    pub reason: Reason,
    /// Its price; for stop-limit the stop price; zero for a market order.
    pub price: Price,
    /// Limit price of a stop-limit order.
    pub limit_price: Option<Price>,
    /// Price of the market.
    pub price_current: Price,
    /// Stop loss of the position it makes.
    pub sl: Option<Price>,
    /// Take profit of the position it makes.
    pub tp: Option<Price>,
    /// Volume asked for.
    pub volume_initial: Volume,
    /// Volume not yet filled.
    pub volume_current: Volume,
    /// Margin currency to account currency when it was placed: what a pending order holds is converted by it. One
    /// where nothing was to convert or nobody quoted it.
    pub rate_margin: f64,
    /// When it was placed.
    pub placed: ServerTime,
    /// When it ended.
    pub done: Option<ServerTime>,
    /// The position that it closes, or has made.
    pub position: Option<Ticket>,
    /// The opposite position of a close-by.
    pub position_by: Option<Ticket>,
    /// Whether it takes from a position instead of making one.
    pub is_closing: bool,
    /// What set it going.
    pub activation: Activation,
    /// The trader's remark.
    pub comment: String,
}

/// A deal: a trade that was made, or a movement of money.
#[derive(Clone, Debug, PartialEq)]
pub struct Deal {
    /// Its number.
    pub ticket: DealTicket,
    /// The order it came from.
    pub order: Option<Ticket>,
    /// What was traded.
    pub symbol: Option<SymbolId>,
    /// What it is.
    pub kind: DealType,
    /// What it does to its position.
    pub entry: DealEntry,
    /// Its price.
    pub price: Price,
    /// Opening price of the position that it closes, else zero.
    pub price_position: Price,
    /// Stop loss of the position.
    pub sl: Option<Price>,
    /// Take profit of the position.
    pub tp: Option<Price>,
    /// Volume.
    pub volume: Volume,
    /// Realised profit, or the amount moved; account currency.
    pub profit: Money,
    /// Profit currency to account currency.
    pub rate_profit: f64,
    /// Margin currency to account currency.
    pub rate_margin: f64,
    /// Charged for it, account currency; negative.
    pub commission: Money,
    /// Realised swap, account currency.
    pub swap: Money,
    /// The position it belongs to.
    pub position: Option<Ticket>,
    /// When it was made.
    pub time: ServerTime,
    /// What caused it.
    pub reason: Reason,
    /// Remark.
    pub comment: String,
}

impl Deal {
    /// What it did to the balance, or to the credit if it is a credit operation.
    #[must_use]
    pub fn total(&self) -> Money {
        self.profit + self.swap + self.commission
    }
}
