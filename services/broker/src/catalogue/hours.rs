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
        schedule(Hours::Crypto, MarketHours::Always)
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

/// Kinds of real hours, on a server clock that is UTC.
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

pub(super) fn schedule(kind: Hours, hours: MarketHours) -> Schedule {
    let kind = if hours == MarketHours::Always { Hours::Crypto } else { kind };
    let (sunday, weekday, friday): (Vec<Session>, Vec<Session>, Vec<Session>) = match kind {
        Hours::Forex => (vec![(22 * 60 + 5, DAY)], vec![(0, DAY)], vec![(0, 21 * 60 + 55)]),
        Hours::Metals => (vec![(23 * 60, DAY)], vec![(0, 22 * 60), (23 * 60, DAY)], vec![(0, 21 * 60 + 55)]),
        Hours::Derivatives => (vec![(23 * 60, DAY)], vec![(0, 21 * 60), (22 * 60, DAY)], vec![(0, 21 * 60)]),
        Hours::Stocks => (vec![], vec![(14 * 60 + 30, 21 * 60)], vec![(14 * 60 + 30, 21 * 60)]),
        Hours::Crypto => (vec![(0, DAY)], vec![(0, DAY)], vec![(0, DAY)]),
    };
    let saturday = if kind == Hours::Crypto { vec![(0, DAY)] } else { vec![] };
    let week = [sunday, weekday.clone(), weekday.clone(), weekday.clone(), weekday, friday, saturday];
    Schedule { quotes: week.clone(), trades: week }
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
        let forex = schedule(Hours::Forex, MarketHours::Real);
        let stocks = schedule(Hours::Stocks, MarketHours::Real);
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
        let always = schedule(Hours::Stocks, MarketHours::Always);
        assert!((0..7).all(|day| always.is_traded(at(day, 3, 0))));
    }
}
