//! What trades did to the balance.

use std::collections::HashMap;

use model::Money;

use crate::curve::Account;
use crate::deal::in_order;
use crate::trade::Trade;

/// Averages of the holding period returns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Returns {
    pub(crate) arithmetic: f64,
    pub(crate) geometric: f64,
    pub(crate) sharpe: f64,
}

/// Deviations below this are what rounding leaves of none at all: a cent on 10^9 is more.
const DEVIATION_MIN: f64 = 1e-12;

impl Returns {
    pub(crate) fn of(account: &Account<'_>, trades: &[&Trade]) -> Self {
        let returns = holding_period_returns(account, trades);
        if returns.is_empty() {
            return Self { arithmetic: 1.0, geometric: 1.0, sharpe: 0.0 };
        }
        let count = returns.len() as f64;
        let arithmetic = mean(&returns);
        let deviation = standard_deviation(&returns);
        let is_lost = returns.iter().any(|one| *one <= 0.0);
        let logarithms = if is_lost { f64::NEG_INFINITY } else { returns.iter().map(|one| one.ln()).sum() };
        Self {
            arithmetic,
            geometric: (logarithms / count).exp(),
            sharpe: if deviation > DEVIATION_MIN { (arithmetic - 1.0) / deviation } else { 0.0 },
        }
    }
}

/// Balance after each trade by the balance before it. Trades that began without a positive balance have none.
fn holding_period_returns(account: &Account<'_>, trades: &[&Trade]) -> Vec<f64> {
    let deals = in_order(account.deals);
    let mut balance = account.balance - deals.iter().map(|deal| deal.balance_change()).sum::<Money>();
    let mut after = HashMap::new();
    for deal in deals {
        balance += deal.balance_change();
        after.insert((deal.time_ms, deal.ticket), balance);
    }
    let of = |trade: &&&Trade| {
        let after = *after.get(&(trade.closed.time_ms, trade.close_ticket))?;
        let before = after - trade.net();
        (before > Money::ZERO).then(|| after.units() as f64 / before.units() as f64)
    };
    trades.iter().filter_map(|trade| of(&trade)).collect()
}

/// Zero of nothing.
pub(crate) fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

/// Of a sample (n − 1); zero for fewer than two.
pub(crate) fn standard_deviation(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    (squares / (values.len() - 1) as f64).sqrt()
}
