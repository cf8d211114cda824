//! Trades that are tried only: they go the way of every other up to the moment at which it would be sent.

use bus::Payload;
use calls::TradingCall;
use calls::reply::{Check, Reply};
use error::Error;
use tokio::time::Instant;

use super::PRICE_LIMIT;
use crate::backend::Caller;
use crate::calls_of::quotes::QUOTE_LOOK;
use crate::session::Session;
use crate::session::dry_run;
use crate::session::only_reduces;
use crate::session::state::State;

/// Answers what a trade would come to. No key is begun, nothing is journalled, and nothing is sent.
pub(super) async fn answer(
    caller: &Caller<'_>,
    session: &Session,
    call: TradingCall,
) -> Result<Payload, Error> {
    caller.may_trade(session).await?;
    let stopped = call.dispatch(caller).await;
    // Whatever keeps it from becoming a request is the answer, as it would be in earnest.
    let Some(tried) = caller.tried().cloned() else { return stopped };
    let until = caller.deadline.min(Instant::now() + PRICE_LIMIT);
    loop {
        let looked = tried.clone();
        let lacks = move |state: &mut State| dry_run::lacks_prices(&looked, state);
        if !session.visit(caller.deadline, lacks).await? || Instant::now() >= until {
            break;
        }
        session.news(until.min(Instant::now() + QUOTE_LOOK)).await;
    }
    let guarding = caller.worker.guarding_of_tried(session, &caller.by).await;
    let reduce_only = caller.reduce_only().await;
    let look = move |state: &mut State| {
        // Others that are under way may take what this one would close; in earnest they are looked at as well.
        let is_refused = reduce_only.is_some() && !only_reduces(&tried.request, state, std::iter::empty());
        (dry_run::told(&tried, &guarding, state), reduce_only.filter(|_| is_refused))
    };
    let (mut told, refused) = session.visit(caller.deadline, look).await?;
    if let Some(refused) = refused {
        told.is_accepted = false;
        told.checks.push(Check {
            name: "reduceOnly".to_owned(),
            is_passed: Some(false),
            code: refused.code().as_str().to_owned(),
            message: refused.detail().to_owned(),
        });
    }
    told.payload()
}
