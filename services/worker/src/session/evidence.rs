//! What the state says about a trade request: the order it made, or a trace of it.

use std::collections::{BTreeMap, BTreeSet};

use calls::reply;
use calls::values::OrderState as Shown;
use error::{Code, Error};
use model::{DealEntry, Expiration, OrderState, Price, Reason, Retcode, day_start_s};
use wire::Payload as _;
use wire::records::{Deal, Order, Position, TradeRequest, TradeResult};

use super::apply::is_service;
use super::state::State;
use super::trade::{Intent, Sent};
use crate::translate;

/// What was found of a request whose verdict did not come.
pub(super) enum Found {
    /// It was done; as a verdict would have said it.
    Done(Box<TradeResult>),
    /// It was refused.
    Refused {
        error: Error,
        /// The order that says so, 0 for none.
        order: i64,
    },
    /// Several things could be its work.
    Ambiguous,
    /// No trace.
    Nothing,
}

impl Found {
    const fn refused(error: Error) -> Self {
        Self::Refused { error, order: 0 }
    }
}

/// The order that a successful request made or changed, once the state shows it.
pub(super) fn settled(sent: &Sent, result: &TradeResult, state: &mut State) -> Option<reply::Order> {
    state.revalue_changed();
    let (login, zone) = (state.login, state.zone);
    match sent.intent {
        Intent::Prices => None,
        Intent::Open => {
            let fill_policy = translate::fill_policy(sent.request.type_filling);
            opened(result, state).map(|order| reply::Order { fill_policy, ..order })
        }
        Intent::Place => placed(result.trade_order, state),
        Intent::Stops(position) => match state.positions.get(&position) {
            Some(open) => {
                let digits = open.record.digits;
                let is_set = equal(open.record.sl, sent.request.price_sl, digits)
                    && equal(open.record.tp, sent.request.price_tp, digits);
                is_set.then(|| translate::position(open, zone))
            }
            None => last_closed(state, |order| i64::try_from(order.ticket) == Ok(position)),
        },
        Intent::Modify(ticket) => match state.orders.get(&ticket) {
            Some(order) => has_terms(order, &sent.request).then(|| state.shown_pending(order)),
            None => placed(ticket, state),
        },
        Intent::Close(position) | Intent::CloseBy(position) => {
            // A verdict on two positions may name the deal of either.
            let named = if matches!(sent.intent, Intent::Close(_)) { result.deal } else { 0 };
            let out = closing_deal(sent, named, position, state)?;
            let ticket = translate::ticket(out.deal);
            let closed = last_closed(state, |order| {
                order.deal_internal_out.as_ref().is_some_and(|deal| deal.ticket_number == ticket)
            });
            // The contract shows the answer to a close as started.
            closed.map(|order| reply::Order { state: Shown::Started, ..order })
        }
        Intent::Remove(ticket) => {
            let ended = state.ended.iter().rev().find(|order| order.trade_order == ticket)?;
            (!state.orders.contains_key(&ticket)).then(|| translate::ended_order(ended, login, zone))
        }
    }
}

/// The order of a request that is known to be done, as well as it can be shown.
pub(super) fn shown(sent: &Sent, result: &TradeResult, state: &mut State) -> reply::Order {
    if let Some(order) = settled(sent, result, state) {
        return order;
    }
    // The server may have set other prices than asked for: then the record as it is says more than the verdict.
    let current = match sent.intent {
        Intent::Stops(position) => {
            state.positions.get(&position).map(|open| translate::position(open, state.zone))
        }
        Intent::Modify(ticket) => state.orders.get(&ticket).map(|order| state.shown_pending(order)),
        _ => None,
    };
    current.unwrap_or_else(|| {
        let order = translate::from_result(&sent.request, result, state.zone);
        // What was changed or closed keeps its number, whatever the order was called that did it.
        match sent.intent {
            Intent::Stops(ticket)
            | Intent::Modify(ticket)
            | Intent::Remove(ticket)
            | Intent::Close(ticket)
            | Intent::CloseBy(ticket) => reply::Order { ticket: translate::ticket(ticket), ..order },
            Intent::Prices | Intent::Open | Intent::Place => order,
        }
    })
}

fn opened(result: &TradeResult, state: &State) -> Option<reply::Order> {
    let (login, zone) = (state.login, state.zone);
    // Balance operations have no order: zero names none.
    let named = |ticket: i64, by_result: i64| ticket != 0 && ticket == by_result;
    let entry = state
        .deals
        .iter()
        .rev()
        .find(|deal| named(deal.deal, result.deal) || named(deal.trade_order, result.trade_order))?;
    if DealEntry::from_number(entry.entry) == Some(DealEntry::Out) {
        // On a netting account the opposite side reduces the position of the symbol.
        return Some(translate::reduced_by(entry, login, zone));
    }
    let fills: Vec<&Deal> = state.deals.iter().filter(|deal| deal.trade_order == entry.trade_order).collect();
    let records = || fills.iter().map(|deal| translate::deal(deal, login, zone)).collect();
    let shown = match state.positions.get(&entry.position_id) {
        Some(open) => translate::position(open, zone),
        // Closed again already, by its stop loss for instance.
        None => translate::opened_by(entry, login, zone),
    };
    Some(reply::Order {
        deal_internal_in: Some(Box::new(translate::deal(entry, login, zone))),
        partial_fill_deals: if fills.len() > 1 { records() } else { Vec::new() },
        ..shown
    })
}

fn placed(ticket: i64, state: &State) -> Option<reply::Order> {
    if let Some(order) = state.orders.get(&ticket) {
        return Some(state.shown_pending(order));
    }
    // Filled, cancelled or expired in the same breath.
    let ended = state.ended.iter().rev().find(|order| order.trade_order == ticket)?;
    Some(translate::ended_order(ended, state.login, state.zone))
}

fn last_closed(state: &State, is_it: impl Fn(&reply::Order) -> bool) -> Option<reply::Order> {
    state.closed.iter().rev().find(|order| is_it(order)).cloned()
}

/// The deal that closed a position: the one that is named, or the latest that may be the work of the request.
fn closing_deal<'a>(sent: &Sent, named: i64, position: i64, state: &'a State) -> Option<&'a Deal> {
    let is_it = |deal: &&Deal| match named {
        0 => may_close(sent, position, deal) && is_exit_of(sent.intent, deal),
        named => deal.deal == named && deal.position_id == position && deal.entry != 0,
    };
    state.deals.iter().rev().find(is_it)
}

/// Whether a deal closed something of a position after the request, and somebody had asked for it.
fn may_close(sent: &Sent, position: i64, deal: &Deal) -> bool {
    deal.position_id == position
        && deal.entry != 0
        && deal.deal > sent.after_deal
        && is_asked_for(deal.trade_reason)
}

/// Whether a deal leaves a position in the way that such a request has it leave.
fn is_exit_of(intent: Intent, deal: &Deal) -> bool {
    let entry = DealEntry::from_number(deal.entry);
    match intent {
        Intent::Close(_) => matches!(entry, Some(DealEntry::Out | DealEntry::InOut)),
        Intent::CloseBy(_) => entry == Some(DealEntry::OutBy),
        _ => false,
    }
}

/// Whether somebody asked for it: what the server does by itself is nobody's request, whatever it looks like.
fn is_asked_for(reason: u32) -> bool {
    !is_by_stop(reason) && !is_service(reason)
}

/// Whether the server closed it, by its stop or for want of margin: all that was left of it.
fn is_by_stop(reason: u32) -> bool {
    matches!(Reason::from_number(reason), Some(Reason::StopLoss | Reason::TakeProfit | Reason::StopOut))
}

/// Looks for a trace of a request in a state that is up to date. `claimed` are the orders of other requests whose fate is known,
/// and `rivals` all requests whose fate is not, itself among them.
pub(super) fn search(sent: &Sent, claimed: &BTreeSet<i64>, rivals: &[&Sent], state: &State) -> Found {
    match sent.intent {
        Intent::Prices => Found::refused(Error::timeout("The price request")),
        Intent::Open | Intent::Place => search_made(sent, claimed, rivals, state),
        Intent::Stops(position) => search_stops(sent, position, state),
        Intent::Modify(ticket) => {
            let ended = || state.ended.iter().rev().find(|order| order.trade_order == ticket);
            match state.orders.get(&ticket).or_else(ended) {
                Some(order) if has_terms(order, &sent.request) => done(ticket, 0),
                // Somebody may have changed it again.
                Some(_) | None => Found::Nothing,
            }
        }
        Intent::Close(position) | Intent::CloseBy(position) => {
            match search_made(sent, claimed, rivals, state) {
                Found::Nothing => search_stopped(sent, position, claimed, state),
                found => found,
            }
        }
        Intent::Remove(ticket) => {
            let ended = state.ended.iter().rev().find(|order| order.trade_order == ticket);
            match ended.and_then(|order| OrderState::from_number(order.order_state)) {
                Some(OrderState::Canceled) => done(ticket, 0),
                Some(OrderState::Filled | OrderState::Expired | OrderState::Rejected) => Found::refused(
                    Error::new(Code::OrderAlreadyChanged, "The order is not pending any more."),
                ),
                // What was left of it after a part was filled may have been removed.
                Some(_) | None => Found::Nothing,
            }
        }
    }
}

/// The stops that a position has, or had when it was closed.
fn search_stops(sent: &Sent, position: i64, state: &State) -> Found {
    let request = &sent.request;
    let is_set = |sl, tp, digits| equal(sl, request.price_sl, digits) && equal(tp, request.price_tp, digits);
    let is_found = match state.positions.get(&position) {
        Some(open) => is_set(open.record.sl, open.record.tp, open.record.digits),
        None => {
            let mut exits =
                state.deals.iter().rev().filter(|deal| deal.position_id == position && deal.entry != 0);
            exits
                .next()
                .is_some_and(|exit| exit.deal > sent.after_deal && is_set(exit.sl, exit.tp, exit.digits))
        }
    };
    // Somebody may have changed them again.
    if is_found { done(position, 0) } else { Found::Nothing }
}

/// Whether one of its stops has closed a position already. That it is gone says nothing: this request may have closed it.
fn search_stopped(sent: &Sent, position: i64, claimed: &BTreeSet<i64>, state: &State) -> Found {
    let is_free = |deal: &Deal| may_close(sent, position, deal) && !claimed.contains(&deal.trade_order);
    let is_stopped = || {
        let is_stop = |deal: &Deal| {
            deal.position_id == position && deal.deal > sent.after_deal && is_by_stop(deal.trade_reason)
        };
        state.deals.iter().any(is_stop) && !state.deals.iter().any(is_free)
    };
    let is_gone = !state.positions.contains_key(&position);
    if is_gone && state.shows_all_since(sent) && is_stopped() {
        return Found::refused(Error::new(Code::PositionNotExists, "The position is closed already."));
    }
    Found::Nothing
}

/// Whether nothing since the request could be its work, what was not recognised included: servers may change comments, fill
/// other volumes, or tell less than asked for. Without this, no trace of a request proves nothing.
pub(super) fn leaves_no_room(sent: &Sent, claimed: &BTreeSet<i64>, state: &State) -> bool {
    match sent.intent {
        Intent::Open | Intent::Place => !may_be_made(sent, claimed, state),
        Intent::Close(position) | Intent::CloseBy(position) => {
            let is_others = |order: i64| claimed.contains(&order);
            let is_free = |deal: &Deal| may_close(sent, position, deal) && !is_others(deal.trade_order);
            // It may be filled yet.
            let is_working = |order: &Order| {
                order.position_id == position
                    && order.trade_order > sent.after_order
                    && !is_others(order.trade_order)
            };
            state.positions.contains_key(&position)
                && !state.deals.iter().any(is_free)
                && !state.orders.values().any(is_working)
        }
        Intent::Remove(ticket) => state.orders.contains_key(&ticket),
        // What was set may have been set again since; a price leaves no trace at all.
        Intent::Stops(_) | Intent::Modify(_) | Intent::Prices => false,
    }
}

/// Whether something was made on the symbol since the request that somebody asked for and that belongs to no other request.
fn may_be_made(sent: &Sent, claimed: &BTreeSet<i64>, state: &State) -> bool {
    let symbol = &sent.request.trade_symbol;
    let is_hedging = state.is_hedging();
    let is_new = |order: i64| order > sent.after_order && !claimed.contains(&order);
    let is_exit = |deal: &Deal| {
        let entry = DealEntry::from_number(deal.entry);
        is_hedging && matches!(entry, Some(DealEntry::Out | DealEntry::OutBy))
    };
    let only_closed = |order: i64| {
        let mut fills = state.deals.iter().filter(|deal| deal.trade_order == order).peekable();
        fills.peek().is_some() && fills.all(is_exit)
    };
    let by_order = |order: &Order| {
        is_new(order.trade_order)
            && order.trade_symbol == *symbol
            && is_asked_for(order.type_reason)
            && !only_closed(order.trade_order)
    };
    let by_deal = |deal: &Deal| {
        deal.deal > sent.after_deal
            && (deal.trade_order == 0 || is_new(deal.trade_order))
            && deal.trade_symbol == *symbol
            && is_asked_for(deal.trade_reason)
            && !is_exit(deal)
    };
    let by_position = |position: &Position| {
        is_new(position.position_id)
            && !claimed.contains(&position.trade_order)
            && position.trade_symbol == *symbol
    };
    state.orders.values().chain(&state.ended).any(by_order)
        || state.deals.iter().any(by_deal)
        || state.positions.values().any(|open| by_position(&open.record))
}

/// An order, with its deals, as the request asked for that came after it and belongs to no other one.
fn search_made(sent: &Sent, claimed: &BTreeSet<i64>, rivals: &[&Sent], state: &State) -> Found {
    let may_be_its = work_of(sent, state);
    let candidates: BTreeSet<i64> = may_be_its.difference(claimed).copied().collect();
    let Some(&first) = candidates.first() else { return Found::Nothing };
    // Of equal requests it does not matter which one made which order; of others nobody can tell.
    let alike: Vec<&&Sent> = rivals.iter().filter(|rival| work_of(rival, state).contains(&first)).collect();
    if candidates.len() > alike.len() || !alike.iter().all(|rival| is_equal(rival, sent)) {
        return Found::Ambiguous;
    }
    let mut deals = state.deals.iter().filter(|deal| deal.trade_order == first);
    let deal = match sent.intent {
        // A closing by an opposite position has a deal for each.
        Intent::Close(position) | Intent::CloseBy(position) => {
            deals.find(|deal| deal.position_id == position)
        }
        _ => deals.next(),
    };
    let ended = orders_of(first, state).find(|order| fits(sent, order, state));
    if let Some(error) = ended.and_then(|order| refused_by(sent, order, deal)) {
        let known = claimed.union(&candidates).copied().collect();
        // Else it may be somebody else's, and the one of this request not recognised.
        let is_its_own = leaves_no_room(sent, &known, state);
        return if is_its_own { Found::Refused { error, order: first } } else { Found::Ambiguous };
    }
    done(first, deal.map_or(0, |deal| deal.deal))
}

/// Why nothing came of a new order, if it ended so.
fn refused_by(sent: &Sent, order: &Order, deal: Option<&Deal>) -> Option<Error> {
    let is_unfilled = deal.is_none() && order.volume_current == order.volume_initial;
    let told = match OrderState::from_number(order.order_state)? {
        OrderState::Rejected => {
            return Some(Error::new(Code::RequestRejected, "The trade server rejected the order."));
        }
        // One that waits for its price was placed, however it ends.
        _ if sent.intent != Intent::Open || !is_unfilled => return None,
        OrderState::Canceled => "The order was cancelled before anything of it was filled.",
        OrderState::Expired => "The order expired before anything of it was filled.",
        _ => return None,
    };
    Some(Error::new(Code::RequestCancelled, told))
}

/// Orders that could be the work of a request, by what is known of them and of their deals.
fn work_of(sent: &Sent, state: &State) -> BTreeSet<i64> {
    match sent.intent {
        Intent::Open | Intent::Place => {
            let all = state.orders.values().chain(&state.ended);
            all.filter(|order| fits(sent, order, state)).map(|order| order.trade_order).collect()
        }
        Intent::Close(position) => closers(sent, position, state),
        Intent::CloseBy(position) => {
            let of_opposite = i64::try_from(sent.request.position_by)
                .map(|opposite| closers(sent, opposite, state))
                .unwrap_or_default();
            closers(sent, position, state).intersection(&of_opposite).copied().collect()
        }
        Intent::Prices | Intent::Stops(_) | Intent::Modify(_) | Intent::Remove(_) => BTreeSet::new(),
    }
}

/// The records of an order: as it is pending, and as it ended.
fn orders_of(ticket: i64, state: &State) -> impl Iterator<Item = &Order> {
    let ended = state.ended.iter().filter(move |order| order.trade_order == ticket);
    state.orders.get(&ticket).into_iter().chain(ended)
}

/// Orders after a request that closed as much of a position as it asked for, and in its way.
fn closers(sent: &Sent, position: i64, state: &State) -> BTreeSet<i64> {
    let mut closed: BTreeMap<i64, u64> = BTreeMap::new();
    for deal in &state.deals {
        if may_close(sent, position, deal) && is_exit_of(sent.intent, deal) {
            let volume = closed.entry(deal.trade_order).or_default();
            *volume = volume.saturating_add(deal.trade_volume);
        }
    }
    let is_its = |(order, volume): (i64, u64)| {
        (order > sent.after_order && volume > 0 && volume == sent.request.trade_volume).then_some(order)
    };
    closed.into_iter().filter_map(is_its).collect()
}

/// Whether an order of the same symbol, type, volume and comment came after a request for a new one.
fn fits(sent: &Sent, order: &Order, state: &State) -> bool {
    let request = &sent.request;
    // There an order changes the position that the symbol has already, and bears its number.
    let is_netting = !state.is_hedging();
    matches!(sent.intent, Intent::Open | Intent::Place)
        && order.trade_order > sent.after_order
        && is_asked_for(order.type_reason)
        && order.trade_symbol == request.trade_symbol
        && order.order_type == request.trade_type
        && u64::try_from(order.volume_initial) == Ok(request.trade_volume)
        && (is_netting || order.position_id == 0 || order.position_id == order.trade_order)
        && same_comment(&order.comment, &request.comment)
        && (sent.intent == Intent::Open || has_prices(order, request))
}

/// Whether two requests ask for the same, whatever the market's price was.
fn is_equal(one: &Sent, other: &Sent) -> bool {
    let asked = |sent: &Sent| {
        let is_at_market = matches!(sent.intent, Intent::Open | Intent::Close(_) | Intent::CloseBy(_));
        let price_order = if is_at_market { 0.0 } else { sent.request.price_order };
        TradeRequest { action_id: 0, price_order, ..sent.request.clone() }.to_bytes()
    };
    (one.intent, one.magic) == (other.intent, other.magic) && asked(one) == asked(other)
}

fn done(trade_order: i64, deal: i64) -> Found {
    Found::Done(Box::new(TradeResult {
        retcode: Retcode::DONE.0,
        trade_order,
        deal,
        ..TradeResult::default()
    }))
}

/// Servers may keep fewer characters of a comment, or add to it.
fn same_comment(kept: &str, sent: &str) -> bool {
    sent.is_empty() || kept.starts_with(sent) || (!kept.is_empty() && sent.starts_with(kept))
}

/// The same price at the symbol's digits.
fn equal(one: f64, other: f64, digits: u32) -> bool {
    Price::from_f64(one, digits) == Price::from_f64(other, digits)
}

fn has_terms(order: &Order, request: &TradeRequest) -> bool {
    has_prices(order, request)
        && equal(order.price_sl, request.price_sl, order.digits)
        && equal(order.price_tp, request.price_tp, order.digits)
        && order.type_time == request.type_time
        && expires_alike(order, request)
}

/// At the same moment or on the same day, as far as its kind of expiration has one.
fn expires_alike(order: &Order, request: &TradeRequest) -> bool {
    let (is, asked) = (order.time_expiration, request.time_expiration);
    match Expiration::from_number(request.type_time) {
        Some(Expiration::Specified) => is == asked,
        Some(Expiration::SpecifiedDay) => day_start_s(is.into()) == day_start_s(asked.into()),
        Some(Expiration::GoodTillCancelled | Expiration::Day) | None => true,
    }
}

/// At which a pending order works.
fn has_prices(order: &Order, request: &TradeRequest) -> bool {
    let (digits, trigger) = (order.digits, request.price_trigger);
    equal(order.price_order, request.price_order, digits)
        && (trigger <= 0.0 || equal(order.price_trigger, trigger, digits))
}
