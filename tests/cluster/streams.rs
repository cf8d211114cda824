//! Streams that are resumed, through other fronts and after other owners.

use serde_json::Value;

use crate::world::World;

/// A ticket that an event tells to be opened.
fn opened(event: &Value) -> Option<u64> {
    let update = &event["data"]["update"];
    (update["type"] == "MarketOpen").then(|| update["order"]["ticket"].as_u64().unwrap())
}

#[tokio::test]
async fn a_reader_that_comes_back_gets_what_it_missed_also_after_a_failover() {
    let world = World::start(2, 2).await;
    let session = world.connect(0).await;
    let mut events = session.stream("OnOrderUpdate", "since=now").await;
    let greeting = events.next().await;
    assert_eq!((greeting["type"].as_str(), &greeting["data"]["isComplete"]), (Some("Resumed"), &true.into()));
    let first = session.buy("first").await;
    let told = events.until("the first order", |event| opened(event) == Some(first)).await;
    let place = told["position"].as_str().unwrap().to_owned();
    drop(events);
    let second = session.buy("second").await;
    let dead = world.owner(&session).await;
    world.workers[dead].process.signal("KILL");
    // Nobody owns the session while this happens: the next owner tells it.
    world.control.quote("EURUSD", 1.2, 1.2001).await.unwrap();
    let elsewhere = world.at(1, &session);
    let third = elsewhere.buy("third").await;
    let mut events = elsewhere.stream("OnOrderUpdate", &format!("since={place}")).await;
    assert_eq!(events.next().await["data"]["isComplete"], true);
    let (mut tickets, mut last) = (Vec::new(), place);
    while tickets.len() < 2 {
        let event = events.next().await;
        let place = event["position"].as_str().unwrap().to_owned();
        assert!(after(&place, &last), "{place} after {last}");
        last = place;
        tickets.extend(opened(&event));
    }
    assert_eq!(tickets, [second, third]);
}

/// Whether a position is the one right after another one, or the first of a later epoch.
pub(crate) fn after(next: &str, before: &str) -> bool {
    let parts = |text: &str| {
        let (epoch, offset) = text.split_once('-').unwrap();
        (epoch.parse::<u64>().unwrap(), offset.parse::<u64>().unwrap())
    };
    let ((epoch, offset), (old_epoch, old_offset)) = (parts(next), parts(before));
    (epoch == old_epoch && offset == old_offset + 1) || (epoch > old_epoch && offset == 1)
}

#[tokio::test]
async fn a_close_that_happens_while_nobody_owns_the_session_is_told_by_the_next_owner() {
    let world = World::start(1, 2).await;
    let session = world.connect(0).await;
    let query = "symbol=EURUSD&operation=Buy&volume=0.01&stoploss=1.05";
    let ticket = session.json("OrderSend", query).await["ticket"].as_u64().unwrap();
    let mut events = session.stream("OnOrderUpdate", "since=now").await;
    events.next().await;
    let dead = world.owner(&session).await;
    world.workers[dead].process.signal("KILL");
    world.control.quote("EURUSD", 1.0, 1.0001).await.unwrap();
    assert_eq!(world.positions(session.account).await, 0, "its stop loss closed it");
    let closed = events.until("the close", |event| event["data"]["update"]["type"] == "OnStopLoss").await;
    assert_eq!(closed["data"]["update"]["order"]["ticket"], ticket);
    assert!(session.tickets().await.is_empty());
}

#[tokio::test]
async fn what_is_not_kept_any_more_is_replaced_by_the_present_state() {
    let world = World::start(1, 1).await;
    let session = world.connect(0).await;
    let ticket = session.buy("one").await;
    let mut events = session.stream("Events", "since=1-1").await;
    let greeting = events.next().await;
    assert_eq!(greeting["data"]["isComplete"], false);
    assert_eq!(greeting["data"]["openedOrders"][0]["ticket"], ticket);
    assert_eq!(greeting["data"]["accountSummary"]["currency"], "USD");
    let place = greeting["data"]["position"].as_str().unwrap().to_owned();
    let second = session.buy("two").await;
    let told = events.until("the next", |event| event["data"]["update"]["type"].is_string()).await;
    assert!(after(told["position"].as_str().unwrap(), &place));
    let told = events.until("the order", |event| opened(event).is_some()).await;
    assert_eq!(opened(&told), Some(second));
}

#[tokio::test]
async fn one_socket_has_the_events_of_many_sessions() {
    let world = World::start(2, 2).await;
    let sessions = [world.connect(0).await, world.connect(1).await];
    let ids = format!("ids={},{},unknown", sessions[0].token, sessions[1].token);
    let url = format!("ws://{}/OnOrderUpdate?{ids}", world.apis[1].address);
    let mut events = testkit::Events::open(&url).await;
    let unknown = events.next().await;
    assert_eq!((unknown["type"].as_str(), unknown["id"].as_str()), (Some("IdNotExist"), Some("unknown")));
    for session in &sessions {
        let ticket = session.buy("one").await;
        let told = events.until("its order", |event| opened(event) == Some(ticket)).await;
        assert_eq!(told["id"], session.token.as_str());
        assert!(told.get("position").is_none(), "who does not ask sees the plain contract");
    }
    sessions[0].call("Disconnect", "").await.ok();
    let over = events.until("the end of one", |event| event["type"] == "SessionOver").await;
    assert_eq!(over["id"], sessions[0].token.as_str());
    let ticket = sessions[1].buy("two").await;
    events.until("the other goes on", |event| opened(event) == Some(ticket)).await;
}
