//! Account groups: what each charges for trading what, and how its leverage floats.

use std::sync::Arc;

use model::calc::{LeverageRule, LeverageTier};
use model::{DealEntry, LeverageRange};

/// What a commission is a number of (protocol 9.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommissionUnit {
    /// Account currency.
    Deposit,
    /// Base currency of the symbol.
    Base,
    /// Its profit currency.
    Profit,
    /// Its margin currency.
    Margin,
    /// Points of its price.
    Points,
    /// Per cent of the deal's value.
    Percent,
}

impl CommissionUnit {
    /// Its number on the wire.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }
}

/// What a commission is multiplied with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommissionPer {
    /// Nothing: it is for a deal.
    Deal,
    /// The deal's lots.
    Lot,
}

/// What the tiers of a commission are ranges of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommissionRange {
    /// Lots of the deal.
    Volume,
    /// Value of the deal, account currency.
    Value,
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

/// What deals cost whose size is in a range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CommissionTier {
    /// What `value` counts.
    pub unit: CommissionUnit,
    /// What it is multiplied with; per cent are of the whole deal anyway.
    pub per: CommissionPer,
    /// How much of it.
    pub value: f64,
    /// Where the range begins.
    pub from: f64,
    /// Where it ends; there the next one begins.
    pub to: f64,
    /// Least charge a deal, account currency; zero: none.
    pub minimal: f64,
    /// Largest charge a deal, account currency; zero: none.
    pub maximal: f64,
}

/// What a deal in some symbols costs, charged at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CommissionRule {
    /// Mask over symbol paths; the first rule that matches is the one.
    pub mask: &'static str,
    /// Which deals pay.
    pub entry: CommissionEntry,
    /// What the tiers are ranges of.
    pub range: CommissionRange,
    /// The tiers; a deal whose size is in none is free.
    pub tiers: &'static [CommissionTier],
}

/// Floating leverage of some symbols: from which size on margin is multiplied by how much.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroupLeverage {
    /// Mask over symbol paths; the first one that matches is the one.
    pub mask: &'static str,
    /// What the sizes are of.
    pub range: LeverageRange,
    /// Currency of sizes that are values.
    pub currency: &'static str,
    /// Sizes, rising from zero, each with what multiplies margin from there on.
    pub steps: &'static [(f64, f64)],
}

impl GroupLeverage {
    fn rule(&self) -> LeverageRule {
        let ends = self.steps.iter().skip(1).map(|(from, _)| *from).chain([f64::MAX]);
        let tier = |((from, times), to): (&(f64, f64), f64)| LeverageTier {
            from: *from,
            to,
            rate_initial: *times,
            rate_maintenance: *times,
        };
        LeverageRule {
            mask: self.mask.into(),
            range: self.range,
            currency: self.currency.into(),
            tiers: self.steps.iter().zip(ends).map(tier).collect(),
        }
    }
}

/// A group of accounts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group {
    /// Its name in configuration and in requests for new accounts.
    pub name: &'static str,
    /// Commissions, in order.
    pub commissions: &'static [CommissionRule],
    /// Floating leverage, in order.
    pub leverage: &'static [GroupLeverage],
}

impl Group {
    /// Its floating leverage as rules of an account.
    #[must_use]
    pub fn leverage_rules(&self) -> Arc<[LeverageRule]> {
        self.leverage.iter().map(GroupLeverage::rule).collect()
    }
}

/// Account currency for each lot of deals of any size.
const fn a_lot(value: f64, minimal: f64) -> CommissionTier {
    let (unit, per, from, to) = (CommissionUnit::Deposit, CommissionPer::Lot, 0.0, f64::MAX);
    CommissionTier { unit, per, value, from, to, minimal, maximal: 0.0 }
}

/// A part of the value of deals of any size.
const fn per_cent(value: f64) -> CommissionTier {
    CommissionTier { unit: CommissionUnit::Percent, per: CommissionPer::Deal, ..a_lot(value, 0.0) }
}

const fn rule(mask: &'static str, tiers: &'static [CommissionTier]) -> CommissionRule {
    CommissionRule { mask, entry: CommissionEntry::All, range: CommissionRange::Volume, tiers }
}

const STOCKS: CommissionRule = rule(r"Stocks\*", &[a_lot(0.02, 1.0)]);
const CRYPTO: CommissionRule = rule(r"Crypto\*", &[per_cent(0.05)]);
const FUTURES: CommissionRule = rule(r"Futures\*", &[a_lot(1.5, 0.0)]);
const RAW: CommissionRule = rule(r"Forex\*,Metals\*", &[a_lot(3.5, 0.0)]);

/// The larger the deal, the cheaper a lot; half a dollar at least.
const BY_SIZE: CommissionRule = rule(
    r"Forex\*,Metals\*",
    &[
        CommissionTier { to: 10.0, ..a_lot(3.5, 0.5) },
        CommissionTier { from: 10.0, to: 50.0, ..a_lot(3.0, 0.5) },
        CommissionTier { from: 50.0, ..a_lot(2.5, 0.5) },
    ],
);

/// A deal costs the same whatever its size, up to 50,000; beyond, a part of its value, 40 at most.
const BY_VALUE: CommissionRule = CommissionRule {
    mask: r"Stocks\*",
    entry: CommissionEntry::All,
    range: CommissionRange::Value,
    tiers: &[
        CommissionTier { per: CommissionPer::Deal, to: 50_000.0, ..a_lot(5.0, 0.0) },
        CommissionTier { from: 50_000.0, maximal: 40.0, ..per_cent(0.02) },
    ],
};

/// Full leverage for small positions, less for large ones.
const FLOATING: &[GroupLeverage] = &[
    GroupLeverage {
        mask: r"Forex\*,Metals\*",
        range: LeverageRange::SymbolVolume,
        currency: "",
        steps: &[(0.0, 1.0), (5.0, 2.0), (20.0, 5.0)],
    },
    GroupLeverage {
        mask: r"Crypto\*",
        range: LeverageRange::Value,
        currency: "USD",
        steps: &[(0.0, 1.0), (100_000.0, 2.0)],
    },
];

/// All groups; the first is the default.
pub const GROUPS: &[Group] = &[
    Group { name: r"demo\standard", commissions: &[STOCKS, CRYPTO, FUTURES], leverage: &[] },
    Group { name: r"demo\raw", commissions: &[RAW, STOCKS, CRYPTO, FUTURES], leverage: &[] },
    Group { name: r"demo\tiered", commissions: &[BY_SIZE, BY_VALUE, CRYPTO, FUTURES], leverage: FLOATING },
];

/// The group of this name.
#[must_use]
pub fn group(name: &str) -> Option<&'static Group> {
    GROUPS.iter().find(|group| group.name == name)
}
