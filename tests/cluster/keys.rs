//! Fronts of a cluster that ask for API keys.

use std::process::Stdio;
use std::time::{Duration, Instant};

use testkit::{Client, Ended, Events, eventually, in_time};
use tokio::process::Command;

use crate::world::{FIRST, World, connect_path};

/// Fronts that ask for keys.
const GUARDED: [(&str, &str); 1] = [("MT5REST_AUTH", "on")];
/// A revoked key is refused within this time by the promise; the rest is for a busy machine.
const PROMISE: Duration = Duration::from_secs(1);

/// Runs `mt5rest key` on the Redis of the cluster.
async fn key(world: &World, words: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mt5rest"));
    command.env_remove("MT5REST_DATA").arg("key").args(words.split_whitespace());
    command.args(["--redis-url", &world.redis_url]).stdin(Stdio::null()).kill_on_drop(true);
    let output = in_time("the command ends", command.output()).await.unwrap();
    assert!(output.status.success(), "key {words}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

async fn cluster() -> World {
    let mut world = World::start(0, 1).await;
    for _ in 0..2 {
        world.apis.push(world.api_with(&GUARDED).await);
    }
    world
}

/// Asks with a key until the answer is this.
async fn answers(http: &Client, path: &str, key: &str, code: &str) {
    eventually("the front answers so", async || {
        let reply = http.get_with(path, &[("ApiKey", key)]).await;
        let is_so = match code {
            "OK" => reply.status == 200,
            code => reply.status != 200 && reply.json()["code"] == code,
        };
        is_so.then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_revoked_key_stops_on_all_fronts_of_a_cluster() {
    let world = cluster().await;
    let [doomed, kept] =
        [key(&world, "create --tenant default").await, key(&world, "create --tenant default").await];
    let [one, other] = [world.http(0), world.http(1)];
    let connect = connect_path(FIRST, "demo", world.broker_addr());
    assert_eq!(one.get(&connect).await.refused(), "INVALID_API_KEY");
    answers(&one, &connect, &doomed, "OK").await;
    let token = one.get_with(&connect, &[("ApiKey", &doomed)]).await.ok().body;
    let path = format!("/AccountSummary?id={token}");
    let mut sockets = Vec::new();
    for (http, key) in [(&one, &doomed), (&other, &doomed), (&other, &kept)] {
        answers(http, &path, key, "OK").await;
        let url = format!("ws://{}/OnOrderUpdate?id={token}&apiKey={key}", http.address());
        sockets.push(Events::open(&url).await);
    }

    let id = doomed.split('_').nth(2).unwrap();
    key(&world, &format!("revoke {id}")).await;
    let revoked = Instant::now();
    answers(&one, &path, &doomed, "INVALID_API_KEY").await;
    answers(&other, &path, &doomed, "INVALID_API_KEY").await;
    let told = revoked.elapsed();
    for socket in &mut sockets[..2] {
        assert_eq!(socket.end().await, Ended::Closed(4403));
    }
    if told > PROMISE {
        println!("the fronts took {told:?}: longer than promised, which a busy machine may explain");
    }
    answers(&other, &path, &kept, "OK").await;
    assert!(sockets[2].try_next(Duration::from_millis(50)).await.is_none(), "another key's socket stays");
    let listed = key(&world, "list").await;
    let line = listed.lines().find(|line| line.starts_with(id)).unwrap();
    assert!(line.contains("\trevoked\t"), "{line}");
}

#[tokio::test]
async fn keys_that_a_front_has_seen_go_on_without_redis() {
    let world = cluster().await;
    let [seen, unseen] =
        [key(&world, "create --tenant default").await, key(&world, "create --tenant default").await];
    let http = world.http(0);
    answers(&http, "/Search?company=x", &seen, "OK").await;
    world.redis.pause();
    let unknown = http.get_with("/Search?company=x", &[("ApiKey", &unseen)]).await;
    let known = http.get_with("/ServerTimezone?id=none", &[("ApiKey", &seen)]).await;
    world.redis.resume();
    assert_eq!(unknown.refused(), "SERVER_BUSY");
    assert_ne!(known.refused(), "INVALID_API_KEY");
    answers(&http, "/Search?company=x", &unseen, "OK").await;
}
