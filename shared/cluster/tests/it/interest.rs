//! Owners know what is listened to.

use std::sync::Arc;
use std::time::Duration;

use access::Caller;
use bus::{Backend, Interest, Subscription, Topic, Topics};
use cluster::Interested;

use crate::fake_owner::{Worker, World, nobody, until};

fn interested(token: &str, topics: Topics, every_ms: Option<u64>) -> Interested {
    Interested { token: token.to_owned(), topics, every: every_ms.map(Duration::from_millis) }
}

async fn listening(world: &World, token: &str, topic: Topic, every_ms: Option<u64>) -> Subscription {
    let interest = Interest { every: every_ms.map(Duration::from_millis), ..topic.into() };
    world.router.subscribe(token, interest, &Caller::local()).await.unwrap()
}

/// Waits until this is the last thing that a worker was told.
async fn knows(worker: &Worker, wanted: &[Interested]) {
    until("the worker knows", || {
        worker.owner.interest().is_some_and(|(_, mut all, _)| {
            all.sort_by(|a, b| a.token.cmp(&b.token));
            all == wanted
        })
    })
    .await;
}

#[tokio::test]
async fn an_owner_is_told_all_of_it_at_once_and_again_and_again() {
    let world = World::with(|settings| settings.interest_every = Duration::from_secs(1));
    let worker = world.worker("a").await;
    world.own("t1", &worker, 1);
    world.own("t2", &worker, 1);
    let _quotes = listening(&world, "t1", Topic::Quote, None).await;
    knows(&worker, &[interested("t1", Topic::Quote.into(), None)]).await;
    let (listener, _, ttl) = worker.owner.interest().unwrap();
    assert_eq!((listener.as_str(), ttl), ("an-api", Duration::from_secs(6)));
    let faster = listening(&world, "t1", Topic::OrderProfit, Some(250)).await;
    let both: Topics = [Topic::Quote, Topic::OrderProfit].into_iter().collect();
    knows(&worker, &[interested("t1", both, Some(250))]).await;
    let _other = listening(&world, "t2", Topic::Ohlc, None).await;
    let other = interested("t2", Topic::Ohlc.into(), None);
    knows(&worker, &[interested("t1", both, Some(250)), other.clone()]).await;
    let told = worker.owner.interests.lock().unwrap().len();
    until("it is told again", || worker.owner.interests.lock().unwrap().len() > told + 1).await;
    drop(faster);
    knows(&worker, &[interested("t1", Topic::Quote.into(), None), other]).await;
}

#[tokio::test]
async fn an_owner_is_told_when_nobody_listens_any_more_and_then_nothing() {
    let world = World::new();
    let worker = world.worker("a").await;
    world.own("t", &worker, 1);
    let reader = listening(&world, "t", Topic::Quote, None).await;
    knows(&worker, &[interested("t", Topic::Quote.into(), None)]).await;
    drop(reader);
    knows(&worker, &[]).await;
    until("the session is forgotten", || world.router.listened_to() == 0).await;
    let empty = worker.owner.interests.lock().unwrap().iter().filter(|(_, all, _)| all.is_empty()).count();
    assert_eq!(empty, 1, "one word is enough");
}

#[tokio::test]
async fn a_session_that_is_not_there_is_looked_for() {
    let world = World::new();
    let (old, new) = (world.worker("old").await, world.worker("new").await);
    world.own("t", &old, 1);
    let _reader = listening(&world, "t", Topic::Quote, None).await;
    knows(&old, &[interested("t", Topic::Quote.into(), None)]).await;
    // Nobody tells that it has moved, but for the worker that does not have it.
    old.owner.not_mine.lock().unwrap().push("t".to_owned());
    world.own("t", &new, 2);
    knows(&new, &[interested("t", Topic::Quote.into(), None)]).await;
    knows(&old, &[]).await;
}

#[tokio::test]
async fn a_session_whose_owner_died_is_adopted_and_its_streams_go_on() {
    let world = World::new();
    let heir = world.worker("heir").await;
    world.registry.own("t", "dead", &nobody().await, 1);
    let _reader = listening(&world, "t", Topic::Quote, None).await;
    let looks = world.looked_up();
    until("it is looked for", || world.looked_up() > looks + 2).await;
    let (registry, address) = (Arc::clone(&world.registry), heir.address.clone());
    heir.owner.on_adopt(move |token| registry.own(token, "heir", &address, 2));
    world.registry.orphan("t");
    knows(&heir, &[interested("t", Topic::Quote.into(), None)]).await;
    assert_eq!(*heir.owner.deeds.lock().unwrap(), ["adopt t"]);
}

#[tokio::test]
async fn one_can_listen_to_a_session_that_has_no_owner_yet() {
    let world = World::new();
    world.registry.orphan("t");
    let _reader = listening(&world, "t", Topic::Quote, None).await;
    let worker = world.worker("a").await;
    world.own("t", &worker, 1);
    knows(&worker, &[interested("t", Topic::Quote.into(), None)]).await;
}

#[tokio::test]
async fn a_worker_that_hangs_does_not_keep_others_from_hearing() {
    let world = World::new();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    world.registry.own("t1", "silent", &silent.local_addr().unwrap().to_string(), 1);
    let worker = world.worker("a").await;
    world.own("t2", &worker, 1);
    let _one = listening(&world, "t1", Topic::Quote, None).await;
    let _two = listening(&world, "t2", Topic::Quote, None).await;
    knows(&worker, &[interested("t2", Topic::Quote.into(), None)]).await;
    until("it is told again", || worker.owner.interests.lock().unwrap().len() > 2).await;
}
