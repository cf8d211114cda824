//! Best and worst moments.

use model::Side::{Buy, Sell};

use super::*;
use crate::{Fill, Holding, extrema};

/// One lot of EURUSD, from 1.1 at half past ten.
fn holding(side: Side, closed: Option<(i64, f64)>) -> Holding {
    Holding {
        ticket: 5,
        symbol: "EURUSD".into(),
        side,
        volume: lots(1.0),
        opened: Fill { time_ms: 10 * HOUR + HOUR / 2, price: price(1.1) },
        closed: closed.map(|(time_ms, at)| Fill { time_ms, price: price(at) }),
        latest: None,
    }
}

/// Hour and result of the best and of the worst.
fn found(holding: &Holding) -> [(i64, String); 2] {
    let home = Home::new();
    let prices = [
        [1.1, 1.5, 0.5, 1.1], // 10:00, before it was opened
        [1.1, 1.103, 1.098, 1.1],
        [1.1, 1.101, 1.096, 1.1],
        [1.1, 1.6, 0.4, 1.1], // 13:00
    ];
    let tape = tape("EURUSD", 10, &prices);
    let found = extrema(holding, &home.contracts["EURUSD"], &home.deposit, &tape);
    [(found.max_time_ms / HOUR, found.max.to_string()), (found.min_time_ms / HOUR, found.min.to_string())]
}

#[test]
fn candles_count_that_lie_wholly_within_the_life() {
    let until_half_past_one = |at| Some((13 * HOUR + HOUR / 2, at));
    assert_eq!(found(&holding(Buy, until_half_past_one(1.1))), [(11, "300".into()), (12, "-400".into())]);
    assert_eq!(found(&holding(Sell, until_half_past_one(1.1))), [(12, "400".into()), (11, "-300".into())]);
    // Closed at the best price of all.
    assert_eq!(found(&holding(Buy, until_half_past_one(1.11))), [(13, "1000".into()), (12, "-400".into())]);
    assert_eq!(found(&holding(Buy, None)), [(13, "50000".into()), (13, "-70000".into())]);
}

#[test]
fn a_short_life_has_its_ends_only() {
    let closed = Some((10 * HOUR + HOUR / 2 + 1, 1.099));
    assert_eq!(found(&holding(Buy, closed)), [(10, "0".into()), (10, "-100".into())]);
    // Closed before it was opened: nothing lies within.
    assert_eq!(found(&holding(Buy, Some((0, 1.1)))), [(10, "0".into()), (10, "0".into())]);
}

#[test]
fn a_result_that_is_known_counts_in_place_of_the_price() {
    // The rate at its closing was not the candle's.
    let closed = Holding { latest: Some((13 * HOUR, money(310.0))), ..holding(Buy, Some((13 * HOUR, 1.2))) };
    assert_eq!(found(&closed), [(13, "310".into()), (12, "-400".into())]);
    // Open for a moment only: no candle lies within its life, but it stands somewhere.
    let mut open = Holding { latest: Some((20 * HOUR, money(-25.0))), ..holding(Buy, None) };
    open.opened.time_ms = 20 * HOUR - 1;
    assert_eq!(found(&open), [(19, "0".into()), (20, "-25".into())]);
}

#[test]
fn what_cannot_be_converted_is_left_out() {
    let home = Home::new();
    let mut yen = holding(Buy, Some((20 * HOUR, 151.0)));
    yen.symbol = "USDJPY".into();
    let prices = tape("USDJPY", 11, &[[150.0, 151.0, 149.0, 150.0]]);
    let found = extrema(&yen, &home.contracts["USDJPY"], &home.deposit, &prices);
    assert_eq!((found.max, found.min, found.max_time_ms), (Money::ZERO, Money::ZERO, yen.opened.time_ms));
}
