//! How far server clocks are ahead of UTC (protocol 1.5).

use std::time::Duration;

use calls::ServerClock;
use wire::records::AccountMain;

/// Ticks are never so late: then it is the clock that was set back.
pub(crate) const CLOCK_STEP: Duration = Duration::from_mins(30);
/// The same in milliseconds.
pub(crate) const CLOCK_STEP_MS: i64 = 30 * 60 * 1000;

/// As an account is told: of now, and nothing else.
pub(crate) fn told(main: &AccountMain) -> ServerClock {
    ServerClock::fixed(1000 * (i64::from(main.timezone_shift) + 3600 * i64::from(main.daylightmode)))
}
