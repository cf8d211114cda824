//! The times at which bars open.

use wire::records::Period;

use crate::calendar::{date_from_days, days_from_date};

const DAY_S: i64 = 86_400;
const WEEK_DAYS: i64 = 7;
/// 1970-01-04 was the first Sunday; weeks begin on Sundays.
const FIRST_SUNDAY: i64 = 3;
const WEEK_MINUTES: u32 = 10_080;

/// When the bar opened that holds this moment; seconds.
pub(super) fn open_of(period: Period, time_s: i64) -> i64 {
    let day = time_s.div_euclid(DAY_S);
    match period.minutes {
        WEEK_MINUTES => (day - (day - FIRST_SUNDAY).rem_euclid(WEEK_DAYS)) * DAY_S,
        minutes if minutes > WEEK_MINUTES => {
            let (year, month, _) = date_from_days(day);
            days_from_date(year, month, 1) * DAY_S
        }
        minutes => {
            let span = i64::from(minutes.max(1)) * 60;
            time_s - time_s.rem_euclid(span)
        }
    }
}

/// When the next bar opens after the one that holds this moment.
pub(super) fn next_open(period: Period, time_s: i64) -> i64 {
    let open = open_of(period, time_s);
    if period.minutes > WEEK_MINUTES {
        // A month has at most 31 days; the first of the next is within the following day or a few before it.
        return open_of(period, open + 31 * DAY_S);
    }
    open + i64::from(period.minutes.max(1)) * 60
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::records::PERIODS;

    #[test]
    fn bars_open_on_the_periods_grid() {
        // Sunday, 2026-11-22 13:47:12.
        let time = 1_795_355_232;
        let midnight = 1_795_305_600;
        let expected = [
            midnight + (13 * 60 + 47) * 60,
            midnight + (13 * 60 + 45) * 60,
            midnight + (13 * 60 + 45) * 60,
            midnight + (13 * 60 + 30) * 60,
            midnight + 13 * 3600,
            midnight + 12 * 3600,
            midnight,
            midnight,
            midnight - 21 * 86_400,
        ];
        for (period, open) in PERIODS.into_iter().zip(expected) {
            assert_eq!(open_of(period, time), open, "{}", period.name);
            assert_eq!(open_of(period, open), open, "{}", period.name);
            let next = next_open(period, time);
            assert_eq!((open_of(period, next), open_of(period, next - 1)), (next, open), "{}", period.name);
        }
    }
}
