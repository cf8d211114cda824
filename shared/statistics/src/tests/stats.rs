//! Figures over trades.

use model::DealEntry::{In, Out};
use model::Side::{Buy, Sell};

use super::*;
use crate::{Present, Repeats, Runs, Stats, equity_curve, stats, trades, z_score};

fn near(one: f64, other: f64) {
    assert!((one - other).abs() <= 1e-9 * other.abs().max(1.0), "{one} is not {other}");
}

/// Statistics of everything, at this hour.
fn all_of(deals: &[Deal], balance: f64, now_hour: i64) -> Stats {
    let home = Home::new();
    let account = home.account(deals, balance);
    let tape = Tape::new(HOUR);
    let curve = equity_curve(&account, &tape, i64::MIN, i64::MAX, Repeats::Drop);
    let present = Present { now_ms: now_hour * HOUR, open_trades: 2, open_profit: money(7.0) };
    stats(&account, &trades(deals, 2), &curve.points, i64::MIN, present)
}

/// A deposit of 1,000 and four trades: +100 (20 pips long), -50 (-10 pips short), 0 (5 pips long), -30 (USDJPY, -6 pips
/// long), a day apart from 1970-01-01 on.
fn four() -> Vec<Deal> {
    vec![
        payment(0, DealKind::Transfer, 1000.0),
        deal(1, 1, Buy, In, 0.5, 1.1).with(0.0, 0.0, -2.0),
        deal(3, 1, Sell, Out, 0.5, 1.102).with(102.0, 0.0, 0.0),
        deal(24, 2, Sell, In, 0.5, 1.1),
        deal(25, 2, Buy, Out, 0.5, 1.101).with(-49.0, -1.0, 0.0),
        deal(48, 3, Buy, In, 0.1, 1.1),
        deal(49, 3, Sell, Out, 0.1, 1.1005).with(5.0, -5.0, 0.0),
        deal(72, 4, Buy, In, 0.2, 150.06).on("USDJPY"),
        deal(76, 4, Sell, Out, 0.2, 150.0).with(-30.0, 0.0, 0.0).on("USDJPY"),
    ]
}

#[test]
fn counts_and_sums() {
    let found = all_of(&four(), 1020.0, 76);
    assert_eq!((found.open_trades, found.open_profit), (2, money(7.0)));
    assert_eq!((found.trades, found.won.count, found.lost.count), (4, 1, 2));
    near(found.won.percent, 25.0);
    near(found.lost.percent, 50.0);
    assert_eq!((found.longs_won.count, found.longs_won.of), (1, 3));
    assert_eq!((found.shorts_won.count, found.shorts_won.of), (0, 1));
    near(found.longs_won.percent, 100.0 / 3.0);
    assert_eq!(found.total_profit, money(20.0));
    assert_eq!((found.commission, found.swap, found.fee), (money(-2.0), money(-6.0), Money::ZERO));
    assert_eq!(found.lots, lots(1.3));
    assert_eq!(found.trades_by_symbol.values().copied().collect::<Vec<_>>(), [3, 1]);
    // (2 + 1 + 1 + 4) / 4 hours.
    assert_eq!(found.average_length_ms, 2 * HOUR);
    // 20 - 10 + 5 - 6.
    near(found.pips, 9.0);
    near(found.average_win.money, 100.0);
    near(found.average_win.pips, 20.0);
    near(found.average_loss.money, -40.0);
    near(found.average_loss.pips, -8.0);
    near(found.expectancy.money, 5.0);
    near(found.expectancy.pips, 2.25);
    near(found.profit_factor, 100.0 / 80.0);
    // Squares of 95, -55, -5, -35 from the mean 5: 9025 + 3025 + 25 + 1225 = 13300; / 3.
    near(found.standard_deviation, (13_300.0_f64 / 3.0).sqrt());
    let best = found.best_by_money.unwrap();
    assert_eq!((best.position, best.close_time_ms, best.value), (1, 3 * HOUR, money(100.0)));
    assert_eq!(found.worst_by_money.map(|worst| worst.position), Some(2));
    assert_eq!(found.best_by_pips.map(|best| best.position), Some(1));
    near(found.worst_by_pips.unwrap().value, -10.0);
    // From 1,100 to 1,020.
    assert_eq!(found.balance_drawdown, money(80.0));
    near(found.balance_drawdown_percent, 80.0 / 1100.0 * 100.0);
}

#[test]
fn profits_of_the_day_the_week_and_the_month() {
    // 1970-01-01 was a Thursday: trade 4 closes on Sunday the 4th.
    let found = all_of(&four(), 1020.0, 76);
    assert_eq!(
        (found.day_profit, found.week_profit, found.month_profit),
        (money(-30.0), money(20.0), money(20.0))
    );
    // Monday the 5th.
    let next = all_of(&four(), 1020.0, 97);
    assert_eq!((next.day_profit, next.week_profit, next.month_profit), (money(0.0), money(0.0), money(20.0)));
    // February.
    assert_eq!(all_of(&four(), 1020.0, 31 * 24).month_profit, Money::ZERO);
}

#[test]
fn returns_are_of_the_balance_at_their_time() {
    let mut deals = four();
    // 1,000 more before the second trade.
    deals.push(payment(20, DealKind::Transfer, 1000.0));
    let found = all_of(&deals, 2020.0, 76);
    let returns = [1100.0 / 1000.0, 2050.0 / 2100.0, 1.0, 2020.0 / 2050.0];
    let mean = returns.iter().sum::<f64>() / 4.0;
    let variance = returns.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / 3.0;
    near(found.ahpr, mean);
    near(found.sharpe_ratio, (mean - 1.0) / variance.sqrt());
    near(found.ghpr, returns.iter().product::<f64>().powf(0.25));
}

#[test]
fn an_account_that_lost_everything_has_no_growth() {
    let deals = [
        payment(0, DealKind::Transfer, 100.0),
        deal(1, 1, Buy, In, 1.0, 1.1),
        deal(2, 1, Sell, Out, 1.0, 1.0).with(-150.0, 0.0, 0.0),
        deal(3, 2, Buy, In, 1.0, 1.1),
        deal(4, 2, Sell, Out, 1.0, 1.0).with(-10.0, 0.0, 0.0),
    ];
    let found = all_of(&deals, -60.0, 5);
    // The second trade began with a debt and has no return.
    near(found.ahpr, -0.5);
    near(found.ghpr, 0.0);
    near(found.sharpe_ratio, 0.0);
}

#[test]
fn without_trades_every_figure_is_finite() {
    let found = all_of(&[], 0.0, 0);
    assert_eq!((found.trades, found.won.of, found.average_length_ms), (0, 0, 0));
    for figure in [
        found.profit_factor,
        found.won.percent,
        found.pips,
        found.average_win.money,
        found.standard_deviation,
        found.sharpe_ratio,
        found.runs.z_score,
        found.expectancy.pips,
    ] {
        assert_eq!(figure.to_bits(), 0.0_f64.to_bits());
    }
    near(found.ghpr, 1.0);
    assert_eq!(found.best_by_money, None);
    assert_eq!(found.best_by_pips, None);
}

#[test]
fn nothing_lost_is_the_greatest_profit_factor() {
    let found = all_of(&four()[..3], 1100.0, 4);
    near(found.profit_factor, 1_000_000.0);
    let hardly = [
        deal(1, 1, Buy, In, 1.0, 1.1),
        deal(2, 1, Sell, Out, 1.0, 1.2).with(50_000.0, 0.0, 0.0),
        deal(3, 2, Buy, In, 1.0, 1.1),
        deal(4, 2, Sell, Out, 1.0, 1.1).with(-0.01, 0.0, 0.0),
    ];
    near(all_of(&hardly, 50_000.0, 4).profit_factor, 1_000_000.0);
}

#[test]
fn symbols_are_counted_of_the_trades_in_the_range() {
    let (deals, home) = (four(), Home::new());
    let account = home.account(&deals, 1100.0);
    let closed = trades(&deals, 2);
    for (from_ms, trades, symbols) in [(0, 4, 2), (i64::MAX, 0, 0)] {
        let present = Present { now_ms: 0, open_trades: 0, open_profit: Money::ZERO };
        let found = stats(&account, &closed, &[], from_ms, present);
        assert_eq!((found.trades, found.trades_by_symbol.len()), (trades, symbols));
        assert_eq!(found.trades_by_symbol.values().sum::<u64>(), found.trades);
    }
}

#[test]
fn pips_of_unknown_symbols_are_left_out() {
    let deals = [
        deal(1, 1, Buy, In, 1.0, 1.1).on("COCOA"),
        deal(2, 1, Sell, Out, 1.0, 1.2).with(5.0, 0.0, 0.0).on("COCOA"),
        deal(3, 2, Buy, In, 1.0, 1.1),
        deal(4, 2, Sell, Out, 1.0, 1.101).with(5.0, 0.0, 0.0),
    ];
    let found = all_of(&deals, 10.0, 5);
    near(found.pips, 10.0);
    near(found.average_win.pips, 10.0);
    near(found.average_win.money, 5.0);
    assert_eq!(found.trades_by_symbol.len(), 2);
}

#[test]
fn runs_are_those_of_the_literature() {
    // W L L W W W L L L W L W: 12 results, 7 runs, 6 wins, 6 losses, P = 72.
    let results = "WLLWWWLLLWLW".chars().map(|c| c == 'W').collect::<Vec<_>>();
    let found = z_score(&results);
    // (12 x 6.5 - 72) / sqrt(72 x 60 / 11) is about 0.3028; the table of the normal distribution has 23.8 %.
    near(found.z_score, 6.0 / (72.0_f64 * 60.0 / 11.0).sqrt());
    assert!((found.probability - 23.79).abs() < 0.01, "{}", found.probability);
    for few in [&[][..], &[true], &[true, false], &[false, false, false]] {
        assert_eq!(z_score(few), Runs::default());
    }
    // 1,000 wins, then 1,000 losses: certainly no chance.
    let long: Vec<bool> = (0..2000).map(|n| n < 1000).collect();
    near(z_score(&long).probability, 100.0);
}

#[test]
fn probabilities_are_those_of_the_tables() {
    for (z, percent) in [
        (0.0, 0.0),
        (1.0, 68.268_949_213_7),
        (1.96, 95.000_420_970_4),
        (3.0, 99.730_020_393_7),
        (50.0, 100.0),
    ] {
        near(crate::normal::within_percent(z), percent);
        near(crate::normal::within_percent(-z), percent);
    }
}
