//! Events about symbols: quotes, tick values, the day's figures, order books, candles, kept ticks.

use std::time::Duration;

use bus::Topic;
use tokio::time::Instant;

use super::Publisher;
use crate::session::state::State;

/// Portions of a download that may wait for the slowest reader.
const PORTIONS_AHEAD: usize = 16;
/// How often a reader that is behind is looked at again.
const PORTION_PAUSE: Duration = Duration::from_millis(20);

impl Publisher {
    /// When the next of them may have to be sent.
    pub(super) fn next_of_streams(&self, state: &State, now: Instant) -> Option<Instant> {
        let paced = [
            (Topic::Quote, state.quotes.wanted.next_due()),
            (Topic::TickValue, state.tick_values.wanted.next_due()),
            (Topic::OrderBook, state.books.wanted.next_due()),
            (Topic::Ohlc, state.candles.next_due()),
        ];
        let due = paced
            .into_iter()
            .filter(|(topic, _)| self.fanout.has_listeners(*topic))
            .filter_map(|(_, due)| due);
        due.chain(self.next_portion(state, now)).min()
    }

    /// Sends those that are due.
    pub(super) fn send_streams(&mut self, state: &mut State, now: Instant) {
        self.send_quotes(state, now);
        self.send_tick_values(state, now);
        self.send_market_watches(state);
        self.send_books(state, now);
        self.send_candles(state, now);
        self.send_portion(state);
    }

    fn send_quotes(&mut self, state: &mut State, now: Instant) {
        if !self.fanout.has_listeners(Topic::Quote) {
            return;
        }
        let zone = state.zone;
        for id in state.quotes.wanted.take_due(now) {
            let Some(symbol) = state.catalogue.by_id(id) else { continue };
            if let Some(quote) = state.quotes.quote(id, &symbol.name, zone) {
                self.send(Topic::Quote, Some(&symbol.name), &quote);
            }
        }
    }

    fn send_tick_values(&mut self, state: &mut State, now: Instant) {
        if !self.fanout.has_listeners(Topic::TickValue) {
            return;
        }
        for id in state.tick_values.wanted.take_due(now) {
            if let Some(value) = state.told_tick_value(id) {
                self.send(Topic::TickValue, Some(&value.symbol), &value);
            }
        }
    }

    fn send_market_watches(&mut self, state: &mut State) {
        let changed = state.market_watches.take_changed();
        if !self.fanout.has_listeners(Topic::MarketWatch) {
            return;
        }
        for id in changed {
            if let Some(watch) = state.market_watch(id) {
                self.send(Topic::MarketWatch, Some(&watch.symbol), &watch);
            }
        }
    }

    fn send_books(&mut self, state: &mut State, now: Instant) {
        if !self.fanout.has_listeners(Topic::OrderBook) {
            return;
        }
        for id in state.books.wanted.take_due(now) {
            let Some(terms) = state.terms(id) else { continue };
            if let Some(book) = state.books.show(id, &terms) {
                self.send(Topic::OrderBook, Some(&book.symbol), &book);
            }
        }
    }

    fn send_candles(&mut self, state: &mut State, now: Instant) {
        let due = state.candles.take_due(now);
        if !self.fanout.has_listeners(Topic::Ohlc) {
            return;
        }
        for ((id, frame), candle) in due {
            if let Some(symbol) = state.catalogue.by_id(id) {
                let key = candle.key(&symbol.name, frame);
                self.send(Topic::Ohlc, Some(&key), &candle.show(&symbol.name, frame));
            }
        }
    }

    /// A download goes on at the pace of its slowest reader.
    fn next_portion(&self, state: &State, now: Instant) -> Option<Instant> {
        if state.downloads.is_empty() || !self.fanout.has_listeners(Topic::TickHistory) {
            return None;
        }
        let is_behind = self.fanout.backlog(Topic::TickHistory) >= PORTIONS_AHEAD;
        Some(if is_behind { now + PORTION_PAUSE } else { now })
    }

    fn send_portion(&mut self, state: &mut State) {
        let now = Instant::now();
        if self.next_portion(state, now).is_some_and(|due| due <= now)
            && let Some(portion) = state.downloads.next(&state.tick_writer)
        {
            self.send(Topic::TickHistory, None, &portion);
        }
    }
}
