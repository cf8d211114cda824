//! Floating and realised profit of a position.

use super::{Contract, Deposit, PROFIT_BY_MARKET_RATES, Quotes, rate_buy, rate_sell, unit_value};
use crate::{CalcMode, Money, Price, Side, Volume, round_to};

/// A profit in the account's currency, with the rate that brought it there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profit {
    /// Account currency, rounded to its digits.
    pub money: Money,
    /// Profit currency to account currency.
    pub rate: f64,
}

/// Profit of `volume` opened at `open` and closed at `close` (MQL5 Reference, `ENUM_SYMBOL_CALC_MODE`).
///
/// Of a bond it is the change of its price. What the reference adds to the price is the interest accrued, which is paid
/// when it is bought and received when it is sold; a symbol tells that of today only, so that both are the same and
/// cancel out.
///
/// `None` while a quote for the conversion is missing, for bonds and futures without the figure that they need, and for
/// collateral, which makes none: its value counts as an [asset](super::asset_value).
pub fn profit_of(
    contract: &Contract,
    side: Side,
    volume: Volume,
    open: Price,
    close: Price,
    deposit: &Deposit,
    quotes: &impl Quotes,
) -> Option<Profit> {
    let raw = raw_profit(contract, side, volume, open.to_f64(), close.to_f64())?;
    let by_side = contract.is_forex() && contract.trade_flags & PROFIT_BY_MARKET_RATES == 0;
    let at_ask = if by_side { side == Side::Buy } else { raw < 0.0 };
    let (from, to) = (contract.currency_profit.as_str(), deposit.currency.as_str());
    let rate = if at_ask { rate_buy(from, to, quotes) } else { rate_sell(from, to, quotes) }?;
    Some(Profit { money: Money::round(raw * rate, deposit.digits), rate })
}

/// Profit in the profit currency, unrounded but for the forex rule.
fn raw_profit(contract: &Contract, side: Side, volume: Volume, open: f64, close: f64) -> Option<f64> {
    let lots = volume.lots();
    let size = lots * contract.contract_size;
    let gain = match contract.calc_mode {
        CalcMode::Forex | CalcMode::ForexNoLeverage => {
            let digits = contract.currency_profit_digits;
            round_to(close * size, digits) - round_to(open * size, digits)
        }
        CalcMode::Cfd
        | CalcMode::CfdIndex
        | CalcMode::CfdLeverage
        | CalcMode::Stocks
        | CalcMode::MoexStocks => (close - open) * size,
        CalcMode::Futures
        | CalcMode::ExchangeFutures
        | CalcMode::FortsFutures
        | CalcMode::Option
        | CalcMode::MarginOption => {
            if contract.tick_size <= 0.0 {
                return None;
            }
            (close - open) * lots * contract.tick_value / contract.tick_size
        }
        CalcMode::Bonds | CalcMode::MoexBonds => {
            if contract.face_value <= 0.0 {
                return None;
            }
            (close - open) * lots * unit_value(contract)
        }
        CalcMode::Collateral => return None,
    };
    Some(side.sign() * gain)
}
