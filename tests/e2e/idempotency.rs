//! Repeated calls that are one call.

use testkit::{Cable, eventually};

use crate::world::{EUR, Session, USD, World, ticket};

const ORDER: &str = "symbol=EURUSD&operation=Buy&volume=0.1";

#[tokio::test]
async fn a_repeated_order_is_the_first_one() {
    let world = World::start().await;
    let session = world.login().await;
    let query = format!("{ORDER}&idempotencyKey=abc-1");
    let (one, two) = tokio::join!(session.open(&query), session.open(&query));
    let three = session.open(&query).await;
    assert_eq!((ticket(&one), ticket(&one)), (ticket(&two), ticket(&three)));
    assert_eq!(world.control.account(USD).await.unwrap().positions, 1);
    let path = format!("/OrderSend?id={}&{ORDER}", session.token);
    let by_header = world.http.get_with(&path, &[("Idempotency-Key", "abc-1")]).await.ok();
    assert_eq!(ticket(&by_header.json()), ticket(&one));
    let both = format!("{path}&idempotencyKey=abc-2");
    let refused = world.http.get_with(&both, &[("Idempotency-Key", "abc-1")]).await;
    assert_eq!(refused.refused(), "INVALID_PARAM", "which of the two is meant cannot be known");
    session.open(&format!("{ORDER}&idempotencyKey=abc-2")).await;
    assert_eq!(world.control.account(USD).await.unwrap().positions, 2);
}

#[tokio::test]
async fn whoever_waits_behind_a_caller_who_hangs_up_gets_the_order() {
    let world = World::start().await;
    let cable = Cable::to(world.broker_addr).await;
    let session = world.login_at(USD, cable.addr()).await;
    session.warm_up().await;
    cable.hold_answers();
    let query = format!("{ORDER}&idempotencyKey=abc-1");
    let sent = async || {
        eventually("the broker has the order", async || (world.positions().await == 1).then_some(())).await;
    };
    // Calls that are answered meanwhile: by then those from before them have come as far as they can.
    let others = async || {
        for _ in 0..20 {
            session.call("OpenedOrders", "").await.ok();
        }
    };
    let second = async {
        sent().await;
        session.call("OrderSend", &query).await
    };
    let hang_up = async {
        let second_waits = async {
            sent().await;
            others().await;
        };
        session.hang_up("OrderSend", &query, second_waits).await;
        others().await;
        cable.plug();
    };
    let (reply, ()) = tokio::join!(second, hang_up);
    assert_eq!(reply.header("x-outcome"), "applied", "{reply:?}");
    assert_eq!(session.tickets().await, [ticket(&reply.ok().json())]);
}

#[tokio::test]
async fn a_key_stands_for_one_order_only() {
    let world = World::start().await;
    let session = world.login().await;
    session.open(&format!("{ORDER}&idempotencyKey=k")).await;
    let other = session.call("OrderSend", "symbol=EURUSD&operation=Sell&volume=0.1&idempotencyKey=k").await;
    assert_eq!(other.status, 201, "{other:?}");
    assert_eq!(world.control.account(USD).await.unwrap().positions, 1);
}

#[tokio::test]
async fn a_refused_order_stays_refused_under_its_key() {
    let world = World::start().await;
    let session = world.login().await;
    let query = "symbol=EURUSD&operation=Buy&volume=90&idempotencyKey=k";
    assert_eq!(session.refused("OrderSend", query).await, "NO_MONEY");
    world.control.deposit(USD, 1e6).await.unwrap();
    assert_eq!(session.refused("OrderSend", query).await, "NO_MONEY");
    assert_eq!(world.control.account(USD).await.unwrap().positions, 0);
}

#[tokio::test]
async fn a_token_that_changes_its_account_begins_without_keys_and_positions() {
    let world = World::start().await;
    let connect = async |user| {
        let reply = world.http.get(&format!("{}&id=mybot", world.connect_path(user, "demo"))).await.ok();
        Session { http: world.http.clone(), token: reply.body }
    };
    let query = format!("{ORDER}&idempotencyKey=1");
    let first = connect(USD).await;
    let mut updates = first.stream_with("OnOrderUpdate", "since=now").await;
    let position = updates.next().await["data"]["position"].as_str().unwrap().to_owned();
    let filled = ticket(&first.open(&query).await);
    first.call("Disconnect", "").await.ok();
    let other = connect(EUR).await;
    assert_eq!(other.token, first.token);
    let reply = other.call("OrderSend", &query).await.ok();
    assert_eq!(reply.header("idempotent-replayed"), "");
    assert_ne!(ticket(&reply.json()), filled);
    assert_eq!(world.control.account(EUR).await.unwrap().positions, 1);
    let mut updates = other.stream_with("OnOrderUpdate", &format!("since={position}")).await;
    let resumed = updates.next().await;
    assert_eq!(
        (&resumed["type"], &resumed["data"]["isComplete"]),
        (&"Resumed".into(), &false.into()),
        "{resumed}"
    );
}
