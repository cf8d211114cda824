//! The server clock.

use std::time::Duration;

use model::ServerTime;

use crate::settings::Clock;

/// Tells the time of the trade server: the machine's in the server's zone, or one that is moved by hand.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServerClock {
    clock: Clock,
    shift_ms: i64,
}

impl ServerClock {
    pub(super) fn new(clock: Clock, shift_s: i32) -> Self {
        Self { clock, shift_ms: i64::from(shift_s) * 1000 }
    }

    pub(super) fn now(&self) -> ServerTime {
        match self.clock {
            Clock::System => ServerTime::from_ms(runtime::unix_ms() + self.shift_ms),
            Clock::Manual(now) => now,
        }
    }

    /// UTC, which one-time codes depend on.
    pub(super) fn unix_s(&self) -> i64 {
        (self.now().ms() - self.shift_ms).div_euclid(1000)
    }

    /// Moves a clock that is moved by hand; false for the machine's.
    pub(super) fn advance(&mut self, by: Duration) -> bool {
        match &mut self.clock {
            Clock::System => false,
            Clock::Manual(now) => {
                *now = *now + by;
                true
            }
        }
    }
}
