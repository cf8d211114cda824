//! The actor that owns a session: one task, one link, one state.
//!
//! It is either offline, with an attempt to get up under way or a pause before the next, or online. Everything that
//! happens comes to it as an event; it never waits inside the handling of one. A round trip to the server is an entry
//! in `waiting` that a later frame resolves.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use calls::reply::OrderUpdate;
use error::{Code, Error};
use link::{Incoming, Link, LinkError, RequestId, RetryAdvice};
use model::Retcode;
use runtime::{Backoff, CancellationToken};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until};
use wire::records::{
    Account, FullSymbol, FullSymbolsRequest, History, HistoryRequest, Portfolio, SymbolIds, Tick,
    TradeAnswer, TradeResultPush, TradeUpdate,
};
use wire::{Bare, Command, Counted, Empty, Payload, code, requests};

use super::apply::apply;
use super::establish::{Established, Target, establish};
use super::mail::Mail;
use super::publish::Publisher;
use super::resync::resync;
use super::state::State;
use super::trade::{Outcome, Trades};
use crate::worker::Shared;

/// First pause before trying again, and the ceiling of later ones (protocol 7.6).
const RETRY_FIRST: Duration = Duration::from_secs(1);
const RETRY_CEILING: Duration = Duration::from_secs(60);
/// Mails handled between two looks at the link.
const BURST: usize = 32;
/// How much further back than needed the history is asked for: the server's clock and ours may differ.
const HISTORY_MARGIN_S: i64 = 3600;
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

/// Who waits for the answer to a request.
enum Waiting {
    Caller(oneshot::Sender<Result<Vec<u8>, Error>>),
    Trade(u32),
    Subscription,
    Symbols(Vec<u32>),
    History,
    Portfolio(Box<History>),
}

/// Why the online phase ended.
enum Exit {
    Stopped,
    Lost(LinkError),
}

pub(crate) struct Actor {
    pub(crate) shared: Arc<Shared>,
    pub(crate) target: Target,
    pub(crate) inbox: mpsc::Receiver<Mail>,
    pub(crate) phase: watch::Sender<Phase>,
    /// When the server was heard last, milliseconds since 1970 UTC.
    pub(crate) heard: watch::Sender<i64>,
    pub(crate) publisher: Publisher,
    pub(crate) stop: CancellationToken,
    state: Option<State>,
    trades: Trades,
    waiting: HashMap<RequestId, Waiting>,
    /// The set of symbols that the server was told last.
    told: Vec<u32>,
    /// Updates that wait until the figures beside them are right.
    held_back: Vec<OrderUpdate>,
    /// Something other than a price has changed: subscriptions and terms must be looked over.
    changed: bool,
    /// Symbols whose records the server did not give.
    without_terms: BTreeSet<u32>,
}

impl Actor {
    pub(crate) fn new(
        shared: Arc<Shared>,
        target: Target,
        inbox: mpsc::Receiver<Mail>,
        (phase, heard): (watch::Sender<Phase>, watch::Sender<i64>),
        publisher: Publisher,
        stop: CancellationToken,
    ) -> Self {
        Self {
            shared,
            target,
            inbox,
            phase,
            heard,
            publisher,
            stop,
            state: None,
            trades: Trades::default(),
            waiting: HashMap::new(),
            told: Vec::new(),
            held_back: Vec::new(),
            changed: true,
            without_terms: BTreeSet::new(),
        }
    }

    /// Runs until the session is told to stop. The first failure to get up is final, later ones are tried again.
    pub(crate) async fn run(mut self) {
        let mut backoff = Backoff::new(RETRY_FIRST, RETRY_CEILING);
        loop {
            match self.go_up().await {
                None => break,
                Some(Ok(established)) => {
                    backoff.reset();
                    match self.online(established).await {
                        Exit::Stopped => break,
                        Exit::Lost(cause) => self.lost(&cause),
                    }
                }
                Some(Err(cause)) if self.state.is_none() || cause.retry() == RetryAdvice::Never => {
                    let _ = self.phase.send_replace(Phase::Ended(cause.into()));
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

    /// Tries to get up, while mails are answered. `None`: told to stop.
    async fn go_up(&mut self) -> Option<Result<Established, LinkError>> {
        let history_from = self.state.as_ref().map(history_start);
        let (shared, target) = (Arc::clone(&self.shared), self.target.clone());
        let attempt =
            async move { establish(&shared.dialer, &shared.catalogues, &target, history_from).await };
        tokio::pin!(attempt);
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
                        let lost = Error::new(Code::ConnectError, "The session is connecting again.");
                        let _ = self.phase.send_replace(Phase::Lost(lost));
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
            Mail::Visit(_) | Mail::Hurry => {}
            Mail::Request { reply, .. } => drop(reply.send(Err(offline()))),
            Mail::Trade(job) => drop(job.reply.send(Outcome::NotSent(offline()))),
            Mail::Lookup { action_id, reply } => drop(reply.send(self.trades.outcome(action_id).cloned())),
            Mail::Password(password) => self.target.credentials.password = password,
            Mail::ProfitPace(every) => self.publisher.set_profit_pace(every),
        }
    }

    fn lost(&mut self, cause: &LinkError) {
        tracing::info!(login = self.target.credentials.login, %cause, "the link was lost");
        let error = Error::new(
            Code::ConnectError,
            "The connection to the trade server was lost and is being restored.",
        )
        .because(cause);
        for (_, waiting) in self.waiting.drain() {
            if let Waiting::Caller(reply) = waiting {
                let _ = reply.send(Err(error.clone()));
            }
        }
        self.trades.on_link_lost();
        self.told.clear();
        self.without_terms.clear();
        self.changed = true;
        let _ = self.phase.send_replace(Phase::Lost(error));
    }

    async fn online(&mut self, established: Established) -> Exit {
        let mut link = self.take_over(established);
        loop {
            if let Err(cause) = self.after_event(&mut link) {
                return Exit::Lost(cause);
            }
            let wake = self.wake_at();
            tokio::select! {
                biased;
                () = self.stop.cancelled() => {
                    link.close(CLOSE_LIMIT).await;
                    return Exit::Stopped;
                }
                incoming = link.next() => match incoming {
                    Ok(incoming) => self.on_incoming(incoming, &mut link),
                    Err(cause) => return Exit::Lost(cause),
                },
                mail = self.inbox.recv() => match mail {
                    Some(mail) => self.on_mails(mail, &mut link),
                    None => {
                        link.close(CLOSE_LIMIT).await;
                        return Exit::Stopped;
                    }
                },
                () = sleep_until(wake) => {}
            }
        }
    }

    /// Makes a fresh link the session's, and catches up with what happened while there was none.
    fn take_over(&mut self, established: Established) -> Link {
        let Established { link, endpoint, login, account, catalogue, history, portfolio } = established;
        self.target.credentials.earlier = Some(login);
        self.target.credentials.otp.clear();
        self.target.gateway_token = link.token();
        // The address that works is tried first the next time.
        if let Some(place) = self.target.endpoints.iter().position(|known| *known == endpoint) {
            self.target.endpoints.swap(0, place);
        }
        match &mut self.state {
            None => {
                let state = self.state.insert(State::new(self.target.credentials.login, account, catalogue));
                state.load(portfolio);
            }
            Some(state) => {
                state.set_catalogue(catalogue);
                state.set_account(account);
                let told = resync(state, portfolio, &history.unwrap_or_default());
                self.trades.look(state);
                self.held_back.extend(told);
            }
        }
        if let Some(state) = &mut self.state {
            (state.host, state.port) = (endpoint.host, endpoint.port);
        }
        let _ = self.heard.send_replace(runtime::unix_ms());
        let _ = self.phase.send_replace(Phase::Online { since_ms: runtime::unix_ms() });
        link
    }

    fn on_mails(&mut self, first: Mail, link: &mut Link) {
        self.on_mail(first, link);
        for _ in 1..BURST {
            match self.inbox.try_recv() {
                Ok(mail) => self.on_mail(mail, link),
                Err(_) => break,
            }
        }
    }

    fn on_mail(&mut self, mail: Mail, link: &mut Link) {
        match mail {
            Mail::Visit(visit) => {
                if let Some(state) = &mut self.state {
                    visit(state);
                }
                self.changed = true;
            }
            Mail::Request { command, payload, reply } => match link.submit_raw(command, payload) {
                Ok(id) => drop(self.waiting.insert(id, Waiting::Caller(reply))),
                Err(cause) => drop(reply.send(Err(cause.into()))),
            },
            Mail::Trade(job) => {
                let Some(state) = &self.state else { return };
                if let Some(request) = self.trades.begin(job, state) {
                    match link.submit::<requests::Trade>(&request) {
                        Ok(id) => drop(self.waiting.insert(id, Waiting::Trade(request.action_id))),
                        Err(cause) => self.trades.not_sent(request.action_id, cause.into()),
                    }
                }
            }
            Mail::Lookup { action_id, reply } => drop(reply.send(self.trades.outcome(action_id).cloned())),
            Mail::Hurry => {}
            Mail::Password(password) => self.target.credentials.password = password,
            Mail::ProfitPace(every) => self.publisher.set_profit_pace(every),
        }
    }

    fn on_incoming(&mut self, incoming: Incoming, link: &mut Link) {
        let handled = match incoming {
            Incoming::Reply { id, code, body, .. } => self.on_reply(id, code, &body, link),
            Incoming::Push { command, body } => self.on_push(command, &body),
        };
        if let Err(cause) = handled {
            tracing::warn!(login = self.target.credentials.login, %cause, "a message of the server cannot be read");
        }
    }

    fn on_reply(
        &mut self,
        id: RequestId,
        code: u8,
        body: &[u8],
        link: &mut Link,
    ) -> Result<(), wire::DecodeError> {
        let Some(waiting) = self.waiting.remove(&id) else { return Ok(()) };
        let Some(state) = &mut self.state else { return Ok(()) };
        match waiting {
            Waiting::Caller(reply) => {
                let failure = || LinkError::Refused { doing: "the request", code };
                let _ =
                    reply.send(if code == code::SUCCESS { Ok(body.to_vec()) } else { Err(failure().into()) });
            }
            Waiting::Trade(action_id) if code == code::SUCCESS => match TradeAnswer::from_bytes(body) {
                Ok(answer) => self.trades.on_answer(action_id, Retcode(answer.retcode), state),
                // Whether it was taken is not said: the verdict or a look will tell.
                Err(cause) => return Err(cause),
            },
            Waiting::Trade(action_id) => self.trades.on_refusal(action_id, code),
            Waiting::Subscription => self.changed = true,
            Waiting::Symbols(asked) => {
                if code == code::SUCCESS {
                    state.catalogue.learn(Counted::<FullSymbol>::from_bytes(body)?.0);
                }
                // What the server does not tell now is not asked for again until it changes.
                self.without_terms.extend(asked.into_iter().filter(|id| state.catalogue.full(*id).is_none()));
                state.forget_terms(std::iter::empty());
                self.publisher.profit_changed();
                self.changed = true;
            }
            Waiting::History => {
                // Then the portfolio, in this order, see `resync`. If it cannot be asked for, the next look will.
                let history = Box::new(History::from_bytes(body)?);
                if let Ok(next) = link.submit::<requests::Portfolio>(&Empty) {
                    self.waiting.insert(next, Waiting::Portfolio(history));
                }
            }
            Waiting::Portfolio(history) => {
                let portfolio = Portfolio::from_bytes(body)?;
                let told = resync(state, portfolio, &history);
                self.trades.look(state);
                self.held_back.extend(told);
                self.changed = true;
            }
        }
        Ok(())
    }

    fn on_push(&mut self, command: Command, body: &[u8]) -> Result<(), wire::DecodeError> {
        let Some(state) = &mut self.state else { return Ok(()) };
        match command {
            Command::Ticks => {
                let now = Instant::now();
                for tick in Bare::<Tick>::from_bytes(body)?.0 {
                    if let Some(symbol) = state.catalogue.by_id(tick.symbol_id) {
                        let digits = symbol.digits;
                        state.quotes.apply(&tick, digits, now);
                    }
                }
            }
            Command::TradeUpdate => {
                let told = apply(state, TradeUpdate::from_bytes(body)?);
                self.trades.settle(state);
                self.held_back.extend(told);
                self.changed = true;
            }
            Command::TradeResult => self.trades.on_result(TradeResultPush::from_bytes(body)?, state),
            Command::SymbolUpdate => {
                let symbols = Bare::<FullSymbol>::from_bytes(body)?.0;
                let ids: Vec<u32> = symbols.iter().map(|symbol| symbol.symbol_id).collect();
                state.catalogue.learn(symbols);
                state.forget_terms(ids.iter().copied());
                self.without_terms.retain(|id| !ids.contains(id));
                self.changed = true;
            }
            Command::AccountUpdate => {
                state.set_account(Account::from_bytes(body)?);
                self.publisher.profit_changed();
            }
            _ => {}
        }
        Ok(())
    }

    /// What follows from any event: requests that have become necessary, and events to be told.
    fn after_event(&mut self, link: &mut Link) -> Result<(), LinkError> {
        let heard_ms = runtime::unix_ms() - i64::try_from(link.heard().elapsed().as_millis()).unwrap_or(0);
        self.heard.send_if_modified(|known| std::mem::replace(known, heard_ms) != heard_ms);
        if std::mem::take(&mut self.changed) {
            self.ask_for_terms(link)?;
            self.subscribe(link)?;
        }
        let Some(state) = &self.state else { return Ok(()) };
        if self.trades.wants_look(Instant::now()) && !self.waiting.values().any(is_look) {
            let range = HistoryRequest { from: history_start(state), to: 0 };
            self.waiting.insert(link.submit::<requests::History>(&range)?, Waiting::History);
        }
        self.tell();
        Ok(())
    }

    /// Asks for the records of symbols that the account has something in.
    fn ask_for_terms(&mut self, link: &mut Link) -> Result<(), LinkError> {
        let Some(state) = &mut self.state else { return Ok(()) };
        let mut missing = state.missing_terms();
        missing.retain(|id| !self.without_terms.contains(id));
        if missing.is_empty() || self.waiting.values().any(|waiting| matches!(waiting, Waiting::Symbols(_))) {
            return Ok(());
        }
        let ask = FullSymbolsRequest::Ids(SymbolIds(missing.clone()));
        self.waiting.insert(link.submit::<requests::FullSymbols>(&ask)?, Waiting::Symbols(missing));
        Ok(())
    }

    /// Tells the server which ticks are wanted, if that changed since the last time and no telling is under way.
    fn subscribe(&mut self, link: &mut Link) -> Result<(), LinkError> {
        let Some(state) = &mut self.state else { return Ok(()) };
        let mut wanted: Vec<u32> = state.quotes.wanted().collect();
        wanted.extend(state.held_symbols());
        wanted.extend(state.conversion_symbols());
        wanted.sort_unstable();
        wanted.dedup();
        if wanted == self.told
            || self.waiting.values().any(|waiting| matches!(waiting, Waiting::Subscription))
        {
            return Ok(());
        }
        let id = link.submit::<requests::SubscribeTicks>(&SymbolIds(wanted.clone()))?;
        self.waiting.insert(id, Waiting::Subscription);
        self.told = wanted;
        Ok(())
    }

    fn tell(&mut self) {
        let Some(state) = &mut self.state else { return };
        // Figures beside an update must be right, so updates wait for the terms of new symbols.
        if !self.held_back.is_empty() && state.figures().is_some() {
            for update in std::mem::take(&mut self.held_back) {
                self.publisher.send_update(state, update);
            }
        }
        self.publisher.send_due(state);
    }

    fn wake_at(&self) -> Instant {
        let far = Instant::now() + RETRY_CEILING;
        let publish = self.state.as_ref().and_then(|state| self.publisher.next(state));
        publish.into_iter().chain(self.trades.next_look()).fold(far, Instant::min)
    }
}

const fn is_look(waiting: &Waiting) -> bool {
    matches!(waiting, Waiting::History | Waiting::Portfolio(_))
}

/// From when on the history is asked for, seconds of the server clock: before anything unknown can have happened.
fn history_start(state: &State) -> i32 {
    let last_deal = state.deals.back().map(|deal| i64::from(deal.time_create));
    let now = (runtime::unix_ms() + state.zone_ms()) / 1000;
    let known = last_deal.unwrap_or(now - 24 * HISTORY_MARGIN_S).min(now);
    i32::try_from(known - HISTORY_MARGIN_S).unwrap_or(0)
}
