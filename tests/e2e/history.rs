//! Past orders.

use serde_json::{Value, json};

use crate::world::{Session, World, fields, number, ticket};

const ALL: &str = "from=2000-01-01T00:00:00&to=2100-01-01T00:00:00";

async fn traded(session: &Session) -> (u64, u64) {
    let closed = ticket(&session.open("symbol=EURUSD&operation=Buy&volume=0.1&comment=in").await);
    session.json("OrderClose", &format!("ticket={closed}")).await;
    let cancelled = ticket(&session.open("symbol=EURUSD&operation=BuyLimit&volume=0.1&price=1").await);
    session.json("OrderClose", &format!("ticket={cancelled}")).await;
    (closed, cancelled)
}

fn with_ticket(orders: &Value, number: u64) -> &Value {
    let found = orders.as_array().unwrap().iter().find(|order| order["ticket"] == number);
    found.unwrap_or_else(|| panic!("{number} is not in {orders}"))
}

#[tokio::test]
async fn history_holds_positions_cancelled_orders_and_balance() {
    let world = World::start().await;
    let session = world.login().await;
    let (closed, cancelled) = traded(&session).await;
    let history = session.json("OrderHistory", ALL).await;
    assert_eq!(fields(&history).len(), 5, "{history}");
    assert_eq!((&history["action"], &history["partialResponse"]), (&json!(1), &json!(false)));
    let orders = &history["orders"];
    assert_eq!(orders.as_array().unwrap().len(), 3, "{orders}");
    let position = with_ticket(orders, closed);
    assert_eq!((&position["openPrice"], &position["closePrice"]), (&json!(1.1001), &json!(1.1)));
    assert_eq!((&position["profit"], &position["closeLots"]), (&json!(-1), &json!(0.1)));
    assert_eq!(with_ticket(orders, cancelled)["state"], "Cancelled");
    let balance = orders.as_array().unwrap().iter().find(|order| order["orderType"] == "Balance").unwrap();
    assert_eq!(
        (&balance["dealType"], &balance["symbol"], &balance["lots"]),
        (&json!("Balance"), &json!(""), &json!(0))
    );
    assert_eq!((&balance["profit"], &balance["state"]), (&json!(10_000), &json!("Filled")));
}

#[tokio::test]
async fn history_adds_up_to_the_balance() {
    let world = World::start().await;
    let session = world.login().await;
    for _ in 0..3 {
        let number = ticket(&session.open("symbol=EURUSD&operation=Sell&volume=0.3").await);
        session.json("OrderClose", &format!("ticket={number}&lots=0.1")).await;
        session.json("OrderClose", &format!("ticket={number}")).await;
    }
    let history = session.json("OrderHistory", ALL).await;
    let sum: f64 = history["internalDeals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|deal| number(deal, "profit") + number(deal, "commission") + number(deal, "swap"))
        .sum();
    let orders: f64 = history["orders"].as_array().unwrap().iter().map(|order| number(order, "profit")).sum();
    let balance = number(&session.json("AccountSummary", "").await, "balance");
    assert!((sum - balance).abs() < 0.005, "deals: {sum}, balance: {balance}");
    assert!((orders - balance).abs() < 0.005, "orders: {orders}, balance: {balance}");
}

#[tokio::test]
async fn a_range_in_the_past_is_empty_and_dates_have_many_shapes() {
    let world = World::start().await;
    let session = world.login().await;
    traded(&session).await;
    for range in [
        "from=2001-01-01&to=2001-02-01",
        "from=2001-01-01T00:00:00Z&to=2001-02-01T00:00:00.000Z",
        "from=2001-01-01T00:00:00.5&to=2001-02-01T12:30:00",
    ] {
        assert_eq!(session.json("OrderHistory", range).await["orders"], json!([]), "{range}");
    }
    let wrong = session.call("OrderHistory", "from=yesterday&to=2001-02-01").await;
    assert_eq!(wrong.refused(), "INVALID_PARAM");
    assert!(wrong.body.contains("from"), "{}", wrong.body);
}

#[tokio::test]
async fn a_filter_keeps_only_named_fields_and_sorting_is_kept() {
    let world = World::start().await;
    let session = world.login().await;
    traded(&session).await;
    let query = format!("{ALL}&filter=closeLots&filter=closeComment&ascending=false");
    let history = session.json("OrderHistory", &query).await;
    assert_eq!(fields(&history), ["orders"]);
    let orders = history["orders"].as_array().unwrap();
    assert_eq!(orders.len(), 3);
    assert!(orders.iter().all(|order| order.as_object().unwrap().len() == 2), "{orders:?}");
    assert!(orders.iter().all(|order| order["closeLots"].is_number()), "{orders:?}");
    let forward = session.json("OrderHistory", &format!("{ALL}&sort=CloseTime&ascending=true")).await;
    let times: Vec<_> =
        forward["orders"].as_array().unwrap().iter().map(|o| o["closeTime"].as_str().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
}
