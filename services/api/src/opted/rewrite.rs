//! Rewriting JSON by a schema while it is read: beside the text that comes there is only the one that is made of it.

use std::fmt;

use calls::{NAMES_SOMETHING, OF_SERVER_CLOCK, ServerTime};
use serde::Serialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::Dress;

/// By what values are rewritten.
#[derive(Clone, Copy)]
pub(super) struct Rules<'s> {
    pub(super) definitions: &'s Map<String, Value>,
    pub(super) dress: Dress,
}

impl<'s> Rules<'s> {
    /// A text as its client wants it, which this schema describes.
    pub(super) fn rewrite(self, json: &[u8], schema: &'s Value) -> Result<Vec<u8>, serde_json::Error> {
        let mut out = Vec::with_capacity(json.len());
        let mut reader = serde_json::Deserializer::from_slice(json);
        let schemas = self.all_of(schema);
        Rewrite { rules: self, schemas: &schemas, out: &mut out }.deserialize(&mut reader)?;
        reader.end()?;
        Ok(out)
    }

    /// A schema with all that it refers to for the same value.
    fn all_of(&self, schema: &'s Value) -> Vec<&'s Value> {
        let mut all = Vec::new();
        self.add(schema, &mut all);
        all
    }

    fn add(&self, schema: &'s Value, all: &mut Vec<&'s Value>) {
        if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
            if let Some(schema) = self.definitions.get(name) {
                self.add(schema, all);
            }
            return;
        }
        for alternatives in ["allOf", "anyOf", "oneOf"] {
            for schema in schema[alternatives].as_array().into_iter().flatten() {
                self.add(schema, all);
            }
        }
        all.push(schema);
    }
}

/// One value.
struct Rewrite<'r, 's> {
    rules: Rules<'s>,
    schemas: &'r [&'s Value],
    out: &'r mut Vec<u8>,
}

impl<'s> Rewrite<'_, 's> {
    fn is_marked(&self, mark: &str) -> bool {
        self.schemas.iter().any(|schema| schema[mark] == true)
    }

    fn write<E: Error>(self, value: impl Serialize) -> Result<(), E> {
        serde_json::to_writer(self.out, &value).map_err(E::custom)
    }

    fn number<E: Error>(self, number: impl Serialize) -> Result<(), E> {
        let is_text = self.rules.dress.has_texts && self.is_marked(NAMES_SOMETHING);
        let Self { rules, schemas, out } = self;
        if is_text {
            out.push(b'"');
        }
        Rewrite { rules, schemas, out: &mut *out }.write(number)?;
        if is_text {
            out.push(b'"');
        }
        Ok(())
    }

    /// The schemas of a part.
    fn of_part(&self, part: impl Fn(&'s Value) -> &'s Value) -> Vec<&'s Value> {
        let mut all = Vec::new();
        self.schemas.iter().for_each(|schema| self.rules.add(part(schema), &mut all));
        all
    }
}

impl<'de> DeserializeSeed<'de> for Rewrite<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Rewrite<'_, '_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.write(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.write(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.number(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.number(value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.number(value)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let clock = self.rules.dress.clock.filter(|_| self.is_marked(OF_SERVER_CLOCK));
        match clock.and_then(|clock| ServerTime::with_zone(text, clock)) {
            Some(zoned) => self.write(zoned),
            None => self.write(text),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let schemas = self.of_part(|schema| &schema["items"]);
        let (rules, out) = (self.rules, self.out);
        out.push(b'[');
        let mut end = out.len();
        while items.next_element_seed(Rewrite { rules, schemas: &schemas, out: &mut *out })?.is_some() {
            end = out.len();
            out.push(b',');
        }
        out.truncate(end);
        out.push(b']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        self.out.push(b'{');
        let mut is_first = true;
        while let Some(name) = fields.next_key::<String>()? {
            if !std::mem::take(&mut is_first) {
                self.out.push(b',');
            }
            let schemas = self
                .of_part(|schema| schema["properties"].get(&name).unwrap_or(&schema["additionalProperties"]));
            serde_json::to_writer(&mut *self.out, &name).map_err(A::Error::custom)?;
            self.out.push(b':');
            fields.next_value_seed(Rewrite { rules: self.rules, schemas: &schemas, out: &mut *self.out })?;
        }
        self.out.push(b'}');
        Ok(())
    }
}
