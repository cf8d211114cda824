//! Long replies are forwarded while they come.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bus::{Answer, Backend, Body, Interrupted, Payload, Streamed};
use bytes::Bytes;
use cluster::Reply;
use futures_util::StreamExt;
use runtime::Tasks;
use testkit::{in_time, pause};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::fake_owner::{Does, World, ask};

const LONG: usize = 8 << 20;

fn long() -> Bytes {
    let numbers =
        (0_u64..).map(|number| u8::try_from(number.wrapping_mul(0x9e37_79b9) >> 24 & 0xff).unwrap());
    numbers.take(LONG).collect::<Vec<u8>>().into()
}

fn streamed(answer: Answer<Body>) -> Streamed {
    match answer.result.unwrap() {
        Body::Streamed(streamed) => streamed,
        Body::Whole(_) => panic!("it is not streamed"),
    }
}

#[tokio::test]
async fn a_long_reply_to_a_read_comes_in_pieces_and_that_to_a_change_whole() {
    let world = World::new();
    let worker = world.worker("a").await;
    world.own("t", &worker, 1);
    let made = Answer::of(Ok(Payload::Json(long()))).synced_at(17, "synced").receipt(Some("1:2".to_owned()));
    worker.owner.does(Does::Say(Reply::Answer(made)));
    let answer = world.router.ask_streamed(ask("PriceHistory", &[("id", "t")])).await;
    assert_eq!((answer.as_of_ms, answer.sync.as_deref()), (Some(17), Some("synced")));
    let streamed = streamed(answer);
    assert_eq!(streamed.length, LONG as u64);
    let pieces: Vec<Bytes> = streamed.pieces.map(Result::unwrap).collect().await;
    assert!(pieces.len() > 8, "{} pieces", pieces.len());
    assert!(pieces.concat() == long());

    let answer = world.router.ask_streamed(ask("OrderSendSafe", &[("id", "t")])).await;
    assert_eq!(answer.receipt.as_deref(), Some("1:2"));
    assert!(matches!(answer.result, Ok(Body::Whole(Payload::Json(json))) if json == long()));
    let answer = world.router.ask(ask("PriceHistory", &[("id", "t")])).await;
    assert!(answer.result == Ok(Payload::Json(long())), "who wants it whole gets it whole");
    worker.owner.says(Ok(Payload::Json("[]".into())));
    let answer = world.router.ask_streamed(ask("PriceHistory", &[("id", "t")])).await;
    assert!(matches!(answer.result, Ok(Body::Whole(_))), "short ones are not worth it");
}

/// A worker that answers one call with the head of a long reply and so many bytes of it.
async fn dribbler(tasks: &Tasks, bytes: usize) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, written) = (listener.local_addr().unwrap().to_string(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&written);
    tasks.spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut read = Vec::new();
            while !read.windows(4).any(|end| end == b"\r\n\r\n") {
                if socket.read_buf(&mut read).await.unwrap_or(0) == 0 {
                    break;
                }
            }
            if !read.starts_with(b"POST /inner/ask") {
                continue;
            }
            let head = format!("HTTP/1.1 200 OK\r\nx-payload: json\r\ncontent-length: {}\r\n\r\n", 8 * LONG);
            socket.write_all(head.as_bytes()).await.unwrap();
            let piece = vec![b' '; 64 << 10];
            while counted.load(Ordering::SeqCst) < bytes && socket.write_all(&piece).await.is_ok() {
                counted.fetch_add(piece.len(), Ordering::SeqCst);
            }
        }
    });
    (address, written)
}

#[tokio::test]
async fn a_worker_that_dies_in_the_middle_ends_the_reply_with_an_error() {
    let world = World::new();
    let (address, _) = dribbler(&world.tasks, LONG).await;
    world.registry.own("t", "dribbler", &address, 1);
    let streamed = streamed(world.router.ask_streamed(ask("PriceHistory", &[("id", "t")])).await);
    let pieces: Vec<Result<Bytes, Interrupted>> = in_time("the end", streamed.pieces.collect()).await;
    let (last, before) = pieces.split_last().unwrap();
    assert!(last.is_err(), "it does not just end");
    let came: usize = before.iter().map(|piece| piece.as_ref().unwrap().len()).sum();
    assert!(came <= LONG, "{came}");
}

#[tokio::test]
async fn a_worker_is_read_no_faster_than_the_reply_is_taken() {
    let world = World::with(|settings| settings.in_flight_max = 1);
    let (address, written) = dribbler(&world.tasks, 8 * LONG).await;
    world.registry.own("t", "dribbler", &address, 1);
    let mut streamed = streamed(world.router.ask_streamed(ask("PriceHistory", &[("id", "t")])).await);
    streamed.pieces.next().await.unwrap().unwrap();
    // What the systems of both sides hold of it is taken, and nothing after that.
    let mut before = usize::MAX;
    while before != written.load(Ordering::SeqCst) {
        before = written.load(Ordering::SeqCst);
        pause(Duration::from_millis(200)).await;
    }
    assert!(before < 4 * LONG, "{before} bytes have left though nobody takes them");
    // It has its place among the calls under way until it is over.
    let busy = world.router.ask_streamed(ask("PriceHistory", &[("id", "t")])).await;
    assert_eq!(busy.result.unwrap_err().code(), error::Code::ServerBusy);
    drop(streamed);
    let again = world.router.ask_streamed(ask("PriceHistory", &[("id", "t")])).await;
    assert!(again.result.is_ok());
}
