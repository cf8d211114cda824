//! What was booked for open positions and belongs to no closing yet, so that each closing has its share of it.

use std::collections::{BTreeMap, VecDeque};

use model::{Money, Price, Side, Volume};
use statistics::{Amounts, Effect, Open};
use wire::records::{Deal, Position};

use super::bounds::OPEN_MAX;
use super::state::State;
use crate::translate::deal_of;

/// What deals have made of positions, by ticket.
#[derive(Debug, Default)]
pub(crate) struct Ledger(BTreeMap<i64, Open>);

impl Ledger {
    /// A position is as this record says. What was booked for it is known by the deals that were seen of it, or by those
    /// that are remembered if they tell all of it; else the record has what opening it has cost.
    pub(super) fn know(&mut self, record: &Position, deals: &VecDeque<Deal>, digits: u32) -> Open {
        let id = record.position_id;
        let side = Side::from_number(record.trade_action).unwrap_or(Side::Buy);
        let volume = Volume::from_units(record.trade_volume);
        let is_it = |open: &Open| open.side == side && open.volume == volume;
        let told = || {
            let mut open = Open::NONE;
            for deal in deals.iter().filter(|deal| deal.position_id == id) {
                open.take(&deal_of(deal, digits), digits);
            }
            open
        };
        let recorded = || {
            let price = Price::from_f64(record.price_open, record.digits).unwrap_or_default();
            let commission = Money::round(record.commission, digits);
            Open { side, volume, price, booked: Amounts { commission, ..Amounts::default() } }
        };
        let seen = self.0.get(&id).copied().filter(is_it);
        let open = seen.or_else(|| Some(told()).filter(is_it)).unwrap_or_else(recorded);
        self.0.insert(id, open);
        open
    }

    /// What deals have made of a position.
    pub(super) fn of(&self, id: i64) -> Open {
        self.0.get(&id).copied().unwrap_or(Open::NONE)
    }

    /// Of how many positions it knows.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets all but some.
    pub(super) fn retain(&mut self, is_kept: impl Fn(i64) -> bool) {
        self.0.retain(|id, _| is_kept(*id));
    }
}

impl State {
    /// Takes a new deal into the account of its position. What it did there.
    pub(super) fn settle(&mut self, deal: &Deal) -> Effect {
        let digits = self.account.main.currency_digits;
        let counted = deal_of(deal, digits);
        if !counted.kind.is_of_position() {
            return Effect::default();
        }
        let id = self.number_of(deal.position_id, &deal.trade_symbol);
        self.ledger.0.entry(id).or_insert(Open::NONE).take(&counted, digits)
    }

    /// Forgets what was booked for a position if it is gone.
    pub(super) fn forget_booked(&mut self, deal: &Deal) {
        let id = self.number_of(deal.position_id, &deal.trade_symbol);
        if !self.positions.contains_key(&id) {
            self.ledger.0.remove(&id);
        }
    }

    /// Forgets what was booked for positions that are gone, or never were, once there are more than may be open.
    pub(super) fn bound_ledger(&mut self) {
        if self.ledger.0.len() > 2 * OPEN_MAX {
            self.ledger.retain(|id| self.positions.contains_key(&id));
        }
    }

    /// The number of a position: without one it is the one that its symbol has.
    pub(super) fn number_of(&self, id: i64, symbol: &str) -> i64 {
        if id != 0 {
            return id;
        }
        let found = self.positions.iter().find(|(_, open)| open.record.trade_symbol == symbol);
        found.map_or(0, |(id, _)| *id)
    }
}
