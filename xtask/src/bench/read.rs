//! Figure 1: a read by way of api and worker against nginx before a bare handler; a read of the service in one
//! process against the bare handler alone. All four take turns, so that a noisy moment hits all of them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::http::{Http, call};
use super::numbers::{Sample, times};
use super::process::Process;
use super::world::{World, connect};
use super::{Plan, Result, bare, explained};

/// Connections that ask all the time; each has a session of its own.
const CONNECTIONS: usize = 32;
const TURNS: usize = 4;
const TURN: Duration = Duration::from_millis(1500);
const WARM_UP: Duration = Duration::from_millis(300);

/// What one of the four did in all of its turns.
#[derive(Default)]
struct Load {
    micros: Vec<u64>,
    failures: usize,
    busy: Duration,
    cpu_s: f64,
}

impl Load {
    fn per_second(&self) -> f64 {
        self.micros.len() as f64 / self.busy.as_secs_f64()
    }
}

pub(super) async fn measure(plan: &Plan, workers: usize) -> Result<Vec<Sample>> {
    let world = World::start(&plan.program, &plan.folder, workers, 2 * CONNECTIONS).await?;
    let standalone = world.standalone().await?;
    let broker = world.broker.address;
    let paths = |tokens: Vec<String>| -> Vec<String> {
        tokens.iter().map(|token| format!("/AccountSummary?id={token}")).collect()
    };
    let routed = paths(world.connect(0..CONNECTIONS).await?);
    let alone = paths(connect(standalone.address, broker, CONNECTIONS..2 * CONNECTIONS).await?);
    let body = call(world.front(), &routed[0]).await?;
    let bare = bare::start(&world, &body).await?;
    let nginx = bare::nginx(&world, bare.address).await?;
    let cpu = |process: &Process| process.cpu_s();
    let names = ["bare", "nginx + bare", "api + worker", "standalone"];
    let mut loads: [Load; 4] = Default::default();
    for turn in 0..=TURNS {
        for (number, load) in loads.iter_mut().enumerate() {
            let cpu_s = || match number {
                0 => cpu(&bare),
                1 => cpu(&nginx) + cpu(&bare),
                2 => world.cpu_s(),
                _ => cpu(&standalone),
            };
            let (at, paths) = match number {
                0 => (bare.address, &routed),
                1 => (nginx.address, &routed),
                2 => (world.front(), &routed),
                _ => (standalone.address, &alone),
            };
            if turn == 0 {
                closed_loop(at, paths, WARM_UP, &mut Load::default()).await?;
                continue;
            }
            let before = cpu_s();
            closed_loop(at, paths, TURN, load).await?;
            load.cpu_s += cpu_s() - before;
        }
    }
    Ok(samples(&names, &mut loads, body.len(), workers))
}

fn samples(names: &[&str], loads: &mut [Load; 4], bytes: usize, workers: usize) -> Vec<Sample> {
    let rate = |number: usize| loads[number].per_second();
    let mut all = vec![
        Sample::new(format!("throughput, api + {workers} worker(s) / nginx + bare"), "", rate(2) / rate(1)),
        Sample::new("throughput, standalone / bare", "", rate(3) / rate(0)),
        Sample::new("bytes of the body", "", bytes as f64),
    ];
    for (name, load) in names.iter().zip(loads) {
        all.push(Sample::new(format!("{name}: reads per second"), "", load.per_second()));
        all.extend(times(&format!("{name}: time of a read"), &mut load.micros));
        let cpu = load.cpu_s * 1e6 / load.micros.len() as f64;
        all.push(Sample::new(format!("{name}: processor time per read, client not counted"), "µs", cpu));
        all.push(Sample::new(format!("{name}: failed reads"), "", load.failures as f64));
    }
    all
}

/// Every connection asks again as soon as it is answered.
async fn closed_loop(at: SocketAddr, paths: &[String], turn: Duration, load: &mut Load) -> Result<()> {
    let mut open = Vec::new();
    for path in paths {
        open.push((Http::open(at).await.map_err(explained)?, Arc::<str>::from(path.as_str())));
    }
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for (mut http, path) in open {
        tasks.spawn(async move {
            let (mut micros, mut failures) = (Vec::new(), 0_usize);
            while begun.elapsed() < turn {
                let asked = Instant::now();
                let reply = http.get(&path).await?;
                micros.push(u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX));
                failures += usize::from(!reply.is_ok());
            }
            std::io::Result::Ok((micros, failures))
        });
    }
    while let Some(done) = tasks.join_next().await {
        let (micros, failures) = done.map_err(explained)?.map_err(explained)?;
        load.micros.extend(micros);
        load.failures += failures;
    }
    load.busy += begun.elapsed();
    Ok(())
}
