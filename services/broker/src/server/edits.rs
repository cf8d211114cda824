//! What operators change in symbols and holidays outlives the broker, where it was given a folder.

use serde::{Deserialize, Serialize};

use super::control::SymbolEdit;
use super::holidays::Holidays;
use super::hub::Hub;
use crate::catalogue::{Catalogue, Holiday, Schedule, Symbol};
use crate::store::{Store, StoreError};

/// What was changed in a symbol. An opened or closed market comes first: hours were set after it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Edits {
    market: Option<bool>,
    terms: SymbolEdit,
}

/// Opens a symbol's market around the clock, or closes it.
pub(super) fn open_market(symbol: &mut Symbol, open: bool) {
    symbol.schedule = if open { Schedule::always() } else { Schedule::never() };
}

/// The symbols as they were changed in earlier lives of the broker. What does not fit any more, since the built-in symbols
/// are others now, is left out.
pub(super) fn restore_symbols(store: &Store, catalogue: &Catalogue) -> Result<Vec<Symbol>, StoreError> {
    let mut changed = Vec::new();
    for (name, text) in store.symbol_edits()? {
        let Some(symbol) = catalogue.by_name(&name) else {
            tracing::warn!(name, "a symbol that was changed is not there any more");
            continue;
        };
        match restored(symbol, &text) {
            Ok(symbol) => changed.push(symbol),
            Err(error) => tracing::warn!(name, error, "what was changed in a symbol does not fit any more"),
        }
    }
    Ok(changed)
}

fn restored(symbol: &Symbol, text: &str) -> Result<Symbol, String> {
    let edits: Edits = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut symbol = symbol.clone();
    if let Some(open) = edits.market {
        open_market(&mut symbol, open);
    }
    edits.terms.apply_to(&mut symbol).map_err(|error| error.to_string())?;
    Ok(symbol)
}

/// The holidays that operators have made in earlier lives of the broker. One that does not fit any more stays in the file,
/// for a broker that it fits again: its number remains its own.
pub(super) fn restore_holidays(
    store: &Store,
    catalogue: &Catalogue,
    holidays: &mut Holidays,
) -> Result<(), StoreError> {
    for (id, text) in store.holidays()? {
        holidays.take(id);
        let read = serde_json::from_str::<Holiday>(&text).map_err(|error| error.to_string());
        let added = read
            .and_then(|holiday| holidays.restore(id, holiday, catalogue).map_err(|error| error.to_string()));
        if let Err(error) = added {
            tracing::warn!(id, error, "a holiday does not fit any more");
        }
    }
    Ok(())
}

impl Hub {
    /// Keeps that a market was opened or closed; hours that were set before do not count any more.
    pub(super) fn keep_market(&mut self, name: &str, open: bool) {
        self.keep_edits(name, |edits| {
            edits.market = Some(open);
            edits.terms.hours = None;
        });
    }

    /// Keeps what was changed in a symbol.
    pub(super) fn keep_terms(&mut self, name: &str, later: &SymbolEdit) {
        self.keep_edits(name, |edits| edits.terms.amend(later));
    }

    /// Keeps a holiday.
    pub(super) fn keep_holiday(&mut self, id: u64, holiday: &Holiday) {
        let now = self.kept_time();
        if let Some((store, text)) = self.store.as_mut().zip(serde_json::to_string(holiday).ok()) {
            store.keep_holiday(id, text, now);
        }
    }

    /// Keeps that there is a holiday no more.
    pub(super) fn forget_holiday(&mut self, id: u64) {
        let now = self.kept_time();
        if let Some(store) = &mut self.store {
            store.forget_holiday(id, now);
        }
    }

    fn keep_edits(&mut self, name: &str, change: impl FnOnce(&mut Edits)) {
        let now = self.kept_time();
        let Some(store) = &mut self.store else { return };
        let before = store.edits_of(name).and_then(|text| serde_json::from_str(&text).ok());
        let mut edits: Edits = before.unwrap_or_default();
        change(&mut edits);
        if let Ok(text) = serde_json::to_string(&edits) {
            store.keep_symbol(name, text, now);
        }
    }
}
