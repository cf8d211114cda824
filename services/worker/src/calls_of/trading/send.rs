//! New orders.

use calls::reply::Order;
use calls::trading::OrderSend;
use calls::values::OrderType;
use calls::{Handle, Operation};
use error::{Code, Error};
use model::{Filling, Side, TradeAction, Volume};
use wire::records::TradeRequest;

use super::deal::Deal;
use super::expires::Expires;
use super::{FLAGS_OPENING, price_at, volume};
use crate::backend::{About, Caller};
use crate::session::Intent;
use crate::session::terms::Terms;

impl Handle<OrderSend> for Caller<'_> {
    async fn handle(&self, call: OrderSend, session: About<OrderSend>) -> Result<Order, Error> {
        let Operation::Known(kind) = call.operation else { return Err(invalid_operation()) };
        if matches!(kind, OrderType::CloseBy | OrderType::Balance | OrderType::Credit) {
            return Err(invalid_operation());
        }
        let terms = session.terms(self.deadline, &call.symbol).await?;
        let volume = volume(call.lots, &terms)?;
        let magic = call.expert_id.unwrap_or(0);
        if matches!(kind, OrderType::Buy | OrderType::Sell) {
            let side = if kind == OrderType::Buy { Side::Buy } else { Side::Sell };
            let deal = Deal { terms: &terms, side, volume, price: call.price, slippage: call.slippage };
            let request = TradeRequest {
                price_sl: price_at(terms.full.digits, "stoploss", call.stoploss)?,
                price_tp: price_at(terms.full.digits, "takeprofit", call.takeprofit)?,
                type_flags: FLAGS_OPENING,
                comment: call.comment.unwrap_or_default(),
                ..self.market_request(&session, &deal).await?
            };
            return self.send(&session, request, Intent::Open, magic).await;
        }
        let request = pending_request(&call, kind, volume, &terms)?;
        if let Some(refused) = missing_price(&call, kind) {
            return Err(self.explained(&session, &request, refused).await);
        }
        self.send(&session, request, Intent::Place, magic).await
    }
}

/// The error of a pending order that lacks a price.
fn missing_price(call: &OrderSend, kind: OrderType) -> Option<Error> {
    let needed =
        [("price", call.price, true), ("stopLimitPrice", call.stop_limit_price, is_stop_limit(kind))];
    let is_missing = |given: Option<f64>| given.is_none_or(|price| price.abs() <= 0.0);
    let missing = needed.iter().find(|(_, given, is_needed)| *is_needed && is_missing(*given));
    missing.map(|(name, _, _)| {
        let told = format!("A {} order needs a price: give parameter '{name}'.", kind.as_str());
        Error::new(Code::InvalidPrice, told)
    })
}

const fn is_stop_limit(kind: OrderType) -> bool {
    matches!(kind, OrderType::BuyStopLimit | OrderType::SellStopLimit)
}

fn pending_request(
    call: &OrderSend,
    kind: OrderType,
    volume: Volume,
    terms: &Terms,
) -> Result<TradeRequest, Error> {
    let digits = terms.full.digits;
    let rounded = |name: &str, price: Option<f64>| price_at(digits, name, price.unwrap_or(0.0));
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
        price_order: rounded("price", call.price)?,
        price_trigger: if is_stop_limit(kind) {
            rounded("stopLimitPrice", call.stop_limit_price)?
        } else {
            0.0
        },
        price_sl: rounded("stoploss", Some(call.stoploss))?,
        price_tp: rounded("takeprofit", Some(call.takeprofit))?,
        comment: call.comment.clone().unwrap_or_default(),
        time_expiration: expires.at,
        ..TradeRequest::default()
    })
}

fn invalid_operation() -> Error {
    let told = "OrderSend takes the operations Buy, Sell, BuyLimit, SellLimit, BuyStop, SellStop, BuyStopLimit and \
                SellStopLimit.";
    Error::new(Code::InvalidRequest, told)
}
