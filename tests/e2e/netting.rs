//! What a client sees on an account with one position a symbol.

use broker::{AccountSettings, MarginMode};
use serde_json::{Value, json};

use crate::world::{Session, World, assert_close, number, ticket};

const LOGIN: u64 = 81;

async fn netting(world: &World, margin_mode: MarginMode) -> Session {
    let account =
        AccountSettings { login: LOGIN, password: "demo".into(), margin_mode, ..AccountSettings::default() };
    world.control.add_account(account).await.unwrap();
    world.login_at(LOGIN, world.broker_addr).await
}

async fn the_position(session: &Session) -> Value {
    let opened = session.json("OpenedOrders", "").await;
    assert_eq!(opened.as_array().unwrap().len(), 1, "{opened}");
    opened[0].clone()
}

#[tokio::test]
async fn orders_enlarge_reverse_and_close_the_one_position() {
    for margin_mode in [MarginMode::Netting, MarginMode::Exchange] {
        let world = World::start().await;
        let session = netting(&world, margin_mode).await;
        assert_eq!(session.json("AccountDetails", "").await["accountMethod"], "Netting");
        let opened = session.open("symbol=EURUSD&operation=Buy&volume=0.3&stoploss=1.05").await;
        let number_of_it = ticket(&opened);
        world.control.quote("EURUSD", 1.102, 1.1021).await.unwrap();
        let enlarged = session.open("symbol=EURUSD&operation=Buy&volume=0.1&stoploss=1.05").await;
        assert_eq!((ticket(&enlarged), &enlarged["lots"]), (number_of_it, &json!(0.4)), "{enlarged}");
        let position = the_position(&session).await;
        assert_eq!((ticket(&position), &position["orderType"]), (number_of_it, &json!("Buy")), "{position}");
        // Three parts at 1.1001, one at 1.1021.
        assert_eq!((&position["lots"], &position["openPrice"]), (&json!(0.4), &json!(1.1006)), "{position}");
        assert_eq!(position["stopLoss"], 1.05, "{position}");

        let reversed = turned_round(&session).await;
        assert_eq!((ticket(&reversed), &reversed["orderType"]), (number_of_it, &json!("Sell")), "{reversed}");
        let position = the_position(&session).await;
        assert_eq!((ticket(&position), &position["orderType"]), (number_of_it, &json!("Sell")), "{position}");
        assert_eq!((&position["lots"], &position["openPrice"]), (&json!(0.2), &json!(1.102)), "{position}");
        assert_eq!(position["stopLoss"], 0, "{position}");
        // 0.4 lots from 1.1006 to 1.102; then 0.2 lots from 1.102 to 1.1021 are open.
        let summary = session.json("AccountSummary", "").await;
        assert_eq!((&summary["balance"], &summary["equity"]), (&json!(10_056), &json!(10_054)), "{summary}");
        assert_close(number(&summary, "margin"), 220.4);

        let by = format!("ticket={number_of_it}&closeByTicket={number_of_it}");
        assert_eq!(session.refused("OrderCloseByTask", &by).await, "HEDGE_PROHIBITED");
        session.json("OrderClose", &format!("ticket={number_of_it}")).await;
        assert!(session.tickets().await.is_empty());
        assert_eq!(session.json("AccountSummary", "").await["balance"], 10_054);

        let deals = session.json("HistoryDealsByPositionId", &format!("ticket={number_of_it}")).await;
        let told: Vec<_> = deals
            .as_array()
            .unwrap()
            .iter()
            .map(|deal| json!([deal["type"], deal["direction"], deal["lots"], deal["profit"]]))
            .collect();
        let expected = [
            json!(["DealBuy", "In", 0.3, 0]),
            json!(["DealBuy", "In", 0.1, 0]),
            json!(["DealSell", "InOut", 0.6, 56]),
            json!(["DealBuy", "Out", 0.2, -2]),
        ];
        assert_eq!(told, expected, "{deals}");
        ends_as_two_trades(&session, number_of_it).await;
        world.stop().await;
    }
}

/// Sells 0.6 where 0.4 were bought: the end of these is told, and what begins.
async fn turned_round(session: &Session) -> Value {
    let mut updates = session.stream("OnOrderUpdate").await;
    let reversed = session.open("symbol=EURUSD&operation=Sell&volume=0.6").await;
    let kind = |event: &Value| event["data"]["update"]["type"].clone();
    let closed = updates.until("the end of the purchase is told", |event| kind(event) == "MarketClose").await;
    let order = &closed["data"]["update"]["order"];
    assert_eq!(
        (&order["orderType"], &order["lots"], &order["profit"]),
        (&json!("Buy"), &json!(0.4), &json!(56))
    );
    let opened = updates.until("the sale is told", |event| kind(event) == "MarketOpen").await;
    let order = &opened["data"]["update"]["order"];
    assert_eq!((&order["orderType"], &order["lots"]), (&json!("Sell"), &json!(0.2)), "{opened}");
    reversed
}

/// 0.4 lots bought, then 0.2 of the other side, in every view of the past.
async fn ends_as_two_trades(session: &Session, number_of_it: u64) {
    let history = session.json("OrderHistory", "from=2000-01-01T00:00:00&to=2100-01-01T00:00:00").await;
    let profits = history["orders"].as_array().unwrap().iter().map(|order| number(order, "profit"));
    assert_close(profits.sum(), 10_054.0);
    let orders = history["orders"].as_array().unwrap();
    let closed: Vec<&Value> = orders.iter().filter(|order| ticket(order) == number_of_it).collect();
    let terms = |order: &Value| {
        let fields = ["orderType", "lots", "closeLots", "openPrice", "closePrice", "profit"];
        fields.map(|field| order[field].clone())
    };
    // 0.3 and 0.1 lots, and the 0.2 of the other side after the reversal.
    let bought = [json!("Buy"), json!(0.4), json!(0.4), json!(1.1006), json!(1.102), json!(56)];
    let sold = [json!("Sell"), json!(0.2), json!(0.2), json!(1.102), json!(1.1021), json!(-2)];
    assert_eq!(closed.iter().map(|order| terms(order)).collect::<Vec<_>>(), [bought.clone(), sold.clone()]);
    let rows = session.json("ClosedOrders", "").await;
    let rows: Vec<_> = rows.as_array().unwrap().iter().map(terms).collect();
    assert_eq!(rows, [bought, sold], "as they were closed");
    let stats = session.json("TradeStats", "from=2000-01-01").await;
    assert_eq!((&stats["trades"], &stats["summary"]["totalProfit"]), (&json!(2), &json!(54)), "{stats}");
    assert_eq!((&stats["longsWon"]["all"], &stats["shortsWon"]["all"]), (&json!(1), &json!(1)), "{stats}");
}

#[tokio::test]
async fn an_opposite_order_reduces_and_is_told_with_its_profit() {
    let world = World::start().await;
    let session = netting(&world, MarginMode::Netting).await;
    let number_of_it = ticket(&session.open("symbol=EURUSD&operation=Sell&volume=0.3").await);
    let mut updates = session.stream("OnOrderUpdate").await;
    world.control.quote("EURUSD", 1.0979, 1.098).await.unwrap();
    let reduced = session.open("symbol=EURUSD&operation=Buy&volume=0.1").await;
    // 0.1 lots from 1.1 to 1.098.
    assert_eq!(reduced["profit"], 20, "{reduced}");
    assert_ne!(ticket(&reduced), number_of_it);
    updates
        .until("the partial close is told", |event| event["data"]["update"]["type"] == "PartialClose")
        .await;
    let position = the_position(&session).await;
    assert_eq!((ticket(&position), &position["lots"]), (number_of_it, &json!(0.2)), "{position}");
    assert_eq!(
        session.refused("OrderClose", &format!("ticket={number_of_it}&lots=0.3")).await,
        "INVALID_VOLUME"
    );
    session.json("OrderClose", &format!("ticket={number_of_it}&lots=0.2")).await;
    assert!(session.tickets().await.is_empty());
    world.stop().await;
}
