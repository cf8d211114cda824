//! Floods of clients: pings that nobody reads back, replies that nobody reads, connections that say nothing.
//!
//! They come from an address of their own, as strangers would.

use std::net::SocketAddr;
use std::time::Duration;

use testkit::pause;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};

/// Where strangers come from.
const STRANGER: &str = "127.0.0.2:0";
/// A peer that takes nothing for so long has stopped reading.
const STUCK: Duration = Duration::from_secs(2);

/// Connects from the strangers' address. `None`: the other side takes no more.
async fn connect(to: SocketAddr) -> Option<TcpStream> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(STRANGER.parse().unwrap()).unwrap();
    timeout(STUCK, socket.connect(to)).await.ok()?.ok()
}

/// Opens a WebSocket and sends pings, until the time is over or the other side reads no more.
pub(crate) async fn pings(to: SocketAddr, path: &str, time: Duration) {
    let end = Instant::now() + time;
    let Some(mut socket) = connect(to).await else { return };
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {to}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        assert_ne!(socket.read_buf(&mut head).await.unwrap(), 0, "{}", String::from_utf8_lossy(&head));
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    let ping = [&[0x89, 0x80 | 125, 0, 0, 0, 0][..], &[7; 125]].concat();
    let many = ping.repeat(8 * 1024);
    while Instant::now() < end {
        if !matches!(timeout(STUCK, socket.write_all(&many)).await, Ok(Ok(()))) {
            return;
        }
    }
}

/// So many clients ask for something large, and never read the answers.
pub(crate) async fn unread_replies(to: SocketAddr, path: &str, clients: usize, time: Duration) {
    let mut sockets = Vec::new();
    for _ in 0..clients {
        let Some(mut socket) = connect(to).await else { break };
        let request = format!("GET {path} HTTP/1.1\r\nHost: {to}\r\n\r\n");
        if socket.write_all(request.as_bytes()).await.is_ok() {
            sockets.push(socket);
        }
    }
    pause(time).await;
}

/// So many connections say nothing.
pub(crate) async fn silence(to: SocketAddr, connections: usize, time: Duration) {
    let mut sockets = Vec::new();
    for _ in 0..connections {
        sockets.extend(connect(to).await);
    }
    pause(time).await;
}
