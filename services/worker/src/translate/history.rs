//! The past: deals grouped into positions, as the official client does it (protocol 9.4).

use std::collections::BTreeMap;

use calls::reply::{Order, OrderHistoryEventArgs};
use calls::values::SortType;
use model::{DealEntry, OrderState, Reason, Volume};
use wire::records::{self, Deal, History};

use super::order::opened_by;
use super::{closed_by, deal, ended_order, fill_policy, finite, order_record, price, ticket};
use crate::zone::Zone;

/// Closed positions, ended orders and balance operations of an answer to command 5.
pub(crate) fn order_history(
    history: &History,
    login: u64,
    zone: Zone,
    sort: SortType,
    ascending: bool,
) -> OrderHistoryEventArgs {
    let mut orders = closed_positions(history, login, zone);
    orders.extend(
        history.deals.iter().filter(|deal| deal.trade_action > 1).map(|deal| opened_by(deal, login, zone)),
    );
    let ended = history.orders.iter().filter(|order| {
        let state = OrderState::from_number(order.order_state);
        matches!(state, Some(OrderState::Canceled | OrderState::Expired | OrderState::Rejected))
    });
    orders.extend(ended.map(|order| ended_order(order, login, zone)));
    match sort {
        SortType::OpenTime => orders.sort_by_key(|order| (order.open_time, order.ticket)),
        SortType::CloseTime => orders.sort_by_key(|order| (order.close_time, order.ticket)),
    }
    if !ascending {
        orders.reverse();
    }
    OrderHistoryEventArgs {
        orders,
        internal_deals: history.deals.iter().map(|one| deal(one, login, zone)).collect(),
        internal_orders: history.orders.iter().map(|order| order_record(order, login, zone)).collect(),
        action: 1,
        partial_response: false,
    }
}

/// How the orders that opened these positions were to be filled: a position bears its opening order's number.
fn show_fillings(positions: &mut [Order], records: &[records::Order]) {
    let by_ticket: BTreeMap<u64, u32> =
        records.iter().map(|record| (ticket(record.trade_order), record.type_filling)).collect();
    for position in positions {
        if let Some(filling) = by_ticket.get(&position.ticket) {
            position.fill_policy = fill_policy(*filling);
        }
    }
}

/// Positions that have a closing deal in the range. The first deal opens, deals of the opposite side close; a position
/// whose opening lies before the range is described by its closing deal.
pub(crate) fn closed_positions(history: &History, login: u64, zone: Zone) -> Vec<Order> {
    let mut by_position: BTreeMap<i64, Vec<&Deal>> = BTreeMap::new();
    for deal in history.deals.iter().filter(|deal| is_trade(deal)) {
        by_position.entry(deal.position_id).or_default().push(deal);
    }
    let mut orders = Vec::new();
    for group in by_position.values_mut() {
        group.sort_by_key(|deal| (deal.time_create, deal.time_create_ms, deal.deal));
        if let Some(order) = closed_position(group, login, zone) {
            orders.push(order);
        }
    }
    show_fillings(&mut orders, &history.orders);
    orders
}

fn is_trade(deal: &Deal) -> bool {
    let service = Reason::from_number(deal.trade_reason).is_some_and(Reason::is_service);
    deal.trade_action <= 1 && deal.position_id != 0 && !service
}

fn closed_position(group: &[&Deal], login: u64, zone: Zone) -> Option<Order> {
    let outs: Vec<&Deal> = group.iter().copied().filter(|deal| deal.entry != 0).collect();
    let last = *outs.last()?;
    let ins: Vec<&Deal> = group.iter().copied().filter(|deal| deal.entry == 0).collect();
    let opened = opening(ins.first().copied(), last, login, zone);
    let sum =
        |amount: fn(&Deal) -> f64, deals: &[&Deal]| deals.iter().map(|deal| money(amount(deal), deal)).sum();
    let total = |amount: fn(&Deal) -> f64| -> model::Money { sum(amount, group) };
    let turnover = Turnover::of(group);
    let mut order = closed_by(opened, last, login, zone);
    order.profit = total(|deal| deal.profit).to_f64();
    order.swap = total(|deal| deal.storage).to_f64();
    order.commission = total(|deal| deal.commission).to_f64();
    order.fee = total(|deal| deal.commission_fee).to_f64();
    (order.close_volume, order.close_lots) = (turnover.closed, Volume::from_units(turnover.closed).lots());
    if let Some(average) = turnover.price {
        (order.volume, order.lots) = (turnover.opened, Volume::from_units(turnover.opened).lots());
        order.open_price = price(average, last.digits);
    }
    let records = |deals: &[&Deal]| deals.iter().map(|one| deal(one, login, zone)).collect();
    order.partial_close_deals = if outs.len() > 1 { records(&outs) } else { Vec::new() };
    order.partial_fill_deals = if ins.len() > 1 { records(&ins) } else { Vec::new() };
    Some(order)
}

/// What the deals of a position have opened and closed together.
#[derive(Default)]
struct Turnover {
    /// Volume, lots x 10^8.
    opened: u64,
    /// Volume, lots x 10^8.
    closed: u64,
    /// Average price of the deals that built the position up, until it was reversed; none if it was opened before.
    price: Option<f64>,
}

impl Turnover {
    fn of(group: &[&Deal]) -> Self {
        let entry_of = |deal: &Deal| DealEntry::from_number(deal.entry);
        let is_whole = group.first().is_some_and(|first| entry_of(first) == Some(DealEntry::In));
        let (mut turnover, mut held, mut value) = (Self::default(), 0_u64, 0.0);
        let mut is_reversed = false;
        for deal in group {
            let volume = deal.trade_volume;
            let (opened, closed) = match entry_of(deal) {
                Some(DealEntry::In) => (volume, 0),
                // A deal that reverses a position closes what there is and opens the rest of its volume.
                Some(DealEntry::InOut) if is_whole => {
                    is_reversed = true;
                    (volume - held.min(volume), held.min(volume))
                }
                _ => (0, volume),
            };
            held = held.saturating_add(opened).saturating_sub(closed);
            turnover.closed = turnover.closed.saturating_add(closed);
            turnover.opened = turnover.opened.saturating_add(opened);
            if is_whole && !is_reversed && turnover.opened > 0 {
                value += finite(deal.price_open) * Volume::from_units(opened).lots();
                turnover.price = Some(value / Volume::from_units(turnover.opened).lots());
            }
        }
        turnover
    }
}

/// Sums are fixed point.
fn money(amount: f64, deal: &Deal) -> model::Money {
    model::Money::round(finite(amount), deal.digits_currency)
}

/// A position as it was before `out` closed it: by its opening deal, or by what the closing one says.
pub(crate) fn opening(entry: Option<&Deal>, out: &Deal, login: u64, zone: Zone) -> Order {
    match entry {
        Some(entry) => opened_by(entry, login, zone),
        None => opened_before(out, login, zone),
    }
}

/// What a closing deal says about its position: the opposite side, and the opening price if the server sends it.
fn opened_before(out: &Deal, login: u64, zone: Zone) -> Order {
    let entry = Deal {
        trade_action: 1 - out.trade_action.min(1),
        price_open: if out.price_close > 0.0 { out.price_close } else { 0.0 },
        ..out.clone()
    };
    Order {
        open_time: calls::ServerTime::NULL,
        open_timestamp_utc: 0,
        deal_internal_in: None,
        ticket: ticket(out.position_id),
        commission: 0.0,
        fee: 0.0,
        ..opened_by(&entry, login, zone)
    }
}

#[cfg(test)]
mod tests {
    use calls::values::{DealType, OrderState as State, OrderType};

    use super::*;

    fn trade(ticket: i64, position_id: i64, action: u32, entry: u32, lots: u64, profit: f64) -> Deal {
        Deal {
            deal: ticket,
            position_id,
            trade_action: action,
            entry,
            trade_volume: lots * 1_000_000,
            time_create: 1000 + u32::try_from(ticket).unwrap(),
            price_open: 1.1 + f64::from(entry) / 100.0,
            profit,
            commission: -0.1,
            digits: 5,
            digits_currency: 2,
            trade_symbol: "EURUSD".into(),
            ..Deal::default()
        }
    }

    #[test]
    fn deals_become_closed_positions_and_balance_operations() {
        let deposit =
            Deal { deal: 1, trade_action: 2, profit: 500.0, comment: "Deposit".into(), ..Deal::default() };
        let deals = vec![
            deposit,
            trade(2, 70, 0, 0, 10, 0.0),
            trade(3, 70, 1, 1, 4, 1.1),
            trade(4, 70, 1, 1, 6, 2.2),
            trade(5, 80, 1, 0, 3, 0.0),
        ];
        let history = History { deals, orders: Vec::new() };
        let answer = order_history(&history, 7, Zone::default(), SortType::OpenTime, true);
        assert_eq!(answer.orders.len(), 2, "the open position 80 is not history");
        let (balance, closed) = (&answer.orders[0], &answer.orders[1]);
        assert_eq!(
            (balance.order_type, balance.deal_type, balance.state),
            (OrderType::Balance, DealType::Balance, State::Filled)
        );
        assert_eq!((balance.symbol.as_str(), balance.profit.to_string()), ("", "500".to_owned()));
        assert_eq!((closed.ticket, closed.order_type, closed.close_volume), (70, OrderType::Buy, 10_000_000));
        assert_eq!(closed.profit.to_string(), "3.3", "sums are exact");
        assert_eq!(closed.commission.to_string(), "-0.3");
        assert_eq!(closed.close_price.to_string(), "1.11");
        assert_eq!((closed.partial_close_deals.len(), closed.partial_fill_deals.len()), (2, 0));
        assert_eq!(answer.internal_deals.len(), 5);
    }

    #[test]
    fn a_closed_position_says_how_its_opening_order_was_to_be_filled() {
        let record = |ticket, filling| records::Order {
            trade_order: ticket,
            type_filling: filling,
            ..records::Order::default()
        };
        let deals = vec![trade(2, 70, 0, 0, 10, 0.0), trade(3, 70, 1, 1, 10, 1.0)];
        let history = History { deals, orders: vec![record(70, 1), record(71, 0)] };
        let answer = order_history(&history, 7, Zone::default(), SortType::OpenTime, true);
        assert_eq!(answer.orders[0].fill_policy, calls::values::FillPolicy::ImmediateOrCancel);
    }

    #[test]
    fn lots_are_all_that_a_position_has_opened_and_closed() {
        let closed = |deals: Vec<Deal>| {
            let history = History { deals, orders: Vec::new() };
            let order = closed_positions(&history, 7, Zone::fixed(0)).remove(0);
            let price = order.open_price.to_string();
            (order.order_type, order.lots.to_string(), order.close_lots.to_string(), price)
        };
        let mut dearer = trade(3, 70, 0, 0, 10, 0.0);
        dearer.price_open = 1.13;
        let enlarged = vec![trade(2, 70, 0, 0, 20, 0.0), dearer.clone(), trade(4, 70, 1, 1, 30, 1.0)];
        let whole = |opened: &str, closed: &str, price: &str| {
            (OrderType::Buy, opened.to_owned(), closed.to_owned(), price.to_owned())
        };
        assert_eq!(closed(enlarged), whole("0.3", "0.3", "1.11"));
        // Twenty are opened, thirty sold: ten go on as a sell position, and are bought back.
        let reversed =
            vec![trade(2, 70, 0, 0, 20, 0.0), trade(3, 70, 1, 2, 30, 1.0), trade(4, 70, 0, 1, 10, 1.0)];
        assert_eq!(closed(reversed), whole("0.3", "0.3", "1.1"));
        let begun_before = vec![dearer, trade(4, 70, 1, 1, 30, 1.0)];
        assert_eq!(closed(begun_before).2, "0.3");
    }

    #[test]
    fn a_position_opened_before_the_range_is_known_by_its_closing_deal() {
        let mut out = trade(9, 70, 1, 1, 4, 1.0);
        out.price_close = 1.05;
        let history = History { deals: vec![out], orders: Vec::new() };
        let answer = order_history(&history, 7, Zone::default(), SortType::CloseTime, false);
        let closed = &answer.orders[0];
        assert_eq!((closed.ticket, closed.order_type), (70, OrderType::Buy));
        assert_eq!(closed.open_price.to_string(), "1.05");
        assert_eq!(closed.open_time, calls::ServerTime::NULL);
    }
}
