//! Changes of positions and pending orders, and their end.

use calls::Handle;
use calls::reply::Order;
use calls::trading::{OrderCancelTask, OrderClose, OrderCloseByTask, OrderModify};
use error::{Code, Error};
use model::{TradeAction, Volume, round_to};
use wire::records::{self, TradeRequest};

use super::deal::Deal;
use super::expires::Expires;
use super::{FLAGS_CLOSING, price_at, volume};
use crate::backend::{About, Caller, Tradable};
use crate::session::details::close_refused;
use crate::session::state::{OpenPosition, State};
use crate::session::{Intent, Session};

/// What a ticket names, copied out of the state.
enum Named {
    Position(Box<OpenPosition>),
    Order(Box<records::Order>),
}

impl Handle<OrderModify> for Caller<'_> {
    async fn handle(&self, call: OrderModify, session: About<OrderModify>) -> Result<Order, Error> {
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
                    price_sl: stop(&call, digits, "stoploss", call.stoploss, record.sl)?,
                    price_tp: stop(&call, digits, "takeprofit", call.takeprofit, record.tp)?,
                    trade_position: call.ticket,
                    ..TradeRequest::default()
                };
                self.send(&session, request, Intent::Stops(record.position_id), 0).await
            }
            Named::Order(order) => {
                let ticket = order.trade_order;
                self.send(&session, modify_request(&call, *order)?, Intent::Modify(ticket), 0).await
            }
        }
    }
}

/// The stop that a call leaves: the one it names, or none; the one there is only if it asks for that.
fn stop(call: &OrderModify, digits: u32, name: &str, given: Option<f64>, present: f64) -> Result<f64, Error> {
    match given {
        Some(price) => price_at(digits, name, price),
        None => Ok(if call.keep_stops { round_to(present, digits) } else { 0.0 }),
    }
}

/// All prices and times of the order, complete: what the call does not name stays.
fn modify_request(call: &OrderModify, order: records::Order) -> Result<TradeRequest, Error> {
    let digits = order.digits;
    let or_kept = |name: &str, given: Option<f64>, kept: f64| match given.filter(|price| price.abs() > 0.0) {
        Some(price) => price_at(digits, name, price),
        None => Ok(round_to(kept, digits)),
    };
    let dated = call.expiration.is_some_and(|at| at.as_ms().is_some());
    let expires = if dated || call.expiration_type.is_some() {
        Expires::of(call.expiration_type, call.expiration)
    } else {
        Expires { kind: order.type_time, at: order.time_expiration }
    };
    Ok(TradeRequest {
        trade_action: TradeAction::Modify.number(),
        trade_volume: u64::try_from(order.volume_initial).unwrap_or(0),
        digits,
        trade_order: call.ticket,
        trade_type: order.order_type,
        type_filling: order.type_filling,
        type_time: expires.kind,
        price_order: or_kept("price", call.price, order.price_order)?,
        price_trigger: or_kept("stoplimit", call.stop_limit_price, order.price_trigger)?,
        price_sl: stop(call, digits, "stoploss", call.stoploss, order.price_sl)?,
        price_tp: stop(call, digits, "takeprofit", call.takeprofit, order.price_tp)?,
        comment: order.comment,
        trade_symbol: order.trade_symbol,
        time_expiration: expires.at,
        ..TradeRequest::default()
    })
}

impl Handle<OrderClose> for Caller<'_> {
    async fn handle(&self, call: OrderClose, session: About<OrderClose>) -> Result<Order, Error> {
        match self.named(&session, call.ticket).await? {
            Named::Position(open) => {
                let record = &open.record;
                let terms = session.terms(self.deadline, &record.trade_symbol).await?;
                let whole = Volume::from_units(record.trade_volume);
                let part = if call.lots.abs() > 0.0 { volume(call.lots, &terms)? } else { whole };
                if part > whole {
                    let told = format!("The position has {whole} lots, fewer than the {part} to be closed.");
                    let refused = Error::new(Code::InvalidVolume, told);
                    return Err(close_refused(refused, part.lots(), whole, &terms));
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
            Named::Order(order) => self.remove(&session, *order).await,
        }
    }
}

impl Handle<OrderCancelTask> for Caller<'_> {
    async fn handle(&self, call: OrderCancelTask, session: About<OrderCancelTask>) -> Result<Order, Error> {
        match self.named(&session, call.ticket).await? {
            Named::Order(order) => self.remove(&session, *order).await,
            Named::Position(_) => {
                let told =
                    format!("{} is a position, which cannot be cancelled. Use OrderClose.", call.ticket);
                Err(Error::new(Code::InvalidTicket, told))
            }
        }
    }
}

impl Handle<OrderCloseByTask> for Caller<'_> {
    async fn handle(&self, call: OrderCloseByTask, session: About<OrderCloseByTask>) -> Result<Order, Error> {
        let first = self.position(&session, call.ticket).await?;
        let second = self.position(&session, call.close_by_ticket).await?;
        let (one, other) = (&first.record, &second.record);
        if !session.visit(self.deadline, |state| state.is_hedging()).await? {
            let told = "A netting account has no opposite positions. Close this one with OrderClose.";
            return Err(Error::new(Code::HedgeProhibited, told));
        }
        if one.trade_symbol != other.trade_symbol || first.side() == second.side() {
            let told = "Positions close each other only on the same symbol and on opposite sides.";
            return Err(Error::new(Code::InvalidRequest, told));
        }
        let request = TradeRequest {
            trade_action: TradeAction::CloseBy.number(),
            trade_symbol: one.trade_symbol.clone(),
            trade_volume: one.trade_volume.min(other.trade_volume),
            digits: one.digits,
            trade_type: first.side().opposite().market_order().number(),
            type_flags: FLAGS_CLOSING,
            trade_position: call.ticket,
            position_by: call.close_by_ticket,
            ..TradeRequest::default()
        };
        self.send(&session, request, Intent::CloseBy(one.position_id), 0).await
    }
}

impl Caller<'_> {
    /// Removes a pending order.
    async fn remove(&self, session: &Tradable, order: records::Order) -> Result<Order, Error> {
        let ticket = order.trade_order;
        let request = TradeRequest {
            trade_action: TradeAction::Remove.number(),
            trade_volume: u64::try_from(order.volume_initial).unwrap_or(0),
            digits: order.digits,
            trade_order: u64::try_from(ticket).unwrap_or(0),
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
        self.send(session, request, Intent::Remove(ticket), 0).await
    }

    async fn position(&self, session: &Session, number: u64) -> Result<OpenPosition, Error> {
        match self.named(session, number).await? {
            Named::Position(open) => Ok(*open),
            Named::Order(_) => {
                Err(Error::new(Code::InvalidTicket, format!("{number} is a pending order, not a position.")))
            }
        }
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
}

#[cfg(test)]
mod tests {
    use calls::ServerTime;

    use super::*;

    #[test]
    fn a_date_that_was_not_set_is_none() {
        let unset = ServerTime::parse("0001-01-01T00:00:00");
        let expires = Expires::of(None, unset);
        assert_eq!((expires.kind, expires.at), (0, 0));
        let call = OrderModify {
            id: calls::Token("t".into()),
            ticket: 7,
            stoploss: None,
            takeprofit: None,
            keep_stops: false,
            price: None,
            expiration: unset,
            expiration_type: None,
            stop_limit_price: None,
        };
        let order = records::Order { type_time: 2, time_expiration: 99, ..records::Order::default() };
        let request = modify_request(&call, order).unwrap();
        assert_eq!((request.type_time, request.time_expiration), (2, 99), "it stays as it is");
    }
}
