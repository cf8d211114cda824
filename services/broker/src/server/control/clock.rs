//! The server clock.

use std::time::Duration;

use chrono::DateTime;
use serde::{Deserialize, Serialize};

use super::{Control, ControlError, Stopped};
use crate::server::hub::Hub;
use crate::zone::Ahead;

/// Whether there is daylight saving time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Daylight {
    /// As the calendar of the server's zone has it.
    #[default]
    Zone,
    /// From now on, whatever the calendar says: an hour is left out if there was none.
    On,
    /// No more, whatever the calendar says: an hour comes again if there was some.
    Off,
}

/// Begins or ends daylight saving time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DaylightOrder {
    /// What is wanted.
    pub mode: Daylight,
    /// Sets the clock without telling anybody: accounts go on with what they were told before.
    #[serde(default)]
    pub silent: bool,
}

/// The server clock as operators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClockView {
    /// What it shows: date and time of its zone.
    pub time: String,
    /// Its zone, as `--timezone` names it.
    pub zone: String,
    /// How far it is ahead of UTC, minutes, daylight saving time included.
    pub ahead_minutes: i64,
    /// Whether there is daylight saving time.
    pub daylight: bool,
    /// How far it is ahead of UTC as accounts were told, minutes.
    pub told_ahead_minutes: i64,
}

impl Control {
    /// Moves a clock that is moved by hand; what falls due on the way is done. Of the walk's ticks on the way
    /// only those of the last two seconds are made.
    ///
    /// # Errors
    /// If the clock is the machine's.
    pub async fn advance(&self, by: Duration) -> Result<(), ControlError> {
        self.with(move |hub| {
            if !hub.clock.advance(by) {
                return Err(ControlError::Clock);
            }
            hub.catch_up();
            Ok(())
        })
        .await?
    }

    /// Begins or ends daylight saving time at once, or leaves it to the calendar.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn set_daylight(&self, order: DaylightOrder) -> Result<(), Stopped> {
        let wanted = match order.mode {
            Daylight::Zone => None,
            Daylight::On => Some(true),
            Daylight::Off => Some(false),
        };
        self.with(move |hub| hub.switch_daylight(wanted, order.silent)).await
    }

    /// The server clock.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn clock(&self) -> Result<ClockView, Stopped> {
        self.with(|hub| hub.clock_view()).await
    }
}

impl Hub {
    fn clock_view(&self) -> ClockView {
        let minutes = |ahead: Ahead| ahead.ms() / 60_000;
        let shown = DateTime::from_timestamp_millis(self.clock.now().ms()).unwrap_or_default();
        ClockView {
            time: shown.format("%Y-%m-%dT%H:%M:%S%.3f").to_string(),
            zone: self.clock.zone().to_string(),
            ahead_minutes: minutes(self.clock.ahead()),
            daylight: self.clock.ahead().is_daylight,
            told_ahead_minutes: minutes(self.clock.told()),
        }
    }
}
