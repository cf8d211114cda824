//! WebSockets.

use std::time::Duration;

use api::{Settings, close};
use bus::{EVENTS_MAX, End, Topic};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::backend::{TOKEN, World, eventually};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// More than any socket buffer holds, so that a reader who does not read is soon behind.
const LARGE: usize = 256 * 1024;

impl World {
    async fn socket(&self, path: &str) -> Socket {
        connect_async(format!("ws://{}{path}", self.address)).await.unwrap().0
    }

    /// A socket whose subscription is known to be in place.
    async fn listening(&self, stream: &str, topic: Topic) -> Socket {
        let socket = self.socket(&format!("/{stream}?id={TOKEN}")).await;
        eventually("the socket listens", || self.desk.session.has_listeners(topic)).await;
        socket
    }
}

async fn next(socket: &mut Socket) -> Message {
    tokio::time::timeout(Duration::from_secs(10), socket.next()).await.unwrap().unwrap().unwrap()
}

async fn next_text(socket: &mut Socket) -> String {
    next(socket).await.into_text().unwrap().to_string()
}

/// The close code, after whatever else is still on its way.
async fn close_code(socket: &mut Socket) -> u16 {
    loop {
        if let Message::Close(frame) = next(socket).await {
            return frame.unwrap().code.into();
        }
    }
}

#[tokio::test]
async fn events_arrive_as_they_were_made_on_their_streams_only() {
    let world = World::start().await;
    let mut quotes = world.listening("onquote", Topic::Quote).await;
    let mut updates = world.listening("OnOrderUpdate", Topic::OrderUpdate).await;
    let mut profits = world.listening("OnOrderProfit", Topic::OrderProfit).await;
    world.desk.publish(Topic::OrderProfit, None, r#"{"p":1}"#);
    world.desk.publish(Topic::OrderUpdate, None, r#"{"u":"é"}"#);
    world.desk.publish(Topic::Quote, Some("EURUSD"), r#"{"q":1}"#);
    assert_eq!(next_text(&mut quotes).await, r#"{"q":1}"#);
    assert_eq!(next_text(&mut updates).await, r#"{"u":"é"}"#);
    assert_eq!(next_text(&mut profits).await, r#"{"p":1}"#);
}

#[tokio::test]
async fn one_socket_can_have_all_events() {
    let world = World::start().await;
    let mut all = world.listening("events", Topic::OrderUpdate).await;
    for (topic, text) in [(Topic::Quote, "1"), (Topic::OrderUpdate, "2"), (Topic::OrderProfit, "3")] {
        world.desk.publish(topic, None, text);
        assert_eq!(next_text(&mut all).await, text);
    }
}

#[tokio::test]
async fn an_unknown_token_is_told_after_the_upgrade() {
    let world = World::start().await;
    for path in ["/OnQuote?id=nobody", "/Events?ID=nobody"] {
        let mut socket = world.socket(path).await;
        let envelope: serde_json::Value = serde_json::from_str(&next_text(&mut socket).await).unwrap();
        assert_eq!((&envelope["type"], &envelope["id"]), (&"IdNotExist".into(), &"nobody".into()));
        assert_eq!(envelope["data"], "Client with id nobody not found");
        assert!(envelope["timestampUTC"].as_i64().unwrap() > 1_700_000_000_000);
        assert_eq!(close_code(&mut socket).await, close::UNKNOWN_TOKEN);
    }
}

#[tokio::test]
async fn a_limit_is_a_reason_to_come_back_later() {
    let world = World::start().await;
    assert_eq!(close_code(&mut world.socket("/Events?id=full").await).await, close::BUSY);
}

#[tokio::test]
async fn a_slow_reader_skips_quotes_but_gets_the_last_one() {
    let world = World::start().await;
    let mut socket = world.listening("OnQuote", Topic::Quote).await;
    let filler = "x".repeat(LARGE);
    for number in 0..200 {
        world.desk.publish(Topic::Quote, Some("EURUSD"), &format!("{number} {filler}"));
        tokio::task::yield_now().await;
    }
    world.desk.publish(Topic::Quote, Some("EURUSD"), "last");
    let mut seen = 0;
    while next_text(&mut socket).await != "last" {
        seen += 1;
    }
    assert!(seen < 200, "{seen}");
}

#[tokio::test]
async fn a_reader_too_slow_for_updates_is_told_to_come_back() {
    let world = World::start().await;
    let mut socket = world.listening("OnOrderUpdate", Topic::OrderUpdate).await;
    let large = "x".repeat(LARGE);
    for _ in 0..EVENTS_MAX + 200 {
        world.desk.publish(Topic::OrderUpdate, None, &large);
    }
    assert_eq!(close_code(&mut socket).await, close::LAGGED);
}

#[tokio::test]
async fn the_end_of_a_session_closes_its_sockets() {
    for (end, code) in [(End::Closed, close::SESSION_OVER), (End::Moved, close::MOVED)] {
        let world = World::start().await;
        let mut socket = world.listening("Events", Topic::Quote).await;
        world.desk.publish(Topic::OrderUpdate, None, "the last");
        world.desk.session.end(end);
        assert_eq!(next_text(&mut socket).await, "the last");
        assert_eq!(close_code(&mut socket).await, code);
    }
}

#[tokio::test]
async fn pings_are_answered_and_words_are_ignored() {
    let world = World::start().await;
    let mut socket = world.listening("Events", Topic::Quote).await;
    socket.send(Message::text("hello")).await.unwrap();
    socket.send(Message::Ping("are you there".into())).await.unwrap();
    assert_eq!(next(&mut socket).await, Message::Pong("are you there".into()));
}

#[tokio::test]
async fn a_client_that_answers_no_pings_is_dropped() {
    let world = World::with(Settings { ping_every: Duration::from_millis(20), ..Settings::default() }).await;
    let key = generate_key();
    let upgrade = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", key.as_str()),
    ];
    let silent = world.begin("GET", &format!("/Events?id={TOKEN}"), &upgrade, "").await;
    eventually("it listens", || world.desk.session.has_listeners(Topic::Quote)).await;
    eventually("it is dropped", || !world.desk.session.has_listeners(Topic::Quote)).await;
    drop(silent);
}

#[tokio::test]
async fn a_client_that_leaves_is_forgotten() {
    let world = World::start().await;
    let mut socket = world.listening("Events", Topic::Quote).await;
    socket.close(None).await.unwrap();
    eventually("it is forgotten", || !world.desk.session.has_listeners(Topic::Quote)).await;
}

#[tokio::test]
async fn a_stop_closes_sockets_and_returns() {
    let world = World::start().await;
    let mut first = world.listening("Events", Topic::Quote).await;
    let mut second = world.listening("OnQuote", Topic::Quote).await;
    let ((), codes) =
        tokio::join!(world.stop(), async { (close_code(&mut first).await, close_code(&mut second).await) });
    assert_eq!(codes, (close::GOING_AWAY, close::GOING_AWAY));
}

#[tokio::test]
async fn a_stream_that_is_not_offered_is_not_upgraded() {
    let world = World::start().await;
    let refused = connect_async(format!("ws://{}/OnTickValue?id={TOKEN}", world.address)).await.unwrap_err();
    assert!(refused.to_string().contains("501"), "{refused}");
}

#[tokio::test]
async fn a_socket_too_many_is_refused_until_one_closes() {
    let world = World::with(Settings { sockets_max: 1, ..Settings::default() }).await;
    let mut only = world.listening("Events", Topic::Quote).await;
    let refused = connect_async(format!("ws://{}/Events?id={TOKEN}", world.address)).await.unwrap_err();
    assert!(refused.to_string().contains("503"), "{refused}");
    only.close(None).await.unwrap();
    eventually("the place is free", || !world.desk.session.has_listeners(Topic::Quote)).await;
}
