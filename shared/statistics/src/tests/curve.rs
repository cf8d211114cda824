//! Balance, equity and drawdowns.

use model::DealEntry::{In, InOut, Out};
use model::Side::{Buy, Sell};

use super::*;
use crate::{Peak, Point, Repeats, equity_curve};

/// Hour, balance, equity, drawdown of the balance and of the equity, realized, unrealized.
fn rows(points: &[Point]) -> Vec<(i64, [String; 6])> {
    let of = |point: &Point| {
        let columns = [
            point.balance,
            point.equity,
            point.balance_drawdown,
            point.equity_drawdown,
            point.realized,
            point.unrealized,
        ];
        (point.time_ms / HOUR, columns.map(|money| money.to_string()))
    };
    points.iter().map(of).collect()
}

fn row(hour: i64, columns: [&str; 6]) -> (i64, [String; 6]) {
    (hour, columns.map(str::to_owned))
}

#[test]
fn points_follow_deals_and_candles() {
    let home = Home::new();
    let deals = [
        payment(1, DealKind::Transfer, 10_000.0),
        deal(10, 1, Buy, In, 1.0, 1.1).with(0.0, 0.0, -5.0),
        deal(13, 1, Sell, Out, 0.5, 1.101).with(50.0, 0.0, -2.5),
        deal(14, 1, Sell, Out, 0.5, 1.099).with(-50.0, -1.0, -2.5),
    ];
    // Closes at 11:00, 12:00 and 13:00.
    let prices = [[1.1, 1.1, 1.1, 1.1005], [1.1, 1.1, 1.1, 1.099], [1.1, 1.1, 1.1, 1.102]];
    let tape = tape("EURUSD", 10, &prices);
    let curve = equity_curve(&home.account(&deals, 9989.0), &tape, 9 * HOUR, 15 * HOUR, Repeats::Keep);
    assert_eq!(
        rows(&curve.points),
        [
            row(9, ["10000", "10000", "0", "0", "0", "0"]),
            // Opened at the candle's open, its only price so far.
            row(10, ["9995", "9995", "5", "5", "-5", "0"]),
            // 1 lot x 100,000 x 0.0005 = 50.
            row(11, ["9995", "10045", "5", "0", "-5", "50"]),
            row(12, ["9995", "9895", "5", "150", "-5", "-100"]),
            // The deal of 13:00 is done: half a lot x 100,000 x 0.002 = 100.
            row(13, ["10042.5", "10142.5", "0", "0", "42.5", "100"]),
            row(14, ["9989", "9989", "53.5", "153.5", "-11", "0"]),
        ]
    );
    let percent = curve.points[3].equity_drawdown_percent;
    assert!((percent - 150.0 / 10_045.0 * 100.0).abs() < 1e-12);
    assert!(curve.unvalued.is_empty());
}

#[test]
fn the_first_point_is_what_the_range_begins_with() {
    let home = Home::new();
    let deals = [
        payment(1, DealKind::Transfer, 1000.0),
        payment(5, DealKind::Charge, -10.0),
        payment(9, DealKind::Charge, -20.0),
    ];
    let account = home.account(&deals, 970.0);
    let curve = equity_curve(&account, &Tape::new(HOUR), 5 * HOUR, 8 * HOUR, Repeats::Keep);
    assert_eq!(
        rows(&curve.points),
        [row(5, ["1000", "1000", "0", "0", "0", "0"]), row(5, ["990", "990", "10", "10", "-10", "0"]),]
    );
    assert!(equity_curve(&account, &Tape::new(HOUR), 8, 7, Repeats::Keep).points.is_empty());
}

#[test]
fn money_paid_in_and_out_is_neither_gain_nor_drawdown() {
    let home = Home::new();
    let deals = [
        payment(1, DealKind::Transfer, 1000.0),
        payment(2, DealKind::Charge, -100.0),
        payment(3, DealKind::Transfer, 500.0),
        payment(4, DealKind::Transfer, -1200.0),
        payment(5, DealKind::Credit, 50.0),
        payment(6, DealKind::Credit, -50.0),
    ];
    let curve = equity_curve(&home.account(&deals, 200.0), &Tape::new(HOUR), 0, 9 * HOUR, Repeats::Keep);
    let falls: Vec<_> = rows(&curve.points).into_iter().map(|(_, [.., b, e, r, _])| [b, e, r]).collect();
    let lost = || ["100", "100", "-100"].map(str::to_owned);
    let none = || ["0", "0", "0"].map(str::to_owned);
    assert_eq!(falls, [none(), none(), lost(), lost(), lost(), lost(), lost()]);
    // The peak was 1,000 + 500 - 1,200 = 300 in the end, and 350 while there was credit.
    let percents = curve.points.iter().map(|point| (point.equity_drawdown_percent * 1000.0).round() as i64);
    assert_eq!(percents.collect::<Vec<_>>(), [0, 0, 10_000, 6667, 33_333, 28_571, 33_333]);
    assert_eq!(curve.points[5].equity, money(250.0));
    assert_eq!(curve.points[5].balance, money(200.0));
}

#[test]
fn a_peak_that_is_not_above_zero_has_no_percentage() {
    let mut peak = Peak::new(Money::ZERO);
    let fall = peak.fall(money(-50.0));
    assert_eq!((fall.money, fall.percent.to_bits()), (money(50.0), 0.0_f64.to_bits()));
    peak.pay(money(100.0));
    // From 100 to -50.
    assert_eq!(peak.fall(money(-50.0)).percent.round() as i64, 150);
}

#[test]
fn repeats_can_be_dropped() {
    let home = Home::new();
    let deals = [payment(1, DealKind::Transfer, 1000.0), payment(4, DealKind::Charge, -1.0)];
    let flat = tape("EURUSD", 1, &[[1.1, 1.1, 1.1, 1.1]; 6]);
    let account = home.account(&deals, 999.0);
    let hours = |repeats| {
        let curve = equity_curve(&account, &flat, 2 * HOUR, 6 * HOUR, repeats);
        curve.points.iter().map(|point| point.time_ms / HOUR).collect::<Vec<_>>()
    };
    assert_eq!(hours(Repeats::Keep), [2, 3, 4, 5, 6]);
    assert_eq!(hours(Repeats::Drop), [2, 4]);
}

#[test]
fn the_curve_ends_where_the_account_is() {
    let home = Home::new();
    let deals = [payment(1, DealKind::Transfer, 1000.0), deal(2, 1, Buy, In, 1.0, 1.1)];
    let tape = tape("EURUSD", 1, &[[1.1, 1.1, 1.1, 1.1]; 4]);
    let account = Account { floating: Some(money(-30.0)), ..home.account(&deals, 1000.0) };
    // At the end of a candle, and between two.
    for end_ms in [4 * HOUR, 4 * HOUR + 1] {
        let points = equity_curve(&account, &tape, 2 * HOUR, end_ms, Repeats::Drop).points;
        let last = points.last().unwrap();
        assert_eq!((last.time_ms, last.unrealized, last.equity), (end_ms, money(-30.0), money(970.0)));
        assert_eq!(last.equity_drawdown, money(30.0));
        assert_eq!(points.iter().filter(|point| point.time_ms == end_ms).count(), 1);
    }
}

#[test]
fn profits_are_converted_at_the_prices_of_the_moment() {
    let home = Home::new();
    let deals = [deal(1, 1, Buy, In, 1.0, 150.0).on("USDJPY")];
    let mut tape = tape("USDJPY", 1, &[[150.0, 150.0, 150.0, 150.3]]);
    let account = home.account(&deals, 1000.0);
    // Without a pair for the conversion nobody can tell.
    let blind = equity_curve(&account, &tape, 2 * HOUR, 2 * HOUR, Repeats::Keep);
    assert_eq!(blind.points[0].equity, money(1000.0));
    assert!(blind.unvalued.contains("USDJPY"));
    tape.name_pair("USD", "JPY", "USDJPY".into());
    let curve = equity_curve(&account, &tape, 2 * HOUR, 2 * HOUR, Repeats::Keep);
    // 30,000 JPY / 150.3 = 199.60 USD.
    assert_eq!(curve.points[0].unrealized, money(199.6));
    assert!(curve.unvalued.is_empty());
}

#[test]
fn unknown_symbols_count_for_nothing_and_are_named() {
    let home = Home::new();
    let deals = [deal(1, 1, Buy, In, 1.0, 5.0).on("COCOA"), deal(2, 2, Buy, In, 1.0, 1.1)];
    let curve = equity_curve(&home.account(&deals, 10.0), &Tape::new(HOUR), 3, 5 * HOUR, Repeats::Keep);
    assert_eq!(curve.unvalued.iter().map(|symbol| &**symbol).collect::<Vec<_>>(), ["COCOA", "EURUSD"]);
    assert!(curve.points.iter().all(|point| point.equity == money(10.0)));
}

#[test]
fn a_reversal_is_valued_from_its_own_price() {
    let home = Home::new();
    let deals = [deal(1, 1, Buy, In, 1.0, 1.1), deal(2, 1, Sell, InOut, 3.0, 1.12)];
    let prices = tape("EURUSD", 1, &[[1.1, 1.1, 1.1, 1.11]]);
    let curve = equity_curve(&home.account(&deals, 0.0), &prices, 3 * HOUR, 3 * HOUR, Repeats::Keep);
    // Two lots short from 1.12, now 1.11.
    assert_eq!(curve.points[0].unrealized, money(2000.0));
}

#[test]
fn a_candle_ends_where_the_next_begins() {
    let mut tape = Tape::new(31 * 24 * HOUR);
    let mut months = candles(0, &[[1.0, 1.0, 1.0, 2.0], [3.0, 3.0, 3.0, 4.0]]);
    months[1].time_ms = 28 * 24 * HOUR;
    months.reverse();
    tape.insert("EURUSD".into(), months);
    let at = |hour: i64| tape.price("EURUSD", hour * HOUR);
    assert_eq!(at(-1), None);
    assert_eq!(at(0), Some(price(1.0)));
    assert_eq!(at(28 * 24 - 1), Some(price(1.0)));
    assert_eq!(at(28 * 24), Some(price(2.0)));
    assert_eq!(at(59 * 24), Some(price(4.0)));
    assert_eq!(tape.price("USDJPY", 0), None);
}
