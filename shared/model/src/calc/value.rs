//! What a volume is worth at a price.

use super::{Contract, Deposit, Quotes, rate_buy, rate_sell};
use crate::{CalcMode, Money, Price, Side, Volume};

/// What a volume is worth, in the profit currency: its price times what one unit of the price stands for. Bonds come with
/// the interest that has accrued on them, which their price leaves out (MQL5 Reference, `ENUM_SYMBOL_CALC_MODE`).
#[must_use]
pub fn value_of(contract: &Contract, volume: Volume, price: Price) -> f64 {
    worth(contract, volume.lots(), volume.lots() * price.to_f64())
}

/// The same of several volumes at prices of their own: lots, and the sum of lots times price.
pub(super) fn worth(contract: &Contract, lots: f64, price_sum: f64) -> f64 {
    let interest = match contract.calc_mode {
        CalcMode::Bonds | CalcMode::MoexBonds => contract.accrued_interest * contract.contract_size,
        _ => 0.0,
    };
    price_sum * unit_value(contract) + lots * interest
}

/// What a lot is worth for each unit of its price, in the profit currency. Futures are worth their ticks, and prices of
/// bonds are per cent of the face value (MQL5 Reference, `ENUM_SYMBOL_CALC_MODE`).
#[must_use]
pub fn unit_value(contract: &Contract) -> f64 {
    match contract.calc_mode {
        CalcMode::Futures | CalcMode::ExchangeFutures | CalcMode::FortsFutures
            if contract.tick_size > 0.0 =>
        {
            contract.tick_value / contract.tick_size
        }
        CalcMode::Bonds | CalcMode::MoexBonds => contract.contract_size * contract.face_value / 100.0,
        _ => contract.contract_size,
    }
}

/// What a held volume covers of the margin of other positions, account currency: contract size x lots x market price x
/// liquidity rate (MetaTrader 5 Help, "Collateral Symbols"). What is owed counts against it.
///
/// Only collateral does; all else is zero. `None` while a quote for the conversion is missing.
pub fn asset_value(
    contract: &Contract,
    side: Side,
    volume: Volume,
    market: Price,
    deposit: &Deposit,
    quotes: &impl Quotes,
) -> Option<Money> {
    if contract.calc_mode != CalcMode::Collateral {
        return Some(Money::ZERO);
    }
    let (from, to) = (contract.currency_profit.as_str(), deposit.currency.as_str());
    let rate = match side {
        Side::Buy => rate_sell(from, to, quotes),
        Side::Sell => rate_buy(from, to, quotes),
    }?;
    let value = side.sign() * value_of(contract, volume, market) * contract.liquidity_rate * rate;
    Some(Money::round(value, deposit.digits))
}
