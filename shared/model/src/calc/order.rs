//! Margin of an order that was not sent yet.

use super::margin::{base_margin, unit_size};
use super::{Contract, Deposit, Quotes, rate_buy, rate_sell};
use crate::{CalcMode, Money, OrderType, Price, Side, Volume};

/// Margin currency to account currency, as the server records it when a position of this side opens: a buyer buys the
/// margin currency, a seller sells it. `None` while a quote is missing.
pub fn margin_rate(contract: &Contract, side: Side, deposit: &Deposit, quotes: &impl Quotes) -> Option<f64> {
    let (from, to) = (contract.currency_margin.as_str(), deposit.currency.as_str());
    match side {
        Side::Buy => rate_buy(from, to, quotes),
        Side::Sell => rate_sell(from, to, quotes),
    }
}

/// Margin that a new order would need, account currency, rounded to its digits: what `OrderCalcMargin` of MQL5 tells.
/// What is open or pending already is not considered. `price` is in units of the profit currency.
///
/// The formula of the calculation mode, times the rate into the account's currency, times the initial margin ratio of
/// this type of order (MetaTrader 5 Help, "Margin Calculation: Retail Forex, Futures"; MQL5 Reference,
/// `ENUM_SYMBOL_CALC_MODE`). Many servers ask nothing for pending orders: their ratios are zero.
///
/// Close-by orders open nothing and need nothing. `None` while a quote for the conversion is missing, for figures that
/// are no numbers, and where the server keeps what the formula needs to itself.
pub fn order_margin(
    contract: &Contract,
    kind: OrderType,
    volume: Volume,
    price: Price,
    deposit: &Deposit,
    quotes: &impl Quotes,
) -> Option<Money> {
    let Some(side) = kind.side() else { return Some(Money::ZERO) };
    if !has_formula(contract) {
        return None;
    }
    let ratio = contract.rates_initial.get(kind.number() as usize)?;
    let base = base_margin(contract, volume, price.to_f64(), unit_size(contract), deposit);
    let amount = base * margin_rate(contract, side, deposit, quotes)? * ratio;
    amount.is_finite().then(|| Money::round(amount, deposit.digits))
}

/// Whether the margin follows from the terms: options have no published formula, that of bonds needs their face value,
/// and that of an index its tick.
fn has_formula(contract: &Contract) -> bool {
    if contract.margin_initial > 0.0 {
        return true;
    }
    match contract.calc_mode {
        CalcMode::Option | CalcMode::MarginOption => false,
        CalcMode::Bonds | CalcMode::MoexBonds => contract.face_value > 0.0,
        CalcMode::CfdIndex => contract.tick_size > 0.0,
        _ => true,
    }
}
