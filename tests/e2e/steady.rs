//! Ordinary trading of many accounts: what a service keeps of it does not grow without end.

use std::path::Path;

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

async fn service(folder: &Path) -> (Process, Client, String) {
    let account = |number| json!({ "login": FIRST + number, "password": "demo", "deposit": 100_000.0 });
    let accounts: Vec<_> = (0..ACCOUNTS).map(account).collect();
    let file = folder.join("accounts.json");
    std::fs::write(&file, json!({ "accounts": accounts }).to_string()).unwrap();
    let (mut process, http) = start_binary(&["--accounts", &file.display().to_string()]).await;
    let broker = process.says("Demo broker").await;
    let (_, address) = broker.split_once("ws://").unwrap();
    let port = address.split(['/', ':']).nth(1).unwrap().to_owned();
    (process, http, port)
}

async fn trade(http: &Client, tokens: &[String], times: usize) {
    let each = tokens.iter().map(|token| async move {
        for _ in 0..times {
            let path = format!("/OrderSend?id={token}&symbol=EURUSD&operation=Buy&volume=0.01");
            let ticket = http.get(&path).await.ok().json()["ticket"].as_u64().unwrap();
            http.get(&format!("/OrderClose?id={token}&ticket={ticket}")).await.ok();
        }
    });
    futures_util::future::join_all(each).await;
}

#[tokio::test]
async fn trading_on_takes_little_more_memory() {
    let folder = Scratch::new("steady");
    let (process, http, port) = service(folder.path()).await;
    let mut tokens = Vec::new();
    for number in 0..ACCOUNTS {
        let path = format!("/Connect?user={}&password=demo&host=127.0.0.1&port={port}", FIRST + number);
        tokens.push(http.get(&path).await.ok().body);
    }
    trade(&http, &tokens, WARM_UP).await;
    let before = process.resident();
    trade(&http, &tokens, TRADES).await;
    let grown = process.resident().saturating_sub(before);
    let each = grown / (ACCOUNTS * u64::try_from(TRADES).unwrap());
    assert!(each <= TRADE_MAX, "each trade took {each} bytes");
}
