//! What came of the trading.

use schemars::{JsonSchema, Schema, json_schema};
use serde::Serialize;

use crate::ServerTime;

/// The account at one moment of a curve.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EquityPoint {
    /// Time on the trade server's clock.
    pub time: ServerTime,
    /// Balance in the deposit currency.
    pub balance: f64,
    /// Equity in the deposit currency.
    pub equity: f64,
    /// Fall of the balance from its highest value so far, in the deposit currency.
    pub balance_drawdown_raw: f64,
    /// The same in per cent of that value.
    pub balance_drawdown_relative: f64,
    /// Fall of the equity from its highest value so far, in the deposit currency.
    pub equity_drawdown_raw: f64,
    /// The same in per cent of that value.
    pub equity_drawdown_relative: f64,
    /// What was closed since the begin of the curve, in the deposit currency.
    #[serde(rename = "realizedPL")]
    pub realized_pl: f64,
    /// Floating profit in the deposit currency.
    #[serde(rename = "unrealizedPL")]
    pub unrealized_pl: f64,
}

/// The figures, and the curve they come from.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatsWithCharts {
    /// The statistics.
    pub stats: Stats,
    /// The curve.
    pub charts: Vec<EquityPoint>,
}

/// Trading statistics of an account.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Profit by period.
    pub summary: TradeSummary,
    /// Greatest fall of the balance from a highest value, in the deposit currency.
    pub max_balance_drawdown_raw: f64,
    /// Greatest fall of the balance in per cent of its highest value.
    pub max_balance_drawdown_relative: f64,
    /// Greatest fall of the equity from a highest value, in the deposit currency.
    pub max_equity_drawdown_raw: f64,
    /// Greatest fall of the equity in per cent of its highest value.
    pub max_equity_drawdown_relative: f64,
    /// The closed trades by symbol.
    pub markets: Vec<MarketTradeCount>,
    /// Won and lost trades.
    pub profitability: Profitability,
    /// Pips of all trades.
    pub pips: f64,
    /// Lots of all trades.
    pub lots: f64,
    /// Commissions of all trades in the deposit currency.
    pub comissions: f64,
    /// Mean of the won trades.
    pub average_win: AveragePipsUsd,
    /// Mean of the lost trades.
    pub average_lost: AveragePipsUsd,
    /// Won purchases.
    pub longs_won: Won,
    /// Won sales.
    pub shorts_won: Won,
    /// Best trade by money.
    pub best_trade: ProfitData,
    /// Worst trade by money.
    pub worst_trade: ProfitData,
    /// Best trade by pips.
    pub best_trade_pips: ProfitData,
    /// Worst trade by pips.
    pub worst_trade_pips: ProfitData,
    /// Mean time that a position was open: `[d.]hh:mm:ss[.fffffff]`.
    #[schemars(schema_with = "span_schema")]
    pub average_trade_length: String,
    /// Gross profit over gross loss, at most 1,000,000: the same where nothing was lost, 0 without trades.
    pub profit_factor: f64,
    /// Standard deviation of the trades' results in the deposit currency.
    pub standard_deviation: f64,
    /// Mean over standard deviation of the holding period returns.
    pub sharpe_ratio: f64,
    /// How far wins and losses come in series.
    pub z_score: ZScore,
    /// What a trade brings on average.
    pub expectancy: Expectancy,
    /// Geometric mean of the holding period returns.
    pub ghpr: f64,
    /// Number of closed trades.
    pub trades: u64,
}

fn span_schema(_schemas: &mut schemars::SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "date-span", "examples": ["1.02:03:04.5000000"] })
}

/// Profit by period, in the deposit currency.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TradeSummary {
    /// Open positions.
    pub open_trades: u32,
    /// What open positions would bring now.
    pub open_profit: f64,
    /// Profit of trades closed today, by the trade server's clock.
    pub day_profit: f64,
    /// Profit of trades closed since Monday.
    pub week_profit: f64,
    /// Profit of trades closed since the first of the month.
    pub month_profit: f64,
    /// Profit of all closed trades.
    pub total_profit: f64,
}

/// Number of trades of a symbol.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MarketTradeCount {
    /// Symbol name.
    pub market_name: String,
    /// How many.
    pub count: u32,
}

/// Won and lost trades.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Profitability {
    /// Trades with a profit.
    pub won_trades: u64,
    /// The same in per cent of all.
    pub won_trades_percent: f64,
    /// Trades with a loss.
    pub lost_trades: u64,
    /// The same in per cent of all.
    pub lost_trades_percent: f64,
}

/// An average in pips, and the same in money.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AveragePipsUsd {
    /// Pips.
    pub average_pips: f64,
    /// The deposit currency, in spite of the name.
    pub average_usd: f64,
}

/// Wins among trades of one direction.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Won {
    /// How many were won.
    pub won_count: u32,
    /// How many there were.
    pub all: u32,
    /// The won ones in per cent.
    pub won_persent: f64,
}

/// A single notable trade.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProfitData {
    /// Ticket of the position, 0 when there is none.
    #[schemars(with = "crate::Ticket")]
    pub tiket: u64,
    /// When it was closed, on the trade server's clock.
    pub date: ServerTime,
    /// Money in the deposit currency, or pips, by the field that holds it.
    pub profit: f64,
}

/// How far wins and losses come in series.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ZScore {
    /// The score: below zero, wins follow wins more often than by chance.
    pub z_score_decimal: f64,
    /// The probability that it is not by chance, in per cent.
    pub z_score_probability: f64,
}

/// What a trade brings on average.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Expectancy {
    /// Pips.
    pub pips: f64,
    /// The deposit currency, in spite of the name.
    pub dollar: f64,
}

/// How well and how badly a trade stood while it was open, by past prices.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TradeUnrealizedExtrema {
    /// Ticket of the position.
    #[schemars(with = "crate::Ticket")]
    pub ticket: u64,
    /// Symbol name.
    pub symbol: String,
    /// When it was best, on the trade server's clock.
    pub max_unrealized_time: ServerTime,
    /// How good, in the deposit currency.
    #[serde(rename = "maxUnrealizedPL")]
    pub max_unrealized_pl: f64,
    /// When it was worst, on the trade server's clock.
    pub min_unrealized_time: ServerTime,
    /// How bad, in the deposit currency.
    #[serde(rename = "minUnrealizedPL")]
    pub min_unrealized_pl: f64,
}
