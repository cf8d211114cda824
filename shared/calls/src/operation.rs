//! The `operation` of an order, which accepts more than there are order types.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};

use crate::params::Param;
use crate::values::OrderType;

/// What `operation` said. Any integer passes here: saying no to a strange one is the trade server's part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// `Buy` to `CloseBy`, by name or by 0 to 8.
    Known(OrderType),
    /// Some other number.
    Other(i64),
}

impl Param for Operation {
    const ACCEPTS: &'static str =
        "Buy, Sell, BuyLimit, SellLimit, BuyStop, SellStop, BuyStopLimit, SellStopLimit or its number";

    fn parse(text: &str) -> Option<Self> {
        let number = OrderType::from_name(text).map(OrderType::number).or_else(|| text.parse().ok())?;
        Some(match OrderType::from_number(number) {
            Some(known) if number <= OrderType::CloseBy.number() => Self::Known(known),
            _ => Self::Other(number),
        })
    }
}

impl Serialize for Operation {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Known(known) => known.serialize(to),
            Self::Other(number) => to.serialize_i64(*number),
        }
    }
}

impl JsonSchema for Operation {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Operation".into()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        schemas.subschema_for::<OrderType>()
    }
}
