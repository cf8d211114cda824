//! Margin: may a position be opened or an order be placed, must orders be deleted and positions be closed.

use std::cmp::Reverse;

use model::calc::{Exposure, rate_buy};
use model::{DealEntry, Money, OrderState, Reason, Retcode, Side, Volume};

use super::book::Fill;
use super::desk::Desk;
use super::{Event, Order, Position, StopOut, Ticket};
use crate::catalogue::{Symbol, SymbolId};

impl Desk<'_> {
    /// Whether the free margin covers what a fill adds to the margin, its commission, and what the order holds that
    /// goes on waiting for the rest. A fill that hedges, reduces or turns a position into a smaller one adds nothing
    /// and is always covered.
    pub(super) fn afford(
        &self,
        symbol: &Symbol,
        side: Side,
        fill: Fill,
        rest: Option<&Order>,
    ) -> Result<(), Retcode> {
        let opened = self.opened_by(symbol.id, side, fill.volume);
        if opened.is_zero() {
            return rest.map_or(Ok(()), |order| self.afford_order(order));
        }
        let deposit = &self.account.terms.deposit;
        let rate = self.margin_rate(symbol, side).ok_or(Retcode::NO_QUOTES)?;
        // Without a way to convert the profit nobody could say what the position is worth.
        rate_buy(&symbol.contract.currency_profit, &deposit.currency, self.market)
            .ok_or(Retcode::NO_QUOTES)?;
        let mut holdings = self.account.holdings(None, self.market);
        let before = self.account.margin_of(&holdings, None, self.market);
        let reverses = opened < fill.volume;
        let holding = holdings.entry(symbol.id).or_default();
        if reverses {
            holding.exposure = Exposure::default();
        }
        holding.exposure.add(side, opened, fill.price, rate);
        holding.orders.extend(rest.and_then(|order| order.pending(self.market)));
        // What is opened now must meet the initial rates, not those for keeping it.
        let added = self.account.margin_of(&holdings, Some(symbol.id), self.market) - before;
        let commission = if reverses {
            self.reversal_commission(symbol, fill, opened)
        } else {
            self.commission(symbol, DealEntry::In, fill)
        };
        self.cover(added, added - commission)
    }

    /// Whether the free margin covers what a pending order adds to the margin. One of the same number that is there
    /// already is replaced by it.
    pub(super) fn afford_order(&self, order: &Order) -> Result<(), Retcode> {
        let Some(pending) = order.pending(self.market) else { return Ok(()) };
        let mut holdings = self.account.holdings(Some(order.ticket), self.market);
        holdings.entry(order.symbol).or_default().orders.push(pending);
        let added = self.account.margin_of(&holdings, None, self.market) - self.account.margin();
        self.cover(added, added)
    }

    fn cover(&self, added: Money, needed: Money) -> Result<(), Retcode> {
        let free = self.account.equity(self.market).free_margin;
        if added > Money::ZERO && free < needed { Err(Retcode::NO_MONEY) } else { Ok(()) }
    }

    /// Whether another position may be opened; on a netting account a symbol that has one gets no other.
    pub(super) fn position_limit(&self, symbol: SymbolId) -> Result<(), Retcode> {
        let full = self.account.positions.len() >= self.ledger.limits.positions_max;
        let full = full && self.account.net(symbol).is_none();
        if full { Err(Retcode::POSITION_LIMIT) } else { Ok(()) }
    }

    /// Whether the symbol's largest volume in one direction allows to open this much more.
    pub(super) fn volume_limit(&self, symbol: &Symbol, side: Side, more: Volume) -> Result<(), Retcode> {
        if symbol.volume_limit.is_zero() || more.is_zero() {
            return Ok(());
        }
        let held = self.account.exposure(symbol.id).volume(side);
        let is_counted = |order: &&Order| {
            order.symbol == symbol.id && order.kind.side() == Some(side) && !order.is_closing
        };
        let working: Volume =
            self.account.orders.values().filter(is_counted).map(|order| order.volume_current).sum();
        if held + working + more > symbol.volume_limit { Err(Retcode::VOLUME_LIMIT) } else { Ok(()) }
    }

    /// Calls for margin when its level has fallen, and brings an account that is below its stop-out level back above
    /// it: by deleting the pending orders that hold margin, the most first, then by closing positions, the worst loss
    /// first, until the level is good again or nothing more can be done now (MetaTrader 5 Help, "Stop Out").
    pub(super) fn enforce_margin(&mut self) {
        if !self.account.is_exposed() {
            self.account.is_called = false;
            return;
        }
        let is_short = self.is_below(self.account.terms.margin_call);
        if is_short && !self.account.is_called {
            self.events.push(Event::MarginCall { login: self.account.terms.login });
        }
        self.account.is_called = is_short;
        while self.must_stop_out() {
            // The comment tells the state that forced the step.
            let figures = self.account.equity(self.market);
            let comment = format!("so {:.2}%/{}/{}", figures.margin_level, figures.equity, figures.margin);
            let is_done = self.delete_dearest(&comment)
                || self
                    .by_loss()
                    .into_iter()
                    .any(|id| self.close_at_market(id, Reason::StopOut, comment.clone()));
            if !is_done {
                break;
            }
        }
    }

    /// Deletes the pending order that holds the most margin, of equal ones the oldest. False if none holds any.
    fn delete_dearest(&mut self, comment: &str) -> bool {
        let deposit = &self.account.terms.deposit;
        let margin_of = |order: &Order| {
            let margin = order.pending(self.market)?.margin(self.market.contract(order.symbol)?, deposit);
            (margin > Money::ZERO).then_some((margin, Reverse(order.ticket)))
        };
        let dearest = self.account.orders.values().filter_map(margin_of).max();
        let Some(mut order) = dearest.and_then(|(_, ticket)| self.take_working(ticket.0)) else {
            return false;
        };
        order.comment = comment.into();
        self.finish(order, OrderState::Canceled);
        true
    }

    fn must_stop_out(&self) -> bool {
        let level = match self.account.terms.stop_out {
            StopOut::Level(level) | StopOut::Equity(level) => level,
        };
        self.account.is_exposed() && self.is_below(level)
    }

    /// Whether the account is below a level in the unit of its stop-out. Hedged positions without margin are
    /// so once nothing is left to cover their losses.
    fn is_below(&self, level: f64) -> bool {
        let figures = self.account.equity(self.market);
        match self.account.terms.stop_out {
            StopOut::Level(_) if figures.margin > Money::ZERO => figures.margin_level < level,
            StopOut::Level(_) => figures.equity < Money::ZERO,
            StopOut::Equity(_) => figures.equity.to_f64() < level,
        }
    }

    /// Open positions that may be closed, the greatest loss first. Collateral has none, and its end would only take
    /// cover away.
    fn by_loss(&self) -> Vec<Ticket> {
        let result = |position: &Position| (position.profit + position.swap, position.id);
        let is_closable = |position: &&Position| {
            let is_collateral = self.market.symbol_ref(position.symbol).is_some_and(Symbol::is_collateral);
            !is_collateral && !self.account.must_wait(position)
        };
        let closable = self.account.positions.values().filter(is_closable);
        let mut results: Vec<_> = closable.map(result).collect();
        results.sort_unstable();
        results.into_iter().map(|(_, id)| id).collect()
    }
}
