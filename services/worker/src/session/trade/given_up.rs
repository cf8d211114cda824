//! Requests whose callers were told that nobody knows what came of them. They are looked for on, in growing pauses, until
//! positions, orders and deals prove what became of them, or that nothing did.

use std::collections::VecDeque;
use std::time::Duration;

use error::{Code, Error};
use tokio::time::Instant;

use super::look::LOOKS_MAX;
use super::{DECIDED_AFTER, Outcome, Sent, Stage, Trades};
use crate::session::evidence::{self, Found};
use crate::session::note;
use crate::session::state::State;

/// Requests that are looked for on; beyond that the oldest stay unknown.
const GIVEN_UP_MAX: usize = 256;
/// Pauses between two looks; each is twice the one before.
const PAUSE_FIRST: Duration = Duration::from_secs(4);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// Of older requests no trace proves nothing: the history is asked for about a day back.
const PROVED_WITHIN: Duration = Duration::from_secs(24 * 3600);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct GivenUp(VecDeque<Request>);

#[derive(Debug)]
struct Request {
    action_id: u32,
    sent: Sent,
    /// When its caller was told that nobody knows.
    since: Instant,
    /// The next look. `None`: nothing will prove anything any more; a late verdict still would, for a day.
    next: Option<Instant>,
    pause: Duration,
}

impl Request {
    fn postpone(&mut self, now: Instant) {
        self.next = Some(now + self.pause);
        self.pause = (self.pause * 2).min(PAUSE_MAX);
    }

    /// Whether nobody will ever know.
    fn is_over(&self, now: Instant) -> bool {
        self.next.is_none() && now.duration_since(self.since) >= PROVED_WITHIN
    }

    fn is_due(&self, now: Instant) -> bool {
        self.next.is_some_and(|next| next <= now)
    }
}

impl GivenUp {
    /// Those whose work anything may be.
    pub(super) fn requests(&self, now: Instant) -> impl Iterator<Item = &Sent> {
        self.0.iter().filter(move |request| !request.is_over(now)).map(|request| &request.sent)
    }

    /// Those that are to be looked for by now.
    pub(super) fn due(&self, now: Instant) -> impl Iterator<Item = &Sent> {
        self.0.iter().filter(move |request| request.is_due(now)).map(|request| &request.sent)
    }

    pub(super) fn next_look(&self) -> Option<Instant> {
        self.0.iter().filter_map(|request| request.next).min()
    }

    pub(super) fn on_link_lost(&mut self) {
        for request in &mut self.0 {
            request.sent.is_cut = true;
        }
    }

    /// Nothing was seen of what is due.
    pub(super) fn postpone(&mut self, now: Instant) {
        for request in self.0.iter_mut().filter(|request| request.is_due(now)) {
            request.postpone(now);
        }
    }

    fn take(&mut self, action_id: u32) -> Option<Sent> {
        let place = self.0.iter().position(|request| request.action_id == action_id)?;
        self.0.remove(place).map(|request| request.sent)
    }
}

impl Trades {
    /// Its caller was told that nobody knows.
    pub(super) fn give_up(&mut self, action_id: u32, sent: Sent) {
        let now = Instant::now();
        self.given_up.0.retain(|request| !request.is_over(now));
        if self.given_up.0.len() >= GIVEN_UP_MAX
            && let Some(oldest) = self.given_up.0.pop_front()
        {
            self.stay_unknown(oldest.action_id);
        }
        let mut request = Request { action_id, sent, since: now, next: None, pause: PAUSE_FIRST };
        request.postpone(now);
        self.given_up.0.push_back(request);
    }

    /// Looks on for what is due, in a state as of when the server was `asked` for it.
    pub(super) fn look_on(&mut self, now: Instant, state: &mut State, asked: Option<Instant>) {
        let due = self.given_up.0.iter().filter(|request| request.is_due(now));
        let due: Vec<u32> = due.map(|request| request.action_id).collect();
        for action_id in due {
            let Some(request) = self.given_up.0.iter().find(|one| one.action_id == action_id) else {
                continue;
            };
            let sent = &request.sent;
            let found = evidence::search(sent, &self.claimed, &self.rivals(), state);
            let is_decided = is_decided(sent, state, asked);
            let is_proof = self.is_proof(sent, state, asked);
            match found {
                Found::Done(_) | Found::Refused { .. } => {
                    self.take_up(action_id);
                    self.found(action_id, found, state);
                }
                Found::Nothing if is_proof => {
                    self.take_up(action_id);
                    self.finish(action_id, Outcome::Refused(never_done()));
                }
                Found::Ambiguous | Found::Nothing if is_decided => self.stop_looking(action_id),
                Found::Ambiguous | Found::Nothing => self.look_later(action_id, now),
            }
        }
    }

    fn look_later(&mut self, action_id: u32, now: Instant) {
        let request = self.given_up.0.iter_mut().find(|one| one.action_id == action_id);
        request.into_iter().for_each(|request| request.postpone(now));
    }

    /// More looks will not tell more.
    fn stop_looking(&mut self, action_id: u32) {
        let request = self.given_up.0.iter_mut().find(|one| one.action_id == action_id);
        request.into_iter().for_each(|request| request.next = None);
        self.stay_unknown(action_id);
    }

    /// Nobody will find out any more, the next owner neither.
    fn stay_unknown(&self, action_id: u32) {
        if let Some(scribe) = &self.scribe {
            scribe.settle(action_id, note::outcome(&Outcome::Unknown(action_id), 0), None);
        }
    }

    /// A request that was given up is under way again: its verdict came after all, or it is looked for once more.
    pub(super) fn take_up(&mut self, action_id: u32) {
        if let Some(sent) = self.given_up.take(action_id) {
            self.sent.insert(action_id, sent);
        }
    }

    /// Whether no trace of a request proves that it was not done: it will not be done any more, everything of its time is there
    /// to be seen, and nothing that is seen could be its work.
    pub(super) fn is_proof(&self, sent: &Sent, state: &State, asked: Option<Instant>) -> bool {
        is_decided(sent, state, asked)
            && is_young(sent)
            && state.shows_all_since(sent)
            && evidence::leaves_no_room(sent, &self.claimed, state)
    }

    /// What became of an earlier request, by what the state shows now. `None`: it is still being looked for.
    pub(crate) fn lookup(&mut self, action_id: u32, state: &mut State) -> Option<Outcome> {
        if self.sent.contains_key(&action_id) {
            return None;
        }
        self.take_up(action_id);
        if let Some(sent) = self.sent.get_mut(&action_id) {
            // It was given up before; this is one more look.
            sent.stage = Stage::Unsure { looks: LOOKS_MAX, next: Instant::now() };
            // Nothing was fetched for this: what is found is told, and what is not proves nothing.
            self.look_for(action_id, state, None);
        }
        self.outcome_of(action_id).cloned()
    }
}

/// Whether what the server was asked for shows all that it will ever do of a request. `asked` is none where nothing was fetched
/// for this look.
fn is_decided(sent: &Sent, state: &State, asked: Option<Instant>) -> bool {
    state.is_server_up && asked.is_some_and(|asked| asked >= sent.begun + DECIDED_AFTER)
}

/// Whether a request is young enough for all of its time to be in the history that is asked for.
pub(super) fn is_young(sent: &Sent) -> bool {
    let age_ms = runtime::unix_ms().saturating_sub(sent.sent_ms);
    sent.sent_ms > 0
        && u64::try_from(age_ms).is_ok_and(|age_ms| Duration::from_millis(age_ms) < PROVED_WITHIN)
}

/// The fate of a request without a trace, when that is proof.
pub(super) fn never_done() -> Error {
    let told = "The order was not done: it was not confirmed, and minutes later no position, order or deal shows it. It was \
                not sent again. If it is still wanted, send it as a new one.";
    Error::new(Code::RequestCancelled, told)
}
