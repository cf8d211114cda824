//! What an account's history says: closed trades, the curve of balance and equity with its drawdowns, statistics of
//! the trades, and the best and worst moment of each.
//!
//! Pure functions over the account's deals and candles: no I/O, no clock, nothing of the wire or of the contract.
//! Whatever comes in, missing openings and unknown symbols included, gives figures and never a panic. Money is fixed
//! point and added exactly; ratios are doubles and always finite.
//!
//! Definitions follow the MetaTrader 5 Help ("Testing Report") and the MQL5 Reference (`TesterStatistics`,
//! `ENUM_STATISTICS`); each item names its own. Times are milliseconds of the server's clock, see
//! [`model::ServerTime`]; money is in the account's currency.

mod calendar;
mod curve;
mod deal;
mod drawdown;
mod extrema;
mod normal;
mod position;
mod returns;
mod runs;
mod span;
mod stats;
mod tape;
mod trade;

#[cfg(test)]
mod tests;

pub use curve::{Account, Contracts, Curve, Point, Repeats, equity_curve};
pub use deal::{Deal, DealKind};
pub use drawdown::{Fall, Peak};
pub use extrema::{Extrema, Holding, extrema};
pub use position::{Amounts, Effect, Open};
pub use runs::{Runs, z_score};
pub use span::span_text;
pub use stats::{Average, Notable, PROFIT_FACTOR_MAX, Present, Share, Stats, stats};
pub use tape::{Candle, Moment, Tape};
pub use trade::{Fill, Trade, pip_size, trades};
