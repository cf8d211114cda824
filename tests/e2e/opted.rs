//! What clients opt for: tickets as texts, and times with a zone.

use broker::{Daylight, DaylightOrder};
use calls::{ServerClock, ServerTime, UtcTime};
use serde_json::{Value, json};
use testkit::eventually;

use crate::world::{World, manual, ticket};

#[tokio::test]
async fn tickets_come_as_texts_and_times_with_their_zone_for_who_asks() {
    let zone = broker::Settings { zone: broker::Zone::fixed(7200), ..manual() };
    let world = World::with(zone).await;
    world.quotes().await;
    let session = world.login().await;
    let both = "ticketsAsText=true&zoned=true";
    let plain = session.open("symbol=EURUSD&operation=Buy&volume=0.1").await;
    let number = ticket(&plain);
    let listed = session.json("OpenedOrders", both).await;
    assert_eq!(listed[0]["ticket"], json!(number.to_string()), "{listed}");
    assert_eq!(
        listed[0]["openTime"],
        json!(format!("{}+02:00", plain["openTime"].as_str().unwrap())),
        "{listed}"
    );
    assert_eq!(listed[0]["closeTime"], "0001-01-01T00:00:00", "no date has no zone");
    assert_eq!(session.json("OpenedOrdersTickets", both).await, json!([number.to_string()]));
    let mut updates = session.stream_with("OnOrderUpdate", both).await;
    let mut usual = session.stream("OnOrderUpdate").await;
    session.json("OrderModify", &format!("ticket={number}&stoploss=1.0")).await;
    let (dressed, usual) = (updates.next().await, usual.next().await);
    assert_eq!(dressed["data"]["openedOrders"][0]["ticket"], json!(number.to_string()), "{dressed}");
    let time = dressed["data"]["openedOrders"][0]["openTime"].as_str().unwrap();
    assert!(time.ends_with("+02:00"), "{dressed}");
    assert_eq!(usual["data"]["openedOrders"][0]["ticket"], number, "others see no difference: {usual}");
    // A date with a zone is an instant: as text of UTC it is two hours behind the server's clock.
    let order = "symbol=EURUSD&operation=BuyLimit&volume=0.1&price=1.05&expiration=2090-01-31T10:00:00";
    let pending = session.open(&format!("{order}Z&{both}")).await;
    assert_eq!(pending["expirationTime"], "2090-01-31T12:00:00+02:00", "{pending}");
    assert_eq!(session.open(&format!("{order}Z")).await["expirationTime"], "2090-01-31T10:00:00");
    assert_eq!(
        session.open(&format!("{order}%2B05:00&zoned=true")).await["expirationTime"],
        "2090-01-31T07:00:00+02:00"
    );
    let refused = session.refused("OrderSend", &format!("{order}%2B99:00&zoned=true")).await;
    assert_eq!(refused, "INVALID_PARAM");
}

/// The server's clock is set while a session lives: what was before keeps the zone that it had.
#[tokio::test]
async fn times_have_the_zone_of_their_time_when_the_clock_was_set() {
    let world = World::start().await;
    let session = world.login().await;
    let old = session.open("symbol=EURUSD&operation=Buy&volume=0.1").await;
    let zone_of = async |order: &Value| {
        let query = format!("ticket={}&zoned=true", ticket(order));
        let shown = session.json("OpenedOrder", &query).await;
        let time = shown["openTime"].as_str().unwrap().to_owned();
        let plain = order["openTime"].as_str().unwrap();
        let instant = ServerTime::parse_zoned(&time, ServerClock::default()).unwrap();
        assert_eq!(json!(instant.as_ms()), order["openTimestampUTC"], "{shown}");
        time.strip_prefix(plain).unwrap_or_else(|| panic!("{time} is not {plain}")).to_owned()
    };
    assert_eq!(zone_of(&old).await, "+00:00");

    let on = DaylightOrder { mode: Daylight::On, silent: false };
    world.control.set_daylight(on).await.unwrap();
    eventually("the account is told", async || (session.json("ServerTimezone", "").await == 1).then_some(()))
        .await;
    let new = session.open("symbol=EURUSD&operation=Buy&volume=0.1").await;
    assert_eq!((zone_of(&old).await, zone_of(&new).await), ("+00:00".to_owned(), "+01:00".to_owned()));
    let clock = session.json("ServerClock", "").await;
    assert_eq!((&clock["minutesAhead"], &clock["earlier"][0]["minutesAhead"]), (&json!(60), &json!(0)));

    // Given instants are found on the clock of their time.
    for order in [&old, &new] {
        session.json("OrderClose", &format!("ticket={}", ticket(order))).await;
    }
    let utc = |order: &Value| UtcTime::from_ms(order["openTimestampUTC"].as_i64().unwrap()).to_string();
    let until = async |moment: &str| {
        let query = format!("from=2000-01-01T00:00:00Z&to={moment}&zoned=true&sort=OpenTime");
        let history = session.json("OrderHistory", &query).await;
        history["internalDeals"].as_array().map_or(0, Vec::len)
    };
    let ends = (until(&utc(&old)).await, until(&utc(&new)).await, until("9999-12-31T23:59:59Z").await);
    assert!(ends.0 < ends.1 && ends.1 <= ends.2, "{ends:?}");
}
