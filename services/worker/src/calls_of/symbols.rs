//! Symbols and quotes.

use std::collections::BTreeMap;
use std::time::Duration;

use calls::reply::{self, Quote, SymbolInfo};
use calls::symbols::{GetQuote, GetQuoteMany, ServerTimezone, SymbolList, SymbolParams, Symbols};
use calls::{Handle, Names, Token};
use error::{Code, Error};
use model::calc::{rate_buy, rate_sell};
use tokio::time::Instant;

use super::subscriptions::known_ids;
use crate::backend::Caller;
use crate::session::Session;
use crate::session::state::State;
use crate::session::terms::Terms;
use crate::translate::{finite, symbol_info, symbol_params};

/// A quote that was not asked for before must come within this time.
const QUOTE_LIMIT: Duration = Duration::from_secs(10);
/// It is looked for when something comes from the server, and at least so often.
const QUOTE_LOOK: Duration = Duration::from_millis(50);

impl Handle<Symbols> for Caller<'_> {
    async fn handle(&self, call: Symbols) -> Result<BTreeMap<String, SymbolInfo>, Error> {
        let session = self.session(&call.id)?;
        let missing = |state: &mut State| {
            let ids = state.catalogue.list().iter().map(|one| one.id);
            ids.filter(|id| state.catalogue.full(*id).is_none()).collect::<Vec<u32>>()
        };
        let missing = session.visit(self.deadline, missing).await?;
        session.fetch_symbols(self.deadline, &missing).await?;
        let show = |state: &mut State| {
            let ids: Vec<u32> = state.catalogue.list().iter().map(|one| one.id).collect();
            let full = ids.into_iter().filter_map(|id| state.terms(id));
            full.collect::<Vec<_>>()
                .iter()
                .map(|terms| {
                    (terms.full.trade_symbol.clone(), symbol_info(&terms.full, tick_values(state, terms)))
                })
                .collect::<BTreeMap<_, _>>()
        };
        session.visit(self.deadline, show).await
    }
}

impl Handle<SymbolList> for Caller<'_> {
    async fn handle(&self, call: SymbolList) -> Result<Vec<String>, Error> {
        let names = |state: &mut State| {
            state.catalogue.list().iter().map(|one| one.name.to_string()).collect::<Vec<_>>()
        };
        self.session(&call.id)?.visit(self.deadline, names).await
    }
}

impl Handle<ServerTimezone> for Caller<'_> {
    async fn handle(&self, call: ServerTimezone) -> Result<f64, Error> {
        let zone_ms = self.session(&call.id)?.visit(self.deadline, |state| state.zone_ms()).await?;
        Ok(zone_ms as f64 / 3_600_000.0)
    }
}

impl Handle<SymbolParams> for Caller<'_> {
    async fn handle(&self, call: SymbolParams) -> Result<reply::SymbolParams, Error> {
        let session = self.session(&call.id)?;
        let terms = session.terms(self.deadline, &call.symbol).await?;
        let show = move |state: &mut State| symbol_params(&terms, tick_values(state, &terms));
        session.visit(self.deadline, show).await
    }
}

/// Profit of one tick and one lot in account currency, for gains and for losses; zero while a rate is missing.
fn tick_values(state: &State, terms: &Terms) -> (f64, f64) {
    let contract = &terms.contract;
    let raw = if contract.tick_value > 0.0 {
        contract.tick_value
    } else {
        contract.tick_size * contract.contract_size
    };
    let market = state.quotes.market(&state.catalogue);
    let (from, to) = (contract.currency_profit.as_str(), state.account.main.account_currency.as_str());
    let value = |rate: Option<f64>| finite(raw * rate.unwrap_or(0.0));
    (value(rate_sell(from, to, &market)), value(rate_buy(from, to, &market)))
}

impl Handle<GetQuote> for Caller<'_> {
    async fn handle(&self, call: GetQuote) -> Result<Quote, Error> {
        let symbols = std::iter::once(call.symbol.clone()).collect();
        let quotes = self.quotes(&call.id, symbols, call.ms_not_older).await?;
        quotes.into_iter().next().ok_or_else(|| Error::invalid_symbol(&call.symbol))
    }
}

impl Handle<GetQuoteMany> for Caller<'_> {
    async fn handle(&self, call: GetQuoteMany) -> Result<Vec<Quote>, Error> {
        self.quotes(&call.id, call.symbols, call.ms_not_older).await
    }
}

impl Caller<'_> {
    async fn quotes(&self, id: &Token, symbols: Names, ms_not_older: u32) -> Result<Vec<Quote>, Error> {
        let session = self.session(id)?;
        let watch = move |state: &mut State| {
            let ids = known_ids(state, &symbols)?;
            ids.iter().for_each(|id| state.quotes.watch(*id));
            Ok::<_, Error>(ids)
        };
        let ids = session.visit(self.deadline, watch).await??;
        // Zero accepts any age.
        let oldest = (ms_not_older > 0)
            .then(|| Instant::now().checked_sub(Duration::from_millis(ms_not_older.into())));
        self.wait_for_quotes(&session, &ids, oldest.flatten()).await
    }

    /// The quotes of some symbols, once all are there and young enough.
    pub(super) async fn wait_for_quotes(
        &self,
        session: &Session,
        ids: &[u32],
        oldest: Option<Instant>,
    ) -> Result<Vec<Quote>, Error> {
        let until = self.deadline.min(Instant::now() + QUOTE_LIMIT);
        loop {
            let wanted = ids.to_vec();
            let look = move |state: &mut State| {
                let zone_ms = state.zone_ms();
                let mut quotes = Vec::with_capacity(wanted.len());
                for id in wanted {
                    let name = state.catalogue.by_id(id).map(|one| one.name.to_string()).unwrap_or_default();
                    let fresh =
                        state.quotes.received(id).is_some_and(|at| oldest.is_none_or(|oldest| at >= oldest));
                    match state.quotes.quote(id, &name, zone_ms).filter(|_| fresh) {
                        Some(quote) => quotes.push(quote),
                        None => return Err(name),
                    }
                }
                Ok(quotes)
            };
            match session.visit(self.deadline, look).await? {
                Ok(quotes) => return Ok(quotes),
                Err(name) if Instant::now() >= until => {
                    let told = format!("There is no quote of {name}. Its market may be closed.");
                    return Err(Error::new(Code::NoPrices, told));
                }
                Err(_) => session.news(until.min(Instant::now() + QUOTE_LOOK)).await,
            }
        }
    }
}
