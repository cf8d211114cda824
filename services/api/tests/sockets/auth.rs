//! Fronts that ask for API keys.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use access::{ApiKey, KeyKind, Limits, Scopes};
use api::{Settings, close};
use bus::Topic;
use futures_util::StreamExt;
use registry::{KeyManager, MemoryRegistry, NewKey};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::backend::{TOKEN, World, eventually};

const STRICT: (&str, &str) = ("Accept", "application/problem+json");

async fn key(registry: &MemoryRegistry, scopes: Option<&str>) -> ApiKey {
    key_with(registry, scopes, Limits::default()).await
}

async fn key_with(registry: &MemoryRegistry, scopes: Option<&str>, limits: Limits) -> ApiKey {
    let scopes = scopes.map(|scopes| scopes.parse::<Scopes>().unwrap());
    let new = NewKey { tenant: "acme".parse().unwrap(), kind: KeyKind::Live, scopes, limits, days: 1 };
    KeyManager::new(registry).create(new).await.unwrap()
}

async fn guarded() -> (World, Arc<MemoryRegistry>) {
    let registry = Arc::new(MemoryRegistry::new());
    let world = World::guarded(Settings::default(), Arc::<MemoryRegistry>::clone(&registry)).await;
    (world, registry)
}

#[tokio::test]
async fn a_key_is_taken_from_wherever_clients_show_it_and_goes_no_further() {
    let (world, registry) = guarded().await;
    let key = key(&registry, None).await;
    let text = key.expose();
    let path = format!("/OpenedOrdersTickets?id={TOKEN}");
    let in_query = format!("{path}&apiKey={text}&ApiKey=more");
    let bearer = format!("Bearer {text}");
    for (path, headers) in [
        (&path, &[("Authorization", &*bearer)][..]),
        (&path, &[("ApiKey", &*text)]),
        (&path, &[("apikey", &*text), ("Authorization", "Bearer another-token")]),
        (&in_query, &[]),
        (&format!("/OpenedOrdersTickets?apiKey={text}"), &[("Authorization", &format!("Bearer {TOKEN}"))]),
    ] {
        let reply = world.get_with(path, headers).await;
        assert_eq!((reply.status, &*reply.body), (200, "[1,2]"), "{path} {headers:?}: {reply:?}");
        let params = world.desk.last_params();
        assert_eq!(params.keys().collect::<Vec<_>>(), ["id"], "{params:?}");
        let asked = world.desk.asks.lock().unwrap().last().unwrap().caller.clone();
        assert_eq!((asked.tenant.as_str(), asked.key.as_deref()), ("acme", Some(key.id().as_str())));
    }
    // Also in a body, and an order does not take it for a parameter that it ignores.
    world.desk.market.add_permits(1);
    let form = format!("id={TOKEN}&symbol=EURUSD&operation=Buy&volume=1&apiKey={text}");
    let kind = [("Content-Type", "application/x-www-form-urlencoded"), STRICT];
    let reply = world
        .send("POST", "/Connect", &kind, &format!("user=1&password=x&host=h&port=1&apiKey={text}"))
        .await;
    assert_eq!((reply.status, &*reply.body), (200, &*format!("\"{TOKEN}\"")), "{reply:?}");
    assert!(!world.desk.last_params().contains_key("apikey"));
    let reply = world.get_with(&format!("/OrderSend?{form}"), &[STRICT]).await;
    assert_eq!((reply.status, reply.header("x-ignored-parameters")), (200, ""), "{reply:?}");
    assert!(!world.desk.last_params().contains_key("apikey"));
}

#[tokio::test]
async fn strangers_are_told_the_same_whatever_they_show() {
    let (world, registry) = guarded().await;
    let (revoked, good) = (key(&registry, None).await, key(&registry, None).await);
    KeyManager::new(&*registry).revoke(revoked.id()).await.unwrap();
    let path = format!("/OpenedOrdersTickets?id={TOKEN}");
    let texts = [
        revoked.expose(),
        good.rotated().expose(),
        ApiKey::generate(KeyKind::Admin).expose(),
        good.expose() + "x",
        "mt5r_live_".to_owned(),
        "anything".to_owned(),
    ];
    let mut bodies = std::collections::BTreeSet::new();
    for text in &texts {
        let reply = world.get_with(&path, &[("ApiKey", text), STRICT]).await;
        assert_eq!(
            (reply.status, reply.header("www-authenticate")),
            (401, "Bearer realm=\"mt5rest\""),
            "{text}"
        );
        assert_eq!(reply.problem()["code"], "INVALID_API_KEY");
        bodies.insert(reply.body);
        let known = world.get_with(&path, &[("ApiKey", text)]).await;
        assert_eq!((known.status, &*known.code()), (201, "INVALID_API_KEY"));
        let chosen = world.get(&format!("{path}&apiKey={text}&errorReplyStatusCode=401")).await;
        assert_eq!((chosen.status, chosen.header("www-authenticate").is_empty()), (401, false));
    }
    let nothing = world.get_with(&path, &[STRICT]).await;
    bodies.insert(nothing.body);
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert!(world.desk.asks.lock().unwrap().is_empty(), "nobody else was asked");
    // An order that was refused was not sent.
    let order = format!("/OrderSend?id={TOKEN}&symbol=EURUSD&operation=Buy&volume=1");
    assert_eq!(world.get_with(&order, &[STRICT]).await.problem()["outcome"], "not_sent");

    for free in
        ["/Ping", "/Version", "/Health", "/ReadMe", "/index.html", "/healthz", "/static/EventsTest.html"]
    {
        assert_eq!(world.get_with(free, &[("ApiKey", "anything")]).await.status, 200, "{free}");
    }
}

#[tokio::test]
async fn a_socket_is_closed_when_its_key_is_revoked_on_any_front() {
    let (world, registry) = guarded().await;
    let other = World::guarded(Settings::default(), Arc::<MemoryRegistry>::clone(&registry)).await;
    let (doomed, kept) = (key(&registry, None).await, key(&registry, None).await);
    let mut sockets = Vec::new();
    for (front, key) in [(&world, &doomed), (&other, &doomed), (&other, &kept)] {
        let path = format!("ws://{}/OnQuote?id={TOKEN}&apiKey={}", front.address, key.expose());
        sockets.push(connect_async(path).await.unwrap().0);
    }
    for front in [&world, &other] {
        eventually("the sockets listen", || front.desk.session.has_listeners(Topic::Quote)).await;
    }
    KeyManager::new(&*registry).revoke(doomed.id()).await.unwrap();
    for socket in &mut sockets[..2] {
        let closed = tokio::time::timeout(std::time::Duration::from_secs(10), socket.next()).await;
        let Message::Close(Some(frame)) = closed.unwrap().unwrap().unwrap() else { panic!("not closed") };
        assert_eq!((u16::from(frame.code), frame.reason.contains("revoked")), (close::KEY_OVER, true));
    }
    other.desk.publish(Topic::Quote, Some("EURUSD"), "{}");
    assert_eq!(sockets[2].next().await.unwrap().unwrap(), Message::text("{}"), "another key's goes on");
}

#[tokio::test]
async fn a_ticket_opens_one_socket_in_place_of_a_key() {
    let (world, registry) = guarded().await;
    let (key, reader) = (key(&registry, None).await, key(&registry, Some("read")).await);
    let text = key.expose();
    let ask = async |text: &str| world.send("POST", "/StreamTicket", &[("ApiKey", text), STRICT], "").await;
    let ticket = ask(&text).await.body.trim_matches('"').to_owned();
    let path = format!("ws://{}/OnQuote?id={TOKEN}&streamTicket={ticket}", world.address);
    connect_async(&path).await.unwrap();
    let refused = connect_async(&path).await.unwrap_err().to_string();
    assert!(refused.contains("201"), "{refused}");
    assert_eq!(ask(&reader.expose()).await.problem()["code"], "NOT_PERMISSION");
    assert_eq!(world.send("GET", "/StreamTicket", &[("ApiKey", &text)], "").await.status, 405);
    let upgrade = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
        STRICT,
    ];
    let path = format!("/OnQuote?id={TOKEN}");
    assert_eq!(world.get_with(&path, &upgrade).await.status, 401);
    let reader = reader.expose();
    let with_key = [&upgrade[..], &[("ApiKey", &*reader)]].concat();
    assert_eq!(world.get_with(&path, &with_key).await.problem()["code"], "NOT_PERMISSION");
}

#[tokio::test]
async fn an_open_front_asks_for_no_key_and_passes_none_on() {
    let world = World::start().await;
    let text = ApiKey::generate(KeyKind::Live).expose();
    let path = format!("/OpenedOrdersTickets?id={TOKEN}&apiKey={text}");
    assert_eq!(world.get_with(&path, &[("ApiKey", "anything")]).await.status, 200);
    assert!(!world.desk.last_params().contains_key("apikey"));
    let ticket = world.send("POST", "/StreamTicket", &[], "").await;
    assert_eq!((ticket.status, ticket.body.len()), (200, 32));
    let path = format!("ws://{}/OnQuote?id={TOKEN}&streamTicket={}", world.address, ticket.body);
    connect_async(&path).await.unwrap();
}

#[tokio::test]
async fn rates_of_a_key_are_told_with_the_time_to_wait_in_both_modes() {
    let (world, registry) = guarded().await;
    let rates = "orders=2/3600s,sockets=1/3600s,connects=1/3600s";
    let limits = Limits { rates: rates.parse().unwrap(), ..Limits::default() };
    let key = key_with(&registry, None, limits).await.expose();
    let show = [("ApiKey", &*key)];
    let order = format!("/OrderSend?id={TOKEN}&symbol=EURUSD&operation=0&volume=1");
    world.desk.market.add_permits(9);
    for _ in 0..2 {
        assert_eq!(world.get_with(&order, &show).await.status, 200);
    }
    let refused = world.get_with(&order, &show).await;
    assert_eq!((refused.status, refused.code().as_str()), (201, "TOO_FREQUENT_REQUEST"));
    assert_eq!(refused.header("x-outcome"), "not_sent");
    assert!(refused.body.contains("'orders' of this key is reached: 2 in 3600 s"), "{}", refused.body);
    let strict = world.get_with(&order, &[show[0], STRICT]).await;
    assert_eq!(strict.status, 429);
    for told in [refused, strict] {
        assert_eq!(told.header("ratelimit-policy"), "\"orders\";q=2;w=3600");
        let wait: u64 = told.header("retry-after").parse().unwrap();
        assert!((1..=1800).contains(&wait), "{wait}");
        assert_eq!(told.header("ratelimit"), format!("\"orders\";r=0;t={wait}"));
    }
    assert_eq!(world.desk.orders_done.load(Ordering::SeqCst), 2);
    // Other kinds have rates of their own.
    assert_eq!(world.get_with(&format!("/AccountSummary?id={TOKEN}"), &show).await.status, 200);
    let connect = "/Connect?user=1&password=x&host=127.0.0.1&port=1";
    assert_eq!(world.get_with(connect, &show).await.status, 200);
    assert_eq!(world.get_with(connect, &show).await.code(), "TOO_FREQUENT_REQUEST");
}
