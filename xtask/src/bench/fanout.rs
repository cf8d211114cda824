//! Figure 3: from a tick that leaves the broker to the profit of a session at its client.
//!
//! Every session has a position and a socket. Prices move once a second. A first session goes to the broker by way of
//! a tap and hears all symbols: its quotes tell which price belongs to which tick, and the tap when that tick left the
//! broker. The broker serves its clients in the order in which they came, so this is the begin of a tick's round.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;

use super::numbers::{Sample, times};
use super::socket::{Heard, Socket};
use super::tap::{Tap, Way};
use super::world::{Caller, SYMBOLS, World, connect};
use super::{Plan, Result, explained};

const MEASURED: Duration = Duration::from_secs(20);
const WARM_UP: Duration = Duration::from_secs(3);
/// How long after its time a tick leaves the broker, at most: the demo broker looks at a recording more often.
const LEAVES_WITHIN_US: u64 = 90_000;
/// Calls at a time while everything is set up.
const AT_A_TIME: usize = 16;

/// A symbol and its bid, as texts of replies have them.
type Price = (String, u64);

/// When a frame came, when the worker made it (ms), and what it was for.
struct Seen {
    came_us: u64,
    made_ms: u64,
    price: Price,
}

pub(super) async fn measure(plan: &Plan, workers: usize, symbols: usize) -> Result<Vec<Sample>> {
    let count = plan.sessions;
    let world = World::start(&plan.program, &plan.folder, workers, count + 1).await?;
    let tap = Tap::start(world.broker.address).await?;
    let first = connect(world.front(), tap.address, 0..1).await?.swap_remove(0);
    let tokens = world.connect(1..count + 1).await?;
    world.prices(&first, symbols).await?;
    prepare(&world, &tokens, symbols).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let quotes = Socket::open(world.front(), &format!("/OnQuote?id={first}")).await?;
    let mut caller = Caller::new(world.front());
    for (symbol, ..) in &SYMBOLS[..symbols] {
        let path = format!("/Subscribe?id={first}&symbol={symbol}");
        caller.get(&path).await.map_err(explained)?;
    }
    let mut sockets = JoinSet::new();
    for token in &tokens {
        let socket = Socket::open(world.front(), &format!("/OnOrderProfit?id={token}")).await?;
        sockets.spawn(collect(socket, Arc::clone(&stop)));
    }
    let mut of_first = JoinSet::new();
    of_first.spawn(collect(quotes, Arc::clone(&stop)));
    tokio::time::sleep(WARM_UP).await;
    let begin = super::numbers::now_us();
    tokio::time::sleep(MEASURED).await;
    let end = super::numbers::now_us();
    // Frames on their way still come.
    tokio::time::sleep(Duration::from_secs(1)).await;
    stop.store(true, Ordering::Relaxed);
    let mut ticks = HashMap::new();
    while let Some(texts) = of_first.join_next().await {
        for (_, text) in texts.map_err(explained)? {
            if let Some((price, left_us)) = tick(&text, &tap, (begin, end))? {
                ticks.insert(price, left_us);
            }
        }
    }
    let mut seen = Vec::new();
    while let Some(texts) = sockets.join_next().await {
        seen.push(profits(&texts.map_err(explained)?)?);
    }
    Ok(samples(&ticks, &seen, workers, symbols))
}

/// Opens a position on each account, and asks for profits at every change.
async fn prepare(world: &World, tokens: &[String], symbols: usize) -> Result<()> {
    let mut tasks = JoinSet::new();
    for part in 0..AT_A_TIME {
        let own: Vec<(usize, String)> =
            tokens.iter().cloned().enumerate().skip(part).step_by(AT_A_TIME).collect();
        let mut caller = Caller::new(world.front());
        tasks.spawn(async move {
            for (place, token) in own {
                let symbol = SYMBOLS[place % symbols].0;
                let order = format!("/OrderSend?id={token}&symbol={symbol}&operation=Buy&volume=0.01");
                caller.get(&order).await?;
                caller.get(&format!("/SubscribeOrderProfit?id={token}&interval=0")).await?;
            }
            std::result::Result::<(), String>::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.map_err(explained)?.map_err(explained)?;
    }
    Ok(())
}

async fn collect(mut socket: Socket, stop: Arc<AtomicBool>) -> Vec<(u64, String)> {
    let mut texts = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        match tokio::time::timeout(Duration::from_millis(500), socket.next()).await {
            Ok(Heard::Frame(at, text)) => texts.push((at, text)),
            Ok(Heard::End(code)) => {
                println!("xtask: a socket was closed with {code:?}");
                break;
            }
            Err(_) => {}
        }
    }
    texts
}

/// Prices are told apart by their bits: both frames carry the same number.
fn bits(value: &Value) -> u64 {
    value.as_f64().unwrap_or_default().to_bits()
}

/// The price of a tick in this time, and when it left the broker.
fn tick(text: &str, tap: &Tap, (begin, end): (u64, u64)) -> Result<Option<(Price, u64)>> {
    let event: Value = serde_json::from_str(text).map_err(explained)?;
    let data = &event["data"];
    let Some(time_us) = data["timestampUTC"].as_u64().map(|ms| ms * 1000) else { return Ok(None) };
    if !(begin..end).contains(&time_us) {
        return Ok(None);
    }
    let passed = tap.between(Way::FromBroker, time_us, time_us + LEAVES_WITHIN_US);
    let symbol = data["symbol"].as_str().unwrap_or_default().to_owned();
    Ok(passed.first().map(|left_us| ((symbol, bits(&data["bid"])), *left_us)))
}

fn profits(texts: &[(u64, String)]) -> Result<Vec<Seen>> {
    let mut all = Vec::new();
    for (came_us, text) in texts {
        let event: Value = serde_json::from_str(text).map_err(explained)?;
        let order = &event["data"]["orders"][0];
        let symbol = order["symbol"].as_str().unwrap_or_default().to_owned();
        let made_ms = event["timestampUTC"].as_u64().unwrap_or_default();
        all.push(Seen { came_us: *came_us, made_ms, price: (symbol, bits(&order["closePrice"])) });
    }
    Ok(all)
}

fn samples(ticks: &HashMap<Price, u64>, all: &[Vec<Seen>], workers: usize, symbols: usize) -> Vec<Sample> {
    let (mut whole, mut made, mut carried, mut missing, mut expected) =
        (vec![], vec![], vec![], 0_usize, 0_usize);
    for (place, of_one) in all.iter().enumerate() {
        let mut first = HashMap::new();
        for seen in of_one {
            first.entry(&seen.price).or_insert(seen);
        }
        // Sessions end in any order; the symbol is that of their frames.
        let Some(symbol) = of_one.first().map(|seen| &seen.price.0) else {
            println!("xtask: socket {place} heard nothing");
            expected += ticks.len() / symbols;
            missing += ticks.len() / symbols;
            continue;
        };
        for (price, left_us) in ticks.iter().filter(|((own, _), _)| own == symbol) {
            expected += 1;
            let Some(seen) = first.get(price) else {
                missing += 1;
                continue;
            };
            whole.push(seen.came_us.saturating_sub(*left_us));
            made.push((seen.made_ms * 1000 + 500).saturating_sub(*left_us));
            carried.push(seen.came_us.saturating_sub(seen.made_ms * 1000 + 500));
        }
    }
    let head = format!("{workers} worker(s), prices of {symbols} symbol(s)");
    let mut samples =
        times(&format!("{head}: tick leaves the broker → profit at the client"), &mut whole).to_vec();
    samples.extend(times(&format!("{head}: of this, until the worker made the frame (±0.5 ms)"), &mut made));
    samples.extend(times(&format!("{head}: of this, from there to the client (±0.5 ms)"), &mut carried));
    samples.push(Sample::new(format!("{head}: ticks × sessions"), "", expected as f64));
    samples.push(Sample::new(format!("{head}: without a frame of their own"), "", missing as f64));
    samples
}
