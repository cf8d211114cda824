//! What is allowed, in words and errors.

use access::{License, Standing, covered_until_s};
use calls::UtcTime;
use calls::reply::LicenseStatus;
use calls::values::LicenseStanding;
use error::{Code, Error};

/// What is allowed at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(super) standing: Standing,
    /// Until when everything works, or what is left: seconds since 1970 UTC. A licence that follows on another one counts.
    pub(super) until_s: Option<i64>,
    /// The time that counts, seconds since 1970 UTC.
    pub(super) now_s: i64,
    /// What could not be read.
    pub(super) troubles: Vec<String>,
    /// Where refusals send their readers.
    pub(super) link: String,
}

impl Terms {
    /// By when the trial began, and the licences there are.
    pub(super) fn at(
        now_s: i64,
        began_s: Option<i64>,
        licenses: &[License],
        troubles: Vec<String>,
        link: String,
    ) -> Self {
        let standing = access::standing(now_s, began_s, licenses);
        let until_s = match &standing {
            Standing::Trial { .. } | Standing::Licensed(_) => {
                standing.ends_s().map(|ends_s| covered_until_s(ends_s, licenses))
            }
            Standing::Grace { .. } | Standing::Ended { .. } => standing.ends_s(),
        };
        Self { standing, until_s, now_s, troubles, link }
    }

    /// Why no session is made. `None`: as far as there is a place for it, it is.
    pub(crate) fn no_session(&self) -> Option<Error> {
        let what = self.what();
        let told = match &self.standing {
            Standing::Trial { .. } | Standing::Licensed(_) => return None,
            Standing::Grace { ends_s, .. } => format!(
                "{what} has ended, so no new sessions are made. Those that are open may only reduce what they hold, and \
                 end at {}. How to get a licence: {}",
                moment(*ends_s),
                self.link
            ),
            Standing::Ended { .. } => {
                format!("{what} has ended, so no sessions are made. How to get a licence: {}", self.link)
            }
        };
        Some(Error::new(Code::LicenseRequired, told))
    }

    /// How many sessions there may be. `None`: any number.
    pub(crate) fn sessions_max(&self) -> Option<u32> {
        match &self.standing {
            Standing::Licensed(license) => Some(license.sessions),
            _ => None,
        }
    }

    /// Why one more session than so many is not made.
    pub(crate) fn no_place(&self, sessions_max: u32) -> Error {
        let told = format!(
            "The licence allows {sessions_max} sessions, and there are as many. Disconnect one first, or get a licence for \
             more: {}",
            self.link
        );
        Error::new(Code::LicenseSessionsReached, told)
    }

    /// With what is refused that would do more than reduce. `None`: it may.
    pub(crate) fn reduce_only(&self) -> Option<Error> {
        match &self.standing {
            Standing::Trial { .. } | Standing::Licensed(_) => None,
            Standing::Grace { .. } | Standing::Ended { .. } => {
                let told = format!(
                    "{} has ended: positions may be closed, pending orders deleted and stops moved nearer to the price, and \
                     nothing else. How to get a licence: {}",
                    self.what(),
                    self.link
                );
                Some(Error::new(Code::ReduceOnly, told))
            }
        }
    }

    /// Whether sessions are over as well.
    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.standing, Standing::Ended { .. })
    }

    /// Of how many days is warned.
    pub(super) fn warning_days(&self) -> Option<i64> {
        access::warning_days(self.until_s? - self.now_s)
    }

    /// What is to be told beside answers: that an end is near, or was reached.
    pub(crate) fn notice(&self) -> Option<String> {
        let (what, link) = (self.what(), &self.link);
        Some(match (&self.standing, self.until_s) {
            (Standing::Trial { .. } | Standing::Licensed(_), Some(until_s)) => {
                let days = self.warning_days()?;
                let span = if days == 1 { "a day".to_owned() } else { format!("{days} days") };
                format!("{what} ends within {span}, at {}: {link}", moment(until_s))
            }
            (Standing::Grace { ends_s, .. }, _) => {
                format!("{what} has ended; sessions may only reduce, and end at {}: {link}", moment(*ends_s))
            }
            (Standing::Ended { .. }, _) => format!("{what} has ended: {link}"),
            (Standing::Trial { .. } | Standing::Licensed(_), None) => return None,
        })
    }

    const fn what(&self) -> &'static str {
        match self.standing {
            Standing::Trial { .. }
            | Standing::Grace { was_trial: true, .. }
            | Standing::Ended { was_trial: true } => "The trial",
            Standing::Licensed(_) | Standing::Grace { .. } | Standing::Ended { .. } => "The licence",
        }
    }

    /// The answer of the call.
    pub(crate) fn status(&self) -> LicenseStatus {
        let (standing, license): (_, Option<&License>) = match &self.standing {
            Standing::Trial { .. } => (LicenseStanding::Trial, None),
            Standing::Licensed(license) => (LicenseStanding::Licensed, Some(license)),
            Standing::Grace { .. } => (LicenseStanding::ReduceOnly, None),
            Standing::Ended { .. } => (LicenseStanding::Ended, None),
        };
        let until = self.until_s.map(|until_s| UtcTime::from_ms(until_s.saturating_mul(1000)));
        let left_s = self.until_s.map_or(0, |until_s| until_s.saturating_sub(self.now_s));
        LicenseStatus {
            standing,
            ends_utc: until.unwrap_or(UtcTime::NULL),
            seconds_left: u64::try_from(left_s).unwrap_or(0),
            customer: license.map(|license| license.customer.clone()),
            plan: license.map(|license| license.plan.clone()),
            sessions_max: license.map(|license| license.sessions),
            features: license.map(|license| license.features.clone()).unwrap_or_default(),
            notice: self.notice(),
            troubles: self.troubles.clone(),
        }
    }
}

/// A moment for people, to the minute.
fn moment(at_s: i64) -> String {
    let text = UtcTime::from_ms(at_s.saturating_mul(1000)).to_string();
    let minutes: String = text.chars().take("2026-11-28T00:00".len()).collect();
    format!("{} UTC", minutes.replace('T', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;
    /// 2026-11-28T00:00:00Z.
    const BEGAN: i64 = 1_795_824_000;

    fn terms(standing: Standing, until_s: Option<i64>, now_s: i64) -> Terms {
        Terms { standing, until_s, now_s, troubles: Vec::new(), link: "/link".into() }
    }

    #[test]
    fn each_stage_says_what_is_allowed() {
        let ends_s = BEGAN + 14 * DAY;
        let trial = |day: i64| terms(Standing::Trial { ends_s }, Some(ends_s), BEGAN + day * DAY);
        assert_eq!((trial(0).no_session(), trial(0).reduce_only(), trial(6).notice()), (None, None, None));
        for (day, told) in [(7, "within 7 days"), (12, "within 3 days"), (13, "within a day")] {
            let notice = trial(day).notice().unwrap();
            assert!(notice.contains(told) && notice.ends_with("at 2026-12-12 00:00 UTC: /link"), "{notice}");
        }
        let grace = terms(Standing::Grace { ends_s, was_trial: false }, Some(ends_s), ends_s - 1);
        let refused = grace.no_session().unwrap();
        assert_eq!(refused.code(), Code::LicenseRequired);
        assert!(refused.detail().contains("/link") && refused.detail().contains("2026-12-12 00:00 UTC"));
        assert_eq!(grace.reduce_only().unwrap().code(), Code::ReduceOnly);
        assert!(grace.notice().unwrap().starts_with("The licence has ended; sessions may only reduce"));
        let ended = terms(Standing::Ended { was_trial: true }, None, ends_s);
        assert!(ended.is_over() && ended.reduce_only().is_some());
        assert_eq!(ended.notice().unwrap(), "The trial has ended: /link");
        let status = ended.status();
        assert_eq!((status.standing, status.seconds_left), (LicenseStanding::Ended, 0));
        assert_eq!(status.ends_utc, UtcTime::NULL);
    }
}
