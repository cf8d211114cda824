//! Symbols: contract data and trading conditions.

use std::collections::BTreeMap;
use std::sync::Arc;

use calls::reply::{self, Filtered, SymbolInfo};
use calls::symbols::{ServerClock, ServerTimezone, SymbolList, SymbolParams, SymbolParamsMany, Symbols};
use calls::{Handle, Names};
use error::{Code, Error};

use super::subscriptions::known_ids;
use crate::backend::{About, Caller};
use crate::session::Session;
use crate::session::state::State;
use crate::session::terms::Terms;
use crate::translate::{symbol_info, symbol_params};

impl Handle<Symbols> for Caller<'_> {
    async fn handle(
        &self,
        _: Symbols,
        session: About<Symbols>,
    ) -> Result<BTreeMap<String, SymbolInfo>, Error> {
        let all = self.terms_of(&session, None).await?;
        let show = move |state: &mut State| {
            let info = |terms: &Arc<Terms>| symbol_info(&terms.full, state.terminal_tick_values(terms));
            all.iter().map(|terms| (terms.full.trade_symbol.clone(), info(terms))).collect()
        };
        session.visit(self.deadline, show).await
    }
}

impl Handle<SymbolList> for Caller<'_> {
    async fn handle(&self, _: SymbolList, session: About<SymbolList>) -> Result<Vec<String>, Error> {
        let names = |state: &mut State| {
            state.catalogue.list().iter().map(|one| one.name.to_string()).collect::<Vec<_>>()
        };
        session.visit(self.deadline, names).await
    }
}

impl Handle<ServerTimezone> for Caller<'_> {
    async fn handle(&self, _: ServerTimezone, session: About<ServerTimezone>) -> Result<f64, Error> {
        let zone_ms = session.visit(self.deadline, |state| state.zone.ahead_ms()).await?;
        Ok(zone_ms as f64 / 3_600_000.0)
    }
}

impl Handle<ServerClock> for Caller<'_> {
    async fn handle(&self, _: ServerClock, session: About<ServerClock>) -> Result<calls::ServerClock, Error> {
        session.visit(self.deadline, |state| state.zone).await
    }
}

impl Handle<SymbolParams> for Caller<'_> {
    async fn handle(
        &self,
        call: SymbolParams,
        session: About<SymbolParams>,
    ) -> Result<reply::SymbolParams, Error> {
        let terms = session.terms(self.deadline, &call.symbol).await?;
        let show = move |state: &mut State| symbol_params(&terms, state.terminal_tick_values(&terms));
        session.visit(self.deadline, show).await
    }
}

impl Handle<SymbolParamsMany> for Caller<'_> {
    async fn handle(
        &self,
        call: SymbolParamsMany,
        session: About<SymbolParamsMany>,
    ) -> Result<Filtered<Vec<reply::SymbolParams>>, Error> {
        if let Some(limit) = call.limit {
            let count = session.visit(self.deadline, |state| state.catalogue.list().len()).await?;
            if u32::try_from(count).is_ok_and(|count| count > limit) {
                let told = format!("The server has {count} symbols, more than the limit of {limit}.");
                return Err(Error::new(Code::InvalidParam, told));
            }
        }
        let all = self.terms_of(&session, call.symbols).await?;
        let show = move |state: &mut State| {
            let params = |terms: &Arc<Terms>| symbol_params(terms, state.terminal_tick_values(terms));
            all.iter().map(params).collect()
        };
        Ok(Filtered::new(session.visit(self.deadline, show).await?, call.filter.as_ref()))
    }
}

impl Caller<'_> {
    /// The terms of some symbols, or of all; what is not there yet is fetched.
    pub(super) async fn terms_of(
        &self,
        session: &Session,
        symbols: Option<Names>,
    ) -> Result<Vec<Arc<Terms>>, Error> {
        let choose = move |state: &mut State| {
            let ids: Vec<u32> = match &symbols {
                Some(symbols) => known_ids(state, symbols)?,
                None => state.catalogue.list().iter().map(|one| one.id).collect(),
            };
            let missing = ids.iter().copied().filter(|id| state.catalogue.full(*id).is_none()).collect();
            Ok::<(Vec<u32>, Vec<u32>), Error>((ids, missing))
        };
        let (ids, missing) = session.visit(self.deadline, choose).await??;
        session.fetch_symbols(self.deadline, &missing).await?;
        // A symbol that the server has on its list and has no record of is left out.
        let take = move |state: &mut State| ids.iter().filter_map(|id| state.terms(*id)).collect();
        session.visit(self.deadline, take).await
    }
}
