//! How far the clock of a trade server is ahead of UTC, over time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ServerTime;

/// So many settings of a clock are remembered: two years of daylight saving time.
const EARLIER_MAX: usize = 4;

const MINUTE_MS: i64 = 60_000;

/// How far a server clock is ahead of UTC: now, and before each time that it was set while somebody looked. Servers tell
/// no more of their past: what was before the first of these settings is taken to have been as right before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Shown", into = "Shown")]
#[schemars(with = "Shown", rename = "ServerClock")]
pub struct ServerClock {
    ahead_ms: i64,
    /// The latest first.
    earlier: [Option<Earlier>; EARLIER_MAX],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Earlier {
    ahead_ms: i64,
    /// What the clock showed right after it was set, milliseconds.
    until_ms: i64,
}

/// A stretch of time in which a clock was not set.
#[derive(Clone, Copy)]
struct Stretch {
    ahead_ms: i64,
    /// What the clock showed at its beginning, if that is known.
    from_ms: Option<i64>,
}

impl ServerClock {
    /// Milliseconds ahead, for all that is known always.
    pub const fn fixed(ahead_ms: i64) -> Self {
        Self { ahead_ms, earlier: [None; EARLIER_MAX] }
    }

    /// The same after the clock was set, which then showed this.
    #[must_use]
    pub fn set(self, ahead_ms: i64, shown_ms: i64) -> Self {
        let mut earlier = self.earlier;
        earlier.rotate_right(1);
        earlier[0] = Some(Earlier { ahead_ms: self.ahead_ms, until_ms: shown_ms });
        Self { ahead_ms, earlier }
    }

    /// How far it is ahead now, milliseconds.
    pub const fn ahead_ms(self) -> i64 {
        self.ahead_ms
    }

    /// Whether the clock shows a time that it showed before, in an hour that comes again.
    pub fn is_again(self, server_ms: i64) -> bool {
        self.earlier[0].is_some_and(|before| server_ms < before.until_ms + before.ahead_ms - self.ahead_ms)
    }

    /// Milliseconds since 1970 UTC of a moment of the server clock. One that the clock showed twice is taken for the second
    /// time, and one that it left out for the time before it was set.
    pub fn utc_ms(self, server_ms: i64) -> i64 {
        server_ms - self.ahead_at(server_ms)
    }

    /// How far it was ahead at a moment of its own, milliseconds.
    pub fn ahead_at(self, server_ms: i64) -> i64 {
        self.within(|stretch| stretch.from_ms.is_none_or(|from| server_ms >= from))
    }

    /// What it showed at a moment in UTC, both in milliseconds since 1970.
    pub fn shown_ms(self, utc_ms: i64) -> i64 {
        utc_ms + self.within(|one| one.from_ms.is_none_or(|from| utc_ms >= from - one.ahead_ms))
    }

    /// How far it was ahead in the latest stretch for which something holds.
    fn within(self, holds: impl Fn(&Stretch) -> bool) -> i64 {
        let mut ahead_ms = self.ahead_ms;
        for earlier in self.earlier.iter().flatten() {
            if holds(&Stretch { ahead_ms, from_ms: Some(earlier.until_ms) }) {
                return ahead_ms;
            }
            ahead_ms = earlier.ahead_ms;
        }
        ahead_ms
    }
}

/// How a clock is written.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Shown {
    /// Minutes that the trade server's clock is ahead of UTC now; behind it if negative.
    minutes_ahead: i32,
    /// What was before, for the last four times that the clock was set while the session lived, the latest first.
    earlier: Vec<ShownEarlier>,
}

/// How far a clock was ahead before it was set.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "EarlierClock")]
struct ShownEarlier {
    /// What the clock showed right after it was set.
    until: ServerTime,
    /// Minutes that it was ahead of UTC before.
    minutes_ahead: i32,
}

impl From<ServerClock> for Shown {
    fn from(clock: ServerClock) -> Self {
        let minutes = |ms: i64| i32::try_from(ms / MINUTE_MS).unwrap_or(0);
        let earlier = clock.earlier.iter().flatten().map(|one| ShownEarlier {
            until: ServerTime::from_ms(one.until_ms),
            minutes_ahead: minutes(one.ahead_ms),
        });
        Self { minutes_ahead: minutes(clock.ahead_ms), earlier: earlier.collect() }
    }
}

impl From<Shown> for ServerClock {
    fn from(shown: Shown) -> Self {
        let mut clock = Self::fixed(i64::from(shown.minutes_ahead) * MINUTE_MS);
        let earlier = shown.earlier.into_iter().filter_map(|one| {
            let ahead_ms = i64::from(one.minutes_ahead) * MINUTE_MS;
            Some(Earlier { ahead_ms, until_ms: one.until.as_ms()? })
        });
        for (place, one) in clock.earlier.iter_mut().zip(earlier) {
            *place = Some(one);
        }
        clock
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 60 * MINUTE_MS;

    #[test]
    fn moments_from_before_the_clock_was_set_keep_their_utc() {
        let summer = ServerClock::fixed(3 * HOUR);
        // Set back at four, and forward at three.
        let winter = summer.set(2 * HOUR, 3 * HOUR + 1);
        assert_eq!([2, 3, 4, 5].map(|at| winter.utc_ms(at * HOUR) / HOUR), [-1, 0, 2, 3]);
        assert!(winter.is_again(4 * HOUR) && !winter.is_again(4 * HOUR + 1) && !summer.is_again(HOUR));
        let summer = ServerClock::fixed(2 * HOUR).set(3 * HOUR, 4 * HOUR);
        assert_eq!([2, 4, 5].map(|at| summer.utc_ms(at * HOUR) / HOUR), [0, 1, 2]);
        assert_eq!(summer.ahead_ms(), 3 * HOUR);
        assert!(!summer.is_again(4 * HOUR));
    }

    /// A clock of two hours in winter and three in summer, over two years and more.
    fn years() -> (ServerClock, Vec<i64>) {
        let half = 26 * 7 * 24 * HOUR;
        let mut clock = ServerClock::fixed(2 * HOUR);
        let set_at: Vec<i64> = (1..=6).map(|number| number * half).collect();
        for (number, utc_ms) in set_at.iter().enumerate() {
            let ahead_ms = if number % 2 == 0 { 3 * HOUR } else { 2 * HOUR };
            clock = clock.set(ahead_ms, utc_ms + ahead_ms);
        }
        (clock, set_at)
    }

    #[test]
    fn every_moment_has_the_zone_of_its_time() {
        let (clock, set_at) = years();
        for (number, at) in set_at.iter().enumerate().skip(set_at.len() - EARLIER_MAX) {
            let (before, after) = if number % 2 == 0 { (2, 3) } else { (3, 2) };
            for (utc_ms, ahead) in
                [(at - 1, before), (at - 90 * 24 * HOUR, before), (*at, after), (at + HOUR, after)]
            {
                let shown = clock.shown_ms(utc_ms);
                assert_eq!(shown, utc_ms + ahead * HOUR, "{number} {utc_ms}");
                // An hour that came twice counts as of the second time.
                let is_again = before > after && utc_ms == at - 1;
                let utc_of_shown = if is_again { utc_ms + HOUR } else { utc_ms };
                assert_eq!(clock.utc_ms(shown), utc_of_shown, "{number} {utc_ms}");
            }
        }
        // What is from before all that is known is as right after it.
        assert_eq!(clock.shown_ms(0), 2 * HOUR);
        assert_eq!(ServerClock::fixed(HOUR).shown_ms(0), HOUR);
    }

    #[test]
    fn a_clock_that_is_set_to_and_fro_is_read_right() {
        // Forward at ten, and back five minutes later.
        let minute = MINUTE_MS;
        let clock = ServerClock::fixed(0).set(HOUR, 11 * HOUR).set(0, 10 * HOUR + 5 * minute);
        let cases = [(602, 602), (610, 610), (599, 599), (663, 663)];
        for (server, utc) in cases {
            assert_eq!(clock.utc_ms(server * minute) / minute, utc, "{server}");
        }
        for (utc, server) in [(599, 599), (602, 662), (606, 606)] {
            assert_eq!(clock.shown_ms(utc * minute) / minute, server, "{utc}");
        }
    }

    #[test]
    fn a_clock_is_read_as_it_was_written() {
        let (clock, _) = years();
        let written = serde_json::to_value(clock).unwrap();
        assert_eq!(written["minutesAhead"], 120);
        assert_eq!(written["earlier"].as_array().unwrap().len(), EARLIER_MAX);
        assert_eq!(serde_json::from_value::<ServerClock>(written).unwrap(), clock);
    }
}
