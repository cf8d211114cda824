//! Clients that go by HTTP, and what every client learns of its orders.

use std::time::Duration;

use api::Settings;

use crate::backend::{TOKEN, World};

const STRICT: [(&str, &str); 1] = [("Accept", "application/problem+json")];

#[tokio::test]
async fn errors_have_the_status_of_their_code() {
    let world = World::start().await;
    let cases = [
        ("INVALID_PARAM", 400, false, ""),
        ("INVALID_ACCOUNT", 401, false, ""),
        ("INVESTOR_MODE", 403, false, ""),
        ("INVALID_TOKEN", 404, false, ""),
        ("DOUBLE_REQUEST", 409, false, ""),
        ("NO_MONEY", 422, false, ""),
        ("MARKET_CLOSED", 422, true, ""),
        ("TOO_MANY_TRADE_REQUESTS", 429, true, "1"),
        ("MAX_SESSIONS_REACHED", 429, true, "1"),
        ("DONE", 500, true, ""),
        ("METHOD_NOT_SUPPORTED", 501, false, ""),
        ("CONNECT_ERROR", 502, true, ""),
        ("SERVER_BUSY", 503, true, "1"),
        ("TIMEOUT", 504, true, ""),
    ];
    for (code, status, retryable, retry_after) in cases {
        let path = format!("/GetQuote?id={TOKEN}&symbol={code}");
        let reply = world.get_with(&path, &STRICT).await;
        let problem = reply.problem();
        assert_eq!((reply.status, &problem["code"]), (status, &code.into()));
        assert_eq!((&problem["retryable"], problem.get("outcome")), (&retryable.into(), None), "{code}");
        assert_eq!(reply.header("retry-after"), retry_after, "{code}");
        assert_eq!(reply.header("x-outcome"), "");
        // The same for clients of the known interface.
        let known = world.get(&path).await;
        assert_eq!((known.status, known.code().as_str(), known.header("retry-after")), (201, code, ""));
    }
}

#[tokio::test]
async fn only_who_names_problems_with_some_quality_gets_them() {
    let world = World::start().await;
    let path = format!("/GetQuote?id={TOKEN}&symbol=NO_MONEY");
    for accept in ["application/json, application/problem+json;q=0.1", "*/*,Application/Problem+Json"] {
        assert_eq!(world.get_with(&path, &[("Accept", accept)]).await.status, 422, "{accept}");
    }
    for accept in ["*/*", "application/json", "application/*", "application/problem+json;q=0, */*"] {
        let reply = world.get_with(&path, &[("Accept", accept)]).await;
        assert_eq!((reply.status, reply.code().as_str()), (201, "NO_MONEY"), "{accept}");
    }
}

#[tokio::test]
async fn a_success_is_dressed_by_the_rest_of_the_list() {
    let world = World::start().await;
    let cases = [
        ("application/problem+json", "\"1.2.3\"", "application/json; charset=utf-8"),
        ("application/problem+json, */*", "1.2.3", "text/plain; charset=utf-8"),
        ("application/problem+json, text/plain", "1.2.3", "text/plain; charset=utf-8"),
        ("text/json, application/problem+json", "\"1.2.3\"", "text/json; charset=utf-8"),
    ];
    for (accept, body, kind) in cases {
        let reply = world.get_with("/Version", &[("Accept", accept)]).await;
        assert_eq!((reply.status, reply.body.as_str(), reply.header("content-type")), (200, body, kind));
    }
}

#[tokio::test]
async fn a_chosen_status_does_not_count() {
    let world = World::start().await;
    for (symbol, chosen) in [("X", ""), ("X", "&errorReplyStatusCode=418"), ("X", "&errorReplyStatusCode=no")]
    {
        let path = format!("/GetQuote?id={TOKEN}&symbol={symbol}{chosen}");
        let reply = world.get_with(&path, &STRICT).await;
        assert_eq!((reply.status, &reply.problem()["code"]), (404, &"INVALID_SYMBOL".into()), "{chosen}");
    }
}

#[tokio::test]
async fn requests_that_are_no_calls_keep_their_status() {
    let world =
        World::with(Settings { body_bytes_max: 100, query_bytes_max: 100, ..Settings::default() }).await;
    let long = format!("/Ping?x={}", "x".repeat(200));
    let body = "x".repeat(200);
    let cases = [
        ("GET", "/Positions", "", 404, "NOT_FOUND"),
        ("DELETE", "/Ping", "", 405, "METHOD_NOT_SUPPORTED"),
        ("POST", "/Connect", body.as_str(), 413, "INVALID_DATA"),
        ("GET", long.as_str(), "", 414, "INVALID_DATA"),
        ("POST", "/Connect", "{\"user\":[[]]}", 400, "INVALID_DATA"),
        ("GET", "/OnQuote", "", 426, "METHOD_NOT_SUPPORTED"),
        ("GET", "/GetQuote", "", 400, "NULL_ARGUMENT"),
    ];
    for (method, path, body, status, code) in cases {
        let reply = world.send(method, path, &STRICT, body).await;
        assert_eq!((reply.status, &reply.problem()["code"]), (status, &code.into()), "{method} {path}");
    }
    assert_eq!(world.send("DELETE", "/Ping", &STRICT, "").await.header("allow"), "GET, HEAD, OPTIONS");
    assert_eq!(world.get_with("/OnMail", &STRICT).await.header("upgrade"), "websocket");
    assert_eq!(world.send("OPTIONS", "/OrderSend", &STRICT, "").await.status, 204);
}

#[tokio::test]
async fn a_socket_too_many_comes_back_in_a_second() {
    let world = World::with(Settings { sockets_max: 0, ..Settings::default() }).await;
    let upgrade = [STRICT[0], ("Upgrade", "websocket"), ("Connection", "Upgrade")];
    let reply = world.get_with(&format!("/Events?id={TOKEN}"), &upgrade).await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, "1"));
    assert_eq!(reply.problem()["code"], "SERVER_BUSY");
}

/// A path that sends an order which comes to the given end.
fn order(symbol: &str, outcome: &str) -> String {
    format!("/OrderSendSafe?id={TOKEN}&symbol={symbol}&operation=Buy&volume=1&comment={outcome}")
}

#[tokio::test]
async fn every_answer_to_an_order_tells_what_became_of_it() {
    let world = World::start().await;
    world.desk.market.add_permits(2);
    let cases = [
        (order("EURUSD", ""), 200, 200, "applied"),
        (order("NO_MONEY", "rejected"), 201, 422, "rejected"),
        (order("TIMEOUT", "unknown"), 201, 504, "unknown"),
        (order("COMMON_ERROR", "applied"), 201, 502, "applied"),
        (order("SERVER_BUSY", "not_sent"), 201, 503, "not_sent"),
        // Without a word of the owner nothing was begun.
        (order("INVALID_STOPS", ""), 201, 422, "not_sent"),
        // Its owner panicked.
        (order("PANIC", ""), 201, 500, "unknown"),
        ("/OrderSend".to_owned(), 201, 400, "not_sent"),
        (format!("/OrderClose?id={TOKEN}&ticket=x"), 201, 400, "not_sent"),
        ("/OrderModify?id=nobody&ticket=1".to_owned(), 201, 404, "not_sent"),
        (order("EURUSD", "&idempotencyKey=%20%01"), 201, 400, "not_sent"),
    ];
    for (path, known, strict, outcome) in cases {
        let reply = world.get(&path).await;
        assert_eq!((reply.status, reply.header("x-outcome")), (known, outcome), "{path}");
        let reply = world.get_with(&path, &STRICT).await;
        assert_eq!((reply.status, reply.header("x-outcome")), (strict, outcome), "{path}");
        if strict != 200 {
            let problem = reply.problem();
            let may_repeat = !["unknown", "applied"].contains(&outcome);
            assert_eq!(problem["outcome"], outcome);
            assert!(may_repeat || problem["retryable"] == false, "{path}");
        }
    }
}

#[tokio::test]
async fn orders_that_were_not_asked_for_were_not_sent() {
    let world = World::with(Settings { query_bytes_max: 100, ..Settings::default() }).await;
    let long = format!("/OrderSend?x={}", "x".repeat(200));
    let cases = [("POST", "/OrderSend", 405), ("HEAD", "/OrderCancel", 405), ("GET", long.as_str(), 414)];
    for (method, path, status) in cases {
        let reply = world.send(method, path, &[], "").await;
        assert_eq!((reply.status, reply.header("x-outcome")), (status, "not_sent"), "{method} {path}");
    }
    let chosen = world.get("/OrderSend?errorReplyStatusCode=no").await;
    assert_eq!((chosen.code().as_str(), chosen.header("x-outcome")), ("INVALID_PARAM", "not_sent"));
    for path in ["/Ping", "/OrderHistory", "/Positions", "/Connect"] {
        assert_eq!(world.get(path).await.header("x-outcome"), "", "{path}");
    }
    assert!(world.desk.asks.lock().unwrap().iter().all(|ask| ask.call.call() != "OrderSend"));
}

#[tokio::test]
async fn the_outcome_of_an_order_given_up_is_unknown() {
    let world = World::with(Settings { call_timeout: Duration::from_millis(1), ..Settings::default() }).await;
    let reply = world.get_with(&order("EURUSD", ""), &STRICT).await;
    let problem = reply.problem();
    assert_eq!((reply.status, reply.header("x-outcome")), (504, "unknown"));
    assert_eq!((&problem["outcome"], &problem["retryable"]), (&"unknown".into(), &false.into()));
}
