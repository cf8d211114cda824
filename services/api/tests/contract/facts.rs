//! The facts of an OpenAPI document: names, types, defaults and numbers, without a sentence of prose.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

type Facts = Map<String, Value>;

/// Facts that are kept as they stand.
const PLAIN: [&str; 5] = ["format", "default", "const", "minimum", "maximum"];

/// The facts of a document: `paths` with their methods, and `schemas`.
pub(crate) fn of(document: &Value) -> Value {
    let paths: Facts =
        entries(&document["paths"]).map(|(path, item)| (path.clone(), methods(item))).collect();
    let schemas = entries(&document["components"]["schemas"]);
    let schemas: Facts = schemas.map(|(name, value)| (name.clone(), Value::Object(schema(value)))).collect();
    json!({ "paths": paths, "schemas": schemas })
}

fn methods(item: &Value) -> Value {
    entries(item).map(|(method, operation)| (method.clone(), operation_facts(operation))).collect()
}

fn operation_facts(operation: &Value) -> Value {
    let mut facts = Facts::new();
    // Shared parameters are ours: they belong to no single call.
    let own = list(&operation["parameters"]).iter().filter(|parameter| parameter["$ref"].is_null());
    let parameters: Facts = own.map(parameter).collect();
    facts.insert("parameters".to_owned(), parameters.into());
    let bodies = entries(&operation["requestBody"]["content"]);
    let bodies: Facts = bodies.map(|(kind, media)| (kind.clone(), schema(&media["schema"]).into())).collect();
    if !bodies.is_empty() {
        facts.insert("body".to_owned(), bodies.into());
    }
    let content = &operation["responses"]["200"]["content"];
    let reply = content.get("application/json").or_else(|| entries(content).next().map(|(_, media)| media));
    if let Some(reply) = reply {
        facts.insert("reply".to_owned(), schema(&reply["schema"]).into());
    }
    facts.into()
}

fn parameter(parameter: &Value) -> (String, Value) {
    let mut facts = schema(&parameter["schema"]);
    facts.insert("in".to_owned(), parameter["in"].clone());
    facts.insert("required".to_owned(), json!(parameter["required"] == true));
    (parameter["name"].as_str().unwrap().to_owned(), facts.into())
}

/// The facts of a schema. That it may be null is one of them, however it is written.
fn schema(value: &Value) -> Facts {
    let mut facts = Facts::new();
    for part in list(&value["allOf"]) {
        facts.extend(schema(part));
    }
    alternatives(value, &mut facts);
    types(&value["type"], &mut facts);
    if let Some(reference) = value["$ref"].as_str() {
        facts.insert("ref".to_owned(), reference.rsplit('/').next().into());
    }
    for name in PLAIN {
        if let Some(fact) = value.get(name) {
            facts.insert(name.to_owned(), fact.clone());
        }
    }
    if let Some(values) = value["enum"].as_array() {
        let numbers = &value["x-enum-numbers"];
        let number = |name: &Value| name.as_str().map_or(Value::Null, |name| numbers[name].clone());
        let text = |name: &Value| name.as_str().map_or_else(|| name.to_string(), str::to_owned);
        let values: Facts = values.iter().map(|name| (text(name), number(name))).collect();
        facts.insert("values".to_owned(), values.into());
    }
    for name in ["items", "additionalProperties"] {
        if let Some(inner) = value.get(name) {
            facts.insert(name.to_owned(), schema(inner).into());
        }
    }
    if let Some(properties) = value.get("properties") {
        facts.insert("fields".to_owned(), fields(properties, list(&value["required"])));
    }
    facts
}

/// `anyOf` something and null is that thing, and may be null.
fn alternatives(value: &Value, facts: &mut Facts) {
    let all = list(&value["anyOf"]);
    let others: Vec<&Value> = all.iter().filter(|one| one["type"] != "null").collect();
    if others.len() < all.len() {
        facts.insert("nullable".to_owned(), true.into());
    }
    match others.as_slice() {
        [] => {}
        [one] => facts.extend(schema(one)),
        many => {
            let many: Vec<Value> = many.iter().map(|one| schema(one).into()).collect();
            facts.insert("anyOf".to_owned(), many.into());
        }
    }
}

/// A list of types is one type and perhaps null.
fn types(value: &Value, facts: &mut Facts) {
    let all = list(value);
    if all.contains(&json!("null")) {
        facts.insert("nullable".to_owned(), true.into());
    }
    let first = all.iter().find(|one| **one != "null").or(Some(value)).filter(|one| one.is_string());
    if let Some(first) = first {
        facts.insert("type".to_owned(), first.clone());
    }
}

fn fields(properties: &Value, required: &[Value]) -> Value {
    let field = |(name, value): (&String, &Value)| {
        let mut facts = schema(value);
        if required.contains(&json!(name)) {
            facts.insert("required".to_owned(), true.into());
        }
        (name.clone(), Value::Object(facts))
    };
    entries(properties).map(field).collect()
}

/// Fewer words are a name of the thing and not a sentence about it.
const SENTENCE_WORDS: usize = 5;

/// The sentences of a document, as their words in lower case.
pub(crate) fn sentences(document: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (name, value) in entries(document) {
        match value.as_str() {
            Some(text) if name == "description" || name == "summary" => {
                let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
                let words: Vec<String> = words.map(str::to_lowercase).collect();
                if words.len() >= SENTENCE_WORDS {
                    found.insert(words.join(" "));
                }
            }
            _ => found.extend(sentences(value)),
        }
    }
    list(document).iter().for_each(|value| found.extend(sentences(value)));
    found
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

#[test]
fn prose_is_left_out_and_null_is_a_fact() {
    let document = json!({
        "info": { "description": "prose" },
        "paths": { "/A": { "get": {
            "summary": "prose",
            "parameters": [{ "name": "x", "in": "query", "required": true, "description": "prose",
                "schema": { "allOf": [{ "$ref": "#/components/schemas/E" }], "default": "One" } }],
            "responses": { "200": { "description": "prose", "content": { "text/json": { "schema": {
                "type": ["array", "null"], "items": { "anyOf": [{ "$ref": "#/B" }, { "type": "null" }] },
            } } } } },
        } } },
        "components": { "schemas": { "E": { "type": "string", "enum": ["One"], "x-enum-numbers": { "One": 1 } } } },
    });
    let expected = json!({
        "paths": { "/A": { "get": {
            "parameters": { "x": { "ref": "E", "default": "One", "in": "query", "required": true } },
            "reply": { "nullable": true, "type": "array", "items": { "nullable": true, "ref": "B" } },
        } } },
        "schemas": { "E": { "type": "string", "values": { "One": 1 } } },
    });
    assert_eq!(of(&document), expected);
}
