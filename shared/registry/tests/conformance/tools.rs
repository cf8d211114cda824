//! What scenarios share.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bus::{Frame, Position, Topic};
use bytes::Bytes;
use registry::{AccountName, Beat, Fence, Opened, Record, RedisRegistry, Registry, WorkerId, Written};
use testkit::Redis;
use tokio::sync::Mutex;

/// A heartbeat that does not run out during a test.
pub(crate) const LONG: Duration = Duration::from_secs(600);

/// The server of all tests that run now: the last of them ends it.
static SERVER: Mutex<Weak<Redis>> = Mutex::const_new(Weak::new());
static CLUSTER: Mutex<Weak<Vec<Redis>>> = Mutex::const_new(Weak::new());
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A registry that shares its server, but no keys, with others.
pub(crate) async fn redis() -> (Arc<Redis>, RedisRegistry) {
    let mut shared = SERVER.lock().await;
    let server = match shared.upgrade() {
        Some(server) => server,
        None => Arc::new(Redis::start().await),
    };
    *shared = Arc::downgrade(&server);
    let prefix = format!("test{}:", NEXT.fetch_add(1, Ordering::Relaxed));
    let registry = RedisRegistry::connect(&server.url()).unwrap().with_prefix(&prefix);
    (server, registry)
}

/// The same with a cluster.
pub(crate) async fn cluster() -> (Arc<Vec<Redis>>, RedisRegistry) {
    let mut shared = CLUSTER.lock().await;
    let servers = match shared.upgrade() {
        Some(servers) => servers,
        None => Arc::new(Redis::cluster().await),
    };
    *shared = Arc::downgrade(&servers);
    let prefix = format!("test{}:", NEXT.fetch_add(1, Ordering::Relaxed));
    let registry = RedisRegistry::connect(&cluster_url(&servers)).unwrap().with_prefix(&prefix);
    (servers, registry)
}

pub(crate) fn cluster_url(servers: &[Redis]) -> String {
    let hosts: Vec<_> = servers.iter().map(|server| format!("127.0.0.1:{}", server.port())).collect();
    format!("redis+cluster://{}", hosts.join(","))
}

pub(crate) fn worker(id: &str) -> WorkerId {
    WorkerId::new(id)
}

pub(crate) fn account(name: &str) -> AccountName {
    AccountName::new(name)
}

pub(crate) fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

pub(crate) fn beat(id: &str, sessions: u32) -> Beat {
    Beat {
        worker: worker(id),
        address: format!("{id}:80"),
        sessions,
        sessions_max: 1_000,
        is_open: true,
        brokers: Vec::new(),
        ttl: LONG,
    }
}

/// Opens a session of account `account` and says that it is up.
pub(crate) async fn live(registry: &dyn Registry, token: &str, owner: &str) -> Fence {
    let fence = opening(registry, token, owner).await;
    assert_eq!(registry.opened(token, fence, &bytes("memo")).await.unwrap(), Written::Yes);
    fence
}

pub(crate) async fn opening(registry: &dyn Registry, token: &str, owner: &str) -> Fence {
    let opened = registry.open(token, &account("account"), &worker(owner), &bytes("sealed")).await.unwrap();
    match opened {
        Opened::Yes(fence) => fence,
        Opened::Taken => panic!("{token} is taken"),
    }
}

pub(crate) async fn record(registry: &dyn Registry, token: &str) -> Record {
    registry.record(token).await.unwrap().expect("it is known")
}

pub(crate) fn at(epoch: Fence, offset: u64) -> Position {
    Position { epoch: epoch.0, offset }
}

pub(crate) fn event(epoch: Fence, offset: u64) -> Frame {
    let text = format!("{{\"event\":\"{epoch}-{offset}\"}}");
    Frame::new(Topic::OrderUpdate, None, Bytes::from(text)).at(at(epoch, offset))
}

pub(crate) fn events(epoch: Fence, offsets: std::ops::RangeInclusive<u64>) -> Vec<Frame> {
    offsets.map(|offset| event(epoch, offset)).collect()
}
