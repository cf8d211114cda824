//! When markets are open, on the server's clock.

use std::time::Duration;

use broker::catalogue::{Holiday, MarketHours};
use broker::{Clock, Feed};
use model::ServerTime;
use serde_json::{Value, json};
use testkit::eventually;

use crate::world::{Session, World, manual};

/// 2035-02-03, a Saturday, noon.
const SATURDAY: ServerTime = ServerTime::from_ms(2_054_116_800_000);
const DAY_S: i32 = 86_400;
const MINUTES_OF_DAY: i64 = 1440;

/// A broker with real hours whose clock is moved by the test.
async fn world_on_saturday() -> World {
    let (clock, market_hours) = (Clock::Manual(SATURDAY), MarketHours::Real);
    World::with(broker::Settings { clock, market_hours, ..manual() }).await
}

/// What is traded of these at the moment.
async fn open(session: &Session, call: &str) -> Vec<String> {
    let symbols = "symbols=EURUSD&symbols=XAUUSD&symbols=AAPL&symbols=BTCUSD";
    let states = session.json(call, symbols).await;
    let states = states.as_array().unwrap().iter().filter(|state| state["active"] == true);
    states.map(|state| state["symbol"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn markets_open_and_close_by_the_servers_clock() {
    let world = world_on_saturday().await;
    let session = world.login().await;
    let mut price = 50_000.0;
    // Bitcoin is traded on all days, so its price tells the time.
    for (hours, expected) in [
        (0, &["BTCUSD"][..]),
        // Sunday, half past ten at night, and half past eleven.
        (34, &["EURUSD", "BTCUSD"]),
        (1, &["EURUSD", "XAUUSD", "BTCUSD"]),
        // Monday at three in the afternoon, and at half past ten at night.
        (16, &["EURUSD", "XAUUSD", "AAPL", "BTCUSD"]),
        (7, &["EURUSD", "BTCUSD"]),
        // Friday at eleven at night.
        (4 * 24, &["BTCUSD"]),
    ] {
        let half = if hours == 34 { 1800 } else { 0 };
        world.control.advance(Duration::from_secs(hours * 3600 + half)).await.unwrap();
        price += 1.0;
        world.control.quote("BTCUSD", price, price + 1.0).await.unwrap();
        eventually("the price has come", async || {
            (session.json("GetQuote", "symbol=BTCUSD").await["bid"] == price).then_some(())
        })
        .await;
        for call in ["IsTradeSessionMany", "IsQuoteSessionMany"] {
            assert_eq!(open(&session, call).await, expected, "{call} {hours} hours later");
        }
        for (call, symbol) in
            [("IsTradeSession", "AAPL"), ("IsQuoteSession", "AAPL"), ("IsTradeSession", "EURUSD")]
        {
            let is_open = session.json(call, &format!("symbol={symbol}")).await;
            assert_eq!(is_open, json!(expected.contains(&symbol)), "{call} {symbol} {hours} hours later");
        }
    }
    for call in ["IsTradeSession", "IsQuoteSession", "SymbolSessions"] {
        assert_eq!(session.refused(call, "symbol=NOPE").await, "INVALID_SYMBOL", "{call}");
    }
}

#[tokio::test]
async fn timetables_begin_with_sunday_and_count_minutes() {
    let world = world_on_saturday().await;
    let session = world.login().await;
    let window = |from: i64, to: i64| json!([{ "startTime": from, "endTime": to }]);
    let day = || window(0, MINUTES_OF_DAY);
    let euro = json!([window(1325, 1440), day(), day(), day(), day(), window(0, 1315), []]);
    let timetable = session.json("SymbolSessions", "symbol=EURUSD").await;
    assert_eq!((&timetable["quotes"], &timetable["trades"]), (&euro, &euro));
    let regular = || window(14 * 60 + 30, 21 * 60);
    let apple = json!([[], regular(), regular(), regular(), regular(), regular(), []]);
    assert_eq!(session.json("SymbolSessions", "symbol=AAPL").await["trades"], apple);
    let many = session.json("SymbolSessionsExMany", "symbols=EURUSD&symbols=AAPL").await;
    assert_eq!((&many["EURUSD"]["trades"], &many["AAPL"]["trades"]), (&euro, &apple));
}

#[tokio::test]
async fn the_zone_of_the_server_counts() {
    for days in 0..7 {
        let timezone_shift_s = days * (DAY_S + 3600);
        let settings = broker::Settings {
            feed: Feed::Manual,
            zone: broker::Zone::fixed(timezone_shift_s),
            market_hours: MarketHours::Real,
            ..broker::Settings::default()
        };
        let world = World::with(settings).await;
        let session = world.login().await;
        let sessions = session.json("SymbolSessionsExMany", "").await;
        // A minute may begin between the two looks.
        eventually("what is open is what the timetables say", async || {
            let now_s = runtime_seconds() + i64::from(timezone_shift_s);
            let states = session.json("IsTradeSessionMany", "").await;
            let agrees = |state: &Value| {
                let symbol = state["symbol"].as_str().unwrap();
                state["active"] == holds(&sessions[symbol]["trades"], now_s)
            };
            states.as_array().unwrap().iter().all(agrees).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn on_holidays_nothing_is_traded_or_quoted() {
    // Before Thanksgiving of 2035, the 22nd of November, at ten in the morning in New York.
    let clock = Clock::Manual(ServerTime::from_ms(2_079_270_000_000));
    let settings = broker::Settings {
        clock,
        market_hours: MarketHours::Real,
        feed: Feed::Walk,
        ..broker::Settings::default()
    };
    let world = World::with(settings).await;
    let session = world.login().await;
    let buy = async |symbol: &str| {
        let volume = if symbol == "AAPL" { "1" } else { "0.1" };
        let query = format!("symbol={symbol}&operation=Buy&volume={volume}");
        let reply = session.call("OrderSend", &query).await;
        if reply.status == 200 { "done".to_owned() } else { reply.refused() }
    };
    let price = async |symbol: &str| world.control.symbol(symbol).await.unwrap().bid.unwrap();
    assert_eq!((buy("AAPL").await.as_str(), buy("US500").await.as_str()), ("done", "done"));
    world.control.advance(Duration::from_hours(24)).await.unwrap();
    let (shares, euro) = (price("AAPL").await, price("EURUSD").await);
    world.control.advance(Duration::from_hours(1)).await.unwrap();
    assert_eq!(price("AAPL").await.to_bits(), shares.to_bits(), "no ticks");
    assert_ne!(price("EURUSD").await.to_bits(), euro.to_bits());
    for symbol in ["AAPL", "US500"] {
        assert_eq!(buy(symbol).await, "MARKET_CLOSED", "{symbol}");
    }
    assert_eq!(buy("BTCUSD").await, "done");
    // The protocol knows weeks only.
    assert_eq!(session.json("IsTradeSession", "symbol=AAPL").await, true);
    let date = "2035-11-23".parse().unwrap();
    let holiday = Holiday { symbols: "EURUSD".into(), date, sessions: vec![(0, 15 * 60)] };
    world.control.add_holiday(holiday).await.unwrap();
    world.control.advance(Duration::from_hours(22)).await.unwrap();
    assert_eq!((buy("AAPL").await.as_str(), buy("EURUSD").await.as_str()), ("MARKET_CLOSED", "done"));
    // Shares are traded until one in the afternoon there, six in the afternoon here.
    world.control.advance(Duration::from_hours(2)).await.unwrap();
    assert_eq!((buy("AAPL").await.as_str(), buy("EURUSD").await.as_str()), ("done", "MARKET_CLOSED"));
    world.control.advance(Duration::from_hours(2)).await.unwrap();
    assert_eq!(buy("AAPL").await, "MARKET_CLOSED");
}

fn runtime_seconds() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

fn holds(week: &Value, now_s: i64) -> bool {
    // 1970-01-01 was a Thursday.
    let weekday = usize::try_from((now_s.div_euclid(i64::from(DAY_S)) + 4).rem_euclid(7)).unwrap();
    let minute = now_s.rem_euclid(i64::from(DAY_S)) / 60;
    let minutes = |window: &Value, name: &str| window[name].as_i64().unwrap();
    let inside =
        |window: &Value| (minutes(window, "startTime")..minutes(window, "endTime")).contains(&minute);
    week[weekday].as_array().unwrap().iter().any(inside)
}

#[tokio::test]
async fn closed_markets_show_the_last_close() {
    let (clock, market_hours) = (Clock::Manual(SATURDAY), MarketHours::Real);
    let world = World::with(broker::Settings { clock, market_hours, feed: Feed::Walk, ..manual() }).await;
    let session = world.login().await;
    for symbol in ["EURUSD", "XAUUSD", "AAPL", "JP225"] {
        let quote = session.json("GetQuote", &format!("symbol={symbol}")).await;
        let bars = format!("symbol={symbol}&timeFrame=1&from=2035-02-01T00:00:00&to=2035-02-03T12:00:00");
        let bars = session.json("PriceHistory", &bars).await;
        let last = bars.as_array().unwrap().last().unwrap().clone();
        assert_eq!(quote["bid"], last["closePrice"], "{symbol}: {quote} {last}");
        assert!(quote["time"].as_str().unwrap() < "2035-02-03", "{symbol}: {quote}");
    }
}
