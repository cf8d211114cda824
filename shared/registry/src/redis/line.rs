//! Connections to Redis, and what may go wrong on them.
//!
//! Every connection carries many commands at once, in order, so a few of them serve a whole process. They come from a pool
//! of deadpool-redis, which makes them in bounded number and time, and are checked out for as long as they work: nobody
//! waits for a free one, and none is asked whether it still lives before each use (the pool's `PING` at every check-out
//! would double the time of every command). One that failed is taken out of its pool for good, and the next command checks
//! out a new one. Behind Sentinels the pool is that of the present master. Once another server is the master, the pool of
//! the one before is closed, and nothing is begun on its connections any more.
//!
//! Plain redis-rs connects what is used by one alone, without a pool: ears, whose connections have subscriptions, and
//! questions to Sentinels; and clusters.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use deadpool_redis::{Hook, HookError, Manager, Pool, PoolError, Runtime, Timeouts};
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
/// Getting a connection from a pool fails after this time.
const POOL_MAX: Duration = SILENCE_MAX;
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
    /// Connects without a pool. What the server says without being asked goes to `pushes`.
    pub(super) async fn connect(&self, pushes: impl AsyncPushSender) -> Result<Connection, RedisError> {
        if let Self::Cluster(nodes) = self {
            let client = cluster(nodes).push_sender(pushes).build()?;
            return Ok(Connection::Cluster(client.get_async_connection().await?));
        }
        let client = Client::open(self.node().await?)?;
        let config = limits().set_push_sender(pushes);
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        if self.is_sentinel() {
            expect_master(&mut connection).await?;
        }
        Ok(Connection::Single(connection))
    }

    /// A pool of connections to a server.
    fn pool(&self, node: ConnectionInfo) -> Result<Pool, RedisError> {
        let [wait, create, recycle] = [Some(POOL_MAX); 3];
        let builder = Pool::builder(Manager::new_with_config(node, limits())?)
            .max_size(LINES)
            .timeouts(Timeouts { wait, create, recycle })
            .runtime(Runtime::Tokio1);
        let builder = if self.is_sentinel() {
            builder.post_create(Hook::async_fn(|connection, _| {
                Box::pin(async { expect_master(connection).await.map_err(HookError::Backend) })
            }))
        } else {
            builder
        };
        builder.build().map_err(|_| client_error("the pool cannot be built"))
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

/// How a connection to one server is made and used.
fn limits() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_MAX))
        .set_response_timeout(Some(SILENCE_MAX))
}

/// The same for a cluster.
fn cluster(nodes: &[ConnectionInfo]) -> ClusterClientBuilder {
    ClusterClientBuilder::new(nodes.to_vec())
        // The library would also repeat what was sent over a connection that broke, and thus perhaps do it twice.
        .retries(0)
        .use_protocol(ProtocolVersion::RESP3)
        .connection_timeout(CONNECT_MAX)
        .response_timeout(SILENCE_MAX)
}

/// What a pool says, as the server or the library said it.
fn of_pool(error: PoolError) -> RedisError {
    match error {
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => error,
        PoolError::Timeout(_) => client_error("connecting takes too long"),
        _ => client_error("the pool of connections is closed"),
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

/// A connection that is held as long as it works, and shared by all commands.
enum Held {
    /// To one server, checked out of this pool.
    Single(Pool, deadpool_redis::Connection),
    /// To a cluster. The pool of deadpool-redis would not do: its manager takes nothing but addresses, thus no times, and
    /// the 16 retries of redis-rs, which also repeat what was perhaps executed.
    Cluster(ClusterConnection),
}

impl Held {
    /// False when another server is the master by now.
    fn is_current(&self) -> bool {
        match self {
            Self::Single(pool, _) => !pool.is_closed(),
            Self::Cluster(_) => true,
        }
    }

    fn shared(&self) -> Connection {
        match self {
            Self::Single(_, one) => Connection::Single(MultiplexedConnection::clone(one)),
            Self::Cluster(all) => Connection::Cluster(all.clone()),
        }
    }

    /// Drops it, so that its pool does not give it out again.
    fn discard(self) {
        if let Self::Single(_, one) = self {
            drop(deadpool_redis::Connection::take(one));
        }
    }
}

/// Where a connection is held, with its number.
type Slot = Mutex<Option<(usize, Held)>>;

/// The connections of a process.
pub(super) struct Lines {
    address: Address,
    /// The pool of the one server, or of the present master, once it was reached.
    pool: Mutex<Option<(ConnectionAddr, Pool)>>,
    slots: [Slot; LINES],
    next: AtomicUsize,
    made: AtomicUsize,
}

impl Lines {
    pub(super) fn new(address: Address) -> Self {
        let slots = std::array::from_fn(|_| Mutex::new(None));
        let (next, made) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { address, pool: Mutex::new(None), slots, next, made }
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
            match self.done(&by_hash, script.is_repeatable()).await {
                // The server was restarted, or is another one by now.
                Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                    self.done(&call("EVAL", script.code()), script.is_repeatable()).await
                }
                result => result,
            }
        })
        .await
    }

    /// Runs a command.
    pub(super) async fn command<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T, RegistryError> {
        in_time(self.done(cmd, false)).await
    }

    /// Runs a command that does no harm when it is done twice: if its connection broke, it is sent once more over a fresh one.
    pub(super) async fn repeatable<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T, RegistryError> {
        in_time(self.done(cmd, true)).await
    }

    async fn done<T: FromRedisValue>(&self, cmd: &Cmd, is_repeatable: bool) -> Result<T, RedisError> {
        match self.repeated(cmd).await {
            Err(error) if is_repeatable && is_broken(&error) => self.repeated(cmd).await,
            result => result,
        }
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
        let made_before = self.made.load(Ordering::Relaxed);
        let result = cmd.query_async::<Value>(&mut connection).await;
        if let Err(error) = &result
            && !matches!(error.kind(), ErrorKind::Server(kind) if kind != ServerErrorKind::ReadOnly)
        {
            let failed = slot.lock().await.take_if(|(own, _)| *own == number);
            if let Some((_, held)) = failed {
                held.discard();
            }
            if is_broken(error) {
                self.discard_older(made_before).await;
            }
        }
        Ok(redis::from_redis_value(result?)?)
    }

    /// Where a connection broke, those that were there when the command was sent have most likely broken with it, and
    /// nobody has noticed. Later ones were made since, perhaps because of another command that failed with it.
    async fn discard_older(&self, made_before: usize) {
        for slot in &self.slots {
            let old = slot.lock().await.take_if(|(own, _)| *own < made_before);
            old.into_iter().for_each(|(_, held)| held.discard());
        }
    }

    async fn open(&self, slot: &Slot) -> Result<(usize, Connection), RedisError> {
        let mut slot = slot.lock().await;
        if let Some((number, held)) = &*slot
            && held.is_current()
        {
            return Ok((*number, held.shared()));
        }
        let held = match &self.address {
            Address::Cluster(nodes) => Held::Cluster(cluster(nodes).build()?.get_async_connection().await?),
            _ => self.check_out().await?,
        };
        let open = (self.made.fetch_add(1, Ordering::Relaxed), held.shared());
        *slot = Some((open.0, held));
        Ok(open)
    }

    async fn check_out(&self) -> Result<Held, RedisError> {
        let node = self.address.node().await?;
        let mut known = self.pool.lock().await;
        if let Some((address, pool)) = &*known
            && address == node.addr()
        {
            let pool = pool.clone();
            drop(known);
            let connection = pool.get().await.map_err(of_pool)?;
            return Ok(Held::Single(pool, connection));
        }
        let address = node.addr().clone();
        let pool = self.address.pool(node)?;
        let connection = pool.get().await.map_err(of_pool)?;
        // Only now: what a sentinel says may be old, but this server says itself that it is the master.
        if let Some((_, old)) = known.replace((address, pool.clone())) {
            old.close();
        }
        Ok(Held::Single(pool, connection))
    }
}

/// Whether the server says that it has not done what was asked, and that it, or another one, will.
fn is_unexecuted(error: &RedisError) -> bool {
    use ServerErrorKind::{Ask, BusyLoading, ClusterDown, MasterDown, Moved, ReadOnly, TryAgain};
    matches!(
        error.kind(),
        ErrorKind::Server(Moved | Ask | TryAgain | ClusterDown | BusyLoading | MasterDown | ReadOnly)
    )
}

/// Whether the connection is gone, perhaps in the middle of an answer.
fn is_broken(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Parse
        || error.is_connection_dropped()
        || error.is_connection_refusal()
        || error.is_io_error() && !error.is_timeout()
}

async fn in_time<T>(work: impl Future<Output = Result<T, RedisError>>) -> Result<T, RegistryError> {
    match timeout(OPERATION_MAX, work).await {
        Ok(result) => result.map_err(|error| RegistryError(error.to_string())),
        Err(_) => Err(RegistryError(format!("no answer within {} s", OPERATION_MAX.as_secs()))),
    }
}

#[cfg(test)]
mod tests {
    use testkit::Redis;

    use super::*;

    async fn held(lines: &Lines) -> Vec<usize> {
        let mut numbers = Vec::new();
        for slot in &lines.slots {
            numbers.extend(slot.lock().await.as_ref().map(|(number, _)| *number));
        }
        numbers
    }

    async fn use_all(lines: &Lines) {
        for _ in 0..LINES {
            lines.command::<String>(&redis::cmd("PING")).await.unwrap();
        }
    }

    #[tokio::test]
    async fn commands_that_break_together_leave_fresh_connections_alone() {
        let server = Redis::start().await;
        let lines = Lines::new(Address::parse(&server.url()).unwrap());
        use_all(&lines).await;
        assert_eq!(held(&lines).await, [0, 1, 2, 3]);
        // Two commands are under way over different connections, and the server goes.
        let made_before = [lines.made.load(Ordering::Relaxed); 2];
        lines.discard_older(made_before[0]).await;
        assert_eq!(held(&lines).await, [0; 0], "all of them have broken");
        use_all(&lines).await;
        lines.discard_older(made_before[1]).await;
        assert_eq!(held(&lines).await.len(), LINES, "these were made since");
    }
}
