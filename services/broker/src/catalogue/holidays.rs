//! Days on which markets are closed, or close early.

use std::path::Path;

use chrono::{Datelike, Days, NaiveDate, Weekday};
use model::{ServerTime, mask_matches};
use serde::{Deserialize, Serialize};

use super::{SESSIONS_MAX, Session, Symbol, hours::DAY};
use crate::files::{self, FileError};

const DAY_S: i64 = 86_400;
/// When American exchanges close early: one in the afternoon in New York, on a clock that shows midnight when it closes at
/// five.
const EARLY_MIN: u16 = 20 * 60;

/// A day on which symbols are not quoted and traded as on others of its weekday.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holiday {
    /// A symbol, or a mask over the paths of symbols such as `Forex\*`.
    pub symbols: String,
    /// The day of the server clock.
    pub date: NaiveDate,
    /// Within these minutes of the server clock, from inclusive, to exclusive, the usual hours remain. None: on the whole
    /// day nothing is quoted or traded.
    #[serde(default)]
    pub sessions: Vec<Session>,
}

/// A file of holidays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    holidays: Vec<Holiday>,
}

impl Holiday {
    /// Reads a file: JSON like `{"holidays": [{"symbols": "Forex\\*", "date": "2026-12-24", "sessions": [[0, 1080]]}]}`.
    ///
    /// # Errors
    /// [`FileError`] if there is none, or something else in it.
    pub fn load(path: &Path) -> Result<Vec<Self>, FileError> {
        files::read::<File>(path).map(|file| file.holidays)
    }

    /// Whether its sessions begin before they end, within the day.
    pub(crate) fn is_possible(&self) -> bool {
        let is_session = |(open, close): &Session| open < close && *close <= DAY;
        self.sessions.len() <= SESSIONS_MAX && self.sessions.iter().all(is_session)
    }

    /// Whether it is one for this symbol.
    pub(crate) fn is_of(&self, symbol: &Symbol) -> bool {
        self.symbols == symbol.name || mask_matches(&self.symbols, &symbol.path)
    }

    /// Days since 1970.
    pub(super) fn day(&self) -> i64 {
        self.date.signed_duration_since(NaiveDate::default()).num_days()
    }
}

/// Holidays by rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// The first day of the year and Christmas Day, on which currencies and metals rest all over the world.
    World,
    /// Those of the New York Stock Exchange.
    NewYork,
}

/// The holidays of a market, by a server clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Calendar {
    pub(super) rule: Rule,
    /// How far the server clock is ahead of the one that shows midnight when New York closes, minutes. A trading day is a
    /// day of that one.
    pub(super) ahead_min: i32,
}

impl Calendar {
    /// Whether a moment is in a holiday.
    pub(super) fn is_closed(self, time: ServerTime) -> bool {
        let time = time.set_by(-i64::from(self.ahead_min) * 60_000);
        let Some(date) = date_of(time) else { return false };
        let close = match self.rule {
            Rule::World => matches!((date.month(), date.day()), (1, 1) | (12, 25)).then_some(0),
            Rule::NewYork => new_york_close(date),
        };
        close.is_some_and(|close| time.minute_of_day() >= i64::from(close))
    }
}

fn date_of(time: ServerTime) -> Option<NaiveDate> {
    let days = time.seconds().div_euclid(DAY_S);
    let since = |days: i64| NaiveDate::default().checked_add_days(Days::new(u64::try_from(days).ok()?));
    since(days)
}

/// The minute from which the stock exchange is closed on a day, if that is not the usual one.
fn new_york_close(date: NaiveDate) -> Option<u16> {
    use Weekday::{Fri, Mon, Sat, Sun, Thu};
    let (month, day, weekday) = (date.month(), date.day(), date.weekday());
    // The first such weekday of a month is on one of its first seven days, the second on one of the next seven.
    let is_nth = |of: Weekday, nth: u32| weekday == of && day.div_ceil(7) == nth;
    // A fixed day that is a Saturday is kept on Friday, one on Sunday on Monday.
    let is_kept = |fixed: u32| match weekday {
        Sat | Sun => false,
        Fri => day == fixed || day + 1 == fixed,
        Mon => day == fixed || day == fixed + 1,
        _ => day == fixed,
    };
    let is_holiday = match month {
        // New Year's Day is not kept in the old year; Martin Luther King.
        1 => (is_kept(1) && day <= 2) || is_nth(Mon, 3),
        // Washington.
        2 => is_nth(Mon, 3),
        3 | 4 if weekday == Fri => Some(date + Days::new(2)) == easter(date.year()),
        // Memorial Day is the last Monday.
        5 => weekday == Mon && day > 24,
        // Juneteenth, since 2022.
        6 => date.year() >= 2022 && is_kept(19),
        7 => is_kept(4),
        // Labor Day.
        9 => is_nth(Mon, 1),
        // Thanksgiving.
        11 => is_nth(Thu, 4),
        12 => is_kept(25),
        _ => false,
    };
    let is_eve = match (month, day) {
        // Before a holiday that is kept on the next day.
        (7, 3) | (12, 24) => !matches!(weekday, Fri | Sat | Sun),
        // After Thanksgiving.
        (11, 23..=29) => weekday == Fri,
        _ => false,
    };
    match (is_holiday, is_eve) {
        (true, _) => Some(0),
        (false, true) => Some(EARLY_MIN),
        (false, false) => None,
    }
}

/// Easter Sunday, by the rule of Gauss as it was completed by Meeus.
fn easter(year: i32) -> Option<NaiveDate> {
    let (century, of_century, golden) = (year / 100, year % 100, year % 19);
    let correction = (century - (century + 8) / 25 + 1) / 3;
    let epact = (19 * golden + century - century / 4 - correction + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (of_century / 4) - epact - of_century % 4) % 7;
    let late = (golden + 11 * epact + 22 * weekday) / 451;
    let days = epact + weekday - 7 * late + 114;
    NaiveDate::from_ymd_opt(year, u32::try_from(days / 31).ok()?, u32::try_from(days % 31 + 1).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn at(text: &str) -> ServerTime {
        ServerTime::from_ms(chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis())
    }

    /// As the exchange has published them; `early` ones close at one in the afternoon.
    #[test]
    fn the_exchanges_holidays_are_those_that_it_published() {
        for (year, closed, early) in [
            (2021, "01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24", "11-26"),
            (2022, "01-17 02-21 04-15 05-30 06-20 07-04 09-05 11-24 12-26", "11-25"),
            (2023, "01-02 01-16 02-20 04-07 05-29 06-19 07-04 09-04 11-23 12-25", "07-03 11-24"),
            (2024, "01-01 01-15 02-19 03-29 05-27 06-19 07-04 09-02 11-28 12-25", "07-03 11-29 12-24"),
            (2026, "01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25", "11-27 12-24"),
            (2027, "01-01 01-18 02-15 03-26 05-31 06-18 07-05 09-06 11-25 12-24", "11-26"),
            (2028, "01-17 02-21 04-14 05-29 06-19 07-04 09-04 11-23 12-25", "07-03 11-24"),
        ] {
            let days = |minute: u16| {
                let all = date(&format!("{year}-01-01")).iter_days().take_while(|day| day.year() == year);
                let all = all.filter(|day| day.weekday().number_from_monday() < 6);
                let found: Vec<_> = all.filter(|day| new_york_close(*day) == Some(minute)).collect();
                found.iter().map(|day| day.format("%m-%d").to_string()).collect::<Vec<_>>().join(" ")
            };
            assert_eq!((days(0).as_str(), days(EARLY_MIN).as_str()), (closed, early), "{year}");
        }
    }

    #[test]
    fn easter_wanders() {
        for text in ["2000-04-23", "2008-03-23", "2011-04-24", "2025-04-20", "2038-04-25", "2100-03-28"] {
            assert_eq!(easter(date(text).year()), Some(date(text)));
        }
    }

    #[test]
    fn a_holiday_begins_and_ends_when_new_york_closes() {
        for (ahead_min, from, to) in [
            (0, "2026-12-25T00:00:00Z", "2026-12-26T00:00:00Z"),
            (-120, "2026-12-24T22:00:00Z", "2026-12-25T22:00:00Z"),
            (420, "2026-12-25T07:00:00Z", "2026-12-26T07:00:00Z"),
        ] {
            for rule in [Rule::World, Rule::NewYork] {
                let calendar = Calendar { rule, ahead_min };
                let (from, to) = (at(from), at(to));
                assert!(calendar.is_closed(from) && calendar.is_closed(to.set_by(-1)));
                assert!(!calendar.is_closed(to));
                assert_eq!(calendar.is_closed(from.set_by(-1)), rule == Rule::NewYork, "the eve ends early");
            }
        }
        let calendar = Calendar { rule: Rule::NewYork, ahead_min: -120 };
        // One in the afternoon in New York.
        assert!(!calendar.is_closed(at("2026-11-27T17:59:59Z")));
        assert!(calendar.is_closed(at("2026-11-27T18:00:00Z")));
    }
}
