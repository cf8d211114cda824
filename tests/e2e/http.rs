//! How calls look from outside: names, arrays, accepted types, errors.

use serde_json::json;
use testkit::Events;

use crate::world::World;

#[tokio::test]
async fn a_text_is_quoted_only_for_those_who_want_json() {
    let world = World::start().await;
    let path = world.connect_path(crate::world::USD, "demo");
    let bare = world.http.get(&path).await.ok();
    for accept in ["*/*", "text/plain", "application/json, text/plain, */*"] {
        let reply = world.http.get_with(&path, &[("accept", accept)]).await.ok();
        assert_eq!(
            (reply.body.clone(), reply.header("content-type")),
            (bare.body.clone(), "text/plain; charset=utf-8"),
            "{accept}"
        );
    }
    for accept in ["application/json", "text/json"] {
        let reply = world.http.get_with(&path, &[("accept", accept)]).await.ok();
        assert_eq!(reply.json(), json!(bare.body));
        assert_eq!(reply.header("content-type"), format!("{accept}; charset=utf-8"));
    }
}

/// In a header the token is in no log of addresses.
#[tokio::test]
async fn a_token_in_the_header_serves_calls_and_streams() {
    let world = World::start().await;
    let session = world.login().await;
    let bearer = format!("Bearer {}", session.token);
    let call = async |path: &str| world.http.get_with(path, &[("Authorization", &bearer)]).await;
    assert_eq!(call("/AccountSummary").await.ok().json()["currency"], "USD");
    let stream = |query: &str| format!("ws://{}/OnOrderUpdate{query}", world.http.address());
    let mut updates = Events::open_as(&stream(""), &session.token).await;
    let mut dressed = Events::open_as(&stream("?ticketsAsText=true"), &session.token).await;
    let opened = call("/OrderSend?symbol=EURUSD&operation=Buy&volume=0.1").await.ok().json();
    let update = updates.next().await;
    assert_eq!((&update["id"], &update["type"]), (&json!(session.token), &json!("OrderUpdate")), "{update}");
    assert_eq!(update["data"]["update"]["order"]["ticket"], opened["ticket"], "{update}");
    let update = dressed.next().await;
    let text = json!(opened["ticket"].to_string());
    assert_eq!(update["data"]["update"]["order"]["ticket"], text, "{update}");
    // The address wins, and a token that is none is one nowhere.
    assert_eq!(call("/AccountSummary?id=none").await.refused(), "INVALID_TOKEN");
    let none = world.http.get_with("/AccountSummary", &[("Authorization", "Bearer none")]).await;
    assert_eq!(none.refused(), "INVALID_TOKEN");
    assert_eq!(Events::open_as(&stream(""), "none").await.next().await["type"], "IdNotExist");
}

#[tokio::test]
async fn an_object_is_json_for_everyone() {
    let world = World::start().await;
    let session = world.login().await;
    for accept in ["text/plain", "*/*", "application/json"] {
        let path = format!("/AccountSummary?id={}", session.token);
        let reply = world.http.get_with(&path, &[("accept", accept)]).await.ok();
        assert_eq!(reply.json()["currency"], "USD", "{accept}");
        assert_eq!(reply.header("content-type"), "application/json; charset=utf-8");
        assert_eq!(reply.header("x-sync"), "synced");
        assert!(reply.header("x-as-of").parse::<u64>().is_ok(), "{:?}", reply.headers);
    }
}

#[tokio::test]
async fn names_have_no_case_and_unknown_ones_do_no_harm() {
    let world = World::start().await;
    let token = world.login().await.token;
    for path in ["/accountsummary", "/ACCOUNTSUMMARY", "/AccountSummary"] {
        let reply = world.http.get(&format!("{path}?ID={token}&page=2&whatever")).await.ok();
        assert_eq!(reply.json()["currency"], "USD");
    }
    let order =
        format!("/ordersend?Id={token}&SYMBOL=EURUSD&Operation=buy&Volume=0.1&expertId=5&StopLoss=1.05");
    let order = world.http.get(&order).await.ok().json();
    assert_eq!((&order["expertId"], &order["stopLoss"]), (&json!(5), &json!(1.05)));
}

#[tokio::test]
async fn lists_come_in_three_shapes() {
    let world = World::start().await;
    let session = world.login().await;
    let shapes = [
        "symbols=EURUSD&symbols=USDJPY",
        "symbols[0]=EURUSD&symbols[1]=USDJPY",
        "symbols%5B0%5D=EURUSD&symbols%5B1%5D=USDJPY",
        "symbols=EURUSD,USDJPY",
    ];
    for shape in shapes {
        let quotes = session.json("GetQuoteMany", shape).await;
        let names: Vec<_> = quotes.as_array().unwrap().iter().map(|quote| &quote["symbol"]).collect();
        assert_eq!(names, ["EURUSD", "USDJPY"], "{shape}");
    }
}

#[tokio::test]
async fn what_is_not_a_call_is_told() {
    let world = World::start().await;
    for path in ["/OpenOrders", "/Positions", "/PendingOrders", "/nothing/at/all"] {
        let reply = world.http.get(path).await;
        assert_eq!(reply.status, 404, "{path}");
        assert!(
            reply.json()["message"].as_str().is_some_and(|text| text.contains("index.html")),
            "{reply:?}"
        );
    }
    assert_eq!(world.http.get("/AccountSummary").await.refused(), "NULL_ARGUMENT");
    assert_eq!(world.http.get("/AccountSummary?id=nobody").await.refused(), "INVALID_TOKEN");
}

#[tokio::test]
async fn a_stream_without_an_upgrade_explains_itself() {
    let world = World::start().await;
    for path in ["/OnQuote", "/onorderprofit", "/Events", "/OnOrderUpdate", "/OnTickHistory"] {
        let reply = world.http.get(&format!("{path}?id=x")).await;
        assert_eq!(reply.refused(), "METHOD_NOT_SUPPORTED");
        assert!(
            reply.body.contains("WebSocket") && reply.body.contains("/static/EventsTest.html?id=x"),
            "{reply:?}"
        );
    }
    let page = world.http.get_with("/OnQuote?id=x", &[("accept", "text/html")]).await.ok();
    assert!(page.body.contains("/static/EventsTest.html?id=x"), "{page:?}");
}

#[tokio::test]
async fn service_calls_need_no_session() {
    let world = World::start().await;
    assert_eq!(world.http.get("/Ping").await.ok().body, "OK");
    assert_eq!(world.http.get("/Version").await.ok().body, env!("CARGO_PKG_VERSION"));
    let root = world.http.get("/").await;
    assert_eq!((root.status, root.header("location")), (301, "/index.html"));
    assert_eq!(world.http.get("/healthz").await.status, 200);
    assert!(world.http.get("/ReadMe").await.ok().header("content-type").starts_with("text/html"));
}

#[tokio::test]
async fn a_socket_with_an_unknown_token_is_told_so() {
    let world = World::start().await;
    let mut events = Events::open(&format!("ws://{}/OnQuote?id=nobody", world.http.address())).await;
    let envelope = events.next().await;
    assert_eq!((&envelope["type"], &envelope["id"]), (&json!("IdNotExist"), &json!("nobody")));
    assert_eq!(events.end().await, testkit::Ended::Closed(api::close::UNKNOWN_TOKEN));
}
