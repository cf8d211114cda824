//! Figure 6: a worker is told to end while reads go on for all tokens, and orders flow on some.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::task::JoinSet;

use super::numbers::{Sample, percentile};
use super::orders::{Orders, Told, audit};
use super::socket::{Heard, Socket};
use super::world::{Caller, World};
use super::{Plan, Result, explained};

/// Connections that read all tokens in turn, each this often.
const READERS: usize = 8;
const READ_EVERY: Duration = Duration::from_millis(10);
/// Accounts that trade and listen.
const TRADERS: usize = 20;
/// Before the signal and after the end.
const AROUND: Duration = Duration::from_secs(3);
/// For a worker to end.
const DRAIN_MAX: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What one socket heard.
#[derive(Default)]
struct Events {
    place: usize,
    /// Of orders that are told to be filled.
    tickets: Vec<u64>,
    positions: Vec<(u64, u64)>,
    reopened: Vec<Option<u16>>,
    cut: usize,
}

pub(super) async fn measure(plan: &Plan) -> Result<Vec<Sample>> {
    let mut world = World::start(&plan.program, &plan.folder, 2, plan.sessions).await?;
    let tokens = Arc::new(world.connect(0..plan.sessions).await?);
    let step = (tokens.len() / TRADERS).max(1);
    let accounts: Vec<(usize, String)> =
        tokens.iter().cloned().enumerate().step_by(step).take(TRADERS).collect();
    let stop = Arc::new(AtomicBool::new(false));
    let mut listeners = JoinSet::new();
    for (place, token) in &accounts {
        let socket = Socket::open(world.front(), &path(token, "now")).await?;
        listeners.spawn(listen(world.front(), *place, token.clone(), socket, Arc::clone(&stop)));
    }
    let orders = Orders::start(&world, &accounts);
    let next = Arc::new(AtomicUsize::new(0));
    let mut readers = JoinSet::new();
    for _ in 0..READERS {
        readers.spawn(read(world.front(), Arc::clone(&tokens), Arc::clone(&next), Arc::clone(&stop)));
    }
    tokio::time::sleep(AROUND).await;
    world.workers[0].terminate()?;
    let begun = Instant::now();
    while world.workers[0].runs() {
        if begun.elapsed() > DRAIN_MAX {
            return Err(explained("the worker does not end within 60 s"));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let drained = begun.elapsed();
    tokio::time::sleep(AROUND).await;
    let told = orders.finish().await?;
    tokio::time::sleep(AROUND).await;
    stop.store(true, Ordering::Relaxed);
    let mut all =
        vec![Sample::new("drain: from the signal to the end of the worker", "s", drained.as_secs_f64())];
    all.extend(reads(readers).await?);
    all.extend(missed(listeners, &told).await?);
    for sample in audit(&world, &told).await? {
        all.push(Sample { what: format!("drain: {}", sample.what), ..sample });
    }
    Ok(all)
}

fn path(token: &str, since: &str) -> String {
    format!("/OnOrderUpdate?id={token}&since={since}")
}

/// Reads all tokens in turn, and answers the times with what failed.
async fn read(
    front: SocketAddr,
    tokens: Arc<Vec<String>>,
    next: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
) -> (Vec<u64>, Vec<String>) {
    let (mut caller, mut micros, mut failed) = (Caller::new(front), Vec::new(), Vec::new());
    while !stop.load(Ordering::Relaxed) {
        let token = &tokens[next.fetch_add(1, Ordering::Relaxed) % tokens.len()];
        let asked = Instant::now();
        match caller.get(&format!("/AccountSummary?id={token}")).await {
            Ok(_) => micros.push(u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX)),
            Err(said) => failed.push(said),
        }
        tokio::time::sleep(READ_EVERY).await;
    }
    (micros, failed)
}

async fn reads(mut readers: JoinSet<(Vec<u64>, Vec<String>)>) -> Result<Vec<Sample>> {
    let (mut micros, mut failed) = (Vec::new(), Vec::new());
    while let Some(done) = readers.join_next().await {
        let (more, said) = done.map_err(explained)?;
        micros.extend(more);
        failed.extend(said);
    }
    for said in failed.iter().take(10) {
        println!("xtask: a read failed: {said}");
    }
    let ms = |share, micros: &mut [u64]| percentile(micros, share).map_or(f64::NAN, |us| us as f64 / 1e3);
    Ok(vec![
        Sample::new("drain: reads", "", micros.len() as f64),
        Sample::new("drain: failed reads", "", failed.len() as f64),
        Sample::new("drain: time of a read, p50", "ms", ms(0.5, &mut micros)),
        Sample::new("drain: time of a read, p99", "ms", ms(0.99, &mut micros)),
        Sample::new("drain: slowest read", "ms", ms(1.0, &mut micros)),
    ])
}

/// Listens, and comes back after the last event whenever the socket is closed.
async fn listen(
    front: SocketAddr,
    place: usize,
    token: String,
    mut socket: Socket,
    stop: Arc<AtomicBool>,
) -> Result<Events> {
    let mut events = Events { place, ..Events::default() };
    let mut since = "now".to_owned();
    while !stop.load(Ordering::Relaxed) {
        let Ok(heard) = tokio::time::timeout(READ_EVERY * 10, socket.next()).await else { continue };
        match heard {
            Heard::Frame(_, text) => {
                let event: Value = serde_json::from_str(&text).map_err(explained)?;
                if event["type"] == "Resumed" {
                    events.cut += usize::from(event["data"]["isComplete"] != true);
                    since = event["data"]["position"].as_str().unwrap_or("now").to_owned();
                    continue;
                }
                let position = event["position"].as_str().ok_or_else(|| explained("no position"))?;
                let parts =
                    position.split_once('-').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
                events.positions.push(parts.ok_or_else(|| explained(format!("position {position}")))?);
                since = position.to_owned();
                events.tickets.extend(event["data"]["update"]["order"]["ticket"].as_u64());
            }
            Heard::End(code) => {
                events.reopened.push(code);
                socket = Socket::open(front, &path(&token, &since)).await?;
            }
        }
    }
    Ok(events)
}

async fn missed(mut listeners: JoinSet<Result<Events>>, told: &[Told]) -> Result<Vec<Sample>> {
    let (mut count, mut gaps, mut doubles, mut silent, mut reopened, mut cut) = (0, 0, 0, 0, 0, 0);
    while let Some(events) = listeners.join_next().await {
        let events = events.map_err(explained)??;
        count += events.positions.len();
        for pair in events.positions.windows(2) {
            let [(before, a), (after, b)] = [pair[0], pair[1]];
            gaps += usize::from(before == after && b > a + 1);
            doubles += usize::from(before == after && b <= a || after < before);
        }
        let orders = told.iter().filter(|told| told.place == events.place).flat_map(|told| &told.tickets);
        silent += orders.filter(|ticket| !events.tickets.contains(ticket)).count();
        reopened += events.reopened.len();
        cut += events.cut;
        if let Some(code) = events.reopened.first() {
            println!("xtask: a socket was closed with {code:?}");
        }
    }
    let row = |what: &str, number: usize| Sample::new(format!("drain: {what}"), "", number as f64);
    Ok(vec![
        row("order events heard", count),
        row("gaps in their positions", gaps),
        row("events heard twice or out of order", doubles),
        row("orders without an event", silent),
        row("sockets that had to come back", reopened),
        row("of these told that events are not kept any more", cut),
    ])
}
