//! When symbols are quoted and traded.

use model::ServerTime;

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
const DAY: u16 = 1440;

/// Sessions of a week, Sunday first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// When prices come.
    pub quotes: [Vec<Session>; 7],
    /// When orders are executed.
    pub trades: [Vec<Session>; 7],
}

impl Schedule {
    /// Around the clock on all days.
    #[must_use]
    pub fn always() -> Self {
        schedule(Hours::Crypto, MarketHours::Always, 0)
    }

    /// On no day.
    #[must_use]
    pub fn never() -> Self {
        Self { quotes: Default::default(), trades: Default::default() }
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
        inside(&self.quotes, time)
    }

    /// Whether orders are executed at this moment.
    #[must_use]
    pub fn is_traded(&self, time: ServerTime) -> bool {
        inside(&self.trades, time)
    }
}

fn inside(week: &[Vec<Session>; 7], time: ServerTime) -> bool {
    let minute = time.minute_of_day();
    week[time.weekday()].iter().any(|(open, close)| (i64::from(*open)..i64::from(*close)).contains(&minute))
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
    Schedule { quotes: week.clone(), trades: week }
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
}
