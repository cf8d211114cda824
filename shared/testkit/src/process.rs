//! The real binary, as a process.

use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use runtime::Tasks;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use crate::wait::{eventually, in_time};

/// How often an ended process is looked for.
const LOOKS_MAX: u32 = 100;
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Memory of a process in RAM, bytes.
///
/// # Panics
/// If it does not run, or the system does not say.
pub fn resident(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

/// A running process; killed on drop.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stdout: Arc<Mutex<Vec<String>>>,
    stderr: Arc<Mutex<Vec<String>>>,
    readers: Tasks,
}

impl Process {
    /// Starts a program. Of the environment of the test it sees nothing of the service's own variables.
    pub fn start(program: &str, args: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("MT5REST_") {
                command.env_remove(name);
            }
        }
        let mut child = command
            .args(args)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        let readers = Tasks::new();
        let stdout = collect(&readers, child.stdout.take().unwrap());
        let stderr = collect(&readers, child.stderr.take().unwrap());
        Self { child, stdout, stderr, readers }
    }

    /// The rest of the first line of its output that holds `marker`.
    ///
    /// # Panics
    /// If the process ends without saying so.
    pub async fn says(&mut self, marker: &str) -> String {
        let said = eventually(&format!("the process says '{marker}'"), async || {
            let line = self.line(marker);
            line.map(Ok).or_else(|| self.child.try_wait().unwrap().map(Err))
        })
        .await;
        let status = match said {
            Ok(rest) => return rest,
            Err(status) => status,
        };
        // Its last words may still be on their way.
        self.read_to_end().await;
        let last_words = self.line(marker);
        last_words
            .unwrap_or_else(|| panic!("it ended with {status}, never said '{marker}': {}", self.stderr()))
    }

    fn line(&self, marker: &str) -> Option<String> {
        self.stdout.lock().unwrap().iter().find_map(|line| after(line, marker))
    }

    /// Its number, as long as it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Whether it has ended, by itself or not.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Its memory in RAM, bytes.
    ///
    /// # Panics
    /// If it does not run, or the system does not say.
    pub fn resident(&self) -> u64 {
        resident(self.child.id().expect("the process runs"))
    }

    /// Sends a signal by name, such as `INT`.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().expect("the process runs");
        let sent = std::process::Command::new("sh").args(["-c", &format!("kill -{name} {id}")]).status();
        assert!(sent.unwrap().success(), "kill -{name} {id}");
    }

    /// Waits for its end.
    pub async fn end(&mut self) -> ExitStatus {
        let status = in_time("the process ends", self.child.wait()).await.unwrap();
        self.read_to_end().await;
        status
    }

    /// Its standard output so far.
    pub fn stdout(&self) -> String {
        self.stdout.lock().unwrap().join("\n")
    }

    /// Its standard error so far.
    pub fn stderr(&self) -> String {
        self.stderr.lock().unwrap().join("\n")
    }

    async fn read_to_end(&self) {
        eventually("its output is read", async || (self.readers.running() == 0).then_some(())).await;
    }
}

impl Drop for Process {
    /// Ends it and waits a moment, so that what it uses is free for whoever comes next.
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.start_kill();
        for _ in 0..LOOKS_MAX {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

fn collect(readers: &Tasks, output: impl AsyncRead + Unpin + Send + 'static) -> Arc<Mutex<Vec<String>>> {
    let lines = Arc::<Mutex<Vec<String>>>::default();
    let kept = Arc::clone(&lines);
    readers.spawn(async move {
        let mut read = BufReader::new(output).lines();
        while let Ok(Some(line)) = read.next_line().await {
            kept.lock().unwrap().push(line);
        }
    });
    lines
}

fn after(line: &str, marker: &str) -> Option<String> {
    line.split_once(marker).map(|(_, rest)| rest.trim().to_owned())
}
