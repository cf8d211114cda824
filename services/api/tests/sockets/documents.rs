//! Documents: the call browser, the manual, the event page.

use api::{Settings, TrustedProxies};
use bus::Topic;

use crate::backend::World;
use crate::http::Reply;

#[tokio::test]
async fn the_root_leads_to_the_call_browser() {
    let world = World::start().await;
    let reply = world.get("/").await;
    assert_eq!((reply.status, reply.header("location")), (301, "/index.html"));
    let page = world.get("/index.html").await;
    assert!(page.body.contains("/static/index.js"));
    assert!(world.get("/static/index.js").await.body.contains("/swagger/v1/swagger.json"));
    for (path, kind) in [("/swagger-ui.css", "text/css"), ("/swagger-ui-bundle.js", "text/javascript")] {
        let part = world.get(path).await;
        assert!(
            part.status == 200 && part.header("content-type").starts_with(kind) && part.body.len() > 100_000
        );
    }
}

#[tokio::test]
async fn the_description_is_served_as_made() {
    let world = World::start().await;
    let reply = world.get("/Swagger/V1/swagger.json").await;
    assert_eq!(reply.body, api::openapi_document());
}

#[tokio::test]
async fn calls_that_need_no_backend_are_answered_here() {
    let world = World::start().await;
    assert_eq!(world.get("/ping").await.body, "OK");
    assert_eq!(world.get("/health").await.body, "Healthy");
    assert_eq!(world.get("/Version").await.body, "1.2.3");
    assert_eq!(world.get_with("/Version", &[("Accept", "application/json")]).await.body, "\"1.2.3\"");
    let manual = world.get("/ReadMe").await;
    assert_eq!(manual.header("content-type"), "text/html; charset=utf-8");
    assert!(manual.body.contains("/OrderSendSafe") && manual.body.contains("4400"));
    assert_eq!(world.get("/healthz").await.body, r#"{"status":"ok"}"#);
    // What the version says of the licence, once.
    let asks = world.desk.asks.lock().unwrap();
    let asked: Vec<_> = asks.iter().map(|ask| ask.call.name()).collect();
    assert_eq!(asked, ["LicenseStatus"]);
}

#[tokio::test]
async fn the_event_page_may_talk_to_this_service_only() {
    let world = World::start().await;
    let page = world.get("/static/eventstest.html?id=1&type=Quote").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    let head = world.send("HEAD", "/static/EventsTest.html", &[], "").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

#[tokio::test]
async fn every_page_may_load_only_what_is_here() {
    let world = World::start().await;
    let html = [("Accept", "text/html")];
    let policy = |page: &Reply| {
        for (name, value) in [
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!((page.status, page.header(name)), (200, value));
        }
        page.header("content-security-policy").to_owned()
    };
    let loose = ["unsafe-inline", "data:"];
    for path in ["/ReadMe", "/static/EventsTest.html", "/OnQuote"] {
        let policy = policy(&world.get_with(path, &html).await);
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{path}: {policy}");
        assert!(!loose.iter().any(|loose| policy.contains(loose)), "{path}: {policy}");
    }
    let calls = policy(&world.get("/index.html").await);
    for (part, is_there) in [
        ("script-src 'self';", true),
        ("style-src 'self' 'unsafe-inline';", true),
        ("img-src 'self' data:;", true),
        ("'unsafe-eval'", false),
    ] {
        assert_eq!(calls.contains(part), is_there, "{calls}");
    }
    for part in ["EventsTest.css", "EventsTest.js", "icon.svg", "index.js", "page.css"] {
        let part = world.get(&format!("/static/{part}")).await;
        assert_eq!((part.status, part.header("x-content-type-options")), (200, "nosniff"));
    }
}

#[tokio::test]
async fn pages_of_sites_that_are_not_named_are_told_nothing() {
    let origins = api::Origins::parse("https://desk.example").unwrap();
    let world = World::with(Settings { cors_origins: origins, ..Settings::default() }).await;
    for (origin, allowed) in [("https://desk.example", "https://desk.example"), ("https://evil.example", "")]
    {
        let headers = [("Origin", origin), ("Access-Control-Request-Method", "GET")];
        let asked = world.send("OPTIONS", "/OpenedOrders", &headers, "").await;
        let told = world.get_with("/Ping", &headers).await;
        for reply in [&asked, &told] {
            assert_eq!(reply.header("access-control-allow-origin"), allowed);
            assert_eq!(reply.header("vary"), "Origin");
        }
        assert_eq!(asked.header("access-control-allow-methods").is_empty(), allowed.is_empty());
        let upgrade = [
            ("Origin", origin),
            ("Connection", "upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
        ];
        // Without a key it goes no further than that it may.
        let socket = world.send("GET", "/OnQuote?id=t", &upgrade, "").await;
        assert_eq!(socket.status, if allowed.is_empty() { 403 } else { 400 }, "{}", socket.body);
    }
}

#[tokio::test]
async fn any_page_may_call() {
    let world = World::start().await;
    let headers = [
        ("Origin", "http://elsewhere"),
        ("Access-Control-Request-Method", "GET"),
        ("Access-Control-Request-Headers", "idempotency-key"),
    ];
    let reply = world.send("OPTIONS", "/OpenedOrders", &headers, "").await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (204, "*"));
    assert_eq!(reply.header("access-control-allow-headers"), "idempotency-key");
    let missing = world.get("/Nothing").await;
    assert_eq!(missing.header("access-control-allow-origin"), "*");
    for exposed in ["X-As-Of", "X-Sync", "X-Outcome", "X-Ignored-Parameters", "Retry-After"] {
        assert!(missing.header("access-control-expose-headers").contains(exposed), "{exposed}");
    }
}

#[tokio::test]
async fn a_stream_without_an_upgrade_explains_itself() {
    let world = World::start().await;
    let streams = Topic::ALL.into_iter().map(|topic| format!("/On{}", topic.as_str()));
    for path in streams.chain(["/events".to_owned()]) {
        let reply = world.get(&format!("{path}?id=a%22%3E%3Ci")).await;
        assert_eq!((reply.status, reply.code().as_str()), (201, "METHOD_NOT_SUPPORTED"), "{path}");
        assert!(reply.body.contains("ws://"), "{}", reply.body);
        let kind = path.replace("/events", "/Events");
        let link = format!("/static/EventsTest.html?id=a%22%3E%3Ci&type={}", &kind[1..]);
        let message = serde_json::from_str::<serde_json::Value>(&reply.body).unwrap()["message"].clone();
        let message = message.as_str().unwrap();
        assert!(message.ends_with(&format!("http://{}{link}", world.address)), "{message}");
        let page =
            world.get_with(&format!("{path}?id=a%22%3E%3Ci"), &[("Accept", "text/html,*/*;q=0.8")]).await;
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
        assert!(page.body.contains("id=a%22%3E%3Ci&amp;type=") && !page.body.contains("\"><i"));
    }
    assert_eq!(world.get("/OnQuote?errorReplyStatusCode=400").await.status, 400);
    assert_eq!(world.get("/OnQuote?errorReplyStatusCode=99").await.code(), "INVALID_PARAM");
}

#[tokio::test]
async fn a_trusted_proxy_says_where_the_service_is() {
    let forwarded = [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "mt5.example")];
    let outer = "https://mt5.example/static/EventsTest.html?id=x&type=OnOrderProfit";
    let loopback = TrustedProxies::new(vec!["127.0.0.0/8".parse().unwrap()]);
    for (trusted_proxies, is_believed) in [(loopback, true), (TrustedProxies::default(), false)] {
        let world = World::with(Settings { trusted_proxies, ..Settings::default() }).await;
        let reply = world.get_with("/OnOrderProfit?id=x", &forwarded).await;
        assert_eq!(reply.body.contains(outer), is_believed, "{}", reply.body);
    }
}

#[tokio::test]
async fn the_event_page_offers_every_stream() {
    let world = World::start().await;
    let page = world.get("/static/EventsTest.html").await;
    for kind in Topic::ALL.map(Topic::as_str).into_iter().chain(["Events"]) {
        assert!(page.body.contains(&format!("<option value=\"{kind}\">")), "{kind}");
    }
}
