//! Every view of a trade has the same money and the same stops, and money in all is what the balance changed by.

use broker::{AccountSettings, MarginMode};
use model::Money;
use serde_json::{Value, json};
use testkit::eventually;

use crate::world::{Session, World, number, ticket};

const LOGIN: u64 = 82;

async fn connect(world: &World) -> Session {
    let path = format!("{}&downloadOrderHistory=true", world.connect_path(LOGIN, "demo"));
    let session = Session { http: world.http.clone(), token: world.http.get(&path).await.ok().body };
    eventually("the history is loaded", async || {
        (session.json("OrderHistoryDownloadComplete", "").await == true).then_some(())
    })
    .await;
    session
}

fn cents(order: &Value, field: &str) -> Money {
    Money::round(number(order, field), 2)
}

fn net(rows: &[Value]) -> Money {
    let fields = ["profit", "swap", "commission", "fee"];
    rows.iter().flat_map(|row| fields.map(|field| cents(row, field))).sum()
}

/// Closed trades as a call has them.
async fn closed(session: &Session, call: &str) -> Vec<Value> {
    let query = if call == "OrderHistory" { "from=2000-01-01&to=2100-01-01" } else { "" };
    let answer = session.json(call, query).await;
    let rows = if call == "OrderHistory" { &answer["orders"] } else { &answer };
    let rows = rows.as_array().unwrap().iter();
    rows.filter(|row| ["Buy", "Sell"].contains(&row["orderType"].as_str().unwrap())).cloned().collect()
}

async fn balance(session: &Session) -> Money {
    cents(&session.json("AccountSummary", "").await, "balance")
}

#[tokio::test]
async fn all_views_of_a_trade_agree_to_the_cent() {
    for margin_mode in [MarginMode::Hedging, MarginMode::Netting, MarginMode::Exchange] {
        let world = World::start().await;
        let account = AccountSettings {
            login: LOGIN,
            password: "demo".into(),
            margin_mode,
            deposit: 100_000.0,
            ..AccountSettings::default()
        };
        world.control.add_account(account).await.unwrap();
        world.control.quote("BTCUSD", 99_510.37, 99_544.11).await.unwrap();
        let session = connect(&world).await;
        let before = balance(&session).await;
        let first = ticket(&session.open("symbol=BTCUSD&operation=Buy&volume=0.2&stoploss=90000").await);
        let paid = before - balance(&session).await;
        let opened = session.json("OpenedOrders", "").await;
        assert_eq!(Money::ZERO - cents(&opened[0], "commission"), paid, "{opened}");
        session.json("OrderModify", &format!("ticket={first}&stoploss=91000&takeprofit=110000")).await;
        for lots in ["0.05", "0.05", "0.1"] {
            session.json("OrderClose", &format!("ticket={first}&lots={lots}")).await;
            // What is closed and what is open have together what was charged.
            let opened = session.json("OpenedOrders", "").await;
            let rows = closed(&session, "ClosedOrders").await;
            let open: Money = opened.as_array().unwrap().iter().map(|one| cents(one, "commission")).sum();
            assert_eq!(before + net(&rows) + open, balance(&session).await, "{rows:?} {opened}");
            assert_eq!(net(&rows), net(&closed(&session, "OrderHistory").await), "{margin_mode:?} {rows:?}");
        }
        if margin_mode != MarginMode::Hedging {
            session.open("symbol=BTCUSD&operation=Sell&volume=0.1").await;
            let turned = ticket(&session.open("symbol=BTCUSD&operation=Buy&volume=0.3").await);
            session.json("OrderClose", &format!("ticket={turned}")).await;
        }
        assert!(session.tickets().await.is_empty());
        let change = balance(&session).await - before;
        let rows = closed(&session, "ClosedOrders").await;
        assert_eq!(net(&rows), change, "{rows:?}");
        let mut views = Vec::new();
        for call in ["HistoryPositions", "OrderHistory"] {
            views.push(closed(&session, call).await);
            assert_eq!(net(views.last().unwrap()), change, "{margin_mode:?} {call}: {views:?}");
        }
        let stats = session.json("TradeStats", "from=2000-01-01").await;
        assert_eq!(cents(&stats["summary"], "totalProfit"), change, "{stats}");
        // The last stops, also where only the past tells them.
        for rows in views.iter().chain([&rows]) {
            for row in rows.iter().filter(|row| ticket(row) == first) {
                assert_eq!(
                    [&row["stopLoss"], &row["takeProfit"]],
                    [&json!(91_000), &json!(110_000)],
                    "{row}"
                );
            }
        }

        session.call("Disconnect", "").await.ok();
        let later = connect(&world).await;
        for (call, known) in ["HistoryPositions", "OrderHistory"].iter().zip(&views) {
            assert_eq!(&closed(&later, call).await, known, "{margin_mode:?} {call} of a later session");
        }
        assert_eq!(
            later.json("TradeStats", "from=2000-01-01").await["summary"]["totalProfit"],
            stats["summary"]["totalProfit"]
        );
        world.stop().await;
    }
}
