//! First in, first out: a position waits until the older ones of its symbol are closed.

use model::{Retcode, ServerTime};

use super::account::Account;
use super::{Position, Ticket};

/// What orders positions by their opening.
fn age(position: &Position) -> (ServerTime, Ticket) {
    (position.opened, position.id)
}

impl Account {
    /// Whether an older position of the symbol must be closed before this one.
    pub(super) fn must_wait(&self, position: &Position) -> bool {
        self.must_wait_for(position, |_| true)
    }

    fn must_wait_for(&self, position: &Position, counts: impl Fn(&Position) -> bool) -> bool {
        let is_older = |other: &Position| other.symbol == position.symbol && age(other) < age(position);
        let is_bound = self.terms.fifo && !self.terms.is_netting();
        is_bound && self.positions.values().any(|other| is_older(other) && counts(other))
    }

    /// Whether a trader may close this position now.
    pub(super) fn closing_order(&self, position: &Position) -> Result<(), Retcode> {
        if self.must_wait(position) { Err(Retcode::FIFO_ONLY) } else { Ok(()) }
    }

    /// Whether a trader may close these two by each other now: they must be the two oldest of their symbol.
    pub(super) fn closing_pair(&self, one: &Position, other: &Position) -> Result<(), Retcode> {
        let waits = self.must_wait_for(one, |older| older.id != other.id)
            || self.must_wait_for(other, |older| older.id != one.id);
        if waits { Err(Retcode::FIFO_ONLY) } else { Ok(()) }
    }
}
