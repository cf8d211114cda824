//! Margin that pending orders hold while they wait.

use super::margin::{base_margin, unit_size};
use super::{Contract, Deposit};
use crate::{Money, OrderType, Price, Side, Volume};

/// A pending order as margin sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pending {
    /// Its type: each has a margin ratio of its own.
    pub kind: OrderType,
    /// What of it is not filled yet.
    pub volume: Volume,
    /// Its price; that of a stop-limit is its stop price.
    pub price: Price,
    /// Margin currency to account currency, as the server recorded it when the order was placed.
    pub rate: f64,
}

impl Pending {
    /// What it holds, account currency: the margin of a position of this volume at the order's price, times the initial
    /// ratio of its type (MQL5 Reference, `SymbolInfoMarginRate`). Orders at market are none of these: they hold nothing.
    #[must_use]
    pub fn margin(&self, contract: &Contract, deposit: &Deposit) -> Money {
        self.margin_times(contract, deposit, 1.0)
    }

    fn margin_times(&self, contract: &Contract, deposit: &Deposit, times: f64) -> Money {
        let ratio = initial_ratio(contract, self.kind);
        let base = base_margin(contract, self.volume, self.price.to_f64(), unit_size(contract), deposit);
        Money::round(base * self.rate * ratio * times, deposit.digits)
    }
}

/// Whether pending orders of this type hold margin at all: with most forex brokers they do not.
#[must_use]
pub fn holds_margin(contract: &Contract, kind: OrderType) -> bool {
    initial_ratio(contract, kind) > 0.0
}

fn initial_ratio(contract: &Contract, kind: OrderType) -> f64 {
    let of_kind = contract.rates_initial.get(kind.number() as usize);
    of_kind.copied().filter(|_| kind.is_pending()).unwrap_or(0.0)
}

/// What the orders of one direction hold, account currency.
pub(super) struct OfDirection {
    /// Limit orders: with those of the other direction the larger counts.
    pub(super) limits: Money,
    /// All others: each counts.
    pub(super) stops: Money,
}

/// What the orders of one direction hold, multiplied for the size of what is held. Of their volume, so much closes
/// something and holds nothing, of each in proportion.
pub(super) fn of_direction(
    side: Side,
    contract: &Contract,
    orders: &[Pending],
    closing: Volume,
    deposit: &Deposit,
    times: f64,
) -> OfDirection {
    let of_side = || orders.iter().filter(|order| order.kind.side() == Some(side));
    let all: Volume = of_side().map(|order| order.volume).sum();
    if all <= closing {
        return OfDirection { limits: Money::ZERO, stops: Money::ZERO };
    }
    let times = times * ((all - closing).lots() / all.lots());
    let is_limit = |order: &Pending| matches!(order.kind, OrderType::BuyLimit | OrderType::SellLimit);
    let sum = |limits: bool| {
        let some = of_side().filter(|order| is_limit(order) == limits);
        some.map(|order| order.margin_times(contract, deposit, times)).sum()
    };
    OfDirection { limits: sum(true), stops: sum(false) }
}
