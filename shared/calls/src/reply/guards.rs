//! Guards of accounts.

use schemars::JsonSchema;
use serde::Serialize;

use crate::UtcTime;

/// The guards of an account, and where it stands.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GuardReport {
    /// What the account is worth now, in the deposit currency; null while that is not known.
    pub equity: Option<f64>,
    /// What it has lost today by the server's clock, below zero what it has won; null while that is not known.
    pub day_loss: Option<f64>,
    /// Those of the account first, then those of keys that have traded it.
    pub guards: Vec<GuardState>,
}

/// The guards of an account, or of a key. What is null is not guarded.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GuardState {
    /// The key that they are of; null for those of the account.
    pub key: Option<String>,
    /// What a day may lose at most.
    pub daily_loss: Option<f64>,
    /// What the equity must stay above.
    pub equity_floor: Option<f64>,
    /// The lots that positions and pending orders may have together.
    pub lots_max: Option<f64>,
    /// The same for each symbol.
    pub symbol_lots_max: Option<f64>,
    /// How many positions there may be.
    pub positions_max: Option<u32>,
    /// Whether positions are closed when one trips.
    pub close_all: bool,
    /// What has tripped; null if nothing has. Until it is reset, or the day is over whose loss it was, only what reduces is let
    /// through.
    pub tripped_by: Option<String>,
    /// When that was.
    #[serde(rename = "trippedAtUTC")]
    pub tripped_at_utc: UtcTime,
}
