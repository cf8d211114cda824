//! The OpenAPI document, made from the declarations.

use calls::reply::{OrderUpdateSummary, ProfitUpdate, Quote};
use calls::{AnyCall, CallSpec, FrontCall, ParamSpec, ReplyKind};
use error::Code;
use schemars::generate::SchemaSettings;
use schemars::{SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::routes::{OFFERED, is_connect};

/// All calls with their schemas.
pub(crate) struct Description {
    pub(crate) calls: Vec<CallSpec>,
    schemas: SchemaGenerator,
}

impl Description {
    pub(crate) fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        });
        let mut schemas = settings.into_generator();
        let mut calls = AnyCall::specs(&mut schemas);
        FrontCall::describe(&mut schemas, &mut calls);
        Self { calls, schemas }
    }
}

const ABOUT: &str = "\
REST and WebSocket access to MetaTrader 5 accounts.

Connect answers a token; every other call takes it as `id`. Names of paths and parameters match in any case, \
unknown parameters are ignored, enums are accepted by name or number. A success has status 200; an error has \
status 201, or the one asked for with `errorReplyStatusCode`, and a body with `message`, `code` and `stackTrace`. \
Texts such as a token come bare, or as JSON strings when `Accept` asks for JSON without `*/*`. Reads carry the \
headers `X-As-Of` (milliseconds since 1970 UTC) and `X-Sync`. Any web page may call (CORS is open): the token is \
what grants access.";

/// The whole document as JSON text; the same on every call.
pub fn document() -> String {
    let mut description = Description::new();
    let mut paths = Map::new();
    for call in &description.calls {
        for name in call.names {
            paths.insert(format!("/{name}"), path(call, name));
        }
    }
    for (path, value) in streams(&mut description.schemas) {
        paths.insert(path, value);
    }
    let mut schemas = description.schemas.take_definitions(true);
    schemas.extend(error_schemas());
    let whole = json!({
        "openapi": "3.1.0",
        "info": { "title": "mt5rest", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT },
        "servers": [{ "url": "/" }],
        "tags": tags(&description.calls),
        "paths": paths,
        "components": { "schemas": schemas },
    });
    format!("{whole:#}\n")
}

fn tags(calls: &[CallSpec]) -> Value {
    let mut tags: Vec<&str> = Vec::new();
    for tag in calls.iter().map(|call| call.tag).chain(["WebSockets"]) {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags.iter().map(|tag| json!({ "name": tag })).collect()
}

/// A path item; further names of a call say whose they are.
fn path(call: &CallSpec, name: &str) -> Value {
    let summary = if name == call.name {
        call.summary.to_owned()
    } else {
        format!("{} The same as /{}.", call.summary, call.name)
    };
    let parameters: Vec<Value> = call.params.iter().map(parameter).collect();
    let mut item = Map::new();
    item.insert(
        "get".to_owned(),
        json!({
            "tags": [call.tag],
            "operationId": name,
            "summary": summary,
            "parameters": parameters,
            "responses": responses(call),
        }),
    );
    if is_connect(call) {
        let body = body(call);
        item.insert(
            "post".to_owned(),
            json!({
                "tags": [call.tag],
                "operationId": format!("{name}Post"),
                "summary": summary,
                "description": "Keeps the password out of the URL. Parameters may stand in the query as well.",
                "requestBody": { "required": true, "content": {
                    "application/json": { "schema": body },
                    "application/x-www-form-urlencoded": { "schema": body },
                } },
                "responses": responses(call),
            }),
        );
    }
    Value::Object(item)
}

fn parameter(param: &ParamSpec) -> Value {
    json!({
        "name": param.name,
        "in": "query",
        "required": param.required,
        "description": param.doc,
        "schema": param.schema,
    })
}

fn body(call: &CallSpec) -> Value {
    let mut properties = Map::new();
    for param in &call.params {
        let mut schema = param.schema.clone();
        schema.insert("description".to_owned(), param.doc.into());
        properties.insert(param.name.to_owned(), schema.to_value());
    }
    let required: Vec<&str> =
        call.params.iter().filter(|param| param.required).map(|param| param.name).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

fn responses(call: &CallSpec) -> Value {
    let content = match call.kind {
        ReplyKind::Text => json!({
            "text/plain": { "schema": call.reply },
            "application/json": { "schema": call.reply },
        }),
        ReplyKind::Json => json!({ "application/json": { "schema": call.reply } }),
        ReplyKind::Html => json!({ "text/html": { "schema": call.reply } }),
    };
    json!({
        "200": { "description": "Success.", "content": content },
        "201": {
            "description": "Failure; errorReplyStatusCode chooses another status.",
            "content": { "application/json": { "schema": { "$ref": "#/components/schemas/ExceptionResult" } } },
        },
    })
}

/// The WebSocket paths.
fn streams(schemas: &mut SchemaGenerator) -> Vec<(String, Value)> {
    let quote = schemas.subschema_for::<Quote>();
    let update = schemas.subschema_for::<OrderUpdateSummary>();
    let profit = schemas.subschema_for::<ProfitUpdate>();
    let any = json_schema!({ "anyOf": [quote, update, profit] });
    let data = |kind: &str| match kind {
        "Quote" => &quote,
        "OrderUpdate" => &update,
        "OrderProfit" => &profit,
        _ => &any,
    };
    OFFERED
        .into_iter()
        .map(|(name, kind, _)| (format!("/{name}"), stream(name, kind, data(kind).as_value())))
        .collect()
}

fn stream(name: &str, kind: &str, data: &Value) -> Value {
    let summary = match kind {
        "Quote" => "Streams quotes of the symbols named with Subscribe.",
        "OrderUpdate" => "Streams every trading event of the account.",
        "OrderProfit" => "Streams the profit of open orders with account figures.",
        _ => "Streams all events of the session in one socket.",
    };
    let message = json!({
        "type": "object",
        "required": ["type", "id", "timestampUTC", "data"],
        "properties": {
            "type": { "type": "string", "description": "What data is: Quote, OrderUpdate, OrderProfit or IdNotExist." },
            "id": { "type": "string", "description": "Session token." },
            "timestampUTC": { "type": "integer", "format": "int64", "description": "Milliseconds since 1970 UTC." },
            "data": data,
        },
    });
    json!({ "get": {
        "tags": ["WebSockets"],
        "operationId": name,
        "summary": summary,
        "description": "A WebSocket: each text frame is one JSON envelope, see x-ws-message. Nothing is sent before \
            the first event. An unknown token gets one envelope of type IdNotExist. Close codes 1001 and 40xx mean \
            come back with the same token, 44xx mean connect first. Without an upgrade a link to a page that shows \
            events is answered.",
        "parameters": [{
            "name": "id", "in": "query", "required": true,
            "description": "Session token, the value a Connect call answered.",
            "schema": { "type": "string" },
        }],
        "responses": {
            "101": { "description": "A WebSocket from here on." },
            "200": { "description": "Without an upgrade: an explanation.", "content": {
                "text/plain": { "schema": { "type": "string" } },
                "text/html": { "schema": { "type": "string" } },
            } },
        },
        "x-websocket": true,
        "x-ws-message": message,
    } })
}

fn error_schemas() -> Map<String, Value> {
    let names: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let mut schemas = Map::new();
    schemas.insert(
        "ExceptionResult".to_owned(),
        json!({
            "type": "object",
            "description": "Why a call failed.",
            "required": ["message", "code", "stackTrace"],
            "properties": {
                "message": { "type": "string", "description": "For people: what went wrong and what to do." },
                "code": { "$ref": "#/components/schemas/EnumErrorCode" },
                "stackTrace": { "type": "null", "description": "Always null." },
            },
        }),
    );
    schemas.insert(
        "EnumErrorCode".to_owned(),
        json!({ "type": "string", "description": "For programs: the reason.", "enum": names }),
    );
    schemas
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");

    /// `MT5REST_WRITE_GOLDEN=1 cargo test -p mt5rest-api golden` rewrites the file.
    #[test]
    fn the_document_equals_the_golden_file() {
        let made = document();
        if std::env::var_os("MT5REST_WRITE_GOLDEN").is_some() {
            std::fs::write(Path::new(GOLDEN), &made).unwrap();
        }
        let golden = std::fs::read_to_string(GOLDEN).unwrap_or_default();
        assert!(
            golden == made,
            "openapi.json differs: rewrite it with MT5REST_WRITE_GOLDEN=1 and review the diff"
        );
    }

    #[test]
    fn every_reference_resolves() {
        let whole: Value = serde_json::from_str(&document()).unwrap();
        let mut seen = 0;
        walk(&whole, &mut |reference| {
            seen += 1;
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(whole.pointer(pointer).is_some(), "{reference}");
        });
        assert!(seen > 100);
    }

    #[test]
    fn every_operation_is_named_once_and_described() {
        let whole: Value = serde_json::from_str(&document()).unwrap();
        let mut names = Vec::new();
        for item in whole["paths"].as_object().unwrap().values() {
            for operation in item.as_object().unwrap().values() {
                names.push(operation["operationId"].as_str().unwrap().to_owned());
                assert!(operation["summary"].as_str().is_some_and(|text| text.ends_with('.')), "{operation}");
            }
        }
        let total = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), total);
    }

    fn walk(value: &Value, on_reference: &mut impl FnMut(&str)) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(reference)) = fields.get("$ref") {
                    on_reference(reference);
                }
                fields.values().for_each(|value| walk(value, on_reference));
            }
            Value::Array(items) => items.iter().for_each(|value| walk(value, on_reference)),
            _ => {}
        }
    }
}
