//! Symbols.

use calls::reply::{SymGroup, SymbolInfo, SymbolParams};
use calls::values::{
    CalcMode, ExecutionMode, ExpirationFlags, FillFlags, GtcMode, SwapType, TradeMode, WeekDay,
};
use model::Volume;
use wire::records::FullSymbol;

use super::{finite, small};
use crate::session::terms::Terms;

/// Contract data of a symbol.
pub(crate) fn symbol_info(full: &FullSymbol, tick_values: (f64, f64)) -> SymbolInfo {
    SymbolInfo {
        update_time: 0,
        currency: full.trade_symbol.clone(),
        isin: full.isin.clone(),
        description: full.symbol_description.clone(),
        basis: full.basis.clone(),
        ref_to_site: full.symbol_page.clone(),
        custom: 0,
        profit_currency: full.currency_profit.clone(),
        margin_currency: full.currency_margin.clone(),
        precision: small(full.digits),
        bkgnd_color: full.color_background as i32,
        digits: small(full.digits),
        points: finite(full.point),
        limit_points: 0.0,
        id: small(full.symbol_id),
        depth_of_market: small(full.ticks_bookdepth),
        spread: full.spread,
        tick_value: finite(full.tick_value),
        tick_size: finite(full.tick_size),
        contract_size: finite(full.contract_size),
        gtc_mode: GtcMode::from_number(full.trade_gtc_mode.into()).unwrap_or(GtcMode::Cancelled),
        calc_mode: calc_mode(full.trade_calc_mode),
        settlement_price: finite(full.trade_price_settle),
        lower_limit: finite(full.trade_price_limit_min),
        upper_limit: finite(full.trade_price_limit_max),
        face_value: finite(full.face_value),
        accrued_interest: finite(full.accrued_interest),
        first_trade_time: i64::from(full.time_start),
        last_trade_time: i64::from(full.time_expiration),
        bid_tickvalue: finite(tick_values.0),
        ask_tickvalue: finite(tick_values.1),
    }
}

/// Contract data and trading conditions of a symbol for this account.
pub(crate) fn symbol_params(terms: &Terms, tick_values: (f64, f64)) -> SymbolParams {
    SymbolParams {
        symbol: terms.full.trade_symbol.clone(),
        symbol_info: symbol_info(&terms.full, tick_values),
        symbol_group: group(terms),
    }
}

fn group(terms: &Terms) -> SymGroup {
    let trade = &terms.trade;
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let lots = |units: u64| Volume::from_units(units).lots();
    let path = &terms.full.trade.symbol_path;
    let folder = path.rsplit_once('\\').map_or("", |(folder, _)| folder);
    SymGroup {
        group_name: folder.to_owned(),
        deviation_rate: 0,
        round_rate: 0,
        trade_mode: TradeMode::from_number(trade.trade_mode.into()).unwrap_or(TradeMode::Disabled),
        sl: trade.trade_stops_level,
        tp: trade.trade_stops_level,
        trade_type: ExecutionMode::from_number(trade.trade_exemode.into()).unwrap_or(ExecutionMode::Market),
        fill_policy: FillFlags(trade.trade_fill_flags),
        expiration: ExpirationFlags(trade.trade_time_flags),
        order_flags: number(trade.trade_order_flags),
        price_timeout: number(trade.trade_request_timeout),
        requote_timeout: number(trade.trade_instant_timeout),
        request_lots: 0,
        tmp1: 0,
        min_volume: trade.volume_min,
        max_volume: trade.volume_max,
        volume_step: trade.volume_step,
        initial_margin: finite(trade.margin_initial),
        maintenance_margin: finite(trade.margin_maintenance),
        init_margin_rate: trade.margin_rates_initial.iter().map(|rate| finite(*rate)).collect(),
        mntn_margin_rate: trade.margin_rates_maintenance.iter().map(|rate| finite(*rate)).collect(),
        hedged_margin: finite(trade.margin_hedged),
        swap_type: SwapType::from_number(trade.swap_mode.into()).unwrap_or(SwapType::SwapNone),
        swap_long: finite(trade.swap_long),
        swap_short: finite(trade.swap_short),
        three_days_swap: WeekDay::from_number(trade.swap_rollover3days.into()).unwrap_or(WeekDay::Wednesday),
        swap_rates: trade.swap_rates.iter().map(|rate| finite(*rate)).collect(),
        min_lots: lots(trade.volume_min),
        max_lots: lots(trade.volume_max),
        lots_step: lots(trade.volume_step),
    }
}

/// The contract numbers the exchange modes on from 6; the wire from 32.
fn calc_mode(number: u32) -> CalcMode {
    match model::CalcMode::from_number(number) {
        Some(model::CalcMode::Futures) => CalcMode::Futures,
        Some(model::CalcMode::Cfd) => CalcMode::Cfd,
        Some(model::CalcMode::CfdIndex) => CalcMode::CfdIndex,
        Some(model::CalcMode::CfdLeverage) => CalcMode::CfdLeverage,
        Some(model::CalcMode::ForexNoLeverage) => CalcMode::CalcMode5,
        Some(model::CalcMode::Stocks | model::CalcMode::MoexStocks) => CalcMode::ExchangeStocks,
        Some(model::CalcMode::ExchangeFutures) => CalcMode::ExchangeFutures,
        Some(model::CalcMode::FortsFutures) => CalcMode::FortsFutures,
        Some(model::CalcMode::Option) => CalcMode::ExchangeOption,
        Some(model::CalcMode::MarginOption) => CalcMode::ExchangeMarginOption,
        Some(model::CalcMode::Bonds | model::CalcMode::MoexBonds) => CalcMode::ExchangeBounds,
        Some(model::CalcMode::Collateral) => CalcMode::Collateral,
        Some(model::CalcMode::Forex) | None => CalcMode::Forex,
    }
}
