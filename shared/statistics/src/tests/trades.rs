//! Deals to trades.

use model::DealEntry::{In, InOut, Out, OutBy};
use model::DealType;
use model::Side::{Buy, Sell};

use super::*;
use crate::position::divide;
use crate::{Fill, Trade, pip_size, trades};

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
    let found = trades(&deals);
    let expected = Trade {
        position: 7,
        close_ticket: 5,
        symbol: "EURUSD".into(),
        side: Buy,
        volume: lots(3.0),
        opened: Some(fill(1, 1.175)),
        closed: fill(5, 1.22),
        profit: money(1350.0),
        swap: money(-3.5),
        commission: money(-15.0),
        fee: Money::ZERO,
    };
    assert_eq!(found, [expected]);
    assert_eq!(found[0].net(), money(1331.5));
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
    let found = trades(&deals);
    assert_eq!(found.iter().map(|trade| trade.position).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(found[1].side, Sell);
    deals.reverse();
    assert_eq!(trades(&deals), found);
}

#[test]
fn a_reversal_ends_a_trade_and_begins_the_next() {
    let deals = [
        deal(1, 9, Buy, In, 1.0, 1.1).with(0.0, 0.0, -2.0),
        deal(2, 9, Sell, InOut, 3.0, 1.12).with(2000.0, -1.0, -6.0),
        deal(3, 9, Buy, Out, 2.0, 1.11).with(2000.0, 0.0, -4.0),
    ];
    let found = trades(&deals);
    assert_eq!(found.len(), 2);
    // A third of the reversal's volume closed: a third of its commission, all of its profit.
    assert_eq!((found[0].side, found[0].volume), (Buy, lots(1.0)));
    assert_eq!((found[0].opened, found[0].closed), (Some(fill(1, 1.1)), fill(2, 1.12)));
    assert_eq!((found[0].commission, found[0].net()), (money(-4.0), money(1995.0)));
    assert_eq!((found[1].side, found[1].volume), (Sell, lots(2.0)));
    assert_eq!((found[1].opened, found[1].closed), (Some(fill(2, 1.12)), fill(3, 1.11)));
    assert_eq!((found[1].commission, found[1].net()), (money(-8.0), money(1992.0)));
}

#[test]
fn a_position_without_its_openings_is_described_by_its_exits() {
    let out = deal(3, 4, Sell, Out, 0.5, 1.2).with(50.0, 0.0, -1.0);
    let found = trades(std::slice::from_ref(&out));
    assert_eq!((found[0].side, found[0].opened, found[0].closed), (Buy, None, fill(3, 1.2)));
    assert_eq!((found[0].net(), found[0].length_ms(), found[0].pips(5)), (money(49.0), None, None));
    assert_eq!(found[0].holding(), None);
    // A reversal of what nobody saw opened.
    let reversal = deal(3, 4, Sell, InOut, 0.5, 1.2).with(50.0, 0.0, -1.0);
    assert_eq!(trades(&[reversal]), found);
}

#[test]
fn volumes_of_zero_and_mixed_symbols_are_borne() {
    let deals = [deal(1, 1, Buy, In, 0.0, 1.1), deal(2, 1, Sell, Out, 0.0, 1.2).with(5.0, 0.0, 0.0)];
    let found = trades(&deals);
    assert_eq!((found[0].opened, found[0].closed), (Some(fill(1, 1.1)), fill(2, 1.2)));
    let mixed = [deal(1, 1, Buy, In, 1.0, 1.1), deal(2, 1, Sell, Out, 1.0, 150.0).on("USDJPY")];
    assert_eq!(trades(&mixed)[0].opened, None);
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
    assert_eq!(trades(&deals)[0].pips(5).map(|pips| (pips * 1e6).round() as i64), Some(-12_000_000));
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
fn halves_are_rounded_away_from_zero() {
    for (of, by, expected) in
        [(7, 2, 4), (-7, 2, -4), (5, 3, 2), (4, 3, 1), (-4, 3, -1), (6, 3, 2), (1, 0, 0)]
    {
        assert_eq!(divide(of, by), expected, "{of} / {by}");
    }
    assert_eq!(divide(i128::MIN, -1), 0);
}
