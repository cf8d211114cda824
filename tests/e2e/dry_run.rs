//! Trades that are tried only: they say what would happen, and nothing does.

use std::collections::BTreeSet;

use broker::Fault;
use serde_json::Value;
use testkit::Cable;

use crate::world::{Session, USD, World, assert_close, number, ticket};

/// Every trading call under each of its names, with parameters that it would be accepted with.
async fn trades(session: &Session) -> Vec<(&'static str, String)> {
    let buy = ticket(&session.open("symbol=EURUSD&operation=Buy&volume=0.2").await);
    let sell = ticket(&session.open("symbol=EURUSD&operation=Sell&volume=0.1").await);
    let limit = ticket(&session.open("symbol=EURUSD&operation=BuyLimit&volume=0.1&price=1.05").await);
    let calls = [
        (
            &["OrderSend", "OrderSendTask", "OrderSendSafe"][..],
            "symbol=EURUSD&operation=Buy&volume=0.1".to_owned(),
        ),
        (&["OrderSend"], "symbol=EURUSD&operation=SellLimit&volume=0.1&price=1.2&stoploss=1.3".to_owned()),
        (&["OrderModify", "OrderModifyTask", "OrderModifySafe"], format!("ticket={buy}&stoploss=1.05")),
        (&["OrderModify"], format!("ticket={limit}&price=1.04")),
        (&["OrderClose", "OrderCloseTask", "OrderCloseSafe"], format!("ticket={buy}&lots=0.1")),
        (&["OrderClose"], format!("ticket={limit}")),
        (&["OrderCancelTask", "OrderCancel"], format!("ticket={limit}")),
        (&["OrderCloseByTask", "OrderCloseBy"], format!("ticket={buy}&closeByTicket={sell}")),
    ];
    calls.iter().flat_map(|(names, query)| names.iter().map(|name| (*name, query.clone()))).collect()
}

#[tokio::test]
async fn nothing_of_a_trade_that_is_only_tried_leaves_the_link() {
    let world = World::start().await;
    let cable = Cable::to(world.broker_addr).await;
    let session = world.login_at(USD, cable.addr()).await;
    let trades = trades(&session).await;
    let names: std::collections::BTreeSet<&str> = trades.iter().map(|(name, _)| *name).collect();
    let declared = calls::CallId::all().filter(|call| call.policy().trades()).map(calls::CallId::name);
    assert_eq!(names, declared.collect(), "every trading call under each of its names");

    let before = session.json("OpenedOrders", "").await;
    // Whatever asks for a trade now loses the connection.
    world.control.fault(Fault::LoseRequest).await.unwrap();
    let connections = cable.connections();
    for (name, query) in &trades {
        for more in ["dryRun=true", "dry_run=1", "DRYRUN=True&idempotencyKey=k"] {
            let tried = session.call(name, &format!("{query}&{more}")).await.ok();
            assert_eq!(tried.header("x-outcome"), "not_sent", "{name}");
            assert_eq!(tried.header("idempotent-replayed"), "", "{name}");
            let told = tried.json();
            assert_eq!((&told["dryRun"], &told["isAccepted"]), (&true.into(), &true.into()), "{name} {told}");
            assert_eq!(told["request"]["symbol"], "EURUSD", "{name} {told}");
            assert_eq!(told["guards"], serde_json::json!([]));
        }
    }
    assert_eq!(cable.connections(), connections, "something was sent");
    assert_eq!(session.json("OpenedOrders", "").await, before);
    world.control.clear_faults().await.unwrap();

    // The key was not used, and what was tried first is no earlier order of a Safe call.
    for (count, name) in [(3, "OrderSend"), (4, "OrderSendSafe")] {
        let key = if name == "OrderSend" { "&idempotencyKey=k" } else { "" };
        let query = format!("symbol=EURUSD&operation=Buy&volume=0.1{key}");
        let sent = session.call(name, &query).await.ok();
        assert_eq!((sent.header("x-outcome"), sent.header("idempotent-replayed")), ("applied", ""), "{name}");
        assert_eq!(world.positions().await, count);
    }
}

#[tokio::test]
async fn what_may_mean_a_dry_run_is_never_traded() {
    let world = World::start().await;
    let session = world.login().await;
    let order = "symbol=EURUSD&operation=Buy&volume=0.1";
    for unclear in [
        "dryRun",
        "dryRun=",
        "dryRun=yes",
        "dryRun=true&dryRun=false",
        "dryRn=true",
        "dry=true",
        "drrun=1",
        "preview=true",
        "validateOnly=1",
        "dryRun=false&dry_run=true",
        "amp;dryRun=true",
    ] {
        let refused = session.call("OrderSend", &format!("{order}&{unclear}")).await;
        assert_eq!(refused.refused(), "INVALID_PARAM", "{unclear}");
    }
    assert_eq!(world.positions().await, 0);
    session.open(&format!("{order}&dryRun=false&reason=signal%207")).await;
    assert_eq!(world.positions().await, 1);
    assert_eq!(session.refused("OrderSend", &format!("{order}&reason=a%0Ab")).await, "INVALID_PARAM");
}

/// What a try tells of a call.
async fn told(session: &Session, query: &str) -> Value {
    session.json("OrderSend", &format!("{query}&dryRun=true")).await
}

#[tokio::test]
async fn a_try_tells_the_margin_that_the_trade_takes() {
    let world = World::start().await;
    let session = world.login().await;
    session.open("symbol=EURUSD&operation=Buy&volume=0.3").await;
    for query in [
        "symbol=EURUSD&operation=Buy&volume=0.5",
        "symbol=EURUSD&operation=Sell&volume=0.2",
        "symbol=USDJPY&operation=Sell&volume=0.4",
        "symbol=GBPUSD&operation=BuyLimit&volume=0.4&price=1.2",
    ] {
        let told = told(&session, query).await;
        let before = session.json("AccountSummary", "").await;
        assert_close(number(&told["margin"], "marginBefore"), number(&before, "margin"));
        assert_close(number(&told["margin"], "freeMarginBefore"), number(&before, "freeMargin"));
        session.open(query).await;
        let after = session.json("AccountSummary", "").await;
        assert_close(number(&told["margin"], "marginAfter"), number(&after, "margin"));
        if told["costs"]["spread"].is_number() {
            let lost = number(&before, "equity") - number(&after, "equity");
            let commission = lost - number(&told["costs"], "spread");
            assert!((-0.01..100.0).contains(&commission), "{query}: {lost} {told}");
        }
    }
}

#[tokio::test]
async fn a_try_finds_what_the_server_would_refuse() {
    let world = World::start().await;
    let session = world.login().await;
    for (query, name, code) in [
        ("symbol=EURUSD&operation=Buy&volume=0.015", "volume", "INVALID_VOLUME"),
        ("symbol=EURUSD&operation=Buy&volume=0.1&stoploss=1.2", "stops", "INVALID_STOPS"),
        ("symbol=EURUSD&operation=BuyLimit&volume=0.1&price=1.2", "price", "INVALID_PRICE"),
        ("symbol=EURUSD&operation=Buy&volume=50", "margin", "NO_MONEY"),
    ] {
        let told = told(&session, query).await;
        assert_eq!(told["isAccepted"], false, "{query}: {told}");
        let checks = told["checks"].as_array().unwrap();
        let names: BTreeSet<_> = checks.iter().map(|check| check["name"].as_str()).collect();
        assert_eq!(names.len(), checks.len(), "each check has a name of its own: {told}");
        let failed: Vec<_> = checks.iter().filter(|check| check["isPassed"] == false).collect();
        assert!(failed.iter().any(|check| check["name"] == name && check["code"] == code), "{query}: {told}");
        assert_eq!(session.refused("OrderSend", query).await, code, "the server sees it so, too");
    }
    // What makes no request at all is refused as it would be in earnest.
    assert_eq!(
        session.refused("OrderSend", "symbol=NONE&operation=Buy&volume=1&dryRun=true").await,
        "INVALID_SYMBOL"
    );
    assert_eq!(session.refused("OrderClose", "ticket=7&dryRun=true").await, "INVALID_TICKET");
}
