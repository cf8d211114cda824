//! What a price step is worth.

use super::{Contract, Deposit, Quotes, rate_buy, rate_sell, unit_value};
use crate::{CalcMode, pow10};

/// Value of one tick of one lot in account currency, not rounded (MQL5 Reference, `SYMBOL_TRADE_TICK_VALUE_PROFIT` and
/// `SYMBOL_TRADE_TICK_VALUE_LOSS`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TickValue {
    /// Of a tick gained: profit currency is sold.
    pub profit: f64,
    /// Of a tick lost: profit currency is bought.
    pub loss: f64,
}

/// Value of one tick of one lot, as [`profit_of`](super::profit_of) values it but for which side of the conversion
/// counts: there it is that of the position, here that of gain and loss. Modes with a price for the tick take it from the
/// symbol, the others multiply tick size and contract size (MQL5 Reference, `ENUM_SYMBOL_CALC_MODE`). A symbol without a
/// tick size steps by a point.
///
/// `None` while a quote for the conversion is missing, for collateral, which makes no profit, for bonds without a face
/// value, and for figures that are no numbers.
pub fn tick_value(contract: &Contract, deposit: &Deposit, quotes: &impl Quotes) -> Option<TickValue> {
    let value = raw_tick_value(contract)?;
    let (from, to) = (contract.currency_profit.as_str(), deposit.currency.as_str());
    let profit = value * rate_sell(from, to, quotes)?;
    let loss = value * rate_buy(from, to, quotes)?;
    let are_numbers = [profit, loss].iter().all(|value| value.is_finite());
    are_numbers.then_some(TickValue { profit, loss })
}

/// In the profit currency.
fn raw_tick_value(contract: &Contract) -> Option<f64> {
    let has_tick = contract.tick_size > 0.0;
    let point = 1.0 / pow10(contract.digits) as f64;
    let step = if has_tick { contract.tick_size } else { point };
    match contract.calc_mode {
        CalcMode::Forex
        | CalcMode::ForexNoLeverage
        | CalcMode::Cfd
        | CalcMode::CfdIndex
        | CalcMode::CfdLeverage
        | CalcMode::Stocks
        | CalcMode::MoexStocks => Some(step * contract.contract_size),
        CalcMode::Futures
        | CalcMode::ExchangeFutures
        | CalcMode::FortsFutures
        | CalcMode::Option
        | CalcMode::MarginOption => has_tick.then_some(contract.tick_value),
        CalcMode::Bonds | CalcMode::MoexBonds => {
            (contract.face_value > 0.0).then(|| step * unit_value(contract))
        }
        CalcMode::Collateral => None,
    }
}
