//! What orders say became of them, whether they succeed or fail.

use std::time::Duration;

use broker::Fault;
use serde_json::Value;
use testkit::{Cable, Reply, eventually};

use crate::world::{Session, USD, World, manual, ticket};

const ORDER: &str = "symbol=EURUSD&operation=Buy&volume=0.1";

/// Makes a call in both ways to see errors, which must agree, and answers its outcome, code, and reply.
async fn outcome(session: &Session, call: &str, query: &str) -> (String, String) {
    let reply = session.call(call, query).await;
    let path = format!("/{call}?id={}&{query}", session.token);
    let strict = session.http.get_with(&path, &[("Accept", "application/problem+json")]).await;
    let told = of(&reply);
    assert_eq!(of(&strict), told, "{call} {query}: {strict:?}");
    if reply.status == 200 {
        return (told, String::new());
    }
    assert!(strict.status >= 400, "{strict:?}");
    assert_eq!(strict.header("content-type"), "application/problem+json");
    assert_eq!(strict.json()["outcome"], told.as_str(), "{strict:?}");
    (told, reply.refused())
}

fn of(reply: &Reply) -> String {
    reply.header("x-outcome").to_owned()
}

#[tokio::test]
async fn what_makes_no_sense_is_not_sent() {
    let world = World::start().await;
    let session = world.login().await;
    for (call, query, code) in [
        ("OrderSend", "symbol=NOPE&operation=Buy&volume=0.1", "INVALID_SYMBOL"),
        ("OrderSend", "symbol=EURUSD&operation=Buy&volume=0", "INVALID_VOLUME"),
        ("OrderSend", "symbol=EURUSD&operation=Buy", "NULL_ARGUMENT"),
        ("OrderSend", "symbol=EURUSD&operation=Buy&volume=much", "INVALID_PARAM"),
        ("OrderSendTask", "symbol=EURUSD&operation=BuyLimit&volume=0.1", "INVALID_PRICE"),
        ("OrderSendSafe", "symbol=EURUSD&operation=8&volume=0.1", "INVALID_REQUEST"),
        ("OrderClose", "ticket=1", "INVALID_TICKET"),
        ("OrderModify", "ticket=1&stoploss=1", "INVALID_TICKET"),
        ("OrderCancelTask", "ticket=1", "INVALID_TICKET"),
        ("OrderCloseByTask", "ticket=1&closeByTicket=2", "INVALID_TICKET"),
    ] {
        let expected = ("not_sent".to_owned(), code.to_owned());
        assert_eq!(outcome(&session, call, query).await, expected, "{call} {query}");
    }
    let gone = Session { http: world.http.clone(), token: "no-such-token".into() };
    assert_eq!(outcome(&gone, "OrderSend", ORDER).await.0, "not_sent");
    session.call("Disconnect", "").await.ok();
    let token = world.http.get(&world.connect_path(USD, "investor")).await.ok().body;
    let investor = Session { http: world.http.clone(), token };
    let expected = ("not_sent".to_owned(), "INVESTOR_MODE".to_owned());
    assert_eq!(outcome(&investor, "OrderSend", ORDER).await, expected);
    let read = investor.call("AccountSummary", "").await.ok();
    assert_eq!(of(&read), "", "reads have no outcome");
}

#[tokio::test]
async fn what_the_server_refuses_is_rejected() {
    // A Saturday.
    let clock = broker::Clock::Manual(model::ServerTime::from_ms(1_767_441_600_000));
    let hours = broker::catalogue::MarketHours::Real;
    let shut = World::with(broker::Settings { clock, market_hours: hours, ..manual() }).await;
    shut.quotes().await;
    let expected = |code: &str| ("rejected".to_owned(), code.to_owned());
    assert_eq!(outcome(&shut.login().await, "OrderSend", ORDER).await, expected("MARKET_CLOSED"));
    let world = World::start().await;
    let session = world.login().await;
    let position = ticket(&session.open(ORDER).await);
    for (call, query, code) in [
        ("OrderSend", "symbol=EURUSD&operation=Buy&volume=90".to_owned(), "NO_MONEY"),
        ("OrderSend", format!("{ORDER}&stoploss=1.2"), "INVALID_STOPS"),
        ("OrderModify", format!("ticket={position}&stoploss=1.2"), "INVALID_STOPS"),
    ] {
        assert_eq!(outcome(&session, call, &query).await, expected(code), "{call} {query}");
    }
    assert_eq!(session.tickets().await, [position]);
}

#[tokio::test]
async fn what_was_done_is_applied_also_if_the_answer_was_lost() {
    for fault in [None, Some(Fault::LoseAnswer), Some(Fault::LoseResult)] {
        let world = World::start().await;
        let session = world.login().await;
        if let Some(fault) = fault.clone() {
            world.control.fault(fault).await.unwrap();
        }
        let reply = session.call("OrderSend", ORDER).await.ok();
        assert_eq!(of(&reply), "applied", "{fault:?}");
        world.control.clear_faults().await.unwrap();
        let number = ticket(&reply.json());
        for (call, query) in [
            ("OrderModify", format!("ticket={number}&stoploss=1.05")),
            ("OrderClose", format!("ticket={number}")),
        ] {
            let reply = session.call(call, &query).await.ok();
            assert_eq!(of(&reply), "applied", "{fault:?} {call}");
        }
    }
}

#[tokio::test]
async fn what_nobody_can_tell_is_unknown() {
    let world = World::start().await;
    let session = world.login().await;
    world.control.fault(Fault::LoseRequest).await.unwrap();
    let expected = ("unknown".to_owned(), "TIMEOUT".to_owned());
    assert_eq!(outcome(&session, "OrderSend", ORDER).await, expected);
    world.control.clear_faults().await.unwrap();
    assert_eq!(world.positions().await, 0);
    // A safe call looks for it first. That nothing is seen of it yet does not prove that it was not done.
    assert_eq!(outcome(&session, "OrderSendSafe", ORDER).await, expected);
    assert_eq!(world.positions().await, 0);
    assert_eq!(of(&session.call("OrderSend", ORDER).await.ok()), "applied");
    assert_eq!(world.positions().await, 1);
}

#[tokio::test]
async fn an_order_whose_answer_is_late_is_unknown_and_its_key_learns_more() {
    let hurried = api::Settings { call_timeout: Duration::from_secs(3), ..api::Settings::default() };
    let world = World::build(manual(), worker::Settings::default(), hurried).await;
    world.quotes().await;
    let cable = Cable::to(world.broker_addr).await;
    let session = world.login_at(USD, cable.addr()).await;
    session.warm_up().await;
    cable.hold_answers();
    let query = format!("{ORDER}&idempotencyKey=late");
    let expected = ("unknown".to_owned(), "TIMEOUT".to_owned());
    assert_eq!(outcome(&session, "OrderSend", &query).await, expected);
    assert_eq!(world.positions().await, 1, "asked twice, sent once");
    cable.plug();
    let reply = eventually("the outcome is known", async || {
        let reply = session.call("OrderSend", &query).await;
        (reply.status == 200).then_some(reply)
    })
    .await;
    assert_eq!(of(&reply), "applied");
    assert_eq!(session.tickets().await, [ticket(&reply.json())]);
}

#[tokio::test]
async fn a_repeated_key_tells_the_same_outcome() {
    let world = World::start().await;
    let session = world.login().await;
    let with_key = |query: &str, key: &str| format!("{query}&idempotencyKey={key}");
    let body = |reply: &Reply| -> Value { reply.json() };
    for (key, query, told) in [
        ("done", ORDER, "applied"),
        ("refused", "symbol=EURUSD&operation=Buy&volume=90", "rejected"),
        ("senseless", "symbol=NOPE&operation=Buy&volume=0.1", "not_sent"),
    ] {
        let query = with_key(query, key);
        let first = session.call("OrderSend", &query).await;
        for _ in 0..2 {
            let again = session.call("OrderSend", &query).await;
            assert_eq!((of(&first).as_str(), of(&again).as_str()), (told, told), "{key}: {again:?}");
            assert_eq!((again.status, body(&again)), (first.status, body(&first)), "{key}");
        }
    }
    let other = session.call("OrderSend", &with_key("symbol=EURUSD&operation=Sell&volume=0.1", "done")).await;
    assert_eq!((of(&other).as_str(), other.refused().as_str()), ("not_sent", "DUPLICATE_ATTEMPT"));
    world.control.fault(Fault::LoseRequest).await.unwrap();
    let query = with_key(ORDER, "lost");
    let first = session.call("OrderSend", &query).await;
    world.control.clear_faults().await.unwrap();
    let again = session.call("OrderSend", &query).await;
    assert_eq!((of(&first).as_str(), of(&again).as_str()), ("unknown", "unknown"), "{again:?}");
    assert_eq!(world.positions().await, 1, "under its key it is never sent again");
}
