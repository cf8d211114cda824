//! One logged-in account: a handle for calls, and the actor behind it.

mod actor;
mod admission;
mod apply;
mod books;
mod bounds;
mod candles;
pub(crate) mod details;
pub(crate) mod dry_run;
mod establish;
mod evidence;
mod feed;
mod figures;
mod fillings;
mod guarding;
mod handover;
mod journal;
mod ledger;
mod magics;
mod mail;
mod market_watch;
mod memo;
mod note;
mod outage;
mod paced;
mod pages;
mod past;
mod position;
mod publish;
mod quotes;
mod reducing;
mod repeats;
mod resync;
mod scribe;
mod standing;
pub(crate) mod state;
pub(crate) mod terms;
#[cfg(test)]
mod tests;
mod texts;
mod tick_downloads;
mod tick_values;
mod today;
mod trade;
mod whole;

pub use admission::ProofLimits;

pub(crate) use actor::{Heard, Legacy, Phase};
pub(crate) use admission::{Admission, Entry, certificate_is_missing};
pub(crate) use establish::{FULL_SYMBOLS_BATCH, Target, detour};
pub(crate) use guarding::Guarding;
pub(crate) use journal::{Begun, Journal, Unknown};
pub(crate) use mail::TradeLimits;
pub(crate) use memo::Memo;
pub(crate) use note::{Inherited, Recorded, from_bytes, is_known, of_call, told};
pub(crate) use paced::SUBSCRIBED_MAX;
pub(crate) use pages::Pages;
pub(crate) use reducing::only_reduces;
pub(crate) use repeats::{Joined, Repeats, Told, receipt};
pub(crate) use scribe::{moved, unreachable};
pub(crate) use standing::{Rank, Standing};
pub(crate) use trade::{CallName, Intent, Outcome, VERDICT_LIMIT};

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use access::{Tenant, id_of};
use bus::{End, Fanout, Interest, Subscription, Topic};
use error::{Code, Error};
use link::{Endpoint, LinkError, Proxy};
use registry::{Fence, Registry};
use runtime::{CancellationToken, Tasks};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};
use wire::records::{FullSymbolsRequest, SymbolIds, TradeRequest};
use wire::{Payload, Request, requests};

use self::actor::{Actor, Wiring};
use self::mail::Mail;
use self::outage::Outage;
use self::publish::Publisher;
use self::scribe::Scribe;
use self::state::State;
use self::terms::Terms;
use self::trade::Job;
use crate::login_data::LoginData;
use crate::worker::Shared;

/// Mails that may wait for a session. More at once is an answer: busy.
const INBOX_MAX: usize = 256;
/// A call on a session whose link is being restored waits at most so long for it.
const READY_LIMIT: Duration = Duration::from_secs(10);

/// A session, as calls see it. Clones are the same session.
#[derive(Clone)]
pub(crate) struct Session(Arc<Inner>);

struct Inner {
    token: Arc<str>,
    account: AccountKey,
    inbox: mpsc::Sender<Mail>,
    phase: watch::Receiver<Phase>,
    heard: watch::Receiver<Heard>,
    fanout: Arc<Fanout>,
    standing: Standing,
    registry: Arc<dyn Registry>,
    scribe: Scribe,
    journal: Mutex<Journal>,
    repeats: Mutex<Repeats>,
    admission: Arc<Admission>,
    /// Where it logs in, and by way of what.
    endpoints: Vec<Endpoint>,
    proxy: Option<Proxy>,
    member_limit: Duration,
    pages: Mutex<Pages>,
    error_status: Option<u16>,
    /// Whether a caller chose the token.
    is_token_chosen: bool,
    begun: Instant,
    stop: CancellationToken,
}

/// What a session begins with.
pub(crate) struct Beginning<'a> {
    pub(crate) token: &'a str,
    pub(crate) data: LoginData,
    pub(crate) rank: Rank,
    pub(crate) fence: Fence,
    /// What its last owner left, if it had one.
    pub(crate) legacy: Option<Legacy>,
}

/// Which account a session is for: whose, the server and the login.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AccountKey {
    /// What one tenant does with an account is nothing to another that has it too.
    pub(crate) tenant: Tenant,
    /// The server's address, and the way there where nothing proves that it leads to the server.
    pub(crate) server: String,
    /// Account number.
    pub(crate) login: u64,
}

impl Session {
    /// Starts a session; it is on its way up.
    pub(crate) fn start(shared: &Arc<Shared>, tasks: &Tasks, beginning: Beginning<'_>) -> Self {
        let Beginning { token, data, rank, fence, legacy } = beginning;
        let admission = Arc::new(Admission::of(&data));
        let LoginData { account, target, error_status, is_token_chosen, .. } = data;
        let token: Arc<str> = token.into();
        let (inbox, mails) = mpsc::channel(INBOX_MAX);
        let outage = legacy.is_some().then(Outage::of_owner);
        let begins = outage.as_ref().map_or(Phase::Connecting, |outage| Phase::Lost(outage.error()));
        let (phase_sender, phase) = watch::channel(begins);
        let (heard_sender, heard) = watch::channel(Heard::default());
        let fanout = Arc::new(Fanout::new());
        let stop = tasks.stop_signal().child_token();
        let standing = Standing::new(shared.lease.clone(), rank, fence);
        let registry = Arc::clone(&shared.registry);
        let scribe = Scribe::new(
            Arc::clone(&token),
            registry,
            shared.tasks.clone(),
            standing.clone(),
            Arc::clone(&fanout),
        );
        let mut journal = Journal::default();
        for unsettled in legacy.iter().flat_map(|legacy| &legacy.inherited.unsettled) {
            journal.remember_unknown(unsettled.unknown());
        }
        let inner = Inner {
            token: Arc::clone(&token),
            account: account.clone(),
            inbox: inbox.clone(),
            phase,
            heard,
            fanout: Arc::clone(&fanout),
            standing,
            registry: Arc::clone(&shared.registry),
            scribe: scribe.clone(),
            journal: Mutex::new(journal),
            repeats: Mutex::default(),
            admission: Arc::clone(&admission),
            endpoints: target.endpoints.clone(),
            proxy: target.proxy.clone(),
            member_limit: target.member_limit,
            pages: Mutex::default(),
            error_status,
            is_token_chosen,
            begun: Instant::now(),
            stop: stop.clone(),
        };
        let wiring = Wiring {
            shared: Arc::clone(shared),
            account,
            admission,
            error_status,
            is_token_chosen,
            inbox: mails,
            own: inbox.downgrade(),
            phase: phase_sender,
            heard: heard_sender,
            publisher: Publisher::new(Arc::clone(&token), fanout, scribe.clone()),
            token,
            scribe,
            stop,
        };
        tasks.spawn(Actor::new(wiring, target, legacy, outage).run());
        Self(Arc::new(inner))
    }

    /// Whether both are the same session, not only of the same token.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether this process owns it, and under which fence.
    pub(crate) fn standing(&self) -> &Standing {
        &self.0.standing
    }

    pub(crate) fn token(&self) -> &str {
        &self.0.token
    }

    /// What its clients know it by.
    pub(crate) fn id(&self) -> &str {
        id_of(&self.0.token)
    }

    pub(crate) fn account(&self) -> &AccountKey {
        &self.0.account
    }

    pub(crate) fn error_status(&self) -> Option<u16> {
        self.0.error_status
    }

    pub(crate) fn phase(&self) -> Phase {
        self.0.phase.borrow().clone()
    }

    /// When the server was heard last, milliseconds since 1970 UTC.
    pub(crate) fn heard_ms(&self) -> i64 {
        self.0.heard.borrow().server_ms
    }

    /// When the last quote of any symbol was made, milliseconds since 1970 UTC.
    pub(crate) fn last_quote_ms(&self) -> Option<i64> {
        self.0.heard.borrow().quote_ms
    }

    /// Waits until something came from the server, at most until `limit`.
    pub(crate) async fn news(&self, limit: Instant) {
        let mut heard = self.0.heard.clone();
        let _ = timeout_at(limit, heard.changed()).await;
    }

    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        self.0.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `Safe` calls that may be repeated.
    pub(crate) fn repeats(&self) -> MutexGuard<'_, Repeats> {
        self.0.repeats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a caller chose the token.
    pub(crate) fn is_token_chosen(&self) -> bool {
        self.0.is_token_chosen
    }

    /// When it was begun.
    pub(crate) fn begun(&self) -> Instant {
        self.0.begun
    }

    /// Where it logs in, the address tried first in front.
    pub(crate) fn endpoints(&self) -> &[Endpoint] {
        &self.0.endpoints
    }

    /// The proxy on the way, where nothing proves that it leads to the server.
    pub(crate) fn detour(&self) -> Option<String> {
        detour(&self.0.endpoints, self.0.proxy.as_ref())
    }

    /// By way of what it logs in.
    pub(crate) fn proxy(&self) -> Option<&Proxy> {
        self.0.proxy.as_ref()
    }

    /// Most time for a login at one address.
    pub(crate) fn member_limit(&self) -> Duration {
        self.0.member_limit
    }

    /// Histories that are kept between the pages of them.
    pub(crate) fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn subscribe(&self, interest: Interest) -> Result<Subscription, Error> {
        // What is told whether it changes or not needs a pace.
        let is_paced = interest.topics.iter().all(Topic::is_paced);
        let usual = Duration::from_millis(self.0.standing.tickets_pace_ms().into());
        let every = if is_paced { interest.every.or(Some(usual)) } else { interest.every };
        let subscription = self.0.fanout.subscribe(Interest { every, ..interest })?;
        // A full mailbox wakes the actor as well.
        let _ = self.mail(Mail::Listener);
        Ok(subscription)
    }

    /// Ends the session: streams are told that it is over, then the actor logs out.
    pub(crate) fn end(&self, why: End) {
        self.0.fanout.end(why);
        self.0.stop.cancel();
    }

    /// Waits until the session has got up, or has not: for a connect call.
    pub(crate) async fn settled(&self, deadline: Instant) -> Result<(), Error> {
        let mut phase = self.0.phase.clone();
        let settled = phase.wait_for(|phase| !matches!(phase, Phase::Connecting));
        match timeout_at(deadline, settled).await {
            Err(_) => Err(Error::timeout("The login")),
            Ok(Err(_)) => Err(Error::invalid_token(self.id())),
            Ok(Ok(phase)) => match &*phase {
                Phase::Ended(error) => Err(error.clone()),
                _ => Ok(()),
            },
        }
    }

    /// Waits, not for long, until the session is up. A snapshot of an account that is not synchronised is an error.
    pub(crate) async fn ready(&self, deadline: Instant) -> Result<(), Error> {
        let mut phase = self.0.phase.clone();
        let until = deadline.min(Instant::now() + READY_LIMIT);
        let settled = phase.wait_for(|phase| matches!(phase, Phase::Online { .. } | Phase::Ended(_)));
        match timeout_at(until, settled).await {
            Err(_) => Err(match self.phase() {
                Phase::Lost(error) | Phase::Ended(error) => error,
                _ => Error::timeout("The login"),
            }),
            Ok(Err(_)) => Err(Error::invalid_token(self.id())),
            Ok(Ok(phase)) => match &*phase {
                Phase::Ended(error) => Err(error.clone()),
                _ => Ok(()),
            },
        }
    }

    /// Restores a lost link now, without waiting for the next attempt.
    pub(crate) async fn restore(&self, deadline: Instant) -> Result<(), Error> {
        if !matches!(self.phase(), Phase::Online { .. }) {
            self.mail(Mail::Hurry)?;
            let mut phase = self.0.phase.clone();
            // An ended session begins anew: wait for that first.
            let begun = phase.wait_for(|phase| !matches!(phase, Phase::Ended(_)));
            let _ = timeout_at(deadline, begun).await;
        }
        self.ready(deadline).await
    }

    fn mail(&self, mail: Mail) -> Result<(), Error> {
        self.0.inbox.try_send(mail).map_err(|full| match full {
            mpsc::error::TrySendError::Full(_) => {
                Error::busy(format!("{INBOX_MAX} calls wait for this session. Send fewer at once."))
            }
            mpsc::error::TrySendError::Closed(_) => Error::invalid_token(self.id()),
        })
    }

    async fn answered<T>(&self, answer: oneshot::Receiver<T>, deadline: Instant) -> Result<T, Error> {
        match timeout_at(deadline, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) if self.0.stop.is_cancelled() => Err(Error::invalid_token(self.id())),
            Ok(Err(_)) => {
                Err(Error::new(Code::ConnectError, "The connection was lost meanwhile. Try again."))
            }
            Err(_) => Err(Error::timeout("The call")),
        }
    }

    /// Runs on the state of the session, between two events.
    pub(crate) async fn visit<T: Send + 'static>(
        &self,
        deadline: Instant,
        visit: impl FnOnce(&mut State) -> T + Send + 'static,
    ) -> Result<T, Error> {
        self.ready(deadline).await?;
        let (reply, answer) = oneshot::channel();
        let run = move |state: &mut State| drop(reply.send(visit(state)));
        self.mail(Mail::Visit(Box::new(run)))?;
        self.answered(answer, deadline).await
    }

    /// Asks the trade server.
    pub(crate) async fn request<R: Request>(
        &self,
        deadline: Instant,
        ask: &R::Ask,
    ) -> Result<R::Reply, Error> {
        self.ready(deadline).await?;
        let (reply, answer) = oneshot::channel();
        self.mail(Mail::Request {
            command: R::COMMAND,
            payload: ask.whole_bytes().map_err(LinkError::from)?,
            reply,
        })?;
        let body = self.answered(answer, deadline).await??;
        R::Reply::from_bytes(&body).map_err(|cause| {
            Error::new(Code::NetworkError, "The trade server's answer cannot be read.").because(cause)
        })
    }

    /// Sends a trade request, and waits for what comes of it. With `reduce_only` one that might do more than reduce what the
    /// account holds is refused by that; with `guarding` one that guards do not let through.
    pub(crate) async fn trade(
        &self,
        deadline: Instant,
        request: TradeRequest,
        intent: Intent,
        magic: i64,
        call: CallName,
        limits: TradeLimits,
    ) -> Outcome {
        let (reply, mut answer) = oneshot::channel();
        if let Err(error) = self.ready(deadline).await {
            return Outcome::NotSent(error);
        }
        if !self.0.standing.may_begin(deadline).await {
            return Outcome::NotSent(moved());
        }
        let number = Arc::new(AtomicU32::new(0));
        let job = Box::new(Job { request, intent, magic, reply, number: Arc::clone(&number), call });
        if let Err(error) = self.mail(Mail::Trade { job, limits: Box::new(limits) }) {
            return Outcome::NotSent(error);
        }
        let outcome = timeout_at(deadline, &mut answer).await;
        // From here on a request that has not been begun will not be: its caller is gone.
        drop(answer);
        match (outcome, number.load(Ordering::SeqCst)) {
            (Ok(Ok(outcome)), _) => outcome,
            (_, 0) => {
                Outcome::NotSent(Error::timeout("The order waited for the session and was not sent. It"))
            }
            (_, action_id) => Outcome::Unknown(action_id),
        }
    }

    /// What became of an earlier trade request, if that is known by now.
    pub(crate) async fn lookup(&self, deadline: Instant, action_id: u32) -> Result<Option<Outcome>, Error> {
        let (reply, answer) = oneshot::channel();
        self.mail(Mail::Lookup { action_id, reply })?;
        self.answered(answer, deadline).await
    }

    /// Sets the pace of profit events; `None` ends them.
    pub(crate) fn set_profit_pace(&self, every: Option<Duration>) -> Result<(), Error> {
        self.mail(Mail::ProfitPace(every))
    }

    /// Sets the pace of ticket lists, in milliseconds, for sockets that will be opened and name none.
    pub(crate) fn set_tickets_pace(&self, every_ms: u32) {
        self.0.standing.set_tickets_pace(every_ms);
        // A full mailbox wakes the actor as well, to write it down.
        let _ = self.mail(Mail::Listener);
    }

    /// The terms of a symbol by name, fetched if they are not there.
    pub(crate) async fn terms(&self, deadline: Instant, symbol: &str) -> Result<Arc<Terms>, Error> {
        let name = symbol.to_owned();
        let find = move |state: &mut State| {
            let id = state.catalogue.known(&name)?.id;
            Ok::<_, Error>((id, state.terms(id)))
        };
        let (id, terms) = self.visit(deadline, find).await??;
        if let Some(terms) = terms {
            return Ok(terms);
        }
        self.fetch_symbols(deadline, &[id]).await?;
        let terms = self.visit(deadline, move |state| state.terms(id)).await?;
        terms.ok_or_else(|| {
            Error::invalid_symbol(symbol, &[]).because("the server has no record of a symbol on its list")
        })
    }

    /// Fetches full records into the catalogue.
    pub(crate) async fn fetch_symbols(&self, deadline: Instant, ids: &[u32]) -> Result<(), Error> {
        for batch in ids.chunks(FULL_SYMBOLS_BATCH) {
            let ask = FullSymbolsRequest::Ids(SymbolIds(batch.to_vec()));
            let full = self.request::<requests::FullSymbols>(deadline, &ask).await?;
            self.visit(deadline, move |state| state.catalogue.learn(full.0)).await?;
        }
        Ok(())
    }
}
