//! One account at work: what a request or a tick does to it, and to the market and ledger around it.

use std::sync::Arc;

use model::calc::BidAsk;
use model::{
    DealEntry, DealType, Money, OrderState, Price, Reason, Retcode, ServerTime, TradeAction, Volume,
};

use super::account::Account;
use super::index::Ledger;
use super::market::Market;
use super::{
    Change, Deal, DealReport, DealTicket, Event, List, Order, Position, Ticket, TradeRequest, Verdict,
};
use crate::catalogue::{Symbol, SymbolId};

/// An account with everything it may touch.
pub(super) struct Desk<'a> {
    pub(super) market: &'a mut Market,
    pub(super) account: &'a mut Account,
    pub(super) ledger: &'a mut Ledger,
    pub(super) events: &'a mut Vec<Event>,
    pub(super) now: ServerTime,
}

/// What was done for a request.
pub(super) struct Done {
    pub(super) retcode: Retcode,
    pub(super) deal: Option<DealTicket>,
    pub(super) order: Option<Ticket>,
    pub(super) volume: Volume,
    pub(super) price: Price,
}

impl Done {
    pub(super) fn of(retcode: Retcode, order: Option<Ticket>) -> Self {
        Self { retcode, deal: None, order, volume: Volume::ZERO, price: Price::ZERO }
    }
}

impl Desk<'_> {
    /// Does what a trader asks for.
    pub(super) fn trade(&mut self, request: &TradeRequest) -> Verdict {
        self.account.revalue_all(self.market);
        let symbol = self.symbol_of(request);
        let outcome = match request.action {
            TradeAction::Prices => self.ask_prices(request),
            TradeAction::DealRequest
            | TradeAction::DealInstant
            | TradeAction::DealMarket
            | TradeAction::DealExchange => match request.position {
                Some(id) => self.close(id, request),
                None => self.open(request),
            },
            TradeAction::Pending => self.place(request),
            TradeAction::StopsChange => self.change_stops(request),
            TradeAction::Modify => self.modify(request),
            TradeAction::Remove => self.remove(request),
            TradeAction::CloseBy => self.close_by(request),
        };
        self.enforce_margin();
        self.verdict(symbol, outcome)
    }

    pub(super) fn verdict(&self, symbol: Option<SymbolId>, outcome: Result<Done, Retcode>) -> Verdict {
        let mut verdict = match outcome {
            Err(retcode) => Verdict { comment: retcode.text().into(), ..Verdict::of(retcode) },
            Ok(done) => Verdict {
                deal: done.deal,
                order: done.order,
                volume: done.volume,
                price: done.price,
                ..Verdict::of(done.retcode)
            },
        };
        if let Some(quote) = symbol.and_then(|id| self.market.quote(id)) {
            (verdict.bid, verdict.ask) = (quote.price.bid, quote.price.ask);
            verdict.last = quote.last.map_or(Price::ZERO, |(price, _)| price);
        }
        verdict
    }

    /// The symbol a request is about: the tickets know better than the name.
    fn symbol_of(&self, request: &TradeRequest) -> Option<SymbolId> {
        let of_position = request.position.and_then(|id| self.account.positions.get(&id)).map(|p| p.symbol);
        let of_order = request.order.and_then(|id| self.account.orders.get(&id)).map(|o| o.symbol);
        of_position.or(of_order).or_else(|| self.market.by_name(&request.symbol).map(|symbol| symbol.id))
    }

    /// The symbol of a request that opens something.
    pub(super) fn named_symbol(&self, name: &str) -> Result<Arc<Symbol>, Retcode> {
        let symbol = self.market.by_name(name).ok_or(Retcode::INVALID_REQUEST)?;
        super::check::tradable(&symbol)?;
        Ok(symbol)
    }

    /// The symbol of something that exists.
    pub(super) fn known_symbol(&self, id: SymbolId) -> Result<Arc<Symbol>, Retcode> {
        let symbol = self.market.symbol(id).ok_or(Retcode::INVALID_REQUEST)?;
        super::check::tradable(&symbol)?;
        Ok(symbol)
    }

    /// An open position; one that was closed already is told apart from one that never was.
    pub(super) fn position(&self, id: Option<Ticket>) -> Result<Position, Retcode> {
        let id = id.ok_or(Retcode::INVALID_REQUEST)?;
        let missing =
            || if self.account.has_closed(id) { Retcode::POSITION_CLOSED } else { Retcode::INVALID_REQUEST };
        self.account.positions.get(&id).cloned().ok_or_else(missing)
    }

    /// The quote of a symbol whose market is open.
    pub(super) fn open_market(&self, symbol: &Symbol) -> Result<BidAsk, Retcode> {
        if !symbol.schedule.is_traded(self.now) {
            return Err(Retcode::MARKET_CLOSED);
        }
        self.market.price(symbol.id).ok_or(Retcode::NO_QUOTES)
    }

    /// Moves money.
    pub(super) fn operate(&mut self, kind: DealType, amount: Money, comment: String) {
        let deal = Deal {
            ticket: self.ledger.next_deal(),
            order: None,
            symbol: None,
            kind,
            entry: DealEntry::In,
            price: Price::ZERO,
            price_position: Price::ZERO,
            sl: None,
            tp: None,
            volume: Volume::ZERO,
            profit: amount,
            rate_profit: 1.0,
            rate_margin: 0.0,
            commission: Money::ZERO,
            swap: Money::ZERO,
            position: None,
            time: self.now,
            reason: Reason::Dealer,
            comment,
        };
        if kind.is_credit() {
            self.account.credit += amount;
        } else {
            self.account.balance += amount;
        }
        self.keep_deal(deal.clone());
        let funds = self.account.funds();
        self.report(Change::Added, DealReport { deal: Some(deal), funds, ..DealReport::default() });
    }

    pub(super) fn keep_deal(&mut self, deal: Deal) {
        self.account.deals.push(deal);
        if self.account.deals.len() > self.ledger.limits.history_max {
            self.account.deals.pop_front();
        }
    }

    pub(super) fn report(&mut self, change: Change, report: DealReport) {
        let login = self.account.terms.login;
        self.events.push(Event::Deal { login, change, report: Box::new(report) });
    }

    pub(super) fn announce(&mut self, list: List, change: Change, order: &Order) {
        let login = self.account.terms.login;
        self.events.push(Event::Order { login, list, change, order: Box::new(order.clone()) });
    }

    /// Takes an order among the working ones.
    pub(super) fn keep_working(&mut self, order: Order) {
        self.ledger.add_order(self.account.terms.login, &order);
        let holds_margin = order.pending(self.market).is_some();
        self.account.orders.insert(order.ticket, order);
        if holds_margin {
            self.account.settle_margin(self.market);
        }
    }

    /// Takes an order from the working ones, to change or end it.
    pub(super) fn take_working(&mut self, ticket: Ticket) -> Option<Order> {
        let order = self.account.orders.remove(&ticket)?;
        self.ledger.remove_order(self.account.terms.login, &order);
        if order.pending(self.market).is_some() {
            self.account.settle_margin(self.market);
        }
        Some(order)
    }

    /// Ends an order that is no longer among the working ones.
    pub(super) fn finish(&mut self, mut order: Order, state: OrderState) {
        order.state = state;
        order.done = Some(self.now);
        self.announce(List::Open, Change::Deleted, &order);
        self.announce(List::History, Change::Added, &order);
        self.account.past_orders.push(order);
        if self.account.past_orders.len() > self.ledger.limits.history_max {
            self.account.past_orders.pop_front();
        }
    }
}
