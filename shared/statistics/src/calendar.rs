//! Where days, weeks and months begin on the server's clock.

const DAY_MS: i64 = 86_400_000;

/// Midnight that began the day.
pub(crate) fn day_start(time_ms: i64) -> i64 {
    time_ms.div_euclid(DAY_MS).saturating_mul(DAY_MS)
}

/// Midnight that began the week's Monday.
pub(crate) fn week_start(time_ms: i64) -> i64 {
    let day = time_ms.div_euclid(DAY_MS);
    // 1970-01-01 was a Thursday, three days after a Monday.
    (day - (day + 3).rem_euclid(7)).saturating_mul(DAY_MS)
}

/// Midnight that began the month's first day.
pub(crate) fn month_start(time_ms: i64) -> i64 {
    let day = time_ms.div_euclid(DAY_MS);
    (day - day_of_month(day)).saturating_mul(DAY_MS)
}

/// Day of the month of a day since 1970, the first is 0; proleptic Gregorian calendar.
fn day_of_month(day: i64) -> i64 {
    // Days since 1 March of the year 0: leap days come last in years that begin in March.
    let since_march = day + 719_468;
    let day_of_era = since_march.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    day_of_year - (153 * month + 2) / 5
}
