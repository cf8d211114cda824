//! Every stream of the document; every frame is held against its schema.

use serde_json::{Value, json};
use testkit::eventually;

use crate::every_call::document::{Document, check};
use crate::world::{Session, World, ticket};

/// A symbol of an exchange, which has an order book.
const BOOK: &str = "MSFT";

/// Makes every kind of event happen, again and again.
async fn stir(world: &World, session: &Session, step: u32) {
    let price = 1.1 + f64::from(step % 50) * 0.0001;
    world.control.quote("EURUSD", price, price + 0.0001).await.unwrap();
    world.control.quote(BOOK, 5000.0 + f64::from(step % 4), 5001.0 + f64::from(step % 4)).await.unwrap();
    let made = session.open("symbol=EURUSD&operation=Buy&volume=0.01").await;
    session.json("OrderClose", &format!("ticket={}", ticket(&made))).await;
    session.call("TickHistoryRequest", "symbol=EURUSD&startYear=2020&startMonth=1&startDay=1").await.ok();
}

async fn interested(session: &Session) {
    for (call, query) in [
        ("Subscribe", "symbol=EURUSD".to_owned()),
        ("SubscribeTickValue", "symbol=EURUSD".to_owned()),
        ("SubscribeMarketWatch", String::new()),
        ("SubscribeOrderBook", format!("symbols={BOOK}")),
        ("SubscribeOhlc", "symbol=EURUSD&timeframe=1".to_owned()),
    ] {
        assert_eq!(session.call(call, &query).await.ok().body, "OK", "{call}");
    }
}

#[tokio::test]
async fn every_stream_tells_what_its_schema_says() {
    let (document, world) = (Document::new(), World::start().await);
    world.control.quote(BOOK, 5000.0, 5000.25).await.unwrap();
    let session = world.login().await;
    interested(&session).await;
    session.open("symbol=EURUSD&operation=Buy&volume=0.02").await;
    let streams = document.streams();
    assert_eq!(streams.len(), 13, "twelve streams and all of them together");
    let mut step = 0;
    // Nothing is ever told on the one for mail.
    for (name, schema) in streams.into_iter().filter(|(name, _)| name != "OnMail") {
        let validator = document.validator(&schema);
        let mut socket = session.stream(&name).await;
        for _ in 0..3 {
            step += 1;
            stir(&world, &session, step).await;
            if name == "OnConnectionStatus" {
                world.control.disconnect_all().await.unwrap();
            }
            let event = socket.next().await;
            assert_eq!(event["id"], session.token.as_str(), "{event}");
            check(&validator, &event, &name);
        }
    }
}

#[tokio::test]
async fn a_running_candle_goes_on_from_the_servers_bar() {
    let world = World::start().await;
    let session = world.login().await;
    let mut candles = session.stream("OnOhlc").await;
    session.call("SubscribeOhlc", "symbol=EURUSD&timeframe=1440").await.ok();
    let first = candles.until("the candle is told", |event| event["data"]["symbol"] == "EURUSD").await;
    let today = session.json("PriceHistoryToday", "symbol=EURUSD&timeFrame=1440").await;
    assert_eq!(first["data"]["time"], today[0]["time"]);
    assert_eq!(first["data"]["open"], today[0]["openPrice"]);
    assert_eq!(first["data"]["timeframe"], 1440);
    world.control.quote("EURUSD", 1.9, 1.9001).await.unwrap();
    let high = candles.until("the new high is told", |event| event["data"]["high"] == 1.9).await;
    assert_eq!((&high["data"]["close"], &high["data"]["open"]), (&json!(1.9), &first["data"]["open"]));
    session.call("UnsubscribeOhlc", "").await.ok();
    assert_eq!(session.refused("SubscribeOhlc", "symbol=NOPE").await, "INVALID_SYMBOL");
    assert_eq!(session.refused("SubscribeOhlc", "").await, "NULL_ARGUMENT");
}

#[tokio::test]
async fn a_candle_interval_counts_seconds_but_its_end_is_told_at_once() {
    let clock = broker::Clock::Manual(model::ServerTime::from_parts(1_795_355_995, 0));
    let world = World::with(broker::Settings { clock, ..crate::world::manual() }).await;
    world.quotes().await;
    let session = world.login().await;
    let mut candles = session.stream("OnOhlc").await;
    // Once an hour: nothing but the first state and the ends of candles would come.
    session.call("SubscribeOhlc", "symbol=EURUSD&timeframe=1&interval=3600").await.ok();
    candles.next().await;
    world.control.quote("EURUSD", 1.2, 1.2001).await.unwrap();
    world.control.advance(std::time::Duration::from_secs(60)).await.unwrap();
    world.control.quote("EURUSD", 1.25, 1.2501).await.unwrap();
    let ended = candles.next().await;
    assert_eq!(ended["data"]["close"], 1.2, "the minute's last price: {ended}");
}

#[tokio::test]
async fn kept_ticks_can_be_downloaded_and_the_end_is_told() {
    let world = World::start().await;
    let session = world.login().await;
    assert_eq!(
        session.refused("TickHistoryRequest", "symbol=GBPUSD&startYear=2020&startMonth=1&startDay=1").await,
        "NOT_FOUND",
        "nobody has listened to it yet"
    );
    session.call("Subscribe", "symbol=EURUSD").await.ok();
    for step in 0..300 {
        let bid = 1.2 + f64::from(step) * 0.00001;
        world.control.quote("EURUSD", bid, bid + 0.0001).await.unwrap();
    }
    eventually("the last tick has come", async || {
        (session.json("GetQuote", "symbol=EURUSD").await["bid"] == 1.20299).then_some(())
    })
    .await;
    let mut ticks = session.stream("OnTickHistory").await;
    session.call("TickHistoryRequest", "symbol=EURUSD&startYear=2020&startMonth=1&startDay=1").await.ok();
    let mut bids: Vec<Value> = Vec::new();
    loop {
        let event = ticks.next().await;
        assert_eq!(event["data"]["symbol"], "EURUSD");
        let bars = event["data"]["bars"].as_array().unwrap();
        if bars.is_empty() {
            break;
        }
        bids.extend(bars.iter().map(|bar| bar["bid"].clone()));
    }
    assert_eq!(bids.last(), Some(&json!(1.20299)));
    assert!(bids.len() > 256, "several portions: {}", bids.len());
    let day = "symbol=EURUSD&startYear=2026&startMonth=2&startDay=30";
    assert_eq!(session.refused("TickHistoryRequest", day).await, "INVALID_PARAM");
    session.call("TickHistoryStop", "symbol=EURUSD").await.ok();
}

#[tokio::test]
async fn ticket_lists_come_at_the_pace_of_their_socket() {
    let world = World::start().await;
    let session = world.login().await;
    let made = ticket(&session.open("symbol=EURUSD&operation=Buy&volume=0.01").await);
    let mut fast = session.stream_with("OnOpenedOrdersTickets", "interval=20").await;
    let mut slow = session.stream_with("OnOpenedOrdersTicketsProfit", "interval=3600000").await;
    for _ in 0..5 {
        assert_eq!(fast.next().await["data"], json!([made]), "told again and again, changed or not");
    }
    let told = slow.next().await;
    assert_eq!(told["data"][0]["ticket"], made);
    session.json("OrderClose", &format!("ticket={made}")).await;
    fast.until("the list is empty", |event| event["data"] == json!([])).await;
}
