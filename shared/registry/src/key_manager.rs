//! Making and changing API keys, for the command line and for calls of administrators alike.

use access::{ApiKey, KeyId, KeyKind, KeyRecord, Limits, Scope, Scopes, Tenant};

use crate::{ApiKeyAdded, ApiKeyEntry, ApiKeys, RegistryError};

/// Days for which a key is good, unless it is told otherwise, and at most.
pub const KEY_DAYS: u32 = 365;
/// See [`KEY_DAYS`].
pub const KEY_DAYS_MAX: u32 = 3_650;
const DAY_MS: i64 = 24 * 3_600_000;
/// A key that others change at the same time is read again so often.
const ATTEMPTS: usize = 8;

/// What a new key is to be.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Whose it is.
    pub tenant: Tenant,
    /// What it is for.
    pub kind: KeyKind,
    /// What it allows; what its kind usually does, if absent.
    pub scopes: Option<Scopes>,
    /// Within which limits.
    pub limits: Limits,
    /// For how many days it is good, from 1 to [`KEY_DAYS_MAX`].
    pub days: u32,
}

/// A key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// By what it is looked up and shown.
    pub id: KeyId,
    /// Whose it is.
    pub tenant: Tenant,
    /// What it allows.
    pub record: KeyRecord,
    /// When it was used last, in milliseconds since 1970 UTC; told with some delay.
    pub used_ms: Option<i64>,
}

/// Why a key was not made, changed or found.
#[derive(Clone, Debug, thiserror::Error)]
pub enum KeyError {
    /// There is none.
    #[error("there is no API key with the id {0}")]
    Unknown(KeyId),
    /// It cannot be changed any more.
    #[error("the API key {0} is revoked or has expired: make a new one")]
    Dead(KeyId),
    /// There are too many.
    #[error("the tenant {0} has as many API keys as it may have: revoke one first")]
    TenantFull(Tenant),
    /// There are too many.
    #[error("there are as many API keys as there may be: revoke some first")]
    Full,
    /// Others change it again and again.
    #[error("the API key {0} is changed by others right now: try again")]
    Contended(KeyId),
    /// What is kept of it cannot be read; a newer version wrote it, perhaps.
    #[error("what is kept of the API key {0} cannot be read by this version")]
    Unreadable(String),
    /// The registry does not answer.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// See the module.
#[derive(Clone, Copy)]
pub struct KeyManager<'a> {
    keys: &'a dyn ApiKeys,
}

impl<'a> KeyManager<'a> {
    /// Of the keys of this registry.
    #[must_use]
    pub const fn new(keys: &'a dyn ApiKeys) -> Self {
        Self { keys }
    }

    /// Makes a key. Nobody sees it again.
    ///
    /// # Errors
    /// When there are too many, or the registry does not answer: then nothing is known of it.
    pub async fn create(&self, new: NewKey) -> Result<ApiKey, KeyError> {
        let NewKey { tenant, kind, scopes, limits, days } = new;
        let now = runtime::unix_ms();
        let scopes = scopes.unwrap_or_else(|| usual_scopes(kind));
        let expires = now + i64::from(days.clamp(1, KEY_DAYS_MAX)) * DAY_MS;
        loop {
            let key = ApiKey::generate(kind);
            let record = KeyRecord::new(&key, scopes, limits.clone(), now, expires);
            match self.keys.add_api_key(&entry(key.id(), &tenant, &record)?).await? {
                ApiKeyAdded::Yes => return Ok(key),
                // One in 2 * 10^14 for each that there is.
                ApiKeyAdded::IdTaken => {}
                ApiKeyAdded::TenantFull => return Err(KeyError::TenantFull(tenant)),
                ApiKeyAdded::Full => return Err(KeyError::Full),
            }
        }
    }

    /// All keys, or those of a tenant, by id. One that this version cannot read is left out, and logged.
    ///
    /// # Errors
    /// When the registry does not answer.
    pub async fn list(&self, tenant: Option<&Tenant>) -> Result<Vec<KeyInfo>, KeyError> {
        let entries = self.keys.all_api_keys(tenant.map(Tenant::as_str)).await?;
        let ids: Vec<String> = entries.iter().map(|entry| entry.id.clone()).collect();
        let used = self.keys.api_keys_used(&ids).await?;
        let used: std::collections::HashMap<&str, i64> = used.iter().map(|(id, at)| (&**id, *at)).collect();
        let infos = entries.iter().filter_map(|entry| match read(entry) {
            Ok(info) => Some(KeyInfo { used_ms: used.get(&*entry.id).copied(), ..info }),
            Err(unreadable) => {
                tracing::warn!("{unreadable}");
                None
            }
        });
        Ok(infos.collect())
    }

    /// One key.
    ///
    /// # Errors
    /// When there is none, or the registry does not answer.
    pub async fn show(&self, id: &KeyId) -> Result<KeyInfo, KeyError> {
        let (_, info) = self.look_up(id).await?;
        let used = self.keys.api_keys_used(&[id.to_string()]).await?;
        Ok(KeyInfo { used_ms: used.first().map(|(_, at)| *at), ..info })
    }

    /// Gives a key a new secret, and answers the whole key. The one before stays good for so many days, up to
    /// [`access::ROTATION_KEEP_DAYS_MAX`].
    ///
    /// # Errors
    /// As [`show`](Self::show); and of a key that is of no use any more.
    pub async fn rotate(&self, id: &KeyId, keep_days: u32) -> Result<ApiKey, KeyError> {
        let info = self.show(id).await?;
        let key = ApiKey::generate_for(info.record.kind, id.clone());
        self.change(id, |record| record.rotate(&key, runtime::unix_ms(), keep_days)).await?;
        Ok(key)
    }

    /// Ends a key for good. One that has ended before stays so.
    ///
    /// # Errors
    /// As [`show`](Self::show).
    pub async fn revoke(&self, id: &KeyId) -> Result<(), KeyError> {
        match self.change(id, |record| record.revoke(runtime::unix_ms())).await {
            Err(KeyError::Dead(_)) => Ok(()),
            done => done,
        }
    }

    /// Changes the limits, scopes or the end of a key, which keeps its secret.
    ///
    /// # Errors
    /// As [`rotate`](Self::rotate).
    pub async fn edit(&self, id: &KeyId, edit: impl Fn(&mut KeyRecord)) -> Result<(), KeyError> {
        self.change(id, edit).await
    }

    async fn change(&self, id: &KeyId, change: impl Fn(&mut KeyRecord)) -> Result<(), KeyError> {
        for _ in 0..ATTEMPTS {
            let (was, KeyInfo { tenant, mut record, .. }) = self.look_up(id).await?;
            if record.is_dead(runtime::unix_ms()) {
                return Err(KeyError::Dead(id.clone()));
            }
            change(&mut record);
            if self.keys.change_api_key(&was, &entry(id, &tenant, &record)?).await? {
                return Ok(());
            }
        }
        Err(KeyError::Contended(id.clone()))
    }

    /// A key with its record as it was kept.
    async fn look_up(&self, id: &KeyId) -> Result<(String, KeyInfo), KeyError> {
        let found = self.keys.api_keys(&[id.to_string()]).await?;
        let entry = found.into_iter().next().ok_or_else(|| KeyError::Unknown(id.clone()))?;
        let info = read(&entry)?;
        Ok((entry.record, info))
    }
}

/// What keys of a kind allow, unless they are told otherwise.
#[must_use]
pub fn usual_scopes(kind: KeyKind) -> Scopes {
    match kind {
        KeyKind::Live | KeyKind::Test => {
            Scope::OF_KEYS.into_iter().filter(|one| *one != Scope::Admin).collect()
        }
        KeyKind::Admin => Scopes::ALL,
    }
}

/// What is known of a key from what is kept of it.
///
/// # Errors
/// [`KeyError::Unreadable`].
pub fn read(entry: &ApiKeyEntry) -> Result<KeyInfo, KeyError> {
    let unreadable = || KeyError::Unreadable(entry.id.clone());
    Ok(KeyInfo {
        id: entry.id.parse().map_err(|_| unreadable())?,
        tenant: entry.tenant.parse().map_err(|_| unreadable())?,
        record: serde_json::from_str(&entry.record).map_err(|_| unreadable())?,
        used_ms: None,
    })
}

fn entry(id: &KeyId, tenant: &Tenant, record: &KeyRecord) -> Result<ApiKeyEntry, RegistryError> {
    Ok(ApiKeyEntry {
        id: id.to_string(),
        tenant: tenant.to_string(),
        until_ms: record.until_ms(),
        record: serde_json::to_string(record).map_err(|error| RegistryError(error.to_string()))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryRegistry;

    fn new(tenant: &str, kind: KeyKind) -> NewKey {
        let tenant = tenant.parse().unwrap();
        NewKey { tenant, kind, scopes: None, limits: Limits::default(), days: KEY_DAYS }
    }

    #[tokio::test]
    async fn a_key_is_made_rotated_changed_and_revoked() {
        let registry = MemoryRegistry::new();
        let keys = KeyManager::new(&registry);
        let key = keys.create(new("acme", KeyKind::Live)).await.unwrap();
        keys.create(new("zoo", KeyKind::Admin)).await.unwrap();
        let now = runtime::unix_ms();
        let info = keys.show(key.id()).await.unwrap();
        assert_eq!(
            (info.tenant.as_str(), info.record.scopes.to_string()),
            ("acme", "read,trade,stream,connect".into())
        );
        let admits =
            |record: &KeyRecord, key: &ApiKey| record.admits(key.kind(), &key.digest(), now).is_some();
        assert!(admits(&info.record, &key));
        assert_eq!(keys.list(None).await.unwrap().len(), 2);
        let of_acme = keys.list(Some(&info.tenant)).await.unwrap();
        assert_eq!(of_acme, [info]);

        let rotated = keys.rotate(key.id(), 0).await.unwrap();
        let record = keys.show(key.id()).await.unwrap().record;
        assert_eq!((admits(&record, &key), admits(&record, &rotated)), (false, true));
        keys.edit(key.id(), |record| record.limits.demo_only = true).await.unwrap();
        assert!(keys.show(key.id()).await.unwrap().record.limits.demo_only);

        keys.revoke(key.id()).await.unwrap();
        keys.revoke(key.id()).await.unwrap();
        assert!(matches!(keys.rotate(key.id(), 0).await, Err(KeyError::Dead(_))));
        assert!(matches!(keys.edit(key.id(), |_| {}).await, Err(KeyError::Dead(_))));
        let unknown = "zzzzzzzz".parse().unwrap();
        assert!(matches!(keys.revoke(&unknown).await, Err(KeyError::Unknown(_))));
        assert!(matches!(keys.show(&unknown).await, Err(KeyError::Unknown(_))));
    }

    #[tokio::test]
    async fn who_changes_a_key_at_once_with_others_loses_nothing() {
        let registry = MemoryRegistry::new();
        let keys = KeyManager::new(&registry);
        let key = keys.create(new("acme", KeyKind::Live)).await.unwrap();
        let many =
            (0..4).map(|number| keys.edit(key.id(), move |record| record.limits.accounts.push(number)));
        for done in futures_util::future::join_all(many).await {
            done.unwrap();
        }
        assert_eq!(keys.show(key.id()).await.unwrap().record.limits.accounts.len(), 4);
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_told_and_not_listed() {
        let registry = MemoryRegistry::new();
        let keys = KeyManager::new(&registry);
        let entry = ApiKeyEntry {
            id: "Ab12Cd34".into(),
            tenant: "acme".into(),
            until_ms: i64::MAX,
            record: "{}".into(),
        };
        assert_eq!(registry.add_api_key(&entry).await.unwrap(), ApiKeyAdded::Yes);
        assert_eq!(keys.list(None).await.unwrap(), []);
        assert!(matches!(keys.show(&"Ab12Cd34".parse().unwrap()).await, Err(KeyError::Unreadable(_))));
    }
}
