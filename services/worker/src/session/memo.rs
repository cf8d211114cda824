//! What the next owner of a session needs to go on where this one stood: what clients were told last, what they want to be
//! told, and what the protocol does not carry.

use std::collections::HashMap;
use std::time::Duration;

use bus::{Event, Keeper, Reader};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use calls::params::Param;
use calls::{ServerClock, TimeFrame};
use serde::{Deserialize, Serialize};
use wire::records::{History, Portfolio};

use super::state::State;
use super::texts::record_of;

/// See the module. In the registry it is a row of changes ([`Keeper`]): the first one is whole, and each says how long it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Memo {
    head: Head,
    /// Everything open, and magic numbers: a text for each.
    list: Vec<Bytes>,
}

/// The part of a memo that is written anew each time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Head {
    newest_deal: i64,
    newest_order: i64,
    /// When the newest deal was made, seconds of the server's clock; 0 for none.
    last_deal_s: i64,
    wants: Wants,
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
    pub(crate) fn of(state: &mut State, profit_ms: Option<i64>, tickets_ms: Option<u32>) -> Self {
        let head = Head {
            newest_deal: state.newest_deal(),
            newest_order: state.newest_order(),
            last_deal_s: state.deals.back().map_or(0, |deal| i64::from(deal.time_create)),
            wants: Wants { profit_ms, tickets_ms, ..Wants::of(state) },
            clock: Some(state.zone),
        };
        Self { head, list: state.kept_texts() }
    }

    /// As it is kept by itself.
    pub(crate) fn to_bytes(&self) -> Bytes {
        self.next_of(&mut Keeper::default())
    }

    /// As it is kept behind those that this keeper has seen. A whole one stands in the place of those.
    pub(crate) fn next_of(&self, keeper: &mut Keeper) -> Bytes {
        let before = serde_json::to_vec(&self.head).map(Bytes::from).unwrap_or_default();
        let short = keeper.keep(&Event { before, list: self.list.clone(), after: Bytes::new() });
        let mut bytes = BytesMut::with_capacity(short.len() + 5);
        // First what it is, for the registry.
        bytes.extend_from_slice(&short[..1]);
        bytes.put_u32(u32::try_from(short.len()).unwrap_or(u32::MAX));
        bytes.extend_from_slice(&short);
        bytes.freeze()
    }

    /// The last one of what was kept. `None`: nothing was, or it cannot be read.
    pub(crate) fn from_bytes(bytes: &Bytes) -> Option<Self> {
        let (mut rest, mut reader, mut last) = (bytes.clone(), Reader::default(), None);
        while rest.len() > 5 {
            rest.advance(1);
            let length = usize::try_from(rest.get_u32()).ok().filter(|length| *length <= rest.len())?;
            // A change of what stands no longer before it: what does is as new.
            last = reader.read(&rest.split_to(length)).ok().or(last);
        }
        let Event { before, list, .. } = last?;
        Some(Self { head: serde_json::from_slice(&before).ok()?, list })
    }

    /// What clients want.
    pub(crate) const fn wants(&self) -> &Wants {
        &self.head.wants
    }

    /// When the newest deal was made, seconds of the server's clock.
    pub(crate) const fn last_deal_s(&self) -> i64 {
        self.head.last_deal_s
    }

    /// Names of symbols whose full records are needed for what clients want.
    pub(crate) fn symbols(&self) -> Vec<String> {
        let wants = &self.head.wants;
        let named = wants.tick_values.iter().chain(&wants.books).map(|(name, _)| name);
        named.chain(wants.candles.iter().map(|(name, ..)| name)).cloned().collect()
    }

    /// Brings a state to where the last owner stood. Of the history only what that one knew is taken over; the rest is
    /// news.
    pub(crate) fn restore(&self, state: &mut State, history: &History) {
        let known = History {
            deals: history.deals.iter().filter(|deal| deal.deal <= self.head.newest_deal).cloned().collect(),
            orders: Vec::new(),
        };
        state.load_past(known);
        let mut portfolio = Portfolio::default();
        for text in &self.list {
            match text.split_first() {
                Some((b'p', record)) => portfolio.positions.extend(record_of(record)),
                Some((b'o', record)) => portfolio.orders.extend(record_of(record)),
                Some((_, magics)) => {
                    let magics: Vec<(i64, i64)> = serde_json::from_slice(magics).unwrap_or_default();
                    magics.into_iter().for_each(|(ticket, magic)| state.remember_magic(ticket, magic));
                }
                None => {}
            }
        }
        // Orders that had ended before are no news either.
        let was_open = |ticket: i64| portfolio.orders.iter().any(|order| order.trade_order == ticket);
        let ended = history
            .orders
            .iter()
            .filter(|order| order.trade_order <= self.head.newest_order && !was_open(order.trade_order));
        let orders = ended.cloned().collect();
        state.load_past(History { deals: Vec::new(), orders });
        state.know_up_to(self.head.newest_deal, self.head.newest_order);
        state.load(portfolio);
        self.head.wants.restore(state);
        if let Some(clock) = self.head.clock {
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
