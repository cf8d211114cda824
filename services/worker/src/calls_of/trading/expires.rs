//! How pending orders expire.

use calls::ServerTime;
use calls::values::ExpirationType;

/// How an order expires, as the wire says it.
pub(super) struct Expires {
    pub(super) kind: u32,
    pub(super) at: u32,
}

impl Expires {
    /// A date without a kind is a moment.
    pub(super) fn of(kind: Option<ExpirationType>, at: Option<ServerTime>) -> Self {
        let at = at.filter(|at| at.as_ms().is_some());
        let kind = kind.unwrap_or(if at.is_some() { ExpirationType::Specified } else { ExpirationType::Gtc });
        let dated = matches!(kind, ExpirationType::Specified | ExpirationType::SpecifiedDay);
        let seconds = at.filter(|_| dated).and_then(ServerTime::as_seconds).unwrap_or(0);
        Self { kind: u32::try_from(kind.number()).unwrap_or(0), at: u32::try_from(seconds).unwrap_or(0) }
    }
}
