//! Figure 2: a worker is killed; how long until every token answers again, and what became of orders under way.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::numbers::{Sample, percentile};
use super::orders::{Orders, audit};
use super::world::{Caller, World};
use super::{Plan, Result, explained};

/// Accounts that trade.
const TRADERS: usize = 40;
/// Orders before the kill.
const BEFORE: Duration = Duration::from_secs(3);
/// Between two looks at a token.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Then it is given up.
const AGAIN_MAX: Duration = Duration::from_secs(60);

/// A token after the kill.
enum Looked {
    Answers(Duration, u64),
    Silent(String),
}

pub(super) async fn measure(plan: &Plan, workers: usize) -> Result<Vec<Sample>> {
    let mut world = World::start(&plan.program, &plan.folder, workers, plan.sessions).await?;
    let tokens = world.connect(0..plan.sessions).await?;
    let step = (tokens.len() / TRADERS).max(1);
    let accounts: Vec<(usize, String)> =
        tokens.iter().cloned().enumerate().step_by(step).take(TRADERS).collect();
    let orders = Orders::start(&world, &accounts);
    tokio::time::sleep(BEFORE).await;
    world.workers[0].kill()?;
    let killed = Instant::now();
    let (mut micros, mut refusals, mut silent) = (Vec::new(), 0, Vec::new());
    let mut tasks = JoinSet::new();
    for token in &tokens {
        tasks.spawn(look(world.front(), format!("/AccountSummary?id={token}"), killed));
    }
    while let Some(looked) = tasks.join_next().await {
        match looked.map_err(explained)? {
            Looked::Answers(after, refused) => {
                micros.push(u64::try_from(after.as_micros()).unwrap_or(u64::MAX));
                refusals += refused;
            }
            Looked::Silent(said) => silent.push(said),
        }
    }
    for said in silent.iter().take(5) {
        println!("xtask: a token does not answer: {said}");
    }
    let told = orders.finish().await?;
    let head = |what: &str| format!("one of {workers} workers killed: {what}");
    let seconds =
        |share, micros: &mut [u64]| percentile(micros, share).map_or(f64::NAN, |us| us as f64 / 1e6);
    let mut all = vec![
        Sample::new(head("every token answers again after"), "s", seconds(1.0, &mut micros)),
        Sample::new(head("nine of ten tokens answer after"), "s", seconds(0.9, &mut micros)),
        Sample::new(head("tokens that do not answer within 60 s"), "", silent.len() as f64),
        Sample::new(head("refused reads until then"), "", refusals as f64),
    ];
    for sample in audit(&world, &told).await? {
        all.push(Sample { what: head(&sample.what), ..sample });
    }
    Ok(all)
}

/// Asks until there is an answer.
async fn look(front: SocketAddr, path: String, killed: Instant) -> Looked {
    let (mut caller, mut refused) = (Caller::new(front), 0);
    loop {
        match caller.get(&path).await {
            Ok(_) => return Looked::Answers(killed.elapsed(), refused),
            Err(said) if killed.elapsed() > AGAIN_MAX => return Looked::Silent(said),
            Err(_) => refused += 1,
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
