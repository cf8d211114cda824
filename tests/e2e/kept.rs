//! A demo broker that is killed in the middle of trading, and comes back with the same folder.

use std::collections::BTreeSet;
use std::time::Duration;

use testkit::{Client, Process, Scratch, eventually, pause};

use crate::world::Session;

const BINARY: &str = env!("CARGO_BIN_EXE_mt5rest");

/// A broker, and where it listens.
async fn broker(listen: &str, folder: &Scratch) -> (Process, String) {
    let data = folder.path().display().to_string();
    let mut process = Process::start(BINARY, &["broker", "--broker-listen", listen, "--data", &data], &[]);
    let url = process.says("listening on ws://").await;
    (process, url.split('/').next().unwrap().to_owned())
}

#[tokio::test]
async fn no_order_is_lost_when_the_broker_is_killed() {
    let folder = Scratch::new("killed-broker");
    let (mut first, address) = broker("127.0.0.1:0", &folder).await;
    let service = ["--listen", "127.0.0.1:0", "--no-broker"];
    let mut service = Process::start(BINARY, &service, &[]);
    let http = Client::new(service.says("listening on http://").await);
    let (host, port) = address.rsplit_once(':').unwrap();
    let path = format!("/Connect?user=1000001&password=demo&host=ws://{host}&port={port}");
    let session = Session { http: http.clone(), token: http.get(&path).await.ok().body };
    session.warm_up().await;
    let told = trade_until_it_fails(&session, &mut first).await;
    assert!(!told.is_empty());
    drop(first);

    let _second = broker(&address, &folder).await;
    let open = eventually("the session is back", async || {
        let reply = session.call("OpenedOrdersTickets", "").await;
        let is_synced = reply.status == 200 && reply.header("x-sync") == "synced";
        is_synced
            .then(|| reply.json().as_array().unwrap().iter().map(|ticket| ticket.as_u64().unwrap()).collect())
    })
    .await;
    let open: BTreeSet<u64> = open;
    let lost: Vec<_> = told.difference(&open).collect();
    assert!(lost.is_empty(), "told to the client and lost: {lost:?}");
    // The one that was under way at the kill may be there too.
    assert!(open.len() <= told.len() + 1, "{told:?} {open:?}");
    assert!(!told.contains(
        &session.open("symbol=EURUSD&operation=Buy&volume=0.01").await["ticket"].as_u64().unwrap()
    ));
}

/// Sends orders one after the other, kills the broker between two of them, and answers the tickets that were told.
async fn trade_until_it_fails(session: &Session, broker: &mut Process) -> BTreeSet<u64> {
    let mut told = BTreeSet::new();
    for number in 0.. {
        if number == 20 {
            broker.signal("KILL");
        }
        let reply = session.call("OrderSend", "symbol=EURUSD&operation=Buy&volume=0.01").await;
        let Some(ticket) = reply.json()["ticket"].as_u64() else { break };
        told.insert(ticket);
        pause(Duration::from_millis(1)).await;
    }
    told
}
