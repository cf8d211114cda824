//! Catching up: after a reconnect, or when an answer stays out, what the server has is compared with what was known,
//! and what is missing is replayed as if it had been pushed. So clients miss nothing, and there is one way in which
//! changes are applied.

use std::collections::{BTreeMap, BTreeSet};

use calls::reply;
use model::DealType;
use wire::records::{
    Deal, DealUpdate, DealUpdateHead, History, Order, OrderUpdate, Portfolio, Position, TradeUpdate,
    TransactionType, mask,
};

use super::apply::apply;
use super::state::State;

/// Brings the state to what the server has. `history` must reach back to before anything unknown happened, and must
/// have been asked for before `portfolio`. Returns what clients are told.
pub(crate) fn resync(state: &mut State, portfolio: Portfolio, history: &History) -> Vec<reply::OrderUpdate> {
    let mut updates = Vec::new();
    updates.extend(missed_deals(state, &portfolio, history));
    updates.extend(missed_changes(state, &portfolio));
    updates.extend(missed_orders(state, &portfolio, history));
    let main = state.account.main.clone();
    let told = updates.into_iter().flat_map(|update| apply(state, update)).collect();
    // Replayed deals carry no money; the account record does.
    state.account.main = main;
    state.load(portfolio);
    told
}

fn missed_deals(state: &State, portfolio: &Portfolio, history: &History) -> Vec<TradeUpdate> {
    let known: BTreeSet<i64> = state.deals.iter().map(|deal| deal.deal).collect();
    let newest = state.newest_deal();
    let now: BTreeMap<i64, &Position> =
        portfolio.positions.iter().map(|one| (one.position_id, one)).collect();
    let mut missed: Vec<&Deal> =
        history.deals.iter().filter(|deal| deal.deal > newest && !known.contains(&deal.deal)).collect();
    missed.sort_by_key(|deal| deal.deal);
    let replay = |deal: &Deal| {
        let position = if DealType::from_number(deal.trade_action).is_some_and(DealType::is_trade) {
            position_after(state, &now, deal)
        } else {
            Position::default()
        };
        deal_update(TransactionType::Add, deal.clone(), position)
    };
    missed.into_iter().map(replay).collect()
}

/// The position as it is now; one that is gone has no volume left.
fn position_after(state: &State, now: &BTreeMap<i64, &Position>, deal: &Deal) -> Position {
    if let Some(position) = now.get(&deal.position_id) {
        return (*position).clone();
    }
    let was = state.positions.get(&deal.position_id).map(|open| open.record.clone());
    let gone =
        was.unwrap_or_else(|| Position { trade_symbol: deal.trade_symbol.clone(), ..Position::default() });
    Position { position_id: deal.position_id, trade_volume: 0, ..gone }
}

fn deal_update(change: TransactionType, deal: Deal, position: Position) -> TradeUpdate {
    let transaction_type = change as u32;
    let head = DealUpdateHead {
        flag_mask: mask::DEALS,
        transaction_type,
        deal,
        position,
        ..DealUpdateHead::default()
    };
    TradeUpdate::Deals(vec![DealUpdate { head, ..DealUpdate::default() }])
}

/// Positions whose stops changed without a deal.
fn missed_changes(state: &State, portfolio: &Portfolio) -> Vec<TradeUpdate> {
    let changed = |position: &&Position| {
        state.positions.get(&position.position_id).is_some_and(|known| {
            let (was, now) = (&known.record, position);
            was.trade_volume == now.trade_volume && !(same(was.sl, now.sl) && same(was.tp, now.tp))
        })
    };
    let replay =
        |position: &Position| deal_update(TransactionType::Update, Deal::default(), position.clone());
    portfolio.positions.iter().filter(changed).map(replay).collect()
}

/// Prices as the server sent them: the same bits, or another price.
fn same(one: f64, other: f64) -> bool {
    one.to_bits() == other.to_bits()
}

fn missed_orders(state: &State, portfolio: &Portfolio, history: &History) -> Vec<TradeUpdate> {
    let mut updates = Vec::new();
    let now: BTreeSet<i64> = portfolio.orders.iter().map(|order| order.trade_order).collect();
    for order in &portfolio.orders {
        match state.orders.get(&order.trade_order) {
            None => updates.push(order_update(mask::OPEN_ORDERS, TransactionType::Add, order)),
            Some(known) if known != order && !same_terms(known, order) => {
                updates.push(order_update(mask::OPEN_ORDERS, TransactionType::Update, order));
            }
            Some(_) => {}
        }
    }
    let seen: BTreeSet<i64> = state.ended.iter().map(|order| order.trade_order).collect();
    for order in &history.orders {
        let was_open = state.orders.contains_key(&order.trade_order) && !now.contains(&order.trade_order);
        let is_new = order.trade_order > state.newest_order();
        if (was_open || is_new) && !seen.contains(&order.trade_order) {
            updates.push(order_update(mask::HISTORY_ORDERS, TransactionType::Add, order));
        }
    }
    updates
}

/// Whether two records of an order differ in nothing but the market's price.
fn same_terms(one: &Order, other: &Order) -> bool {
    Order { price_current: other.price_current, ..one.clone() } == *other
}

fn order_update(flag_mask: u32, change: TransactionType, order: &Order) -> TradeUpdate {
    let transaction_type = change as u32;
    TradeUpdate::Orders(vec![OrderUpdate {
        flag_mask,
        transaction_type,
        order: order.clone(),
        ..OrderUpdate::default()
    }])
}
