//! The length of a candle.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::params::Param;

/// The length of a candle in minutes: one of [`TimeFrame::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeFrame(u32);

macro_rules! time_frames {
    ($($name:ident $minutes:literal)+) => {
        impl TimeFrame {
            $(#[doc = concat!(stringify!($minutes), " minutes.")]
            pub const $name: Self = Self($minutes);)+

            /// Every length that terminals know, shortest first; 10080 is a week, 43200 a month.
            pub const ALL: [Self; 21] = [$(Self::$name),+];

            /// As terminals call it.
            pub const fn name(self) -> &'static str {
                match self.0 { $($minutes => stringify!($name),)+ _ => "" }
            }
        }

        impl Param for TimeFrame {
            const ACCEPTS: &'static str =
                concat!("one of ", $(stringify!($name), ", ",)+ "or its minutes: ", $(stringify!($minutes), " ",)+);

            fn parse(text: &str) -> Option<Self> {
                let minutes: Option<u32> = text.parse().ok();
                Self::ALL.into_iter().find(|frame| match minutes {
                    Some(minutes) => frame.0 == minutes,
                    None => frame.name().eq_ignore_ascii_case(text),
                })
            }
        }
    };
}

time_frames! {
    M1 1 M2 2 M3 3 M4 4 M5 5 M6 6 M10 10 M12 12 M15 15 M20 20 M30 30
    H1 60 H2 120 H3 180 H4 240 H6 360 H8 480 H12 720
    D1 1440 W1 10080 MN1 43200
}

impl TimeFrame {
    /// Its length in minutes; a month counts as 30 days.
    pub const fn minutes(self) -> u32 {
        self.0
    }
}

impl fmt::Display for TimeFrame {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl Serialize for TimeFrame {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u32(self.0)
    }
}

impl JsonSchema for TimeFrame {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "TimeFrame".into()
    }

    fn json_schema(_schemas: &mut SchemaGenerator) -> Schema {
        let minutes = Self::ALL.map(Self::minutes);
        json_schema!({ "type": "integer", "format": "int32", "enum": minutes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_by_name_and_in_minutes() {
        for frame in TimeFrame::ALL {
            assert_eq!(TimeFrame::parse(frame.name()), Some(frame));
            assert_eq!(TimeFrame::parse(&frame.name().to_lowercase()), Some(frame));
            assert_eq!(TimeFrame::parse(&frame.minutes().to_string()), Some(frame));
        }
        assert!(TimeFrame::ALL.windows(2).all(|pair| pair[0] < pair[1]));
        for wrong in ["", "0", "7", "M7", "H5", "-1", "MN"] {
            assert_eq!(TimeFrame::parse(wrong), None, "{wrong}");
        }
    }
}
