//! An account: its terms, its money, what it has open and what it did.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::calc::{
    Deposit, Equity, Exposure, Floating, FreeMarginMode, Held, LeverageRule, Pending, Stage, account_margin,
    asset_value, holds_margin, profit_of,
};
use model::{Filling, MarginMode, Money, ServerTime};

use super::book::Fill;
use super::market::Market;
use super::past::{Past, Record};
use super::{Deal, Funds, History, Login, Order, Position, Ticket};
use crate::catalogue::{CommissionRule, SymbolId};
use model::calc::BidAsk;

/// How much an account may have; reaching a limit is an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Working orders of an account (retcode 10033).
    pub orders_max: usize,
    /// Open positions of an account (retcode 10040).
    pub positions_max: usize,
    /// Deals, and ended orders, that an account's history keeps; the oldest are dropped.
    pub history_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        // What brokers grant their accounts, and a history that still fits a few answers.
        Self { orders_max: 500, positions_max: 1000, history_max: 100_000 }
    }
}

/// When an account's positions are closed for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StopOut {
    /// Below this margin level, per cent.
    Level(f64),
    /// Below this equity, account currency.
    Equity(f64),
}

/// What is agreed with an account.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountTerms {
    /// Its number.
    pub login: Login,
    /// Currency and leverage.
    pub deposit: Deposit,
    /// When a margin call is made, in the unit of `stop_out`.
    pub margin_call: f64,
    /// When positions are closed.
    pub stop_out: StopOut,
    /// Which floating result counts as free margin.
    pub free_margin: FreeMarginMode,
    /// Whether positions of a symbol stand side by side or are one.
    pub margin_mode: MarginMode,
    /// Whether a position waits for the older ones of its symbol to be closed; hedging accounts only.
    pub fifo: bool,
    /// Commissions, the first that matches a symbol counts.
    pub commissions: &'static [CommissionRule],
    /// Floating leverage, the first that matches a symbol counts.
    pub leverage: Arc<[LeverageRule]>,
}

impl AccountTerms {
    /// Whether a symbol has one position at most.
    #[must_use]
    pub fn is_netting(&self) -> bool {
        self.margin_mode != MarginMode::Hedging
    }
}

/// Prices that were promised to an account for a while.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offer {
    pub(super) price: BidAsk,
    pub(super) until: ServerTime,
}

/// What an account has in a symbol, as margin sees it.
#[derive(Debug, Default)]
pub(super) struct Holding {
    pub(super) exposure: Exposure,
    /// Pending orders that hold margin.
    pub(super) orders: Vec<Pending>,
}

#[derive(Debug)]
pub(super) struct Account {
    pub(super) terms: AccountTerms,
    pub(super) enabled: bool,
    pub(super) balance: Money,
    pub(super) credit: Money,
    pub(super) day_profit: Money,
    pub(super) positions: BTreeMap<Ticket, Position>,
    pub(super) orders: BTreeMap<Ticket, Order>,
    pub(super) deals: Past<Deal>,
    pub(super) past_orders: Past<Order>,
    pub(super) offers: BTreeMap<SymbolId, Offer>,
    pub(super) is_called: bool,
    margin: Money,
}

impl Account {
    pub(super) fn new(terms: AccountTerms) -> Self {
        Self {
            terms,
            enabled: true,
            balance: Money::ZERO,
            credit: Money::ZERO,
            day_profit: Money::ZERO,
            positions: BTreeMap::new(),
            orders: BTreeMap::new(),
            deals: Past::new(),
            past_orders: Past::new(),
            offers: BTreeMap::new(),
            is_called: false,
            margin: Money::ZERO,
        }
    }

    pub(super) fn funds(&self) -> Funds {
        Funds { balance: self.balance, credit: self.credit, day_profit: self.day_profit }
    }

    /// The figures by the profits last computed.
    pub(super) fn equity(&self, market: &Market) -> Equity {
        let mut floating = Floating::default();
        for position in self.positions.values() {
            if let Some(contract) = market.contract(position.symbol) {
                floating.add(contract, position.side, position.profit, position.swap);
                let Position { side, volume, price_current, .. } = *position;
                // What nobody can convert now covers nothing.
                let asset = asset_value(contract, side, volume, price_current, &self.terms.deposit, market);
                floating.add_asset(asset.unwrap_or_default());
            }
        }
        let funds = model::calc::Funds {
            balance: self.balance,
            credit: self.credit,
            commission_accrued: Money::ZERO,
        };
        Equity::of(&funds, &floating, self.margin, self.terms.free_margin)
    }

    /// Computes the margin anew; to be called whenever a position or a pending order has changed.
    pub(super) fn settle_margin(&mut self, market: &Market) {
        self.margin = self.margin_of(&self.holdings(None, market), None, market);
    }

    /// What is held, by symbol; an order may be left out.
    pub(super) fn holdings(&self, without: Option<Ticket>, market: &Market) -> BTreeMap<SymbolId, Holding> {
        let mut holdings: BTreeMap<SymbolId, Holding> = BTreeMap::new();
        for position in self.positions.values() {
            let exposure = &mut holdings.entry(position.symbol).or_default().exposure;
            exposure.add(position.side, position.volume, position.price_open, position.rate_margin);
        }
        for order in self.orders.values().filter(|order| Some(order.ticket) != without) {
            if let Some(pending) = order.pending(market) {
                holdings.entry(order.symbol).or_default().orders.push(pending);
            }
        }
        holdings
    }

    /// Margin that the account would need if it held this; a symbol in which something is about to be opened pays the
    /// initial one.
    pub(super) fn margin_of(
        &self,
        holdings: &BTreeMap<SymbolId, Holding>,
        opening: Option<SymbolId>,
        market: &Market,
    ) -> Money {
        let mut all: Vec<Held<'_>> = Vec::with_capacity(holdings.len());
        for (id, holding) in holdings {
            let Some(symbol) = market.symbol_ref(*id) else { continue };
            all.push(Held {
                path: &symbol.path,
                contract: &symbol.contract,
                exposure: holding.exposure,
                orders: &holding.orders,
                stage: if opening == Some(*id) { Stage::Initial } else { Stage::Open },
            });
        }
        let AccountTerms { margin_mode, leverage, deposit, .. } = &self.terms;
        account_margin(&all, *margin_mode, leverage, deposit, market)
    }

    /// Whether there is anything that margin is needed for, or that may lose money.
    pub(super) fn is_exposed(&self) -> bool {
        !self.positions.is_empty() || self.margin > Money::ZERO
    }

    /// Margin in use.
    pub(super) fn margin(&self) -> Money {
        self.margin
    }

    /// The one position of a symbol that all its deals go to; none on hedging accounts.
    pub(super) fn net(&self, symbol: SymbolId) -> Option<&Position> {
        if !self.terms.is_netting() {
            return None;
        }
        self.positions.values().find(|position| position.symbol == symbol)
    }

    /// What is held of a symbol.
    pub(super) fn exposure(&self, symbol: SymbolId) -> Exposure {
        let mut exposure = Exposure::default();
        for position in self.positions.values().filter(|position| position.symbol == symbol) {
            exposure.add(position.side, position.volume, position.price_open, position.rate_margin);
        }
        exposure
    }

    /// Computes the profits of all positions, or of those in one symbol, at current prices.
    pub(super) fn revalue(&mut self, market: &Market, only: Option<SymbolId>) {
        for position in self.positions.values_mut().filter(|p| only.is_none_or(|id| p.symbol == id)) {
            let Some(contract) = market.contract(position.symbol) else { continue };
            let Some(quote) = market.price(position.symbol) else { continue };
            position.price_current = quote.close(position.side);
            let (side, open, close) = (position.side, position.price_open, position.price_current);
            let deposit = &self.terms.deposit;
            // A missing rate keeps the last profit: a wrong one would close positions.
            if let Some(profit) = profit_of(contract, side, position.volume, open, close, deposit, market) {
                position.profit = profit.money;
                position.rate_profit = profit.rate;
            }
        }
    }

    pub(super) fn revalue_all(&mut self, market: &Market) {
        self.revalue(market, None);
    }

    pub(super) fn history(&self, from_s: i64, to_s: i64, limit: usize) -> History {
        let deals = range(&self.deals, |deal| deal.time, from_s, to_s, limit);
        let orders =
            range(&self.past_orders, |order| order.done.unwrap_or(order.placed), from_s, to_s, limit);
        History { deals, orders }
    }

    /// Whether a position of this number was closed in the time that the history covers.
    pub(super) fn has_closed(&self, id: Ticket) -> bool {
        !self.positions.contains_key(&id) && self.deals.newest_first().any(|deal| deal.position == Some(id))
    }
}

impl Order {
    /// The order as margin sees it, if it holds any.
    pub(super) fn pending(&self, market: &Market) -> Option<Pending> {
        let contract = market.contract(self.symbol)?;
        let (kind, volume, price, rate) = (self.kind, self.volume_current, self.price, self.rate_margin);
        holds_margin(contract, kind).then_some(Pending { kind, volume, price, rate })
    }

    /// What goes on waiting after a fill: only [`Filling::Return`] lets a rest wait, every other one ends it.
    pub(super) fn rest_after(&self, fill: Fill) -> Option<Self> {
        let rest = self.volume_current - fill.volume;
        let waits = self.filling == Filling::Return && !rest.is_zero();
        waits.then(|| Self { volume_current: rest, ..self.clone() })
    }
}

/// The newest `limit` records of a range, in the order in which they were made. That is not quite the order of their times:
/// an hour comes twice when daylight saving time ends.
fn range<T: Record>(
    records: &Past<T>,
    time: impl Fn(&T) -> ServerTime,
    from_s: i64,
    to_s: i64,
    limit: usize,
) -> Vec<T> {
    let is_within = |record: &T| (from_s..=to_s).contains(&time(record).seconds());
    let mut newest: Vec<T> = records.newest_first().filter(is_within).take(limit).collect();
    newest.reverse();
    newest
}
