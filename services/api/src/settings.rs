//! What an operator may set, with the reason of each default.

use std::time::Duration;

use crate::auth::JwtSettings;
use crate::cors::Origins;
use crate::proxies::TrustedProxies;
use crate::rates::UsualRates;

/// Settings of the front.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What `/Version` answers. Default: the version of this build.
    pub version: String,
    /// Certificate and key of the public port: it speaks TLS then, and nothing else. Default: none.
    pub tls: Option<tls::Identity>,
    /// Reverse proxies that are believed about where a request comes from. Default: none.
    pub trusted_proxies: TrustedProxies,
    /// Sites whose pages may call and open streams. Default: any, as clients in browsers are used to.
    pub cors_origins: Origins,
    /// Whose tokens are as good as API keys, where these are asked for. Default: nobody's.
    pub jwt: Option<JwtSettings>,
    /// Whether web pages of other sites may make calls that dial. Default: true, for services that dial public addresses only;
    /// on a user's machine pages could search its network.
    pub cross_site_dials: bool,
    /// Names by which browsers reach this service, besides addresses and names without a dot. Default: none; asked for where
    /// pages of other sites may not dial.
    pub public_names: Vec<String>,
    /// How long a call may take. Default 60 s: brokers confirm within a few seconds, and proxies in front of this
    /// service commonly give up after a minute.
    pub call_timeout: Duration,
    /// How long a connect call may take when it names no time itself. Default 90 s: the published default of
    /// logins by server name is 60 s, and the owner should be the one to say that it is over.
    pub connect_timeout: Duration,
    /// The largest body of a POST. Default 64 KiB: a login form has some hundred bytes.
    pub body_bytes_max: usize,
    /// The largest body of a call that comes as POST only. Default 1 MiB: a certificate has some KiB, and a
    /// servers.dat file some hundred.
    pub upload_bytes_max: usize,
    /// How many of those are read at a time. Default 64: at 1 MiB each that is 64 MiB, whoever sends them.
    pub uploads_max: usize,
    /// How long a client may take to send a body. Default 10 s: it fits into a few packets.
    pub body_timeout: Duration,
    /// The longest query. Default 32 KiB: a thousand symbol names. The HTTP library refuses 64 KiB by itself, without
    /// a word of explanation.
    pub query_bytes_max: usize,
    /// Connections that may have calls under way or be idle. Default 8192. For newcomers idle ones are closed; when all are
    /// busy, newcomers are refused. WebSockets have their own limit.
    pub connections_max: usize,
    /// Of these, connections of one address; of calls that come through a trusted proxy, so many of one address may be under
    /// way. Default 4096: half of all, since all clients behind an address share it.
    pub connections_per_address: usize,
    /// Calls that may be under way, at least 2; one place in eight is for trades alone. What finds no place for a second is refused.
    /// Default 4096: a worker answers as many reads in a fifth of a second.
    pub calls_max: usize,
    /// How often it may be done what is done with a key. See [`UsualRates`] for the defaults.
    pub rates: UsualRates,
    /// WebSockets that may be open. Default 16384: at 16 KiB each that is a quarter of a gigabyte.
    pub sockets_max: usize,
    /// Of these, WebSockets of one address. Default 8192, half of all.
    pub sockets_per_address: usize,
    /// How long the head of a request may take, and a connection before its first one. Default 10 s: it fits into a few
    /// packets.
    pub head_timeout: Duration,
    /// How long a connection may stay without a request after one. Default 120 s: longer than HTTP clients keep
    /// idle connections for reuse, so that it is not we who close them under a new request.
    pub idle_timeout: Duration,
    /// How often a silent socket is pinged; after two pings without any sign it is dropped. Default 30 s: proxies
    /// commonly cut connections that were idle for a minute.
    pub ping_every: Duration,
    /// How long one frame may wait for a socket that takes nothing, and a reply for progress. Default 30 s.
    pub send_timeout: Duration,
    /// The least rate at which a reply must be taken, in bytes per second over that time. Default 4 KiB: a slow mobile
    /// line has several times as much, and one who reads nothing must not hold what it has asked for.
    pub send_rate_min: usize,
    /// Bytes of replies that may be on their way to clients, and as many that wait for these; small ones are not counted.
    /// Default 256 MiB: twenty histories of 100,000 candles.
    pub reply_bytes_max: usize,
    /// Of these, bytes to one address. Default 64 MiB. A larger reply may be on its way as the only one.
    pub reply_bytes_per_address: usize,
    /// How long calls and sockets may take to end at a stop. Default 15 s: an order is confirmed sooner, and
    /// orchestrators commonly kill after 30 s.
    pub stop_grace: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            tls: None,
            trusted_proxies: TrustedProxies::default(),
            cors_origins: Origins::Any,
            jwt: None,
            cross_site_dials: true,
            public_names: Vec::new(),
            call_timeout: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(90),
            body_bytes_max: 64 * 1024,
            upload_bytes_max: 1024 * 1024,
            uploads_max: 64,
            body_timeout: Duration::from_secs(10),
            query_bytes_max: 32 * 1024,
            connections_max: 8192,
            connections_per_address: 4096,
            calls_max: 4096,
            rates: UsualRates::default(),
            sockets_max: 16_384,
            sockets_per_address: 8192,
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(120),
            ping_every: Duration::from_secs(30),
            send_timeout: Duration::from_secs(30),
            send_rate_min: 4 * 1024,
            reply_bytes_max: 256 << 20,
            reply_bytes_per_address: 64 << 20,
            stop_grace: Duration::from_secs(15),
        }
    }
}
