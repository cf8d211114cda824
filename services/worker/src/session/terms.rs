//! The terms of a symbol for one account: the server's record with the account's settings over it.

use std::sync::Arc;

use model::calc::{Contract, LeverageRule, LeverageTier};
use model::{CalcMode, Execution, Filling, LeverageRange};
use wire::records::{Account, FullSymbol, TradeSettings};

/// A symbol as this account trades it.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    /// The server's record.
    pub(crate) full: Arc<FullSymbol>,
    /// Its trade settings, overridden by the account's.
    pub(crate) trade: TradeSettings,
    /// What profit and margin depend on.
    pub(crate) contract: Contract,
}

impl Terms {
    /// Applies, in order, the account's settings whose mask matches the symbol's path.
    pub(crate) fn new(full: Arc<FullSymbol>, overrides: &[TradeSettings]) -> Self {
        let mut trade = full.trade.clone();
        for settings in overrides {
            if model::mask_matches(&settings.symbol_path, &full.trade.symbol_path) {
                trade.override_with(settings);
            }
        }
        let calc_mode = CalcMode::from_number(full.trade_calc_mode);
        let contract = Contract {
            // A mode we do not know has no formula: bonds without a face value have none either, and the server's own
            // figures are used.
            calc_mode: calc_mode.unwrap_or(CalcMode::Bonds),
            face_value: if calc_mode.is_some() { full.face_value } else { 0.0 },
            accrued_interest: full.accrued_interest,
            liquidity_rate: trade.margin_rate_liquidity,
            digits: full.digits,
            contract_size: full.contract_size,
            tick_value: full.tick_value,
            tick_size: full.tick_size,
            currency_profit: full.currency_profit.clone(),
            currency_profit_digits: full.currency_profit_digits,
            currency_margin: full.currency_margin.clone(),
            margin_initial: trade.margin_initial,
            margin_hedged: trade.margin_hedged,
            rates_initial: trade.margin_rates_initial,
            rates_maintenance: trade.margin_rates_maintenance,
            margin_flags: trade.margin_flags,
            trade_flags: full.trade_flags,
        };
        Self { full, trade, contract }
    }

    /// How market orders are executed.
    pub(crate) fn execution(&self) -> Execution {
        Execution::from_number(self.trade.trade_exemode).unwrap_or(Execution::Market)
    }

    /// The filling of a market order (protocol 10.3): immediate-or-cancel before fill-or-kill, as the official client.
    pub(crate) fn market_filling(&self) -> Filling {
        let allows = |filling: Filling| self.trade.trade_fill_flags & filling.flag() != 0;
        match self.execution() {
            Execution::Request | Execution::Instant => Filling::FillOrKill,
            Execution::Market | Execution::Exchange if allows(Filling::ImmediateOrCancel) => {
                Filling::ImmediateOrCancel
            }
            Execution::Market | Execution::Exchange if allows(Filling::FillOrKill) => Filling::FillOrKill,
            Execution::Market | Execution::Exchange => Filling::Return,
        }
    }
}

/// The account's floating leverage. Rules whose ranges are of something we do not know are left out.
pub(crate) fn leverage_rules(account: &Account) -> Vec<LeverageRule> {
    let rule = |wire: &wire::records::LeverageRule| {
        let tier = |tier: &wire::records::LeverageTier| LeverageTier {
            from: tier.range_from,
            to: tier.range_to,
            rate_initial: tier.margin_rate_initial,
            rate_maintenance: tier.margin_rate_maintenance,
        };
        Some(LeverageRule {
            mask: wire.rule.path.clone(),
            range: LeverageRange::from_number(wire.rule.range_mode)?,
            currency: wire.rule.range_currency.clone(),
            tiers: wire.tiers.iter().map(tier).collect(),
        })
    };
    account.leverage_rules.iter().filter_map(rule).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(exemode: u32, fill_flags: u32, overrides: &[TradeSettings]) -> Terms {
        let mut full = FullSymbol { digits: 5, ..FullSymbol::default() };
        full.trade.symbol_path = r"Forex\EURUSD".into();
        full.trade.trade_exemode = exemode;
        full.trade.trade_fill_flags = fill_flags;
        Terms::new(Arc::new(full), overrides)
    }

    #[test]
    fn account_settings_override_single_fields_of_matching_symbols() {
        let mut settings = TradeSettings::neutral();
        settings.symbol_path = r"Forex\*".into();
        settings.trade_exemode = 1;
        settings.margin_rates_initial[0] = 2.0;
        let mut other = settings.clone();
        other.symbol_path = r"Metals\*".into();
        other.trade_exemode = 3;
        let terms = terms(2, 3, &[settings, other]);
        assert_eq!(terms.execution(), Execution::Instant);
        assert_eq!(terms.trade.trade_fill_flags, 3, "kept");
        assert_eq!(terms.contract.rates_initial[0].to_bits(), 2.0_f64.to_bits());
    }

    #[test]
    fn the_filling_follows_execution_and_flags() {
        let cases = [
            (0, 3, Filling::FillOrKill),
            (1, 2, Filling::FillOrKill),
            (2, 3, Filling::ImmediateOrCancel),
            (2, 1, Filling::FillOrKill),
            (2, 0, Filling::Return),
            (3, 0, Filling::Return),
            (3, 3, Filling::ImmediateOrCancel),
        ];
        for (exemode, flags, expected) in cases {
            assert_eq!(
                terms(exemode, flags, &[]).market_filling(),
                expected,
                "execution {exemode}, flags {flags}"
            );
        }
    }
}
