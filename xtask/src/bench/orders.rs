//! Accounts that trade while the cluster is disturbed, and the comparison of what they were told with what the broker has.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::task::JoinSet;

use super::numbers::Sample;
use super::world::{Caller, World, connect};
use super::{Result, explained};

/// Between two orders of an account.
const PACE: Duration = Duration::from_millis(100);
/// Before an order without a verdict is asked for again under its key.
const AGAIN: Duration = Duration::from_millis(200);
/// How long one is asked for.
const VERDICT_MAX: Duration = Duration::from_secs(60);

/// What one account was told.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Its place among the accounts.
    pub(super) place: usize,
    /// Positions that were said to be open.
    pub(super) tickets: BTreeSet<u64>,
    /// Orders that were asked for again.
    repeated: usize,
    /// Two keys with one ticket.
    shared: usize,
    /// Orders whose last answer was no success, with what was said.
    failed: Vec<String>,
}

/// Accounts that send orders until they are told to stop.
pub(super) struct Orders {
    stop: Arc<AtomicBool>,
    tasks: JoinSet<Told>,
}

impl Orders {
    pub(super) fn start(world: &World, accounts: &[(usize, String)]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for (place, token) in accounts {
            let (place, token, stop) = (*place, token.clone(), Arc::clone(&stop));
            let caller = Caller::new(world.front());
            tasks.spawn(async move { trade(place, &token, caller, &stop).await });
        }
        Self { stop, tasks }
    }

    /// Lets the last orders get their verdicts.
    pub(super) async fn finish(mut self) -> Result<Vec<Told>> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        while let Some(told) = self.tasks.join_next().await {
            all.push(told.map_err(explained)?);
        }
        Ok(all)
    }
}

async fn trade(place: usize, token: &str, mut caller: Caller, stop: &AtomicBool) -> Told {
    let mut told = Told { place, ..Told::default() };
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        let path = format!(
            "/OrderSend?id={token}&symbol=EURUSD&operation=Buy&volume=0.01&idempotencyKey={place}-{number}"
        );
        number += 1;
        let (begun, mut tries) = (Instant::now(), 0);
        loop {
            tries += 1;
            match caller.get(&path).await.and_then(|body| ticket(&body)) {
                Ok(ticket) => {
                    told.shared += usize::from(!told.tickets.insert(ticket));
                    break;
                }
                Err(said) if begun.elapsed() > VERDICT_MAX => {
                    told.failed.push(format!("key {place}-{number}: {said}"));
                    break;
                }
                Err(_) => tokio::time::sleep(AGAIN).await,
            }
        }
        told.repeated += usize::from(tries > 1);
        tokio::time::sleep(PACE).await;
    }
    told
}

pub(super) fn ticket(body: &str) -> std::result::Result<u64, String> {
    let order: Option<Value> = serde_json::from_str(body).ok();
    order.and_then(|order| order["ticket"].as_u64()).ok_or_else(|| format!("no ticket in {body}"))
}

/// Asks the broker by way of a service of its own, which knows nothing of the cluster, what is open.
pub(super) async fn audit(world: &World, all: &[Told]) -> Result<Vec<Sample>> {
    let witness = world.standalone().await?;
    let (mut lost, mut unasked, mut orders, mut repeated, mut shared) = (0, 0, 0, 0, 0);
    let mut failed = Vec::new();
    for told in all {
        let tokens = connect(witness.address, world.broker.address, told.place..told.place + 1).await?;
        let path = format!("/OpenedOrdersTickets?id={}", tokens[0]);
        let body = Caller::new(witness.address).get(&path).await.map_err(explained)?;
        let open: BTreeSet<u64> = serde_json::from_str(&body).map_err(explained)?;
        lost += told.tickets.difference(&open).count();
        unasked += open.difference(&told.tickets).count();
        orders += told.tickets.len();
        repeated += told.repeated;
        shared += told.shared;
        failed.extend(told.failed.iter().cloned());
    }
    for line in &failed {
        println!("xtask: without success: {line}");
    }
    let count = |what: &str, number: usize| Sample::new(what, "", number as f64);
    Ok(vec![
        count("orders with a ticket", orders),
        count("orders asked for again under their key", repeated),
        count("orders lost: told, and not at the broker", lost),
        count("orders at the broker that nobody was told of", unasked),
        count(
            "of these doubled: more than there are keys without success",
            unasked.saturating_sub(failed.len()),
        ),
        count("orders whose ticket another key got too", shared),
        count("orders without success after 60 s", failed.len()),
    ])
}
