//! Every call that reads the past, on a broker that answers little at once: it answers what it does on one that answers all,
//! or says that part is missing.

use std::time::Duration;

use broker::{AnswerLimits, Clock};
use model::ServerTime;
use serde_json::{Value, json};
use testkit::eventually;

use super::{Done, all};
use crate::world::{Session, World, manual, ticket};

/// 2035-02-05, a Monday, noon.
const MONDAY: ServerTime = ServerTime::from_ms(2_054_289_600_000);
const MINUTE: Duration = Duration::from_secs(60);
/// Groups of calls that read the past.
const PAST: [&str; 3] = ["History", "Prices", "Statistics"];
const LITTLE: AnswerLimits = AnswerLimits { bars_max: 5, deals_max: 3 };
const RANGE: &str = "from=2020-01-01T00:00:00&to=2035-12-31T23:59:59";

async fn world(answers: AnswerLimits) -> World {
    let world = World::with(broker::Settings { answers, clock: Clock::Manual(MONDAY), ..manual() }).await;
    world.quotes().await;
    world
}

/// Opens and closes positions, with time between the deals, and answers a session that has seen none of it, and the first
/// position.
async fn traded(world: &World) -> (Session, u64) {
    let session = world.login().await;
    let mut first = None;
    let quote = async |bid: f64| world.control.quote("EURUSD", bid, bid + 0.0001).await.unwrap();
    for step in 0..9 {
        let bid = 1.1 + f64::from(step) * 0.0003;
        quote(bid).await;
        let opened = ticket(&session.open("symbol=EURUSD&operation=Buy&volume=0.1").await);
        first.get_or_insert(opened);
        world.control.advance(MINUTE).await.unwrap();
        quote(bid + 0.001).await;
        session.json("OrderClose", &format!("ticket={opened}")).await;
        world.control.advance(7 * MINUTE).await.unwrap();
    }
    session.call("Disconnect", "").await.ok();
    quote(1.2).await;
    let session = world.login().await;
    eventually("the last price has come", async || {
        (session.json("GetQuote", "symbol=EURUSD").await["bid"] == 1.2).then_some(())
    })
    .await;
    (session, first.unwrap())
}

/// The parameters of the table, on days that this broker has a past of.
fn in_this_time(query: &str, closed: u64) -> String {
    query
        .replace("2026-01-05", "2035-01-29")
        .replace("year=2026&month=1&day=30", "year=2035&month=2&day=4")
        .replace("{closed}", &closed.to_string())
}

#[tokio::test]
async fn every_read_of_the_past_is_whole_however_little_the_server_answers_at_once() {
    let (of_all, of_little) = tokio::join!(world(AnswerLimits::default()), world(LITTLE));
    let ((whole, closed), (parts, same)) = tokio::join!(traded(&of_all), traded(&of_little));
    assert_eq!(closed, same, "both worlds are the same");
    let mut longer = 0;
    for (call, query, comes) in all() {
        if !PAST.contains(&call.tag.as_str()) {
            continue;
        }
        assert_eq!(comes, Done, "{}", call.path);
        let query = in_this_time(&query, closed);
        let expected: Value = whole.json(&call.path, &query).await;
        assert_eq!(parts.json(&call.path, &query).await, expected, "{} {query}", call.path);
        longer += usize::from(expected.as_array().is_some_and(|list| list.len() > LITTLE.bars_max));
    }
    assert!(longer >= 6, "{longer} answers are longer than what the server gives at once");
    let history = parts.json("OrderHistory", RANGE).await;
    assert_eq!(history, whole.json("OrderHistory", RANGE).await);
    let count = |field: &str| history[field].as_array().unwrap().len();
    assert_eq!((count("internalDeals"), count("internalOrders")), (19, 18));
    assert_eq!(history["partialResponse"], json!(false));
}

#[tokio::test]
async fn what_cannot_be_had_is_never_passed_over() {
    let world = world(LITTLE).await;
    let session = world.login().await;
    world.control.advance(MINUTE).await.unwrap();
    // All in one second, which the clock shows until it is told otherwise.
    let mut closed = 0;
    for _ in 0..3 {
        closed = ticket(&session.open("symbol=EURUSD&operation=Buy&volume=0.1").await);
        session.json("OrderClose", &format!("ticket={closed}")).await;
    }
    let history = session.json("OrderHistory", RANGE).await;
    assert_eq!(history["partialResponse"], json!(true), "{history}");
    let (mut told, mut refused) = (0, 0);
    for (call, query, _) in all() {
        if !["History", "Statistics"].contains(&call.tag.as_str()) {
            continue;
        }
        let reply = session.call(&call.path, &in_this_time(&query, closed)).await;
        let is_of_the_session = matches!(
            call.path.as_str(),
            "OrderHistory"
                | "OrderHistoryPaginationRelease"
                | "OrderHistoryDownloadComplete"
                | "OrderHistoryDownloaded"
        );
        if is_of_the_session {
            reply.ok();
            told += 1;
            continue;
        }
        let code = reply.refused();
        assert!(["REPORT_SIZE_LIMIT_REACHED", "ORDER_HISTORY_NOT_READY"].contains(&code.as_str()), "{code}");
        refused += 1;
    }
    assert!(told == 4 && refused >= 9, "{told} {refused}");
}
