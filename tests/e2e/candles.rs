//! Past prices in their several forms, which must agree, and what is told of the present.

use std::time::Duration;

use broker::catalogue::MarketHours;
use broker::engine::{Book, Level};
use broker::{Clock, Feed};
use model::{Price, ServerTime, Volume};
use serde_json::{Value, json};
use testkit::eventually;

use crate::world::{EUR, Session, World, assert_close, manual, number};

/// 2035-02-05, a Monday, half past midnight.
const MONDAY: ServerTime = ServerTime::from_ms(2_054_248_200_000);
const MINUTE: Duration = Duration::from_secs(60);

/// A broker whose prices walk, with real hours.
async fn walking() -> (World, Session) {
    let (clock, market_hours) = (Clock::Manual(MONDAY), MarketHours::Real);
    let settings = broker::Settings { feed: Feed::Walk, clock, market_hours, ..broker::Settings::default() };
    let world = World::with(settings).await;
    world.control.advance(MINUTE).await.unwrap();
    let session = world.login().await;
    session.json("GetQuote", "symbol=EURUSD").await;
    (world, session)
}

/// A broker whose prices and clock the test moves.
async fn standing() -> World {
    let world = World::with(broker::Settings { clock: Clock::Manual(MONDAY), ..manual() }).await;
    world.quotes().await;
    world
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("no list: {value}"))
}

async fn candles(session: &Session, range: &str, minutes: u32) -> Value {
    session.json("PriceHistory", &format!("symbol=EURUSD&{range}&timeFrame={minutes}")).await
}

#[tokio::test]
async fn candles_back_from_a_moment_are_as_many_as_asked_for() {
    let (_world, session) = walking().await;
    let back = async |symbol: &str, from: &str, count: usize, minutes: u32| {
        let query = format!("symbol={symbol}&from={from}&numBars={count}&timeFrame={minutes}");
        session.json("PriceHistoryEx", &query).await
    };
    let long = candles(&session, "from=2035-01-29T00:00:00&to=2035-02-05T00:20:30", 1).await;
    let bars = back("EURUSD", "2035-02-05T00:20:30", 200, 1).await;
    assert_eq!(list(&bars), &list(&long)[list(&long).len() - 200..], "over the weekend");
    assert_eq!((&bars[199]["time"], list(&bars).len()), (&json!("2035-02-05T00:20:00"), 200));
    // 136 of them are of Sunday evening and Monday; the one before is the last of Friday.
    assert_eq!(bars[63]["time"], "2035-02-02T21:54:00");
    assert_eq!(bars[64]["time"], "2035-02-04T22:05:00");
    let latest = back("EURUSD", "2035-02-06T00:00:00", 5, 1).await;
    for future in ["2038-01-01", "2060-01-01", "9999-12-31T23:59:59"] {
        assert_eq!(back("EURUSD", future, 5, 1).await, latest, "{future}");
    }
    let shares = back("AAPL", "2035-02-05T00:20:00", 10, 1).await;
    assert_eq!((list(&shares).len(), &shares[9]["time"]), (10, &json!("2035-02-02T20:59:00")));
    for minutes in [10, 240, 1440, 10_080, 43_200] {
        let bars = back("EURUSD", "2035-02-05T00:20:30", 12, minutes).await;
        let all =
            candles(&session, "from=2033-06-01T00:00:00&to=2035-02-05T00:20:30", minutes.max(240)).await;
        assert_eq!(list(&bars).len(), 12, "{minutes}");
        if minutes >= 240 {
            assert_eq!(list(&bars), &list(&all)[list(&all).len() - 12..], "{minutes}");
        }
    }
    assert_eq!(back("EURUSD", "2001-01-01T00:00:00", 5, 60).await, json!([]), "before all times");
    let many = "symbol=EURUSD&symbol=NOPE&from=2035-02-05T00:20:30&numBars=3&timeFrame=1";
    let many = session.json("PriceHistoryExMany", many).await;
    assert_eq!(list(&many[0]["bars"]), &list(&bars)[197..]);
    assert!(many[1]["exception"].as_str().unwrap().contains("NOPE"), "{many}");
}

#[tokio::test]
async fn ten_minutes_are_two_times_five() {
    let (_world, session) = walking().await;
    let range = "from=2035-02-02T08:00:00&to=2035-02-02T09:59:59";
    let (fives, tens) = (candles(&session, range, 5).await, candles(&session, range, 10).await);
    assert_eq!((list(&fives).len(), list(&tens).len()), (24, 12));
    for (pair, ten) in list(&fives).chunks(2).zip(list(&tens)) {
        let (one, two) = (&pair[0], &pair[1]);
        assert_eq!((&ten["time"], &ten["openPrice"]), (&one["time"], &one["openPrice"]));
        assert_eq!(ten["closePrice"], two["closePrice"]);
        assert_close(number(ten, "highPrice"), number(one, "highPrice").max(number(two, "highPrice")));
        assert_close(number(ten, "lowPrice"), number(one, "lowPrice").min(number(two, "lowPrice")));
        assert_close(number(ten, "tickVolume"), number(one, "tickVolume") + number(two, "tickVolume"));
    }
    let back = "symbol=EURUSD&from=2035-02-02T09:59:59&numBars=12&timeFrame=10";
    assert_eq!(session.json("PriceHistoryEx", back).await, tens);
}

#[tokio::test]
async fn more_candles_back_than_an_answer_of_the_server_holds_come_too() {
    let (_world, session) = walking().await;
    // 120,000 bars of five minutes, over 83 weekends.
    let query = "symbol=EURUSD&from=2035-02-02T09:59:59&numBars=60000&timeFrame=10";
    let bars = session.json("PriceHistoryEx", query).await;
    let times: Vec<_> = list(&bars).iter().map(|bar| bar["time"].as_str().unwrap()).collect();
    assert_eq!((times.len(), times[59_999]), (60_000, "2035-02-02T09:50:00"));
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "in order, none twice");
    let query = "symbol=EURUSD&from=2035-02-02T09:59:59&numBars=600001&timeFrame=10";
    assert_eq!(session.refused("PriceHistoryEx", query).await, "INVALID_PARAM");
}

#[tokio::test]
async fn one_candle_sums_up_a_range() {
    let (_world, session) = walking().await;
    let range = "from=2035-02-01T20:00:00&to=2035-02-04T23:30:00";
    let query = format!("symbol=EURUSD&{range}&timeFrame=15");
    let (whole, parts) =
        (session.json("PriceHistoryHighLow", &query).await, candles(&session, range, 15).await);
    let parts = list(&parts);
    let all = |field: &str| parts.iter().map(|bar| number(bar, field)).collect::<Vec<_>>();
    assert_close(number(&whole, "highPrice"), all("highPrice").into_iter().fold(0.0, f64::max));
    assert_close(number(&whole, "lowPrice"), all("lowPrice").into_iter().fold(f64::MAX, f64::min));
    assert_close(number(&whole, "tickVolume"), all("tickVolume").into_iter().sum::<f64>());
    let (first, last) = (&parts[0], &parts[parts.len() - 1]);
    assert_eq!((&whole["time"], &whole["openPrice"]), (&first["time"], &first["openPrice"]));
    assert_eq!(whole["closePrice"], last["closePrice"]);
    let closed = "symbol=EURUSD&from=2035-02-03T00:00:00&to=2035-02-03T23:00:00&timeFrame=15";
    assert_eq!(session.refused("PriceHistoryHighLow", closed).await, "NOT_FOUND", "a Saturday");
}

#[tokio::test]
async fn months_and_today_are_ranges_of_days() {
    let (_world, session) = walking().await;
    let month = "symbol=EURUSD&year=2035&month=2&day=2&timeFrame=60";
    let month = session.json("PriceHistoryMonth", month).await;
    let same = candles(&session, "from=2035-01-04T00:00:00&to=2035-02-02T23:59:59", 60).await;
    assert_eq!(month, same, "30 days, the last one included");
    assert_eq!(month[0]["time"], "2035-01-04T00:00:00");
    let many = "symbols=EURUSD&symbols=AAPL&year=2035&month=2&day=2&timeFrame=60";
    let many = session.json("PriceHistoryMonthMany", many).await;
    assert_eq!((&many[0]["symbol"], &many[0]["bars"]), (&json!("EURUSD"), &month));
    let today = session.json("PriceHistoryToday", "symbol=EURUSD&timeFrame=1").await;
    assert_eq!(today, candles(&session, "from=2035-02-05T00:00:00&to=2035-02-05T23:59:59", 1).await);
    assert!((30..=32).contains(&list(&today).len()), "half an hour after midnight: {today}");
    let many = session.json("PriceHistoryTodayMany", "symbols=EURUSD&symbols=BTCUSD&timeFrame=1").await;
    assert_eq!((&many[0]["bars"], &many[1]["symbol"]), (&today, &json!("BTCUSD")));
    let odd = "symbol=EURUSD&year=2035&month=2&day=30&timeFrame=60";
    assert_eq!(session.refused("PriceHistoryMonth", odd).await, "INVALID_PARAM");
}

#[tokio::test]
async fn a_candle_that_was_told_is_in_the_history_afterwards() {
    let world = standing().await;
    let session = world.login().await;
    let mut told = session.stream("OnOhlc").await;
    session.call("SubscribeOhlc", "symbol=EURUSD&timeframe=1").await.ok();
    told.until("the candle has begun", |event| event["data"]["symbol"] == "EURUSD").await;
    world.control.advance(MINUTE).await.unwrap();
    for bid in [1.12, 1.15, 1.09, 1.13] {
        world.control.quote("EURUSD", bid, bid + 0.0001).await.unwrap();
    }
    world.control.advance(MINUTE).await.unwrap();
    world.control.quote("EURUSD", 1.2, 1.2001).await.unwrap();
    let ended = told
        .until("the whole candle is told", |event| {
            event["data"]["time"] == "2035-02-05T00:31:00" && event["data"]["tickVolume"] == 4
        })
        .await;
    let data = &ended["data"];
    let range = "from=2035-02-05T00:31:00&to=2035-02-05T00:31:59";
    let bars = candles(&session, range, 1).await;
    for (ours, theirs) in
        [("open", "openPrice"), ("high", "highPrice"), ("low", "lowPrice"), ("close", "closePrice")]
    {
        assert_eq!(data[ours], bars[0][theirs], "{ours}: {data} {bars}");
    }
    assert_eq!((&data["time"], &data["tickVolume"]), (&bars[0]["time"], &bars[0]["tickVolume"]));
    assert_eq!((&data["high"], &data["low"]), (&json!(1.15), &json!(1.09)));
    told.until("the next one begins", |event| event["data"]["open"] == 1.2).await;
}

#[tokio::test]
async fn the_days_figures_are_those_of_its_candle() {
    let (_world, session) = walking().await;
    let watch = session.json("MarketWatchMany", "symbols=EURUSD&symbols=BTCUSD").await;
    let asked = session.json("GetQuoteMany", "symbols=EURUSD&symbols=BTCUSD").await;
    for (place, symbol) in ["EURUSD", "BTCUSD"].into_iter().enumerate() {
        let (day, quote) = (&watch[place], &asked[place]);
        assert_eq!(
            (&day["symbol"], &day["bid"], &day["ask"]),
            (&json!(symbol), &quote["bid"], &quote["ask"])
        );
        let today = format!("symbol={symbol}&timeFrame=1440");
        let today = session.json("PriceHistoryToday", &today).await;
        for (ours, theirs) in [("high", "highPrice"), ("low", "lowPrice"), ("openPrice", "openPrice")] {
            assert_eq!(day[ours], today[0][theirs], "{ours}: {day} {today}");
        }
        assert_eq!(day["bid"], today[0]["closePrice"]);
        let before = format!("symbol={symbol}&from=2035-02-04T23:59:59&numBars=1&timeFrame=1440");
        let before = session.json("PriceHistoryEx", &before).await;
        assert_eq!(day["closePrice"], before[0]["closePrice"], "of the day before");
        let change = (number(day, "bid") / number(day, "closePrice") - 1.0) * 100.0;
        assert!((number(day, "dailyChange") - change).abs() < 0.006, "{change} {day}");
    }
}

#[tokio::test]
async fn the_days_figures_follow_the_prices() {
    let world = standing().await;
    let session = world.login().await;
    session.json("GetQuote", "symbol=EURUSD").await;
    for bid in [1.15, 1.05, 1.12] {
        world.control.quote("EURUSD", bid, bid + 0.0003).await.unwrap();
    }
    let watch = eventually("the day's figures have followed", async || {
        let watch = session.json("MarketWatchMany", "symbols=EURUSD&symbols=USDJPY").await;
        (watch[0]["bid"] == 1.12 && watch[0]["low"] == 1.05).then_some(watch)
    })
    .await;
    let euro = &watch[0];
    assert_eq!((&euro["high"], &euro["ask"], &euro["spread"]), (&json!(1.15), &json!(1.1203), &json!(30)));
    assert_eq!((&watch[1]["symbol"], &watch[1]["spread"]), (&json!("USDJPY"), &json!(10)));
}

#[tokio::test]
async fn a_tick_value_follows_the_pair_that_converts_it() {
    let world = standing().await;
    world.control.quote("EURJPY", 165.0, 165.02).await.unwrap();
    let session = world.login_at(EUR, world.broker_addr).await;
    let mut told = session.stream("OnTickValue").await;
    session.call("SubscribeTickValue", "symbol=USDJPY").await.ok();
    // A thousandth of a yen of 100,000 dollars, sold for euros.
    for ask in [165.02, 170.0, 160.0] {
        world.control.quote("EURJPY", ask - 0.02, ask).await.unwrap();
        let event = told
            .until("the value follows", |event| {
                (number(&event["data"], "tickValue") - 100.0 / ask).abs() < 1e-9
            })
            .await;
        assert_eq!((&event["data"]["symbol"], &event["data"]["tickSize"]), (&json!("USDJPY"), &json!(0.001)));
        let asked = session.json("TickValueWithSize", "symbol=USDJPY").await;
        assert_eq!(asked[0]["tickValue"], event["data"]["tickValue"]);
    }
}

#[tokio::test]
async fn a_book_is_the_brokers() {
    let world = standing().await;
    let level = |price: f64, lots: f64| Level {
        price: Price::from_f64(price, 2).unwrap(),
        volume: Volume::from_lots(lots).unwrap(),
    };
    let book = |best: f64| Book {
        bids: vec![level(best, 7.0), level(best - 0.01, 20.0)],
        asks: vec![level(best + 0.02, 3.0), level(best + 0.03, 11.0), level(best + 0.05, 1.0)],
    };
    world.control.book("MSFT", book(400.0)).await.unwrap();
    let session = world.login().await;
    let mut told = session.stream("OnOrderBook").await;
    session.call("SubscribeOrderBook", "symbols=MSFT").await.ok();
    for best in [400.0, 400.02, 399.5] {
        world.control.book("MSFT", book(best)).await.unwrap();
        // Offers from the highest down, then bids from the best down.
        let expected = [
            ("SellBook", best + 0.05, 1.0),
            ("SellBook", best + 0.03, 11.0),
            ("SellBook", best + 0.02, 3.0),
            ("BuyBook", best, 7.0),
            ("BuyBook", best - 0.01, 20.0),
        ];
        told.until("the book is told", |event| {
            let bars = event["data"]["bars"].as_object().unwrap();
            let fits = |(place, (kind, price, lots)): (usize, &(&str, f64, f64))| {
                let bar = &bars[&place.to_string()];
                bar["type"] == *kind
                    && (number(bar, "price") - price).abs() < 1e-9
                    && bar["lots"] == *lots
                    && bar["volume"] == lots * 1e8
            };
            bars.len() == expected.len() && expected.iter().enumerate().all(fits)
        })
        .await;
    }
    assert_eq!(session.refused("SubscribeOrderBook", "symbols=EURUSD").await, "NOT_FOUND");
}
