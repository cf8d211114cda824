//! The worker as the owner of sessions on the bus.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use bus::{Answer, Ask, Backend, Delivery, Interest, Payload, Subscription};
use calls::service::LicenseStatus;
use calls::{AnyCall, Call, Host, Permitted, Scope, Scopes, Token, check_scope, permission};
use error::{Code, Error};
use registry::Key;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::audit::Draft;
use crate::calls_of::trading;
use crate::reply_memory::Reservation;
use crate::session::dry_run::Tried;
use crate::session::{Phase, Session, moved, receipt, unreachable};
use crate::worker::Worker;

/// One call while it is answered.
pub(crate) struct Caller<'a> {
    /// Whose sessions.
    pub(crate) worker: &'a Worker,
    /// Who calls.
    pub(crate) by: Arc<access::Caller>,
    /// When the client stops waiting.
    pub(crate) deadline: Instant,
    /// Whether it is a `Safe` call: looks for an earlier order of unknown fate first.
    pub(crate) safe: bool,
    /// Stands for the call and its parameters.
    pub(crate) fingerprint: String,
    /// Under what it is remembered: its idempotency key, or, of a `Safe` order call without one, itself.
    pub(crate) key: Option<Key>,
    /// Set when a trade request may have reached the server.
    pub(crate) sent: AtomicBool,
    /// Of a trade that is to be tried only: the request that would be sent, once it is made.
    pub(crate) dry_run: Option<OnceLock<Tried>>,
    /// The memory of a long reply.
    pub(crate) memory: Reservation,
    /// Where the call must go instead.
    elsewhere: OnceLock<String>,
    /// By what name word of the answer is wanted.
    receipt: OnceLock<String>,
    /// Set when the answer is that to an earlier call.
    is_replayed: AtomicBool,
}

/// What a handler is given beside its call.
pub(crate) type About<C> = <C as Call>::About<Session>;

/// A session on which the caller may trade: nothing else gets an order sent.
pub(crate) type Tradable = Permitted<Session, permission::Trade>;

/// What came of a call.
pub(crate) struct Answered {
    /// The answer; of no use if the call must go elsewhere.
    pub(crate) answer: Answer,
    /// The address of the worker to ask instead.
    pub(crate) elsewhere: Option<String>,
}

impl Host for Caller<'_> {
    type Session = Session;

    fn session(&self, id: &Token) -> Result<Session, Error> {
        self.worker.known_to(&self.by, id.as_str())
    }

    fn scopes(&self) -> Scopes {
        self.by.scopes
    }
}

impl Caller<'_> {
    /// Word is wanted whether the answer, which is kept under this key, reaches its caller.
    pub(crate) fn wants_receipt(&self, key: &Key) {
        // A call is answered once.
        let _ = self.receipt.set(receipt(key));
    }

    /// The answer is that to an earlier call.
    pub(crate) fn replays(&self) {
        self.is_replayed.store(true, Ordering::SeqCst);
    }

    /// Whether the answer is that to an earlier call.
    pub(crate) fn is_replayed(&self) -> bool {
        self.is_replayed.load(Ordering::SeqCst)
    }

    /// The request that a trade came to that is to be tried only.
    pub(crate) fn tried(&self) -> Option<&Tried> {
        self.dry_run.as_ref()?.get()
    }

    /// Where the call must go instead.
    pub(crate) fn elsewhere(&self) -> Option<String> {
        self.elsewhere.get().cloned()
    }

    /// The call must go to another worker. The error ends it here.
    pub(crate) fn go_to(&self, address: String) -> Error {
        // It goes to the first one.
        let _ = self.elsewhere.set(address);
        moved()
    }
}

#[async_trait]
impl Backend for Worker {
    async fn ask(&self, ask: Ask) -> Answer {
        self.serve(ask).await.answer
    }

    async fn delivered(&self, token: &str, receipt: &str, delivery: Delivery) {
        if let Ok(session) = self.session(token) {
            session.delivered(receipt, delivery).await;
        }
    }

    async fn subscribe(
        &self,
        id: &str,
        interest: Interest,
        caller: &Arc<access::Caller>,
    ) -> Result<Subscription, Error> {
        check_scope(caller.scopes, Scope::Stream)?;
        let session = self.known_to(caller, id)?;
        let subscription = session.subscribe(interest)?;
        let Some(since) = interest.since else { return Ok(subscription) };
        let kept =
            self.registry().since(session.token(), since).await.map_err(|failure| unreachable(&failure))?;
        let end = kept.end;
        let (missed, is_cut) = kept.replay(since)?;
        Ok(subscription.after(since, end, missed, is_cut))
    }
}

impl Worker {
    /// Answers a call, or says where it must go. What changes something is recorded where it was answered.
    pub(crate) async fn serve(&self, ask: Ask) -> Answered {
        if ask.only_reads() {
            return self.answered(ask).await;
        }
        if let Err(refused) = check_scope(ask.caller.scopes, ask.call.policy().scope) {
            return Answered { answer: ask.call.refused(refused).into(), elsewhere: None };
        }
        let session = ask.token().and_then(|token| self.session(&token).ok());
        let place = match self.shared.audit.place() {
            Ok(place) => place,
            Err(error) => {
                return Answered { answer: dressed(Err(ask.call.refused(error)), session), elsewhere: None };
            }
        };
        let draft = Draft::begin(&ask, session.map(|session| session.account().login));
        let answered = self.answered(ask).await;
        // Strangers who guess at the administrator's key would push out what others have done.
        let by_stranger =
            draft.is_of_nobody() && answered.answer.result.as_ref().is_err_and(is_not_permitted);
        if answered.elsewhere.is_none() && !by_stranger {
            place.write(draft.ended(&answered.answer)).await;
        }
        answered
    }

    async fn answered(&self, ask: Ask) -> Answered {
        let session = match self.session_meant(&ask) {
            Ok(session) => session,
            Err(error) => return Answered { answer: ask.call.refused(error).into(), elsewhere: None },
        };
        let call = match AnyCall::decode(ask.call, &ask.params) {
            Ok(call) => call,
            Err(error) => return Answered { answer: dressed(Err(error), session), elsewhere: None },
        };
        let fingerprint = match &call {
            AnyCall::Trading(call) => hex::encode(Sha256::digest(call.given().canonical())),
            _ => String::new(),
        };
        let only_reads = ask.only_reads();
        let is_dry_run = match ask.call.policy().trades().then(|| calls::is_dry_run(&ask.params)).transpose()
        {
            Ok(is_dry_run) => is_dry_run.unwrap_or(false),
            Err(error) => {
                return Answered { answer: dressed(Err(ask.call.refused(error)), session), elsewhere: None };
            }
        };
        // What is only tried has no key and looks for no earlier one.
        let safe = ask.call.is_safe() && !is_dry_run;
        let chosen = ask.idempotency_key.filter(|_| !is_dry_run);
        let implied = || Key::Implied {
            print: fingerprint.clone(),
            attempt: format!("{:016x}", rand::random::<u64>()),
        };
        let caller = Caller {
            worker: self,
            by: ask.caller,
            deadline: Instant::from_std(ask.deadline),
            safe,
            key: chosen.map(Key::Chosen).or_else(|| safe.then(implied)),
            fingerprint,
            sent: AtomicBool::new(false),
            dry_run: is_dry_run.then(OnceLock::new),
            memory: self.shared.replies.reservation(),
            elsewhere: OnceLock::new(),
            receipt: OnceLock::new(),
            is_replayed: AtomicBool::new(false),
        };
        let result = self.answer(&caller, ask.id.as_deref(), call, session.as_ref()).await;
        let result = match result {
            Ok(Payload::Json(json)) => caller.memory.made(json, only_reads).map(Payload::Json),
            other => other,
        };
        let tells = ask.call.policy().connects() || ask.call.call() == LicenseStatus::NAME;
        let notice = if tells { self.shared.licensing.terms().await.notice() } else { None };
        let answer = dressed(result, session)
            .notice(notice)
            .replayed(caller.is_replayed.into_inner())
            .receipt(caller.receipt.into_inner());
        Answered { answer, elsewhere: caller.elsewhere.into_inner() }
    }

    /// The session of a call, if it is here. What the caller may not do at all is refused, before anything is done or told.
    fn session_meant(&self, ask: &Ask) -> Result<Option<Session>, Error> {
        let policy = ask.call.policy();
        check_scope(ask.caller.scopes, policy.scope)?;
        let Some(id) = ask.id.as_deref() else { return Ok(None) };
        match self.known_to(&ask.caller, id) {
            Ok(session) => Ok(Some(session)),
            Err(refused) if policy.needs_session() && refused.code() != Code::InvalidToken => Err(refused),
            Err(_) => Ok(None),
        }
    }

    async fn answer(
        &self,
        caller: &Caller<'_>,
        id: Option<&str>,
        call: AnyCall,
        session: Option<&Session>,
    ) -> Result<Payload, Error> {
        match call {
            AnyCall::Connection(call) => call.dispatch(caller).await,
            AnyCall::Account(call) => call.dispatch(caller).await,
            AnyCall::Symbols(call) => call.dispatch(caller).await,
            AnyCall::History(call) => call.dispatch(caller).await,
            AnyCall::Prices(call) => call.dispatch(caller).await,
            AnyCall::Subscriptions(call) => call.dispatch(caller).await,
            AnyCall::Statistics(call) => call.dispatch(caller).await,
            AnyCall::Keys(call) => call.dispatch(caller).await,
            AnyCall::Service(call) => call.dispatch(caller).await,
            AnyCall::Guards(call) => call.dispatch(caller).await,
            AnyCall::Trading(call) => {
                let unknown = || Error::invalid_token(id.unwrap_or_default());
                trading::answer(caller, session.ok_or_else(unknown)?, call).await
            }
        }
    }
}

fn is_not_permitted(error: &Error) -> bool {
    error.code() == Code::NotPermission
}

/// An answer with the age of what it tells.
fn dressed(result: Result<Payload, Error>, session: Option<Session>) -> Answer {
    let Some(session) = session else { return Answer::of(result) };
    let sync = match session.phase() {
        Phase::Connecting => "connecting",
        Phase::Online { .. } => "synced",
        Phase::Lost(_) => "lost",
        Phase::Ended(_) => "ended",
    };
    Answer::of(result).synced_at(session.heard_ms(), sync).error_status(session.error_status())
}
