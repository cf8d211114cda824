//! What calls answer. Fields stand in the published order; every number is finite.

mod account;
mod diagnostic;
mod dry_run;
mod event;
mod filter;
mod guards;
mod keys;
mod market;
mod order;
mod prices;
mod series;
mod service;
mod statistics;
mod symbol;

pub use account::{AccounDetails, AccountAnswer, AccountRec, AccountSummary, ConnectionStatus};
pub use diagnostic::{
    CommissionInfo, CommissionTier, MailMessage, Mt5Api, NoCounterpart, SymBaseInfo, SymbolBase,
};
pub use dry_run::{Check, Costs, DryRun, MarginChange, Request};
pub use event::{LinkStatus, OrderUpdate, OrderUpdateSummary, ProfitUpdate, TicketProfit, TransactionInfo};
pub use filter::Filtered;
pub use guards::{GuardReport, GuardState};
pub use keys::ApiKeyInfo;
pub use market::{
    BookBar, MarketWatch, Session, SessionState, SymbolBook, SymbolSessions, SymbolTickValue,
    TickValueWithSize,
};
pub use order::{DealInternal, Order, OrderHistoryEventArgs, OrderInternal, PaginationReply};
pub use prices::{BarsForSymbol, OhlcSubscription, QuoteHistoryEventArgs, TickBar, TickHistoryEventArgs};
pub use series::Series;
pub use service::{
    Access, AccessEx, AccessRec, AccessRecEx, AddressRec, AddressRecEx, ClusterDetails, Company, FoundServer,
    LicenseStatus, LoginState, MemorySnapshot, MetricAccountData, MetricPodData, MetricsApiKeyResult,
    QuarantinedSession, Server, ServerInfo, ServerInfoEx, ServerRec,
};
pub use statistics::{
    AveragePipsUsd, EquityPoint, Expectancy, MarketTradeCount, ProfitData, Profitability, Stats,
    StatsWithCharts, TradeSummary, TradeUnrealizedExtrema, Won, ZScore,
};
pub use symbol::{Bar, Quote, SymGroup, SymbolInfo, SymbolParams};

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use error::Error;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use crate::json;

/// An encoded reply. It is made once, by who answers the call, and forwarded as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// A bare text such as a token or OK; how it is dressed depends on what the client accepts.
    Text(String),
    /// A JSON document.
    Json(Bytes),
    /// A web page.
    Html(String),
}

impl Payload {
    /// How many bytes it has.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Text(text) | Self::Html(text) => text.len(),
            Self::Json(json) => json.len(),
        }
    }
}

/// The kinds of [`Payload`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyKind {
    /// A bare text.
    Text,
    /// A JSON document.
    Json,
    /// A web page.
    Html,
}

/// Something a call can answer.
pub trait Reply: Serialize + JsonSchema + Sized {
    /// How it is encoded.
    const KIND: ReplyKind = ReplyKind::Json;

    /// Encodes it.
    fn payload(&self) -> Result<Payload, Error> {
        json(self).map(Payload::Json)
    }
}

/// A bare text, such as a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Text(Cow<'static, str>);

impl Text {
    /// The answer of calls that have nothing to say but success.
    pub const OK: Text = Text(Cow::Borrowed("OK"));

    /// Any other text.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self(text.into())
    }
}

impl JsonSchema for Text {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_schemas: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

impl Reply for Text {
    const KIND: ReplyKind = ReplyKind::Text;

    fn payload(&self) -> Result<Payload, Error> {
        Ok(Payload::Text(self.0.clone().into_owned()))
    }
}

/// A web page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Html(pub String);

impl Reply for Html {
    const KIND: ReplyKind = ReplyKind::Html;

    fn payload(&self) -> Result<Payload, Error> {
        Ok(Payload::Html(self.0.clone()))
    }
}

/// What is answered as JSON.
macro_rules! json_replies {
    ($($reply:ty),+ $(,)?) => { $(impl Reply for $reply {})+ };
}

json_replies!(
    ApiKeyInfo,
    AccounDetails,
    AccountAnswer,
    AccountRec,
    AccountSummary,
    Bar,
    BarsForSymbol,
    ClusterDetails,
    Company,
    ConnectionStatus,
    DealInternal,
    DryRun,
    EquityPoint,
    GuardReport,
    LicenseStatus,
    LoginState,
    MailMessage,
    MarketWatch,
    MemorySnapshot,
    MetricAccountData,
    MetricsApiKeyResult,
    Mt5Api,
    Order,
    OrderHistoryEventArgs,
    OrderInternal,
    PaginationReply,
    QuarantinedSession,
    Quote,
    QuoteHistoryEventArgs,
    Server,
    SessionState,
    Stats,
    StatsWithCharts,
    String,
    SymbolInfo,
    SymbolParams,
    SymbolSessions,
    TickValueWithSize,
    TradeUnrealizedExtrema,
    bool,
    f64,
    i32,
    crate::ServerClock,
    crate::Ticket,
);

impl<T: Reply> Reply for Filtered<T> {}
impl<T: Reply> Reply for Vec<T> {}
impl<T: Reply> Reply for Series<T> {}
impl<T: Reply> Reply for BTreeMap<String, T> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ServerTime, UtcTime};

    fn text<R: Reply>(reply: &R) -> String {
        match reply.payload().unwrap() {
            Payload::Json(json) => String::from_utf8(json.to_vec()).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn fields_stand_in_the_published_order_with_their_published_names() {
        let quote = Quote {
            symbol: "EURUSD".to_owned(),
            bid: 1.1,
            ask: 1.25,
            time: ServerTime::from_ms(1_789_088_473_176),
            last: 0.0,
            volume: 0,
            timestamp_utc: 5,
        };
        let expected = concat!(
            r#"{"symbol":"EURUSD","bid":1.1,"ask":1.25,"time":"2026-09-11T01:01:13.176","#,
            r#""last":0,"volume":0,"timestampUTC":5}"#
        );
        assert_eq!(text(&quote), expected);
        let status = ConnectionStatus {
            id: "t".to_owned(),
            is_connected: true,
            connect_time_utc: UtcTime::from_ms(1),
            last_quote_time_utc: UtcTime::NULL,
            client_ip: None,
        };
        let expected = concat!(
            r#"{"id":"t","isConnected":true,"connectTimeUTC":"1970-01-01T00:00:00.0010000Z","#,
            r#""lastQuoteTimeUTC":"0001-01-01T00:00:00","clientIp":null}"#
        );
        assert_eq!(text(&status), expected);
    }

    #[test]
    fn texts_are_not_json() {
        assert_eq!(Text::OK.payload().unwrap(), Payload::Text("OK".to_owned()));
    }
}
