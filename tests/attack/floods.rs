//! Floods of clients: pings that nobody reads back, replies that nobody reads, connections that say nothing.
//!
//! They come from an address of their own, as strangers would.

use std::net::SocketAddr;
use std::time::Duration;

use testkit::{flood_with_pings, pause, upgrade};
use tokio::io::AsyncWriteExt;
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
    upgrade(&mut socket, path).await;
    flood_with_pings(&mut socket, true, |_| Instant::now() < end).await;
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
