//! Candles of all lengths that terminals know, against minutes put together here.

use std::collections::BTreeMap;
use std::time::Duration;

use broker::catalogue::MarketHours;
use broker::{AnswerLimits, Clock, Feed};
use calls::TimeFrame;
use model::ServerTime;
use model::calendar::days_from_date;
use serde_json::Value;

use crate::world::{Session, World, assert_close, number};

/// 2035-02-05, a Monday, 19:46.
const MONDAY: ServerTime = ServerTime::from_ms(2_054_317_560_000);
const DAY_MINUTES: i64 = 1440;
/// From a Sunday on, over the turn of a year and of a month, to beyond the present.
const RANGE: &str = "from=2034-12-31T00:00:00&to=2035-02-06T00:00:00";

/// A broker whose prices walk in real hours, and that answers few bars at once: no longer candle of minutes is whole in one answer.
async fn walking(bars_max: usize) -> (World, Session) {
    let settings = broker::Settings {
        feed: Feed::Walk,
        clock: Clock::Manual(MONDAY),
        market_hours: MarketHours::Real,
        answers: AnswerLimits { bars_max, ..AnswerLimits::default() },
        ..broker::Settings::default()
    };
    let world = World::with(settings).await;
    world.control.advance(Duration::from_secs(90)).await.unwrap();
    let session = world.login().await;
    session.json("GetQuote", "symbol=EURUSD").await;
    (world, session)
}

async fn candles(session: &Session, frame: &str, range: &str) -> Vec<Value> {
    let query = format!("symbol=EURUSD&{range}&timeFrame={frame}");
    session.json("PriceHistory", &query).await.as_array().unwrap().clone()
}

/// Days since 1970, and minutes since midnight.
fn moment(candle: &Value) -> (i64, i64) {
    let text = candle["time"].as_str().unwrap();
    let part = |from: usize, to: usize| text[from..to].parse::<i64>().unwrap();
    (days_from_date(part(0, 4), part(5, 7), part(8, 10)), part(11, 13) * 60 + part(14, 16))
}

/// Which candle of a length a minute belongs to, as the day it begins on and the minute of that day: weeks begin on Sundays,
/// months on their first.
fn candle_of(frame: TimeFrame, minute: &Value) -> (i64, i64) {
    let (day, minutes) = moment(minute);
    match frame {
        TimeFrame::MN1 => (day - minute["time"].as_str().unwrap()[8..10].parse::<i64>().unwrap() + 1, 0),
        // 1970-01-01 was a Thursday.
        TimeFrame::W1 => (day - (day + 4) % 7, 0),
        TimeFrame::D1 => (day, 0),
        frame => (day, minutes / i64::from(frame.minutes()) * i64::from(frame.minutes())),
    }
}

/// Open, high, low, close, ticks.
type Figures = [f64; 5];

fn figures(candle: &Value) -> Figures {
    ["openPrice", "highPrice", "lowPrice", "closePrice", "tickVolume"].map(|field| number(candle, field))
}

fn aggregated(minutes: &[Value], frame: TimeFrame) -> BTreeMap<(i64, i64), Figures> {
    let mut whole: BTreeMap<(i64, i64), Figures> = BTreeMap::new();
    for minute in minutes {
        let [open, high, low, close, ticks] = figures(minute);
        whole
            .entry(candle_of(frame, minute))
            .and_modify(|all| *all = [all[0], all[1].max(high), all[2].min(low), close, all[4] + ticks])
            .or_insert([open, high, low, close, ticks]);
    }
    whole
}

#[track_caller]
fn assert_same(left: Figures, right: Figures) {
    left.into_iter().zip(right).for_each(|(left, right)| assert_close(left, right));
}

#[tokio::test]
async fn candles_of_every_length_are_their_minutes_put_together() {
    let (_world, session) = walking(4_000).await;
    let minutes = candles(&session, "M1", RANGE).await;
    assert!(minutes.len() > 30_000, "a market's minutes of five weeks: {}", minutes.len());
    // The range begins with a Sunday, so that weeks are whole; the month that it begins in is not.
    let begin = days_from_date(2034, 12, 31);
    for frame in TimeFrame::ALL {
        let expected = aggregated(&minutes, frame).into_iter().filter(|((day, _), _)| *day >= begin);
        let expected: Vec<((i64, i64), Figures)> = expected.collect();
        let shown = candles(&session, frame.name(), RANGE).await;
        let times: Vec<(i64, i64)> = shown.iter().map(moment).collect();
        let expected_times: Vec<(i64, i64)> = expected.iter().map(|(time, _)| *time).collect();
        assert_eq!(times, expected_times, "{}", frame.name());
        for (candle, (_, right)) in shown.iter().zip(&expected) {
            assert_same(figures(candle), *right);
        }
        // By minutes as by name, as many back from now, and from within a candle.
        assert_eq!(candles(&session, &frame.minutes().to_string(), RANGE).await, shown, "{}", frame.name());
        let some = shown.len().min(40);
        let back =
            format!("symbol=EURUSD&from=2035-02-06T00:00:00&numBars={some}&timeFrame={}", frame.name());
        let back = session.json("PriceHistoryEx", &back).await;
        assert_eq!(back.as_array().unwrap()[..], shown[shown.len() - some..], "{}", frame.name());
        let within = "from=2035-01-15T10:07:00&to=2035-01-18T10:07:00";
        let within = candles(&session, frame.name(), within).await;
        let span = |day: i64, minutes: i64| day * DAY_MINUTES + minutes;
        let (from, to) = (span(days_from_date(2035, 1, 15), 607), span(days_from_date(2035, 1, 18), 607));
        let opened = |candle: &&Value| {
            let (day, minutes) = moment(candle);
            (from..=to).contains(&span(day, minutes))
        };
        assert_eq!(within, shown.iter().filter(opened).cloned().collect::<Vec<_>>(), "{}", frame.name());
    }
}

#[tokio::test]
async fn running_candles_of_every_length_are_those_of_the_history() {
    let (_world, session) = walking(5).await;
    let minutes = candles(&session, "M1", "from=2035-01-31T00:00:00&to=2035-02-06T00:00:00").await;
    let mut told = session.stream("OnOhlc").await;
    for frame in TimeFrame::ALL {
        let query = format!("symbol=EURUSD&timeframe={}", frame.name());
        session.call("SubscribeOhlc", &query).await.ok();
        let event =
            told.until("the candle is told", |event| event["data"]["timeframe"] == frame.minutes()).await;
        let candle = &event["data"];
        let shown = ["open", "high", "low", "close", "tickVolume"].map(|field| number(candle, field));
        let ((day, minute), expected) = aggregated(&minutes, frame).pop_last().unwrap();
        assert_eq!(moment(candle), (day, minute), "{}", frame.name());
        if frame == TimeFrame::MN1 {
            // The minutes here begin later.
            assert_close(shown[3], expected[3]);
        } else {
            assert_same(shown, expected);
        }
    }
}

#[tokio::test]
async fn a_year_is_as_high_and_as_low_by_minutes_as_by_days() {
    let (_world, session) = walking(14_000).await;
    let year = "symbol=EURUSD&from=2034-02-05T00:00:00&to=2035-02-04T23:59:59";
    let by =
        async |frame: &str| session.json("PriceHistoryHighLow", &format!("{year}&timeFrame={frame}")).await;
    let (by_minutes, by_days) = (by("M1").await, by("D1").await);
    assert!(number(&by_minutes, "tickVolume") > 370_000.0, "{by_minutes}");
    assert_same(figures(&by_minutes), figures(&by_days));
}
