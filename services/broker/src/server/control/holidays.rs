//! Holidays.

use serde::Serialize;

use super::{Control, ControlError, Stopped};
use crate::catalogue::Holiday;

/// A holiday with its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KnownHoliday {
    /// By which it can be removed.
    pub id: u64,
    /// What it is.
    #[serde(flatten)]
    pub holiday: Holiday,
}

impl Control {
    /// Makes a day one on which symbols are not quoted and traded as on others, and gives its number. Built-in holidays
    /// stay what they are.
    ///
    /// # Errors
    /// If there are no such symbols, or sessions that cannot be.
    pub async fn add_holiday(&self, holiday: Holiday) -> Result<u64, ControlError> {
        let keeps = self.keeps;
        self.keep(move |hub| {
            let id = hub.holidays.add(holiday.clone(), &hub.catalogue)?;
            hub.keep_holidays();
            if keeps {
                hub.keep_holiday(id, &holiday);
            }
            Ok(id)
        })
        .await
    }

    /// The holidays that were added, by number.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn holidays(&self) -> Result<Vec<KnownHoliday>, Stopped> {
        let known = |(id, holiday): &(u64, Holiday)| KnownHoliday { id: *id, holiday: holiday.clone() };
        self.with(move |hub| hub.holidays.list().iter().map(known).collect()).await
    }

    /// Makes a day as others again.
    ///
    /// # Errors
    /// If there is no such holiday, any more.
    pub async fn remove_holiday(&self, id: u64) -> Result<(), ControlError> {
        self.keep(move |hub| {
            hub.holidays.remove(id).ok_or(ControlError::NoHoliday)?;
            hub.keep_holidays();
            hub.forget_holiday(id);
            Ok(())
        })
        .await
    }
}
