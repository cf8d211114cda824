//! The words of trading that every part shares: fixed-point prices, volumes and money, the numbered
//! enumerations of the MetaTrader 5 protocol, and the arithmetic of profit and margin.
//!
//! Worker and broker both compute equity and margin with [`calc`], so that they cannot disagree.
//! This crate knows no bytes, no sockets, no clock and nothing of REST.

pub mod calc;
pub mod calendar;
mod fixed;
pub mod grid;
mod mask;
mod numbers;
mod retcode;
mod time;

pub use fixed::{Money, Price, SCALE, SCALE_DIGITS, Volume, divide, pow10, round_to};
pub use mask::mask_matches;
pub use numbers::{
    CalcMode, DealEntry, DealType, Execution, Expiration, Filling, LeverageRange, MarginMode, OrderState,
    OrderType, Reason, Side, SwapMode, TradeAction, TradeMode,
};
pub use retcode::Retcode;
pub use time::{ServerTime, day_start_s};
