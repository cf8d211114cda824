//! Pending orders.

use serde_json::json;

use crate::world::{World, ticket};

#[tokio::test]
async fn a_pending_order_is_placed_changed_and_cancelled_under_every_name() {
    for kind in ["", "Safe", "Task"] {
        let world = World::start().await;
        let session = world.login().await;
        let send = "symbol=EURUSD&operation=BuyLimit&volume=0.3&price=1.09&stoploss=1.08&takeprofit=1.12&comment=later";
        let placed = session.json(&format!("OrderSend{kind}"), send).await;
        assert_eq!(
            (&placed["state"], &placed["orderType"]),
            (&json!("Placed"), &json!("BuyLimit")),
            "{placed}"
        );
        assert_eq!((&placed["openPrice"], &placed["lots"]), (&json!(1.09), &json!(0.3)));
        let number = ticket(&placed);
        assert_eq!(session.tickets().await, [number]);
        let listed = session.json("OpenedOrder", &format!("ticket={number}")).await;
        assert_eq!((&listed["profit"], &listed["comment"]), (&json!(0), &json!("later")));

        let modify = format!("ticket={number}&price=1.085&stoploss=1.07&takeprofit=1.13");
        let modified = session.json(&format!("OrderModify{kind}"), &modify).await;
        assert_eq!(
            (&modified["openPrice"], &modified["stopLoss"]),
            (&json!(1.085), &json!(1.07)),
            "{modified}"
        );

        let closed = session.json(&format!("OrderClose{kind}"), &format!("ticket={number}")).await;
        assert_eq!((ticket(&closed), &closed["state"]), (number, &json!("Cancelled")), "{closed}");
        assert!(session.tickets().await.is_empty());
        assert_eq!(session.json("ClosedOrders", "").await, json!([]), "cancelled orders are not listed");
    }
}

#[tokio::test]
async fn every_kind_waits_on_its_side_of_the_price() {
    let world = World::start().await;
    let session = world.login().await;
    let cases = [
        ("BuyLimit", "price=1.09"),
        ("SellLimit", "price=1.12"),
        ("BuyStop", "price=1.12"),
        ("SellStop", "price=1.09"),
        ("BuyStopLimit", "price=1.12&stopLimitPrice=1.11"),
        ("SellStopLimit", "price=1.09&stopLimitPrice=1.095"),
    ];
    for (operation, prices) in cases {
        let order = session.open(&format!("symbol=EURUSD&operation={operation}&volume=0.01&{prices}")).await;
        assert_eq!((&order["orderType"], &order["state"]), (&json!(operation), &json!("Placed")));
    }
    assert_eq!(session.tickets().await.len(), cases.len());
}

#[tokio::test]
async fn a_limit_fills_when_the_price_comes() {
    let world = World::start().await;
    let session = world.login().await;
    let mut updates = session.stream("OnOrderUpdate").await;
    let order = session.open("symbol=EURUSD&operation=BuyLimit&volume=0.1&price=1.09&expertID=7").await;
    world.control.quote("EURUSD", 1.0898, 1.0899).await.unwrap();
    let filled = updates.until("the order fills", |event| {
        let orders = event["data"]["openedOrders"].as_array().unwrap();
        orders.iter().any(|order| order["orderType"] == "Buy")
    });
    let filled = filled.await;
    let position = &filled["data"]["openedOrders"][0];
    assert_eq!((&position["symbol"], &position["lots"]), (&json!("EURUSD"), &json!(0.1)));
    assert_eq!(ticket(position), ticket(&order), "a position keeps the ticket of its order");
    assert_eq!(position["expertId"], 7, "the session remembers the magic number");
}

#[tokio::test]
async fn an_order_expires_at_its_date() {
    let start = model::ServerTime::from_ms(1_767_614_400_000); // 2026-01-05 12:00, a Monday.
    let clock = broker::Clock::Manual(start);
    let world = World::with(broker::Settings { clock, ..crate::world::manual() }).await;
    world.quotes().await;
    let session = world.login().await;
    let mut updates = session.stream("OnOrderUpdate").await;
    let query = "symbol=EURUSD&operation=BuyLimit&volume=0.1&price=1.09&expiration=2026-01-05T13:00:00";
    let order = session.open(query).await;
    assert_eq!(order["expirationType"], "Specified", "a date says how it expires");
    assert_eq!(order["expirationTime"], "2026-01-05T13:00:00");
    world.control.advance(std::time::Duration::from_secs(3700)).await.unwrap();
    updates.until("it expires", |event| event["data"]["update"]["type"] == "Expired").await;
    assert!(session.tickets().await.is_empty());
}

#[tokio::test]
async fn stops_that_a_change_does_not_name_stay_on_request_only() {
    let world = World::start().await;
    let session = world.login().await;
    for opening in ["operation=BuyLimit&price=1.09", "operation=Buy"] {
        let order = format!("symbol=EURUSD&volume=0.1&stoploss=1.05&takeprofit=1.15&{opening}");
        let number = ticket(&session.open(&order).await);
        // What is asked for, and the stops that come of it: one after the other, from 1.05 and 1.15 on.
        let cases = [
            ("takeprofit=1.16&keepStops=true", (json!(1.05), json!(1.16))),
            ("stoploss=1.04&KeepStops=1", (json!(1.04), json!(1.16))),
            ("stoploss=0&keepStops=true", (json!(0), json!(1.16))),
            ("stoploss=1.03", (json!(1.03), json!(0))),
            ("takeprofit=1.17&keepStops=false", (json!(0), json!(1.17))),
        ];
        for (change, (loss, profit)) in cases {
            let changed = session.json("OrderModify", &format!("ticket={number}&{change}")).await;
            assert_eq!(
                (&changed["stopLoss"], &changed["takeProfit"]),
                (&loss, &profit),
                "{change}: {changed}"
            );
        }
    }
}
