//! Connections that say nothing, and more of them than there are places.

use std::net::Ipv4Addr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use api::{Settings, TrustedProxies};
use bus::Topic;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::backend::{TOKEN, World, eventually};
use crate::http::parsed;

const SHORT: Duration = Duration::from_millis(20);

/// All that comes until the other side closes.
async fn rest(socket: &mut TcpStream) -> String {
    let mut all = Vec::new();
    socket.read_to_end(&mut all).await.unwrap();
    String::from_utf8(all).unwrap()
}

/// A connection from one of this machine's addresses.
async fn from(last: u8, world: &World) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::new(127, 0, 0, last), 0).into()).unwrap();
    socket.connect(world.address.parse().unwrap()).await.unwrap()
}

async fn ask(socket: &mut TcpStream, path: &str, headers: &str) {
    let head = format!("GET {path} HTTP/1.1\r\nHost: test\r\n{headers}\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
}

/// Calls that wait for the market.
fn order() -> String {
    format!("/OrderSend?id={TOKEN}&symbol=EURUSD&operation=0&volume=1")
}

/// Waits until so many orders are under way.
async fn under_way(world: &World, count: usize) {
    eventually("the orders are asked for", || world.desk.asks.lock().unwrap().len() == count).await;
}

#[tokio::test]
async fn a_head_must_come_in_time_and_idle_connections_may_stay() {
    let world = World::with(Settings { head_timeout: SHORT, ..Settings::default() }).await;
    let mut idle = from(1, &world).await;
    ask(&mut idle, "/Ping", "").await;
    let mut answer = [0; 12];
    idle.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");

    let mut silent = from(1, &world).await;
    assert_eq!(rest(&mut silent).await, "", "who has said nothing is told nothing");
    let mut slow = from(1, &world).await;
    slow.write_all(b"GET /Ping HTTP/1.1\r\n").await.unwrap();
    let told = parsed(&rest(&mut slow).await);
    assert_eq!((told.status, told.code().as_str()), (408, "TIMEOUT"));

    ask(&mut idle, "/Ping", "Connection: close\r\n").await;
    assert!(rest(&mut idle).await.contains("HTTP/1.1 200"), "it was not closed");
}

#[tokio::test]
async fn a_stop_does_not_wait_for_half_a_request() {
    let world =
        World::with(Settings { head_timeout: Duration::from_secs(3600), ..Settings::default() }).await;
    let mut half = from(1, &world).await;
    half.write_all(b"GET /Ping HTTP/1.1\r\nHost: test\r\n").await.unwrap();
    let mut after_one = from(1, &world).await;
    ask(&mut after_one, "/Ping", "").await;
    let mut answer = [0; 12];
    after_one.read_exact(&mut answer).await.unwrap();
    after_one.write_all(b"GET /Ping HTTP/1.1\r\n").await.unwrap();
    let silent = from(1, &world).await;
    world.stop().await;
    let told = parsed(&rest(&mut half).await);
    assert_eq!((told.status, told.code().as_str()), (408, "TIMEOUT"));
    assert!(told.body.contains("They may take 3600 s") && told.body.contains("again"), "{told:?}");
    drop((after_one, silent));
}

#[tokio::test]
async fn an_idle_connection_is_closed_in_time() {
    let world = World::with(Settings { idle_timeout: SHORT, ..Settings::default() }).await;
    let mut idle = from(1, &world).await;
    ask(&mut idle, "/Ping", "").await;
    assert!(rest(&mut idle).await.ends_with("OK"));
}

#[tokio::test]
async fn silent_connections_block_nobody() {
    let settings = Settings { connections_max: 64, connections_per_address: 32, ..Settings::default() };
    let world = World::with(settings).await;
    let mut silent = Vec::new();
    for last in [1, 2, 3] {
        for _ in 0..100 {
            silent.push(from(last, &world).await);
        }
    }
    for last in [1, 2, 3, 4] {
        let mut client = from(last, &world).await;
        ask(&mut client, &format!("/CheckConnect?id={TOKEN}"), "Connection: close\r\n").await;
        let reply = parsed(&rest(&mut client).await);
        assert_eq!((reply.status, reply.body.as_str()), (200, "OK"), "from {last}");
    }
}

#[tokio::test]
async fn who_comes_when_all_are_busy_is_told_so_and_the_health_is_answered() {
    let world = World::with(Settings { connections_max: 1, ..Settings::default() }).await;
    let first = world.begin("GET", &order(), &[], "").await;
    under_way(&world, 1).await;
    for health in ["/healthz", "/readyz", "/Ping", "/Health"] {
        assert_eq!(world.get(health).await.status, 200, "{health}");
    }
    let refused = world.get(&order()).await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "SERVER_BUSY"));
    assert_eq!(refused.header("x-outcome"), "not_sent");
    assert!(refused.body.contains("The 1 connections"), "{refused:?}");
    world.desk.market.add_permits(1);
    eventually("the order is done", || world.desk.orders_done.load(Ordering::SeqCst) == 1).await;
    drop(first);
}

#[tokio::test]
async fn an_address_leaves_places_to_others() {
    let world = World::with(Settings { connections_per_address: 2, ..Settings::default() }).await;
    let _first = world.begin("GET", &order(), &[], "").await;
    let _second = world.begin("GET", &order(), &[], "").await;
    under_way(&world, 2).await;
    let refused = world.get("/Version").await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "SERVER_BUSY"));
    let mut other = from(2, &world).await;
    ask(&mut other, "/Version", "Connection: close\r\n").await;
    assert_eq!(parsed(&rest(&mut other).await).status, 200);
}

#[tokio::test]
async fn clients_behind_a_proxy_count_by_themselves() {
    let trusted_proxies = TrustedProxies::new(vec!["127.0.0.1/32".parse().unwrap()]);
    let settings = Settings {
        connections_per_address: 1,
        sockets_per_address: 1,
        trusted_proxies,
        ..Settings::default()
    };
    let world = World::with(settings).await;
    let ours = ("X-Forwarded-For", "192.0.2.1");
    let _first = world.begin("GET", &order(), &[ours], "").await;
    under_way(&world, 1).await;
    assert_eq!(world.get_with("/Version", &[ours]).await.code(), "SERVER_BUSY");
    assert_eq!(world.get_with("/Ping", &[ours]).await.status, 200);
    assert_eq!(world.get_with("/Version", &[("X-Forwarded-For", "192.0.2.2")]).await.status, 200);
    assert_eq!(world.get("/Version").await.status, 200, "the proxy itself is of nobody");

    let upgrade = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13")];
    let key = ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    let other = ("X-Forwarded-For", "192.0.2.3");
    let path = format!("/OnQuote?id={TOKEN}");
    let headers = [upgrade[0], upgrade[1], upgrade[2], key, other];
    let _listening = world.begin("GET", &path, &headers, "").await;
    eventually("it listens", || world.desk.session.has_listeners(Topic::Quote)).await;
    let refused = world.get_with(&path, &headers).await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "SERVER_BUSY"));
}

#[tokio::test]
async fn reads_that_take_all_places_leave_some_for_trades() {
    let world = World::with(Settings { calls_max: 8, ..Settings::default() }).await;
    let read = format!("/GetQuote?id={TOKEN}&symbol=NEVER");
    let mut reads = Vec::new();
    for _ in 0..7 {
        let mut socket = from(1, &world).await;
        ask(&mut socket, &read, "").await;
        reads.push(socket);
    }
    eventually("all are under way", || world.desk.readings.load(Ordering::SeqCst) == 7).await;
    let refused = world.get(&format!("/AccountSummary?id={TOKEN}")).await;
    assert_eq!((refused.status, refused.code().as_str()), (201, "SERVER_BUSY"));
    assert_eq!(world.get("/Ping").await.status, 200, "what the front knows by itself needs no place");
    world.desk.market.add_permits(2);
    assert_eq!(world.get(&order()).await.status, 200);
    // Who hangs up gives the place back.
    drop(reads.pop());
    let next = async || world.get(&format!("/OpenedOrdersTickets?id={TOKEN}")).await.status;
    eventually("its place is free", || world.desk.readings.load(Ordering::SeqCst) == 6).await;
    assert_eq!(next().await, 200);
}
