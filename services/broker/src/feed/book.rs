//! Order books made up around a quote.

use model::{Price, Volume};

use super::noise::hash;
use crate::catalogue::Symbol;
use crate::engine::{Book, Level};

/// Lots at a level, from and to.
const LOTS: (u64, u64) = (50, 1500);

/// A book with the symbol's depth whose best prices are these; the volumes depend on prices and `key` alone.
#[must_use]
pub fn book_around(symbol: &Symbol, bid: Price, ask: Price, key: u64) -> Book {
    let step = symbol.tick_size.units();
    let level = |price: i64, side: u64| {
        let spread = LOTS.1 - LOTS.0;
        let lots = LOTS.0 + hash(&[key, side, price as u64]) % spread;
        let volume = lots.saturating_mul(symbol.volume_step.units());
        Level { price: Price::from_units(price), volume: Volume::from_units(volume) }
    };
    let depth = i64::from(symbol.book_depth);
    let bids = (0..depth).map(|n| bid.units() - n * step).take_while(|price| *price > 0);
    Book {
        bids: bids.map(|price| level(price, 1)).collect(),
        asks: (0..depth).map(|n| level(ask.units() + n * step, 2)).collect(),
    }
}
