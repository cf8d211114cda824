//! `cargo xtask bench cluster` and `cargo xtask bench broker`: figures of a cluster and of the demo broker on this machine, in
//! ratios where that is possible.
//!
//! What measures needs more than the standard library: it is built with the feature `bench`, optimised, by the command
//! itself.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use crate::{Failure, packages};

#[cfg(feature = "bench")]
mod bare;
#[cfg(feature = "bench")]
mod capacity;
#[cfg(feature = "bench")]
mod drain;
#[cfg(feature = "bench")]
mod failover;
#[cfg(feature = "bench")]
mod fanout;
#[cfg(feature = "bench")]
mod guarded;
#[cfg(feature = "bench")]
mod http;
#[cfg(feature = "bench")]
mod memory;
#[cfg(feature = "bench")]
mod numbers;
#[cfg(feature = "bench")]
mod orders;
#[cfg(feature = "bench")]
mod process;
#[cfg(feature = "bench")]
mod read;
#[cfg(feature = "bench")]
mod socket;
#[cfg(feature = "bench")]
mod tap;
#[cfg(feature = "bench")]
mod terminal;
#[cfg(feature = "bench")]
mod trade;
#[cfg(feature = "bench")]
mod world;

#[cfg(feature = "bench")]
pub(crate) use guarded::run;

/// All figures of a cluster, in the order in which they are taken.
const OF_CLUSTER: &[&str] = &["read", "trade", "memory", "failover", "drain", "fanout", "scale"];
/// All figures of the demo broker.
const OF_BROKER: &[&str] = &["capacity"];
const SESSIONS_MAX: usize = 5_000;
const RUNS_MAX: usize = 20;

type Result<T> = std::result::Result<T, Failure>;

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    figures: Vec<&'static str>,
    sessions: usize,
    runs: usize,
    /// Another program than the one of this tree.
    program: Option<PathBuf>,
}

impl Options {
    fn parse(args: &[&str]) -> Result<Self> {
        let mut options = Self { figures: Vec::new(), sessions: 1000, runs: 3, program: None };
        let mut rest = args.iter();
        let known = match rest.next() {
            Some(&"cluster") => OF_CLUSTER,
            Some(&"broker") => OF_BROKER,
            _ => {
                return Err(Failure::Usage(
                    "bench needs to know what to measure: cluster or broker".to_owned(),
                ));
            }
        };
        while let Some(word) = rest.next() {
            let mut number = |most: usize| {
                let given = rest.next().and_then(|text| text.parse().ok());
                let given = given.filter(|number| (1..=most).contains(number));
                given.ok_or_else(|| Failure::Usage(format!("{word} needs a number from 1 to {most}")))
            };
            match *word {
                "--sessions" => options.sessions = number(SESSIONS_MAX)?,
                "--runs" => options.runs = number(RUNS_MAX)?,
                "--program" => {
                    let file = rest.next().ok_or_else(|| Failure::Usage("--program needs a file".to_owned()));
                    options.program = Some(PathBuf::from(file?));
                }
                other => {
                    let figure = known.iter().find(|figure| **figure == other).copied();
                    let unknown =
                        || Failure::Usage(format!("there is no figure '{other}': {}", known.join(", ")));
                    options.figures.push(figure.ok_or_else(unknown)?);
                }
            }
        }
        if options.figures.is_empty() {
            options.figures = known.to_vec();
        }
        Ok(options)
    }
}

/// Builds the service and what measures it, and becomes the latter.
pub(crate) fn guard(args: &[&str]) -> Result<()> {
    let options = Options::parse(args)?;
    let of_cluster: &[_] = &[("redis-server", "redis-server"), ("nginx", "nginx-light")];
    let of_broker: &[_] = &[("taskset", "util-linux")];
    let is_of_broker = options.figures.iter().all(|figure| OF_BROKER.contains(figure));
    for (program, package) in if is_of_broker { of_broker } else { of_cluster } {
        if !packages::is_installed(program) {
            let text = format!(
                "{program} is not installed, and the figures need it.\nOn Debian: sudo apt-get install {package}"
            );
            return Err(Failure::Explained(text));
        }
    }
    if options.program.is_none() {
        crate::cargo(&["build", "--release", "--package", "mt5rest", "--bin", "mt5rest"], &[])?;
    }
    // Set by cargo itself.
    let program = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut cargo = Command::new(program);
    cargo.args(["run", "--quiet", "--release", "--package", "xtask", "--features", "bench", "--"]);
    // It comes back only if it could not be started. Signals then reach one program, not two.
    let error = cargo.arg("bench-guarded").args(args).exec();
    Err(Failure::Explained(format!("cargo cannot be started: {error}")))
}

/// Without the feature there is nothing to run.
#[cfg(not(feature = "bench"))]
pub(crate) fn run(_: &[&str]) -> Result<()> {
    Err(Failure::Usage("bench-guarded is started by bench".to_owned()))
}

#[cfg(feature = "bench")]
fn explained(text: impl std::fmt::Display) -> Failure {
    Failure::Explained(text.to_string())
}

/// How figures are taken.
#[cfg(feature = "bench")]
struct Plan {
    program: PathBuf,
    folder: PathBuf,
    sessions: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_known_by_name() {
        let options = Options::parse(&["cluster", "read", "--sessions", "50", "drain", "--runs", "1"]);
        let wanted = Options { figures: vec!["read", "drain"], sessions: 50, runs: 1, program: None };
        assert_eq!(options, Ok(wanted));
        let all = |what| Options::parse(&[what]).map(|options| options.figures);
        assert_eq!((all("cluster"), all("broker")), (Ok(OF_CLUSTER.to_vec()), Ok(OF_BROKER.to_vec())));
        let wrongs: [&[&str]; 5] =
            [&[], &["all"], &["cluster", "reads"], &["broker", "read"], &["cluster", "--runs", "0"]];
        for wrong in wrongs {
            assert!(matches!(Options::parse(wrong), Err(Failure::Usage(_))), "{wrong:?}");
        }
    }
}
