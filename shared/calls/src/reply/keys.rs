//! API keys, as administrators see them.

use schemars::JsonSchema;
use serde::Serialize;

/// An API key, without its secret.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyInfo {
    /// By what it is known: the eight characters after the kind in the key.
    pub id: String,
    /// Whose it is.
    pub tenant: String,
    /// live, test or admin.
    pub kind: String,
    /// What it allows.
    pub scopes: Vec<String>,
    /// Only accounts that their server reports as demo accounts.
    pub demo_only: bool,
    /// Only orders that close, delete or protect.
    pub reduce_only: bool,
    /// Only these accounts, by login; any if there are none, here and below.
    pub accounts: Vec<u64>,
    /// Only these brokers.
    pub brokers: Vec<String>,
    /// Only callers from these networks.
    pub networks: Vec<String>,
    /// Most lots of an order, as a decimal number; null if there is no limit.
    pub volume_max: Option<String>,
    /// How often something may be done instead of the usual, such as orders=10/60s; empty if the usual holds.
    pub rates: String,
    /// When it was made, in milliseconds since 1970 UTC, as all times here.
    pub created: i64,
    /// From when on it is of no use.
    pub expires: i64,
    /// When it was revoked; null if it was not.
    pub revoked: Option<i64>,
    /// When it was used last, told with some delay; null if never.
    pub last_use: Option<i64>,
}
