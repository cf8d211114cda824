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
    /// Those that wait, the longest first. By the order in which they began to.
    idle: BTreeMap<u64, u64>,
    heads: BTreeMap<u64, u64>,
    by_address: HashMap<IpAddr, usize>,
    leaving: usize,
    /// The last number that was given to a connection, or to the beginning of a wait.
    last: u64,
}

#[derive(Debug)]
struct Connection {
    /// Where it counts, unless it is of many callers.
    address: Option<IpAddr>,
    /// What it waits for, its place in the order, and since when; nothing while it is busy.
    waits: Option<(Wait, u64, Instant)>,
    is_leaving: bool,
    told: Arc<Notify>,
}

impl State {
    fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn order(&mut self, wait: Wait) -> &mut BTreeMap<u64, u64> {
        match wait {
            Wait::Idle => &mut self.idle,
            Wait::Head => &mut self.heads,
        }
    }

    /// Notes what a connection waits for, or that it is busy.
    fn set(&mut self, id: u64, wait: Option<Wait>) {
        let number = self.number();
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let before =
            std::mem::replace(&mut connection.waits, wait.map(|wait| (wait, number, Instant::now())));
        let is_leaving = connection.is_leaving;
        if is_leaving {
            connection.told.notify_one();
        }
        if let Some((wait, number, _)) = before {
            self.order(wait).remove(&number);
        }
        if let Some(wait) = wait.filter(|_| !is_leaving) {
            self.order(wait).insert(number, id);
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
        self.uncount(address);
        if let Some((wait, number, _)) = waits {
            self.order(wait).remove(&number);
        }
    }

    fn uncount(&mut self, address: Option<IpAddr>) {
        let Some(address) = address else { return };
        if let Some(count) = self.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
    }

    /// Those that wait, in the order in which they are closed.
    fn waiting(&self) -> impl Iterator<Item = u64> {
        self.idle.values().chain(self.heads.values()).copied()
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
        let count = address.and_then(|address| state.by_address.get(&address).copied()).unwrap_or_default();
        if address.is_some() && count >= self.bounds.per_address {
            let own = |connection: &Connection| connection.address == address;
            self.make_room(&mut state, own).ok_or(Full::Address)?;
        }
        if state.connections.len() - state.leaving >= self.bounds.places {
            self.make_room(&mut state, |_| true).ok_or(Full::Door)?;
        }
        let (id, told) = (state.number(), Arc::<Notify>::default());
        let connection = Connection { address, waits: None, is_leaving: false, told: Arc::clone(&told) };
        state.connections.insert(id, connection);
        if let Some(address) = address {
            *state.by_address.entry(address).or_default() += 1;
        }
        state.set(id, Some(Wait::Head));
        Ok((id, told))
    }

    /// Sends one of those away that wait.
    fn make_room(&self, state: &mut State, may_go: impl Fn(&Connection) -> bool) -> Option<()> {
        if state.leaving >= self.bounds.places.div_ceil(LEAVING_PART) {
            return None;
        }
        let id = state.waiting().find(|id| state.connections.get(id).is_some_and(&may_go))?;
        state.send_away(id);
        Some(())
    }

    /// Sends one away for something else than a place.
    pub(super) fn close_one(&self) {
        let mut state = self.state();
        self.make_room(&mut state, |_| true);
    }

    /// Sends those away that have waited too long.
    pub(super) fn close_overdue(&self) {
        let mut state = self.state();
        let limits = [(Wait::Idle, self.bounds.idle_timeout), (Wait::Head, self.bounds.head_timeout)];
        for (wait, limit) in limits {
            while let Some((&number, &id)) = state.order(wait).first_key_value() {
                let since = state.connections.get(&id).and_then(|connection| connection.waits);
                if since.is_some_and(|(_, _, since)| since.elapsed() < limit) {
                    break;
                }
                state.order(wait).remove(&number);
                state.send_away(id);
            }
        }
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
        let counts = [state.connections.len(), state.idle.len(), state.heads.len(), state.by_address.len()];
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
