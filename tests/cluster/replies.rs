//! Long replies that nobody reads, through a cluster: they stay at the worker, within its bound, and others go on reading.

use std::cell::Cell;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use testkit::{Process, Redis, eventually, pause};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::world::World;

const MIB: u64 = 1 << 20;
/// What the worker may take for long replies.
const BOUND_MIB: u64 = 48;
/// Candles that are asked for: some 15 MB of text, and as much while they are made.
const CANDLES: usize = 100_000;
const CLIENTS: usize = 16;
/// One reply may go beyond the bound; and what a process takes besides: the link's messages, what allocators keep.
const WORKER_GROWTH_MAX: u64 = (BOUND_MIB + 2 * 28 + 48) * MIB;
/// All of the replies would be several times as much.
const FRONT_GROWTH_MAX: u64 = 32 * MIB;

/// Waits for the beginning of the answer, without reading it. Answers whether it is a reply.
async fn is_served(socket: &TcpStream) -> bool {
    let mut head = [0; 12];
    eventually("it is answered", async || {
        let count = socket.peek(&mut head).await.unwrap();
        (count == head.len()).then_some(())
    })
    .await;
    head == *b"HTTP/1.1 200"
}

/// Looks at the memory of a process until `done`.
async fn most(process: &Process, done: impl Fn() -> bool) -> u64 {
    let mut most = 0;
    while !done() {
        most = most.max(process.resident());
        pause(Duration::from_millis(20)).await;
    }
    most
}

#[tokio::test]
async fn long_replies_that_nobody_reads_are_bounded_in_front_and_worker() {
    let redis = Redis::start().await;
    let url = redis.url();
    let mut world = World::empty(redis, url, 4).await;
    world.workers.push(world.worker(&[("MT5REST_REPLY_MEMORY_MIB", &BOUND_MIB.to_string())]).await);
    // The bounds of the front are out of the way.
    let wide = [("MT5REST_REPLY_MIB_MAX", "4096"), ("MT5REST_REPLY_MIB_PER_ADDRESS", "4096")];
    world.apis.push(world.api_with(&wide).await);
    world.is_ready().await;
    let (reader, other) = (world.connect(0).await, world.connect(1).await);
    let long = format!("symbol=EURUSD&from=2026-06-01&numBars={CANDLES}&timeFrame=M1");
    let whole = reader.json("PriceHistoryEx", &long).await;
    assert_eq!(whole.as_array().unwrap().len(), CANDLES);
    drop(whole);

    let (front, worker) = (&world.apis[0].process, &world.workers[0].process);
    let before = (front.resident(), worker.resident());
    let address: SocketAddr = world.apis[0].address.parse().unwrap();
    let request = format!("GET {} HTTP/1.1\r\nHost: test\r\n\r\n", reader.path("PriceHistoryEx", &long));
    let is_over = Cell::new(false);
    let all_are_answered = async {
        let clients = (0..CLIENTS).map(|_| async {
            let mut socket = TcpStream::connect(address).await.unwrap();
            socket.write_all(request.as_bytes()).await.unwrap();
            (is_served(&socket).await, socket)
        });
        let answered = join_all(clients).await;
        is_over.set(true);
        answered
    };
    let others_read = async {
        let mut reads = 0;
        while !is_over.get() {
            other.json("AccountSummary", "").await;
            let few = other.json("PriceHistoryEx", "symbol=EURUSD&from=2026-06-01&numBars=100&timeFrame=M1");
            assert_eq!(few.await.as_array().unwrap().len(), 100);
            reads += 1;
            pause(Duration::from_millis(50)).await;
        }
        reads
    };
    let (answered, reads, in_front, in_worker) = tokio::join!(
        all_are_answered,
        others_read,
        most(front, || is_over.get()),
        most(worker, || is_over.get())
    );
    let served = answered.iter().filter(|(is_served, _)| *is_served).count();
    let grown = (in_front.saturating_sub(before.0), in_worker.saturating_sub(before.1));
    println!(
        "{served} of {CLIENTS} are under way, others read {reads} times; the front grew by {} MiB, the worker by {} MiB",
        grown.0 / MIB,
        grown.1 / MIB
    );
    assert!((2..CLIENTS).contains(&served), "{served} are under way");
    assert!(grown.0 <= FRONT_GROWTH_MAX, "the front took {} MiB", grown.0 / MIB);
    assert!(grown.1 <= WORKER_GROWTH_MAX, "the worker took {} MiB", grown.1 / MIB);
    drop(answered);
    let again = reader.call("PriceHistoryEx", &long).await.ok();
    assert_eq!(again.json().as_array().unwrap().len(), CANDLES, "there is room again");
}
