//! Calls for a session, to its owner.

use std::sync::Arc;

use bus::{Answer, Ask};
use calls::CallId;
use error::{Code, Error};

use super::Shared;
use super::place::no_worker;
use super::search::{Found, Search, away};
use crate::Reply;
use crate::client::Failure;
use crate::form::Form;
use crate::routes::Route;

impl Shared {
    /// Has the owner of a session answer; `None`: there is no such session, and nothing was done.
    pub(super) async fn at_owner<F: Form>(
        self: &Arc<Self>,
        call: CallId,
        ask: &Ask,
        token: &str,
    ) -> Option<Answer<F>> {
        let mut fate = Fate { call, ask, maybe_done: false };
        let mut search = Search::until(ask.deadline);
        let mut next = self.routes.get(token);
        let mut last: Option<Arc<Route>> = None;
        loop {
            let route = match next.take() {
                Some(route) => route,
                None => match self.find(token).await {
                    Ok(Found::At(route)) => route,
                    Ok(Found::Nowhere) if fate.maybe_done => {
                        return Some(fate.unknown("the session has ended"));
                    }
                    Ok(Found::Nowhere) => return None,
                    Ok(Found::Orphan) if self.health.has_no_worker() && self.nobody_lives().await => {
                        return Some(fate.error(no_worker()));
                    }
                    Ok(Found::Orphan) if search.pause().await => continue,
                    Ok(Found::Orphan) if self.nobody_lives().await => return Some(fate.error(no_worker())),
                    Ok(Found::Orphan) => return Some(fate.error(no_owner())),
                    Ok(Found::Quarantined(left)) => return Some(fate.error(Error::quarantined(left))),
                    Err(why) => return Some(fate.error(away(&why))),
                },
            };
            // The registry says what it said before: it needs a while to learn better.
            if last.as_ref().is_some_and(|last| last.is_as(&route)) && !search.pause().await {
                return Some(fate.error(no_owner()));
            }
            match self.forward(&route.peer, ask).await {
                Ok(Reply::Answer(answer)) => return Some(answer),
                Ok(Reply::NotMine | Reply::Elsewhere(_)) => {}
                Err(Failure::NotSent(why)) => tracing::debug!(why, "a worker cannot be reached"),
                Err(Failure::Broken(why)) if fate.may_repeat() => {
                    tracing::info!(call = %call, why, "a call is repeated");
                    fate.maybe_done = !ask.only_reads();
                    search = Search::until(ask.deadline);
                }
                Err(Failure::Broken(why)) => return Some(fate.unknown(&why)),
                Err(Failure::Late) => return Some(fate.late()),
                Err(Failure::Refused(error)) => return Some(fate.error(error)),
            }
            self.routes.forget(token, &route);
            last = Some(route);
        }
    }

    /// Whether no worker lives at this moment: one may have come since the last look.
    async fn nobody_lives(&self) -> bool {
        self.told(self.registry.workers()).await.is_ok_and(|all| all.is_empty())
    }
}

/// What may have become of a call so far.
pub(super) struct Fate<'a> {
    pub(super) call: CallId,
    pub(super) ask: &'a Ask,
    /// An earlier attempt may have done it.
    pub(super) maybe_done: bool,
}

impl Fate<'_> {
    /// Whether it may be sent once more after the connection broke: a second time changes nothing.
    pub(super) fn may_repeat(&self) -> bool {
        self.ask.only_reads() || (self.call.policy().trades() && self.ask.idempotency_key.is_some())
    }

    /// The answer to a call that could not be begun now.
    pub(super) fn error<T>(&self, error: Error) -> Answer<T> {
        if self.maybe_done {
            return self.unknown(error.cause().unwrap_or(error.detail()));
        }
        self.call.refused(error).into()
    }

    /// The answer to a call whose connection broke.
    pub(super) fn unknown<T>(&self, why: &str) -> Answer<T> {
        if self.ask.only_reads() {
            let told = "The part of this service that was asked does not answer any more. Try again.";
            return Error::busy(told).because(why).into();
        }
        self.untold(Code::NetworkError, "the connection inside this service broke").because(why).into()
    }

    /// The answer to a call that was not answered in time.
    pub(super) fn late<T>(&self) -> Answer<T> {
        if self.ask.only_reads() {
            return Error::timeout(self.call.name()).into();
        }
        self.untold(Code::Timeout, "it was not answered in time").into()
    }

    fn untold(&self, code: Code, what: &str) -> Error {
        let name = self.call.name();
        let todo = match (self.call.policy().trades(), &self.ask.idempotency_key) {
            (true, Some(_)) => {
                "Repeat it with the same idempotency key, or look at OpenedOrders and OrderHistory."
            }
            (true, None) if self.call.is_safe() => {
                "Repeat it: a Safe call gets the outcome of an equal one whose answer was not received."
            }
            (true, None) => {
                "Look at OpenedOrders and OrderHistory before you repeat it; with the same idempotency key on each attempt it could be repeated safely."
            }
            (false, _) => "Look before you repeat it.",
        };
        let told = format!("It is not known whether {name} was done: {what}. {todo}");
        self.call.of_unknown_fate(Error::new(code, told))
    }
}

fn no_owner() -> Error {
    Error::busy("The worker of this session is gone and another one is about to take over. Try again soon.")
}
