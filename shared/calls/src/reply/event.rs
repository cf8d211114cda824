//! What the streams carry, beside quotes.

use schemars::JsonSchema;
use serde::Serialize;

use super::{DealInternal, Order, OrderInternal};
use crate::UtcTime;
use crate::values::{ExpirationType, LinkState, OrderState, OrderType, UpdateType};

/// The account at present prices, with everything open.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProfitUpdate {
    /// Balance in the deposit currency.
    pub balance: f64,
    /// Credit in the deposit currency.
    pub credit: f64,
    /// Balance, credit and floating profit in the deposit currency.
    pub equity: f64,
    /// Margin in use in the deposit currency.
    pub margin: f64,
    /// Margin left in the deposit currency.
    pub free_margin: f64,
    /// What all open positions would bring now, in the deposit currency.
    pub profit: f64,
    /// All open orders with fresh profit.
    pub orders: Vec<Order>,
    /// Equity over margin in percent; 0 when no margin is used.
    pub margin_level: f64,
    /// Login number.
    pub user: u64,
}

/// A trading event, and the account after it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderUpdateSummary {
    /// Everything open now.
    pub opened_orders: Vec<Order>,
    /// What changed.
    pub update: OrderUpdate,
    /// Balance in the deposit currency.
    pub balance: f64,
    /// Balance, credit and floating profit in the deposit currency.
    pub equity: f64,
    /// Margin in use in the deposit currency.
    pub margin: f64,
    /// Margin left in the deposit currency.
    pub free_margin: f64,
    /// What all open positions would bring now, in the deposit currency.
    pub profit: f64,
    /// Equity over margin in percent; 0 when no margin is used.
    pub margin_level: f64,
    /// Credit in the deposit currency.
    pub credit: f64,
    /// Login number.
    pub user: u64,
}

/// The change of a trading event, record by record.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderUpdate {
    /// The transaction record.
    pub trans: Option<Box<TransactionInfo>>,
    /// The order record.
    pub order_internal: Option<Box<OrderInternal>>,
    /// The deal made.
    pub deal: Option<Box<DealInternal>>,
    /// The other deal, when positions closed each other.
    pub opposite_deal: Option<Box<DealInternal>>,
    /// The resulting order.
    pub order: Option<Box<Order>>,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: UpdateType,
    /// Ticket of the opposite position of a close-by, else 0.
    #[schemars(with = "crate::Ticket")]
    pub close_by_ticket: u64,
}

/// Whether the link of a session to the trade server is up.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LinkStatus {
    /// What has happened to it last.
    pub status: LinkState,
    /// Since when it is so.
    #[serde(rename = "sinceUTC")]
    pub since_utc: UtcTime,
    /// Why it was lost, or is not restored any more; null if it never was.
    pub reason: Option<String>,
    /// When it was lost, also after it was restored; null if it never was.
    #[serde(rename = "lostSinceUTC")]
    pub lost_since_utc: Option<UtcTime>,
}

/// Ticket and profit of something open.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TicketProfit {
    /// The position or pending order, by its ticket.
    #[schemars(with = "crate::Ticket")]
    pub ticket: u64,
    /// Profit in the deposit currency; 0 for a pending order.
    pub profit: f64,
}

/// The transaction record of a trading event.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TransactionInfo {
    /// Number of the update.
    pub update_id: i32,
    /// Kind of transaction.
    pub action: i32,
    /// Ticket.
    #[schemars(with = "crate::Ticket")]
    pub ticket_number: u64,
    /// Symbol name.
    pub currency: String,
    /// Number of the transaction.
    pub id: i32,
    /// What the order does.
    pub s58: OrderType,
    /// How far the order is.
    pub order_state: OrderState,
    /// How it expires.
    pub expiration_type: ExpirationType,
    /// When the order expires on the trade server's clock, in seconds since 1970.
    pub expiration_time: i64,
    /// Opening price.
    pub open_price: f64,
    /// Price of the order.
    pub order_price: f64,
    /// Price of the stop loss; none when 0.
    pub stop_loss: f64,
    /// Price of the take profit; none when 0.
    pub take_profit: f64,
    /// Volume in units of 1e-8 lot.
    pub volume: u64,
}
