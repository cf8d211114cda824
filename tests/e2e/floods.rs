//! Peers that send control frames and never read the answers. The memory of the real process is measured.

use testkit::{Client, Process, flood_with_pings, take_upgrade, upgrade};
use tokio::net::{TcpListener, TcpStream};

use crate::binary::start_binary;

/// Sent at most: without a bound, the process would hold about as much.
const FLOOD_BYTES: usize = 192 << 20;
/// What a flood may leave in memory.
const GROWTH_MAX: u64 = 16 << 20;

async fn grows_by(process: &Process, flood: impl Future<Output = ()>) -> u64 {
    let before = process.resident();
    flood.await;
    process.resident().saturating_sub(before)
}

#[tokio::test]
async fn pings_that_nobody_reads_back_cost_the_front_and_the_broker_no_memory() {
    let (mut process, http) = start_binary(&[]).await;
    let url = process.says("  Connect          http://").await;
    let token = http.get(url.strip_prefix(http.address()).unwrap()).await.ok().body;
    let search = http.get("/Search?company=mt5rest").await.ok().json();
    let broker = search[0]["results"][0]["access"][0].as_str().unwrap().to_owned();
    for (address, path) in
        [(http.address().to_owned(), format!("/OnQuote?id={token}")), (broker, "/terminal".to_owned())]
    {
        let mut socket = TcpStream::connect(&address).await.unwrap();
        upgrade(&mut socket, &path).await;
        let growth = grows_by(&process, flood_with_pings(&mut socket, true, |sent| sent < FLOOD_BYTES)).await;
        assert!(growth <= GROWTH_MAX, "{path}: {growth} bytes");
    }
    assert_eq!(http.get("/Ping").await.ok().body, "OK");
}

#[tokio::test]
async fn pings_of_a_hostile_broker_cost_a_worker_no_memory() {
    let (process, http) = start_binary(&["--no-broker"]).await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connect = format!("/Connect?user=1&password=x&host=ws://127.0.0.1&port={port}");
    let caller: Client = http.clone();
    let hostile = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        take_upgrade(&mut socket).await.unwrap();
        flood_with_pings(&mut socket, false, |sent| sent < FLOOD_BYTES).await;
    };
    let growth = grows_by(&process, async {
        // The flood is over when it is not read any more; what the caller is told then does not matter here.
        tokio::select! {
            () = hostile => {}
            refused = caller.get(&connect) => panic!("{refused:?}"),
        }
    })
    .await;
    assert!(growth <= GROWTH_MAX, "{growth} bytes");
    assert_eq!(http.get("/Ping").await.ok().body, "OK");
}
