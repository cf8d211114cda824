//! The processes of a cluster: started one by one, watched, and ended in the reverse order.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Failure, tools};

/// How long a process may take until it answers.
const START_MAX: Duration = Duration::from_secs(20);
/// How long it may take to end: the service needs 28 s at most.
const STOP_MAX: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// For a question whether it serves.
const ANSWER_MAX: Duration = Duration::from_secs(1);
/// How much of a log is shown when a process does not start.
const LAST_LINES: usize = 10;

/// What to start.
pub(super) struct Order {
    name: String,
    command: Command,
    address: SocketAddr,
}

impl Order {
    pub(super) fn new(
        name: &str,
        program: &str,
        args: &[&str],
        environment: &[(&str, &str)],
        address: SocketAddr,
    ) -> Self {
        let mut command = Command::new(program);
        for (variable, _) in std::env::vars_os() {
            let variable = variable.to_string_lossy().into_owned();
            // What the caller has set for a service of his own is not for these; what is logged may be chosen.
            if variable.starts_with("MT5REST_") && !variable.starts_with("MT5REST_LOG") {
                command.env_remove(variable);
            }
        }
        command.args(args).envs(environment.iter().copied());
        Self { name: name.to_owned(), command, address }
    }
}

/// A started process.
struct Process {
    name: String,
    address: SocketAddr,
    child: Child,
    /// Its end was told.
    is_over: bool,
}

impl Process {
    fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The name without its number: those of one kind are ended together.
    fn kind(&self) -> &str {
        self.name.split('-').next().unwrap_or_default()
    }

    /// Whether it serves.
    fn answers(&self) -> bool {
        answers(self.address, if self.kind() == "redis" { Ready::Redis } else { Ready::Health })
    }
}

/// How it is known that a program serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ready {
    /// It answers a health check.
    Health,
    /// It answers as Redis does.
    Redis,
}

/// Whether whoever listens there serves.
pub(crate) fn answers(address: SocketAddr, ready: Ready) -> bool {
    let (request, answer) = match ready {
        Ready::Health => {
            ("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "HTTP/1.1 200")
        }
        Ready::Redis => ("PING\r\n", "+PONG"),
    };
    let asked = TcpStream::connect_timeout(&address, ANSWER_MAX).and_then(|mut stream| {
        stream.set_read_timeout(Some(ANSWER_MAX))?;
        stream.write_all(request.as_bytes())?;
        let mut bytes = vec![0; answer.len()];
        stream.read_exact(&mut bytes)?;
        Ok(bytes)
    });
    asked.is_ok_and(|bytes| bytes == answer.as_bytes())
}

/// All that run.
pub(super) struct Processes {
    folder: PathBuf,
    running: Vec<Process>,
}

impl Processes {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, running: Vec::new() }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts one and waits until it answers. False if it was told to stop.
    pub(super) fn start(&mut self, order: Order) -> Result<bool, Failure> {
        let Order { name, mut command, address } = order;
        println!("xtask: starting {name}");
        let path = self.log(&name);
        let (out, errors) = File::create(&path)
            .and_then(|file| Ok((file.try_clone()?, file)))
            .map_err(|error| tools::of_file(&path.display(), &error))?;
        // A group of its own: Ctrl-C in the terminal is for this program alone, which then ends all in order.
        command.process_group(0).stdin(Stdio::null()).stdout(out).stderr(errors);
        let child = command
            .spawn()
            .map_err(|error| Failure::Explained(format!("{name} cannot be started: {error}")))?;
        let mut process = Process { name, address, child, is_over: false };
        let begun = Instant::now();
        let answer = loop {
            if self.signals() > 0 {
                break Ok(false);
            }
            if !process.runs() {
                break Err("has ended");
            }
            if process.answers() {
                break Ok(true);
            }
            if begun.elapsed() > START_MAX {
                break Err("does not answer");
            }
            std::thread::sleep(LOOK_EVERY);
        };
        let failed = |what| {
            let log = std::fs::read_to_string(&path).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n");
            Failure::Explained(format!("{} {what}; the end of {}:\n{last}", process.name, path.display()))
        };
        let answer = answer.map_err(failed);
        self.running.push(process);
        answer
    }

    /// One line for each.
    pub(super) fn list(&self) -> String {
        let lines = self.running.iter().map(|process| {
            let Process { name, address, child, .. } = process;
            format!("  {name:10} {address:21} process {}", child.id())
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Waits for a signal, or the end of all. One that ends alone is told, and the others go on.
    pub(super) fn watch(&mut self) {
        while self.signals() == 0 && self.running.iter().any(|process| !process.is_over) {
            for process in self.running.iter_mut().filter(|process| !process.is_over) {
                if let Ok(Some(status)) = process.child.try_wait() {
                    println!("xtask: {} has ended: {status}", process.name);
                    process.is_over = true;
                }
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Ends all: those that were started last first, and those of one kind together.
    pub(super) fn stop(&mut self) {
        let signals = self.signals().max(1);
        while let Some(kind) = self.running.last().map(|process| process.kind().to_owned()) {
            let begin = self.running.iter().position(|process| process.kind() == kind).unwrap_or_default();
            let mut group = self.running.split_off(begin);
            group.retain_mut(Process::runs);
            println!("xtask: stopping {kind}");
            terminate(&group);
            let begun = Instant::now();
            while group.iter_mut().any(Process::runs) {
                if begun.elapsed() > STOP_MAX || self.signals() > signals {
                    kill(&mut group);
                }
                std::thread::sleep(LOOK_EVERY);
            }
        }
        println!("xtask: all have ended");
    }

    fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    /// How many signals the shell has noted.
    fn signals(&self) -> usize {
        std::fs::read_to_string(self.folder.join("stop")).map_or(0, |text| text.lines().count())
    }
}

impl Drop for Processes {
    /// In case of a panic.
    fn drop(&mut self) {
        kill(&mut self.running);
    }
}

/// Asks them to end; the standard library can only kill.
fn terminate(group: &[Process]) {
    if group.is_empty() {
        return;
    }
    let ids: Vec<String> = group.iter().map(|process| process.child.id().to_string()).collect();
    // One may just have ended.
    let _ = Command::new("sh").args(["-c", &format!("kill -TERM {} 2>/dev/null", ids.join(" "))]).status();
}

fn kill(group: &mut [Process]) {
    for process in group.iter_mut().filter_map(|process| process.runs().then_some(process)) {
        // It may just have ended.
        let _ = process.child.kill();
        let _ = process.child.wait();
    }
}
