//! Numbers of 64 bits that name something. Programs whose numbers are doubles cannot tell those above 2^53 apart.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

/// In a schema: the number names something, so that a client may ask for it as a text.
pub const NAMES_SOMETHING: &str = "x-identifier";

/// The ticket of a position, order or deal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Ticket(pub u64);

impl JsonSchema for Ticket {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Ticket".into()
    }

    fn json_schema(_schemas: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "format": "uint64", "minimum": 0, NAMES_SOMETHING: true })
    }
}

/// A magic number, in schemas.
#[derive(Debug)]
pub(crate) struct Magic;

impl JsonSchema for Magic {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Magic".into()
    }

    fn json_schema(_schemas: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "format": "int64", NAMES_SOMETHING: true })
    }
}
