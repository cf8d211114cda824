//! Looking what became of requests whose verdicts stay out: when that is due, and what is concluded from what is seen.

use std::time::Duration;

use tokio::time::Instant;

use super::given_up::{is_young, never_done};
use super::{DECIDED_AFTER, Outcome, Sent, Stage, Trades};
use crate::ranges::Recent;
use crate::session::evidence;
use crate::session::state::State;

/// Pauses between looks for an unsure request.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// So many looks without a trace end in "unknown".
pub(super) const LOOKS_MAX: u32 = 3;

/// Whether a look could see anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sight {
    Clear,
    Blind,
}

impl Trades {
    /// Whether the verdict on a request has stayed out for too long.
    pub(crate) fn is_overdue(&self, action_id: u32) -> bool {
        self.sent.get(&action_id).is_some_and(|sent| is_overdue(sent, Instant::now()))
    }

    /// Whether the state must be fetched anew to find out what became of a request.
    pub(crate) fn wants_look(&self, now: Instant) -> bool {
        self.next_look().is_some_and(|at| at <= now)
    }

    /// When the state must be fetched anew.
    pub(crate) fn next_look(&self) -> Option<Instant> {
        let looks = self.sent.values().filter_map(|sent| match &sent.stage {
            Stage::Recording => None,
            Stage::Verdict { until } | Stage::Settling { until, .. } => Some(*until),
            Stage::Unsure { next, .. } => Some(*next),
        });
        looks.chain(self.given_up.next_look()).min()
    }

    /// From when on history is needed to find out what became of requests, seconds of the server's clock. `None`: what the state
    /// remembers is enough for all of them.
    pub(crate) fn history_from(&self, state: &State) -> Option<i64> {
        let sent = self.sent.values().filter(|sent| !matches!(sent.stage, Stage::Recording));
        let unsure = sent.chain(self.given_up.due(Instant::now()));
        let forgotten = unsure.filter(|sent| is_young(sent) && !state.shows_all_since(sent));
        forgotten.map(|sent| state.history_of(sent.sent_ms)).min()
    }

    /// The state was brought up to date by this history and by what the server was `asked` for at that moment, if that is known:
    /// looks for everything that is overdue or unsure, in all of it.
    pub(crate) fn look_at(&mut self, recent: Recent, asked: Option<Instant>, state: &mut State) {
        state.look_back(recent, |state| self.look_as_of(state, asked));
    }

    /// Looks for everything that is overdue or unsure in what the state remembers.
    #[cfg(test)]
    pub(crate) fn look(&mut self, state: &mut State) {
        self.look_as_of(state, None);
    }

    /// The same, in what the server was `asked` for at that moment. Where that is not known, no trace proves nothing.
    pub(in crate::session) fn look_as_of(&mut self, state: &mut State, asked: Option<Instant>) {
        self.settle(state);
        let now = Instant::now();
        let overdue: Vec<u32> =
            self.sent.iter().filter(|(_, sent)| is_overdue(sent, now)).map(|(id, _)| *id).collect();
        for action_id in overdue {
            self.look_for(action_id, state, asked);
        }
        self.look_on(now, state, asked);
    }

    /// Looks for one request.
    pub(super) fn look_for(&mut self, action_id: u32, state: &mut State, asked: Option<Instant>) {
        let Some(sent) = self.sent.get(&action_id) else { return };
        if let Stage::Settling { .. } = &sent.stage {
            return self.show(action_id, state);
        }
        match evidence::search(sent, &self.claimed, &self.rivals(), state) {
            evidence::Found::Ambiguous => self.finish(action_id, Outcome::Unknown(action_id)),
            evidence::Found::Nothing if self.is_proof(sent, state, asked) => {
                self.finish(action_id, Outcome::Refused(never_done()));
            }
            evidence::Found::Nothing => self.looked(action_id, Instant::now(), Sight::Clear),
            found => self.found(action_id, found, state),
        }
    }

    /// It is known what became of a request, if this tells it.
    pub(super) fn found(&mut self, action_id: u32, found: evidence::Found, state: &mut State) {
        match found {
            evidence::Found::Done(result) => {
                let Some(sent) = self.sent.get(&action_id) else { return };
                let order = evidence::shown(sent, &result, state);
                self.claim(action_id, result.trade_order);
                self.done(action_id, order, state);
            }
            evidence::Found::Refused { error, order } => {
                if order != 0 {
                    self.claim(action_id, order);
                }
                self.finish(action_id, Outcome::Refused(error));
            }
            evidence::Found::Ambiguous | evidence::Found::Nothing => {}
        }
    }

    /// The state could not be brought up to date: nothing was seen of what is overdue.
    pub(crate) fn look_failed(&mut self, state: &mut State) {
        self.settle(state);
        let now = Instant::now();
        let overdue: Vec<u32> =
            self.sent.iter().filter(|(_, sent)| is_overdue(sent, now)).map(|(id, _)| *id).collect();
        for action_id in overdue {
            match self.sent.get_mut(&action_id).map(|sent| &mut sent.stage) {
                // What it made is not seen yet, so it cannot be told right.
                Some(Stage::Settling { until, looks, .. }) if *looks < LOOKS_MAX => {
                    *until = now + LOOK_EVERY;
                    *looks += 1;
                }
                Some(Stage::Settling { .. }) => self.show(action_id, state),
                _ => self.looked(action_id, now, Sight::Blind),
            }
        }
        self.given_up.postpone(now);
    }

    /// A request that is known to be done is told as well as it can be.
    fn show(&mut self, action_id: u32, state: &mut State) {
        let Some(sent) = self.sent.get(&action_id) else { return };
        if let Stage::Settling { result, .. } = &sent.stage {
            let order = evidence::shown(sent, result, state);
            self.done(action_id, order, state);
        }
    }

    fn looked(&mut self, action_id: u32, now: Instant, sight: Sight) {
        let Some(sent) = self.sent.get_mut(&action_id) else { return };
        let looks = match &sent.stage {
            Stage::Unsure { looks, .. } => looks + 1,
            _ => 1,
        };
        // As long as the link it was sent on lives, the server may still do it.
        let is_over = sight == Sight::Clear && (sent.is_cut || now >= sent.begun + DECIDED_AFTER);
        sent.stage = Stage::Unsure { looks, next: now + LOOK_EVERY };
        if looks >= LOOKS_MAX {
            let outcome = if is_over { Outcome::Absent(action_id) } else { Outcome::Unknown(action_id) };
            self.finish(action_id, outcome);
        }
    }
}

fn is_overdue(sent: &Sent, now: Instant) -> bool {
    match &sent.stage {
        Stage::Recording => false,
        Stage::Verdict { until } | Stage::Settling { until, .. } => *until <= now,
        Stage::Unsure { next, .. } => *next <= now,
    }
}
