//! A Redis that is restarted, with and without its data, paused, or cut off from a worker.

use std::time::{Duration, Instant};

use testkit::{Cable, Redis, Scratch, eventually};

use crate::world::{FIRST, Session, World, connect_path, is_ready};

#[tokio::test]
async fn a_redis_that_comes_back_with_its_data_loses_nothing() {
    let world = World::start(2, 2).await;
    let session = world.connect(0).await;
    let ticket = session.buy("before").await;
    world.redis.kill();
    let refused = session.call("OrderSend", "symbol=EURUSD&operation=Buy&volume=0.01").await;
    assert_eq!(
        refused.header("x-outcome"),
        "not_sent",
        "what cannot be written down is not sent: {refused:?}"
    );
    world.redis.restart().await;
    eventually("trades go on", async || {
        let query = "symbol=EURUSD&operation=Buy&volume=0.01&idempotencyKey=after";
        (session.call("OrderSend", query).await.status == 200).then_some(())
    })
    .await;
    assert_eq!(world.at(1, &session).buy("before").await, ticket);
    assert_eq!(world.positions(FIRST).await, 2);
}

#[tokio::test]
async fn a_redis_over_tls_must_have_a_certificate_that_is_trusted() {
    let folder = Scratch::new("redis-tls");
    let signed = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = folder.file("redis.pem", &signed.cert.pem());
    let key = folder.file("redis.key", &signed.signing_key.serialize_pem());
    let (redis, port) = Redis::start_secured(&certificate, &key).await;
    let mut world = World::empty(redis, format!("rediss://localhost:{port}"), 1).await;
    let stranger = world.worker(&[]).await;
    eventually("the worker says why it does not join", async || {
        stranger.process.stderr().contains("invalid peer certificate").then_some(())
    })
    .await;
    let known = world.redis.command(&["DBSIZE"]).await;
    assert_eq!(known, ":0", "nothing was said to a server that nobody vouches for");

    world.trusted = Some(certificate);
    world.workers.push(world.worker(&[]).await);
    world.apis.push(world.api().await);
    world.is_ready().await;
    let session = world.connect(0).await;
    let ticket = session.buy("over-tls").await;
    assert_eq!(session.tickets().await, [ticket]);
}

#[tokio::test]
async fn clusters_that_share_a_redis_know_nothing_of_each_other() {
    let mut world = World::start(1, 1).await;
    // Another database of the same server keeps keys apart, but no channels.
    world.redis_url.push_str("/1");
    let prefix = [("MT5REST_REDIS_PREFIX", "other:")];
    let worker = world.worker(&prefix).await;
    is_ready(&worker).await;
    world.workers.push(worker);
    world.apis.push(world.api_with(&prefix).await);

    // The same token in both.
    let mut sessions = Vec::new();
    for (api, account) in [(0, FIRST), (1, FIRST + 1)] {
        let http = world.http(api);
        let path = connect_path(account, "demo", world.broker_addr());
        let token = http.get(&format!("{path}&id=mine")).await.ok().body;
        sessions.push(Session { http, token, account });
    }
    let [one, other] = &sessions[..] else { panic!("there are two") };
    assert_eq!((&*one.token, &*other.token), ("mine", "mine"));
    let (mut heard, mut told) =
        (other.stream("OnOrderUpdate", "").await, one.stream("OnOrderUpdate", "").await);
    let ticket = one.buy("one").await;
    told.until("its own order", |event| event.to_string().contains(&ticket.to_string())).await;
    let own = other.buy("other").await;
    assert_ne!(own, ticket);
    let event = heard.next().await;
    assert!(
        event.to_string().contains(&own.to_string()) && !event.to_string().contains(&ticket.to_string()),
        "{event}"
    );
    let keys = world.redis.command(&["KEYS", "*"]).await;
    assert!(keys.lines().all(|key| key.starts_with("mt5rest:")), "{keys}");
    let channels = world.redis.command(&["PUBSUB", "CHANNELS"]).await;
    let of = |prefix: &str| channels.lines().filter(|name| name.starts_with(prefix)).count();
    assert_eq!((of("mt5rest:"), of("other:"), channels.lines().count()), (1, 1, 2), "{channels}");
}

#[tokio::test]
async fn reads_go_on_for_a_while_without_redis() {
    let world = World::start(1, 1).await;
    let session = world.connect(0).await;
    let ticket = session.buy("before").await;
    world.redis.pause();
    assert_eq!(session.tickets().await, [ticket]);
    world.redis.resume();
    eventually("trades go on", async || {
        let query = "symbol=EURUSD&operation=Buy&volume=0.01&idempotencyKey=after";
        (session.call("OrderSend", query).await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_redis_that_comes_back_empty_is_told_what_the_workers_know() {
    let world = World::start(2, 2).await;
    let session = world.connect(0).await;
    let ticket = session.buy("before").await;
    world.redis.kill();
    world.redis.restart_empty().await;
    eventually("the session is known again", async || {
        let reply = world.at(1, &session).call("OpenedOrdersTickets", "").await;
        (reply.status == 200).then_some(())
    })
    .await;
    assert_eq!(session.tickets().await, [ticket]);
    eventually("trades go on", async || {
        let query = "symbol=EURUSD&operation=Buy&volume=0.01&idempotencyKey=after";
        (session.call("OrderSend", query).await.status == 200).then_some(())
    })
    .await;
    assert_eq!(session.buy("before").await, ticket, "the worker itself remembers the key");
    assert_eq!(world.positions(FIRST).await, 2);
}

#[tokio::test]
async fn a_worker_cut_off_from_redis_stops_before_another_begins() {
    let redis = Redis::start().await;
    let cable = Cable::to(([127, 0, 0, 1], redis.port()).into()).await;
    let url = redis.url();
    let mut world = World::empty(redis, format!("redis://{}", cable.addr()), 1).await;
    // The first worker reaches Redis over a cable; the second, and the front, directly.
    let cut_off = world.worker(&[]).await;
    is_ready(&cut_off).await;
    world.redis_url = url;
    world.workers.push(cut_off);
    world.apis.push(world.api().await);
    let session = world.connect(0).await;
    session.buy("before").await;
    let second = world.worker(&[]).await;
    world.workers.push(second);
    world.is_ready().await;
    cable.hold();
    let held = Instant::now();
    let (mut last_of_first, mut first_of_second) = (held, None);
    while first_of_second.is_none() {
        let asked = Instant::now();
        let served_by_second = world.owner(&session).await == 1;
        assert_eq!(session.tickets().await.len(), 1, "reads never fail nor lie");
        match served_by_second {
            // The call began when the other one owned it already.
            true => first_of_second = Some(Instant::now()),
            // One that waited for long was answered by the next owner.
            false if asked.elapsed() < Duration::from_secs(1) => last_of_first = Instant::now(),
            false => first_of_second = Some(Instant::now()),
        }
    }
    let margin = first_of_second.unwrap() - last_of_first;
    println!("the first owner answered for {:?}, then nobody for {margin:?}", last_of_first - held);
    eventually("the other worker owns it", async || (world.owner(&session).await == 1).then_some(())).await;
    session.buy("after").await;
    assert_eq!(world.positions(FIRST).await, 2);
    cable.plug();
    let log = &world.workers[0].process;
    eventually("the first one finds out", async || {
        log.stderr().contains("the lease of this worker has run out").then_some(())
    })
    .await;
    is_ready(&world.workers[0]).await;
    assert_eq!(session.tickets().await.len(), 2);
}

#[tokio::test]
async fn a_sentinel_leads_all_processes_to_the_next_master() {
    let master = Redis::start().await;
    let replica = Redis::start_with(&["--replicaof", "127.0.0.1", &master.port().to_string()]).await;
    eventually("the replica follows", async || {
        replica.command(&["INFO", "replication"]).await.contains("master_link_status:up").then_some(())
    })
    .await;
    let sentinel = Redis::sentinel(&master).await;
    let url = format!("redis+sentinel://127.0.0.1:{}/main", sentinel.port());
    let mut world = World::empty(master, url, 1).await;
    for _ in 0..2 {
        let worker = world.worker(&[]).await;
        world.workers.push(worker);
    }
    world.apis.push(world.api().await);
    world.is_ready().await;
    let session = world.connect(0).await;
    let ticket = session.buy("before").await;
    eventually("the sentinel knows the replica", async || {
        let replicas = sentinel.command(&["SENTINEL", "REPLICAS", "main"]).await;
        replicas.contains(&replica.port().to_string()).then_some(())
    })
    .await;
    eventually("the replica has it all", async || {
        let keys =
            replica.command(&["EXISTS", &format!("mt5rest:session:{{{}}}:record", session.token)]).await;
        keys.contains('1').then_some(())
    })
    .await;
    world.redis.kill();
    eventually("trades go on at the next master", async || {
        let query = "symbol=EURUSD&operation=Buy&volume=0.01&idempotencyKey=after";
        let reply = session.http.try_get(&session.path("OrderSend", query), Duration::from_secs(60)).await?;
        (reply.status == 200).then_some(())
    })
    .await;
    assert!(session.tickets().await.contains(&ticket));
    assert_eq!(world.positions(FIRST).await, 2);
}

#[tokio::test]
async fn a_redis_cluster_serves_like_one_redis() {
    let mut nodes = Redis::cluster().await;
    let hosts: Vec<String> = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port())).collect();
    let mut world = World::empty(nodes.remove(0), format!("redis+cluster://{}", hosts.join(",")), 6).await;
    for _ in 0..2 {
        world.workers.push(world.worker(&[]).await);
        world.apis.push(world.api().await);
    }
    world.is_ready().await;
    // Their records are on different nodes.
    let mut sessions = Vec::new();
    for number in 0..6 {
        sessions.push(world.connect(number).await);
    }
    let mut events = world.at(1, &sessions[0]).stream("OnOrderUpdate", "since=now").await;
    events.next().await;
    let mut tickets = Vec::new();
    for session in &sessions {
        tickets.push(session.buy("before").await);
    }
    let is_told = |event: &serde_json::Value| event["data"]["update"]["order"]["ticket"] == tickets[0];
    events.until("another front tells the order", is_told).await;
    world.workers[0].process.signal("KILL");
    for (session, ticket) in sessions.iter().zip(&tickets) {
        let elsewhere = world.at(1, session);
        assert_eq!(elsewhere.buy("before").await, *ticket, "the key is known to the next owner");
        assert_ne!(elsewhere.buy("after").await, *ticket);
        assert_eq!(world.positions(session.account).await, 2);
    }
}

#[tokio::test]
async fn steps_of_the_clock_of_redis_cost_no_token_and_double_no_order() {
    // In place of the clock, which a test cannot step, the moments move that it is compared with: those of heartbeats.
    const STEP: &str = "local lives = redis.call('ZRANGE', KEYS[1], 0, -1) \
                        for _, id in ipairs(lives) do redis.call('ZINCRBY', KEYS[1], ARGV[1], id) end return #lives";
    let world = World::start(2, 2).await;
    let session = world.connect(0).await;
    let mut updates = session.stream("OnOrderUpdate", "since=now").await;
    updates.next().await;
    let mut tickets = vec![session.buy("before").await];
    for (step, ahead_ms) in ["3600000", "-3600000", "20000"].into_iter().enumerate() {
        // Forward, every heartbeat runs out at once; backward, they seem to be from the future.
        let back = ahead_ms.strip_prefix('-').map_or_else(|| format!("-{ahead_ms}"), str::to_owned);
        let moved = world.redis.command(&["EVAL", STEP, "1", "mt5rest:{workers}:lives", &back]).await;
        assert_ne!(moved, ":0", "there are workers");
        let query = format!("symbol=EURUSD&operation=Buy&volume=0.01&idempotencyKey=step-{step}");
        let ticket = eventually("trades go on", async || {
            let reply = world.at(step % 2, &session).call("OrderSend", &query).await;
            (reply.status == 200).then(|| reply.json()["ticket"].as_u64().unwrap())
        })
        .await;
        tickets.push(ticket);
        assert_eq!(session.buy(&format!("step-{step}")).await, ticket, "keys are not forgotten");
    }
    assert_eq!(world.positions(FIRST).await, tickets.len());
    assert_eq!(session.tickets().await, tickets);
    let mut told = Vec::new();
    while told.len() < tickets.len() {
        let event = updates.next().await;
        if event["data"]["update"]["type"] == "MarketOpen" {
            told.push(event["data"]["update"]["order"]["ticket"].as_u64().unwrap());
        }
    }
    assert_eq!(told, tickets, "each told once, in order");
}
