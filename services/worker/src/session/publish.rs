//! What a session tells those who listen, and when.

mod streams;
mod tickets;

use std::sync::Arc;
use std::time::Duration;

use bus::{Fanout, Frame, Position, Topic, envelope};
use calls::reply::{OrderUpdate, OrderUpdateSummary, ProfitUpdate};
use model::Money;
use model::calc::{Equity, Floating};
use serde::Serialize;
use tokio::time::Instant;

use self::tickets::Tickets;
use super::state::State;

/// Pace of profit events until a client sets another.
const PROFIT_EVERY: Duration = Duration::from_secs(1);
/// Least time before profits that have not changed are told again.
const REPEAT_AFTER: Duration = Duration::from_secs(1);

/// Publishes the events of one session.
#[derive(Debug)]
pub(crate) struct Publisher {
    token: Arc<str>,
    fanout: Arc<Fanout>,
    epoch: u64,
    offset: u64,
    /// Least time between two profit events; `None`: not wanted.
    profit_every: Option<Duration>,
    profit_sent: Option<Instant>,
    profit_changed: bool,
    /// The session's ticks up to the last look.
    ticks_seen: u64,
    tickets: Tickets,
}

impl Publisher {
    pub(crate) const fn new(token: Arc<str>, fanout: Arc<Fanout>, epoch: u64) -> Self {
        let profit_every = Some(PROFIT_EVERY);
        Self {
            token,
            fanout,
            epoch,
            offset: 0,
            profit_every,
            profit_sent: None,
            profit_changed: true,
            ticks_seen: 0,
            tickets: Tickets::new(),
        }
    }

    /// Somebody has begun to listen: what is told at a pace is told at once.
    pub(crate) const fn greet(&mut self) {
        self.tickets = Tickets::new();
    }

    /// Sets the pace of profit events; `None` ends them.
    pub(crate) const fn set_profit_pace(&mut self, every: Option<Duration>) {
        self.profit_every = every;
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
        let update = profit_update(state, &equity, &floating);
        self.send(Topic::OrderProfit, None, &update);
    }

    /// Tells an order update; each has its place in the session's sequence, listened to or not.
    pub(crate) fn send_update(&mut self, state: &mut State, update: OrderUpdate) {
        self.profit_changed = true;
        self.offset += 1;
        if !self.fanout.has_listeners(Topic::OrderUpdate) {
            return;
        }
        let (equity, floating) = state.figures().unwrap_or_else(|| state.figures_of_known());
        let profit = profit_update(state, &equity, &floating);
        let summary = OrderUpdateSummary {
            opened_orders: profit.orders,
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
        self.send(Topic::OrderUpdate, None, &summary);
    }

    fn send(&self, topic: Topic, key: Option<&str>, data: &impl Serialize) {
        match envelope(topic.as_str(), &self.token, runtime::unix_ms(), data) {
            Ok(text) => self.fanout.publish(
                Frame::new(topic, key, text).at(Position { epoch: self.epoch, offset: self.offset }),
            ),
            Err(failure) => tracing::error!(%failure, cause = failure.cause(), "an event cannot be encoded"),
        }
    }
}

/// Account figures with everything open.
fn profit_update(state: &mut State, equity: &Equity, floating: &Floating) -> ProfitUpdate {
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
        orders: state.opened_orders(),
    }
}
