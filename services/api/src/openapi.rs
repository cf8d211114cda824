//! The OpenAPI document, made from the declarations.

mod calls;
mod errors;
mod formats;
mod streams;

use ::calls::{AnyCall, CallSpec, FrontCall};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

pub(crate) use self::streams::data as stream_data;

/// All calls with their schemas.
pub(crate) struct Description {
    pub(crate) calls: Vec<CallSpec>,
    pub(crate) schemas: SchemaGenerator,
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
        // What trades answer beside an order.
        schemas.subschema_for::<::calls::reply::DryRun>();
        Self { calls, schemas }
    }
}

const ABOUT: &str = "\
REST and WebSocket access to MetaTrader 5 accounts.

Connect answers a token; every other call takes it as `id`, or in the header `Authorization: Bearer TOKEN`, which keeps \
it out of URLs and their logs; the query wins. Names of paths and parameters match in any case, \
unknown parameters are ignored, enums are accepted by name or number. A success has status 200; an error has \
status 201, or the one asked for with `errorReplyStatusCode`, and a body with `message`, `code` and `stackTrace`. \
Who accepts `application/problem+json` gets errors with a status of their own and a body of RFC 9457. \
Texts such as a token come bare, or as JSON strings when `Accept` asks for JSON without `*/*`. Reads carry the \
headers `X-As-Of` (milliseconds since 1970 UTC) and `X-Sync`, trading calls `X-Outcome`. Trading calls with the same \
`idempotencyKey`, or header `Idempotency-Key`, are one call. The answer to a completed close has the state `Started`, as \
clients of the known interface expect: its `closeTime`, `closeLots` and `closePrice` say that it is done. A `Safe` order call \
that equals one whose answer has not reached its caller (it is under way, or the caller hung up) is not done again within \
ten minutes: it gets that one's outcome, and the header `Idempotent-Replayed: true`. \
A trade takes names of parameters with other separators, refuses what is almost a name (`stop_los`), and lists what it ignores \
in `X-Ignored-Parameters`; strict clients have all that is unknown refused. \
What only reads answers HEAD as well, and caches keep nothing. Any web page may call (CORS is open): the token is what \
grants access.";

/// The whole document as JSON text; the same on every call.
pub fn document() -> String {
    let mut description = Description::new();
    let mut paths = Map::new();
    for call in &description.calls {
        for name in call.names {
            paths.insert(format!("/{name}"), calls::item(call, name));
        }
    }
    paths.extend(streams::items(&mut description.schemas));
    paths.extend(documents());
    let of_errors = errors::schemas(&mut description.schemas);
    let mut schemas = description.schemas.take_definitions(true);
    schemas.extend(of_errors);
    schemas.insert("WsEnvelope".to_owned(), streams::envelope());
    let mut whole = json!({
        "openapi": "3.1.0",
        "info": { "title": "mt5rest", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT },
        "servers": [{ "url": "/" }],
        "tags": tags(&description.calls),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": calls::shared_parameters(),
            "responses": errors::shared_responses(),
            "headers": errors::shared_headers(),
            "securitySchemes": { "token": {
                "type": "http", "scheme": "bearer",
                "description": "The session's token, in place of parameter id, which wins.",
            } },
        },
    });
    formats::register(&mut whole);
    format!("{whole:#}\n")
}

/// The fields of what each stream carries, with their meanings: those of an item where it carries a list.
pub(crate) fn stream_fields() -> Vec<(String, Vec<(String, String)>)> {
    let mut schemas = Description::new().schemas;
    let data: Vec<(String, Value)> = bus::Topic::ALL
        .into_iter()
        .map(|topic| (format!("On{}", topic.as_str()), streams::data(topic, &mut schemas).to_value()))
        .collect();
    let definitions = schemas.take_definitions(true);
    let fields = |schema: &Value| {
        let item = schema.get("items").unwrap_or(schema);
        let name =
            item["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()).unwrap_or_default();
        let properties = definitions.get(name).and_then(|object| object["properties"].as_object());
        let field = |(name, schema): (&String, &Value)| {
            (name.clone(), schema["description"].as_str().unwrap_or_default().to_owned())
        };
        properties.into_iter().flatten().map(field).collect()
    };
    data.iter().map(|(stream, schema)| (stream.clone(), fields(schema))).collect()
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

/// The paths of documents that programs may look for.
fn documents() -> [(String, Value); 2] {
    let root = json!({ "get": {
        "tags": ["Service"],
        "operationId": "root",
        "summary": "Leads to the call browser.",
        "responses": { "301": { "description": "The call browser is at /index.html." } },
    } });
    let description = json!({ "get": {
        "tags": ["Service"],
        "operationId": "swagger",
        "summary": "Answers this document.",
        "responses": { "200": {
            "description": "OpenAPI 3.1.",
            "content": { "application/json": { "schema": { "type": "object" } } },
        } },
    } });
    [("/".to_owned(), root), ("/swagger/v1/swagger.json".to_owned(), description)]
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

    #[test]
    fn nothing_is_deprecated_and_formats_are_registered() {
        let text = document();
        for word in ["deprecated", "uint"] {
            assert!(!text.contains(&format!("\"{word}")), "{word}");
        }
    }

    #[test]
    fn what_clients_need_beside_parameters_is_in_the_document_and_in_the_manual() {
        let text = document();
        let manual = crate::manual::page(&Description::new().calls, &stream_fields(), "1");
        for word in [
            "idempotencyKey",
            "Idempotency-Key",
            "X-Outcome",
            "application/problem+json",
            "Bearer",
            "Started",
        ] {
            assert!(text.contains(word), "{word} is not in the document");
            assert!(manual.contains(word), "{word} is not in the manual");
        }
        let whole: Value = serde_json::from_str(&text).unwrap();
        for call in Description::new().calls {
            for name in call.names {
                for operation in whole["paths"][format!("/{name}")].as_object().unwrap().values() {
                    let takes_key = operation["parameters"].to_string().contains("parameters/idempotencyKey");
                    assert_eq!(takes_key, call.policy.trades(), "{name}");
                }
            }
        }
    }

    #[test]
    fn the_fields_of_every_stream_are_in_the_manual() {
        let streams = stream_fields();
        let manual = crate::manual::page(&[], &streams, "1");
        assert_eq!(streams.len(), bus::Topic::ALL.len());
        for (stream, fields) in streams {
            assert!(manual.contains(&format!("/{stream}</code>")), "{stream}");
            assert!(!fields.is_empty() || stream == "OnOpenedOrdersTickets", "{stream} has no fields");
            for (field, meaning) in fields {
                assert!(
                    manual.contains(&format!("<code>{field}</code>")) && !meaning.is_empty(),
                    "{stream}.{field}"
                );
            }
        }
    }

    #[test]
    fn calls_that_must_be_posted_have_no_get() {
        let whole: Value = serde_json::from_str(&document()).unwrap();
        let item = &whole["paths"]["/ConnectCert"];
        assert!(item.get("get").is_none());
        let kinds: Vec<&String> =
            item["post"]["requestBody"]["content"].as_object().unwrap().keys().collect();
        assert_eq!(kinds, ["multipart/form-data"]);
        let query: Vec<&Value> =
            item["post"]["parameters"].as_array().unwrap().iter().map(|param| &param["name"]).collect();
        assert!(query.contains(&&json!("hardwareId")) && !query.contains(&&json!("password")), "{query:?}");
        assert!(!query.contains(&&json!("pfxFile")) && query.contains(&&json!("otp")), "{query:?}");
        let body = |path: &str| &whole["paths"][path]["post"]["requestBody"];
        assert_eq!(body("/DisconnectOrphans")["content"].as_object().unwrap().len(), 3);
        let required = ["/DisconnectOrphans", "/LoadServersDat"].map(|path| body(path)["required"] == true);
        assert_eq!(required, [true, false]);
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
