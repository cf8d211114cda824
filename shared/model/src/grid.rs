//! The times at which bars open.

use crate::calendar::{date_from_days, days_from_date};

const DAY_S: i64 = 86_400;
const WEEK_DAYS: i64 = 7;
/// 1970-01-04 was the first Sunday; weeks begin on Sundays.
const FIRST_SUNDAY: i64 = 3;
const WEEK_MINUTES: u32 = 10_080;

/// When the bar of this length in minutes opened that holds this moment; both in seconds of the server clock. Weeks
/// begin on Sundays, whatever is longer than a week is a month.
pub fn open_of(minutes: u32, time_s: i64) -> i64 {
    let day = time_s.div_euclid(DAY_S);
    match minutes {
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
pub fn next_open(minutes: u32, time_s: i64) -> i64 {
    let open = open_of(minutes, time_s);
    if minutes > WEEK_MINUTES {
        // A month has at most 31 days; the first of the next is within the following day or a few before it.
        return open_of(minutes, open + 31 * DAY_S);
    }
    open + i64::from(minutes.max(1)) * 60
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTHS: [u32; 21] =
        [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1440, 10_080, 43_200];

    #[test]
    fn bars_open_on_the_periods_grid() {
        // Sunday, 2026-11-22 13:47:12.
        let time = 1_795_355_232;
        let midnight = 1_795_305_600;
        let at = |hour: i64, minute: i64| midnight + (hour * 60 + minute) * 60;
        let within_the_hour = [47, 46, 45, 44, 45, 42, 40, 36, 45, 40, 30, 0].map(|minute| at(13, minute));
        let within_the_day = [12, 12, 12, 12, 8, 12, 0].map(|hour| at(hour, 0));
        let expected = [&within_the_hour[..], &within_the_day, &[midnight, midnight - 21 * DAY_S]].concat();
        for (minutes, open) in LENGTHS.into_iter().zip(expected) {
            assert_eq!(open_of(minutes, time), open, "{minutes}");
            assert_eq!(open_of(minutes, open), open, "{minutes}");
            let next = next_open(minutes, time);
            assert_eq!((open_of(minutes, next), open_of(minutes, next - 1)), (next, open), "{minutes}");
        }
    }
}
