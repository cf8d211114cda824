//! What a line of the table of symbols says.

use model::{CalcMode, Execution, TradeMode};

use super::hours::Hours;
use super::{Pace, Swap};

/// What the table says about a symbol; the meaning of each field is that of [`super::Symbol`].
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) folder: &'static str,
    pub(super) base: &'static str,
    pub(super) profit: &'static str,
    pub(super) margin: &'static str,
    pub(super) digits: u32,
    /// Points in the smallest step of the price.
    pub(super) tick_points: i64,
    pub(super) tick_value: f64,
    pub(super) contract_size: f64,
    pub(super) face_value: f64,
    pub(super) accrued_interest: f64,
    pub(super) liquidity_rate: f64,
    pub(super) calc_mode: CalcMode,
    pub(super) margin_rate: f64,
    /// For limit orders that wait; other pending orders hold none.
    pub(super) margin_rate_limits: f64,
    pub(super) margin_initial: f64,
    pub(super) trade_mode: TradeMode,
    pub(super) execution: Execution,
    pub(super) fill_flags: u32,
    pub(super) time_flags: u32,
    pub(super) order_flags: u32,
    pub(super) stops_level: i32,
    pub(super) freeze_level: i32,
    /// Smallest, largest, step, limit in one direction; lots.
    pub(super) volumes: [f64; 4],
    pub(super) swap: Swap,
    pub(super) hours: Hours,
    pub(super) pace: Pace,
    /// Symbols whose walks make this one's price; none: it walks by itself.
    pub(super) drivers: &'static [(&'static str, f64)],
    pub(super) basis: &'static str,
    pub(super) isin: &'static str,
    pub(super) exchange: &'static str,
    pub(super) country: &'static str,
    pub(super) sector: u16,
    pub(super) industry: u16,
}
