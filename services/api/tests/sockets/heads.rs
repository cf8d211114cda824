//! What monitors and caches see: HEAD, and how long an answer holds.

use api::Settings;
use calls::{AnyCall, CallSpec, FrontCall};
use schemars::SchemaGenerator;

use crate::backend::{TOKEN, World};

fn every_call() -> Vec<CallSpec> {
    let mut schemas = SchemaGenerator::default();
    let mut calls = AnyCall::specs(&mut schemas);
    FrontCall::describe(&mut schemas, &mut calls);
    calls
}

#[tokio::test]
async fn head_tells_of_every_read_what_get_does_and_changes_nothing() {
    let world = World::start().await;
    for call in every_call() {
        for name in call.names {
            let path = format!("/{name}?id={TOKEN}&symbol=EURUSD");
            let begun = world.desk.asks.lock().unwrap().len();
            let head = world.send("HEAD", &path, &[], "").await;
            assert_eq!(head.body, "", "{path}");
            if call.policy.only_reads() && !call.policy.posted {
                let get = world.get(&path).await;
                let same = |headers: &std::collections::HashMap<String, String>| {
                    let mut headers = headers.clone();
                    headers.remove("date");
                    headers
                };
                assert_eq!((head.status, same(&head.headers)), (get.status, same(&get.headers)), "{path}");
                assert_eq!(head.header("content-length"), get.body.len().to_string(), "{path}");
            } else {
                assert_eq!(head.status, 405, "{path}");
                assert!(!head.header("allow").contains("HEAD"), "{path}");
                assert_eq!(world.desk.asks.lock().unwrap().len(), begun, "{path} was begun");
            }
        }
    }
}

#[tokio::test]
async fn head_tells_of_streams_and_documents_what_get_does() {
    let world = World::start().await;
    for path in ["/OnQuote", "/Events", "/readyz", "/healthz", "/index.html", "/swagger/v1/swagger.json"] {
        let (head, get) = (world.send("HEAD", path, &[], "").await, world.get(path).await);
        assert_eq!((head.status, head.body.as_str()), (get.status, ""), "{path}");
        for name in ["content-type", "content-length", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
    }
}

#[tokio::test]
async fn nothing_about_an_account_is_kept_by_caches() {
    let world = World::with(Settings { query_bytes_max: 64, ..Settings::default() }).await;
    let long = format!("/GetQuote?id={}", "x".repeat(100));
    let cases = [
        ("GET", "/Ping", 200),
        ("GET", "/OpenedOrders?id=nobody", 201),
        ("GET", "/OpenedOrders?id=nobody&errorReplyStatusCode=400", 400),
        ("GET", "/no-such-call", 404),
        ("GET", &long, 414),
        ("POST", "/OrderSend", 405),
        ("POST", "/OrderSendSafe", 405),
        ("GET", "/OnQuote?id=x", 201),
        ("OPTIONS", "/OrderSend", 204),
        ("GET", "/readyz", 200),
        ("GET", "/static/EventsTest.html", 200),
    ];
    for (method, path, status) in cases {
        let reply = world.send(method, path, &[], "").await;
        assert_eq!((reply.status, reply.header("cache-control")), (status, "no-store"), "{method} {path}");
    }
    // The parts of the call browser are the same until the next build.
    assert_eq!(world.get("/swagger-ui.css").await.header("cache-control"), "max-age=3600");
}

#[tokio::test]
async fn what_the_http_library_refuses_by_itself_comes_with_words() {
    let world = World::start().await;
    for length in [70_000, 500_000] {
        let long = "x".repeat(length);
        let reply = world.get(&format!("/GetQuote?id={long}")).await;
        // The library gives up on the line, or on all that it has read so far.
        assert!([414, 431].contains(&reply.status) && reply.code() == "INVALID_DATA", "{reply:?}");
        assert_eq!(reply.header("cache-control"), "no-store");
    }
    let reply = world.get_with("/Ping", &[("X-Long", &"x".repeat(500_000))]).await;
    assert_eq!((reply.status, reply.code().as_str()), (431, "INVALID_DATA"));
    let reply = world.send("GET", "/Ping", &[("Not a name", "x")], "").await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "INVALID_DATA"));
}
