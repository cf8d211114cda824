//! `cargo xtask bench cluster`: figures of a cluster on this machine, in ratios where that is possible.
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
mod trade;
#[cfg(feature = "bench")]
mod world;

#[cfg(feature = "bench")]
pub(crate) use guarded::run;

/// All figures, in the order in which they are taken.
const FIGURES: [&str; 7] = ["read", "trade", "memory", "failover", "drain", "fanout", "scale"];
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
        match rest.next() {
            Some(&"cluster") => {}
            _ => return Err(Failure::Usage("bench needs to know what to measure: cluster".to_owned())),
        }
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
                    let figure = FIGURES.into_iter().find(|figure| *figure == other);
                    let unknown =
                        || Failure::Usage(format!("there is no figure '{other}': {}", FIGURES.join(", ")));
                    options.figures.push(figure.ok_or_else(unknown)?);
                }
            }
        }
        if options.figures.is_empty() {
            options.figures = FIGURES.to_vec();
        }
        Ok(options)
    }
}

/// Builds the service and what measures it, and becomes the latter.
pub(crate) fn guard(args: &[&str]) -> Result<()> {
    let options = Options::parse(args)?;
    for (program, package) in [("redis-server", "redis-server"), ("nginx", "nginx-light")] {
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
        assert_eq!(Options::parse(&["cluster"]).map(|options| options.figures.len()), Ok(FIGURES.len()));
        for wrong in [&[][..], &["all"], &["cluster", "reads"], &["cluster", "--runs", "0"]] {
            assert!(matches!(Options::parse(wrong), Err(Failure::Usage(_))), "{wrong:?}");
        }
    }
}
