//! The paths of calls.

use calls::{CallSpec, DRY_RUN, ParamSpec, REASON, REASON_CHARS_MAX, ReplyKind, TICKETS_AS_TEXT, ZONED};
use serde_json::{Map, Value, json};

use super::errors;

const POSTED_TOO: &str =
    "Keeps the password out of the URL. Parameters may stand in the query as well; the body wins.";
const POSTED_ONLY: &str =
    "Comes as POST only. All parameters may stand in the body or in the query; the body wins.";

/// A path item; further names of a call say whose they are.
pub(super) fn item(call: &CallSpec, name: &str) -> Value {
    if call.policy.posted {
        // A one-time code is of no use to who reads it later.
        let is_kept_out = |param: &ParamSpec| param.is_file() || (param.is_secret() && param.name != "otp");
        let beside = |param: &&ParamSpec| !param.required && !is_kept_out(param);
        let mut post = operation(call, name, name, call.params.iter().filter(beside));
        post.insert("description".to_owned(), POSTED_ONLY.into());
        post.insert("requestBody".to_owned(), request_body(call));
        return json!({ "post": post });
    }
    let get = operation(call, name, name, call.params.iter());
    if !call.may_be_posted() {
        return json!({ "get": get });
    }
    let mut post = operation(call, name, &format!("{name}Post"), [].iter());
    post.insert("description".to_owned(), POSTED_TOO.into());
    post.insert("requestBody".to_owned(), request_body(call));
    json!({ "get": get, "post": post })
}

/// What the operations of a call have in common.
fn operation<'a>(
    call: &CallSpec,
    name: &str,
    id: &str,
    params: impl Iterator<Item = &'a ParamSpec>,
) -> Map<String, Value> {
    let summary = if name == call.name {
        call.summary.to_owned()
    } else {
        format!("{} The same as /{}.", call.summary, call.name)
    };
    Map::from_iter([
        ("tags".to_owned(), json!([call.tag])),
        ("operationId".to_owned(), id.into()),
        ("summary".to_owned(), summary.into()),
        ("parameters".to_owned(), params.map(parameter).chain(beside(call)).collect()),
        ("responses".to_owned(), responses(call)),
    ])
}

/// What a call takes beside its own parameters: shared by all of its kind.
fn beside(call: &CallSpec) -> Vec<Value> {
    let key: &[&str] = if call.policy.trades() { &[KEY, KEY_HEADER, DRY_RUN, REASON] } else { &[] };
    let opted: &[&str] = if call.policy.needs_session() { &OPTED } else { &[] };
    [shared(key), shared(opted)].concat()
}

/// References to shared parameters.
pub(super) fn shared(names: &[&str]) -> Vec<Value> {
    names.iter().map(|name| json!({ "$ref": format!("#/components/parameters/{name}") })).collect()
}

/// What calls and streams of a session may be asked for.
pub(super) const OPTED: [&str; 2] = [TICKETS_AS_TEXT, ZONED];

const KEY: &str = "idempotencyKey";
const KEY_HEADER: &str = "Idempotency-Key";

/// Parameters that calls share.
pub(super) fn shared_parameters() -> Value {
    let key = |place: &str, name: &str, description: &str| {
        json!({
            "name": name, "in": place, "required": false, "description": description,
            "schema": { "type": "string", "maxLength": 128 },
        })
    };
    let switch = |name: &str, description: &str| {
        json!({
            "name": name, "in": "query", "required": false, "description": description,
            "schema": { "type": "boolean", "default": false },
        })
    };
    json!({
        KEY: key("query", KEY, "Calls with the same key are one call for 24 hours: repeated, it gets the first outcome. \
            Up to 128 visible ASCII characters."),
        DRY_RUN: switch(DRY_RUN, "True tries the trade and sends nothing: the answer is a DryRun with the checks, margin before and \
            after, and the request as it would be sent. No key is used, and nothing is remembered of it."),
        REASON: {
            "name": REASON, "in": "query", "required": false,
            "description": "Why the trade is made, for the record that the service keeps of it. The broker does not see it.",
            "schema": { "type": "string", "maxLength": REASON_CHARS_MAX },
        },
        TICKETS_AS_TEXT: switch(TICKETS_AS_TEXT, "True prints tickets and all other numbers of 64 bits that name something (of \
            orders, deals, positions, magic numbers) as JSON strings, in replies and in the frames of streams opened with it: \
            JavaScript cannot tell numbers above 2^53 apart. Given tickets may be of any size anyway."),
        ZONED: switch(ZONED, "True gives times a zone. A time with Z or +03:00 (a plus is %2B in a query) is that instant; one \
            without is of the trade server's clock. Times in replies and frames end with the zone that the server's clock had \
            then, such as +03:00, as far as the session saw it being set (see /ServerClock): the protocol tells of no earlier \
            changes, so times from before the first one that was seen have the zone of right before it, or the present one. \
            In an hour that came twice the second time is meant. Frames follow a change within five seconds. No date stays \
            0001-01-01T00:00:00. A given instant beyond the years 1 to 9999 of that clock is their first or last moment. \
            Without it a zone is dropped."),
        KEY_HEADER: key("header", KEY_HEADER, "The same as parameter idempotencyKey; the header wins."),
    })
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

fn request_body(call: &CallSpec) -> Value {
    let mut properties = Map::new();
    for param in &call.params {
        let mut schema = param.schema.clone();
        schema.insert("description".to_owned(), param.doc.into());
        properties.insert(param.name.to_owned(), schema.to_value());
    }
    let required: Vec<&str> =
        call.params.iter().filter(|param| param.required).map(|param| param.name).collect();
    let needed = !required.is_empty();
    let schema = json!({ "type": "object", "properties": properties, "required": required });
    let mut kinds = vec!["multipart/form-data"];
    if !call.params.iter().any(ParamSpec::is_file) {
        kinds.extend(["application/x-www-form-urlencoded", "application/json"]);
    }
    let content: Map<String, Value> =
        kinds.into_iter().map(|kind| (kind.to_owned(), json!({ "schema": schema }))).collect();
    json!({ "required": needed, "content": content })
}

fn responses(call: &CallSpec) -> Value {
    let content = match call.kind {
        ReplyKind::Text => json!({
            "text/plain": { "schema": call.reply },
            "application/json": { "schema": call.reply },
        }),
        ReplyKind::Json if call.policy.trades() => json!({
            "application/json": { "schema": { "anyOf": [call.reply, { "$ref": "#/components/schemas/DryRun" }] } },
        }),
        ReplyKind::Json => json!({ "application/json": { "schema": call.reply } }),
        ReplyKind::Html => json!({ "text/html": { "schema": call.reply } }),
    };
    let success = json!({ "description": "Success.", "content": content });
    if call.policy.trades() {
        let success = errors::with_trade_headers(success);
        return errors::responses(&success, errors::TRADE_FAILURE, errors::TRADE_PROBLEM);
    }
    errors::responses(&success, errors::FAILURE, errors::PROBLEM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_parameters_are_known_to_trades_which_ignore_others() {
        for (name, parameter) in shared_parameters().as_object().unwrap() {
            let mut known = calls::OF_EVERY_CALL.iter().chain(&calls::OF_EVERY_TRADE);
            let is_known = known.any(|known| known == name);
            assert_eq!(is_known, parameter["in"] == "query", "{name}");
        }
    }
}
