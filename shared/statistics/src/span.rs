//! Lengths of time as text.

use std::fmt::Write;

/// A length of time as .NET writes a `TimeSpan` ("c" format): `[-][d.]hh:mm:ss[.fffffff]`, days and fraction only where
/// there are any.
#[must_use]
pub fn span_text(ms: i64) -> String {
    let all = ms.unsigned_abs();
    let (seconds, fraction) = (all / 1000, all % 1000);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let mut text = String::from(if ms < 0 { "-" } else { "" });
    // Writing to a string cannot fail.
    if days > 0 {
        let _ = write!(text, "{days}.");
    }
    let _ = write!(text, "{hours:02}:{minutes:02}:{:02}", seconds % 60);
    if fraction > 0 {
        let _ = write!(text, ".{fraction:03}0000");
    }
    text
}
