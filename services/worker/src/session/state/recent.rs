//! What a session remembers of what was done of late.

use std::collections::VecDeque;

use calls::reply;
use wire::records::{Deal, History, Order};

use super::State;

/// Closed orders that a session remembers (contract: at most 100).
const CLOSED_MAX: usize = 100;
/// Deals and ended orders that are remembered, to complete answers of trade requests.
const RECENT_MAX: usize = 128;

impl State {
    /// Remembers a deal, in place of an earlier version of it.
    pub(crate) fn remember_deal(&mut self, deal: Deal) {
        self.newest.deal = self.newest.deal.max(deal.deal);
        self.newest.order = self.newest.order.max(deal.trade_order);
        self.past.add_deal(&deal);
        let digits = self.account.main.currency_digits;
        match self.deals.iter_mut().rev().find(|known| known.deal == deal.deal) {
            Some(known) => {
                self.today.take_back(known, digits);
                self.today.add(&deal, digits);
                *known = deal;
            }
            None => {
                self.today.add(&deal, digits);
                let gone = push_bounded(&mut self.deals, deal, RECENT_MAX);
                self.forgotten.deal = self.forgotten.deal.max(gone.map_or(0, |gone| gone.deal));
            }
        }
    }

    /// Forgets a deal that the server has taken back.
    pub(crate) fn forget_deal(&mut self, ticket: i64) {
        let digits = self.account.main.currency_digits;
        if let Some(place) = self.deals.iter().position(|known| known.deal == ticket)
            && let Some(known) = self.deals.remove(place)
        {
            self.today.take_back(&known, digits);
        }
        self.past.forget_deal(ticket);
    }

    /// Remembers an order that ended.
    pub(crate) fn remember_ended(&mut self, order: Order) {
        self.newest.order = self.newest.order.max(order.trade_order);
        self.past.add_order(&order);
        self.fillings.note(&order);
        let gone = push_bounded(&mut self.ended, order, RECENT_MAX);
        self.forgotten.order = self.forgotten.order.max(gone.map_or(0, |gone| gone.trade_order));
    }

    /// Remembers what was closed, for `ClosedOrders`.
    pub(crate) fn remember_closed(&mut self, order: reply::Order) {
        push_bounded(&mut self.closed, order, CLOSED_MAX);
    }

    /// Takes over what happened before this session: it is no news, and evidence of nothing that this session does.
    pub(crate) fn load_past(&mut self, history: History) {
        for deal in history.deals {
            self.remember_deal(deal);
        }
        for order in history.orders {
            self.remember_ended(order);
        }
    }
}

/// What made room is given back.
fn push_bounded<T>(list: &mut VecDeque<T>, item: T, max: usize) -> Option<T> {
    let gone = if list.len() >= max { list.pop_front() } else { None };
    list.push_back(item);
    gone
}
