//! When symbols are quoted and traded.

use std::collections::BTreeMap;

use model::ServerTime;

use super::holidays::{Calendar, Holiday, Rule};

/// Which hours the catalogue's symbols keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MarketHours {
    /// Around the clock on all days, so that a demo works on Sundays too.
    #[default]
    Always,
    /// As the real markets.
    Real,
}

/// A session: minutes of the server clock's day, from inclusive, to exclusive.
pub type Session = (u16, u16);

/// Sessions of a day that clients can be told (protocol 9.13.1).
pub const SESSIONS_MAX: usize = 16;

/// Minutes in a day.
pub(super) const DAY: u16 = 1440;
const DAY_S: i64 = 86_400;
/// How far back the end of a session is looked for: no market is closed longer.
const LOOK_BACK_MIN: i64 = 31 * 1440;

/// Sessions of a week, Sunday first, and the days that are no such days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// When prices come.
    pub quotes: [Vec<Session>; 7],
    /// When orders are executed.
    pub trades: [Vec<Session>; 7],
    /// Holidays by rule.
    calendar: Option<Calendar>,
    /// What is left of days (counted from 1970) that operators have made holidays.
    holidays: BTreeMap<i64, Vec<Session>>,
}

impl Schedule {
    /// These sessions, without holidays.
    #[must_use]
    pub fn of(quotes: [Vec<Session>; 7], trades: [Vec<Session>; 7]) -> Self {
        Self { quotes, trades, calendar: None, holidays: BTreeMap::new() }
    }

    /// Around the clock on all days, without holidays.
    #[must_use]
    pub fn always() -> Self {
        schedule(Hours::Crypto, MarketHours::Always, 0)
    }

    /// On no day.
    #[must_use]
    pub fn never() -> Self {
        Self::of(Default::default(), Default::default())
    }

    /// Whether sessions begin before they end, within the day, and clients can be told all of them.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        let is_session = |(open, close): &Session| open < close && *close <= DAY;
        let is_day = |day: &Vec<Session>| day.len() <= SESSIONS_MAX && day.iter().all(is_session);
        self.quotes.iter().chain(&self.trades).all(is_day)
    }

    /// Whether prices come at this moment.
    #[must_use]
    pub fn is_quoted(&self, time: ServerTime) -> bool {
        self.is_inside(&self.quotes, time)
    }

    /// The end of the last session in which prices came before this moment, at which they do not come; `None` if there was
    /// none within a month.
    pub(crate) fn last_quoted_end(&self, time: ServerTime) -> Option<ServerTime> {
        let minute = time.seconds().div_euclid(60);
        let is_quoted = |minute: &i64| self.is_quoted(ServerTime::from_parts(minute * 60, 0));
        let last = (minute - LOOK_BACK_MIN..minute).rev().find(is_quoted)?;
        Some(ServerTime::from_parts((last + 1) * 60, 0))
    }

    /// Whether orders are executed at this moment.
    #[must_use]
    pub fn is_traded(&self, time: ServerTime) -> bool {
        self.is_inside(&self.trades, time)
    }

    /// Other holidays of those that operators make.
    pub(crate) fn keep_holidays<'a>(&mut self, holidays: impl Iterator<Item = &'a Holiday>) {
        self.holidays = holidays.map(|one| (one.day(), one.sessions.clone())).collect();
    }

    /// The same hours by a clock that was set, if they are built in: `before` by the old clock and `after` by the new
    /// one. Others are hours of the server clock, but built-in holidays move.
    pub(crate) fn restated(&self, before: &Self, after: &Self) -> Self {
        let is_built_in = (&self.quotes, &self.trades) == (&before.quotes, &before.trades);
        let (quotes, trades) =
            if is_built_in { (&after.quotes, &after.trades) } else { (&self.quotes, &self.trades) };
        Self {
            quotes: quotes.clone(),
            trades: trades.clone(),
            calendar: self.calendar.and(after.calendar),
            holidays: self.holidays.clone(),
        }
    }

    fn is_inside(&self, week: &[Vec<Session>; 7], time: ServerTime) -> bool {
        let minute = time.minute_of_day();
        let is_in = |sessions: &[Session]| {
            sessions.iter().any(|(open, close)| (i64::from(*open)..i64::from(*close)).contains(&minute))
        };
        is_in(&week[time.weekday()])
            && self.holidays.get(&time.seconds().div_euclid(DAY_S)).is_none_or(|left| is_in(left))
            && !self.calendar.is_some_and(|calendar| calendar.is_closed(time))
    }
}

/// How far UTC is ahead of the clock of New York's close in winter, minutes.
pub(super) const UTC_AHEAD_MIN: i32 = -120;

/// Kinds of real hours, on a clock that shows midnight when New York closes at five in the afternoon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hours {
    /// From Sunday evening to Friday evening.
    Forex,
    /// The same with a break of an hour every evening.
    Metals,
    /// Derivatives on indices and oil: a longer break.
    Derivatives,
    /// The regular hours of the American stock exchanges.
    Stocks,
    /// Always.
    Crypto,
}

/// The hours of a kind by a clock that is so many minutes ahead of that of New York's close.
pub(super) fn schedule(kind: Hours, hours: MarketHours, ahead_min: i32) -> Schedule {
    let kind = if hours == MarketHours::Always { Hours::Crypto } else { kind };
    let at = |hour: u16, minute: u16| hour * 60 + minute;
    let (monday, midweek, friday) = match kind {
        Hours::Forex => ((5, DAY), (0, DAY), (0, at(23, 55))),
        Hours::Metals => ((60, DAY), (60, DAY), (60, at(23, 55))),
        Hours::Derivatives => ((60, at(23, 0)), (0, at(23, 0)), (0, at(23, 0))),
        Hours::Stocks => ((at(16, 30), at(23, 0)), (at(16, 30), at(23, 0)), (at(16, 30), at(23, 0))),
        Hours::Crypto => ((0, DAY), (0, DAY), (0, DAY)),
    };
    let weekend = if kind == Hours::Crypto { vec![(0, DAY)] } else { vec![] };
    let midweek = || vec![midweek];
    let week = [weekend.clone(), vec![monday], midweek(), midweek(), midweek(), vec![friday], weekend];
    let week = later(&week, ahead_min);
    let rule = match kind {
        Hours::Forex | Hours::Metals => Some(Rule::World),
        Hours::Derivatives | Hours::Stocks => Some(Rule::NewYork),
        Hours::Crypto => None,
    };
    let calendar = rule.map(|rule| Calendar { rule, ahead_min });
    Schedule { calendar, ..Schedule::of(week.clone(), week) }
}

/// The same sessions by a clock that is so many minutes ahead.
fn later(week: &[Vec<Session>; 7], ahead_min: i32) -> [Vec<Session>; 7] {
    let week_min = 7 * i32::from(DAY);
    let mut shifted: [Vec<Session>; 7] = Default::default();
    for (day, (open, close)) in (0..).zip(week).flat_map(|(day, all)| all.iter().map(move |one| (day, *one)))
    {
        let mut from = (day * i32::from(DAY) + i32::from(open) + ahead_min).rem_euclid(week_min);
        let mut left = i32::from(close - open);
        while left > 0 {
            let (day, minute) = (from / i32::from(DAY), from % i32::from(DAY));
            let part = left.min(i32::from(DAY) - minute);
            let session = |minute: i32| u16::try_from(minute).unwrap_or(DAY);
            if let Some(sessions) = usize::try_from(day).ok().and_then(|day| shifted.get_mut(day)) {
                sessions.push((session(minute), session(minute + part)));
            }
            from = (from + part) % week_min;
            left -= part;
        }
    }
    shifted.map(joined)
}

/// Sessions of a day in their order, those that meet as one.
fn joined(mut sessions: Vec<Session>) -> Vec<Session> {
    sessions.sort_unstable();
    let mut joined: Vec<Session> = Vec::with_capacity(sessions.len());
    for (open, close) in sessions {
        match joined.last_mut().filter(|last| last.1 >= open) {
            Some(last) => last.1 = last.1.max(close),
            None => joined.push((open, close)),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A moment of the week that began on Sunday, 2026-11-22.
    fn at(weekday: i64, hour: i64, minute: i64) -> ServerTime {
        ServerTime::from_parts(1_795_305_600 + weekday * 86_400 + hour * 3600 + minute * 60, 0)
    }

    #[test]
    fn real_hours_open_and_close_to_the_minute() {
        let forex = schedule(Hours::Forex, MarketHours::Real, UTC_AHEAD_MIN);
        let stocks = schedule(Hours::Stocks, MarketHours::Real, UTC_AHEAD_MIN);
        for (schedule, time, open) in [
            (&forex, at(0, 22, 4), false),
            (&forex, at(0, 22, 5), true),
            (&forex, at(3, 0, 0), true),
            (&forex, at(5, 21, 54), true),
            (&forex, at(5, 21, 55), false),
            (&forex, at(6, 12, 0), false),
            (&stocks, at(1, 14, 29), false),
            (&stocks, at(1, 14, 30), true),
            (&stocks, at(1, 21, 0), false),
        ] {
            assert_eq!((schedule.is_traded(time), schedule.is_quoted(time)), (open, open), "{time:?}");
        }
        let always = schedule(Hours::Stocks, MarketHours::Always, 0);
        assert!((0..7).all(|day| always.is_traded(at(day, 3, 0))));
    }

    #[test]
    fn nothing_is_quoted_or_traded_on_holidays() {
        // Thursday of that week is Thanksgiving; on Friday exchanges close at one in the afternoon in New York.
        let real = |kind| schedule(kind, MarketHours::Real, UTC_AHEAD_MIN);
        let (stocks, forex) = (real(Hours::Stocks), real(Hours::Forex));
        for (time, expected) in [
            (at(3, 15, 0), (true, true)),
            (at(4, 15, 0), (false, true)),
            (at(5, 17, 59), (true, true)),
            (at(5, 18, 0), (false, true)),
            // The next Christmas is a Friday, and so is the first of January.
            (at(4 + 28, 21, 59), (false, true)),
            (at(4 + 28, 22, 0), (false, false)),
            (at(5 + 28, 12, 0), (false, false)),
            (at(5 + 35, 12, 0), (false, false)),
            (at(1 + 42, 15, 0), (true, true)),
        ] {
            assert_eq!((stocks.is_traded(time), forex.is_quoted(time)), expected, "{time:?}");
        }
        assert!(schedule(Hours::Forex, MarketHours::Always, 0).is_traded(at(5 + 28, 12, 0)));
    }

    #[test]
    fn operators_make_holidays_of_the_server_clock() {
        let mut forex = schedule(Hours::Forex, MarketHours::Real, UTC_AHEAD_MIN);
        let holiday = |date: &str, sessions: &[Session]| Holiday {
            symbols: "*".into(),
            date: date.parse().unwrap(),
            sessions: sessions.to_vec(),
        };
        let days = [holiday("2026-11-24", &[]), holiday("2026-11-25", &[(0, 720), (1320, DAY)])];
        forex.keep_holidays(days.iter());
        for (time, open) in [
            (at(1, 23, 59), true),
            (at(2, 0, 0), false),
            (at(2, 23, 59), false),
            (at(3, 0, 0), true),
            (at(3, 12, 0), false),
            (at(3, 22, 0), true),
            (at(4, 12, 0), true),
        ] {
            assert_eq!(forex.is_traded(time), open, "{time:?}");
        }
        // They stay where they are when the clock is set; the built-in hours do not.
        let later = schedule(Hours::Forex, MarketHours::Real, UTC_AHEAD_MIN + 60);
        let restated = forex.restated(&schedule(Hours::Forex, MarketHours::Real, UTC_AHEAD_MIN), &later);
        assert_eq!((&restated.trades, restated.calendar), (&later.trades, later.calendar));
        assert!(!restated.is_traded(at(2, 0, 0)) && !restated.is_traded(at(2, 23, 59)));
        forex.keep_holidays(std::iter::empty());
        assert!(forex.is_traded(at(2, 12, 0)));
    }
}
