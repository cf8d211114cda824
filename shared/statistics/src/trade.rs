//! Closed trades, made of deals.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{DealEntry, Money, Price, Side, Volume};

use crate::deal::{Deal, DealKind, in_order};
use crate::extrema::Holding;
use crate::position::{Open, Weighted, divide};

/// One end of a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Milliseconds of the server's clock.
    pub time_ms: i64,
    /// Profit currency a unit.
    pub price: Price,
}

/// A position that has been closed, in full or in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trade {
    /// The position's number.
    pub position: u64,
    /// The deal that closed it, the last of them.
    pub close_ticket: u64,
    /// What was traded.
    pub symbol: Arc<str>,
    /// Long or short.
    pub side: Side,
    /// Lots closed.
    pub volume: Volume,
    /// The first entry's time and the volume-weighted price of all entries, rounded to 10^-8; `None` if the history
    /// lacks them.
    pub opened: Option<Fill>,
    /// The last exit's time and the volume-weighted price of all exits, rounded to 10^-8.
    pub closed: Fill,
    /// Result without the three below.
    pub profit: Money,
    /// Swap; negative was paid.
    pub swap: Money,
    /// Commission; negative was paid. All that its deals have charged so far, also for what is still open.
    pub commission: Money,
    /// Fee; negative was paid. As the commission.
    pub fee: Money,
}

impl Trade {
    /// Profit, swap, commission and fee together.
    #[must_use]
    pub fn net(&self) -> Money {
        self.profit + self.swap + self.commission + self.fee
    }

    /// How long it lasted, milliseconds; `None` if its opening is missing. Never negative.
    #[must_use]
    pub fn length_ms(&self) -> Option<i64> {
        self.opened.map(|opened| self.closed.time_ms.saturating_sub(opened.time_ms).max(0))
    }

    /// What it gained in pips, whatever its volume; `None` if its opening is missing. See [`pip_size`].
    #[must_use]
    pub fn pips(&self, digits: u32) -> Option<f64> {
        let way = self.closed.price - self.opened?.price;
        Some(self.side.sign() * way.units() as f64 / pip_size(digits).units() as f64)
    }

    /// What [`extrema`](crate::extrema()) needs of it; `None` if its opening is missing.
    #[must_use]
    pub fn holding(&self) -> Option<Holding> {
        Some(Holding {
            ticket: self.position,
            symbol: Arc::clone(&self.symbol),
            side: self.side,
            volume: self.volume,
            opened: self.opened?,
            closed: Some(self.closed),
            latest: None,
        })
    }
}

/// The size of a pip on a symbol with these price digits: ten points for three and five digits, else a point. No
/// reference defines it; this is what quotes with a fractional pip made usual.
#[must_use]
pub fn pip_size(digits: u32) -> Price {
    Price::from_points(if matches!(digits, 3 | 5) { 10 } else { 1 }, digits)
}

/// Closed trades, in the order of their closing: one for each position that has been closed in full or in part.
///
/// A reversal on a netting account (entry in/out) ends a trade and begins the next: profit and swap of that deal
/// belong to what it closed, commission and fee are shared by volume. A position whose openings are missing is
/// described by its exits.
#[must_use]
pub fn trades(deals: &[Deal]) -> Vec<Trade> {
    let mut drafts: BTreeMap<(u64, &str), Draft<'_>> = BTreeMap::new();
    let mut found = Vec::new();
    for deal in in_order(deals) {
        if let DealKind::Trade { side, entry, volume, price } = deal.kind {
            let draft = drafts.entry((deal.position, &*deal.symbol)).or_insert_with(|| Draft::of(deal));
            found.extend(draft.take(deal, side, entry, volume, price));
        }
    }
    found.extend(drafts.into_values().filter_map(Draft::finish));
    found.sort_by_key(|trade| (trade.closed.time_ms, trade.close_ticket, trade.position));
    found
}

/// A trade being put together.
struct Draft<'a> {
    of: &'a Deal,
    open: Open,
    side: Option<Side>,
    entries: Weighted,
    opened_ms: Option<i64>,
    exits: Weighted,
    /// Time and ticket of the latest exit.
    closed: Option<(i64, u64)>,
    money: Charges,
}

/// The four amounts of a deal, or of a part of it.
#[derive(Clone, Copy, Default)]
struct Charges {
    profit: Money,
    swap: Money,
    commission: Money,
    fee: Money,
}

impl<'a> Draft<'a> {
    fn of(deal: &'a Deal) -> Self {
        Self {
            of: deal,
            open: Open::NONE,
            side: None,
            entries: Weighted::default(),
            opened_ms: None,
            exits: Weighted::default(),
            closed: None,
            money: Charges::default(),
        }
    }

    /// Takes a deal; the trade that it ended by a reversal.
    fn take(
        &mut self,
        deal: &'a Deal,
        side: Side,
        entry: DealEntry,
        volume: Volume,
        price: Price,
    ) -> Option<Trade> {
        let effect = self.open.take(side, entry, volume, price);
        let all = Charges::of(deal);
        if entry == DealEntry::In {
            self.enter(deal, side, volume, price, all);
            return None;
        }
        if effect.opened.is_zero() {
            self.exit(deal, side, volume, price, all);
            return None;
        }
        let (closing, opening) = all.split(effect.closed, volume);
        self.exit(deal, side, effect.closed, price, closing);
        let next = Self { open: self.open, ..Self::of(deal) };
        let ended = std::mem::replace(self, next);
        self.enter(deal, side, effect.opened, price, opening);
        ended.finish()
    }

    fn enter(&mut self, deal: &Deal, side: Side, volume: Volume, price: Price, money: Charges) {
        self.side.get_or_insert(side);
        self.opened_ms.get_or_insert(deal.time_ms);
        self.entries.add(volume, price);
        self.money.add(money);
    }

    fn exit(&mut self, deal: &Deal, side: Side, volume: Volume, price: Price, money: Charges) {
        self.side.get_or_insert(side.opposite());
        self.closed = Some((deal.time_ms, deal.ticket));
        self.exits.add(volume, price);
        self.money.add(money);
    }

    /// `None` if nothing was closed.
    fn finish(self) -> Option<Trade> {
        let (time_ms, close_ticket) = self.closed?;
        let opened = self.opened_ms.zip(self.entries.average());
        Some(Trade {
            position: self.of.position,
            close_ticket,
            symbol: Arc::clone(&self.of.symbol),
            side: self.side?,
            volume: self.exits.volume,
            opened: opened.map(|(time_ms, price)| Fill { time_ms, price }),
            closed: Fill { time_ms, price: self.exits.average()? },
            profit: self.money.profit,
            swap: self.money.swap,
            commission: self.money.commission,
            fee: self.money.fee,
        })
    }
}

impl Charges {
    fn of(deal: &Deal) -> Self {
        Self { profit: deal.profit, swap: deal.swap, commission: deal.commission, fee: deal.fee }
    }

    fn add(&mut self, other: Self) {
        self.profit += other.profit;
        self.swap += other.swap;
        self.commission += other.commission;
        self.fee += other.fee;
    }

    /// What belongs to the part that was closed, and to the rest. Nothing is lost to rounding.
    fn split(self, closed: Volume, of: Volume) -> (Self, Self) {
        let share = |money: Money| {
            let product = money.units().saturating_mul(i128::from(closed.units()));
            Money::from_units(divide(product, i128::from(of.units())))
        };
        let (commission, fee) = (share(self.commission), share(self.fee));
        let closing = Self { commission, fee, ..self };
        let opening =
            Self { commission: self.commission - commission, fee: self.fee - fee, ..Self::default() };
        (closing, opening)
    }
}
