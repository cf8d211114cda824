//! Floating leverage: the more of something an account holds, the more margin each further lot takes.

use super::margin::Exposure;
use super::pending::{Pending, of_direction};
use super::value::worth;
use super::{Contract, Deposit, Quotes, rate_sell};
use crate::{LeverageRange, MarginMode, Money, Volume, mask_matches};

/// Multiplies the margin of some symbols, by steps (protocol 9.2.3).
#[derive(Clone, Debug, PartialEq)]
pub struct LeverageRule {
    /// Mask over symbol paths; the first rule that matches is the one.
    pub mask: String,
    /// What the steps are ranges of.
    pub range: LeverageRange,
    /// Currency of ranges by value.
    pub currency: String,
    /// The steps, from the lowest on.
    pub tiers: Vec<LeverageTier>,
}

/// A step of a rule. It holds for the part that lies in it: of 120 lots with a step at 100, the first 100 pay by the
/// lower one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeverageTier {
    /// Where it begins, lots or money.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// Multiplies the margin of what is about to be opened.
    pub rate_initial: f64,
    /// Multiplies the margin of what is open; zero: the initial one.
    pub rate_maintenance: f64,
}

/// What an account holds of a symbol.
#[derive(Clone, Copy, Debug)]
pub struct Held<'a> {
    /// Path of the symbol.
    pub path: &'a str,
    /// Its terms.
    pub contract: &'a Contract,
    /// The positions.
    pub exposure: Exposure,
    /// The pending orders.
    pub orders: &'a [Pending],
    /// Which margin the positions need.
    pub stage: Stage,
}

/// Which margin is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// That of what is about to be opened.
    Initial,
    /// That of what is open.
    Open,
}

/// Margin of all that an account holds, account currency.
///
/// Of limit orders the direction that needs more counts, since what the other one opens would be covered by it. On a
/// hedging account that comes on top of the positions. On others orders against the position close it first and hold
/// nothing for that: the position with the limit orders along it is compared with what is opened beyond. Each stop and
/// stop-limit order counts (MetaTrader 5 Help, "Margin Calculation: Retail Forex, Futures").
///
/// Ranges by value are of opening prices. A value that cannot be converted for want of a quote counts as none, so
/// that it is in the lowest step. Orders pay by the steps that positions have reached and move nobody up.
pub fn account_margin(
    held: &[Held<'_>],
    mode: MarginMode,
    rules: &[LeverageRule],
    deposit: &Deposit,
    quotes: &impl Quotes,
) -> Money {
    let margin = |one: &Held<'_>| {
        let ratio = |stage| match rule_of(one, rules) {
            Some(rule) => rule.ratio(rule.total(one, held, rules, quotes), stage),
            None => 1.0,
        };
        let open = one.exposure.margin_times(one.contract, deposit, one.stage, ratio(one.stage));
        if one.orders.is_empty() {
            return open;
        }
        let times = ratio(Stage::Initial);
        let waiting = |side, closing| of_direction(side, one.contract, one.orders, closing, deposit, times);
        let side = one.exposure.larger_side();
        let along = waiting(side, Volume::ZERO);
        match mode {
            MarginMode::Hedging => {
                let against = waiting(side.opposite(), Volume::ZERO);
                open + along.limits.max(against.limits) + along.stops + against.stops
            }
            MarginMode::Netting | MarginMode::Exchange => {
                let beyond = waiting(side.opposite(), one.exposure.volume(side));
                (open + along.limits).max(beyond.limits) + along.stops + beyond.stops
            }
        }
    };
    held.iter().map(margin).sum()
}

fn rule_of<'a>(one: &Held<'_>, rules: &'a [LeverageRule]) -> Option<&'a LeverageRule> {
    rules.iter().find(|rule| mask_matches(&rule.mask, one.path))
}

impl LeverageRule {
    /// How much counts for a symbol: its own, or that of all symbols of the rule.
    fn total(&self, one: &Held<'_>, held: &[Held<'_>], rules: &[Self], quotes: &impl Quotes) -> f64 {
        let is_ours = |other: &&Held<'_>| rule_of(other, rules).is_some_and(|rule| std::ptr::eq(rule, self));
        match self.range {
            LeverageRange::SymbolVolume => one.exposure.larger_lots(),
            LeverageRange::SymbolValue => self.value(one, quotes),
            LeverageRange::Volume => {
                held.iter().filter(is_ours).map(|held| held.exposure.larger_lots()).sum()
            }
            LeverageRange::Value => held.iter().filter(is_ours).map(|held| self.value(held, quotes)).sum(),
        }
    }

    fn value(&self, held: &Held<'_>, quotes: &impl Quotes) -> f64 {
        let contract = held.contract;
        let rate = rate_sell(&contract.currency_profit, &self.currency, quotes);
        let exposure = held.exposure;
        worth(contract, exposure.larger_lots(), exposure.larger_price_sum()) * rate.unwrap_or(0.0)
    }

    /// By what the margin of so much is multiplied on average.
    fn ratio(&self, total: f64, stage: Stage) -> f64 {
        let rate = |tier: &LeverageTier| match stage {
            Stage::Open if tier.rate_maintenance > 0.0 => tier.rate_maintenance,
            Stage::Open | Stage::Initial => tier.rate_initial,
        };
        let Some(first) = self.tiers.first() else { return 1.0 };
        if total <= 0.0 {
            return rate(first);
        }
        let part = |tier: &LeverageTier| (total.min(tier.to) - tier.from).max(0.0);
        let covered: f64 = self.tiers.iter().map(part).sum();
        let weighed: f64 = self.tiers.iter().map(|tier| part(tier) * rate(tier)).sum();
        // What no step covers pays as usual.
        (weighed + (total - covered).max(0.0)) / total
    }
}
