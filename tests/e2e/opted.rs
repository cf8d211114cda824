//! What clients opt for: tickets as texts, and times with a zone.

use serde_json::json;

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
