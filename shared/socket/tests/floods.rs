//! A peer that sends control frames and reads nothing.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use futures_util::StreamExt;
use socket::tungstenite::{Error, Message};
use socket::{BoundedSocket, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;

/// Bytes that are under way between both.
const PIPE: usize = 1024;

/// A ping of a client, with the largest payload, masked by zeros.
fn ping() -> Vec<u8> {
    [&[0x89, 0x80 | 125, 0, 0, 0, 0][..], &[7; 125]].concat()
}

async fn pair(limits: &Limits) -> (DuplexStream, BoundedSocket<DuplexStream>) {
    let (peer, own) = duplex(PIPE);
    (peer, BoundedSocket::server(own, Vec::new(), limits).await)
}

fn limits() -> Limits {
    Limits {
        incoming_bytes_max: 4096,
        outgoing_bytes_max: 4096,
        read_buffer_bytes: 512,
        write_buffer_bytes: 512,
        drain_limit: Duration::from_secs(30),
    }
}

#[tokio::test(start_paused = true)]
async fn who_reads_no_answers_is_not_read_and_ended_in_time() {
    let (mut peer, mut own) = pair(&limits()).await;
    let flood = async {
        let mut sent = 0;
        while peer.write_all(&ping()).await.is_ok() {
            sent += 1;
        }
        sent
    };
    let begun = Instant::now();
    let serve = async {
        let mut taken = 0;
        loop {
            match own.next().await.unwrap() {
                Ok(Message::Ping(_)) => taken += 1,
                other => break (taken, other),
            }
        }
    };
    let (taken, end) =
        tokio::select! { end = serve => end, sent = flood => panic!("{sent} pings were taken") };
    assert!(matches!(end, Err(Error::Io(cause)) if cause.kind() == std::io::ErrorKind::TimedOut));
    assert!(begun.elapsed() >= Duration::from_secs(30));
    // What fits into the pipe was answered, and no more was taken.
    assert!(taken <= PIPE / 127 + 2, "{taken} pings were taken");
}

#[tokio::test(start_paused = true)]
async fn who_reads_them_gets_so_many_a_second() {
    let (peer, mut own) = pair(&limits()).await;
    let (mut reads, mut writes) = tokio::io::split(peer);
    let flood = async { while writes.write_all(&ping()).await.is_ok() {} };
    let drain = async {
        let mut bytes = [0; 256];
        while reads.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
    };
    let serve = async {
        let begun = Instant::now();
        for _ in 0..1000 {
            assert!(matches!(own.next().await, Some(Ok(Message::Ping(_)))));
        }
        begun.elapsed()
    };
    let elapsed = tokio::select! {
        elapsed = serve => elapsed,
        () = flood => panic!("the flood ended"),
        () = drain => panic!("the socket ended"),
    };
    assert!(elapsed >= Duration::from_secs(9), "{elapsed:?}");
}

#[tokio::test]
async fn the_goodbye_arrives_before_what_was_refused_is_sent_to_its_end() {
    let (mut peer, mut own) = pair(&limits()).await;
    // A frame that says it has a megabyte.
    let mut large = vec![0x82, 0x80 | 127, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0];
    large.resize(large.len() + (1 << 20), 7);
    let serve = async {
        assert!(matches!(own.next().await, Some(Err(Error::Capacity(_)))));
        own.finish(Message::Close(None), Duration::from_secs(20)).await;
    };
    let send = async {
        peer.write_all(&large).await.unwrap();
        let mut answer = Vec::new();
        peer.shutdown().await.unwrap();
        peer.read_to_end(&mut answer).await.unwrap();
        answer
    };
    let ((), answer) = tokio::join!(serve, send);
    assert_eq!(answer, [0x88, 0], "a close frame, and the end");
}
