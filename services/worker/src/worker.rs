//! The worker: its sessions, and what they share.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bus::End;
use calls::Secret;
use error::{Code, Error};
use link::{Dialer, Egress, TlsError, client_config};
use runtime::Tasks;
use tokio::sync::Mutex as AsyncMutex;

use crate::catalogue::Catalogues;
use crate::directory::{BrokerServer, Directory, DirectoryError};
use crate::remembered::Remembered;
use crate::session::{AccountKey, Session};
use crate::ticks::TickArchive;

/// How a worker works.
#[derive(Clone, Debug)]
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
    /// What calls over all sessions must name; without it they are refused.
    pub admin_key: Option<Secret>,
    /// What this process is called in lists. Default: its process id.
    pub name: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            egress: Egress::Any,
            extra_ca: None,
            brokers: None,
            built_in: Vec::new(),
            sessions_max: 10_000,
            admin_key: None,
            name: format!("worker-{}", std::process::id()),
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
}

/// What all sessions of a worker use.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) dialer: Dialer,
    pub(crate) catalogues: Catalogues,
    pub(crate) directory: Directory,
    pub(crate) ticks: TickArchive,
    /// Whether only public addresses may be dialled.
    pub(crate) is_public_only: bool,
    /// Identifies this installation to servers, unless a caller names a device (protocol 7.3).
    pub(crate) client_id: [u8; 16],
}

/// Owns sessions. See the crate.
pub struct Worker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) tasks: Tasks,
    sessions: Mutex<HashMap<String, Session>>,
    sessions_max: usize,
    pub(crate) admin_key: Option<Secret>,
    pub(crate) name: String,
    /// Login data of sessions that have ended, for those who come back.
    remembered: Mutex<Remembered>,
    /// One connect of an account at a time, so that two do not make two sessions.
    connecting: Mutex<HashMap<AccountKey, Arc<AsyncMutex<()>>>>,
}

impl Worker {
    /// Sets up a worker without sessions.
    ///
    /// # Errors
    /// [`StartError`] if certificates or the broker directory cannot be read.
    pub fn start(settings: Settings) -> Result<Arc<Self>, StartError> {
        let tls = client_config(settings.extra_ca.as_deref())?;
        let shared = Shared {
            is_public_only: !matches!(settings.egress, Egress::Any),
            dialer: Dialer::new(tls, settings.egress),
            catalogues: Catalogues::default(),
            directory: Directory::open(settings.brokers, settings.built_in)?,
            ticks: TickArchive::default(),
            client_id: rand::random(),
        };
        Ok(Arc::new(Self {
            shared: Arc::new(shared),
            tasks: Tasks::new(),
            sessions: Mutex::default(),
            sessions_max: settings.sessions_max,
            admin_key: settings.admin_key,
            name: settings.name,
            remembered: Mutex::new(Remembered::default()),
            connecting: Mutex::default(),
        }))
    }

    /// Ends all sessions: each logs out. Waits at most for `grace`; returns whether all did.
    pub async fn shutdown(&self, grace: Duration) -> bool {
        for (_, session) in self.sessions().drain() {
            session.end(End::Moved);
        }
        self.tasks.finish(grace).await
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session of a token.
    pub(crate) fn session(&self, token: &str) -> Result<Session, Error> {
        self.sessions().get(token).cloned().ok_or_else(|| Error::invalid_token(token))
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

    /// Whether a session could be added under this token.
    pub(crate) fn check_room(&self, token: &str) -> Result<(), Error> {
        self.check(&self.sessions(), token)
    }

    /// Adds a session under its token, which must be free.
    pub(crate) fn add(&self, session: &Session) -> Result<(), Error> {
        let mut sessions = self.sessions();
        self.check(&sessions, session.token())?;
        sessions.insert(session.token().to_owned(), session.clone());
        Ok(())
    }

    fn check(&self, sessions: &HashMap<String, Session>, token: &str) -> Result<(), Error> {
        if sessions.len() >= self.sessions_max {
            let most = self.sessions_max;
            let full =
                format!("This service holds {most} sessions, the most allowed. Disconnect some first.");
            return Err(Error::new(Code::MaxSessionsReached, full));
        }
        if sessions.contains_key(token) {
            let taken = "This id belongs to another session. Choose another one, or leave it out.";
            return Err(Error::new(Code::DuplicateAttempt, taken));
        }
        Ok(())
    }

    /// Removes a session and ends it.
    pub(crate) fn remove(&self, token: &str, why: End) -> Result<Session, Error> {
        let session = self.sessions().remove(token).ok_or_else(|| Error::invalid_token(token))?;
        session.end(why);
        Ok(session)
    }

    /// All sessions, by token.
    pub(crate) fn all_sessions(&self) -> Vec<Session> {
        let mut all: Vec<Session> = self.sessions().values().cloned().collect();
        all.sort_by(|one, other| one.token().cmp(other.token()));
        all
    }

    /// Login data of sessions that have ended.
    pub(crate) fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock under which an account is connected.
    pub(crate) fn connecting(&self, account: &AccountKey) -> Arc<AsyncMutex<()>> {
        let mut connecting = self.connecting.lock().unwrap_or_else(PoisonError::into_inner);
        connecting.retain(|_, lock| Arc::strong_count(lock) > 1);
        Arc::clone(connecting.entry(account.clone()).or_default())
    }
}
