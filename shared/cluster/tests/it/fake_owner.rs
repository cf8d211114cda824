//! Workers that do what a test wants.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use access::Caller;
use async_trait::async_trait;

use bus::{Answer, Ask, Delivery, Params, Payload};
use cluster::{ClusterKey, Interested, Owner, Reply, Router, RouterSettings, serve};
use error::Error;
use registry::Fence;
use runtime::{CancellationToken, Tasks};
use testkit::eventually;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::fake_registry::FakeRegistry;

pub(crate) fn key() -> ClusterKey {
    ClusterKey::new("a key for tests of 32 characters").unwrap()
}

/// What a worker answers.
#[derive(Clone)]
pub(crate) enum Does {
    /// This.
    Say(Reply),
    /// Nothing until it is let go; then its name.
    Hold,
    /// It panics.
    Panic,
}

/// What a worker was told to listen for.
pub(crate) type Told = (String, Vec<Interested>, Duration);

type Then = Box<dyn Fn(&str) + Send>;

pub(crate) struct FakeOwner {
    name: String,
    does: Mutex<Does>,
    pub(crate) asks: Mutex<Vec<Ask>>,
    pub(crate) finished: AtomicUsize,
    pub(crate) gate: Notify,
    pub(crate) interests: Mutex<Vec<Told>>,
    pub(crate) not_mine: Mutex<Vec<String>>,
    pub(crate) deeds: Mutex<Vec<String>>,
    /// What becomes true by an adoption.
    on_adopt: Mutex<Option<Then>>,
    pub(crate) is_ready: AtomicBool,
}

impl FakeOwner {
    fn new(name: &str) -> Self {
        let name_json = format!("[\"{name}\"]").into();
        Self {
            name: name.to_owned(),
            does: Mutex::new(Does::Say(Reply::Answer(Answer::of(Ok(Payload::Json(name_json)))))),
            asks: Mutex::default(),
            finished: AtomicUsize::new(0),
            gate: Notify::new(),
            interests: Mutex::default(),
            not_mine: Mutex::default(),
            deeds: Mutex::default(),
            on_adopt: Mutex::default(),
            is_ready: AtomicBool::new(true),
        }
    }

    pub(crate) fn does(&self, what: Does) {
        *self.does.lock().unwrap() = what;
    }

    pub(crate) fn says(&self, result: Result<Payload, Error>) {
        self.does(Does::Say(Reply::Answer(Answer::of(result))));
    }

    pub(crate) fn asked(&self) -> usize {
        self.asks.lock().unwrap().len()
    }

    pub(crate) fn on_adopt(&self, then: impl Fn(&str) + Send + 'static) {
        *self.on_adopt.lock().unwrap() = Some(Box::new(then));
    }

    /// The last word on what is listened to.
    pub(crate) fn interest(&self) -> Option<Told> {
        self.interests.lock().unwrap().last().cloned()
    }
}

#[async_trait]
impl Owner for FakeOwner {
    async fn ask(&self, ask: Ask) -> Reply {
        self.asks.lock().unwrap().push(ask);
        let does = self.does.lock().unwrap().clone();
        match does {
            Does::Say(reply) => reply,
            Does::Hold => {
                self.gate.notified().await;
                self.finished.fetch_add(1, Ordering::SeqCst);
                Reply::Answer(Answer::of(Ok(Payload::Text(self.name.clone()))))
            }
            Does::Panic => panic!("as the test wants"),
        }
    }

    async fn delivered(&self, token: &str, receipt: &str, delivery: Delivery) -> bool {
        self.deeds.lock().unwrap().push(format!("delivered {token} {receipt} {delivery:?}"));
        self.is_ready.load(Ordering::SeqCst)
    }

    async fn interest(&self, listener: &str, all: Vec<Interested>, ttl: Duration) -> Vec<String> {
        let not_mine = self.not_mine.lock().unwrap().clone();
        let named = all.iter().map(|one| one.token.clone()).filter(|token| not_mine.contains(token));
        let named = named.collect();
        self.interests.lock().unwrap().push((listener.to_owned(), all, ttl));
        named
    }

    async fn adopt(&self, token: &str) -> Result<(), Error> {
        self.deeds.lock().unwrap().push(format!("adopt {token}"));
        if let Some(then) = self.on_adopt.lock().unwrap().as_ref() {
            then(token);
        }
        Ok(())
    }

    async fn prepare(&self, token: &str) -> Result<(), Error> {
        self.deeds.lock().unwrap().push(format!("prepare {token}"));
        Err(Error::busy("not now"))
    }

    async fn activate(&self, token: &str, fence: Fence) -> Result<(), Error> {
        self.deeds.lock().unwrap().push(format!("activate {token} {fence}"));
        Ok(())
    }

    fn ready(&self) -> Result<(), String> {
        if self.is_ready.load(Ordering::SeqCst) { Ok(()) } else { Err("draining".to_owned()) }
    }
}

/// A worker that serves.
pub(crate) struct Worker {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) owner: Arc<FakeOwner>,
    pub(crate) stop: CancellationToken,
    pub(crate) done: JoinHandle<()>,
}

impl Worker {
    /// Starts one that the registry does not know.
    pub(crate) async fn alone(tasks: &Tasks, name: &str) -> Self {
        Self::with_key(tasks, name, key()).await
    }

    /// A worker with a cluster key of its own.
    pub(crate) async fn with_key(tasks: &Tasks, name: &str, key: ClusterKey) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (owner, stop) = (Arc::new(FakeOwner::new(name)), CancellationToken::new());
        let served: Arc<dyn Owner> = owner.clone();
        let done = tasks.spawn(serve(listener, served, key, None, stop.clone().cancelled_owned()));
        Self { name: name.to_owned(), address, owner, stop, done }
    }
}

/// A worker that takes requests and dies over each of them.
pub(crate) struct Breaker {
    pub(crate) address: String,
    pub(crate) deliveries: Arc<AtomicUsize>,
}

impl Breaker {
    pub(crate) async fn start(tasks: &Tasks) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let deliveries = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&deliveries);
        tasks.spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut read = Vec::new();
                while !read.windows(4).any(|end| end == b"\r\n\r\n") {
                    if socket.read_buf(&mut read).await.unwrap_or(0) == 0 {
                        break;
                    }
                }
                // That it is greeted, too, is no delivery.
                if !read.starts_with(b"POST /inner/greeting") {
                    counted.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        Self { address, deliveries }
    }

    pub(crate) fn deliveries(&self) -> usize {
        self.deliveries.load(Ordering::SeqCst)
    }
}

/// An address where nobody is.
pub(crate) async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

/// A router, its registry, and the tasks of a test.
pub(crate) struct World {
    pub(crate) registry: Arc<FakeRegistry>,
    pub(crate) router: Arc<Router>,
    pub(crate) tasks: Tasks,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut RouterSettings)) -> Self {
        let (registry, tasks) = (FakeRegistry::new(), Tasks::new());
        let mut settings = RouterSettings::new("an-api");
        settings.interest_every = Duration::from_millis(200);
        settings.look_every = Duration::from_millis(100);
        settings.watch_every = Duration::from_millis(100);
        change(&mut settings);
        let router = Arc::new(Router::new(registry.clone(), &key(), settings, &tasks));
        Self { registry, router, tasks }
    }

    /// A worker that lives.
    pub(crate) async fn worker(&self, name: &str) -> Worker {
        let worker = Worker::alone(&self.tasks, name).await;
        self.registry.add_worker(name, &worker.address);
        worker
    }

    pub(crate) fn own(&self, token: &str, worker: &Worker, fence: u64) {
        self.registry.own(token, &worker.name, &worker.address, fence);
    }

    pub(crate) fn looked_up(&self) -> usize {
        self.registry.state().looked_up
    }
}

/// A call of some seconds.
pub(crate) fn ask(call: &str, params: &[(&str, &str)]) -> Ask {
    let params: Params = params.iter().copied().collect();
    Ask {
        call: call.parse().unwrap(),
        id: params.get("id").map(str::to_owned),
        caller: Caller::local(),
        params,
        deadline: Instant::now() + Duration::from_secs(20),
        idempotency_key: None,
        source: None,
    }
}

/// What an answer says, if it says something.
pub(crate) fn said(answer: &Answer) -> String {
    match answer.result.as_ref().unwrap() {
        Payload::Json(json) => String::from_utf8(json.to_vec()).unwrap(),
        Payload::Text(text) | Payload::Html(text) => text.clone(),
    }
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    eventually(what, async || holds().then_some(())).await;
}
