//! Figure 5: memory of idle sessions in a worker, and of idle sockets on an api process.

use std::time::Duration;

use super::numbers::Sample;
use super::socket::Socket;
use super::world::World;
use super::{Plan, Result};

/// What comes before is not counted: symbols and buffers that all share.
const FIRST: usize = 10;
/// Until the last of what a login allocates is given back.
const SETTLE: Duration = Duration::from_secs(5);

pub(super) async fn measure(plan: &Plan) -> Result<Vec<Sample>> {
    let count = plan.sessions;
    let world = World::start(&plan.program, &plan.folder, 1, FIRST + count).await?;
    world.connect(0..FIRST).await?;
    tokio::time::sleep(SETTLE).await;
    let worker = &world.workers[0];
    let (worker_before, api_before) = (worker.resident_kib()?, world.api.resident_kib()?);
    let tokens = world.connect(FIRST..FIRST + count).await?;
    tokio::time::sleep(SETTLE).await;
    let (worker_after, api_connected) = (worker.resident_kib()?, world.api.resident_kib()?);
    let mut sockets = Vec::new();
    for token in &tokens {
        sockets.push(Socket::open(world.front(), &format!("/OnOrderUpdate?id={token}")).await?);
    }
    tokio::time::sleep(SETTLE).await;
    let (api_after, worker_heard) = (world.api.resident_kib()?, worker.resident_kib()?);
    drop(sockets);
    let each = |more: f64| more / count as f64;
    Ok(vec![
        Sample::new("worker: resident memory per idle session", "KiB", each(worker_after - worker_before)),
        Sample::new("api: resident memory per idle socket", "KiB", each(api_after - api_connected)),
        Sample::new(
            "worker: further memory per session with a socket",
            "KiB",
            each(worker_heard - worker_after),
        ),
        Sample::new(
            "api: further memory per session that was connected",
            "KiB",
            each(api_connected - api_before),
        ),
        Sample::new("worker: resident memory before", "KiB", worker_before),
        Sample::new("api: resident memory before", "KiB", api_before),
    ])
}
