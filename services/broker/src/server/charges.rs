//! Commissions and floating leverage of an account, as its record tells them.

use model::calc::{LeverageRule, LeverageTier};
use wire::records as w;

use crate::catalogue::{CommissionEntry, CommissionPer, CommissionRange, CommissionRule, CommissionTier};
use crate::engine::AccountTerms;

/// Charged with the deal, not by the day or month.
const CHARGED_AT_ONCE: u32 = 2;

pub(super) fn commission(rule: &CommissionRule, terms: &AccountTerms) -> w::Commission {
    let tiers = rule.tiers.iter().map(tier).collect();
    let mode_range = match rule.range {
        CommissionRange::Volume => 0,
        CommissionRange::Value => 3,
    };
    let mode_entry = match rule.entry {
        CommissionEntry::All => 0,
        CommissionEntry::In => 1,
        CommissionEntry::Out => 2,
    };
    let rule = w::CommissionRule {
        path: rule.mask.into(),
        mode_range,
        mode_charge: CHARGED_AT_ONCE,
        mode_currency: terms.deposit.currency.clone(),
        mode_entry,
        ..w::CommissionRule::default()
    };
    w::Commission { rule, tiers }
}

fn tier(tier: &CommissionTier) -> w::CommissionTier {
    w::CommissionTier {
        mode: tier.unit.number(),
        r#type: match tier.per {
            CommissionPer::Deal => 0,
            CommissionPer::Lot => 1,
        },
        value: tier.value,
        range_from: tier.from,
        range_to: tier.to,
        minimal: tier.minimal,
        maximal: tier.maximal,
        ..w::CommissionTier::default()
    }
}

pub(super) fn leverage(rule: &LeverageRule) -> w::LeverageRule {
    let tier = |tier: &LeverageTier| w::LeverageTier {
        range_from: tier.from,
        range_to: tier.to,
        margin_rate_initial: tier.rate_initial,
        margin_rate_maintenance: tier.rate_maintenance,
    };
    let head = w::LeverageHead {
        path: rule.mask.clone(),
        range_mode: rule.range.number(),
        range_currency: rule.currency.clone(),
        range_currency_digits: crate::catalogue::currency_digits(&rule.currency),
        ..w::LeverageHead::default()
    };
    w::LeverageRule { rule: head, tiers: rule.tiers.iter().map(tier).collect() }
}
