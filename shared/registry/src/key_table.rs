//! API keys of a process that is alone, in memory or in a file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ApiKeyAdded, ApiKeyEntry, ApiKeysMax};

/// See the module.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct KeyTable {
    stamp: u64,
    keys: BTreeMap<String, Kept>,
    /// When each was used last; a file has that by itself.
    #[serde(skip)]
    used: BTreeMap<String, i64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    tenant: String,
    until_ms: i64,
    record: String,
}

impl KeyTable {
    pub(crate) const fn stamp(&self) -> u64 {
        self.stamp
    }

    pub(crate) fn add(&mut self, entry: ApiKeyEntry, max: ApiKeysMax, now_ms: i64) -> ApiKeyAdded {
        if self.keys.contains_key(&entry.id) {
            return ApiKeyAdded::IdTaken;
        }
        let full = |table: &Self| {
            let of_tenant = table.keys.values().filter(|kept| kept.tenant == entry.tenant).count();
            (of_tenant >= max.of_tenant, table.keys.len() >= max.all)
        };
        loop {
            let (is_tenant_full, is_full) = full(self);
            if !is_tenant_full && !is_full {
                break;
            }
            let dead = self.keys.iter().filter(|(_, kept)| kept.until_ms <= now_ms);
            let dead = dead.filter(|(_, kept)| !is_tenant_full || kept.tenant == entry.tenant);
            match dead.min_by_key(|(_, kept)| kept.until_ms).map(|(id, _)| id.clone()) {
                Some(id) => self.forget(&id),
                None if is_tenant_full => return ApiKeyAdded::TenantFull,
                None => return ApiKeyAdded::Full,
            }
        }
        self.put(entry);
        ApiKeyAdded::Yes
    }

    pub(crate) fn change(&mut self, was: &str, entry: ApiKeyEntry) -> bool {
        let Some(tenant) =
            self.keys.get(&entry.id).filter(|kept| kept.record == was).map(|kept| kept.tenant.clone())
        else {
            return false;
        };
        self.put(ApiKeyEntry { tenant, ..entry });
        true
    }

    pub(crate) fn get(&self, id: &str) -> Option<ApiKeyEntry> {
        self.keys.get(id).map(|kept| entry(id, kept))
    }

    pub(crate) fn all(&self, tenant: Option<&str>) -> Vec<ApiKeyEntry> {
        let all = self.keys.iter().filter(|(_, kept)| tenant.is_none_or(|tenant| tenant == kept.tenant));
        all.map(|(id, kept)| entry(id, kept)).collect()
    }

    pub(crate) fn note_used(&mut self, used: &[(String, i64)]) {
        note_used(&mut self.used, used, |id| self.keys.contains_key(id));
    }

    pub(crate) fn used(&self, ids: &[String]) -> Vec<(String, i64)> {
        ids.iter().filter_map(|id| Some((id.clone(), *self.used.get(id)?))).collect()
    }

    fn put(&mut self, ApiKeyEntry { id, tenant, until_ms, record }: ApiKeyEntry) {
        self.keys.insert(id, Kept { tenant, until_ms, record });
        self.touch();
    }

    fn forget(&mut self, id: &str) {
        self.keys.remove(id);
        self.used.remove(id);
        self.touch();
    }

    /// Never the stamp of another table, also when the one before is lost.
    fn touch(&mut self) {
        self.stamp = (self.stamp + 1).max(u64::try_from(runtime::unix_ms()).unwrap_or_default());
    }
}

/// Notes uses of the keys that there are.
pub(crate) fn note_used(
    known: &mut BTreeMap<String, i64>,
    used: &[(String, i64)],
    is_key: impl Fn(&str) -> bool,
) {
    for (id, at_ms) in used.iter().filter(|(id, _)| is_key(id)) {
        let last = known.entry(id.clone()).or_insert(*at_ms);
        *last = (*last).max(*at_ms);
    }
}

fn entry(id: &str, kept: &Kept) -> ApiKeyEntry {
    let Kept { tenant, until_ms, record } = kept.clone();
    ApiKeyEntry { id: id.to_owned(), tenant, until_ms, record }
}
