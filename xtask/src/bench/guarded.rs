//! Takes the figures, and ends whatever was started: at the end, on a failure, and on a signal.

use tokio::signal::unix::{SignalKind, signal};

use super::numbers::{Sample, Table};
use super::{Options, Plan, Result, bare, capacity, drain, explained, failover, fanout, memory, read, trade};
use crate::tools;

/// Numbers of workers that are compared.
const SCALE: [usize; 3] = [1, 2, 4];

/// See the module.
pub(crate) fn run(args: &[&str]) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(explained)?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).map_err(explained)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(explained)?;
        // What was begun is dropped, and with it go the processes.
        tokio::select! {
            done = work(args) => done,
            _ = interrupt.recv() => Err(explained("interrupted")),
            _ = terminate.recv() => Err(explained("interrupted")),
        }
    })
}

async fn work(args: &[&str]) -> Result<()> {
    if let ["bare", address, file] = args {
        return bare::serve(address, file).await;
    }
    let options = Options::parse(args)?;
    let target = tools::target()?;
    let folder = target.join("bench").join(std::process::id().to_string());
    let program = options.program.unwrap_or_else(|| target.join("release/mt5rest"));
    let plan = Plan { program, folder, sessions: options.sessions };
    for figure in options.figures {
        let mut table = Table::default();
        for number in 1..=options.runs {
            println!("xtask: {figure}, run {number} of {}, load {}", options.runs, load());
            table.add(take(figure, &plan).await?);
        }
        println!("\n{figure}, {} sessions\n\n{}\n", plan.sessions, table.text());
    }
    // Logs stay if something went wrong.
    std::fs::remove_dir_all(&plan.folder).map_err(explained)
}

async fn take(figure: &str, plan: &Plan) -> Result<Vec<Sample>> {
    match figure {
        "read" => read::measure(plan, 2).await,
        "trade" => trade::measure(plan).await,
        "memory" => memory::measure(plan).await,
        "failover" => failover::measure(plan, 2).await,
        "capacity" => capacity::measure(plan).await,
        "drain" => drain::measure(plan).await,
        "fanout" => {
            let mut all = fanout::measure(plan, 2, 10).await?;
            all.extend(fanout::measure(plan, 2, 1).await?);
            Ok(all)
        }
        _ => scale(plan).await,
    }
}

/// Figures 1 to 3 with more or fewer workers, one after the other.
async fn scale(plan: &Plan) -> Result<Vec<Sample>> {
    let mut all = Vec::new();
    for workers in SCALE {
        let reads = read::measure(plan, workers).await?;
        all.extend(reads.into_iter().filter(|sample| sample.what.contains("worker(s)")));
        // Without another one, nobody takes over.
        if workers > 1 {
            let failover = failover::measure(plan, workers).await?;
            all.extend(failover.into_iter().filter(|sample| !sample.what.contains("refused")));
        }
        all.extend(fanout::measure(plan, workers, 10).await?);
    }
    Ok(all)
}

/// Of the machine, beside what is measured.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}
