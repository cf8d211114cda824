//! Past prices and running candles.

use schemars::JsonSchema;
use serde::Serialize;

use super::Bar;
use crate::ServerTime;

/// Candles of one symbol, or why there are none.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BarsForSymbol {
    /// Symbol name.
    pub symbol: String,
    /// The candles; empty on failure.
    pub bars: Vec<Bar>,
    /// Why there are none, else null.
    pub exception: Option<String>,
}

/// Candles of one symbol.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuoteHistoryEventArgs {
    /// Symbol name.
    pub symbol: String,
    /// The candles.
    pub bars: Vec<Bar>,
}

/// One past tick.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TickBar {
    /// Time on the trade server's clock.
    pub time: ServerTime,
    /// Bid.
    pub bid: f64,
    /// Ask.
    pub ask: f64,
    /// Price of the last deal, 0 when there are none.
    pub last: f64,
    /// Volume of the last deal in units of 1e-8 lot.
    pub volume: u64,
}

/// A portion of past ticks; an empty one is the last.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TickHistoryEventArgs {
    /// Symbol name.
    pub symbol: String,
    /// The ticks, oldest first.
    pub bars: Vec<TickBar>,
}

/// A running candle.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OhlcSubscription {
    /// Symbol name.
    pub symbol: String,
    /// Length in minutes.
    pub timeframe: i32,
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
    /// Opening time on the trade server's clock.
    pub time: ServerTime,
    /// Exchange volume, often 0.
    pub volume: u64,
    /// Number of ticks.
    pub tick_volume: u64,
    /// Time of the last tick on the trade server's clock.
    pub last_quote_time: ServerTime,
}
