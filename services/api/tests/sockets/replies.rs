//! Replies that nobody reads.

use std::net::Ipv4Addr;
use std::sync::atomic::Ordering;

use api::Settings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::backend::{LARGE, PIECES, TOKEN, World, eventually};

/// Asks for a large reply from one of this machine's addresses.
async fn ask(world: &World, last: u8) -> TcpStream {
    ask_for(world, last, "LARGE").await
}

async fn ask_for(world: &World, last: u8, symbol: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::new(127, 0, 0, last), 0).into()).unwrap();
    let mut socket = socket.connect(world.address.parse().unwrap()).await.unwrap();
    let head = format!(
        "GET /SymbolParams?id={TOKEN}&symbol={symbol} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket
}

/// The beginning of what is answered.
const BEGINNING: usize = 1024;

async fn beginning(socket: &mut TcpStream) -> String {
    let mut bytes = vec![0; BEGINNING];
    let count = socket.read(&mut bytes).await.unwrap();
    String::from_utf8_lossy(&bytes[..count]).into_owned()
}

#[tokio::test]
async fn what_is_not_read_is_bounded_for_each_address_and_for_all() {
    // Two large replies to an address, three in all.
    let settings =
        Settings { reply_bytes_per_address: 3 * LARGE, reply_bytes_max: 4 * LARGE, ..Settings::default() };
    let world = World::with(settings).await;
    let mut held = [ask(&world, 1).await, ask(&world, 1).await, ask(&world, 2).await];
    for socket in &mut held {
        assert!(beginning(socket).await.starts_with("HTTP/1.1 200"));
    }
    for (last, words) in [(1, "96 MiB to this address"), (3, "128 MiB to clients of this service")] {
        let refused = beginning(&mut ask(&world, last).await).await;
        assert!(refused.starts_with("HTTP/1.1 201") && refused.contains("SERVER_BUSY"), "{refused}");
        assert!(refused.contains(words), "{refused}");
    }
    let small = world.get(&format!("/OpenedOrdersTickets?id={TOKEN}")).await;
    assert_eq!((small.status, small.body.as_str()), (200, "[1,2]"), "small replies are not counted");
    drop(held);
    let mut all = Vec::new();
    ask(&world, 1).await.read_to_end(&mut all).await.unwrap();
    assert!(all.len() > LARGE && all.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn a_reply_waits_for_those_before_it() {
    let world = World::with(Settings { reply_bytes_per_address: LARGE, ..Settings::default() }).await;
    let mut first = ask(&world, 1).await;
    assert!(
        beginning(&mut first).await.starts_with("HTTP/1.1 200"),
        "it is larger than the bound, and alone"
    );
    let mut second = ask(&world, 1).await;
    let mut third = ask(&world, 1).await;
    eventually("they are asked for", || world.desk.asks.lock().unwrap().len() == 3).await;
    let all = |mut socket| async move { tokio::io::copy(&mut socket, &mut tokio::io::sink()).await.unwrap() };
    let beginning_and_rest = async |socket: &mut TcpStream| {
        let beginning = beginning(socket).await;
        tokio::io::copy(socket, &mut tokio::io::sink()).await.unwrap();
        beginning
    };
    let (first, second, third) =
        tokio::join!(all(first), beginning_and_rest(&mut second), beginning_and_rest(&mut third));
    assert!(first > 0 && second.starts_with("HTTP/1.1 200"), "{second}");
    assert!(third.starts_with("HTTP/1.1 200"), "others of its address wait as well: {third}");
}

#[tokio::test]
async fn a_streamed_reply_is_taken_as_fast_as_it_is_read_and_counts_in_full() {
    let world = World::with(Settings { reply_bytes_per_address: LARGE, ..Settings::default() }).await;
    let mut first = ask_for(&world, 1, "STREAMED").await;
    let head = beginning(&mut first).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.contains(&format!("content-length: {LARGE}\r\n")), "{head}");
    let taken = || world.desk.pieces.load(Ordering::SeqCst);
    assert!(taken() < PIECES.0, "all {} pieces were taken and nobody reads them", taken());
    let mut second = ask_for(&world, 1, "STREAMED").await;
    eventually("it is asked for", || world.desk.asks.lock().unwrap().len() == 2).await;
    let (rest, second) = tokio::join!(
        async { tokio::io::copy(&mut first, &mut tokio::io::sink()).await.unwrap() },
        beginning(&mut second)
    );
    assert!(rest + BEGINNING as u64 >= LARGE as u64, "{rest}");
    assert!(second.starts_with("HTTP/1.1 200"), "it waits for the first: {second}");
}

#[tokio::test]
async fn a_streamed_reply_that_breaks_off_never_looks_whole() {
    let world = World::start().await;
    for version in ["1.1", "1.0"] {
        let mut socket = TcpStream::connect(&world.address).await.unwrap();
        let head = format!("GET /SymbolParams?id={TOKEN}&symbol=CUT HTTP/{version}\r\nHost: x\r\n\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut all = Vec::new();
        // The connection ends, in whatever way.
        let _ = socket.read_to_end(&mut all).await;
        let head = String::from_utf8_lossy(&all[..512.min(all.len())]).into_owned();
        assert!(head.contains(&format!("content-length: {LARGE}\r\n")), "{head}");
        assert!(all.len() < LARGE, "HTTP/{version}: {} bytes", all.len());
    }
}

#[tokio::test]
async fn what_is_rewritten_for_its_client_is_asked_for_whole() {
    let world = World::start().await;
    let reply = world.get(&format!("/SymbolParams?id={TOKEN}&symbol=STREAMED&ticketsAsText=true")).await;
    assert_eq!((reply.status, reply.body.as_str()), (200, "{}"));
    assert_eq!(world.desk.pieces.load(Ordering::SeqCst), 0);
}
