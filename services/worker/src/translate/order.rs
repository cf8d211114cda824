//! Positions, orders and deals.

use calls::reply::{DealInternal, Order, OrderInternal, TransactionInfo};
use calls::values::{DealType, Direction, ExpirationType, FillPolicy, OrderState, OrderType};
use calls::{ServerClock, ServerTime};
use model::{DealEntry, Volume};
use statistics::Amounts;
use wire::records;

use super::{
    expiration, filetime, fill_policy, finite, order_state, order_type, placed_type, price, server_ms,
    server_time, small, ticket, utc_ms,
};
use crate::session::state::OpenPosition;

/// Nothing: what the others are built on.
fn blank() -> Order {
    Order {
        ticket: 0,
        profit: 0.0,
        swap: 0.0,
        commission: 0.0,
        fee: 0.0,
        close_price: 0.0,
        close_time: ServerTime::NULL,
        close_lots: 0.0,
        close_comment: String::new(),
        open_price: 0.0,
        open_time: ServerTime::NULL,
        lots: 0.0,
        contract_size: 0.0,
        expert_id: 0,
        placed_type: calls::values::PlacedType::Default,
        order_type: OrderType::Buy,
        deal_type: DealType::DealBuy,
        symbol: String::new(),
        comment: String::new(),
        state: OrderState::Started,
        stop_loss: 0.0,
        take_profit: 0.0,
        request_id: 0,
        digits: 0,
        profit_rate: 0.0,
        stop_limit_price: 0.0,
        deal_internal_in: None,
        deal_internal_out: None,
        order_internal: None,
        partial_close_deals: Vec::new(),
        partial_fill_deals: Vec::new(),
        close_volume: 0,
        volume: 0,
        expiration_type: ExpirationType::Gtc,
        expiration_time: ServerTime::NULL,
        fill_policy: FillPolicy::FillOrKill,
        open_timestamp_utc: 0,
        close_timestamp_utc: 0,
    }
}

/// An open position at current prices.
pub(crate) fn position(open: &OpenPosition, zone: ServerClock) -> Order {
    let record = &open.record;
    let opened = server_ms(record.time_create, record.time_create_ms);
    Order {
        ticket: ticket(record.position_id),
        profit: open.profit.to_f64(),
        swap: finite(record.storage),
        commission: finite(record.commission),
        fee: open.fee.to_f64(),
        close_price: open.close.to_f64(),
        open_price: price(record.price_open, record.digits),
        open_time: ServerTime::from_ms(opened),
        lots: Volume::from_units(record.trade_volume).lots(),
        contract_size: finite(record.contract_size),
        expert_id: record.expert,
        placed_type: placed_type(record.trade_reason),
        order_type: order_type(record.trade_action),
        deal_type: if record.trade_action == 1 { DealType::DealSell } else { DealType::DealBuy },
        symbol: record.trade_symbol.clone(),
        comment: record.comment.clone(),
        state: OrderState::Filled,
        stop_loss: price(record.sl, record.digits),
        take_profit: price(record.tp, record.digits),
        digits: small(record.digits),
        profit_rate: finite(open.rate),
        volume: record.trade_volume,
        fill_policy: open.filling.map_or(FillPolicy::FillOrKill, fill_policy),
        open_timestamp_utc: utc_ms(opened, zone),
        ..blank()
    }
}

/// A pending order.
pub(crate) fn pending(record: &records::Order, zone: ServerClock) -> Order {
    let placed = server_ms(record.time_setup, record.time_setup_ms);
    let volume = ticket(record.volume_current);
    Order {
        ticket: ticket(record.trade_order),
        close_price: price(record.price_current, record.digits),
        open_price: price(record.price_order, record.digits),
        open_time: ServerTime::from_ms(placed),
        lots: Volume::from_units(volume).lots(),
        contract_size: finite(record.contract_size),
        expert_id: record.expert,
        placed_type: placed_type(record.type_reason),
        order_type: order_type(record.order_type),
        deal_type: if record.order_type % 2 == 1 { DealType::DealSell } else { DealType::DealBuy },
        symbol: record.trade_symbol.clone(),
        comment: record.comment.clone(),
        state: order_state(record.order_state),
        stop_loss: price(record.price_sl, record.digits),
        take_profit: price(record.price_tp, record.digits),
        digits: small(record.digits),
        stop_limit_price: price(record.price_trigger, record.digits),
        order_internal: Some(Box::new(order_record(record, 0, zone))),
        volume,
        expiration_type: expiration(record.type_time),
        expiration_time: server_time(record.time_expiration, 0),
        fill_policy: fill_policy(record.type_filling),
        open_timestamp_utc: utc_ms(placed, zone),
        ..blank()
    }
}

/// A pending order with its magic number.
pub(crate) fn pending_of(record: &records::Order, expert_id: i64, zone: ServerClock) -> Order {
    Order { expert_id, ..pending(record, zone) }
}

/// An order that ended without making a position: cancelled, expired or rejected.
pub(crate) fn ended_order(record: &records::Order, login: u64, zone: ServerClock) -> Order {
    let done = server_ms(record.time_done, record.time_done_ms);
    Order {
        close_time: ServerTime::from_ms(done),
        close_timestamp_utc: utc_ms(done, zone),
        lots: Volume::from_units(ticket(record.volume_initial)).lots(),
        volume: ticket(record.volume_initial),
        order_internal: Some(Box::new(order_record(record, login, zone))),
        ..pending(record, zone)
    }
}

/// What was closed of a position, and what came of it.
pub(crate) struct Closing {
    pub(crate) volume: Volume,
    /// With the closed part's share of what opening it had cost.
    pub(crate) amounts: Amounts,
}

/// A position as it was, closed in full or in part by a deal.
pub(crate) fn closed_by(
    opened: Order,
    out: &records::Deal,
    closing: &Closing,
    login: u64,
    zone: ServerClock,
) -> Order {
    let closed = server_ms(out.time_create, out.time_create_ms);
    // An exit deal has the stops of its position at the closing, one that turns it round those of its order
    // (MQL5 Reference, DEAL_SL).
    let is_reversal = DealEntry::from_number(out.entry) == Some(DealEntry::InOut);
    let (stop_loss, take_profit) =
        if is_reversal { (opened.stop_loss, opened.take_profit) } else { stops(out) };
    Order {
        profit: closing.amounts.profit.to_f64(),
        swap: closing.amounts.swap.to_f64(),
        commission: closing.amounts.commission.to_f64(),
        fee: closing.amounts.fee.to_f64(),
        close_price: price(out.price_open, out.digits),
        close_time: ServerTime::from_ms(closed),
        close_lots: closing.volume.lots(),
        close_comment: out.comment.clone(),
        close_volume: closing.volume.units(),
        profit_rate: finite(out.rate_profit),
        stop_loss,
        take_profit,
        deal_internal_out: Some(Box::new(deal(out, login, zone))),
        close_timestamp_utc: utc_ms(closed, zone),
        ..opened
    }
}

/// Stop loss and take profit of a deal.
pub(super) fn stops(deal: &records::Deal) -> (f64, f64) {
    (price(deal.sl, deal.digits), price(deal.tp, deal.digits))
}

/// A position as its opening deal shows it, or a balance operation.
pub(crate) fn opened_by(entry: &records::Deal, login: u64, zone: ServerClock) -> Order {
    let opened = server_ms(entry.time_create, entry.time_create_ms);
    let record = deal(entry, login, zone);
    let order_type = match record.kind {
        DealType::DealBuy => OrderType::Buy,
        DealType::DealSell => OrderType::Sell,
        DealType::Credit | DealType::Bonus => OrderType::Credit,
        _ => OrderType::Balance,
    };
    let is_trade = matches!(record.kind, DealType::DealBuy | DealType::DealSell);
    Order {
        ticket: ticket(if is_trade { entry.position_id } else { entry.deal }),
        profit: if is_trade { 0.0 } else { record.profit },
        swap: record.swap,
        commission: record.commission,
        fee: record.fee,
        open_price: record.price,
        open_time: ServerTime::from_ms(opened),
        close_time: if is_trade { ServerTime::NULL } else { ServerTime::from_ms(opened) },
        lots: record.lots,
        contract_size: record.contract_size,
        expert_id: record.expert_id,
        placed_type: record.placed_type,
        order_type,
        deal_type: record.kind,
        symbol: record.symbol.clone(),
        comment: record.comment.clone(),
        state: OrderState::Filled,
        stop_loss: record.stop_loss,
        take_profit: record.take_profit,
        digits: record.digits,
        profit_rate: record.profit_rate,
        volume: record.volume,
        open_timestamp_utc: utc_ms(opened, zone),
        close_timestamp_utc: if is_trade { 0 } else { utc_ms(opened, zone) },
        deal_internal_in: Some(Box::new(record)),
        ..blank()
    }
}

/// An order that reduced the position of its symbol, on a netting account.
pub(crate) fn reduced_by(out: &records::Deal, login: u64, zone: ServerClock) -> Order {
    let shown = opened_by(out, login, zone);
    Order {
        ticket: ticket(out.trade_order),
        profit: finite(out.profit),
        deal_internal_in: None,
        deal_internal_out: shown.deal_internal_in,
        ..shown
    }
}

/// What a verdict alone says about an order: for the rare case that the server's records of it do not come.
pub(crate) fn from_result(
    request: &records::TradeRequest,
    result: &records::TradeResult,
    zone: ServerClock,
) -> Order {
    let done = server_ms(result.res_time, 0);
    let volume = ticket(result.volume);
    let asked = order_type(request.trade_type);
    let ticket_number =
        if result.trade_order != 0 { ticket(result.trade_order) } else { request.trade_position };
    let at = if result.price > 0.0 { result.price } else { request.price_order };
    let pending = request.trade_type > 1;
    Order {
        ticket: ticket_number,
        open_price: price(at, request.digits),
        open_time: ServerTime::from_ms(done),
        lots: Volume::from_units(if volume == 0 { request.trade_volume } else { volume }).lots(),
        volume: if volume == 0 { request.trade_volume } else { volume },
        order_type: asked,
        deal_type: if request.trade_type % 2 == 1 { DealType::DealSell } else { DealType::DealBuy },
        symbol: request.trade_symbol.clone(),
        comment: request.comment.clone(),
        state: if pending { OrderState::Placed } else { OrderState::Filled },
        stop_loss: price(request.price_sl, request.digits),
        take_profit: price(request.price_tp, request.digits),
        stop_limit_price: price(request.price_trigger, request.digits),
        digits: small(request.digits),
        expiration_type: expiration(request.type_time),
        expiration_time: server_time(request.time_expiration, 0),
        fill_policy: fill_policy(request.type_filling),
        open_timestamp_utc: utc_ms(done, zone),
        ..blank()
    }
}

/// A deal.
pub(crate) fn deal(record: &records::Deal, login: u64, zone: ServerClock) -> DealInternal {
    let made = server_ms(record.time_create, record.time_create_ms);
    let kind = DealType::from_number(record.trade_action.into()).unwrap_or(DealType::Balance);
    let closes = record.entry != 0;
    let price_open = if closes && record.price_close > 0.0 { record.price_close } else { record.price_open };
    DealInternal {
        ticket_number: ticket(record.deal),
        id: record.deal_id.clone(),
        login,
        history_time: filetime(made, zone),
        order_ticket: ticket(record.trade_order),
        open_time: i64::from(record.time_create),
        symbol: record.trade_symbol.clone(),
        kind,
        direction: Direction::from_number(record.entry.into()).unwrap_or(Direction::In),
        open_price: price(price_open, record.digits),
        price: price(record.price_open, record.digits),
        stop_loss: price(record.sl, record.digits),
        take_profit: price(record.tp, record.digits),
        volume: record.trade_volume,
        profit: finite(record.profit),
        profit_rate: finite(record.rate_profit),
        volume_rate: finite(record.rate_margin),
        commission: finite(record.commission),
        fee: finite(record.commission_fee),
        swap: finite(record.storage),
        expert_id: record.expert,
        position_ticket: ticket(record.position_id),
        comment: record.comment.clone(),
        contract_size: finite(record.contract_size),
        digits: small(record.digits),
        money_digits: small(record.digits_currency),
        free_profit: 0.0,
        trail_rounder: 0.0,
        open_time_ms: made,
        placed_type: placed_type(record.trade_reason),
        open_time_as_date_time: ServerTime::from_ms(made),
        lots: Volume::from_units(record.trade_volume).lots(),
    }
}

/// An order close to the wire.
pub(crate) fn order_record(record: &records::Order, login: u64, zone: ServerClock) -> OrderInternal {
    let placed = server_ms(record.time_setup, record.time_setup_ms);
    let done = server_ms(record.time_done, record.time_done_ms);
    let (volume, asked) = (ticket(record.volume_current), ticket(record.volume_initial));
    OrderInternal {
        ticket_number: ticket(record.trade_order),
        id: record.order_id.clone(),
        login,
        symbol: record.trade_symbol.clone(),
        history_time: filetime(if done == 0 { placed } else { done }, zone),
        open_time: i64::from(record.time_setup),
        expiration_time: i64::from(record.time_expiration),
        execution_time: i64::from(record.time_done),
        kind: order_type(record.order_type),
        fill_policy: fill_policy(record.type_filling),
        expiration_type: expiration(record.type_time),
        placed_type: placed_type(record.type_reason),
        open_price: price(record.price_order, record.digits),
        stop_limit_price: price(record.price_trigger, record.digits),
        price: price(record.price_current, record.digits),
        stop_loss: price(record.price_sl, record.digits),
        take_profit: price(record.price_tp, record.digits),
        volume,
        request_volume: asked,
        state: order_state(record.order_state),
        expert_id: record.expert,
        deal_ticket: ticket(record.position_id),
        comment: record.comment.clone(),
        contract_size: finite(record.contract_size),
        digits: small(record.digits),
        base_digits: small(record.digits_currency),
        profit_rate: finite(record.margin_rate),
        open_time_ms: placed,
        ticket: ticket(record.trade_order),
        execution_time_as_date_time: ServerTime::from_ms(done),
        lots: Volume::from_units(volume).lots(),
        request_lots: Volume::from_units(asked).lots(),
        open_time_ms_as_date_time: ServerTime::from_ms(placed),
        open_time_as_date_time: server_time(record.time_setup, 0),
    }
}

/// The transaction of an order's change.
pub(crate) fn transaction(update: &records::OrderUpdate) -> TransactionInfo {
    let order = &update.order;
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    TransactionInfo {
        update_id: number(update.transaction_id),
        action: number(update.transaction_type),
        ticket_number: ticket(order.trade_order),
        currency: order.trade_symbol.clone(),
        id: number(update.flag_mask),
        s58: order_type(order.order_type),
        order_state: order_state(order.order_state),
        expiration_type: expiration(order.type_time),
        expiration_time: i64::from(order.time_expiration),
        open_price: price(order.price_order, order.digits),
        order_price: price(order.price_trigger, order.digits),
        stop_loss: price(order.price_sl, order.digits),
        take_profit: price(order.price_tp, order.digits),
        volume: ticket(order.volume_current),
    }
}
