//! What administrators change of an API key.

use crate::{KeyRecord, Limits, Lots, Rates, Scopes};

/// What takes a limit away.
const ANY: &str = "any";

/// What changes of a key; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyChange {
    /// What it allows.
    pub scopes: Option<Scopes>,
    /// Only demo accounts.
    pub demo_only: Option<bool>,
    /// Only what makes positions smaller or safer.
    pub reduce_only: Option<bool>,
    /// Only these accounts; any, if empty, here and below.
    pub accounts: Option<Vec<u64>>,
    /// Only these brokers.
    pub brokers: Option<Vec<String>>,
    /// Only from these networks.
    pub networks: Option<Vec<String>>,
    /// Only orders of at most so much; of any size, if `None` within.
    pub volume_max: Option<Option<Lots>>,
    /// How often something may be done; the usual, if empty.
    pub rates: Option<Rates>,
    /// For how many days from now on it is good.
    pub days: Option<u32>,
}

impl KeyChange {
    /// Makes the changes.
    pub fn apply(&self, record: &mut KeyRecord, now_ms: i64) {
        record.scopes = self.scopes.unwrap_or(record.scopes);
        self.limit(&mut record.limits);
        if let Some(days) = self.days {
            record.expire_in(days, now_ms);
        }
    }

    /// Changes limits.
    pub fn limit(&self, limits: &mut Limits) {
        limits.demo_only = self.demo_only.unwrap_or(limits.demo_only);
        limits.reduce_only = self.reduce_only.unwrap_or(limits.reduce_only);
        limits.volume_max = self.volume_max.unwrap_or(limits.volume_max);
        if let Some(rates) = &self.rates {
            limits.rates.clone_from(rates);
        }
        let replace = |list: &mut Vec<String>, new: &Option<Vec<String>>| {
            if let Some(new) = new {
                list.clone_from(new);
            }
        };
        replace(&mut limits.brokers, &self.brokers);
        replace(&mut limits.networks, &self.networks);
        if let Some(accounts) = &self.accounts {
            limits.accounts.clone_from(accounts);
        }
    }
}

/// Whether a text takes a limit away: `any`, or nothing.
#[must_use]
pub fn is_any(text: &str) -> bool {
    matches!(text.trim(), ANY | "")
}

/// What stands between commas; nothing if any will do.
#[must_use]
pub fn listed(text: &str) -> Vec<&str> {
    if is_any(text) {
        return Vec::new();
    }
    text.split(',').map(str::trim).filter(|one| !one.is_empty()).collect()
}
