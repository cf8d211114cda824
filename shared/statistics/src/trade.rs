//! Closed trades, made of deals.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{DealEntry, Money, Price, Side, Volume};

use crate::deal::{Deal, DealKind, in_order};
use crate::extrema::Holding;
use crate::position::{Amounts, Open, Weighted};

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
    /// Lots opened; zero if the history lacks the openings.
    pub entered: Volume,
    /// Lots closed.
    pub volume: Volume,
    /// The first entry's time and the volume-weighted price of all entries, rounded to 10^-8; `None` if the history
    /// lacks them.
    pub opened: Option<Fill>,
    /// The last exit's time and the volume-weighted price of all exits, rounded to 10^-8.
    pub closed: Fill,
    /// Tickets of the deals that opened it.
    pub entries: Vec<u64>,
    /// Tickets of the deals that closed it.
    pub exits: Vec<u64>,
    /// What came of the volume that was closed: see [`Open::take`](crate::Open::take).
    pub amounts: Amounts,
}

impl Trade {
    /// Profit, swap, commission and fee together.
    #[must_use]
    pub fn net(&self) -> Money {
        self.amounts.net()
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

/// Closed trades, in the order of their closing: one for each position that has been closed in full or in part, of an
/// account whose currency has so many digits.
///
/// A reversal on a netting account (entry in/out) ends a trade and begins the next. A position whose openings are
/// missing is described by its exits.
#[must_use]
pub fn trades(deals: &[Deal], digits: u32) -> Vec<Trade> {
    let mut drafts: BTreeMap<(u64, &str), Draft<'_>> = BTreeMap::new();
    let mut found = Vec::new();
    for deal in in_order(deals) {
        if deal.kind.is_of_position() {
            let draft = drafts.entry((deal.position, &*deal.symbol)).or_insert_with(|| Draft::of(deal));
            found.extend(draft.take(deal, digits));
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
    prices_in: Weighted,
    opened_ms: Option<i64>,
    prices_out: Weighted,
    /// Time and ticket of the latest exit.
    closed: Option<(i64, u64)>,
    entries: Vec<u64>,
    exits: Vec<u64>,
    amounts: Amounts,
}

impl<'a> Draft<'a> {
    fn of(deal: &'a Deal) -> Self {
        Self {
            of: deal,
            open: Open::NONE,
            side: None,
            prices_in: Weighted::default(),
            opened_ms: None,
            prices_out: Weighted::default(),
            closed: None,
            entries: Vec::new(),
            exits: Vec::new(),
            amounts: Amounts::default(),
        }
    }

    /// Takes a deal; the trade that it ended by a reversal.
    fn take(&mut self, deal: &'a Deal, digits: u32) -> Option<Trade> {
        let effect = self.open.take(deal, digits);
        let DealKind::Trade { side, entry, volume, price } = deal.kind else { return None };
        if entry == DealEntry::In {
            self.enter(deal, side, volume, price);
            return None;
        }
        self.side.get_or_insert(side.opposite());
        self.closed = Some((deal.time_ms, deal.ticket));
        self.prices_out.add(effect.closed, price);
        self.exits.push(deal.ticket);
        self.amounts += effect.amounts;
        if effect.opened.is_zero() {
            return None;
        }
        let next = Self { open: self.open, ..Self::of(deal) };
        let ended = std::mem::replace(self, next);
        self.enter(deal, side, effect.opened, price);
        ended.finish()
    }

    fn enter(&mut self, deal: &Deal, side: Side, volume: Volume, price: Price) {
        self.side.get_or_insert(side);
        self.opened_ms.get_or_insert(deal.time_ms);
        self.prices_in.add(volume, price);
        self.entries.push(deal.ticket);
    }

    /// `None` if nothing was closed.
    fn finish(self) -> Option<Trade> {
        let (time_ms, close_ticket) = self.closed?;
        let opened = self.opened_ms.zip(self.prices_in.average());
        Some(Trade {
            position: self.of.position,
            close_ticket,
            symbol: Arc::clone(&self.of.symbol),
            side: self.side?,
            entered: self.prices_in.volume,
            volume: self.prices_out.volume,
            opened: opened.map(|(time_ms, price)| Fill { time_ms, price }),
            closed: Fill { time_ms, price: self.prices_out.average()? },
            entries: self.entries,
            exits: self.exits,
            amounts: self.amounts,
        })
    }
}
