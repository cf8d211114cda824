//! A demo broker whose disk is full: what it has told is there after it was killed, and no ticket is used twice.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use testkit::{Client, Process, Scratch, eventually};

use crate::binary::start_binary;

const ORDER: &str = "symbol=EURUSD&operation=Buy&volume=0.01";
/// A client that waits for a verdict no longer than this.
const IMPATIENT: Duration = Duration::from_secs(2);
/// More orders than any rest of a disk has room for.
const ORDERS_MAX: usize = 2_000;

/// A disk of a megabyte, in a namespace of its own that ends with this.
struct SmallDisk {
    holder: Process,
    folder: String,
    _scratch: Scratch,
}

impl SmallDisk {
    async fn mount() -> Self {
        let scratch = Scratch::new("full-disk");
        let folder = scratch.path().display().to_string();
        let script =
            format!("mount -t tmpfs -o size=1m,mode=700 none '{folder}' && echo mounted && exec sleep 600");
        let mut holder = Process::start("unshare", &["--map-root-user", "--mount", "sh", "-c", &script], &[]);
        holder.says("mounted").await;
        Self { holder, folder, _scratch: scratch }
    }

    /// Starts a broker with its books there.
    async fn broker(&self, listen: &str) -> (Process, String) {
        let id = self.holder.id().unwrap().to_string();
        let program = env!("CARGO_BIN_EXE_mt5rest");
        let enter = ["--target", &id, "--user", "--mount", "--preserve-credentials"];
        let args = [program, "broker", "--broker-listen", listen, "--data", &self.folder];
        let mut process = Process::start("nsenter", &[&enter[..], &args[..]].concat(), &[]);
        let address = process.says("listening on ws://").await;
        let address = address.split('/').next().unwrap().to_owned();
        (process, address)
    }

    /// A file there that takes all room.
    fn ballast(&self) -> PathBuf {
        format!("/proc/{}/root{}/ballast", self.holder.id().unwrap(), self.folder).into()
    }

    fn fill(&self) {
        let mut ballast = std::fs::File::create(self.ballast()).unwrap();
        while ballast.write_all(&[0; 4096]).is_ok() {}
    }

    fn make_room(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }
}

/// Opens a position. `None`: nobody said that it was.
async fn open(http: &Client, token: &str) -> Option<u64> {
    let reply = http.try_get(&format!("/OrderSend?id={token}&{ORDER}"), IMPATIENT).await?;
    (reply.status == 200).then(|| reply.json()["ticket"].as_u64().unwrap())
}

/// All positions, once the link stands.
async fn tickets(http: &Client, token: &str) -> BTreeSet<u64> {
    eventually("the positions are told", async || {
        let reply = http.try_get(&format!("/OpenedOrdersTickets?id={token}"), IMPATIENT).await?;
        let list = (reply.status == 200).then(|| reply.json())?;
        Some(list.as_array().unwrap().iter().map(|ticket| ticket.as_u64().unwrap()).collect())
    })
    .await
}

#[tokio::test]
async fn what_was_told_is_there_after_a_full_disk_and_a_kill() {
    let disk = SmallDisk::mount().await;
    let (mut broker, address) = disk.broker("127.0.0.1:0").await;
    let (_service, http) = start_binary(&["--no-broker"]).await;
    let (host, port) = address.rsplit_once(':').unwrap();
    let connect = format!("/Connect?user=1000001&password=demo&host=ws://{host}&port={port}&id=full");
    let token = http.get(&connect).await.ok().body;
    let mut told = BTreeSet::from([open(&http, &token).await.expect("there is room")]);

    disk.fill();
    for _ in 0..ORDERS_MAX {
        match open(&http, &token).await {
            Some(ticket) => assert!(told.insert(ticket), "ticket {ticket} is used twice"),
            None => break,
        }
    }
    assert!(told.len() < ORDERS_MAX, "the disk is never full");
    eventually("further orders are refused in words", async || {
        let reply = http.try_get(&format!("/OrderSend?id={token}&{ORDER}"), IMPATIENT).await?;
        (reply.header("x-outcome") == "rejected").then_some(())
    })
    .await;

    broker.signal("KILL");
    broker.end().await;
    disk.make_room();
    let (_broker, _) = disk.broker(&address).await;
    http.get(&connect).await.ok();
    assert_eq!(tickets(&http, &token).await, told, "what was told is kept, and nothing else");
    let next = eventually("trades go on", async || open(&http, &token).await).await;
    assert!(told.insert(next), "ticket {next} is used twice");
}

#[tokio::test]
async fn a_disk_with_room_again_is_written_and_what_was_held_back_is_told() {
    let disk = SmallDisk::mount().await;
    let (_broker, address) = disk.broker("127.0.0.1:0").await;
    let (_service, http) = start_binary(&["--no-broker"]).await;
    let (host, port) = address.rsplit_once(':').unwrap();
    let token = http
        .get(&format!("/Connect?user=1000001&password=demo&host=ws://{host}&port={port}"))
        .await
        .ok()
        .body;
    disk.fill();
    let mut told = 0;
    while open(&http, &token).await.is_some() {
        told += 1;
        assert!(told < ORDERS_MAX, "the disk is never full");
    }
    disk.make_room();
    let last = eventually("trades go on", async || open(&http, &token).await).await;
    let all = eventually("what was held back is told", async || {
        let all = tickets(&http, &token).await;
        (all.len() == told + 2).then_some(all)
    })
    .await;
    assert!(all.contains(&last));
}
