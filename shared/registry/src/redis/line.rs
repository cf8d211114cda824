//! Connections to Redis, and what may go wrong on them.
//!
//! Every connection carries many commands at once, in order, so a few of them serve a whole process: nobody waits for a
//! free one, and none is asked whether it still lives before each use (which would double the time of every command). One
//! that failed is dropped, and the next command makes a new one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::select_ok;
use redis::aio::{AsyncPushSender, ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, FromRedisValue,
    ProtocolVersion, RedisError, RedisFuture, ServerErrorKind, Value,
};
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

use super::address::Address;
use super::scripts::Script;
use crate::RegistryError;

/// An operation fails after this time, connecting included.
pub(super) const OPERATION_MAX: Duration = Duration::from_secs(2);
/// Connecting to one server fails after this time.
const CONNECT_MAX: Duration = Duration::from_secs(1);
/// A connection that is silent for so long is dropped. Shorter than an operation, so that it is noticed within one.
const SILENCE_MAX: Duration = Duration::from_millis(1_500);
/// Connections of a process, besides those of ears.
const LINES: usize = 4;
/// Before a command is repeated that the server has surely not executed.
const REPEAT_AFTER: Duration = Duration::from_millis(50);

/// A connection, whatever stands at its other end.
#[derive(Clone)]
pub(super) enum Connection {
    /// One server.
    Single(MultiplexedConnection),
    /// All servers of a cluster.
    Cluster(ClusterConnection),
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Single(one) => one.req_packed_command(cmd),
            Self::Cluster(all) => all.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a redis::Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Single(one) => one.req_packed_commands(pipeline, offset, count),
            Self::Cluster(all) => all.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Single(one) => one.get_db(),
            Self::Cluster(all) => all.get_db(),
        }
    }
}

impl Address {
    /// Connects. What the server says without being asked goes to `pushes`.
    pub(super) async fn connect(
        &self,
        pushes: Option<impl AsyncPushSender>,
    ) -> Result<Connection, RedisError> {
        if let Self::Cluster(nodes) = self {
            let builder = ClusterClientBuilder::new(nodes.clone())
                // The library would also repeat what was sent over a connection that broke, and thus perhaps do it twice.
                .retries(0)
                .use_protocol(ProtocolVersion::RESP3)
                .connection_timeout(CONNECT_MAX)
                .response_timeout(SILENCE_MAX);
            let builder = match pushes {
                Some(pushes) => builder.push_sender(pushes),
                None => builder,
            };
            return Ok(Connection::Cluster(builder.build()?.get_async_connection().await?));
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_MAX))
            .set_response_timeout(Some(SILENCE_MAX));
        let config = match pushes {
            Some(pushes) => config.set_push_sender(pushes),
            None => config,
        };
        let node = self.node().await?;
        let mut connection =
            Client::open(node)?.get_multiplexed_async_connection_with_config(&config).await?;
        if matches!(self, Self::Sentinel { .. }) {
            expect_master(&mut connection).await?;
        }
        Ok(Connection::Single(connection))
    }

    /// The server to connect to: of several sentinels, the first that answers says which.
    pub(super) async fn node(&self) -> Result<ConnectionInfo, RedisError> {
        match self {
            Self::Single(node) => Ok(node.clone()),
            Self::Sentinel { sentinels, master, node } => {
                let asked = sentinels.iter().map(|sentinel| ask_sentinel(sentinel, master).boxed());
                let (address, _) = select_ok(asked).await?;
                Ok(node.clone().set_addr(moved(node.addr(), address)))
            }
            Self::Cluster(_) => Err(client_error("a cluster has no single node")),
        }
    }
}

fn client_error(what: &'static str) -> RedisError {
    RedisError::from((ErrorKind::Client, what))
}

/// The same way of speaking at another place.
fn moved(old: &ConnectionAddr, (host, port): (String, u16)) -> ConnectionAddr {
    match old {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
            ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: tls_params.clone() }
        }
        _ => ConnectionAddr::Tcp(host, port),
    }
}

async fn ask_sentinel(sentinel: &ConnectionInfo, master: &str) -> Result<(String, u16), RedisError> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_MAX))
        .set_response_timeout(Some(CONNECT_MAX));
    let client = Client::open(sentinel.clone())?;
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    let mut cmd = redis::cmd("SENTINEL");
    cmd.arg("get-master-addr-by-name").arg(master);
    let address: Option<(String, u16)> = cmd.query_async(&mut connection).await?;
    address.ok_or_else(|| client_error("the sentinel does not know the master"))
}

/// A sentinel may name a master that is one no longer.
pub(super) async fn expect_master(connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
    let role: Vec<Value> = redis::cmd("ROLE").query_async(connection).await?;
    let role: Option<String> = role.into_iter().next().map(redis::from_redis_value).transpose()?;
    match role.as_deref() {
        Some("master") => Ok(()),
        _ => Err(client_error("the server is not the master (any more)")),
    }
}

/// The connections of a process.
pub(super) struct Lines {
    address: Address,
    slots: [Mutex<Option<(usize, Connection)>>; LINES],
    next: AtomicUsize,
    made: AtomicUsize,
}

impl Lines {
    pub(super) fn new(address: Address) -> Self {
        let slots = std::array::from_fn(|_| Mutex::new(None));
        Self { address, slots, next: AtomicUsize::new(0), made: AtomicUsize::new(0) }
    }

    pub(super) const fn address(&self) -> &Address {
        &self.address
    }

    /// Runs a script.
    pub(super) async fn script<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[&str],
        args: &[&[u8]],
    ) -> Result<T, RegistryError> {
        let call = |name: &str, what: &str| {
            let mut cmd = redis::cmd(name);
            cmd.arg(what).arg(keys.len()).arg(keys).arg(args);
            cmd
        };
        let by_hash = call("EVALSHA", script.hash());
        in_time(async {
            match self.repeated(&by_hash).await {
                // The server was restarted, or is another one by now.
                Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                    self.repeated(&call("EVAL", script.code())).await
                }
                result => result,
            }
        })
        .await
    }

    /// Runs a command.
    pub(super) async fn command<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T, RegistryError> {
        in_time(self.repeated(cmd)).await
    }

    /// Runs a command until the server does not refuse it unexecuted; the caller sets an end to it.
    async fn repeated<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T, RedisError> {
        loop {
            match self.once(cmd).await {
                Err(error) if is_unexecuted(&error) => sleep(REPEAT_AFTER).await,
                result => return result,
            }
        }
    }

    async fn once<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T, RedisError> {
        let slot = &self.slots[self.next.fetch_add(1, Ordering::Relaxed) % LINES];
        let (number, mut connection) = self.open(slot).await?;
        let result = cmd.query_async::<Value>(&mut connection).await;
        if let Err(error) = &result
            && !matches!(error.kind(), ErrorKind::Server(kind) if kind != ServerErrorKind::ReadOnly)
        {
            let mut slot = slot.lock().await;
            if slot.as_ref().is_some_and(|(own, _)| *own == number) {
                *slot = None;
            }
        }
        Ok(redis::from_redis_value(result?)?)
    }

    async fn open(
        &self,
        slot: &Mutex<Option<(usize, Connection)>>,
    ) -> Result<(usize, Connection), RedisError> {
        let mut slot = slot.lock().await;
        if let Some(open) = &*slot {
            return Ok(open.clone());
        }
        let connection = self.address.connect(None::<Unheard>).await?;
        let open = (self.made.fetch_add(1, Ordering::Relaxed), connection);
        *slot = Some(open.clone());
        Ok(open)
    }
}

/// Where pushes go that nobody asked for: a connection for commands gets none.
type Unheard = fn(redis::PushInfo) -> Result<(), redis::aio::SendError>;

/// Whether the server says that it has not done what was asked, and that it, or another one, will.
fn is_unexecuted(error: &RedisError) -> bool {
    use ServerErrorKind::{Ask, BusyLoading, ClusterDown, MasterDown, Moved, ReadOnly, TryAgain};
    matches!(
        error.kind(),
        ErrorKind::Server(Moved | Ask | TryAgain | ClusterDown | BusyLoading | MasterDown | ReadOnly)
    )
}

async fn in_time<T>(work: impl Future<Output = Result<T, RedisError>>) -> Result<T, RegistryError> {
    match timeout(OPERATION_MAX, work).await {
        Ok(result) => result.map_err(|error| RegistryError(error.to_string())),
        Err(_) => Err(RegistryError(format!("no answer within {} s", OPERATION_MAX.as_secs()))),
    }
}
