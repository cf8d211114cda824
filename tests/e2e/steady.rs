//! Ordinary trading of many accounts: what a service keeps of it does not grow without end.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::{Client, Process, Scratch};

use crate::binary::start_binary;

const ACCOUNTS: u64 = 12;
const FIRST: u64 = 2_000_000;
/// Trades of each account before memory is looked at: what is kept of the last ones is full by then.
const WARM_UP: usize = 60;
/// And between two looks.
const TRADES: usize = 40;
/// What a trade may leave in memory, the demo broker's books included: two deals and two orders.
const TRADE_MAX: u64 = 6 << 10;

/// Accounts, seconds and trades a second of a measurement; the environment may name others (`docs/benchmarks.md`).
const MEASURED: [(&str, u64); 3] = [("STEADY_ACCOUNTS", 12), ("STEADY_SECONDS", 3), ("STEADY_TRADES", 40)];
/// What a service may take for all of it.
const GROWTH_MAX: u64 = 100 << 20;
/// Of a long measurement, what its last third may take.
const LAST_THIRD_MAX: u64 = 8 << 20;
const LONG: Duration = Duration::from_secs(600);
/// Reads of another session: so often.
const READ_EVERY: Duration = Duration::from_millis(20);

async fn service(folder: &Path, count: u64) -> (Process, Client, String) {
    let account = |number| json!({ "login": FIRST + number, "password": "demo", "deposit": 100_000.0 });
    let accounts: Vec<_> = (0..count).map(account).collect();
    let file = folder.join("accounts.json");
    std::fs::write(&file, json!({ "accounts": accounts }).to_string()).unwrap();
    let (mut process, http) = start_binary(&["--accounts", &file.display().to_string()]).await;
    let broker = process.says("Demo broker").await;
    let (_, address) = broker.split_once("ws://").unwrap();
    let port = address.split(['/', ':']).nth(1).unwrap().to_owned();
    (process, http, port)
}

async fn connect(http: &Client, port: &str, number: u64) -> String {
    let path = format!("/Connect?user={}&password=demo&host=127.0.0.1&port={port}", FIRST + number);
    http.get(&path).await.ok().body
}

/// Opens a position and closes it.
async fn trade_once(http: &Client, token: &str) {
    let path = format!("/OrderSend?id={token}&symbol=EURUSD&operation=Buy&volume=0.01");
    let ticket = http.get(&path).await.ok().json()["ticket"].as_u64().unwrap();
    http.get(&format!("/OrderClose?id={token}&ticket={ticket}")).await.ok();
}

async fn trade(http: &Client, tokens: &[String], times: usize) {
    let each = tokens.iter().map(|token| async move {
        for _ in 0..times {
            trade_once(http, token).await;
        }
    });
    futures_util::future::join_all(each).await;
}

#[tokio::test]
async fn trading_on_takes_little_more_memory() {
    let folder = Scratch::new("steady");
    let (process, http, port) = service(folder.path(), ACCOUNTS).await;
    let mut tokens = Vec::new();
    for number in 0..ACCOUNTS {
        tokens.push(connect(&http, &port, number).await);
    }
    trade(&http, &tokens, WARM_UP).await;
    let before = process.resident();
    trade(&http, &tokens, TRADES).await;
    let grown = process.resident().saturating_sub(before);
    let each = grown / (ACCOUNTS * u64::try_from(TRADES).unwrap());
    assert!(each <= TRADE_MAX, "each trade took {each} bytes");
}

/// Reads for so long, and says how long each took, in order.
async fn reads(http: &Client, token: &str, span: Duration) -> Vec<Duration> {
    let (begun, mut times) = (Instant::now(), Vec::new());
    let mut pace = tokio::time::interval(READ_EVERY);
    while begun.elapsed() < span {
        pace.tick().await;
        let read = Instant::now();
        http.get(&format!("/AccountSummary?id={token}")).await.ok();
        times.push(read.elapsed());
    }
    times.sort_unstable();
    times
}

fn at(times: &[Duration], share: usize) -> Duration {
    times[(times.len() * share / 1000).min(times.len() - 1)]
}

/// Trades at a pace for so long, the accounts in turn, and looks at memory in between.
async fn trade_at_a_pace(
    http: &Client,
    tokens: &[String],
    (span, each_second): (Duration, u64),
    process: &Process,
) -> Vec<u64> {
    let every = Duration::from_secs(1) / u32::try_from(each_second).unwrap();
    let (begun, mut sizes, mut trades) = (Instant::now(), Vec::new(), tokio::task::JoinSet::new());
    let mut pace = tokio::time::interval(every);
    for token in tokens.iter().cycle() {
        pace.tick().await;
        let passed = begun.elapsed();
        if passed >= span * u32::try_from(sizes.len()).unwrap() / 15 {
            sizes.push(process.resident());
            println!("after {} s: {} KiB", passed.as_secs(), process.resident() >> 10);
        }
        if passed >= span {
            break;
        }
        if trades.len() >= tokens.len() {
            // A service that cannot keep up is not given ever more at once.
            trades.join_next().await;
        }
        let (http, token) = (http.clone(), token.clone());
        trades.spawn(async move { trade_once(&http, &token).await });
        while let Some(done) = trades.try_join_next() {
            done.unwrap();
        }
    }
    while let Some(done) = trades.join_next().await {
        done.unwrap();
    }
    sizes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_accounts_that_trade_now_and_then_take_a_bounded_memory() {
    let [accounts, seconds, each_second] =
        MEASURED.map(|(name, usual)| std::env::var(name).map_or(usual, |number| number.parse().unwrap()));
    let folder = Scratch::new("pace");
    let (process, http, port) = service(folder.path(), accounts + 1).await;
    let start = process.resident();
    let other = connect(&http, &port, accounts).await;
    let mut tokens = Vec::new();
    for number in 0..accounts {
        tokens.push(connect(&http, &port, number).await);
    }
    println!(
        "{accounts} accounts: {} KiB at the start, {} KiB connected",
        start >> 10,
        process.resident() >> 10
    );
    let span = Duration::from_secs(seconds);
    let alone = reads(&http, &other, span.min(Duration::from_secs(60))).await;
    let trading = trade_at_a_pace(&http, &tokens, (span, each_second), &process);
    let (sizes, beside) = tokio::join!(trading, reads(&http, &other, span));
    for (what, times) in [("alone", &alone), ("beside the trades", &beside)] {
        println!("reads of another session {what}: p50 {:?}, p99 {:?}", at(times, 500), at(times, 990));
    }
    let ratio = at(&beside, 990).as_secs_f64() / at(&alone, 990).as_secs_f64();
    let grown = process.resident().saturating_sub(start);
    println!("the service grew by {} KiB; p99 of reads is {ratio:.2} times that alone", grown >> 10);
    assert!(grown <= GROWTH_MAX, "the service took {} KiB", grown >> 10);
    let last = sizes[sizes.len() - 1].saturating_sub(sizes[sizes.len() * 2 / 3]);
    assert!(span < LONG || last <= LAST_THIRD_MAX, "the last third took {} KiB", last >> 10);
}
