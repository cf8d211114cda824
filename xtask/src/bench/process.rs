//! Programs that a measurement starts. None outlives it.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{Result, explained};
pub(super) use crate::cluster::Ready;
use crate::cluster::answers;

const START_MAX: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Of the kernel's clock for processes: it is 100 on every Linux that one meets.
const TICKS_PER_SECOND: f64 = 100.0;

/// A running program; killed on drop.
#[derive(Debug)]
pub(super) struct Process {
    name: String,
    child: Child,
    pub(super) address: SocketAddr,
}

impl Process {
    /// Starts it and waits until it serves.
    pub(super) async fn start(
        name: &str,
        folder: &Path,
        address: SocketAddr,
        ready: Ready,
        command: &mut Command,
    ) -> Result<Self> {
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("MT5REST_")
                && !command.get_envs().any(|(own, _)| own == variable)
            {
                command.env_remove(variable);
            }
        }
        let path = folder.join(format!("{name}.log"));
        let log = File::create(&path).and_then(|file| Ok((file.try_clone()?, file)));
        let (out, errors) = log.map_err(|error| explained(format!("{}: {error}", path.display())))?;
        // A group of its own: Ctrl-C is for this program alone, which then ends all.
        command.process_group(0).stdin(Stdio::null()).stdout(out).stderr(errors);
        let child = command.spawn().map_err(|error| explained(format!("{name}: {error}")))?;
        let mut process = Self { name: name.to_owned(), child, address };
        let begun = Instant::now();
        while !answers(process.address, ready) {
            if !process.runs() || begun.elapsed() > START_MAX {
                let log = std::fs::read_to_string(&path).unwrap_or_default();
                return Err(explained(format!("{name} does not start:\n{log}")));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(process)
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks it to end.
    pub(super) fn terminate(&self) -> Result<()> {
        let line = format!("kill -TERM {}", self.id());
        match Command::new("sh").args(["-c", &line]).status() {
            Ok(status) if status.success() => Ok(()),
            _ => Err(explained(format!("{line} failed"))),
        }
    }

    /// Ends it as a crash would.
    pub(super) fn kill(&mut self) -> Result<()> {
        let killed = self.child.kill().and_then(|()| self.child.wait());
        killed.map(drop).map_err(|error| explained(format!("{}: {error}", self.name)))
    }

    /// Memory in use, KiB.
    pub(super) fn resident_kib(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next()).and_then(|text| text.parse().ok());
        number.ok_or_else(|| explained(format!("the memory of {} cannot be read", self.name)))
    }

    /// Processor time so far, seconds, that of its children included.
    pub(super) fn cpu_s(&self) -> f64 {
        let id = self.id();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        let children = children.split_whitespace().filter_map(|id| id.parse().ok());
        children.chain([id]).map(cpu_of).sum()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.runs() {
            // Children of it first, if it has some; they would go on alone.
            let id = self.id();
            let file = format!("/proc/{id}/task/{id}/children");
            let mut line = std::fs::read_to_string(file).unwrap_or_default();
            line.insert_str(0, "kill -KILL ");
            let _ = Command::new("sh").args(["-c", &line]).stderr(Stdio::null()).status();
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn cpu_of(id: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    // The name may hold blanks; it ends with the last bracket.
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = rest.split_whitespace().skip(11).take(2).filter_map(|text| text.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS_PER_SECOND
}

/// A port that nobody listens at just now.
pub(super) fn free_address() -> Result<SocketAddr> {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    free.map_err(|error| explained(format!("there is no free port: {error}")))
}
