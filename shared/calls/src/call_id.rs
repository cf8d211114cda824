//! Which call is asked for: looked up by name once, where it comes in, and passed on as what was found.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use error::{Code, Error, Outcome};

use crate::{AnyCall, Call, FrontCall, Policy};

/// A name of a call, as the declarations have it.
#[derive(Debug)]
pub struct CallEntry {
    /// The name, spelled as declared.
    pub name: &'static str,
    /// The first name of the same call.
    pub call: &'static str,
    /// By this name it looks for an earlier call of unknown fate first.
    pub is_safe: bool,
    /// What it may do.
    pub policy: Policy,
}

/// A call under one of its names. It is read from a name in any case; a name that no call has is `NOT_FOUND`.
#[derive(Clone, Copy)]
pub struct CallId(&'static CallEntry);

/// Every name, as declared and in small letters.
static IDS: LazyLock<HashMap<String, CallId>> = LazyLock::new(|| {
    let spellings = |id: CallId| [id.name().to_owned(), id.name().to_ascii_lowercase()];
    CallId::all().flat_map(|id| spellings(id).map(|name| (name, id))).collect()
});

impl CallId {
    /// Every name of every call, as declared.
    pub fn all() -> impl Iterator<Item = Self> {
        AnyCall::entries().chain(FrontCall::ENTRIES).map(Self)
    }

    /// A call under its first name.
    #[must_use]
    pub const fn of<C: Call>() -> Self {
        Self(C::ENTRY)
    }

    /// The name that it was asked for by, spelled as declared.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0.name
    }

    /// The first name of the same call.
    #[must_use]
    pub const fn call(self) -> &'static str {
        self.0.call
    }

    /// Whether it looks for an earlier call of unknown fate first.
    #[must_use]
    pub const fn is_safe(self) -> bool {
        self.0.is_safe
    }

    /// What it may do.
    #[must_use]
    pub const fn policy(self) -> Policy {
        self.0.policy
    }

    /// The error of such a call that was not begun.
    #[must_use]
    pub fn refused(self, error: Error) -> Error {
        self.with_outcome(error, Outcome::NotSent)
    }

    /// The error of such a call that may have been done.
    #[must_use]
    pub fn of_unknown_fate(self, error: Error) -> Error {
        self.with_outcome(error, Outcome::Unknown)
    }

    fn with_outcome(self, error: Error, outcome: Outcome) -> Error {
        if self.policy().trades() { error.with_outcome(outcome) } else { error }
    }
}

impl FromStr for CallId {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        // Between processes a name comes as it is declared.
        let found = IDS.get(name).or_else(|| IDS.get(&name.to_ascii_lowercase()));
        found.copied().ok_or_else(|| {
            Error::new(Code::NotFound, "There is no such call. /index.html lists all of them.")
        })
    }
}

impl PartialEq for CallId {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for CallId {}

impl fmt::Debug for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_leads_to_its_call_in_any_case() {
        let names: Vec<&str> = CallId::all().map(CallId::name).collect();
        let different: BTreeSet<String> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
        assert_eq!(names.len(), different.len(), "two calls have the same name");
        for name in names {
            for spelled in [name.to_owned(), name.to_ascii_lowercase(), name.to_ascii_uppercase()] {
                assert_eq!(spelled.parse::<CallId>().unwrap().name(), name);
            }
        }
        let safe: CallId = "ordersendSAFE".parse().unwrap();
        assert_eq!((safe.name(), safe.call(), safe.is_safe()), ("OrderSendSafe", "OrderSend", true));
        let plain: CallId = "OrderSendTask".parse().unwrap();
        assert_eq!((plain.call(), plain.is_safe(), plain == safe), ("OrderSend", false, false));
        assert_eq!("OrderSendsafe ".parse::<CallId>().unwrap_err().code(), Code::NotFound);
    }

    #[test]
    fn only_orders_have_an_outcome() {
        let of = |name: &str| name.parse::<CallId>().unwrap();
        let error = || Error::invalid_token("x");
        assert_eq!(of("OrderSend").refused(error()).outcome(), Some(Outcome::NotSent));
        assert_eq!(of("OrderClose").of_unknown_fate(error()).outcome(), Some(Outcome::Unknown));
        assert_eq!(of("AccountSummary").of_unknown_fate(error()).outcome(), None);
    }
}
