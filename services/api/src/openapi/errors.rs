//! How the document describes errors: those of the known interface, and those of strict clients.

use error::{Code, Details, Outcome};
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// Names of the shared responses.
pub(super) const FAILURE: &str = "Failure";
pub(super) const PROBLEM: &str = "Problem";
pub(super) const TRADE_FAILURE: &str = "TradeFailure";
pub(super) const TRADE_PROBLEM: &str = "TradeProblem";

/// The responses of an operation.
pub(super) fn responses(success: &Value, failure: &str, problem: &str) -> Value {
    let reference = |name: &str| json!({ "$ref": format!("#/components/responses/{name}") });
    json!({ "200": success, "201": reference(failure), "default": reference(problem) })
}

/// The headers that answers of trading calls have.
const OF_TRADES: [&str; 3] = ["X-Outcome", "X-Ignored-Parameters", "Idempotent-Replayed"];

/// The headers of answers of trading calls, beside those that a response has already.
pub(super) fn with_trade_headers(mut response: Value) -> Value {
    for name in OF_TRADES {
        response["headers"][name] = json!({ "$ref": format!("#/components/headers/{name}") });
    }
    response
}

/// The shared responses.
pub(super) fn shared_responses() -> Value {
    let failure = json!({
        "description": "Failure; errorReplyStatusCode chooses another status.",
        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/ExceptionResult" } } },
    });
    let problem = json!({
        "description": "Failure with another status: the code's own, for who accepts application/problem+json; else the \
            chosen one, or that of a request that HTTP itself refuses.",
        "headers": { "Retry-After": { "$ref": "#/components/headers/Retry-After" } },
        "content": {
            "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } },
            "application/json": { "schema": { "$ref": "#/components/schemas/ExceptionResult" } },
        },
    });
    let of_trade = [&failure, &problem].map(|response| with_trade_headers(response.clone()));
    let [trade_failure, trade_problem] = of_trade;
    let named = [
        (FAILURE, failure),
        (PROBLEM, problem),
        (TRADE_FAILURE, trade_failure),
        (TRADE_PROBLEM, trade_problem),
    ];
    named.into_iter().map(|(name, response)| (name.to_owned(), response)).collect()
}

/// The shared headers.
pub(super) fn shared_headers() -> Value {
    json!({
        "X-Outcome": {
            "description": "What became of the trade request. After unknown, look before you repeat it.",
            "schema": outcome(),
        },
        "Idempotent-Replayed": {
            "description": "true: this call was not done, the answer is that to an equal one before it: one with the same \
                idempotency key, or, of a Safe call, one whose answer had not reached its caller.",
            "schema": { "type": "string", "enum": ["true"] },
        },
        "X-Ignored-Parameters": {
            "description": "Parameters that the call does not know, with a comma between two. What is almost one that it \
                knows is an error.",
            "schema": { "type": "string" },
        },
        "Retry-After": {
            "description": "With status 429 and 503: seconds until another try makes sense.",
            "schema": { "type": "integer", "format": "int32", "minimum": 0 },
        },
    })
}

fn outcome() -> Value {
    json!({ "type": "string", "enum": Outcome::ALL.map(Outcome::as_str) })
}

/// The schemas of error bodies.
pub(super) fn schemas(schemas: &mut SchemaGenerator) -> Map<String, Value> {
    let names: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let code = json!({ "$ref": "#/components/schemas/EnumErrorCode" });
    let mut outcome = outcome();
    outcome["description"] = "What became of the trade request, if the call was one.".into();
    let known = json!({
        "type": "object",
        "description": "Why a call failed.",
        "required": ["message", "code", "stackTrace"],
        "properties": {
            "message": { "type": "string", "description": "For people: what went wrong and what to do." },
            "code": code,
            "stackTrace": { "type": ["string", "null"], "description": "Always null." },
        },
    });
    let mut problem = json!({
        "type": "object",
        "description": "Why a call failed, as RFC 9457 has it.",
        "required": ["type", "title", "status", "detail", "code", "retryable"],
        "properties": {
            "type": { "type": "string", "format": "uri", "description": "A URN that ends with the code." },
            "title": { "type": "string", "description": "What the code means." },
            "status": { "type": "integer", "format": "int32", "description": "The HTTP status." },
            "detail": { "type": "string", "description": "What went wrong this time and what to do." },
            "code": code,
            "retryable": { "type": "boolean", "description": "Whether the same call may be made again, and may succeed then. Never true for an order that may have been done." },
            "outcome": outcome,
        },
    });
    if let Some(properties) = problem["properties"].as_object_mut() {
        properties.extend(details(schemas));
    }
    let codes = json!({ "type": "string", "description": "For programs: the reason.", "enum": names });
    Map::from_iter([
        ("ExceptionResult".to_owned(), known),
        ("EnumErrorCode".to_owned(), codes),
        ("Problem".to_owned(), problem),
    ])
}

/// The fields that hold the numbers of a refusal: a problem has at most one of them.
fn details(schemas: &mut SchemaGenerator) -> Map<String, Value> {
    let kinds = Details::json_schema(schemas).to_value();
    let mut fields = Map::new();
    for kind in kinds["oneOf"].as_array().into_iter().flatten() {
        for (name, reference) in kind["properties"].as_object().into_iter().flatten() {
            let mut field = reference.clone();
            field["description"] =
                format!("Only in refusals of orders. {}", kind["description"].as_str().unwrap_or_default())
                    .into();
            fields.insert(name.clone(), field);
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_documents_the_numbers_of_every_kind_of_refusal() {
        let mut generator = SchemaGenerator::default();
        let problem = schemas(&mut generator)["Problem"].clone();
        for name in ["volume", "stops", "price", "expiration", "margin", "freeze"] {
            let field = &problem["properties"][name];
            assert!(field["$ref"].is_string() && field["description"].is_string(), "{name}: {field}");
        }
        let kinds = Details::json_schema(&mut generator).to_value();
        assert_eq!(kinds["oneOf"].as_array().unwrap().len(), 6, "each kind is a field");
        for (name, schema) in generator.definitions() {
            for (field, schema) in schema["properties"].as_object().unwrap() {
                assert!(schema["description"].is_string() || schema["$ref"].is_string(), "{name}.{field}");
            }
        }
    }
}
