//! A registry that says what a test wants. What routers do not use is not there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use access::{GuardBook, Rate, TrialMark};
use async_trait::async_trait;
use bus::{Frame, Position};
use bytes::Bytes;
use registry::{
    AccountName, ApiKeyAdded, ApiKeyEntry, ApiKeys, AuditLog, AuditMax, Beat, CallOutcome, Clock, Drawn, Ear,
    Entry, Events, Fence, Governor, GuardStore, GuardsKept, Heard, Journal, Key, Keyed, Keys, Lease, Limits,
    LoginPass, LoginState, Opened, Place, Quarantine, Quarantined, RateBuckets, Record, RegistryError,
    Routed, SessionCount, Sessions, Since, Slot, TrialStore, Unclaimed, WorkerId, WorkerInfo, Workers,
    Written,
};
use tokio::sync::mpsc;

type Answer<T> = Result<T, RegistryError>;

fn unused<T>() -> Answer<T> {
    Err(RegistryError("not in this registry".to_owned()))
}

/// See the module.
#[derive(Default)]
pub(crate) struct FakeRegistry(Mutex<State>);

#[derive(Default)]
pub(crate) struct State {
    pub(crate) is_down: bool,
    pub(crate) is_silent: bool,
    /// By how much its clock is ahead of that of this machine.
    pub(crate) clock_ahead_ms: i64,
    pub(crate) routes: HashMap<String, Routed>,
    pub(crate) workers: Vec<WorkerInfo>,
    pub(crate) looked_up: usize,
    pub(crate) placed: Vec<String>,
    pub(crate) log: Vec<Frame>,
    pub(crate) is_cut: bool,
    pub(crate) open: Arc<Mutex<Vec<String>>>,
    ears: Vec<mpsc::UnboundedSender<Heard>>,
}

impl FakeRegistry {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn up(&self) -> Answer<MutexGuard<'_, State>> {
        let state = self.state();
        if state.is_down { Err(RegistryError("down".to_owned())) } else { Ok(state) }
    }

    /// A worker that lives.
    pub(crate) fn add_worker(&self, name: &str, address: &str) {
        let (worker, address) = (WorkerId::new(name), address.to_owned());
        let info = WorkerInfo { worker, address, sessions: 0, sessions_max: 10, is_open: true };
        self.state().workers.push(info);
    }

    pub(crate) fn remove_worker(&self, name: &str) {
        self.state().workers.retain(|worker| worker.worker.as_str() != name);
    }

    /// From now on this worker owns the session.
    pub(crate) fn own(&self, token: &str, name: &str, address: &str, fence: u64) {
        let route =
            Routed::At { worker: WorkerId::new(name), address: address.to_owned(), fence: Fence(fence) };
        self.state().routes.insert(token.to_owned(), route);
    }

    pub(crate) fn orphan(&self, token: &str) {
        let route = Routed::Orphan { owner: WorkerId::new("dead") };
        self.state().routes.insert(token.to_owned(), route);
    }

    pub(crate) fn end(&self, token: &str) {
        self.state().routes.remove(token);
        self.say(&Heard::Changed { token: token.to_owned() });
    }

    /// Has every ear hear something.
    pub(crate) fn say(&self, heard: &Heard) {
        self.state().ears.retain(|ear| ear.send(heard.clone()).is_ok());
    }

    pub(crate) fn say_frame(&self, token: &str, frame: Frame) {
        self.say(&Heard::Frame { token: token.to_owned(), frame });
    }
}

struct FakeEar {
    open: Arc<Mutex<Vec<String>>>,
    heard: mpsc::UnboundedReceiver<Heard>,
}

#[async_trait]
impl Ear for FakeEar {
    async fn open(&mut self, token: &str) -> Answer<()> {
        self.open.lock().unwrap().push(token.to_owned());
        Ok(())
    }

    async fn close(&mut self, token: &str) -> Answer<()> {
        self.open.lock().unwrap().retain(|open| open != token);
        Ok(())
    }

    async fn next(&mut self) -> Heard {
        loop {
            let heard = self.heard.recv().await.expect("the registry stays");
            let open = self.open.lock().unwrap();
            match &heard {
                Heard::Frame { token, .. } | Heard::Changed { token } if !open.contains(token) => {}
                _ => return heard,
            }
        }
    }
}

#[async_trait]
impl Clock for FakeRegistry {
    async fn time_ms(&self) -> Answer<i64> {
        Ok(runtime::unix_ms() + self.up()?.clock_ahead_ms)
    }
}

#[async_trait]
impl Workers for FakeRegistry {
    async fn join(&self, _: &Beat) -> Answer<()> {
        unused()
    }
    async fn beat(&self, _: &Beat) -> Answer<Lease> {
        unused()
    }
    async fn leave(&self, _: &WorkerId) -> Answer<()> {
        unused()
    }
    async fn workers(&self) -> Answer<Vec<WorkerInfo>> {
        Ok(self.up()?.workers.clone())
    }
    async fn dead(&self) -> Answer<Vec<WorkerId>> {
        unused()
    }
    /// The first worker that is not excepted.
    async fn place(&self, broker: &str, except: &[WorkerId]) -> Answer<Option<Place>> {
        let mut state = self.up()?;
        state.placed.push(broker.to_owned());
        let free = state.workers.iter().find(|one| one.is_open && !except.contains(&one.worker));
        Ok(free.map(|one| Place { worker: one.worker.clone(), address: one.address.clone() }))
    }
}

#[async_trait]
impl Sessions for FakeRegistry {
    async fn open(&self, _: &str, _: &AccountName, _: &WorkerId, _: &Bytes) -> Answer<Opened> {
        unused()
    }
    async fn opened(&self, _: &str, _: Fence, _: &Bytes) -> Answer<Written> {
        unused()
    }
    async fn record(&self, _: &str) -> Answer<Option<Record>> {
        unused()
    }
    async fn route(&self, token: &str) -> Answer<Routed> {
        if self.state().is_silent {
            return std::future::pending().await;
        }
        let mut state = self.up()?;
        state.looked_up += 1;
        Ok(state.routes.get(token).cloned().unwrap_or(Routed::Nowhere))
    }
    async fn claim(&self, _: &str, _: &WorkerId, _: &WorkerId) -> Answer<Result<Record, Unclaimed>> {
        unused()
    }
    async fn reclaim(&self, _: &str, _: &WorkerId, _: &WorkerId) -> Answer<Result<Record, Unclaimed>> {
        unused()
    }
    async fn give(&self, _: &str, _: Fence, _: &WorkerId, _: &Bytes) -> Answer<Option<Fence>> {
        unused()
    }
    async fn bring_back(&self, _: &str, _: &Record, _: &WorkerId) -> Answer<Option<Fence>> {
        unused()
    }
    async fn verify(&self, _: &[(String, Fence)]) -> Answer<Vec<bool>> {
        unused()
    }
    async fn save(&self, _: &str, _: Fence, _: &Bytes) -> Answer<Written> {
        unused()
    }
    async fn reseal(&self, _: &str, _: Fence, _: &Bytes) -> Answer<Written> {
        unused()
    }
    async fn end(&self, _: &str, _: Fence, _: Option<Duration>) -> Answer<Written> {
        unused()
    }
    async fn forget_ended(&self, _: &AccountName) -> Answer<()> {
        unused()
    }
    async fn tokens_of(&self, _: &AccountName) -> Answer<Vec<String>> {
        unused()
    }
    async fn tokens_at(&self, _: &WorkerId, _: usize) -> Answer<Vec<String>> {
        unused()
    }
    async fn unlist(&self, _: &str, _: &WorkerId) -> Answer<()> {
        unused()
    }
    async fn lock(&self, _: &AccountName, _: &str, _: Duration) -> Answer<bool> {
        unused()
    }
    async fn unlock(&self, _: &AccountName, _: &str) -> Answer<()> {
        unused()
    }
}

#[async_trait]
impl Events for FakeRegistry {
    async fn append(&self, _: &str, _: Fence, _: &[Frame], _: &Bytes) -> Answer<Written> {
        unused()
    }
    async fn since(&self, _: &str, after: Position) -> Answer<Since> {
        assert!(after.epoch <= 1 << 53, "not a number that every registry can hold");
        let state = self.up()?;
        let events = state.log.iter().filter(|frame| frame.at > after).cloned().collect();
        let end = state.log.last().map(|frame| frame.at).unwrap_or_default();
        Ok(Since { is_cut: state.is_cut, base: Vec::new(), events, end })
    }
    async fn tell(&self, _: &str, _: &Frame) -> Answer<()> {
        unused()
    }
    async fn tell_changed(&self, _: &str) -> Answer<()> {
        unused()
    }
    async fn listen(&self) -> Answer<Box<dyn Ear>> {
        let (ear, heard) = mpsc::unbounded_channel();
        let mut state = self.up()?;
        state.ears.push(ear);
        Ok(Box::new(FakeEar { open: Arc::clone(&state.open), heard }))
    }
}

#[async_trait]
impl Journal for FakeRegistry {
    async fn begin(&self, _: &str, _: Fence, _: &Entry) -> Answer<Written> {
        unused()
    }
    async fn settle(&self, _: &str, _: Fence, _: u32, _: &Bytes) -> Answer<Written> {
        unused()
    }
    async fn unsettled(&self, _: &str) -> Answer<Vec<Entry>> {
        unused()
    }
    async fn journal(&self, _: &str) -> Answer<Vec<(u32, Bytes, Option<Bytes>)>> {
        unused()
    }
}

#[async_trait]
impl Keys for FakeRegistry {
    async fn begin_key(&self, _: &str, _: Fence, _: &Key, _: &str) -> Answer<Keyed> {
        unused()
    }
    async fn settle_key(&self, _: &str, _: Fence, _: &Key, _: &CallOutcome) -> Answer<Written> {
        unused()
    }
    async fn free_key(&self, _: &str, _: Fence, _: &Key) -> Answer<Written> {
        unused()
    }
}

#[async_trait]
impl Quarantine for FakeRegistry {
    async fn stood(&self, _: &str, _: Fence) -> Answer<Written> {
        unused()
    }

    async fn quarantined(&self) -> Answer<Vec<Quarantined>> {
        unused()
    }

    async fn release(&self, _: &str) -> Answer<bool> {
        unused()
    }
}

#[async_trait]
impl Governor for FakeRegistry {
    async fn login(&self, _: &LoginPass, _: &Limits) -> Answer<Slot> {
        unused()
    }
    async fn refused(&self, _: &LoginPass, _: &Limits) -> Answer<u32> {
        unused()
    }
    async fn accepted(&self, _: &LoginPass) -> Answer<()> {
        unused()
    }
    async fn logins(&self, _: &Limits) -> Answer<Vec<LoginState>> {
        unused()
    }
}

#[async_trait]
impl ApiKeys for FakeRegistry {
    async fn add_api_key(&self, _: &ApiKeyEntry) -> Answer<ApiKeyAdded> {
        unused()
    }
    async fn api_keys(&self, _: &[String]) -> Answer<Vec<ApiKeyEntry>> {
        unused()
    }
    async fn all_api_keys(&self, _: Option<&str>) -> Answer<Vec<ApiKeyEntry>> {
        unused()
    }
    async fn change_api_key(&self, _: &str, _: &ApiKeyEntry) -> Answer<bool> {
        unused()
    }
    async fn api_keys_stamp(&self) -> Answer<u64> {
        unused()
    }
    async fn note_api_keys_used(&self, _: &[(String, i64)]) -> Answer<()> {
        unused()
    }
    async fn api_keys_used(&self, _: &[String]) -> Answer<Vec<(String, i64)>> {
        unused()
    }
    async fn keep_ticket(&self, _: &str, _: &Bytes, _: Duration) -> Answer<bool> {
        unused()
    }
    async fn take_ticket(&self, _: &str) -> Answer<Option<Bytes>> {
        unused()
    }
}

#[async_trait]
impl SessionCount for FakeRegistry {
    async fn count_sessions(&self) -> Answer<usize> {
        unused()
    }
    async fn older_sessions(&self, _: &str) -> Answer<usize> {
        unused()
    }
    async fn recount_sessions(&self) -> Answer<()> {
        unused()
    }
}

#[async_trait]
impl TrialStore for FakeRegistry {
    async fn trial(&self) -> Answer<Option<TrialMark>> {
        unused()
    }
    async fn keep_trial(&self, _: TrialMark) -> Answer<TrialMark> {
        unused()
    }
}

#[async_trait]
impl AuditLog for FakeRegistry {
    async fn audit_end(&self, _: &str) -> Answer<Option<String>> {
        unused()
    }
    async fn append_audit(&self, _: &str, _: u64, _: &[String], _: AuditMax) -> Answer<bool> {
        unused()
    }
    async fn audit_lines(&self, _: &str, _: u64, _: usize) -> Answer<Vec<String>> {
        unused()
    }
    async fn keep_checkpoint(&self, _: &str, _: Option<&str>, _: &str) -> Answer<bool> {
        unused()
    }
    async fn checkpoints(&self, _: &str) -> Answer<Vec<String>> {
        unused()
    }
}

#[async_trait]
impl GuardStore for FakeRegistry {
    async fn guards(&self, _: &AccountName) -> Answer<GuardsKept> {
        unused()
    }
    async fn change_guards(&self, _: &AccountName, _: u64, _: &GuardBook) -> Answer<bool> {
        unused()
    }
}

#[async_trait]
impl RateBuckets for FakeRegistry {
    async fn draw(&self, _: &str, _: Rate, _: u32, _: u32) -> Answer<Drawn> {
        unused()
    }
}
