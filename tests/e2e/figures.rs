//! Profit, margin and equity of every kind of symbol: the worker computes them, the broker decides by its own.

use std::collections::BTreeSet;
use std::time::Duration;

use broker::{Clock, Feed};
use model::ServerTime;
use serde_json::{Value, json};
use testkit::eventually;

use crate::world::{Session, World, assert_close, number};

/// 2026-06-10, a Wednesday, 12:00.
const START: ServerTime = ServerTime::from_ms(1_781_092_800_000);

/// Long three times the least volume and short once. What traders cannot have comes from a dealer.
async fn hedge(world: &World, session: &Session, login: u64, symbol: &str) -> Value {
    let params = session.json("SymbolParams", &format!("symbol={symbol}")).await;
    let least = number(&params["symbolGroup"], "minLots");
    if params["symbolGroup"]["tradeMode"] == json!("Disabled") {
        let deal = json!({ "symbol": symbol, "side": "buy", "volume": 3.0 * least });
        world.control.deal(login, serde_json::from_value(deal).unwrap()).await.unwrap();
        return params["symbolInfo"]["calcMode"].clone();
    }
    session.open(&format!("symbol={symbol}&operation=Buy&volume={}", 3.0 * least)).await;
    session.open(&format!("symbol={symbol}&operation=Sell&volume={least}")).await;
    params["symbolInfo"]["calcMode"].clone()
}

#[tokio::test]
async fn every_kind_of_symbol_has_the_brokers_own_figures() {
    let settings =
        broker::Settings { feed: Feed::Walk, clock: Clock::Manual(START), ..broker::Settings::default() };
    let world = World::with(settings).await;
    world.control.advance(Duration::from_secs(60)).await.unwrap();
    for (login, currency) in [(61, "USD"), (62, "EUR"), (63, "JPY")] {
        let account = broker::AccountSettings {
            login,
            password: "demo".into(),
            currency: currency.into(),
            deposit: 100_000_000.0,
            ..broker::AccountSettings::default()
        };
        world.control.add_account(account).await.unwrap();
        let session = world.login_at(login, world.broker_addr).await;
        let mut modes = BTreeSet::new();
        for symbol in session.json("SymbolList", "").await.as_array().unwrap() {
            let mode = hedge(&world, &session, login, symbol.as_str().unwrap()).await;
            modes.insert(mode.as_str().unwrap().to_owned());
        }
        // Far below the market: it waits, and holds margin.
        session.json("OrderSend", "symbol=AAPL&operation=BuyLimit&volume=10&price=100").await;
        let all = [
            "CFD",
            "CFDIndex",
            "CFDLeverage",
            "CalcMode5",
            "Collateral",
            "ExchangeBounds",
            "ExchangeStocks",
            "Forex",
            "Futures",
        ];
        assert_eq!(modes, all.map(str::to_owned).into(), "every calculation mode is on some symbol");
        for _ in 0..3 {
            world.control.advance(Duration::from_secs(900)).await.unwrap();
            agrees(&world, &session, login).await;
        }
    }
}

async fn agrees(world: &World, session: &Session, login: u64) {
    let own = world.control.account(login).await.unwrap();
    let expected = json!(own.equity.equity.to_f64());
    let summary = eventually("the session has the broker's equity", async || {
        let summary = session.json("AccountSummary", "").await;
        (summary["equity"].as_f64() == expected.as_f64()).then_some(summary)
    })
    .await;
    assert_close(number(&summary, "balance"), own.funds.balance.to_f64());
    assert_close(number(&summary, "margin"), own.equity.margin.to_f64());
    assert_close(number(&summary, "freeMargin"), own.equity.free_margin.to_f64());
    assert_close(number(&summary, "marginLevel"), own.equity.margin_level);
    assert!(number(&summary, "margin") > 0.0);
}
