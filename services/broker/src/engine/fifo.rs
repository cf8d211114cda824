//! First in, first out: a position waits until the older ones of its symbol are closed.

use model::{Retcode, ServerTime};

use super::account::Account;
use super::{Position, Ticket};

/// What orders positions by their opening.
fn age(position: &Position) -> (ServerTime, Ticket) {
    (position.opened, position.id)
}

impl Account {
    /// What must be closed before a position.
    fn older<'a>(&'a self, position: &'a Position) -> impl Iterator<Item = &'a Position> {
        let is_bound = self.terms.fifo && !self.terms.is_netting();
        let is_older = |other: &&Position| other.symbol == position.symbol && age(other) < age(position);
        self.positions.values().filter(move |_| is_bound).filter(is_older)
    }

    /// Whether an older position of the symbol must be closed before this one.
    pub(super) fn must_wait(&self, position: &Position) -> bool {
        self.older(position).next().is_some()
    }

    /// Whether a trader may close these two by each other now: they must be the two oldest of their symbol.
    pub(super) fn closing_pair(&self, one: &Position, other: &Position) -> Result<(), Retcode> {
        let (first, second) = if age(one) < age(other) { (one, other) } else { (other, one) };
        let waits =
            self.older(first).next().is_some() || self.older(second).any(|older| older.id != first.id);
        if waits { Err(Retcode::FIFO_ONLY) } else { Ok(()) }
    }

    /// Whether a trader may close this position now.
    pub(super) fn closing_order(&self, position: &Position) -> Result<(), Retcode> {
        if self.must_wait(position) { Err(Retcode::FIFO_ONLY) } else { Ok(()) }
    }
}
