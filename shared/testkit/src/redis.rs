//! A real Redis.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::scratch::Scratch;
use crate::wait::{eventually, in_time};

/// How often another port is tried when somebody else was faster.
const STARTS_MAX: u32 = 5;

/// A running `redis-server` of a test's own, which writes down every change before it answers; ended on drop.
///
/// It works from threads without a runtime too, so that one can be shared by all tests of a process.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    arguments: Vec<String>,
    program: &'static str,
    child: Mutex<Option<Child>>,
    scratch: Scratch,
}

impl Redis {
    /// Starts one.
    ///
    /// # Panics
    /// If there is no `redis-server`, or it does not begin to answer.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts one with further options, such as `--cluster-enabled yes`.
    ///
    /// # Panics
    /// If there is no `redis-server`, or it does not begin to answer.
    pub async fn start_with(options: &[&str]) -> Self {
        for _ in 0..STARTS_MAX {
            let scratch = Scratch::new("redis");
            let port = free_port();
            let folder = scratch.path().display().to_string();
            let fixed = ["--port", &port.to_string(), "--bind", "127.0.0.1", "--dir", &folder]
                .map(str::to_owned)
                .into_iter();
            let written = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""].map(str::to_owned);
            let options = options.iter().map(|option| (*option).to_owned());
            let arguments = fixed.chain(written).chain(options).collect();
            let redis = Self { port, arguments, program: "redis-server", child: Mutex::new(None), scratch };
            if redis.run().await {
                return redis;
            }
        }
        panic!("redis-server does not start: {STARTS_MAX} free ports were taken by others");
    }

    /// Starts one that also speaks TLS with this certificate and key (PEM), and gives the port of that.
    ///
    /// # Panics
    /// If there is no `redis-server`, or it does not begin to answer.
    pub async fn start_secured(certificate: &Path, key: &Path) -> (Self, u16) {
        let (port, certificate, key) = (free_port(), certificate.display(), key.display());
        let options = format!(
            "--tls-port {port} --tls-cert-file {certificate} --tls-key-file {key} --tls-ca-cert-file {certificate} \
             --tls-auth-clients no"
        );
        (Self::start_with(&options.split_whitespace().collect::<Vec<_>>()).await, port)
    }

    /// Starts a Sentinel that watches a master under the name `main`, alone deciding over it.
    ///
    /// # Panics
    /// If there is no `redis-sentinel`, or it does not begin to answer.
    pub async fn sentinel(master: &Redis) -> Self {
        for _ in 0..STARTS_MAX {
            let (scratch, port) = (Scratch::new("sentinel"), free_port());
            let folder = scratch.path().display();
            let settings = format!(
                "port {port}\nbind 127.0.0.1\ndir {folder}\nsentinel monitor main 127.0.0.1 {} 1\n\
                 sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 3000\n",
                master.port
            );
            let file: PathBuf = scratch.file("sentinel.conf", &settings);
            let arguments = vec![file.display().to_string()];
            let child = Mutex::new(None);
            let sentinel = Self { port, arguments, program: "redis-sentinel", child, scratch };
            if sentinel.run().await {
                return sentinel;
            }
        }
        panic!("redis-sentinel does not start: {STARTS_MAX} free ports were taken by others");
    }

    /// Starts a cluster of three masters without replicas.
    ///
    /// # Panics
    /// If there is no `redis-server`, or they do not find each other.
    pub async fn cluster() -> Vec<Self> {
        let mut nodes = Vec::new();
        let slots = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];
        for (number, (first, last)) in slots.into_iter().enumerate() {
            let node =
                Self::start_with(&["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"]).await;
            let epoch = (number + 1).to_string();
            assert_eq!(node.command(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch]).await, "+OK");
            assert_eq!(node.command(&["CLUSTER", "ADDSLOTSRANGE", first, last]).await, "+OK");
            nodes.push(node);
        }
        for other in &nodes[1..] {
            let met = nodes[0].command(&["CLUSTER", "MEET", "127.0.0.1", &other.port.to_string()]).await;
            assert_eq!(met, "+OK");
        }
        Self::cluster_is_up(&nodes).await;
        nodes
    }

    /// Waits until all of a cluster say that it serves.
    pub async fn cluster_is_up(nodes: &[Self]) {
        for node in nodes {
            eventually("the cluster is up", async || {
                let answer = node.try_command(&["GET", "any"]).await?;
                (!answer.starts_with("-CLUSTERDOWN")).then_some(())
            })
            .await;
        }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Its port on this machine.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its files.
    pub fn folder(&self) -> &Path {
        self.scratch.path()
    }

    /// Ends it at once, as a crash would. Does nothing when it does not run.
    pub fn kill(&self) {
        if let Some(mut child) = self.child.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Ends it and starts it again with what it had.
    pub async fn restart(&self) {
        self.kill();
        assert!(self.run().await, "redis-server does not start again: its port was taken");
    }

    /// Ends it and starts it again with nothing.
    pub async fn restart_empty(&self) {
        self.kill();
        for entry in std::fs::read_dir(self.scratch.path()).unwrap() {
            let path = entry.unwrap().path();
            let removed =
                if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
            removed.unwrap();
        }
        assert!(self.run().await, "redis-server does not start again: its port was taken");
    }

    /// It stays, but answers nothing until it is continued.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Ends a pause.
    pub fn resume(&self) {
        self.signal("CONT");
    }

    /// Forgets everything.
    pub async fn flush(&self) {
        self.command(&["FLUSHALL"]).await;
    }

    /// Sends it a command, and answers the first line of what it says, as Redis' protocol writes it.
    pub async fn command(&self, words: &[&str]) -> String {
        self.try_command(words).await.unwrap_or_else(|| panic!("no answer to {words:?}"))
    }

    /// The same, while it may not run.
    async fn try_command(&self, words: &[&str]) -> Option<String> {
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        let answered = async {
            let mut socket = TcpStream::connect(("127.0.0.1", self.port)).await.ok()?;
            socket.write_all(request.as_bytes()).await.ok()?;
            read_answer(&mut socket).await
        };
        in_time(&format!("Redis answers {words:?}"), answered).await
    }

    fn signal(&self, name: &str) {
        let id = self.child.lock().unwrap().as_ref().expect("it runs").id();
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {id}")]).status();
        assert!(sent.unwrap().success(), "kill -{name} {id}");
    }

    /// Starts it; false when it ended at once, most likely because its port was taken.
    async fn run(&self) -> bool {
        let child = Command::new(self.program)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{} is needed by this test: {error}", self.program));
        *self.child.lock().unwrap() = Some(child);
        let process = self.child.lock().unwrap().as_ref().map_or(0, Child::id);
        eventually("Redis answers", async || {
            let has_ended = !matches!(self.child.lock().unwrap().as_mut().unwrap().try_wait(), Ok(None));
            if has_ended {
                return Some(false);
            }
            // Another server may have been faster at this port.
            let answer = self.try_command(&["PING"]).await?;
            let ours = self.process_at_port().await?;
            (answer == "+PONG").then_some(ours == process)
        })
        .await
    }

    async fn process_at_port(&self) -> Option<u32> {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).await.ok()?;
        socket.write_all(b"*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n").await.ok()?;
        let mut text = Vec::new();
        loop {
            let said = String::from_utf8_lossy(&text);
            if let Some((_, rest)) = said.split_once("process_id:")
                && let Some((id, _)) = rest.split_once('\r')
            {
                return id.parse().ok();
            }
            text.push(socket.read_u8().await.ok()?);
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that nobody listens at just now. In a cluster the one 10,000 above it is used too.
fn free_port() -> u16 {
    loop {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let other = if port < 50_000 { port + 10_000 } else { port - 10_000 };
        let (low, high) = (port.min(other), port.max(other));
        if low >= 10_000
            && high < 60_000
            && [low, high].iter().all(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        {
            return low;
        }
    }
}

/// An answer of Redis as text: texts as they are, the parts of a list in lines.
async fn read_answer(socket: &mut TcpStream) -> Option<String> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        line.push(socket.read_u8().await.ok()?);
    }
    let line = String::from_utf8_lossy(&line).trim_end().to_owned();
    let length = || line[1..].parse::<usize>().ok();
    match line.as_bytes().first()? {
        b'$' => {
            // Nothing has length -1.
            let Some(length) = length() else { return Some(String::new()) };
            let mut bytes = vec![0; length + 2];
            socket.read_exact(&mut bytes).await.ok()?;
            Some(String::from_utf8_lossy(&bytes[..length]).into_owned())
        }
        b'*' => {
            let mut parts = Vec::new();
            for _ in 0..length().unwrap_or(0) {
                parts.push(Box::pin(read_answer(socket)).await?);
            }
            Some(parts.join("\n"))
        }
        _ => Some(line),
    }
}
