//! Chores of the project: `cargo xtask help` lists them.
//!
//! It uses nothing beyond the standard library, so that it builds in a second; only `bench` has more built when it is
//! asked for.

mod bench;
mod cluster;
mod docker;
mod mutants;
mod packages;
mod tools;

use std::process::{Command, ExitCode};

const HELP: &str = "\
Chores of the project.

Usage: cargo xtask <COMMAND> [ARGUMENTS]

Commands:
  test [ARGUMENTS]  Sees to it that everything tests need is installed, then runs all tests. Arguments go to
                    `cargo test`, such as `cargo xtask test e2e -- streams`: names of tests to run come after `--`
  test --docker     Tests the image and docker-compose.yml alone: see tests/docker/run.sh
  cluster [--api N] [--workers N] [--port P]
                    Runs what docker-compose.yml runs, without Docker: Redis, demo broker, workers and api
                    processes (2 of each) and, if HAProxy is installed, a balancer on port P (5000); Ctrl-C ends it
  bench cluster [FIGURE...] [--sessions N] [--runs N] [--program FILE]
                    Measures a cluster on this machine, see docs/benchmarks.md; figures: read, trade, memory,
                    failover, drain, fanout, scale
  bench broker [--sessions N] [--runs N] [--program FILE]
                    Measures the demo broker on one core, with ten accounts for each of the N (1000) sessions
  attack            Attacks a cluster on this machine at full length: floods, slow readers, a hostile broker; prints
                    what it cost. A short form is part of `test`
  mutants [PACKAGE|FILE...] [--shard K/N] [--in-diff FILE]
                    Changes the code that decides about money and orders in one place at a time and counts how many
                    changes the tests of its package catch, see docs/mutants.md. All of it takes hours: a shard is
                    a sample, and a diff (such as `git diff main`) tries what it changes
  schemathesis      Tests the service against its own OpenAPI document with random requests; part of `test`
  ci                Checks formatting and lints, then runs all tests
  golden            Rewrites the files that are made by code: openapi.json, docs/errors.md, docs/calls.md and the
                    options in README.md. Review the diff
  help              Shows this text
";

/// Read by the tests that compare made files with kept ones.
const WRITE_GOLDEN: &str = "MT5REST_WRITE_GOLDEN";

/// Why a chore was not done.
#[derive(Debug, PartialEq, Eq)]
enum Failure {
    /// Told to the user as it is.
    Explained(String),
    /// The program has already said why.
    Program(String),
    /// The command line is wrong.
    Usage(String),
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(mistake)) => {
            eprintln!("error: {mistake}\n\n{HELP}");
            ExitCode::from(2)
        }
        Err(Failure::Explained(text)) => {
            eprintln!("error: {text}");
            ExitCode::FAILURE
        }
        Err(Failure::Program(line)) => {
            eprintln!("error: `{line}` failed");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[&str]) -> Result<(), Failure> {
    match args {
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        ["test", "--docker"] => docker::test(),
        ["test", rest @ ..] => test(rest),
        ["cluster", rest @ ..] => cluster::guard(rest),
        ["cluster-guarded", rest @ ..] => cluster::run(rest),
        ["bench", rest @ ..] => bench::guard(rest),
        ["bench-guarded", rest @ ..] => bench::run(rest),
        ["attack"] => {
            tools::ensure()?;
            let args = ["test", "--release", "--package", "mt5rest", "--test", "attack", "--", "--nocapture"];
            cargo(&args, &[("MT5REST_ATTACK", "full")])
        }
        ["mutants", rest @ ..] => mutants::run(rest),
        ["schemathesis"] => test(&["--test", "schemathesis", "--", "--nocapture"]),
        ["ci"] => {
            cargo(&["fmt", "--all", "--check"], &[])?;
            cargo(
                &["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"],
                &[],
            )?;
            test(&[])
        }
        ["golden"] => golden(),
        ["attack" | "schemathesis" | "ci" | "golden" | "help", extra, ..] => {
            Err(Failure::Usage(format!("'{extra}' is not expected here")))
        }
        [unknown, ..] => Err(Failure::Usage(format!("there is no command '{unknown}'"))),
    }
}

fn test(rest: &[&str]) -> Result<(), Failure> {
    packages::ensure()?;
    tools::ensure()?;
    let mut args = vec!["test", "--workspace", "--all-features", "--no-fail-fast"];
    args.extend(rest);
    cargo(&args, &[])
}

/// The tests write the files instead of comparing them; each package's are named here.
fn golden() -> Result<(), Failure> {
    let write = [(WRITE_GOLDEN, "1")];
    cargo(&["test", "--package", "mt5rest-api", "--lib", "openapi"], &write)?;
    cargo(&["test", "--package", "mt5rest", "--bin", "mt5rest", "readme"], &write)?;
    cargo(&["test", "--package", "mt5rest", "--test", "documents"], &write)
}

fn cargo(args: &[&str], environment: &[(&str, &str)]) -> Result<(), Failure> {
    // Set by cargo itself, so that chores use the toolchain they were called with.
    let program = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    println!("xtask: cargo {}", args.join(" "));
    let status = Command::new(program).args(args).envs(environment.iter().copied()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(Failure::Program(format!("cargo {}", args.join(" ")))),
        Err(error) => Err(Failure::Explained(format!("cargo cannot be started: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_command_is_explained() {
        assert_eq!(run(&["tset"]), Err(Failure::Usage("there is no command 'tset'".into())));
        assert_eq!(run(&["golden", "x"]), Err(Failure::Usage("'x' is not expected here".into())));
    }
}
