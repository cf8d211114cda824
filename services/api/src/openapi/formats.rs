//! Formats of numbers as the registry of OpenAPI has them.

use serde_json::Value;

/// Renames the formats of unsigned numbers, which generators of clients do not know, to those of signed ones.
pub(super) fn register(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let registered = match fields.get("format").and_then(Value::as_str) {
                Some("uint64" | "uint") => Some("int64"),
                Some("uint32" | "uint16" | "uint8") => Some("int32"),
                _ => None,
            };
            if let Some(format) = registered {
                fields.insert("format".to_owned(), format.into());
                fields.insert("minimum".to_owned(), 0.into());
            }
            fields.values_mut().for_each(register);
        }
        Value::Array(items) => items.iter_mut().for_each(register),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn unsigned_formats_become_signed_ones_with_a_minimum() {
        let mut schema =
            json!({ "a": [{ "format": "uint64" }, { "format": "uint16" }], "b": { "format": "date-time" } });
        register(&mut schema);
        let expected = json!({
            "a": [{ "format": "int64", "minimum": 0 }, { "format": "int32", "minimum": 0 }],
            "b": { "format": "date-time" },
        });
        assert_eq!(schema, expected);
    }
}
