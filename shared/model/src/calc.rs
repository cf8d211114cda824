//! Profit, margin and equity (protocol 13): what neither the wire carries nor anybody may guess. The
//! worker computes with it what it reports, the broker what it decides by; tests compare the two.
//!
//! Inputs are fixed point, the formulas are the official client's in doubles with its roundings, and what
//! is added up afterwards is [`Money`](crate::Money).

mod contract;
mod convert;
mod equity;
mod leverage;
mod margin;
mod order;
mod pending;
mod profit;
mod tick;
mod value;

#[cfg(test)]
mod tests;

pub use contract::{
    BidAsk, Contract, Deposit, MARGIN_LARGER_LEG, MARGIN_NO_LONG_PROFIT, PROFIT_BY_MARKET_RATES,
};
pub use convert::{Quotes, rate_buy, rate_sell};
pub use equity::{Equity, Floating, FreeMarginMode, Funds};
pub use leverage::{Held, LeverageRule, LeverageTier, Stage, account_margin};
pub use margin::Exposure;
pub use order::{margin_rate, order_margin};
pub use pending::{Pending, holds_margin};
pub use profit::{Profit, profit_of};
pub use tick::{TickValue, tick_value};
pub use value::{asset_value, unit_value, value_of};
