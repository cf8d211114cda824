//! How far server clocks are ahead of UTC (protocol 1.5).

use std::time::Duration;

use wire::records::AccountMain;

/// Ticks are never so late: then it is the clock that was set back.
pub(crate) const CLOCK_STEP: Duration = Duration::from_mins(30);
/// The same in milliseconds.
pub(crate) const CLOCK_STEP_MS: i64 = 30 * 60 * 1000;

/// How far a server clock is ahead of UTC: now, and before it was last set while somebody listened. Servers do not tell
/// more of their past.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Zone {
    ahead_ms: i64,
    before: Option<Before>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Before {
    ahead_ms: i64,
    /// What the clock showed right after it was set, milliseconds.
    until_ms: i64,
}

impl Zone {
    /// Milliseconds ahead, for all that is known always.
    pub(crate) const fn fixed(ahead_ms: i64) -> Self {
        Self { ahead_ms, before: None }
    }

    /// As an account is told.
    pub(crate) fn of(main: &AccountMain) -> Self {
        Self::fixed(1000 * (i64::from(main.timezone_shift) + 3600 * i64::from(main.daylightmode)))
    }

    /// The same after the clock was set, which then showed this.
    pub(crate) fn set(self, ahead_ms: i64, shown_ms: i64) -> Self {
        Self { ahead_ms, before: Some(Before { ahead_ms: self.ahead_ms, until_ms: shown_ms }) }
    }

    /// How far it is ahead now, milliseconds.
    pub(crate) const fn ahead_ms(self) -> i64 {
        self.ahead_ms
    }

    /// Whether the clock shows a time that it showed before, in an hour that comes again.
    pub(crate) fn is_again(self, server_ms: i64) -> bool {
        self.before.is_some_and(|before| server_ms < before.until_ms + before.ahead_ms - self.ahead_ms)
    }

    /// Milliseconds since 1970 UTC of a moment of the server clock. One that the clock showed twice is taken for the second
    /// time.
    pub(crate) fn utc_ms(self, server_ms: i64) -> i64 {
        let earlier = self.before.filter(|before| server_ms < before.until_ms);
        server_ms - earlier.map_or(self.ahead_ms, |before| before.ahead_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_from_before_the_clock_was_set_keep_their_utc() {
        let hour = 3_600_000;
        let summer = Zone::fixed(3 * hour);
        // Set back at four, and forward at three.
        let winter = summer.set(2 * hour, 3 * hour + 1);
        assert_eq!([2, 3, 4, 5].map(|at| winter.utc_ms(at * hour) / hour), [-1, 0, 2, 3]);
        assert!(winter.is_again(4 * hour) && !winter.is_again(4 * hour + 1) && !summer.is_again(hour));
        let summer = Zone::fixed(2 * hour).set(3 * hour, 4 * hour);
        assert_eq!([2, 4, 5].map(|at| summer.utc_ms(at * hour) / hour), [0, 1, 2]);
        assert_eq!(summer.ahead_ms(), 3 * hour);
        assert!(!summer.is_again(4 * hour));
    }
}
