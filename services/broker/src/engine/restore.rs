//! Accounts that were kept elsewhere, taken over as they were.

use model::ServerTime;

use super::account::Account;
use super::past::Past;
use super::{AccountTerms, Deal, Engine, Funds, Order, Position};

/// An account as it was when its last change was kept.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptAccount {
    /// What was agreed with it.
    pub terms: AccountTerms,
    /// Whether it may trade.
    pub enabled: bool,
    /// What it had.
    pub funds: Funds,
    /// What was open.
    pub positions: Vec<Position>,
    /// What was working.
    pub orders: Vec<Order>,
    /// What it did, in order.
    pub deals: Vec<Deal>,
    /// Orders that ended, in the order in which they did.
    pub past_orders: Vec<Order>,
}

impl KeptAccount {
    /// One without any trades.
    #[must_use]
    pub fn new(terms: AccountTerms, enabled: bool, funds: Funds) -> Self {
        let (positions, orders, deals, past_orders) = Default::default();
        Self { terms, enabled, funds, positions, orders, deals, past_orders }
    }
}

impl Engine {
    /// Takes over accounts as they were at `time`, the furthest that the clock then had come. What has fallen due since
    /// then (swaps, orders whose time is up) is done by the next command, at the prices of then.
    pub fn restore(&mut self, accounts: Vec<KeptAccount>, time: ServerTime) {
        for kept in accounts {
            self.restore_one(kept);
        }
        self.furthest = time;
        self.now = if self.now == ServerTime::default() { time } else { self.now.min(time) };
    }

    fn restore_one(&mut self, kept: KeptAccount) {
        let login = kept.terms.login;
        let Funds { balance, credit, day_profit } = kept.funds;
        let mut account = Account::new(kept.terms);
        account.enabled = kept.enabled;
        (account.balance, account.credit, account.day_profit) = (balance, credit, day_profit);
        for position in kept.positions {
            self.ledger.add_position(login, position.symbol);
            self.ledger.has_order(position.id.max(position.order));
            account.positions.insert(position.id, position);
        }
        for order in kept.orders {
            self.ledger.has_order(order.ticket);
            self.ledger.add_order(login, &order);
            account.orders.insert(order.ticket, order);
        }
        for order in &kept.past_orders {
            self.ledger.has_order(order.ticket);
        }
        for deal in &kept.deals {
            self.ledger.has_deal(deal.ticket);
        }
        account.deals = Past::of(kept.deals);
        account.past_orders = Past::of(kept.past_orders);
        account.settle_margin(&self.market);
        self.accounts.insert(login, account);
    }
}
