//! The golden vectors of the protocol, in both directions: what they hold is read to the stated values, and the
//! values that were read are written to the same bytes.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test fails by panicking.

use serde_json::{Map, Value as Json};
use wire::records::{Profile, TradeRequest};
use wire::{COMMANDS, Cipher, Command, CommandLayout, Payload, Value, frame, message};

fn vectors() -> Json {
    serde_json::from_str(include_str!("vectors.json")).unwrap()
}

fn list<'a>(json: &'a Json, key: &str) -> &'a [Json] {
    json[key].as_array().unwrap_or_else(|| panic!("{key} is not a list"))
}

fn text<'a>(json: &'a Json, key: &str) -> &'a str {
    json[key].as_str().unwrap_or_else(|| panic!("{key} is not a text"))
}

fn unhex(json: &Json, key: &str) -> Vec<u8> {
    hex::decode(text(json, key)).unwrap()
}

fn layout(vector: &Json) -> CommandLayout {
    let number = u16::try_from(vector["command"].as_u64().unwrap()).unwrap();
    let command = Command::from_number(number).unwrap_or_else(|| panic!("command {number} is not declared"));
    *COMMANDS.iter().find(|layout| layout.command == command).unwrap()
}

/// As the vectors write values: bytes as hex, unused sessions of a day as pairs of zeros.
fn to_json(value: &Value) -> Json {
    match value {
        Value::Unsigned(number) => (*number).into(),
        Value::Signed(number) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
        Value::Bytes(bytes) => hex::encode(bytes).into(),
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Record(fields) => {
            let named =
                |(name, value): &(&str, Value)| (name.trim_start_matches("r#").to_owned(), to_json(value));
            Json::Object(fields.iter().map(named).collect::<Map<_, _>>())
        }
    }
}

/// Removes what the vectors write out and we do not hold: unused sessions, and truth as a word.
fn normalised(json: &Json) -> Json {
    match json {
        Json::Bool(truth) => u64::from(*truth).into(),
        Json::Array(items) => {
            let unused = serde_json::json!([0, 0]);
            items.iter().filter(|item| **item != unused).map(normalised).collect()
        }
        Json::Object(fields) => {
            Json::Object(fields.iter().map(|(name, value)| (name.clone(), normalised(value))).collect())
        }
        other => other.clone(),
    }
}

/// Every field that the vector states must have its value; `path` says where they differ.
fn assert_holds(ours: &Json, stated: &Json, path: &str) {
    match (ours, stated) {
        (Json::Object(ours), Json::Object(stated)) => {
            for (name, value) in stated {
                let own = ours.get(name).unwrap_or_else(|| panic!("{path}.{name} is missing in {ours:?}"));
                assert_holds(own, value, &format!("{path}.{name}"));
            }
        }
        (Json::Array(ours), Json::Array(stated)) => {
            assert_eq!(ours.len(), stated.len(), "{path}: {ours:?} instead of {stated:?}");
            for (index, (own, value)) in ours.iter().zip(stated).enumerate() {
                assert_holds(own, value, &format!("{path}[{index}]"));
            }
        }
        (Json::Number(own), Json::Number(value)) if own.is_f64() || value.is_f64() => {
            assert_eq!(own.as_f64().map(f64::to_bits), value.as_f64().map(f64::to_bits), "{path}");
        }
        _ => assert_eq!(ours, stated, "{path}"),
    }
}

#[test]
fn frames_are_sealed_and_opened() {
    let vectors = vectors();
    assert_eq!(unhex(&vectors["meta"], "initial_key_hex"), wire::INITIAL_KEY);
    for vector in list(&vectors, "framing") {
        let cipher = Cipher::new(&unhex(vector, "key_hex")).unwrap();
        let (plain, sealed) = (unhex(vector, "plaintext_hex"), unhex(vector, "encrypted_outer_frame_hex"));
        assert_eq!(frame::seal(&cipher, &plain), sealed, "{}", vector["name"]);
        assert_eq!(frame::open(&cipher, &sealed).unwrap(), plain, "{}", vector["name"]);
    }
}

#[test]
fn requests_are_read_and_written() {
    let vectors = vectors();
    for vector in list(&vectors, "requests") {
        let (name, payload) = (text(vector, "name"), unhex(vector, "payload_hex"));
        let official = text(vector, "profile") == "official";
        let shape = layout(vector).request.unwrap_or_else(|| panic!("{name} is not a request"));
        if layout(vector).command == Command::Trade && !official {
            continue; // The next test.
        }
        let shown = to_json(&(shape.show)(&payload).unwrap_or_else(|error| panic!("{name}: {error}")));
        let again = (shape.recode)(&payload).unwrap();
        if name == "notify_text" {
            assert_eq!(again.len(), 4, "a text in place of the number is only acknowledged");
            continue;
        }
        assert_eq!(hex::encode(again), text(vector, "payload_hex"), "{name}");
        let stated = stated_fields(&vector["fields"]);
        let flat = if shown.get("base").is_some() { &shown["base"] } else { &shown };
        for (field, value) in &stated {
            if let Some(own) = shown.get(field).or_else(|| flat.get(field)) {
                assert_holds(own, value, &format!("{name}.{field}"));
            }
        }
    }
}

/// The vectors describe applications in the words of the client that made them.
fn stated_fields(fields: &Json) -> Map<String, Json> {
    let mut stated = fields.as_object().cloned().unwrap_or_default();
    for (theirs, ours) in [("email_confirm_code", "email_code"), ("phone_confirm_code", "phone_code")] {
        if let Some(value) = stated.remove(theirs) {
            stated.insert(ours.into(), value);
        }
    }
    stated.remove("base");
    stated
}

#[test]
fn trade_requests_of_pymt5_are_read() {
    let vectors = vectors();
    let mut seen = 0;
    for vector in list(&vectors, "requests") {
        if layout(vector).command != Command::Trade {
            continue;
        }
        let (request, profile) = TradeRequest::from_either(&unhex(vector, "payload_hex")).unwrap();
        let stated = if text(vector, "profile") == "official" { Profile::Official } else { Profile::Pymt5 };
        assert_eq!(profile, stated, "{}", vector["name"]);
        assert_holds(&to_json(&request.value()), &vector["fields"], text(vector, "name"));
        seen += 1;
    }
    assert!(seen > 20, "only {seen} trade requests in the vectors");
}

#[test]
fn responses_are_read_and_written() {
    let vectors = vectors();
    for vector in list(&vectors, "responses") {
        let (name, body) = (text(vector, "name"), unhex(vector, "body_hex"));
        if vector["code"] != 0 {
            assert!(body.is_empty(), "{name}: a failure has no body");
            continue;
        }
        let layout = layout(vector);
        assert_eq!(layout.command.is_request(), vector["kind"] == "response", "{name}");
        let shown = to_json(&(layout.response.show)(&body).unwrap_or_else(|error| panic!("{name}: {error}")));
        let stated = normalised(&vector["parsed"]);
        match layout.command {
            Command::Ticks => assert_holds(&shown, &stated["wire"], name),
            Command::SymbolGroups => {
                let paths: Json =
                    shown.as_array().unwrap().iter().map(|group| group["path"].clone()).collect();
                assert_eq!(paths, stated, "{name}");
            }
            Command::FullSymbols if stated.is_object() => assert_holds(&shown[0], &stated, name),
            _ => assert_holds(&shown, &stated, name),
        }
        let again = (layout.response.recode)(&body).unwrap();
        match name {
            // Written with the one neutral record that clients need.
            "account_main_only" => assert_eq!(again[..816], body[..]),
            // Compressors differ; what they hold does not.
            "symbols_zlib" => {
                assert_eq!(again[..4], body[..4]);
                assert_eq!(to_json(&(layout.response.show)(&again).unwrap()), shown);
            }
            _ => assert_eq!(hex::encode(again), text(vector, "body_hex"), "{name}"),
        }
    }
}

#[test]
fn a_whole_session_is_read_and_written_frame_by_frame() {
    let vectors = vectors();
    let mut frames = 0;
    for step in list(&vectors, "exchanges").iter().flat_map(|exchange| list(exchange, "steps")) {
        let cipher = Cipher::new(&unhex(step, "key_hex")).unwrap();
        let (inner, sealed) = (unhex(step, "inner_hex"), unhex(step, "frame_hex"));
        assert_eq!(frame::open(&cipher, &sealed).unwrap(), inner, "{}", step["what"]);
        assert_eq!(frame::seal(&cipher, &inner), sealed, "{}", step["what"]);
        if text(step, "dir") == "c2s" {
            let request = message::Request::from_bytes(&inner).unwrap();
            assert_eq!(u64::from(request.command), step["command"]);
            assert_eq!(request.to_bytes(), inner);
            assert!((layout(step).request.unwrap().show)(&request.payload).is_ok(), "{}", step["what"]);
        } else {
            let response = message::Response::from_bytes(&inner).unwrap();
            assert_eq!(u64::from(response.command), step["command"]);
            assert_eq!(u64::from(response.code), step["code"]);
            assert_eq!(response.to_bytes(), inner);
            assert!((layout(step).response.show)(&response.body).is_ok(), "{}", step["what"]);
        }
        frames += 1;
    }
    assert!(frames >= 8, "only {frames} frames in the vectors");
}

#[test]
fn a_zero_count_of_trade_settings_is_read_as_the_official_client_does() {
    let vectors = vectors();
    let trap = list(&vectors, "legacy")
        .iter()
        .find(|vector| vector["name"] == "account_zero_settings_trap")
        .unwrap();
    let account = wire::records::Account::from_bytes(&unhex(trap, "body_hex")).unwrap();
    assert!(account.trade_settings.is_empty());
    assert_eq!((account.trade_flags, account.symbols_count), (0, 0));
}
