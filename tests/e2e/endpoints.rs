//! Servers with several addresses, of which some are of no use.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use testkit::{Cable, Scratch, eventually, percent_encoded};
use tokio::net::TcpListener;

use crate::tls::certificate;
use crate::world::{Session, USD, World, manual};

/// A broker directory that the test writes.
struct Directory {
    scratch: Scratch,
    written: std::cell::Cell<u64>,
}

impl Directory {
    fn new() -> Self {
        let directory = Self { scratch: Scratch::new("endpoints"), written: std::cell::Cell::default() };
        directory.write(&["nowhere.invalid:1"]);
        directory
    }

    fn path(&self) -> PathBuf {
        self.scratch.path().join("brokers.json")
    }

    /// Says that the server has these addresses. Each version is of another second.
    fn write(&self, endpoints: &[&str]) {
        let servers = json!([{ "name": "Two-Live", "company": "Two Roads Ltd", "endpoints": endpoints }]);
        let file = self.scratch.file("brokers.json", &json!({ "servers": servers }).to_string());
        self.written.set(self.written.get() + 1);
        let when = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + self.written.get());
        std::fs::File::options().write(true).open(file).unwrap().set_modified(when).unwrap();
    }

    async fn world(&self) -> World {
        let admin_key = Some(worker::Secret::new("0123456789abcdef"));
        let brokers = Some(self.path());
        let of_worker = worker::Settings { brokers, admin_key, ..worker::Settings::default() };
        let world = World::build(manual(), of_worker, api::Settings::default()).await;
        world.quotes().await;
        world
    }
}

fn url(address: SocketAddr) -> String {
    format!("ws://{address}")
}

/// An address at which nobody listens.
async fn closed() -> SocketAddr {
    TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap()
}

async fn login(world: &World, more: &str) -> Session {
    let path = format!("/ConnectEx?user={USD}&password=demo&server=Two-Live{more}");
    Session { http: world.http.clone(), token: world.http.get(&path).await.ok().body }
}

async fn port(session: &Session) -> Value {
    session.json("AccountDetails", "").await["port"].clone()
}

#[tokio::test]
async fn a_dead_or_silent_address_is_passed_over() {
    let directory = Directory::new();
    // Takes connections and never says a word.
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    for first in [closed().await, silent.local_addr().unwrap()] {
        let world = directory.world().await;
        let key = "adminKey=0123456789abcdef";
        directory.write(&[&url(first), &url(world.broker_addr)]);
        let session = login(&world, "&connectTimeoutClusterMemberSeconds=1").await;
        assert_eq!(port(&session).await, world.broker_addr.port());
        let details = session.json("ClusterDetails", "").await;
        let both = [first, world.broker_addr].map(|one| json!({ "address": one.to_string() }));
        assert_eq!(details["servers"]["Two-Live"], json!(both), "{details}");
        assert_eq!(details["general"]["serverName"], "MT5Rest-Demo");
        let clients = world.http.get(&format!("/GetClients?{key}")).await.ok().json();
        assert_eq!((&clients[0]["server"], &clients[0]["port"]), (&json!("Two-Live"), &port(&session).await));
    }
}

#[tokio::test]
async fn without_any_address_of_use_the_login_fails() {
    let directory = Directory::new();
    let world = directory.world().await;
    directory.write(&[&url(closed().await), &url(closed().await)]);
    let path = format!("/ConnectEx?user={USD}&password=demo&server=Two-Live");
    assert_eq!(world.http.get(&path).await.refused(), "CONNECT_ERROR");
    // A wrong password is one at every address: the next one is not asked.
    let cables = (Cable::to(world.broker_addr).await, Cable::to(world.broker_addr).await);
    directory.write(&[&url(cables.0.addr()), &url(cables.1.addr())]);
    let wrong = format!("/ConnectEx?user={USD}&password=wrong&server=Two-Live");
    assert_eq!(world.http.get(&wrong).await.refused(), "INVALID_ACCOUNT");
    assert_eq!((cables.0.connections(), cables.1.connections()), (1, 0));
}

#[tokio::test]
async fn a_session_goes_on_over_the_other_address() {
    let directory = Directory::new();
    let world = directory.world().await;
    let (one, two) = (Cable::to(world.broker_addr).await, Cable::to(world.broker_addr).await);
    directory.write(&[&url(one.addr()), &url(two.addr())]);
    let session = login(&world, "").await;
    assert_eq!((port(&session).await, two.connections()), (json!(one.addr().port()), 0));
    let order = session.open("symbol=EURUSD&operation=Buy&volume=0.1").await;
    session.call("Subscribe", "symbol=EURUSD").await.ok();
    let mut events = session.stream("Events").await;
    one.cut().await;
    eventually("the loss is noticed", async || (two.connections() > 0).then_some(())).await;
    assert_eq!(session.call("CheckConnect", "").await.ok().body, "OK");
    assert_eq!(port(&session).await, two.addr().port());
    assert_eq!(session.tickets().await, [crate::world::ticket(&order)]);
    world.control.quote("EURUSD", 1.4, 1.4001).await.unwrap();
    events.until("quotes go on", |event| event["type"] == "Quote" && event["data"]["bid"] == 1.4).await;
    // And back again.
    one.plug();
    two.cut().await;
    eventually("the first is used again", async || {
        (session.call("CheckConnect", "").await.status == 200).then_some(())
    })
    .await;
    assert_eq!(port(&session).await, one.addr().port());
}

#[tokio::test]
async fn the_nearest_address_is_looked_for_on_request() {
    let directory = Directory::new();
    let world = directory.world().await;
    let (one, two) = (Cable::to(world.broker_addr).await, Cable::to(world.broker_addr).await);
    directory.write(&[&url(closed().await), &url(one.addr()), &url(two.addr())]);
    let session = login(&world, "").await;
    assert_eq!((one.connections(), two.connections()), (1, 0), "in the order of the directory");
    session.call("Disconnect", "").await.ok();
    let session = login(&world, "&connectToNearestByPing=true").await;
    assert!(one.connections() >= 2 && two.connections() >= 1, "each was measured");
    let used = port(&session).await;
    assert!([one.addr().port(), two.addr().port()].iter().any(|port| used == *port), "{used}");
}

#[tokio::test]
async fn a_directory_that_changes_is_read_again() {
    let directory = Directory::new();
    let world = directory.world().await;
    let unreachable = world.http.get("/ConnectEx?user=1&password=x&server=two-live").await;
    assert_eq!(unreachable.refused(), "CONNECT_ERROR");
    for call in ["Search", "SearchMQ"] {
        let found = async |text: &str| world.http.get(&format!("/{call}?company={text}")).await.ok().json();
        directory.write(&[&url(world.broker_addr)]);
        let access = [world.broker_addr.to_string()];
        let expected = json!([{
            "companyName": "Two Roads Ltd", "results": [{ "name": "Two-Live", "access": access }],
        }]);
        assert_eq!(found("two%20roads").await, expected, "{call}");
        assert_eq!(found("TWO-L").await, expected, "{call}");
        assert_eq!(found("three").await, json!([]), "{call}");
        directory.write(&["other.example:443"]);
        let moved = found("two").await;
        assert!(moved.to_string().contains("other.example"), "{call}: {moved}");
    }
    directory.write(&[&url(world.broker_addr)]);
    assert_eq!(port(&login(&world, "").await).await, world.broker_addr.port());
}

#[tokio::test]
async fn what_a_search_answers_is_what_connect_takes() {
    let (directory, folder) = (Directory::new(), Scratch::new("tls"));
    let files = certificate(&folder);
    let of_worker = worker::Settings {
        brokers: Some(directory.path()),
        extra_ca: Some(files.cert.clone()),
        ..worker::Settings::default()
    };
    let encrypted = broker::Settings { tls: Some(files), ..manual() };
    let world = World::build(encrypted, of_worker, api::Settings::default()).await;
    let (address, cable) = (world.broker_addr, Cable::between("::1", world.broker_addr).await);
    let (port, by_ipv6) = (address.port(), cable.addr());
    let forms = [
        format!("ws://{address}"),
        format!("ws://{address}/terminal"),
        format!("http://{address}"),
        address.to_string(),
        format!("localhost:{port}"),
        format!("wss://localhost:{port}"),
        format!("wss://localhost:{port}/terminal"),
        format!("https://localhost:{port}"),
        format!("https://localhost:{port}/terminal"),
        format!("ws://{by_ipv6}"),
        format!("ws://{by_ipv6}/terminal"),
        by_ipv6.to_string(),
    ];
    for form in forms {
        directory.write(&[&form]);
        let found = world.http.get("/Search?company=two").await.ok().json();
        let access = found[0]["results"][0]["access"][0].as_str().unwrap().to_owned();
        // There is one colon, but in an address of the newer protocol, which is in brackets.
        let (host, port) = access.rsplit_once(':').unwrap();
        assert!(host.starts_with('[') || !host.contains(':'), "{access}");
        let host = percent_encoded(host);
        let by_address = format!("/Connect?user={USD}&password=demo&host={host}&port={port}");
        let token = world.http.get(&by_address).await.ok().body;
        // The same address, so the same session.
        let session = login(&world, "").await;
        assert_eq!(session.token, token, "{form}");
        session.call("Disconnect", "").await.ok();
    }
}

#[tokio::test]
async fn a_broken_directory_changes_nothing() {
    let directory = Directory::new();
    let cable = Cable::to(closed().await).await;
    // Each worker has read it before it breaks: at its start.
    directory.write(&[&url(cable.addr())]);
    let world = directory.world().await;
    cable.lead_to(world.broker_addr);
    directory.scratch.file("brokers.json", "{");
    assert_eq!(port(&login(&world, "").await).await, cable.addr().port());
}

#[tokio::test]
async fn distances_are_measured_where_that_is_allowed() {
    let world = World::start().await;
    let (open, shut) = (world.broker_addr.port(), closed().await.port());
    let ping = async |world: &World, port: u16| {
        world.http.get(&format!("/PingHost?host=127.0.0.1&port={port}")).await
    };
    let distance = ping(&world, open).await.ok().json().as_i64().unwrap();
    assert!((0..10_000).contains(&distance), "{distance}");
    assert_eq!(ping(&world, shut).await.refused(), "CONNECT_ERROR");
    let many = format!("/PingHostMany?host=127.0.0.1&host=127.0.0.1&port={shut}&port={open}");
    let distances = world.http.get(&many).await.ok().json();
    assert_eq!(distances[0], -1, "{distances}");
    assert!(distances[1].as_i64().unwrap() >= 0, "{distances}");
    let unpaired = world.http.get(&format!("/PingHostMany?host=127.0.0.1&port={shut}&port={open}")).await;
    assert_eq!(unpaired.refused(), "INVALID_PARAM");
    let of_worker = worker::Settings { egress: worker::Egress::Public, ..worker::Settings::default() };
    let guarded = World::build(manual(), of_worker, api::Settings::default()).await;
    let refused = ping(&guarded, open).await;
    assert_eq!(refused.refused(), ping(&guarded, shut).await.refused(), "what is open inside is not told");
    assert_eq!(refused.body, ping(&guarded, shut).await.body);
    let many = guarded.http.get(&many).await.ok().json();
    assert_eq!(many, json!([-1, -1]));
}
