//! What calls answer. Fields stand in the published order; every number is finite.

mod account;
mod event;
mod filter;
mod order;
mod symbol;

pub use account::{AccounDetails, AccountAnswer, AccountRec, AccountSummary, ConnectionStatus};
pub use event::{OrderUpdate, OrderUpdateSummary, ProfitUpdate, TransactionInfo};
pub use filter::Filtered;
pub use order::{DealInternal, Order, OrderHistoryEventArgs, OrderInternal};
pub use symbol::{Bar, Quote, SymGroup, SymbolInfo, SymbolParams};

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use error::Error;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

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
        json_payload(self)
    }
}

/// Encodes a value as JSON.
fn json_payload(value: &impl Serialize) -> Result<Payload, Error> {
    let json = serde_json::to_vec(value).map_err(|e| Error::internal(format!("encoding a reply: {e}")))?;
    Ok(Payload::Json(json.into()))
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

impl Reply for u64 {}
impl Reply for String {}
impl Reply for AccounDetails {}
impl Reply for AccountAnswer {}
impl Reply for AccountRec {}
impl Reply for AccountSummary {}
impl Reply for Bar {}
impl Reply for ConnectionStatus {}
impl Reply for Order {}
impl Reply for OrderHistoryEventArgs {}
impl Reply for Quote {}
impl Reply for SymbolInfo {}
impl Reply for SymbolParams {}
impl<T: Reply> Reply for Filtered<T> {}
impl<T: Reply> Reply for Vec<T> {}
impl<T: Reply> Reply for BTreeMap<String, T> {}
