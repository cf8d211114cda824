//! Prices and order books as the engine sees them.

use std::collections::HashMap;
use std::sync::Arc;

use model::calc::{BidAsk, Quotes};
use model::{OrderType, Price, ServerTime, Side, Volume};

use super::book::Fill;
use super::{Book, Order, Tick};
use crate::catalogue::{Catalogue, Symbol, SymbolId};

/// The last price of a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Both sides.
    pub price: BidAsk,
    /// Price and volume of the last trade, on an exchange.
    pub last: Option<(Price, Volume)>,
    /// When it came.
    pub time: ServerTime,
}

#[derive(Debug)]
pub(super) struct Market {
    catalogue: Arc<Catalogue>,
    quotes: Vec<Option<Quote>>,
    books: Vec<Book>,
    /// Base, then profit currency, of forex symbols.
    pairs: HashMap<String, HashMap<String, SymbolId>>,
    no_book: Book,
}

impl Market {
    pub(super) fn new(catalogue: Arc<Catalogue>) -> Self {
        let mut pairs: HashMap<String, HashMap<String, SymbolId>> = HashMap::new();
        for symbol in catalogue.symbols().iter().filter(|symbol| symbol.contract.is_forex()) {
            let of_base = pairs.entry(symbol.currency_base.clone()).or_default();
            of_base.entry(symbol.contract.currency_profit.clone()).or_insert(symbol.id);
        }
        let count = catalogue.symbols().len();
        Self {
            catalogue,
            quotes: vec![None; count],
            books: vec![Book::default(); count],
            pairs,
            no_book: Book::default(),
        }
    }

    /// Other terms of the same symbols.
    pub(super) fn change_symbols(&mut self, catalogue: Arc<Catalogue>) {
        self.catalogue = catalogue;
    }

    /// States the times of prices by a clock that was set.
    pub(super) fn set_clock(&mut self, by_ms: i64) {
        self.quotes.iter_mut().flatten().for_each(|quote| quote.time = quote.time.set_by(by_ms));
    }

    pub(super) fn symbol(&self, id: SymbolId) -> Option<Arc<Symbol>> {
        self.catalogue.get(id).cloned()
    }

    pub(super) fn symbol_ref(&self, id: SymbolId) -> Option<&Symbol> {
        self.catalogue.get(id).map(Arc::as_ref)
    }

    pub(super) fn contract(&self, id: SymbolId) -> Option<&model::calc::Contract> {
        self.catalogue.get(id).map(|symbol| &symbol.contract)
    }

    pub(super) fn by_name(&self, name: &str) -> Option<Arc<Symbol>> {
        self.catalogue.by_name(name).cloned()
    }

    pub(super) fn quote(&self, id: SymbolId) -> Option<Quote> {
        self.quotes.get(id.index()).copied().flatten()
    }

    pub(super) fn price(&self, id: SymbolId) -> Option<BidAsk> {
        self.quote(id).map(|quote| quote.price)
    }

    pub(super) fn book(&self, id: SymbolId) -> &Book {
        self.books.get(id.index()).unwrap_or(&self.no_book)
    }

    /// Takes the tick over; false if it is not one: no such symbol, or prices that cannot be.
    pub(super) fn update(&mut self, tick: &Tick) -> bool {
        let Some(slot) = self.quotes.get_mut(tick.symbol.index()) else { return false };
        if tick.bid <= Price::ZERO || tick.ask < tick.bid {
            return false;
        }
        let time = slot.map_or(tick.time, |quote| quote.time.max(tick.time));
        let last = tick.last.or_else(|| slot.and_then(|quote| quote.last));
        *slot = Some(Quote { price: BidAsk { bid: tick.bid, ask: tick.ask }, last, time });
        if let (Some(book), Some(slot)) = (&tick.book, self.books.get_mut(tick.symbol.index())) {
            slot.clone_from(book);
        }
        true
    }

    /// What an order gets now: all of it at the quote, or what the order book has up to the limit.
    pub(super) fn offer(
        &self,
        symbol: &Symbol,
        side: Side,
        volume: Volume,
        limit: Option<Price>,
    ) -> Option<Fill> {
        if symbol.has_book() {
            let mut fill = self.book(symbol.id).offer(side, volume, limit)?;
            fill.price = Price::from_f64(fill.price.to_f64(), symbol.digits())?;
            return Some(fill);
        }
        Some(Fill { volume, price: self.price(symbol.id)?.open(side) })
    }

    /// Takes what was filled out of the order book.
    pub(super) fn take(&mut self, symbol: &Symbol, side: Side, volume: Volume) {
        if symbol.has_book()
            && let Some(book) = self.books.get_mut(symbol.id.index())
        {
            book.take(side, volume);
        }
    }

    /// The market's price that an order waits for.
    pub(super) fn order_price(&self, order: &Order) -> Option<Price> {
        let side = OrderType::side(order.kind)?;
        self.price(order.symbol).map(|quote| quote.open(side))
    }
}

impl Quotes for Market {
    fn pair(&self, base: &str, profit: &str) -> Option<BidAsk> {
        self.pairs.get(base)?.get(profit).and_then(|id| self.price(*id))
    }
}
