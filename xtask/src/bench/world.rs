//! What is measured: Redis, demo broker, workers and an api process, and whoever is logged in.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use super::http::{Http, call};
use super::process::{Process, Ready, free_address};
use super::{Result, explained};

/// The first account; the others follow it.
pub(super) const FIRST_LOGIN: usize = 2_000_001;
pub(super) const PASSWORD: &str = "benchmark";
const CLUSTER_KEY: &str = "a key of one measurement only";
/// Of 32 bytes. It seals logins of made-up accounts.
const SEALING_KEY: &str = "bench:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// Connect calls at a time.
const CONNECTS: usize = 32;
const CONNECT_TRIES: usize = 20;
const PRICE_TRIES: usize = 30;
/// Seconds of prices; then they begin anew.
const RECORDED_S: u64 = 3600;

/// Symbols whose prices move once a second, one after the other: name, price, digits.
pub(super) const SYMBOLS: [(&str, f64, usize); 10] = [
    ("EURUSD", 1.1, 5),
    ("GBPUSD", 1.3, 5),
    ("USDJPY", 150.0, 3),
    ("USDCHF", 0.9, 5),
    ("USDCAD", 1.35, 5),
    ("AUDUSD", 0.65, 5),
    ("NZDUSD", 0.6, 5),
    ("USDTRY", 34.2, 5),
    ("XAUUSD", 2655.0, 2),
    ("XAGUSD", 31.2, 3),
];

/// Processes of one measurement.
pub(super) struct World {
    pub(super) api: Process,
    pub(super) workers: Vec<Process>,
    pub(super) broker: Process,
    pub(super) redis: Process,
    program: PathBuf,
    folder: PathBuf,
}

impl World {
    /// Starts all of them, with an account for each session.
    pub(super) async fn start(
        program: &Path,
        folder: &Path,
        workers: usize,
        accounts: usize,
    ) -> Result<Self> {
        prepare(folder)?;
        let at = free_address()?;
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--port", &at.port().to_string(), "--save", ""]);
        command.args(["--appendonly", "yes", "--appendfsync", "everysec", "--dir"]).arg(folder);
        let redis = Process::start("redis", folder, at, Ready::Redis, &mut command).await?;
        let broker = broker(Command::new(program), folder, accounts).await?;
        let url = format!("redis://{}", redis.address);
        let mut all = Vec::new();
        for number in 1..=workers {
            let at = free_address()?;
            let mut command = Command::new(program);
            command.args(["worker", "--listen", &at.to_string()]);
            command.env("MT5REST_REDIS_URL", &url).env("MT5REST_CLUSTER_KEY", CLUSTER_KEY);
            command.env("MT5REST_SEALING_KEYS", SEALING_KEY).env("MT5REST_EGRESS_ALLOW", "127.0.0.1/32");
            let name = format!("worker-{number}");
            all.push(Process::start(&name, folder, at, Ready::Health, &mut command).await?);
        }
        let at = free_address()?;
        let mut command = Command::new(program);
        command.args(["api", "--auth", "off", "--listen", &at.to_string()]);
        command.env("MT5REST_REDIS_URL", &url).env("MT5REST_CLUSTER_KEY", CLUSTER_KEY);
        let api = Process::start("api", folder, at, Ready::Health, &mut command).await?;
        let (program, folder) = (program.to_owned(), folder.to_owned());
        Ok(Self { api, workers: all, broker, redis, program, folder })
    }

    /// A service in one process, for accounts at the same broker.
    pub(super) async fn standalone(&self) -> Result<Process> {
        let at = free_address()?;
        let mut command = Command::new(&self.program);
        command.args(["standalone", "--no-broker", "--listen", &at.to_string()]);
        Process::start("standalone", &self.folder, at, Ready::Health, &mut command).await
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where clients go.
    pub(super) fn front(&self) -> SocketAddr {
        self.api.address
    }

    /// Logs in the accounts of these places, and answers their tokens.
    pub(super) async fn connect(&self, places: std::ops::Range<usize>) -> Result<Vec<String>> {
        connect(self.front(), self.broker.address, places).await
    }

    /// Waits until symbols have a price: a recording begins with its first tick, and before it no order is filled.
    pub(super) async fn prices(&self, token: &str, symbols: usize) -> Result<()> {
        let mut caller = Caller::new(self.front());
        for (symbol, ..) in &SYMBOLS[..symbols] {
            let path = format!("/GetQuote?id={token}&symbol={symbol}");
            for number in 1.. {
                match caller.get(&path).await {
                    Ok(_) => break,
                    Err(said) if number == PRICE_TRIES => return Err(explained(said)),
                    Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
                }
            }
        }
        Ok(())
    }

    /// Processor time of all that a routed call goes through.
    pub(super) fn cpu_s(&self) -> f64 {
        let parts = [&self.api, &self.redis].into_iter().chain(&self.workers);
        parts.map(Process::cpu_s).sum()
    }
}

/// Makes an empty folder.
pub(super) fn prepare(folder: &Path) -> Result<()> {
    // There may be none.
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder).map_err(explained)
}

/// Starts a broker with so many accounts and recorded prices.
pub(super) async fn broker(mut command: Command, folder: &Path, accounts: usize) -> Result<Process> {
    let ticks = folder.join("ticks");
    std::fs::create_dir_all(&ticks).map_err(explained)?;
    for (place, symbol) in SYMBOLS.iter().enumerate() {
        write(&ticks.join(format!("{}.csv", symbol.0)), &recording(place, symbol))?;
    }
    let file = folder.join("accounts.json");
    write(&file, &accounts_file(accounts))?;
    let at = free_address()?;
    command.args(["broker", "--broker-listen", &at.to_string(), "--accounts"]).arg(&file);
    command.arg("--replay").arg(&ticks);
    Process::start("broker", folder, at, Ready::Health, &mut command).await
}

/// Logs in accounts by way of a service.
pub(super) async fn connect(
    front: SocketAddr,
    broker: SocketAddr,
    places: std::ops::Range<usize>,
) -> Result<Vec<String>> {
    let (next, end, first) = (Arc::new(AtomicUsize::new(places.start)), places.end, places.start);
    let mut tasks = JoinSet::new();
    for _ in 0..CONNECTS {
        let next = Arc::clone(&next);
        tasks.spawn(async move {
            let mut done = Vec::new();
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                if place >= end {
                    return Ok(done);
                }
                done.push((place, login(front, broker, place).await?));
            }
        });
    }
    let mut tokens = vec![String::new(); end - first];
    while let Some(done) = tasks.join_next().await {
        let done: Result<Vec<(usize, String)>> = done.map_err(explained)?;
        for (place, token) in done? {
            tokens[place - first] = token;
        }
    }
    Ok(tokens)
}

/// Logs in one; a service that has just started may not know its workers yet.
async fn login(front: SocketAddr, broker: SocketAddr, place: usize) -> Result<String> {
    let (user, host, port) = (FIRST_LOGIN + place, broker.ip(), broker.port());
    let path = format!("/Connect?user={user}&password={PASSWORD}&host={host}&port={port}");
    let mut tries = 1;
    loop {
        match call(front, &path).await {
            Ok(token) => return Ok(token),
            Err(failure) if tries == CONNECT_TRIES => return Err(failure),
            Err(failure) => println!("xtask: login {user}, try {tries}: {failure:?}"),
        }
        tries += 1;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn accounts_file(count: usize) -> String {
    let accounts = (0..count).map(|place| {
        let login = FIRST_LOGIN + place;
        format!(r#"{{"login":{login},"password":"{PASSWORD}","currency":"USD","deposit":10000000}}"#)
    });
    format!(r#"{{"accounts":[{}]}}"#, accounts.collect::<Vec<_>>().join(",\n"))
}

/// A price a second, no two of them alike; each symbol at a moment of its own.
fn recording(place: usize, (_, price, digits): &(&str, f64, usize)) -> String {
    let mut text = "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>\n".to_owned();
    let point = 0.1_f64.powi(i32::try_from(*digits).unwrap_or_default());
    for second in 0..RECORDED_S {
        let (minute, rest, ms) = (second / 60 % 60, second % 60, place * 100);
        let bid = price + second as f64 * point;
        let ask = bid + 10.0 * point;
        // A text takes whatever is written to it.
        let _ = writeln!(
            text,
            "2026.01.05\t10:{minute:02}:{rest:02}.{ms:03}\t{bid:.digits$}\t{ask:.digits$}\t\t\t6"
        );
    }
    text
}

pub(super) fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|error| explained(format!("{}: {error}", path.display())))
}

/// A connection to a service, opened again when it broke.
pub(super) struct Caller {
    front: SocketAddr,
    http: Option<Http>,
}

impl Caller {
    pub(super) fn new(front: SocketAddr) -> Self {
        Self { front, http: None }
    }

    /// The body of a success, or what was said instead.
    pub(super) async fn get(&mut self, path: &str) -> std::result::Result<String, String> {
        let opened = match self.http.take() {
            Some(http) => Ok(http),
            None => Http::open(self.front).await,
        };
        let mut http = opened.map_err(|error| error.to_string())?;
        let reply = http.get(path).await.map_err(|error| error.to_string())?;
        self.http = Some(http);
        if reply.is_ok() { Ok(reply.body) } else { Err(format!("status {}: {}", reply.status, reply.body)) }
    }
}
