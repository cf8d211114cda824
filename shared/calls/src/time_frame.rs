//! The length of a candle.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::params::Param;

/// The length of a candle in minutes: one of [`TimeFrame::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeFrame(u32);

impl TimeFrame {
    /// A minute.
    pub const M1: Self = Self(1);
    /// A day.
    pub const D1: Self = Self(1440);
    /// Every length, shortest first; 10080 is a week, 43200 a month.
    pub const ALL: [Self; 10] = [
        Self::M1,
        Self(5),
        Self(10),
        Self(15),
        Self(30),
        Self(60),
        Self(240),
        Self::D1,
        Self(10080),
        Self(43200),
    ];

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

impl Param for TimeFrame {
    const ACCEPTS: &'static str = "one of 1, 5, 10, 15, 30, 60, 240, 1440, 10080 and 43200 minutes";

    fn parse(text: &str) -> Option<Self> {
        let minutes: u32 = text.parse().ok()?;
        Self::ALL.into_iter().find(|frame| frame.0 == minutes)
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
