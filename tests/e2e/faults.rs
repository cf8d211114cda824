//! Things that break: no order twice, none lost silently, and everything comes back by itself.

use std::cell::Cell;
use std::time::Duration;

use broker::Fault;
use serde_json::json;
use testkit::{Cable, eventually};

use crate::world::{Session, USD, World, manual, ticket};

const ORDER: &str = "symbol=EURUSD&operation=Buy&volume=0.1";

async fn connected(session: &Session) -> bool {
    session.json("ConnectionStatus", "").await["isConnected"] == true
}

#[tokio::test]
async fn a_lost_link_is_restored_and_subscriptions_with_it() {
    let world = World::start().await;
    let cable = Cable::to(world.broker_addr).await;
    let session = world.login_at(USD, cable.addr()).await;
    session.call("Subscribe", "symbol=EURUSD").await.ok();
    let mut events = session.stream("Events").await;
    let before = cable.connections();
    cable.cut().await;
    eventually("the loss is noticed", async || (!connected(&session).await).then_some(())).await;
    let stale = session.call("OpenedOrders", "").await;
    assert_ne!(
        (stale.status, stale.body.as_str()),
        (200, "[]"),
        "an account out of reach must not look empty"
    );
    // Meanwhile the world goes on.
    world.control.deposit(USD, 100.0).await.unwrap();
    cable.plug();
    assert_eq!(session.call("CheckConnect", "").await.ok().body, "OK");
    assert!(cable.connections() > before);
    assert_eq!(session.json("AccountSummary", "").await["balance"], 10_100);
    world.control.quote("EURUSD", 1.4, 1.4001).await.unwrap();
    events.until("quotes go on", |event| event["type"] == "Quote" && event["data"]["bid"] == 1.4).await;
    session.open(ORDER).await;
    events.until("updates go on", |event| event["type"] == "OrderUpdate").await;
}

#[tokio::test]
async fn whether_it_is_connected_is_told_also_while_the_link_breaks() {
    const CUTS: usize = 5;
    let world = World::start().await;
    let cable = Cable::to(world.broker_addr).await;
    let session = world.login_at(USD, cable.addr()).await;
    let over = Cell::new(false);
    let ask = async || {
        while !over.get() {
            connected(&session).await;
        }
    };
    let cut = async {
        for _ in 0..CUTS {
            cable.cut().await;
            eventually("the loss is noticed", async || (!connected(&session).await).then_some(())).await;
            cable.plug();
            session.call("CheckConnect", "").await.ok();
        }
        over.set(true);
    };
    tokio::join!(cut, ask(), ask(), ask(), ask(), ask(), ask(), ask(), ask());
}

#[tokio::test]
async fn what_changed_while_the_link_was_down_is_told() {
    let world = World::start().await;
    let cable = Cable::to(world.broker_addr).await;
    let session = world.login_at(USD, cable.addr()).await;
    let number = ticket(&session.open(&format!("{ORDER}&stoploss=1.09")).await);
    let mut updates = session.stream("OnOrderUpdate").await;
    cable.cut().await;
    world.control.quote("EURUSD", 1.08, 1.0801).await.unwrap();
    assert_eq!(world.positions().await, 0, "the stop closed it");
    cable.plug();
    session.call("CheckConnect", "").await.ok();
    let told = updates.until("the close is told", |event| {
        event["data"]["openedOrders"] == json!([]) && event["data"]["update"]["order"]["ticket"] == number
    });
    told.await;
    assert!(session.tickets().await.is_empty());
}

#[tokio::test]
async fn an_order_whose_answer_is_lost_is_found_again() {
    for fault in [Fault::LoseAnswer, Fault::LoseResult] {
        let world = World::start().await;
        let session = world.login().await;
        world.control.fault(fault.clone()).await.unwrap();
        let reply = session.open(ORDER).await;
        world.control.clear_faults().await.unwrap();
        assert_eq!(world.positions().await, 1, "{fault:?}: never doubled");
        assert_eq!(session.tickets().await, [ticket(&reply)], "{fault:?}");
    }
}

#[tokio::test]
async fn an_order_that_never_arrived_is_not_reported_as_done() {
    let world = World::start().await;
    let session = world.login().await;
    world.control.fault(Fault::LoseRequest).await.unwrap();
    let reply = session.call("OrderSend", ORDER).await;
    world.control.clear_faults().await.unwrap();
    assert_eq!(reply.status, 201, "{reply:?}");
    assert_eq!(world.positions().await, 0);
    session.call("CheckConnect", "").await.ok();
    assert!(session.tickets().await.is_empty());
    session.open(ORDER).await;
    assert_eq!(world.positions().await, 1);
}

#[tokio::test]
async fn a_cable_cut_in_flight_loses_no_order_and_doubles_none() {
    let world = World::start().await;
    let cable = Cable::to(world.broker_addr).await;
    let session = world.login_at(USD, cable.addr()).await;
    session.warm_up().await;
    cable.hold_answers();
    let cut = async {
        eventually("the broker has the order", async || (world.positions().await == 1).then_some(())).await;
        cable.cut().await;
        cable.plug();
    };
    let (reply, ()) = tokio::join!(session.call("OrderSend", ORDER), cut);
    let order = reply.ok().json();
    assert_eq!(world.positions().await, 1);
    assert_eq!(session.tickets().await, [ticket(&order)]);
}

#[tokio::test]
async fn an_order_that_waited_behind_another_is_told_to_be_unsent() {
    let world = World::start().await;
    let cable = Cable::to(world.broker_addr).await;
    let session = world.login_at(USD, cable.addr()).await;
    session.warm_up().await;
    cable.hold_answers();
    let first = session.call("OrderSend", ORDER);
    let second = async {
        eventually("the broker has the first", async || (world.positions().await == 1).then_some(())).await;
        let other = session.call("OrderSend", "symbol=EURUSD&operation=Sell&volume=0.1");
        let cut = async {
            for _ in 0..50 {
                session.json("AccountSummary", "").await;
            }
            cable.cut().await;
            cable.plug();
        };
        tokio::join!(other, cut).0
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.ok().json()["symbol"], "EURUSD");
    // The link broke while it waited, or even before it came to that.
    let told = second.refused();
    assert!(
        ["NO_CONNECTION", "CONNECT_ERROR"].contains(&told.as_str()),
        "it is known not to be sent: {told}"
    );
    assert_eq!(world.positions().await, 1);
}

#[tokio::test]
async fn an_order_under_a_key_survives_the_cut_as_one() {
    let world = World::start().await;
    let cable = Cable::to(world.broker_addr).await;
    let session = world.login_at(USD, cable.addr()).await;
    let query = format!("{ORDER}&idempotencyKey=k");
    session.warm_up().await;
    cable.hold_answers();
    let cut = async {
        eventually("the broker has the order", async || (world.positions().await == 1).then_some(())).await;
        cable.cut().await;
        cable.plug();
    };
    let (first, ()) = tokio::join!(session.call("OrderSend", &query), cut);
    let again = session.call("OrderSend", &query).await;
    assert_eq!(first.ok().json()["ticket"], again.ok().json()["ticket"]);
    assert_eq!(world.positions().await, 1);
}

#[tokio::test]
async fn what_became_of_an_unknown_order_is_told_under_its_key_once_it_is_known() {
    let hurried = api::Settings { call_timeout: Duration::from_secs(3), ..api::Settings::default() };
    let world = World::build(manual(), worker::Settings::default(), hurried).await;
    world.quotes().await;
    let cable = Cable::to(world.broker_addr).await;
    let session = world.login_at(USD, cable.addr()).await;
    session.warm_up().await;
    let query = format!("{ORDER}&idempotencyKey=k");
    cable.hold_answers();
    assert_eq!(session.refused("OrderSend", &query).await, "TIMEOUT");
    assert_eq!(world.positions().await, 1, "the broker has it all the same");
    assert_eq!(session.refused("OrderSend", &query).await, "TIMEOUT", "nothing more is known yet");
    cable.plug();
    let order = eventually("the outcome is known", async || {
        let reply = session.call("OrderSend", &query).await;
        (reply.status == 200).then(|| reply.json())
    })
    .await;
    assert_eq!(session.tickets().await, [ticket(&order)]);
    assert_eq!(session.json("OrderSend", &query).await["ticket"], order["ticket"]);
    assert_eq!(world.positions().await, 1);
}

#[tokio::test]
async fn an_order_in_flight_is_answered_before_the_service_stops() {
    let world = World::start().await;
    let cable = Cable::to(world.broker_addr).await;
    let session = world.login_at(USD, cable.addr()).await;
    session.warm_up().await;
    cable.hold_answers();
    let stop = async {
        eventually("the broker has the order", async || (world.positions().await == 1).then_some(())).await;
        tokio::join!(world.stop(), async { cable.plug() });
    };
    let (reply, ()) = tokio::join!(session.call("OrderSend", ORDER), stop);
    assert_eq!(reply.ok().json()["state"], "Filled");
}

#[tokio::test]
async fn a_link_that_falls_silent_is_given_up_and_replaced() {
    let world = World::start().await;
    let cable = Cable::to(world.broker_addr).await;
    let session = world.login_at(USD, cable.addr()).await;
    let before = cable.connections();
    cable.hold();
    eventually("the silence is noticed", async || (!connected(&session).await).then_some(())).await;
    // What was held is of no use to a link that is gone; the next one must work.
    cable.plug();
    assert_eq!(session.call("CheckConnect", "").await.ok().body, "OK");
    assert!(cable.connections() > before);
    session.open(ORDER).await;
}

#[tokio::test]
async fn a_silent_server_does_not_make_an_order_twice() {
    let world = World::start().await;
    let session = world.login().await;
    let mut updates = session.stream("OnOrderUpdate").await;
    world.control.fault(Fault::Silence).await.unwrap();
    let reply = session.call("OrderSend", ORDER).await;
    world.control.clear_faults().await.unwrap();
    updates.until("the position is told", |event| event["data"]["update"]["type"] == "MarketOpen").await;
    assert_eq!(world.positions().await, 1);
    assert_eq!(session.tickets().await.len(), 1);
    // Whether or not it could be matched in time, the reply must not deny it.
    let told = reply.json();
    assert!(reply.status == 200 || told["code"] == "TIMEOUT", "{reply:?}");
}

#[tokio::test]
async fn a_restarted_broker_is_found_again() {
    let mut world = World::start().await;
    let cable = Cable::to(world.broker_addr).await;
    let session = world.login_at(USD, cable.addr()).await;
    session.open(ORDER).await;
    session.call("Subscribe", "symbol=EURUSD").await.ok();
    let mut events = session.stream("Events").await;
    world.replace_broker(manual()).await;
    cable.lead_to(world.broker_addr);
    world.quotes().await;
    assert_eq!(session.call("CheckConnect", "").await.ok().body, "OK");
    assert!(session.tickets().await.is_empty(), "the new broker knows of no position");
    world.control.quote("EURUSD", 1.5, 1.5001).await.unwrap();
    events.until("quotes go on", |event| event["type"] == "Quote" && event["data"]["bid"] == 1.5).await;
}

#[tokio::test]
async fn a_disabled_account_is_not_tried_for_ever() {
    let world = World::start().await;
    let cable = Cable::to(world.broker_addr).await;
    let session = world.login_at(USD, cable.addr()).await;
    world.control.enable(USD, false).await.unwrap();
    eventually("the session is over", async || {
        let reply = session.call("CheckConnect", "").await;
        (reply.status == 201 && reply.body.contains("INVALID_ACCOUNT")).then_some(())
    })
    .await;
    world.control.enable(USD, true).await.unwrap();
    let again = world.login_at(USD, cable.addr()).await;
    assert_eq!(again.json("AccountSummary", "").await["balance"], 10_000);
}
