//! Who owns what: taking sessions over, and the turn to connect an account.

use std::sync::Arc;
use std::time::Duration;

use error::Error;
use registry::{AccountName, Record, Registry, SessionState, Unclaimed, WorkerId};
use runtime::{CancellationToken, DropGuard, Tasks};
use tokio::time::{Instant, sleep, timeout};

use crate::login_data::LoginData;
use crate::session::{Beginning, Inherited, Legacy, Memo, Rank, Session, unreachable};
use crate::worker::Worker;

/// For how long a process that dies in its turn keeps others waiting.
const TURN_TTL: Duration = Duration::from_secs(15);
/// How often a turn is renewed: a login may take longer than that.
const TURN_RENEWED_EVERY: Duration = Duration::from_secs(5);
/// How often a turn is asked for.
const TURN_EVERY: Duration = Duration::from_millis(20);

/// The turn to connect an account, in all processes: a task holds it until this is dropped, and gives it back then.
pub(crate) struct Turn {
    _held: DropGuard,
}

impl Turn {
    fn hold(tasks: &Tasks, registry: Arc<dyn Registry>, account: AccountName, holder: String) -> Self {
        let over = CancellationToken::new();
        let turn = Self { _held: over.clone().drop_guard() };
        tasks.spawn(async move {
            while timeout(TURN_RENEWED_EVERY, over.cancelled()).await.is_err() {
                if let Err(failure) = registry.lock(&account, &holder, TURN_TTL).await {
                    tracing::warn!(%failure, "the turn to connect an account could not be renewed");
                }
            }
            if let Err(failure) = registry.unlock(&account, &holder).await {
                tracing::warn!(%failure, "the turn to connect an account runs out by itself");
            }
        });
        turn
    }
}

impl Worker {
    /// Waits for the turn to connect an account, so that two do not make two sessions.
    pub(crate) async fn turn(&self, account: &AccountName, deadline: Instant) -> Result<Turn, Error> {
        let holder = uuid::Uuid::new_v4().to_string();
        let registry = Arc::clone(&self.shared.registry);
        loop {
            let is_ours = registry.lock(account, &holder, TURN_TTL).await;
            if is_ours.map_err(|failure| unreachable(&failure))? {
                return Ok(Turn::hold(&self.shared.tasks, registry, account.clone(), holder));
            }
            if Instant::now() + TURN_EVERY >= deadline {
                return Err(Error::timeout("Another login of this account"));
            }
            sleep(TURN_EVERY).await;
        }
    }

    /// Takes over a session from an owner that is dead, or takes up one that is this process' own and does not run. Done
    /// when the session is here, or somebody else's, or gone.
    pub(crate) async fn take_over(&self, token: &str, from: &WorkerId) -> Result<(), Error> {
        let to = self.shared.lease.worker();
        let claimed = match *from == to {
            true => self.registry().reclaim(token, from, &to).await,
            false => {
                self.check_claim(token).await?;
                self.registry().claim(token, from, &to).await
            }
        };
        match claimed.map_err(|failure| unreachable(&failure))? {
            Ok(record) if *from == to => self.revive(token, record).await,
            Ok(record) => {
                let (fence, memo) = (record.fence, record.memo.clone());
                if let Err(failure) = self.revive(token, record).await {
                    // Others find it where it was.
                    let given = self.registry().give(token, fence, from, &memo).await;
                    given.map_err(|failure| unreachable(&failure))?;
                    return Err(failure);
                }
                self.trials.begin(token, fence);
                Ok(())
            }
            Err(Unclaimed::Other | Unclaimed::Gone) => Ok(()),
            Err(Unclaimed::Quarantined(left)) => {
                let seconds = left.as_secs();
                tracing::error!(last_worker = %from, seconds, "a session that kills its workers is in quarantine");
                Err(Error::quarantined(left))
            }
        }
    }

    /// Whether this process can open what a session was connected with. Seen before it is claimed, so that it is not kept
    /// from those who can.
    async fn check_claim(&self, token: &str) -> Result<(), Error> {
        let record = self.registry().record(token).await.map_err(|failure| unreachable(&failure))?;
        match record {
            Some(record) if record.state == SessionState::Live => {
                LoginData::open(&self.shared.ring, token, &record.sealed).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Starts the session of a record that is this process' now.
    pub(crate) async fn revive(&self, token: &str, record: Record) -> Result<(), Error> {
        let data = LoginData::open(&self.shared.ring, token, &record.sealed).inspect_err(|failure| {
            tracing::error!(cause = failure.cause(), "a session cannot be taken over");
        })?;
        let legacy = self.legacy(token, &record).await?;
        let beginning =
            Beginning { token, data, rank: Rank::Owner, fence: record.fence, legacy: Some(legacy) };
        self.add(&Session::start(&self.shared, &self.tasks, beginning));
        Ok(())
    }

    /// What the last owner of a session left.
    pub(crate) async fn legacy(&self, token: &str, record: &Record) -> Result<Legacy, Error> {
        let inherited = self.inherited(token).await?;
        Ok(Legacy { memo: Memo::from_bytes(&record.memo).unwrap_or_default(), inherited })
    }

    pub(crate) async fn inherited(&self, token: &str) -> Result<Inherited, Error> {
        let registry = self.registry();
        let read = async { Ok((registry.unsettled(token).await?, registry.journal(token).await?)) };
        let (unsettled, journal) = read.await.map_err(|failure| unreachable(&failure))?;
        Ok(Inherited::of(&unsettled, &journal))
    }
}

#[cfg(test)]
mod tests {
    use registry::{MemoryRegistry, Opened, Sessions};
    use seal::KeyRing;

    use super::*;
    use crate::session::{AccountKey, Target};

    const KEYS: [&str; 3] = [
        "one:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "two:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "one:AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    ];

    fn ring(key: &str) -> Arc<KeyRing> {
        Arc::new(KeyRing::parse(key).unwrap())
    }

    #[tokio::test]
    async fn what_cannot_be_opened_is_not_claimed() {
        let (registry, dead) = (MemoryRegistry::new(), WorkerId::new("dead"));
        let account = AccountKey { tenant: access::Tenant::default(), server: "server".into(), login: 7 };
        let data = LoginData {
            account: account.clone(),
            target: Target::nowhere(),
            error_status: None,
            is_token_chosen: false,
            is_investor: false,
            proved_ms: 0,
            is_demo: None,
        };
        let sealed = data.seal(&ring(KEYS[0]), "token").unwrap();
        let Opened::Yes(fence) = registry.open("token", &account.name(), &dead, &sealed).await.unwrap()
        else {
            panic!("taken")
        };
        assert_eq!(
            registry.opened("token", fence, &bytes::Bytes::new()).await.unwrap(),
            registry::Written::Yes
        );
        let worker = |key| {
            let registry = Arc::new(registry.clone());
            let sealing_keys = Some(ring(key));
            Worker::start(crate::Settings { registry, sealing_keys, ..crate::Settings::default() }).unwrap()
        };
        for key in &KEYS[1..] {
            let failure = worker(key).take_over("token", &dead).await.unwrap_err();
            assert!(failure.cause().is_some(), "{failure:?}");
            let record = registry.record("token").await.unwrap().unwrap();
            assert_eq!(
                (record.owner, record.fence),
                (dead.clone(), fence),
                "it waits for one that can open it"
            );
        }
        let good = worker(KEYS[0]);
        good.take_over("token", &dead).await.unwrap();
        assert_eq!(registry.record("token").await.unwrap().unwrap().owner, good.shared.lease.worker());
        assert!(good.session("token").is_ok());
    }
}
