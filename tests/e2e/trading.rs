//! Orders at market: opening, changing, closing.

use serde_json::json;
use testkit::eventually;

use crate::world::{World, assert_close, manual, number, ticket};

#[tokio::test]
async fn a_position_is_opened_changed_and_closed_under_every_name() {
    for kind in ["", "Safe", "Task"] {
        let world = World::start().await;
        let session = world.login().await;
        let send =
            "symbol=EURUSD&operation=Buy&volume=0.2&stoploss=1.05&takeprofit=1.2&comment=mine&expertID=42";
        let opened = session.json(&format!("OrderSend{kind}"), send).await;
        assert_eq!((&opened["state"], &opened["orderType"]), (&json!("Filled"), &json!("Buy")), "{opened}");
        assert_eq!((&opened["openPrice"], &opened["lots"]), (&json!(1.1001), &json!(0.2)));
        assert_eq!((&opened["stopLoss"], &opened["takeProfit"]), (&json!(1.05), &json!(1.2)));
        assert_eq!((&opened["comment"], &opened["expertId"]), (&json!("mine"), &json!(42)));
        assert_eq!(opened["dealInternalIn"]["expertId"], 42);
        assert_eq!((&opened["volume"], &opened["contractSize"]), (&json!(20_000_000), &json!(100_000)));
        let number = ticket(&opened);
        assert_eq!(session.tickets().await, [number]);

        let modify = format!("ticket={number}&stoploss=1.06&takeprofit=0");
        let modified = session.json(&format!("OrderModify{kind}"), &modify).await;
        assert_eq!((&modified["stopLoss"], &modified["takeProfit"]), (&json!(1.06), &json!(0)));
        let only_one =
            session.json(&format!("OrderModify{kind}"), &format!("ticket={number}&takeprofit=1.3")).await;
        assert_eq!(
            (&only_one["stopLoss"], &only_one["takeProfit"]),
            (&json!(0), &json!(1.3)),
            "absent means 0"
        );

        let closed = session.json(&format!("OrderClose{kind}"), &format!("ticket={number}")).await;
        assert_eq!((&closed["ticket"], &closed["state"]), (&json!(number), &json!("Started")), "{closed}");
        assert_eq!((&closed["closePrice"], &closed["closeLots"]), (&json!(1.1), &json!(0.2)));
        assert_eq!((&closed["profit"], &closed["closeVolume"]), (&json!(-2), &json!(20_000_000)));
        assert_ne!(closed["closeTime"], "0001-01-01T00:00:00");
        assert!(session.tickets().await.is_empty());
        assert_eq!(session.json("AccountSummary", "").await["balance"], 9_998);
    }
}

#[tokio::test]
async fn a_position_is_closed_in_parts() {
    let world = World::start().await;
    let session = world.login().await;
    let number = ticket(&session.open("symbol=EURUSD&operation=Sell&volume=0.5").await);
    let part = session.json("OrderClose", &format!("ticket={number}&lots=0.2")).await;
    assert_eq!(part["closeLots"], 0.2, "{part}");
    let rest = session.json("OpenedOrder", &format!("ticket={number}")).await;
    assert_eq!((&rest["lots"], &rest["volume"]), (&json!(0.3), &json!(30_000_000)));
    let too_much = session.call("OrderClose", &format!("ticket={number}&lots=0.4")).await;
    assert_eq!(too_much.status, 201, "{too_much:?}");
    session.json("OrderClose", &format!("ticket={number}&lots=0")).await;
    assert!(session.tickets().await.is_empty());
    let own = world.control.account(crate::world::USD).await.unwrap();
    assert_eq!(own.positions, 0);
    assert_close(
        crate::world::number(&session.json("AccountSummary", "").await, "balance"),
        own.funds.balance.to_f64(),
    );
}

#[tokio::test]
async fn closed_orders_of_the_session_are_listed() {
    let world = World::start().await;
    let session = world.login().await;
    let number = ticket(&session.open("symbol=EURUSD&operation=Buy&volume=0.1").await);
    session.json("OrderClose", &format!("ticket={number}")).await;
    let closed = eventually("the closed order is listed", async || {
        let list = session.json("ClosedOrders", "").await;
        (!list.as_array().unwrap().is_empty()).then_some(list)
    })
    .await;
    assert_eq!((closed.as_array().unwrap().len(), ticket(&closed[0])), (1, number), "{closed}");
}

#[tokio::test]
async fn names_and_numbers_of_operations_are_the_same() {
    let world = World::start().await;
    let session = world.login().await;
    for (operation, kind) in [("Sell", "Sell"), ("sell", "Sell"), ("1", "Sell"), ("0", "Buy")] {
        let order = session.open(&format!("symbol=EURUSD&operation={operation}&volume=0.01")).await;
        assert_eq!(order["orderType"], kind, "{operation}");
    }
    assert_eq!(
        session.refused("OrderSend", "symbol=EURUSD&operation=8&volume=0.01").await,
        "INVALID_REQUEST"
    );
}

#[tokio::test]
async fn a_refusal_has_the_servers_reason() {
    let world = World::start().await;
    let session = world.login().await;
    let cases = [
        ("symbol=EURUSD&operation=Buy&volume=90", "NO_MONEY"),
        ("symbol=EURUSD&operation=Buy&volume=0.001", "INVALID_VOLUME"),
        ("symbol=EURUSD&operation=Buy&volume=1000", "INVALID_VOLUME"),
        ("symbol=EURUSD&operation=Buy&volume=0.1&stoploss=1.2", "INVALID_STOPS"),
        ("symbol=NOPE&operation=Buy&volume=0.1", "INVALID_SYMBOL"),
        ("symbol=EURUSD&operation=BuyLimit&volume=0.1&price=1.2", "INVALID_PRICE"),
        ("symbol=EURUSD&operation=Buy", "NULL_ARGUMENT"),
        ("symbol=EURUSD&operation=Buy&volume=much", "INVALID_PARAM"),
    ];
    for (query, code) in cases {
        assert_eq!(session.refused("OrderSend", query).await, code, "{query}");
    }
    for call in ["OrderClose", "OrderModify"] {
        assert_eq!(session.refused(call, "ticket=1&stoploss=1").await, "INVALID_TICKET", "{call}");
    }
    assert!(session.tickets().await.is_empty());
    assert_eq!(world.control.account(crate::world::USD).await.unwrap().positions, 0);
}

#[tokio::test]
async fn a_closed_market_says_so() {
    // A Saturday.
    let clock = broker::Clock::Manual(model::ServerTime::from_ms(1_767_441_600_000));
    let hours = broker::catalogue::MarketHours::Real;
    let world = World::with(broker::Settings { clock, market_hours: hours, ..manual() }).await;
    world.quotes().await;
    let session = world.login().await;
    assert_eq!(session.refused("OrderSend", "symbol=EURUSD&operation=Buy&volume=0.1").await, "MARKET_CLOSED");
}

#[tokio::test]
async fn a_stop_loss_closes_at_its_price() {
    let world = World::start().await;
    let session = world.login().await;
    let mut updates = session.stream("OnOrderUpdate").await;
    let number = ticket(&session.open("symbol=EURUSD&operation=Buy&volume=0.1&stoploss=1.095").await);
    world.control.quote("EURUSD", 1.0949, 1.095).await.unwrap();
    let told =
        updates.until("the stop is told", |event| event["data"]["update"]["type"] == "OnStopLoss").await;
    assert_eq!(ticket(&told["data"]["update"]["order"]), number);
    assert_eq!(told["data"]["openedOrders"], json!([]));
    assert!(session.tickets().await.is_empty());
}

#[tokio::test]
async fn profits_follow_the_price() {
    let world = World::start().await;
    let session = world.login().await;
    let long = ticket(&session.open("symbol=EURUSD&operation=Buy&volume=0.1").await);
    let short = ticket(&session.open("symbol=USDJPY&operation=Sell&volume=0.1").await);
    world.control.quote("EURUSD", 1.1051, 1.1052).await.unwrap();
    world.control.quote("USDJPY", 149.0, 149.5).await.unwrap();
    eventually("profits have followed", async || {
        let one = session.json("OpenedOrder", &format!("ticket={long}")).await;
        let two = session.json("OpenedOrder", &format!("ticket={short}")).await;
        // 0.0050 of 10,000 euros in dollars; 0.5 yen of 10,000 dollars at the ask.
        let expected = (number(&one, "profit") - 50.0).abs() < 0.005
            && (number(&two, "profit") - 5000.0 / 149.5).abs() < 0.005;
        expected.then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_part_that_cannot_be_closed_closes_nothing() {
    let world = World::start().await;
    let session = world.login().await;
    let number = ticket(&session.open("symbol=EURUSD&operation=Buy&volume=0.1").await);
    for lots in ["-1", "-0.05", "0.2", "0.001", "1e300"] {
        let reply = session.call("OrderClose", &format!("ticket={number}&lots={lots}")).await;
        assert_eq!(reply.status, 201, "{lots}: {reply:?}");
        assert_eq!(session.tickets().await, [number], "{lots}");
    }
    assert_eq!(session.json("OpenedOrder", &format!("ticket={number}")).await["lots"], 0.1);
}
