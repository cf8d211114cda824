//! What the server pushes about prices, and who in the state depends on it.

use std::sync::Arc;

use model::Price;
use tokio::time::Instant;
use wire::records::{Book, SymbolDetails, Tick};

use super::state::State;

/// Bars of a symbol go by its last deals, not by its bid (protocol 9.13).
const CHART_BY_LAST: u32 = 1;

impl State {
    /// Applies ticks in their order.
    pub(crate) fn on_ticks(&mut self, ticks: &[Tick], now: Instant) {
        for tick in ticks {
            let Some(symbol) = self.catalogue.by_id(tick.symbol_id) else { continue };
            let (id, digits, name) = (symbol.id, symbol.digits, Arc::clone(&symbol.name));
            if !self.quotes.apply(tick, digits, now) {
                continue;
            }
            self.market_watches.touch(id);
            self.tick_values.on_price(id);
            let Some(latest) = self.quotes.tick(id) else { continue };
            self.tick_writer.write(&name, digits, latest);
            if self.candles.wants(id) {
                let price = self.chart_price(id, latest.bid, latest.last);
                self.candles.on_tick(id, price, latest.time_ms);
            }
        }
    }

    /// Applies records of the day's figures.
    pub(crate) fn on_details(&mut self, records: &[SymbolDetails]) {
        for details in records {
            if let Some(symbol) = self.catalogue.by_id(details.symbol_id) {
                self.market_watches.apply(details, symbol.digits);
            }
        }
    }

    /// Applies changes of order books.
    pub(crate) fn on_books(&mut self, books: &[Book]) {
        for book in books {
            self.books.apply(book);
        }
    }

    /// The price that the symbol's candles are made of.
    fn chart_price(&self, id: u32, bid: Price, last: Price) -> Price {
        let by_last = self.catalogue.full(id).is_some_and(|full| full.ticks_chart_mode == CHART_BY_LAST);
        if by_last && !last.is_zero() { last } else { bid }
    }

    /// Symbols whose ticks the session needs, each once.
    pub(crate) fn wanted_ticks(&mut self) -> Vec<u32> {
        let mut wanted: Vec<u32> = self.quotes.ids().collect();
        wanted.extend(self.held_symbols());
        wanted.extend(self.conversion_symbols());
        wanted.extend(self.tick_values.inputs());
        wanted.extend(self.candles.wanted().map(|(id, _)| id));
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }
}
