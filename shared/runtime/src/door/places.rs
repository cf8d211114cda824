//! The places of a door: who has one, and who leaves when they run out.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Connections that were told to leave and are still there may be this part of all: they leave at once, or after their
/// present reply.
const LEAVING_PART: usize = 8;

/// Who has waited for a head for so long may have nothing to say; who has just come is about to say it.
const PROMPT: Duration = Duration::from_millis(500);

/// What places are bounded by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) places: usize,
    pub(super) per_address: usize,
    pub(super) head_timeout: Duration,
    pub(super) idle_timeout: Duration,
}

/// Why there is no place for a connection: all that could be closed for it are busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// Its address has as many as an address may have.
    Address,
    /// All places are taken.
    Door,
}

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// The next request.
    Idle,
    /// The head of a request, or the rest of it.
    Head,
}

/// Who has a place. See the module.
#[derive(Debug)]
pub(super) struct Places {
    bounds: Bounds,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    connections: HashMap<u64, Connection>,
    /// Those that wait, of all addresses.
    waiting: Waiting,
    by_address: HashMap<IpAddr, OfAddress>,
    leaving: usize,
    /// The last number that was given to a connection, or to the beginning of a wait.
    last: u64,
}

/// Connections that wait, the longest first: their numbers by the order in which they began to.
#[derive(Debug, Default)]
struct Waiting {
    idle: BTreeMap<u64, (u64, Instant)>,
    heads: BTreeMap<u64, (u64, Instant)>,
}

/// The connections of an address.
#[derive(Debug, Default)]
struct OfAddress {
    count: usize,
    waiting: Waiting,
}

#[derive(Debug)]
struct Connection {
    /// Where it counts, unless it is of many callers.
    address: Option<IpAddr>,
    /// What it waits for, and its place in the order; nothing while it is busy.
    waits: Option<(Wait, u64)>,
    is_leaving: bool,
    told: Arc<Notify>,
}

impl Waiting {
    fn order(&mut self, wait: Wait) -> &mut BTreeMap<u64, (u64, Instant)> {
        match wait {
            Wait::Idle => &mut self.idle,
            Wait::Head => &mut self.heads,
        }
    }

    /// Who goes first for somebody else: who says nothing, then who is idle, then who has just come.
    fn first_to_go(&self) -> Option<u64> {
        let head = self.heads.first_key_value().map(|(_, head)| *head);
        let idle = self.idle.first_key_value().map(|(_, (id, _))| *id);
        match (head, idle) {
            (Some((head, since)), Some(_)) if since.elapsed() >= PROMPT => Some(head),
            (_, Some(idle)) => Some(idle),
            (head, None) => head.map(|(head, _)| head),
        }
    }
}

impl State {
    fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Notes what a connection waits for, or that it is busy.
    fn set(&mut self, id: u64, wait: Option<Wait>) {
        let number = self.number();
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let before = std::mem::replace(&mut connection.waits, wait.map(|wait| (wait, number)));
        let address = connection.address;
        if connection.is_leaving {
            connection.told.notify_one();
            return;
        }
        self.unqueue(address, before);
        if let Some(wait) = wait {
            let entry = (id, Instant::now());
            self.waiting.order(wait).insert(number, entry);
            if let Some(own) = address.and_then(|address| self.by_address.get_mut(&address)) {
                own.waiting.order(wait).insert(number, entry);
            }
        }
    }

    /// Takes a connection out of all counts and tells it to leave.
    fn send_away(&mut self, id: u64) {
        let Some(connection) = self.connections.get_mut(&id).filter(|connection| !connection.is_leaving)
        else {
            return;
        };
        connection.is_leaving = true;
        connection.told.notify_one();
        let (address, waits) = (connection.address, connection.waits);
        self.leaving += 1;
        self.unqueue(address, waits);
        self.uncount(address);
    }

    /// Takes a wait out of the orders.
    fn unqueue(&mut self, address: Option<IpAddr>, waits: Option<(Wait, u64)>) {
        let Some((wait, number)) = waits else { return };
        self.waiting.order(wait).remove(&number);
        if let Some(own) = address.and_then(|address| self.by_address.get_mut(&address)) {
            own.waiting.order(wait).remove(&number);
        }
    }

    fn uncount(&mut self, address: Option<IpAddr>) {
        let Some(address) = address else { return };
        if let Some(own) = self.by_address.get_mut(&address) {
            own.count -= 1;
            if own.count == 0 {
                self.by_address.remove(&address);
            }
        }
    }

    /// The connection that has waited longest for one thing, if it has for so long.
    fn overdue(&mut self, wait: Wait, limit: Duration) -> Option<u64> {
        let (_, (id, since)) = self.waiting.order(wait).first_key_value()?;
        (since.elapsed() >= limit).then_some(*id)
    }
}

impl Places {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, state: Mutex::default() }
    }

    /// No step is left half done by a panic: nothing in them can.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a connection a place, for which another one may have to go. Answers its number, and what it is told by.
    pub(super) fn enter(&self, address: Option<IpAddr>) -> Result<(u64, Arc<Notify>), Full> {
        let mut state = self.state();
        let own = address.and_then(|address| state.by_address.get(&address));
        if let Some(own) = own.filter(|own| own.count >= self.bounds.per_address) {
            let first = own.waiting.first_to_go();
            self.make_room(&mut state, first).ok_or(Full::Address)?;
        }
        if state.connections.len() - state.leaving >= self.bounds.places {
            let first = state.waiting.first_to_go();
            self.make_room(&mut state, first).ok_or(Full::Door)?;
        }
        let (id, told) = (state.number(), Arc::<Notify>::default());
        let connection = Connection { address, waits: None, is_leaving: false, told: Arc::clone(&told) };
        state.connections.insert(id, connection);
        if let Some(address) = address {
            state.by_address.entry(address).or_default().count += 1;
        }
        state.set(id, Some(Wait::Head));
        Ok((id, told))
    }

    /// Sends one away that waits, if there is one and not too many are on their way out.
    fn make_room(&self, state: &mut State, first: Option<u64>) -> Option<()> {
        if state.leaving >= self.bounds.places.div_ceil(LEAVING_PART) {
            return None;
        }
        state.send_away(first?);
        Some(())
    }

    /// Sends one away for something else than a place.
    pub(super) fn close_one(&self) {
        let mut state = self.state();
        let first = state.waiting.first_to_go();
        self.make_room(&mut state, first);
    }

    /// Sends those away that have waited too long.
    pub(super) fn close_overdue(&self) {
        let mut state = self.state();
        let limits = [(Wait::Idle, self.bounds.idle_timeout), (Wait::Head, self.bounds.head_timeout)];
        for (wait, limit) in limits {
            // Who is sent away is in the order no more, so this ends.
            while let Some(id) = state.overdue(wait, limit) {
                state.send_away(id);
            }
        }
    }

    /// Sends a connection away whatever it does: at once if it waits, else after its present reply.
    pub(super) fn send_away(&self, id: u64) {
        self.state().send_away(id);
    }

    /// Notes what a connection waits for, or that it is busy.
    pub(super) fn set(&self, id: u64, wait: Option<Wait>) {
        self.state().set(id, wait);
    }

    /// Whether the connection is to be closed at once.
    pub(super) fn is_to_close(&self, id: u64) -> bool {
        self.state()
            .connections
            .get(&id)
            .is_some_and(|connection| connection.is_leaving && connection.waits.is_some())
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        let state = self.state();
        let Waiting { idle, heads } = &state.waiting;
        let counts = [state.connections.len(), idle.len(), heads.len(), state.by_address.len()];
        counts == [0; 4] && state.leaving == 0
    }

    /// The connection has ended.
    pub(super) fn leave(&self, id: u64) {
        let mut state = self.state();
        state.set(id, None);
        let Some(connection) = state.connections.remove(&id) else { return };
        match connection.is_leaving {
            true => state.leaving -= 1,
            false => state.uncount(connection.address),
        }
    }
}
