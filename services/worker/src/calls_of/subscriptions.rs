//! Interest in streams.

use std::sync::Arc;
use std::time::Duration;

use calls::reply::{Order, Text};
use calls::subscriptions::{
    Subscribe, SubscribeMany, SubscribeMarketWatch, SubscribeOhlc, SubscribeOpenedOrdersTickets,
    SubscribeOrderBook, SubscribeOrderProfit, SubscribeOrderUpdate, SubscribeTickValue, SubscribedSymbols,
    TickHistoryRequest, TickHistoryStop, UnSubscribe, UnSubscribeMany, UnSubscribeMarketWatch,
    UnSubscribeOrderProfit, UnSubscribeTickValue, UnsubscribeOhlc, UnsubscribeOrderBook,
};
use calls::{Handle, Names, TimeFrame};
use error::{Code, Error};
use model::calendar::{date_from_days, days_from_date};

use crate::backend::{About, Caller};
use crate::session::state::State;
use crate::session::{SUBSCRIBED_MAX, Session};

impl Handle<Subscribe> for Caller<'_> {
    async fn handle(&self, call: Subscribe, session: About<Subscribe>) -> Result<Text, Error> {
        self.subscribe(&session, std::iter::once(call.symbol).collect(), call.interval_ms).await
    }
}

impl Handle<SubscribeMany> for Caller<'_> {
    async fn handle(&self, call: SubscribeMany, session: About<SubscribeMany>) -> Result<Text, Error> {
        // All symbols go to the server in one request in any case, so `force` changes nothing.
        self.subscribe(&session, call.symbols, call.interval_ms).await
    }
}

impl Handle<UnSubscribe> for Caller<'_> {
    async fn handle(&self, call: UnSubscribe, session: About<UnSubscribe>) -> Result<Text, Error> {
        self.unsubscribe(&session, Some(std::iter::once(call.symbol).collect())).await
    }
}

impl Handle<UnSubscribeMany> for Caller<'_> {
    async fn handle(&self, call: UnSubscribeMany, session: About<UnSubscribeMany>) -> Result<Text, Error> {
        self.unsubscribe(&session, call.symbols).await
    }
}

impl Handle<SubscribeOrderProfit> for Caller<'_> {
    /// The one client known to call it reads a list of orders from the answer.
    async fn handle(
        &self,
        call: SubscribeOrderProfit,
        session: About<SubscribeOrderProfit>,
    ) -> Result<Vec<Order>, Error> {
        session.set_profit_pace(Some(Duration::from_millis(call.interval_ms.into())))?;
        session.visit(self.deadline, State::opened_orders).await
    }
}

impl Handle<UnSubscribeOrderProfit> for Caller<'_> {
    async fn handle(
        &self,
        _: UnSubscribeOrderProfit,
        session: About<UnSubscribeOrderProfit>,
    ) -> Result<Text, Error> {
        session.set_profit_pace(None)?;
        Ok(Text::OK)
    }
}

impl Handle<SubscribeOrderUpdate> for Caller<'_> {
    /// Order updates need no asking; as with profits, a list of orders is what clients read from the answer.
    async fn handle(
        &self,
        _: SubscribeOrderUpdate,
        session: About<SubscribeOrderUpdate>,
    ) -> Result<Vec<Order>, Error> {
        session.visit(self.deadline, State::opened_orders).await
    }
}

impl Handle<SubscribeOpenedOrdersTickets> for Caller<'_> {
    async fn handle(
        &self,
        call: SubscribeOpenedOrdersTickets,
        session: About<SubscribeOpenedOrdersTickets>,
    ) -> Result<Text, Error> {
        session.set_tickets_pace(call.interval_ms);
        Ok(Text::OK)
    }
}

impl Handle<SubscribedSymbols> for Caller<'_> {
    async fn handle(
        &self,
        _: SubscribedSymbols,
        session: About<SubscribedSymbols>,
    ) -> Result<Vec<String>, Error> {
        session.visit(self.deadline, State::subscribed_symbols).await
    }
}

impl Handle<SubscribeTickValue> for Caller<'_> {
    async fn handle(
        &self,
        call: SubscribeTickValue,
        session: About<SubscribeTickValue>,
    ) -> Result<Text, Error> {
        let terms = session.terms(self.deadline, &call.symbol).await?;
        let interval = Duration::from_millis(call.interval_ms.into());
        let subscribe = move |state: &mut State| {
            let inputs = state.value_inputs(&terms);
            begun(state.tick_values.subscribe(terms.full.symbol_id, inputs, interval))
        };
        session.visit(self.deadline, subscribe).await?
    }
}

impl Handle<UnSubscribeTickValue> for Caller<'_> {
    async fn handle(
        &self,
        call: UnSubscribeTickValue,
        session: About<UnSubscribeTickValue>,
    ) -> Result<Text, Error> {
        let symbols = std::iter::once(call.symbol).collect();
        self.end_each(&session, symbols, |state, id| state.tick_values.unsubscribe(id)).await
    }
}

impl Handle<SubscribeMarketWatch> for Caller<'_> {
    async fn handle(
        &self,
        _: SubscribeMarketWatch,
        session: About<SubscribeMarketWatch>,
    ) -> Result<Text, Error> {
        let begin = |state: &mut State| {
            let all = state.wanted_ticks();
            state.market_watches.want(true, all.into_iter());
        };
        session.visit(self.deadline, begin).await?;
        Ok(Text::OK)
    }
}

impl Handle<UnSubscribeMarketWatch> for Caller<'_> {
    async fn handle(
        &self,
        _: UnSubscribeMarketWatch,
        session: About<UnSubscribeMarketWatch>,
    ) -> Result<Text, Error> {
        let end = |state: &mut State| state.market_watches.want(false, std::iter::empty());
        session.visit(self.deadline, end).await?;
        Ok(Text::OK)
    }
}

impl Handle<SubscribeOrderBook> for Caller<'_> {
    async fn handle(
        &self,
        call: SubscribeOrderBook,
        session: About<SubscribeOrderBook>,
    ) -> Result<Text, Error> {
        // The volumes of a book are told in units of the base asset: lots need the symbol's terms.
        let all = self.terms_of(&session, Some(call.symbols)).await?;
        if let Some(without) = all.iter().find(|terms| terms.full.ticks_bookdepth == 0) {
            let told = format!("The broker shows no order book of {}.", without.full.trade_symbol);
            return Err(Error::new(Code::NotFound, told));
        }
        let interval = Duration::from_millis(call.interval_ms.into());
        let subscribe = move |state: &mut State| {
            let mut all = all.iter();
            begun(all.all(|terms| state.books.subscribe(terms.full.symbol_id, interval)))
        };
        session.visit(self.deadline, subscribe).await?
    }
}

impl Handle<UnsubscribeOrderBook> for Caller<'_> {
    async fn handle(
        &self,
        call: UnsubscribeOrderBook,
        session: About<UnsubscribeOrderBook>,
    ) -> Result<Text, Error> {
        self.end_each(&session, call.symbols, |state, id| state.books.unsubscribe(id)).await
    }
}

impl Handle<SubscribeOhlc> for Caller<'_> {
    async fn handle(&self, call: SubscribeOhlc, session: About<SubscribeOhlc>) -> Result<Text, Error> {
        let symbol = call.symbol.ok_or_else(|| Error::missing_param("symbol", "the name of a symbol"))?;
        // Whether its candles go by bids or by deals is in the terms.
        let id = session.terms(self.deadline, &symbol).await?.full.symbol_id;
        let interval = Duration::from_secs(call.interval_s.into());
        let subscribe =
            move |state: &mut State| begun(state.candles.subscribe((id, call.timeframe), interval));
        session.visit(self.deadline, subscribe).await?
    }
}

impl Handle<UnsubscribeOhlc> for Caller<'_> {
    async fn handle(&self, call: UnsubscribeOhlc, session: About<UnsubscribeOhlc>) -> Result<Text, Error> {
        let end = move |state: &mut State| {
            let id = match &call.symbol {
                Some(symbol) => {
                    let known = state.catalogue.known(symbol)?;
                    Some(known.id)
                }
                None => None,
            };
            let is_meant = |which: &(u32, TimeFrame)| {
                id.is_none_or(|id| which.0 == id) && call.timeframe.is_none_or(|frame| which.1 == frame)
            };
            let meant: Vec<_> = state.candles.wanted().filter(is_meant).collect();
            meant.into_iter().for_each(|which| state.candles.unsubscribe(which));
            Ok(Text::OK)
        };
        session.visit(self.deadline, end).await?
    }
}

impl Handle<TickHistoryRequest> for Caller<'_> {
    async fn handle(
        &self,
        call: TickHistoryRequest,
        session: About<TickHistoryRequest>,
    ) -> Result<Text, Error> {
        let from_ms = day_start_ms(call.year, call.month, call.day)?;
        let begin = move |state: &mut State| {
            let symbol = state.catalogue.known(&call.symbol)?;
            let (id, name) = (symbol.id, Arc::clone(&symbol.name));
            // From now on at least.
            state.quotes.watch(id);
            if !state.tick_writer.has_any_since(&name, from_ms) {
                let told = format!(
                    "No ticks of {name} are kept since that day. The Web Terminal protocol has no past ticks: this \
                     service keeps those it receives, from now on also of this symbol."
                );
                return Err(Error::new(Code::NotFound, told));
            }
            if state.downloads.begin(&name, from_ms) {
                return Ok(Text::OK);
            }
            Err(Error::busy(
                "Too many tick downloads of this session are under way. Stop one with TickHistoryStop.",
            ))
        };
        session.visit(self.deadline, begin).await?
    }
}

impl Handle<TickHistoryStop> for Caller<'_> {
    async fn handle(&self, call: TickHistoryStop, session: About<TickHistoryStop>) -> Result<Text, Error> {
        let end = move |state: &mut State| {
            let symbol = state.catalogue.known(&call.symbol)?;
            let name = Arc::clone(&symbol.name);
            state.downloads.stop(&name);
            Ok(Text::OK)
        };
        session.visit(self.deadline, end).await?
    }
}

/// What a subscription answers; `false`: there are too many.
fn begun(fits: bool) -> Result<Text, Error> {
    if fits {
        return Ok(Text::OK);
    }
    Err(Error::busy(format!(
        "A session can subscribe to {SUBSCRIBED_MAX} symbols. Unsubscribe from some first."
    )))
}

/// The midnight that begins a day of the server clock.
fn day_start_ms(year: u32, month: u32, day: u32) -> Result<i64, Error> {
    let date = (i64::from(year), i64::from(month), i64::from(day));
    let days = days_from_date(date.0, date.1, date.2);
    // The calendar counts days that do not exist into the next month.
    if year > 9999 || date_from_days(days) != date {
        return Err(Error::invalid_param(
            "startDay",
            &format!("{year}-{month}-{day}"),
            "a day of the calendar",
        ));
    }
    Ok(days * 86_400_000)
}

impl Caller<'_> {
    async fn subscribe(&self, session: &Session, symbols: Names, interval_ms: u32) -> Result<Text, Error> {
        let interval = Duration::from_millis(interval_ms.into());
        let subscribe = move |state: &mut State| {
            let mut ids = known_ids(state, &symbols)?.into_iter();
            begun(ids.all(|id| state.quotes.subscribe(id, interval)))
        };
        session.visit(self.deadline, subscribe).await?
    }

    async fn unsubscribe(&self, session: &Session, symbols: Option<Names>) -> Result<Text, Error> {
        let symbols = match symbols {
            Some(symbols) => symbols,
            None => session.visit(self.deadline, State::subscribed_symbols).await?.into_iter().collect(),
        };
        if symbols.is_empty() {
            return Ok(Text::OK);
        }
        self.end_each(session, symbols, |state, id| state.quotes.wanted.end(id)).await
    }

    /// Ends one kind of events of several symbols.
    async fn end_each(
        &self,
        session: &Session,
        symbols: Names,
        end: fn(&mut State, u32),
    ) -> Result<Text, Error> {
        let end = move |state: &mut State| {
            known_ids(state, &symbols)?.into_iter().for_each(|id| end(state, id));
            Ok(Text::OK)
        };
        session.visit(self.deadline, end).await?
    }
}

/// The ids of symbols; all must be known before any is used.
pub(super) fn known_ids(state: &State, symbols: &Names) -> Result<Vec<u32>, Error> {
    let names = symbols.resolve(|name| state.catalogue.named(name).is_some());
    if names.is_empty() {
        return Err(Error::new(
            Code::NullArgument,
            "Parameter 'symbols' is required: give one or more names.",
        ));
    }
    names.into_iter().map(|name| Ok(state.catalogue.known(name)?.id)).collect()
}
