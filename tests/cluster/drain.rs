//! Processes that are told to end.

use std::time::Duration;

use serde_json::Value;
use testkit::Ended;

use crate::world::{FIRST, World};

#[tokio::test]
async fn a_worker_that_drains_moves_its_sessions_without_a_failed_call() {
    let mut world = World::start(2, 2).await;
    let sessions = [world.connect(0).await, world.connect(1).await, world.connect(2).await];
    for session in &sessions {
        session.buy("before").await;
    }
    let mut updates = world.at(1, &sessions[0]).stream("OnOrderUpdate", "since=now").await;
    assert_eq!(updates.next().await["type"], "Resumed");
    let drained = world.owner(&sessions[0]).await;
    let mut process = world.workers.remove(drained).process;
    process.signal("TERM");
    let calls = async {
        for round in 0..40 {
            for session in &sessions {
                assert_eq!(session.tickets().await.len(), 1 + round, "reads never fail");
                let key = format!("round-{round}");
                session.buy(&key).await;
            }
        }
    };
    let (status, ()) = tokio::join!(process.end(), calls);
    assert_eq!(status.code(), Some(0), "{}", process.stderr());
    assert!(!process.stderr().contains("ERROR"), "{}", process.stderr());
    for session in &sessions {
        assert_eq!(world.positions(session.account).await, 41);
    }
    let opened = opened(&mut updates, 40).await;
    assert_eq!(opened.len(), 40, "every order of the time was told once");
}

/// Tickets that a stream tells to be opened, until there are so many.
async fn opened(updates: &mut testkit::Events, count: usize) -> Vec<u64> {
    let mut tickets = Vec::new();
    while tickets.len() < count {
        let event = updates.next().await;
        if event["data"]["update"]["type"] == "MarketOpen" {
            let ticket = event["data"]["update"]["order"]["ticket"].as_u64().unwrap();
            assert!(!tickets.contains(&ticket), "told twice: {ticket}");
            tickets.push(ticket);
        }
    }
    tickets
}

#[tokio::test]
async fn a_front_that_ends_says_so_and_others_go_on() {
    let mut world = World::start(2, 1).await;
    let session = world.connect(0).await;
    let mut events = session.stream("Events", "since=now").await;
    let resumed = events.next().await;
    let place = resumed["data"]["position"].as_str().unwrap().to_owned();
    let mut front = world.apis.remove(0);
    front.process.signal("TERM");
    let notice = events.until("a notice", |event| event["type"] == "serverShutdown").await;
    assert!(notice["data"].is_string());
    assert_eq!(events.end().await, Ended::Closed(1001));
    assert_eq!(front.process.end().await.code(), Some(0), "{}", front.process.stderr());
    let elsewhere = world.at(0, &session);
    let ticket = elsewhere.buy("meanwhile").await;
    let mut events = elsewhere.stream("Events", &format!("since={place}")).await;
    assert_eq!(events.next().await["data"]["isComplete"], true);
    let told = |event: &Value| event["data"]["update"]["order"]["ticket"] == ticket;
    events.until("what was missed", told).await;
}

#[tokio::test]
async fn the_last_worker_leaves_its_sessions_to_whoever_comes() {
    let mut world = World::start(1, 1).await;
    let session = world.connect(0).await;
    let ticket = session.buy("before").await;
    let mut last = world.workers.remove(0);
    last.process.signal("TERM");
    assert_eq!(last.process.end().await.code(), Some(0), "{}", last.process.stderr());
    let gone =
        session.http.try_get(&session.path("OpenedOrders", ""), Duration::from_secs(60)).await.unwrap();
    assert_ne!(gone.body, "[]", "nothing is made up while nobody owns it");
    let next = world.worker(&[]).await;
    world.workers.push(next);
    world.is_ready().await;
    assert_eq!(session.tickets().await, [ticket]);
    assert_eq!(world.positions(FIRST).await, 1);
}
