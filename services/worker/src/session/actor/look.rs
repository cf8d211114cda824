//! Looking what became of a trade request: the history, the account, then positions and orders, in this order. What is
//! pushed in between is superseded by what is loaded after it.

use error::Error;
use link::{Link, LinkError};
use tokio::time::Instant;
use wire::records::{Account, History, HistoryRequest, Portfolio};
use wire::{Empty, Payload, code, requests};

use super::{Actor, Waiting};
use crate::ranges::{HistoryAsking, RECORDS_MAX, Recent};
use crate::session::bounds::check_portfolio;
use crate::session::resync::resync;
use crate::session::state::State;

/// A look, while an answer is awaited.
pub(super) struct Look {
    /// When it was begun: what it shows is not older. None if the gateway could not ask the trade server then.
    asked: Option<Instant>,
    step: Step,
}

enum Step {
    History(Box<HistoryAsking>),
    Account(Box<Recent>),
    Portfolio(Box<Recent>),
}

impl Actor {
    /// Begins a look if one is due and none is under way.
    pub(super) fn look_if_due(&mut self, link: &mut Link) -> Result<(), LinkError> {
        self.withdraw_overdue(link);
        let is_due = self.must_look.is_some() || self.trades.wants_look(Instant::now());
        let Some(state) = self.state.as_ref().filter(|_| is_due && !self.is_looking) else { return Ok(()) };
        let asked = state.is_server_up.then(Instant::now);
        let range = HistoryRequest { from: self.history_from().unwrap_or(0), to: 0 };
        let mut asking = Box::new(HistoryAsking::new(&range, RECORDS_MAX));
        let Some(ask) = asking.next() else { return Ok(()) };
        match link.submit::<requests::History>(&ask) {
            Ok(id) => {
                self.waiting.insert(id, Waiting::Look(Look { asked, step: Step::History(asking) }));
                self.is_looking = true;
                Ok(())
            }
            Err(cause) => {
                if let Some(state) = &mut self.state {
                    self.trades.look_failed(state);
                }
                Err(cause)
            }
        }
    }

    /// Takes back orders that have waited for too long behind one without an answer: what never left need not be looked
    /// for.
    fn withdraw_overdue(&mut self, link: &mut Link) {
        if !self.trades.wants_look(Instant::now()) {
            return;
        }
        for id in link.unsent() {
            let Some(&Waiting::Trade(action_id)) = self.waiting.get(&id) else { continue };
            if self.trades.is_overdue(action_id) && link.withdraw(id) {
                self.waiting.remove(&id);
                let told = "The order waited behind one without an answer, and was not sent. It";
                self.trades.not_sent(action_id, Error::timeout(told));
            }
        }
    }

    /// When a look is due that is not under way.
    pub(super) fn next_look(&self) -> Option<Instant> {
        self.trades.next_look().filter(|_| !self.is_looking)
    }

    /// The answer to a step. A look that fails is one that has seen nothing; an answer that cannot be read is an error.
    pub(super) fn on_look(
        &mut self,
        look: Look,
        code: u8,
        body: &[u8],
        link: &mut Link,
    ) -> Result<(), LinkError> {
        self.is_looking = false;
        let next = match code {
            code::SUCCESS => self.take_step(look, body, link),
            code => Err(LinkError::Refused { doing: "a look at the account", code }),
        };
        let Err(cause) = next else { return Ok(()) };
        tracing::info!(login = self.target.credentials.login, %cause, "a look failed");
        if let Some(state) = &mut self.state {
            self.trades.look_failed(state);
        }
        if matches!(cause, LinkError::Protocol { .. } | LinkError::TooMuch { .. }) {
            Err(cause)
        } else {
            Ok(())
        }
    }

    fn take_step(&mut self, look: Look, body: &[u8], link: &mut Link) -> Result<(), LinkError> {
        let Some(state) = &mut self.state else { return Ok(()) };
        let (next, step) = match look.step {
            Step::History(mut asking) => {
                asking.take(History::from_bytes(body)?);
                match asking.next() {
                    Some(ask) => (link.submit::<requests::History>(&ask)?, Step::History(asking)),
                    None => {
                        let recent = Box::new(asking.finish_as_far_as_it_goes());
                        (link.submit::<requests::Account>(&Empty)?, Step::Account(recent))
                    }
                }
            }
            Step::Account(recent) => {
                if state.set_account(Account::from_bytes(body)?) {
                    self.begin_candles_anew();
                }
                (link.submit::<requests::Portfolio>(&Empty)?, Step::Portfolio(recent))
            }
            Step::Portfolio(recent) => {
                let portfolio = Portfolio::from_bytes(body)?;
                check_portfolio(&portfolio)?;
                if self.legacy.is_some() {
                    self.take_up_legacy(portfolio, *recent);
                    return Ok(());
                }
                let told = resync(state, portfolio, &recent);
                self.trades.look_at(*recent, look.asked, state);
                self.held_back.extend(told);
                self.changed = true;
                return Ok(());
            }
        };
        self.waiting.insert(next, Waiting::Look(Look { asked: look.asked, step }));
        self.is_looking = true;
        Ok(())
    }

    /// A standby becomes the owner: it begins where the last one stood, with the prices that it has.
    fn take_up_legacy(&mut self, portfolio: Portfolio, recent: Recent) {
        let Some(standby) = self.state.take() else { return };
        let (login, catalogue) = (standby.login, standby.catalogue);
        let mut state = State::new(login, standby.account, catalogue, standby.tick_writer);
        (state.quotes, state.zone) = (standby.quotes, standby.zone);
        (state.host, state.port) = (standby.host, standby.port);
        state.is_server_up = standby.is_server_up;
        self.held_back.clear();
        if let Some(fence) = self.fence_to_come.take() {
            self.scribe.standing().own(fence);
        }
        self.begin(state, portfolio, recent);
        self.changed = true;
        if let Some(done) = self.must_look.take() {
            let _ = done.send(());
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use link::Endpoint;
    use runtime::CancellationToken;
    use tokio::sync::{mpsc, oneshot, watch};
    use wire::records::TradeRequest;

    use super::*;
    use crate::catalogue::Catalogue;
    use crate::session::actor::{Phase, Wiring};
    use crate::session::establish::Target;
    use crate::session::publish::Publisher;
    use crate::session::scribe::Scribe;
    use crate::session::standing::{Rank, Standing};
    use crate::session::trade::{CallName, Job};
    use crate::session::{AccountKey, Intent};

    pub(in crate::session::actor) fn actor() -> Actor {
        let worker = crate::Worker::start(crate::Settings::default()).unwrap();
        let endpoints = vec![Endpoint::parse("broker.example", None).unwrap()];
        let target = Target { endpoints, ..Target::nowhere() };
        let token: Arc<str> = "token".into();
        let fanout = Arc::new(bus::Fanout::new());
        let standing = Standing::new(crate::lease::Lease::unending(), Rank::Owner, registry::Fence(1));
        let (shared, tasks) = (Arc::clone(&worker.shared), worker.tasks.clone());
        let registry = Arc::clone(&shared.registry);
        let scribe = Scribe::new(Arc::clone(&token), registry, tasks, standing, Arc::clone(&fanout));
        let (own, inbox) = mpsc::channel(1);
        let wiring = Wiring {
            shared,
            token: Arc::clone(&token),
            error_status: None,
            is_token_chosen: false,
            account: AccountKey { tenant: access::Tenant::default(), server: String::new(), login: 7 },
            admission: Arc::default(),
            inbox,
            own: own.downgrade(),
            phase: watch::Sender::new(Phase::Connecting),
            heard: watch::Sender::default(),
            publisher: Publisher::new(token, fanout, scribe.clone()),
            scribe,
            stop: CancellationToken::new(),
        };
        let mut actor = Actor::new(wiring, target, None, None);
        actor.state = Some(State::new(
            7,
            Account::default(),
            Arc::new(Catalogue::new(&[])),
            crate::ticks::TickWriter::lone(),
        ));
        actor
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_takes_long_is_waited_for_at_rest() {
        let mut actor = actor();
        let (reply, _outcome) = oneshot::channel();
        let request = TradeRequest::default();
        let job = Job {
            request,
            intent: Intent::Open,
            magic: 0,
            reply,
            number: Arc::default(),
            call: CallName::default(),
        };
        let state = actor.state.as_ref().unwrap();
        let entry = actor.trades.begin(job, state).unwrap();
        assert!(actor.trades.recorded(entry.number).is_some());
        tokio::time::advance(Duration::from_secs(20)).await;
        assert!(actor.wake_at() <= Instant::now(), "it is overdue");
        actor.is_looking = true;
        assert!(actor.wake_at() > Instant::now(), "there is nothing to do before the answer");
    }
}
