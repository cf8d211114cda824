//! What may be done at a time, by the trial and the licences there are.

use std::time::Duration;

use crate::license::{License, best};

/// How long everything works without a licence.
pub const TRIAL: Duration = Duration::from_hours(14 * 24);
/// How long sessions run on, reduce-only, after the trial.
pub const TRIAL_GRACE: Duration = Duration::from_hours(24);
/// How long they do after a licence.
pub const LICENSE_GRACE: Duration = Duration::from_hours(14 * 24);
/// Days before an end on which it is warned of.
const WARNING_DAYS: [i64; 3] = [1, 3, 7];
const DAY_S: i64 = 86_400;

/// What may be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Everything, without a licence.
    Trial {
        /// Seconds since 1970 UTC.
        ends_s: i64,
    },
    /// What the licence allows.
    Licensed(License),
    /// No connects; sessions run on, but may only reduce what they hold.
    Grace {
        /// Seconds since 1970 UTC.
        ends_s: i64,
        /// Whether that was a trial.
        was_trial: bool,
    },
    /// Nothing.
    Ended {
        /// Whether that was a trial.
        was_trial: bool,
    },
}

impl Standing {
    /// When it ends, seconds since 1970 UTC.
    #[must_use]
    pub const fn ends_s(&self) -> Option<i64> {
        match self {
            Self::Trial { ends_s } | Self::Grace { ends_s, .. } => Some(*ends_s),
            Self::Licensed(license) => Some(license.ends_s),
            Self::Ended { .. } => None,
        }
    }
}

/// Of how many days is to be warned, if so many seconds are left: 7, 3 or 1.
#[must_use]
pub fn warning_days(left_s: i64) -> Option<i64> {
    WARNING_DAYS.into_iter().find(|days| left_s <= days * DAY_S)
}

/// What may be done at a time, seconds since 1970 UTC. The trial began when the service was first started; `None`: that is
/// not known, and stops nobody.
#[must_use]
pub fn standing(now_s: i64, trial_began_s: Option<i64>, licenses: &[License]) -> Standing {
    let trial_ends_s = trial_began_s.unwrap_or(now_s).saturating_add(seconds(TRIAL));
    match best(licenses, now_s) {
        Some(license) if license.is_valid(now_s) => Standing::Licensed(license.clone()),
        // A trial that is still running is more than a licence that has ended.
        _ if now_s < trial_ends_s => Standing::Trial { ends_s: trial_ends_s },
        Some(license) => after(now_s, license.ends_s.saturating_add(seconds(LICENSE_GRACE)), false),
        None => after(now_s, trial_ends_s.saturating_add(seconds(TRIAL_GRACE)), true),
    }
}

const fn after(now_s: i64, ends_s: i64, was_trial: bool) -> Standing {
    if now_s < ends_s { Standing::Grace { ends_s, was_trial } } else { Standing::Ended { was_trial } }
}

fn seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGAN: i64 = 1_795_824_000;

    fn license(sessions: u32, begins_day: i64, ends_day: i64) -> License {
        License {
            customer: "x".into(),
            plan: "x".into(),
            sessions,
            features: Vec::new(),
            begins_s: BEGAN + begins_day * DAY_S,
            ends_s: BEGAN + ends_day * DAY_S,
            key: "k".into(),
        }
    }

    /// In words, and of how many days is warned.
    fn told(hour: i64, licenses: &[License]) -> (&'static str, Option<i64>) {
        let now_s = BEGAN + hour * 3600;
        let standing = standing(now_s, Some(BEGAN), licenses);
        let word = match &standing {
            Standing::Trial { .. } => "trial",
            Standing::Licensed(_) => "licensed",
            Standing::Grace { was_trial: true, .. } => "grace after the trial",
            Standing::Grace { .. } => "grace after a licence",
            Standing::Ended { was_trial: true } => "over after the trial",
            Standing::Ended { .. } => "over after a licence",
        };
        (word, standing.ends_s().and_then(|ends_s| warning_days(ends_s - now_s)))
    }

    #[test]
    fn every_day_of_a_trial() {
        for (hour, expected) in [
            (-1, ("trial", None)),
            (0, ("trial", None)),
            (7 * 24 - 1, ("trial", None)),
            (7 * 24, ("trial", Some(7))),
            (11 * 24, ("trial", Some(3))),
            (13 * 24, ("trial", Some(1))),
            (14 * 24 - 1, ("trial", Some(1))),
            (14 * 24, ("grace after the trial", Some(1))),
            (15 * 24 - 1, ("grace after the trial", Some(1))),
            (15 * 24, ("over after the trial", None)),
            (1000 * 24, ("over after the trial", None)),
        ] {
            assert_eq!(told(hour, &[]), expected, "hour {hour}");
        }
    }

    #[test]
    fn every_day_of_a_licence() {
        let licenses = [license(5, 20, 50), license(9, 30, 40)];
        for (day, expected) in [
            (13, ("trial", Some(1))),
            (14, ("grace after the trial", Some(1))),
            (15, ("over after the trial", None)),
            (20, ("licensed", None)),
            (33, ("licensed", Some(7))),
            (41, ("licensed", None)),
            (49, ("licensed", Some(1))),
            (50, ("grace after a licence", None)),
            (63, ("grace after a licence", Some(1))),
            (64, ("over after a licence", None)),
        ] {
            assert_eq!(told(day * 24, &licenses), expected, "day {day}");
        }
        // A licence that ended within the trial takes nothing away.
        assert_eq!(told(6 * 24, &[license(5, 0, 5)]).0, "trial");
    }

    #[test]
    fn what_is_not_known_stops_nobody() {
        assert!(matches!(standing(BEGAN + 900 * DAY_S, None, &[]), Standing::Trial { .. }));
    }
}
