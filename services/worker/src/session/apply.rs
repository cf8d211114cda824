//! Applies trade updates (push 10) to the state, as the official client does, and says what happened.

use calls::reply;
use calls::values::UpdateType;
use model::{DealEntry, DealType, OrderState, OrderType, Reason, Side};
use wire::records::{Deal, DealUpdate, OrderUpdate, Position, TradeUpdate, TransactionType, mask};

use super::state::State;
use crate::translate;

/// Applies one push. Returns what clients are told of it, in order.
pub(crate) fn apply(state: &mut State, update: TradeUpdate) -> Vec<reply::OrderUpdate> {
    match update {
        TradeUpdate::Orders(orders) => {
            orders.into_iter().filter_map(|order| apply_order(state, order)).collect()
        }
        TradeUpdate::Deals(deals) => deals.into_iter().flat_map(|deal| apply_deal(state, deal)).collect(),
    }
}

fn blank(kind: UpdateType) -> reply::OrderUpdate {
    reply::OrderUpdate {
        trans: None,
        order_internal: None,
        deal: None,
        opposite_deal: None,
        order: None,
        kind,
        close_by_ticket: 0,
    }
}

fn apply_order(state: &mut State, update: OrderUpdate) -> Option<reply::OrderUpdate> {
    let change = TransactionType::from_number(update.transaction_type)?;
    let kind = match update.flag_mask {
        mask::OPEN_ORDERS => open_order_kind(state, change, &update)?,
        mask::HISTORY_ORDERS if change == TransactionType::Add => ended_order_kind(&update)?,
        _ => return None,
    };
    let (login, zone) = (state.login, state.zone);
    let order = &update.order;
    state.fillings.note(order);
    let mut shown = match update.flag_mask {
        mask::OPEN_ORDERS => translate::pending(order, zone),
        _ => translate::ended_order(order, login, zone),
    };
    shown.expert_id = state.magic(order.trade_order, order.expert);
    let told = reply::OrderUpdate {
        trans: Some(Box::new(translate::transaction(&update))),
        order_internal: Some(Box::new(translate::order_record(order, login, zone))),
        order: Some(Box::new(shown)),
        ..blank(kind)
    };
    keep_order(state, change, update);
    Some(told)
}

/// Removing a working order is told when its end arrives in the history, which says how it ended.
fn open_order_kind(state: &mut State, change: TransactionType, update: &OrderUpdate) -> Option<UpdateType> {
    let order = &update.order;
    let pending = OrderType::from_number(order.order_type).is_some_and(OrderType::is_pending);
    match change {
        TransactionType::Add if pending => Some(UpdateType::PendingOpen),
        TransactionType::Add => Some(UpdateType::Started),
        TransactionType::Update => {
            let known = state.orders.get(&order.trade_order);
            let filled = known.is_some_and(|known| order.volume_current < known.volume_current);
            Some(if filled { UpdateType::PartialFill } else { UpdateType::PendingModify })
        }
        TransactionType::Delete => {
            state.drop_order(order.trade_order);
            None
        }
    }
}

fn ended_order_kind(update: &OrderUpdate) -> Option<UpdateType> {
    match OrderState::from_number(update.order.order_state)? {
        OrderState::Canceled => Some(UpdateType::PendingClose),
        OrderState::Expired => Some(UpdateType::Expired),
        OrderState::Rejected => Some(UpdateType::Rejected),
        OrderState::Filled | OrderState::PartiallyFilled => Some(UpdateType::Filled),
        _ => None,
    }
}

fn keep_order(state: &mut State, change: TransactionType, update: OrderUpdate) {
    let order = update.order;
    if update.flag_mask == mask::HISTORY_ORDERS {
        state.drop_order(order.trade_order);
        state.remember_ended(order);
        return;
    }
    // A market order is in the list of open orders for a moment only; it is no pending order.
    let pending = OrderType::from_number(order.order_type).is_some_and(OrderType::is_pending);
    match change {
        TransactionType::Add | TransactionType::Update if pending => {
            state.put_order(order);
        }
        _ => {}
    }
}

fn apply_deal(state: &mut State, update: DealUpdate) -> Vec<reply::OrderUpdate> {
    let Some(change) = TransactionType::from_number(update.head.transaction_type) else { return Vec::new() };
    if change == TransactionType::Add {
        let main = &mut state.account.main;
        main.balance = update.head.balance;
        main.credit = update.head.credit;
        main.commission_daily = update.head.commission_daily;
        main.commission_monthly = update.head.commission_monthly;
        main.acc_profit = update.head.acc_profit;
    }
    let deal = (update.head.deal.deal != 0).then(|| update.head.deal.clone());
    let new: Vec<Deal> = match change {
        TransactionType::Add => deal.iter().chain(&update.deals).cloned().collect(),
        TransactionType::Update | TransactionType::Delete => Vec::new(),
    };
    let mut closed: Vec<Option<reply::Order>> = new.iter().map(|deal| settle(state, deal)).collect();
    for order in closed.iter().flatten() {
        state.remember_closed(order.clone());
    }
    let mut told = match &deal {
        Some(deal) if change == TransactionType::Add => {
            tell_deal(state, deal, &update, closed.first_mut().and_then(Option::take))
        }
        Some(_) => Vec::new(),
        None if update.head.position.trade_volume > 0 => vec![blank(UpdateType::MarketModify)],
        None => Vec::new(),
    };
    keep_positions(state, &update);
    for deal in &new {
        // A rollover closes a position for a moment, and opens it again.
        if is_service(deal.trade_reason) { state.bound_ledger() } else { state.forget_booked(deal) }
    }
    for deal in deal.into_iter().chain(update.deals) {
        match change {
            TransactionType::Add | TransactionType::Update => state.remember_deal(deal),
            TransactionType::Delete => state.forget_deal(deal.deal),
        }
    }
    let position = update.head.position.position_id;
    for one in told.iter_mut().filter(|told| told.order.is_none()) {
        let position = state.positions.get(&position);
        one.order = position.map(|open| Box::new(translate::position(open, state.zone)));
    }
    told
}

/// Takes a new deal into the account of its position. The position as it was, with what this closed of it.
fn settle(state: &mut State, deal: &Deal) -> Option<reply::Order> {
    let opened = opening_of(state, deal);
    let effect = state.settle(deal);
    let closing = translate::Closing { volume: effect.closed, amounts: effect.amounts };
    let is_closed = !effect.closed.is_zero();
    is_closed.then(|| translate::closed_by(opened, deal, &closing, state.login, state.zone))
}

/// Whether a service of the server made it: such deals neither open nor close a position.
pub(super) fn is_service(reason: u32) -> bool {
    Reason::from_number(reason).is_some_and(Reason::is_service)
}

/// What is told of a new deal that closed this. One that turns a position round closes it and opens another one.
fn tell_deal(
    state: &State,
    deal: &Deal,
    update: &DealUpdate,
    closed: Option<reply::Order>,
) -> Vec<reply::OrderUpdate> {
    let (login, zone) = (state.login, state.zone);
    let opposite = update.deals.first();
    let of = |kind: UpdateType, order: Option<reply::Order>| reply::OrderUpdate {
        deal: Some(Box::new(translate::deal(deal, login, zone))),
        opposite_deal: opposite.map(|deal| Box::new(translate::deal(deal, login, zone))),
        order: order.map(Box::new),
        close_by_ticket: opposite.map_or(0, |deal| translate::ticket(deal.position_id)),
        ..blank(kind)
    };
    let kind = deal_kind(state, deal, &update.head.position);
    if kind == UpdateType::MarketOpen && closed.is_some() {
        return vec![of(UpdateType::MarketClose, closed), of(kind, None)];
    }
    vec![of(kind, closed)]
}

/// The position that a closing deal closes, as it was: known, or else as its deals describe it.
fn opening_of(state: &State, out: &Deal) -> reply::Order {
    let zone = state.zone;
    if let Some(open) = state.positions.get(&out.position_id) {
        return translate::position(open, zone);
    }
    let entry = state.deals.iter().find(|deal| deal.position_id == out.position_id && deal.entry == 0);
    let opened = translate::opening(entry, out, state.login, zone);
    let fill_policy = state.fillings.of(out.position_id).map_or(opened.fill_policy, translate::fill_policy);
    reply::Order { fill_policy, ..opened }
}

fn deal_kind(state: &State, deal: &Deal, position: &Position) -> UpdateType {
    let is_trade = DealType::from_number(deal.trade_action).is_some_and(DealType::is_trade);
    if !is_trade {
        return UpdateType::Balance;
    }
    if is_service(deal.trade_reason) {
        // The position stays what it is for its holder: the closing books money, the opening states its price anew.
        return if deal.entry == 0 { UpdateType::MarketModify } else { UpdateType::Balance };
    }
    match DealEntry::from_number(deal.entry) {
        Some(DealEntry::In) if state.positions.contains_key(&position.position_id) => UpdateType::PartialFill,
        Some(DealEntry::In | DealEntry::InOut) | None => UpdateType::MarketOpen,
        Some(DealEntry::OutBy) => UpdateType::MarketCloseBy,
        Some(DealEntry::Out) => match Reason::from_number(deal.trade_reason) {
            Some(Reason::StopLoss) => UpdateType::OnStopLoss,
            Some(Reason::TakeProfit) => UpdateType::OnTakeProfit,
            Some(Reason::StopOut) => UpdateType::OnStopOut,
            _ if position.trade_volume > 0 => UpdateType::PartialClose,
            _ => UpdateType::MarketClose,
        },
    }
}

fn keep_positions(state: &mut State, update: &DealUpdate) {
    for position in std::iter::once(&update.head.position).chain(&update.positions) {
        if position.trade_symbol.is_empty() {
            continue;
        }
        let id = state.number_of(position.position_id, &position.trade_symbol);
        if position.trade_volume == 0 {
            state.drop_position(id);
        } else if Side::from_number(position.trade_action).is_some() {
            state.put_position(Position { position_id: id, ..position.clone() });
        }
    }
}
