//! What clients are told while the link to the trade server is lost.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::{Cable, Events};

use crate::world::{USD, World, manual, ticket};

async fn status(events: &mut Events, wanted: &str) -> serde_json::Value {
    let told = events
        .until("the link's state is told", |event| {
            event["type"] == "ConnectionStatus" && event["data"]["status"] == wanted
        })
        .await;
    told["data"].clone()
}

#[tokio::test]
async fn streams_tell_of_a_lost_link_to_those_who_ask() {
    let world = World::start().await;
    let cable = Cable::to(world.broker_addr).await;
    let session = world.login_at(USD, cable.addr()).await;
    let mut own = session.stream("OnConnectionStatus").await;
    let first = status(&mut own, "Connected").await;
    assert_eq!((&first["reason"], &first["lostSinceUTC"]), (&json!(null), &json!(null)), "{first}");
    let mut all = session.stream_with("Events", "status=true").await;
    let mut resumed = session.stream_with("OnOrderUpdate", "since=now&status=true").await;
    let mut plain = session.stream("Events").await;
    for events in [&mut all, &mut resumed] {
        assert_eq!(status(events, "Connected").await["sinceUTC"], first["sinceUTC"]);
    }
    cable.cut().await;
    let lost = status(&mut own, "Lost").await;
    assert!(lost["reason"].as_str().is_some_and(|why| !why.is_empty()), "{lost}");
    assert_eq!(lost["sinceUTC"], lost["lostSinceUTC"]);
    for events in [&mut all, &mut resumed] {
        assert_eq!(status(events, "Lost").await, lost);
    }
    // Who comes meanwhile is told at once.
    let mut late = session.stream("OnConnectionStatus").await;
    assert_eq!(late.next().await["data"], lost);
    cable.plug();
    for events in [&mut own, &mut all, &mut resumed, &mut late] {
        let restored = status(events, "Restored").await;
        assert_eq!((&restored["reason"], &restored["lostSinceUTC"]), (&lost["reason"], &lost["sinceUTC"]));
        assert!(restored["sinceUTC"].as_str() > lost["sinceUTC"].as_str(), "{restored}");
    }
    let made = session.open("symbol=EURUSD&operation=Buy&volume=0.01").await;
    plain
        .until("the order is told", |event| {
            assert_ne!(event["type"], "ConnectionStatus", "nobody has asked for it here");
            event["data"]["update"]["order"]["ticket"] == ticket(&made)
        })
        .await;
}

#[tokio::test]
async fn a_login_that_is_refused_ends_the_attempts_and_says_so() {
    let world = World::start().await;
    let session = world.login().await;
    let mut own = session.stream("OnConnectionStatus").await;
    status(&mut own, "Connected").await;
    world.control.enable(USD, false).await.unwrap();
    world.control.disconnect_all().await.unwrap();
    let lost = status(&mut own, "Lost").await;
    let ended = status(&mut own, "Ended").await;
    assert_eq!(ended["lostSinceUTC"], lost["sinceUTC"]);
    let told = session.call("OpenedOrders", "").await;
    let since = lost["sinceUTC"].as_str().unwrap();
    assert!(told.status == 201 && told.body.contains(since), "{}", told.body);
    world.control.enable(USD, true).await.unwrap();
    assert_eq!(session.call("CheckConnect", "").await.ok().body, "OK");
    assert_eq!(status(&mut own, "Restored").await["lostSinceUTC"], lost["sinceUTC"]);
}

#[tokio::test]
async fn reads_wait_no_longer_than_their_call_and_say_since_when_the_link_is_lost() {
    let limit = Duration::from_millis(300);
    let hurried = api::Settings { call_timeout: limit, ..api::Settings::default() };
    let world = World::build(manual(), worker::Settings::default(), hurried).await;
    world.quotes().await;
    let cable = Cable::to(world.broker_addr).await;
    let session = world.login_at(USD, cable.addr()).await;
    let mut own = session.stream("OnConnectionStatus").await;
    status(&mut own, "Connected").await;
    cable.cut().await;
    let lost = status(&mut own, "Lost").await;
    let reads = [
        ("AccountSummary", ""),
        ("AccountDetails", ""),
        ("OpenedOrders", ""),
        ("ClosedOrders", ""),
        ("OrderHistory", "from=2026-01-01T00:00:00&to=2026-01-02T00:00:00"),
        ("GetQuote", "symbol=EURUSD"),
        ("SymbolList", ""),
        ("SymbolParams", "symbol=EURUSD"),
        ("PriceHistoryToday", "symbol=EURUSD&timeFrame=60"),
        ("TradeStats", "from=2026-01-01T00:00:00"),
        ("CheckConnect", ""),
    ];
    for (call, query) in reads {
        let begun = Instant::now();
        let refused = session.call(call, query).await;
        assert_eq!(refused.refused(), "CONNECT_ERROR", "{call}");
        for part in ["sinceUTC", "reason"] {
            assert!(refused.body.contains(lost[part].as_str().unwrap()), "{call}: {}", refused.body);
        }
        // Far less than the ten seconds for which calls without such a limit wait.
        assert!(begun.elapsed() < limit * 10, "{call} took {:?}", begun.elapsed());
    }
}
