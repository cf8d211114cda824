//! What the engine says, in the records of the wire.

use model::{Money, Price, ServerTime, Volume};
use wire::records as w;

use crate::catalogue::{Catalogue, Symbol};
use crate::engine::{Activation, Book, Change, Deal, DealReport, List, Order, Position, Quote, Verdict};

/// Bit of a book that clears what was before.
const SNAPSHOT: u32 = 2;
const BOOK_SELL: u8 = 1;
const BOOK_BUY: u8 = 2;

/// Makes records: knows the symbols and the money digits of the account they are for.
#[derive(Clone, Copy)]
pub(super) struct Records<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) money_digits: u32,
}

fn seconds(time: ServerTime) -> u32 {
    u32::try_from(time.seconds()).unwrap_or(0)
}

fn millis(time: ServerTime) -> i32 {
    i32::try_from(time.subsec_ms()).unwrap_or(0)
}

fn optional(price: Option<Price>) -> f64 {
    price.map_or(0.0, Price::to_f64)
}

fn signed(volume: Volume) -> i64 {
    i64::try_from(volume.units()).unwrap_or(i64::MAX)
}

fn money(money: Money) -> f64 {
    money.to_f64()
}

impl Records<'_> {
    pub(super) fn position(&self, position: &Position) -> w::Position {
        let Some(symbol) = self.catalogue.get(position.symbol) else { return w::Position::default() };
        w::Position {
            position_id: position.id.0 as i64,
            trade_order: position.order.0 as i64,
            time_create: seconds(position.opened),
            time_update: seconds(position.updated),
            trade_symbol: symbol.name.clone(),
            trade_action: position.side.number(),
            price_open: position.price_open.to_f64(),
            price_close: position.price_current.to_f64(),
            sl: optional(position.sl),
            tp: optional(position.tp),
            trade_volume: position.volume.units(),
            profit: money(position.profit),
            rate_profit: position.rate_profit,
            rate_margin: position.rate_margin,
            commission: money(position.commission),
            storage: money(position.swap),
            comment: position.comment.clone(),
            contract_size: symbol.contract.contract_size,
            digits: symbol.digits(),
            digits_currency: self.money_digits,
            trade_reason: position.reason.number(),
            time_create_ms: millis(position.opened),
            time_update_ms: millis(position.updated),
            ..w::Position::default()
        }
    }

    pub(super) fn order(&self, order: &Order) -> w::Order {
        let Some(symbol) = self.catalogue.get(order.symbol) else { return w::Order::default() };
        w::Order {
            trade_order: order.ticket.0 as i64,
            trade_symbol: symbol.name.clone(),
            time_setup: seconds(order.placed),
            time_expiration: order.expires.map_or(0, seconds),
            time_done: order.done.map_or(0, seconds),
            order_type: order.kind.number(),
            type_filling: order.filling.number(),
            type_time: order.expiration.number(),
            type_reason: order.reason.number(),
            price_order: order.price.to_f64(),
            price_trigger: optional(order.limit_price),
            price_current: order.price_current.to_f64(),
            price_sl: optional(order.sl),
            price_tp: optional(order.tp),
            volume_initial: signed(order.volume_initial),
            volume_current: signed(order.volume_current),
            order_state: order.state.number(),
            position_id: order.position.map_or(0, |id| id.0 as i64),
            comment: order.comment.clone(),
            contract_size: symbol.contract.contract_size,
            digits: symbol.digits(),
            digits_currency: self.money_digits,
            margin_rate: order.rate_margin,
            activation_mode: match order.activation {
                Activation::None => 0,
                Activation::Price => 1,
                Activation::StopLimit => 2,
            },
            time_setup_ms: millis(order.placed),
            time_done_ms: order.done.map_or(0, millis),
            ..w::Order::default()
        }
    }

    pub(super) fn deal(&self, deal: &Deal) -> w::Deal {
        let symbol = deal.symbol.and_then(|id| self.catalogue.get(id));
        w::Deal {
            deal: deal.ticket.0 as i64,
            trade_order: deal.order.map_or(0, |order| order.0 as i64),
            time_create: seconds(deal.time),
            time_update: seconds(deal.time),
            trade_symbol: symbol.map_or_else(String::new, |symbol| symbol.name.clone()),
            trade_action: deal.kind.number(),
            entry: deal.entry as u32,
            price_open: deal.price.to_f64(),
            price_close: deal.price_position.to_f64(),
            sl: optional(deal.sl),
            tp: optional(deal.tp),
            trade_volume: deal.volume.units(),
            profit: money(deal.profit),
            rate_profit: deal.rate_profit,
            rate_margin: deal.rate_margin,
            commission: money(deal.commission),
            storage: money(deal.swap),
            position_id: deal.position.map_or(0, |id| id.0 as i64),
            comment: deal.comment.clone(),
            contract_size: symbol.map_or(0.0, |symbol| symbol.contract.contract_size),
            digits: symbol.map_or(0, |symbol| symbol.digits()),
            digits_currency: self.money_digits,
            trade_reason: deal.reason.number(),
            time_create_ms: millis(deal.time),
            time_update_ms: millis(deal.time),
            ..w::Deal::default()
        }
    }

    pub(super) fn order_update(
        &self,
        list: List,
        change: Change,
        order: &Order,
        transaction_id: u32,
    ) -> w::TradeUpdate {
        let flag_mask = match list {
            List::Open => w::mask::OPEN_ORDERS,
            List::History => w::mask::HISTORY_ORDERS,
        };
        let transaction_type = transaction(change);
        let order = self.order(order);
        w::TradeUpdate::Orders(vec![w::OrderUpdate { flag_mask, transaction_id, transaction_type, order }])
    }

    pub(super) fn deal_update(
        &self,
        change: Change,
        report: &DealReport,
        transaction_id: u32,
    ) -> w::TradeUpdate {
        let head = w::DealUpdateHead {
            flag_mask: w::mask::DEALS,
            transaction_id,
            transaction_type: transaction(change),
            deal: report.deal.as_ref().map_or_else(w::Deal::default, |deal| self.deal(deal)),
            position: report.position.as_ref().map_or_else(w::Position::default, |p| self.position(p)),
            balance: money(report.funds.balance),
            credit: money(report.funds.credit),
            acc_profit: money(report.funds.day_profit),
            ..w::DealUpdateHead::default()
        };
        let (mut deals, mut positions) = (Vec::new(), Vec::new());
        if let Some((deal, position)) = &report.other {
            deals.push(self.deal(deal));
            positions.push(self.position(position));
        }
        w::TradeUpdate::Deals(vec![w::DealUpdate { head, deals, positions }])
    }
}

fn transaction(change: Change) -> u32 {
    match change {
        Change::Added => w::TransactionType::Add as u32,
        Change::Updated => w::TransactionType::Update as u32,
        Change::Deleted => w::TransactionType::Delete as u32,
    }
}

/// The verdict on a request, with the request as it was sent.
pub(super) fn result_push(
    serial: u32,
    request: &w::TradeRequest,
    verdict: &Verdict,
    now: ServerTime,
) -> w::TradeResultPush {
    let mut request = request.clone();
    if let Some(order) = verdict.order {
        request.trade_order = order.0;
    }
    let result = w::TradeResult {
        retcode: verdict.retcode.0,
        deal: verdict.deal.map_or(0, |deal| deal.0 as i64),
        trade_order: verdict.order.map_or(0, |order| order.0 as i64),
        volume: signed(verdict.volume),
        price: verdict.price.to_f64(),
        res_time: seconds(now),
        bid: verdict.bid.to_f64(),
        ask: verdict.ask.to_f64(),
        last: verdict.last.to_f64(),
        comment: verdict.comment.clone(),
    };
    w::TradeResultPush { serial, request, result }
}

/// The price of a symbol, whole.
pub(super) fn tick(symbol: &Symbol, quote: &Quote) -> w::Tick {
    let digits = symbol.digits();
    let (last, volume) = quote.last.map_or((0.0, 0), |(price, v)| (price.to_scaled(digits), signed(v)));
    let traded = if quote.last.is_some() { w::tick_field::LAST | w::tick_field::VOLUME } else { 0 };
    w::Tick {
        symbol_id: symbol.id.0,
        tick_time: i32::try_from(quote.time.seconds()).unwrap_or(i32::MAX),
        fields: w::tick_field::BID | w::tick_field::ASK | traded,
        bid: quote.price.bid.to_scaled(digits),
        ask: quote.price.ask.to_scaled(digits),
        last,
        tick_volume: volume,
        time_ms_delta: u32::try_from(quote.time.subsec_ms()).unwrap_or(0),
        flags: 0,
    }
}

/// A whole book.
pub(super) fn book(symbol: &Symbol, book: &Book, time: ServerTime) -> w::Books {
    let digits = symbol.digits();
    let level = |book_type, level: &crate::engine::Level| w::BookLevel {
        flag_mask: 0,
        book_type,
        price: level.price.points(digits),
        // Units of the base asset, not lots.
        volume: (signed(level.volume) as f64 * symbol.contract.contract_size).round() as i64,
    };
    let levels = book.asks.iter().rev().map(|ask| level(BOOK_SELL, ask));
    let levels = levels.chain(book.bids.iter().map(|bid| level(BOOK_BUY, bid))).collect();
    let head = w::BookHead {
        symbol_id: symbol.id.0,
        time: i32::try_from(time.seconds()).unwrap_or(i32::MAX),
        time_msc: millis(time),
        book_flags: SNAPSHOT,
        ..w::BookHead::default()
    };
    w::Books(vec![w::Book { head, levels }])
}
