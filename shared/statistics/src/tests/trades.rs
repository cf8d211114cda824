//! Deals to trades.

use model::DealEntry::{In, InOut, Out, OutBy};
use model::DealType;
use model::Side::{Buy, Sell};

use super::*;
use crate::{Amounts, Fill, Repeats, Trade, equity_curve, pip_size, trades};

fn fill(hour: i64, at: f64) -> Fill {
    Fill { time_ms: hour * HOUR, price: price(at) }
}

#[test]
fn entries_and_exits_are_weighted_by_volume() {
    let deals = [
        deal(1, 7, Buy, In, 1.0, 1.1).with(0.0, 0.0, -3.0),
        deal(2, 7, Buy, In, 3.0, 1.2).with(0.0, 0.0, -9.0),
        deal(3, 7, Sell, Out, 1.0, 1.2).with(250.0, -1.0, -3.0),
        deal(5, 7, Sell, OutBy, 2.0, 1.23).with(1100.0, -2.5, 0.0),
    ];
    // Entries: (1 x 1.1 + 3 x 1.2) / 4 = 1.175. Exits: (1 x 1.2 + 2 x 1.23) / 3 = 1.22. One lot stays open.
    let found = trades(&deals, 2);
    let expected = Trade {
        position: 7,
        close_ticket: 5,
        symbol: "EURUSD".into(),
        side: Buy,
        entered: lots(4.0),
        volume: lots(3.0),
        opened: Some(fill(1, 1.175)),
        closed: fill(5, 1.22),
        entries: vec![1, 2],
        exits: vec![3, 5],
        // Three quarters of the twelve for opening, and three for closing.
        amounts: Amounts {
            profit: money(1350.0),
            swap: money(-3.5),
            commission: money(-12.0),
            fee: Money::ZERO,
        },
    };
    assert_eq!(found, [expected]);
    assert_eq!(found[0].net(), money(1334.5));
    assert_eq!(found[0].length_ms(), Some(4 * HOUR));
}

#[test]
fn order_of_the_records_does_not_matter_and_open_positions_are_no_trades() {
    let mut deals = vec![
        payment(0, DealKind::Transfer, 1000.0),
        deal(1, 1, Sell, In, 1.0, 1.1),
        deal(2, 2, Buy, In, 1.0, 1.1),
        deal(3, 2, Sell, Out, 1.0, 1.2).with(10.0, 0.0, 0.0),
        deal(4, 1, Buy, Out, 1.0, 1.2).with(-10.0, 0.0, 0.0),
        deal(5, 3, Buy, In, 1.0, 1.1),
    ];
    let found = trades(&deals, 2);
    assert_eq!(found.iter().map(|trade| trade.position).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(found[1].side, Sell);
    deals.reverse();
    assert_eq!(trades(&deals, 2), found);
}

#[test]
fn a_reversal_ends_a_trade_and_begins_the_next() {
    let deals = [
        deal(1, 9, Buy, In, 1.0, 1.1).with(0.0, 0.0, -2.0),
        deal(2, 9, Sell, InOut, 3.0, 1.12).with(2000.0, -1.0, -6.0),
        deal(3, 9, Buy, Out, 2.0, 1.11).with(2000.0, 0.0, -4.0),
    ];
    let found = trades(&deals, 2);
    assert_eq!(found.len(), 2);
    // A third of the reversal's volume closed: a third of its commission, all of its profit.
    assert_eq!((found[0].side, found[0].volume), (Buy, lots(1.0)));
    assert_eq!((found[0].opened, found[0].closed), (Some(fill(1, 1.1)), fill(2, 1.12)));
    assert_eq!((found[0].amounts.commission, found[0].net()), (money(-4.0), money(1995.0)));
    assert_eq!((found[1].side, found[1].volume), (Sell, lots(2.0)));
    assert_eq!((found[1].opened, found[1].closed), (Some(fill(2, 1.12)), fill(3, 1.11)));
    assert_eq!((found[1].amounts.commission, found[1].net()), (money(-8.0), money(1992.0)));
}

#[test]
fn a_position_without_its_openings_is_described_by_its_exits() {
    let out = deal(3, 4, Sell, Out, 0.5, 1.2).with(50.0, 0.0, -1.0);
    let found = trades(std::slice::from_ref(&out), 2);
    assert_eq!((found[0].side, found[0].opened, found[0].closed), (Buy, None, fill(3, 1.2)));
    assert_eq!((found[0].net(), found[0].length_ms(), found[0].pips(5)), (money(49.0), None, None));
    assert_eq!(found[0].holding(), None);
    // A reversal of what nobody saw opened.
    let reversal = deal(3, 4, Sell, InOut, 0.5, 1.2).with(50.0, 0.0, -1.0);
    assert_eq!(trades(&[reversal], 2), found);
}

#[test]
fn volumes_of_zero_and_mixed_symbols_are_borne() {
    let deals = [deal(1, 1, Buy, In, 0.0, 1.1), deal(2, 1, Sell, Out, 0.0, 1.2).with(5.0, 0.0, 0.0)];
    let found = trades(&deals, 2);
    assert_eq!((found[0].opened, found[0].closed), (Some(fill(1, 1.1)), fill(2, 1.2)));
    let mixed = [deal(1, 1, Buy, In, 1.0, 1.1), deal(2, 1, Sell, Out, 1.0, 150.0).on("USDJPY")];
    assert_eq!(trades(&mixed, 2)[0].opened, None);
}

#[test]
fn a_pip_is_ten_points_where_the_last_digit_is_a_fraction_of_it() {
    for (digits, size) in
        [(5, 0.0001), (4, 0.0001), (3, 0.01), (2, 0.01), (1, 0.1), (0, 1.0), (8, 0.000_000_01)]
    {
        assert_eq!(pip_size(digits), price(size), "{digits} digits");
    }
    let deals = [deal(1, 1, Sell, In, 1.0, 1.1), deal(2, 1, Buy, Out, 1.0, 1.1012)];
    // Sold at 1.1000, bought back twelve pips higher.
    assert_eq!(trades(&deals, 2)[0].pips(5).map(|pips| (pips * 1e6).round() as i64), Some(-12_000_000));
}

#[test]
fn money_operations_are_sorted_by_their_kind() {
    for (kind, expected) in [
        (DealType::Buy, None),
        (DealType::Sell, None),
        (DealType::Balance, Some(DealKind::Transfer)),
        (DealType::Credit, Some(DealKind::Credit)),
        (DealType::Bonus, Some(DealKind::Credit)),
        (DealType::DailyCommission, Some(DealKind::Charge)),
        (DealType::Dividend, Some(DealKind::Charge)),
    ] {
        assert_eq!(DealKind::of_money(kind), expected, "{kind:?}");
    }
}

#[test]
fn each_closing_has_its_share_and_the_last_the_rest() {
    let mut deals = vec![
        deal(1, 7, Buy, In, 0.2, 1.1).with(0.0, 0.0, -9.55),
        deal(2, 7, Sell, Out, 0.1, 1.2).with(100.0, 0.0, -4.78),
    ];
    let commission = |deals: &[Deal]| trades(deals, 2)[0].amounts.commission;
    assert_eq!(commission(&deals), money(-9.56));
    deals.push(deal(3, 7, Sell, Out, 0.1, 1.2).with(100.0, 0.0, -4.78));
    assert_eq!(commission(&deals), money(-19.11));
}

#[test]
fn what_the_server_books_by_itself_is_of_what_was_open() {
    let service = |deal: Deal| match deal.kind {
        DealKind::Trade { entry, price, .. } => Deal { kind: DealKind::Service { entry, price }, ..deal },
        _ => deal,
    };
    let deals = [
        deal(1, 7, Buy, In, 0.2, 1.1).with(0.0, 0.0, -2.0),
        // Closed and opened again in the night.
        service(deal(2, 7, Sell, Out, 0.2, 1.2)).with(2000.0, -1.0, 0.0),
        service(deal(2, 7, Buy, In, 0.2, 1.201)),
        deal(3, 7, Sell, Out, 0.1, 1.202).with(10.0, 0.0, -1.0),
        deal(4, 7, Sell, Out, 0.1, 1.203).with(20.0, 0.0, -1.0),
    ];
    let found = trades(&deals[..4], 2);
    assert_eq!((found.len(), found[0].volume, found[0].net()), (1, lots(0.1), money(1007.5)));
    let found = trades(&deals, 2);
    assert_eq!((found.len(), found[0].opened, found[0].net()), (1, Some(fill(1, 1.1)), money(2025.0)));
    let home = Home::new();
    // Between the two closings one half is open, at the price of the night.
    let tape = tape("EURUSD", 0, &[[1.202, 1.202, 1.202, 1.202]; 5]);
    let curve = equity_curve(&home.account(&deals, 1000.0), &tape, 3 * HOUR, 3 * HOUR, Repeats::Keep);
    assert_eq!(curve.points.last().map(|point| point.unrealized), Some(money(10.0)));
}
