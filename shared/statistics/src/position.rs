//! What deals do to a position: the one account of it, which closed trades, the curve and every view of a trade are made
//! from.

use std::ops::{AddAssign, SubAssign};

use model::{DealEntry, Money, Price, Side, Volume, divide};

use crate::deal::{Deal, DealKind};

/// The four amounts of a deal, or of a part of it; account currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Result without the three below.
    pub profit: Money,
    /// Swap; negative was paid.
    pub swap: Money,
    /// Commission; negative was paid.
    pub commission: Money,
    /// Fee; negative was paid.
    pub fee: Money,
}

impl Amounts {
    /// Those of a whole deal.
    #[must_use]
    pub const fn of(deal: &Deal) -> Self {
        Self { profit: deal.profit, swap: deal.swap, commission: deal.commission, fee: deal.fee }
    }

    /// All four together.
    #[must_use]
    pub fn net(&self) -> Money {
        self.profit + self.swap + self.commission + self.fee
    }

    /// What belongs to a part of the volume, see [`Money::part`].
    fn part(self, part: Volume, of: Volume, digits: u32) -> Self {
        Self {
            profit: self.profit.part(part, of, digits),
            swap: self.swap.part(part, of, digits),
            commission: self.commission.part(part, of, digits),
            fee: self.fee.part(part, of, digits),
        }
    }
}

impl AddAssign for Amounts {
    fn add_assign(&mut self, other: Self) {
        self.profit += other.profit;
        self.swap += other.swap;
        self.commission += other.commission;
        self.fee += other.fee;
    }
}

impl SubAssign for Amounts {
    fn sub_assign(&mut self, other: Self) {
        self.profit -= other.profit;
        self.swap -= other.swap;
        self.commission -= other.commission;
        self.fee -= other.fee;
    }
}

/// The part of a position that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open {
    /// Long or short.
    pub side: Side,
    /// Lots.
    pub volume: Volume,
    /// Volume-weighted, rounded to 10^-8 after each entry; closing a part does not move it.
    pub price: Price,
    /// What was booked for it and belongs to no closing yet: the costs of opening it, and what the server booked while it
    /// was open.
    pub booked: Amounts,
}

/// What a deal did to a position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// Lots that it closed.
    pub closed: Volume,
    /// Lots that it opened.
    pub opened: Volume,
    /// What came of the closed part: the deal's own result, and the part of what had been booked.
    pub amounts: Amounts,
}

impl Open {
    /// Nothing yet.
    pub const NONE: Self = Self {
        side: Side::Buy,
        volume: Volume::ZERO,
        price: Price::ZERO,
        booked: Amounts { profit: Money::ZERO, swap: Money::ZERO, commission: Money::ZERO, fee: Money::ZERO },
    };

    /// Takes one deal of the position, of an account whose currency has so many digits.
    ///
    /// Each closing takes the part of what was booked that its volume is of the open one, rounded; the last takes the
    /// rest, so that all closings together have what all deals have. A reversal closes what is known to be open and opens
    /// the rest: result and swap are of what it closed, commission and fee are shared by volume. Where nothing is known
    /// to be open, its openings are missing, and all of it is taken to close them.
    pub fn take(&mut self, deal: &Deal, digits: u32) -> Effect {
        match deal.kind {
            DealKind::Trade { side, entry, volume, price } => {
                self.trade(side, entry, volume, price, Amounts::of(deal), digits)
            }
            DealKind::Service { entry, price } => {
                self.booked += Amounts::of(deal);
                if entry == DealEntry::In && !self.volume.is_zero() {
                    self.price = price;
                }
                Effect::default()
            }
            DealKind::Transfer | DealKind::Credit | DealKind::Charge => Effect::default(),
        }
    }

    fn trade(
        &mut self,
        side: Side,
        entry: DealEntry,
        volume: Volume,
        price: Price,
        all: Amounts,
        digits: u32,
    ) -> Effect {
        match entry {
            DealEntry::In => {
                self.open(side, volume, price);
                self.booked += all;
                Effect { opened: volume, ..Effect::default() }
            }
            DealEntry::InOut if self.volume < volume && !self.volume.is_zero() => {
                let closed = self.volume;
                let (commission, fee) =
                    (all.commission.part(closed, volume, digits), all.fee.part(closed, volume, digits));
                let mut amounts = Amounts { commission, fee, ..all };
                let mut booked = all;
                booked -= amounts;
                amounts += self.booked;
                *self = Self { side, volume: volume - closed, price, booked };
                Effect { closed, opened: self.volume, amounts }
            }
            DealEntry::Out | DealEntry::OutBy | DealEntry::InOut => {
                let part = self.booked.part(volume, self.volume, digits);
                self.booked -= part;
                self.volume -= volume;
                let mut amounts = all;
                amounts += part;
                Effect { closed: volume, opened: Volume::ZERO, amounts }
            }
        }
    }

    fn open(&mut self, side: Side, volume: Volume, price: Price) {
        if self.volume.is_zero() {
            (self.side, self.volume, self.price) = (side, volume, price);
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
