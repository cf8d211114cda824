//! Whether a trade request does no more than reduce what an account holds. Who may only reduce (after a trial or a licence,
//! or by the limits of a key) may close, delete pending orders and tighten stops; whatever might make a position larger, or
//! a loss, is not reducing. In doubt nothing is.

use model::{OrderType, Price, Side, TradeAction};
use wire::records::{Order, TradeRequest};

use super::state::{OpenPosition, State};

/// See the module. `under_way` are trade requests of which it is not known yet what they did: where a symbol has one
/// position, several together must not close more than that.
pub(crate) fn only_reduces<'a>(
    request: &TradeRequest,
    state: &State,
    under_way: impl Iterator<Item = &'a TradeRequest>,
) -> bool {
    match TradeAction::from_number(request.trade_action) {
        Some(TradeAction::Prices | TradeAction::Remove) => true,
        Some(action) if is_deal(action) && state.is_hedging() => closes_named(request, state),
        Some(action) if is_deal(action) => closes_netted(request, state, under_way),
        Some(TradeAction::StopsChange) => tightens_position(request, state),
        Some(TradeAction::Modify) => tightens_order(request, state),
        Some(TradeAction::CloseBy) => closes_by(request, state),
        Some(_) | None => false,
    }
}

const fn is_deal(action: TradeAction) -> bool {
    matches!(
        action,
        TradeAction::DealRequest
            | TradeAction::DealInstant
            | TradeAction::DealMarket
            | TradeAction::DealExchange
    )
}

fn position(number: u64, state: &State) -> Option<&OpenPosition> {
    state.positions.get(&i64::try_from(number).ok()?)
}

/// The side on which an order of this type trades, at once.
fn market_side(order_type: u32) -> Option<Side> {
    let kind = OrderType::from_number(order_type)?;
    matches!(kind, OrderType::Buy | OrderType::Sell).then(|| kind.side()).flatten()
}

/// Whether a deal is on the other side of a position, and what stops it names none wider than there are.
fn is_against(request: &TradeRequest, open: &OpenPosition) -> bool {
    let named = |given: f64, present: f64| if given.abs() > 0.0 { given } else { present };
    let stops = [named(request.price_sl, open.record.sl), named(request.price_tp, open.record.tp)];
    request.trade_symbol == open.record.trade_symbol
        && market_side(request.trade_type) == Some(open.side().opposite())
        && request.trade_volume > 0
        && are_tighter(open.side(), open.record.digits, [open.record.sl, open.record.tp], stops)
}

/// The server refuses to close more of a position than there is.
fn closes_named(request: &TradeRequest, state: &State) -> bool {
    position(request.trade_position, state)
        .is_some_and(|open| is_against(request, open) && request.trade_volume <= open.record.trade_volume)
}

/// The part of the volume beyond the position would be one on the other side.
fn closes_netted<'a>(
    request: &TradeRequest,
    state: &State,
    under_way: impl Iterator<Item = &'a TradeRequest>,
) -> bool {
    let symbol = &request.trade_symbol;
    let mut held = state.positions.values().filter(|open| open.record.trade_symbol == *symbol);
    let (Some(open), None) = (held.next(), held.next()) else { return false };
    if !is_against(request, open) {
        return false;
    }
    let side = open.side().opposite();
    let sent = under_way.filter(|other| {
        let action = TradeAction::from_number(other.trade_action);
        action.is_some_and(is_deal)
            && other.trade_symbol == *symbol
            && market_side(other.trade_type) == Some(side)
    });
    // What an exchange has not filled yet works on.
    let works = |order: &&Order| order.trade_symbol == *symbol && market_side(order.order_type) == Some(side);
    let working = state.orders.values().filter(works).map(|order| order.volume_current.unsigned_abs());
    let before = sent.map(|other| other.trade_volume).chain(working).fold(0, u64::saturating_add);
    request.trade_volume.saturating_add(before) <= open.record.trade_volume
}

/// Opposite positions of a symbol close each other; what is left of one was there before.
fn closes_by(request: &TradeRequest, state: &State) -> bool {
    let pair = position(request.trade_position, state).zip(position(request.position_by, state));
    pair.is_some_and(|(one, other)| {
        let least = one.record.trade_volume.min(other.record.trade_volume);
        state.is_hedging()
            && one.side() == other.side().opposite()
            && one.record.trade_symbol == other.record.trade_symbol
            && request.trade_symbol == one.record.trade_symbol
            && request.trade_volume <= least
    })
}

fn tightens_position(request: &TradeRequest, state: &State) -> bool {
    position(request.trade_position, state).is_some_and(|open| {
        let record = &open.record;
        let wanted = [request.price_sl, request.price_tp];
        request.trade_symbol == record.trade_symbol
            && are_tighter(open.side(), record.digits, [record.sl, record.tp], wanted)
    })
}

/// Of a pending order only the stops may change: at another price, or for a longer time, it would open what it might not
/// have opened.
fn tightens_order(request: &TradeRequest, state: &State) -> bool {
    let order = i64::try_from(request.trade_order).ok().and_then(|ticket| state.orders.get(&ticket));
    order.is_some_and(|order| {
        let Some(side) = OrderType::from_number(order.order_type).and_then(OrderType::side) else {
            return false;
        };
        let is_same = |one, other| {
            let [one, other] = [one, other].map(|price| Price::from_f64(price, order.digits));
            one.is_some() && one == other
        };
        let wanted = [request.price_sl, request.price_tp];
        request.trade_symbol == order.trade_symbol
            && request.trade_type == order.order_type
            && u64::try_from(order.volume_initial) == Ok(request.trade_volume)
            && is_same(request.price_order, order.price_order)
            && is_same(request.price_trigger, order.price_trigger)
            && (request.type_filling, request.type_time) == (order.type_filling, order.type_time)
            && request.time_expiration == order.time_expiration
            && are_tighter(side, order.digits, [order.price_sl, order.price_tp], wanted)
    })
}

/// Whether stop loss and take profit, in this order, stay where they are, come nearer to the price, or are set where there
/// was none.
fn are_tighter(side: Side, digits: u32, present: [f64; 2], wanted: [f64; 2]) -> bool {
    let read = |prices: [f64; 2]| {
        let [loss, profit] = prices.map(|price| Price::from_f64(price, digits));
        Some([loss?, profit?])
    };
    let Some(([loss, profit], [new_loss, new_profit])) = read(present).zip(read(wanted)) else {
        return false;
    };
    let keeps = |present: Price, wanted: Price, is_nearer: bool| {
        present.is_zero() || (!wanted.is_zero() && (wanted == present || is_nearer))
    };
    let is_long = side == Side::Buy;
    keeps(loss, new_loss, (new_loss > loss) == is_long)
        && keeps(profit, new_profit, (new_profit < profit) == is_long)
}
