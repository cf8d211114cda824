//! Looking what became of a trade request: the history, the account, then positions and orders, in this order. What is
//! pushed in between is superseded by what is loaded after it.

use link::{Link, LinkError};
use tokio::time::Instant;
use wire::records::{Account, History, HistoryRequest, Portfolio};
use wire::{Empty, Payload, code, requests};

use super::{Actor, Waiting, history_start};
use crate::session::resync::resync;

/// A step of a look, while its answer is awaited.
pub(super) enum Look {
    History,
    Account(Box<History>),
    Portfolio(Box<History>),
}

impl Actor {
    /// Begins a look if one is due and none is under way.
    pub(super) fn look_if_due(&mut self, link: &mut Link) -> Result<(), LinkError> {
        let Some(state) = &mut self.state else { return Ok(()) };
        if self.is_looking || !self.trades.wants_look(Instant::now()) {
            return Ok(());
        }
        let range = HistoryRequest { from: history_start(state), to: 0 };
        match link.submit::<requests::History>(&range) {
            Ok(id) => {
                self.waiting.insert(id, Waiting::Look(Look::History));
                self.is_looking = true;
                Ok(())
            }
            Err(cause) => {
                self.trades.look_failed(state);
                Err(cause)
            }
        }
    }

    /// When a look is due that is not under way.
    pub(super) fn next_look(&self) -> Option<Instant> {
        self.trades.next_look().filter(|_| !self.is_looking)
    }

    /// The answer to a step. A look that fails is one that has seen nothing.
    pub(super) fn on_look(&mut self, step: Look, code: u8, body: &[u8], link: &mut Link) {
        self.is_looking = false;
        let next = match code {
            code::SUCCESS => self.take_step(step, body, link),
            code => Err(LinkError::Refused { doing: "a look at the account", code }),
        };
        if let Err(cause) = next {
            tracing::info!(login = self.target.credentials.login, %cause, "a look failed");
            if let Some(state) = &mut self.state {
                self.trades.look_failed(state);
            }
        }
    }

    fn take_step(&mut self, step: Look, body: &[u8], link: &mut Link) -> Result<(), LinkError> {
        let Some(state) = &mut self.state else { return Ok(()) };
        let (next, step) = match step {
            Look::History => {
                let history = Box::new(History::from_bytes(body)?);
                (link.submit::<requests::Account>(&Empty)?, Look::Account(history))
            }
            Look::Account(history) => {
                state.set_account(Account::from_bytes(body)?);
                (link.submit::<requests::Portfolio>(&Empty)?, Look::Portfolio(history))
            }
            Look::Portfolio(history) => {
                let portfolio = Portfolio::from_bytes(body)?;
                let told = resync(state, portfolio, &history);
                self.trades.look(state);
                self.held_back.extend(told);
                self.changed = true;
                return Ok(());
            }
        };
        self.waiting.insert(next, Waiting::Look(step));
        self.is_looking = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use link::Endpoint;
    use runtime::CancellationToken;
    use tokio::sync::{mpsc, oneshot, watch};
    use wire::records::TradeRequest;

    use super::*;
    use crate::catalogue::Catalogue;
    use crate::session::Intent;
    use crate::session::actor::Phase;
    use crate::session::establish::Target;
    use crate::session::publish::Publisher;
    use crate::session::state::State;
    use crate::session::trade::Job;

    fn actor() -> Actor {
        let worker = crate::Worker::start(crate::Settings::default()).unwrap();
        let endpoints = vec![Endpoint::parse("broker.example", None).unwrap()];
        let target = Target { endpoints, ..Target::nowhere() };
        let publisher = Publisher::new("token".into(), Arc::new(bus::Fanout::new()), 1);
        let senders = (watch::Sender::new(Phase::Connecting), watch::Sender::new(0));
        let inbox = mpsc::channel(1).1;
        let shared = Arc::clone(&worker.shared);
        let mut actor = Actor::new(shared, target, inbox, senders, publisher, CancellationToken::new());
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
        let job = Job { request, intent: Intent::Open, magic: 0, reply, number: Arc::default() };
        let state = actor.state.as_ref().unwrap();
        assert!(actor.trades.begin(job, state).is_some());
        tokio::time::advance(Duration::from_secs(20)).await;
        assert!(actor.wake_at() <= Instant::now(), "it is overdue");
        actor.is_looking = true;
        assert!(actor.wake_at() > Instant::now(), "there is nothing to do before the answer");
    }
}
