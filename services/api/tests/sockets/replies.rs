//! Replies that nobody reads.

use std::net::Ipv4Addr;

use api::Settings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::backend::{LARGE, TOKEN, World, eventually};

/// Asks for a large reply from one of this machine's addresses.
async fn ask(world: &World, last: u8) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::new(127, 0, 0, last), 0).into()).unwrap();
    let mut socket = socket.connect(world.address.parse().unwrap()).await.unwrap();
    let head = format!(
        "GET /SymbolParams?id={TOKEN}&symbol=LARGE HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket
}

/// The beginning of what is answered.
async fn beginning(socket: &mut TcpStream) -> String {
    let mut bytes = vec![0; 512];
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
    eventually("it is asked for", || world.desk.asks.lock().unwrap().len() == 2).await;
    let (first, second) = tokio::join!(
        async { tokio::io::copy(&mut first, &mut tokio::io::sink()).await.unwrap() },
        beginning(&mut second)
    );
    assert!(first > 0 && second.starts_with("HTTP/1.1 200"), "{second}");
}
