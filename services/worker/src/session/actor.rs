//! The actor that owns a session: one task, one link, one state.
//!
//! It is either offline, with an attempt to get up under way or a pause before the next, or online. Everything that
//! happens comes to it as an event; it never waits inside the handling of one. A round trip to the server is an entry
//! in `waiting` that a later frame resolves.

mod ask;
mod events;
mod legacy;
mod look;
mod seed;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use self::legacy::Legacy;
use self::look::Look;
use self::seed::Seed;
use super::candles::Which;
use super::establish::{Established, Target, establish};
use super::mail::Mail;
use super::memo::Memo;
use super::outage::{Outage, connected_status};
use super::publish::Publisher;
use super::resync::resync;
use super::scribe::Scribe;
use super::state::State;
use super::trade::{Outcome, Trades, ended_unsent};
use super::{AccountKey, Admission};
use crate::calls_of::is_investor;
use crate::worker::Shared;
use calls::reply::OrderUpdate;
use error::{Code, Error};
use link::{Link, LinkError, RequestId, RetryAdvice};
use registry::Fence;
use runtime::{Backoff, CancellationToken};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until};

/// First pause before trying again, and the ceiling of later ones (protocol 7.6).
const RETRY_FIRST: Duration = Duration::from_secs(1);
const RETRY_CEILING: Duration = Duration::from_secs(60);
/// A link that lasts no longer is none that the backoff begins anew for.
const BRIEF: Duration = Duration::from_secs(10);
/// Mails handled between two looks at the link, and its messages between two looks at the mails.
const BURST: usize = 32;
/// Of an account whose logins take one-time codes.
const OTP_ON: u32 = 2;
/// The account is one for practice (`account_type`).
const DEMO_ACCOUNT: u8 = 1;
/// Goodbye at the end of a session.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// Where a session stands, for those who wait for it.
#[derive(Clone, Debug)]
pub(crate) enum Phase {
    /// On its way up for the first time.
    Connecting,
    /// Up and complete.
    Online {
        /// When the login succeeded, milliseconds since 1970 UTC.
        since_ms: i64,
    },
    /// Was up, and is on its way up again.
    Lost(Error),
    /// Will not come up by itself.
    Ended(Error),
}

/// What is known of the server at any moment, without asking the actor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// When the server was heard last, milliseconds since 1970 UTC.
    pub(crate) server_ms: i64,
    /// When its last quote was made, milliseconds since 1970 UTC.
    pub(crate) quote_ms: Option<i64>,
}

/// Who waits for the answer to a request.
enum Waiting {
    Caller(oneshot::Sender<Result<Vec<u8>, Error>>),
    Trade(u32),
    Subscription,
    BookSubscription,
    Symbols(Vec<u32>),
    SymbolList,
    Candle(Which, Seed),
    Past,
    Look(Look),
}

/// Why the online phase ended.
enum Exit {
    Stopped,
    Lost {
        cause: LinkError,
        /// Requests that had not been sent yet.
        unsent: Vec<RequestId>,
    },
}

pub(crate) struct Actor {
    pub(crate) shared: Arc<Shared>,
    token: Arc<str>,
    account: AccountKey,
    admission: Arc<Admission>,
    error_status: Option<u16>,
    is_token_chosen: bool,
    pub(crate) target: Target,
    pub(crate) inbox: mpsc::Receiver<Mail>,
    pub(crate) phase: watch::Sender<Phase>,
    pub(crate) heard: watch::Sender<Heard>,
    pub(crate) publisher: Publisher,
    pub(crate) stop: CancellationToken,
    scribe: Scribe,
    /// Whether the next owner needs what the login gave.
    is_login_kept: bool,
    /// The mailbox of this actor, for what is done beside it.
    own: mpsc::WeakSender<Mail>,
    /// What the last owner left, until the session is up.
    legacy: Option<Legacy>,
    /// The last loss of the link, if there was one.
    outage: Option<Outage>,
    state: Option<State>,
    trades: Trades,
    waiting: HashMap<RequestId, Waiting>,
    /// The set of symbols that the server was told last.
    told: Vec<u32>,
    /// The set of symbols whose books the server was told last.
    told_books: Vec<u32>,
    /// Updates that wait until the figures beside them are right.
    held_back: Vec<OrderUpdate>,
    /// Something other than a price has changed: subscriptions and terms must be looked over.
    changed: bool,
    /// The server has symbols that are not on the list.
    list_is_old: bool,
    /// What became of overdue trade requests is being looked up.
    is_looking: bool,
    /// The state must be brought up to date, whatever became of trade requests; who waits for it.
    must_look: Option<oneshot::Sender<()>>,
    /// The fence of a session that was given to this process, until the state is that of its owner.
    fence_to_come: Option<Fence>,
    /// The next owners who wait until nothing is under way.
    leaving: Vec<oneshot::Sender<Memo>>,
}

/// What connects an actor with the rest.
pub(crate) struct Wiring {
    pub(crate) shared: Arc<Shared>,
    pub(crate) token: Arc<str>,
    pub(crate) account: AccountKey,
    pub(crate) admission: Arc<Admission>,
    pub(crate) error_status: Option<u16>,
    pub(crate) is_token_chosen: bool,
    pub(crate) inbox: mpsc::Receiver<Mail>,
    pub(crate) own: mpsc::WeakSender<Mail>,
    pub(crate) phase: watch::Sender<Phase>,
    pub(crate) heard: watch::Sender<Heard>,
    pub(crate) publisher: Publisher,
    pub(crate) scribe: Scribe,
    pub(crate) stop: CancellationToken,
}

impl Actor {
    pub(crate) fn new(
        wiring: Wiring,
        target: Target,
        legacy: Option<Legacy>,
        outage: Option<Outage>,
    ) -> Self {
        let Wiring { shared, token, account, admission, error_status, is_token_chosen, .. } = wiring;
        let Wiring { inbox, own, phase, heard, publisher, scribe, stop, .. } = wiring;
        Self {
            shared,
            token,
            account,
            admission,
            error_status,
            is_token_chosen,
            inbox,
            phase,
            heard,
            publisher,
            stop,
            trades: Trades::new(scribe.clone()),
            is_login_kept: target.credentials.earlier.is_some(),
            target,
            scribe,
            own,
            legacy,
            outage,
            state: None,
            waiting: HashMap::new(),
            told: Vec::new(),
            told_books: Vec::new(),
            held_back: Vec::new(),
            changed: true,
            list_is_old: false,
            is_looking: false,
            must_look: None,
            fence_to_come: None,
            leaving: Vec::new(),
        }
    }

    /// Runs until the session is told to stop. The first failure to get up is final, later ones are tried again.
    pub(crate) async fn run(mut self) {
        let mut backoff = Backoff::new(RETRY_FIRST, RETRY_CEILING);
        let mut was_brief = false;
        if let Some(outage) = &self.outage {
            self.publisher.send_link_status(&outage.status());
        }
        loop {
            match self.go_up().await {
                None => break,
                Some(Ok(established)) => {
                    let begun = Instant::now();
                    match self.online(established).await {
                        Exit::Stopped => break,
                        Exit::Lost { cause, unsent } => self.lost(&cause, &unsent),
                    }
                    let is_brief = begun.elapsed() < BRIEF;
                    if !is_brief {
                        backoff.reset();
                    }
                    // The first time it is tried again at once; a server that ends one link after the other is not.
                    if is_brief && was_brief && !self.pause(backoff.pause()).await {
                        break;
                    }
                    was_brief = is_brief;
                }
                Some(Err(cause)) if self.is_new() || cause.retry() == RetryAdvice::Never => {
                    self.ended(cause.into());
                    if !self.rest().await {
                        break;
                    }
                }
                Some(Err(cause)) => {
                    tracing::info!(login = self.target.credentials.login, %cause, "the link is not back yet");
                    if !self.pause(backoff.pause()).await {
                        break;
                    }
                }
            }
        }
        self.trades.abandon();
    }

    /// Whether it was never up, here or elsewhere: then the first failure is the answer to its caller.
    const fn is_new(&self) -> bool {
        self.state.is_none() && self.legacy.is_none()
    }

    /// Tries to get up, while mails are answered. `None`: told to stop.
    async fn go_up(&mut self) -> Option<Result<Established, LinkError>> {
        let history_from = self.history_from();
        let names = self.legacy.as_ref().map(|legacy| legacy.memo.symbols()).unwrap_or_default();
        let (shared, account, target) = (Arc::clone(&self.shared), self.account.clone(), self.target.clone());
        // On the heap for as long as it lasts: inside this task it would take its room for as long as the session lives.
        let mut attempt =
            Box::pin(async move { establish(&shared, &account, &target, history_from, &names).await });
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return None,
                done = &mut attempt => return Some(done),
                mail = self.inbox.recv() => self.refuse(mail?),
            }
        }
    }

    /// Waits before the next attempt; a hurry ends it early. `false`: told to stop.
    async fn pause(&mut self, span: Duration) -> bool {
        let over = sleep(span);
        tokio::pin!(over);
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return false,
                () = &mut over => return true,
                mail = self.inbox.recv() => match mail {
                    None => return false,
                    Some(Mail::Hurry) => return true,
                    Some(mail) => self.refuse(mail),
                },
            }
        }
    }

    /// Waits for somebody to ask for another attempt. `false`: told to stop.
    async fn rest(&mut self) -> bool {
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return false,
                mail = self.inbox.recv() => match mail {
                    None => return false,
                    Some(Mail::Hurry) => {
                        let lost = self.outage.as_ref().map(|outage| {
                            self.publisher.send_link_status(&outage.status());
                            outage.error()
                        });
                        let again = || Error::new(Code::ConnectError, "The session is connecting again.");
                        let _ = self.phase.send_replace(Phase::Lost(lost.unwrap_or_else(again)));
                        return true;
                    }
                    Some(mail) => self.refuse(mail),
                },
            }
        }
    }

    /// Answers a mail that needs a link, without one.
    fn refuse(&mut self, mail: Mail) {
        let offline = || match &*self.phase.borrow() {
            Phase::Lost(error) | Phase::Ended(error) => error.clone(),
            Phase::Connecting | Phase::Online { .. } => {
                Error::new(Code::NoConnection, "The session is not connected yet. Try again.")
            }
        };
        match mail {
            // Dropping it tells the visitor that there is nothing to see.
            Mail::Visit(_) | Mail::Hurry | Mail::Listener => {}
            Mail::Request { reply, .. } => drop(reply.send(Err(offline()))),
            Mail::Trade { job, .. } => drop(job.reply.send(Outcome::NotSent(offline()))),
            Mail::Lookup { reply, .. } => drop(reply.send(None)),
            // The link broke meanwhile, and with it all that was not sent.
            Mail::Recorded { .. } => {}
            Mail::Activate { memo, inherited, fence, reply } => {
                // It goes up with it when the link is back.
                self.legacy = Some(Legacy { memo: *memo, inherited });
                self.state = None;
                self.scribe.standing().own(fence);
                let _ = reply.send(());
            }
            Mail::Copy { reply } => self.copy(reply),
            Mail::Leave { reply } => self.leave(reply),
            Mail::Password(password) => self.set_password(password),
            Mail::ProfitPace(every) => self.publisher.set_profit_pace(every),
        }
    }

    /// The link will not come up by itself.
    fn ended(&mut self, verdict: Error) {
        let verdict = match &self.outage {
            Some(outage) => {
                self.publisher.send_link_status(&outage.ended_status(&verdict));
                outage.ended_by(&verdict)
            }
            None => verdict,
        };
        let _ = self.phase.send_replace(Phase::Ended(verdict));
    }

    fn lost(&mut self, cause: &LinkError, unsent: &[RequestId]) {
        tracing::info!(login = self.target.credentials.login, %cause, "the link was lost");
        let outage = Outage::of_link(cause);
        let error = outage.error().because(cause);
        self.publisher.send_link_status(&outage.status());
        self.outage = Some(outage);
        for id in unsent {
            if let Some(Waiting::Trade(action_id)) = self.waiting.remove(id) {
                let told = "The connection was lost before the order was sent. Send it again.";
                self.trades.not_sent(action_id, Error::new(Code::NoConnection, told));
            }
        }
        for (_, waiting) in self.waiting.drain() {
            if let Waiting::Caller(reply) = waiting {
                let _ = reply.send(Err(error.clone()));
            }
        }
        self.trades.on_link_lost();
        self.told.clear();
        self.told_books.clear();
        if let Some(state) = &mut self.state {
            state.past.missed();
            state.tick_writer.pause();
            state.without_terms.clear();
        }
        self.is_looking = false;
        self.must_look = None;
        if self.legacy.is_some() {
            // What a standby has seen is not what the last owner has told: it begins with that.
            self.state = None;
            if let Some(fence) = self.fence_to_come.take() {
                self.scribe.standing().own(fence);
            }
        }
        self.changed = true;
        let _ = self.phase.send_replace(Phase::Lost(error));
    }

    async fn online(&mut self, established: Established) -> Exit {
        let mut link = self.take_over(established);
        let standing = self.scribe.standing().clone();
        link.set_permit(Arc::new(move || standing.holds()));
        let mut in_a_row = 0;
        loop {
            if in_a_row >= BURST {
                // A server that never pauses must not keep callers waiting.
                in_a_row = 0;
                self.on_waiting_mails(&mut link);
            }
            if let Err(cause) = self.after_event(&mut link) {
                return Exit::Lost { cause, unsent: link.unsent() };
            }
            let wake = self.wake_at();
            tokio::select! {
                biased;
                () = self.stop.cancelled() => {
                    self.leave_link(link).await;
                    return Exit::Stopped;
                }
                incoming = link.next() => match incoming {
                    Ok(incoming) => match self.on_incoming(incoming, &mut link) {
                        Ok(()) => in_a_row += 1,
                        Err(cause) => return Exit::Lost { cause, unsent: link.unsent() },
                    },
                    Err(cause) => return Exit::Lost { cause, unsent: link.unsent() },
                },
                mail = self.inbox.recv() => match mail {
                    Some(mail) => {
                        self.on_mail(mail, &mut link);
                        self.on_waiting_mails(&mut link);
                        in_a_row = 0;
                    }
                    None => {
                        self.leave_link(link).await;
                        return Exit::Stopped;
                    }
                },
                () = sleep_until(wake) => {}
            }
        }
    }

    /// Says goodbye. What still waits for its turn is not sent while that lasts.
    async fn leave_link(&mut self, mut link: Link) {
        for id in link.unsent() {
            if let Some(Waiting::Trade(action_id)) = self.waiting.get(&id)
                && link.withdraw(id)
            {
                self.trades.not_sent(*action_id, ended_unsent());
            }
        }
        link.close(CLOSE_LIMIT).await;
    }

    /// Makes a fresh link the session's, and catches up with what happened while there was none.
    fn take_over(&mut self, established: Established) -> Link {
        let Established { link, endpoint, login, account, catalogue, recent, portfolio } = established;
        let credentials = &mut self.target.credentials;
        // Where a one-time code was needed, the next owner can log in with what this login gave only.
        let is_needed = !credentials.otp.is_empty() || self.is_login_kept;
        if credentials.earlier.is_none() {
            self.admission.prove();
        }
        credentials.earlier = Some(login);
        credentials.otp.clear();
        self.admission.set_investor(is_investor(account.main.rights));
        self.admission.set_demo(account.main.account_type == DEMO_ACCOUNT);
        self.admission.set_takes_codes(account.main.otp_status == OTP_ON);
        if is_needed {
            self.is_login_kept = true;
            self.keep_login();
        }
        self.target.gateway_token = link.token();
        // The address that works is tried first the next time.
        if let Some(place) = self.target.endpoints.iter().position(|known| *known == endpoint) {
            self.target.endpoints.swap(0, place);
        }
        if let Some(state) = &mut self.state {
            state.begin_again(account, catalogue);
            let told = resync(state, portfolio, &recent);
            self.trades.look_at(recent, None, state);
            self.held_back.extend(told);
        } else {
            let ticks = self.shared.ticks.of(&self.account.tenant, self.target.detour(), &endpoint);
            let fresh = State::new(self.target.credentials.login, account, catalogue, ticks);
            self.begin(fresh, portfolio, recent);
        }
        if let Some(state) = &mut self.state {
            (state.host, state.port) = (endpoint.host, endpoint.port);
            state.is_server_up = true;
        }
        let since_ms = runtime::unix_ms();
        self.heard_at(since_ms);
        let restored = self.outage.as_ref().map(|outage| outage.restored_status(since_ms));
        self.publisher.send_link_status(&restored.unwrap_or_else(|| connected_status(since_ms)));
        let _ = self.phase.send_replace(Phase::Online { since_ms });
        link
    }
}
