//! Calls and their answers, as they cross the seam.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use access::Caller;
use async_trait::async_trait;
use calls::{CallId, Params, Payload};
use error::Error;

use crate::fanout::Subscription;
use crate::frame::Interest;
use crate::streamed::Body;

/// Whoever answers calls and publishes events: the owner of the sessions, or a way to reach it.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// Answers a call. The future of one that changes something is driven to its end even when the client is gone.
    async fn ask(&self, ask: Ask) -> Answer;

    /// As [`ask`](Self::ask), for callers who forward a reply as it is: a long one to a call that only reads may be streamed.
    async fn ask_streamed(&self, ask: Ask) -> Answer<Body> {
        self.ask(ask).await.map(Body::Whole)
    }

    /// The word on an answer with a receipt, to a call with this token ([`Ask::token`]): what became of it on its way to the
    /// caller. An owner that never hears it takes the answer for lost. Backends whose answers have no receipts have nothing to do.
    async fn delivered(&self, _token: &str, _receipt: &str, _delivery: Delivery) {}

    /// How it stands. A backend in the same process is always ready.
    fn readiness(&self) -> Readiness {
        Readiness::Ready
    }

    /// Starts listening to the session that the caller knows by this id. One that is none for this caller is
    /// [`Error::invalid_token`].
    async fn subscribe(
        &self,
        id: &str,
        interest: Interest,
        caller: &Arc<Caller>,
    ) -> Result<Subscription, Error>;
}

/// How a backend stands, for those who decide whether calls are sent its way; with the reason, for operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// It takes calls.
    Ready,
    /// It answers what it can without what it misses.
    Impaired(String),
    /// There is nothing that it could answer.
    NotReady(String),
}

/// A call to be answered.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The call.
    pub call: CallId,
    /// All parameters, the id and unknown ones included.
    pub params: Params,
    /// The session meant, if the call acts on one: as its client knows it.
    pub id: Option<String>,
    /// Who asks.
    pub caller: Arc<Caller>,
    /// When the caller stops waiting.
    pub deadline: Instant,
    /// Calls with the same key are one call.
    pub idempotency_key: Option<String>,
    /// The address that the call comes from, as its front knows it; of IPv6, the network that one caller has.
    pub source: Option<IpAddr>,
}

impl Ask {
    /// Whether it is a trade that is to be tried only: it changes nothing, whatever its call does else.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.call.policy().trades() && calls::is_dry_run(&self.params).is_ok_and(|is_dry| is_dry)
    }

    /// Whether it may be given up and asked again, since it changes nothing.
    #[must_use]
    pub fn only_reads(&self) -> bool {
        self.call.policy().only_reads() || self.is_dry_run()
    }

    /// The token of the session meant: what everybody behind the seam knows it by.
    #[must_use]
    pub fn token(&self) -> Option<Cow<'_, str>> {
        self.id.as_deref().map(|id| self.caller.tenant.token(id))
    }
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// All of it was written to the caller's connection.
    Written,
    /// The caller had hung up before.
    Lost,
}

/// What came of an [`Ask`].
#[derive(Debug, Clone)]
pub struct Answer<T = Payload> {
    /// The reply, encoded once by the owner, or why there is none.
    pub result: Result<T, Error>,
    /// The moment the reply describes, in milliseconds since 1970 UTC, if it is a read.
    pub as_of_ms: Option<i64>,
    /// How far the session was synchronised then, one word.
    pub sync: Option<Cow<'static, str>>,
    /// The HTTP status of errors that the session was connected with; the usual one when absent.
    pub error_status: Option<u16>,
    /// The call was not done anew: this is the answer to an earlier one that it repeats.
    pub is_replayed: bool,
    /// The owner wants to hear by this name what becomes of the answer.
    pub receipt: Option<String>,
    /// What else the caller should know of the service: that a licence is about to end.
    pub notice: Option<String>,
}

impl<T> Answer<T> {
    /// An answer that says nothing of age.
    pub fn of(result: Result<T, Error>) -> Self {
        Self {
            result,
            as_of_ms: None,
            sync: None,
            error_status: None,
            is_replayed: false,
            receipt: None,
            notice: None,
        }
    }

    /// The same with another form of the reply.
    pub fn map<U>(self, form: impl FnOnce(T) -> U) -> Answer<U> {
        let Self { result, as_of_ms, sync, error_status, is_replayed, receipt, notice } = self;
        Answer { result: result.map(form), as_of_ms, sync, error_status, is_replayed, receipt, notice }
    }

    /// Adds the age of a read.
    #[must_use]
    pub fn synced_at(self, as_of_ms: i64, sync: impl Into<Cow<'static, str>>) -> Self {
        Self { as_of_ms: Some(as_of_ms), sync: Some(sync.into()), ..self }
    }

    /// Adds the HTTP status of errors that the session was connected with.
    #[must_use]
    pub fn error_status(self, status: Option<u16>) -> Self {
        Self { error_status: status, ..self }
    }

    /// Says that this is the answer to an earlier call.
    #[must_use]
    pub fn replayed(self, is_replayed: bool) -> Self {
        Self { is_replayed, ..self }
    }

    /// Adds what else the caller should know.
    #[must_use]
    pub fn notice(self, notice: Option<String>) -> Self {
        Self { notice, ..self }
    }

    /// Asks for word of what becomes of it.
    #[must_use]
    pub fn receipt(self, receipt: Option<String>) -> Self {
        Self { receipt, ..self }
    }
}

impl<T> From<Error> for Answer<T> {
    fn from(error: Error) -> Self {
        Self::of(Err(error))
    }
}
