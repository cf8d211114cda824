//! Positions that close each other, and orders that are cancelled.

use serde_json::json;
use testkit::eventually;

use crate::world::{Session, USD, World, assert_close, number, ticket};

async fn open(session: &Session, operation: &str, lots: &str) -> u64 {
    ticket(&session.open(&format!("symbol=EURUSD&operation={operation}&volume={lots}")).await)
}

fn pair(one: u64, other: u64) -> String {
    format!("ticket={one}&closeByTicket={other}")
}

#[tokio::test]
async fn equal_opposites_close_each_other() {
    let world = World::start().await;
    let session = world.login().await;
    let (long, short) = (open(&session, "Buy", "0.3").await, open(&session, "Sell", "0.3").await);
    let closed = session.json("OrderCloseByTask", &pair(long, short)).await;
    assert_eq!((ticket(&closed), &closed["closeLots"]), (long, &json!(0.3)), "{closed}");
    assert!(session.tickets().await.is_empty());
    assert_eq!(world.control.account(USD).await.unwrap().positions, 0);
    // Bought at 1.1001, sold at 1.1.
    assert_eq!(session.json("AccountSummary", "").await["balance"], 9_997);
    assert_eq!(session.refused("OrderCloseByTask", &pair(long, short)).await, "INVALID_TICKET");
}

#[tokio::test]
async fn both_are_closed_orders_and_positions_of_the_past() {
    for (long_lots, short_lots) in [("0.3", "0.3"), ("0.5", "0.3"), ("0.3", "0.5")] {
        let world = World::start().await;
        let path = format!("{}&downloadOrderHistory=true", world.connect_path(USD, "demo"));
        let session = Session { http: world.http.clone(), token: world.http.get(&path).await.ok().body };
        eventually("the history is loaded", async || {
            (session.json("OrderHistoryDownloadComplete", "").await == true).then_some(())
        })
        .await;
        let (long, short) =
            (open(&session, "Buy", long_lots).await, open(&session, "Sell", short_lots).await);
        session.json("OrderCloseByTask", &pair(long, short)).await;
        for call in ["ClosedOrders", "HistoryPositions"] {
            let closed = session.json(call, "").await;
            let mut tickets: Vec<u64> = closed.as_array().unwrap().iter().map(ticket).collect();
            tickets.sort_unstable();
            assert_eq!(tickets, [long, short], "{call}: {closed}");
            let sum: f64 = closed.as_array().unwrap().iter().map(|one| number(one, "profit")).sum();
            assert_close(sum, -3.0);
            for one in closed.as_array().unwrap() {
                assert_eq!(one["closeLots"], 0.3, "{call}: {one}");
            }
        }
    }
}

#[tokio::test]
async fn the_rest_of_the_larger_one_stays() {
    for (first_is_larger, larger, smaller) in [(true, "0.5", "0.2"), (false, "0.2", "0.5")] {
        let world = World::start().await;
        let session = world.login().await;
        let (long, short) = (open(&session, "Buy", larger).await, open(&session, "Sell", smaller).await);
        let closed = session.json("OrderCloseByTask", &pair(long, short)).await;
        assert_eq!((ticket(&closed), &closed["closeLots"]), (long, &json!(0.2)), "{closed}");
        let rest = if first_is_larger { long } else { short };
        assert_eq!(session.tickets().await, [rest]);
        let order = session.json("OpenedOrder", &format!("ticket={rest}")).await;
        assert_eq!(order["lots"], 0.3);
        assert_eq!(session.json("AccountSummary", "").await["balance"], 9_998);
    }
}

#[tokio::test]
async fn what_is_not_opposite_is_not_closed() {
    let world = World::start().await;
    let session = world.login().await;
    let (long, other) = (open(&session, "Buy", "0.1").await, open(&session, "Buy", "0.1").await);
    let yen = ticket(&session.open("symbol=USDJPY&operation=Sell&volume=0.1").await);
    let pending = ticket(&session.open("symbol=EURUSD&operation=SellLimit&volume=0.1&price=1.2").await);
    let cases = [
        (long, other, "INVALID_REQUEST", "the same side"),
        (long, long, "INVALID_REQUEST", "itself"),
        (long, yen, "INVALID_REQUEST", "another symbol"),
        (long, pending, "INVALID_TICKET", "a pending order"),
        (pending, long, "INVALID_TICKET", "a pending order first"),
        (long, 1, "INVALID_TICKET", "nothing"),
    ];
    for (one, by, code, what) in cases {
        let told = session.call("OrderCloseByTask", &pair(one, by)).await;
        assert_eq!(told.refused(), code, "{what}");
        assert_eq!(told.header("x-outcome"), "not_sent", "{what}");
    }
    assert_eq!(session.tickets().await.len(), 4);
}

#[tokio::test]
async fn only_orders_that_wait_are_cancelled() {
    let world = World::start().await;
    let session = world.login().await;
    let position = open(&session, "Buy", "0.1").await;
    let pending = ticket(&session.open("symbol=EURUSD&operation=SellLimit&volume=0.1&price=1.2").await);
    let cancel = async |number: u64| session.call("OrderCancelTask", &format!("ticket={number}")).await;
    let refused = cancel(position).await;
    assert_eq!(refused.refused(), "INVALID_TICKET");
    assert!(refused.body.contains("OrderClose"), "{}", refused.body);
    let cancelled = cancel(pending).await.ok().json();
    assert_eq!((ticket(&cancelled), &cancelled["state"]), (pending, &json!("Cancelled")));
    assert_eq!(session.tickets().await, [position]);
    assert_eq!(cancel(pending).await.refused(), "INVALID_TICKET");
}
