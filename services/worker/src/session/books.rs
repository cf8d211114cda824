//! Order books of a session (protocol 9.16).

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use calls::reply::{BookBar, SymbolBook};
use calls::values::BookType;
use model::{Price, Volume};
use wire::records::{Book, BookLevel};

use super::paced::Paced;
use super::terms::Terms;
use crate::translate::finite;

/// Bit of a book's flags: a snapshot, clear the book first.
const SNAPSHOT: u32 = 2;
/// Levels of one book that are kept: more than any symbol shows.
const LEVELS_MAX: usize = 1024;

/// A place in a book: its kind as on the wire, and its price as the wire scales it.
type Place = (u8, i64);

#[derive(Clone, Copy, Debug)]
struct Level {
    mask: u32,
    /// Units of the base asset × 10^8.
    volume: i64,
}

/// The books that clients want.
#[derive(Debug, Default)]
pub(crate) struct Books {
    pub(crate) wanted: Paced<u32>,
    books: HashMap<u32, BTreeMap<Place, Level>>,
}

impl Books {
    /// Begins events of a symbol's book. Returns `false` if there are too many.
    pub(crate) fn subscribe(&mut self, id: u32, interval: Duration) -> bool {
        self.wanted.begin(id, interval, self.books.contains_key(&id))
    }

    /// Ends events of a symbol's book.
    pub(crate) fn unsubscribe(&mut self, id: u32) {
        self.wanted.end(id);
        self.books.remove(&id);
    }

    /// Forgets what is in the books, not who wants them.
    pub(crate) fn forget(&mut self) {
        self.books.clear();
    }

    /// Applies a push: each level adds its volume to its place; nothing left removes it.
    pub(crate) fn apply(&mut self, change: &Book) {
        let id = change.head.symbol_id;
        if !self.wanted.contains(id) {
            return;
        }
        let book = self.books.entry(id).or_default();
        if change.head.book_flags & SNAPSHOT != 0 {
            book.clear();
        }
        if change.levels.iter().any(|level| level.check().is_err()) {
            book.clear();
        } else {
            change.levels.iter().for_each(|level| apply_level(book, level));
        }
        self.wanted.touch(id);
    }

    /// The book as the contract shows it; `None` before the first push.
    pub(crate) fn show(&self, id: u32, terms: &Terms) -> Option<SymbolBook> {
        let book = self.books.get(&id)?;
        let level = |kind: u8| book.range((kind, i64::MIN)..=(kind, i64::MAX)).rev();
        // Offers to sell from the highest price down to the best, then offers to buy from the best down.
        let places = level(3).chain(level(1)).chain(level(4)).chain(level(2));
        let bars = (0..).zip(places).map(|(number, (place, level))| (number, bar(*place, level, terms)));
        Some(SymbolBook { symbol: terms.full.trade_symbol.clone(), bars: bars.collect() })
    }
}

fn apply_level(book: &mut BTreeMap<Place, Level>, change: &BookLevel) {
    if !(1..=4).contains(&change.book_type) {
        return book.clear();
    }
    let place = (change.book_type, change.price);
    let before = book.get(&place).map_or(0, |level| level.volume);
    let volume = before.saturating_add(change.volume);
    if change.volume == 0 || volume <= 0 {
        book.remove(&place);
    } else if before > 0 || book.len() < LEVELS_MAX {
        book.insert(place, Level { mask: change.flag_mask, volume });
    }
}

fn bar((kind, price): Place, level: &Level, terms: &Terms) -> BookBar {
    let size = if terms.full.contract_size > 0.0 { terms.full.contract_size } else { 1.0 };
    let lots = finite(level.volume as f64 / 1e8 / size);
    let price = Price::from_scaled(price as f64, terms.full.digits).unwrap_or_default();
    BookBar {
        update_mask: level.mask.into(),
        kind: BookType::from_number(kind.into()).unwrap_or(BookType::Reset),
        price: price.to_f64(),
        volume: Volume::from_lots(lots).and_then(|volume| i64::try_from(volume.units()).ok()).unwrap_or(0),
        lots,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use wire::records::{BookHead, FullSymbol};

    use super::*;

    fn change(flags: u32, levels: &[(u8, i64, i64)]) -> Book {
        let head = BookHead { symbol_id: 7, book_flags: flags, ..BookHead::default() };
        let level = |&(book_type, price, lots): &(u8, i64, i64)| BookLevel {
            flag_mask: 0,
            book_type,
            price,
            volume: lots * 100_000 * 100_000_000,
        };
        Book { head, levels: levels.iter().map(level).collect() }
    }

    fn shown(books: &Books) -> Vec<(&'static str, String, f64)> {
        let full = FullSymbol { digits: 5, contract_size: 100_000.0, ..FullSymbol::default() };
        let book = books.show(7, &Terms::new(Arc::new(full), &[])).unwrap();
        let level = |bar: &BookBar| (bar.kind.as_str(), bar.price.to_string(), bar.lots);
        book.bars.values().map(level).collect()
    }

    #[test]
    fn pushes_add_up_and_a_snapshot_begins_anew() {
        let mut books = Books::default();
        books.apply(&change(2, &[(1, 110_010, 5)]));
        assert!(books.books.is_empty(), "nobody asked for it");
        books.subscribe(7, Duration::ZERO);
        books.apply(&change(2, &[(2, 110_000, 5), (1, 110_010, 3), (1, 110_020, 4), (2, 109_990, 1)]));
        books.apply(&change(0, &[(1, 110_010, 2), (2, 109_990, -1), (1, 110_020, 0)]));
        let expected = [("SellBook", "1.1001".to_owned(), 5.0), ("BuyBook", "1.1".to_owned(), 5.0)];
        assert_eq!(shown(&books), expected);
        books.apply(&change(2, &[(2, 100_000, 1)]));
        assert_eq!(shown(&books), [("BuyBook", "1".to_owned(), 1.0)]);
        books.apply(&change(0, &[(0, 0, 0)]));
        assert_eq!(shown(&books), []);
    }
}
