//! Clients that say nothing, and clients that read nothing, in numbers; others must not notice.

use std::net::Ipv4Addr;
use std::process::Command;

use testkit::{Client, PATIENCE, eventually, in_time};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};

use crate::binary::start_binary;

/// What all these replies would hold is 135 MB and more.
const GROWTH_MAX: u64 = 100 << 20;
/// How many ask for a history of 15 MB.
const READERS: usize = 9;
const BARS: usize = 100_000;

async fn from(last: u8, http: &Client) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::new(127, 0, 0, last), 0).into()).unwrap();
    socket.connect(http.address().parse().unwrap()).await.unwrap()
}

#[tokio::test]
async fn connections_that_say_nothing_block_nobody() {
    let args = ["--connections-max", "512", "--connections-per-address", "400", "--log", "warn"];
    let (mut process, http) = start_binary(&args).await;
    let url = process.says("  Connect          http://").await;
    let token = http.get(url.strip_prefix(http.address()).unwrap()).await.ok().body;
    let mut silent = Vec::new();
    for last in [1, 2, 3] {
        for count in 0..600 {
            let mut socket = from(last, &http).await;
            if count % 2 == 0 {
                // Some have begun to say something.
                // It may be closed again already.
                let _ = socket.write_all(b"GET /Ping HTTP/1.1\r\n").await;
            }
            silent.push(socket);
        }
    }
    // Whoever comes while the last of the crowd is being let in may be sent away once.
    for path in ["/healthz".to_owned(), format!("/AccountSummary?id={token}")] {
        eventually("it is answered beside them", async || {
            let reply = http.try_get(&path, PATIENCE).await?;
            (reply.status == 200).then_some(())
        })
        .await;
    }
    eventually("the health is good", async || {
        let health = Command::new(env!("CARGO_BIN_EXE_mt5rest"))
            .args(["health", "--listen", http.address()])
            .env_clear()
            .status();
        health.unwrap().success().then_some(())
    })
    .await;
    drop(silent);
}

#[tokio::test]
async fn replies_that_nobody_reads_are_bounded() {
    let (mut process, http) = start_binary(&["--reply-mib-per-address", "16", "--log", "warn"]).await;
    let url = process.says("  Connect          http://").await;
    let token = http.get(url.strip_prefix(http.address()).unwrap()).await.ok().body;
    let path = format!("/PriceHistoryEx?id={token}&symbol=EURUSD&from=2060-01-01&numBars={BARS}&timeFrame=1");
    let whole = in_time("one history is read", http.get(&path)).await.ok();
    assert_eq!(whole.json().as_array().unwrap().len(), BARS);
    let before = process.resident();
    let mut held = Vec::new();
    let (mut served, mut refused) = (0, 0);
    for _ in 0..READERS {
        let mut socket = from(1, &http).await;
        let head = format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut head = [0; 1024];
        let answered = async { while socket.peek(&mut head).await.unwrap() < "HTTP/1.1 200".len() {} };
        // One after the other, since making so much takes a while.
        in_time("it is answered", answered).await;
        let head = String::from_utf8_lossy(&head);
        match head.starts_with("HTTP/1.1 200") {
            true => served += 1,
            false => {
                assert!(head.contains("Replies of 16 MiB to this address"), "{head}");
                refused += 1;
            }
        }
        held.push(socket);
    }
    let growth = process.resident().saturating_sub(before);
    println!("{served} replies are on their way, {refused} were refused: {growth} bytes more than before");
    assert!(growth <= GROWTH_MAX, "{growth} bytes");
    assert!(served >= 1 && refused > 0, "{served} served, {refused} refused");
    // Others are not held up by them.
    assert_eq!(http.get(&format!("/CheckConnect?id={token}")).await.ok().body, "OK");
}
