//! What the registry does when its Redis is slow, gone, another one, or empty.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test fails by panicking.

use std::time::{Duration, Instant};

use bus::{Frame, Position, Topic};
use bytes::Bytes;
use futures_util::future::join_all;
use registry::{
    AccountName, Beat, Ear, Entry, Events, Fence, Heard, Journal, Key, Keyed, Keys, Lease, Opened,
    Quarantine, RedisRegistry, Routed, Sessions, Unclaimed, WorkerId, Workers, Written,
};
use testkit::{Redis, eventually, in_time};

/// An operation has failed after this time, with some room for a busy machine.
const FAILS_WITHIN: Duration = Duration::from_secs(10);

fn registry(server: &Redis) -> RedisRegistry {
    RedisRegistry::connect(&server.url()).unwrap()
}

fn worker(id: &str) -> WorkerId {
    WorkerId::new(id)
}

fn beat(id: &str) -> Beat {
    Beat {
        worker: worker(id),
        address: format!("{id}:80"),
        sessions: 0,
        sessions_max: 10,
        is_open: true,
        brokers: Vec::new(),
        ttl: Duration::from_secs(600),
    }
}

async fn live(registry: &RedisRegistry, token: &str) -> Fence {
    let sealed = Bytes::from_static(b"sealed");
    let opened = registry.open(token, &AccountName::new("account"), &worker("one"), &sealed).await.unwrap();
    let Opened::Yes(fence) = opened else { panic!("{token} is taken") };
    assert_eq!(registry.opened(token, fence, &sealed).await.unwrap(), Written::Yes);
    fence
}

fn at(epoch: Fence, offset: u64) -> Position {
    Position { epoch: epoch.0, offset }
}

async fn append(registry: &RedisRegistry, token: &str, fence: Fence, offset: u64) {
    let event = Frame::new(Topic::OrderUpdate, None, Bytes::from_static(b"{}")).at(at(fence, offset));
    let written = registry.append(token, fence, &[event], &Bytes::new()).await.unwrap();
    assert_eq!(written, Written::Yes);
}

async fn works_again(registry: &RedisRegistry) {
    eventually("the registry works", async || registry.workers().await.ok().map(drop)).await;
}

async fn next(ear: &mut dyn Ear) -> Heard {
    in_time("something is heard", ear.next()).await
}

/// After a gap everything is heard again.
async fn hears_again(registry: &RedisRegistry, ear: &mut dyn Ear, tokens: &[&str]) {
    assert_eq!(next(ear).await, Heard::Gap);
    for token in tokens {
        eventually("it is told", async || registry.tell_changed(token).await.ok()).await;
        let expected = Heard::Changed { token: (*token).to_owned() };
        // There may be more than one gap until everything is calm.
        while next(ear).await != expected {}
    }
}

/// Connections of a registry for everything but events.
const CONNECTIONS: u64 = 4;

/// A number of what `INFO` says; 0 where it says nothing of it.
async fn info(server: &Redis, section: &str, name: &str) -> u64 {
    let code = "return tonumber(string.match(redis.call('INFO', ARGV[1]), ARGV[2] .. '(%d+)') or 0)";
    let answer = server.command(&["EVAL", code, "0", section, name]).await;
    answer[1..].parse().unwrap()
}

/// Waits until so many are connected, besides who asks. The server may see the end of a connection late.
async fn has_clients(server: &Redis, count: u64) {
    eventually("it has the right number of clients", async || {
        (info(server, "clients", "connected_clients:").await == count + 1).then_some(())
    })
    .await;
}

async fn made(server: &Redis) -> u64 {
    info(server, "stats", "total_connections_received:").await
}

#[tokio::test]
async fn looking_up_works_at_once_when_the_server_was_started_anew() {
    // With so many of its connections open.
    for open in 0..=4 {
        let server = Redis::start().await;
        let other = registry(&server);
        other.join(&beat("one")).await.unwrap();
        live(&other, "token").await;
        let registry = registry(&server);
        for _ in 0..open {
            registry.tokens_at(&worker("one"), 1).await.unwrap();
        }
        server.kill();
        server.restart().await;
        for _ in 0..4 {
            let routed = registry.route("token").await.unwrap();
            assert!(matches!(routed, Routed::At { .. }), "{open}: {routed:?}");
        }
    }
}

#[tokio::test]
async fn many_operations_share_few_connections_that_are_not_looked_at() {
    let server = Redis::start().await;
    let registry = registry(&server);
    let (made_before, pings) =
        (made(&server).await, info(&server, "commandstats", "cmdstat_ping:calls=").await);
    let one_by_one = 20;
    for _ in 0..one_by_one {
        registry.workers().await.unwrap();
    }
    let at_once = join_all((0..200).map(|_| registry.workers())).await;
    assert!(at_once.iter().all(Result::is_ok));
    assert_eq!(info(&server, "commandstats", "cmdstat_ping:calls=").await, pings);
    assert_eq!(info(&server, "commandstats", "cmdstat_unwatch:calls=").await, 0);
    // Each question of this test takes one of its own.
    let questions = 4;
    assert_eq!(made(&server).await - made_before, CONNECTIONS + questions);
    has_clients(&server, CONNECTIONS).await;
}

#[tokio::test]
async fn a_connection_that_broke_is_replaced_and_not_used_again() {
    let server = Redis::start().await;
    let registry = registry(&server);
    let pings = info(&server, "commandstats", "cmdstat_ping:calls=").await;
    for _ in 0..3 {
        for _ in 0..CONNECTIONS {
            registry.workers().await.unwrap();
        }
        let killed = server.command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await;
        assert_eq!(killed, format!(":{CONNECTIONS}"));
        // Who uses it next may be told that it broke; nobody is told twice.
        for _ in 0..CONNECTIONS {
            let _ = registry.workers().await;
        }
    }
    for _ in 0..2 * CONNECTIONS {
        registry.workers().await.unwrap();
    }
    // These are open, but silent for too long.
    server.pause();
    let missed = join_all((0..CONNECTIONS).map(|_| registry.workers())).await;
    assert!(missed.iter().all(Result::is_err));
    server.resume();
    for _ in 0..2 * CONNECTIONS {
        registry.workers().await.unwrap();
    }
    assert_eq!(info(&server, "commandstats", "cmdstat_ping:calls=").await, pings);
    has_clients(&server, CONNECTIONS).await;
}

#[tokio::test]
async fn redis_need_not_run_at_first() {
    let server = Redis::start().await;
    server.kill();
    let registry = registry(&server);
    let begun = Instant::now();
    assert!(registry.workers().await.is_err());
    let mut ear = registry.listen().await.unwrap();
    assert!(ear.open("token").await.is_err());
    assert!(begun.elapsed() < FAILS_WITHIN);
    server.restart().await;
    works_again(&registry).await;
    eventually("an ear opens", async || ear.open("token").await.ok()).await;
    registry.tell_changed("token").await.unwrap();
    assert_eq!(next(&mut *ear).await, Heard::Changed { token: "token".to_owned() });
}

#[tokio::test]
async fn what_was_written_survives_a_restart() {
    let server = Redis::start().await;
    let registry = registry(&server);
    registry.join(&beat("one")).await.unwrap();
    let fence = live(&registry, "token").await;
    append(&registry, "token", fence, 1).await;
    let mut ear = registry.listen().await.unwrap();
    ear.open("token").await.unwrap();
    server.restart().await;
    works_again(&registry).await;
    assert_eq!(registry.verify(&[("token".to_owned(), fence)]).await.unwrap(), [true]);
    assert_eq!(registry.beat(&beat("one")).await.unwrap(), Lease::Kept);
    let since = registry.since("token", at(fence, 0)).await.unwrap();
    assert_eq!((since.is_cut, since.events.len()), (false, 1));
    hears_again(&registry, &mut *ear, &["token"]).await;
}

#[tokio::test]
async fn after_everything_was_lost_sessions_are_brought_back() {
    let server = Redis::start().await;
    let registry = registry(&server);
    registry.join(&beat("one")).await.unwrap();
    let fence = live(&registry, "token").await;
    append(&registry, "token", fence, 1).await;
    let known = registry.record("token").await.unwrap().unwrap();
    server.restart_empty().await;
    works_again(&registry).await;
    assert_eq!(registry.route("token").await.unwrap(), Routed::Nowhere);
    assert_eq!(registry.save("token", fence, &Bytes::new()).await.unwrap(), Written::Stale);
    assert_eq!(registry.beat(&beat("one")).await.unwrap(), Lease::Lost, "a dead id came back");
    let back = registry.bring_back("token", &known, &worker("two")).await.unwrap().unwrap();
    assert!(back > fence);
    assert!(registry.since("token", at(fence, 1)).await.unwrap().is_cut);
    append(&registry, "token", back, 1).await;
    assert!(!registry.since("token", at(back, 0)).await.unwrap().is_cut);
}

#[tokio::test]
async fn a_server_that_hangs_costs_a_bounded_time() {
    let server = Redis::start().await;
    let registry = registry(&server);
    let fence = live(&registry, "token").await;
    let mut ear = registry.listen().await.unwrap();
    ear.open("token").await.unwrap();
    server.pause();
    for _ in 0..2 {
        let begun = Instant::now();
        assert!(registry.route("token").await.is_err());
        assert!(begun.elapsed() < FAILS_WITHIN);
    }
    // The ear notices by itself.
    assert!(ear.open("other").await.is_err());
    server.resume();
    works_again(&registry).await;
    assert_eq!(registry.verify(&[("token".to_owned(), fence)]).await.unwrap(), [true]);
    hears_again(&registry, &mut *ear, &["token"]).await;
}

#[tokio::test]
async fn a_log_that_expired_is_cut() {
    let server = Redis::start().await;
    let registry = registry(&server);
    let fence = live(&registry, "token").await;
    append(&registry, "token", fence, 1).await;
    append(&registry, "token", fence, 2).await;
    let expires = server.command(&["PTTL", "mt5rest:session:{token}:log"]).await;
    assert!(expires[1..].parse::<u64>().unwrap() > 23 * 3600 * 1000, "{expires}");
    // As a day of silence would.
    assert_eq!(server.command(&["DEL", "mt5rest:session:{token}:log"]).await, ":1");
    for offset in [3, 4] {
        for lost in [Position::default(), at(fence, 0), at(fence, 1)] {
            assert!(registry.since("token", lost).await.unwrap().is_cut, "{lost}");
        }
        let known = registry.since("token", at(fence, 2)).await.unwrap();
        assert_eq!((known.is_cut, known.end), (false, at(fence, offset - 1)));
        append(&registry, "token", fence, offset).await;
    }
}

#[tokio::test]
async fn keys_are_kept_for_their_time() {
    let server = Redis::start().await;
    let registry = registry(&server);
    let fence = live(&registry, "token").await;
    let implied = |print: &str| Key::Implied { print: print.to_owned(), attempt: "one".to_owned() };
    let chosen = |name: &str| Key::Chosen(name.to_owned());
    for (old, new, times, kept_ms) in [
        (chosen("old"), chosen("new"), "times", 24 * 3600 * 1000),
        (implied("old"), implied("new"), "implied_times", 10 * 60 * 1000),
    ] {
        for key in [&old, &new] {
            assert_eq!(registry.begin_key("token", fence, key, "print").await.unwrap(), Keyed::New);
        }
        let before = (runtime::unix_ms() - kept_ms - 1).to_string();
        let times = format!("mt5rest:session:{{token}}:{times}");
        assert_eq!(server.command(&["ZADD", &times, &before, "old"]).await, ":0");
        let open = Keyed::Open { attempt: new.attempt().to_owned() };
        assert_eq!(registry.begin_key("token", fence, &new, "print").await.unwrap(), open);
        assert_eq!(registry.begin_key("token", fence, &old, "other").await.unwrap(), Keyed::New);
    }
}

#[tokio::test]
async fn no_secret_is_shown() {
    let server = Redis::start().await;
    assert_eq!(server.command(&["CONFIG", "SET", "requirepass", "right"]).await, "+OK");
    let wrong = format!("redis://user:secret@127.0.0.1:{}", server.port());
    let secured = format!("rediss://user:secret@127.0.0.1:{}", server.port());
    for url in [wrong, secured] {
        let registry = RedisRegistry::connect(&url).unwrap();
        let error = registry.workers().await.unwrap_err();
        for text in [format!("{registry:?}"), error.to_string(), format!("{error:?}")] {
            assert!(!text.contains("secret"), "{text}");
        }
    }
    let right = format!("redis://:right@127.0.0.1:{}/3", server.port());
    assert_eq!(RedisRegistry::connect(&right).unwrap().workers().await.unwrap(), []);
}

#[tokio::test]
async fn a_failover_by_sentinel_is_followed() {
    let master = Redis::start().await;
    let replica = Redis::start_with(&["--replicaof", "127.0.0.1", &master.port().to_string()]).await;
    eventually("the replica is up to date", async || {
        let count = master.command(&["WAIT", "1", "100"]).await;
        (count == ":1").then_some(())
    })
    .await;
    let sentinel = Redis::sentinel(&master).await;
    let url = format!("redis+sentinel://127.0.0.1:1,127.0.0.1:{}/main", sentinel.port());
    let registry = RedisRegistry::connect(&url).unwrap();
    eventually("the sentinel knows the master", async || registry.workers().await.ok().map(drop)).await;
    let fence = live(&registry, "token").await;
    let mut ear = registry.listen().await.unwrap();
    ear.open("token").await.unwrap();
    eventually("the replica has it", async || {
        (replica.command(&["EXISTS", "mt5rest:session:{token}:record"]).await == ":1").then_some(())
    })
    .await;
    master.kill();
    let saved = eventually("the replica is the master", async || {
        registry.save("token", fence, &Bytes::from_static(b"after")).await.ok()
    })
    .await;
    assert_eq!(saved, Written::Yes);
    let record = registry.record("token").await.unwrap().unwrap();
    assert_eq!((record.fence, &record.memo[..]), (fence, &b"after"[..]));
    hears_again(&registry, &mut *ear, &["token"]).await;
}

#[tokio::test]
async fn once_another_server_is_the_master_the_one_before_is_left() {
    let (first, second) = (Redis::start().await, Redis::start().await);
    let sentinel = Redis::sentinel(&first).await;
    let url = format!("redis+sentinel://127.0.0.1:{}/main", sentinel.port());
    let registry = RedisRegistry::connect(&url).unwrap();
    // Not on all connections: the next operation makes another one.
    for _ in 0..CONNECTIONS - 2 {
        assert_eq!(registry.workers().await.unwrap(), []);
    }
    assert_eq!(sentinel.command(&["SENTINEL", "REMOVE", "main"]).await, "+OK");
    let port = second.port().to_string();
    let watched = sentinel.command(&["SENTINEL", "MONITOR", "main", "127.0.0.1", &port, "1"]).await;
    assert_eq!(watched, "+OK");
    registry.join(&beat("one")).await.unwrap();
    for _ in 0..2 * CONNECTIONS {
        let workers = registry.workers().await.unwrap();
        assert_eq!(workers.len(), 1, "the first master, which still runs, was asked");
    }
    assert_eq!(first.command(&["EXISTS", "mt5rest:{workers}:lives"]).await, ":0");
    has_clients(&first, 0).await;
}

#[tokio::test]
async fn a_node_of_a_cluster_may_go_and_come_back() {
    let nodes = Redis::cluster().await;
    let hosts: Vec<_> = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port())).collect();
    let registry = RedisRegistry::connect(&format!("redis+cluster://{}", hosts.join(","))).unwrap();
    let tokens = ["a", "b", "c", "d", "e", "f"];
    let mut fences = Vec::new();
    let mut ear = registry.listen().await.unwrap();
    for token in tokens {
        fences.push((token.to_owned(), live(&registry, token).await));
        ear.open(token).await.unwrap();
    }
    nodes[1].kill();
    eventually("something is missed", async || {
        let begun = Instant::now();
        let missed = registry.verify(&fences).await.is_err();
        assert!(begun.elapsed() < FAILS_WITHIN);
        missed.then_some(())
    })
    .await;
    nodes[1].restart().await;
    Redis::cluster_is_up(&nodes).await;
    eventually("all is there again", async || {
        registry.verify(&fences).await.ok().filter(|all| all == &[true; 6])
    })
    .await;
    hears_again(&registry, &mut *ear, &tokens).await;
}

/// Sets what the registry counted to what is not there.
async fn miscount(server: &Redis, words: &[&str]) {
    let answer = server.command(words).await;
    assert!(answer.starts_with(':') || answer.starts_with('+'), "{answer}");
}

const FAR_TOO_MANY: &str = "1000000000000";

#[tokio::test]
async fn counts_that_are_wrong_stop_nothing_and_are_put_right() {
    let server = Redis::start().await;
    let registry = registry(&server);
    let fence = live(&registry, "token").await;
    let record = "mt5rest:session:{token}:record";
    // Outcomes in a journal.
    let settle = async |number: u32| {
        let entry = Entry { number, key: None, request: Bytes::from_static(b"request") };
        assert_eq!(registry.begin("token", fence, &entry).await.unwrap(), Written::Yes);
        let outcome = Bytes::from_static(b"done");
        assert_eq!(registry.settle("token", fence, number, &outcome).await.unwrap(), Written::Yes);
    };
    settle(1).await;
    miscount(&server, &["HSET", record, "journal_bytes", FAR_TOO_MANY]).await;
    settle(2).await;
    settle(3).await;
    let journal = registry.journal("token").await.unwrap();
    assert_eq!(journal.iter().map(|(number, ..)| *number).collect::<Vec<_>>(), [3]);
    // Events in a log.
    append(&registry, "token", fence, 1).await;
    miscount(&server, &["HSET", record, "log_bytes", FAR_TOO_MANY]).await;
    append(&registry, "token", fence, 2).await;
    append(&registry, "token", fence, 3).await;
    let since = registry.since("token", at(fence, 0)).await.unwrap();
    assert_eq!((since.is_cut, since.events.len(), since.end), (true, 1, at(fence, 3)));
    // Idempotency keys.
    miscount(&server, &["SET", "mt5rest:session:{token}:keys_bytes", FAR_TOO_MANY]).await;
    let key = Key::Chosen("key".to_owned());
    assert_eq!(registry.begin_key("token", fence, &key, "print").await.unwrap(), Keyed::New);
    // Sessions that have ended.
    miscount(&server, &["SET", "mt5rest:{ended}:bytes", FAR_TOO_MANY]).await;
    let week = Some(Duration::from_secs(7 * 24 * 3600));
    assert_eq!(registry.end("token", fence, week).await.unwrap(), Written::Yes);
    assert_eq!(server.command(&["GET", "mt5rest:{ended}:bytes"]).await, "0");
    let fence = live(&registry, "other").await;
    assert_eq!(registry.end("other", fence, week).await.unwrap(), Written::Yes);
    assert!(registry.record("other").await.unwrap().is_some(), "there is room again");
}

#[tokio::test]
async fn a_claim_stands_although_a_list_cannot_be_kept_up() {
    let server = Redis::start().await;
    let registry = registry(&server);
    live(&registry, "token").await;
    let claim =
        async |from: &str, to: &str| registry.claim("token", &worker(from), &worker(to)).await.unwrap();
    claim("one", "two").await.unwrap();
    claim("two", "three").await.unwrap();
    assert!(matches!(claim("three", "four").await, Err(Unclaimed::Quarantined(_))));
    assert!(registry.release("token").await.unwrap());
    // Nothing can be taken off a list that is none.
    let list = "mt5rest:{quarantine}:tokens";
    assert_eq!(server.command(&["SET", list, "no list"]).await, "+OK");
    assert_eq!(claim("three", "four").await.unwrap().owner, worker("four"));
    assert_eq!(registry.record("token").await.unwrap().unwrap().owner, worker("four"));
}
