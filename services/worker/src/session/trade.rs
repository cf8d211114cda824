//! Trade requests under way: sent once, never blindly again, and each brought to an outcome.
//!
//! A job is recorded before its request is sent. If the verdict stays out (the link broke, the server is silent), the
//! job becomes *unsure*: after the state has been brought up to date, positions, orders and deals tell what became of
//! it. What they do not tell is reported as unknown.

mod given_up;
mod look;
mod request;

pub(crate) use request::{CallName, Intent, Job, Outcome};
pub(super) use request::{Sent, Stage};

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::Ordering;
use std::time::Duration;

use calls::reply;
use error::{Code, Error};
use model::Retcode;
use registry::Entry;
use tokio::time::Instant;
use wire::records::{TradeRequest, TradeResult, TradeResultPush};

use super::details;
use super::evidence;
use super::mail::TradeLimits;
use super::note::{self, Inherited, Note};
use super::reducing;
use super::scribe::Scribe;
use super::state::State;
use given_up::GivenUp;

/// The official client counts up from here.
const FIRST_ACTION: u32 = 1000;
/// A session counts up from somewhere in this range above it: a server may tell all sessions of an account about each
/// verdict, and one of another session must not pass for one of ours.
const FIRST_ACTIONS: u32 = 1_000_000_000;
/// Requests of a session that may be under way.
const JOBS_MAX: usize = 256;
/// A verdict that stays out for so long is looked for in the state.
pub(crate) const VERDICT_LIMIT: Duration = Duration::from_secs(15);
/// After a success its records must come within this time; then they are fetched.
const SETTLE_LIMIT: Duration = Duration::from_secs(2);
/// After so long a request that the server took but never decided on will not be done any more.
const DECIDED_AFTER: Duration = Duration::from_secs(180);
/// Orders that are remembered as belonging to a request.
const CLAIMED_MAX: usize = 4096;
/// Outcomes that are kept for callers who come back.
const FINISHED_MAX: usize = 256;
/// The same where somebody still waited for the outcome, and most likely has it: they may only just have given up.
const TOLD_MAX: usize = 12;

/// All requests of a session.
#[derive(Debug)]
pub(crate) struct Trades {
    sent: BTreeMap<u32, Sent>,
    next_action: u32,
    /// Orders that belong to a request already.
    pub(super) claimed: BTreeSet<i64>,
    finished: VecDeque<(u32, Outcome)>,
    /// The same, where somebody still waited.
    told: VecDeque<(u32, Outcome)>,
    /// Requests whose callers were told that nobody knows: they are looked for on.
    given_up: GivenUp,
    /// Writes outcomes into the journal before callers are told.
    scribe: Option<Scribe>,
}

impl Default for Trades {
    fn default() -> Self {
        Self {
            sent: BTreeMap::new(),
            next_action: FIRST_ACTION,
            claimed: BTreeSet::new(),
            finished: VecDeque::new(),
            told: VecDeque::new(),
            given_up: GivenUp::default(),
            scribe: None,
        }
    }
}

impl Trades {
    /// No requests yet; the first will have a number of its own.
    pub(crate) fn new(scribe: Scribe) -> Self {
        Self { scribe: Some(scribe), ..Self::numbered() }
    }

    /// The same, without a journal.
    pub(super) fn numbered() -> Self {
        Self { next_action: FIRST_ACTION + rand::random_range(0..FIRST_ACTIONS), ..Self::default() }
    }

    /// Takes over what the last owner of the session has sent: requests without an outcome are looked for, and what
    /// belongs to others is not taken for theirs.
    pub(crate) fn take_over(&mut self, inherited: Inherited) {
        self.claimed.extend(inherited.claimed);
        for unsettled in inherited.unsettled {
            let Some(sent) = unsettled.note.sent(unsettled.key) else { continue };
            self.sent.insert(unsettled.number, sent);
        }
    }

    /// Records a job. Gives what is to be written into the journal before its request is sent, or answers that it cannot
    /// be.
    pub(crate) fn begin(&mut self, job: Job, state: &State) -> Option<Entry> {
        if self.sent.len() >= JOBS_MAX {
            let busy =
                format!("{JOBS_MAX} trade requests of this account are under way. Wait for their results.");
            let _ = job.reply.send(Outcome::NotSent(Error::new(Code::TooManyTradeRequests, busy)));
            return None;
        }
        let action_id = self.next_action;
        // First the number, then the look whether anybody waits: so a caller who leaves without seeing a number can be
        // sure that the request will not be sent.
        job.number.store(action_id, Ordering::SeqCst);
        if job.reply.is_closed() {
            return None;
        }
        self.next_action = self.next_action.checked_add(1).unwrap_or(FIRST_ACTION);
        let sent = Sent {
            request: TradeRequest { action_id, ..job.request },
            intent: job.intent,
            magic: job.magic,
            key: job.call.key.clone(),
            reply: Some(job.reply),
            stage: Stage::Recording,
            begun: Instant::now(),
            sent_ms: runtime::unix_ms(),
            is_cut: false,
            after_order: state.newest_order(),
            after_deal: state.newest_deal(),
            order: 0,
        };
        let request = Note::of(&sent, &job.call).to_bytes();
        self.sent.insert(action_id, sent);
        Some(Entry { number: action_id, key: job.call.key, request })
    }

    /// The journal has it: gives the request to be sent now. `None`: it was given up meanwhile.
    pub(crate) fn recorded(&mut self, action_id: u32) -> Option<TradeRequest> {
        let Some(sent) = self.sent.get_mut(&action_id) else {
            self.close_entry(action_id);
            return None;
        };
        if !matches!(sent.stage, Stage::Recording) {
            return None;
        }
        // Only now it leaves: writing it down may have taken long.
        (sent.begun, sent.sent_ms) = (Instant::now(), runtime::unix_ms());
        sent.stage = Stage::Verdict { until: sent.begun + VERDICT_LIMIT };
        Some(sent.request.clone())
    }

    /// What was given up while it was being written down is settled once more: the first word may have been there before it, and
    /// an entry that stays open would be looked for by the next owner.
    fn close_entry(&self, action_id: u32) {
        let outcome = match self.outcome_of(action_id) {
            Some(outcome) if outcome.is_open() => return,
            Some(outcome) => note::outcome(outcome, 0),
            None => note::outcome(&Outcome::NotSent(lost_unsent()), 0),
        };
        if let Some(scribe) = &self.scribe {
            scribe.settle(action_id, outcome, None);
        }
    }

    /// What came of a request, as far as that is remembered.
    fn outcome_of(&self, action_id: u32) -> Option<&Outcome> {
        let mut finished = self.finished.iter().rev().chain(self.told.iter().rev());
        finished.find(|(id, _)| *id == action_id).map(|(_, outcome)| outcome)
    }

    /// Whether a request may be begun: it does no more than reduce, or nothing speaks against it.
    ///
    /// # Errors
    /// With what it is refused.
    pub(super) fn admit(
        &self,
        intent: Intent,
        request: &TradeRequest,
        limits: TradeLimits,
        state: &mut State,
    ) -> Result<(), Error> {
        let TradeLimits { reduce_only, guarding } = limits;
        let guarding = guarding.filter(|guarding| !guarding.is_empty());
        let is_limited = reduce_only.is_some() || guarding.is_some();
        if intent == Intent::Prices || !is_limited || self.only_reduces(request, state) {
            return Ok(());
        }
        if let Some(refusal) = reduce_only {
            return Err(refusal);
        }
        let Some(guarding) = guarding else { return Ok(()) };
        let unseen = self.unsure().filter(|sent| adds_unseen(sent, state)).map(|sent| &sent.request);
        let unseen: Vec<&TradeRequest> = unseen.collect();
        let adds = matches!(intent, Intent::Open | Intent::Place);
        guarding.check(adds, request, state, unseen.into_iter())
    }

    /// Whether a request does no more than reduce, whatever becomes of those whose outcome is open.
    pub(super) fn only_reduces(&self, request: &TradeRequest, state: &State) -> bool {
        reducing::only_reduces(request, state, self.unsure().map(|sent| &sent.request))
    }

    /// Requests that may have been done, or may be done yet.
    fn unsure(&self) -> impl Iterator<Item = &Sent> {
        self.rivals().into_iter().filter(|sent| sent.begun.elapsed() < DECIDED_AFTER)
    }

    /// Whether a request is under way.
    pub(crate) fn are_under_way(&self) -> bool {
        !self.sent.is_empty()
    }

    /// The request could not be given to the link: it never left.
    pub(crate) fn not_sent(&mut self, action_id: u32, error: Error) {
        self.take_up(action_id);
        self.finish(action_id, Outcome::NotSent(error));
    }

    /// The immediate answer: anything but "accepted" is the verdict.
    pub(crate) fn on_answer(&mut self, action_id: u32, retcode: Retcode, state: &mut State) {
        if retcode.is_pending() {
            return;
        }
        let result = TradeResult { retcode: retcode.0, ..TradeResult::default() };
        self.on_verdict(action_id, result, state);
    }

    /// The request itself was refused: the server could not read it, or does not serve us.
    pub(crate) fn on_refusal(&mut self, action_id: u32, code: u8) {
        let told = format!("The trade server refused the request: {}.", wire::code::text(code));
        self.finish(action_id, Outcome::Refused(Error::new(Code::RequestError, told)));
    }

    /// A verdict by push.
    pub(crate) fn on_result(&mut self, push: TradeResultPush, state: &mut State) {
        let TradeResultPush { request, mut result, .. } = push;
        if result.trade_order == 0 {
            result.trade_order = i64::try_from(request.trade_order).unwrap_or(0);
        }
        self.on_verdict(request.action_id, result, state);
    }

    fn on_verdict(&mut self, action_id: u32, result: TradeResult, state: &mut State) {
        let retcode = Retcode(result.retcode);
        if retcode.is_pending() {
            return;
        }
        self.take_up(action_id);
        let Some(sent) = self.sent.get_mut(&action_id) else { return };
        if sent.intent == Intent::Prices && retcode == Retcode::PRICES {
            let (bid, ask) = (result.bid, result.ask);
            return self.finish(action_id, Outcome::Prices { bid, ask });
        }
        if !retcode.is_success() {
            let error = details::refused(refusal(&result), &sent.request, &result, state);
            return self.finish(action_id, Outcome::Refused(error));
        }
        let (magic, trade_order) = (sent.magic, result.trade_order);
        sent.stage =
            Stage::Settling { result: Box::new(result), until: Instant::now() + SETTLE_LIMIT, looks: 0 };
        if trade_order != 0 {
            self.claim(action_id, trade_order);
            state.remember_magic(trade_order, magic);
        }
        self.settle(state);
    }

    /// An order is the work of this request, and of no other.
    fn claim(&mut self, action_id: u32, order: i64) {
        if let Some(sent) = self.sent.get_mut(&action_id) {
            sent.order = order;
        }
        self.claimed.insert(order);
        if self.claimed.len() > CLAIMED_MAX {
            // The oldest: requests under way are looked for among later ones.
            self.claimed.pop_first();
        }
    }

    /// Completes what the state now shows: to be called after every change of it.
    pub(crate) fn settle(&mut self, state: &mut State) {
        self.name(state);
        let done: Vec<(u32, reply::Order)> = self
            .sent
            .iter()
            .filter_map(|(id, sent)| match &sent.stage {
                Stage::Settling { result, .. } => Some((*id, evidence::settled(sent, result, state)?)),
                _ => None,
            })
            .collect();
        for (action_id, order) in done {
            self.done(action_id, order, state);
        }
    }

    /// A verdict may say no more than "done": then what it made is looked for.
    fn name(&mut self, state: &State) {
        let nameless = |sent: &Sent| match &sent.stage {
            Stage::Settling { result, .. } => {
                let is_new = matches!(sent.intent, Intent::Open | Intent::Place);
                is_new && result.trade_order == 0 && result.deal == 0
            }
            _ => false,
        };
        let ids: Vec<u32> = self.sent.iter().filter(|(_, sent)| nameless(sent)).map(|(id, _)| *id).collect();
        for id in ids {
            let Some(sent) = self.sent.get(&id) else { continue };
            let found = evidence::search(sent, &self.claimed, &self.rivals(), state);
            let evidence::Found::Done(result) = found else { continue };
            self.claim(id, result.trade_order);
            if let Some(sent) = self.sent.get_mut(&id) {
                sent.stage = Stage::Settling { result, until: Instant::now() + SETTLE_LIMIT, looks: 0 };
            }
        }
    }

    fn done(&mut self, action_id: u32, mut order: reply::Order, state: &mut State) {
        if order.ticket == 0 {
            // "Done", and nothing to show for it: a caller could not even close what it was told.
            return self.finish(action_id, Outcome::Unknown(action_id));
        }
        let made = self.sent.get(&action_id).and_then(|sent| made_by(sent, &order));
        made.into_iter().for_each(|order| self.claim(action_id, order));
        order.request_id = i32::try_from(action_id).unwrap_or(0);
        if let Some(sent) = self.sent.get(&action_id)
            && sent.magic != 0
        {
            state.remember_magic(i64::try_from(order.ticket).unwrap_or(0), sent.magic);
            order.expert_id = sent.magic;
            if let Some(deal) = &mut order.deal_internal_in {
                deal.expert_id = sent.magic;
            }
        }
        self.finish(action_id, Outcome::Done(Box::new(order)));
    }

    fn finish(&mut self, action_id: u32, outcome: Outcome) {
        let Some(mut sent) = self.sent.remove(&action_id) else { return };
        let is_awaited = sent.reply.as_ref().is_some_and(|reply| !reply.is_closed());
        self.settle_in_journal(action_id, &mut sent, &outcome);
        if outcome.is_open() {
            self.give_up(action_id, sent);
        }
        let (list, most) =
            if is_awaited { (&mut self.told, TOLD_MAX) } else { (&mut self.finished, FINISHED_MAX) };
        if list.len() >= most {
            list.pop_front();
        }
        list.push_back((action_id, outcome));
    }

    /// Writes an outcome into the journal, and then tells the caller. It may have given up; the outcome is kept for when
    /// it comes back.
    fn settle_in_journal(&self, action_id: u32, sent: &mut Sent, outcome: &Outcome) {
        let then = sent.reply.take().map(|reply| (reply, outcome.clone()));
        let scribe = self.scribe.as_ref();
        // First the key: an entry that is closed says nothing of the outcome to whoever repeats the call.
        if let Some(scribe) = scribe
            && let Some(key) = sent.key.clone()
            && let Some(recorded) = note::recorded(action_id, outcome)
        {
            scribe.settle_key(key, recorded);
        }
        match (scribe, then) {
            // An entry without an outcome stays open, so that the next owner looks for it as well.
            (Some(scribe), then) if !outcome.is_open() => {
                scribe.settle(action_id, note::outcome(outcome, sent.order), then);
            }
            (_, Some((reply, outcome))) => drop(reply.send(outcome)),
            (_, None) => {}
        }
    }

    /// The link broke: every outcome is unsure until the state is up to date again. What was not sent will not be.
    pub(crate) fn on_link_lost(&mut self) {
        for action_id in self.unsent() {
            self.finish(action_id, Outcome::NotSent(lost_unsent()));
        }
        let now = Instant::now();
        for sent in self.sent.values_mut() {
            sent.is_cut = true;
            match &mut sent.stage {
                // The server has said that it is done; the state will show it.
                Stage::Settling { until, .. } => *until = now,
                stage => *stage = Stage::Unsure { looks: 0, next: now },
            }
        }
        self.given_up.on_link_lost();
    }

    /// Requests whose fate is not known.
    fn rivals(&self) -> Vec<&Sent> {
        self.sent.values().chain(self.given_up.requests(Instant::now())).collect()
    }

    /// The session ends: nobody will find out any more.
    pub(crate) fn abandon(&mut self) {
        for action_id in self.unsent() {
            self.finish(action_id, Outcome::NotSent(ended_unsent()));
        }
        for (action_id, mut sent) in std::mem::take(&mut self.sent) {
            // Not into the journal: there it stays open, for the next owner to find out.
            if let Some(reply) = sent.reply.take() {
                let _ = reply.send(Outcome::Unknown(action_id));
            }
        }
    }

    /// Requests that are being written into the journal: they will not be sent without a link.
    fn unsent(&self) -> Vec<u32> {
        let unsent = self.sent.iter().filter(|(_, sent)| matches!(sent.stage, Stage::Recording));
        unsent.map(|(id, _)| *id).collect()
    }
}

/// The order of a request, by what its caller is told: verdicts may name deals only, or nothing. None where one is known.
fn made_by(sent: &Sent, told: &reply::Order) -> Option<i64> {
    let deal = match sent.intent {
        _ if sent.order != 0 => None,
        Intent::Open => told.deal_internal_in.as_ref(),
        Intent::Close(_) | Intent::CloseBy(_) => told.deal_internal_out.as_ref(),
        _ => None,
    };
    deal.and_then(|deal| i64::try_from(deal.order_ticket).ok()).filter(|order| *order != 0)
}

/// Whether a request may have added something to what the account holds that is not seen yet.
fn adds_unseen(sent: &Sent, state: &State) -> bool {
    let is_seen = |order: i64| {
        state.positions.contains_key(&order)
            || state.orders.contains_key(&order)
            || state.deals.iter().any(|deal| deal.trade_order == order)
            || state.ended.iter().any(|ended| ended.trade_order == order)
    };
    matches!(sent.intent, Intent::Open | Intent::Place) && !(sent.order != 0 && is_seen(sent.order))
}

fn lost_unsent() -> Error {
    Error::new(Code::NoConnection, "The connection was lost before the order was sent. Send it again.")
}

/// The session ended before a request was sent.
pub(super) fn ended_unsent() -> Error {
    Error::new(Code::NoConnection, "The session ended before the order was sent. Send it again.")
}

fn refusal(result: &TradeResult) -> Error {
    let error = Error::from_retcode(result.retcode, "The trade server refused");
    if Retcode(result.retcode) != Retcode::REQUOTE {
        return error;
    }
    Error::new(Code::Requote, "The price has changed. Send the order at the new price.")
}
