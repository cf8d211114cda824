//! Replies about the account and its session.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::values::AccMethod;
use crate::{ServerTime, UtcTime};

/// The account record as the trade server has it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountRec {
    /// Login number.
    pub login: u64,
    /// Account kind: demo, contest or real.
    #[serde(rename = "type")]
    pub kind: String,
    /// Holder's name.
    pub user_name: String,
    /// Bit field of rights.
    pub trade_flags: i32,
    /// Holder's country.
    pub country: String,
    /// Holder's city.
    pub city: String,
    /// Holder's state or region.
    pub state: String,
    /// Holder's postal code.
    pub zip_code: String,
    /// Holder's street.
    pub user_address: String,
    /// Holder's phone.
    pub phone: String,
    /// Holder's mail address.
    pub email: String,
    /// Balance at the last update of the record, in the deposit currency.
    pub balance: f64,
    /// Credit in the deposit currency.
    pub credit: f64,
    /// Blocked money in the deposit currency.
    pub blocked: f64,
    /// Leverage, such as 100 for 1:100.
    pub leverage: i32,
}

/// How the account stands at present prices.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountSummary {
    /// Balance in the deposit currency.
    pub balance: f64,
    /// Credit in the deposit currency.
    pub credit: f64,
    /// What all open positions would bring now, in the deposit currency.
    pub profit: f64,
    /// Balance, credit and floating profit in the deposit currency.
    pub equity: f64,
    /// Margin in use in the deposit currency.
    pub margin: f64,
    /// Margin left in the deposit currency.
    pub free_margin: f64,
    /// Equity over margin in percent; 0 when no margin is used.
    pub margin_level: f64,
    /// Leverage, such as 100 for 1:100.
    pub leverage: f64,
    /// Deposit currency.
    pub currency: String,
    /// Netting or hedging.
    pub method: AccMethod,
    /// Account kind: demo or real.
    #[serde(rename = "type")]
    pub kind: String,
    /// The login used the read-only password.
    pub is_investor: bool,
    /// True when positions and orders are completely loaded.
    pub synced: bool,
}

/// Identity and surroundings of the account.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccounDetails {
    /// Broker server name.
    pub server_name: String,
    /// Login number.
    pub user: u64,
    /// Always null: passwords are never shown.
    #[schemars(with = "Option<String>")]
    pub password: (),
    /// Address in use.
    pub host: String,
    /// TCP port in use.
    pub port: u16,
    /// The trade server's clock now.
    pub server_time: ServerTime,
    /// Offset of the trade server's clock from UTC in hours.
    pub server_time_zone: i32,
    /// Broker company.
    pub company: String,
    /// Deposit currency.
    pub currency: String,
    /// Holder's name.
    pub account_name: String,
    /// The group that the account is in.
    pub group: String,
    /// Account kind: demo, contest or real.
    pub account_type: String,
    /// Leverage, such as 100 for 1:100.
    pub account_leverage: i32,
    /// Netting or hedging.
    pub account_method: AccMethod,
    /// The login used the read-only password.
    pub is_investor: bool,
}

/// State of one session.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionStatus {
    /// Session token.
    pub id: String,
    /// True while the link to the trade server is up.
    pub is_connected: bool,
    /// Last successful login.
    #[serde(rename = "connectTimeUTC")]
    pub connect_time_utc: UtcTime,
    /// Last quote received; no date before the first.
    #[serde(rename = "lastQuoteTimeUTC")]
    pub last_quote_time_utc: UtcTime,
    /// The account's address as the trade server sees it, when known.
    pub client_ip: Option<String>,
}

/// Login and passwords of a new demo account.
#[derive(Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountAnswer {
    /// New login.
    pub login: u64,
    /// Master password.
    pub password: String,
    /// Read-only password.
    pub investor: String,
}

impl fmt::Debug for AccountAnswer {
    /// Without the passwords.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("AccountAnswer").field("login", &self.login).finish_non_exhaustive()
    }
}
