//! What is kept of an API key: never the key itself.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::key::{ApiKey, KeyDigest, KeyId, KeyKind};
use crate::{Caller, Limits, Scopes, Tenant};

/// The longest time for which the secret before the last one stays good.
pub const ROTATION_KEEP_DAYS_MAX: u32 = 7;
const DAY_MS: i64 = 24 * 3_600_000;

/// What a key allows, until when, and by which secrets it is known. Times are milliseconds since 1970 UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyRecord {
    /// What it is for.
    pub kind: KeyKind,
    /// What it allows.
    pub scopes: Scopes,
    /// Within which limits.
    #[serde(default)]
    pub limits: Limits,
    /// When it was made.
    pub created_ms: i64,
    /// From when on it is of no use.
    pub expires_ms: i64,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_ms: Option<i64>,
    /// The present one first, then the one before, for as long as that stays good.
    secrets: Vec<KeptSecret>,
}

/// By what a secret is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeptSecret {
    digest: KeyDigest,
    /// When another has taken its place: until when it is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until_ms: Option<i64>,
}

impl KeyRecord {
    /// Of a new key.
    #[must_use]
    pub fn new(key: &ApiKey, scopes: Scopes, limits: Limits, created_ms: i64, expires_ms: i64) -> Self {
        let secrets = vec![KeptSecret { digest: key.digest(), until_ms: None }];
        Self { kind: key.kind(), scopes, limits, created_ms, expires_ms, revoked_ms: None, secrets }
    }

    /// From when on the key is of no use.
    #[must_use]
    pub fn until_ms(&self) -> i64 {
        self.revoked_ms.map_or(self.expires_ms, |revoked| revoked.min(self.expires_ms))
    }

    /// Whether the key is of no use (any more).
    #[must_use]
    pub fn is_dead(&self, now_ms: i64) -> bool {
        self.until_ms() <= now_ms
    }

    /// Until when a key of this kind and digest is good; `None`: it is not.
    #[must_use]
    pub fn admits(&self, kind: KeyKind, digest: &KeyDigest, now_ms: i64) -> Option<i64> {
        let mut until = None;
        for secret in &self.secrets {
            if secret.digest.equals(digest) {
                until = Some(secret.until_ms.map_or(self.until_ms(), |until| until.min(self.until_ms())));
            }
        }
        until.filter(|until| *until > now_ms && kind == self.kind)
    }

    /// Takes a new secret. The one before stays good for so many days, up to [`ROTATION_KEEP_DAYS_MAX`]; earlier ones end.
    pub fn rotate(&mut self, key: &ApiKey, now_ms: i64, keep_days: u32) {
        let keep_ms = i64::from(keep_days.min(ROTATION_KEEP_DAYS_MAX)) * DAY_MS;
        self.secrets.truncate(1);
        self.secrets.retain(|_| keep_ms > 0);
        if let Some(before) = self.secrets.first_mut() {
            before.until_ms = Some(now_ms.saturating_add(keep_ms));
        }
        self.secrets.insert(0, KeptSecret { digest: key.digest(), until_ms: None });
    }

    /// Sets its end anew, in so many days.
    pub fn expire_in(&mut self, days: u32, now_ms: i64) {
        self.expires_ms = now_ms.saturating_add(i64::from(days) * DAY_MS);
    }

    /// Ends the key for good; the first time counts.
    pub fn revoke(&mut self, now_ms: i64) {
        self.revoked_ms.get_or_insert(now_ms);
    }

    /// Who calls with the key. A test key is for demo accounts, whatever its limits say.
    #[must_use]
    pub fn caller(&self, tenant: Tenant, id: &KeyId) -> Caller {
        let demo_only = self.limits.demo_only || self.kind == KeyKind::Test;
        Caller {
            tenant,
            key: Some(id.to_string()),
            scopes: self.scopes,
            limits: Limits { demo_only, ..self.limits.clone() },
            is_operator: self.kind == KeyKind::Admin,
        }
    }
}

impl Serialize for KeyKind {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for KeyKind {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for KeyId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for KeyDigest {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        use base64::Engine;
        to.serialize_str(&base64::engine::general_purpose::STANDARD.encode(self.as_bytes()))
    }
}

impl<'de> Deserialize<'de> for KeyDigest {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        use base64::Engine;
        let text = String::deserialize(from)?;
        let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok();
        let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        bytes.map(Self::from_bytes).ok_or_else(|| serde::de::Error::custom("not the digest of a key"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scope;

    const NOW: i64 = 1_800_000_000_000;

    fn admits(record: &KeyRecord, key: &ApiKey, now_ms: i64) -> Option<i64> {
        record.admits(key.kind(), &key.digest(), now_ms)
    }

    fn record(key: &ApiKey) -> KeyRecord {
        let scopes = Scopes::NONE.with(Scope::Read);
        KeyRecord::new(key, scopes, Limits::default(), NOW, NOW + 10 * DAY_MS)
    }

    #[test]
    fn a_key_is_good_until_it_expires_or_is_revoked() {
        let key = ApiKey::generate(KeyKind::Live);
        let mut record = record(&key);
        assert_eq!(admits(&record, &key, NOW), Some(NOW + 10 * DAY_MS));
        assert_eq!(admits(&record, &key, NOW + 10 * DAY_MS), None);
        assert_eq!(admits(&record, &key.rotated(), NOW), None, "another secret");
        let other = ApiKey::generate_for(KeyKind::Admin, key.id().clone());
        assert_eq!(admits(&record, &other, NOW), None);
        record.revoke(NOW + 1);
        record.revoke(NOW + DAY_MS);
        assert_eq!((admits(&record, &key, NOW), admits(&record, &key, NOW + 1)), (Some(NOW + 1), None));
        assert!(record.is_dead(NOW + 1) && !record.is_dead(NOW));
    }

    #[test]
    fn the_secret_before_stays_good_for_as_long_as_it_is_kept() {
        let first = ApiKey::generate(KeyKind::Live);
        let (second, third) = (first.rotated(), first.rotated());
        let mut record = record(&first);
        record.rotate(&second, NOW, 2);
        assert_eq!(admits(&record, &second, NOW), Some(NOW + 10 * DAY_MS));
        assert_eq!(admits(&record, &first, NOW), Some(NOW + 2 * DAY_MS));
        assert_eq!(admits(&record, &first, NOW + 2 * DAY_MS), None);
        // The one before the one before is gone, and none outlives the key.
        record.rotate(&third, NOW, 100);
        assert_eq!(admits(&record, &first, NOW), None);
        assert_eq!(admits(&record, &second, NOW), Some(NOW + 7 * DAY_MS));
        record.rotate(&first, NOW + 8 * DAY_MS, 7);
        assert_eq!(admits(&record, &third, NOW + 8 * DAY_MS), Some(NOW + 10 * DAY_MS));
        record.rotate(&second, NOW, 0);
        assert_eq!((admits(&record, &first, NOW), record.secrets.len()), (None, 1));
    }

    #[test]
    fn what_is_kept_has_no_secret_and_is_read_again() {
        let key = ApiKey::generate(KeyKind::Test);
        let record = record(&key);
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<KeyRecord>(&text).unwrap(), record);
        let whole = key.expose();
        let secret = whole.rsplit('_').next().unwrap();
        assert!(!text.contains(&secret[..8]), "{text}");
        assert!(serde_json::from_str::<KeyRecord>(&text.replace("\"test\"", "\"best\"")).is_err());
        let short = text.replace("\"digest\":\"", "\"digest\":\"AA");
        assert!(serde_json::from_str::<KeyRecord>(&short).is_err());
    }

    #[test]
    fn a_test_key_is_for_demo_accounts_and_an_admin_key_for_all_tenants() {
        let caller = |kind: KeyKind| {
            let key = ApiKey::generate(kind);
            record(&key).caller("acme".parse().unwrap(), key.id())
        };
        let [live, test, admin] = KeyKind::ALL.map(caller);
        assert!(!live.limits.demo_only && !live.is_operator);
        assert!(test.limits.demo_only && !test.is_operator);
        assert!(admin.is_operator);
    }
}
