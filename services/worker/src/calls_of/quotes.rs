//! Present prices of symbols, and the day's figures.

use std::time::Duration;

use calls::reply::{MarketWatch, Quote};
use calls::symbols::{GetQuote, GetQuoteMany, MarketWatchMany};
use calls::{Handle, Names};
use error::{Code, Error};
use tokio::time::Instant;

use super::subscriptions::known_ids;
use crate::backend::{About, Caller};
use crate::session::Session;
use crate::session::state::State;

/// A quote that was not asked for before must come within this time.
pub(super) const QUOTE_LIMIT: Duration = Duration::from_secs(10);
/// It is looked for when something comes from the server, and at least so often.
pub(super) const QUOTE_LOOK: Duration = Duration::from_millis(50);
/// The day's figures follow the first quote within this time, if the server tells them at all.
const DETAILS_LIMIT: Duration = Duration::from_secs(1);

impl Handle<GetQuote> for Caller<'_> {
    async fn handle(&self, call: GetQuote, session: About<GetQuote>) -> Result<Quote, Error> {
        let symbols = std::iter::once(call.symbol.clone()).collect();
        let quotes = self.quotes(&session, symbols, call.ms_not_older).await?;
        quotes.into_iter().next().ok_or_else(|| Error::invalid_symbol(&call.symbol, &[]))
    }
}

impl Handle<GetQuoteMany> for Caller<'_> {
    async fn handle(&self, call: GetQuoteMany, session: About<GetQuoteMany>) -> Result<Vec<Quote>, Error> {
        self.quotes(&session, call.symbols, call.ms_not_older).await
    }
}

impl Handle<MarketWatchMany> for Caller<'_> {
    async fn handle(
        &self,
        call: MarketWatchMany,
        session: About<MarketWatchMany>,
    ) -> Result<Vec<MarketWatch>, Error> {
        let ids = self.watch(&session, call.symbols).await?;
        self.wait_for_quotes(&session, &ids, None).await?;
        let until = self.deadline.min(Instant::now() + DETAILS_LIMIT);
        loop {
            let wanted = ids.clone();
            let look = move |state: &mut State| {
                let shown: Vec<_> = wanted.iter().filter_map(|id| state.market_watch(*id)).collect();
                (shown, wanted.iter().all(|id| state.market_watches.has(*id)))
            };
            let (shown, is_whole) = session.visit(self.deadline, look).await?;
            if is_whole || Instant::now() >= until {
                return Ok(shown);
            }
            session.news(until.min(Instant::now() + QUOTE_LOOK)).await;
        }
    }
}

impl Caller<'_> {
    /// Keeps the prices of some symbols coming.
    async fn watch(&self, session: &Session, symbols: Names) -> Result<Vec<u32>, Error> {
        let watch = move |state: &mut State| {
            let ids = known_ids(state, &symbols)?;
            ids.iter().for_each(|id| state.quotes.watch(*id));
            Ok(ids)
        };
        session.visit(self.deadline, watch).await?
    }

    /// Keeps the prices of some symbols coming until there are enough of them for something.
    pub(super) async fn priced(
        &self,
        session: &Session,
        ids: Vec<u32>,
        is_enough: impl Fn(&State) -> bool + Clone + Send + 'static,
    ) -> Result<(), Error> {
        let until = self.deadline.min(Instant::now() + QUOTE_LIMIT);
        loop {
            let (watched, is_enough) = (ids.clone(), is_enough.clone());
            let look = move |state: &mut State| {
                watched.iter().for_each(|id| state.quotes.watch(*id));
                is_enough(state)
            };
            if session.visit(self.deadline, look).await? {
                return Ok(());
            }
            if Instant::now() >= until {
                let told = "A price that this is computed from, or converted by, does not come. Its market may be closed.";
                return Err(Error::new(Code::NoPrices, told));
            }
            session.news(until.min(Instant::now() + QUOTE_LOOK)).await;
        }
    }

    async fn quotes(
        &self,
        session: &Session,
        symbols: Names,
        ms_not_older: u32,
    ) -> Result<Vec<Quote>, Error> {
        let ids = self.watch(session, symbols).await?;
        // Zero accepts any age.
        let oldest = (ms_not_older > 0)
            .then(|| Instant::now().checked_sub(Duration::from_millis(ms_not_older.into())));
        self.wait_for_quotes(session, &ids, oldest.flatten()).await
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
                let zone = state.zone;
                let mut quotes = Vec::with_capacity(wanted.len());
                for id in wanted {
                    let name = state.catalogue.by_id(id).map(|one| one.name.to_string()).unwrap_or_default();
                    let fresh =
                        state.quotes.received(id).is_some_and(|at| oldest.is_none_or(|oldest| at >= oldest));
                    match state.quotes.quote(id, &name, zone).filter(|_| fresh) {
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
