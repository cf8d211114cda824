//! Answers about symbols. They rarely change, so they are made once for all who ask.

use model::pow10;
use wire::records as w;
use wire::{Bare, Counted, Payload};

use super::outbox::Body;
use crate::catalogue::{Catalogue, Schedule, Symbol, SymbolId, currency_digits};
use crate::engine::OFFER_SPAN;

/// Bars are of bids.
const CHART_BY_BID: u32 = 0;
/// Depth of market may be watched.
const BOOK_ALLOWED: u32 = 1;

/// The ready answers.
pub(super) struct SymbolAnswers {
    /// To command 6.
    pub(super) plain: Body,
    /// To command 34.
    pub(super) compressed: Body,
    /// To command 9.
    pub(super) groups: Body,
    full: Vec<w::FullSymbol>,
}

impl SymbolAnswers {
    pub(super) fn new(catalogue: &Catalogue) -> Self {
        let briefs = Counted(catalogue.symbols().iter().map(|symbol| brief(symbol)).collect());
        let plain = briefs.to_bytes().into();
        let compressed = w::CompressedSymbols(briefs).to_bytes().into();
        let group = |folder: &str| w::SymbolGroup { path: folder.into() };
        let groups = Counted(catalogue.folders().into_iter().map(group).collect::<Vec<_>>());
        let full = catalogue.symbols().iter().map(|symbol| full(symbol)).collect();
        Self { plain, compressed, groups: groups.to_bytes().into(), full }
    }

    /// To command 18: unknown symbols are left out, and each is told once.
    pub(super) fn full(&self, request: &w::FullSymbolsRequest) -> Body {
        let is_wanted = |symbol: &&w::FullSymbol| match request {
            w::FullSymbolsRequest::Ids(ids) => ids.0.contains(&symbol.symbol_id),
            w::FullSymbolsRequest::Name(name) => symbol.trade_symbol == *name,
        };
        Counted(self.full.iter().filter(is_wanted).cloned().collect::<Vec<_>>()).to_bytes().into()
    }

    /// The body of a push 13 about a symbol.
    pub(super) fn update(&self, id: SymbolId) -> Option<Body> {
        Some(Bare(vec![self.full.get(id.index())?.clone()]).to_bytes().into())
    }
}

fn brief(symbol: &Symbol) -> w::SymbolBrief {
    w::SymbolBrief {
        trade_symbol: symbol.name.clone(),
        symbol_description: symbol.description.clone(),
        digits: symbol.digits(),
        symbol_id: symbol.id.0,
        symbol_path: symbol.path.clone(),
        trade_calc_mode: symbol.contract.calc_mode.number(),
        basis: symbol.basis.clone(),
        sector: symbol.sector,
    }
}

fn full(symbol: &Symbol) -> w::FullSymbol {
    let contract = &symbol.contract;
    let scale = pow10(symbol.digits()) as f64;
    w::FullSymbol {
        trade_symbol: symbol.name.clone(),
        isin: symbol.isin.clone(),
        symbol_description: symbol.description.clone(),
        basis: symbol.basis.clone(),
        category: symbol.path.split('\\').next().unwrap_or_default().into(),
        trade_exchange: symbol.exchange.clone(),
        sector: symbol.sector,
        industry: symbol.industry,
        country: symbol.country.clone(),
        currency_base: symbol.currency_base.clone(),
        currency_profit: contract.currency_profit.clone(),
        currency_margin: contract.currency_margin.clone(),
        currency_base_digits: currency_digits(&symbol.currency_base),
        currency_profit_digits: contract.currency_profit_digits,
        currency_margin_digits: currency_digits(&contract.currency_margin),
        digits: symbol.digits(),
        point: 1.0 / scale,
        symbol_multiply: scale,
        symbol_id: symbol.id.0,
        ticks_bookdepth: symbol.book_depth,
        ticks_chart_mode: CHART_BY_BID,
        trade_flags: contract.trade_flags,
        tick_value: contract.tick_value,
        tick_size: contract.tick_size,
        contract_size: contract.contract_size,
        face_value: contract.face_value,
        accrued_interest: contract.accrued_interest,
        trade_calc_mode: contract.calc_mode.number(),
        trade: settings(symbol),
        schedule: schedule(&symbol.schedule),
        subscription: w::Subscription { level: 1, ..w::Subscription::default() },
        ..w::FullSymbol::default()
    }
}

fn settings(symbol: &Symbol) -> w::TradeSettings {
    let contract = &symbol.contract;
    let offer_s = u32::try_from(OFFER_SPAN.as_secs()).unwrap_or(u32::MAX);
    w::TradeSettings {
        symbol_path: symbol.path.clone(),
        trade_mode: symbol.trade_mode.number(),
        trade_stops_level: symbol.stops_level,
        trade_freeze_level: symbol.freeze_level,
        trade_exemode: symbol.execution.number(),
        trade_fill_flags: symbol.fill_flags,
        trade_time_flags: symbol.time_flags,
        trade_order_flags: symbol.order_flags,
        trade_request_timeout: offer_s,
        trade_instant_timeout: offer_s,
        volume_min: symbol.volume_min.units(),
        volume_max: symbol.volume_max.units(),
        volume_step: symbol.volume_step.units(),
        volume_limit: symbol.volume_limit.units(),
        margin_flags: contract.margin_flags,
        margin_initial: contract.margin_initial,
        margin_rates_initial: contract.rates_initial,
        margin_rates_maintenance: contract.rates_maintenance,
        margin_rate_liquidity: contract.liquidity_rate,
        margin_hedged: contract.margin_hedged,
        swap_mode: symbol.swap.mode.number(),
        swap_long: symbol.swap.long,
        swap_short: symbol.swap.short,
        swap_rollover3days: i32::try_from(symbol.swap.triple_day).unwrap_or(7),
        permissions_flags: if symbol.has_book() { BOOK_ALLOWED } else { 0 },
        permissions_bookdepth: symbol.book_depth,
        swap_rates: symbol.swap.rates,
        ..w::TradeSettings::default()
    }
}

fn schedule(schedule: &Schedule) -> w::Schedule {
    let week = |days: &[Vec<(u16, u16)>; 7]| {
        days.each_ref()
            .map(|day| day.iter().map(|(open, close)| w::Session { open: *open, close: *close }).collect())
    };
    w::Schedule { quotes: week(&schedule.quotes), trades: week(&schedule.trades) }
}
