//! Listening to channels, over one connection that is made again whenever there is a doubt about it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use redis::{ErrorKind, PushInfo, PushKind, RedisError, RedisResult, Value};
use runtime::{Backoff, CancellationToken, Tasks};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::address::Address;
use super::line::{Connection, OPERATION_MAX, expect_master};
use super::names::Names;
use super::packed::{Told, unpacked};
use crate::heard::HeardQueue;
use crate::{Ear, Heard, RegistryError};

/// Whether the connection lives is asked this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Making a connection and subscribing everything on it ends after this time.
const BEGIN_MAX: Duration = Duration::from_secs(10);
/// Pauses between two attempts.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// Wishes that wait for the task.
const WISHES_MAX: usize = 64;
/// Channels subscribed by one command, and commands under way at once.
const CHANNELS_AT_ONCE: usize = 256;

/// An ear that hears by Redis.
pub(super) struct RedisEar {
    wishes: mpsc::Sender<Wish>,
    queue: Arc<HeardQueue>,
    stop: CancellationToken,
}

struct Wish {
    token: String,
    is_open: bool,
    done: oneshot::Sender<Result<(), RegistryError>>,
}

impl RedisEar {
    pub(super) fn new(address: Address, names: Names) -> Self {
        let (wishes, wished) = mpsc::channel(WISHES_MAX);
        let queue = Arc::new(HeardQueue::default());
        let tasks = Tasks::new();
        let stop = tasks.stop_signal();
        let listener = Listener { address, names, wanted: HashSet::new(), queue: Arc::clone(&queue) };
        let stopped = stop.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = listener.run(wished) => {}
                () = stopped.cancelled() => {}
            }
        });
        Self { wishes, queue, stop }
    }

    async fn wish(&self, token: &str, is_open: bool) -> Result<(), RegistryError> {
        let (done, answer) = oneshot::channel();
        let gone = || RegistryError("nobody listens any more".to_owned());
        let asked = async {
            let wish = Wish { token: token.to_owned(), is_open, done };
            self.wishes.send(wish).await.map_err(|_| gone())?;
            answer.await.map_err(|_| gone())?
        };
        // The task answers in time itself, but others may be before this one.
        match timeout(2 * OPERATION_MAX, asked).await {
            Ok(result) => result,
            Err(_) => Err(RegistryError("the subscription takes too long".to_owned())),
        }
    }
}

impl Drop for RedisEar {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[async_trait]
impl Ear for RedisEar {
    async fn open(&mut self, token: &str) -> Result<(), RegistryError> {
        self.wish(token, true).await
    }

    async fn close(&mut self, token: &str) -> Result<(), RegistryError> {
        self.wish(token, false).await
    }

    async fn next(&mut self) -> Heard {
        self.queue.next().await
    }
}

/// What the connection says of itself.
#[derive(Default)]
struct Doubt {
    came: Notify,
    /// Channels that the server has taken back, or `None` for all.
    channels: Mutex<Vec<Option<Vec<u8>>>>,
}

impl Doubt {
    fn raise(&self, channel: Option<Vec<u8>>) {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        // Many are as good as all.
        let channel = channel.filter(|_| channels.len() < CHANNELS_AT_ONCE);
        if channels.last() != Some(&None) {
            channels.push(channel);
        }
        drop(channels);
        self.came.notify_one();
    }
}

struct Listener {
    address: Address,
    names: Names,
    wanted: HashSet<String>,
    queue: Arc<HeardQueue>,
}

impl Listener {
    async fn run(mut self, mut wished: mpsc::Receiver<Wish>) {
        let mut backoff = Backoff::new(PAUSE_FIRST, PAUSE_MAX);
        let mut is_first = true;
        loop {
            let doubt = Arc::new(Doubt::default());
            let begun = timeout(BEGIN_MAX, self.begin(&doubt)).await;
            match begun.unwrap_or_else(|_| Err(slow())) {
                Ok(connection) => {
                    backoff.reset();
                    if !std::mem::take(&mut is_first) {
                        self.queue.push(Heard::Gap);
                    }
                    let Err(error) = self.listen(connection, &doubt, &mut wished).await else { return };
                    tracing::warn!(%error, "lost the connection to the registry's events");
                }
                Err(error) => tracing::debug!(%error, "no connection to the registry's events"),
            }
            if !self.rest(backoff.pause(), &mut wished).await {
                return;
            }
        }
    }

    /// Connects, and subscribes everything that is wanted.
    async fn begin(&self, doubt: &Arc<Doubt>) -> RedisResult<Connection> {
        let mut connection = self.address.connect(self.hearer(doubt)).await?;
        let wanted: Vec<String> = self.wanted.iter().map(|token| self.channel(token)).collect();
        match &mut connection {
            Connection::Single(one) => {
                for channels in wanted.chunks(CHANNELS_AT_ONCE) {
                    one.subscribe(channels).await?;
                }
            }
            // One by one, for each may be in another slot.
            Connection::Cluster(all) => {
                let each = stream::iter(wanted).map(|channel| {
                    let mut all = all.clone();
                    async move { all.ssubscribe(channel).await }
                });
                each.buffer_unordered(CHANNELS_AT_ONCE).try_collect::<()>().await?;
            }
        }
        Ok(connection)
    }

    /// What takes messages from the connection as they come; it never waits.
    fn hearer(
        &self,
        doubt: &Arc<Doubt>,
    ) -> impl Fn(PushInfo) -> Result<(), redis::aio::SendError> + Send + Sync + 'static {
        let (queue, doubt, names) = (Arc::clone(&self.queue), Arc::clone(doubt), self.names.clone());
        move |push| {
            match push.kind {
                PushKind::Message | PushKind::SMessage => match heard(&names, push.data) {
                    Some(heard) => queue.push(heard),
                    None => tracing::warn!("something unknown came by a channel of the registry"),
                },
                PushKind::Disconnection => doubt.raise(None),
                PushKind::Unsubscribe | PushKind::SUnsubscribe => {
                    doubt.raise(push.data.into_iter().next().and_then(bytes_of));
                }
                _ => {}
            }
            Ok(())
        }
    }

    /// Serves wishes until the connection is in doubt. Ends well when nobody wishes any more.
    async fn listen(
        &mut self,
        mut connection: Connection,
        doubt: &Doubt,
        wished: &mut mpsc::Receiver<Wish>,
    ) -> RedisResult<()> {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                wish = wished.recv() => match wish {
                    None => return Ok(()),
                    Some(wish) => self.serve(wish, &mut connection).await?,
                },
                () = doubt.came.notified() => self.look_at(doubt)?,
                _ = looks.tick() => self.look(&mut connection).await?,
            }
        }
    }

    async fn serve(&mut self, wish: Wish, connection: &mut Connection) -> RedisResult<()> {
        if wish.is_open && wish.done.is_closed() {
            // Who asked was told that it takes too long.
            return Ok(());
        }
        // Before the command: a channel that is not wanted may be taken back, one that is may not.
        let is_new = if wish.is_open {
            self.wanted.insert(wish.token.clone())
        } else {
            self.wanted.remove(&wish.token)
        };
        let channel = self.channel(&wish.token);
        let subscribed = async {
            match connection {
                _ if !is_new => Ok(()),
                Connection::Single(one) if wish.is_open => one.subscribe(channel).await,
                Connection::Single(one) => one.unsubscribe(channel).await,
                Connection::Cluster(all) if wish.is_open => all.ssubscribe(channel).await,
                Connection::Cluster(all) => all.sunsubscribe(channel).await,
            }
        };
        let result = timeout(OPERATION_MAX, subscribed).await.unwrap_or_else(|_| Err(slow()));
        let answer = match &result {
            Ok(()) => Ok(()),
            Err(error) => Err(RegistryError(error.to_string())),
        };
        if answer.is_err() && wish.is_open {
            self.wanted.remove(&wish.token);
        }
        // Who asked may have gone.
        let _ = wish.done.send(answer);
        result
    }

    /// The connection says that it is lost, or the server took a channel back.
    fn look_at(&self, doubt: &Doubt) -> RedisResult<()> {
        let channels = std::mem::take(&mut *doubt.channels.lock().unwrap_or_else(PoisonError::into_inner));
        let is_harmless = channels.iter().all(|channel| {
            let token = channel.as_deref().and_then(|channel| self.names.token_of(channel));
            token.is_some_and(|token| !self.wanted.contains(&token))
        });
        if is_harmless { Ok(()) } else { Err(lost("the connection or a channel was closed")) }
    }

    /// Whether the server still answers, and is still the one to ask.
    async fn look(&self, connection: &mut Connection) -> RedisResult<()> {
        let asked = async {
            redis::cmd("PING").query_async::<Value>(connection).await?;
            if let Connection::Single(one) = connection
                && self.address.is_sentinel()
            {
                expect_master(one).await?;
            }
            Ok(())
        };
        timeout(OPERATION_MAX, asked).await.unwrap_or_else(|_| Err(slow()))
    }

    /// Waits before the next attempt. Who wants to begin to listen meanwhile is told that it cannot be done. False: nobody
    /// wishes any more.
    async fn rest(&mut self, pause: Duration, wished: &mut mpsc::Receiver<Wish>) -> bool {
        let over = sleep(pause);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => return true,
                wish = wished.recv() => {
                    let Some(wish) = wish else { return false };
                    let answer = if wish.is_open && !self.wanted.contains(&wish.token) {
                        Err(RegistryError("there is no connection for events".to_owned()))
                    } else {
                        if !wish.is_open {
                            self.wanted.remove(&wish.token);
                        }
                        Ok(())
                    };
                    let _ = wish.done.send(answer);
                }
            }
        }
    }

    fn channel(&self, token: &str) -> String {
        self.names.session(token).channel
    }
}

fn lost(what: &'static str) -> RedisError {
    RedisError::from((ErrorKind::Client, what))
}

fn slow() -> RedisError {
    lost("the server does not answer")
}

fn bytes_of(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.into_bytes()),
        _ => None,
    }
}

fn heard(names: &Names, data: Vec<Value>) -> Option<Heard> {
    let [channel, message] = <[Value; 2]>::try_from(data).ok()?.map(bytes_of);
    let token = names.token_of(&channel?)?;
    Some(match unpacked(Bytes::from(message?))? {
        Told::Frame(frame) => Heard::Frame { token, frame },
        Told::Changed => Heard::Changed { token },
    })
}
