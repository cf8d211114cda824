//! Whether this worker can serve what others have made: its clock is that of the registry, and it can open what the other
//! workers seal. One that cannot takes nothing, and says so.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use registry::{CLOCKS_APART_MAX, RegistryError, SessionState, WorkerId};
use tokio::time::timeout;

use super::Member;
use crate::login_data::LoginData;

/// The time that a check may take: a worker joins without it rather than late.
const CHECK_LIMIT: Duration = Duration::from_secs(2);
/// Sessions of another worker that are looked at. One may be damaged; if none can be opened, it is the key.
const SAMPLES: usize = 3;

/// See the module.
#[derive(Default)]
pub(super) struct Fitness {
    trouble: Mutex<Option<String>>,
    /// Why the last sessions of others that were seen could not be opened.
    keys: Mutex<Option<String>>,
}

impl Fitness {
    fn known(&self) -> MutexGuard<'_, Option<String>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keys(&self) -> MutexGuard<'_, Option<String>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the worker takes nothing; `None` if it does.
    pub(super) fn trouble(&self) -> Option<String> {
        self.known().clone()
    }

    /// Whether the worker takes sessions.
    pub(super) fn is_fit(&self) -> bool {
        self.known().is_none()
    }

    /// Says what has changed, once.
    fn set(&self, trouble: Option<String>) {
        let mut known = self.known();
        if *known == trouble {
            return;
        }
        match &trouble {
            Some(why) => tracing::error!(why, "this worker takes no sessions"),
            None => tracing::info!("this worker takes sessions again"),
        }
        *known = trouble;
    }
}

impl Member {
    /// Finds out whether this worker can serve what others have made. While the registry is away it stays as it was.
    pub(super) async fn check_fitness(&self) {
        match timeout(CHECK_LIMIT, self.trouble()).await {
            Ok(Ok(trouble)) => self.fitness.set(trouble),
            Ok(Err(failure)) => {
                tracing::debug!(%failure, "it cannot be told whether this worker fits the others");
            }
            Err(_) => tracing::debug!("it takes too long to tell whether this worker fits the others"),
        }
    }

    async fn trouble(&self) -> Result<Option<String>, RegistryError> {
        if let Some(trouble) = clock_trouble(self.registry().clock_ahead_ms().await?) {
            return Ok(Some(trouble));
        }
        let own = self.worker.shared.lease.worker();
        let mut seen = Vec::new();
        for other in self.registry().workers().await?.into_iter().filter(|other| other.worker != own) {
            if let Some(opened) = self.opens(&other.worker).await? {
                seen.push(
                    opened
                        .map_err(|cause| format!("it cannot open what {} has sealed: {cause}", other.worker)),
                );
            }
        }
        let mut keys = self.fitness.keys();
        *keys = key_trouble(&seen, keys.take());
        Ok(keys.clone())
    }

    /// Whether a session of a worker can be opened here, or why none can. `None`: it has none.
    async fn opens(&self, owner: &WorkerId) -> Result<Option<Result<(), String>>, RegistryError> {
        let mut found = None;
        for token in self.registry().tokens_at(owner, SAMPLES).await? {
            let Some(record) = self.registry().record(&token).await? else { continue };
            if record.state != SessionState::Live || record.owner != *owner {
                continue;
            }
            match LoginData::open(&self.worker.shared.ring, &token, &record.sealed) {
                Ok(_) => return Ok(Some(Ok(()))),
                Err(failure) => found = Some(Err(failure.cause().unwrap_or(failure.detail()).to_owned())),
            }
        }
        Ok(found)
    }
}

/// What is wrong with the keys of a worker that has seen this of each other one. Who can open what one of them has sealed
/// is not the stranger; where nothing is to be seen, the keys are as wrong as they were.
fn key_trouble(seen: &[Result<(), String>], before: Option<String>) -> Option<String> {
    match seen.first() {
        None => before,
        Some(_) if seen.iter().any(Result::is_ok) => None,
        Some(first) => first.clone().err(),
    }
}

/// What is wrong with a clock that is ahead of the registry's by so much.
fn clock_trouble(ahead_ms: i64) -> Option<String> {
    let apart_ms = ahead_ms.unsigned_abs();
    let way = if ahead_ms > 0 { "ahead of" } else { "behind" };
    (u128::from(apart_ms) > CLOCKS_APART_MAX.as_millis())
        .then(|| format!("its clock is {} s {way} that of the registry", apart_ms / 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_among_the_others_makes_nobody_else_unfit() {
        let wrong = || Some("wrong".to_owned());
        let shut = || Err("wrong".to_owned());
        assert_eq!(key_trouble(&[shut()], None), wrong());
        assert_eq!(key_trouble(&[shut(), Ok(())], None), None);
        assert_eq!(key_trouble(&[Ok(()), shut()], wrong()), None);
        assert_eq!(key_trouble(&[], wrong()), wrong());
        assert_eq!(key_trouble(&[], None), None);
    }

    #[test]
    fn a_clock_that_is_far_off_is_told_with_its_way() {
        let most = i64::try_from(CLOCKS_APART_MAX.as_millis()).unwrap();
        for fine in [0, 999, -999, most, -most] {
            assert_eq!(clock_trouble(fine), None, "{fine}");
        }
        assert_eq!(clock_trouble(3_600_000).unwrap(), "its clock is 3600 s ahead of that of the registry");
        assert_eq!(clock_trouble(-most - 1).unwrap(), "its clock is 30 s behind that of the registry");
        assert!(clock_trouble(i64::MIN).is_some());
    }
}
