//! All sessions that are listened to in this process.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bus::{End, Interest, Subscription};
use error::Error;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::timeout;

use super::CHANNELS_MAX;
use super::channel::Channel;
use super::ear::OPEN_TIME;

/// Requests to the ear that may wait.
const ORDERS_MAX: usize = 1024;

/// A request to the ear: to listen to a token.
pub(crate) struct Open {
    pub(super) token: String,
    pub(super) done: oneshot::Sender<Result<(), Error>>,
}

/// The error while the registry does not let us listen.
pub(super) fn deaf() -> Error {
    Error::busy("Events of this session cannot be listened to at the moment. Try again.")
}

/// All sessions that are listened to in this process.
pub(crate) struct Hub {
    channels: Mutex<HashMap<String, Arc<Channel>>>,
    orders: mpsc::Sender<Open>,
    /// Somebody listens to more than before, or a session has moved.
    pub(super) grown: Notify,
}

impl Hub {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Open>) {
        let (orders, ear) = mpsc::channel(ORDERS_MAX);
        (Self { channels: Mutex::default(), orders, grown: Notify::new() }, ear)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Adds a reader; from now on its channel stays.
    pub(super) fn enter(
        &self,
        token: &str,
        interest: Interest,
    ) -> Result<(Arc<Channel>, Subscription), Error> {
        let mut channels = self.lock();
        if let Some(channel) = channels.get(token) {
            channel.fanout.forget_unheard();
            let subscription = channel.fanout.subscribe(interest)?;
            return Ok((Arc::clone(channel), subscription));
        }
        if channels.len() >= CHANNELS_MAX {
            return Err(Error::busy("This instance listens to as many sessions as it can. Try again."));
        }
        let channel = Arc::new(Channel::new(token));
        let subscription = channel.fanout.subscribe(interest)?;
        channels.insert(token.to_owned(), Arc::clone(&channel));
        Ok((channel, subscription))
    }

    /// Has the ear listen to a token.
    pub(super) async fn open(&self, token: &str) -> Result<(), Error> {
        let (done, opened) = oneshot::channel();
        let opening = async {
            self.orders.send(Open { token: token.to_owned(), done }).await.ok()?;
            opened.await.ok()
        };
        match timeout(2 * OPEN_TIME, opening).await {
            Ok(Some(opened)) => opened,
            Ok(None) => Err(Error::busy("This instance stops. Try again.")),
            Err(_) => Err(deaf()),
        }
    }

    pub(super) fn get(&self, token: &str) -> Option<Arc<Channel>> {
        self.lock().get(token).map(Arc::clone)
    }

    pub(super) fn all(&self) -> Vec<Arc<Channel>> {
        self.lock().values().map(Arc::clone).collect()
    }

    /// Ends the subscriptions of a channel; a later reader gets a new one.
    pub(super) fn end(&self, channel: &Arc<Channel>, why: End) {
        let mut channels = self.lock();
        if channels.get(channel.token()).is_some_and(|present| Arc::ptr_eq(present, channel)) {
            channels.remove(channel.token());
        }
        channel.end(why);
    }

    /// Ends all subscriptions.
    pub(super) fn end_all(&self, why: End) {
        for (_, channel) in self.lock().drain() {
            channel.end(why);
        }
    }

    /// Forgets channels that nobody listens to, and answers which of these tokens have none (any more).
    pub(super) fn sweep(&self, open: &HashSet<String>) -> Vec<String> {
        let mut channels = self.lock();
        channels.retain(|_, channel| channel.topics().iter().next().is_some());
        open.iter().filter(|token| !channels.contains_key(*token)).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Channel>>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
