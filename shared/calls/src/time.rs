//! Moments as the interface writes them: without zone, the fraction only when it is not zero.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::ServerClock;

/// In a schema: the text is a moment of the trade server's clock, so that a client may ask for its zone.
pub const OF_SERVER_CLOCK: &str = "x-server-clock";

/// How "no date" is written.
const NULL_DATE: &str = "0001-01-01T00:00:00";

/// The same as milliseconds since 1970.
const UNSET_MS: i64 = -62_135_596_800_000;

/// The first moment that is a date, and the last one whose year has four digits.
const FIRST_MS: i64 = UNSET_MS + 1;
const LAST_MS: i64 = 253_402_300_799_999;

/// A year has so many digits, and no sign.
const YEAR_DIGITS: usize = 4;

/// Dates that are read, most likely first; a zone was cut off before.
const READABLE: [&str; 2] = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"];

/// A moment on the trade server's clock, in milliseconds since 1970-01-01 on that clock. May be "no date".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerTime(i64);

impl ServerTime {
    /// No date, for instance the closing time of an open order.
    pub const NULL: Self = Self(i64::MIN);

    /// From milliseconds; 0 is taken for "no date", as trade servers mean it.
    pub const fn from_ms(ms: i64) -> Self {
        if ms == 0 { Self::NULL } else { Self(ms) }
    }

    /// From seconds; 0 is taken for "no date", as trade servers mean it.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self::from_ms(seconds.saturating_mul(1000))
    }

    /// Milliseconds, or `None` for "no date".
    pub const fn as_ms(self) -> Option<i64> {
        if self.0 == i64::MIN { None } else { Some(self.0) }
    }

    /// Whole seconds rounded down, or `None` for "no date".
    pub fn as_seconds(self) -> Option<i64> {
        self.as_ms().map(|ms| ms.div_euclid(1000))
    }

    /// Reads `yyyy-MM-ddTHH:mm:ss` or `yyyy-MM-dd`. A fraction is kept; a zone is dropped, since the trade
    /// server's clock is meant whatever the caller's library appended, but it must be one. The first moment of the first
    /// year is "no date": so libraries write a date that was not set.
    pub fn parse(text: &str) -> Option<Self> {
        let (text, zone) = split_zone(text.trim());
        let (year, _) = text.split_once('-')?;
        if year.len() != YEAR_DIGITS
            || !year.bytes().all(|b| b.is_ascii_digit())
            || zone.is_some_and(|zone| minutes_east(zone).is_none())
        {
            return None;
        }
        let text =
            if text.contains(' ') { Cow::Owned(text.replacen(' ', "T", 1)) } else { Cow::Borrowed(text) };
        let moment = READABLE
            .iter()
            .find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok())
            .or_else(|| NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0))?;
        let ms = moment.and_utc().timestamp_millis();
        Some(if ms == UNSET_MS { Self::NULL } else { Self(ms) })
    }
}

/// Date and time, and what follows the time: `Z`, `+02:00`, `-0500`. A query turns the plus into a blank, so that counts
/// too.
fn split_zone(text: &str) -> (&str, Option<&str>) {
    let Some(at) = text.find(['T', 't', ' ']) else { return (text, None) };
    let time = at + 1;
    match text[time..].find(['Z', 'z', '+', '-', ' ']) {
        Some(zone) => (&text[..time + zone], Some(&text[time + zone..])),
        None => (text, None),
    }
}

/// How far a zone is east of UTC; `None` for one that does not exist: zones are from 12 hours behind UTC to 14 ahead.
fn minutes_east(text: &str) -> Option<i32> {
    let text = text.trim_start();
    if ["Z", "UTC", "GMT"].iter().any(|name| text.eq_ignore_ascii_case(name)) {
        return Some(0);
    }
    let behind = text.strip_prefix('-');
    let digits = behind.or_else(|| text.strip_prefix('+')).unwrap_or(text);
    let (hours, minutes) = digits.split_at_checked(2)?;
    let minutes = if minutes.is_empty() { "00" } else { minutes.strip_prefix(':').unwrap_or(minutes) };
    let number = |text: &str| {
        let is_plain = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<i32>().ok().filter(|_| is_plain)
    };
    let (sign, hours_max) = if behind.is_some() { (-1, 12) } else { (1, 14) };
    let east = number(hours)? * 60 + number(minutes).filter(|minutes| *minutes < 60)?;
    (east <= hours_max * 60).then_some(sign * east)
}

impl ServerTime {
    /// Reads a date that may name its zone: one with a zone is that instant, as the server's clock showed it, one without
    /// is of that clock. What the clock would show beyond the years that are read is the last such moment, or the first.
    pub fn parse_zoned(text: &str, clock: ServerClock) -> Option<Self> {
        let moment = Self::parse(text)?;
        let (Some(ms), (_, Some(zone))) = (moment.as_ms(), split_zone(text.trim())) else {
            return Some(moment);
        };
        let utc_ms = ms - i64::from(minutes_east(zone)?) * 60_000;
        Some(Self(clock.shown_ms(utc_ms).clamp(FIRST_MS, LAST_MS)))
    }

    /// As it is written for who asks for zones: with the one that the server's clock had then. No date has none.
    pub fn with_zone(text: &str, clock: ServerClock) -> Option<String> {
        if split_zone(text).1.is_some() {
            return None;
        }
        let ahead_minutes = clock.ahead_at(Self::parse(text)?.as_ms()?) / 60_000;
        let sign = if ahead_minutes < 0 { '-' } else { '+' };
        let (hours, minutes) = (ahead_minutes.abs() / 60, ahead_minutes.abs() % 60);
        Some(format!("{text}{sign}{hours:02}:{minutes:02}"))
    }
}

impl fmt::Display for ServerTime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_ms().and_then(DateTime::from_timestamp_millis) {
            Some(moment) => write!(out, "{}", moment.naive_utc().format("%Y-%m-%dT%H:%M:%S%.f")),
            None => out.write_str(NULL_DATE),
        }
    }
}

impl fmt::Debug for ServerTime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// A moment in UTC, in milliseconds since 1970; written with seven fraction digits and `Z`. May be "no date".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcTime(i64);

impl UtcTime {
    /// No date, written without `Z`.
    pub const NULL: Self = Self(i64::MIN);

    /// From milliseconds since 1970.
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }
}

impl fmt::Display for UtcTime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::from_timestamp_millis(self.0) {
            Some(moment) => write!(out, "{}0000Z", moment.naive_utc().format("%Y-%m-%dT%H:%M:%S%.3f")),
            None => out.write_str(NULL_DATE),
        }
    }
}

impl fmt::Debug for UtcTime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl Serialize for ServerTime {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ServerTime {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| de::Error::invalid_value(de::Unexpected::Str(&text), &"a date"))
    }
}

impl Serialize for UtcTime {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl JsonSchema for ServerTime {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ServerTime".into()
    }

    fn json_schema(_schemas: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string", "format": "date-time", "examples": ["2026-01-31T00:00:00"], OF_SERVER_CLOCK: true,
        })
    }
}

impl JsonSchema for UtcTime {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "UtcTime".into()
    }

    fn json_schema(_schemas: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time", "examples": ["2026-01-31T00:00:00.1234567Z"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_without_their_zone() {
        let cases = [
            ("2026-01-31T01:02:03", "2026-01-31T01:02:03"),
            ("2026-01-31", "2026-01-31T00:00:00"),
            ("2026-01-31T01:02:03Z", "2026-01-31T01:02:03"),
            ("2026-01-31T01:02:03.250Z", "2026-01-31T01:02:03.250"),
            ("2026-01-31T01:02:03+02:00", "2026-01-31T01:02:03"),
            ("2026-01-31T01:02:03 02:00", "2026-01-31T01:02:03"),
            ("2026-01-31T01:02:03-0500", "2026-01-31T01:02:03"),
            ("2026-01-31 01:02:03", "2026-01-31T01:02:03"),
            ("2026-01-31T01:02", "2026-01-31T01:02:00"),
            ("0001-01-01T00:00:00", NULL_DATE),
        ];
        for (given, written) in cases {
            assert_eq!(ServerTime::parse(given).map(|t| t.to_string()).as_deref(), Some(written), "{given}");
        }
        assert_eq!(ServerTime::parse("0001-01-01"), Some(ServerTime::NULL));
        for wrong in ["", "yesterday", "2026-13-01", "31.01.2026", "2026-01-31T25:00:00", "T", "é T"] {
            assert_eq!(ServerTime::parse(wrong), None, "{wrong}");
        }
        for year in ["-2026", "+2026", " -0001", "26", "12026", "202", "٢٠٢٦", "+202"] {
            for rest in ["-01-31", "-01-31T00:00:00", "-01-31T00:00:00Z"] {
                assert_eq!(ServerTime::parse(&format!("{year}{rest}")), None, "{year}{rest}");
            }
        }
    }

    #[test]
    fn only_zones_that_exist_are_dropped() {
        let zones = [
            "Z", "z", " UTC", " GMT", "+14:00", "+1400", "+14", "-12:00", "+05:45", " 02:00", " +0200",
            "  02:00", "-00:00",
        ];
        let wrong = [
            "+99:99",
            "+24:00",
            "+14:01",
            "-12:01",
            "+05:60",
            "+5",
            "+5:00",
            "+05:0",
            "+05:",
            "+05:00:00",
            "++05:00",
            "--05",
            "Z+02:00",
            "ZZ",
            " PM",
            " EST",
            "+0a:00",
            "+٠٥:٠٠",
            "+",
            "-",
            "+-5:00",
        ];
        for moment in
            ["2026-01-31T01:02:03", "2026-01-31 01:02:03", "2026-01-31T01:02:03.000", "2026-01-31T01:02:03"]
        {
            let plain = ServerTime::parse(moment);
            assert!(plain.is_some());
            for zone in zones {
                assert_eq!(ServerTime::parse(&format!("{moment}{zone}")), plain, "{moment}{zone}");
            }
            for zone in wrong {
                assert_eq!(ServerTime::parse(&format!("{moment}{zone}")), None, "{moment}{zone}");
            }
        }
    }

    #[test]
    fn a_zone_is_honoured_for_who_asks() {
        let ahead = |minutes: i64| ServerClock::fixed(minutes * 60_000);
        let cases = [
            ("2026-01-31T01:02:03Z", "2026-01-31T03:02:03"),
            ("2026-01-31T01:02:03.250z", "2026-01-31T03:02:03.250"),
            ("2026-01-31T01:02:03+02:00", "2026-01-31T01:02:03"),
            ("2026-01-31T01:02:03 03:30", "2026-01-30T23:32:03"),
            ("2026-01-31T01:02:03-0500", "2026-01-31T08:02:03"),
            ("2026-01-31T23:00-05", "2026-02-01T06:00:00"),
            ("2026-01-31T01:02:03", "2026-01-31T01:02:03"),
            ("2026-01-31", "2026-01-31T00:00:00"),
            ("0001-01-01T00:00:00Z", NULL_DATE),
            // What the clock shows is no year of four digits any more, or not yet.
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999"),
            ("9999-12-31T22:30:00-05:00", "9999-12-31T23:59:59.999"),
            ("9999-12-31T21:59:59Z", "9999-12-31T23:59:59"),
            ("0001-01-01T00:30:00+14:00", "0001-01-01T00:00:00.001"),
        ];
        for (given, read) in cases {
            assert_eq!(
                ServerTime::parse_zoned(given, ahead(120)).map(|t| t.to_string()).as_deref(),
                Some(read),
                "{given}"
            );
        }
        for wrong in ["2026-01-31T01:02:03+99:00", "2026-01-31T01:02:03+02:60", "2026-01-31T01:02:03+2", "x"]
        {
            assert_eq!(ServerTime::parse_zoned(wrong, ahead(120)), None, "{wrong}");
        }
        let shown = |text: &str, minutes| ServerTime::with_zone(text, ahead(minutes));
        assert_eq!(shown("2026-01-31T01:02:03", 180).as_deref(), Some("2026-01-31T01:02:03+03:00"));
        assert_eq!(shown("2026-01-31T01:02:03.5", -210).as_deref(), Some("2026-01-31T01:02:03.5-03:30"));
        assert_eq!((shown(NULL_DATE, 60), shown("2026-01-31T01:02:03Z", 60)), (None, None));
    }

    #[test]
    fn a_time_has_the_zone_that_the_clock_had_then() {
        let hour = 3_600_000;
        let set = ServerTime::parse("2026-10-25T03:00:00").unwrap().as_ms().unwrap();
        let clock = ServerClock::fixed(3 * hour).set(2 * hour, set);
        // What the server's clock showed, and the instant.
        let cases = [
            ("2026-07-01T00:00:00", "+03:00", "2026-06-30T21:00:00"),
            ("2026-10-25T02:59:59", "+03:00", "2026-10-24T23:59:59"),
            ("2026-10-25T03:30:00", "+02:00", "2026-10-25T01:30:00"),
            ("2026-12-01T00:00:00", "+02:00", "2026-11-30T22:00:00"),
        ];
        for (shown, zone, utc) in cases {
            assert_eq!(ServerTime::with_zone(shown, clock), Some(format!("{shown}{zone}")));
            for instant in [format!("{utc}Z"), format!("{shown}{zone}")] {
                let read = ServerTime::parse_zoned(&instant, clock).unwrap();
                assert_eq!(read.to_string(), shown, "{instant}");
            }
        }
        // The first half past three of that day.
        let read = ServerTime::parse_zoned("2026-10-25T00:30:00Z", clock).unwrap();
        assert_eq!(read.to_string(), "2026-10-25T03:30:00");
    }

    #[test]
    fn fractions_are_written_only_when_there_are_some() {
        assert_eq!(ServerTime::from_ms(1_789_088_473_176).to_string(), "2026-09-11T01:01:13.176");
        assert_eq!(ServerTime::from_seconds(1_789_088_473).to_string(), "2026-09-11T01:01:13");
        assert_eq!(ServerTime::from_ms(0).to_string(), NULL_DATE);
        assert_eq!(UtcTime::from_ms(1_789_088_473_176).to_string(), "2026-09-11T01:01:13.1760000Z");
        assert_eq!(UtcTime::NULL.to_string(), NULL_DATE);
    }
}
