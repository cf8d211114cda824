//! What the server pushes about prices and its clock, and who in the state depends on it.

use std::sync::Arc;

use calls::ServerClock;
use model::{Price, ServerTime};
use tokio::time::Instant;
use wire::records::{Book, SymbolDetails, Tick};

use super::quotes::Taken;
use super::state::State;

/// Bars of a symbol go by its last deals, not by its bid (protocol 9.13).
const CHART_BY_LAST: u32 = 1;

impl State {
    /// Applies ticks in their order. Says whether candles must be begun anew. A tick whose price is none is left out: what
    /// was known before is still shown, with its time.
    pub(crate) fn on_ticks(&mut self, ticks: &[Tick], now: Instant) -> bool {
        let told_ms = runtime::unix_ms() + self.zone.ahead_ms();
        let mut is_set_back = false;
        for tick in ticks {
            if let Err(cause) = tick.check() {
                tracing::debug!(login = self.login, symbol = tick.symbol_id, %cause, "a tick is left out");
                continue;
            }
            let Some(symbol) = self.catalogue.by_id(tick.symbol_id) else { continue };
            let (id, digits, name) = (symbol.id, symbol.digits, Arc::clone(&symbol.name));
            let taken = self.quotes.apply(tick, digits, now);
            if taken == Taken::Not {
                continue;
            }
            if taken == Taken::SetBack {
                is_set_back |= self.candles.wants(id);
                self.candles.forget_symbol(id);
            }
            self.market_watches.touch(id);
            self.tick_values.on_price(id);
            let Some(latest) = self.quotes.tick(id) else { continue };
            self.quotes.compare(latest.time_ms, told_ms, taken);
            self.tick_writer.write(&name, digits, latest);
            if self.candles.wants(id) {
                let price = self.chart_price(id, latest.bid, latest.last);
                self.candles.on_tick(id, price, latest.time_ms);
            }
        }
        is_set_back
    }

    /// When the last quote of any symbol was made, milliseconds since 1970 UTC.
    pub(crate) fn last_quote_ms(&self) -> Option<i64> {
        let last = self.quotes.last_tick_ms();
        (last != 0).then(|| last - self.zone.ahead_ms())
    }

    /// The server's clock now: ours in its zone, unless its ticks say that it is ahead of that.
    pub(crate) fn now(&self) -> ServerTime {
        let ahead_ms = self.zone.ahead_ms() - self.quotes.behind_ms();
        ServerTime::from_ms(self.quotes.last_tick_ms().max(runtime::unix_ms() + ahead_ms))
    }

    /// Seconds of the server clock from which on bars are of the past, since their hour comes again.
    pub(crate) fn bars_end_s(&self) -> Option<i64> {
        let now = self.now();
        let is_again = self.quotes.was_set_back(Instant::now()) || self.zone.is_again(now.ms());
        is_again.then(|| now.seconds())
    }

    /// States prices by the new clock. Candles begin anew: an hour may have come again, or was left out.
    pub(super) fn set_clock(&mut self, new: ServerClock) {
        let before = std::mem::replace(&mut self.zone, new);
        self.quotes.set_clock(before, new, Instant::now());
        self.candles.forget();
        self.zone = before.set(new.ahead_ms(), self.now().ms());
        self.clock_version += 1;
    }

    /// Takes over what an earlier owner of the session saw of the clock's past. If it was set meanwhile, that was now, for
    /// all that is known.
    pub(super) fn remember_clock(&mut self, earlier: ServerClock) {
        let ahead_ms = self.zone.ahead_ms();
        let is_same = earlier.ahead_ms() == ahead_ms;
        self.zone = if is_same { earlier } else { earlier.set(ahead_ms, self.now().ms()) };
    }

    /// Applies records of the day's figures; those with a figure that is none are left out.
    pub(crate) fn on_details(&mut self, records: &[SymbolDetails]) {
        for details in records.iter().filter(|details| details.check().is_ok()) {
            if let Some(symbol) = self.catalogue.by_id(details.symbol_id) {
                self.market_watches.apply(details, symbol.digits);
            }
        }
    }

    /// Applies changes of order books. One that cannot be right leaves a book that nobody knows: it is empty until the next
    /// whole one.
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
