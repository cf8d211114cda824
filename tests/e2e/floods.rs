//! Peers that send control frames and never read the answers. The memory of the real process is measured.

use std::time::Duration;

use testkit::{Client, Process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::binary::start_binary;

/// Sent at most: without a bound, the process would hold about as much.
const FLOOD_BYTES: usize = 192 << 20;
/// A peer that takes nothing for so long has stopped reading.
const STUCK: Duration = Duration::from_secs(2);
/// What a flood may leave in memory.
const GROWTH_MAX: u64 = 16 << 20;

/// Opens a WebSocket by hand: the library would answer and read.
async fn open(address: &str, path: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        assert_ne!(socket.read_buf(&mut head).await.unwrap(), 0, "{}", String::from_utf8_lossy(&head));
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    socket
}

/// Sends pings until the peer takes no more. Clients mask their frames; by zeros it changes nothing.
async fn flood(mut socket: TcpStream, is_client: bool) {
    let head: &[u8] = if is_client { &[0x89, 0x80 | 125, 0, 0, 0, 0] } else { &[0x89, 125] };
    let ping = [head, &[7; 125]].concat();
    let many = ping.repeat(8 * 1024);
    let mut sent = 0;
    while sent < FLOOD_BYTES {
        match timeout(STUCK, socket.write_all(&many)).await {
            Ok(Ok(())) => sent += many.len(),
            // It does not read on, or has hung up.
            Ok(Err(_)) | Err(_) => return,
        }
    }
}

async fn grows_by(process: &Process, flood: impl Future<Output = ()>) -> u64 {
    let before = process.resident();
    flood.await;
    process.resident().saturating_sub(before)
}

#[tokio::test]
async fn pings_that_nobody_reads_back_cost_the_front_and_the_broker_no_memory() {
    let (mut process, http) = start_binary(&[]).await;
    let url = process.says("  Connect          http://").await;
    let token = http.get(url.strip_prefix(http.address()).unwrap()).await.ok().body;
    let search = http.get("/Search?company=mt5rest").await.ok().json();
    let broker = search[0]["results"][0]["access"][0].as_str().unwrap().to_owned();
    for (address, path) in
        [(http.address().to_owned(), format!("/OnQuote?id={token}")), (broker, "/terminal".to_owned())]
    {
        let socket = open(&address, &path).await;
        let growth = grows_by(&process, flood(socket, true)).await;
        assert!(growth <= GROWTH_MAX, "{path}: {growth} bytes");
    }
    assert_eq!(http.get("/Ping").await.ok().body, "OK");
}

#[tokio::test]
async fn pings_of_a_hostile_broker_cost_a_worker_no_memory() {
    let (process, http) = start_binary(&["--no-broker"]).await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connect = format!("/Connect?user=1&password=x&host=ws://127.0.0.1&port={port}");
    let caller: Client = http.clone();
    let hostile = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            assert_ne!(socket.read_buf(&mut head).await.unwrap(), 0);
        }
        let head = String::from_utf8(head).unwrap();
        let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
        let accept = tungstenite::handshake::derive_accept_key(key.trim().as_bytes());
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        socket.write_all(answer.as_bytes()).await.unwrap();
        flood(socket, false).await;
    };
    let growth = grows_by(&process, async {
        // The flood is over when it is not read any more; what the caller is told then does not matter here.
        tokio::select! {
            () = hostile => {}
            refused = caller.get(&connect) => panic!("{refused:?}"),
        }
    })
    .await;
    assert!(growth <= GROWTH_MAX, "{growth} bytes");
    assert_eq!(http.get("/Ping").await.ok().body, "OK");
}
