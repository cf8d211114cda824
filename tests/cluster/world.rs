//! Processes of a cluster, a Redis, and the demo broker in this process, so that tests can look into its books.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use broker::engine::Limits;
use broker::{AccountSettings, Broker, Control, Feed};
use serde_json::Value;
use testkit::{Client, Events, Process, Redis, Reply, eventually, percent_encoded};
use tokio::net::TcpListener;

/// The first of the accounts.
pub(crate) const FIRST: u64 = 7_000_001;
/// What all accounts are logged in with.
const PASSWORD: &str = "demo";

const KEYS: [(&str, &str); 5] = [
    ("MT5REST_CLUSTER_KEY", "a key that all processes have"),
    ("MT5REST_SEALING_KEYS", "test:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
    ("MT5REST_EGRESS", "any"),
    ("MT5REST_ADMIN_KEY", ADMIN_KEY),
    ("MT5REST_AUTH", "off"),
];
pub(crate) const ADMIN_KEY: &str = "0123456789abcdef";

/// A process of the cluster, and where it listens.
pub(crate) struct Part {
    pub(crate) process: Process,
    pub(crate) address: String,
}

/// See the module.
pub(crate) struct World {
    pub(crate) redis: Redis,
    /// What workers and fronts take for the Redis: its URL, or that of a cable to it.
    pub(crate) redis_url: String,
    /// Certificates that the processes trust instead of the system's: a PEM file.
    pub(crate) trusted: Option<PathBuf>,
    pub(crate) broker: Broker,
    pub(crate) control: Control,
    pub(crate) apis: Vec<Part>,
    pub(crate) workers: Vec<Part>,
}

impl World {
    /// A cluster with so many processes.
    pub(crate) async fn start(apis: usize, workers: usize) -> Self {
        let redis = Redis::start().await;
        let url = redis.url();
        let mut world = Self::empty(redis, url, 4).await;
        for _ in 0..workers {
            world.workers.push(world.worker(&[]).await);
        }
        for _ in 0..apis {
            world.apis.push(world.api().await);
        }
        world.is_ready().await;
        world
    }

    /// Redis and broker, with so many accounts.
    pub(crate) async fn empty(redis: Redis, redis_url: String, accounts: u64) -> Self {
        Self::with_limits(redis, redis_url, accounts, Limits::default()).await
    }

    /// The same, whose accounts may have so much.
    pub(crate) async fn with_limits(redis: Redis, redis_url: String, accounts: u64, limits: Limits) -> Self {
        let account = |number| AccountSettings {
            login: FIRST + number,
            password: PASSWORD.into(),
            currency: "USD".into(),
            deposit: 1_000_000.0,
            leverage: 500,
            ..AccountSettings::default()
        };
        let settings = broker::Settings {
            feed: Feed::Manual,
            limits,
            accounts: (0..accounts).map(account).collect(),
            ..broker::Settings::default()
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let broker = Broker::start(listener, settings).unwrap();
        let control = broker.control();
        control.quote("EURUSD", 1.1, 1.1001).await.unwrap();
        Self { redis, redis_url, trusted: None, broker, control, apis: Vec::new(), workers: Vec::new() }
    }

    /// A new worker.
    pub(crate) async fn worker(&self, more: &[(&str, &str)]) -> Part {
        self.part(&["worker", "--listen", "127.0.0.1:0"], "listening on ", more).await
    }

    /// A new worker that may use no more than a limit, as `prlimit` takes it.
    pub(crate) async fn worker_within(&self, limit: &str) -> Part {
        let args = [limit, env!("CARGO_BIN_EXE_mt5rest"), "worker", "--listen", "127.0.0.1:0"];
        self.program("prlimit", &args, "listening on ", &[]).await
    }

    /// A new front.
    pub(crate) async fn api(&self) -> Part {
        self.api_with(&[]).await
    }

    pub(crate) async fn api_with(&self, more: &[(&str, &str)]) -> Part {
        self.part(&["api", "--listen", "127.0.0.1:0"], "listening on http://", more).await
    }

    async fn part(&self, args: &[&str], says: &str, more: &[(&str, &str)]) -> Part {
        self.program(env!("CARGO_BIN_EXE_mt5rest"), args, says, more).await
    }

    async fn program(&self, name: &str, args: &[&str], says: &str, more: &[(&str, &str)]) -> Part {
        let mut environment = KEYS.to_vec();
        environment.push(("MT5REST_REDIS_URL", &self.redis_url));
        let trusted = self.trusted.as_ref().map(|file| file.display().to_string());
        environment.extend(trusted.as_deref().map(|file| ("SSL_CERT_FILE", file)));
        environment.extend(more);
        let mut process = Process::start(name, args, &environment);
        let line = process.says(says).await;
        let address = line.split_whitespace().next().unwrap().to_owned();
        Part { process, address }
    }

    /// Waits until all workers take sessions.
    pub(crate) async fn is_ready(&self) {
        for worker in &self.workers {
            is_ready(worker).await;
        }
    }

    pub(crate) fn broker_addr(&self) -> SocketAddr {
        self.broker.addr()
    }

    /// The front of this number.
    pub(crate) fn http(&self, api: usize) -> Client {
        Client::new(self.apis[api].address.clone())
    }

    /// Logs an account in at an address of the broker, through a front.
    pub(crate) async fn connect_at(&self, api: usize, account: u64, address: SocketAddr) -> Session {
        let http = self.http(api);
        let reply = http.get(&connect_path(account, PASSWORD, address)).await.ok();
        Session { http, token: reply.body, account }
    }

    /// Logs an account in through the first front.
    pub(crate) async fn connect(&self, number: u64) -> Session {
        self.connect_at(0, FIRST + number, self.broker_addr()).await
    }

    /// Positions of an account, as the broker has them.
    pub(crate) async fn positions(&self, account: u64) -> usize {
        self.control.account(account).await.unwrap().positions
    }

    /// Which worker owns a session, by its place among them.
    pub(crate) async fn owner(&self, session: &Session) -> usize {
        eventually("the session has an owner that lives", async || {
            let record = format!("mt5rest:session:{{{}}}:record", session.token);
            let owner = self.redis.command(&["HGET", &record, "owner"]).await;
            let of = |part: &Part| part.process.id().is_some_and(|id| owner.contains(&format!("-{id}-")));
            self.workers.iter().position(of)
        })
        .await
    }

    /// A session of the same token at another front.
    pub(crate) fn at(&self, api: usize, session: &Session) -> Session {
        Session { http: self.http(api), ..session.clone() }
    }
}

pub(crate) async fn is_ready(part: &Part) {
    let http = Client::new(part.address.clone());
    eventually("it is ready", async || {
        let reply = http.try_get("/readyz", Duration::from_secs(1)).await?;
        (reply.status == 200).then_some(())
    })
    .await;
}

pub(crate) fn connect_path(account: u64, password: &str, address: SocketAddr) -> String {
    let (host, port) = (address.ip(), address.port());
    format!("/Connect?user={account}&password={password}&host=ws://{host}&port={port}")
}

/// A logged-in account.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) http: Client,
    pub(crate) token: String,
    pub(crate) account: u64,
}

impl Session {
    pub(crate) fn path(&self, name: &str, query: &str) -> String {
        let and = if query.is_empty() { "" } else { "&" };
        format!("/{name}?id={}{and}{query}", percent_encoded(&self.token))
    }

    /// Makes a call.
    pub(crate) async fn call(&self, name: &str, query: &str) -> Reply {
        self.http.get(&self.path(name, query)).await
    }

    /// Makes a call that must succeed.
    pub(crate) async fn json(&self, name: &str, query: &str) -> Value {
        self.call(name, query).await.ok().json()
    }

    /// Sends an order under a key; it must succeed. Answers its ticket.
    pub(crate) async fn buy(&self, key: &str) -> u64 {
        let query = format!("symbol=EURUSD&operation=Buy&volume=0.01&idempotencyKey={key}");
        self.json("OrderSend", &query).await["ticket"].as_u64().unwrap()
    }

    /// The tickets of everything open.
    pub(crate) async fn tickets(&self) -> Vec<u64> {
        let tickets = self.json("OpenedOrdersTickets", "").await;
        tickets.as_array().unwrap().iter().map(|ticket| ticket.as_u64().unwrap()).collect()
    }

    /// Opens a stream.
    pub(crate) async fn stream(&self, name: &str, query: &str) -> Events {
        Events::open(&format!("ws://{}{}", self.http.address(), self.path(name, query))).await
    }
}
