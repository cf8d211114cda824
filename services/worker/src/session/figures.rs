//! Profit, margin and equity of a session's account at its present prices.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::calc::{
    Equity, Exposure, Floating, FreeMarginMode, Funds, Held, Pending, Stage, account_margin, asset_value,
    holds_margin, margin_rate, profit_of,
};
use model::{LeverageRange, Money, OrderType, Price, Side, Volume};
use wire::records::Order;

use super::state::{OpenPosition, State};
use super::terms::{Terms, leverage_rules};

/// What a trade would change in what is held.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// So much less of positions, by their numbers.
    pub(super) less: Vec<(i64, Volume)>,
    /// A new position: symbol, side, volume, price, and the rate by which its margin is converted.
    pub(super) more: Option<(String, Side, Volume, Price, f64)>,
    /// An order that is there no more.
    pub(super) without: Option<i64>,
    /// A new order.
    pub(super) order: Option<Order>,
}

impl State {
    /// Computes the profits that depend on symbols whose prices changed since the last time.
    pub(crate) fn revalue_changed(&mut self) {
        let changed = self.quotes.take_changed();
        if changed.is_empty() || self.positions.is_empty() {
            return;
        }
        let touched = |position: &OpenPosition| {
            position.inputs.is_empty() || position.inputs.iter().any(|id| changed.contains(id))
        };
        let ids: Vec<i64> =
            self.positions.iter().filter(|(_, position)| touched(position)).map(|(id, _)| *id).collect();
        for id in ids {
            self.revalue(id);
        }
    }

    pub(super) fn revalue(&mut self, id: i64) {
        let Some(symbol) = self.positions.get(&id).map(|position| position.record.trade_symbol.clone())
        else {
            return;
        };
        let Some(terms) = self.terms_of(&symbol) else { return };
        let deposit = self.deposit();
        if self.positions.get(&id).is_some_and(|position| position.inputs.is_empty()) {
            let mut inputs = vec![terms.full.symbol_id];
            self.add_conversions(&terms.contract.currency_profit, &deposit.currency, &mut inputs);
            if let Some(position) = self.positions.get_mut(&id) {
                position.inputs = inputs;
                position.filling.get_or_insert_with(|| terms.market_filling().number());
                position.texts.shown = None;
            }
        }
        let Some(quote) = self.quotes.prices(terms.full.symbol_id) else { return };
        let market = self.quotes.market(&self.catalogue);
        let Some(position) = self.positions.get_mut(&id) else { return };
        let (side, volume, open) = (position.side(), position.volume(), position.open_price());
        let before = (position.close, position.profit, position.rate.to_bits());
        position.close = quote.close(side);
        if let Some(profit) =
            profit_of(&terms.contract, side, volume, open, position.close, &deposit, &market)
        {
            position.profit = profit.money;
            position.rate = profit.rate;
        }
        if before != (position.close, position.profit, position.rate.to_bits()) {
            position.texts.shown = None;
        }
    }

    /// The figures of the account at current prices, with the floating profit. `None` while the terms of a held
    /// symbol are missing: then they would be wrong.
    pub(crate) fn figures(&mut self) -> Option<(Equity, Floating)> {
        self.revalue_changed();
        let margin = self.margin()?;
        Some(self.figures_with(margin))
    }

    /// As [`figures`](Self::figures), but symbols that the server tells no terms of count without margin: for events,
    /// which must not be withheld for ever.
    pub(crate) fn figures_of_known(&mut self) -> (Equity, Floating) {
        self.revalue_changed();
        let margin = self.margin().unwrap_or_else(|| {
            let (held, _) = self.held();
            self.margin_of(&held)
        });
        self.figures_with(margin)
    }

    /// The figures of the account at current prices, and what they would be after a change of what is held: its result is not
    /// booked yet. `None` while they cannot be told.
    pub(super) fn equity_after(&mut self, change: &Change) -> Option<(Equity, Equity)> {
        let (before, _) = self.figures()?;
        let (held, is_whole) = self.held_after(change);
        let margin = is_whole.then(|| self.margin_of(&held))?;
        Some((before, self.figures_with(margin).0))
    }

    fn figures_with(&mut self, margin: Money) -> (Equity, Floating) {
        let mut floating = Floating::default();
        let digits = self.account.main.currency_digits;
        let parts: Vec<_> = self
            .positions
            .values()
            .map(|open| {
                let swap = Money::round(open.record.storage, digits);
                let volume = (open.side(), open.volume(), open.close);
                (open.record.trade_symbol.clone(), volume, open.profit, swap)
            })
            .collect();
        let deposit = self.deposit();
        for (symbol, (side, volume, close), profit, swap) in parts {
            let Some(terms) = self.terms_of(&symbol) else {
                floating.add_without_terms(profit, swap);
                continue;
            };
            floating.add(&terms.contract, side, profit, swap);
            let market = self.quotes.market(&self.catalogue);
            // What nobody can convert now covers nothing.
            let asset = asset_value(&terms.contract, side, volume, close, &deposit, &market);
            floating.add_asset(asset.unwrap_or_default());
        }
        let mode = FreeMarginMode::from_number(self.account.main.margin_free_mode);
        (Equity::of(&self.funds(), &floating, margin, mode), floating)
    }

    fn funds(&self) -> Funds {
        let main = &self.account.main;
        let money = |value| Money::round(value, main.currency_digits);
        let commission_accrued = money(main.commission_daily) + money(main.commission_monthly);
        Funds { balance: money(main.balance), credit: money(main.credit), commission_accrued }
    }

    /// Margin depends on prices and rates of the time when something was opened or placed, so it changes with positions
    /// and orders, not with prices; but where leverage floats with values that are converted, and where the server leaves
    /// the rate of an order to its clients.
    fn margin(&mut self) -> Option<Money> {
        if self.margin.is_some() {
            return self.margin;
        }
        let (held, is_whole) = self.held();
        let margin = is_whole.then(|| self.margin_of(&held))?;
        let by_value = [LeverageRange::Value, LeverageRange::SymbolValue].map(LeverageRange::number);
        let is_lasting =
            self.account.leverage_rules.iter().all(|rule| !by_value.contains(&rule.rule.range_mode));
        let has_rates = held.iter().all(|holding| holding.has_rates);
        self.margin = (is_lasting && has_rates).then_some(margin);
        Some(margin)
    }

    /// What is held of each symbol whose terms are there, and whether that is all. Where the server does not tell the terms,
    /// pending orders hold nothing, as most do.
    fn held(&mut self) -> (Vec<Holding>, bool) {
        self.held_after(&Change::default())
    }

    fn held_after(&mut self, change: &Change) -> (Vec<Holding>, bool) {
        let mut symbols: BTreeMap<String, (Exposure, Vec<i64>)> = BTreeMap::new();
        for open in self.positions.values() {
            let (exposure, _) = symbols.entry(open.record.trade_symbol.clone()).or_default();
            let less = change.less.iter().filter(|(id, _)| *id == open.record.position_id);
            let less = less.fold(0, |sum: u64, (_, volume)| sum.saturating_add(volume.units()));
            let left = Volume::from_units(open.volume().units().saturating_sub(less));
            if !left.is_zero() {
                exposure.add(open.side(), left, open.open_price(), open.record.rate_margin);
            }
        }
        if let Some((symbol, side, volume, price, rate)) = &change.more {
            symbols.entry(symbol.clone()).or_default().0.add(*side, *volume, *price, *rate);
        }
        if let Some(order) = &change.order {
            symbols.entry(order.trade_symbol.clone()).or_default();
        }
        let is_left = |id: &i64, order: &Order| kind_of(order).is_pending() && change.without != Some(*id);
        for (id, order) in self.orders.iter().filter(|(id, order)| is_left(id, order)) {
            symbols.entry(order.trade_symbol.clone()).or_default().1.push(*id);
        }
        let (mut held, mut is_whole) = (Vec::new(), true);
        for (symbol, (exposure, ids)) in symbols {
            let Some(terms) = self.terms_of(&symbol) else {
                is_whole &= exposure.is_empty() && self.is_without_terms(&symbol);
                continue;
            };
            let new = change.order.iter().filter(|order| order.trade_symbol == symbol);
            let mut waiting: Vec<&Order> =
                ids.iter().filter_map(|id| self.orders.get(id)).chain(new).collect();
            waiting.retain(|order| holds_margin(&terms.contract, kind_of(order)));
            let has_rates = waiting.iter().all(|order| has_rate(order));
            let orders = waiting.iter().filter_map(|order| self.pending(order, &terms)).collect();
            held.push(Holding { terms, exposure, orders, has_rates });
        }
        (held, is_whole)
    }

    /// An order as margin sees it; `None` while its rate is neither told nor quoted.
    fn pending(&self, order: &Order, terms: &Terms) -> Option<Pending> {
        let kind = kind_of(order);
        let market = self.quotes.market(&self.catalogue);
        let rate = if has_rate(order) {
            order.margin_rate
        } else {
            margin_rate(&terms.contract, kind.side()?, &self.deposit(), &market)?
        };
        let volume = Volume::from_units(u64::try_from(order.volume_current).unwrap_or(0));
        let price = Price::from_f64(order.price_order, order.digits).unwrap_or_default();
        Some(Pending { kind, volume, price, rate })
    }

    fn margin_of(&self, held: &[Holding]) -> Money {
        let held: Vec<Held<'_>> = held
            .iter()
            .map(|Holding { terms, exposure, orders, .. }| Held {
                path: &terms.full.trade.symbol_path,
                contract: &terms.contract,
                exposure: *exposure,
                orders,
                stage: Stage::Open,
            })
            .collect();
        let mode = self.margin_mode();
        let rules = leverage_rules(&self.account);
        account_margin(&held, mode, &rules, &self.deposit(), &self.quotes.market(&self.catalogue))
    }

    /// Keeps the prices coming by which an order is measured, and its margin converted, so that a refusal can tell them.
    pub(crate) fn watch_order(&mut self, symbol: &str) {
        let Some(terms) = self.terms_of(symbol) else { return };
        let mut ids = vec![terms.full.symbol_id];
        self.add_conversions(&terms.contract.currency_margin, &self.account.main.account_currency, &mut ids);
        ids.into_iter().for_each(|id| self.quotes.watch(id));
    }

    /// Ids of the pairs that profits are converted by, and the margin of orders whose rate the server does not tell.
    pub(crate) fn conversion_symbols(&mut self) -> Vec<u32> {
        let account = self.account.main.account_currency.clone();
        let held: Vec<String> =
            self.positions.values().map(|position| position.record.trade_symbol.clone()).collect();
        let waiting = self.orders.values().filter(|order| !has_rate(order));
        let waiting: Vec<(String, OrderType)> =
            waiting.map(|order| (order.trade_symbol.clone(), kind_of(order))).collect();
        let mut ids = Vec::new();
        for symbol in held {
            if let Some(terms) = self.terms_of(&symbol) {
                self.add_conversions(&terms.contract.currency_profit, &account, &mut ids);
            }
        }
        for (symbol, kind) in waiting {
            if let Some(terms) = self.terms_of(&symbol).filter(|terms| holds_margin(&terms.contract, kind)) {
                self.add_conversions(&terms.contract.currency_margin, &account, &mut ids);
            }
        }
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

/// What the account has in a symbol, as margin sees it.
struct Holding {
    terms: Arc<Terms>,
    exposure: Exposure,
    orders: Vec<Pending>,
    /// Whether the server tells the rate of each of the orders.
    has_rates: bool,
}

/// An order at market is none that margin counts.
fn kind_of(order: &Order) -> OrderType {
    OrderType::from_number(order.order_type).unwrap_or(OrderType::CloseBy)
}

/// Whether the server tells at which rate the margin of an order is converted; else its clients find it (protocol 9.3).
fn has_rate(order: &Order) -> bool {
    order.margin_rate > 0.0
}
