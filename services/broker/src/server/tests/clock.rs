//! A server clock with daylight saving time.

use std::time::Duration;

use model::ServerTime;
use testkit::eventually;
use wire::records as w;
use wire::{Bare, Command, Empty, Payload, pushes, requests};

use super::client::{Client, buy};
use super::{by_hand, start};
use crate::catalogue::{Catalogue, MarketHours};
use crate::{Clock, Control, Daylight, DaylightOrder, Feed, Settings, Zone};

const USD: u64 = 1_000_001;
/// 2026-03-08 and 2026-11-01, at which New York begins and ends it, at the hour of the server's that is the last before.
const SPRING_S: i64 = 1_772_928_000 + 8 * 3600;
const AUTUMN_S: i64 = 1_793_491_200 + 8 * 3600;
const MINUTE: Duration = Duration::from_mins(1);

/// A broker of New York's close, so many minutes after such an hour began.
fn after(hour_s: i64, minutes: i64) -> Settings {
    let clock = Clock::Manual(ServerTime::from_parts(hour_s + minutes * 60, 0));
    Settings { zone: Zone::NEW_YORK_CLOSE, clock, ..by_hand() }
}

fn id(name: &str) -> u32 {
    Catalogue::built_in(MarketHours::Always).by_name(name).unwrap().id.0
}

async fn quoted(settings: Settings) -> (Control, Client, crate::Broker) {
    let broker = start(settings).await;
    let control = broker.control();
    control.quote("EURUSD", 1.1, 1.1001).await.unwrap();
    let mut client = Client::login(broker.addr(), USD, "demo").await;
    client.ask::<requests::SubscribeTicks>(&w::SymbolIds(vec![id("EURUSD")])).await.unwrap();
    client.push::<pushes::Ticks>().await;
    (control, client, broker)
}

async fn daylight(control: &Control, mode: Daylight, silent: bool) {
    control.set_daylight(DaylightOrder { mode, silent }).await.unwrap();
}

/// The zone as the account is told, when it asks.
async fn told(client: &mut Client) -> (i32, i8) {
    let main = client.ask::<requests::Account>(&Empty).await.unwrap().main;
    (main.timezone_shift, main.daylightmode)
}

#[tokio::test]
async fn the_clock_is_set_by_the_calendar_and_accounts_are_told_before_they_see_it() {
    for (hour_s, before, after_it, by_s) in [(SPRING_S, 0, 1, 3600), (AUTUMN_S, 1, 0, -3600)] {
        let (control, mut client, _broker) = quoted(after(hour_s, 59)).await;
        assert_eq!(told(&mut client).await, (7200, before));
        control.advance(2 * MINUTE).await.unwrap();
        control.quote("EURUSD", 1.2, 1.2001).await.unwrap();
        let pushed = client.push::<pushes::AccountUpdate>().await.main;
        assert_eq!((pushed.timezone_shift, pushed.daylightmode), (7200, after_it));
        let tick = client.push::<pushes::Ticks>().await.0.remove(0);
        assert_eq!(i64::from(tick.tick_time), hour_s + 61 * 60 + by_s);
        assert_eq!(told(&mut client).await, (7200, after_it));
        let done = client.trade(&buy("EURUSD", 10)).await;
        assert_eq!((done.retcode, i64::from(done.res_time)), (10009, hour_s + 61 * 60 + by_s));
    }
}

#[tokio::test]
async fn minutes_that_come_twice_are_one_bar_each() {
    // The broker began within the hour that comes again.
    let (control, mut client, _broker) = quoted(after(AUTUMN_S, 50)).await;
    for (minutes, bid) in [(8, 1.3), (12, 1.4), (49, 1.5), (2, 1.6)] {
        control.advance(minutes * MINUTE).await.unwrap();
        control.quote("EURUSD", bid, bid + 0.001).await.unwrap();
    }
    let range = w::BarsRequest {
        symbol: "EURUSD".into(),
        period: 1,
        from: i32::try_from(AUTUMN_S).unwrap(),
        to: i32::try_from(AUTUMN_S + 7200).unwrap(),
    };
    let answer = client.ask_raw(Command::Bars.number(), range.to_bytes()).await;
    let bars = Bare::<w::Bar>::from_bytes(&answer.body).unwrap().0;
    assert!(bars.windows(2).all(|pair| pair[0].time < pair[1].time));
    let at = |minute: i64| {
        bars.iter().find(|bar| i64::from(bar.time) == AUTUMN_S + minute * 60).map(|bar| (bar.open, bar.close))
    };
    // Quoted at 8:50, 8:58, then 8:10, 8:59 and 9:01 by the clock; what was before the start is made up.
    assert_eq!((at(50), at(58)), (Some((1.1, 1.1)), Some((1.3, 1.3))));
    assert_eq!(at(10).unwrap().1, 1.4);
    assert_eq!((at(59), at(61)), (Some((1.5, 1.5)), Some((1.6, 1.6))));
    assert!((0..50).all(|minute| at(minute).is_some()), "no hole before the start");
    // What is quoted once more is added to its minute.
    let (control, mut client, _broker) = quoted(after(AUTUMN_S, 50)).await;
    control.advance(60 * MINUTE).await.unwrap();
    control.quote("EURUSD", 1.3, 1.301).await.unwrap();
    let answer = client.ask_raw(Command::Bars.number(), range.to_bytes()).await;
    let bars = Bare::<w::Bar>::from_bytes(&answer.body).unwrap().0;
    let bar = bars.iter().find(|bar| i64::from(bar.time) == AUTUMN_S + 50 * 60).unwrap();
    assert_eq!((bar.open, bar.high, bar.low, bar.close, bar.tick_volume), (1.1, 1.3, 1.1, 1.3, 2));
}

#[tokio::test]
async fn the_walk_goes_on_evenly_through_the_change() {
    let (control, mut client, _broker) = quoted(Settings { feed: Feed::Walk, ..after(AUTUMN_S, 59) }).await;
    let mut before = None;
    let mut steps = 0;
    for _ in 0..180 {
        control.advance(Duration::from_secs(1)).await.unwrap();
    }
    let mut last = w::Tick::default();
    eventually("the clock shows the minute again", async || {
        for tick in client.push::<pushes::Ticks>().await.0 {
            if let Some(bid) = before.replace(tick.bid) {
                assert!((tick.bid - bid).abs() < 100.0, "a jump of {} points", tick.bid - bid);
            }
            steps += i32::from(tick.tick_time < last.tick_time);
            last = tick;
        }
        (steps > 0 && i64::from(last.tick_time) >= AUTUMN_S + 110).then_some(())
    })
    .await;
    assert_eq!(steps, 1);
}

#[tokio::test]
async fn operators_set_the_clock_aloud_or_silently() {
    let (control, mut client, _broker) = quoted(by_hand()).await;
    let shown = async || control.clock().await.unwrap();
    assert_eq!((shown().await.time.as_str(), shown().await.zone.as_str()), ("2026-11-22T13:47:12.000", "0"));
    daylight(&control, Daylight::On, false).await;
    assert_eq!(client.push::<pushes::AccountUpdate>().await.main.daylightmode, 1);
    assert_eq!(shown().await.time, "2026-11-22T14:47:12.000");
    daylight(&control, Daylight::Off, true).await;
    let view = shown().await;
    assert_eq!(
        (view.time.as_str(), view.ahead_minutes, view.told_ahead_minutes),
        ("2026-11-22T13:47:12.000", 0, 60)
    );
    control.quote("EURUSD", 1.3, 1.301).await.unwrap();
    let time = client.push::<pushes::Ticks>().await.0[0].tick_time;
    assert_eq!(i64::from(time), super::NOON_S, "nothing came before it but the tick");
    assert_eq!(told(&mut client).await, (0, 1), "a lie");
    daylight(&control, Daylight::Zone, false).await;
    assert_eq!(client.push::<pushes::AccountUpdate>().await.main.daylightmode, 0);
    // Nothing changes, so nobody is told.
    daylight(&control, Daylight::Off, false).await;
    assert_eq!(told(&mut client).await, (0, 0));
    assert!(!client.kept().contains(&Command::AccountUpdate.number()));
}

#[tokio::test]
async fn markets_keep_the_hours_of_the_places_where_they_are() {
    // UTC, and a clock that is set when New York's is not: 2026-10-30, a Friday, and 2026-11-02, the Monday after.
    let friday_s = 1_793_318_400;
    for zone in [Zone::UTC, "Europe/Athens".parse().unwrap(), Zone::NEW_YORK_CLOSE] {
        let clock = Clock::Manual(ServerTime::from_parts(friday_s, 0));
        let settings = Settings { zone, clock, market_hours: MarketHours::Real, ..by_hand() };
        let broker = start(settings).await;
        let control = broker.control();
        // To midnight UTC.
        let ahead = u64::try_from(control.clock().await.unwrap().ahead_minutes).unwrap();
        control.advance(Duration::from_mins(ahead)).await.unwrap();
        control.advance(Duration::from_mins(3 * 24 * 60)).await.unwrap();
        let is_open = async || control.symbol("AAPL").await.unwrap().is_open;
        // New York opens at half past nine; that is 14:30 UTC in winter.
        control.advance(Duration::from_mins(14 * 60 + 29)).await.unwrap();
        assert!(!is_open().await, "{zone}");
        control.advance(MINUTE).await.unwrap();
        let shown = control.clock().await.unwrap();
        assert!(is_open().await, "{zone}: {shown:?}");
        // An operator's hours are those of the server clock.
        control.open_market("AAPL", false).await.unwrap();
        daylight(&control, Daylight::On, false).await;
        assert!(!is_open().await);
        assert!(control.symbol("EURUSD").await.unwrap().is_open, "{zone}");
    }
}
