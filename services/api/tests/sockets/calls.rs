//! Calls: routes, dress, errors, limits.

use std::sync::atomic::Ordering;
use std::time::Duration;

use calls::{AnyCall, CallSpec, FrontCall};
use schemars::SchemaGenerator;

use crate::backend::{REMEMBERED, TOKEN, World, eventually};

const LOGIN: &str = "user=5&password=pa%20ss&host=localhost&port=443";

#[tokio::test]
async fn a_text_is_bare_unless_json_alone_is_accepted() {
    let world = World::start().await;
    let bare = (TOKEN.to_owned(), "text/plain; charset=utf-8");
    let json = format!("\"{TOKEN}\"");
    let cases = [
        (None, bare.clone()),
        (Some("*/*"), bare.clone()),
        (Some("application/json, text/plain, */*"), bare.clone()),
        (Some("text/plain"), bare),
        (Some("application/json"), (json.clone(), "application/json; charset=utf-8")),
        (Some("text/json"), (json, "text/json; charset=utf-8")),
    ];
    for (accept, (body, kind)) in cases {
        let headers: Vec<_> = accept.iter().map(|accept| ("Accept", *accept)).collect();
        let reply = world.get_with(&format!("/Connect?{LOGIN}"), &headers).await;
        assert_eq!(
            (reply.status, &reply.body, reply.header("content-type")),
            (200, &body, kind),
            "{accept:?}"
        );
    }
}

#[tokio::test]
async fn an_object_is_json_whatever_is_accepted() {
    let world = World::start().await;
    for accept in ["text/plain", "*/*", "application/json", "text/html"] {
        let reply = world.get_with(&format!("/OpenedOrdersTickets?id={TOKEN}"), &[("Accept", accept)]).await;
        assert_eq!((reply.status, reply.body.as_str()), (200, "[1,2]"));
        assert_eq!(reply.header("content-type"), "application/json; charset=utf-8");
    }
}

#[tokio::test]
async fn paths_and_names_match_in_any_case_and_content_types_of_gets_do_not_matter() {
    let world = World::start().await;
    for path in ["/openedorderstickets?ID=", "/OPENEDORDERSTICKETS/?unknown=1&Id="] {
        let reply = world.get_with(&format!("{path}{TOKEN}"), &[("Content-Type", "application/json")]).await;
        assert_eq!(reply.status, 200, "{reply:?}");
    }
}

#[tokio::test]
async fn reads_carry_their_age() {
    let world = World::start().await;
    let reply = world.get(&format!("/OpenedOrdersTickets?id={TOKEN}")).await;
    assert_eq!((reply.header("x-as-of"), reply.header("x-sync")), ("1700000000123", "synced"));
    assert!(reply.header("access-control-expose-headers").contains("X-As-Of"));
}

#[tokio::test]
async fn connect_calls_also_come_as_posts() {
    let world = World::start().await;
    let json = r#"{"User":5,"password":"pa ss","host":"localhost"}"#;
    let reply =
        world.send("POST", "/connect?port=443&user=6", &[("Content-Type", "application/json")], json).await;
    assert_eq!((reply.status, reply.body.as_str()), (200, TOKEN));
    assert_eq!(world.desk.asks.lock().unwrap().last().unwrap().params.get("user"), Some("5"));

    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let reply = world.send("POST", "/Connect", &form, LOGIN).await;
    assert_eq!(reply.status, 200);
    assert_eq!(world.desk.last_params()["password"], "pa ss");
}

#[tokio::test]
async fn other_methods_are_refused_so_that_nothing_trades_by_accident() {
    let world = World::start().await;
    for (method, path) in
        [("POST", "/OrderSend"), ("HEAD", "/OrderSend"), ("DELETE", "/Connect"), ("POST", "/Events")]
    {
        let reply = world.send(method, path, &[], "").await;
        assert_eq!(reply.status, 405, "{method} {path}");
        assert!(reply.header("allow").contains("GET"));
    }
    assert!(world.desk.asks.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_token_is_passed_on_as_it_came_and_no_limit_is_the_usual_one() {
    let world = World::start().await;
    for almost in [format!("{TOKEN}%20%0A"), format!("+{TOKEN}"), format!("%22{TOKEN}%22")] {
        let reply = world.get(&format!("/OpenedOrdersTickets?id={almost}")).await;
        assert_eq!(reply.code(), "INVALID_TOKEN", "{almost}");
    }
    world.get(&format!("/Connect?{LOGIN}&connectTimeoutSeconds=0")).await;
    let asks = world.desk.asks.lock().unwrap();
    assert!(asks.last().unwrap().deadline > std::time::Instant::now() + Duration::from_secs(10));
}

#[tokio::test]
async fn the_status_of_errors_can_be_chosen_and_is_remembered() {
    let world = World::start().await;
    let unknown = "/OpenedOrders?id=nobody";
    let reply = world.get(unknown).await;
    assert_eq!((reply.status, reply.code().as_str()), (201, "INVALID_TOKEN"));
    assert!(reply.body.contains("Client with id nobody not found"));
    let reply = world.get(&format!("{unknown}&ERRORreplyStatusCode=400")).await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "INVALID_TOKEN"));
    let reply = world.get(&format!("{unknown}&errorReplyStatusCode=99")).await;
    assert_eq!((reply.status, reply.code().as_str()), (201, "INVALID_PARAM"));
    let reply = world.get(&format!("/GetQuote?id={TOKEN}&symbol=X")).await;
    assert_eq!((reply.status, reply.code().as_str()), (REMEMBERED, "INVALID_SYMBOL"));
    let reply = world.get(&format!("/GetQuote?id={TOKEN}&symbol=X&errorReplyStatusCode=500")).await;
    assert_eq!(reply.status, 500);
}

#[tokio::test]
async fn every_call_answers_an_error_when_called_wrongly() {
    let world = World::start().await;
    world.desk.market.close();
    let mut specs: Vec<CallSpec> = AnyCall::specs(&mut SchemaGenerator::default());
    FrontCall::describe(&mut SchemaGenerator::default(), &mut specs);
    for spec in &specs {
        let method = if spec.policy.posted { "POST" } else { "GET" };
        for name in spec.names {
            let reply = world.send(method, &format!("/{name}"), &[], "").await;
            if spec.params.iter().any(|param| param.required) {
                assert_eq!((reply.status, reply.code().as_str()), (201, "NULL_ARGUMENT"), "{name}");
            }
            let garbage: Vec<String> =
                spec.params.iter().map(|p| format!("{}=%00%FF%E2%98%A0x", p.name)).collect();
            let path = format!("/{name}?{}", garbage.join("&"));
            let reply = world.send(method, &path, &[], "").await;
            if spec.params.iter().any(|param| param.required) {
                assert_eq!(reply.status, 201, "{name}");
                reply.code();
            }
        }
    }
}

#[tokio::test]
async fn requests_that_are_no_calls_get_plain_statuses() {
    let world = World::start().await;
    let reply = world.get("/Positions?id=1").await;
    assert_eq!((reply.status, reply.code().as_str()), (404, "NOT_FOUND"));
    let reply = world.get(&format!("/Ping?x={}", "x".repeat(40_000))).await;
    assert_eq!((reply.status, reply.code().as_str()), (414, "INVALID_DATA"));
    let reply = world.send("POST", "/Connect", &[], &"x".repeat(2_000)).await;
    assert_eq!((reply.status, reply.code().as_str()), (413, "INVALID_DATA"));
    let reply = world.send("POST", "/Connect", &[], r#"{"user":[[]]}"#).await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "INVALID_DATA"));
}

#[tokio::test]
async fn a_read_ends_when_its_client_hangs_up() {
    let world = World::start().await;
    let client = world.begin("GET", &format!("/GetQuote?id={TOKEN}&symbol=NEVER"), &[], "").await;
    eventually("the read is under way", || world.desk.readings.load(Ordering::SeqCst) == 1).await;
    drop(client);
    eventually("the read has ended", || world.desk.readings.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test]
async fn an_order_is_finished_although_its_client_hung_up() {
    let world = World::start().await;
    let path = format!("/OrderSendSafe?id={TOKEN}&symbol=EURUSD&operation=Buy&volume=0.01");
    let client = world.begin("GET", &path, &[("Idempotency-Key", "once-1")], "").await;
    eventually("the order is asked for", || !world.desk.asks.lock().unwrap().is_empty()).await;
    drop(client);
    world.desk.market.add_permits(1);
    eventually("the order is done", || world.desk.orders_done.load(Ordering::SeqCst) == 1).await;
    let asks = world.desk.asks.lock().unwrap();
    assert_eq!(asks[0].call.name(), "OrderSendSafe");
    assert_eq!(asks[0].id.as_deref(), Some(TOKEN));
    assert_eq!(asks[0].idempotency_key.as_deref(), Some("once-1"));
}

#[tokio::test]
async fn a_panic_of_the_backend_is_an_error_reply() {
    let world = World::start().await;
    let reply = world.get(&format!("/GetQuote?id={TOKEN}&symbol=PANIC")).await;
    assert_eq!((reply.status, reply.code().as_str()), (201, "DONE"));
    assert!(!reply.body.contains("asked to"));
}

#[tokio::test]
async fn the_server_stops_after_the_call_under_way_is_answered() {
    let world = World::start().await;
    let path = format!("/OrderSend?id={TOKEN}&symbol=EURUSD&operation=0&volume=1");
    let client = world.begin("GET", &path, &[], "").await;
    eventually("the order is asked for", || !world.desk.asks.lock().unwrap().is_empty()).await;
    let desk = std::sync::Arc::clone(&world.desk);
    let ((), ()) = tokio::join!(world.stop(), async { desk.market.add_permits(1) });
    assert_eq!(desk.orders_done.load(Ordering::SeqCst), 1);
    drop(client);
}
