//! WebSockets by hand, for peers that behave as no library would.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// A peer that takes nothing for so long has stopped reading.
const STUCK: Duration = Duration::from_secs(2);
/// What a ping carries: as much as it may.
const PING_BYTES: u8 = 125;

/// Upgrades a connection as its client.
///
/// # Panics
/// If the server does not take it.
pub async fn upgrade(socket: &mut TcpStream, path: &str) {
    let host = socket.peer_addr().unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let head = head(socket).await.unwrap();
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
}

/// Takes the upgrade of a connection as its server.
///
/// # Errors
/// When the connection ends before.
///
/// # Panics
/// If what comes is no upgrade.
pub async fn take_upgrade(socket: &mut TcpStream) -> std::io::Result<()> {
    let head = head(socket).await?;
    let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    let accept = derive_accept_key(key.expect("an upgrade").trim().as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    socket.write_all(answer.as_bytes()).await
}

/// Sends pings and reads nothing, for as long as more are wanted after so many bytes, and the other side takes them.
pub async fn flood_with_pings(socket: &mut TcpStream, is_client: bool, goes_on: impl Fn(usize) -> bool) {
    // Clients mask their frames; by zeros it changes nothing.
    let head: &[u8] = if is_client { &[0x89, 0x80 | PING_BYTES, 0, 0, 0, 0] } else { &[0x89, PING_BYTES] };
    let many = [head, &[7; PING_BYTES as usize]].concat().repeat(8 * 1024);
    let mut sent = 0;
    while goes_on(sent) && matches!(timeout(STUCK, socket.write_all(&many)).await, Ok(Ok(()))) {
        sent += many.len();
    }
}

/// What stands before the body, byte by byte: nothing that comes after it is taken.
async fn head(socket: &mut TcpStream) -> std::io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
