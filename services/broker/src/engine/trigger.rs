//! What a tick sets going: stop loss, take profit, pending orders, stop-outs.

use model::calc::BidAsk;
use model::{OrderState, OrderType, Price, Reason, Side};

use super::desk::Desk;
use super::index::Trigger;
use super::{Activation, Change, Engine, Event, List, Order, Position, Tick, Ticket};
use crate::catalogue::{Symbol, SymbolId};

impl Engine {
    /// Takes a tick over and does what it sets going. Positions come before orders, accounts and tickets in
    /// rising order.
    pub(super) fn on_tick(&mut self, tick: &Tick, events: &mut Vec<Event>) {
        if !self.market.update(tick) {
            return;
        }
        let Some(symbol) = self.market.symbol(tick.symbol) else { return };
        let Some(quote) = self.market.price(tick.symbol) else { return };
        if !symbol.schedule.is_traded(self.now) {
            return;
        }
        for login in self.ledger.holders(symbol.id) {
            if let Some(mut desk) = self.desk(login, events) {
                desk.mark(&symbol, quote);
            }
        }
        for (login, ticket) in self.ledger.triggered(symbol.id, quote) {
            if let Some(mut desk) = self.desk(login, events) {
                desk.activate(ticket);
                desk.enforce_margin();
            }
        }
    }

    /// Looks over all accounts: a changed conversion rate can bring one below its stop-out level without a
    /// tick of its own symbols.
    pub(super) fn sweep(&mut self, events: &mut Vec<Event>) {
        let holders: Vec<_> = self
            .accounts
            .iter()
            .filter(|(_, account)| account.is_exposed())
            .map(|(login, _)| *login)
            .collect();
        for login in holders {
            if let Some(mut desk) = self.desk(login, events) {
                desk.account.revalue_all(desk.market);
                desk.enforce_margin();
            }
        }
    }
}

impl Desk<'_> {
    /// Values the account's positions in a symbol and closes those whose stops were reached.
    fn mark(&mut self, symbol: &Symbol, quote: BidAsk) {
        self.account.revalue(self.market, Some(symbol.id));
        for (id, reason, comment) in self.reached_stops(symbol.id, symbol.digits(), quote) {
            // A stop that was reached before its turn waits for a later tick.
            if self.account.positions.get(&id).is_some_and(|position| !self.account.must_wait(position)) {
                self.close_at_market(id, reason, comment);
            }
        }
        self.enforce_margin();
    }

    fn reached_stops(&self, symbol: SymbolId, digits: u32, quote: BidAsk) -> Vec<(Ticket, Reason, String)> {
        let reached = |position: &Position| {
            let is_met = |price: &Price, is_loss| Trigger::is_stop_met(position.side, is_loss, *price, quote);
            let digits = digits as usize;
            if let Some(sl) = position.sl.filter(|price| is_met(price, true)) {
                return Some((position.id, Reason::StopLoss, format!("[sl {:.digits$}]", sl.to_f64())));
            }
            let tp = position.tp.filter(|price| is_met(price, false))?;
            Some((position.id, Reason::TakeProfit, format!("[tp {:.digits$}]", tp.to_f64())))
        };
        self.account.positions.values().filter(|p| p.symbol == symbol).filter_map(reached).collect()
    }

    /// Does what an order waits for, if the market is there: a stop-limit becomes its limit order, others are
    /// filled.
    pub(super) fn activate(&mut self, ticket: Ticket) {
        let Some(order) = self.account.orders.get(&ticket) else { return };
        let Some(symbol) = self.market.symbol(order.symbol) else { return };
        let Some(quote) = self.market.price(order.symbol) else { return };
        if !Trigger::of(order).is_met(quote) {
            return;
        }
        let Some(mut order) = self.take_working(ticket) else { return };
        let volume = order.volume_current;
        match order.kind {
            OrderType::BuyStopLimit | OrderType::SellStopLimit => {
                self.become_limit(order);
                self.activate(ticket);
            }
            OrderType::BuyStop | OrderType::SellStop => {
                let is_news = order.activation != Activation::Price;
                order.activation = Activation::Price;
                self.fill_working(&symbol, order, None);
                // Where there was nothing to be had, all that is new is that it waits for any price now.
                let waiting = self.account.orders.get(&ticket).filter(|_| is_news).cloned();
                if let Some(order) = waiting.filter(|order| order.volume_current == volume) {
                    self.announce(List::Open, Change::Updated, &order);
                }
            }
            OrderType::BuyLimit | OrderType::SellLimit => {
                let limit = Some(order.price);
                self.fill_working(&symbol, order, limit);
            }
            OrderType::Buy | OrderType::Sell | OrderType::CloseBy => self.fill_working(&symbol, order, None),
        }
    }

    fn become_limit(&mut self, mut order: Order) {
        order.kind = match order.kind.side() {
            Some(Side::Sell) => OrderType::SellLimit,
            _ => OrderType::BuyLimit,
        };
        order.price = order.limit_price.take().unwrap_or(order.price);
        order.activation = Activation::StopLimit;
        self.announce(List::Open, Change::Updated, &order);
        self.keep_working(order);
    }

    /// Fills an order with what the market offers; what is left goes on working. An order that the account
    /// cannot pay for is refused now.
    fn fill_working(&mut self, symbol: &Symbol, mut order: Order, limit: Option<Price>) {
        let side = order.kind.side().unwrap_or(Side::Buy);
        let held = order.position.and_then(|id| self.account.positions.get(&id)).map(|p| p.volume);
        let wanted = match (order.is_closing, held) {
            (true, None) => return self.finish(order, OrderState::Canceled),
            // A stop may have closed a part of the position meanwhile.
            (true, Some(held)) => order.volume_current.min(held),
            (false, _) => order.volume_current,
        };
        let Some(fill) = self.market.offer(symbol, side, wanted, limit) else {
            return self.keep_working(order);
        };
        let is_new = !order.is_closing && held.is_none();
        let allowed = if is_new { self.position_limit(symbol.id) } else { Ok(()) };
        let rest = order.rest_after(fill);
        let allowed = if order.is_closing {
            allowed
        } else {
            allowed.and_then(|()| self.afford(symbol, side, fill, rest.as_ref()))
        };
        if let Err(refusal) = allowed {
            order.comment = refusal.text().into();
            return self.finish(order, OrderState::Rejected);
        }
        order.price_current = fill.price;
        let report = self.fill(symbol, &mut order, fill);
        self.conclude(order, Some(report));
    }
}
