//! Prices, books and bars on the wire.

use std::collections::BTreeMap;

use wire::records as w;
use wire::{Command, Payload, code, pushes, requests};

use super::client::{Client, buy};
use super::{NOON_S, quoted, start};
use crate::Settings;
use crate::catalogue::{Catalogue, MarketHours};

fn id(name: &str) -> u32 {
    Catalogue::built_in(MarketHours::Always).by_name(name).unwrap().id.0
}

#[tokio::test]
async fn subscribers_get_a_first_price_and_then_each_change() {
    let broker = quoted().await;
    let control = broker.control();
    let mut client = Client::login(broker.addr(), 1_000_001, "demo").await;
    let eurusd = id("EURUSD");
    let ids = w::SymbolIds(vec![eurusd, 9999]);
    client.ask::<requests::SubscribeTicks>(&ids).await.unwrap();
    let first = client.push::<pushes::Ticks>().await.0;
    assert_eq!((first.len(), first[0].symbol_id, first[0].fields), (1, eurusd, 3));
    assert_eq!((first[0].bid, first[0].ask), (110_000.0, 110_010.0));
    let details = client.push::<pushes::SymbolDetails>().await.0;
    assert_eq!((details[0].bid_last, details[0].bid_high, details[0].digits), (110_000.0, 110_000.0, 5));
    control.quote("USDJPY", 151.0, 151.01).await.unwrap();
    control.quote("EURUSD", 1.1005, 1.10061).await.unwrap();
    let tick = client.push::<pushes::Ticks>().await.0.remove(0);
    assert_eq!((tick.symbol_id, tick.bid, tick.ask), (eurusd, 110_050.0, 110_061.0));
    // Subscribed again, nothing is new; then nothing at all.
    client.ask::<requests::SubscribeTicks>(&ids).await.unwrap();
    client.ask::<requests::SubscribeTicks>(&w::SymbolIds(vec![])).await.unwrap();
    control.quote("EURUSD", 1.2, 1.2001).await.unwrap();
    client.ask_raw(Command::Ping.number(), vec![]).await;
    assert!(client.kept().iter().all(|command| *command == 17), "{:?}", client.kept());
}

#[tokio::test]
async fn books_come_whole_and_lose_what_was_taken() {
    let broker = quoted().await;
    let mut client = Client::login(broker.addr(), 1_000_001, "demo").await;
    let ids = w::SymbolIds(vec![id("AAPL"), id("EURUSD")]);
    client.ask::<requests::SubscribeBook>(&ids).await.unwrap();
    let books = client.push::<pushes::Books>().await.0;
    let levels = &books[0].levels;
    assert_eq!((books.len(), books[0].head.book_flags, levels.len()), (1, 2, 20));
    let best = |side: u8| {
        let prices = levels.iter().filter(|level| level.book_type == side).map(|level| level.price);
        if side == 1 { prices.min() } else { prices.max() }
    };
    assert_eq!((best(1), best(2)), (Some(23_002), Some(23_000)));
    let request = w::TradeRequest { trade_action: 4, ..buy("AAPL", 1000) };
    let done = client.trade(&request).await;
    assert_eq!((done.retcode, done.price), (10009, 230.02));
    broker.control().quote("AAPL", 231.0, 231.02).await.unwrap();
    assert_eq!(client.push::<pushes::Books>().await.0[0].levels.len(), 20);
}

#[tokio::test]
async fn the_walk_ticks_and_its_times_rise() {
    let broker = start(Settings::default()).await;
    let mut client = Client::login(broker.addr(), 1_000_001, "demo").await;
    let ids: Vec<u32> = (1..=27).collect();
    client.ask::<requests::SubscribeTicks>(&w::SymbolIds(ids)).await.unwrap();
    let mut last: BTreeMap<u32, (i32, u32)> = BTreeMap::new();
    let mut count = 0;
    while count < 60 {
        for tick in client.push::<pushes::Ticks>().await.0 {
            let time = (tick.tick_time, tick.time_ms_delta);
            assert!(tick.ask > tick.bid && last.get(&tick.symbol_id).is_none_or(|before| *before <= time));
            last.insert(tick.symbol_id, time);
            count += 1;
        }
    }
    assert_eq!(last.len(), 27);
}

#[tokio::test]
async fn bars_are_answered_in_order_while_pings_overtake_them() {
    let broker = quoted().await;
    let mut client = Client::login(broker.addr(), 1_000_001, "demo").await;
    let bars = |symbol: &str, period: u16, from: i64| {
        let from = i32::try_from(from).unwrap();
        w::BarsRequest { symbol: symbol.into(), period, from, to: i32::MAX }.to_bytes()
    };
    let asked = [
        client.send(11, bars("EURUSD", 16408, 0)).await,
        client.send(11, bars("NOSUCH", 16408, 0)).await,
        client.send(11, bars("EURUSD", 2, 0)).await,
        client.send(11, bars("EURJPY", 1, NOON_S - 7200)).await,
    ];
    client.ask_raw(Command::Ping.number(), vec![]).await;
    let mut codes = Vec::new();
    for prefix in asked {
        let answer = client.response(11).await;
        assert_eq!(answer.prefix, prefix);
        codes.push((answer.code, answer.body.len() / 48));
    }
    // EURUSD has a live minute, today's bar holds it.
    assert_eq!(codes[0], (code::SUCCESS, 732));
    assert_eq!((codes[1], codes[2]), ((code::INTERNAL_ERROR, 0), (code::INTERNAL_ERROR, 0)));
    assert_eq!(codes[3], (code::SUCCESS, 119));
}

#[tokio::test]
async fn tick_files_are_replayed_and_bad_ones_are_named() {
    let dir = std::env::temp_dir().join(format!("mt5rest-broker-replay-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("EURUSD_ticks.csv");
    let good = "2019.01.01\t23:00:00.000\t1.5\t1.5001\t\t\t6\n";
    std::fs::write(&file, good).unwrap();
    let settings = || Settings { feed: crate::Feed::Replay(dir.clone()), ..Settings::default() };
    let broker = start(settings()).await;
    let mut client = Client::login(broker.addr(), 1_000_001, "demo").await;
    client.ask::<requests::SubscribeTicks>(&w::SymbolIds(vec![id("EURUSD")])).await.unwrap();
    assert_eq!(client.push::<pushes::Ticks>().await.0[0].bid, 150_000.0);

    std::fs::write(&file, format!("{good}nonsense\n")).unwrap();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let error = crate::Broker::start(listener, settings()).unwrap_err().to_string();
    assert!(error.contains("EURUSD_ticks.csv, line 2"), "{error}");
    std::fs::remove_dir_all(&dir).unwrap();
}
