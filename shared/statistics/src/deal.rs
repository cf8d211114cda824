//! The account's history as this crate reads it.

use std::sync::Arc;

use model::{DealEntry, DealType, Money, Price, Side, Volume};

/// One record of the account's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deal {
    /// Its number; what happened at the same time is in the order of these.
    pub ticket: u64,
    /// The position that it belongs to; anything for money operations.
    pub position: u64,
    /// When it was made: milliseconds of the server's clock.
    pub time_ms: i64,
    /// The symbol that was traded; empty for money operations.
    pub symbol: Arc<str>,
    /// What it is.
    pub kind: DealKind,
    /// Result of what it closed, or the amount of a money operation.
    pub profit: Money,
    /// Swap of what it closed; negative was paid.
    pub swap: Money,
    /// Commission; negative was paid.
    pub commission: Money,
    /// Fee; negative was paid.
    pub fee: Money,
}

/// What a deal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DealKind {
    /// A symbol was bought or sold.
    Trade {
        /// Bought or sold.
        side: Side,
        /// What it did to its position.
        entry: DealEntry,
        /// Lots.
        volume: Volume,
        /// Profit currency a unit.
        price: Price,
    },
    /// What the server books by itself while a position is open, such as a rollover: it neither opens nor closes, but an
    /// entry states the opening price anew.
    Service {
        /// What it did to the server's record of the position.
        entry: DealEntry,
        /// Profit currency a unit.
        price: Price,
    },
    /// A deposit or a withdrawal: balance that is neither gained nor lost.
    Transfer,
    /// Credit given or taken back: counts towards equity, not towards the balance.
    Credit,
    /// Anything else that changes the balance, such as charges, interest, dividends and taxes: gained or lost.
    Charge,
}

impl DealKind {
    /// Whether it belongs to a position.
    #[must_use]
    pub const fn is_of_position(self) -> bool {
        matches!(self, Self::Trade { .. } | Self::Service { .. })
    }

    /// The kind of a deal that moves money only; `None` for trades.
    #[must_use]
    pub const fn of_money(kind: DealType) -> Option<Self> {
        if kind.is_trade() {
            return None;
        }
        Some(if kind.is_credit() {
            Self::Credit
        } else if matches!(kind, DealType::Balance) {
            Self::Transfer
        } else {
            Self::Charge
        })
    }
}

impl Deal {
    /// Profit, swap, commission and fee together.
    #[must_use]
    pub fn amount(&self) -> Money {
        self.profit + self.swap + self.commission + self.fee
    }

    /// What it added to the balance.
    #[must_use]
    pub fn balance_change(&self) -> Money {
        if self.kind == DealKind::Credit { Money::ZERO } else { self.amount() }
    }

    /// What it added to the credit.
    #[must_use]
    pub fn credit_change(&self) -> Money {
        if self.kind == DealKind::Credit { self.amount() } else { Money::ZERO }
    }
}

/// All deals as they happened.
pub(crate) fn in_order(deals: &[Deal]) -> Vec<&Deal> {
    let mut ordered: Vec<&Deal> = deals.iter().collect();
    ordered.sort_by_key(|deal| (deal.time_ms, deal.ticket));
    ordered
}
