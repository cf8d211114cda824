//! The worker as the owner of sessions on the bus.

use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use bus::{Answer, Ask, Backend, Interest, Payload, Subscription};
use calls::AnyCall;
use error::Error;
use tokio::time::Instant;

use crate::calls_of::trading;
use crate::session::{Phase, Session};
use crate::worker::Worker;

/// One call while it is answered.
pub(crate) struct Caller<'a> {
    /// Whose sessions.
    pub(crate) worker: &'a Worker,
    /// When the client stops waiting.
    pub(crate) deadline: Instant,
    /// Whether it is a `Safe` call: looks for an earlier order of unknown fate first.
    pub(crate) safe: bool,
    /// Stands for the call and its parameters.
    pub(crate) fingerprint: String,
    /// Set when a trade request may have reached the server.
    pub(crate) sent: AtomicBool,
}

impl Caller<'_> {
    /// The session of a call's token.
    pub(crate) fn session(&self, token: &calls::Token) -> Result<Session, Error> {
        self.worker.session(token.as_str())
    }
}

#[async_trait]
impl Backend for Worker {
    async fn ask(&self, ask: Ask) -> Answer {
        let session = ask.token.as_deref().and_then(|token| self.session(token).ok());
        let result = match AnyCall::decode(&ask.call, &ask.params) {
            Ok(call) => self.answer(&ask, call, session.as_ref()).await,
            Err(error) => Err(error),
        };
        match session {
            None => Answer::of(result),
            Some(session) => {
                let sync = match session.phase() {
                    Phase::Connecting => "connecting",
                    Phase::Online { .. } => "synced",
                    Phase::Lost(_) => "lost",
                    Phase::Ended(_) => "ended",
                };
                Answer::of(result).synced_at(session.heard_ms(), sync).error_status(session.error_status())
            }
        }
    }

    async fn subscribe(&self, token: &str, interest: Interest) -> Result<Subscription, Error> {
        self.session(token)?.subscribe(interest)
    }
}

impl Worker {
    async fn answer(&self, ask: &Ask, call: AnyCall, session: Option<&Session>) -> Result<Payload, Error> {
        let caller = Caller {
            worker: self,
            deadline: Instant::from_std(ask.deadline),
            safe: ask.call.to_ascii_lowercase().ends_with("safe"),
            fingerprint: match &call {
                AnyCall::Trading(call) => format!("{call:?}"),
                _ => String::new(),
            },
            sent: AtomicBool::new(false),
        };
        match call {
            AnyCall::Connection(call) => call.dispatch(&caller).await,
            AnyCall::Account(call) => call.dispatch(&caller).await,
            AnyCall::Symbols(call) => call.dispatch(&caller).await,
            AnyCall::History(call) => call.dispatch(&caller).await,
            AnyCall::Prices(call) => call.dispatch(&caller).await,
            AnyCall::Subscriptions(call) => call.dispatch(&caller).await,
            AnyCall::Statistics(call) => call.dispatch(&caller).await,
            AnyCall::Service(call) => call.dispatch(&caller).await,
            AnyCall::Trading(call) => {
                let unknown = || Error::invalid_token(ask.token.as_deref().unwrap_or_default());
                let session = session.ok_or_else(unknown)?;
                trading::answer(&caller, session, ask.idempotency_key.as_deref(), call).await
            }
        }
    }
}
