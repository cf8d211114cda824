//! Which accounts have what in a symbol, so that a tick touches nothing else; and the numbers of tickets.

use std::collections::{BTreeMap, BTreeSet};

use model::{OrderType, Price, ServerTime, Side};

use super::{DealTicket, Limits, Login, Order, Ticket};
use crate::catalogue::SymbolId;
use model::calc::BidAsk;

/// When a working order wants to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    /// On every tick: it takes what the order book gives.
    Always,
    /// When the ask is at or below.
    AskFalls(Price),
    /// When the ask is at or above.
    AskRises(Price),
    /// When the bid is at or below.
    BidFalls(Price),
    /// When the bid is at or above.
    BidRises(Price),
}

impl Trigger {
    pub(super) fn of(order: &Order) -> Self {
        if order.activation == super::Activation::Price {
            return Self::Always;
        }
        match order.kind {
            OrderType::BuyLimit => Self::AskFalls(order.price),
            OrderType::SellLimit => Self::BidRises(order.price),
            OrderType::BuyStop | OrderType::BuyStopLimit => Self::AskRises(order.price),
            OrderType::SellStop | OrderType::SellStopLimit => Self::BidFalls(order.price),
            OrderType::Buy | OrderType::Sell | OrderType::CloseBy => Self::Always,
        }
    }

    pub(super) fn is_met(self, quote: BidAsk) -> bool {
        match self {
            Self::Always => true,
            Self::AskFalls(price) => quote.ask <= price,
            Self::AskRises(price) => quote.ask >= price,
            Self::BidFalls(price) => quote.bid <= price,
            Self::BidRises(price) => quote.bid >= price,
        }
    }

    /// How a stop loss or take profit of a position is met.
    pub(super) fn is_stop_met(side: Side, is_loss: bool, price: Price, quote: BidAsk) -> bool {
        match (side, is_loss) {
            (Side::Buy, true) => Self::BidFalls(price),
            (Side::Buy, false) => Self::BidRises(price),
            (Side::Sell, true) => Self::AskRises(price),
            (Side::Sell, false) => Self::AskFalls(price),
        }
        .is_met(quote)
    }
}

/// Everything that is kept across accounts.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) limits: Limits,
    last_order: u64,
    last_deal: u64,
    symbols: Vec<Holders>,
    expirations: BTreeSet<(ServerTime, Login, Ticket)>,
}

#[derive(Debug, Default)]
struct Holders {
    positions: BTreeMap<Login, u32>,
    orders: BTreeMap<(Login, Ticket), Trigger>,
}

/// Tickets count from here, so that they look like a server's and never like a small number.
const FIRST_ORDER: u64 = 5_000_000;
const FIRST_DEAL: u64 = 3_000_000;

impl Ledger {
    pub(super) fn new(symbols: usize, limits: Limits) -> Self {
        let symbols = std::iter::repeat_with(Holders::default).take(symbols).collect();
        Self { limits, last_order: FIRST_ORDER, last_deal: FIRST_DEAL, symbols, expirations: BTreeSet::new() }
    }

    pub(super) fn next_order(&mut self) -> Ticket {
        self.last_order += 1;
        Ticket(self.last_order)
    }

    pub(super) fn next_deal(&mut self) -> DealTicket {
        self.last_deal += 1;
        DealTicket(self.last_deal)
    }

    /// Numbers that an order and a deal have already are not given again.
    pub(super) fn has_order(&mut self, ticket: Ticket) {
        self.last_order = self.last_order.max(ticket.0);
    }

    pub(super) fn has_deal(&mut self, ticket: DealTicket) {
        self.last_deal = self.last_deal.max(ticket.0);
    }

    pub(super) fn add_order(&mut self, login: Login, order: &Order) {
        if let Some(holders) = self.symbols.get_mut(order.symbol.index()) {
            holders.orders.insert((login, order.ticket), Trigger::of(order));
        }
        if let Some(end) = super::pending::end_of(order) {
            self.expirations.insert((end, login, order.ticket));
        }
    }

    pub(super) fn remove_order(&mut self, login: Login, order: &Order) {
        if let Some(holders) = self.symbols.get_mut(order.symbol.index()) {
            holders.orders.remove(&(login, order.ticket));
        }
        if let Some(end) = super::pending::end_of(order) {
            self.expirations.remove(&(end, login, order.ticket));
        }
    }

    pub(super) fn add_position(&mut self, login: Login, symbol: SymbolId) {
        if let Some(holders) = self.symbols.get_mut(symbol.index()) {
            *holders.positions.entry(login).or_default() += 1;
        }
    }

    pub(super) fn remove_position(&mut self, login: Login, symbol: SymbolId) {
        let Some(holders) = self.symbols.get_mut(symbol.index()) else { return };
        if let Some(count) = holders.positions.get_mut(&login) {
            *count -= 1;
            if *count == 0 {
                holders.positions.remove(&login);
            }
        }
    }

    /// Accounts with a position in the symbol.
    pub(super) fn holders(&self, symbol: SymbolId) -> Vec<Login> {
        self.symbols.get(symbol.index()).map(|s| s.positions.keys().copied().collect()).unwrap_or_default()
    }

    /// Orders of the symbol that this quote sets going.
    pub(super) fn triggered(&self, symbol: SymbolId, quote: BidAsk) -> Vec<(Login, Ticket)> {
        let Some(holders) = self.symbols.get(symbol.index()) else { return Vec::new() };
        holders.orders.iter().filter(|(_, trigger)| trigger.is_met(quote)).map(|(key, _)| *key).collect()
    }

    /// Orders whose end has come, the earliest first.
    pub(super) fn expired(&self, now: ServerTime) -> Vec<(Login, Ticket)> {
        let due = self.expirations.iter().take_while(|(end, _, _)| *end <= now);
        due.map(|(_, login, ticket)| (*login, *ticket)).collect()
    }
}
