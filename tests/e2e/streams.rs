//! What sockets are told.

use serde_json::{Value, json};
use testkit::{Ended, eventually};

use crate::world::{USD, World, assert_close, fields, number, ticket};

/// Of an envelope.
const ENVELOPE: [&str; 4] = ["data", "id", "timestampUTC", "type"];

fn sorted(value: &Value) -> Vec<&str> {
    let mut names = fields(value);
    names.sort_unstable();
    names
}

#[tokio::test]
async fn quotes_come_once_subscribed() {
    let world = World::start().await;
    let session = world.login().await;
    let mut quotes = session.stream("OnQuote").await;
    assert_eq!(session.call("Subscribe", "symbol=EURUSD").await.ok().body, "OK");
    world.control.quote("EURUSD", 1.25, 1.2501).await.unwrap();
    let event = quotes.until("the price comes", |event| event["data"]["bid"] == 1.25).await;
    assert_eq!(sorted(&event), ENVELOPE);
    assert_eq!((&event["type"], &event["id"]), (&json!("Quote"), &json!(session.token)));
    assert!(event["timestampUTC"].as_i64().is_some_and(|ms| ms > 1_700_000_000_000), "{event}");
    let names = ["ask", "bid", "last", "symbol", "time", "timestampUTC", "volume"];
    assert_eq!(sorted(&event["data"]), names);
    assert_eq!((&event["data"]["symbol"], &event["data"]["ask"]), (&json!("EURUSD"), &json!(1.2501)));
}

#[tokio::test]
async fn only_subscribed_symbols_come_until_unsubscribed() {
    let world = World::start().await;
    let session = world.login().await;
    let mut quotes = session.stream("OnQuote").await;
    session.call("SubscribeMany", "symbols=EURUSD&symbols=USDJPY").await.ok();
    session.call("UnSubscribe", "symbol=EURUSD").await.ok();
    // Whatever of EURUSD was on its way has passed when the second price of USDJPY comes.
    world.control.quote("USDJPY", 140.0, 140.01).await.unwrap();
    quotes.until("a price comes", |event| event["data"]["bid"] == 140).await;
    world.control.quote("EURUSD", 1.3, 1.3001).await.unwrap();
    world.control.quote("GBPUSD", 1.4, 1.4001).await.unwrap();
    world.control.quote("USDJPY", 141.0, 141.01).await.unwrap();
    quotes
        .until("the next price comes", |event| {
            assert_eq!(event["data"]["symbol"], "USDJPY", "{event}");
            event["data"]["bid"] == 141
        })
        .await;
    assert_eq!(session.refused("Subscribe", "symbol=NOPE").await, "INVALID_SYMBOL");
}

#[tokio::test]
async fn an_interval_thins_quotes_out_but_the_last_one_comes() {
    let world = World::start().await;
    let session = world.login().await;
    let mut quotes = session.stream("OnQuote").await;
    session.call("Subscribe", "symbol=EURUSD&interval=300").await.ok();
    const TICKS: i32 = 200;
    for step in 1..=TICKS {
        world.control.quote("EURUSD", 1.2 + f64::from(step) * 0.00001, 1.3).await.unwrap();
    }
    let last = 1.2 + f64::from(TICKS) * 0.00001;
    let mut seen = 0;
    quotes
        .until("the last price comes", |event| {
            seen += 1;
            (number(&event["data"], "bid") - last).abs() < 0.000_001
        })
        .await;
    assert!(seen < TICKS, "{seen} events for {TICKS} ticks");
}

#[tokio::test]
async fn profits_come_by_themselves_with_every_field() {
    let world = World::start().await;
    let session = world.login().await;
    let open = "symbol=EURUSD&operation=Buy&volume=0.1&stoploss=1.05&takeprofit=1.2&comment=mine&expertID=9";
    let number_of_order = ticket(&session.open(open).await);
    let mut profits = session.stream("OnOrderProfit").await;
    let event = profits.next().await;
    assert_eq!((&event["type"], &event["id"]), (&json!("OrderProfit"), &json!(session.token)));
    let figures =
        ["balance", "credit", "equity", "freeMargin", "margin", "marginLevel", "orders", "profit", "user"];
    assert_eq!(sorted(&event["data"]), figures);
    assert_eq!((&event["data"]["user"], &event["data"]["balance"]), (&json!(USD), &json!(10_000)));
    let order = &event["data"]["orders"][0];
    let listed = session.json("OpenedOrder", &format!("ticket={number_of_order}")).await;
    assert_eq!(fields(order), fields(&listed), "an order is the same everywhere");
    for (field, value) in [
        ("ticket", json!(number_of_order)),
        ("symbol", json!("EURUSD")),
        ("lots", json!(0.1)),
        ("openPrice", json!(1.1001)),
        ("closePrice", json!(1.1)),
        ("stopLoss", json!(1.05)),
        ("takeProfit", json!(1.2)),
        ("profit", json!(-1)),
        ("swap", json!(0)),
        ("commission", json!(0)),
        ("comment", json!("mine")),
        ("expertId", json!(9)),
        ("state", json!("Filled")),
        ("orderType", json!("Buy")),
    ] {
        assert_eq!(order[field], value, "{field}");
    }
}

#[tokio::test]
async fn profits_follow_every_price_at_the_asked_pace() {
    let world = World::start().await;
    let session = world.login().await;
    session.open("symbol=EURUSD&operation=Buy&volume=0.1").await;
    let open = session.json("SubscribeOrderProfit", "interval=0").await;
    assert_eq!(open.as_array().map(Vec::len), Some(session.tickets().await.len()), "{open}");
    let mut profits = session.stream("OnOrderProfit").await;
    for (bid, profit) in [(1.1051, 50.0), (1.0951, -50.0), (1.1201, 200.0)] {
        world.control.quote("EURUSD", bid, bid + 0.0001).await.unwrap();
        let event = profits
            .until("the profit follows", |event| (number(&event["data"], "profit") - profit).abs() < 0.005)
            .await;
        let data = &event["data"];
        assert_close(number(data, "equity"), number(data, "balance") + number(data, "profit"));
        assert_close(number(data, "freeMargin"), number(data, "equity") - number(data, "margin"));
        assert_close(number(&data["orders"][0], "profit"), number(data, "profit"));
    }
}

#[tokio::test]
async fn ended_profits_stay_away_until_asked_for_again() {
    let world = World::start().await;
    let session = world.login().await;
    let mut events = session.stream("Events").await;
    events.until("profits come", |event| event["type"] == "OrderProfit").await;
    session.call("UnSubscribeOrderProfit", "").await.ok();
    session.call("Subscribe", "symbol=EURUSD").await.ok();
    // A profit may have been on its way; from the first quote on there is none.
    world.control.quote("EURUSD", 1.2, 1.2001).await.unwrap();
    events.until("a quote comes", |event| event["data"]["bid"] == 1.2).await;
    session.open("symbol=EURUSD&operation=Buy&volume=0.1").await;
    world.control.quote("EURUSD", 1.21, 1.2101).await.unwrap();
    events
        .until("another quote comes", |event| {
            assert_ne!(event["type"], "OrderProfit", "{event}");
            event["data"]["bid"] == 1.21
        })
        .await;
    session.call("SubscribeOrderProfit", "").await.ok();
    events.until("profits are back", |event| event["type"] == "OrderProfit").await;
}

#[tokio::test]
async fn order_updates_tell_each_change_with_the_account_after_it() {
    let world = World::start().await;
    let session = world.login().await;
    let mut updates = session.stream("OnOrderUpdate").await;
    let number_of_order = ticket(&session.open("symbol=EURUSD&operation=Buy&volume=0.2").await);
    let kind = |event: &Value, kind: &str| event["data"]["update"]["type"] == kind;
    let opened = updates.until("the opening is told", |event| kind(event, "MarketOpen")).await;
    assert_eq!(sorted(&opened), ENVELOPE);
    assert_eq!(opened["type"], "OrderUpdate");
    let summary = [
        "balance",
        "credit",
        "equity",
        "freeMargin",
        "margin",
        "marginLevel",
        "openedOrders",
        "profit",
        "update",
        "user",
    ];
    assert_eq!(sorted(&opened["data"]), summary);
    let parts = ["closeByTicket", "deal", "oppositeDeal", "order", "orderInternal", "trans", "type"];
    assert_eq!(sorted(&opened["data"]["update"]), parts);
    assert_eq!(ticket(&opened["data"]["update"]["order"]), number_of_order);
    assert_eq!(opened["data"]["openedOrders"].as_array().unwrap().len(), 1);
    session.json("OrderModify", &format!("ticket={number_of_order}&stoploss=1.05")).await;
    let modified = updates.until("the change is told", |event| kind(event, "MarketModify")).await;
    assert_eq!(modified["data"]["update"]["order"]["stopLoss"], 1.05);
    session.json("OrderClose", &format!("ticket={number_of_order}&lots=0.1")).await;
    let part = updates.until("the partial close is told", |event| kind(event, "PartialClose")).await;
    assert_eq!(part["data"]["openedOrders"][0]["lots"], 0.1);
    session.json("OrderClose", &format!("ticket={number_of_order}")).await;
    let closed = updates.until("the close is told", |event| kind(event, "MarketClose")).await;
    assert_eq!(closed["data"]["openedOrders"], json!([]));
    assert_eq!(closed["data"]["balance"], 9_998);
}

#[tokio::test]
async fn pending_orders_are_told_as_well() {
    let world = World::start().await;
    let session = world.login().await;
    let mut updates = session.stream("OnOrderUpdate").await;
    let number_of_order =
        ticket(&session.open("symbol=EURUSD&operation=BuyLimit&volume=0.2&price=1.05").await);
    updates.until("it is told", |event| event["data"]["update"]["type"] == "PendingOpen").await;
    session.json("OrderModify", &format!("ticket={number_of_order}&price=1.04")).await;
    updates.until("its change is told", |event| event["data"]["update"]["type"] == "PendingModify").await;
    session.json("OrderClose", &format!("ticket={number_of_order}")).await;
    updates.until("its end is told", |event| event["data"]["update"]["type"] == "PendingClose").await;
}

#[tokio::test]
async fn one_socket_has_everything_and_many_have_the_same() {
    let world = World::start().await;
    let session = world.login().await;
    let (mut one, mut two) = (session.stream("Events").await, session.stream("events").await);
    session.call("Subscribe", "symbol=EURUSD").await.ok();
    session.open("symbol=EURUSD&operation=Buy&volume=0.1").await;
    world.control.quote("EURUSD", 1.2, 1.2001).await.unwrap();
    for events in [&mut one, &mut two] {
        let mut missing = vec!["Quote", "OrderUpdate", "OrderProfit"];
        events
            .until("all kinds come", |event| {
                missing.retain(|kind| event["type"] != *kind);
                missing.is_empty()
            })
            .await;
    }
}

#[tokio::test]
async fn the_end_of_the_session_closes_its_sockets() {
    let world = World::start().await;
    let session = world.login().await;
    let mut events = session.stream("Events").await;
    events.next().await;
    session.call("Disconnect", "").await.ok();
    assert_eq!(events.end().await, Ended::Closed(api::close::SESSION_OVER));
}

#[tokio::test]
async fn a_stop_says_goodbye_to_sockets_and_logs_sessions_out() {
    let world = World::start().await;
    let session = world.login().await;
    let mut events = session.stream("Events").await;
    events.next().await;
    let control = world.control.clone();
    let ((), ended) = tokio::join!(world.stop(), events.end());
    assert_eq!(ended, Ended::Closed(api::close::GOING_AWAY));
    eventually("the broker has ended", async || control.connections().await.is_err().then_some(())).await;
}
