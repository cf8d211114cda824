//! What one tick of one lot is worth, and who wants events of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use calls::reply::SymbolTickValue;
use model::calc::{TickValue, tick_value};

use super::paced::Paced;
use super::state::State;
use super::terms::Terms;

/// The symbols whose tick values clients want.
#[derive(Debug, Default)]
pub(crate) struct TickValues {
    pub(crate) wanted: Paced<u32>,
    /// By symbol: itself and the pairs that its profit is converted by.
    inputs: BTreeMap<u32, Vec<u32>>,
}

impl TickValues {
    /// Begins events of a symbol whose value depends on these symbols' prices. Returns `false` if there are too many.
    pub(crate) fn subscribe(&mut self, id: u32, inputs: Vec<u32>, interval: Duration) -> bool {
        let begun = self.wanted.begin(id, interval, true);
        if begun {
            self.inputs.insert(id, inputs);
        }
        begun
    }

    /// Ends events of a symbol.
    pub(crate) fn unsubscribe(&mut self, id: u32) {
        self.wanted.end(id);
        self.inputs.remove(&id);
    }

    /// Symbols whose ticks are needed.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = u32> {
        self.inputs.values().flatten().copied()
    }

    /// A price has changed.
    pub(crate) fn on_price(&mut self, of: u32) {
        for (id, inputs) in &self.inputs {
            if inputs.contains(&of) {
                self.wanted.touch(*id);
            }
        }
    }

    /// Symbol ids have changed.
    pub(crate) fn renumber(&mut self, new_id: &impl Fn(u32) -> Option<u32>) {
        self.wanted.rename(new_id);
        let old = std::mem::take(&mut self.inputs);
        let all = |ids: Vec<u32>| ids.into_iter().filter_map(new_id).collect();
        self.inputs = old.into_iter().filter_map(|(id, inputs)| Some((new_id(id)?, all(inputs)))).collect();
    }
}

impl State {
    /// What one tick of one lot is worth now; `None` while a price is missing.
    pub(crate) fn tick_value(&self, terms: &Terms) -> Option<TickValue> {
        tick_value(&terms.contract, &self.deposit(), &self.quotes.market(&self.catalogue))
    }

    /// The same as a stream tells it.
    pub(crate) fn told_tick_value(&mut self, id: u32) -> Option<SymbolTickValue> {
        let terms = self.terms(id)?;
        let value = self.tick_value(&terms)?;
        Some(SymbolTickValue {
            symbol: terms.full.trade_symbol.clone(),
            tick_value: value.profit,
            tick_size: terms.contract.tick_size,
        })
    }

    /// A symbol, and the pairs that its profit is converted by.
    pub(crate) fn value_inputs(&self, terms: &Terms) -> Vec<u32> {
        let mut ids = vec![terms.full.symbol_id];
        self.add_conversions(&terms.contract.currency_profit, &self.deposit().currency, &mut ids);
        let each: BTreeSet<u32> = ids.into_iter().collect();
        each.into_iter().collect()
    }
}
