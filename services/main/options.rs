//! The command line and its twins in the environment.
//!
//! Every option is taken as text and checked afterwards, so that all mistakes are told at once. An empty value counts
//! as none, since that is how composed environments say so.

#[path = "options/audit.rs"]
mod audit;
#[path = "options/broker.rs"]
mod broker;
#[path = "options/check.rs"]
mod check;
#[path = "options/cluster.rs"]
mod cluster;
#[path = "options/front.rs"]
mod front;
#[path = "options/given.rs"]
mod given;
#[path = "options/key.rs"]
mod key;
#[path = "options/license.rs"]
mod license;
#[path = "options/renamed.rs"]
mod renamed;
#[cfg(test)]
#[path = "options/tests.rs"]
mod tests;
#[path = "options/texts.rs"]
mod texts;
#[path = "options/tls.rs"]
mod tls;

use clap::builder::StringValueParser;
use clap::{ArgAction, Args, Parser, Subcommand};

pub(crate) use audit::{AuditRole, AuditTask, Wanted};
pub(crate) use broker::{BrokerAdmin, BrokerRole};
pub(crate) use check::{ApiRole, ClusterLink, Owner, Role, StandaloneRole, WorkerRole};
pub(crate) use given::Setting;
pub(crate) use key::{KeyRole, KeyStore, KeyTask};
pub(crate) use license::LicenseTask;

/// REST and WebSocket access to MetaTrader 5 accounts, over the protocol of the Web Terminal.
///
/// Without a command it runs everything in one process, with a demo broker beside it.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    standalone: StandaloneArgs,
}

const EXAMPLES: &str = "Examples:
  mt5rest                                     service on port 5000, demo broker on port 5001
  mt5rest --listen 0.0.0.0:80 --no-broker     service only, for accounts at real brokers
  mt5rest --replay ticks --speed 10           demo broker that replays tick files
  mt5rest broker --market-hours real          demo broker only
  mt5rest --broker-admin 5050                 demo broker with an admin port
  mt5rest api --redis-url redis://redis       front of a cluster
  mt5rest worker --redis-url redis://redis --advertise worker-1:5100
                                              owner of sessions in a cluster
  mt5rest key create --tenant acme --data books
                                              key for a customer of a standalone service";

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs service and demo broker in one process; the default.
    Standalone(Box<StandaloneArgs>),
    /// Runs the front of a cluster: HTTP and WebSockets, without sessions of its own.
    Api(Box<ApiArgs>),
    /// Runs a worker of a cluster: owns sessions, and is reached by api processes only.
    Worker(Box<WorkerArgs>),
    /// Runs the demo broker alone.
    Broker(Box<BrokerOnlyArgs>),
    /// Prints the OpenAPI document.
    Openapi,
    /// Asks a running process whether it serves: exit code 0 if so, 1 if not.
    Health(HealthArgs),
    /// Makes, lists, rotates and revokes API keys of a cluster, or of a standalone service with a data folder.
    Key(Box<key::KeyArgs>),
    /// Verifies and prints the record of calls.
    Audit(Box<audit::AuditArgs>),
    /// Makes, shows and checks licences.
    License(Box<license::LicenseArgs>),
}

#[derive(Debug, Clone, Args)]
struct HealthArgs {
    /// What is asked, such as http://127.0.0.1:5001/healthz; the process that listens on MT5REST_LISTEN, if not given.
    url: Option<String>,
    /// Address that the process listens on.
    #[arg(long, env = "MT5REST_LISTEN", value_name = "IP:PORT", default_value = "127.0.0.1:5000")]
    listen: String,
}

#[derive(Debug, Clone, Args)]
struct StandaloneArgs {
    /// Address of the service; port 0 takes a free one.
    #[arg(long, env = "MT5REST_LISTEN", value_name = "IP:PORT", default_value = "127.0.0.1:5000")]
    listen: String,
    /// Address of the demo broker.
    #[arg(long, env = "MT5REST_BROKER_LISTEN", value_name = "IP:PORT", default_value = "127.0.0.1:5001")]
    broker_listen: String,
    /// Runs without the demo broker.
    #[arg(long, env = "MT5REST_NO_BROKER", action = ArgAction::SetTrue, value_parser = StringValueParser::new())]
    no_broker: String,
    #[command(flatten)]
    owner: OwnerArgs,
    /// Where the service may connect to: any address, which it does if not told otherwise, or public ones only.
    #[arg(long, env = "MT5REST_EGRESS", value_name = "any|public")]
    egress: Option<String>,
    /// Lets web pages of other sites make calls that dial, such as Connect and PingHost; else browsers' requests for them are
    /// refused.
    #[arg(long, env = "MT5REST_CROSS_SITE_DIALS", action = ArgAction::SetTrue, value_parser = StringValueParser::new())]
    cross_site_dials: String,
    /// Names by which browsers reach this service, such as mt5.example.com, besides addresses and names without a dot: under
    /// others their requests to dial are refused.
    #[arg(long, env = "MT5REST_PUBLIC_NAMES", value_name = "NAMES")]
    public_names: Option<String>,
    #[command(flatten)]
    front: FrontArgs,
    #[command(flatten)]
    broker: BrokerArgs,
    #[command(flatten)]
    log: LogArgs,
}

#[derive(Debug, Clone, Args)]
struct ApiArgs {
    /// Address of the service; port 0 takes a free one.
    #[arg(long, env = "MT5REST_LISTEN", value_name = "IP:PORT", default_value = "127.0.0.1:5000")]
    listen: String,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    front: FrontArgs,
    #[command(flatten)]
    log: LogArgs,
}

#[derive(Debug, Clone, Args)]
struct WorkerArgs {
    /// Address for calls of other processes of the cluster; port 0 takes a free one.
    #[arg(long, env = "MT5REST_LISTEN", value_name = "IP:PORT", default_value = "127.0.0.1:5100")]
    listen: String,
    /// Address under which other processes reach this worker; what it listens on, if not given.
    #[arg(long, env = "MT5REST_ADVERTISE", value_name = "HOST:PORT")]
    advertise: Option<String>,
    /// Certificate chain of this worker for calls of other processes, PEM, for the host of --advertise: it takes no others than
    /// those by TLS then. Read again when it changes.
    #[arg(long, env = "MT5REST_INTERNAL_TLS_CERT", value_name = "FILE")]
    internal_tls_cert: Option<String>,
    /// Its private key, PEM.
    #[arg(long, env = "MT5REST_INTERNAL_TLS_KEY", value_name = "FILE")]
    internal_tls_key: Option<String>,
    /// Keys that seal login data, NAME:BASE64 of 32 bytes, several with commas: the first seals, all open.
    #[arg(long, env = "MT5REST_SEALING_KEYS", value_name = "KEYS", hide_env_values = true)]
    sealing_keys: Option<String>,
    /// File that holds them, so that they stand in no command line.
    #[arg(long, env = "MT5REST_SEALING_KEYS_FILE", value_name = "FILE")]
    sealing_keys_file: Option<String>,
    /// Most sessions at once.
    #[arg(long, env = "MT5REST_SESSIONS_MAX", value_name = "NUMBER", default_value = "10000")]
    sessions_max: String,
    /// Most logins at one broker in a second, over the whole cluster.
    #[arg(long, env = "MT5REST_LOGINS_PER_SECOND", value_name = "NUMBER", default_value = "200")]
    logins_per_second: String,
    #[command(flatten)]
    owner: OwnerArgs,
    /// Where the worker may connect to: public addresses only, or any.
    #[arg(long, env = "MT5REST_EGRESS", value_name = "any|public", default_value = "public")]
    egress: String,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    log: LogArgs,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Cluster")]
struct ClusterArgs {
    /// Redis that all processes share: redis://HOST, redis+sentinel://HOST,HOST/MASTER or redis+cluster://HOST,HOST.
    #[arg(long, env = "MT5REST_REDIS_URL", value_name = "URL", hide_env_values = true)]
    redis_url: Option<String>,
    /// File that holds this URL, for one with a password.
    #[arg(long, env = "MT5REST_REDIS_URL_FILE", value_name = "FILE")]
    redis_url_file: Option<String>,
    /// What all keys and channels in Redis begin with: clusters that share a Redis need one each.
    #[arg(long, env = "MT5REST_REDIS_PREFIX", value_name = "TEXT", default_value = "mt5rest:")]
    redis_prefix: String,
    /// Secret that all processes share: signs the calls between them.
    #[arg(long, env = "MT5REST_CLUSTER_KEY", value_name = "KEY", hide_env_values = true)]
    cluster_key: Option<String>,
    /// File that holds this secret, so that it stands in no command line.
    #[arg(long, env = "MT5REST_CLUSTER_KEY_FILE", value_name = "FILE")]
    cluster_key_file: Option<String>,
    /// Certificate authorities, PEM, whose workers are called by TLS: give it to all processes before workers get certificates.
    #[arg(long, env = "MT5REST_INTERNAL_TLS_CA", value_name = "FILE")]
    internal_tls_ca: Option<String>,
}

/// What every process has that owns sessions.
#[derive(Debug, Clone, Args)]
struct OwnerArgs {
    /// Broker directory: JSON file with servers, their companies and addresses; read again when it changes.
    #[arg(long, env = "MT5REST_BROKERS", value_name = "FILE")]
    brokers: Option<String>,
    /// Key of calls over all sessions, such as ConnectionStatusAll; without one they are refused.
    #[arg(long, env = "MT5REST_ADMIN_KEY", value_name = "KEY", hide_env_values = true)]
    admin_key: Option<String>,
    /// File that holds this key, so that it stands in no command line.
    #[arg(long, env = "MT5REST_ADMIN_KEY_FILE", value_name = "FILE")]
    admin_key_file: Option<String>,
    /// Further certificate authorities to trust, PEM.
    #[arg(long, env = "MT5REST_EXTRA_CA", value_name = "FILE")]
    extra_ca: Option<String>,
    /// Networks that may be dialled although they are not public, such as 10.1.0.0/16,192.168.7.0/24; the rest is public.
    #[arg(long, env = "MT5REST_EGRESS_ALLOW", value_name = "NETWORKS")]
    egress_allow: Option<String>,
    /// Most MiB that calls take together for long replies, until these are written.
    #[arg(long, env = "MT5REST_REPLY_MEMORY_MIB", value_name = "NUMBER", default_value = "256")]
    reply_memory_mib: String,
    #[command(flatten)]
    record: audit::RecordArgs,
    #[command(flatten)]
    license: license::LicensedArgs,
}

/// What every process has that answers clients.
#[derive(Debug, Clone, Args)]
struct FrontArgs {
    /// Reverse proxies whose X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host are believed, such as
    /// 10.1.0.0/16,192.168.7.2; others are not.
    #[arg(long, env = "MT5REST_TRUSTED_PROXIES", value_name = "NETWORKS")]
    trusted_proxies: Option<String>,
    /// Sites whose web pages may call and open streams: any, none, or origins such as https://desk.example.com,http://localhost:3000;
    /// its own pages always may.
    #[arg(long, env = "MT5REST_CORS_ORIGINS", value_name = "any|none|ORIGINS", default_value = "any")]
    cors_origins: String,
    /// Certificate chain of the service, PEM: it speaks https and wss only then, TLS 1.2 or 1.3. Read again when it changes.
    #[arg(long, env = "MT5REST_TLS_CERT", value_name = "FILE")]
    tls_cert: Option<String>,
    /// Its private key, PEM.
    #[arg(long, env = "MT5REST_TLS_KEY", value_name = "FILE")]
    tls_key: Option<String>,
    #[command(flatten)]
    auth: AuthArgs,
    #[command(flatten)]
    limits: FrontLimitArgs,
}

/// What clients may take of a front at a time.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits")]
struct FrontLimitArgs {
    /// Most connections for calls; idle ones are closed for newcomers first.
    #[arg(long, env = "MT5REST_CONNECTIONS_MAX", value_name = "NUMBER", default_value = "8192")]
    connections_max: String,
    /// Most connections of one address, or calls under way of one behind a trusted proxy.
    #[arg(long, env = "MT5REST_CONNECTIONS_PER_ADDRESS", value_name = "NUMBER", default_value = "4096")]
    connections_per_address: String,
    /// How often something may be done with an API key that has no rates of its own.
    #[arg(long, env = "MT5REST_KEY_RATES", value_name = "RATES", default_value = api::KEY_RATES)]
    key_rates: String,
    /// How often with all keys of a tenant together; ten times as often as with one if not told otherwise.
    #[arg(long, env = "MT5REST_TENANT_RATES", value_name = "RATES")]
    tenant_rates: Option<String>,
    /// Most calls under way; one place in eight is for trades alone.
    #[arg(long, env = "MT5REST_CALLS_MAX", value_name = "NUMBER", default_value = "4096")]
    calls_max: String,
    /// Most WebSockets.
    #[arg(long, env = "MT5REST_SOCKETS_MAX", value_name = "NUMBER", default_value = "16384")]
    sockets_max: String,
    /// Most WebSockets of one address.
    #[arg(long, env = "MT5REST_SOCKETS_PER_ADDRESS", value_name = "NUMBER", default_value = "8192")]
    sockets_per_address: String,
    /// Most MiB of replies that are on their way to clients.
    #[arg(long, env = "MT5REST_REPLY_MIB_MAX", value_name = "NUMBER", default_value = "256")]
    reply_mib_max: String,
    /// Most MiB of replies that are on their way to one address.
    #[arg(long, env = "MT5REST_REPLY_MIB_PER_ADDRESS", value_name = "NUMBER", default_value = "64")]
    reply_mib_per_address: String,
}

#[derive(Debug, Clone, Args)]
struct AuthArgs {
    /// Whether callers must show an API key, made by mt5rest key: on in a cluster and off in one process, if not told otherwise.
    #[arg(long, env = "MT5REST_AUTH", value_name = "on|off")]
    auth: Option<String>,
    /// Keys of an identity provider (JWKS), JSON, read again when they change: its tokens are as good as API keys then.
    #[arg(long, env = "MT5REST_JWT_KEYS", value_name = "FILE")]
    jwt_keys: Option<String>,
    /// The issuer (iss) that its tokens must have.
    #[arg(long, env = "MT5REST_JWT_ISSUER", value_name = "URL")]
    jwt_issuer: Option<String>,
    /// The audience (aud) that its tokens must be made for.
    #[arg(long, env = "MT5REST_JWT_AUDIENCE", value_name = "NAME")]
    jwt_audience: Option<String>,
    /// Algorithms by which its tokens may be signed: EdDSA, ES256, RS256, and HS256 for a shared secret.
    #[arg(long, env = "MT5REST_JWT_ALGORITHMS", value_name = "NAMES", default_value = "EdDSA,ES256,RS256")]
    jwt_algorithms: String,
}

#[derive(Debug, Clone, Args)]
struct BrokerOnlyArgs {
    /// Address of the demo broker; port 0 takes a free one.
    #[arg(long, env = "MT5REST_BROKER_LISTEN", value_name = "IP:PORT", default_value = "127.0.0.1:5001")]
    broker_listen: String,
    #[command(flatten)]
    broker: BrokerArgs,
    #[command(flatten)]
    log: LogArgs,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Demo broker")]
struct BrokerArgs {
    /// Makes the prices: the same seed makes the same.
    #[arg(long, env = "MT5REST_SEED", value_name = "NUMBER", default_value = "1")]
    seed: String,
    /// Replays the tick files of a folder, in the terminal's export format, instead of making prices.
    #[arg(long, env = "MT5REST_REPLAY", value_name = "FOLDER")]
    replay: Option<String>,
    /// How fast ticks are replayed: 1 as they came, up to 1000.
    #[arg(long, env = "MT5REST_SPEED", value_name = "FACTOR", default_value = "1")]
    speed: String,
    /// Trades around the clock, or as the real markets do, with their holidays.
    #[arg(long, env = "MT5REST_MARKET_HOURS", value_name = "always|real", default_value = "always")]
    market_hours: String,
    /// JSON file with days on which symbols are closed, besides those of the real markets.
    #[arg(long, env = "MT5REST_HOLIDAYS", value_name = "FILE")]
    holidays: Option<String>,
    /// JSON file with accounts, besides the two built in.
    #[arg(long, env = "MT5REST_ACCOUNTS", value_name = "FILE")]
    accounts: Option<String>,
    /// Folder in which accounts, positions, history and what operators change outlive the demo broker; without one they end with it.
    #[arg(long, env = "MT5REST_DATA", value_name = "FOLDER")]
    data: Option<String>,
    /// Most bars in one answer of the demo broker, up to 300000: of a longer range the newest are given, as real gateways do.
    #[arg(long, env = "MT5REST_BARS_MAX", value_name = "NUMBER", default_value = "100000")]
    bars_max: String,
    /// Most deals, and as many ended orders, in one answer of the demo broker, up to 20000: of more the newest are given.
    #[arg(long, env = "MT5REST_DEALS_MAX", value_name = "NUMBER", default_value = "20000")]
    deals_max: String,
    /// Plays a scenario: calm-day, news-spike, broker-restart, flaky-network, clock-change, weekend, or a TOML file.
    #[arg(long, env = "MT5REST_SCENARIO", value_name = "NAME|FILE")]
    scenario: Option<String>,
    /// Certificate chain of the demo broker for wss, PEM; plain ws is answered all the same.
    #[arg(long, env = "MT5REST_BROKER_TLS_CERT", value_name = "FILE")]
    broker_tls_cert: Option<String>,
    /// Its private key, PEM.
    #[arg(long, env = "MT5REST_BROKER_TLS_KEY", value_name = "FILE")]
    broker_tls_key: Option<String>,
    /// Certificate authorities, PEM: clients of the demo broker by wss must present a certificate of theirs.
    #[arg(long, env = "MT5REST_BROKER_TLS_CLIENT_CA", value_name = "FILE")]
    broker_tls_client_ca: Option<String>,
    /// Name of the demo server, for ConnectEx.
    #[arg(long, env = "MT5REST_SERVER_NAME", value_name = "NAME", default_value = "MT5Rest-Demo")]
    server_name: String,
    /// The demo server's clock: minutes east of UTC, a zone such as Europe/Athens, or new-york-close (UTC+2, +3 in New York's summer), that of most brokers.
    #[arg(
        long,
        env = "MT5REST_TIMEZONE",
        value_name = "ZONE",
        default_value = "0",
        // So it was called when it took minutes alone; see `renamed` for its variable.
        alias = "timezone-minutes",
        allow_hyphen_values = true
    )]
    timezone: String,
    /// Address of the demo broker's admin port, or a port of this machine alone; without, there is none.
    #[arg(long, env = "MT5REST_BROKER_ADMIN", value_name = "IP:PORT")]
    broker_admin: Option<String>,
    /// Key that callers of the admin port must show; needed where other machines reach it.
    #[arg(long, env = "MT5REST_BROKER_ADMIN_KEY", value_name = "KEY", hide_env_values = true)]
    broker_admin_key: Option<String>,
    /// File that holds this key, so that it stands in no command line.
    #[arg(long, env = "MT5REST_BROKER_ADMIN_KEY_FILE", value_name = "FILE")]
    broker_admin_key_file: Option<String>,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Log")]
struct LogArgs {
    /// What is logged: a level, or levels by part, such as info,worker=debug. Passwords never are.
    #[arg(long = "log", env = "MT5REST_LOG", value_name = "FILTER", default_value = "info")]
    filter: String,
    /// How log lines look.
    #[arg(long = "log-format", env = "MT5REST_LOG_FORMAT", value_name = "text|json", default_value = "text")]
    format: String,
}
