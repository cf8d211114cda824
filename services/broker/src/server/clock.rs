//! The server clock.

use std::cell::Cell;
use std::time::Duration;

use model::ServerTime;

use crate::settings::Clock;
use crate::zone::{Ahead, Zone};

/// Tells the time of the trade server: the machine's in the server's zone, or one that is moved by hand.
///
/// Its zone's daylight saving time begins and ends when it is looked at ([`ServerClock::follow`]), not by itself: so
/// whoever depends on the clock is told before it shows another time. In between it never goes back.
#[derive(Debug)]
pub(super) struct ServerClock {
    source: Source,
    zone: Zone,
    /// Daylight saving time as operators want it; none: as the zone has it.
    wanted: Option<bool>,
    ahead: Ahead,
    /// What accounts are told of that.
    told: Ahead,
    /// How far it was ahead of UTC when the broker began, milliseconds.
    first_ahead_ms: i64,
}

/// Milliseconds since 1970 UTC.
#[derive(Debug)]
enum Source {
    /// The machine's clock; the latest that it showed, since machines set theirs back at times.
    Machine(Cell<i64>),
    Hand(i64),
}

impl ServerClock {
    pub(super) fn new(clock: Clock, zone: Zone) -> Self {
        let source = match clock {
            Clock::System => Source::Machine(Cell::new(0)),
            Clock::Manual(shown) => Source::Hand(zone.unix_ms(shown.ms())),
        };
        let mut clock = Self {
            source,
            zone,
            wanted: None,
            ahead: Ahead::default(),
            told: Ahead::default(),
            first_ahead_ms: 0,
        };
        clock.ahead = zone.ahead(clock.unix_s());
        clock.told = clock.ahead;
        clock.first_ahead_ms = clock.ahead.ms();
        clock
    }

    /// What the clock shows.
    pub(super) fn now(&self) -> ServerTime {
        ServerTime::from_ms(self.unix_ms() + self.ahead.ms())
    }

    /// What it would show if nobody had set it since the broker began: prices go on by this one.
    pub(super) fn steady(&self) -> ServerTime {
        ServerTime::from_ms(self.unix_ms() + self.first_ahead_ms)
    }

    /// How far it was set since the broker began, milliseconds.
    pub(super) fn set_ms(&self) -> i64 {
        self.ahead.ms() - self.first_ahead_ms
    }

    /// UTC, which one-time codes depend on.
    pub(super) fn unix_s(&self) -> i64 {
        self.unix_ms().div_euclid(1000)
    }

    /// How far it is ahead of UTC.
    pub(super) fn ahead(&self) -> Ahead {
        self.ahead
    }

    /// How far accounts believe it to be.
    pub(super) fn told(&self) -> Ahead {
        self.told
    }

    /// Its zone.
    pub(super) fn zone(&self) -> Zone {
        self.zone
    }

    /// Moves a clock that is moved by hand; false for the machine's.
    pub(super) fn advance(&mut self, by: Duration) -> bool {
        match &mut self.source {
            Source::Machine(_) => false,
            Source::Hand(unix_ms) => {
                *unix_ms = unix_ms.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX));
                true
            }
        }
    }

    /// Has daylight saving time or not, whatever the calendar says; none: as the zone has it.
    pub(super) fn want_daylight(&mut self, wanted: Option<bool>) {
        self.wanted = wanted;
    }

    /// Begins or ends daylight saving time if it is time for that; gives how far the clock was set, milliseconds.
    pub(super) fn follow(&mut self) -> Option<i64> {
        let mut ahead = self.zone.ahead(self.unix_s());
        ahead.is_daylight = self.wanted.unwrap_or(ahead.is_daylight);
        let before = std::mem::replace(&mut self.ahead, ahead);
        (before != ahead).then(|| ahead.ms() - before.ms())
    }

    /// Accounts are told the truth from now on; whether that is news.
    pub(super) fn tell(&mut self) -> bool {
        std::mem::replace(&mut self.told, self.ahead) != self.ahead
    }

    fn unix_ms(&self) -> i64 {
        match &self.source {
            Source::Machine(latest) => {
                latest.set(latest.get().max(runtime::unix_ms()));
                latest.get()
            }
            Source::Hand(unix_ms) => *unix_ms,
        }
    }
}
