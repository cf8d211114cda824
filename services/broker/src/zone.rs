//! Time zones of the server clock, with their daylight saving time.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate, Offset, TimeZone};
use chrono_tz::Tz;

/// What daylight saving time adds, in seconds: accounts are told of it in whole hours (protocol 9.2.1).
pub(crate) const DAYLIGHT_S: i32 = 3600;
/// No clock on earth is further from UTC, in minutes.
const SHIFT_MINUTES_MAX: i32 = 14 * 60;
/// So far is the clock ahead of New York's that shows midnight at five in the afternoon there.
const CLOSE_AHEAD_S: i32 = 7 * 3600;
/// The name of that clock.
const NEW_YORK_CLOSE: &str = "new-york-close";

/// Where a server clock stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Seconds east of UTC, always.
    Fixed(i32),
    /// A place's clock, and the seconds by which the server's is ahead of it.
    Place(Tz, i32),
}

/// How far a clock is ahead of UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ahead {
    /// Without daylight saving time, seconds.
    pub(crate) standard_s: i32,
    /// Whether there is daylight saving time, an hour more.
    pub(crate) is_daylight: bool,
}

/// What is wrong with the name of a zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is no zone: give minutes east of UTC from -{SHIFT_MINUTES_MAX} to {SHIFT_MINUTES_MAX}, {NEW_YORK_CLOSE}, or a \
     name such as Europe/Athens"
)]
pub struct ZoneError(String);

impl Ahead {
    /// With daylight saving time, milliseconds.
    pub(crate) fn ms(self) -> i64 {
        let daylight_s = if self.is_daylight { DAYLIGHT_S } else { 0 };
        i64::from(self.standard_s + daylight_s) * 1000
    }
}

impl Zone {
    /// UTC.
    pub const UTC: Self = Self(Kind::Fixed(0));
    /// New York's clock and seven hours: two hours ahead of UTC, three in New York's summer. A trading day ends at five in
    /// the afternoon in New York, so with this clock, that of most brokers, it ends at midnight.
    pub const NEW_YORK_CLOSE: Self = Self(Kind::Place(Tz::America__New_York, CLOSE_AHEAD_S));

    /// So many seconds east of UTC, without daylight saving time.
    #[must_use]
    pub const fn fixed(shift_s: i32) -> Self {
        Self(Kind::Fixed(shift_s))
    }

    /// How far it is ahead of UTC at a moment, seconds since 1970 UTC.
    pub(crate) fn ahead(self, unix_s: i64) -> Ahead {
        let Kind::Place(place, more_s) = self.0 else {
            return Ahead { standard_s: self.whole_s(unix_s), ..Ahead::default() };
        };
        let whole_s = self.whole_s(unix_s);
        // Places have called either half of the year the summer; what they add then is what counts here.
        let year = chrono::DateTime::from_timestamp(unix_s, 0).map_or(1970, |time| time.year());
        let in_month = |month| {
            let day = NaiveDate::from_ymd_opt(year, month, 1)?.and_hms_opt(0, 0, 0)?;
            Some(place.offset_from_utc_datetime(&day).fix().local_minus_utc() + more_s)
        };
        let standard_s = [1, 7].into_iter().filter_map(in_month).min().unwrap_or(whole_s);
        if whole_s - standard_s == DAYLIGHT_S {
            return Ahead { standard_s, is_daylight: true };
        }
        Ahead { standard_s: whole_s, is_daylight: false }
    }

    /// The moment, milliseconds since 1970 UTC, at which the clock shows `server_ms`. Of an hour that comes twice, the
    /// first.
    pub(crate) fn unix_ms(self, server_ms: i64) -> i64 {
        let utc_of = |guess_ms: i64| server_ms - self.ahead(guess_ms.div_euclid(1000)).ms();
        let day_ms = 86_400_000;
        let found = [utc_of(server_ms - day_ms), utc_of(server_ms + day_ms)];
        let shows = |unix_ms: &i64| utc_of(*unix_ms) == *unix_ms;
        found.into_iter().filter(shows).min().unwrap_or(found[0])
    }

    fn whole_s(self, unix_s: i64) -> i32 {
        match self.0 {
            Kind::Fixed(shift_s) => shift_s,
            Kind::Place(place, more_s) => {
                let time = chrono::DateTime::from_timestamp(unix_s, 0).unwrap_or_default();
                place.offset_from_utc_datetime(&time.naive_utc()).fix().local_minus_utc() + more_s
            }
        }
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, ZoneError> {
        let text = text.trim();
        let wrong = || ZoneError(text.to_owned());
        if text.eq_ignore_ascii_case(NEW_YORK_CLOSE) {
            return Ok(Self::NEW_YORK_CLOSE);
        }
        if let Ok(minutes) = text.parse::<i32>() {
            let is_possible = (-SHIFT_MINUTES_MAX..=SHIFT_MINUTES_MAX).contains(&minutes);
            return if is_possible { Ok(Self::fixed(minutes * 60)) } else { Err(wrong()) };
        }
        let place = text.parse().map_err(|_| wrong())?;
        Ok(if place == Tz::UTC { Self::UTC } else { Self(Kind::Place(place, 0)) })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Kind::Fixed(shift_s) => write!(f, "{}", shift_s / 60),
            Kind::Place(_, CLOSE_AHEAD_S) => f.write_str(NEW_YORK_CLOSE),
            Kind::Place(place, _) => f.write_str(place.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds since 1970 of a moment, UTC.
    fn utc(text: &str) -> i64 {
        chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp()
    }

    fn zone(text: &str) -> Zone {
        text.parse().unwrap()
    }

    #[test]
    fn daylight_saving_time_begins_and_ends_to_the_second() {
        for (name, standard_s, begins, ends) in [
            ("new-york-close", 7200, "2026-03-08T07:00:00Z", "2026-11-01T06:00:00Z"),
            ("America/New_York", -18_000, "2026-03-08T07:00:00Z", "2026-11-01T06:00:00Z"),
            ("Europe/Athens", 7200, "2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"),
            // Its law calls the winter the exception.
            ("Europe/Dublin", 0, "2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"),
            // South of the equator the year begins in summer.
            ("Australia/Sydney", 36_000, "2026-10-03T16:00:00Z", "2027-04-03T16:00:00Z"),
        ] {
            let ahead = |unix_s| zone(name).ahead(unix_s);
            let (winter, summer) =
                (Ahead { standard_s, is_daylight: false }, Ahead { standard_s, is_daylight: true });
            assert_eq!((ahead(utc(begins) - 1), ahead(utc(begins))), (winter, summer), "{name} begins");
            assert_eq!((ahead(utc(ends) - 1), ahead(utc(ends))), (summer, winter), "{name} ends");
        }
    }

    #[test]
    fn what_is_no_hour_is_a_change_of_the_zone() {
        let ahead = |text| zone("Australia/Lord_Howe").ahead(utc(text));
        assert_eq!(ahead("2026-01-15T00:00:00Z"), Ahead { standard_s: 39_600, is_daylight: false });
        assert_eq!(ahead("2026-07-15T00:00:00Z"), Ahead { standard_s: 37_800, is_daylight: false });
        assert_eq!(zone("Asia/Tokyo").ahead(0), Ahead { standard_s: 32_400, is_daylight: false });
        assert_eq!(zone("-210").ahead(0).ms(), -12_600_000);
    }

    #[test]
    fn what_the_clock_shows_leads_back_to_the_moment() {
        for zone in [Zone::UTC, Zone::NEW_YORK_CLOSE, Zone::fixed(-3600), zone("Asia/Kathmandu")] {
            for hour in 0..24 * 370 {
                let unix_ms = utc("2026-01-01T00:00:00Z") * 1000 + hour * 3_600_000;
                let shown = unix_ms + zone.ahead(unix_ms / 1000).ms();
                let back = zone.unix_ms(shown);
                // The hour after the end of daylight saving time shows what the one before it did.
                let is_second = unix_ms - back == 3_600_000 && utc("2026-11-01T06:00:00Z") * 1000 == unix_ms;
                assert!(back == unix_ms || is_second, "{zone} {unix_ms}: {back}");
            }
        }
    }

    #[test]
    fn names_are_read_and_written() {
        for name in ["0", "-180", "new-york-close", "Europe/Athens", "EET"] {
            assert_eq!(zone(name).to_string(), name);
        }
        assert_eq!((zone("UTC"), zone(" New-York-Close ")), (Zone::UTC, Zone::NEW_YORK_CLOSE));
        for wrong in ["", "841", "NaN", "Europe/Nowhere", "+2h"] {
            let error = wrong.parse::<Zone>().unwrap_err().to_string();
            assert!(error.contains("new-york-close"), "{error}");
        }
    }
}
