//! Days on which markets are closed because an operator says so.

use std::sync::Arc;

use super::hub::Hub;
use crate::catalogue::{Catalogue, Holiday, Symbol};

/// Holidays at a time.
const HOLIDAYS_MAX: usize = 1000;

/// Why a day cannot be made a holiday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HolidayError {
    /// Sessions are wrong.
    #[error("\"sessions\" are up to 16 pairs [from, to) of minutes from 0 to 1440")]
    Sessions,
    /// No symbol is meant.
    #[error("\"symbols\" matches no symbol: give a name, or a mask over paths such as * or Forex\\*")]
    Symbols,
    /// There are too many.
    #[error("there are {HOLIDAYS_MAX} holidays already: remove some")]
    TooMany,
}

/// The holidays that operators have made, with their numbers. One that was made later counts before an earlier one of its
/// day.
#[derive(Debug, Default)]
pub(super) struct Holidays {
    all: Vec<(u64, Holiday)>,
    last: u64,
}

impl Holidays {
    /// Adds one, and gives its number.
    pub(super) fn add(&mut self, holiday: Holiday, catalogue: &Catalogue) -> Result<u64, HolidayError> {
        let id = self.last + 1;
        self.restore(id, holiday, catalogue)?;
        self.last = id;
        Ok(id)
    }

    /// Adds one that has a number already, see [`Holidays::take`].
    pub(super) fn restore(
        &mut self,
        id: u64,
        holiday: Holiday,
        catalogue: &Catalogue,
    ) -> Result<(), HolidayError> {
        if !holiday.is_possible() {
            return Err(HolidayError::Sessions);
        }
        if !catalogue.symbols().iter().any(|symbol| holiday.is_of(symbol)) {
            return Err(HolidayError::Symbols);
        }
        if self.all.len() >= HOLIDAYS_MAX {
            return Err(HolidayError::TooMany);
        }
        self.all.push((id, holiday));
        Ok(())
    }

    /// Gives no number up to this one any more.
    pub(super) fn take(&mut self, id: u64) {
        self.last = self.last.max(id);
    }

    /// Removes one by its number.
    pub(super) fn remove(&mut self, number: u64) -> Option<Holiday> {
        let place = self.all.iter().position(|(own, _)| *own == number)?;
        Some(self.all.remove(place).1)
    }

    /// All of them, by number.
    pub(super) fn list(&self) -> &[(u64, Holiday)] {
        &self.all
    }

    /// The symbols whose schedules do not have their holidays yet, with them.
    pub(super) fn missing(&self, catalogue: &Catalogue) -> Vec<Symbol> {
        let with = |symbol: &Arc<Symbol>| {
            let mut schedule = symbol.schedule.clone();
            schedule.keep_holidays(self.all.iter().map(|(_, one)| one).filter(|one| one.is_of(symbol)));
            (schedule != symbol.schedule).then(|| Symbol { schedule, ..Symbol::clone(symbol) })
        };
        catalogue.symbols().iter().filter_map(with).collect()
    }
}

impl Hub {
    /// Makes markets keep the holidays that there are. Clients are not told: what they know of hours is the week's alone.
    pub(super) fn keep_holidays(&mut self) {
        let changed = self.holidays.missing(&self.catalogue);
        if !changed.is_empty() {
            self.replace_symbols(changed, false);
        }
    }
}
