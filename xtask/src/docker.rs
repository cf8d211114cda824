//! `cargo xtask test --docker`: the image and the compose file, on a machine with a Docker engine or one of its own.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::packages::{self, Need, What};
use crate::{Failure, tools};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/docker/run.sh");
/// The first image of the Dockerfile: if it can be pulled, so can the others.
const PROBE: &str = "debian:bookworm-slim";
/// How long an engine may take to start, and to end.
const ENGINE_MAX: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(200);

const ENGINE: [Need; 2] = [
    Need { what: What::Program(&["docker"]), package: "docker.io", why: "images are built and run" },
    Need { what: What::Program(&["dockerd"]), package: "docker.io", why: "no Docker engine runs" },
];
const COMPOSE: [Need; 1] = [Need {
    what: What::Program(&["docker-compose"]),
    package: "docker-compose",
    why: "`docker compose` is not there either",
}];
const BASES: [Need; 1] = [Need {
    what: What::Program(&["debootstrap"]),
    package: "debootstrap",
    why: "no image can be pulled, so they are made",
}];

/// Runs the script, with everything that it needs.
pub(crate) fn test() -> Result<(), Failure> {
    tools::ensure()?;
    let mut engine = None;
    if !succeeds("docker", &["info"]) {
        packages::ensure_all(&ENGINE)?;
        engine = Some(Engine::start()?);
    }
    if !succeeds("docker", &["compose", "version"]) {
        packages::ensure_all(&COMPOSE)?;
    }
    let mut script = Command::new("sh");
    script.arg(SCRIPT).env("PYTHON", tools::target()?.join("clients/venv/bin/python"));
    if !succeeds("docker", &["pull", "--quiet", PROBE]) {
        println!("xtask: {PROBE} cannot be pulled: base images are made");
        packages::ensure_all(&BASES)?;
        script.arg("--made-bases");
    }
    let ran = tools::run(&mut script);
    drop(engine);
    ran
}

/// An engine of our own, ended on drop.
struct Engine(Child);

impl Engine {
    fn start() -> Result<Self, Failure> {
        if !packages::is_root() {
            return Err(Failure::Explained("no Docker engine runs, and only root can start one".to_owned()));
        }
        let log = tools::target()?.join("dockerd.log");
        let of_log = |error| tools::of_file(&log.display(), &error);
        let out = File::create(&log).map_err(of_log)?;
        let errors = out.try_clone().map_err(of_log)?;
        println!("xtask: starting dockerd");
        let child = Command::new("dockerd").stdin(Stdio::null()).stdout(out).stderr(errors).spawn();
        let child =
            child.map_err(|error| Failure::Explained(format!("dockerd cannot be started: {error}")))?;
        let mut engine = Self(child);
        let begun = Instant::now();
        while !succeeds("docker", &["info"]) {
            if begun.elapsed() > ENGINE_MAX || !matches!(engine.0.try_wait(), Ok(None)) {
                return Err(explanation(&log));
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(engine)
    }
}

impl Drop for Engine {
    /// It takes its containers down before it ends.
    fn drop(&mut self) {
        println!("xtask: stopping dockerd");
        // It may have ended already.
        let _ = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.0.id())]).status();
        let begun = Instant::now();
        while matches!(self.0.try_wait(), Ok(None)) && begun.elapsed() < ENGINE_MAX {
            std::thread::sleep(LOOK_EVERY);
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn explanation(log: &Path) -> Failure {
    Failure::Explained(format!("dockerd does not start: see {}", log.display()))
}

fn succeeds(program: &str, args: &[&str]) -> bool {
    let quiet = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    quiet.is_ok_and(|status| status.success())
}
