//! Margin: may a position be opened, must positions be closed.

use model::calc::{Exposure, rate_buy};
use model::{DealEntry, Money, Reason, Retcode, Side, Volume};

use super::book::Fill;
use super::desk::Desk;
use super::{Event, StopOut, Ticket};
use crate::catalogue::{Symbol, SymbolId};

impl Desk<'_> {
    /// Whether the free margin covers what a fill adds to the margin, and its commission. A fill that hedges,
    /// reduces or turns a position into a smaller one adds nothing and is always covered.
    pub(super) fn afford(&self, symbol: &Symbol, side: Side, fill: Fill) -> Result<(), Retcode> {
        let opened = self.opened_by(symbol.id, side, fill.volume);
        if opened.is_zero() {
            return Ok(());
        }
        let deposit = &self.account.terms.deposit;
        let rate = self.margin_rate(symbol, side).ok_or(Retcode::NO_QUOTES)?;
        // Without a way to convert the profit nobody could say what the position is worth.
        rate_buy(&symbol.contract.currency_profit, &deposit.currency, self.market)
            .ok_or(Retcode::NO_QUOTES)?;
        let mut exposures = self.account.exposures();
        let before = self.account.margin_of(&exposures, None, self.market);
        let reverses = opened < fill.volume;
        let exposure = exposures.entry(symbol.id).or_default();
        if reverses {
            *exposure = Exposure::default();
        }
        exposure.add(side, opened, fill.price, rate);
        // What is opened now must meet the initial rates, not those for keeping it.
        let added = self.account.margin_of(&exposures, Some(symbol.id), self.market) - before;
        let commission = if reverses {
            self.reversal_commission(symbol, fill, opened)
        } else {
            self.commission(symbol, DealEntry::In, fill)
        };
        let needed = added - commission;
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
        let is_counted = |order: &&super::Order| {
            order.symbol == symbol.id && order.kind.side() == Some(side) && !order.is_closing
        };
        let working: Volume =
            self.account.orders.values().filter(is_counted).map(|order| order.volume_current).sum();
        if held + working + more > symbol.volume_limit { Err(Retcode::VOLUME_LIMIT) } else { Ok(()) }
    }

    /// Calls for margin when its level has fallen, and closes positions below the stop-out level: the worst
    /// loss first, until the level is good again or nothing more can be closed now.
    pub(super) fn enforce_margin(&mut self) {
        if self.account.positions.is_empty() {
            self.account.is_called = false;
            return;
        }
        let is_short = self.is_below(self.account.terms.margin_call);
        if is_short && !self.account.is_called {
            self.events.push(Event::MarginCall { login: self.account.terms.login });
        }
        self.account.is_called = is_short;
        while self.must_stop_out() {
            let figures = self.account.equity(self.market);
            let comment = format!("so {:.2}%/{}/{}", figures.margin_level, figures.equity, figures.margin);
            let closed = self.by_loss().into_iter().any(|id| {
                // The comment tells the state that forced the closing.
                self.close_at_market(id, Reason::StopOut, comment.clone())
            });
            if !closed {
                break;
            }
        }
    }

    fn must_stop_out(&self) -> bool {
        let level = match self.account.terms.stop_out {
            StopOut::Level(level) | StopOut::Equity(level) => level,
        };
        !self.account.positions.is_empty() && self.is_below(level)
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

    /// Open positions that may be closed, the greatest loss first.
    fn by_loss(&self) -> Vec<Ticket> {
        let result = |position: &super::Position| (position.profit + position.swap, position.id);
        let closable = self.account.positions.values().filter(|position| !self.account.must_wait(position));
        let mut results: Vec<_> = closable.map(result).collect();
        results.sort_unstable();
        results.into_iter().map(|(_, id)| id).collect()
    }
}
