//! The worker: its sessions, and what they share.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use access::id_of;
use bus::End;
use calls::Secret;
use error::{Code, Error};
use link::{Dialer, Egress, TlsError, client_config};
use registry::{Limits, MemoryRegistry, Registry, Written};
use runtime::Tasks;
use seal::{KeyRing, SealError};

use crate::audit::{Audit, AuditSettings};
use crate::catalogue::Catalogues;
use crate::connect::UnderWay;
use crate::directory::{BrokerServer, Directory, DirectoryError};
use crate::guards::{Touched, watch};
use crate::lease::Lease;
use crate::licensing::{LicenseSettings, Licensing, end_when_over};
use crate::reply_memory::ReplyMemory;
use crate::session::{AccountKey, ProofLimits, Rank, Session, unreachable};
use crate::ticks::TickArchive;
use crate::trials::Trials;

/// For how long the token of a disconnected session can bring it back.
pub(crate) const LOGIN_DATA_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// How a worker works.
#[derive(Clone)]
pub struct Settings {
    /// Which addresses may be dialled. Default: any, as on a user's own machine.
    pub egress: Egress,
    /// A PEM file of certificates that are trusted beside those of the system.
    pub extra_ca: Option<PathBuf>,
    /// The operator's broker directory, JSON.
    pub brokers: Option<PathBuf>,
    /// Servers of this process: the embedded broker.
    pub built_in: Vec<BrokerServer>,
    /// Most sessions at once. Default 10,000.
    pub sessions_max: usize,
    /// Bytes that calls may take together for long replies, until these are written. Default 256 MiB: nine histories of 100,000
    /// candles while they are made. The largest reply may go beyond it as the only one that does.
    pub reply_bytes_max: usize,
    /// What calls over all sessions must name; without it they are refused.
    pub admin_key: Option<Secret>,
    /// What this process is called in lists. Default: its process id.
    pub name: String,
    /// Where sessions are known to all processes. Default: in memory, for a process that is alone.
    pub registry: Arc<dyn Registry>,
    /// Seals login data. Default: a key of this process' own.
    pub sealing_keys: Option<Arc<KeyRing>>,
    /// How many logins there may be.
    pub login_limits: Limits,
    /// For how long a login proves a password to those who join its session.
    pub proof_limits: ProofLimits,
    /// How calls are recorded. Default: in the registry alone.
    pub audit: AuditSettings,
    /// Whether no other process has sessions in the registry, so that this one needs no lease. Default: true.
    pub is_alone: bool,
    /// What it may do by its trial and its licences.
    pub license: LicenseSettings,
}

impl fmt::Debug for Settings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Settings")
            .field("egress", &self.egress)
            .field("brokers", &self.brokers)
            .field("sessions_max", &self.sessions_max)
            .field("reply_bytes_max", &self.reply_bytes_max)
            .field("name", &self.name)
            .field("login_limits", &self.login_limits)
            .finish_non_exhaustive()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            egress: Egress::Any,
            extra_ca: None,
            brokers: None,
            built_in: Vec::new(),
            sessions_max: 10_000,
            reply_bytes_max: 256 << 20,
            admin_key: None,
            name: format!("worker-{}", std::process::id()),
            registry: Arc::new(MemoryRegistry::new()),
            sealing_keys: None,
            login_limits: Limits::default(),
            proof_limits: ProofLimits::default(),
            audit: AuditSettings::default(),
            is_alone: true,
            license: LicenseSettings::default(),
        }
    }
}

/// Why a worker cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No trust can be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The broker directory is of no use.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// There are no random numbers to make a key of.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl Settings {
    /// What is wrong with the files that the settings name: everything at once, for those who check them before they start.
    #[must_use]
    pub fn mistakes(&self) -> Vec<StartError> {
        let authorities = client_config(self.extra_ca.as_deref()).err().map(StartError::from);
        let directory = Directory::open(self.brokers.clone(), Vec::new()).err().map(StartError::from);
        authorities.into_iter().chain(directory).collect()
    }
}

/// What all sessions of a worker use.
pub(crate) struct Shared {
    pub(crate) dialer: Dialer,
    pub(crate) catalogues: Catalogues,
    pub(crate) directory: Directory,
    pub(crate) ticks: TickArchive,
    /// What long replies take.
    pub(crate) replies: ReplyMemory,
    /// Whether only public addresses may be dialled.
    pub(crate) is_public_only: bool,
    /// Identifies this installation to servers, unless a caller names a device (protocol 7.3).
    pub(crate) client_id: [u8; 16],
    /// What all processes know together.
    pub(crate) registry: Arc<dyn Registry>,
    /// The right of this process to act.
    pub(crate) lease: Lease,
    /// Seals login data.
    pub(crate) ring: Arc<KeyRing>,
    pub(crate) login_limits: Limits,
    pub(crate) proof_limits: ProofLimits,
    /// The record of calls.
    pub(crate) audit: Audit,
    /// What the trial and the licences allow.
    pub(crate) licensing: Licensing,
    /// What is done beside sessions and calls.
    pub(crate) tasks: Tasks,
}

/// Owns sessions. See the crate.
pub struct Worker {
    pub(crate) shared: Arc<Shared>,
    /// The sessions' own tasks.
    pub(crate) tasks: Tasks,
    sessions: Mutex<HashMap<String, Session>>,
    /// Sessions that were taken from others a moment ago.
    pub(crate) trials: Trials,
    /// Sessions whose guards may have changed.
    pub(crate) touched: Touched,
    /// Connect calls under way.
    pub(crate) connects: UnderWay,
    pub(crate) sessions_max: usize,
    pub(crate) admin_key: Option<Secret>,
    pub(crate) name: String,
    /// Its sessions move to other workers.
    pub(crate) is_draining: AtomicBool,
}

impl Worker {
    /// Sets up a worker without sessions.
    ///
    /// # Errors
    /// [`StartError`] if certificates or the broker directory cannot be read.
    pub fn start(settings: Settings) -> Result<Arc<Self>, StartError> {
        let tls = client_config(settings.extra_ca.as_deref())?;
        let ring = match settings.sealing_keys {
            Some(ring) => ring,
            None => Arc::new(KeyRing::random()?),
        };
        let tasks = Tasks::new();
        let shared = Shared {
            audit: Audit::start(settings.audit, Arc::clone(&settings.registry), &tasks),
            is_public_only: !matches!(settings.egress, Egress::Any),
            dialer: Dialer::new(tls, settings.egress),
            catalogues: Catalogues::default(),
            directory: Directory::open(settings.brokers, settings.built_in)?,
            ticks: TickArchive::default(),
            replies: ReplyMemory::new(settings.reply_bytes_max),
            client_id: rand::random(),
            licensing: Licensing::new(settings.license, Arc::clone(&settings.registry), settings.is_alone),
            registry: settings.registry,
            lease: if settings.is_alone { Lease::unending() } else { Lease::ended() },
            ring,
            login_limits: settings.login_limits,
            proof_limits: settings.proof_limits,
            tasks,
        };
        let worker = Arc::new(Self {
            shared: Arc::new(shared),
            tasks: Tasks::new(),
            sessions: Mutex::default(),
            trials: Trials::default(),
            touched: Touched::default(),
            connects: UnderWay::default(),
            sessions_max: settings.sessions_max,
            admin_key: settings.admin_key,
            name: settings.name,
            is_draining: AtomicBool::new(false),
        });
        let tasks = &worker.shared.tasks;
        tasks.spawn(watch(Arc::downgrade(&worker)));
        tasks.spawn(end_when_over(Arc::downgrade(&worker), tasks.stop_signal()));
        Ok(worker)
    }

    /// Ends all sessions: each logs out. Waits at most for `grace`; returns whether all did.
    pub async fn shutdown(&self, grace: Duration) -> bool {
        for (_, session) in self.sessions().drain() {
            session.end(End::Moved);
        }
        let (sessions, others) = tokio::join!(self.tasks.finish(grace), self.shared.tasks.finish(grace));
        sessions && others
    }

    pub(crate) fn registry(&self) -> &dyn Registry {
        self.shared.registry.as_ref()
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session of a token.
    pub(crate) fn session(&self, token: &str) -> Result<Session, Error> {
        self.sessions().get(token).cloned().ok_or_else(|| Error::invalid_token(id_of(token)))
    }

    /// The sessions of an account: those whose tokens were made here first, the oldest first among equals. So whoever
    /// names no token is led to the same one each time, whatever tokens others choose.
    pub(crate) fn sessions_of(&self, account: &AccountKey) -> Vec<Session> {
        let sessions = self.sessions();
        let mut own: Vec<Session> =
            sessions.values().filter(|session| session.account() == account).cloned().collect();
        own.sort_by_key(|session| (session.is_token_chosen(), session.begun()));
        own
    }

    /// How many sessions there are.
    pub(crate) fn count(&self) -> usize {
        self.sessions().len()
    }

    /// Whether a session could be added.
    pub(crate) fn check_room(&self) -> Result<(), Error> {
        if self.count() < self.sessions_max {
            return Ok(());
        }
        let most = self.sessions_max;
        let full = format!("This service holds {most} sessions, the most allowed. Disconnect some first.");
        Err(Error::new(Code::MaxSessionsReached, full))
    }

    /// Adds a session under its token, in place of an earlier one.
    pub(crate) fn add(&self, session: &Session) {
        let before = self.sessions().insert(session.token().to_owned(), session.clone());
        if let Some(before) = before {
            before.standing().set_rank(Rank::Gone);
            before.end(End::Moved);
        }
    }

    /// Ends a session, here and for everybody. With `keep` its token can bring it back.
    pub(crate) async fn close(&self, token: &str, keep: bool) -> Result<(), Error> {
        let session = self.session(token)?;
        let fence = session.standing().fence();
        let keep = keep.then_some(LOGIN_DATA_KEPT);
        match self.registry().end(token, fence, keep).await {
            Ok(Written::Yes) => {}
            // Somebody else's by now: it is over here at least.
            Ok(Written::Stale) => session.standing().set_rank(Rank::Gone),
            Err(failure) => return Err(unreachable(&failure)),
        }
        self.drop_session(&session, End::Closed);
        if let Err(failure) = self.registry().tell_changed(token).await {
            tracing::warn!(%failure, "listeners were not told that a session has ended");
        }
        Ok(())
    }

    /// Ends a session here only: it is somebody else's.
    pub(crate) fn drop_session(&self, session: &Session, why: End) {
        session.standing().set_rank(Rank::Gone);
        let mut sessions = self.sessions();
        if sessions.get(session.token()).is_some_and(|own| own.is(session)) {
            sessions.remove(session.token());
        }
        drop(sessions);
        session.end(why);
    }

    /// All sessions, by token.
    pub(crate) fn all_sessions(&self) -> Vec<Session> {
        let mut all: Vec<Session> = self.sessions().values().cloned().collect();
        all.sort_by(|one, other| one.token().cmp(other.token()));
        all
    }
}
