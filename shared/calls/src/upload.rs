//! Files in a posted body.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::params::Param;

/// A file that came with a call. On its way it is Base64, as a JSON body has it; a part of a multipart body is
/// encoded by who reads it ([`Upload::text_of`]).
#[derive(Clone, PartialEq, Eq)]
pub struct Upload(Vec<u8>);

impl Upload {
    /// What the file holds.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The value of a parameter that is this file.
    pub fn text_of(bytes: &[u8]) -> String {
        STANDARD.encode(bytes)
    }
}

impl fmt::Debug for Upload {
    /// Its size only: it may be a key.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} bytes", self.0.len())
    }
}

impl Param for Upload {
    const ACCEPTS: &'static str = "a file, as a part of a multipart body or in Base64";

    fn parse(text: &str) -> Option<Self> {
        STANDARD.decode(text).ok().map(Self)
    }
}

impl Serialize for Upload {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&Self::text_of(&self.0))
    }
}

impl JsonSchema for Upload {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Upload".into()
    }

    fn json_schema(_schemas: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "binary", "contentMediaType": "application/octet-stream" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_survives_its_way_and_is_not_shown() {
        let upload = Upload::parse(&Upload::text_of(&[0, 255, 7])).unwrap();
        assert_eq!(upload.bytes(), [0, 255, 7]);
        assert_eq!(format!("{upload:?}"), "3 bytes");
        assert_eq!(Upload::parse("not base64!"), None);
    }
}
