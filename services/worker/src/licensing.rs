//! What the trial and the licences allow. It is looked at when it is needed, at most every other second, so that new
//! licence files count without a restart, and an end needs no timer.
//!
//! State that cannot be read stops nobody: what was known counts on, and it is told in the log and by `LicenseStatus`.

mod ending;
mod files;
mod terms;
mod told;
mod trial;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use access::{Clocks, LicenseKeys, TrialMark};
use calls::reply::LicenseStatus;
use error::Error;
use registry::{Clock, Registry, TrialStore};
use tokio::time::{Instant, timeout};

pub(crate) use self::ending::end_when_over;
use self::files::Files;
pub(crate) use self::terms::Terms;
use self::told::Told;
use self::trial::Trial;
use crate::session::unreachable;

/// How old what is known may be.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Most time that one place may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// Looking at all sessions is work.
const RECOUNT_EVERY: Duration = Duration::from_secs(10);

/// The clock that licences are judged by: seconds since 1970 UTC.
pub type LicenseClock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// By what a worker is licensed.
#[derive(Clone)]
pub struct LicenseSettings {
    /// A licence file, or a folder of them.
    pub path: Option<PathBuf>,
    /// Whose licences count.
    pub keys: Arc<LicenseKeys>,
    /// Where refusals send their readers.
    pub link: String,
    /// Places that keep the trial, besides the registry.
    pub stores: Vec<Arc<dyn TrialStore>>,
    /// The clock of this process.
    pub clock: LicenseClock,
}

impl Default for LicenseSettings {
    fn default() -> Self {
        Self {
            path: None,
            keys: Arc::new(LicenseKeys::vendor()),
            link: "/ReadMe#licence".to_owned(),
            stores: Vec::new(),
            clock: Arc::new(|| runtime::unix_ms() / 1000),
        }
    }
}

impl fmt::Debug for LicenseSettings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("LicenseSettings")
            .field("path", &self.path)
            .field("keys", &self.keys)
            .field("link", &self.link)
            .field("stores", &self.stores.len())
            .finish_non_exhaustive()
    }
}

/// See the module.
pub(crate) struct Licensing {
    link: String,
    clock: LicenseClock,
    registry: Arc<dyn Registry>,
    /// Whether no other process shares the registry, whose clock is this process' then.
    is_alone: bool,
    places: Vec<Arc<dyn TrialStore>>,
    /// What looks remember; whoever looks has it.
    looking: tokio::sync::Mutex<Look>,
    /// What the last look saw, and when.
    seen: Mutex<Option<(Arc<Terms>, Instant)>>,
    recounted: Mutex<Option<Instant>>,
}

/// What is remembered from one look to the next.
struct Look {
    files: Files,
    trial: Trial,
    told: Told,
}

impl Licensing {
    /// For a worker of a registry.
    pub(crate) fn new(settings: LicenseSettings, registry: Arc<dyn Registry>, is_alone: bool) -> Self {
        let LicenseSettings { path, keys, link, stores, clock } = settings;
        let own: Arc<dyn TrialStore> = Arc::<dyn Registry>::clone(&registry);
        let looking = Look { files: Files::new(path, keys), trial: Trial::default(), told: Told::default() };
        Self {
            link,
            clock,
            registry,
            is_alone,
            places: std::iter::once(own).chain(stores).collect(),
            looking: tokio::sync::Mutex::new(looking),
            seen: Mutex::default(),
            recounted: Mutex::default(),
        }
    }

    fn seen(&self) -> Option<(Arc<Terms>, Instant)> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is allowed now. While somebody looks, others take what was seen last.
    pub(crate) async fn terms(&self) -> Arc<Terms> {
        let is_fresh = |(_, at): &(_, Instant)| at.elapsed() < LOOK_EVERY;
        let before = self.seen();
        if let Some((terms, _)) = before.as_ref().filter(|seen| is_fresh(seen)) {
            return Arc::clone(terms);
        }
        let mut look = match (self.looking.try_lock(), before) {
            (Ok(look), _) => look,
            (Err(_), Some((terms, _))) => return terms,
            (Err(_), None) => self.looking.lock().await,
        };
        if let Some((terms, _)) = self.seen().filter(is_fresh) {
            return terms;
        }
        let terms = Arc::new(self.look(&mut look).await);
        let seen = Some((Arc::clone(&terms), Instant::now()));
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
        terms
    }

    /// Whether a session may be made; seen before the login, which a refusal must not cost.
    pub(crate) async fn admit(&self) -> Result<(), Error> {
        let terms = self.terms().await;
        if let Some(refused) = terms.no_session() {
            return Err(refused);
        }
        let Some(most) = terms.sessions_max() else { return Ok(()) };
        if self.count().await? < most {
            return Ok(());
        }
        self.recount().await?;
        if self.count().await? < most { Ok(()) } else { Err(terms.no_place(most)) }
    }

    /// The same for a session that counts already: of several that come at once, the older ones have the places.
    pub(crate) async fn admit_opened(&self, token: &str) -> Result<(), Error> {
        let terms = self.terms().await;
        if let Some(refused) = terms.no_session() {
            return Err(refused);
        }
        let Some(most) = terms.sessions_max() else { return Ok(()) };
        let older = self.registry.older_sessions(token).await.map_err(|failure| unreachable(&failure))?;
        if count(older) < most { Ok(()) } else { Err(terms.no_place(most)) }
    }

    async fn count(&self) -> Result<u32, Error> {
        self.registry.count_sessions().await.map(count).map_err(|failure| unreachable(&failure))
    }

    /// Looks for sessions that are counted too much, but not again and again.
    async fn recount(&self) -> Result<(), Error> {
        {
            let mut recounted = self.recounted.lock().unwrap_or_else(PoisonError::into_inner);
            if recounted.is_some_and(|at| at.elapsed() < RECOUNT_EVERY) {
                return Ok(());
            }
            *recounted = Some(Instant::now());
        }
        self.registry.recount_sessions().await.map_err(|failure| unreachable(&failure))
    }

    async fn look(&self, look: &mut Look) -> Terms {
        let (licenses, mut troubles) = look.files.read().await;
        let registry_s = if self.is_alone { None } else { self.registry_s().await };
        let (now_s, began_s) = look.trial.look(&self.places, (self.clock)(), registry_s, &mut troubles).await;
        let terms = Terms::at(now_s, began_s, &licenses, troubles, self.link.clone());
        look.told.tell(&terms);
        terms
    }

    /// The registry's clock.
    async fn registry_s(&self) -> Option<i64> {
        let asked = timeout(ANSWER_LIMIT, Clock::time_ms(self.registry.as_ref())).await;
        asked.ok().and_then(Result::ok).map(|ms| ms / 1000)
    }
}

/// What a service that does not run, or runs elsewhere, may do, by the places that keep its trial. Nothing is kept by this.
pub async fn license_status(settings: LicenseSettings) -> LicenseStatus {
    let LicenseSettings { path, keys, link, stores, clock } = settings;
    let (licenses, mut troubles) = Files::new(path, keys).read().await;
    let mut known: Option<TrialMark> = None;
    for store in &stores {
        match timeout(ANSWER_LIMIT, store.trial()).await {
            Ok(Ok(Some(kept))) => known = Some(known.map_or(kept, |known| known.and(kept))),
            Ok(Ok(None)) => {}
            Ok(Err(failure)) => troubles.push(format!("the trial cannot be read: {failure}")),
            Err(_) => troubles.push("the trial cannot be read: no answer in time".to_owned()),
        }
    }
    let lived_s = known.map(|known| known.mark_s);
    let now_s = Clocks { clock_s: clock(), registry_s: None, lived_s }.time_s();
    Terms::at(now_s, known.map(|known| known.began_s), &licenses, troubles, link).status()
}

fn count(sessions: usize) -> u32 {
    u32::try_from(sessions).unwrap_or(u32::MAX)
}
