//! What a session tells those who listen, and when.

mod streams;
mod tickets;

use std::sync::Arc;
use std::time::Duration;

use access::id_of;
use bus::{Event, Fanout, Frame, Keeper, Position, Topic, envelope};
use bytes::Bytes;
use calls::reply::{LinkStatus, OrderUpdate, OrderUpdateSummary, ProfitUpdate};
use model::Money;
use model::calc::{Equity, Floating};
use serde::Serialize;
use tokio::time::Instant;

use self::tickets::Tickets;
use super::memo::{Memo, Wants};
use super::scribe::Scribe;
use super::standing::Rank;
use super::state::State;

/// Pace of profit events until a client sets another.
const PROFIT_EVERY: Duration = Duration::from_secs(1);
/// Least time before profits that have not changed are told again.
const REPEAT_AFTER: Duration = Duration::from_secs(1);

/// Shows whether what clients want has changed.
type WantsVersion = (u64, Option<Duration>, u32);

/// Publishes the events of one session.
#[derive(Debug)]
pub(crate) struct Publisher {
    token: Arc<str>,
    fanout: Arc<Fanout>,
    scribe: Scribe,
    /// Whether a client has set the pace of profit events.
    is_profit_pace_set: bool,
    /// What clients want, as it was written last.
    wants_written: WantsVersion,
    /// Least time between two profit events; `None`: not wanted.
    profit_every: Option<Duration>,
    profit_sent: Option<Instant>,
    profit_changed: bool,
    /// The session's ticks up to the last look.
    ticks_seen: u64,
    tickets: Tickets,
    /// What was written of the memo, for the next owner.
    memos: Keeper,
}

impl Publisher {
    pub(crate) fn new(token: Arc<str>, fanout: Arc<Fanout>, scribe: Scribe) -> Self {
        let profit_every = Some(PROFIT_EVERY);
        let wants_written = (0, profit_every, scribe.standing().tickets_pace_ms());
        Self {
            token,
            fanout,
            scribe,
            is_profit_pace_set: false,
            wants_written,
            profit_every,
            profit_sent: None,
            profit_changed: true,
            ticks_seen: 0,
            tickets: Tickets::new(),
            memos: Keeper::default(),
        }
    }

    /// Somebody has begun to listen: what is told at a pace is told at once.
    pub(crate) const fn greet(&mut self) {
        self.tickets = Tickets::new();
    }

    /// Sets the pace of profit events; `None` ends them.
    pub(crate) const fn set_profit_pace(&mut self, every: Option<Duration>) {
        self.profit_every = every;
        self.is_profit_pace_set = true;
        self.profit_sent = None;
        self.profit_changed = true;
    }

    /// Something that profits depend on has changed.
    pub(crate) const fn profit_changed(&mut self) {
        self.profit_changed = true;
    }

    /// When something may have to be sent; `None` while nobody listens.
    pub(crate) fn next(&self, state: &State) -> Option<Instant> {
        let now = Instant::now();
        let profit =
            if self.fanout.has_listeners(Topic::OrderProfit) { self.profit_due(now, state) } else { None };
        let streams = [profit, self.next_of_streams(state, now), self.tickets.next(&self.fanout, now)];
        streams.into_iter().flatten().min()
    }

    /// At once for the first listener; then a change when the pace allows it. What has not changed is repeated, so that
    /// a client sees that the stream lives: a flat account at its pace, an open one a little later than its pace, to
    /// let the next change be on time.
    fn profit_due(&self, now: Instant, state: &State) -> Option<Instant> {
        let every = self.profit_every?;
        let Some(sent) = self.profit_sent else { return Some(now) };
        Some(match self.profit_changed {
            true => sent + every,
            false if state.positions.is_empty() => sent + every.max(REPEAT_AFTER),
            false => sent + every + REPEAT_AFTER,
        })
    }

    /// Sends everything that is due, but for order updates, which are told when they happen.
    pub(crate) fn send_due(&mut self, state: &mut State) {
        let now = Instant::now();
        self.send_streams(state, now);
        self.send_tickets(state, now);
        if !self.fanout.has_listeners(Topic::OrderProfit) {
            self.profit_sent = None;
            return;
        }
        let ticks = state.quotes.ticks();
        self.profit_changed |= ticks != self.ticks_seen && !state.positions.is_empty();
        self.ticks_seen = ticks;
        if self.profit_due(now, state).is_some_and(|due| due <= now) {
            self.send_profit(state, now);
        }
    }

    fn send_profit(&mut self, state: &mut State, now: Instant) {
        // While the terms of a symbol are missing there are no figures; they are on their way.
        self.profit_sent = Some(now);
        self.profit_changed = false;
        let Some((equity, floating)) = state.figures() else { return };
        let mut update = profit_update(state, &equity, &floating);
        update.orders = state.opened_orders();
        self.send(Topic::OrderProfit, None, &update);
    }

    /// Tells whether the link is up. Those who begin to listen later are told as well.
    pub(crate) fn send_link_status(&self, status: &LinkStatus) {
        self.send(Topic::ConnectionStatus, None, status);
    }

    /// Tells an order update; each has its place in the session's sequence, listened to or not.
    pub(crate) fn send_update(&mut self, state: &mut State, update: OrderUpdate) {
        self.profit_changed = true;
        if self.scribe.standing().rank() == Rank::Standby {
            return;
        }
        let (equity, floating) = state.figures().unwrap_or_else(|| state.figures_of_known());
        let profit = profit_update(state, &equity, &floating);
        let summary = OrderUpdateSummary {
            // They come by themselves.
            opened_orders: Vec::new(),
            update,
            balance: profit.balance,
            equity: profit.equity,
            margin: profit.margin,
            free_margin: profit.free_margin,
            profit: profit.profit,
            margin_level: profit.margin_level,
            credit: profit.credit,
            user: profit.user,
        };
        if let Some(text) = self.encoded(Topic::OrderUpdate, &summary) {
            let event = with_list(&text, state.opened_texts());
            let memo = self.memo(state).next_of(&mut self.memos);
            self.scribe.event(event, memo);
            self.wants_written = self.wants_version(state);
        }
    }

    /// The memo that is written next stands by itself: the registry may not have those before it.
    pub(crate) fn begin_memos(&mut self) {
        self.memos = Keeper::default();
    }

    /// What the next owner of the session would need now.
    pub(crate) fn memo(&self, state: &mut State) -> Memo {
        let profit_ms = self.is_profit_pace_set.then(|| match self.profit_every {
            Some(every) => i64::try_from(every.as_millis()).unwrap_or(i64::MAX),
            None => -1,
        });
        Memo::of(state, profit_ms, self.scribe.standing().tickets_pace_set())
    }

    /// Goes on at the paces of the last owner, whose memo says what this state wants.
    pub(crate) fn restore(&mut self, wants: &Wants, state: &State) {
        if let Some(ms) = wants.profit_ms {
            self.set_profit_pace(u64::try_from(ms).ok().map(Duration::from_millis));
        }
        if let Some(ms) = wants.tickets_ms {
            self.scribe.standing().set_tickets_pace(ms);
        }
        self.wants_written = self.wants_version(state);
    }

    /// Writes down what clients want, if that has changed.
    pub(crate) fn note_wants(&mut self, state: &mut State) {
        let version = self.wants_version(state);
        if self.wants_written != version && self.scribe.standing().rank() != Rank::Standby {
            self.wants_written = version;
            let memo = self.memo(state).next_of(&mut self.memos);
            self.scribe.memo(memo);
        }
    }

    fn wants_version(&self, state: &State) -> WantsVersion {
        (state.wants_version(), self.profit_every, self.scribe.standing().tickets_pace_ms())
    }

    fn send(&self, topic: Topic, key: Option<&str>, data: &impl Serialize) {
        if let Some(text) = self.encoded(topic, data) {
            let at = Position { epoch: self.scribe.standing().fence().0, offset: 0 };
            self.fanout.publish(Frame::new(topic, key, text).at(at));
        }
    }

    fn encoded(&self, topic: Topic, data: &impl Serialize) -> Option<Bytes> {
        envelope(topic.as_str(), id_of(&self.token), runtime::unix_ms(), data)
            .inspect_err(
                |failure| tracing::error!(%failure, cause = failure.cause(), "an event cannot be encoded"),
            )
            .ok()
    }
}

/// What an order update has before its list of everything open.
const LIST_BEGINS: &[u8] = b"\"data\":{\"openedOrders\":[";

/// A text with an empty list, and what is in the list. The names cannot stand elsewhere before: in a text, as a token may
/// be, quotes are escaped.
fn with_list(text: &Bytes, list: Vec<Bytes>) -> Event {
    let place = text.windows(LIST_BEGINS.len()).position(|part| part == LIST_BEGINS);
    let place = place.map_or(text.len(), |place| place + LIST_BEGINS.len());
    Event { before: text.slice(..place), list, after: text.slice(place..) }
}

/// Account figures, without what is open.
fn profit_update(state: &State, equity: &Equity, floating: &Floating) -> ProfitUpdate {
    let money = |value: f64| Money::round(value, state.account.main.currency_digits).to_f64();
    ProfitUpdate {
        balance: money(state.account.main.balance),
        credit: money(state.account.main.credit),
        equity: equity.equity.to_f64(),
        margin: equity.margin.to_f64(),
        free_margin: equity.free_margin.to_f64(),
        profit: floating.total().to_f64(),
        margin_level: equity.margin_level,
        user: state.login,
        orders: Vec::new(),
    }
}
