//! The time that trial and licences are judged by, and what is kept of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How far clocks may be apart for a time to be believed.
pub const CLOCK_TOLERANCE: Duration = Duration::from_hours(1);

/// What is kept of the trial, in every place that keeps it. Seconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialMark {
    /// When the service was first started.
    pub began_s: i64,
    /// The latest time that was ever believed: the time that counts is never earlier.
    pub mark_s: i64,
}

impl TrialMark {
    /// What two places know together: the earlier beginning, and the later time.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { began_s: self.began_s.min(other.began_s), mark_s: self.mark_s.max(other.mark_s) }
    }
}

/// What is known of the time, in seconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// The clock of this process.
    pub clock_s: i64,
    /// The clock that all processes share; `None`: there is none, or it was never told.
    pub registry_s: Option<i64>,
    /// The mark that was kept, and the time that has passed by the monotonic clock since it was seen; `None`: there is none.
    pub lived_s: Option<i64>,
}

impl Clocks {
    /// The time that counts. Turning clocks back prolongs nothing, for the time that was lived goes on; and a clock that is
    /// ahead of the one that all share counts for an hour of that at most.
    #[must_use]
    pub fn time_s(&self) -> i64 {
        let told = match self.registry_s {
            Some(registry_s) => self.clock_s.min(registry_s.saturating_add(tolerance_s())).max(registry_s),
            None => self.clock_s,
        };
        self.lived_s.map_or(told, |lived_s| lived_s.max(told))
    }

    /// What the mark may be raised to: the time that counts, where the clocks agree on it. Where they do not, one of them is
    /// wrong, and its time would count for ever: then only what was lived counts. `None`: nothing.
    #[must_use]
    pub fn mark_s(&self) -> Option<i64> {
        let agree = self
            .registry_s
            .is_none_or(|registry_s| self.clock_s.abs_diff(registry_s) <= CLOCK_TOLERANCE.as_secs());
        if agree { Some(self.time_s()) } else { self.lived_s }
    }
}

fn tolerance_s() -> i64 {
    i64::try_from(CLOCK_TOLERANCE.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3600;
    const NOW: i64 = 1_795_824_000;

    #[test]
    fn no_clock_prolongs_anything_and_a_wrong_one_ends_nothing_for_good() {
        let year = 365 * 24 * HOUR;
        let rows = [
            // clock, registry, lived: the time, and the mark.
            ("alone", NOW, None, None, NOW, Some(NOW)),
            ("alone, set back", NOW - year, None, Some(NOW), NOW, Some(NOW)),
            ("alone, and time has passed", NOW, None, Some(NOW - year), NOW, Some(NOW)),
            ("both agree", NOW, Some(NOW + 1), None, NOW + 1, Some(NOW + 1)),
            ("an hour apart", NOW + HOUR, Some(NOW), None, NOW + HOUR, Some(NOW + HOUR)),
            ("the clock is ahead", NOW + year, Some(NOW), Some(NOW - 9), NOW + HOUR, Some(NOW - 9)),
            ("the clock is behind", NOW - year, Some(NOW), Some(NOW - 9), NOW, Some(NOW - 9)),
            ("the registry is ahead", NOW, Some(NOW + year), Some(NOW - 9), NOW + year, Some(NOW - 9)),
            ("the registry is behind", NOW, Some(NOW - year), Some(NOW - 9), NOW - 9, Some(NOW - 9)),
            ("both were set back", NOW - year, Some(NOW - year), Some(NOW), NOW, Some(NOW)),
            ("nothing was kept", NOW + year, Some(NOW), None, NOW + HOUR, None),
        ];
        for (what, clock_s, registry_s, lived_s, time_s, mark_s) in rows {
            let clocks = Clocks { clock_s, registry_s, lived_s };
            assert_eq!((clocks.time_s(), clocks.mark_s()), (time_s, mark_s), "{what}");
        }
        let absurd = Clocks { clock_s: i64::MAX, registry_s: Some(i64::MAX), lived_s: None };
        assert_eq!(absurd.time_s(), i64::MAX);
    }

    #[test]
    fn places_know_the_earliest_beginning_and_the_latest_time_together() {
        let one = TrialMark { began_s: 10, mark_s: 30 };
        let other = TrialMark { began_s: 20, mark_s: 40 };
        assert_eq!(one.and(other), TrialMark { began_s: 10, mark_s: 40 });
        assert_eq!(one.and(other), other.and(one));
    }
}
