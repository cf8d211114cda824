//! Time on the trade server's clock.

use std::ops::{Add, Sub};
use std::time::Duration;

/// A moment on the server clock: milliseconds since 1970 of the server's wall clock, written as if it
/// were UTC. UTC is this less the server's zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerTime(i64);

/// Seconds in a day.
const DAY_S: i64 = 86_400;

impl ServerTime {
    /// From milliseconds of the server clock.
    #[must_use]
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// From seconds and milliseconds, as the wire carries them.
    #[must_use]
    pub const fn from_parts(seconds: i64, ms: i64) -> Self {
        Self(seconds.saturating_mul(1000).saturating_add(ms))
    }

    /// Milliseconds of the server clock.
    #[must_use]
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// The same moment by a clock that was set by so many milliseconds.
    #[must_use]
    pub const fn set_by(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Whole seconds of the server clock.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Milliseconds within the second, 0 to 999.
    #[must_use]
    pub const fn subsec_ms(self) -> i64 {
        self.0.rem_euclid(1000)
    }

    /// Minutes since midnight, 0 to 1439.
    #[must_use]
    pub const fn minute_of_day(self) -> i64 {
        self.seconds().rem_euclid(DAY_S) / 60
    }

    /// Day of the week, 0 = Sunday.
    #[must_use]
    pub const fn weekday(self) -> usize {
        // 1970-01-01 was a Thursday.
        (self.seconds().div_euclid(DAY_S) + 4).rem_euclid(7) as usize
    }
}

impl Add<Duration> for ServerTime {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub for ServerTime {
    type Output = Duration;
    /// Zero if `earlier` is in fact later.
    fn sub(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// Midnight that begins the day of `seconds`.
#[must_use]
pub const fn day_start_s(seconds: i64) -> i64 {
    seconds - seconds.rem_euclid(DAY_S)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weekdays_and_minutes_follow_the_calendar() {
        // 2026-11-22 was a Sunday; 13:45:30.250.
        let time = ServerTime::from_parts(1_795_355_130, 250);
        assert_eq!((time.weekday(), time.minute_of_day(), time.subsec_ms()), (0, 13 * 60 + 45, 250));
        assert_eq!(day_start_s(time.seconds()) % DAY_S, 0);
    }
}
