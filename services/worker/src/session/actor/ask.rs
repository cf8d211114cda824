//! Requests that have become necessary.

use link::{Link, LinkError};
use model::grid::open_of;
use wire::records::{BarsRequest, FullSymbolsRequest, HistoryRequest, Period, SymbolIds};
use wire::{Empty, requests};

use super::{Actor, Waiting};

/// The bars of a running candle are asked for up to here: the server's clock may be ahead of ours, in seconds.
const AHEAD_S: i64 = 24 * 3600;

impl Actor {
    /// Asks for the symbol list again after the broker has added symbols.
    pub(super) fn ask_for_list(&mut self, link: &mut Link) -> Result<(), LinkError> {
        if self.list_is_old {
            self.waiting.insert(link.submit::<requests::CompressedSymbols>(&Empty)?, Waiting::SymbolList);
            self.list_is_old = false;
        }
        Ok(())
    }

    /// Asks for the records of symbols that the account has something in.
    pub(super) fn ask_for_terms(&mut self, link: &mut Link) -> Result<(), LinkError> {
        let Some(state) = &mut self.state else { return Ok(()) };
        let mut missing = state.missing_terms();
        missing.retain(|id| !state.without_terms.contains(id));
        if missing.is_empty() || self.waiting.values().any(|waiting| matches!(waiting, Waiting::Symbols(_))) {
            return Ok(());
        }
        let ask = FullSymbolsRequest::Ids(SymbolIds(missing.clone()));
        self.waiting.insert(link.submit::<requests::FullSymbols>(&ask)?, Waiting::Symbols(missing));
        Ok(())
    }

    /// Tells the server which ticks are wanted, if that changed since the last time and no telling is under way.
    pub(super) fn subscribe(&mut self, link: &mut Link) -> Result<(), LinkError> {
        let Some(state) = &mut self.state else { return Ok(()) };
        let wanted = state.wanted_ticks();
        if wanted == self.told
            || self.waiting.values().any(|waiting| matches!(waiting, Waiting::Subscription))
        {
            return Ok(());
        }
        let id = link.submit::<requests::SubscribeTicks>(&SymbolIds(wanted.clone()))?;
        self.waiting.insert(id, Waiting::Subscription);
        self.told = wanted;
        Ok(())
    }

    /// Tells the server which books are wanted, if that changed since the last time and no telling is under way.
    pub(super) fn subscribe_books(&mut self, link: &mut Link) -> Result<(), LinkError> {
        let Some(state) = &self.state else { return Ok(()) };
        let wanted: Vec<u32> = state.books.wanted.keys().collect();
        if wanted == self.told_books
            || self.waiting.values().any(|waiting| matches!(waiting, Waiting::BookSubscription))
        {
            return Ok(());
        }
        let id = link.submit::<requests::SubscribeBook>(&SymbolIds(wanted.clone()))?;
        self.waiting.insert(id, Waiting::BookSubscription);
        self.told_books = wanted;
        Ok(())
    }

    /// Asks for the beginnings of running candles.
    pub(super) fn ask_for_candles(&mut self, link: &mut Link) -> Result<(), LinkError> {
        let Some(state) = &self.state else { return Ok(()) };
        let now_s = state.now().seconds();
        for which in state.candles.unseeded() {
            if self
                .waiting
                .values()
                .any(|waiting| matches!(waiting, Waiting::Candle(asked) if *asked == which))
            {
                continue;
            }
            let Some(symbol) = state.catalogue.by_id(which.0) else { continue };
            let minutes = which.1.minutes();
            let Some(period) = Period::for_minutes(minutes) else { continue };
            let seconds = |time: i64| i32::try_from(time).unwrap_or(i32::MAX);
            let from = seconds(open_of(minutes, now_s));
            let ask = BarsRequest {
                symbol: symbol.name.to_string(),
                period: period.code,
                from,
                to: seconds(now_s + AHEAD_S),
            };
            let id = link.submit::<requests::Bars>(&ask)?;
            self.waiting.insert(id, Waiting::Candle(which));
        }
        Ok(())
    }

    /// Asks for the whole history, if the connect call wanted it.
    pub(super) fn ask_for_past(&mut self, link: &mut Link) -> Result<(), LinkError> {
        let Some(state) = &mut self.state else { return Ok(()) };
        if state.past.is_to_be_asked() {
            let everything = HistoryRequest { from: 0, to: 0 };
            self.waiting.insert(link.submit::<requests::History>(&everything)?, Waiting::Past);
            state.past.asked();
        }
        Ok(())
    }
}
