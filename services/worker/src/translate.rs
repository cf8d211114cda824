//! From records of the wire to replies of the contract. Only here are both known.

mod history;
mod order;
mod statistics;
mod symbol;

pub(crate) use history::{closed_positions, closed_within, opening, order_history};
pub(crate) use order::{
    Closing, closed_by, deal, ended_order, from_result, opened_by, order_record, pending, pending_of,
    position, reduced_by, transaction,
};
pub(crate) use statistics::{deal_of, deals_of, equity_point, stats_of, unrealized};
pub(crate) use symbol::{symbol_info, symbol_params};

use calls::values::{ExpirationType, FillPolicy, OrderState, OrderType, PlacedType};
use calls::{ServerClock, ServerTime};
use model::{Reason, round_to};

/// 1601 to 1970 in milliseconds: FILETIME counts from there.
const FILETIME_EPOCH_MS: i64 = 11_644_473_600_000;

/// Seconds and milliseconds of the server clock.
pub(crate) fn server_ms(seconds: u32, ms: i32) -> i64 {
    i64::from(seconds) * 1000 + i64::from(ms.clamp(0, 999))
}

fn server_time(seconds: u32, ms: i32) -> ServerTime {
    ServerTime::from_ms(server_ms(seconds, ms))
}

/// Milliseconds since 1970 UTC; zero for no date.
fn utc_ms(server_ms: i64, zone: ServerClock) -> i64 {
    if server_ms == 0 { 0 } else { zone.utc_ms(server_ms) }
}

/// 100 ns since 1601, UTC; zero for no date.
fn filetime(server_ms: i64, zone: ServerClock) -> i64 {
    if server_ms == 0 { 0 } else { (zone.utc_ms(server_ms) + FILETIME_EPOCH_MS).saturating_mul(10_000) }
}

/// Tickets are signed on the wire in some records and never negative.
pub(crate) fn ticket(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn small(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Replies hold finite numbers only; a server's NaN is shown as nothing.
pub(crate) fn finite(number: f64) -> f64 {
    if number.is_finite() { number } else { 0.0 }
}

fn price(number: f64, digits: u32) -> f64 {
    round_to(number, digits)
}

fn order_type(number: u32) -> OrderType {
    OrderType::from_number(number.into()).unwrap_or(OrderType::Buy)
}

fn order_state(number: u32) -> OrderState {
    OrderState::from_number(number.into()).unwrap_or(OrderState::Started)
}

fn expiration(number: u32) -> ExpirationType {
    ExpirationType::from_number(number.into()).unwrap_or(ExpirationType::Gtc)
}

/// The filling of an order: the contract numbers them as the wire does.
pub(crate) fn fill_policy(number: u32) -> FillPolicy {
    FillPolicy::from_number(number.into()).unwrap_or(FillPolicy::Any)
}

/// The contract numbers reasons without "external client".
fn placed_type(number: u32) -> PlacedType {
    match Reason::from_number(number) {
        Some(Reason::Client) => PlacedType::Manually,
        Some(Reason::Expert) => PlacedType::ByExpert,
        Some(Reason::Dealer) => PlacedType::ByDealer,
        Some(Reason::StopLoss) => PlacedType::OnSl,
        Some(Reason::TakeProfit) => PlacedType::OnTp,
        Some(Reason::StopOut) => PlacedType::OnStopOut,
        Some(Reason::Rollover) => PlacedType::OnRollover,
        Some(Reason::VariationMargin) => PlacedType::OnVmargin,
        Some(Reason::ExternalClient | Reason::Gateway) => PlacedType::Gateway,
        Some(Reason::Signal) => PlacedType::Signal,
        Some(Reason::Settlement) => PlacedType::Settlement,
        Some(Reason::Transfer) => PlacedType::Transfer,
        Some(Reason::Sync) => PlacedType::Sync,
        Some(Reason::ExternalService) => PlacedType::ExternalService,
        Some(Reason::Migration) => PlacedType::Migration,
        Some(Reason::Mobile) => PlacedType::Mobile,
        Some(Reason::Web) => PlacedType::Web,
        Some(Reason::Split) => PlacedType::OnSplit,
        None => PlacedType::Default,
    }
}
