//! Sessions that kill their owners.

use std::net::{Ipv4Addr, SocketAddr};

use runtime::Tasks;
use serde_json::{Value, json};
use testkit::{Cable, eventually, take_upgrade};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use crate::world::{ADMIN_KEY, FIRST, Part, Session, World, connect_path, is_ready};

/// What a worker may have beyond what it has without sessions, and what a hostile server says that it will send.
const ROOM_KB: u64 = 16 * 1024;
const THREAT_BYTES: u64 = 31 << 20;

/// Memory that a process may write to, in kB.
fn data(part: &Part) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", part.process.id().unwrap())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmData:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// A server that greets like a Web Terminal and then sends a message larger than a worker with little memory can hold.
async fn hostile(tasks: &Tasks) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, visits) = (tasks.stop_signal(), tasks.clone());
    tasks.spawn(async move {
        loop {
            let socket = tokio::select! {
                () = stop.cancelled() => return,
                accepted = listener.accept() => accepted.unwrap().0,
            };
            let stop = stop.clone();
            visits.spawn(async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    // It ends when the worker does.
                    _ = burden(socket) => {}
                }
            });
        }
    });
    address
}

async fn burden(mut socket: TcpStream) -> std::io::Result<()> {
    take_upgrade(&mut socket).await?;
    // One binary message, whole, of 64 bits of length.
    let mut frame = vec![0x82, 127];
    frame.extend(THREAT_BYTES.to_be_bytes());
    socket.write_all(&frame).await?;
    let some = vec![7; 64 * 1024];
    for _ in 0..THREAT_BYTES / 64 / 1024 - 1 {
        socket.write_all(&some).await?;
    }
    std::future::pending().await
}

/// Sessions in quarantine, as the administrator sees them.
async fn quarantined(world: &World) -> Vec<Value> {
    let path = format!("/QuarantinedSessions?adminKey={ADMIN_KEY}");
    world.http(0).get(&path).await.ok().json().as_array().unwrap().clone()
}

async fn is_quarantined(session: &Session) -> bool {
    let reply = session.call("AccountSummary", "").await;
    reply.status != 200 && reply.json()["code"] == "SESSION_QUARANTINED"
}

#[tokio::test]
async fn a_session_that_kills_its_workers_is_left_alone_until_it_is_released() {
    let tasks = Tasks::new();
    let mut world = World::start(1, 1).await;
    let limit = format!("--data={}", (data(&world.workers[0]) + ROOM_KB) * 1024);
    for _ in 0..2 {
        let worker = world.worker_within(&limit).await;
        is_ready(&worker).await;
        world.workers.push(worker);
    }
    // The one that was measured goes; two remain, whose memory is limited.
    let mut measured = world.workers.remove(0);
    measured.process.signal("TERM");
    measured.process.end().await;
    let cable = Cable::to(world.broker_addr()).await;
    let session = world.connect_at(0, FIRST, cable.addr()).await;
    cable.lead_to(hostile(&tasks).await);
    cable.cut().await;
    cable.plug();
    // Each worker that takes it dies, and another one comes in its place, as an orchestrator does it.
    let mut deaths = 0;
    while !is_quarantined(&session).await {
        for place in 0..world.workers.len() {
            if world.workers[place].process.has_ended() {
                deaths += 1;
                world.workers[place] = world.worker_within(&limit).await;
            }
        }
    }
    assert!(deaths <= 3, "its first owner and two more: {deaths}");
    cable.lead_to(world.broker_addr());
    let all = quarantined(&world).await;
    assert_eq!(
        (all.len(), &all[0]["id"], &all[0]["times"]),
        (1, &json!(session.token), &json!(1)),
        "{all:?}"
    );
    for path in [
        session.path("OrderSend", "symbol=EURUSD&operation=Buy&volume=0.01"),
        connect_path(FIRST, "demo", cable.addr()),
        session.path("ConnectByToken", ""),
    ] {
        let refused = world.http(0).get(&path).await;
        assert_eq!(refused.refused(), "SESSION_QUARANTINED", "{path}");
        assert!(refused.body.contains("seconds"), "{}", refused.body);
    }
    let others = world.connect(1).await;
    assert!(others.tickets().await.is_empty(), "others are served");
    assert!(world.workers.iter().any(|part| part.process.stderr().contains("kills its workers")));
    // What was wrong is mended, and the administrator lets it out.
    let release = format!("adminKey={ADMIN_KEY}&ids={}&ids=none", session.token);
    let released =
        world.http(0).post("/ReleaseSessions", "application/x-www-form-urlencoded", &release).await;
    assert_eq!(released.ok().json(), json!([session.token]));
    eventually("a worker takes it", async || (!is_quarantined(&session).await).then_some(())).await;
    session.buy("after").await;
    assert_eq!(world.positions(FIRST).await, 1);
    assert!(quarantined(&world).await.is_empty());
}

#[tokio::test]
async fn two_workers_killed_right_after_they_took_a_session_are_enough_and_it_comes_back_by_itself() {
    let mut world = World::start(1, 2).await;
    let session = world.connect(0).await;
    let ticket = session.buy("before").await;
    for _ in 0..3 {
        let owner = world.owner(&session).await;
        world.workers[owner].process.signal("KILL");
        world.workers[owner].process.end().await;
        world.workers[owner] = world.worker(&[]).await;
    }
    eventually("nobody takes it any more", async || is_quarantined(&session).await.then_some(())).await;
    assert_eq!(quarantined(&world).await[0]["times"], 1);
    eventually("its time is over", async || (!is_quarantined(&session).await).then_some(())).await;
    assert_eq!(session.tickets().await, [ticket]);
    assert_eq!(session.buy("before").await, ticket);
}
