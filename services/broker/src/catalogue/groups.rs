//! Account groups: what each charges for trading what.

use model::DealEntry;

/// What a commission is a number of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CommissionUnit {
    /// Account currency for every lot.
    PerLot,
    /// Per cent of the deal's value.
    Percent,
}

/// Which deals pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommissionEntry {
    /// All of them.
    All,
    /// Those that open.
    In,
    /// Those that close.
    Out,
}

impl CommissionEntry {
    /// Whether a deal with this entry pays. Closing by an opposite position is free; a reversal pays for the part
    /// that the rule is about.
    #[must_use]
    pub const fn covers(self, entry: DealEntry) -> bool {
        match self {
            Self::All => matches!(entry, DealEntry::In | DealEntry::Out | DealEntry::InOut),
            Self::In => matches!(entry, DealEntry::In | DealEntry::InOut),
            Self::Out => matches!(entry, DealEntry::Out | DealEntry::InOut),
        }
    }
}

/// What a deal in some symbols costs, charged at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CommissionRule {
    /// Mask over symbol paths; the first rule that matches is the one.
    pub mask: &'static str,
    /// What `value` counts.
    pub unit: CommissionUnit,
    /// How much of it.
    pub value: f64,
    /// Least charge a deal, account currency; zero: none.
    pub minimal: f64,
    /// Which deals pay.
    pub entry: CommissionEntry,
}

/// A group of accounts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group {
    /// Its name in configuration and in requests for new accounts.
    pub name: &'static str,
    /// Commissions, in order.
    pub commissions: &'static [CommissionRule],
}

const fn rule(mask: &'static str, unit: CommissionUnit, value: f64, minimal: f64) -> CommissionRule {
    CommissionRule { mask, unit, value, minimal, entry: CommissionEntry::All }
}

const STOCKS: CommissionRule = rule(r"Stocks\*", CommissionUnit::PerLot, 0.02, 1.0);
const CRYPTO: CommissionRule = rule(r"Crypto\*", CommissionUnit::Percent, 0.05, 0.0);
const FUTURES: CommissionRule = rule(r"Futures\*", CommissionUnit::PerLot, 1.5, 0.0);

/// All groups; the first is the default.
pub const GROUPS: &[Group] = &[
    Group { name: r"demo\standard", commissions: &[STOCKS, CRYPTO, FUTURES] },
    Group {
        name: r"demo\raw",
        commissions: &[rule(r"Forex\*,Metals\*", CommissionUnit::PerLot, 3.5, 0.0), STOCKS, CRYPTO, FUTURES],
    },
];

/// The group of this name.
#[must_use]
pub fn group(name: &str) -> Option<&'static Group> {
    GROUPS.iter().find(|group| group.name == name)
}
