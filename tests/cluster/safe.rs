//! `Safe` calls that are repeated after processes have died.

use std::future::pending;

use testkit::{Cable, Reply, eventually};

use crate::world::{FIRST, Session, World};

const ORDER: &str = "symbol=EURUSD&operation=Buy&volume=0.02";

fn ticket(reply: &Reply) -> u64 {
    reply.clone().ok().json()["ticket"].as_u64().unwrap()
}

fn is_replayed(reply: &Reply) -> bool {
    reply.header("idempotent-replayed") == "true"
}

/// A session on a cable, which has traded once, and the cable, which holds the answers to what it sends now.
async fn held(world: &World) -> (Session, Cable) {
    let cable = Cable::to(world.broker_addr()).await;
    let session = world.connect_at(0, FIRST, cable.addr()).await;
    session.buy("warm").await;
    cable.hold_answers();
    (session, cable)
}

/// Waits until the broker has filled so many orders.
async fn filled(world: &World, positions: usize) {
    let are_there = async || (world.positions(FIRST).await == positions).then_some(());
    eventually("the broker has the order", are_there).await;
}

#[tokio::test]
async fn a_worker_that_dies_over_a_safe_call_does_not_double_it() {
    let world = World::start(2, 2).await;
    let (session, cable) = held(&world).await;
    let kill = async {
        filled(&world, 2).await;
        let dead = world.owner(&session).await;
        world.workers[dead].process.signal("KILL");
        cable.cut().await;
        cable.plug();
    };
    let (first, ()) = tokio::join!(session.call("OrderSendSafe", ORDER), kill);
    assert_eq!(first.header("x-outcome"), "unknown", "{first:?}");
    let elsewhere = world.at(1, &session);
    let again = elsewhere.call("OrderSendSafe", ORDER).await;
    assert!(is_replayed(&again), "{again:?}");
    assert!(session.tickets().await.contains(&ticket(&again)));
    assert_eq!(world.positions(FIRST).await, 2);
    let new = elsewhere.call("OrderSendSafe", ORDER).await;
    assert!(!is_replayed(&new) && ticket(&new) != ticket(&again), "that answer has arrived: {new:?}");
    assert_eq!(world.positions(FIRST).await, 3);
}

#[tokio::test]
async fn an_api_that_dies_with_the_answer_in_its_hand_does_not_double_it() {
    let world = World::start(2, 1).await;
    let (session, cable) = held(&world).await;
    let kill = async {
        filled(&world, 2).await;
        world.apis[0].process.signal("KILL");
    };
    let path = session.path("OrderSendSafe", ORDER);
    let call = async {
        session.http.try_get(&path, testkit::PATIENCE).await;
        pending::<()>().await;
    };
    tokio::select! {
        () = call => {}
        () = kill => {}
    }
    cable.plug();
    let elsewhere = world.at(1, &session);
    let again = elsewhere.call("OrderSendSafe", ORDER).await;
    assert!(is_replayed(&again), "{again:?}");
    assert_eq!(world.positions(FIRST).await, 2);
    assert!(elsewhere.tickets().await.contains(&ticket(&again)));
}

#[tokio::test]
async fn the_next_owner_knows_which_answers_have_arrived() {
    let mut world = World::start(2, 2).await;
    let (session, cable) = held(&world).await;
    let path = session.path("OrderSendSafe", ORDER);
    tokio::select! {
        reply = session.http.get(&path) => panic!("answered: {reply:?}"),
        () = filled(&world, 2) => {}
    }
    let drained = world.owner(&session).await;
    let mut process = world.workers.remove(drained).process;
    process.signal("TERM");
    cable.plug();
    assert_eq!(process.end().await.code(), Some(0), "{}", process.stderr());
    let elsewhere = world.at(1, &session);
    let again = elsewhere.call("OrderSendSafe", ORDER).await;
    assert!(is_replayed(&again), "the first caller has got nothing: {again:?}");
    assert_eq!(world.positions(FIRST).await, 2);

    world.workers.push(world.worker(&[]).await);
    world.is_ready().await;
    let dead = world.owner(&session).await;
    world.workers[dead].process.signal("KILL");
    // A read is made again by itself until the next owner answers it.
    elsewhere.tickets().await;
    let new = elsewhere.call("OrderSendSafe", ORDER).await;
    assert!(!is_replayed(&new) && ticket(&new) != ticket(&again), "the second has: {new:?}");
    assert_eq!(world.positions(FIRST).await, 3);
}
