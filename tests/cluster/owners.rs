//! Owners that die, stop and come back.

use std::time::Duration;

use serde_json::json;
use testkit::{Cable, Client, eventually};

use crate::world::{ADMIN_KEY, FIRST, World, connect_path, is_ready};

/// Asserts that every session of the cluster is at one worker, and which there are.
async fn all_tokens(world: &World) -> Vec<String> {
    let all = world.http(0).get(&format!("/ConnectionStatusAll?adminKey={ADMIN_KEY}")).await.ok().json();
    let mut tokens: Vec<String> =
        all.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
    tokens.sort();
    tokens
}

#[tokio::test]
async fn any_front_serves_any_token_and_an_account_has_one_session() {
    let world = World::start(2, 2).await;
    let session = world.connect(0).await;
    let ticket = session.buy("one").await;
    let elsewhere = world.at(1, &session);
    assert_eq!(elsewhere.tickets().await, [ticket]);
    assert_eq!(elsewhere.buy("one").await, ticket, "the same key, through another front");
    let again = world.connect_at(1, FIRST, world.broker_addr()).await;
    assert_eq!(again.token, session.token);
    let wrong = world.http(1).get(&connect_path(FIRST, "wrong", world.broker_addr())).await;
    assert_eq!(wrong.refused(), "INVALID_ACCOUNT");
    assert_eq!(all_tokens(&world).await, std::slice::from_ref(&session.token));
    assert_eq!(world.positions(FIRST).await, 1);
    session.call("Disconnect", "").await.ok();
    assert_eq!(elsewhere.call("CheckConnect", "").await.refused(), "INVALID_TOKEN");
    let back = elsewhere.call("ConnectByToken", "").await.ok();
    assert_eq!(back.body, session.token, "login data are kept, sealed, for every worker");
    assert_eq!(session.tickets().await, [ticket]);
}

#[tokio::test]
async fn a_killed_worker_costs_seconds_and_nothing_else() {
    let mut world = World::start(2, 2).await;
    let sessions = [world.connect(0).await, world.connect(1).await, world.connect(2).await];
    let mut tickets = Vec::new();
    for session in &sessions {
        tickets.push(session.buy("before").await);
        session.json("OrderSend", "symbol=EURUSD&operation=BuyLimit&volume=0.01&price=1&expertID=77").await;
    }
    let is = |status: &'static str| move |event: &serde_json::Value| event["data"]["status"] == status;
    let mut links = Vec::new();
    for (front, name, query) in [(0, "OnConnectionStatus", ""), (1, "Events", "status=true")] {
        let mut link = world.at(front, &sessions[0]).stream(name, query).await;
        link.until("the link is up", is("Connected")).await;
        links.push(link);
    }
    let dead = world.owner(&sessions[0]).await;
    world.workers[dead].process.signal("KILL");
    for link in &mut links {
        let told = link.until("the link is lost and restored", is("Restored")).await;
        let why = told["data"]["reason"].as_str().unwrap();
        assert!(why.contains("worker") && told["data"]["lostSinceUTC"].is_string(), "{told}");
    }
    // Who comes later is told the same, whoever listens already.
    let mut late = world.at(0, &sessions[0]).stream("OnConnectionStatus", "").await;
    assert_eq!(late.next().await["data"]["status"], "Restored");
    for (session, ticket) in sessions.iter().zip(tickets) {
        let elsewhere = world.at(1, session);
        assert!(elsewhere.tickets().await.contains(&ticket), "the token goes on");
        assert_eq!(elsewhere.buy("before").await, ticket, "and so do its keys");
        let after = elsewhere.buy("after").await;
        assert_eq!(elsewhere.buy("after").await, after);
        assert_eq!(world.positions(session.account).await, 2, "nothing doubled, nothing lost");
        let opened = session.json("OpenedOrders", "").await;
        let pending = opened.as_array().unwrap().iter().find(|order| order["orderType"] == "BuyLimit");
        assert_eq!(pending.unwrap()["expertId"], 77, "magic numbers are not in the protocol, but kept");
    }
    world.workers.remove(dead);
    assert_eq!(all_tokens(&world).await.len(), sessions.len());
}

#[tokio::test]
async fn a_worker_that_was_stopped_past_its_lease_does_not_act() {
    let world = World::start(1, 2).await;
    let session = world.connect(0).await;
    let before = session.buy("before").await;
    let stopped = world.owner(&session).await;
    world.workers[stopped].process.signal("STOP");
    // A read that is under way when it is stopped may still be answered by it.
    eventually("another worker has taken it over", async || {
        assert_eq!(session.tickets().await, [before]);
        (world.owner(&session).await != stopped).then_some(())
    })
    .await;
    world.workers[stopped].process.signal("CONT");
    let log = &world.workers[stopped].process;
    eventually("it finds that its lease has run out", async || {
        log.stderr().contains("the lease of this worker has run out").then_some(())
    })
    .await;
    is_ready(&world.workers[stopped]).await;
    let after = session.buy("after").await;
    assert_ne!(after, before);
    assert_eq!(world.positions(FIRST).await, 2);
    assert_eq!(all_tokens(&world).await, std::slice::from_ref(&session.token), "one owner");
}

#[tokio::test]
async fn an_order_under_way_when_its_worker_dies_is_found_by_the_next() {
    let world = World::start(2, 2).await;
    let cable = Cable::to(world.broker_addr()).await;
    let session = world.connect_at(0, FIRST, cable.addr()).await;
    session.buy("warm").await;
    // The order arrives, its answer does not: then the worker dies.
    cable.hold_answers();
    let elsewhere = world.at(1, &session);
    let order = async { elsewhere.buy("lost").await };
    let kill = async {
        eventually("the broker has the order", async || (world.positions(FIRST).await == 2).then_some(()))
            .await;
        let dead = world.owner(&session).await;
        world.workers[dead].process.signal("KILL");
        cable.cut().await;
        cable.plug();
    };
    let (ticket, ()) = tokio::join!(order, kill);
    assert_eq!(world.positions(FIRST).await, 2, "never sent again");
    assert!(session.tickets().await.contains(&ticket));
    assert_eq!(session.buy("lost").await, ticket, "and told again under its key");
}

#[tokio::test]
async fn two_workers_race_for_the_sessions_of_a_third_and_each_gets_another_part() {
    let mut world = World::start(1, 1).await;
    let mut sessions = Vec::new();
    for number in 0..4 {
        sessions.push(world.connect(number).await);
    }
    for _ in 0..2 {
        let worker = world.worker(&[]).await;
        world.workers.push(worker);
    }
    world.is_ready().await;
    world.workers[0].process.signal("KILL");
    for session in &sessions {
        session.buy("after").await;
        assert_ne!(world.owner(session).await, 0);
    }
    assert_eq!(all_tokens(&world).await.len(), 4, "each at one worker");
    for session in &sessions {
        assert_eq!(world.positions(session.account).await, 1);
    }
}

#[tokio::test]
async fn what_clients_wanted_to_hear_is_told_by_the_next_owner() {
    let world = World::start(1, 2).await;
    let session = world.connect(0).await;
    session.call("Subscribe", "symbol=EURUSD").await.ok();
    let mut quotes = session.stream("OnQuote", "").await;
    world.control.quote("EURUSD", 1.2, 1.2001).await.unwrap();
    quotes.until("a quote", |event| event["data"]["bid"] == 1.2).await;
    let dead = world.owner(&session).await;
    world.workers[dead].process.signal("KILL");
    session.tickets().await;
    let told = async {
        for step in 1.. {
            let bid = 1.2 + f64::from(step) / 1e4;
            world.control.quote("EURUSD", bid, bid + 1e-4).await.unwrap();
            if let Some(Ok(event)) = quotes.try_next(Duration::from_millis(300)).await {
                return event;
            }
        }
        unreachable!()
    };
    assert_eq!(testkit::in_time("quotes go on", told).await["type"], "Quote");
    assert_eq!(session.json("SubscribedSymbols", "").await, json!(["EURUSD"]));
}

#[tokio::test]
async fn every_role_says_whether_it_lives_and_is_ready() {
    let world = World::start(1, 1).await;
    for part in world.apis.iter().chain(&world.workers) {
        let http = Client::new(part.address.clone());
        for path in ["/healthz", "/readyz"] {
            assert_eq!(http.get(path).await.status, 200, "{path}");
        }
    }
    let http = Client::new(world.workers[0].address.clone());
    assert_eq!(http.get("/inner/ask").await.status, 401, "nothing else without the key");
}

#[tokio::test]
async fn the_trace_of_a_client_goes_with_its_call() {
    let world = World::start(1, 1).await;
    let nobody = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let header = ("traceparent", &*format!("00-{trace}-b7ad6b7169203331-00"));
    let reply = world.http(0).get_with(&connect_path(FIRST, "demo", nobody), &[header]).await;
    assert_eq!(reply.refused(), "CONNECT_ERROR");
    eventually("the worker's log tells the failure with the trace", async || {
        let log = world.workers[0].process.stderr();
        log.lines().any(|line| line.contains("a call failed") && line.contains(trace)).then_some(())
    })
    .await;
}
