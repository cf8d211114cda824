//! What deals do to a position.

use model::{DealEntry, Price, Side, Volume};

/// The part of a position that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) side: Side,
    pub(crate) volume: Volume,
    /// Volume-weighted, rounded to 10^-8 after each entry; closing a part does not move it.
    pub(crate) price: Price,
}

/// The volumes that a deal opened and closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Effect {
    pub(crate) closed: Volume,
    pub(crate) opened: Volume,
}

impl Open {
    /// Nothing yet.
    pub(crate) const NONE: Self = Self { side: Side::Buy, volume: Volume::ZERO, price: Price::ZERO };

    /// Takes one deal. A reversal closes what is known to be open and opens the rest; where nothing is known to be
    /// open, its openings are missing, and all of it is taken to close them.
    pub(crate) fn take(&mut self, side: Side, entry: DealEntry, volume: Volume, price: Price) -> Effect {
        match entry {
            DealEntry::In => {
                self.open(side, volume, price);
                Effect { closed: Volume::ZERO, opened: volume }
            }
            DealEntry::InOut if self.volume < volume && !self.volume.is_zero() => {
                let closed = self.volume;
                *self = Self { side, volume: volume - closed, price };
                Effect { closed, opened: self.volume }
            }
            DealEntry::Out | DealEntry::OutBy | DealEntry::InOut => {
                self.volume -= volume;
                Effect { closed: volume, opened: Volume::ZERO }
            }
        }
    }

    fn open(&mut self, side: Side, volume: Volume, price: Price) {
        if self.volume.is_zero() {
            *self = Self { side, volume, price };
            return;
        }
        let mut prices = Weighted::default();
        prices.add(self.volume, self.price);
        prices.add(volume, price);
        self.price = prices.average().unwrap_or(price);
        self.volume += volume;
    }
}

/// Prices by their volumes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weighted {
    pub(crate) volume: Volume,
    sum: i128,
    last: Option<Price>,
}

impl Weighted {
    pub(crate) fn add(&mut self, volume: Volume, price: Price) {
        let product = i128::from(price.units()).saturating_mul(i128::from(volume.units()));
        self.sum = self.sum.saturating_add(product);
        self.volume += volume;
        self.last = Some(price);
    }

    /// The average rounded to 10^-8; the latest price where nothing has a volume; `None` without a price.
    pub(crate) fn average(&self) -> Option<Price> {
        if self.volume.is_zero() {
            return self.last;
        }
        let units = divide(self.sum, i128::from(self.volume.units()));
        i64::try_from(units).ok().map(Price::from_units).or(self.last)
    }
}

/// `of` / `by`, halves away from zero; zero if there is nothing to divide by.
pub(crate) fn divide(of: i128, by: i128) -> i128 {
    let Some(rest) = of.checked_rem(by) else { return 0 };
    let whole = of / by;
    let is_half = rest.unsigned_abs() >= by.unsigned_abs().div_ceil(2);
    if is_half { whole.saturating_add(of.signum() * by.signum()) } else { whole }
}
