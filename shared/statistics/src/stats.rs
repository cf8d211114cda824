//! Figures over closed trades.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Money, Side, Volume};

use crate::calendar::{day_start, month_start, week_start};
use crate::curve::{Account, Point};
use crate::returns::{Returns, mean, standard_deviation};
use crate::runs::{Runs, z_score};
use crate::trade::Trade;

/// What of the present the figures need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Present {
    /// Now: milliseconds of the server's clock.
    pub now_ms: i64,
    /// How many trades are open.
    pub open_trades: u64,
    /// Their floating result.
    pub open_profit: Money,
}

/// A part of some trades.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Share {
    /// How many are meant.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// The same in percent; zero of none.
    pub percent: f64,
}

/// What some trades brought on average.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Average {
    /// Net result in account currency; zero of none.
    pub money: f64,
    /// In pips, of those whose pips are known; zero of none.
    pub pips: f64,
}

/// A trade that stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notable<T> {
    /// The position's number.
    pub position: u64,
    /// When it was closed: milliseconds of the server's clock.
    pub close_time_ms: i64,
    /// Its result.
    pub value: T,
}

/// The greatest profit factor, and that of trades of which none was lost. The reference has the greatest double there,
/// which decimal types of other languages do not hold.
pub const PROFIT_FACTOR_MAX: f64 = 1_000_000.0;

/// Statistics of an account. A trade's result is its net: profit, swap, commission and fee together. It is won above
/// zero, lost below, and neither at zero.
///
/// Pips are known of trades whose opening and whose symbol's terms are known; the others are left out of figures in
/// pips. See [`pip_size`](crate::pip_size).
#[derive(Clone, Debug, PartialEq)]
pub struct Stats {
    /// Trades that are open now.
    pub open_trades: u64,
    /// Their floating result.
    pub open_profit: Money,
    /// Net of trades closed since the server's last midnight.
    pub day_profit: Money,
    /// Net of trades closed since the midnight that began the server's Monday.
    pub week_profit: Money,
    /// Net of trades closed since the midnight that began the server's month.
    pub month_profit: Money,
    /// Net of all trades (`STAT_PROFIT`).
    pub total_profit: Money,
    /// The greatest fall of the balance from a maximum in money (`STAT_BALANCE_DD`).
    pub balance_drawdown: Money,
    /// The greatest in percent of the maximum, perhaps another one (`STAT_BALANCE_DDREL_PERCENT`).
    pub balance_drawdown_percent: f64,
    /// The greatest fall of the equity from a maximum in money (`STAT_EQUITY_DD`).
    pub equity_drawdown: Money,
    /// The greatest in percent of the maximum, perhaps another one (`STAT_EQUITY_DDREL_PERCENT`).
    pub equity_drawdown_percent: f64,
    /// The same trades by symbol.
    pub trades_by_symbol: BTreeMap<Arc<str>, u64>,
    /// Closed trades (`STAT_TRADES`).
    pub trades: u64,
    /// Trades won (`STAT_PROFIT_TRADES`) of all.
    pub won: Share,
    /// Trades lost (`STAT_LOSS_TRADES`) of all.
    pub lost: Share,
    /// Long trades won (`STAT_PROFIT_LONGTRADES`) of all long ones (`STAT_LONG_TRADES`).
    pub longs_won: Share,
    /// Short trades won (`STAT_PROFIT_SHORTTRADES`) of all short ones (`STAT_SHORT_TRADES`).
    pub shorts_won: Share,
    /// Pips of all trades together, whatever their volumes.
    pub pips: f64,
    /// Lots closed.
    pub lots: Volume,
    /// Swaps; negative was paid.
    pub swap: Money,
    /// Commissions; negative was paid.
    pub commission: Money,
    /// Fees; negative was paid.
    pub fee: Money,
    /// What a won trade brought on average ("Average profit trade" of the testing report).
    pub average_win: Average,
    /// What a lost trade brought on average, negative money ("Average loss trade" of the testing report).
    pub average_loss: Average,
    /// The greatest net result, the earliest of equals; `None` without trades.
    pub best_by_money: Option<Notable<Money>>,
    /// The least net result, the earliest of equals; `None` without trades.
    pub worst_by_money: Option<Notable<Money>>,
    /// The most pips, the earliest of equals; `None` if none are known.
    pub best_by_pips: Option<Notable<f64>>,
    /// The fewest pips, the earliest of equals; `None` if none are known.
    pub worst_by_pips: Option<Notable<f64>>,
    /// Average time from opening to closing of trades whose opening is known, cut to whole milliseconds.
    pub average_length_ms: i64,
    /// Sum of wins by sum of losses (`STAT_PROFIT_FACTOR`), at most [`PROFIT_FACTOR_MAX`]: the same where nothing was
    /// lost, zero without trades.
    pub profit_factor: f64,
    /// Of the net results, account currency: that of a sample, n − 1. No reference of the field says which one it
    /// means. Zero for fewer than two trades.
    pub standard_deviation: f64,
    /// Arithmetic average of the holding period returns, balance after by balance before a trade (AHPR of the testing
    /// report, as a factor). One without trades.
    ///
    /// A trade's return is charged whole to its last closing deal; trades that began without a positive balance have
    /// none.
    pub ahpr: f64,
    /// Geometric average of the same returns: the N-th root of their product (GHPR of the testing report, as a factor).
    /// Zero once a return was not above zero, one without trades.
    pub ghpr: f64,
    /// (AHPR − 1) by the standard deviation (n − 1) of the returns: the testing report's Sharpe ratio with a riskless
    /// rate of zero, not made annual. Zero where the returns do not deviate.
    pub sharpe_ratio: f64,
    /// Dependence of successive results; trades neither won nor lost are left out. See [`z_score`].
    pub runs: Runs,
    /// What a trade brings on average ("Expected payoff" of the testing report, `STAT_EXPECTED_PAYOFF`).
    pub expectancy: Average,
}

/// Statistics of the trades that were closed at or after `from_ms`, of an account whose closed trades since it began are
/// `trades` and whose curve since `from_ms` is `curve`.
#[must_use]
pub fn stats(
    account: &Account<'_>,
    trades: &[Trade],
    curve: &[Point],
    from_ms: i64,
    present: Present,
) -> Stats {
    let mut all: Vec<&Trade> = trades.iter().filter(|trade| trade.closed.time_ms >= from_ms).collect();
    all.sort_by_key(|trade| (trade.closed.time_ms, trade.close_ticket, trade.position));
    let set = Set { account, trades: all };
    let (won, lost) =
        (set.only(|trade| trade.net() > Money::ZERO), set.only(|trade| trade.net() < Money::ZERO));
    let (longs, shorts) =
        (set.only(|trade| trade.side == Side::Buy), set.only(|trade| trade.side == Side::Sell));
    let since = |start_ms: i64| set.only(|trade| trade.closed.time_ms >= start_ms).net();
    let returns = Returns::of(account, &set.trades);
    let nets: Vec<f64> = set.trades.iter().map(|trade| trade.net().to_f64()).collect();
    let is_won = |trade: &&&Trade| trade.net() > Money::ZERO;
    Stats {
        open_trades: present.open_trades,
        open_profit: present.open_profit,
        day_profit: since(day_start(present.now_ms)),
        week_profit: since(week_start(present.now_ms)),
        month_profit: since(month_start(present.now_ms)),
        total_profit: set.net(),
        balance_drawdown: most(curve, |point| point.balance_drawdown),
        balance_drawdown_percent: most_percent(curve, |point| point.balance_drawdown_percent),
        equity_drawdown: most(curve, |point| point.equity_drawdown),
        equity_drawdown_percent: most_percent(curve, |point| point.equity_drawdown_percent),
        trades_by_symbol: by_symbol(&set.trades),
        trades: set.trades.len() as u64,
        won: share(won.trades.len(), set.trades.len()),
        lost: share(lost.trades.len(), set.trades.len()),
        longs_won: share(longs.trades.iter().filter(is_won).count(), longs.trades.len()),
        shorts_won: share(shorts.trades.iter().filter(is_won).count(), shorts.trades.len()),
        pips: set.pips().iter().fold(0.0, |sum, (_, pips)| sum + pips),
        lots: set.trades.iter().map(|trade| trade.volume).sum(),
        swap: set.trades.iter().map(|trade| trade.amounts.swap).sum(),
        commission: set.trades.iter().map(|trade| trade.amounts.commission).sum(),
        fee: set.trades.iter().map(|trade| trade.amounts.fee).sum(),
        average_win: won.average(),
        average_loss: lost.average(),
        best_by_money: set.notable_money(|one, other| one > other),
        worst_by_money: set.notable_money(|one, other| one < other),
        best_by_pips: set.notable_pips(|one, other| one > other),
        worst_by_pips: set.notable_pips(|one, other| one < other),
        average_length_ms: set.average_length_ms(),
        profit_factor: set.profit_factor(won.net(), lost.net()),
        standard_deviation: standard_deviation(&nets),
        ahpr: returns.arithmetic,
        ghpr: returns.geometric,
        sharpe_ratio: returns.sharpe,
        runs: set.runs(),
        expectancy: set.average(),
    }
}

/// Some trades, in the order of their closing.
struct Set<'a> {
    account: &'a Account<'a>,
    trades: Vec<&'a Trade>,
}

impl<'a> Set<'a> {
    fn only(&self, wanted: impl Fn(&Trade) -> bool) -> Self {
        let trades = self.trades.iter().copied().filter(|trade| wanted(trade)).collect();
        Self { account: self.account, trades }
    }

    fn net(&self) -> Money {
        self.trades.iter().map(|trade| trade.net()).sum()
    }

    /// Trades whose pips are known, and these.
    fn pips(&self) -> Vec<(&'a Trade, f64)> {
        let of = |trade: &&'a Trade| {
            let digits = self.account.contracts.get(&trade.symbol)?.digits;
            Some((*trade, trade.pips(digits)?))
        };
        self.trades.iter().filter_map(of).collect()
    }

    fn average(&self) -> Average {
        let pips: Vec<f64> = self.pips().into_iter().map(|(_, pips)| pips).collect();
        let count = self.trades.len() as f64;
        let money = if self.trades.is_empty() { 0.0 } else { self.net().to_f64() / count };
        Average { money, pips: mean(&pips) }
    }

    fn average_length_ms(&self) -> i64 {
        let lengths: Vec<i128> =
            self.trades.iter().filter_map(|trade| trade.length_ms()).map(i128::from).collect();
        let average = lengths.iter().sum::<i128>().checked_div(lengths.len() as i128).unwrap_or(0);
        i64::try_from(average).unwrap_or(i64::MAX)
    }

    fn profit_factor(&self, won: Money, lost: Money) -> f64 {
        if self.trades.is_empty() {
            0.0
        } else if lost.is_zero() {
            PROFIT_FACTOR_MAX
        } else {
            (won.units() as f64 / (-lost).units() as f64).min(PROFIT_FACTOR_MAX)
        }
    }

    fn runs(&self) -> Runs {
        let nets = self.trades.iter().map(|trade| trade.net());
        let results: Vec<bool> = nets.filter(|net| !net.is_zero()).map(|net| net > Money::ZERO).collect();
        z_score(&results)
    }

    fn notable_money(&self, stands_out: impl Fn(Money, Money) -> bool) -> Option<Notable<Money>> {
        let values = self.trades.iter().map(|trade| notable(trade, trade.net()));
        values.reduce(|found, next| if stands_out(next.value, found.value) { next } else { found })
    }

    fn notable_pips(&self, stands_out: impl Fn(f64, f64) -> bool) -> Option<Notable<f64>> {
        let values = self.pips().into_iter().map(|(trade, pips)| notable(trade, pips));
        values.reduce(|found, next| if stands_out(next.value, found.value) { next } else { found })
    }
}

fn notable<T>(trade: &Trade, value: T) -> Notable<T> {
    Notable { position: trade.position, close_time_ms: trade.closed.time_ms, value }
}

fn share(count: usize, of: usize) -> Share {
    let percent = if of == 0 { 0.0 } else { count as f64 / of as f64 * 100.0 };
    Share { count: count as u64, of: of as u64, percent }
}

fn most(curve: &[Point], of: impl Fn(&Point) -> Money) -> Money {
    curve.iter().map(of).max().unwrap_or_default()
}

fn most_percent(curve: &[Point], of: impl Fn(&Point) -> f64) -> f64 {
    curve.iter().map(of).fold(0.0, f64::max)
}

fn by_symbol(trades: &[&Trade]) -> BTreeMap<Arc<str>, u64> {
    let mut counts = BTreeMap::new();
    for trade in trades {
        *counts.entry(Arc::clone(&trade.symbol)).or_default() += 1;
    }
    counts
}
