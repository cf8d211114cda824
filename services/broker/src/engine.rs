//! The trade server's core: orders, positions, margin and money.
//!
//! The engine is pure. [`Engine::apply`] takes a command and the moment it happens and returns what came of
//! it; the same commands at the same moments give the same events. It knows no clock, no socket, no
//! randomness and no bytes: who sends a command and who learns of an event is the server's business.
//!
//! Invariants: an account's balance is the sum of its deals; a position's volume is what its deals opened
//! less what they closed; a netting account has one position a symbol at most; after a tick, no account with a position in that symbol is left below its
//! stop-out level while its positions can be closed.

mod account;
mod book;
mod check;
mod close_by;
mod command;
mod commission;
mod deal;
mod dealer;
mod desk;
mod dividend;
mod event;
mod fifo;
mod index;
mod margin;
mod market;
mod market_order;
mod net;
mod past;
mod pending;
mod record;
mod restore;
mod rollover;
mod stops;
mod trigger;

#[cfg(test)]
#[allow(clippy::float_cmp)] // Rounded prices and money: equal, or wrong.
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use model::calc::Equity;
use model::{DealType, Money, Retcode, ServerTime};

use crate::catalogue::Catalogue;
use account::Account;
use desk::Desk;
use index::Ledger;
use market::Market;

pub use account::{AccountTerms, Limits, StopOut};
pub use book::{Book, Level};
pub use command::{Command, DealerDeal, Tick, TradeRequest};
pub use event::{Change, DealReport, Event, Funds, List, Verdict};
pub use market::Quote;
pub use market_order::OFFER_SPAN;
pub use record::{Activation, Deal, DealTicket, Login, Order, Position, Ticket};
pub use restore::KeptAccount;

/// What an account has open at a moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Open positions, by ticket.
    pub positions: Vec<Position>,
    /// Working orders, by ticket.
    pub orders: Vec<Order>,
}

/// What an account did in a range of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// Deals, by time.
    pub deals: Vec<Deal>,
    /// Orders that ended, by the time of their end.
    pub orders: Vec<Order>,
}

/// All accounts and the market they trade on.
#[derive(Debug)]
pub struct Engine {
    market: Market,
    accounts: BTreeMap<Login, Account>,
    ledger: Ledger,
    /// What the clock shows; it goes back only where it is set back.
    now: ServerTime,
    /// The latest that it ever showed: a midnight comes once, however often the clock shows it.
    furthest: ServerTime,
}

impl Engine {
    /// An engine without accounts and without prices.
    #[must_use]
    pub fn new(catalogue: Arc<Catalogue>, limits: Limits) -> Self {
        let ledger = Ledger::new(catalogue.symbols().len(), limits);
        let (market, accounts) = (Market::new(catalogue), BTreeMap::new());
        Self { market, accounts, ledger, now: ServerTime::default(), furthest: ServerTime::default() }
    }

    /// Does what `command` says at `time` and tells what came of it, in order. What falls due by then
    /// (rollovers, expirations) comes first. An earlier time than the last counts as the last, unless the clock was set back
    /// ([`Command::ClockSet`], whose own time is by the new clock).
    pub fn apply(&mut self, command: Command, time: ServerTime) -> Vec<Event> {
        let mut events = Vec::new();
        if let Command::ClockSet { by_ms } = command {
            self.set_clock(by_ms);
        }
        self.pass_time(time, &mut events);
        match command {
            Command::Clock | Command::ClockSet { .. } => self.sweep(&mut events),
            Command::Ticks(ticks) => {
                for tick in ticks {
                    self.on_tick(&tick, &mut events);
                }
            }
            Command::Open(terms) => {
                self.accounts.entry(terms.login).or_insert_with(|| Account::new(*terms));
            }
            Command::Enable { login, enabled } => {
                if let Some(account) = self.accounts.get_mut(&login) {
                    account.enabled = enabled;
                }
            }
            Command::Operation { login, kind, amount, comment } => {
                self.operate(login, kind, amount, comment, &mut events);
            }
            Command::Trade { login, tag, is_investor, request } => {
                let verdict = self.trade(login, is_investor, &request, &mut events);
                events.push(Event::Verdict { login, tag, verdict });
            }
            Command::Deal(deal) => self.deal_by_hand(&deal, &mut events),
            Command::Dividend { symbol, amount, comment } => {
                self.pay_dividends(symbol, amount, &comment, &mut events);
            }
            Command::Terms(terms) => self.change_terms(*terms, &mut events),
            Command::Symbols(catalogue) => self.change_symbols(catalogue, &mut events),
        }
        events
    }

    /// The moment of the last command.
    #[must_use]
    pub fn now(&self) -> ServerTime {
        self.now
    }

    /// The latest moment that the clock ever showed.
    #[must_use]
    pub fn furthest(&self) -> ServerTime {
        self.furthest
    }

    /// The last price of a symbol.
    #[must_use]
    pub fn quote(&self, symbol: crate::catalogue::SymbolId) -> Option<Quote> {
        self.market.quote(symbol)
    }

    /// The order book of a symbol; empty where there is none.
    #[must_use]
    pub fn book(&self, symbol: crate::catalogue::SymbolId) -> &Book {
        self.market.book(symbol)
    }

    /// The terms of an account.
    #[must_use]
    pub fn terms(&self, login: Login) -> Option<&AccountTerms> {
        self.accounts.get(&login).map(|account| &account.terms)
    }

    /// Whether the account may trade.
    #[must_use]
    pub fn is_enabled(&self, login: Login) -> bool {
        self.accounts.get(&login).is_some_and(|account| account.enabled)
    }

    /// What the account owns without its open positions.
    #[must_use]
    pub fn funds(&self, login: Login) -> Option<Funds> {
        self.accounts.get(&login).map(Account::funds)
    }

    /// Equity and margin of an account at current prices.
    #[must_use]
    pub fn equity(&mut self, login: Login) -> Option<Equity> {
        let account = self.accounts.get_mut(&login)?;
        account.revalue_all(&self.market);
        Some(account.equity(&self.market))
    }

    /// Open positions and orders at current prices.
    #[must_use]
    pub fn snapshot(&mut self, login: Login) -> Option<Snapshot> {
        let account = self.accounts.get_mut(&login)?;
        account.revalue_all(&self.market);
        let positions = account.positions.values().cloned().collect();
        let priced = |order: &Order| {
            let mut order = order.clone();
            order.price_current = self.market.order_price(&order).unwrap_or(order.price_current);
            order
        };
        Some(Snapshot { positions, orders: account.orders.values().map(priced).collect() })
    }

    /// What happened from one moment to another, both inclusive, in seconds; the newest `limit` of each.
    #[must_use]
    pub fn history(&self, login: Login, from_s: i64, to_s: i64, limit: usize) -> Option<History> {
        let account = self.accounts.get(&login)?;
        Some(account.history(from_s, to_s, limit))
    }

    fn desk<'a>(&'a mut self, login: Login, events: &'a mut Vec<Event>) -> Option<Desk<'a>> {
        let account = self.accounts.get_mut(&login)?;
        Some(Desk { market: &mut self.market, account, ledger: &mut self.ledger, events, now: self.now })
    }

    fn trade(
        &mut self,
        login: Login,
        is_investor: bool,
        request: &TradeRequest,
        events: &mut Vec<Event>,
    ) -> Verdict {
        match self.desk(login, events) {
            Some(mut desk) if desk.account.enabled && !is_investor => desk.trade(request),
            _ => Verdict::of(Retcode::TRADE_DISABLED),
        }
    }

    fn operate(
        &mut self,
        login: Login,
        kind: DealType,
        amount: Money,
        comment: String,
        events: &mut Vec<Event>,
    ) {
        if let Some(mut desk) = self.desk(login, events)
            && !kind.is_trade()
        {
            desk.operate(kind, amount, comment);
            desk.enforce_margin();
        }
    }
}
