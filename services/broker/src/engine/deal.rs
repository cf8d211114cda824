//! Deals: what a fill does to positions, balance and history.

use model::calc::{Deposit, margin_rate, profit_of};
use model::{DealEntry, DealType, Filling, Money, OrderState, OrderType, Price, Reason, Side, Volume};

use super::book::{Fill, average};
use super::desk::Desk;
use super::market::Market;
use super::{Activation, Change, Deal, DealReport, List, Order, Position, Ticket};
use crate::catalogue::Symbol;

impl Desk<'_> {
    /// An order of the server's own, or the beginnings of one a trader asks for.
    pub(super) fn market_order(&mut self, symbol: &Symbol, side: Side, volume: Volume) -> Order {
        Order {
            ticket: self.ledger.next_order(),
            symbol: symbol.id,
            kind: side.market_order(),
            state: OrderState::Started,
            filling: Filling::ImmediateOrCancel,
            expiration: model::Expiration::GoodTillCancelled,
            expires: None,
            reason: Reason::Web,
            price: Price::ZERO,
            limit_price: None,
            price_current: self.market.price(symbol.id).map_or(Price::ZERO, |quote| quote.open(side)),
            sl: None,
            tp: None,
            volume_initial: volume,
            volume_current: volume,
            rate_margin: 1.0,
            placed: self.now,
            done: None,
            position: None,
            position_by: None,
            is_closing: false,
            activation: Activation::None,
            comment: String::new(),
        }
    }

    /// Makes the deal for a fill of an order; positions, money and history follow. The caller announces
    /// order and deal, in that order.
    pub(super) fn fill(&mut self, symbol: &Symbol, order: &mut Order, fill: Fill) -> DealReport {
        let side = order.kind.side().unwrap_or(Side::Buy);
        self.market.take(symbol, side, fill.volume);
        order.volume_current -= fill.volume;
        let report = match order.position.filter(|_| order.is_closing) {
            Some(id) => self.reduce(symbol, order, id, fill, DealEntry::Out),
            None if self.account.terms.is_netting() => self.net(symbol, order, side, fill),
            None => self.enlarge(symbol, order, order.ticket, side, fill),
        };
        self.account.settle_margin(self.market);
        report
    }

    /// Opens the position of this number, or adds to it.
    pub(super) fn enlarge(
        &mut self,
        symbol: &Symbol,
        order: &mut Order,
        id: Ticket,
        side: Side,
        fill: Fill,
    ) -> DealReport {
        let rate_margin = self.margin_rate(symbol, side).unwrap_or(1.0);
        let commission = self.commission_of(order, symbol, DealEntry::In, fill);
        let deposit = &self.account.terms.deposit;
        let profit =
            profit_of(&symbol.contract, side, fill.volume, fill.price, fill.price, deposit, self.market);
        let rate_profit = profit.map_or(1.0, |profit| profit.rate);
        order.position = Some(id);
        let position = self.account.positions.entry(id).or_insert_with(|| Position {
            id,
            order: order.ticket,
            symbol: symbol.id,
            side,
            volume: Volume::ZERO,
            price_open: fill.price,
            price_current: fill.price,
            sl: order.sl,
            tp: order.tp,
            profit: Money::ZERO,
            rate_profit,
            rate_margin,
            commission: Money::ZERO,
            swap: Money::ZERO,
            opened: self.now,
            updated: self.now,
            reason: order.reason,
            comment: order.comment.clone(),
        });
        if position.volume.is_zero() {
            self.ledger.add_position(self.account.terms.login, symbol.id);
        }
        let (old, new) = (position.volume.lots(), fill.volume.lots());
        position.rate_margin = (position.rate_margin * old + rate_margin * new) / (old + new);
        position.price_open = average((position.price_open, position.volume), (fill.price, fill.volume));
        position.volume += fill.volume;
        position.commission += commission;
        position.order = order.ticket;
        position.updated = self.now;
        let mut deal = self.deal_of(order, side, fill, DealEntry::In);
        deal.commission = commission;
        (deal.rate_profit, deal.rate_margin) = (rate_profit, rate_margin);
        self.book_deal(deal.clone());
        self.account.revalue(self.market, Some(symbol.id));
        let position = self.account.positions.get(&id).cloned();
        DealReport { deal: Some(deal), position, other: None, funds: self.account.funds() }
    }

    /// Closes a part of a position, or all of it.
    pub(super) fn reduce(
        &mut self,
        symbol: &Symbol,
        order: &Order,
        id: Ticket,
        fill: Fill,
        entry: DealEntry,
    ) -> DealReport {
        let commission = self.commission_of(order, symbol, entry, fill);
        let Some(position) = self.account.positions.get_mut(&id) else { return DealReport::default() };
        let Realised { profit, rate_profit, swap } =
            Realised::of(symbol, position, fill, &self.account.terms.deposit, self.market);
        let (side, open) = (position.side, position.price_open);
        let digits = self.account.terms.deposit.digits;
        position.commission -= position.commission.part(fill.volume, position.volume, digits);
        position.volume -= fill.volume;
        position.swap -= swap;
        position.order = order.ticket;
        position.updated = self.now;
        position.price_current = fill.price;
        let (sl, tp, rate_margin) = (position.sl, position.tp, position.rate_margin);
        let is_closed = position.volume.is_zero();
        let mut after = position.clone();
        let mut deal = self.deal_of(order, side.opposite(), fill, entry);
        deal.price_position = open;
        (deal.sl, deal.tp, deal.profit, deal.swap, deal.commission) = (sl, tp, profit, swap, commission);
        (deal.rate_profit, deal.rate_margin, deal.position) = (rate_profit, rate_margin, Some(id));
        self.book_deal(deal.clone());
        if is_closed {
            after.profit = Money::ZERO;
            self.account.positions.remove(&id);
            self.ledger.remove_position(self.account.terms.login, symbol.id);
        } else {
            self.account.revalue(self.market, Some(symbol.id));
            after = self.account.positions.get(&id).cloned().unwrap_or(after);
        }
        DealReport { deal: Some(deal), position: Some(after), other: None, funds: self.account.funds() }
    }

    pub(super) fn deal_of(&mut self, order: &Order, side: Side, fill: Fill, entry: DealEntry) -> Deal {
        Deal {
            ticket: self.ledger.next_deal(),
            order: Some(order.ticket),
            symbol: Some(order.symbol),
            kind: if side == Side::Buy { DealType::Buy } else { DealType::Sell },
            entry,
            price: fill.price,
            price_position: Price::ZERO,
            sl: order.sl,
            tp: order.tp,
            volume: fill.volume,
            profit: Money::ZERO,
            rate_profit: 1.0,
            rate_margin: 1.0,
            commission: Money::ZERO,
            swap: Money::ZERO,
            position: order.position,
            time: self.now,
            reason: order.reason,
            comment: order.comment.clone(),
        }
    }

    pub(super) fn book_deal(&mut self, deal: Deal) {
        self.account.balance += deal.total();
        self.account.day_profit += deal.total();
        self.keep_deal(deal);
    }

    /// Announces a new order, makes its deal, and ends it or lets it work on. Gives the deal.
    pub(super) fn execute(&mut self, symbol: &Symbol, mut order: Order, fill: Option<Fill>) -> Option<Deal> {
        self.announce(List::Open, Change::Added, &order);
        let report = fill.map(|fill| self.fill(symbol, &mut order, fill));
        self.conclude(order, report)
    }

    /// Announces what a fill made of an order, then the deal.
    pub(super) fn conclude(&mut self, mut order: Order, report: Option<DealReport>) -> Option<Deal> {
        if order.volume_current.is_zero() {
            self.finish(order, OrderState::Filled);
        } else if order.filling == Filling::Return {
            order.state = if report.is_some() { OrderState::PartiallyFilled } else { OrderState::Placed };
            self.announce(List::Open, Change::Updated, &order);
            self.keep_working(order);
        } else {
            self.finish(order, OrderState::Canceled);
        }
        let report = report?;
        let deal = report.deal.clone();
        // What was to close a position has nothing to do once that is gone, or has turned round.
        let has_turned = deal.as_ref().is_some_and(|deal| deal.entry == DealEntry::InOut);
        let left = report.position.as_ref().filter(|position| has_turned || position.volume.is_zero());
        let left = left.map(|position| position.id);
        self.report(Change::Added, report);
        if let Some(id) = left {
            self.drop_closing_orders(id);
        }
        deal
    }

    /// Ends orders that were to close a position which is gone, or has turned round.
    pub(super) fn drop_closing_orders(&mut self, id: Ticket) {
        for ticket in self.closing_orders(id) {
            if let Some(order) = self.take_working(ticket) {
                self.finish(order, OrderState::Canceled);
            }
        }
    }

    /// Working orders that close this position.
    pub(super) fn closing_orders(&self, id: Ticket) -> Vec<Ticket> {
        let closes = |order: &&Order| order.is_closing && order.position == Some(id);
        self.account.orders.values().filter(closes).map(|order| order.ticket).collect()
    }

    /// Closes what the market takes of a position, for a reason of the server's own. False if it takes
    /// nothing now.
    pub(super) fn close_at_market(&mut self, id: Ticket, reason: Reason, comment: String) -> bool {
        let Some(position) = self.account.positions.get(&id) else { return false };
        let (side, volume) = (position.side.opposite(), position.volume);
        let (sl, tp) = (position.sl, position.tp);
        let Some(symbol) = self.market.symbol(position.symbol) else { return false };
        if !symbol.schedule.is_traded(self.now) {
            return false;
        }
        let Some(fill) = self.market.offer(&symbol, side, volume, None) else { return false };
        let mut order = self.market_order(&symbol, side, volume);
        (order.position, order.is_closing) = (Some(id), true);
        (order.sl, order.tp) = (sl, tp);
        (order.reason, order.comment) = (reason, comment);
        self.execute(&symbol, order, Some(fill));
        true
    }

    /// Margin currency to account currency, for a position of this side.
    pub(super) fn margin_rate(&self, symbol: &Symbol, side: Side) -> Option<f64> {
        margin_rate(&symbol.contract, side, &self.account.terms.deposit, self.market)
    }
}

/// What closing a part of a position, or all of it, brings; account currency.
pub(super) struct Realised {
    pub(super) profit: Money,
    /// Profit currency to account currency.
    pub(super) rate_profit: f64,
    pub(super) swap: Money,
}

impl Realised {
    pub(super) fn of(
        symbol: &Symbol,
        position: &Position,
        fill: Fill,
        deposit: &Deposit,
        market: &Market,
    ) -> Self {
        let (side, open) = (position.side, position.price_open);
        let profit = profit_of(&symbol.contract, side, fill.volume, open, fill.price, deposit, market);
        let part = fill.volume.lots() / position.volume.lots();
        let swap = position.swap.part(fill.volume, position.volume, deposit.digits);
        // Without a rate there is no better figure than the profit last known.
        let last_known = || Money::round(position.profit.to_f64() * part, deposit.digits);
        Self {
            profit: profit.map_or_else(last_known, |profit| profit.money),
            rate_profit: profit.map_or(position.rate_profit, |profit| profit.rate),
            swap,
        }
    }
}

/// The market order types have a side of their own; others do not execute at once.
pub(super) fn market_side(kind: OrderType) -> Option<Side> {
    kind.side().filter(|_| !kind.is_pending())
}
