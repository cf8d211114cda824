//! Interest in streams.

use std::time::Duration;

use calls::reply::{Order, Text};
use calls::subscriptions::{
    Subscribe, SubscribeMany, SubscribeOrderProfit, UnSubscribe, UnSubscribeMany, UnSubscribeOrderProfit,
};
use calls::{Handle, Names, Token};
use error::{Code, Error};

use crate::backend::Caller;
use crate::session::SUBSCRIBED_MAX;
use crate::session::state::State;

impl Handle<Subscribe> for Caller<'_> {
    async fn handle(&self, call: Subscribe) -> Result<Text, Error> {
        self.subscribe(&call.id, std::iter::once(call.symbol).collect(), call.interval_ms).await
    }
}

impl Handle<SubscribeMany> for Caller<'_> {
    async fn handle(&self, call: SubscribeMany) -> Result<Text, Error> {
        // All symbols go to the server in one request in any case, so `force` changes nothing.
        self.subscribe(&call.id, call.symbols, call.interval_ms).await
    }
}

impl Handle<UnSubscribe> for Caller<'_> {
    async fn handle(&self, call: UnSubscribe) -> Result<Text, Error> {
        self.unsubscribe(&call.id, Some(std::iter::once(call.symbol).collect())).await
    }
}

impl Handle<UnSubscribeMany> for Caller<'_> {
    async fn handle(&self, call: UnSubscribeMany) -> Result<Text, Error> {
        self.unsubscribe(&call.id, call.symbols).await
    }
}

impl Handle<SubscribeOrderProfit> for Caller<'_> {
    /// The one client known to call it reads a list of orders from the answer.
    async fn handle(&self, call: SubscribeOrderProfit) -> Result<Vec<Order>, Error> {
        let session = self.session(&call.id)?;
        session.set_profit_pace(Some(Duration::from_millis(call.interval_ms.into())))?;
        session.visit(self.deadline, State::opened_orders).await
    }
}

impl Handle<UnSubscribeOrderProfit> for Caller<'_> {
    async fn handle(&self, call: UnSubscribeOrderProfit) -> Result<Text, Error> {
        self.session(&call.id)?.set_profit_pace(None)?;
        Ok(Text::OK)
    }
}

impl Caller<'_> {
    async fn subscribe(&self, id: &Token, symbols: Names, interval_ms: u32) -> Result<Text, Error> {
        let interval = Duration::from_millis(interval_ms.into());
        let subscribe = move |state: &mut State| {
            for id in known_ids(state, &symbols)? {
                if !state.quotes.subscribe(id, interval) {
                    return Err(Error::busy(format!(
                        "A session can subscribe to {SUBSCRIBED_MAX} symbols. Unsubscribe from some first."
                    )));
                }
            }
            Ok(Text::OK)
        };
        self.session(id)?.visit(self.deadline, subscribe).await?
    }

    async fn unsubscribe(&self, id: &Token, symbols: Option<Names>) -> Result<Text, Error> {
        let unsubscribe = move |state: &mut State| {
            let ids = match &symbols {
                Some(symbols) => known_ids(state, symbols)?,
                None => state.quotes.subscribed(),
            };
            for id in ids {
                state.quotes.unsubscribe(id);
            }
            Ok(Text::OK)
        };
        self.session(id)?.visit(self.deadline, unsubscribe).await?
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
    names
        .into_iter()
        .map(|name| Ok(state.catalogue.named(name).ok_or_else(|| Error::invalid_symbol(name))?.id))
        .collect()
}
