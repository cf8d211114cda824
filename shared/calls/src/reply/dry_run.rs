//! What a trade that is only tried comes to.

use schemars::JsonSchema;
use serde::Serialize;

use crate::Ticket;

/// What a trade would do, as far as the service knows it: nothing was sent. The server has the last word on a trade that is.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DryRun {
    /// Always true: nothing was sent.
    pub dry_run: bool,
    /// Whether no check fails and no guard trips.
    pub is_accepted: bool,
    /// What the server would look at, by the terms and prices that are known now.
    pub checks: Vec<Check>,
    /// Margin before and after; null while terms or prices for it are missing.
    pub margin: Option<MarginChange>,
    /// What it would cost.
    pub costs: Costs,
    /// Guards of the key or the account that would trip.
    pub guards: Vec<String>,
    /// The request that would be sent.
    pub request: Request,
}

/// One thing that is checked.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What is checked: tradeMode, marketHours, volume, volumeLimit, price, stops, expiration, freeze, margin, or reduceOnly where
    /// nothing else is allowed.
    pub name: String,
    /// Whether it passes; null while a price that it takes is missing.
    pub is_passed: Option<bool>,
    /// The error code that a failing request would get.
    pub code: String,
    /// What was found, in words; empty if it passes.
    pub message: String,
}

/// How margin changes, at present prices, in the deposit currency.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MarginChange {
    /// Margin in use now.
    pub margin_before: f64,
    /// Margin in use afterwards.
    pub margin_after: f64,
    /// Free margin now.
    pub free_margin_before: f64,
    /// Free margin afterwards.
    pub free_margin_after: f64,
    /// Deposit currency.
    pub currency: String,
}

/// What a trade costs, as far as the protocol tells it beforehand, in the deposit currency.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Costs {
    /// What a new position is worth less than nothing because of the spread; null if none is opened or prices are missing.
    pub spread: Option<f64>,
    /// Always null: the protocol tells commissions of deals that are done only.
    pub commission: Option<f64>,
}

/// A trade request in the words of the protocol.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Kind of request, such as a deal, a pending order or a change of stops, by its number in the protocol.
    pub action: u32,
    /// Symbol name.
    pub symbol: String,
    /// Lots.
    pub lots: f64,
    /// Kind of order, by its number in the protocol.
    pub order_type: u32,
    /// Filling, by its number in the protocol.
    pub filling: u32,
    /// Price; of a stop-limit order its stop price; 0 for none.
    pub price: f64,
    /// Limit of a stop-limit order; 0 for none.
    pub stop_limit_price: f64,
    /// Stop loss; 0 for none.
    pub stop_loss: f64,
    /// Take profit; 0 for none.
    pub take_profit: f64,
    /// How many points the price may differ.
    pub deviation: u32,
    /// Way of expiring, by its number in the protocol.
    pub expiration_type: u32,
    /// When it expires, in seconds since 1970 of the server clock; 0 for never.
    pub expiration: u32,
    /// Order that is changed or removed; 0 for none.
    #[schemars(with = "Ticket")]
    pub order_ticket: u64,
    /// Position that is changed or closed; 0 for none.
    #[schemars(with = "Ticket")]
    pub position_ticket: u64,
    /// Opposite position that it is closed by; 0 for none.
    #[schemars(with = "Ticket")]
    pub close_by_ticket: u64,
    /// Order comment.
    pub comment: String,
    /// Magic number that the service remembers for it.
    #[schemars(with = "crate::ticket::Magic")]
    pub expert_id: i64,
}
