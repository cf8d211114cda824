//! How an order was to be filled, as replies, lists, events and the past say it.

use serde_json::{Value, json};
use testkit::Events;

use crate::world::{Session, USD, World, ticket};

const ALL: &str = "from=2000-01-01T00:00:00&to=2100-01-01T00:00:00";

/// The filling of an order in a list.
#[track_caller]
fn filling(orders: &Value, number: u64) -> String {
    let found = orders.as_array().unwrap().iter().find(|order| order["ticket"] == number);
    let found = found.unwrap_or_else(|| panic!("{number} is not in {orders}"));
    found["fillPolicy"].as_str().unwrap().to_owned()
}

async fn past(session: &Session, number: u64) -> String {
    filling(&session.json("OrderHistory", ALL).await["orders"], number)
}

/// A session of the same account that begins now.
async fn again(world: &World) -> Session {
    let path = format!("{}&id=a-later-session-of-the-account", world.connect_path(USD, "demo"));
    Session { token: world.http.get(&path).await.ok().body, http: world.http.clone() }
}

async fn told(updates: &mut Events, kind: &str) -> Value {
    updates.until(kind, |event| event["data"]["update"]["type"] == kind).await
}

#[tokio::test]
async fn every_view_of_a_position_says_how_its_order_was_to_be_filled() {
    let world = World::start().await;
    world.control.quote("GBPJPY", 190.0, 190.01).await.unwrap();
    world.control.quote("XAGUSD", 31.0, 31.01).await.unwrap();
    let session = world.login().await;
    // One for each way of execution: at the market's price, at an instant one, at one that is asked for.
    let cases = [("EURUSD", "ImmediateOrCancel"), ("GBPJPY", "FillOrKill"), ("XAGUSD", "FillOrKill")];
    for (symbol, expected) in cases {
        let mut updates = session.stream("OnOrderUpdate").await;
        let made = session.open(&format!("symbol={symbol}&operation=Buy&volume=0.1")).await;
        let number = ticket(&made);
        assert_eq!(made["fillPolicy"], expected, "{symbol}: the reply");
        assert_eq!(filling(&session.json("OpenedOrders", "").await, number), expected, "{symbol}: the list");
        let opened = told(&mut updates, "MarketOpen").await;
        assert_eq!(opened["data"]["update"]["order"]["fillPolicy"], expected, "{symbol}: the event");
        assert_eq!(filling(&opened["data"]["openedOrders"], number), expected, "{symbol}: the event's list");
        let later = again(&world).await;
        assert_eq!(
            filling(&later.json("OpenedOrders", "").await, number),
            expected,
            "{symbol}: a later session"
        );
        later.call("Disconnect", "").await.ok();
        let closed = session.json("OrderClose", &format!("ticket={number}")).await;
        assert_eq!(closed["fillPolicy"], expected, "{symbol}: the close");
        let told = told(&mut updates, "MarketClose").await;
        assert_eq!(told["data"]["update"]["order"]["fillPolicy"], expected, "{symbol}: the close's event");
        assert_eq!(
            filling(&session.json("ClosedOrders", "").await, number),
            expected,
            "{symbol}: the closed"
        );
        assert_eq!(past(&session, number).await, expected, "{symbol}: the past");
    }
}

#[tokio::test]
async fn a_pending_order_says_what_was_sent_of_it() {
    let world = World::start().await;
    let session = world.login().await;
    let order = "symbol=EURUSD&operation=BuyLimit&volume=0.1&price=1.05&expirationType=Today";
    let placed = session.open(order).await;
    let listed = session.json("OpenedOrder", &format!("ticket={}", ticket(&placed))).await;
    for shown in [placed, listed] {
        let record = &shown["orderInternal"];
        assert_eq!((&shown["fillPolicy"], &shown["expirationType"]), (&json!("FlashFill"), &json!("Today")));
        assert_eq!(
            (&record["fillPolicy"], &record["expirationType"]),
            (&json!("FlashFill"), &json!("Today"))
        );
    }
}
