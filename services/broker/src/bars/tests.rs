//! Bars of all periods against each other, against the walk, and against live ticks.

use std::sync::Arc;

use model::ServerTime;
use wire::records::{PERIODS, Period};

use super::*;
use crate::catalogue::{Catalogue, MarketHours};
use crate::feed::Walk;

/// Sunday, 2026-11-22 13:47:12.
const START_S: i64 = 1_795_355_232;

fn world(hours: MarketHours) -> Arc<World> {
    Arc::new(World::new(Arc::new(Catalogue::built_in(hours)), 3))
}

fn charts(hours: MarketHours) -> (Arc<World>, Charts) {
    let world = world(hours);
    let charts = Charts::new(Arc::clone(&world), ServerTime::from_parts(START_S, 0), false);
    (world, charts)
}

fn period(name: &str) -> Period {
    PERIODS.into_iter().find(|period| period.name == name).unwrap()
}

fn symbol(world: &World, name: &str) -> Arc<Symbol> {
    Arc::clone(world.catalogue().by_name(name).unwrap())
}

#[test]
fn every_period_is_made_of_the_same_minutes() {
    let (world, charts) = charts(MarketHours::Real);
    for name in ["EURUSD", "EURJPY", "AAPL", "BTCUSD"] {
        let symbol = symbol(&world, name);
        // Five weeks that contain a change of month.
        let (from, to) = (START_S - 40 * DAY_S, START_S);
        let minutes = charts.range(&symbol, period("M1"), from, to, BARS_MAX);
        assert!(minutes.len() > 5000, "{name}: {}", minutes.len());
        for period in PERIODS {
            let bars = charts.range(&symbol, period, from, to, BARS_MAX);
            let mut builder = Builder { period, bars: Vec::new() };
            let first = bars.first().map_or(to, |bar| bar.time_s);
            minutes.iter().filter(|bar| bar.time_s >= first).for_each(|bar| builder.add(bar));
            assert_eq!(bars, builder.bars, "{name} {}", period.name);
            assert!(bars.iter().all(|bar| open_of(period.minutes, bar.time_s) == bar.time_s));
            assert!(bars.windows(2).all(|pair| pair[0].time_s < pair[1].time_s));
            assert!(bars.iter().all(|b| b.low <= b.open.min(b.close) && b.high >= b.open.max(b.close)));
        }
    }
}

#[test]
fn the_past_meets_the_live_quotes() {
    let (world, charts) = charts(MarketHours::Always);
    let mut walk = Walk::new(Arc::clone(&world), ServerTime::from_parts(START_S, 0));
    let first = walk.opening(ServerTime::from_parts(START_S, 0));
    first.iter().for_each(|tick| charts.add(tick));
    for second in 1..=300 {
        let ticks = walk.advance(ServerTime::from_parts(START_S + second, 0));
        ticks.iter().for_each(|tick| charts.add(tick));
    }
    for symbol in world.catalogue().symbols() {
        let bars = charts.range(symbol, period("M1"), START_S - 3600, START_S + 3600, BARS_MAX);
        assert!(bars.len() >= 64, "{}: {}", symbol.name, bars.len());
        let minute_move = symbol.pace.price * symbol.pace.volatility / 38.0;
        let tolerance = 4.0 * minute_move + 2.0 * symbol.points(symbol.pace.spread).to_f64();
        for pair in bars.windows(2) {
            let jump = (pair[1].open.to_f64() - pair[0].close.to_f64()).abs();
            assert!(jump <= tolerance, "{}: {jump} at {}", symbol.name, pair[1].time_s);
        }
    }
}

#[test]
fn closed_markets_have_the_price_that_their_last_bar_closed_with() {
    let (world, charts) = charts(MarketHours::Real);
    // Every quarter of a week around the clock, weekend and nights included.
    for quarter in 0..28 {
        let now = ServerTime::from_parts(START_S - quarter * DAY_S / 4, 0);
        let walk = Walk::new(Arc::clone(&world), now);
        for tick in walk.opening(now) {
            let symbol = world.catalogue().get(tick.symbol).unwrap();
            if symbol.schedule.is_quoted(now) {
                assert_eq!(tick.time, now, "{}", symbol.name);
                continue;
            }
            let bars = charts.range(symbol, period("M1"), now.seconds() - 9 * DAY_S, now.seconds(), 1);
            let last = bars.last().unwrap();
            let expected = (last.time_s + 60, last.close);
            assert_eq!((tick.time.seconds(), tick.bid), expected, "{} at {now:?}", symbol.name);
            assert!(!symbol.schedule.is_quoted(tick.time), "it is no tick of a further minute");
        }
    }
}

#[test]
fn crosses_agree_in_the_past() {
    let (world, charts) = charts(MarketHours::Always);
    let bars =
        |name| charts.range(&symbol(&world, name), period("H1"), START_S - 90 * DAY_S, START_S, BARS_MAX);
    let (eurusd, usdjpy, eurjpy) = (bars("EURUSD"), bars("USDJPY"), bars("EURJPY"));
    assert!(eurusd.len() > 2000 && eurusd.len() == eurjpy.len());
    for ((eurusd, usdjpy), eurjpy) in eurusd.iter().zip(&usdjpy).zip(&eurjpy) {
        let product = eurusd.open.to_f64() * usdjpy.open.to_f64();
        assert!((eurjpy.open.to_f64() - product).abs() < 0.03, "{eurjpy:?} {product}");
    }
}

#[test]
fn ranges_include_both_ends_and_stay_within_their_limits() {
    let (world, charts) = charts(MarketHours::Always);
    let symbol = symbol(&world, "EURUSD");
    let hour = START_S - START_S % 3600 - 5 * 3600;
    let hours = |from, to| charts.range(&symbol, period("H1"), from, to, BARS_MAX);
    assert_eq!(
        hours(hour, hour + 2 * 3600).iter().map(|b| b.time_s - hour).collect::<Vec<_>>(),
        [0, 3600, 7200]
    );
    assert_eq!(hours(hour + 1, hour + 7199).len(), 1);
    assert_eq!(hours(hour + 1, hour + 3599).len(), 0);
    assert_eq!(hours(START_S + 7200, START_S + 9000).len(), 0);
    assert_eq!(hours(i64::from(i32::MAX), 0).len(), 0);
    let days = charts.range(&symbol, period("D1"), 0, i64::from(i32::MAX), BARS_MAX);
    assert_eq!(days.len(), 732);
    let minutes = charts.range(&symbol, period("M1"), 0, i64::from(i32::MAX), BARS_MAX);
    assert_eq!(minutes.len(), BARS_MAX);
    assert_eq!(minutes.last().map(|bar| bar.time_s), Some(START_S - START_S % 60 - 60));
}

#[test]
fn of_more_bars_than_an_answer_holds_the_newest_are_given_however_long_markets_were_closed() {
    let (world, charts) = charts(MarketHours::Real);
    let symbol = symbol(&world, "AAPL");
    for name in ["M1", "M15", "H1", "H4", "D1", "W1", "MN1"] {
        let span = (START_S - 200 * DAY_S, START_S - DAY_S / 3);
        let all = charts.range(&symbol, period(name), span.0, span.1, usize::MAX);
        for most in [1, 2, 3, 7, 500] {
            // Up to an end at any time of the week.
            for end in (0..9).map(|step| span.1 - step * DAY_S * 4 / 5) {
                let within: Vec<Bar> = all.iter().filter(|bar| bar.time_s <= end).copied().collect();
                let newest = &within[within.len().saturating_sub(most)..];
                assert_eq!(charts.range(&symbol, period(name), span.0, end, most), newest, "{name} {most}");
            }
        }
    }
}

#[test]
fn prices_from_elsewhere_get_a_past_that_fits() {
    let world = world(MarketHours::Always);
    let charts = Charts::new(Arc::clone(&world), ServerTime::from_parts(START_S, 0), true);
    let symbol = symbol(&world, "EURUSD");
    let price = |value| Price::from_f64(value, 5).unwrap();
    let before = charts.range(&symbol, period("H1"), START_S - DAY_S, START_S, BARS_MAX).len();
    let time = ServerTime::from_parts(START_S + 5, 0);
    let (bid, ask) = (price(2.0), price(2.0001));
    charts.add(&Tick { symbol: symbol.id, time, bid, ask, last: None, book: None });
    let bars = charts.range(&symbol, period("H1"), START_S - DAY_S, START_S, BARS_MAX);
    assert_eq!(bars.len(), before);
    let last = bars.last().unwrap();
    assert!((last.open.to_f64() - 2.0).abs() < 0.02 && last.close == price(2.0), "{last:?}");
}
