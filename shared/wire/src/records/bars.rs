//! Bars: command 11 (protocol 9.10).

use crate::kind::{price, s16, term};
use crate::record::records;

records! {
    /// Which bars are wanted, both ends included.
    pub struct BarsRequest[74] {
        symbol: s16[64],
        /// See [`Period`].
        period: u16,
        from: i32,
        to: i32,
    }

    /// A bar; prices are plain.
    pub struct Bar[48] {
        /// Opening time.
        time: i32,
        open: price,
        high: price,
        low: price,
        close: price,
        /// Ticks in the bar.
        tick_volume: u32,
        /// Lots; 0.0 where there is no exchange volume.
        real_volume: term,
    }
}

/// Bars within a day begin with it, so their lengths divide it.
const DAY_MINUTES: u32 = 1440;

/// A length of bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// As terminals call it.
    pub name: &'static str,
    /// Its code on the wire.
    pub code: u16,
    /// Its length in minutes; a month counts as 30 days.
    pub minutes: u32,
}

macro_rules! periods {
    ($($name:literal $code:literal $minutes:literal;)+) => {
        /// The nine periods that the official client uses.
        pub const PERIODS: [Period; 9] = [$(Period { name: $name, code: $code, minutes: $minutes }),+];
    };
}

periods! {
    "M1" 1 1;
    "M5" 5 5;
    "M15" 15 15;
    "M30" 30 30;
    "H1" 16385 60;
    "H4" 16388 240;
    "D1" 16408 1440;
    "W1" 32769 10080;
    "MN1" 49153 43200;
}

impl Period {
    /// The one with this code on the wire.
    #[must_use]
    pub fn from_code(code: u16) -> Option<Self> {
        PERIODS.into_iter().find(|period| period.code == code)
    }

    /// The longest one that bars of this length in minutes can be put together from: itself, or a shorter one that divides
    /// it, of those within a day.
    #[must_use]
    pub fn for_minutes(minutes: u32) -> Option<Self> {
        Self::from_minutes(minutes).or_else(|| {
            let divides =
                |period: &Period| period.minutes < minutes && minutes.is_multiple_of(period.minutes);
            PERIODS.into_iter().rev().find(divides).filter(|_| DAY_MINUTES.is_multiple_of(minutes))
        })
    }

    /// The one of this length in minutes.
    #[must_use]
    pub fn from_minutes(minutes: u32) -> Option<Self> {
        PERIODS.into_iter().find(|period| period.minutes == minutes)
    }
}
