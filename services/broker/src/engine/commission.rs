//! What deals are charged.

use model::calc::{rate_sell, unit_value, value_of};
use model::{DealEntry, Money, Reason, Volume, mask_matches};

use super::Order;
use super::book::Fill;
use super::desk::Desk;
use crate::catalogue::{
    CommissionEntry, CommissionPer, CommissionRange, CommissionRule, CommissionTier, CommissionUnit, Symbol,
};

impl Desk<'_> {
    /// What the deal of an order is charged; not above zero. What the server does for a swap is free.
    pub(super) fn commission_of(
        &self,
        order: &Order,
        symbol: &Symbol,
        entry: DealEntry,
        fill: Fill,
    ) -> Money {
        match order.reason {
            Reason::Rollover => Money::ZERO,
            _ => self.commission(symbol, entry, fill),
        }
    }

    /// What a deal is charged; not above zero.
    pub(super) fn commission(&self, symbol: &Symbol, entry: DealEntry, fill: Fill) -> Money {
        let rule = self.commission_rule(symbol).filter(|rule| rule.entry.covers(entry));
        rule.map_or(Money::ZERO, |rule| self.charge(symbol, rule, fill))
    }

    /// What a reversal is charged that opens so much of its volume; not above zero. What only entries or only exits
    /// pay is paid by that part of it.
    pub(super) fn reversal_commission(&self, symbol: &Symbol, fill: Fill, opened: Volume) -> Money {
        let Some(rule) = self.commission_rule(symbol) else { return Money::ZERO };
        let volume = match rule.entry {
            CommissionEntry::All => fill.volume,
            CommissionEntry::In => opened,
            CommissionEntry::Out => fill.volume - opened,
        };
        self.charge(symbol, rule, Fill { volume, ..fill })
    }

    fn commission_rule(&self, symbol: &Symbol) -> Option<&'static CommissionRule> {
        self.account.terms.commissions.iter().find(|rule| mask_matches(rule.mask, &symbol.path))
    }

    /// The whole deal pays by the tier that its size is in.
    fn charge(&self, symbol: &Symbol, rule: &CommissionRule, fill: Fill) -> Money {
        let size = match rule.range {
            CommissionRange::Volume => fill.volume.lots(),
            CommissionRange::Value => self.value(symbol, fill),
        };
        let Some(tier) = rule.tiers.iter().find(|tier| (tier.from..tier.to).contains(&size)) else {
            return Money::ZERO;
        };
        let most = if tier.maximal > 0.0 { tier.maximal } else { f64::MAX };
        let amount = self.amount(symbol, tier, fill).max(tier.minimal).min(most);
        -Money::round(amount, self.account.terms.deposit.digits)
    }

    fn amount(&self, symbol: &Symbol, tier: &CommissionTier, fill: Fill) -> f64 {
        let lots = match tier.per {
            CommissionPer::Deal => 1.0,
            CommissionPer::Lot => fill.volume.lots(),
        };
        let contract = &symbol.contract;
        match tier.unit {
            CommissionUnit::Deposit => tier.value * lots,
            CommissionUnit::Base => tier.value * lots * self.rate(&symbol.currency_base),
            CommissionUnit::Profit => tier.value * lots * self.rate(&contract.currency_profit),
            CommissionUnit::Margin => tier.value * lots * self.rate(&contract.currency_margin),
            CommissionUnit::Points => {
                let change = tier.value * symbol.points(1).to_f64();
                change * lots * unit_value(contract) * self.rate(&contract.currency_profit)
            }
            CommissionUnit::Percent => tier.value / 100.0 * self.value(symbol, fill),
        }
    }

    /// What a deal is worth, account currency.
    fn value(&self, symbol: &Symbol, fill: Fill) -> f64 {
        let contract = &symbol.contract;
        value_of(contract, fill.volume, fill.price) * self.rate(&contract.currency_profit)
    }

    /// Into the account currency. Without a quote there is no better figure than one to one.
    fn rate(&self, currency: &str) -> f64 {
        rate_sell(currency, &self.account.terms.deposit.currency, self.market).unwrap_or(1.0)
    }
}
