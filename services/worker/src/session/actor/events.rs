//! What an actor that is online does with each event.

use error::Error;
use link::{Incoming, Link, LinkError};
use model::Retcode;
use registry::Entry;
use tokio::time::Instant;
use wire::records::{
    Account, Books, CompressedSymbols, FullSymbol, History, LoginStatus, SymbolDetails, Tick, TradeAnswer,
    TradeResultPush, TradeUpdate,
};
use wire::{Bare, Command, Counted, Payload, code, requests};

use super::{Actor, BURST, Heard, Legacy, RETRY_CEILING, Waiting};
use crate::session::apply::apply;
use crate::session::bounds::check_update;
use crate::session::mail::Mail;
use crate::session::scribe::moved;
use crate::session::state::State;
use crate::session::trade::Outcome;

/// Updates that wait for the terms of new symbols; more are told without.
const HELD_BACK_MAX: usize = 1024;

/// Whether a push says what the account has, or by which terms: quotes and results that cannot be read are missed only.
const fn changes_state(command: Command) -> bool {
    matches!(command, Command::AccountUpdate | Command::SymbolUpdate | Command::LoginStatus)
}

impl Actor {
    pub(super) fn on_waiting_mails(&mut self, link: &mut Link) {
        for _ in 1..BURST {
            match self.inbox.try_recv() {
                Ok(mail) => self.on_mail(mail, link),
                Err(_) => break,
            }
        }
    }

    pub(super) fn on_mail(&mut self, mail: Mail, link: &mut Link) {
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
            Mail::Trade { job, limits } => {
                let Some(state) = &mut self.state else { return };
                if let Err(refusal) = self.trades.admit(job.intent, &job.request, *limits, state) {
                    let _ = job.reply.send(Outcome::NotSent(refusal));
                    return;
                }
                state.watch_order(&job.request.trade_symbol);
                if let Some(entry) = self.trades.begin(*job, state) {
                    self.record(entry);
                }
            }
            Mail::Recorded { action_id, written } => self.on_recorded(action_id, written, link),
            Mail::Copy { reply } => self.copy(reply),
            Mail::Activate { memo, inherited, fence, reply } => {
                self.fence_to_come = Some(fence);
                self.legacy = Some(Legacy { memo: *memo, inherited });
                self.must_look = Some(reply);
            }
            Mail::Leave { reply } => self.leave(reply),
            Mail::Lookup { action_id, reply } => {
                let found = self.state.as_mut().and_then(|state| self.trades.lookup(action_id, state));
                let _ = reply.send(found);
            }
            // Being woken is enough: what is due is sent after every event.
            Mail::Hurry => {}
            Mail::Listener => self.publisher.greet(),
            Mail::Password(password) => self.set_password(password),
            Mail::ProfitPace(every) => self.publisher.set_profit_pace(every),
        }
    }

    /// Has a request written into the journal; it is sent when it stands there.
    fn record(&self, entry: Entry) {
        let (scribe, own) = (self.scribe.clone(), self.own.clone());
        self.shared.tasks.spawn(async move {
            let (action_id, written) = (entry.number, scribe.begin(&entry).await);
            if let Some(own) = own.upgrade() {
                // An error means that the session has ended: the request is not sent.
                let _ = own.send(Mail::Recorded { action_id, written }).await;
            }
        });
    }

    fn on_recorded(&mut self, action_id: u32, written: Result<(), Error>, link: &mut Link) {
        if let Err(cause) = written {
            return self.trades.not_sent(action_id, cause);
        }
        if !self.scribe.standing().holds() {
            return self.trades.not_sent(action_id, moved());
        }
        let Some(request) = self.trades.recorded(action_id) else { return };
        match link.submit::<requests::Trade>(&request) {
            Ok(id) => drop(self.waiting.insert(id, Waiting::Trade(action_id))),
            Err(cause) => self.trades.not_sent(action_id, cause.into()),
        }
    }

    /// An error ends the link: something that would have changed the account's state could not be read, so that nobody
    /// knows it any more before all of it has been fetched anew.
    pub(super) fn on_incoming(&mut self, incoming: Incoming, link: &mut Link) -> Result<(), LinkError> {
        if let Incoming::Push { command: Command::TradeUpdate, body } = &incoming {
            return self.on_trade_update(body);
        }
        let (is_state, handled) = match incoming {
            Incoming::Reply { id, code, body, .. } => match self.waiting.remove(&id) {
                Some(Waiting::Look(step)) => return self.on_look(step, code, &body, link),
                Some(waiting) => (false, self.on_reply(waiting, code, &body, link)),
                None => return Ok(()),
            },
            Incoming::Push { command, body } => (changes_state(command), self.on_push(command, &body)),
        };
        match handled {
            Err(cause) if is_state => Err(cause.into()),
            Err(cause) => {
                let login = self.target.credentials.login;
                tracing::warn!(login, %cause, "a message of the server cannot be read");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// As above; nor is a link of use whose account changes by more than can be followed.
    fn on_trade_update(&mut self, body: &[u8]) -> Result<(), LinkError> {
        let Some(state) = &mut self.state else { return Ok(()) };
        let update = TradeUpdate::from_bytes(body)?;
        check_update(&update)?;
        let told = apply(state, update);
        self.trades.settle(state);
        self.held_back.extend(told);
        self.changed = true;
        // What was taken over is told, whatever becomes of the link.
        state.check_open()
    }

    fn on_reply(
        &mut self,
        waiting: Waiting,
        code: u8,
        body: &[u8],
        link: &mut Link,
    ) -> Result<(), wire::DecodeError> {
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
            Waiting::Subscription | Waiting::BookSubscription => self.changed = true,
            Waiting::Candle(which, seed) => self.on_seed(which, seed, code, body, link)?,
            Waiting::Past if code == code::SUCCESS => {
                match History::from_bytes(body) {
                    Ok(history) => state.past.take(history),
                    Err(cause) => {
                        state.past.give_up();
                        return Err(cause);
                    }
                }
                // A link that is full of calls is asked again at the next event, one that is lost says so then.
                self.changed |= self.ask_on_for_past(link).is_err();
            }
            Waiting::Past => state.past.give_up(),
            Waiting::Symbols(asked) => {
                let told = if code == code::SUCCESS {
                    Counted::<FullSymbol>::from_bytes(body)
                } else {
                    Ok(Counted(Vec::new()))
                };
                let unreadable = told.map(|symbols| state.catalogue.learn(symbols.0)).err();
                // What the server does not tell now is not asked for again until it changes.
                let (catalogue, missing) = (&state.catalogue, &mut state.without_terms);
                missing.extend(asked.into_iter().filter(|id| catalogue.full(*id).is_none()));
                state.forget_terms(std::iter::empty());
                self.publisher.profit_changed();
                self.changed = true;
                return unreadable.map_or(Ok(()), Err);
            }
            Waiting::SymbolList => {
                let list = CompressedSymbols::from_bytes(body)?.0;
                let server = self.target.endpoints.first();
                if let Some(server) = server.filter(|_| code == code::SUCCESS) {
                    state.set_catalogue(self.shared.catalogues.of(self.target.detour(), server, &list.0));
                    self.told.clear();
                    self.changed = true;
                }
            }
            // It has a way of its own.
            Waiting::Look(_) => {}
        }
        Ok(())
    }

    fn on_push(&mut self, command: Command, body: &[u8]) -> Result<(), wire::DecodeError> {
        let Some(state) = &mut self.state else { return Ok(()) };
        match command {
            Command::Ticks => {
                let is_set_back = state.on_ticks(&Bare::<Tick>::from_bytes(body)?.0, Instant::now());
                if is_set_back {
                    self.begin_candles_anew();
                }
            }
            Command::SymbolDetails => state.on_details(&Bare::<SymbolDetails>::from_bytes(body)?.0),
            Command::Books => state.on_books(&Books::from_bytes(body)?.0),
            Command::TradeResult => self.trades.on_result(TradeResultPush::from_bytes(body)?, state),
            Command::SymbolUpdate => {
                let symbols = Bare::<FullSymbol>::from_bytes(body)?.0;
                let ids: Vec<u32> = symbols.iter().map(|symbol| symbol.symbol_id).collect();
                self.list_is_old |= ids.iter().any(|id| state.catalogue.by_id(*id).is_none());
                state.catalogue.learn(symbols);
                state.forget_terms(ids.iter().copied());
                state.without_terms.retain(|id| !ids.contains(id));
                self.changed = true;
            }
            Command::AccountUpdate => {
                let is_clock_set = state.set_account(Account::from_bytes(body)?);
                self.publisher.profit_changed();
                if is_clock_set {
                    self.begin_candles_anew();
                }
            }
            Command::LoginStatus => state.is_server_up = LoginStatus::from_bytes(body)?.status == 0,
            _ => {}
        }
        Ok(())
    }

    /// Bars that were asked for by the clock of before would begin candles in hours that are still to come.
    pub(super) fn begin_candles_anew(&mut self) {
        self.waiting.retain(|_, waiting| !matches!(waiting, Waiting::Candle(..)));
        self.changed = true;
    }

    /// Tells everybody outside when the server was heard.
    pub(super) fn heard_at(&self, server_ms: i64) {
        let quote_ms = self.state.as_ref().and_then(State::last_quote_ms);
        let heard = Heard { server_ms, quote_ms };
        self.heard.send_if_modified(|known| std::mem::replace(known, heard) != heard);
    }

    /// What follows from any event: requests that have become necessary, and events to be told.
    pub(super) fn after_event(&mut self, link: &mut Link) -> Result<(), LinkError> {
        let heard_ms = runtime::unix_ms() - i64::try_from(link.heard().elapsed().as_millis()).unwrap_or(0);
        self.heard_at(heard_ms);
        match self.ask(link) {
            // The link is full of calls: the next event asks again.
            Err(LinkError::Busy) => self.changed = true,
            asked => asked?,
        }
        self.tell();
        self.leave_if_idle();
        Ok(())
    }

    /// Sends the requests that have become necessary.
    fn ask(&mut self, link: &mut Link) -> Result<(), LinkError> {
        self.look_if_due(link)?;
        if std::mem::take(&mut self.changed) {
            self.ask_for_list(link)?;
            self.ask_for_terms(link)?;
            self.subscribe(link)?;
            self.subscribe_books(link)?;
            self.ask_for_candles(link)?;
            self.ask_for_past(link)?;
        }
        Ok(())
    }

    fn tell(&mut self) {
        let Some(state) = &mut self.state else { return };
        // Figures beside an update must be right, so updates wait for the terms of new symbols; not for those that the
        // server does not tell.
        let is_much = self.held_back.len() >= HELD_BACK_MAX;
        if !self.held_back.is_empty()
            && (is_much || state.missing_terms().iter().all(|id| state.without_terms.contains(id)))
        {
            for update in std::mem::take(&mut self.held_back) {
                self.publisher.send_update(state, update);
            }
        }
        self.publisher.send_due(state);
        self.publisher.note_wants(state);
    }

    pub(super) fn wake_at(&self) -> Instant {
        let far = Instant::now() + RETRY_CEILING;
        let publish = self.state.as_ref().and_then(|state| self.publisher.next(state));
        publish.into_iter().chain(self.next_look()).fold(far, Instant::min)
    }
}
