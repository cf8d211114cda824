//! Lengths of time and the calendar.

use crate::calendar::{day_start, month_start, week_start};
use crate::span_text;

#[test]
fn spans_are_written_as_dot_net_writes_them() {
    for (ms, text) in [
        (0, "00:00:00"),
        (1, "00:00:00.0010000"),
        (59_999, "00:00:59.9990000"),
        (3_661_000, "01:01:01"),
        (86_399_000, "23:59:59"),
        (86_400_000, "1.00:00:00"),
        (93_784_500, "1.02:03:04.5000000"),
        (-1500, "-00:00:01.5000000"),
        (i64::MIN, "-106751991167.07:12:55.8080000"),
    ] {
        assert_eq!(span_text(ms), text);
    }
}

#[test]
fn days_weeks_and_months_begin_at_midnight() {
    const DAY: i64 = 86_400_000;
    // Days since 1970: 2026-11-22 is 20779, a Sunday; its Monday was the 16th.
    let now = 20_779 * DAY + 5000;
    assert_eq!(day_start(now), 20_779 * DAY);
    assert_eq!(week_start(now), 20_773 * DAY);
    assert_eq!(month_start(now), 20_758 * DAY);
    // 2024-02-29 is 19782, a Thursday; 2024-03-01 begins a month.
    assert_eq!(month_start(19_782 * DAY), 19_754 * DAY);
    assert_eq!(month_start(19_783 * DAY), 19_783 * DAY);
    // 1969-12-31 was a Wednesday.
    assert_eq!((day_start(-1), week_start(-1), month_start(-1)), (-DAY, -3 * DAY, -31 * DAY));
    // A Monday is the begin of its own week.
    assert_eq!(week_start(20_773 * DAY), 20_773 * DAY);
    for time_ms in [i64::MIN, i64::MAX] {
        assert!(month_start(time_ms) <= day_start(time_ms) && week_start(time_ms) <= day_start(time_ms));
    }
}
