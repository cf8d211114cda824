//! The server clock is set while sessions live: what callers see before and after.

use std::time::Duration;

use broker::{Clock, Daylight, DaylightOrder, Zone};
use calls::ServerTime;
use serde_json::{Value, json};
use testkit::{Events, eventually};

use crate::world::{Session, World, manual, number, ticket};

/// 2035-03-11 and 2035-11-04, when New York begins and ends daylight saving time: nine o'clock by a clock whose midnight is
/// New York's close.
const SPRING_S: i64 = 2_057_212_800 + 3600;
const AUTUMN_S: i64 = 2_077_776_000 + 3600;
const MINUTE: Duration = Duration::from_mins(1);
const ORDER: &str = "symbol=EURUSD&operation=Buy&volume=0.1";

/// A world two hours and twenty minutes before such a moment.
async fn before(moment_s: i64) -> (World, Session) {
    let clock = Clock::Manual(model::ServerTime::from_parts(moment_s - 140 * 60, 0));
    let world = World::with(broker::Settings { zone: Zone::NEW_YORK_CLOSE, clock, ..manual() }).await;
    world.quotes().await;
    let session = world.login().await;
    session.warm_up().await;
    (world, session)
}

/// A new price, seen by the session.
async fn quoted(world: &World, session: &Session, bid: f64) -> Value {
    world.control.quote("EURUSD", bid, bid + 0.0001).await.unwrap();
    eventually("the price has come", async || {
        let quote = session.json("GetQuote", "symbol=EURUSD").await;
        (number(&quote, "bid").to_bits() == bid.to_bits()).then_some(quote)
    })
    .await
}

fn shown(server_s: i64) -> Value {
    serde_json::to_value(ServerTime::from_seconds(server_s)).unwrap()
}

fn utc(seconds: i64) -> Value {
    serde_json::to_value(calls::UtcTime::from_ms(seconds * 1000)).unwrap()
}

/// The next news of the candle of five minutes that opened then.
async fn candle(told: &mut Events, open_s: i64) -> Value {
    let event = told.until("the candle is told", |event| event["data"]["time"] == shown(open_s)).await;
    event["data"].clone()
}

/// The server's bar of the same.
async fn bar(session: &Session, open_s: i64) -> Value {
    let text = |seconds| shown(seconds).as_str().unwrap().to_owned();
    let range = format!("from={}&to={}", text(open_s), text(open_s + 299));
    session.json("PriceHistory", &format!("symbol=EURUSD&{range}&timeFrame=5")).await[0].clone()
}

#[tokio::test]
async fn times_are_right_before_and_after_the_clock_is_set() {
    for (moment_s, ahead_h, by_h) in [(SPRING_S, 2, 1), (AUTUMN_S, 3, -1)] {
        let (world, session) = before(moment_s).await;
        let opened = session.open(ORDER).await;
        let opened_s = moment_s - 140 * 60 - ahead_h * 3600;
        assert_eq!(opened["openTimestampUTC"], opened_s * 1000);
        let mut told = session.stream("OnOhlc").await;
        session.call("SubscribeOhlc", "symbol=EURUSD&timeframe=5").await.ok();
        world.control.advance(134 * MINUTE).await.unwrap();
        let quote = quoted(&world, &session, 1.2).await;
        let utc_s = moment_s - 6 * 60 - ahead_h * 3600;
        assert_eq!((&quote["time"], &quote["timestampUTC"]), (&shown(moment_s - 360), &json!(utc_s * 1000)));
        candle(&mut told, moment_s - 600).await;
        assert_eq!(session.json("ServerTimezone", "").await, json!(ahead_h));

        world.control.advance(7 * MINUTE).await.unwrap();
        let (utc_s, now_s) = (utc_s + 7 * 60, moment_s + 60 + by_h * 3600);
        eventually("the account is told", async || {
            (session.json("ServerTimezone", "").await == json!(ahead_h + by_h)).then_some(())
        })
        .await;
        let old = session.json("GetQuote", "symbol=EURUSD").await;
        assert_eq!(old["timestampUTC"], (utc_s - 7 * 60) * 1000, "its moment is what it was");
        let quote = quoted(&world, &session, 1.3).await;
        assert_eq!((&quote["time"], &quote["timestampUTC"]), (&shown(now_s), &json!(utc_s * 1000)));
        let status = session.json("ConnectionStatus", "").await;
        assert_eq!(status["lastQuoteTimeUTC"], utc(utc_s), "{status}");
        let details = session.json("AccountDetails", "").await;
        assert_eq!(
            (&details["serverTime"], &details["serverTimeZone"]),
            (&shown(now_s), &json!(ahead_h + by_h))
        );
        let again = session.json("OpenedOrder", &format!("ticket={}", ticket(&opened))).await;
        assert_eq!(again["openTimestampUTC"], opened["openTimestampUTC"], "it was opened before");
        let second = session.open(ORDER).await;
        assert_eq!((&second["openTime"], &second["openTimestampUTC"]), (&shown(now_s), &json!(utc_s * 1000)));

        let (running, theirs) =
            (candle(&mut told, moment_s + by_h * 3600).await, bar(&session, moment_s + by_h * 3600).await);
        assert_eq!(
            (&running["close"], &running["tickVolume"]),
            (&json!(1.3), &theirs["tickVolume"]),
            "{running} {theirs}"
        );
        assert_eq!((&running["open"], &running["high"]), (&theirs["openPrice"], &theirs["highPrice"]));
    }
}

#[tokio::test]
async fn a_clock_that_is_set_silently_loses_no_quotes() {
    for (mode, by_s) in [(Daylight::On, 3600), (Daylight::Off, -3600)] {
        let clock = Clock::Manual(model::ServerTime::from_parts(AUTUMN_S, 0));
        let world = World::with(broker::Settings { clock, ..manual() }).await;
        if mode == Daylight::Off {
            world.control.set_daylight(DaylightOrder { mode: Daylight::On, silent: false }).await.unwrap();
        }
        world.quotes().await;
        let session = world.login().await;
        session.warm_up().await;
        let mut told = session.stream("OnOhlc").await;
        session.call("SubscribeOhlc", "symbol=EURUSD&timeframe=5").await.ok();
        let before = quoted(&world, &session, 1.2).await;
        let first = told.next().await["data"].clone();

        world.control.set_daylight(DaylightOrder { mode, silent: true }).await.unwrap();
        world.control.advance(MINUTE).await.unwrap();
        let after = quoted(&world, &session, 1.3).await;
        let utc_of = |quote: &Value| quote["timestampUTC"].as_i64().unwrap() / 1000;
        assert_eq!(utc_of(&after), utc_of(&before) + 60 + by_s, "nobody can know better");
        let zone = session.json("ServerTimezone", "").await;
        assert_eq!(zone, json!(i32::from(mode == Daylight::Off)), "as it was told");
        let next = told.until("candles go on", |event| event["data"]["close"] == 1.3).await;
        assert_ne!(next["data"]["time"], first["time"]);

        world.control.set_daylight(DaylightOrder { mode, silent: false }).await.unwrap();
        eventually("the account is told at last", async || {
            (session.json("ServerTimezone", "").await == json!(i32::from(mode == Daylight::On))).then_some(())
        })
        .await;
        world.control.advance(MINUTE).await.unwrap();
        let right = quoted(&world, &session, 1.4).await;
        assert_eq!(utc_of(&right), utc_of(&before) + 120);
        let status = session.json("ConnectionStatus", "").await;
        assert_eq!(status["lastQuoteTimeUTC"], utc(utc_of(&right)), "{status}");
        let candle = told.until("candles go on", |event| event["data"]["close"] == 1.4).await;
        assert_eq!(candle["data"]["time"], next["data"]["time"]);
    }
}
