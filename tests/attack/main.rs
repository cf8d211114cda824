//! An attack on a fresh cluster of real processes: floods, a hostile gateway, slow readers. None may cost memory that is
//! not given back, and a session that has nothing to do with it goes on reading.
//!
//! Short as part of the tests; `cargo xtask attack` runs it at full length, in a release build. Only loopback is attacked,
//! and everything ends by itself. Prints a table; times are printed, not judged.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test fails by panicking.
#![allow(clippy::cast_precision_loss)] // Sizes are printed.

mod floods;
mod gateway;
mod measure;
#[path = "../cluster/world.rs"]
#[allow(dead_code)] // The tests of clusters need more of it.
mod world;

use std::time::Duration;

use gateway::{Gateway, Malice};
use measure::{Measurement, Watched, print_head};
use testkit::{Process, eventually, pause};
use world::{FIRST, Part, Session, World, connect_path};

/// How much of it there is.
struct Length {
    flood: Duration,
    silent: usize,
    readers: usize,
    /// Logins through a gateway that does each of them something else.
    logins: usize,
    bomb_mib: usize,
    orders: i64,
}

const SHORT: Length = Length {
    flood: Duration::from_secs(2),
    silent: 300,
    readers: 10,
    logins: 8,
    bomb_mib: 64,
    orders: 1_000,
};

const FULL: Length = Length {
    flood: Duration::from_secs(30),
    silent: 8_192,
    readers: 40,
    logins: 40,
    bomb_mib: 1_024,
    orders: 10_000,
};

/// The account of who does nothing wrong.
const BYSTANDER: u64 = 0;
/// That of who asks for much.
const READER: u64 = 1;
/// That of who trusts the hostile gateway.
const TRUSTING: u64 = FIRST + 2;
/// A hostile gateway may keep a login waiting for the limit of a connect.
const CONNECT_SECONDS: u64 = 5;

fn watched(name: &'static str, process: &Process) -> Watched {
    Watched { name, id: process.id().expect("it runs") }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_stands_what_strangers_and_hostile_brokers_do_to_it() {
    let length =
        if std::env::var_os("MT5REST_ATTACK").is_some_and(|how| how == "full") { FULL } else { SHORT };
    let world = World::start(1, 1).await;
    let broker = demo_broker().await;
    let bystander = world.connect(BYSTANDER).await;
    let reader = world.connect(READER).await;
    bystander.json("GetQuote", "symbol=EURUSD").await;
    let processes = [
        watched("front", &world.apis[0].process),
        watched("worker", &world.workers[0].process),
        watched("broker", &broker.process),
    ];
    print_head();
    strangers(&world, &broker, &reader, &bystander, &processes, &length).await;
    for malice in [
        Malice::Silence,
        Malice::Garbage,
        Malice::NotANumber,
        Malice::Contradictions,
        Malice::Ticks,
        Malice::LargeFrames,
        Malice::Bomb(length.bomb_mib),
        Malice::OrderPushes(length.orders),
    ] {
        let measurement = Measurement::begin(&processes[..2], &bystander);
        hostile(&world, malice, &length).await;
        measurement.end(&format!("{malice:?}")).await;
    }
    // Nothing of it reached whoever does nothing wrong.
    let ticket = bystander.buy("after-it-all").await;
    assert_eq!(bystander.tickets().await, [ticket]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_opens_more_than_can_be_followed_loses_its_session() {
    let world = World::start(1, 1).await;
    let http = world.http(0);
    let much = Malice::MuchOpen { open: 10_001, pushed: 0 };
    let gateway = Gateway::start(world.broker_addr(), much).await;
    let refused = http.get(&connect_path(TRUSTING, "demo", gateway.address)).await;
    assert!(refused.status != 200 && refused.body.contains("10001 open positions and orders"), "{refused:?}");

    for (open, pushed, told) in [(9_990, 20, "10010 open positions and orders"), (0, 10_001, "10001 changes")]
    {
        let gateway = Gateway::start(world.broker_addr(), Malice::MuchOpen { open, pushed }).await;
        let token = http.get(&connect_path(TRUSTING, "demo", gateway.address)).await.ok().body;
        let session = Session { http: http.clone(), token, account: TRUSTING };
        let mut status = session.stream("OnConnectionStatus", "").await;
        session.call("Subscribe", "symbol=EURUSD").await;
        // It may have been lost before anybody listened. What the account has otherwise can be followed.
        let restored = loop {
            let event = status.next().await;
            if event["data"]["status"] == "Restored" {
                break event;
            }
        };
        let reason = restored["data"]["reason"].as_str().unwrap_or_default();
        assert!(reason.contains(told), "{restored}");
        let tickets = session.json("OpenedOrdersTickets", "").await;
        assert_eq!(tickets.as_array().unwrap().len(), usize::try_from(open).unwrap());
        session.call("Disconnect", "").await;
    }
}

/// A demo broker as a process of its own.
async fn demo_broker() -> Part {
    let mut process =
        Process::start(env!("CARGO_BIN_EXE_mt5rest"), &["broker", "--broker-listen", "127.0.0.1:0"], &[]);
    let line = process.says("ws://").await;
    let address = line.split(['/', ' ']).next().unwrap().to_owned();
    Part { process, address }
}

async fn strangers(
    world: &World,
    broker: &Part,
    reader: &Session,
    bystander: &Session,
    processes: &[Watched],
    length: &Length,
) {
    let front = world.apis[0].address.parse().unwrap();
    let stream = reader.path("OnQuote", "");
    let candles = reader.path("PriceHistory", "symbol=EURUSD&from=2026-01-01&to=2026-06-01&timeFrame=M1");
    let reply = reader.http.get(&candles).await.ok();
    assert!(reply.body.len() > 10 << 20, "{} bytes are not large", reply.body.len());

    let measurement = Measurement::begin(processes, bystander);
    floods::pings(front, &stream, length.flood).await;
    measurement.end("pings to the front").await;
    let measurement = Measurement::begin(processes, bystander);
    floods::pings(broker.address.parse().unwrap(), "/terminal", length.flood).await;
    measurement.end("pings to the broker").await;
    let measurement = Measurement::begin(processes, bystander);
    floods::unread_replies(front, &candles, length.readers, length.flood).await;
    measurement.end("replies that nobody reads").await;
    let measurement = Measurement::begin(processes, bystander);
    floods::silence(front, length.silent, length.flood).await;
    measurement.end("silent connections").await;
}

/// Logs in through a hostile gateway, again and again, and looks at what it says as a client would.
async fn hostile(world: &World, malice: Malice, length: &Length) {
    let gateway = Gateway::start(world.broker_addr(), malice).await;
    let http = world.http(0);
    let logins = if matches!(malice, Malice::Silence | Malice::Garbage) { length.logins } else { 1 };
    for number in 0..logins {
        let path = connect_path(TRUSTING, "demo", gateway.address);
        let reply =
            http.get(&format!("{path}&id=trusting{number}&connectTimeoutSeconds={CONNECT_SECONDS}")).await;
        // Whether it gets in is the gateway's choice; that there is an answer is ours.
        if reply.status != 200 {
            reply.refused();
            continue;
        }
        let session = Session { http: http.clone(), token: reply.body, account: TRUSTING };
        session.call("Subscribe", "symbol=EURUSD").await;
        session.call("AccountSummary", "").await;
        if let Malice::OrderPushes(most) = malice {
            let all = usize::try_from(most).unwrap();
            eventually("all orders are told", async || (gateway.told() >= all).then_some(())).await;
        } else if matches!(malice, Malice::Ticks | Malice::Contradictions | Malice::LargeFrames) {
            pause(length.flood).await;
        }
        session.call("OpenedOrdersTickets", "").await;
        session.call("Disconnect", "").await;
    }
}
