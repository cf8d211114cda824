//! The past: deals grouped into positions, as the official client does it (protocol 9.4).

use std::collections::HashMap;
use std::ops::RangeInclusive;

use calls::ServerClock;
use calls::reply::{Order, OrderHistoryEventArgs};
use calls::values::SortType;
use model::OrderState;
use wire::records::{Deal, History};

use super::order::{Closing, closed_by, opened_by, stops};
use super::{deal, deal_of, ended_order, fill_policy, order_record, price, ticket};

/// Closed positions, ended orders and balance operations of an answer to command 5.
pub(crate) fn order_history(
    history: &History,
    login: u64,
    zone: ServerClock,
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

/// Those that were closed in a range of seconds of the server's clock, in the order of their closing. As the server counts
/// ranges: by the second, both ends included.
pub(crate) fn closed_within(mut positions: Vec<Order>, range: RangeInclusive<i64>) -> Vec<Order> {
    positions.retain(|one| range.contains(&one.close_time.as_seconds().unwrap_or(0)));
    positions.sort_by_key(|position| (position.close_time, position.ticket));
    positions
}

/// Positions that have a closing deal in the range. The first deal opens, deals of the opposite side close; one that
/// turned round is a position for each side. A position whose opening lies before the range is described by its closing
/// deal.
pub(crate) fn closed_positions(history: &History, login: u64, zone: ServerClock) -> Vec<Order> {
    let shown = || history.deals.iter().filter(|deal| deal.trade_action <= 1 && deal.position_id != 0);
    // An account has one currency.
    let digits = shown().map(|deal| deal.digits_currency).max().unwrap_or_default();
    let counted: Vec<statistics::Deal> = shown().map(|deal| deal_of(deal, digits)).collect();
    let mut trades = statistics::trades(&counted, digits);
    trades.sort_by_key(|trade| (trade.position, trade.closed.time_ms, trade.close_ticket));
    let records = Records {
        deals: shown().map(|deal| (ticket(deal.deal), deal)).collect(),
        fillings: history.orders.iter().map(|one| (ticket(one.trade_order), one.type_filling)).collect(),
    };
    trades.iter().filter_map(|trade| closed_position(trade, &records, login, zone)).collect()
}

/// What closed positions are shown with.
struct Records<'a> {
    /// By ticket.
    deals: HashMap<u64, &'a Deal>,
    /// How orders were to be filled, by ticket.
    fillings: HashMap<u64, u32>,
}

fn closed_position(
    trade: &statistics::Trade,
    records: &Records<'_>,
    login: u64,
    zone: ServerClock,
) -> Option<Order> {
    let of = |tickets: &[u64]| -> Vec<&Deal> {
        tickets.iter().filter_map(|ticket| records.deals.get(ticket).copied()).collect()
    };
    let (ins, outs) = (of(&trade.entries), of(&trade.exits));
    let last = *outs.last()?;
    let mut opened = opening(ins.first().copied(), last, login, zone);
    if let (Some(fill), Some(entry)) = (trade.opened, ins.last()) {
        (opened.volume, opened.lots) = (trade.entered.units(), trade.entered.lots());
        opened.open_price = price(fill.price.to_f64(), last.digits);
        (opened.stop_loss, opened.take_profit) = stops(entry);
    }
    // A position bears the number of the order that opened it, until another one turns it round.
    let by_order = ins.first().and_then(|entry| records.fillings.get(&ticket(entry.trade_order)));
    if let Some(filling) = by_order.or_else(|| records.fillings.get(&trade.position)) {
        opened.fill_policy = fill_policy(*filling);
    }
    let closing = Closing { volume: trade.volume, amounts: trade.amounts };
    let records = |deals: &[&Deal]| deals.iter().map(|one| deal(one, login, zone)).collect();
    Some(Order {
        partial_close_deals: if outs.len() > 1 { records(&outs) } else { Vec::new() },
        partial_fill_deals: if ins.len() > 1 { records(&ins) } else { Vec::new() },
        ..closed_by(opened, last, &closing, login, zone)
    })
}

/// A position as it was before `out` closed it: by its opening deal, or by what the closing one says.
pub(crate) fn opening(entry: Option<&Deal>, out: &Deal, login: u64, zone: ServerClock) -> Order {
    match entry {
        Some(entry) => opened_by(entry, login, zone),
        None => opened_before(out, login, zone),
    }
}

/// What a closing deal says about its position: the opposite side, and the opening price if the server sends it.
fn opened_before(out: &Deal, login: u64, zone: ServerClock) -> Order {
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
        ..opened_by(&entry, login, zone)
    }
}

#[cfg(test)]
mod tests {
    use calls::values::{DealType, OrderState as State, OrderType};
    use wire::records;

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
        let answer = order_history(&history, 7, ServerClock::default(), SortType::OpenTime, true);
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
        let answer = order_history(&history, 7, ServerClock::default(), SortType::OpenTime, true);
        assert_eq!(answer.orders[0].fill_policy, calls::values::FillPolicy::ImmediateOrCancel);
    }

    #[test]
    fn lots_are_all_that_a_position_has_opened_and_closed() {
        let closed = |deals: Vec<Deal>| {
            let history = History { deals, orders: Vec::new() };
            let order = closed_positions(&history, 7, ServerClock::fixed(0)).remove(0);
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
        let begun_before = vec![dearer, trade(4, 70, 1, 1, 30, 1.0)];
        assert_eq!(closed(begun_before).2, "0.3");
    }

    #[test]
    fn a_position_that_turned_round_is_one_for_each_side() {
        let mut reversal = trade(3, 70, 1, 2, 30, 5.0);
        (reversal.price_open, reversal.commission, reversal.sl) = (1.12, -0.3, 1.2);
        let mut opened = trade(2, 70, 0, 0, 20, 0.0);
        opened.sl = 1.05;
        let deals = vec![opened, reversal, trade(4, 70, 0, 1, 10, 1.0)];
        let rows = closed_positions(&History { deals, orders: Vec::new() }, 7, ServerClock::fixed(0));
        let shown = |order: &Order| {
            let numbers = [order.lots, order.close_lots, order.open_price, order.close_price, order.profit];
            (
                order.ticket,
                order.order_type,
                order.stop_loss.to_string(),
                format!("{numbers:?} {}", order.commission),
            )
        };
        // Two thirds of the reversal's commission are of the lots that it closed.
        let bought = (70, OrderType::Buy, "1.05".into(), "[0.2, 0.2, 1.1, 1.12, 5.0] -0.3".into());
        let sold = (70, OrderType::Sell, "0".into(), "[0.1, 0.1, 1.12, 1.11, 1.0] -0.2".into());
        assert_eq!(rows.iter().map(shown).collect::<Vec<_>>(), [bought, sold]);
        assert_eq!(rows[1].open_time, rows[0].close_time);
    }

    #[test]
    fn a_position_opened_before_the_range_is_known_by_its_closing_deal() {
        let mut out = trade(9, 70, 1, 1, 4, 1.0);
        out.price_close = 1.05;
        let history = History { deals: vec![out], orders: Vec::new() };
        let answer = order_history(&history, 7, ServerClock::default(), SortType::CloseTime, false);
        let closed = &answer.orders[0];
        assert_eq!((closed.ticket, closed.order_type), (70, OrderType::Buy));
        assert_eq!(closed.open_price.to_string(), "1.05");
        assert_eq!(closed.open_time, calls::ServerTime::NULL);
    }
}
