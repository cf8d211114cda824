//! What is known of symbols beside their contracts: the day's figures, timetables, tick values, books.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::values::BookType;

/// A symbol today: its range, its change, its prices.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MarketWatch {
    /// Symbol name.
    pub symbol: String,
    /// Highest bid of the day, 0 when the server does not tell it.
    pub high: f64,
    /// Lowest bid of the day, 0 when the server does not tell it.
    pub low: f64,
    /// First price of the day, 0 when the server does not tell it.
    pub open_price: f64,
    /// Last price of the day before, 0 when the server does not tell it.
    pub close_price: f64,
    /// Change since the day before in per cent.
    pub daily_change: f64,
    /// Bid.
    pub bid: f64,
    /// Ask.
    pub ask: f64,
    /// Ask less bid in points.
    pub spread: i32,
    /// Volume of the day's deals, 0 when there are none.
    pub volume: i64,
}

/// Weekly timetable of a symbol on the trade server's clock: seven days, beginning with Sunday.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SymbolSessions {
    /// Quoting hours of each day.
    pub quotes: Vec<Vec<Session>>,
    /// Trading hours of each day.
    pub trades: Vec<Vec<Session>>,
}

/// A span of a day with quotes or trading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Begin in minutes after midnight.
    pub start_time: i32,
    /// End in minutes after midnight; does not belong to it.
    pub end_time: i32,
}

/// A symbol, and whether its hours are open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionState {
    /// Symbol name.
    pub symbol: String,
    /// True inside.
    pub active: bool,
}

/// What one tick of one lot is worth, in two calculations.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TickValueWithSize {
    /// Symbol name.
    pub symbol: String,
    /// Gain by one tick and one lot in the deposit currency.
    pub tick_value: f64,
    /// Size of a tick.
    pub tick_size: f64,
    /// The figure that the desktop terminal shows, in the deposit currency: the gain of a tick, as `tickValue`.
    pub tick_value_mq: f64,
}

/// What one tick of one lot is worth, as a stream tells it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SymbolTickValue {
    /// Symbol name.
    pub symbol: String,
    /// Gain by one tick and one lot in the deposit currency.
    pub tick_value: f64,
    /// Size of a tick.
    pub tick_size: f64,
}

/// Order book of a symbol.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SymbolBook {
    /// Symbol name.
    pub symbol: String,
    /// Levels by their number, from 0: offers to sell from the highest price down, then offers to buy.
    #[schemars(with = "BTreeMap<String, BookBar>")]
    pub bars: BTreeMap<u32, BookBar>,
}

/// A price of an order book, and what is offered there.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BookBar {
    /// Bits that say what changed in the server's record.
    pub update_mask: i64,
    /// Which side, and at which kind of price.
    #[serde(rename = "type")]
    pub kind: BookType,
    /// Price.
    pub price: f64,
    /// Volume in units of 1e-8 lot.
    pub volume: i64,
    /// Volume in lots.
    pub lots: f64,
}
