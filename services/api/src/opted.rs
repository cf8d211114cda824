//! What a client may opt for on any call or stream of a session: tickets as texts, and times with their zone.
//!
//! Replies and frames are made once, for all; they are rewritten here for who asks, by the schemas of their declarations.

mod rewrite;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use access::Caller;
use bus::{Ask, Params, Payload, Topic};
use bytes::Bytes;
use calls::params::Field;
use calls::reply::DryRun;
use calls::{CallId, OF_SERVER_CLOCK, ServerClock, ServerTime, TICKETS_AS_TEXT, ZONED};
use error::{Code, Error};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use self::rewrite::Rules;
use crate::front::Front;
use crate::openapi::{Description, stream_data};
use crate::stream::RESUMED;

/// How long a stream takes the server's clock for known: it is set twice a year.
const CLOCK_KNOWN: Duration = Duration::from_secs(5);

/// What a client asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    has_texts: bool,
    has_zones: bool,
}

impl Wish {
    /// Reads it; most clients ask for nothing.
    pub(crate) fn read(params: &Params) -> Result<Option<Self>, Error> {
        let asked = |name: &str| Option::<bool>::read(params, name).map(|asked| asked == Some(true));
        let wish = Self { has_texts: asked(TICKETS_AS_TEXT)?, has_zones: asked(ZONED)? };
        Ok((wish != Self::default()).then_some(wish))
    }

    /// With the server's clock, if zones are asked for.
    pub(crate) async fn dress(self, front: &Front, id: &str, caller: &Arc<Caller>) -> Result<Dress, Error> {
        let clock = if self.has_zones { Some(server_clock(front, id, caller).await?) } else { None };
        Ok(Dress { has_texts: self.has_texts, clock })
    }
}

/// The clock of a session's server.
async fn server_clock(front: &Front, id: &str, caller: &Arc<Caller>) -> Result<ServerClock, Error> {
    let ask = Ask {
        call: CallId::of::<calls::symbols::ServerClock>(),
        params: Params::from_iter([("id", id)]),
        id: Some(id.to_owned()),
        // It is asked for on the way to what the caller may have.
        caller: caller.reading(),
        deadline: Instant::now() + front.settings.call_timeout,
        idempotency_key: None,
        source: None,
    };
    let Payload::Json(clock) = front.backend.ask(ask).await.result? else {
        return Err(Error::internal("a clock that is no JSON"));
    };
    serde_json::from_slice(&clock).map_err(Error::internal)
}

/// How replies and frames are dressed for a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dress {
    has_texts: bool,
    clock: Option<ServerClock>,
}

/// What a frame is, and of which session.
#[derive(Deserialize)]
struct Head<'f> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'f, str>,
    #[serde(rename = "id", borrow, default)]
    token: Option<Cow<'f, str>>,
}

/// The schema of a frame whose data have this one.
fn in_frame(data: &Value) -> Value {
    json!({ "properties": { "data": data } })
}

/// Under what name the answer to a trade is known that is only tried.
pub(crate) const DRY_RUN_REPLY: &str = "DryRun";

/// Schemas of what calls answer and streams carry, and which parameters are times.
#[derive(Debug)]
pub(crate) struct Shapes {
    replies: HashMap<&'static str, Value>,
    times: HashMap<&'static str, Vec<&'static str>>,
    streams: HashMap<&'static str, Value>,
    definitions: Map<String, Value>,
}

impl Shapes {
    pub(crate) fn new() -> Self {
        let Description { calls, mut schemas } = Description::new();
        let (mut replies, mut times) = (HashMap::new(), HashMap::new());
        for call in &calls {
            let dates = call.params.iter().filter(|param| param.schema.get(OF_SERVER_CLOCK).is_some());
            let dates: Vec<&str> = dates.map(|param| param.name).collect();
            for name in call.names {
                replies.insert(*name, call.reply.clone().to_value());
                times.insert(*name, dates.clone());
            }
        }
        replies.insert(DRY_RUN_REPLY, schemas.subschema_for::<DryRun>().to_value());
        let mut streams: HashMap<&str, Value> = Topic::ALL
            .into_iter()
            .map(|topic| (topic.as_str(), in_frame(&stream_data(topic, &mut schemas).to_value())))
            .collect();
        let of = |name: &str| replies.get(name).cloned().unwrap_or_default();
        let resumed = json!({ "properties": {
            "accountSummary": of("AccountSummary"),
            "openedOrders": of("OpenedOrders"),
        } });
        streams.insert(RESUMED, in_frame(&resumed));
        Self { replies, times, streams, definitions: schemas.take_definitions(true) }
    }

    /// The parameters of a call with their times on the server's clock.
    pub(crate) fn on_server_clock(&self, call: &str, params: Params, dress: Dress) -> Result<Params, Error> {
        let (Some(clock), Some(times)) = (dress.clock, self.times.get(call)) else {
            return Ok(params);
        };
        let is_time = |name: &str| times.iter().any(|time| time.eq_ignore_ascii_case(name));
        let told = |(name, value): (&str, &str)| {
            if !is_time(name) || value.trim().is_empty() {
                return Ok((name.to_owned(), value.to_owned()));
            }
            let accepts =
                "a date such as 2026-01-31T00:00:00, 2026-01-31T00:00:00Z or 2026-01-31T00:00:00%2B03:00";
            let time = ServerTime::parse_zoned(value, clock);
            let time = time.ok_or_else(|| Error::invalid_param(name, value, accepts))?;
            Ok((name.to_owned(), time.to_string()))
        };
        params.pairs().map(told).collect::<Result<Vec<_>, Error>>().map(Params::from_iter)
    }

    /// A reply as its client wants it.
    pub(crate) fn reply(&self, call: &str, payload: Payload, dress: Dress) -> Result<Payload, Error> {
        let (Payload::Json(json), Some(schema)) = (&payload, self.replies.get(call)) else {
            return Ok(payload);
        };
        self.rewrite(json, schema, dress).map(Payload::Json)
    }

    fn rewrite(&self, json: &[u8], schema: &Value, dress: Dress) -> Result<Bytes, Error> {
        let rules = Rules { definitions: &self.definitions, dress };
        rules.rewrite(json, schema).map(Bytes::from).map_err(Error::internal)
    }
}

/// Dresses the frames of one socket.
pub(crate) struct Dresser {
    front: Arc<Front>,
    caller: Arc<Caller>,
    wish: Wish,
    known: HashMap<String, (Dress, Instant)>,
}

impl Dresser {
    pub(crate) fn new(front: &Arc<Front>, caller: Arc<Caller>, wish: Wish) -> Self {
        Self { front: Arc::clone(front), caller, wish, known: HashMap::new() }
    }

    /// A frame as the client wants it.
    pub(crate) async fn frame(&mut self, frame: Bytes) -> Result<Bytes, Error> {
        let head: Head = serde_json::from_slice(&frame).map_err(Error::internal)?;
        let shapes = &Arc::clone(&self.front).shapes;
        let Some(schema) = shapes.streams.get(&*head.kind) else { return Ok(frame) };
        let dress = self.dress_of(head.token.unwrap_or_default().into_owned()).await?;
        shapes.rewrite(&frame, schema, dress)
    }

    async fn dress_of(&mut self, token: String) -> Result<Dress, Error> {
        let known = self.known.get(&token).copied();
        if let Some((dress, _)) = known.filter(|(_, at)| at.elapsed() < CLOCK_KNOWN) {
            return Ok(dress);
        }
        let dress = match (self.wish.dress(&self.front, &token, &self.caller).await, known) {
            (Ok(dress), _) | (Err(_), Some((dress, _))) => dress,
            (Err(error), None) => return Err(Error::new(Code::NoConnection, error.detail().to_owned())),
        };
        self.known.insert(token, (dress, Instant::now()));
        Ok(dress)
    }
}

#[cfg(test)]
mod tests {
    use calls::NAMES_SOMETHING;

    use super::*;

    /// Names in replies that end like those of identifiers, and are none of 64 bits that grow.
    const OTHERS: [&str; 6] = ["login", "user", "requestId", "updateId", "id", "symbolId"];

    fn walk(name: &str, schema: &Value, see: &mut impl FnMut(&str, &Value)) {
        match schema {
            Value::Object(fields) => {
                see(name, schema);
                for (key, inner) in fields {
                    match inner {
                        Value::Object(properties) if key == "properties" => {
                            properties.iter().for_each(|(name, schema)| walk(name, schema, see));
                        }
                        inner => walk(name, inner, see),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| walk(name, item, see)),
            _ => {}
        }
    }

    /// All schemas of replies and frames.
    fn each(see: &mut impl FnMut(&str, &Value)) {
        let shapes = Shapes::new();
        let schemas = shapes.replies.iter().chain(&shapes.streams);
        schemas.for_each(|(name, schema)| walk(name, schema, see));
        shapes.definitions.iter().for_each(|(name, schema)| walk(name, schema, see));
    }

    #[test]
    fn every_number_that_names_something_is_declared_so() {
        let mut marked = 0;
        each(&mut |name, schema| {
            let is_wide = matches!(schema["format"].as_str(), Some("uint64" | "int64"));
            let lower = name.to_ascii_lowercase();
            let is_named =
                ["ticket", "tickets", "tiket", "number", "id"].iter().any(|end| lower.ends_with(end));
            if is_wide && is_named && !OTHERS.contains(&name) {
                assert_eq!(schema[NAMES_SOMETHING], true, "{name}: {schema}");
            }
            marked += usize::from(schema[NAMES_SOMETHING] == true);
        });
        assert!(marked >= 14, "{marked}");
    }

    #[test]
    fn every_time_says_whose_clock_it_is_of() {
        let mut marked = 0;
        each(&mut |name, schema| {
            let is_date = schema["format"] == "date-time";
            assert!(!is_date || schema[OF_SERVER_CLOCK] == true || name.contains("UTC"), "{name}: {schema}");
            marked += usize::from(schema[OF_SERVER_CLOCK] == true);
        });
        assert!(marked > 10, "{marked}");
    }

    #[test]
    fn what_is_asked_for_is_rewritten_and_nothing_else() {
        let shapes = Shapes::new();
        let (big, text) = (9_007_199_254_740_993_u64, "9007199254740993");
        let order = json!({
            "ticket": big, "openTime": "2026-01-31T01:02:03", "closeTime": "0001-01-01T00:00:00", "volume": big,
            "expertId": -5, "dealInternalIn": { "orderTicket": big }, "partialFillDeals": [{ "ticketNumber": big }],
            "orderInternal": null, "comment": "2026-01-31T01:02:03",
        });
        let all = Dress { has_texts: true, clock: Some(ServerClock::fixed(180 * 60_000)) };
        let dressed = |value: &Value, dress| {
            let payload = Payload::Json(calls::json(value).unwrap());
            match shapes.reply("OpenedOrders", payload, dress).unwrap() {
                Payload::Json(json) => serde_json::from_slice::<Value>(&json).unwrap()[0].clone(),
                other => panic!("{other:?}"),
            }
        };
        let shown = dressed(&json!([order]), all);
        let expected = json!({
            "ticket": text, "openTime": "2026-01-31T01:02:03+03:00", "closeTime": "0001-01-01T00:00:00", "volume": big,
            "expertId": "-5", "dealInternalIn": { "orderTicket": text }, "partialFillDeals": [{ "ticketNumber": text }],
            "orderInternal": null, "comment": "2026-01-31T01:02:03",
        });
        assert_eq!(shown, expected);
        let one = Dress { has_texts: false, clock: None };
        assert_eq!(dressed(&json!([order]), one), order);
    }

    #[test]
    fn what_is_not_asked_for_stays_as_it_is_written() {
        let (shapes, all) = (Shapes::new(), Dress { has_texts: true, clock: Some(ServerClock::fixed(0)) });
        let text = r#"[{"zzz":1,"volume":0.1,"comment":"\"\u0007\n\u00fc","swap":-0.5,"profit":1e300,"lots":[],"unknown":{"a":[true,false,null,-7]}}]"#;
        let rewritten = shapes.reply("OpenedOrders", Payload::Json(text.into()), all).unwrap();
        let Payload::Json(json) = rewritten else { panic!("{rewritten:?}") };
        assert_eq!(json, text.replace("\\u00fc", "ü").replace("1e300", "1e+300"));
        for wrong in ["[", "[1,]", "[] []", ""] {
            assert!(shapes.reply("OpenedOrders", Payload::Json(wrong.into()), all).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_rewritten_reply_is_at_most_twice_as_long() {
        let (shapes, all) = (Shapes::new(), Dress { has_texts: true, clock: Some(ServerClock::fixed(0)) });
        let time = r#"{"openTime":"2026-01-31T01:02:03"}"#;
        for (call, item) in
            [("OpenedOrders", r#"{"ticket":1}"#), ("OpenedOrders", time), ("OpenedOrdersTickets", "1")]
        {
            let text = format!("[{}]", vec![item; 1000].join(","));
            let rewritten = shapes.reply(call, Payload::Json(text.clone().into()), all).unwrap();
            let Payload::Json(json) = rewritten else { panic!("{rewritten:?}") };
            assert!(
                json.len() > text.len() && json.len() <= 2 * text.len(),
                "{item}: {} of {}",
                json.len(),
                text.len()
            );
        }
    }

    #[test]
    fn times_that_are_given_are_put_on_the_servers_clock() {
        let (shapes, dress) =
            (Shapes::new(), Dress { has_texts: false, clock: Some(ServerClock::fixed(120 * 60_000)) });
        let params = Params::from_iter([("From", "2026-01-31T01:00:00Z"), ("to", ""), ("comment", "1Z")]);
        let told = shapes.on_server_clock("OrderHistory", params, dress).unwrap();
        assert_eq!(told.get("from"), Some("2026-01-31T03:00:00"));
        assert_eq!(told.get("comment"), Some("1Z"));
        let wrong = Params::from_iter([("from", "2026-01-31T01:00:00+77:00")]);
        assert_eq!(
            shapes.on_server_clock("OrderHistory", wrong, dress).unwrap_err().code(),
            Code::InvalidParam
        );
    }
}
