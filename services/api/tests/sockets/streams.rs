//! WebSockets.

use std::time::Duration;

use api::{Settings, close};
use bus::{EVENTS_MAX, End, Topic, Topics};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::backend::{TOKEN, World, eventually};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// More than any socket buffer holds, so that a reader who does not read is soon behind.
const LARGE: usize = 256 * 1024;

/// The headers of a handshake; the key is any 16 bytes.
const UPGRADE: [(&str, &str); 4] = [
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
];

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
async fn every_topic_has_a_path_of_its_own() {
    let world = World::start().await;
    for topic in Topic::ALL {
        let mut socket = world.listening(&format!("On{}", topic.as_str()), topic).await;
        let interest = world.desk.interests.lock().unwrap().pop().unwrap();
        assert_eq!(interest, topic.into());
        world.desk.publish(topic, None, topic.as_str());
        assert_eq!(next_text(&mut socket).await, topic.as_str());
        socket.close(None).await.unwrap();
    }
}

#[tokio::test]
async fn all_events_are_the_common_ones() {
    let world = World::start().await;
    let _all = world.listening("Events", Topic::Ohlc).await;
    assert_eq!(world.desk.interests.lock().unwrap().pop(), Some(Topics::common().into()));
    assert!(!world.desk.session.has_listeners(Topic::OpenedOrdersTickets));
}

#[tokio::test]
async fn the_pace_of_a_socket_reaches_the_owner() {
    let world = World::start().await;
    let cases = [
        ("OnOpenedOrdersTickets", "&interval=250", Some(Duration::from_millis(250))),
        ("OnOpenedOrdersTicketsProfit", "&INTERVAL=40", Some(Duration::from_millis(40))),
        ("OnOpenedOrdersTickets", "&interval=0", None),
        ("OnOpenedOrdersTickets", "", None),
        ("OnQuote", "&interval=soon", None),
    ];
    for (stream, interval, every) in cases {
        let _socket = world.socket(&format!("/{stream}?id={TOKEN}{interval}")).await;
        eventually("it subscribes", || !world.desk.interests.lock().unwrap().is_empty()).await;
        assert_eq!(world.desk.interests.lock().unwrap().pop().unwrap().every, every, "{stream} {interval}");
    }
}

#[tokio::test]
async fn a_pace_that_cannot_be_read_is_refused_before_the_upgrade() {
    let world = World::start().await;
    let path = format!("/OnOpenedOrdersTickets?id={TOKEN}&interval=soon");
    let reply = world.get_with(&path, &UPGRADE).await;
    assert_eq!((reply.status, reply.code().as_str()), (201, "INVALID_PARAM"));
    let strict = [UPGRADE.as_slice(), &[("Accept", "application/problem+json")]].concat();
    let reply = world.get_with(&path, &strict).await;
    assert_eq!((reply.status, &reply.problem()["code"]), (400, &"INVALID_PARAM".into()));
    assert!(world.desk.interests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_handshake_that_is_none_is_told_so() {
    let world = World::start().await;
    let upgrade = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "7")];
    let reply = world.get_with("/Events?id=1", &upgrade).await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "INVALID_DATA"));
}

#[tokio::test]
async fn what_cannot_be_taken_ends_with_the_code_that_says_why() {
    let world = World::start().await;
    // Masked by zeros: a frame that says it has a megabyte, one without a mask, one of a kind that is none, no UTF-8, and
    // a message that is too large in parts only.
    let part = |first: u8| [&[first, 0x80 | 126, 0xa0, 0, 0, 0, 0, 0][..], &[b'x'; 0xa000]].concat();
    let cases = [
        (
            [&[0x82, 0x80 | 127, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0][..], &[7; 1 << 20]].concat(),
            close::TOO_LARGE,
        ),
        ([part(0x01), part(0x80)].concat(), close::TOO_LARGE),
        (vec![0x81, 1, b'x'], close::PROTOCOL),
        (vec![0x83, 0x80, 0, 0, 0, 0], close::PROTOCOL),
        (vec![0x81, 0x81, 0, 0, 0, 0, 0xff], close::NOT_UTF8),
    ];
    for (bytes, code) in cases {
        let mut socket = world.begin("GET", &format!("/OnQuote?id={TOKEN}"), &UPGRADE, "").await;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            assert_ne!(socket.read_buf(&mut answer).await.unwrap(), 0, "no WebSocket");
        }
        socket.write_all(&bytes).await.unwrap();
        let mut rest = Vec::new();
        let end = tokio::time::timeout(Duration::from_secs(10), socket.read_to_end(&mut rest)).await;
        end.unwrap().unwrap_or_else(|lost| panic!("{code}: reset instead: {lost}"));
        assert_eq!((rest[0], u16::from_be_bytes([rest[2], rest[3]])), (0x88, code), "{rest:?}");
    }
}

#[tokio::test]
async fn the_stream_of_mail_stays_open_and_silent() {
    let world = World::with(Settings { ping_every: Duration::from_millis(200), ..Settings::default() }).await;
    let mut socket = world.socket(&format!("/OnMail?id={TOKEN}")).await;
    for _ in 0..3 {
        assert!(matches!(next(&mut socket).await, Message::Ping(_)), "it stays open and silent");
    }
    world.desk.session.end(End::Closed);
    assert_eq!(close_code(&mut socket).await, close::SESSION_OVER);
    let mut unknown = world.socket("/OnMail?id=nobody").await;
    assert!(next_text(&mut unknown).await.contains("IdNotExist"));
    assert_eq!(close_code(&mut unknown).await, close::UNKNOWN_TOKEN);
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
    let silent = world.begin("GET", &format!("/Events?id={TOKEN}"), &UPGRADE, "").await;
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
async fn a_socket_too_many_is_refused_until_one_closes() {
    let world = World::with(Settings { sockets_max: 1, ..Settings::default() }).await;
    let mut only = world.listening("Events", Topic::Quote).await;
    let refused = connect_async(format!("ws://{}/Events?id={TOKEN}", world.address)).await.unwrap_err();
    assert!(refused.to_string().contains("503"), "{refused}");
    only.close(None).await.unwrap();
    eventually("the place is free", || !world.desk.session.has_listeners(Topic::Quote)).await;
}
