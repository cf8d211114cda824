//! Answers reduced to the fields a caller wants.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::Names;

/// A reply of which only the named fields are written. A named field is kept whole, on whatever level it stands;
/// what leads to it is kept as well.
#[derive(Debug, Clone, PartialEq)]
pub struct Filtered<T> {
    value: T,
    keep: Vec<String>,
}

impl<T> Filtered<T> {
    /// Keeps the fields with these names (in any case), or all when there are none.
    pub fn new(value: T, keep: Option<&Names>) -> Self {
        let keep = keep.map(|names| names.resolve(|_| false)).unwrap_or_default();
        Self { value, keep: keep.into_iter().map(|name| name.trim().to_owned()).collect() }
    }
}

impl<T: Serialize> Serialize for Filtered<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.keep.is_empty() {
            return self.value.serialize(to);
        }
        let whole = serde_json::to_value(&self.value).map_err(serde::ser::Error::custom)?;
        let nothing = if whole.is_array() { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
        reduced(whole, &self.keep).unwrap_or(nothing).serialize(to)
    }
}

/// What is left of a value below which named fields are looked for; `None` when it holds none.
fn reduced(value: Value, keep: &[String]) -> Option<Value> {
    match value {
        Value::Object(fields) => {
            let named = |name: &str| keep.iter().any(|wanted| wanted.eq_ignore_ascii_case(name));
            let kept: Map<String, Value> = fields
                .into_iter()
                .filter_map(|(name, value)| {
                    let value = if named(&name) { Some(value) } else { reduced(value, keep) };
                    value.map(|value| (name, value))
                })
                .collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        Value::Array(items) => {
            let kept: Vec<Value> = items.into_iter().filter_map(|item| reduced(item, keep)).collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        _ => None,
    }
}

/// The whole reply, or as much of it as was asked for: then any field may be missing, on every level.
impl<T: JsonSchema> JsonSchema for Filtered<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Filtered{}", T::schema_name()).into()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        let whole = schemas.subschema_for::<T>();
        let kind = if whole.get("type").is_some_and(|kind| kind == "array") { "array" } else { "object" };
        json_schema!({ "anyOf": [whole, { "type": kind, "description": "What `filter` keeps of it." }] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn filtered(names: &[&str]) -> Value {
        let whole = json!({ "orders": [{ "ticket": 1, "lots": 2.0 }, { "lots": 3.0 }], "action": 1 });
        let names: Names = names.iter().copied().collect();
        serde_json::to_value(Filtered::new(whole, Some(&names))).unwrap()
    }

    #[test]
    fn only_named_fields_are_kept_on_any_level() {
        assert_eq!(filtered(&["ticket"]), json!({ "orders": [{ "ticket": 1 }] }));
        assert_eq!(filtered(&["Action,ticket"]), json!({ "orders": [{ "ticket": 1 }], "action": 1 }));
        assert_eq!(
            filtered(&["orders"]),
            json!({ "orders": [{ "ticket": 1, "lots": 2.0 }, { "lots": 3.0 }] })
        );
        assert_eq!(filtered(&["nothing"]), json!({}));
        let names: Names = ["nothing"].into_iter().collect();
        let list = serde_json::to_value(Filtered::new(json!([{ "a": 1 }]), Some(&names))).unwrap();
        assert_eq!(list, json!([]));
    }
}
