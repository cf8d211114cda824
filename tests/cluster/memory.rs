//! What orders, their changes and trades cost: in the worker, measured in the real process, and in Redis.

use std::ops::Range;
use std::time::{Duration, Instant};

use broker::engine::Limits;
use futures_util::StreamExt;
use serde_json::Value;
use testkit::{Redis, eventually};

use crate::world::{FIRST, Session, World};

/// Pending orders of one account, and changes of them: enough that whole events would be hundreds of megabytes. The
/// environment may name other numbers (`docs/benchmarks.md`).
const ORDERS: (&str, usize) = ("MEMORY_ORDERS", 400);
const CHANGES: (&str, usize) = ("MEMORY_CHANGES", 1_600);
/// Calls under way at once.
const AT_ONCE: usize = 8;
/// What they may take, in a worker and in Redis.
const GROWTH_MAX: u64 = 16 << 20;
/// What an active session may have in Redis.
const SESSION_MAX: u64 = 256 << 10;
/// What a trade, opened and closed, may leave in Redis.
const TRADE_MAX: u64 = 2 << 10;

/// A number that the environment may name.
fn number((name, usual): (&str, usize)) -> usize {
    std::env::var(name).map_or(usual, |number| number.parse().unwrap())
}

/// A cluster whose accounts may have many orders.
async fn world() -> World {
    let redis = Redis::start_with(&["--appendfsync", "no"]).await;
    let url = redis.url();
    let limits = Limits { orders_max: 2 * number(ORDERS), ..Limits::default() };
    let mut world = World::with_limits(redis, url, 4, limits).await;
    world.workers.push(world.worker(&[]).await);
    world.apis.push(world.api().await);
    world.is_ready().await;
    world
}

/// What all keys of a session take in Redis, bytes.
async fn kept(world: &World, session: &Session) -> u64 {
    let sum = "local all, at = 0, '0' \
               repeat \
                 local found = redis.call('SCAN', at, 'MATCH', ARGV[1], 'COUNT', 1000) \
                 at = found[1] \
                 for _, key in ipairs(found[2]) do all = all + redis.call('MEMORY', 'USAGE', key, 'SAMPLES', 0) end \
               until at == '0' \
               return all";
    let names = format!("mt5rest:session:{{{}}}:*", session.token);
    world.redis.command(&["EVAL", sum, "0", &names]).await[1..].parse().unwrap()
}

/// All that Redis takes for data and scripts, bytes.
async fn used(world: &World) -> u64 {
    let code = "return tonumber(string.match(redis.call('INFO', 'memory'), 'used_memory:(%d+)'))";
    world.redis.command(&["EVAL", code, "0"]).await[1..].parse().unwrap()
}

async fn place(session: &Session, count: usize) -> Vec<u64> {
    let each = futures_util::stream::iter(0..count).map(|number| async move {
        let query = format!("symbol=EURUSD&operation=BuyLimit&volume=0.01&price=1.0{number:04}");
        session.json("OrderSend", &query).await["ticket"].as_u64().unwrap()
    });
    each.buffer_unordered(AT_ONCE).collect().await
}

async fn change(session: &Session, tickets: &[u64], numbers: Range<usize>) {
    let each = futures_util::stream::iter(numbers).map(|number| async move {
        let (ticket, price) = (tickets[number * 7 % tickets.len()], 10_000 + number % 9_000);
        let query = format!("ticket={ticket}&price=1.0{price:05}&stoploss=0.9");
        session.call("OrderModify", &query).await.ok();
    });
    each.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}

/// How long each of these reads took, in order.
async fn reads(session: &Session, count: usize) -> Vec<Duration> {
    let mut times = Vec::new();
    for _ in 0..count {
        let begun = Instant::now();
        session.call("AccountSummary", "").await.ok();
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    times
}

/// What is told beside the bounds, with `--nocapture`.
fn tell(what: &str, times: &[Duration]) {
    let at = |share: usize| times[(times.len() * share / 1000).min(times.len() - 1)];
    println!("{what}: p50 {:?}, p99 {:?}, slowest {:?}", at(500), at(990), at(1000));
}

#[tokio::test]
async fn many_orders_and_changes_take_little_and_are_free_when_the_session_ends() {
    let world = world().await;
    // What a process needs in any case.
    let first = world.connect(1).await;
    let tickets = place(&first, 20).await;
    change(&first, &tickets, 0..50).await;
    let (resident, in_redis) = (world.workers[0].process.resident(), used(&world).await);

    tell("reads of another session, before", &reads(&first, 500).await);

    let session = world.connect(0).await;
    let tickets = place(&session, number(ORDERS)).await;
    let changes = number(CHANGES);
    let (times, ()) = tokio::join!(reads(&first, 500), change(&session, &tickets, 0..changes));
    tell("the same beside the changes", &times);
    let grown = world.workers[0].process.resident().saturating_sub(resident);
    println!("the worker grew by {} KiB", grown >> 10);
    assert!(grown <= GROWTH_MAX, "the worker took {} KiB", grown >> 10);
    let grown = used(&world).await.saturating_sub(in_redis);
    println!("Redis grew by {} KiB", grown >> 10);
    assert!(grown <= GROWTH_MAX / 8, "Redis took {} KiB", grown >> 10);
    let kept_before = kept(&world, &session).await;
    assert!(kept_before <= SESSION_MAX, "the session has {} KiB in Redis", kept_before >> 10);

    // What was kept is free in Redis, and used again in the worker.
    session.call("Disconnect", "").await.ok();
    let left = kept(&world, &session).await;
    assert!(left <= 4 << 10, "an ended session has {left} bytes in Redis");
    let resident = world.workers[0].process.resident();
    let again = world.connect(0).await;
    change(&again, &tickets, changes..changes + 200).await;
    let grown = world.workers[0].process.resident().saturating_sub(resident);
    assert!(grown <= GROWTH_MAX / 2, "the worker took {} KiB once more", grown >> 10);
}

#[tokio::test]
async fn who_comes_back_to_many_orders_gets_what_was_told_word_for_word() {
    let world = world().await;
    let session = world.connect(0).await;
    let mut live = session.stream("OnOrderUpdate", "since=now").await;
    assert_eq!(live.next().await["data"]["isComplete"], true);
    let hear = async {
        let mut told: Vec<Value> = Vec::new();
        let mut changes = 0;
        while changes < 300 {
            let event = live.next().await;
            changes += usize::from(event["data"]["update"]["type"] == "PendingModify");
            told.push(event);
        }
        told
    };
    let act = async {
        let tickets = place(&session, 60).await;
        change(&session, &tickets, 0..300).await;
        tickets
    };
    let (told, tickets) = tokio::join!(hear, act);
    assert_eq!(told.last().unwrap()["data"]["openedOrders"].as_array().unwrap().len(), 60);
    let events = told.len();
    for place in [events - 2, events - 60, events - 120] {
        let since = told[place]["position"].as_str().unwrap();
        let mut again = session.stream("OnOrderUpdate", &format!("since={since}")).await;
        assert_eq!(again.next().await["data"]["isComplete"], true, "{place} of {events}");
        for expected in &told[place + 1..] {
            assert_eq!(again.next().await, *expected);
        }
    }
    // The next owner goes on, and what it says can be read behind that of the last one.
    let dead = world.owner(&session).await;
    let mut world = world;
    world.workers.push(world.worker(&[]).await);
    world.is_ready().await;
    world.workers[dead].process.signal("KILL");
    // A read is made again where the session is by then.
    session.json("AccountSummary", "").await;
    change(&session, &tickets, 300..310).await;
    let since = told[events - 5]["position"].as_str().unwrap();
    let mut again = session.stream("OnOrderUpdate", &format!("since={since}")).await;
    assert_eq!(again.next().await["data"]["isComplete"], true);
    for expected in &told[events - 4..] {
        assert_eq!(again.next().await, *expected);
    }
    for _ in 0..10 {
        let next = again.next().await;
        assert_eq!(next["data"]["update"]["type"], "PendingModify");
        assert_eq!(next["data"]["openedOrders"].as_array().unwrap().len(), 60);
        assert_eq!(live.next().await, next, "who stayed hears the same");
    }
}

#[tokio::test]
async fn a_trade_leaves_little_in_redis_and_a_session_has_a_bound() {
    let world = world().await;
    let session = world.connect(0).await;
    let trade = async |count: usize, key: &str| {
        for number in 0..count {
            let key = if key.is_empty() { String::new() } else { format!("&idempotencyKey={key}{number}") };
            let query = format!("symbol=EURUSD&operation=Buy&volume=0.01{key}");
            let ticket = session.json("OrderSend", &query).await["ticket"].as_u64().unwrap();
            let query = format!("ticket={ticket}{}", key.replace("Key=", "Key=close"));
            session.call("OrderClose", &query).await.ok();
        }
    };
    trade(3, "").await;
    let before = kept(&world, &session).await;
    trade(30, "").await;
    let each = kept(&world, &session).await.saturating_sub(before) / 30;
    assert!(each <= TRADE_MAX, "a trade leaves {each} bytes");
    trade(300, "").await;
    let all = kept(&world, &session).await;
    assert!(all <= SESSION_MAX, "a session has {} KiB", all >> 10);
    let before = kept(&world, &session).await;
    trade(30, "key").await;
    let each = kept(&world, &session).await.saturating_sub(before) / 30;
    assert!(each <= TRADE_MAX, "a trade under keys leaves {each} bytes");
    assert!(world.positions(FIRST).await == 0, "all are closed");
    eventually("what is left is small", async || (kept(&world, &session).await <= SESSION_MAX).then_some(()))
        .await;
}
