//! What an attack costs: the memory of processes, and the reads of a session that has nothing to do with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use runtime::Tasks;
use testkit::{PATIENCE, pause, resident};
use tokio::task::JoinHandle;

use crate::world::Session;

/// How often memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often the bystander reads.
const READ_EVERY: Duration = Duration::from_millis(25);
/// What may stay of an attack: allocators keep some of what was freed.
const LEFT_MAX: u64 = 16 << 20;

/// A process that is looked at.
#[derive(Clone)]
pub(crate) struct Watched {
    pub(crate) name: &'static str,
    pub(crate) id: u32,
}

/// An attack under way.
pub(crate) struct Measurement {
    before: Vec<(Watched, u64)>,
    highest: JoinHandle<Vec<u64>>,
    reads: JoinHandle<Vec<Duration>>,
    is_over: Arc<AtomicBool>,
}

impl Measurement {
    pub(crate) fn begin(watched: &[Watched], bystander: &Session) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let before: Vec<_> = watched.iter().map(|one| (one.clone(), resident(one.id))).collect();
        let tasks = Tasks::new();
        let highest = tasks.spawn(highest(watched.to_vec(), Arc::clone(&is_over)));
        let reads = tasks.spawn(reads(bystander.clone(), Arc::clone(&is_over)));
        Self { before, highest, reads, is_over }
    }

    /// The attack is over: memory must fall to about what it was. Prints a row for each process.
    pub(crate) async fn end(self, attack: &str) {
        self.is_over.store(true, Ordering::Relaxed);
        let (highest, mut reads) = (self.highest.await.unwrap(), self.reads.await.unwrap());
        reads.sort_unstable();
        let of = |share: usize| reads[(reads.len() - 1) * share / 100].as_secs_f64() * 1000.0;
        let times = format!("{:>6} {:>8.1} {:>8.1} {:>8.1}", reads.len(), of(50), of(99), of(100));
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        for ((process, before), highest) in self.before.into_iter().zip(highest) {
            let after = settled(&process, before + LEFT_MAX).await;
            println!(
                "{attack:<28} {:<7} {:>8.1} {:>8.1} {:>8.1} {times}",
                process.name,
                mib(before),
                mib(highest),
                mib(after)
            );
            assert!(
                after <= before + LEFT_MAX,
                "{attack}: {} had {before} bytes before and has {after} after",
                process.name
            );
        }
    }
}

pub(crate) fn print_head() {
    println!(
        "\n{:<28} {:<7} {:>8} {:>8} {:>8} {:>6} {:>8} {:>8} {:>8}",
        "attack", "process", "before", "highest", "after", "reads", "p50", "p99", "max"
    );
    println!(
        "{:<28} {:<7} {:>8} {:>8} {:>8} {:>6} {:>8} {:>8} {:>8}",
        "", "", "MiB", "MiB", "MiB", "", "ms", "ms", "ms"
    );
}

/// Waits until memory has fallen, and says how much there is then.
async fn settled(process: &Watched, most: u64) -> u64 {
    let end = Instant::now() + PATIENCE;
    loop {
        let left = resident(process.id);
        if left <= most || Instant::now() >= end {
            return left;
        }
        pause(LOOK_EVERY).await;
    }
}

async fn highest(watched: Vec<Watched>, is_over: Arc<AtomicBool>) -> Vec<u64> {
    let mut highest = vec![0; watched.len()];
    loop {
        for (most, process) in highest.iter_mut().zip(&watched) {
            *most = (*most).max(resident(process.id));
        }
        if is_over.load(Ordering::Relaxed) {
            return highest;
        }
        pause(LOOK_EVERY).await;
    }
}

/// Reads that must all be answered, whatever is done to others.
async fn reads(bystander: Session, is_over: Arc<AtomicBool>) -> Vec<Duration> {
    let mut times = Vec::new();
    while times.is_empty() || !is_over.load(Ordering::Relaxed) {
        let begun = Instant::now();
        bystander.json("GetQuote", "symbol=EURUSD").await;
        times.push(begun.elapsed());
        pause(READ_EVERY).await;
    }
    times
}
