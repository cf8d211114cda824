//! Brokers, servers, and the service itself.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::UtcTime;
use crate::values::LicenseStanding;

/// A broker that a search has found.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Company {
    /// The company.
    pub company_name: String,
    /// Its servers.
    pub results: Vec<FoundServer>,
}

/// One server of a broker.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Result")]
pub struct FoundServer {
    /// Server name, fit for ConnectEx.
    pub name: String,
    /// Its Web Terminal addresses as host:port, fit for Connect.
    pub access: Vec<String>,
}

/// The addresses of a trade server.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClusterDetails {
    /// The server.
    pub general: ServerRec,
    /// The addresses of each member, by its name.
    pub servers: BTreeMap<String, Vec<AddressRec>>,
}

/// General data of a trade server.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerRec {
    /// Server name.
    pub server_name: String,
    /// Broker company.
    pub company_name: String,
    /// 1 in daylight saving time.
    pub dst: i32,
    /// Offset of the standard time from UTC in minutes.
    pub time_zone: i32,
}

/// One network address.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddressRec {
    /// Address of a Web Terminal as host:port.
    pub address: String,
}

/// What a servers.dat file holds of one server.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Server {
    /// Description in the newer format.
    pub server_info_ex: Option<ServerInfoEx>,
    /// Description in the older format.
    pub server_info: Option<ServerInfo>,
    /// Access servers.
    pub accesses: Vec<Access>,
    /// Access servers in the extended format.
    pub accesses_ex: Vec<AccessEx>,
}

/// A server of a servers.dat file.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerInfo {
    /// Server name.
    pub server_name: String,
    /// Broker company.
    pub company_name: String,
    /// Daylight saving mark.
    pub dst: i32,
    /// Offset of its clock.
    pub time_zone: i32,
    /// Address.
    pub address: String,
    /// Last measured ping in milliseconds.
    pub ping_time: i32,
}

/// A server of a newer servers.dat file.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerInfoEx {
    /// Server name.
    pub server_name: String,
    /// Broker company.
    pub company_name: String,
    /// Daylight saving mark.
    pub dst: i32,
    /// Offset of its clock.
    pub time_zone: i32,
    /// Address.
    pub address: String,
    /// Last measured ping in milliseconds.
    pub ping_time: i32,
    /// The company's page.
    pub company_link: String,
}

/// Addresses under one access server.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Access {
    /// The access server.
    pub access_rec: AccessRec,
    /// Its addresses.
    pub addresses: Vec<AddressRec>,
}

/// An access server.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessRec {
    /// Its name.
    pub server_name: String,
}

/// Addresses under one access server, extended format.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessEx {
    /// The access server.
    pub access_rec: AccessRecEx,
    /// Its addresses.
    pub addresses: Vec<AddressRecEx>,
}

/// An access server, extended format; nothing of it is published.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AccessRecEx {}

/// An address, extended format; nothing of it is published.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AddressRecEx {}

/// How many sessions a key has, and where.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricsApiKeyResult {
    /// How many.
    pub accounts_count: u32,
    /// On how many processes.
    pub pods_count: u32,
    /// How many on each process.
    pub accounts_count_by_pod: BTreeMap<String, u32>,
    /// The processes.
    pub pods: Vec<MetricPodData>,
}

/// Sessions on one process.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricPodData {
    /// The sessions.
    pub accounts: Vec<MetricAccountData>,
    /// Name of the process.
    pub id: String,
    /// How many.
    pub accounts_count: u32,
}

/// A running session.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricAccountData {
    /// Broker server name.
    pub server: String,
    /// Session token.
    pub id: String,
    /// Always null: keys are never shown.
    pub api_key: Option<String>,
    /// Login number.
    pub user: u64,
    /// Address in use.
    pub host: String,
    /// TCP port in use.
    pub port: u16,
}

/// A broker or an account with logins of late.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoginState {
    /// The broker, or the account as `tenant/server/login`.
    pub name: String,
    /// Which of the two.
    pub is_account: bool,
    /// Logins that could be made at once now.
    pub free: u32,
    /// How often the last password was refused; 0 for a broker.
    pub refusals: u32,
    /// Whether that password is not tried any more.
    pub is_barred: bool,
}

/// A session that nobody takes over for a while.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuarantinedSession {
    /// Its token.
    pub id: String,
    /// The account as `tenant/server/login`.
    pub account: String,
    /// The worker that took it last and has died.
    pub last_worker: String,
    /// How often it was put into quarantine; each time is twice as long as the one before.
    pub times: u32,
    /// For how many seconds it stays there; 0 when a worker is about to take it over.
    pub seconds_left: u64,
}

/// What the process uses of memory, and for what.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemorySnapshot {
    /// Memory of the process that is in RAM, in bytes; 0 where the system does not tell.
    pub resident_bytes: u64,
    /// Its highest value so far, in bytes; 0 where the system does not tell.
    pub resident_peak_bytes: u64,
    /// Sessions.
    pub sessions: u32,
    /// Symbol lists held, one for each server.
    pub symbol_lists: u32,
    /// Ticks kept for downloads.
    pub kept_ticks: u64,
    /// What they take, in bytes.
    pub kept_ticks_bytes: u64,
}

/// What the service may do by its trial or licence.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LicenseStatus {
    /// What it may do now.
    pub standing: LicenseStanding,
    /// When that ends, in UTC; 0001-01-01T00:00:00 once it has.
    #[serde(rename = "endsUTC")]
    pub ends_utc: UtcTime,
    /// Seconds until then, by the time that counts: turning a clock back does not add any.
    pub seconds_left: u64,
    /// Whose the licence is; absent without a valid one.
    pub customer: Option<String>,
    /// What was bought, in the issuer's words.
    pub plan: Option<String>,
    /// Most sessions at once; absent where there is no such limit.
    pub sessions_max: Option<u32>,
    /// Further things that the licence allows.
    pub features: Vec<String>,
    /// What the header X-License-Notice says, if there is anything to say.
    pub notice: Option<String>,
    /// What could not be read of licences and of the trial; what was known before counts on.
    pub troubles: Vec<String>,
}
