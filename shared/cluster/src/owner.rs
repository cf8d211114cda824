//! What a worker offers to the other processes.

use std::time::Duration;

use async_trait::async_trait;
use bus::{Answer, Ask, Delivery, Payload, Topics};
use error::Error;
use registry::Fence;

/// What came of a call that was forwarded to a worker.
#[derive(Debug, Clone)]
pub enum Reply<T = Payload> {
    /// It was answered.
    Answer(Answer<T>),
    /// The worker does not own the session (any more). Nothing was done.
    NotMine,
    /// Another worker is the one to ask, at this address. Nothing was done.
    Elsewhere(String),
}

/// That somebody listens to a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interested {
    /// Which session.
    pub token: String,
    /// Which streams.
    pub topics: Topics,
    /// The shortest pace among those who name one.
    pub every: Option<Duration>,
}

/// What a worker offers to the other processes.
#[async_trait]
pub trait Owner: Send + Sync + 'static {
    /// Answers a call. One that changes something is driven to its end even when the asking process is gone.
    async fn ask(&self, ask: Ask) -> Reply;

    /// What became of an answer with a receipt; false if the worker does not own the session.
    async fn delivered(&self, token: &str, receipt: &str, delivery: Delivery) -> bool;

    /// Replaces what an api process listens to, for as long as `ttl`. Tokens that the worker does not own are answered.
    async fn interest(&self, listener: &str, all: Vec<Interested>, ttl: Duration) -> Vec<String>;

    /// Takes over a session whose owner is dead, if the token is one; done when it is this worker's or somebody else's.
    async fn adopt(&self, token: &str) -> Result<(), Error>;

    /// Logs in beside the present owner of a session, which is about to give it: done when it is up.
    async fn prepare(&self, token: &str) -> Result<(), Error>;

    /// The session was given to this worker under this fence: it acts from now on.
    async fn activate(&self, token: &str, fence: Fence) -> Result<(), Error>;

    /// Whether it serves: what `/readyz` says. An error says why not.
    fn ready(&self) -> Result<(), String>;
}
