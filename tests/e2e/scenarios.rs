//! The scenarios that come with the demo broker, as a client of the service lives through them.

use std::collections::BTreeSet;

use broker::Scenario;
use serde_json::{Value, json};
use testkit::eventually;

use crate::world::{Session, World, assert_close, number, ticket};

const ORDER: &str = "symbol=EURUSD&operation=Buy&volume=0.1";
/// Accounts that scenarios make.
const CALM: u64 = 1_000_011;
const BRAVE: u64 = 1_000_012;

/// A world in which a scenario is played, so many times as fast.
async fn playing(name: &str, times: f64) -> World {
    let world = World::start().await;
    for (symbol, bid, ask) in
        [("XAUUSD", 2650.0, 2650.2), ("BTCUSD", 96_000.0, 96_100.0), ("AAPL", 225.0, 225.1)]
    {
        world.control.quote(symbol, bid, ask).await.unwrap();
    }
    world.play(Scenario::load(name).unwrap().faster(times));
    world
}

/// Logs in an account that the scenario makes.
async fn login(world: &World, user: u64) -> Session {
    eventually("the scenario makes the account", async || world.control.account(user).await.ok()).await;
    world.login_at(user, world.broker_addr).await
}

/// The balance as the client sees it, once it is the broker's own.
async fn balance(world: &World, session: &Session, user: u64) -> f64 {
    eventually("the balance is the broker's", async || {
        let own = world.control.account(user).await.unwrap().funds.balance.to_f64();
        let told = number(&session.json("AccountSummary", "").await, "balance");
        ((told - own).abs() < 0.005).then_some(told)
    })
    .await
}

#[tokio::test]
async fn a_calm_day_is_told_deal_by_deal() {
    let world = playing("calm-day", 100.0).await;
    let session = login(&world, CALM).await;
    let mut updates = session.stream("OnOrderUpdate").await;
    updates.until("the dealer trades", |event| event["data"]["update"]["type"] == "MarketOpen").await;
    let terms = async || session.json("SymbolParams", "symbol=XAUUSD").await["symbolGroup"]["sl"].clone();
    eventually("other terms are told", async || (terms().await == 20).then_some(())).await;
    eventually("the former terms are told", async || (terms().await == 0).then_some(())).await;
    let booked = eventually("all has happened", async || {
        let range = "from=2000-01-01T00:00:00&to=2100-01-01T00:00:00";
        let history = session.json("OrderHistory", range).await;
        let deals = history["internalDeals"].as_array().unwrap().clone();
        let has = |kind: &str, profit: f64| {
            deals.iter().any(|deal| deal["type"] == kind && (number(deal, "profit") - profit).abs() < 0.005)
        };
        (has("Dividend", 12.5) && has("Balance", -100.0)).then_some(deals)
    })
    .await;
    assert!(booked.iter().any(|deal| deal["comment"] == "calm day"), "{booked:?}");
    balance(&world, &session, CALM).await;
    world.stop().await;
}

#[tokio::test]
async fn news_close_a_position_by_stop_out_and_leave_a_debt() {
    let world = playing("news-spike", 5.0).await;
    let session = login(&world, BRAVE).await;
    let mut updates = session.stream("OnOrderUpdate").await;
    let closed = updates
        .until("it does not survive the news", |event| event["data"]["update"]["type"] == "OnStopOut")
        .await;
    let order = &closed["data"]["update"]["order"];
    let comment = order["closeComment"].as_str().unwrap_or_default();
    assert!(comment.starts_with("so "), "{order}");
    // 900 points of two lots are 1,800 dollars; there were a thousand.
    assert!(number(order, "profit") < -1000.0, "{order}");
    assert!(balance(&world, &session, BRAVE).await < 0.0);
    assert!(session.tickets().await.is_empty());
    world.stop().await;
}

#[tokio::test]
async fn a_restart_of_the_broker_is_got_over() {
    let world = playing("broker-restart", 5.0).await;
    let session = world.login().await;
    let position = ticket(&session.open(ORDER).await);
    let is_connected = async || session.json("ConnectionStatus", "").await["isConnected"] == true;
    eventually("the connection is lost", async || (!is_connected().await).then_some(())).await;
    let stale = session.call("OpenedOrders", "").await;
    assert_ne!((stale.status, stale.body.as_str()), (200, "[]"), "nothing is shown as empty");
    eventually("the connection is back", async || is_connected().await.then_some(())).await;
    assert_eq!(session.tickets().await, [position]);
    world.stop().await;
}

#[tokio::test]
async fn a_flaky_network_neither_doubles_nor_loses_an_order() {
    const ORDERS: usize = 12;
    let world = playing("flaky-network", 6.0).await;
    let session = world.login().await;
    let mut tickets = BTreeSet::new();
    for key in 0..ORDERS {
        let query = format!("{ORDER}&idempotencyKey=order-{key}");
        let number = eventually("an order is done", async || {
            let reply = session.call("OrderSend", &query).await;
            let outcome = reply.header("x-outcome");
            let is_known = ["applied", "unknown", "not_sent", "rejected"].contains(&outcome);
            assert!(is_known, "{reply:?}");
            (outcome == "applied").then(|| ticket(&reply.json()))
        })
        .await;
        assert!(tickets.insert(number), "order {key} was told to be another one's position");
    }
    assert_eq!(world.positions().await, ORDERS, "an order was doubled or lost");
    let told = async || {
        let reply = session.call("OpenedOrdersTickets", "").await;
        let tickets: Value = if reply.status == 200 { reply.json() } else { json!([]) };
        tickets.as_array().unwrap().iter().map(|ticket| ticket.as_u64().unwrap()).collect::<BTreeSet<_>>()
    };
    eventually("all are shown", async || (told().await == tickets).then_some(())).await;
    world.stop().await;
}

#[tokio::test]
async fn after_a_weekend_a_stop_is_filled_at_the_price_of_the_gap() {
    let world = playing("weekend", 10.0).await;
    let session = world.login().await;
    let position = ticket(&session.open(&format!("{ORDER}&stoploss=1.099")).await);
    let mut updates = session.stream("OnOrderUpdate").await;
    let is_open = async || world.control.symbol("EURUSD").await.unwrap().is_open;
    eventually("markets close", async || (!is_open().await).then_some(())).await;
    assert_eq!(session.refused("OrderSend", ORDER).await, "MARKET_CLOSED");
    session.open("symbol=BTCUSD&operation=Buy&volume=0.01").await;
    eventually("markets open", async || is_open().await.then_some(())).await;
    world.control.quote("EURUSD", 1.0975, 1.0976).await.unwrap();
    let closed = updates
        .until("the stop is filled", |event| {
            let update = &event["data"]["update"];
            update["type"] == "OnStopLoss" && update["order"]["ticket"] == position
        })
        .await;
    let order = &closed["data"]["update"]["order"];
    // 250 points below what it was bought at less the spread, and not at the stop.
    assert_close(number(order, "closePrice"), 1.0975);
    assert_close(number(order, "profit"), -26.0);
    world.stop().await;
}
