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
        TradeUpdate::Deals(deals) => deals.into_iter().filter_map(|deal| apply_deal(state, deal)).collect(),
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

fn apply_deal(state: &mut State, update: DealUpdate) -> Option<reply::OrderUpdate> {
    let change = TransactionType::from_number(update.head.transaction_type)?;
    if change == TransactionType::Add {
        let main = &mut state.account.main;
        main.balance = update.head.balance;
        main.credit = update.head.credit;
        main.commission_daily = update.head.commission_daily;
        main.commission_monthly = update.head.commission_monthly;
        main.acc_profit = update.head.acc_profit;
    }
    let deal = (update.head.deal.deal != 0).then(|| update.head.deal.clone());
    let opposite = (change == TransactionType::Add).then(|| closed_opposite(state, &update)).flatten();
    let told = match &deal {
        Some(deal) if change == TransactionType::Add => Some(tell_deal(state, deal, &update)),
        Some(_) => None,
        None if update.head.position.trade_volume > 0 => Some(blank(UpdateType::MarketModify)),
        None => None,
    };
    keep_positions(state, &update);
    for deal in deal.into_iter().chain(update.deals) {
        match change {
            TransactionType::Add | TransactionType::Update => state.remember_deal(deal),
            TransactionType::Delete => state.forget_deal(deal.deal),
        }
    }
    let mut told = told?;
    if told.order.is_none() {
        let zone = state.zone;
        let position = state.positions.get(&update.head.position.position_id);
        told.order = position.map(|open| Box::new(translate::position(open, zone)));
    }
    if let Some(order) = told.order.as_deref()
        && is_closing(told.kind)
    {
        state.remember_closed(order.clone());
        opposite.into_iter().for_each(|order| state.remember_closed(order));
    }
    Some(told)
}

/// The other of two positions that closed each other, as it was.
fn closed_opposite(state: &State, update: &DealUpdate) -> Option<reply::Order> {
    let deal =
        update.deals.iter().find(|deal| DealEntry::from_number(deal.entry) == Some(DealEntry::OutBy))?;
    Some(translate::closed_by(opening_of(state, deal), deal, state.login, state.zone))
}

const fn is_closing(kind: UpdateType) -> bool {
    matches!(
        kind,
        UpdateType::MarketClose
            | UpdateType::PartialClose
            | UpdateType::OnStopLoss
            | UpdateType::OnTakeProfit
            | UpdateType::OnStopOut
            | UpdateType::MarketCloseBy
    )
}

fn tell_deal(state: &State, deal: &Deal, update: &DealUpdate) -> reply::OrderUpdate {
    let (login, zone) = (state.login, state.zone);
    let kind = deal_kind(state, deal, &update.head.position);
    let opposite = update.deals.first();
    let closed = is_closing(kind).then(|| {
        let opened = opening_of(state, deal);
        translate::closed_by(opened, deal, login, zone)
    });
    reply::OrderUpdate {
        deal: Some(Box::new(translate::deal(deal, login, zone))),
        opposite_deal: opposite.map(|deal| Box::new(translate::deal(deal, login, zone))),
        order: closed.map(Box::new),
        close_by_ticket: opposite.map_or(0, |deal| translate::ticket(deal.position_id)),
        ..blank(kind)
    }
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
        // Without a number it is the one that its symbol has.
        let id = match position.position_id {
            0 => state.position_on(&position.trade_symbol).unwrap_or(0),
            id => id,
        };
        if position.trade_volume == 0 {
            state.drop_position(id);
        } else if Side::from_number(position.trade_action).is_some() {
            state.put_position(Position { position_id: id, ..position.clone() });
        }
    }
}
