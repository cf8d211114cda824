//! What is known of API keys here, so that a call costs no round trip.
//!
//! The registry has a stamp that changes with every change of a key. It is asked for a few times a second; while it stays the
//! same, all that was looked up is right, and when it changes, all of it is looked up again. So a key that is revoked is
//! refused by every front within a second. While the registry does not answer, keys that were seen go on for some minutes.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use access::{Caller, KeyId, KeyRecord, Limits, StreamTicket};
use bytes::Bytes;
use error::Error;
use ipnet::IpNet;
use registry::{ApiKeyEntry, ApiKeys, RegistryError, read_api_key};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::Refused;
use super::credentials::ShownKey;
use super::grant::{Content, Grant};

/// How often the stamp is asked for: a change is to be known within a second, look-up included.
const ASK_EVERY: Duration = Duration::from_millis(250);
/// For how long keys that were seen go on while the registry does not answer.
pub(super) const AWAY_MAX: Duration = Duration::from_secs(5 * 60);
/// How long a request waits for the first answer of the registry after the start.
const FIRST_MAX: Duration = Duration::from_secs(2);
/// How often it is noted which keys were used.
const NOTE_EVERY: Duration = Duration::from_secs(10);
/// Keys that are known at once; as many as there may be.
const KEYS_MAX: usize = 10_000;
/// Look-ups at once: whoever makes up keys with right checksums does not get all connections to the registry.
const LOOKUPS_MAX: usize = 64;
/// How often a look-up is begun anew because keys have changed meanwhile.
const ATTEMPTS: usize = 5;
/// For how long a ticket waits for its socket.
const TICKET_KEPT: Duration = Duration::from_secs(30);

/// See the module.
pub(crate) struct KeyCache {
    registry: Arc<dyn ApiKeys>,
    state: Mutex<State>,
    /// Counts what was heard of the registry for the first time, and changes of keys.
    changes: watch::Sender<u64>,
    lookups: Semaphore,
}

#[derive(Default)]
struct State {
    slots: HashMap<KeyId, Arc<Slot>>,
    /// What is known is as of this stamp, or later.
    stamp: Option<u64>,
    /// There is a newer one, and not all was looked up again.
    is_behind: bool,
    /// When the registry has said last that nothing has changed since.
    confirmed: Option<Instant>,
}

/// What is known of one key; changes under those who have it.
#[derive(Debug)]
pub(crate) struct Slot {
    id: KeyId,
    known: Mutex<Option<Arc<Known>>>,
    used_ms: AtomicI64,
    noted_ms: AtomicI64,
}

/// A key as it was looked up.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) caller: Arc<Caller>,
    record: KeyRecord,
    networks: Networks,
}

/// Where a key may be used from, if not from anywhere.
#[derive(Debug)]
pub(super) struct Networks(Option<Vec<IpNet>>);

impl Networks {
    /// One that cannot be read lets nobody in.
    pub(super) fn of(limits: &Limits) -> Self {
        let networks = limits.networks.iter().filter_map(|text| {
            text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).ok()
        });
        Self((!limits.networks.is_empty()).then(|| networks.collect()))
    }

    /// Whether an address is in one of them.
    pub(super) fn have(&self, from: Option<IpAddr>) -> bool {
        self.0.as_ref().is_none_or(|networks| {
            from.is_some_and(|from| networks.iter().any(|network| network.contains(&from.to_canonical())))
        })
    }
}

impl Slot {
    pub(super) fn known(&self) -> Option<Arc<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn learn(&self, known: Option<Arc<Known>>) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }
}

impl Known {
    /// What this version understands of an entry.
    fn of(entry: &ApiKeyEntry) -> Option<Arc<Self>> {
        let info = read_api_key(entry).inspect_err(|unreadable| tracing::warn!("{unreadable}")).ok()?;
        let networks = Networks::of(&info.record.limits);
        let caller = Arc::new(info.record.caller(info.tenant, &info.id));
        Some(Arc::new(Self { caller, record: info.record, networks }))
    }

    /// Until when a key that is shown from there is good; `None`: it is not.
    pub(super) fn admits(&self, key: &ShownKey, from: Option<IpAddr>) -> Option<i64> {
        let until = self.record.admits(key.kind, &key.digest, runtime::unix_ms());
        until.filter(|_| self.networks.have(from))
    }
}

impl KeyCache {
    pub(super) fn new(registry: Arc<dyn ApiKeys>) -> Self {
        let (changes, _) = watch::channel(0);
        let lookups = Semaphore::new(LOOKUPS_MAX);
        Self { registry, state: Mutex::default(), changes, lookups }
    }

    /// Lets in who shows a good key.
    pub(super) async fn admit(
        self: &Arc<Self>,
        key: ShownKey,
        from: Option<IpAddr>,
    ) -> Result<Grant, Refused> {
        let slot = self.slot(&key.id).await?;
        let known = slot.known().ok_or(Refused::Unauthorized)?;
        known.admits(&key, from).ok_or(Refused::Unauthorized)?;
        slot.used_ms.fetch_max(runtime::unix_ms(), Ordering::Relaxed);
        Ok(Grant::by_key(Arc::clone(&known.caller), Arc::clone(self), slot, key, from))
    }

    /// Lets in who shows a good ticket, once.
    pub(super) async fn redeem(
        self: &Arc<Self>,
        ticket: &StreamTicket,
        from: Option<IpAddr>,
    ) -> Result<Grant, Refused> {
        let _place = self.lookups.try_acquire().map_err(|_| Refused::Unavailable)?;
        let taken = self.registry.take_ticket(&ticket.name()).await.map_err(|failure| away(&failure))?;
        let content = taken.ok_or(Refused::Unauthorized)?;
        match serde_json::from_slice(&content).map_err(|_| Refused::Unauthorized)? {
            Content::Key(key) => self.admit(key, from).await,
            Content::Token { caller, until_ms } => {
                let is_good = until_ms > runtime::unix_ms() && Networks::of(&caller.limits).have(from);
                is_good.then(|| Grant::by_token(Arc::new(caller), until_ms)).ok_or(Refused::Unauthorized)
            }
        }
    }

    /// Keeps a ticket for the key of a grant.
    pub(super) async fn keep_ticket(&self, ticket: &StreamTicket, grant: &Grant) -> Result<(), Error> {
        let content = grant.content().ok_or_else(|| Refused::Unauthorized.error())?;
        let content = serde_json::to_vec(&content).map_err(Error::internal)?;
        let kept = self.registry.keep_ticket(&ticket.name(), &Bytes::from(content), TICKET_KEPT).await;
        match kept.map_err(|failure| away(&failure).error())? {
            true => Ok(()),
            false => {
                Err(Error::busy("Too many stream tickets wait to be used: send this again in a moment."))
            }
        }
    }

    /// Tells of changes.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Whether what is known is still believed.
    pub(super) fn is_believed(&self) -> bool {
        self.state().is_believed()
    }

    /// Keeps what is known up to date until `stop`.
    pub(super) async fn keep_up(&self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut ticks = interval(ASK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut noted, mut is_away) = (Instant::now(), false);
        loop {
            tokio::select! {
                () = &mut stop => break,
                _ = ticks.tick() => {}
            }
            match self.refresh().await {
                Err(failure) if !is_away => {
                    tracing::warn!(%failure, "API keys cannot be looked up: those that were seen go on");
                    is_away = true;
                }
                Ok(()) if is_away => {
                    tracing::info!("API keys are looked up again");
                    is_away = false;
                }
                _ => {}
            }
            if noted.elapsed() >= NOTE_EVERY && !is_away {
                self.note_used().await;
                noted = Instant::now();
            }
        }
        self.note_used().await;
    }

    /// What is known of a key, or is to be known of it now.
    async fn slot(&self, id: &KeyId) -> Result<Arc<Slot>, Refused> {
        self.wait_for_first().await;
        for _ in 0..ATTEMPTS {
            let stamp = {
                let state = self.state();
                if !state.is_believed() {
                    return Err(Refused::Unavailable);
                }
                if let Some(slot) = state.slots.get(id) {
                    return Ok(Arc::clone(slot));
                }
                state.stamp
            };
            let _place = self.lookups.try_acquire().map_err(|_| Refused::Unavailable)?;
            let found = self.registry.api_keys(&[id.to_string()]).await.map_err(|failure| away(&failure))?;
            let known = found.first().and_then(Known::of).ok_or(Refused::Unauthorized)?;
            let mut state = self.state();
            // Else it may have changed since it was looked up, and nobody would look again.
            if state.stamp == stamp {
                state.make_room();
                let slot = Slot {
                    id: id.clone(),
                    known: Mutex::new(Some(known)),
                    used_ms: AtomicI64::new(0),
                    noted_ms: AtomicI64::new(0),
                };
                return Ok(Arc::clone(state.slots.entry(id.clone()).or_insert_with(|| Arc::new(slot))));
            }
        }
        Err(Refused::Unavailable)
    }

    /// After a start, nobody is refused before the registry was asked.
    async fn wait_for_first(&self) {
        if self.state().confirmed.is_none() {
            let mut changes = self.changes();
            let _ = timeout(FIRST_MAX, changes.wait_for(|_| self.state().confirmed.is_some())).await;
        }
    }

    /// Asks whether anything has changed, and looks all of it up again if so.
    async fn refresh(&self) -> Result<(), RegistryError> {
        let stamp = self.registry.api_keys_stamp().await?;
        let ids: Vec<String> = {
            let mut state = self.state();
            if state.stamp == Some(stamp) && !state.is_behind {
                state.confirmed = Some(Instant::now());
                return Ok(());
            }
            // From now on what is looked up by others is as new as this.
            (state.stamp, state.is_behind) = (Some(stamp), true);
            state.slots.keys().map(ToString::to_string).collect()
        };
        let found = self.registry.api_keys(&ids).await?;
        let found: HashMap<&str, &ApiKeyEntry> = found.iter().map(|entry| (&*entry.id, entry)).collect();
        let mut state = self.state();
        for id in &ids {
            let known = found.get(&**id).and_then(|entry| Known::of(entry));
            let Ok(id) = id.parse::<KeyId>() else { continue };
            let Some(slot) = state.slots.get(&id) else { continue };
            let is_gone = known.is_none();
            slot.learn(known);
            if is_gone {
                state.slots.remove(&id);
            }
        }
        (state.is_behind, state.confirmed) = (false, Some(Instant::now()));
        drop(state);
        self.changes.send_modify(|count| *count += 1);
        Ok(())
    }

    /// Notes which keys were used since the last time.
    async fn note_used(&self) {
        let slots: Vec<Arc<Slot>> = self.state().slots.values().cloned().collect();
        let used = slots.iter().filter_map(|slot| {
            let used_ms = slot.used_ms.load(Ordering::Relaxed);
            (used_ms > slot.noted_ms.load(Ordering::Relaxed)).then(|| (slot.id.to_string(), used_ms))
        });
        let used: Vec<(String, i64)> = used.collect();
        if used.is_empty() {
            return;
        }
        if let Err(failure) = self.registry.note_api_keys_used(&used).await {
            tracing::debug!(%failure, "it was not noted which API keys were used");
            return;
        }
        let used: HashMap<String, i64> = used.into_iter().collect();
        for slot in slots {
            if let Some(used_ms) = used.get(slot.id.as_str()) {
                slot.noted_ms.store(*used_ms, Ordering::Relaxed);
            }
        }
    }

    /// No step is left half done by a panic: nothing in them can.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_believed(&self) -> bool {
        self.confirmed.is_some_and(|at| at.elapsed() < AWAY_MAX)
    }

    /// Forgets keys that nobody has a socket with.
    fn make_room(&mut self) {
        if self.slots.len() >= KEYS_MAX {
            self.slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
    }
}

impl fmt::Debug for KeyCache {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("KeyCache").field("known", &self.state().slots.len()).finish_non_exhaustive()
    }
}

/// The registry does not answer.
fn away(failure: &RegistryError) -> Refused {
    tracing::debug!(%failure, "an API key was not looked up");
    Refused::Unavailable
}
