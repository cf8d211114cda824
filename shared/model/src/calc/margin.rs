//! Margin of open positions.

use super::leverage::Stage;
use super::{Contract, Deposit};
use crate::{CalcMode, Money, Price, Side, Volume};

/// Margin in the margin currency, before any ratio. `size` stands for the contract size, or for the fixed margin a lot
/// where the symbol has one: of the whole, or of its hedged part.
pub(super) fn base_margin(
    contract: &Contract,
    volume: Volume,
    price: f64,
    size: f64,
    deposit: &Deposit,
) -> f64 {
    let leverage = f64::from(deposit.leverage.max(1));
    let fixed = contract.margin_initial > 0.0;
    let amount = volume.lots() * size;
    match contract.calc_mode {
        // It covers the margin of others and needs none.
        CalcMode::Collateral => 0.0,
        CalcMode::Forex => amount / leverage,
        CalcMode::CfdLeverage if fixed => amount / leverage,
        CalcMode::CfdLeverage => amount * price / leverage,
        _ if fixed => amount,
        CalcMode::ForexNoLeverage => amount,
        CalcMode::Cfd | CalcMode::Stocks | CalcMode::MoexStocks => amount * price,
        CalcMode::CfdIndex if contract.tick_size > 0.0 => {
            amount * price * contract.tick_value / contract.tick_size
        }
        // Prices of bonds are per cent of their face value.
        CalcMode::Bonds | CalcMode::MoexBonds => amount * contract.face_value * price / 100.0,
        // Futures have no margin but a fixed one, options no published formula, an index needs its tick.
        CalcMode::Futures
        | CalcMode::ExchangeFutures
        | CalcMode::FortsFutures
        | CalcMode::Option
        | CalcMode::MarginOption
        | CalcMode::CfdIndex => 0.0,
    }
}

/// What [`base_margin`] takes for a whole volume.
pub(super) fn unit_size(contract: &Contract) -> f64 {
    if contract.margin_initial > 0.0 { contract.margin_initial } else { contract.contract_size }
}

/// All positions of one symbol on one account, as margin sees them: two legs with their volumes and
/// volume-weighted prices and rates.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exposure {
    legs: [Leg; 2],
}

#[derive(Clone, Copy, Debug, Default)]
struct Leg {
    volume: Volume,
    price_sum: f64,
    rate_sum: f64,
}

impl Leg {
    fn add(&mut self, volume: Volume, price: Price, rate: f64) {
        self.volume += volume;
        self.price_sum += volume.lots() * price.to_f64();
        self.rate_sum += volume.lots() * rate;
    }

    fn plus(self, other: Self) -> Self {
        Self {
            volume: self.volume + other.volume,
            price_sum: self.price_sum + other.price_sum,
            rate_sum: self.rate_sum + other.rate_sum,
        }
    }

    fn average(self, sum: f64) -> f64 {
        if self.volume.is_zero() { 0.0 } else { sum / self.volume.lots() }
    }
}

impl Exposure {
    /// Adds a position: its opening price and the rate from margin currency to account currency that the
    /// server recorded when it was opened.
    pub fn add(&mut self, side: Side, volume: Volume, price_open: Price, rate_margin: f64) {
        self.legs[side.number() as usize].add(volume, price_open, rate_margin);
    }

    /// Whether there is none on either side.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.legs.iter().all(|leg| leg.volume.is_zero())
    }

    /// Volume of one side.
    #[must_use]
    pub const fn volume(&self, side: Side) -> Volume {
        self.legs[side as usize].volume
    }

    /// Margin on a netting account: there is one side only.
    ///
    /// On a hedging account, what the larger side has more than the other pays in full; what is covered on
    /// both sides pays once, by the hedged contract size. With [`super::MARGIN_LARGER_LEG`] only the
    /// larger side pays.
    #[must_use]
    pub fn margin(&self, contract: &Contract, deposit: &Deposit) -> Money {
        self.margin_times(contract, deposit, Stage::Open, 1.0)
    }

    /// Margin of a stage, multiplied for the size of what is held.
    pub(super) fn margin_times(
        &self,
        contract: &Contract,
        deposit: &Deposit,
        stage: Stage,
        times: f64,
    ) -> Money {
        let [buys, sells] = self.legs;
        let (larger, smaller, side) = self.by_volume();
        if larger.volume.is_zero() {
            return Money::ZERO;
        }
        let leg_margin = |leg: Leg, volume: Volume, size: f64, ratio: f64| {
            let price = leg.average(leg.price_sum);
            let base = base_margin(contract, volume, price, size, deposit);
            Money::round(base * leg.average(leg.rate_sum) * ratio * times, deposit.digits)
        };
        let rate = |side: Side| match stage {
            Stage::Open => contract.open_rate(side),
            Stage::Initial => contract.rates_initial[side.number() as usize],
        };
        let ratio = rate(side);
        if contract.margin_flags & super::MARGIN_LARGER_LEG != 0 {
            return leg_margin(larger, larger.volume, unit_size(contract), ratio);
        }
        let uncovered = leg_margin(larger, larger.volume - smaller.volume, unit_size(contract), ratio);
        if smaller.volume.is_zero() {
            return uncovered;
        }
        let both_ratio = f64::midpoint(rate(Side::Buy), rate(Side::Sell));
        uncovered + leg_margin(buys.plus(sells), smaller.volume, contract.margin_hedged, both_ratio)
    }

    fn by_volume(&self) -> (Leg, Leg, Side) {
        let [buys, sells] = self.legs;
        if buys.volume >= sells.volume { (buys, sells, Side::Buy) } else { (sells, buys, Side::Sell) }
    }

    /// The side with more volume.
    pub(super) fn larger_side(&self) -> Side {
        self.by_volume().2
    }

    /// Lots of the larger side: the other one is covered by it.
    pub(super) fn larger_lots(&self) -> f64 {
        self.by_volume().0.volume.lots()
    }

    /// Lots of the larger side, each times its opening price.
    pub(super) fn larger_price_sum(&self) -> f64 {
        self.by_volume().0.price_sum
    }
}
