//! The demo broker on one core: so many accounts logged in, and the ticks that they hear.
//!
//! The broker is bound to the first core, the measuring program to the others. Prices of ten symbols move once a second,
//! one after the other; every account listens to some of them.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use wire::records as w;
use wire::{Empty, requests};

use super::numbers::{Sample, now_us, times};
use super::terminal::Terminal;
use super::world::{FIRST_LOGIN, PASSWORD, SYMBOLS, broker, prepare};
use super::{Plan, Result, explained};

/// Accounts for each of the sessions that are asked for: 10,000 for the usual 1,000.
const TIMES: usize = 10;
/// Logins at a time.
const LOGINS: usize = 64;
/// Symbols that every account listens to, one measurement after the other.
const HEARD: [usize; 3] = [2, 5, 10];
const WARM_UP: Duration = Duration::from_secs(3);
const MEASURED: Duration = Duration::from_secs(15);
/// Of so many ticks one tells its age.
const AGED: usize = 50;

/// What one account heard.
#[derive(Default)]
struct Heard {
    ticks: usize,
    ages_us: Vec<u64>,
}

/// What all accounts listen to, and until when.
struct Listening {
    is_counted: AtomicBool,
    is_over: AtomicBool,
}

pub(super) async fn measure(plan: &Plan) -> Result<Vec<Sample>> {
    let count = plan.sessions * TIMES;
    prepare(&plan.folder)?;
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", "0"]).arg(&plan.program);
    let broker = broker(command, &plan.folder, count).await?;
    bind_to_others()?;
    let before = broker.resident_kib()?;
    let begun = Instant::now();
    let mut terminals = login(broker.address, count).await?;
    let took_s = begun.elapsed().as_secs_f64();
    let mut samples = vec![
        Sample::new("accounts logged in", "", count as f64),
        Sample::new("logins per second", "", count as f64 / took_s),
        Sample::new("resident memory per account with a connection", "KiB", {
            (broker.resident_kib()? - before) / count as f64
        }),
    ];
    let ids = symbol_ids(&mut terminals[0]).await?;
    for heard in HEARD {
        let listening =
            Arc::new(Listening { is_counted: AtomicBool::new(false), is_over: AtomicBool::new(false) });
        let mut tasks = JoinSet::new();
        for terminal in terminals.drain(..) {
            tasks.spawn(listen(terminal, ids[..heard].to_vec(), Arc::clone(&listening)));
        }
        tokio::time::sleep(WARM_UP).await;
        let (cpu_s, begun) = (broker.cpu_s(), Instant::now());
        listening.is_counted.store(true, Ordering::Relaxed);
        tokio::time::sleep(MEASURED).await;
        listening.is_counted.store(false, Ordering::Relaxed);
        let (cpu_s, took_s) = (broker.cpu_s() - cpu_s, begun.elapsed().as_secs_f64());
        listening.is_over.store(true, Ordering::Relaxed);
        let (mut ticks, mut ages_us) = (0, Vec::new());
        while let Some(done) = tasks.join_next().await {
            let (terminal, heard) = done.map_err(explained)??;
            terminals.push(terminal);
            ticks += heard.ticks;
            ages_us.extend(heard.ages_us);
        }
        let head = format!("{heard} symbols each");
        samples.push(Sample::new(format!("{head}: ticks per second out"), "", ticks as f64 / took_s));
        samples.push(Sample::new(format!("{head}: of those made"), "", {
            ticks as f64 / took_s / (count * heard) as f64
        }));
        samples.push(Sample::new(format!("{head}: share of one core"), "", cpu_s / took_s));
        samples.extend(times(&format!("{head}: age of a tick when it comes"), &mut ages_us));
    }
    Ok(samples)
}

/// This program leaves the broker's core alone.
fn bind_to_others() -> Result<()> {
    // Those of the machine: in a second run this program has fewer already.
    let online = Command::new("getconf").arg("_NPROCESSORS_ONLN").output().map_err(explained)?;
    let cores: usize = String::from_utf8_lossy(&online.stdout).trim().parse().map_err(explained)?;
    if cores < 2 {
        return Err(explained("this needs two cores: one for the broker, one for its clients"));
    }
    let id = std::process::id().to_string();
    let mut command = Command::new("taskset");
    command.args(["--all-tasks", "--cpu-list", "--pid", &format!("1-{}", cores - 1), &id]);
    let output = command.output().map_err(explained)?;
    if output.status.success() { Ok(()) } else { Err(explained(String::from_utf8_lossy(&output.stderr))) }
}

async fn login(broker: SocketAddr, count: usize) -> Result<Vec<Terminal>> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..LOGINS {
        let next = Arc::clone(&next);
        tasks.spawn(async move {
            let mut own = Vec::new();
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                if place >= count {
                    return Result::Ok(own);
                }
                own.push(Terminal::login(broker, FIRST_LOGIN + place, PASSWORD).await?);
            }
        });
    }
    let mut all = Vec::with_capacity(count);
    while let Some(done) = tasks.join_next().await {
        all.extend(done.map_err(explained)??);
    }
    Ok(all)
}

async fn symbol_ids(terminal: &mut Terminal) -> Result<Vec<u32>> {
    let symbols = terminal.ask::<requests::Symbols>(&Empty).await?;
    let id = |name: &str| {
        symbols.0.iter().find(|symbol| symbol.trade_symbol == name).map(|symbol| symbol.symbol_id)
    };
    let ids: Option<Vec<u32>> = SYMBOLS.iter().map(|(name, ..)| id(name)).collect();
    ids.ok_or_else(|| explained("the broker lacks a symbol"))
}

/// Listens until it is over; a tick a second is what an account waits for at most.
async fn listen(
    mut terminal: Terminal,
    ids: Vec<u32>,
    listening: Arc<Listening>,
) -> Result<(Terminal, Heard)> {
    terminal.ask::<requests::SubscribeTicks>(&w::SymbolIds(ids)).await?;
    let mut heard = Heard::default();
    while !listening.is_over.load(Ordering::Relaxed) {
        let ticks = terminal.ticks().await?;
        if !listening.is_counted.load(Ordering::Relaxed) {
            continue;
        }
        for tick in ticks {
            heard.ticks += 1;
            if heard.ticks % AGED == 1 {
                // The server clock of this broker is UTC.
                let made_us = (i64::from(tick.tick_time) * 1000 + i64::from(tick.time_ms_delta)) * 1000;
                heard.ages_us.push(now_us().saturating_sub(made_us.unsigned_abs()));
            }
        }
    }
    Ok((terminal, heard))
}
