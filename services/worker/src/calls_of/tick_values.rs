//! What one tick of one lot is worth.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use calls::reply::{self, TickValueWithSize as Shown};
use calls::symbols::{GetTickValueMany, TickValueWithSize};
use calls::{Handle, Names};
use error::Error;

use crate::backend::{About, Caller};
use crate::session::Session;
use crate::session::state::State;
use crate::session::terms::Terms;

impl Handle<GetTickValueMany> for Caller<'_> {
    async fn handle(
        &self,
        call: GetTickValueMany,
        session: About<GetTickValueMany>,
    ) -> Result<Vec<BTreeMap<String, f64>>, Error> {
        let values = self.tick_values(&session, call.symbols).await?;
        Ok(values.into_iter().map(|one| BTreeMap::from([(one.symbol, one.tick_value)])).collect())
    }
}

impl Handle<TickValueWithSize> for Caller<'_> {
    async fn handle(
        &self,
        call: TickValueWithSize,
        session: About<TickValueWithSize>,
    ) -> Result<Vec<reply::TickValueWithSize>, Error> {
        self.tick_values(&session, call.symbols).await
    }
}

impl Caller<'_> {
    /// Of some symbols, or of all with running quotes.
    async fn tick_values(&self, session: &Session, symbols: Option<Names>) -> Result<Vec<Shown>, Error> {
        let symbols = match symbols {
            Some(symbols) => symbols,
            None => session.visit(self.deadline, State::subscribed_symbols).await?.into_iter().collect(),
        };
        if symbols.is_empty() {
            return Ok(Vec::new());
        }
        let all = self.terms_of(session, Some(symbols)).await?;
        let currencies: BTreeSet<String> =
            all.iter().map(|terms| terms.contract.currency_profit.clone()).collect();
        let needed = currencies.clone();
        let pairs = move |state: &mut State| state.conversion_ways(needed.iter().map(String::as_str));
        let pairs = session.visit(self.deadline, pairs).await?;
        self.priced(session, pairs, move |state| currencies.iter().all(|one| state.converts(one))).await?;
        let show = move |state: &mut State| all.iter().map(|terms| shown(state, terms)).collect();
        session.visit(self.deadline, show).await
    }
}

fn shown(state: &State, terms: &Arc<Terms>) -> Shown {
    Shown {
        symbol: terms.full.trade_symbol.clone(),
        // Calculation modes without a formula have none.
        tick_value: state.tick_value(terms).map_or(0.0, |value| value.profit),
        tick_size: terms.contract.tick_size,
        tick_value_mq: state.terminal_tick_values(terms).0,
    }
}

impl State {
    /// As the desktop terminal shows it, for gains and for losses in account currency: worked out as profits are (MQL5
    /// Reference, `SYMBOL_TRADE_TICK_VALUE_PROFIT` and `_LOSS`), not the symbol's own figure, which is part of the margin of
    /// indices only. Zero while a rate is missing, and for calculation modes without a formula.
    pub(super) fn terminal_tick_values(&self, terms: &Terms) -> (f64, f64) {
        self.tick_value(terms).map_or((0.0, 0.0), |value| (value.profit, value.loss))
    }

    /// The names of the symbols with running quotes.
    pub(super) fn subscribed_symbols(&mut self) -> Vec<String> {
        let name = |id: u32| self.catalogue.by_id(id).map(|symbol| symbol.name.to_string());
        self.quotes.wanted.keys().filter_map(name).collect()
    }
}
