//! The paths of streams.

use bus::{Topic, Topics};
use calls::reply::{
    LinkStatus, MailMessage, MarketWatch, OhlcSubscription, OrderUpdateSummary, ProfitUpdate, Quote,
    SymbolBook, SymbolTickValue, TickHistoryEventArgs, TicketProfit,
};
use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};

use super::calls::{OPTED, shared};
use super::errors;
use crate::routes::Stream;
use crate::stream::ID_NOT_EXIST;

const ABOUT: &str = "\
A WebSocket: each text frame is one JSON envelope, see x-ws-message. Nothing is sent before the first event. An \
unknown token gets one envelope of type IdNotExist. With since, each session begins with an envelope of type Resumed \
(position, isComplete; accountSummary and openedOrders if events since then are not kept any more), and order updates \
have their position. Before the service stops comes one of type serverShutdown. Close codes 1001 and 40xx mean come back with the same token, \
44xx mean connect first, or show another API key (4403). Without an upgrade programs get an error, and browsers a page that leads to the events.";

/// The path items of all streams.
pub(super) fn items(schemas: &mut SchemaGenerator) -> Vec<(String, Value)> {
    Stream::all().map(|stream| (format!("/{}", stream.name()), item(stream, schemas))).collect()
}

/// What every frame is.
pub(super) fn envelope() -> Value {
    json!({
        "type": "object",
        "description": "A frame of a stream.",
        "required": ["type", "id", "timestampUTC", "data"],
        "properties": {
            "type": { "type": "string", "description": "What data is." },
            "id": { "type": "string", "description": "Session token." },
            "timestampUTC": { "type": "integer", "format": "int64", "description": "Milliseconds since 1970 UTC." },
            "data": { "description": "The event; a sentence where the type is IdNotExist." },
        },
    })
}

fn item(stream: Stream, schemas: &mut SchemaGenerator) -> Value {
    let (data, types, kind) = match stream {
        Stream::Of(topic) => {
            let data = json!(data(topic, schemas));
            (data, json!(topic.as_str()), json!({ "const": topic.as_str() }))
        }
        Stream::Events => {
            let topics = Topics::common() | Topic::ConnectionStatus.into();
            let all: Vec<Schema> = topics.iter().map(|topic| data(topic, schemas)).collect();
            let types = topics.iter().map(Topic::as_str);
            let types: Vec<&str> = types.chain([ID_NOT_EXIST]).collect();
            (json!({ "anyOf": all }), json!(types), json!({ "enum": types }))
        }
    };
    let success = json!({
        "description": "What data holds; over plain HTTP a browser gets a page.",
        "content": {
            "application/json": { "schema": data },
            "text/html": { "schema": { "type": "string" } },
        },
    });
    let mut responses = errors::responses(&success, errors::FAILURE, errors::PROBLEM);
    responses["101"] = json!({ "description": "A WebSocket from here on." });
    json!({ "get": {
        "tags": ["WebSockets"],
        "operationId": stream.name(),
        "summary": summary(stream),
        "description": description(stream),
        "parameters": parameters(stream),
        "responses": responses,
        "x-websocket": true,
        "x-ws-type": types,
        "x-ws-message": { "allOf": [
            { "$ref": "#/components/schemas/WsEnvelope" },
            { "type": "object", "properties": { "type": kind, "data": data } },
        ] },
    } })
}

/// What the envelopes of a topic carry.
pub(crate) fn data(topic: Topic, schemas: &mut SchemaGenerator) -> Schema {
    match topic {
        Topic::Quote => schemas.subschema_for::<Quote>(),
        Topic::OrderUpdate => schemas.subschema_for::<OrderUpdateSummary>(),
        Topic::OrderProfit => schemas.subschema_for::<ProfitUpdate>(),
        Topic::TickValue => schemas.subschema_for::<SymbolTickValue>(),
        Topic::MarketWatch => schemas.subschema_for::<MarketWatch>(),
        Topic::TickHistory => schemas.subschema_for::<TickHistoryEventArgs>(),
        Topic::Mail => schemas.subschema_for::<MailMessage>(),
        Topic::OrderBook => schemas.subschema_for::<SymbolBook>(),
        Topic::Ohlc => schemas.subschema_for::<OhlcSubscription>(),
        Topic::OpenedOrdersTickets => schemas.subschema_for::<Vec<calls::Ticket>>(),
        Topic::OpenedOrdersTicketsProfit => schemas.subschema_for::<Vec<TicketProfit>>(),
        Topic::ConnectionStatus => schemas.subschema_for::<LinkStatus>(),
    }
}

fn summary(stream: Stream) -> &'static str {
    let Stream::Of(topic) = stream else { return "Streams whatever the other streams have, in one socket." };
    match topic {
        Topic::Quote => "Streams quotes of the symbols named with Subscribe.",
        Topic::OrderUpdate => "Streams what happens to orders and positions.",
        Topic::OrderProfit => "Streams how the account and everything open stand.",
        Topic::TickValue => {
            "Streams what one tick of one lot is worth, for the symbols named with SubscribeTickValue."
        }
        Topic::MarketWatch => "Streams the day's figures of symbols after SubscribeMarketWatch.",
        Topic::TickHistory => "Streams the portions of the download that TickHistoryRequest began.",
        Topic::Mail => "Stays silent: the Web Terminal protocol carries no mail.",
        Topic::OrderBook => "Streams the order books of the symbols named with SubscribeOrderBook.",
        Topic::Ohlc => "Streams the running candles named with SubscribeOhlc.",
        Topic::OpenedOrdersTickets => "Streams again and again which tickets are open.",
        Topic::OpenedOrdersTicketsProfit => {
            "Streams again and again which tickets are open, and what they would bring."
        }
        Topic::ConnectionStatus => {
            "Streams how the link to the trade server stands: at once, and whenever it is lost or restored."
        }
    }
}

fn description(stream: Stream) -> String {
    match stream {
        Stream::Of(Topic::Mail) => {
            format!("{ABOUT} This one stays open and never has any.")
        }
        _ => ABOUT.to_owned(),
    }
}

fn parameters(stream: Stream) -> Value {
    let mut all = vec![
        json!({
            "name": "id", "in": "query", "required": true,
            "description": "Token of the session, as Connect has answered it.",
            "schema": { "type": "string" },
        }),
        json!({
            "name": "ids", "in": "query", "required": false,
            "description": "Tokens of several sessions for one socket, with commas, in place of id.",
            "schema": { "type": "string" },
        }),
        json!({
            "name": "since", "in": "query", "required": false,
            "description": "Makes the stream resumable: the position of the last event received (EPOCH-OFFSET), or now; \
                            for several sessions one for each, with commas.",
            "schema": { "type": "string" },
        }),
    ];
    if !stream.is_paced() && stream != Stream::Of(Topic::ConnectionStatus) {
        all.push(json!({
            "name": "status", "in": "query", "required": false,
            "description": "True has the envelopes of /OnConnectionStatus as well: whether the link to the trade server is up.",
            "schema": { "type": "boolean", "default": false },
        }));
    }
    all.extend(shared(&OPTED));
    if stream.is_paced() {
        all.push(json!({
            "name": "interval", "in": "query", "required": false,
            "description": "Time between two events in milliseconds; the pace of the session when absent or 0.",
            "schema": { "type": "integer", "format": "int32", "minimum": 0 },
        }));
    }
    Value::Array(all)
}
