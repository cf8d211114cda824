//! Requests that have become necessary.

use link::{Link, LinkError};
use wire::records::{FullSymbolsRequest, SymbolIds};
use wire::{Empty, requests};

use super::{Actor, Waiting};

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

    /// Begins to ask for the whole history, if somebody wants it.
    pub(super) fn ask_for_past(&mut self, link: &mut Link) -> Result<(), LinkError> {
        match &self.state {
            Some(state) if state.past.is_to_be_asked() => self.ask_on_for_past(link),
            _ => Ok(()),
        }
    }

    /// Asks for what is missing of the whole history.
    pub(super) fn ask_on_for_past(&mut self, link: &mut Link) -> Result<(), LinkError> {
        let Some(state) = &mut self.state else { return Ok(()) };
        let Some(ask) = state.past.next() else { return Ok(()) };
        match link.submit::<requests::History>(&ask) {
            Ok(id) => drop(self.waiting.insert(id, Waiting::Past)),
            Err(cause) => {
                state.past.missed();
                return Err(cause);
            }
        }
        Ok(())
    }
}
