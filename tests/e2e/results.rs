//! What came of the trading, against figures that were worked out by hand.

use std::time::Duration;

use broker::Clock;
use model::ServerTime;
use serde_json::{Value, json};
use testkit::eventually;

use crate::world::{EUR, Session, USD, World, assert_close, manual, number, ticket};

/// 2035-01-31, a Wednesday, midnight.
const WEDNESDAY: i64 = 2_053_814_400_000;
const ALL: &str = "from=2000-01-01T00:00:00";
const MINUTE: Duration = Duration::from_secs(60);
const HALF_AN_HOUR: Duration = Duration::from_secs(1800);

/// A broker at ten o'clock, whose clock is moved by the test.
async fn world_at_ten() -> World {
    let clock = Clock::Manual(ServerTime::from_ms(WEDNESDAY + 10 * 3_600_000));
    World::with(broker::Settings { clock, ..manual() }).await
}

/// A trade of half an hour, opened at these prices and closed at those.
async fn trade(world: &World, session: &Session, order: &str, opened: (f64, f64), closed: (f64, f64)) -> u64 {
    world.control.quote("EURUSD", opened.0, opened.1).await.unwrap();
    let number = ticket(&session.open(&format!("symbol=EURUSD&{order}")).await);
    world.control.advance(HALF_AN_HOUR).await.unwrap();
    world.control.quote("EURUSD", closed.0, closed.1).await.unwrap();
    session.json("OrderClose", &format!("ticket={number}")).await;
    number
}

async fn days_later(world: &World, days: u64) {
    let rest = Duration::from_secs(days * 86_400) - HALF_AN_HOUR;
    world.control.advance(rest).await.unwrap();
}

/// Four trades of dollars on two Wednesdays' sides of a month and a week: the tickets.
///
/// +500 on Wednesday, -105 on Thursday the 1st, a deposit, -400 on Monday, +60 on Tuesday the 6th.
async fn history(world: &World, session: &Session) -> [u64; 4] {
    let buy = |lots: &str| format!("operation=Buy&volume={lots}");
    let first = trade(world, session, &buy("1"), (1.1, 1.1001), (1.1051, 1.1052)).await;
    days_later(world, 1).await;
    let second = trade(world, session, "operation=Sell&volume=0.5", (1.105, 1.1051), (1.107, 1.1071)).await;
    world.control.advance(MINUTE).await.unwrap();
    world.control.deposit(USD, 1000.0).await.unwrap();
    world.control.advance(HALF_AN_HOUR - MINUTE).await.unwrap();
    world.control.advance(Duration::from_secs(4 * 86_400) - 2 * HALF_AN_HOUR).await.unwrap();
    let third = trade(world, session, &buy("2"), (1.2, 1.2001), (1.1981, 1.1982)).await;
    days_later(world, 1).await;
    let fourth = trade(world, session, &buy("0.3"), (1.2, 1.2001), (1.2021, 1.2022)).await;
    [first, second, third, fourth]
}

/// Fails unless all these numbers are in a reply, by their paths.
#[track_caller]
fn has(reply: &Value, expected: &[(&str, f64)]) {
    for (path, value) in expected {
        let found = reply.pointer(path).and_then(Value::as_f64);
        let found = found.unwrap_or_else(|| panic!("no {path} in {reply}"));
        assert!((found - value).abs() < 1e-6 * value.abs().max(1.0), "{path}: {found} is not {value}");
    }
}

#[tokio::test]
async fn figures_over_trades_are_those_worked_out_by_hand() {
    let world = world_at_ten().await;
    let session = world.login().await;
    let [first, second, third, fourth] = history(&world, &session).await;
    let stats = session.json("TradeStats", ALL).await;
    let returns: [f64; 4] =
        [10_500.0 / 10_000.0, 10_395.0 / 10_500.0, 10_995.0 / 11_395.0, 11_055.0 / 10_995.0];
    let expected = [
        ("/trades", 4.0),
        ("/summary/totalProfit", 55.0),
        ("/summary/dayProfit", 60.0),
        ("/summary/weekProfit", -340.0),
        ("/summary/monthProfit", -445.0),
        ("/summary/openTrades", 0.0),
        ("/summary/openProfit", 0.0),
        ("/profitability/wonTrades", 2.0),
        ("/profitability/wonTradesPercent", 50.0),
        ("/profitability/lostTrades", 2.0),
        ("/profitability/lostTradesPercent", 50.0),
        ("/profitFactor", 560.0 / 505.0),
        ("/pips", 50.0 - 21.0 - 20.0 + 20.0),
        ("/lots", 3.8),
        ("/averageWin/averageUsd", 280.0),
        ("/averageWin/averagePips", 35.0),
        ("/averageLost/averageUsd", -252.5),
        ("/averageLost/averagePips", -20.5),
        ("/longsWon/wonCount", 2.0),
        ("/longsWon/all", 3.0),
        ("/longsWon/wonPersent", 200.0 / 3.0),
        ("/shortsWon/wonCount", 0.0),
        ("/shortsWon/all", 1.0),
        ("/bestTrade/profit", 500.0),
        ("/worstTrade/profit", -400.0),
        ("/bestTradePips/profit", 50.0),
        ("/worstTradePips/profit", -21.0),
        ("/expectancy/dollar", 55.0 / 4.0),
        ("/expectancy/pips", 29.0 / 4.0),
        // From 10,500, or 11,500 with the deposit, to 10,995.
        ("/maxBalanceDrawdownRaw", 505.0),
        ("/maxBalanceDrawdownRelative", 505.0 / 11_500.0 * 100.0),
        ("/standardDeviation", (423_868.75_f64 / 3.0).sqrt()),
        ("/ghpr", returns.iter().product::<f64>().powf(0.25)),
        ("/comissions", 0.0),
        // Won, lost, lost, won: three runs.
        ("/zScore/zScoreDecimal", 2.0 / (32.0_f64 / 3.0).sqrt()),
    ];
    has(&stats, &expected);
    assert_eq!(stats["averageTradeLength"], "00:30:00");
    assert_eq!(stats["markets"], json!([{ "marketName": "EURUSD", "count": 4 }]));
    let notable = ["bestTrade", "worstTrade", "bestTradePips", "worstTradePips"];
    assert_eq!(notable.map(|name| stats[name]["tiket"].as_u64().unwrap()), [first, third, first, second]);
    assert_eq!(stats["bestTrade"]["date"], "2035-01-31T10:30:00");
    let late = session.json("TradeStats", "from=2035-02-05T00:00:00").await;
    has(&late, &[("/trades", 2.0), ("/summary/totalProfit", -340.0), ("/bestTrade/profit", 60.0)]);
    assert_eq!(late["bestTrade"]["tiket"], fourth);
    let none = session.json("TradeStats", "from=2035-02-07T00:00:00").await;
    has(&none, &[("/trades", 0.0), ("/summary/totalProfit", 0.0), ("/profitFactor", 0.0)]);
    assert_eq!(session.json("EquityHistory", "from=2035-02-07T00:00:00").await, json!([]));
}

#[tokio::test]
async fn the_curve_leads_to_the_account_as_it_is() {
    let world = world_at_ten().await;
    let session = world.login().await;
    history(&world, &session).await;
    world.control.quote("USDJPY", 150.0, 150.01).await.unwrap();
    session.open("symbol=USDJPY&operation=Sell&volume=0.1").await;
    world.control.quote("USDJPY", 149.49, 149.5).await.unwrap();
    // Half a yen of 10,000 dollars.
    let floating = 33.44;
    let summary = eventually("the profit has followed", async || {
        let summary = session.json("AccountSummary", "").await;
        ((number(&summary, "profit") - floating).abs() < 0.001).then_some(summary)
    })
    .await;
    let curve = session.json("EquityHistory", &format!("{ALL}&excludeSameBars=true")).await;
    let points = curve.as_array().unwrap();
    let last = points.last().unwrap();
    for field in ["balance", "equity"] {
        assert_close(number(last, field), number(&summary, field));
    }
    has(last, &[("/balance", 11_055.0), ("/realizedPL", 55.0), ("/unrealizedPL", floating)]);
    let times: Vec<_> = points.iter().map(|point| point["time"].as_str().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    for (one, next) in points.iter().zip(&points[1..]) {
        let rest = |point: &Value| {
            let fields = point.as_object().unwrap().iter().filter(|(name, _)| *name != "time");
            fields.map(|(_, value)| value.clone()).collect::<Vec<_>>()
        };
        assert_ne!(rest(one), rest(next), "repeats were to be left out");
        assert_close(number(one, "equity"), number(one, "balance") + number(one, "unrealizedPL"));
    }
    // A deposit is neither gained nor lost.
    let before = points.iter().rev().find(|point| point["balance"] == 10_395).unwrap();
    let after = points.iter().find(|point| point["balance"] == 11_395).unwrap();
    for field in ["realizedPL", "balanceDrawdownRaw", "equityDrawdownRaw"] {
        assert_eq!(before[field], after[field], "{field}");
    }
    assert_eq!(before["balanceDrawdownRaw"], 105);
    let both = session.json("TradeStatsEquityHistory", &format!("{ALL}&excludeSameBars=true")).await;
    assert_eq!(both["charts"], curve);
    assert_eq!(both["stats"], session.json("TradeStats", ALL).await);
    has(&both["stats"], &[("/summary/openTrades", 1.0), ("/summary/openProfit", floating)]);
    let every = session.json("EquityHistory", "from=2035-02-06T00:00:00").await;
    assert!(every.as_array().unwrap().len() > 600, "a candle ended every minute since midnight");
    has(&every[0], &[("/balance", 10_995.0), ("/realizedPL", 0.0), ("/balanceDrawdownRaw", 0.0)]);
}

#[tokio::test]
async fn yen_are_converted_into_euros() {
    let world = world_at_ten().await;
    let quote = async |yen: f64, of_euro: f64| {
        world.control.quote("EURUSD", 1.1, 1.1001).await.unwrap();
        world.control.quote("EURJPY", of_euro, of_euro + 0.02).await.unwrap();
        world.control.quote("USDJPY", yen, yen + 0.01).await.unwrap();
    };
    quote(150.0, 165.0).await;
    let session = world.login_at(EUR, world.broker_addr).await;
    let position = ticket(&session.open("symbol=USDJPY&operation=Buy&volume=1").await);
    quote(150.51, 165.0).await;
    world.control.advance(2 * MINUTE).await.unwrap();
    quote(151.01, 160.0).await;
    session.json("OrderClose", &format!("ticket={position}")).await;
    // 100,000 yen; profits of buyers are converted at the price at which yen would be bought.
    let profit = 625.0;
    let curve = session.json("EquityHistory", "from=2035-01-31T10:00:00").await;
    let at = |time: &str| {
        let found = curve.as_array().unwrap().iter().rfind(|point| point["time"] == time);
        found.unwrap_or_else(|| panic!("nothing at {time} in {curve}")).clone()
    };
    // 50,000 yen at 165, the close of the first minute's candle: candles have no ask.
    has(&at("2035-01-31T10:01:00"), &[("/unrealizedPL", 303.03), ("/equity", 10_303.03)]);
    let last = curve.as_array().unwrap().last().unwrap();
    has(last, &[("/unrealizedPL", 0.0), ("/realizedPL", profit), ("/equity", 10_000.0 + profit)]);
    let stats = session.json("TradeStats", ALL).await;
    has(&stats, &[("/summary/totalProfit", profit), ("/bestTrade/profit", profit), ("/pips", 100.0)]);
    let extremes = session.json("TradeUnrealizedPL", ALL).await;
    // At worst a hundredth of a yen below the opening price, in the first minute.
    has(&extremes[0], &[("/maxUnrealizedPL", profit), ("/minUnrealizedPL", -6.06)]);
}

#[tokio::test]
async fn trades_have_a_best_and_a_worst_moment() {
    let world = world_at_ten().await;
    let session = world.login().await;
    let quote = async |bid: f64| world.control.quote("EURUSD", bid, bid + 0.0001).await.unwrap();
    quote(1.1).await;
    let closed = ticket(&session.open("symbol=EURUSD&operation=Buy&volume=1").await);
    world.control.advance(MINUTE).await.unwrap();
    for bid in [1.1101, 1.0951, 1.1] {
        quote(bid).await;
    }
    world.control.advance(2 * MINUTE + Duration::from_secs(10)).await.unwrap();
    quote(1.1051).await;
    session.json("OrderClose", &format!("ticket={closed}")).await;
    let open = ticket(&session.open("symbol=EURUSD&operation=Sell&volume=0.1").await);
    world.control.advance(Duration::from_secs(5)).await.unwrap();
    quote(1.1041).await;
    let extremes = eventually("the open position has gained", async || {
        let extremes = session.json("TradeUnrealizedPL", ALL).await;
        (extremes[1]["maxUnrealizedPL"] == 9).then_some(extremes)
    })
    .await;
    let expected = json!([
        {
            "ticket": closed, "symbol": "EURUSD",
            "maxUnrealizedTime": "2035-01-31T10:01:00", "maxUnrealizedPL": 1000,
            "minUnrealizedTime": "2035-01-31T10:01:00", "minUnrealizedPL": -500,
        },
        {
            "ticket": open, "symbol": "EURUSD",
            "maxUnrealizedTime": "2035-01-31T10:03:15", "maxUnrealizedPL": 9,
            "minUnrealizedTime": "2035-01-31T10:03:10", "minUnrealizedPL": 0,
        },
    ]);
    assert_eq!(extremes, expected);
    let later = session.json("TradeUnrealizedPL", "from=2035-01-31T10:03:11").await;
    assert_eq!(later.as_array().unwrap().len(), 1, "what is open counts, what was closed before does not");
}

#[tokio::test]
async fn costs_count_and_parts_are_one_trade() {
    let world = world_at_ten().await;
    let account = broker::AccountSettings {
        login: 81,
        password: "demo".into(),
        group: r"demo\raw".into(),
        ..broker::AccountSettings::default()
    };
    world.control.add_account(account).await.unwrap();
    world.control.quote("EURUSD", 1.1, 1.1001).await.unwrap();
    let session = world.login_at(81, world.broker_addr).await;
    let position = ticket(&session.open("symbol=EURUSD&operation=Buy&volume=1").await);
    for bid in [1.1021, 1.1031] {
        world.control.quote("EURUSD", bid, bid + 0.0001).await.unwrap();
        session.json("OrderClose", &format!("ticket={position}&lots=0.5")).await;
    }
    // 20 and 30 pips of half a lot each, and 3.5 for every lot, in and out.
    let stats = session.json("TradeStats", ALL).await;
    let expected = [
        ("/trades", 1.0),
        ("/lots", 1.0),
        ("/comissions", -7.0),
        ("/summary/totalProfit", 243.0),
        ("/bestTrade/profit", 243.0),
        ("/pips", 25.0),
        ("/profitability/wonTrades", 1.0),
        ("/profitFactor", 1_000_000.0),
    ];
    has(&stats, &expected);
    assert_eq!(session.json("AccountSummary", "").await["balance"], 10_243);
}
