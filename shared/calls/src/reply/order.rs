//! Orders, positions and deals.

use schemars::JsonSchema;
use serde::Serialize;

use crate::ServerTime;
use crate::values::{DealType, Direction, ExpirationType, FillPolicy, OrderState, OrderType, PlacedType};

/// Whatever has a ticket: what is open or pending, what has ended, and money that came or went.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// The position or order, by its ticket.
    #[schemars(with = "crate::Ticket")]
    pub ticket: u64,
    /// Profit in the deposit currency.
    pub profit: f64,
    /// Swap in the deposit currency.
    pub swap: f64,
    /// Commission in the deposit currency.
    pub commission: f64,
    /// Fee in the deposit currency.
    pub fee: f64,
    /// Closing price; of an open position the price at which it would close now.
    pub close_price: f64,
    /// Closing time on the trade server's clock; no date while open.
    pub close_time: ServerTime,
    /// Closed volume in lots.
    pub close_lots: f64,
    /// Comment of the closing deal.
    pub close_comment: String,
    /// Opening price.
    pub open_price: f64,
    /// Opening time on the trade server's clock.
    pub open_time: ServerTime,
    /// Volume in lots.
    pub lots: f64,
    /// Units of the base asset in one lot.
    pub contract_size: f64,
    /// Magic number.
    #[schemars(with = "crate::ticket::Magic")]
    pub expert_id: i64,
    /// Where it came from.
    pub placed_type: PlacedType,
    /// What the order does.
    pub order_type: OrderType,
    /// What the deal is.
    pub deal_type: DealType,
    /// Symbol name.
    pub symbol: String,
    /// Comment.
    pub comment: String,
    /// How far it is.
    pub state: OrderState,
    /// Price of the stop loss; none when 0.
    pub stop_loss: f64,
    /// Price of the take profit; none when 0.
    pub take_profit: f64,
    /// Number of the request that made it, 0 when not of this session.
    pub request_id: i32,
    /// Digits after the point of a price.
    pub digits: i32,
    /// Rate from the profit currency to the deposit currency.
    pub profit_rate: f64,
    /// The limit of an order that is stop and limit in one, else 0.
    pub stop_limit_price: f64,
    /// The opening deal.
    pub deal_internal_in: Option<Box<DealInternal>>,
    /// The closing deal.
    pub deal_internal_out: Option<Box<DealInternal>>,
    /// The order record.
    pub order_internal: Option<Box<OrderInternal>>,
    /// Deals that closed parts.
    pub partial_close_deals: Vec<DealInternal>,
    /// Deals that filled parts.
    pub partial_fill_deals: Vec<DealInternal>,
    /// Closed volume in units of 1e-8 lot.
    pub close_volume: u64,
    /// Volume in units of 1e-8 lot.
    pub volume: u64,
    /// How it expires.
    pub expiration_type: ExpirationType,
    /// When it expires on the trade server's clock.
    pub expiration_time: ServerTime,
    /// What happens when it cannot be filled at once.
    pub fill_policy: FillPolicy,
    /// Opening time in milliseconds since 1970 UTC.
    #[serde(rename = "openTimestampUTC")]
    pub open_timestamp_utc: i64,
    /// Closing time in milliseconds since 1970 UTC, 0 while open.
    #[serde(rename = "closeTimestampUTC")]
    pub close_timestamp_utc: i64,
}

/// A deal as the trade server records it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DealInternal {
    /// Ticket of the deal.
    #[schemars(with = "crate::Ticket")]
    pub ticket_number: u64,
    /// Id at the exchange.
    pub id: String,
    /// Login number.
    pub login: u64,
    /// Time of the record in units of 100 ns since 1601.
    pub history_time: i64,
    /// The order that caused the deal.
    #[schemars(with = "crate::Ticket")]
    pub order_ticket: u64,
    /// Time on the trade server's clock in seconds since 1970.
    pub open_time: i64,
    /// Symbol name.
    pub symbol: String,
    /// What the deal is.
    #[serde(rename = "type")]
    pub kind: DealType,
    /// What it does to the position.
    pub direction: Direction,
    /// The price at which the position was opened.
    pub open_price: f64,
    /// Price of the deal.
    pub price: f64,
    /// Price of the stop loss; none when 0.
    pub stop_loss: f64,
    /// Price of the take profit; none when 0.
    pub take_profit: f64,
    /// Volume in units of 1e-8 lot.
    pub volume: u64,
    /// Profit in the deposit currency.
    pub profit: f64,
    /// Rate from the profit currency to the deposit currency.
    pub profit_rate: f64,
    /// Rate from lots to the margin currency.
    pub volume_rate: f64,
    /// Commission in the deposit currency.
    pub commission: f64,
    /// Fee in the deposit currency.
    pub fee: f64,
    /// Swap in the deposit currency.
    pub swap: f64,
    /// Magic number.
    #[schemars(with = "crate::ticket::Magic")]
    pub expert_id: i64,
    /// The position that the deal changed.
    #[schemars(with = "crate::Ticket")]
    pub position_ticket: u64,
    /// Comment.
    pub comment: String,
    /// Units of the base asset in one lot.
    pub contract_size: f64,
    /// Digits after the point of a price.
    pub digits: i32,
    /// Digits after the point of money.
    pub money_digits: i32,
    /// Floating profit part of the deal in the deposit currency.
    pub free_profit: f64,
    /// Rounding remainder.
    pub trail_rounder: f64,
    /// Time on the trade server's clock in milliseconds since 1970.
    pub open_time_ms: i64,
    /// Where it came from.
    pub placed_type: PlacedType,
    /// Time on the trade server's clock.
    pub open_time_as_date_time: ServerTime,
    /// Volume in lots.
    pub lots: f64,
}

/// An order as the trade server records it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderInternal {
    /// Ticket.
    #[schemars(with = "crate::Ticket")]
    pub ticket_number: u64,
    /// Id at the exchange.
    pub id: String,
    /// Login number.
    pub login: u64,
    /// Symbol name.
    pub symbol: String,
    /// Time of the record in units of 100 ns since 1601.
    pub history_time: i64,
    /// Time on the trade server's clock in seconds since 1970.
    pub open_time: i64,
    /// When it expires on the trade server's clock, in seconds since 1970; 0 for never.
    pub expiration_time: i64,
    /// Execution time on the trade server's clock in seconds since 1970.
    pub execution_time: i64,
    /// What the order does.
    #[serde(rename = "type")]
    pub kind: OrderType,
    /// What happens when it cannot be filled at once.
    pub fill_policy: FillPolicy,
    /// How it expires.
    pub expiration_type: ExpirationType,
    /// Where it came from.
    pub placed_type: PlacedType,
    /// Opening price.
    pub open_price: f64,
    /// The limit of an order that is stop and limit in one, else 0.
    pub stop_limit_price: f64,
    /// Present price.
    pub price: f64,
    /// Price of the stop loss; none when 0.
    pub stop_loss: f64,
    /// Price of the take profit; none when 0.
    pub take_profit: f64,
    /// Volume not yet filled in units of 1e-8 lot.
    pub volume: u64,
    /// Asked volume in units of 1e-8 lot.
    pub request_volume: u64,
    /// How far it is.
    pub state: OrderState,
    /// Magic number.
    #[schemars(with = "crate::ticket::Magic")]
    pub expert_id: i64,
    /// The deal or position made by it.
    #[schemars(with = "crate::Ticket")]
    pub deal_ticket: u64,
    /// Comment.
    pub comment: String,
    /// Units of the base asset in one lot.
    pub contract_size: f64,
    /// Digits after the point of a price.
    pub digits: i32,
    /// Digits after the point of the base currency.
    pub base_digits: i32,
    /// Rate from the profit currency to the deposit currency.
    pub profit_rate: f64,
    /// Time on the trade server's clock in milliseconds since 1970.
    pub open_time_ms: i64,
    /// The same as ticketNumber.
    #[schemars(with = "crate::Ticket")]
    pub ticket: u64,
    /// Execution time on the trade server's clock.
    pub execution_time_as_date_time: ServerTime,
    /// Volume not yet filled in lots.
    pub lots: f64,
    /// Asked volume in lots.
    pub request_lots: f64,
    /// Time on the trade server's clock.
    pub open_time_ms_as_date_time: ServerTime,
    /// Time on the trade server's clock.
    pub open_time_as_date_time: ServerTime,
}

/// One page of past orders.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaginationReply {
    /// Number of pages.
    pub pages_count: u32,
    /// Number of this page, from 0.
    pub page_number: u32,
    /// Its orders.
    pub orders: Vec<Order>,
}

/// Past orders of a range.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderHistoryEventArgs {
    /// What has ended, and money that came or went.
    pub orders: Vec<Order>,
    /// Deal records of the range.
    pub internal_deals: Vec<DealInternal>,
    /// Order records of the range.
    pub internal_orders: Vec<OrderInternal>,
    /// Kind of answer; 1.
    pub action: i32,
    /// True when the answer was cut: ask for a smaller range.
    pub partial_response: bool,
}
