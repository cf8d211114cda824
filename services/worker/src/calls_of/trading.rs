//! Orders: from a call to a trade request, and from its outcome to a reply.

mod change;
mod deal;
mod dry_run;
mod expires;
mod keyed;
mod safe;
mod send;

use std::sync::atomic::Ordering;
use std::time::Duration;

use bus::Payload;
use calls::reply::Order;
use calls::trading::OrderSend;
use calls::{Call, TradingCall};
use error::{Code, Details, Error};
use model::{Volume, round_to};
use registry::Key;
use tokio::time::Instant;
use wire::records::TradeRequest;

use super::account::is_read_only;
use super::quotes::QUOTE_LOOK;
use crate::backend::{Caller, Tradable};
use crate::session::details::{explained, volume_refused};
use crate::session::dry_run::Tried;
use crate::session::state::State;
use crate::session::terms::Terms;
use crate::session::{CallName, Intent, Outcome, Session, TradeLimits, Unknown, told};

/// Flags of a request that opens (protocol 10.9).
const FLAGS_OPENING: u32 = 2;
/// Flags of a request that closes.
const FLAGS_CLOSING: u32 = 3;
/// Bit of the account's rights: trading disabled.
pub(super) const TRADE_DISABLED: i32 = 4;
/// The reply must leave before the client stops waiting.
const REPLY_MARGIN: Duration = Duration::from_millis(500);
/// A refusal waits so long for the prices that it tells.
const PRICE_LIMIT: Duration = Duration::from_secs(1);

/// Answers an order call: once under its key, if it has one.
pub(crate) async fn answer(
    caller: &Caller<'_>,
    session: &Session,
    call: TradingCall,
) -> Result<Payload, Error> {
    let answer = match &caller.key {
        _ if caller.dry_run.is_some() => dry_run::answer(caller, session, call).await,
        Some(key @ Key::Chosen(_)) => keyed::once(caller, session, key, call).await,
        Some(key @ Key::Implied { .. }) => safe::once(caller, session, key, call).await,
        None => act(caller, session, call).await,
    };
    // Whatever failed before a request was sent says nothing of outcomes.
    answer.map_err(|failure| match failure.outcome() {
        Some(_) => failure,
        None => failure.with_outcome(error::Outcome::NotSent),
    })
}

/// What every order call begins with: whether the account may trade, and for a `Safe` one whether it is done already.
async fn act(caller: &Caller<'_>, session: &Session, call: TradingCall) -> Result<Payload, Error> {
    caller.may_trade(session).await?;
    let answer = match caller.earlier(session).await? {
        Some(order) => {
            caller.replays();
            OrderSend::payload(&order)
        }
        None => call.dispatch(caller).await,
    };
    let is_sent = caller.sent.load(Ordering::SeqCst);
    answer.map_err(|failure| match failure.outcome() {
        None if is_sent => failure.with_outcome(error::Outcome::Unknown),
        _ => failure,
    })
}

impl Caller<'_> {
    /// Refuses before anything is sent what the account may not do at all.
    async fn may_trade(&self, session: &Session) -> Result<(), Error> {
        let look = |state: &mut State| (state.account.main.rights, state.is_server_up);
        let (rights, is_server_up) = session.visit(self.deadline, look).await?;
        if !is_server_up {
            let told = "The gateway has no connection to the trade server at the moment. Try again.";
            return Err(Error::new(Code::NoConnection, told));
        }
        if is_read_only(rights) {
            let told =
                "Logged in with the investor password, which cannot trade. Connect with the master password.";
            return Err(Error::new(Code::InvestorMode, told));
        }
        if rights & TRADE_DISABLED != 0 {
            return Err(Error::new(Code::TradeDisabled, "The broker has disabled trading on this account."));
        }
        Ok(())
    }

    /// Sends a request once, and turns what comes of it into a reply.
    pub(super) async fn send(
        &self,
        session: &Tradable,
        request: TradeRequest,
        intent: Intent,
        magic: i64,
    ) -> Result<Order, Error> {
        self.admit_volume(&request, intent)?;
        if let Some(tried) = &self.dry_run {
            // A call makes one request.
            let _ = tried.set(Tried { request, magic });
            return Err(Error::internal("a trade that is only tried is not sent"));
        }
        let deadline = self.deadline.checked_sub(REPLY_MARGIN).unwrap_or(self.deadline);
        self.sent.store(true, Ordering::SeqCst);
        let call = CallName { key: self.key.clone(), fingerprint: self.fingerprint.clone() };
        let reduce_only = self.reduce_only().await;
        let guarding = Some(self.worker.guarding(session, &self.by).await);
        let limits = TradeLimits { reduce_only, guarding };
        let outcome = match session.trade(deadline, request.clone(), intent, magic, call, limits).await {
            Outcome::Refused(error) => Outcome::Refused(self.explained(session, &request, error).await),
            outcome => outcome,
        };
        if matches!(outcome, Outcome::NotSent(_)) {
            self.sent.store(false, Ordering::SeqCst);
        }
        self.told(session, outcome)
    }

    /// The error of a refused request with the numbers that help to mend it. It waits a little for the prices that they are
    /// made of: an order does not need a quote, so the session may have none.
    async fn explained(&self, session: &Session, request: &TradeRequest, error: Error) -> Error {
        if error.details().is_some() {
            return error;
        }
        let deadline = self.deadline.checked_sub(REPLY_MARGIN).unwrap_or(self.deadline);
        let until = deadline.min(Instant::now() + PRICE_LIMIT);
        loop {
            let (refusal, refused) = (error.clone(), request.clone());
            let look = move |state: &mut State| explained(refusal, &refused, state);
            // Whether prices come or not, the refusal stands.
            let Ok(told) = session.visit(until, look).await else { return error };
            let lacks_price = told.details().is_some_and(Details::lacks_price);
            if !lacks_price {
                return told;
            }
            if Instant::now() >= until {
                // Whether anything was too near cannot be told without the price.
                return if matches!(told.details(), Some(Details::Freeze(_))) { error } else { told };
            }
            session.news(until.min(Instant::now() + QUOTE_LOOK)).await;
        }
    }

    fn told(&self, session: &Session, outcome: Outcome) -> Result<Order, Error> {
        if let Outcome::Unknown(action_id) | Outcome::Absent(action_id) = outcome {
            let (fingerprint, key) = (self.fingerprint.clone(), self.key.clone());
            session.journal().remember_unknown(Unknown {
                fingerprint,
                key,
                action_id,
                since: Instant::now(),
            });
        }
        told(outcome)
    }

    /// A `Safe` call first asks what became of an equal one whose outcome was unknown. `None`: nothing has come of it, so it may
    /// be sent.
    async fn earlier(&self, session: &Session) -> Result<Option<Order>, Error> {
        if !self.safe {
            return Ok(None);
        }
        let unknown = session.journal().unknown(&self.fingerprint);
        match self.outcome_of(session, unknown).await? {
            Some(Outcome::Done(order)) => Ok(Some(*order)),
            // That nothing is seen of it proves nothing, or it would have been refused: sending again might double it.
            Some(outcome @ (Outcome::Unknown(_) | Outcome::Absent(_))) => told(outcome).map(Some),
            Some(Outcome::Refused(_) | Outcome::NotSent(_) | Outcome::Prices { .. }) | None => Ok(None),
        }
    }

    /// A repeated call whose first outcome was an error: if that was "unknown", it may be known by now.
    pub(super) async fn corrected(
        &self,
        session: &Session,
        key: &Key,
        recorded: Error,
    ) -> Result<Payload, Error> {
        let unknown = session.journal().unknown_of(key);
        let known = match self.outcome_of(session, unknown).await? {
            Some(Outcome::Done(order)) => OrderSend::payload(&order),
            Some(Outcome::Refused(error)) => Err(error.with_outcome(error::Outcome::Rejected)),
            Some(_) | None => return Err(recorded),
        };
        if let Key::Chosen(name) = key {
            session.journal().correct(name, known.clone());
        }
        keyed::settle(session, key, &known).await;
        known
    }

    /// What has become by now of a request whose outcome was unknown, if there was one.
    async fn outcome_of(
        &self,
        session: &Session,
        unknown: Option<Unknown>,
    ) -> Result<Option<Outcome>, Error> {
        let Some(unknown) = unknown else { return Ok(None) };
        let action_id = unknown.action_id;
        let looked = match session.ready(self.deadline).await {
            Ok(()) => session.lookup(self.deadline, action_id).await,
            Err(error) => Err(error),
        };
        let outcome = looked.map(|found| found.unwrap_or(Outcome::Unknown(action_id)));
        if outcome.as_ref().is_ok_and(|outcome| !outcome.is_open()) {
            session.journal().forget_unknown(&unknown);
        }
        outcome.map(Some)
    }
}

/// A price of a parameter at the digits of a symbol. What would be rounded to nothing is refused: no price, or no stop, is
/// another order than the one that was meant.
pub(super) fn price_at(digits: u32, name: &str, given: f64) -> Result<f64, Error> {
    let price = round_to(given, digits);
    if given.abs() > 0.0 && price.abs() <= 0.0 {
        let accepts =
            format!("0 for none, or a price of which something is left at the {digits} digits of the symbol");
        return Err(Error::invalid_param(name, &given.to_string(), &accepts));
    }
    Ok(price)
}

pub(super) fn volume(lots: f64, terms: &Terms) -> Result<Volume, Error> {
    let volume = Volume::from_lots(lots).filter(|volume| !volume.is_zero());
    volume.ok_or_else(|| {
        volume_refused(
            Error::new(Code::InvalidVolume, format!("{lots:?} is no volume in lots.")),
            lots,
            terms,
        )
    })
}
