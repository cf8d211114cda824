//! Symbols and their prices.

use schemars::JsonSchema;
use serde::Serialize;

use crate::ServerTime;
use crate::values::{
    CalcMode, ExecutionMode, ExpirationFlags, FillFlags, GtcMode, SwapType, TradeMode, WeekDay,
};

/// The contract of a symbol.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SymbolInfo {
    /// Last change in seconds since 1970.
    pub update_time: i64,
    /// What the symbol calls itself.
    pub currency: String,
    /// ISIN.
    pub isin: String,
    /// Description.
    pub description: String,
    /// Underlying.
    pub basis: String,
    /// Page about the symbol.
    pub ref_to_site: String,
    /// 1 for a custom symbol.
    pub custom: i32,
    /// Currency of profits.
    pub profit_currency: String,
    /// Currency of margins.
    pub margin_currency: String,
    /// Digits after the point of the base currency.
    pub precision: i32,
    /// Background colour, RGB.
    pub bkgnd_color: i32,
    /// Digits after the point of a price.
    pub digits: i32,
    /// Size of a point.
    pub points: f64,
    /// Stops level as a price distance.
    pub limit_points: f64,
    /// The symbol's number on the server.
    pub id: i32,
    /// Levels of the order book.
    pub depth_of_market: i32,
    /// Spread in points; 0 when floating.
    pub spread: i32,
    /// Value of a tick in the deposit currency.
    pub tick_value: f64,
    /// Size of a tick.
    pub tick_size: f64,
    /// Units of the base asset in one lot.
    pub contract_size: f64,
    /// What becomes of orders at the end of the day.
    pub gtc_mode: GtcMode,
    /// How profit and margin are computed.
    pub calc_mode: CalcMode,
    /// Settlement price.
    pub settlement_price: f64,
    /// Lowest price of the session.
    pub lower_limit: f64,
    /// Highest price of the session.
    pub upper_limit: f64,
    /// Face value of a bond.
    pub face_value: f64,
    /// Accrued interest of a bond.
    pub accrued_interest: f64,
    /// Begin of trading in seconds since 1970.
    pub first_trade_time: i64,
    /// End of trading in seconds since 1970.
    pub last_trade_time: i64,
    /// What a tick gained brings a lot, in the deposit currency, worked out as profits are.
    #[serde(rename = "bid_tickvalue")]
    pub bid_tickvalue: f64,
    /// What a tick lost takes of a lot, in the deposit currency, worked out as profits are.
    #[serde(rename = "ask_tickvalue")]
    pub ask_tickvalue: f64,
}

/// How a symbol trades for the group of the account.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SymGroup {
    /// Group of symbols.
    pub group_name: String,
    /// Greatest deviation in points.
    pub deviation_rate: i32,
    /// Rounding rate.
    pub round_rate: i32,
    /// What the account may do with it.
    pub trade_mode: TradeMode,
    /// Least distance of stops in points.
    pub sl: i32,
    /// Distance at which orders freeze, in points.
    pub tp: i32,
    /// How it is executed.
    pub trade_type: ExecutionMode,
    /// Allowed fill policies.
    pub fill_policy: FillFlags,
    /// Allowed expirations.
    pub expiration: ExpirationFlags,
    /// Bit field of allowed order kinds.
    pub order_flags: i32,
    /// How long a price holds, in seconds.
    pub price_timeout: i32,
    /// How long a requote holds, in seconds.
    pub requote_timeout: i32,
    /// Volume up to which prices are given at once, in lots.
    pub request_lots: i32,
    /// Not used.
    pub tmp1: i32,
    /// Least volume in units of 1e-8 lot.
    pub min_volume: u64,
    /// Greatest volume in units of 1e-8 lot.
    pub max_volume: u64,
    /// Volume step in units of 1e-8 lot.
    pub volume_step: u64,
    /// Initial margin of one lot, 0 when computed.
    pub initial_margin: f64,
    /// Maintenance margin of one lot, 0 when computed.
    pub maintenance_margin: f64,
    /// Initial margin rates by order type.
    pub init_margin_rate: Vec<f64>,
    /// Maintenance margin rates by order type.
    pub mntn_margin_rate: Vec<f64>,
    /// Margin of one hedged lot.
    pub hedged_margin: f64,
    /// How swap is computed.
    pub swap_type: SwapType,
    /// Swap of long positions, in the unit of swapType.
    pub swap_long: f64,
    /// Swap of short positions, in the unit of swapType.
    pub swap_short: f64,
    /// The day on which swap counts thrice.
    pub three_days_swap: WeekDay,
    /// Swap multipliers by day, beginning with Sunday.
    pub swap_rates: Vec<f64>,
    /// Least volume in lots.
    pub min_lots: f64,
    /// Greatest volume in lots.
    pub max_lots: f64,
    /// Volume step in lots.
    pub lots_step: f64,
}

/// All that is known of a symbol: its contract, and how it trades.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SymbolParams {
    /// Symbol name.
    pub symbol: String,
    /// Contract data.
    pub symbol_info: SymbolInfo,
    /// Trading conditions.
    pub symbol_group: SymGroup,
}

/// One tick.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Quote {
    /// Symbol name.
    pub symbol: String,
    /// Bid.
    pub bid: f64,
    /// Ask.
    pub ask: f64,
    /// Time on the trade server's clock.
    pub time: ServerTime,
    /// Price of the last deal, 0 when there are none.
    pub last: f64,
    /// Volume of the last deal.
    pub volume: u64,
    /// Time in milliseconds since 1970 UTC.
    #[serde(rename = "timestampUTC")]
    pub timestamp_utc: i64,
}

/// One candle.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Bar {
    /// Opening time on the trade server's clock.
    pub time: ServerTime,
    /// First price.
    pub open_price: f64,
    /// Highest price.
    pub high_price: f64,
    /// Lowest price.
    pub low_price: f64,
    /// Last price.
    pub close_price: f64,
    /// Number of ticks.
    pub tick_volume: u64,
    /// Spread in points.
    pub spread: i32,
    /// Exchange volume, often 0.
    pub volume: u64,
}
