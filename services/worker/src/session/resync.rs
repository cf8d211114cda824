//! Catching up: after a reconnect, or when an answer stays out, what the server has is compared with what was known,
//! and what is missing is replayed as if it had been pushed. So clients miss nothing, and there is one way in which
//! changes are applied.

use std::collections::{BTreeMap, BTreeSet};

use calls::reply;
use model::DealType;
use statistics::Open;
use wire::records::{
    Deal, DealUpdate, DealUpdateHead, History, Order, OrderUpdate, Portfolio, Position, TradeUpdate,
    TransactionType, mask,
};

use super::apply::apply;
use super::state::State;
use crate::ranges::Recent;
use crate::translate;

/// Brings the state to what the server has. What is `recent` must reach back to before anything unknown happened, and must
/// have been asked for before `portfolio`. Returns what clients are told.
pub(crate) fn resync(state: &mut State, portfolio: Portfolio, recent: &Recent) -> Vec<reply::OrderUpdate> {
    let history = &recent.history;
    let mut updates = Vec::new();
    updates.extend(missed_deals(state, &portfolio, history));
    updates.extend(missed_changes(state, &portfolio));
    updates.extend(missed_orders(state, &portfolio, history));
    let main = state.account.main.clone();
    let told = updates.into_iter().flat_map(|update| apply(state, update)).collect();
    // Replayed deals carry no money; the account record does.
    state.account.main = main;
    state.load(portfolio);
    state.admit_gaps(recent);
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
    // The last deal of each position leaves it as it is now, the others as they themselves tell.
    let last: BTreeMap<i64, i64> = missed.iter().map(|deal| (deal.position_id, deal.deal)).collect();
    let digits = state.account.main.currency_digits;
    let mut held: BTreeMap<i64, Open> = BTreeMap::new();
    let mut replay = |deal: &Deal| {
        if !DealType::from_number(deal.trade_action).is_some_and(DealType::is_trade) {
            return deal_update(TransactionType::Add, deal.clone(), Position::default());
        }
        let id = deal.position_id;
        let open = held.entry(id).or_insert_with(|| state.ledger.of(id));
        open.take(&translate::deal_of(deal, digits), digits);
        let position = if last.get(&id) == Some(&deal.deal) {
            position_now(state, &now, deal)
        } else {
            position_between(state, &now, deal, open)
        };
        deal_update(TransactionType::Add, deal.clone(), position)
    };
    missed.into_iter().map(&mut replay).collect()
}

/// The position as it is now; one that is gone has no volume left.
fn position_now(state: &State, now: &BTreeMap<i64, &Position>, deal: &Deal) -> Position {
    match now.get(&deal.position_id) {
        Some(position) => (*position).clone(),
        None => Position { trade_volume: 0, ..position_known(state, deal) },
    }
}

/// The position as it was after a deal that others followed.
fn position_between(state: &State, now: &BTreeMap<i64, &Position>, deal: &Deal, open: &Open) -> Position {
    let known = match now.get(&deal.position_id) {
        Some(position) => (*position).clone(),
        None => position_known(state, deal),
    };
    Position {
        trade_action: open.side.number(),
        trade_volume: open.volume.units(),
        price_open: open.price.to_f64(),
        ..known
    }
}

/// What is known of a position that is gone: as it was, or as a deal tells it.
fn position_known(state: &State, deal: &Deal) -> Position {
    let was = state.positions.get(&deal.position_id).map(|open| open.record.clone());
    let told = || Position {
        trade_order: deal.trade_order,
        trade_symbol: deal.trade_symbol.clone(),
        time_create: deal.time_create,
        time_create_ms: deal.time_create_ms,
        sl: deal.sl,
        tp: deal.tp,
        comment: deal.comment.clone(),
        contract_size: deal.contract_size,
        digits: deal.digits,
        digits_currency: deal.digits_currency,
        trade_reason: deal.trade_reason,
        ..Position::default()
    };
    Position { position_id: deal.position_id, ..was.unwrap_or_else(told) }
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
            Some(known) if !same_terms(known, order) => {
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
