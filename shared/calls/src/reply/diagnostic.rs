//! The diagnostic view of a session.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::{AccountRec, AddressRec, ServerRec, SymGroup, SymbolInfo, SymbolSessions};
use crate::ServerTime;
use crate::values::{
    AccMethod, CommissionEntry, CommissionMode, CommissionPeriod, CommissionType, CommissionUnit, MarginMode,
    PlacedType, ProxyType,
};

/// A session as its owner sees it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "MT5API")]
pub struct Mt5Api {
    /// Milliseconds to wait for the verdict on an order before it is looked for.
    pub execution_timeout: i32,
    /// Origin mark of orders.
    pub placed_type: PlacedType,
    /// Whether only public addresses may be connected to.
    pub disallow_local_connections: bool,
    /// Whether the session goes through a proxy.
    pub proxy_enable: bool,
    /// Proxy address.
    pub proxy_host: Option<String>,
    /// Proxy port.
    pub proxy_port: i32,
    /// Proxy login.
    pub proxy_user: Option<String>,
    /// Proxy protocol.
    pub proxy_type: ProxyType,
    /// Milliseconds that GetQuote waits for a quote.
    pub get_quote_timeout_ms: i32,
    /// Milliseconds that the load of the history may take.
    pub download_order_history_timeout: i32,
    /// The symbols, without their parameters.
    pub symbols: SymbolBase,
    /// Milliseconds of silence before a forced reconnect.
    pub no_server_messages_timeout: i32,
    /// When the server was heard last, UTC.
    pub last_server_message_time: ServerTime,
    /// Trade server name.
    pub server: String,
    /// Milliseconds that a login may take.
    pub connect_timeout: i32,
    /// Milliseconds that a login at one address may take.
    pub connect_timeout_for_one_cluster_member: i32,
    /// The account record.
    pub account: AccountRec,
    /// When the login succeeded, UTC.
    pub connect_time: ServerTime,
    /// Session token.
    pub id: String,
    /// Address in use.
    pub host: String,
    /// TCP port in use.
    pub port: i32,
    /// Last tick on the trade server's clock.
    pub last_quote_time: ServerTime,
    /// The trade server's clock now.
    pub server_time: ServerTime,
    /// Offset of the trade server's clock from UTC in minutes.
    pub server_time_zone_in_minutes: i32,
    /// The trade server.
    pub cluster_summary: ServerRec,
    /// Its addresses.
    pub cluster_members: BTreeMap<String, Vec<AddressRec>>,
    /// Deposit currency.
    pub account_currency: String,
    /// Build of the trade server.
    pub server_build: i32,
    /// Broker company.
    pub account_company_name: String,
    /// Netting or hedging.
    pub account_method: AccMethod,
    /// Floating profit in the deposit currency.
    pub account_profit: f64,
    /// Margin in use in the deposit currency.
    pub account_margin: f64,
    /// Equity over margin in per cent.
    pub margin_level: f64,
    /// Margin left in the deposit currency.
    pub account_free_margin: f64,
    /// Equity in the deposit currency.
    pub account_equity: f64,
    /// Whether the link is up.
    pub connected: bool,
    /// Login number.
    pub user: u64,
    /// Whether every step of an order is told.
    pub enable_all_order_updates: bool,
    /// The login used the read-only password.
    pub is_investor: bool,
    /// Whether the broker has disabled trading on the account.
    pub is_trade_disable_on_server: bool,
    /// Whether orders can be sent.
    pub is_trade_allowed: bool,
    /// The rest.
    #[serde(flatten)]
    pub none: NoCounterpart,
}

/// What this service has no counterpart of, and secrets, which are never shown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NoCounterpart {
    /// Not used.
    pub login_id_path: Option<String>,
    /// Not used.
    pub login_id_web_server_timeout: i32,
    /// Always null.
    pub api_key: Option<String>,
    /// Not used.
    pub ex_login_managers: Vec<String>,
    /// Not used.
    pub ex_login_proxies: Vec<String>,
    /// Not used.
    pub use_connect_task: bool,
    /// Always null.
    pub proxy_password: Option<String>,
    /// Not used.
    pub process_event_timeout_ms: i32,
    /// Always null.
    pub otp_password: Option<String>,
    /// Not used.
    pub disconnect_on_symbol_update: bool,
    /// Not used.
    pub process_server_messages_in_thread: bool,
    /// Always null.
    #[schemars(extend("format" = "byte"))]
    pub pfx_file: Option<String>,
    /// Always null.
    pub pfx_file_password: Option<String>,
    /// Always null.
    #[schemars(extend("format" = "byte"))]
    pub common_key: Option<String>,
    /// Always null.
    #[schemars(extend("format" = "byte"))]
    pub hardware_id: Option<String>,
    /// Always null.
    pub password: Option<String>,
    /// Not used.
    pub build: i32,
    /// Not told by the protocol.
    pub is_not_confirmed_account: bool,
    /// The protocol carries no mail.
    pub mails: Vec<MailMessage>,
}

/// The symbols of a session.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Symbols")]
pub struct SymbolBase {
    /// Facts about the base.
    pub base: SymBaseInfo,
    /// Left out here: see SymbolParamsMany.
    pub sym_groups: Vec<SymGroup>,
    /// Left out here: see SymbolSessionsExMany.
    pub sessions: BTreeMap<String, SymbolSessions>,
    /// Left out here: see SymbolParamsMany.
    pub groups: BTreeMap<String, SymGroup>,
    /// Left out here: see Symbols.
    pub infos: BTreeMap<String, SymbolInfo>,
    /// Left out here: see Symbols.
    pub infos_by_id: BTreeMap<String, SymbolInfo>,
    /// Symbol names.
    pub names: Vec<String>,
    /// Folders of symbols, as far as their records are loaded.
    pub group_names: Vec<String>,
    /// Commission rules of the account.
    pub comissions: Vec<CommissionInfo>,
}

/// What the list of symbols says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SymBaseInfo {
    /// Broker company.
    pub company_name: String,
    /// Deposit currency.
    pub currency: String,
    /// Its digits.
    pub digits: i32,
    /// Not told by the protocol.
    pub receive_user_msg: i32,
    /// Netting or hedging.
    pub acc_method: AccMethod,
    /// Not told by the protocol; the usual one.
    pub margin_mode: MarginMode,
    /// Always null.
    #[schemars(extend("format" = "byte"))]
    pub symbols_hash: Option<String>,
    /// Always null.
    #[schemars(extend("format" = "byte"))]
    pub spreads_hash: Option<String>,
}

/// A commission rule.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ComissionInfo")]
pub struct CommissionInfo {
    /// Its tiers.
    pub comissions: Vec<CommissionTier>,
    /// Not used.
    pub s0: Option<String>,
    /// Not used.
    pub s80: Option<String>,
    /// Mask of the symbols it is for.
    pub group_name: String,
    /// Not used.
    #[schemars(extend("format" = "byte"))]
    pub s200: Option<String>,
    /// Not used.
    pub s240: i32,
    /// What the ranges of the tiers count.
    #[serde(rename = "type")]
    pub kind: CommissionType,
    /// When it is charged.
    pub period: CommissionPeriod,
    /// Currency of turnover ranges.
    pub money_currency: String,
    /// Which deals it is charged for.
    pub instant_type: CommissionEntry,
    /// Not used.
    pub s270: i32,
    /// Not used.
    pub s274: i32,
    /// Not used.
    pub s278: i32,
    /// Not used.
    #[serde(rename = "s27C")]
    #[schemars(extend("format" = "byte"))]
    pub s27c: Option<String>,
}

/// A step of a commission.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Comission")]
pub struct CommissionTier {
    /// What the value is in.
    pub unit_type: CommissionUnit,
    /// What it is charged for.
    pub unit_mode: CommissionMode,
    /// How much.
    pub unit_value: f64,
    /// Least charge, 0 for none.
    pub min_value: f64,
    /// Greatest charge, 0 for none.
    pub max_value: f64,
    /// Begin of the tier.
    pub min_unit: f64,
    /// Currency of the value.
    pub currency_unit: String,
    /// End of the tier.
    pub max_unit: f64,
    /// Not used.
    #[schemars(extend("format" = "byte"))]
    pub s50: Option<String>,
}

/// A mail from the broker.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MailMessage {
    /// Number.
    pub id: u64,
    /// Time on the trade server's clock.
    pub time: ServerTime,
    /// Sender.
    pub from: String,
    /// Receiver.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// Text.
    pub body: String,
}
