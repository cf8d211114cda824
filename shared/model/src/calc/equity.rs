//! Equity, free margin and margin level of an account.

use super::{Contract, MARGIN_NO_LONG_PROFIT};
use crate::{Money, Side, round_to};

/// Which floating result counts as free margin (`margin_free_mode` of the account).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FreeMarginMode {
    /// None of it.
    None,
    /// Profit and loss.
    ProfitAndLoss,
    /// Profit only.
    Profit,
    /// Loss only.
    Loss,
}

impl FreeMarginMode {
    /// From the number on the wire; an unknown one counts losses only, the careful reading.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        match number {
            0 => Self::None,
            1 => Self::ProfitAndLoss,
            2 => Self::Profit,
            _ => Self::Loss,
        }
    }
}

/// What an account has apart from its open positions; all in account currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Funds {
    /// Balance.
    pub balance: Money,
    /// Credit.
    pub credit: Money,
    /// Daily and monthly commission that was accrued but not yet charged; negative is owed.
    pub commission_accrued: Money,
}

/// The floating result of open positions, added up; account currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Floating {
    /// Sum of profits.
    pub profit: Money,
    /// Sum of swaps.
    pub swap: Money,
    /// The part of the profit that free margin must leave out.
    excluded: Money,
    /// What held collateral covers.
    assets: Money,
}

impl Floating {
    /// Adds a position.
    pub fn add(&mut self, contract: &Contract, side: Side, profit: Money, swap: Money) {
        self.profit += profit;
        self.swap += swap;
        let excludes = contract.margin_flags & MARGIN_NO_LONG_PROFIT != 0;
        if excludes && side == Side::Buy {
            self.excluded += profit.max(Money::ZERO);
        }
    }

    /// Adds a position on a symbol whose terms are not known.
    pub fn add_without_terms(&mut self, profit: Money, swap: Money) {
        self.profit += profit;
        self.swap += swap;
    }

    /// Adds what held collateral covers, see [`asset_value`](super::asset_value).
    pub fn add_asset(&mut self, value: Money) {
        self.assets += value;
    }

    /// Profit and swap together; assets are neither.
    #[must_use]
    pub fn total(&self) -> Money {
        self.profit + self.swap
    }
}

/// The figures of an account at one moment; account currency but for the level.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Equity {
    /// Balance, credit, floating result, accrued commissions and assets.
    pub equity: Money,
    /// Margin in use.
    pub margin: Money,
    /// What is left for new positions.
    pub free_margin: Money,
    /// Equity as a percentage of margin, two digits; zero while no margin is used.
    pub margin_level: f64,
}

impl Equity {
    /// Puts the figures together. Assets are added to equity and to free margin, so that they also count in the margin
    /// level (MetaTrader 5 Help, "Collateral Symbols").
    #[must_use]
    pub fn of(funds: &Funds, floating: &Floating, margin: Money, mode: FreeMarginMode) -> Self {
        let owned = funds.balance + funds.credit + funds.commission_accrued + floating.assets;
        let equity = owned + floating.total();
        let counted = floating.total() - floating.excluded;
        let usable = match mode {
            FreeMarginMode::None => Money::ZERO,
            FreeMarginMode::ProfitAndLoss => counted,
            FreeMarginMode::Profit => counted.max(Money::ZERO),
            FreeMarginMode::Loss => counted.min(Money::ZERO),
        };
        let margin_level =
            if margin > Money::ZERO { round_to(equity.to_f64() / margin.to_f64() * 100.0, 2) } else { 0.0 };
        Self { equity, margin, free_margin: owned - margin + usable, margin_level }
    }
}
