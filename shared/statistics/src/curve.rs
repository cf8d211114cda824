//! Balance and equity over time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use model::Money;
use model::calc::{Contract, Deposit, profit_of};

use crate::deal::{Deal, DealKind, in_order};
use crate::drawdown::{Fall, Peak};
use crate::position::Open;
use crate::tape::Tape;

/// Terms by symbol.
pub type Contracts = HashMap<Arc<str>, Contract>;

/// An account and its past.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// All its deals, in any order.
    pub deals: &'a [Deal],
    /// The balance after all of them.
    pub balance: Money,
    /// The credit after all of them.
    pub credit: Money,
    /// The currency that profits are converted into.
    pub deposit: &'a Deposit,
    /// Terms of the symbols in the deals.
    pub contracts: &'a Contracts,
    /// Floating result of what is open after all deals, at the end of the curve; `None` if only the tape tells it.
    pub floating: Option<Money>,
}

/// An account at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Milliseconds of the server's clock.
    pub time_ms: i64,
    /// Balance.
    pub balance: Money,
    /// Balance, credit and floating result.
    pub equity: Money,
    /// How far the balance is below its highest value since the curve began.
    pub balance_drawdown: Money,
    /// The same in percent of that value.
    pub balance_drawdown_percent: f64,
    /// How far the equity is below its highest value since the curve began.
    pub equity_drawdown: Money,
    /// The same in percent of that value.
    pub equity_drawdown_percent: f64,
    /// What was gained or lost since the curve began: changes of the balance but for deposits and withdrawals.
    pub realized: Money,
    /// Floating result of open positions. Swaps that are not charged yet are not in it: the history does not tell them.
    pub unrealized: Money,
}

/// Whether points say what the one before them said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeats {
    /// All points stay.
    Keep,
    /// Points that differ from the one before in nothing but time are dropped.
    Drop,
}

/// Balance and equity over a range of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// In the order of time.
    pub points: Vec<Point>,
    /// Symbols of positions that could not be valued at some point, for want of terms, of a price or of a rate. They
    /// count as neither gain nor loss there.
    pub unvalued: BTreeSet<Arc<str>>,
}

/// The curve from `from_ms` to `to_ms`, both included; empty if the range is.
///
/// The first point is what the range begins with, before any deal at that very moment. Then there is one after the
/// deals of each moment, and one at each end of a candle, once the deals of that moment are done. Positions are valued
/// with [`profit_of`] at the tape's prices; credit counts towards equity. Drawdowns are measured from the highest value
/// since `from_ms`; deposits, withdrawals and credit move that along, see [`Peak`]. No reference defines a curve of
/// equity made of candles: what happens between their ends is not in it.
///
/// Where the account tells its floating result, the last point is at `to_ms` and has this one: candles that run still
/// have no end, and the curve is to meet the account as it is now.
#[must_use]
pub fn equity_curve(account: &Account<'_>, tape: &Tape, from_ms: i64, to_ms: i64, repeats: Repeats) -> Curve {
    let mut curve = Curve::default();
    if from_ms > to_ms {
        return curve;
    }
    let deals = in_order(account.deals);
    let (before, rest) = deals.split_at(deals.partition_point(|deal| deal.time_ms < from_ms));
    let later = |change: fn(&Deal) -> Money| rest.iter().map(|deal| change(deal)).sum::<Money>();
    let mut state = State {
        balance: account.balance - later(Deal::balance_change),
        credit: account.credit - later(Deal::credit_change),
        ..State::default()
    };
    before.iter().for_each(|deal| state.positions.take(deal, account.deposit.digits));

    let unrealized = state.positions.value(account, tape, from_ms, &mut curve.unvalued);
    let mut meter = Meter::new(&state, unrealized);
    curve.points.push(meter.point(from_ms, &state, unrealized));

    let mut times = tape.ends(from_ms, to_ms);
    times.extend(rest.iter().map(|deal| deal.time_ms).take_while(|time_ms| *time_ms <= to_ms));
    times.extend(account.floating.map(|_| to_ms));
    let mut rest = rest.iter().peekable();
    for time_ms in times {
        while let Some(deal) = rest.next_if(|deal| deal.time_ms <= time_ms) {
            state.take(deal, account.deposit.digits);
            meter.take(deal);
        }
        let unrealized = match account.floating {
            Some(known) if time_ms == to_ms => known,
            _ => state.positions.value(account, tape, time_ms, &mut curve.unvalued),
        };
        let point = meter.point(time_ms, &state, unrealized);
        let is_repeat =
            curve.points.last().is_some_and(|last| Point { time_ms: last.time_ms, ..point } == *last);
        if !is_repeat || repeats == Repeats::Keep {
            curve.points.push(point);
        }
    }
    curve
}

/// What the account has.
#[derive(Default)]
struct State {
    balance: Money,
    credit: Money,
    positions: Positions,
}

impl State {
    fn take(&mut self, deal: &Deal, digits: u32) {
        self.balance += deal.balance_change();
        self.credit += deal.credit_change();
        self.positions.take(deal, digits);
    }
}

/// What is open, by position and symbol.
#[derive(Default)]
struct Positions(BTreeMap<(u64, Arc<str>), Open>);

impl Positions {
    fn take(&mut self, deal: &Deal, digits: u32) {
        if !deal.kind.is_of_position() {
            return;
        }
        let key = (deal.position, Arc::clone(&deal.symbol));
        let open = self.0.entry(key.clone()).or_insert(Open::NONE);
        open.take(deal, digits);
        if open.volume.is_zero() {
            self.0.remove(&key);
        }
    }

    /// The floating result of all.
    fn value(
        &self,
        account: &Account<'_>,
        tape: &Tape,
        time_ms: i64,
        unvalued: &mut BTreeSet<Arc<str>>,
    ) -> Money {
        let quotes = tape.at(time_ms);
        let mut sum = Money::ZERO;
        for ((_, symbol), open) in &self.0 {
            let terms = account.contracts.get(symbol).zip(tape.price(symbol, time_ms));
            let profit = terms.and_then(|(contract, price)| {
                profit_of(contract, open.side, open.volume, open.price, price, account.deposit, &quotes)
            });
            match profit {
                Some(profit) => sum += profit.money,
                None => {
                    unvalued.insert(Arc::clone(symbol));
                }
            }
        }
        sum
    }
}

/// What is measured from the start of the range.
struct Meter {
    balance: Peak,
    equity: Peak,
    realized: Money,
}

impl Meter {
    fn new(state: &State, unrealized: Money) -> Self {
        let equity = Peak::new(state.balance + state.credit + unrealized);
        Self { balance: Peak::new(state.balance), equity, realized: Money::ZERO }
    }

    fn take(&mut self, deal: &Deal) {
        let amount = deal.amount();
        match deal.kind {
            DealKind::Transfer => {
                self.balance.pay(amount);
                self.equity.pay(amount);
            }
            DealKind::Credit => self.equity.pay(amount),
            DealKind::Trade { .. } | DealKind::Service { .. } | DealKind::Charge => self.realized += amount,
        }
    }

    fn point(&mut self, time_ms: i64, state: &State, unrealized: Money) -> Point {
        let equity = state.balance + state.credit + unrealized;
        let (of_balance, of_equity): (Fall, Fall) =
            (self.balance.fall(state.balance), self.equity.fall(equity));
        Point {
            time_ms,
            balance: state.balance,
            equity,
            balance_drawdown: of_balance.money,
            balance_drawdown_percent: of_balance.percent,
            equity_drawdown: of_equity.money,
            equity_drawdown_percent: of_equity.percent,
            realized: self.realized,
            unrealized,
        }
    }
}
