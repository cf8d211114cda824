//! What the next owner of a session needs to go on where this one stood: what clients were told last, what they want to be
//! told, and what the protocol does not carry.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use calls::params::Param;
use calls::{ServerClock, TimeFrame};
use serde::{Deserialize, Serialize};
use wire::Payload;
use wire::records::{History, Portfolio};

use super::state::State;

/// See the module. Names of fields must stay: older ones are read after an update.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Memo {
    /// Everything open, as the wire has it.
    portfolio: String,
    newest_deal: i64,
    newest_order: i64,
    /// When the newest deal was made, seconds of the server's clock; 0 for none.
    last_deal_s: i64,
    /// Magic numbers by ticket.
    magic: Vec<(i64, i64)>,
    pub(crate) wants: Wants,
    /// How far the server's clock was ahead of UTC, as far as that was seen.
    clock: Option<ServerClock>,
}

/// What clients of a session want to be told: it belongs to the session, not to a socket.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Wants {
    /// Symbols, with the least time between two events in milliseconds.
    quotes: Vec<(String, u64)>,
    tick_values: Vec<(String, u64)>,
    books: Vec<(String, u64)>,
    /// With the length of the candle in minutes.
    candles: Vec<(String, u32, u64)>,
    market_watch: bool,
    history: bool,
    /// Pace of profit events in milliseconds, if another one than the usual was set; -1: none are wanted.
    pub(crate) profit_ms: Option<i64>,
    /// Pace of ticket lists in milliseconds.
    pub(crate) tickets_ms: Option<u32>,
}

impl Memo {
    /// Of a state.
    pub(crate) fn of(state: &State, profit_ms: Option<i64>, tickets_ms: Option<u32>) -> Self {
        let portfolio = Portfolio {
            positions: state.positions.values().map(|open| open.record.clone()).collect(),
            orders: state.orders.values().cloned().collect(),
        };
        Self {
            portfolio: STANDARD.encode(portfolio.to_bytes()),
            newest_deal: state.newest_deal(),
            newest_order: state.newest_order(),
            last_deal_s: state.deals.back().map_or(0, |deal| i64::from(deal.time_create)),
            magic: state.magics(),
            wants: Wants { profit_ms, tickets_ms, ..Wants::of(state) },
            clock: Some(state.zone),
        }
    }

    /// As it is kept.
    pub(crate) fn to_bytes(&self) -> Bytes {
        serde_json::to_vec(self).map(Bytes::from).unwrap_or_default()
    }

    /// From what was kept. `None`: nothing was, or it cannot be read.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// When the newest deal was made, seconds of the server's clock.
    pub(crate) const fn last_deal_s(&self) -> i64 {
        self.last_deal_s
    }

    /// Names of symbols whose full records are needed for what clients want.
    pub(crate) fn symbols(&self) -> Vec<String> {
        let wants = &self.wants;
        let named = wants.tick_values.iter().chain(&wants.books).map(|(name, _)| name);
        named.chain(wants.candles.iter().map(|(name, ..)| name)).cloned().collect()
    }

    /// Brings a state to where the last owner stood. Of the history only what that one knew is taken over; the rest is
    /// news.
    pub(crate) fn restore(&self, state: &mut State, history: &History) {
        let known = History {
            deals: history.deals.iter().filter(|deal| deal.deal <= self.newest_deal).cloned().collect(),
            orders: Vec::new(),
        };
        state.load_past(known);
        for (ticket, magic) in &self.magic {
            state.remember_magic(*ticket, *magic);
        }
        let bytes = STANDARD.decode(&self.portfolio).unwrap_or_default();
        let portfolio = Portfolio::from_bytes(&bytes).unwrap_or_default();
        // Orders that had ended before are no news either.
        let was_open = |ticket: i64| portfolio.orders.iter().any(|order| order.trade_order == ticket);
        let ended = history
            .orders
            .iter()
            .filter(|order| order.trade_order <= self.newest_order && !was_open(order.trade_order));
        let orders = ended.cloned().collect();
        state.load_past(History { deals: Vec::new(), orders });
        state.know_up_to(self.newest_deal, self.newest_order);
        state.load(portfolio);
        self.wants.restore(state);
        if let Some(clock) = self.clock {
            state.remember_clock(clock);
        }
    }
}

impl Wants {
    fn of(state: &State) -> Self {
        let name = |id: u32| state.catalogue.by_id(id).map(|symbol| symbol.name.to_string());
        let named = |all: &mut dyn Iterator<Item = (u32, Duration)>| {
            all.filter_map(|(id, every)| Some((name(id)?, millis(every)))).collect()
        };
        Self {
            quotes: named(&mut state.quotes.wanted.intervals()),
            tick_values: named(&mut state.tick_values.wanted.intervals()),
            books: named(&mut state.books.wanted.intervals()),
            candles: state
                .candles
                .intervals()
                .filter_map(|((id, frame), every)| Some((name(id)?, frame.minutes(), millis(every))))
                .collect(),
            market_watch: state.market_watches.is_wanted(),
            history: state.past.is_wanted(),
            profit_ms: None,
            tickets_ms: None,
        }
    }

    fn restore(&self, state: &mut State) {
        let ids: HashMap<&str, u32> =
            self.names().filter_map(|name| Some((name, state.catalogue.named(name)?.id))).collect();
        let id = |name: &String| ids.get(name.as_str()).copied();
        let each = |list: &[(String, u64)]| -> Vec<(u32, Duration)> {
            list.iter().filter_map(|(name, ms)| Some((id(name)?, Duration::from_millis(*ms)))).collect()
        };
        for (id, every) in each(&self.quotes) {
            state.quotes.subscribe(id, every);
        }
        for (id, every) in each(&self.books) {
            state.books.subscribe(id, every);
        }
        for (id, every) in each(&self.tick_values) {
            if let Some(terms) = state.terms(id) {
                let inputs = state.value_inputs(&terms);
                state.tick_values.subscribe(id, inputs, every);
            }
        }
        for (name, minutes, ms) in &self.candles {
            if let (Some(id), Some(frame)) = (id(name), TimeFrame::parse(&minutes.to_string())) {
                state.candles.subscribe((id, frame), Duration::from_millis(*ms));
            }
        }
        if self.market_watch {
            state.market_watches.want(true, std::iter::empty());
        }
        if self.history {
            state.past.want();
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let plain = self.quotes.iter().chain(&self.tick_values).chain(&self.books).map(|(name, _)| name);
        plain.chain(self.candles.iter().map(|(name, ..)| name)).map(String::as_str)
    }
}

impl State {
    /// Counts changes of what clients want, and of what else the next owner could not know.
    pub(crate) const fn wants_version(&self) -> u64 {
        self.quotes.wanted.version()
            + self.tick_values.wanted.version()
            + self.books.wanted.version()
            + self.candles.version()
            + self.market_watches.version()
            + self.past.is_wanted() as u64
            + self.magic_version()
            + self.clock_version
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
