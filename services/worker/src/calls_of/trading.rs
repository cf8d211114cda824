//! Orders: from a call to a trade request, and from its outcome to a reply.

use std::sync::atomic::Ordering;

use bus::Payload;
use calls::reply::Order;
use calls::trading::{OrderClose, OrderModify, OrderSend};
use calls::values::{ExpirationType, OrderType};
use calls::{Call, Handle, Operation, ServerTime, TradingCall};
use error::{Code, Error};
use model::{Execution, Filling, Side, TradeAction, Volume, round_to};
use tokio::time::timeout_at;
use wire::records::{self, TradeRequest};

use super::account::{INVESTOR, READ_ONLY};
use crate::backend::Caller;
use crate::session::state::{OpenPosition, State};
use crate::session::terms::Terms;
use crate::session::{Begun, Intent, Outcome, Session};

/// Flags of a request that opens (protocol 10.9).
const FLAGS_OPENING: u32 = 2;
/// Flags of a request that closes.
const FLAGS_CLOSING: u32 = 3;
/// Bit of the account's rights: trading disabled.
const TRADE_DISABLED: i32 = 4;
/// The reply must leave before the client stops waiting.
const REPLY_MARGIN: std::time::Duration = std::time::Duration::from_millis(500);

/// Answers an order call: once under its idempotency key, if it has one.
pub(crate) async fn answer(
    caller: &Caller<'_>,
    session: &Session,
    key: Option<&str>,
    call: TradingCall,
) -> Result<Payload, Error> {
    match key {
        Some(key) => once(caller, session, key, call).await,
        None => act(caller, session, call).await,
    }
}

/// What every order call begins with: whether the account may trade, and for a `Safe` one whether it is done already.
async fn act(caller: &Caller<'_>, session: &Session, call: TradingCall) -> Result<Payload, Error> {
    caller.may_trade(session).await?;
    match caller.earlier(session).await? {
        Some(order) => OrderSend::payload(&order),
        None => call.dispatch(caller).await,
    }
}

/// Answers a call under an idempotency key: the first one is done, its repetitions get its outcome.
async fn once(
    caller: &Caller<'_>,
    session: &Session,
    key: &str,
    call: TradingCall,
) -> Result<Payload, Error> {
    let begun = session.journal().begin(key, &caller.fingerprint)?;
    match begun {
        Begun::New(sender) => {
            let outcome = act(caller, session, call).await;
            // What never left may be tried again under the same key.
            if outcome.is_ok() || caller.sent.load(Ordering::SeqCst) {
                sender.send_replace(Some(outcome.clone()));
            }
            outcome
        }
        Begun::Before(mut outcome) => {
            let known = timeout_at(caller.deadline, outcome.wait_for(Option::is_some)).await;
            let known = known.map(|outcome| outcome.map(|outcome| outcome.clone()));
            let recorded = match known {
                Ok(Ok(recorded)) => recorded,
                Ok(Err(_)) => {
                    let told = "The first call with this idempotency key was not sent. Send it again.";
                    return Err(Error::new(Code::RequestCancelled, told));
                }
                Err(_) => None,
            };
            match recorded {
                Some(Err(error)) => caller.corrected(session, key, error).await,
                Some(done) => done,
                None => Err(Error::timeout("The first call with this idempotency key")),
            }
        }
    }
}

impl Handle<OrderSend> for Caller<'_> {
    async fn handle(&self, call: OrderSend) -> Result<Order, Error> {
        let session = self.session(&call.id)?;
        let Operation::Known(kind) = call.operation else { return Err(invalid_operation()) };
        if matches!(kind, OrderType::CloseBy | OrderType::Balance | OrderType::Credit) {
            return Err(invalid_operation());
        }
        let terms = session.terms(self.deadline, &call.symbol).await?;
        let volume = volume(call.lots)?;
        let magic = call.expert_id.unwrap_or(0);
        if matches!(kind, OrderType::Buy | OrderType::Sell) {
            let side = if kind == OrderType::Buy { Side::Buy } else { Side::Sell };
            let deal = Deal { terms: &terms, side, volume, price: call.price, slippage: call.slippage };
            let request = TradeRequest {
                price_sl: round_to(call.stoploss, terms.full.digits),
                price_tp: round_to(call.takeprofit, terms.full.digits),
                type_flags: FLAGS_OPENING,
                comment: call.comment.unwrap_or_default(),
                ..self.market_request(&session, &deal).await?
            };
            return self.send(&session, request, Intent::Open, magic).await;
        }
        let request = pending_request(&call, kind, volume, &terms)?;
        self.send(&session, request, Intent::Place, magic).await
    }
}

/// A deal at market that is wanted.
struct Deal<'a> {
    terms: &'a Terms,
    side: Side,
    volume: Volume,
    price: Option<f64>,
    slippage: Option<u64>,
}

fn pending_request(
    call: &OrderSend,
    kind: OrderType,
    volume: Volume,
    terms: &Terms,
) -> Result<TradeRequest, Error> {
    let digits = terms.full.digits;
    let needed = |name: &str, given: Option<f64>| {
        let price = given.filter(|price| price.abs() > 0.0);
        price.map(|price| round_to(price, digits)).ok_or_else(|| {
            let told = format!("A {} order needs a price: give parameter '{name}'.", kind.as_str());
            Error::new(Code::InvalidPrice, told)
        })
    };
    let stop_limit = matches!(kind, OrderType::BuyStopLimit | OrderType::SellStopLimit);
    let expires = Expires::of(call.expiration_type, call.expiration);
    Ok(TradeRequest {
        trade_action: TradeAction::Pending.number(),
        trade_symbol: terms.full.trade_symbol.clone(),
        trade_volume: volume.units(),
        digits,
        trade_type: u32::try_from(kind.number()).unwrap_or(0),
        type_filling: Filling::Return.number(),
        type_time: expires.kind,
        type_flags: FLAGS_OPENING,
        price_order: needed("price", call.price)?,
        price_trigger: if stop_limit { needed("stopLimitPrice", call.stop_limit_price)? } else { 0.0 },
        price_sl: round_to(call.stoploss, digits),
        price_tp: round_to(call.takeprofit, digits),
        comment: call.comment.clone().unwrap_or_default(),
        time_expiration: expires.at,
        ..TradeRequest::default()
    })
}

/// How an order expires, as the wire says it.
struct Expires {
    kind: u32,
    at: u32,
}

impl Expires {
    /// A date without a kind is a moment.
    fn of(kind: Option<ExpirationType>, at: Option<ServerTime>) -> Self {
        let at = at.filter(|at| at.as_ms().is_some());
        let kind = kind.unwrap_or(if at.is_some() { ExpirationType::Specified } else { ExpirationType::Gtc });
        let dated = matches!(kind, ExpirationType::Specified | ExpirationType::SpecifiedDay);
        let seconds = at.filter(|_| dated).and_then(ServerTime::as_seconds).unwrap_or(0);
        Self { kind: u32::try_from(kind.number()).unwrap_or(0), at: u32::try_from(seconds).unwrap_or(0) }
    }
}

/// What a ticket names, copied out of the state.
enum Named {
    Position(Box<OpenPosition>),
    Order(Box<records::Order>),
}

impl Handle<OrderModify> for Caller<'_> {
    async fn handle(&self, call: OrderModify) -> Result<Order, Error> {
        let session = self.session(&call.id)?;
        match self.named(&session, call.ticket).await? {
            Named::Position(open) => {
                let record = &open.record;
                let digits = record.digits;
                let request = TradeRequest {
                    trade_action: TradeAction::StopsChange.number(),
                    trade_symbol: record.trade_symbol.clone(),
                    trade_volume: record.trade_volume,
                    digits,
                    trade_type: record.trade_action,
                    price_order: open.close.to_f64(),
                    price_sl: round_to(call.stoploss, digits),
                    price_tp: round_to(call.takeprofit, digits),
                    trade_position: call.ticket,
                    ..TradeRequest::default()
                };
                self.send(&session, request, Intent::Stops(record.position_id), 0).await
            }
            Named::Order(order) => {
                let ticket = order.trade_order;
                self.send(&session, modify_request(&call, *order), Intent::Modify(ticket), 0).await
            }
        }
    }
}

/// All prices and times of the order, complete: what the call does not name stays.
fn modify_request(call: &OrderModify, order: records::Order) -> TradeRequest {
    let digits = order.digits;
    let or_kept = |given: Option<f64>, kept: f64| {
        round_to(given.filter(|price| price.abs() > 0.0).unwrap_or(kept), digits)
    };
    let dated = call.expiration.is_some_and(|at| at.as_ms().is_some());
    let expires = if dated || call.expiration_type.is_some() {
        Expires::of(call.expiration_type, call.expiration)
    } else {
        Expires { kind: order.type_time, at: order.time_expiration }
    };
    TradeRequest {
        trade_action: TradeAction::Modify.number(),
        trade_volume: u64::try_from(order.volume_initial).unwrap_or(0),
        digits,
        trade_order: call.ticket,
        trade_type: order.order_type,
        type_filling: order.type_filling,
        type_time: expires.kind,
        price_order: or_kept(call.price, order.price_order),
        price_trigger: or_kept(call.stop_limit_price, order.price_trigger),
        price_sl: round_to(call.stoploss, digits),
        price_tp: round_to(call.takeprofit, digits),
        comment: order.comment,
        trade_symbol: order.trade_symbol,
        time_expiration: expires.at,
        ..TradeRequest::default()
    }
}

impl Handle<OrderClose> for Caller<'_> {
    async fn handle(&self, call: OrderClose) -> Result<Order, Error> {
        let session = self.session(&call.id)?;
        match self.named(&session, call.ticket).await? {
            Named::Position(open) => {
                let record = &open.record;
                let terms = session.terms(self.deadline, &record.trade_symbol).await?;
                let whole = Volume::from_units(record.trade_volume);
                let part = if call.lots.abs() > 0.0 { volume(call.lots)? } else { whole };
                if part > whole {
                    let told = format!("The position has {whole} lots, fewer than the {part} to be closed.");
                    return Err(Error::new(Code::InvalidVolume, told));
                }
                let side = open.side().opposite();
                let deal =
                    Deal { terms: &terms, side, volume: part, price: call.price, slippage: call.slippage };
                let mut request = self.market_request(&session, &deal).await?;
                if request.price_order.abs() <= 0.0 {
                    request.price_order = open.close.to_f64();
                }
                let request = TradeRequest {
                    type_flags: FLAGS_CLOSING,
                    comment: call.comment.unwrap_or_default(),
                    trade_position: call.ticket,
                    ..request
                };
                self.send(&session, request, Intent::Close(record.position_id), 0).await
            }
            Named::Order(order) => {
                let ticket = order.trade_order;
                let request = TradeRequest {
                    trade_action: TradeAction::Remove.number(),
                    trade_volume: u64::try_from(order.volume_initial).unwrap_or(0),
                    digits: order.digits,
                    trade_order: call.ticket,
                    trade_type: order.order_type,
                    type_filling: order.type_filling,
                    type_time: order.type_time,
                    price_order: order.price_order,
                    price_trigger: order.price_trigger,
                    price_sl: order.price_sl,
                    price_tp: order.price_tp,
                    trade_symbol: order.trade_symbol,
                    time_expiration: order.time_expiration,
                    ..TradeRequest::default()
                };
                self.send(&session, request, Intent::Remove(ticket), 0).await
            }
        }
    }
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
        if rights & (INVESTOR | READ_ONLY) != 0 {
            let told =
                "Logged in with the investor password, which cannot trade. Connect with the master password.";
            return Err(Error::new(Code::InvestorMode, told));
        }
        if rights & TRADE_DISABLED != 0 {
            return Err(Error::new(Code::TradeDisabled, "The broker has disabled trading on this account."));
        }
        Ok(())
    }

    async fn named(&self, session: &Session, number: u64) -> Result<Named, Error> {
        let find = move |state: &mut State| {
            state.revalue_changed();
            let ticket = i64::try_from(number).ok()?;
            let position = state.positions.get(&ticket).cloned();
            let order = || state.orders.get(&ticket).cloned();
            position
                .map(|open| Named::Position(Box::new(open)))
                .or_else(|| order().map(|order| Named::Order(Box::new(order))))
        };
        session.visit(self.deadline, find).await?.ok_or_else(|| Error::invalid_ticket(number))
    }

    /// A deal in the way that the symbol is executed (protocol 11.2).
    async fn market_request(&self, session: &Session, deal: &Deal<'_>) -> Result<TradeRequest, Error> {
        let terms = deal.terms;
        let execution = terms.execution();
        let mut request = TradeRequest {
            trade_action: execution.deal_action().number(),
            trade_symbol: terms.full.trade_symbol.clone(),
            trade_volume: deal.volume.units(),
            digits: terms.full.digits,
            trade_type: deal.side.market_order().number(),
            type_filling: terms.market_filling().number(),
            price_deviation: deal.slippage.map_or(0, |points| u32::try_from(points).unwrap_or(u32::MAX)),
            ..TradeRequest::default()
        };
        let named =
            deal.price.filter(|price| price.abs() > 0.0).map(|price| round_to(price, terms.full.digits));
        request.price_order = match (execution, named) {
            (Execution::Market | Execution::Exchange, _) => 0.0,
            (Execution::Instant, Some(price)) => price,
            (Execution::Instant, None) => self.current_price(session, deal).await?,
            (Execution::Request, _) => self.requested_price(session, deal, &request).await?,
        };
        Ok(request)
    }

    async fn current_price(&self, session: &Session, deal: &Deal<'_>) -> Result<f64, Error> {
        let id = deal.terms.full.symbol_id;
        session.visit(self.deadline, move |state| state.quotes.watch(id)).await?;
        let quotes = self.wait_for_quotes(session, &[id], None).await?;
        let quote = quotes.first().ok_or_else(|| Error::of(Code::NoPrices))?;
        Ok(if deal.side == Side::Buy { quote.ask } else { quote.bid })
    }

    /// Request execution: the server names a price first.
    async fn requested_price(
        &self,
        session: &Session,
        deal: &Deal<'_>,
        request: &TradeRequest,
    ) -> Result<f64, Error> {
        let price_order = self.current_price(session, deal).await?;
        let question =
            TradeRequest { trade_action: TradeAction::Prices.number(), price_order, ..request.clone() };
        match session.trade(self.deadline, question, Intent::Prices, 0).await {
            Outcome::Prices { bid, ask } => Ok(if deal.side == Side::Buy { ask } else { bid }),
            Outcome::Refused(error) | Outcome::NotSent(error) => Err(error),
            _ => Err(Error::timeout("The price request")),
        }
    }

    /// Sends a request once, and turns what comes of it into a reply.
    async fn send(
        &self,
        session: &Session,
        request: TradeRequest,
        intent: Intent,
        magic: i64,
    ) -> Result<Order, Error> {
        let deadline = self.deadline.checked_sub(REPLY_MARGIN).unwrap_or(self.deadline);
        self.sent.store(true, Ordering::SeqCst);
        let outcome = session.trade(deadline, request, intent, magic).await;
        if matches!(outcome, Outcome::NotSent(_)) {
            self.sent.store(false, Ordering::SeqCst);
        }
        self.told(session, outcome)
    }

    fn told(&self, session: &Session, outcome: Outcome) -> Result<Order, Error> {
        match outcome {
            Outcome::Done(order) => Ok(*order),
            Outcome::Refused(error) | Outcome::NotSent(error) => Err(error),
            Outcome::Prices { .. } => Err(Error::internal("prices in answer to an order")),
            Outcome::Unknown(action_id) | Outcome::Absent(action_id) => {
                session.journal().remember_unknown(&self.fingerprint, action_id);
                Err(unknown_outcome(matches!(outcome, Outcome::Absent(_))))
            }
        }
    }

    /// A `Safe` call first asks what became of an equal one whose outcome was unknown. `None`: nothing is known to have
    /// come of it, so it may be sent.
    async fn earlier(&self, session: &Session) -> Result<Option<Order>, Error> {
        if !self.safe {
            return Ok(None);
        }
        match self.earlier_outcome(session).await? {
            Some(Outcome::Done(order)) => Ok(Some(*order)),
            // Still being looked for, or several things could be its work: sending again might double it.
            Some(Outcome::Unknown(_)) => Err(unknown_outcome(false)),
            Some(_) | None => Ok(None),
        }
    }

    /// A repeated call whose first outcome was an error: if that was "unknown", it may be known by now.
    async fn corrected(&self, session: &Session, key: &str, recorded: Error) -> Result<Payload, Error> {
        let known = match self.earlier_outcome(session).await? {
            Some(Outcome::Done(order)) => OrderSend::payload(&order),
            Some(Outcome::Refused(error)) => Err(error),
            Some(Outcome::Absent(action_id)) => {
                session.journal().remember_unknown(&self.fingerprint, action_id);
                return Err(recorded);
            }
            Some(_) | None => return Err(recorded),
        };
        session.journal().correct(key, known.clone());
        known
    }

    /// What has become by now of an equal request whose outcome was unknown, if there was one.
    async fn earlier_outcome(&self, session: &Session) -> Result<Option<Outcome>, Error> {
        let Some(action_id) = session.journal().take_unknown(&self.fingerprint) else { return Ok(None) };
        let looked = match session.ready(self.deadline).await {
            Ok(()) => session.lookup(self.deadline, action_id).await,
            Err(error) => Err(error),
        };
        let outcome = looked.map(|found| found.unwrap_or(Outcome::Unknown(action_id)));
        if matches!(outcome, Err(_) | Ok(Outcome::Unknown(_))) {
            session.journal().remember_unknown(&self.fingerprint, action_id);
        }
        outcome.map(Some)
    }
}

fn unknown_outcome(looked: bool) -> Error {
    let told = if looked {
        "Outcome unknown: the connection broke before the server confirmed, and no trace of the order was found on the \
         server afterwards. It was not sent again. Check OpenedOrders and OrderHistory before you repeat it."
    } else {
        "Outcome unknown: the server has not confirmed the order. It was not sent again. Check OpenedOrders and \
         OrderHistory before you repeat it."
    };
    Error::new(Code::Timeout, told)
}

fn invalid_operation() -> Error {
    let told = "OrderSend takes the operations Buy, Sell, BuyLimit, SellLimit, BuyStop, SellStop, BuyStopLimit and \
                SellStopLimit.";
    Error::new(Code::InvalidRequest, told)
}

fn volume(lots: f64) -> Result<Volume, Error> {
    let volume = Volume::from_lots(lots).filter(|volume| !volume.is_zero());
    volume.ok_or_else(|| {
        let told =
            format!("{lots} is no volume in lots. /SymbolParams has the least, the greatest and the step.");
        Error::new(Code::InvalidVolume, told)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_that_was_not_set_is_none() {
        let unset = ServerTime::parse("0001-01-01T00:00:00");
        let expires = Expires::of(None, unset);
        assert_eq!((expires.kind, expires.at), (0, 0));
        let call = OrderModify {
            id: calls::Token("t".into()),
            ticket: 7,
            stoploss: 0.0,
            takeprofit: 0.0,
            price: None,
            expiration: unset,
            expiration_type: None,
            stop_limit_price: None,
        };
        let order = records::Order { type_time: 2, time_expiration: 99, ..records::Order::default() };
        let request = modify_request(&call, order);
        assert_eq!((request.type_time, request.time_expiration), (2, 99), "it stays as it is");
    }
}
