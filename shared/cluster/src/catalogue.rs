//! What the declarations of calls say, by name.

use std::collections::HashMap;
use std::sync::LazyLock;

use calls::{AnyCall, Reach};
use error::{Error, Outcome};
use schemars::SchemaGenerator;

/// What must be known of a call to forward it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    /// Its name.
    pub(crate) name: &'static str,
    /// Who answers it.
    pub(crate) reach: Reach,
    /// It may be given up, and asked again.
    pub(crate) only_reads: bool,
    /// It sends an order.
    pub(crate) trades: bool,
}

impl Known {
    /// The error of a call that was not begun.
    pub(crate) fn refused(&self, error: Error) -> Error {
        if self.trades { error.with_outcome(Outcome::NotSent) } else { error }
    }

    /// The error of a call that may have been done.
    pub(crate) fn of_unknown_fate(&self, error: Error) -> Error {
        if self.trades { error.with_outcome(Outcome::Unknown) } else { error }
    }
}

/// By each of their names, as declared and in small letters.
static CALLS: LazyLock<HashMap<String, Known>> = LazyLock::new(|| {
    let mut calls = HashMap::new();
    for spec in AnyCall::specs(&mut SchemaGenerator::default()) {
        let (reach, only_reads, trades) = (spec.reach, spec.only_reads, spec.trades());
        for name in spec.names {
            let known = Known { name, reach, only_reads, trades };
            calls.insert((*name).to_owned(), known);
            calls.insert(name.to_ascii_lowercase(), known);
        }
    }
    calls
});

/// The call of this name, in any case.
pub(crate) fn known(name: &str) -> Option<&'static Known> {
    CALLS.get(name).or_else(|| CALLS.get(&name.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_found_by_each_name_in_any_case() {
        assert!(known("OrderSend").is_some_and(|call| call.trades && !call.only_reads));
        assert_eq!(known("orderSENDsafe").map(|call| call.name), Some("OrderSendSafe"));
        assert_eq!(known("DisconnectOrphansCluster").map(|call| call.reach), Some(Reach::All));
        assert!(known("NoSuchCall").is_none());
    }
}
