//! Holidays on the wire and in the charts.

use std::time::Duration;

use model::ServerTime;
use wire::records as w;
use wire::{Bare, Command, Payload};

use super::client::{Client, buy};
use super::{NOON_S, by_hand, start};
use crate::catalogue::{Holiday, MarketHours};
use crate::{Clock, Control, ControlError, HolidayError, Settings, StartError};

const USD: u64 = 1_000_001;
const DAY_S: i64 = 86_400;

fn holiday(symbols: &str, date: &str) -> Holiday {
    Holiday { symbols: symbols.into(), date: date.parse().unwrap(), sessions: Vec::new() }
}

async fn is_open(control: &Control, symbol: &str) -> bool {
    control.symbol(symbol).await.unwrap().is_open
}

#[tokio::test]
async fn a_day_is_closed_and_opened_again_without_other_hours() {
    let settings = Settings { holidays: vec![holiday("Crypto\\*", "2026-11-22")], ..by_hand() };
    let broker = start(settings).await;
    let control = broker.control();
    control.quote("EURUSD", 1.1, 1.1001).await.unwrap();
    let mut client = Client::login(broker.addr(), USD, "demo").await;
    assert!(!is_open(&control, "BTCUSD").await && is_open(&control, "EURUSD").await);
    let id = control.add_holiday(holiday("EURUSD", "2026-11-22")).await.unwrap();
    assert_eq!(client.trade(&buy("EURUSD", 10)).await.retcode, 10018);
    assert!(!client.kept().contains(&Command::SymbolUpdate.number()), "what clients know has not changed");
    // An operator's hours are those of other days.
    control.open_market("EURUSD", true).await.unwrap();
    assert!(!is_open(&control, "EURUSD").await);
    control.remove_holiday(id).await.unwrap();
    assert_eq!(client.trade(&buy("EURUSD", 10)).await.retcode, 10009);
    assert!(matches!(control.remove_holiday(id).await, Err(ControlError::NoHoliday)));
    let known = control.holidays().await.unwrap();
    assert_eq!((known.len(), known[0].holiday.symbols.as_str()), (1, "Crypto\\*"));
    control.advance(Duration::from_hours(12)).await.unwrap();
    assert!(is_open(&control, "BTCUSD").await, "the next day");
}

#[tokio::test]
async fn holidays_that_cannot_be_are_refused() {
    let broker = start(by_hand()).await;
    let control = broker.control();
    let of = |symbols: &str, sessions: &[(u16, u16)]| Holiday {
        sessions: sessions.to_vec(),
        ..holiday(symbols, "2026-12-24")
    };
    for (holiday, wrong) in [
        (of("NOPE", &[]), HolidayError::Symbols),
        (of("*", &[(60, 60)]), HolidayError::Sessions),
        (of("*", &[(0, 1441)]), HolidayError::Sessions),
    ] {
        let refused = control.add_holiday(holiday.clone()).await;
        assert!(matches!(refused, Err(ControlError::Holiday(error)) if error == wrong), "{refused:?}");
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let settings = Settings { holidays: vec![holiday], ..by_hand() };
        let refused = crate::Broker::start(listener, settings).map(drop);
        assert!(matches!(refused, Err(StartError::Holidays(error)) if error == wrong));
    }
}

#[tokio::test]
async fn charts_have_no_bars_of_holidays_and_of_hours_that_were_closed() {
    // 2026-12-28, a Monday, at noon.
    let clock = Clock::Manual(ServerTime::from_parts(NOON_S - NOON_S % DAY_S + 36 * DAY_S + DAY_S / 2, 0));
    let broker = start(Settings { clock, market_hours: MarketHours::Real, ..by_hand() }).await;
    let control = broker.control();
    let mut client = Client::login(broker.addr(), USD, "demo").await;
    let days = async |client: &mut Client<_>, symbol: &str| {
        let range =
            w::BarsRequest { symbol: symbol.into(), period: 16_408, from: 1_797_984_000, to: i32::MAX };
        let answer = client.ask_raw(Command::Bars.number(), range.to_bytes()).await;
        let bars = Bare::<w::Bar>::from_bytes(&answer.body).unwrap().0;
        let day = |bar: &w::Bar| chrono::DateTime::from_timestamp(bar.time.into(), 0).unwrap();
        bars.iter().map(|bar| day(bar).format("%d").to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(days(&mut client, "AAPL").await, "23 24");
    // Christmas is over at ten at night by UTC, but then it is the weekend.
    assert_eq!(days(&mut client, "EURUSD").await, "23 24 27 28");
    control.add_holiday(holiday("AAPL", "2026-12-23")).await.unwrap();
    assert_eq!(days(&mut client, "AAPL").await, "24");
    control.open_market("AAPL", true).await.unwrap();
    assert_eq!(days(&mut client, "AAPL").await, "24 25 26 27 28");
}
