//! Who makes a call: authenticated once, where it comes in, and authorised by what travels with it.

use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};

use crate::limits::Limits;
use crate::scope::{Scope, Scopes};
use crate::tenant::Tenant;

/// Who makes a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Caller {
    /// Whose sessions it sees.
    pub tenant: Tenant,
    /// The id of its key, or the subject of its token; absent where no keys are asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What it may do.
    pub scopes: Scopes,
    /// Within which limits.
    #[serde(default)]
    pub limits: Limits,
    /// It runs the service: what concerns all tenants is open to it.
    #[serde(default)]
    pub is_operator: bool,
}

static LOCAL: LazyLock<Arc<Caller>> = LazyLock::new(|| {
    Arc::new(Caller {
        tenant: Tenant::default(),
        key: None,
        scopes: Scopes::ALL,
        limits: Limits::default(),
        is_operator: false,
    })
});

impl Caller {
    /// Everybody, where no keys are asked for.
    #[must_use]
    pub fn local() -> Arc<Self> {
        Arc::clone(&LOCAL)
    }

    /// The same, who may look at sessions: for what is read on the way to something that it may have.
    #[must_use]
    pub fn reading(self: &Arc<Self>) -> Arc<Self> {
        if self.scopes.has(Scope::Read) {
            return Arc::clone(self);
        }
        Arc::new(Self { scopes: self.scopes.with(Scope::Read), ..Self::clone(self) })
    }

    /// Whether it is everybody.
    #[must_use]
    pub fn is_local(&self) -> bool {
        std::ptr::eq(self, &**LOCAL) || *self == **LOCAL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_travels() {
        let caller = Caller {
            tenant: "acme".parse().unwrap(),
            key: Some("Ab12Cd34".into()),
            scopes: "read".parse().unwrap(),
            limits: Limits { reduce_only: true, ..Limits::default() },
            is_operator: false,
        };
        let text = serde_json::to_string(&caller).unwrap();
        assert_eq!(serde_json::from_str::<Caller>(&text).unwrap(), caller);
        assert!(!caller.is_local() && Caller::local().is_local());
        let least: Caller = serde_json::from_str(r#"{"tenant":"acme","scopes":[]}"#).unwrap();
        assert_eq!((least.scopes, least.is_operator), (Scopes::NONE, false));
    }
}
