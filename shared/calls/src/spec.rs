//! What the declarations say about each call, for documents and tests.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crate::params::{Field, Param};
use crate::{Call, Policy, ReplyKind};

/// The description of one call.
#[derive(Debug, Clone)]
pub struct CallSpec {
    /// The name it is known by on the bus.
    pub name: &'static str,
    /// Every path it answers to, its own name first.
    pub names: &'static [&'static str],
    /// The group it is listed under.
    pub tag: &'static str,
    /// What it may do.
    pub policy: Policy,
    /// One sentence.
    pub summary: &'static str,
    /// Parameters in declared order.
    pub params: Vec<ParamSpec>,
    /// The kind of body it answers.
    pub kind: ReplyKind,
    /// The schema of its reply; objects are references into the generator's definitions.
    pub reply: Schema,
}

impl CallSpec {
    /// Describes a call.
    pub fn of<C: Call>(schemas: &mut SchemaGenerator) -> Self {
        let mut params = Vec::new();
        <C as Field>::describe("", "", &mut Parameters { schemas, list: &mut params });
        let reply = schemas.subschema_for::<C::Reply>();
        let kind = <C::Reply as crate::Reply>::KIND;
        Self {
            name: C::NAME,
            names: C::NAMES,
            tag: C::TAG,
            policy: C::POLICY,
            summary: C::SUMMARY.trim_ascii(),
            params,
            kind,
            reply,
        }
    }

    /// True when the call may come as POST as well, since it carries the password of a new session.
    pub fn may_be_posted(&self) -> bool {
        self.policy.connects() && !self.policy.needs_session()
    }

    /// True when the call carries a password, which should not stand in a URL.
    pub fn has_secrets(&self) -> bool {
        self.params.iter().any(ParamSpec::is_secret)
    }
}

/// The description of one parameter.
#[derive(Debug, Clone)]
pub struct ParamSpec {
    /// The name as published.
    pub name: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// The call fails without it.
    pub required: bool,
    /// Its schema, with the default if it has one.
    pub schema: Schema,
}

impl ParamSpec {
    /// True for a password, which should not stand in a URL.
    pub fn is_secret(&self) -> bool {
        self.has_format("password")
    }

    /// True for a file, which needs a body.
    pub fn is_file(&self) -> bool {
        self.has_format("binary")
    }

    fn has_format(&self, format: &str) -> bool {
        self.schema.get("format").and_then(Value::as_str) == Some(format)
    }
}

/// Collects the parameters of a call while they are described.
#[derive(Debug)]
pub struct Parameters<'a> {
    schemas: &'a mut SchemaGenerator,
    list: &'a mut Vec<ParamSpec>,
}

impl Parameters<'_> {
    /// Adds a parameter.
    pub fn add<T: JsonSchema>(&mut self, name: &'static str, doc: &'static str, required: bool) {
        let schema = self.schema::<T>();
        self.list.push(ParamSpec { name, doc: doc.trim_ascii(), required, schema });
    }

    /// Adds an optional parameter with a default.
    pub fn add_with_default<T: Param>(&mut self, name: &'static str, doc: &'static str, default: &T) {
        let mut schema = self.schema::<T>();
        if let Ok(value) = serde_json::to_value(default) {
            schema.insert("default".to_owned(), value);
        }
        self.list.push(ParamSpec { name, doc: doc.trim_ascii(), required: false, schema });
    }

    /// The schema of a value as it is given. A date has no zone there, so it is not what the format says, and
    /// programs that go by the format would send one.
    fn schema<T: JsonSchema>(&mut self) -> Schema {
        let mut schema = self.schemas.subschema_for::<T>();
        if schema.get("format").and_then(Value::as_str) == Some("date-time") {
            schema.remove("format");
        }
        schema
    }
}

/// The schema of an enum: names, and the number of each for queries.
pub(crate) fn enum_schema(values: &[(&str, i64)]) -> Schema {
    let names: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
    let numbers: serde_json::Map<String, Value> =
        values.iter().map(|(name, number)| ((*name).to_owned(), json!(number))).collect();
    json_schema!({
        "type": "string",
        "description": "Replies print the name; a query accepts the name or the number.",
        "enum": names,
        "x-enum-numbers": numbers,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyCall, CallId, Reach};

    fn named(is_wanted: impl Fn(&CallSpec) -> bool) -> Vec<&'static str> {
        let specs = AnyCall::specs(&mut SchemaGenerator::default());
        specs.iter().filter(|call| is_wanted(call)).map(|call| call.name).collect()
    }

    #[test]
    fn calls_about_a_session_have_its_token() {
        let with_token = named(|call| call.params.iter().any(|param| param.name == "id" && param.required));
        let about_one = named(|call| call.policy.needs_session());
        assert_eq!(about_one, with_token);
    }

    #[test]
    fn calls_say_whose_sessions_they_are_about() {
        let of = |reach| named(|call| call.policy.reach == reach);
        assert_eq!(
            of(Reach::All),
            ["ConnectionStatusAll", "DisconnectOrphans", "MetricsApiKey", "GetClients"]
        );
        assert_eq!(of(Reach::Kept), ["ConnectByToken"]);
        assert!(of(Reach::None).starts_with(&["Connect", "ConnectEx"]));
        assert!(of(Reach::Session).contains(&"OrderSend"));
    }

    #[test]
    fn calls_that_change_something_do_not_pass_for_reads() {
        let changing = named(|call| !call.policy.only_reads());
        for call in ["Connect", "Disconnect", "DisconnectOrphans", "GetDemo", "ChangePassword", "Subscribe"] {
            assert!(changing.contains(&call), "{call}");
        }
        let reading = named(|call| call.policy.only_reads());
        for call in ["AccountSummary", "ConnectionStatus", "Search", "GetQuote", "SubscribedSymbols"] {
            assert!(reading.contains(&call), "{call}");
        }
    }

    #[test]
    fn calls_that_connect_to_what_they_name_say_so() {
        let dialling = ["Connect", "ConnectEx", "ConnectProxy", "ConnectProxyEx", "ConnectCert"];
        let others = ["GetDemo", "PingHost", "PingHostMany"];
        assert_eq!(named(|call| call.policy.dials), [&dialling[..], &others].concat());
        for call in AnyCall::specs(&mut SchemaGenerator::default()) {
            let names_one = call.params.iter().any(|param| param.name.to_lowercase().contains("host"));
            assert!(!names_one || call.policy.dials, "{} has a host", call.name);
        }
    }

    #[test]
    fn only_orders_trade_and_only_they_have_safe_names() {
        let trading = named(|call| call.policy.trades());
        assert!(trading.iter().all(|name| name.starts_with("Order")), "{trading:?}");
        for id in CallId::all() {
            assert_eq!(id.is_safe(), id.name().ends_with("Safe"), "{id}");
            assert!(!id.is_safe() || trading.contains(&id.call()), "{id}");
        }
    }
}
