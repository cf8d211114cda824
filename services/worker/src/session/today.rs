//! What the day of the server's clock has brought so far: what deals of that day booked.

use model::{DealType, Money};
use wire::records::Deal;

const DAY_S: i64 = 86_400;

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Today {
    /// Counted since 1970; that of the newest deal.
    day: i64,
    booked: Money,
}

impl Today {
    /// A deal is new.
    pub(super) fn add(&mut self, deal: &Deal, digits: u32) {
        let day = day_of(deal.time_create.into());
        if day > self.day {
            *self = Self { day, booked: Money::ZERO };
        }
        if day == self.day {
            self.booked += result_of(deal, digits);
        }
    }

    /// A deal that was new is another one, or taken back.
    pub(super) fn take_back(&mut self, deal: &Deal, digits: u32) {
        if day_of(deal.time_create.into()) == self.day {
            self.booked -= result_of(deal, digits);
        }
    }

    /// What was won on a day, or lost, by what was closed and charged.
    pub(super) fn booked_on(&self, day: i64) -> Money {
        if day == self.day { self.booked } else { Money::ZERO }
    }
}

/// The day of a moment in seconds.
pub(super) const fn day_of(seconds: i64) -> i64 {
    seconds.div_euclid(DAY_S)
}

/// Money that is paid in or out, or given, is no result.
fn result_of(deal: &Deal, digits: u32) -> Money {
    match DealType::from_number(deal.trade_action) {
        Some(DealType::Balance | DealType::Credit | DealType::Bonus | DealType::Correction) => Money::ZERO,
        _ => [deal.profit, deal.storage, deal.commission, deal.commission_fee]
            .map(|part| Money::round(part, digits))
            .into_iter()
            .fold(Money::ZERO, |sum, part| sum + part),
    }
}
