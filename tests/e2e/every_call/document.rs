//! What the published document says of each call.

use jsonschema::Validator;
use serde_json::{Value, json};

/// The document.
pub(crate) struct Document(Value);

/// A parameter of a call.
pub(crate) struct Param {
    pub(crate) name: String,
    pub(crate) required: bool,
    pub(crate) schema: Value,
}

/// A call.
pub(crate) struct Call {
    pub(crate) path: String,
    /// The group that it is listed under.
    pub(crate) tag: String,
    pub(crate) posted: bool,
    pub(crate) params: Vec<Param>,
    /// Of the reply; none for what is not JSON.
    pub(crate) reply: Option<Value>,
}

impl Document {
    /// The one that this build publishes.
    pub(crate) fn new() -> Self {
        Self(serde_json::from_str(&api::openapi_document()).unwrap())
    }

    /// Every call under each of its names; streams and documents are not calls.
    pub(crate) fn calls(&self) -> Vec<Call> {
        let paths = self.0["paths"].as_object().unwrap();
        let is_call = |path: &str, item: &Value| {
            let is_document = path == "/" || path.contains('.') || path.contains("/swagger");
            !is_document && item["get"]["x-websocket"].is_null()
        };
        let calls = paths.iter().filter(|(path, item)| is_call(path, item));
        calls.map(|(path, item)| self.call(path, item)).collect()
    }

    fn call(&self, path: &str, item: &Value) -> Call {
        let posted = item.get("get").is_none();
        let operation = if posted { &item["post"] } else { &item["get"] };
        let mut params: Vec<Param> = Vec::new();
        let params_of = operation["parameters"].as_array().cloned().unwrap_or_default();
        // Those that calls share have no names here.
        for param in params_of.iter().filter(|param| param["$ref"].is_null()) {
            params.push(Param {
                name: param["name"].as_str().unwrap().to_owned(),
                required: param["required"] == true,
                schema: self.resolved(&param["schema"]),
            });
        }
        if let Some(body) =
            operation["requestBody"]["content"].as_object().and_then(|kinds| kinds.values().next())
        {
            let required = body["schema"]["required"].as_array().cloned().unwrap_or_default();
            for (name, schema) in body["schema"]["properties"].as_object().unwrap() {
                if params.iter().all(|param| param.name != *name) {
                    let schema = self.resolved(schema);
                    params.push(Param {
                        name: name.clone(),
                        required: required.contains(&json!(name)),
                        schema,
                    });
                }
            }
        }
        let content = &operation["responses"]["200"]["content"];
        let reply = content.get("application/json").filter(|_| content.get("text/plain").is_none());
        let tag = operation["tags"][0].as_str().unwrap_or_default().to_owned();
        Call {
            path: path[1..].to_owned(),
            tag,
            posted,
            params,
            reply: reply.map(|reply| reply["schema"].clone()),
        }
    }

    /// Every stream: its path and the schema of its frames.
    pub(crate) fn streams(&self) -> Vec<(String, Value)> {
        let paths = self.0["paths"].as_object().unwrap();
        let streams = paths.iter().filter(|(_, item)| item["get"]["x-websocket"] == true);
        streams.map(|(path, item)| (path[1..].to_owned(), item["get"]["x-ws-message"].clone())).collect()
    }

    /// The schema itself, if this is a reference to one.
    fn resolved(&self, schema: &Value) -> Value {
        match schema["$ref"].as_str() {
            Some(reference) => self.0.pointer(reference.trim_start_matches('#')).unwrap().clone(),
            None => schema.clone(),
        }
    }

    /// A checker of values.
    pub(crate) fn validator(&self, schema: &Value) -> Validator {
        let mut whole = schema.clone();
        whole["components"] = self.0["components"].clone();
        jsonschema::draft202012::new(&whole).unwrap()
    }

    /// A checker of error bodies.
    pub(crate) fn failure(&self) -> Validator {
        self.validator(&json!({ "$ref": "#/components/schemas/ExceptionResult" }))
    }
}

/// Fails unless a value is as its schema says.
#[track_caller]
pub(crate) fn check(validator: &Validator, value: &Value, what: &str) {
    let wrong: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{} at {}", error, error.instance_path())).collect();
    assert!(wrong.is_empty(), "{what}: {}\n{value}", wrong.join("\n"));
}
