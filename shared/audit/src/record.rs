//! What is said of one call.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One call that changed something, or was to. Secrets are none of its parameters. Its fields are written in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Record {
    /// When it was answered, in milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// Whose call it was.
    pub tenant: String,
    /// The id of the key that it was made with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The address that it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The login number of the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<u64>,
    /// The call, by its own name.
    pub call: String,
    /// Its parameters, as they came, but for secrets.
    pub params: BTreeMap<String, String>,
    /// Why it was made, in the caller's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Names the request.
    pub request: String,
    /// The trace that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// What became of it: applied, rejected, not_sent, unknown; or failed, of a call that is no trade.
    pub outcome: String,
    /// The error code, or OK.
    pub code: String,
    /// The position or order that it made or changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<u64>,
    /// How long it took, in milliseconds.
    pub latency_ms: u64,
}
