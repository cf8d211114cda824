//! The crate against an independent calculation of the same definitions in Python: `peer.py` beside this file, standard
//! library only. Histories are made from seeds; both sides must agree on every trade, point, figure and extremum.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test fails by panicking.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;

use model::calc::{Contract, Deposit};
use model::{CalcMode, DealEntry, Money, Price, Side, Volume};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use statistics::{
    Account, Average, Candle, Contracts, Deal, DealKind, Extrema, Holding, Notable, Point, Present, Repeats,
    Share, Stats, Tape, Trade, equity_curve, extrema, stats, trades,
};

const HOUR: i64 = 3_600_000;
/// 2026-03-01, a Sunday.
const START: i64 = 1_772_323_200_000;
const DEALS: usize = 1000;
/// How far two calculations in doubles may differ, relative.
const TOLERANCE: f64 = 1e-9;

#[test]
fn dollars_agree_with_the_peer() {
    compare_with_peer(1, "USD", 2);
}

#[test]
fn euros_agree_with_the_peer() {
    compare_with_peer(2, "EUR", 2);
}

#[test]
fn yen_agree_with_the_peer() {
    compare_with_peer(3, "JPY", 0);
}

#[test]
fn another_history_agrees_with_the_peer() {
    compare_with_peer(20_260_301, "USD", 2);
}

fn compare_with_peer(seed: u64, currency: &str, digits: u32) {
    let history = History::from_seed(seed, currency, digits);
    let (ours, theirs) = (history.ours(), ask_peer(&history.question()));
    let mut differences = Vec::new();
    compare("", &ours, &theirs, &mut differences);
    let shown = differences.iter().take(20).cloned().collect::<Vec<_>>().join("\n  ");
    assert!(differences.is_empty(), "seed {seed}: {} differences:\n  {shown}", differences.len());
    // A comparison of nothing would agree as well.
    for (what, least) in [("trades", 200), ("points", 700), ("extrema", 200)] {
        let count = ours[what].as_array().map_or(0, Vec::len);
        assert!(count > least, "seed {seed}: only {count} {what}");
    }
}

/// Answers of the calculation in Python.
fn ask_peer(question: &Value) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peer.py");
    let mut peer = Command::new("python3")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test needs python3 (version 3.8 or later, no packages) on the path");
    peer.stdin.take().unwrap().write_all(question.to_string().as_bytes()).unwrap();
    let output = peer.wait_with_output().unwrap();
    assert!(output.status.success(), "the peer failed, see its words above: {}", output.status);
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Doubles nearly, everything else exactly.
fn compare(place: &str, ours: &Value, theirs: &Value, differences: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                compare(&format!("{place}/{index}"), one, other, differences);
            }
        }
        (Value::Object(one), Value::Object(other)) if one.keys().eq(other.keys()) => {
            for (key, one) in one {
                compare(&format!("{place}/{key}"), one, &other[key], differences);
            }
        }
        (Value::Number(one), Value::Number(other)) if one.is_f64() && other.is_f64() => {
            let (one, other) = (one.as_f64().unwrap(), other.as_f64().unwrap());
            let allowed = TOLERANCE * one.abs().max(other.abs()) + 1e-12;
            if (one - other).abs() > allowed {
                differences.push(format!("{place}: {one} here, {other} there"));
            }
        }
        (one, other) if one == other => {}
        (one, other) => differences.push(format!("{place}: {one:.300} here, {other:.300} there")),
    }
}

/// Everything that both sides are told.
struct History {
    deals: Vec<Deal>,
    candles: BTreeMap<&'static str, Vec<Candle>>,
    contracts: Contracts,
    deposit: Deposit,
    balance: Money,
    credit: Money,
    from_ms: i64,
    to_ms: i64,
    present: Present,
}

/// Base currency, profit currency and symbol.
const PAIRS: [(&str, &str, &str); 2] = [("EUR", "USD", "EURUSD"), ("USD", "JPY", "USDJPY")];
const SYMBOLS: [(&str, f64); 5] =
    [("EURUSD", 1.1), ("USDJPY", 150.0), ("GER40", 18_000.0), ("ES", 5000.0), ("COCOA", 9000.0)];
const HOURS: i64 = 720;

impl History {
    fn from_seed(seed: u64, currency: &str, digits: u32) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let contracts = contracts();
        // The first hundred hours have deals but no candles, and one symbol has neither candles nor terms.
        let candles: BTreeMap<_, _> = SYMBOLS[..4]
            .iter()
            .map(|(symbol, at)| (*symbol, walk(&mut rng, *at, contracts[*symbol].digits)))
            .collect();
        let mut trader =
            Trader { rng, candles: &candles, contracts: &contracts, open: vec![], deals: vec![] };
        while trader.deals.len() < DEALS {
            trader.act();
        }
        let Trader { mut rng, mut deals, .. } = trader;
        deals.shuffle(&mut rng);
        // Both ends of the range are moments of deals, since these are where mistakes are made.
        let times = || deals.iter().map(|deal| deal.time_ms);
        let from_ms = times().filter(|time_ms| *time_ms >= START + 150 * HOUR).min().unwrap();
        let to_ms = times().filter(|time_ms| *time_ms <= START + 690 * HOUR).max().unwrap();
        let odd = Money::from_units(rng.random_range(0..100_000_000_000));
        Self {
            balance: deals.iter().map(Deal::balance_change).sum::<Money>() + odd,
            credit: deals.iter().map(Deal::credit_change).sum(),
            deals,
            candles,
            contracts,
            deposit: Deposit { currency: currency.to_owned(), digits, leverage: 100 },
            from_ms,
            to_ms,
            present: Present {
                now_ms: START + (HOURS - rng.random_range(0..60)) * HOUR,
                open_trades: 3,
                open_profit: Money::round(-12.34, 2),
            },
        }
    }

    fn tape(&self) -> Tape {
        let mut tape = Tape::new(HOUR);
        for (symbol, candles) in &self.candles {
            tape.insert(Arc::from(*symbol), candles.clone());
        }
        for (base, profit, symbol) in PAIRS {
            tape.name_pair(base, profit, symbol.into());
        }
        tape
    }

    fn ours(&self) -> Value {
        let account = Account {
            deals: &self.deals,
            balance: self.balance,
            credit: self.credit,
            deposit: &self.deposit,
            contracts: &self.contracts,
            floating: None,
        };
        let tape = self.tape();
        let curve = equity_curve(&account, &tape, self.from_ms, self.to_ms, Repeats::Keep);
        let dropped = equity_curve(&account, &tape, self.from_ms, self.to_ms, Repeats::Drop);
        let closed = trades(&self.deals, self.deposit.digits);
        let figures = stats(&account, &closed, &curve.points, self.from_ms, self.present);
        // Each closed trade; every fourth also as it would look if it were still open.
        let holdings = closed.iter().filter_map(Trade::holding);
        let open = holdings.clone().filter(|one| one.ticket % 4 == 0);
        let all = holdings.chain(open.map(|one| Holding { closed: None, ..one }));
        let extreme = |one: Holding| {
            Some(extrema_of(&extrema(&one, self.contracts.get(&one.symbol)?, &self.deposit, &tape)))
        };
        json!({
            "trades": closed.iter().map(trade_of).collect::<Vec<_>>(),
            "points": curve.points.iter().map(point_of).collect::<Vec<_>>(),
            "times_without_repeats": dropped.points.iter().map(|point| point.time_ms).collect::<Vec<_>>(),
            "unvalued": curve.unvalued.iter().map(|symbol| symbol.to_string()).collect::<Vec<_>>(),
            "stats": stats_of(&figures),
            "extrema": all.filter_map(extreme).collect::<Vec<_>>(),
        })
    }

    /// The same as the peer reads it; prices, volumes and money in units of 10^-8.
    fn question(&self) -> Value {
        let candle =
            |c: &Candle| json!([c.time_ms, c.open.units(), c.high.units(), c.low.units(), c.close.units()]);
        let candles: BTreeMap<_, Vec<Value>> =
            self.candles.iter().map(|(symbol, all)| (*symbol, all.iter().map(candle).collect())).collect();
        let contracts: BTreeMap<_, _> =
            self.contracts.iter().map(|(symbol, terms)| (symbol.to_string(), contract_of(terms))).collect();
        json!({
            "deals": self.deals.iter().map(deal_of).collect::<Vec<_>>(),
            "candles": candles,
            "period_ms": HOUR,
            "pairs": PAIRS,
            "contracts": contracts,
            "currency": self.deposit.currency,
            "digits": self.deposit.digits,
            "balance": self.balance.units() as i64,
            "credit": self.credit.units() as i64,
            "from_ms": self.from_ms,
            "to_ms": self.to_ms,
            "now_ms": self.present.now_ms,
            "open_trades": self.present.open_trades,
            "open_profit": self.present.open_profit.units() as i64,
        })
    }
}

fn contracts() -> Contracts {
    let forex = |digits, profit: &str, profit_digits| Contract {
        calc_mode: CalcMode::Forex,
        digits,
        contract_size: 100_000.0,
        face_value: 0.0,
        accrued_interest: 0.0,
        liquidity_rate: 0.0,
        tick_value: 0.0,
        tick_size: 0.0,
        currency_profit: profit.to_owned(),
        currency_profit_digits: profit_digits,
        currency_margin: "USD".to_owned(),
        margin_initial: 0.0,
        margin_hedged: 0.0,
        rates_initial: [1.0; 8],
        rates_maintenance: [0.0; 8],
        margin_flags: 0,
        trade_flags: 0,
    };
    let index = Contract { calc_mode: CalcMode::Cfd, contract_size: 1.0, ..forex(1, "EUR", 2) };
    let future =
        Contract { calc_mode: CalcMode::Futures, tick_size: 0.25, tick_value: 12.5, ..forex(2, "USD", 2) };
    let all =
        [("EURUSD", forex(5, "USD", 2)), ("USDJPY", forex(3, "JPY", 0)), ("GER40", index), ("ES", future)];
    all.into_iter().map(|(symbol, terms)| (Arc::from(symbol), terms)).collect()
}

/// Hourly candles of a random walk, with gaps.
fn walk(rng: &mut ChaCha8Rng, from: f64, digits: u32) -> Vec<Candle> {
    let mut at = Price::from_f64(from, digits).unwrap();
    let mut step = |rng: &mut ChaCha8Rng| {
        at += Price::from_f64(from * rng.random_range(-0.001..0.001), digits).unwrap();
        at
    };
    let mut candles = Vec::new();
    for hour in 100..HOURS {
        let mut prices = [(); 4].map(|()| step(rng));
        let (open, close) = (prices[0], prices[3]);
        prices.sort();
        if rng.random_bool(0.96) {
            let time_ms = START + hour * HOUR;
            candles.push(Candle { time_ms, open, high: prices[3], low: prices[0], close });
        }
    }
    candles.shuffle(rng);
    candles
}

/// Somebody who trades at random.
struct Trader<'a> {
    rng: ChaCha8Rng,
    candles: &'a BTreeMap<&'static str, Vec<Candle>>,
    contracts: &'a Contracts,
    /// Number, symbol, side and hundredths of lots.
    open: Vec<(u64, &'static str, Side, u64)>,
    deals: Vec<Deal>,
}

impl Trader<'_> {
    fn act(&mut self) {
        let amount = self.rng.random_range(10_000..500_000);
        match self.rng.random_range(0..100) {
            _ if self.deals.is_empty() => self.pay(DealKind::Transfer, 2_000_000),
            0..=2 => self.pay(DealKind::Transfer, amount),
            3..=4 => self.pay(DealKind::Transfer, -amount / 2),
            5..=6 => self.pay(DealKind::Charge, 5000 - amount / 40),
            7 => self.pay(DealKind::Credit, amount / 5 - 30_000),
            // A position whose opening is not in the history.
            8 => self.trade(900_000 + self.deals.len() as u64, "EURUSD", Side::Buy, DealEntry::Out, 50),
            _ if self.open.is_empty() => self.enter(),
            9..=14 => self.enlarge(),
            15..=17 => self.reverse(),
            18..=60 if self.open.len() < 15 => self.enter(),
            _ => self.leave(),
        }
    }

    fn enter(&mut self) {
        // The symbol without terms is rare.
        let last = if self.rng.random_bool(0.05) { SYMBOLS.len() } else { SYMBOLS.len() - 1 };
        let (symbol, _) = SYMBOLS[self.rng.random_range(0..last)];
        let side = if self.rng.random_bool(0.5) { Side::Buy } else { Side::Sell };
        let (number, volume) = (1000 + self.deals.len() as u64, self.rng.random_range(1..200));
        self.open.push((number, symbol, side, volume));
        self.trade(number, symbol, side, DealEntry::In, volume);
    }

    fn enlarge(&mut self) {
        let (index, more) = (self.rng.random_range(0..self.open.len()), self.rng.random_range(1..100));
        let (number, symbol, side, volume) = self.open[index];
        self.open[index].3 = volume + more;
        self.trade(number, symbol, side, DealEntry::In, more);
    }

    fn reverse(&mut self) {
        let (index, more) = (self.rng.random_range(0..self.open.len()), self.rng.random_range(1..100));
        let (number, symbol, side, volume) = self.open[index];
        self.open[index] = (number, symbol, side.opposite(), more);
        self.trade(number, symbol, side.opposite(), DealEntry::InOut, volume + more);
    }

    fn leave(&mut self) {
        let index = self.rng.random_range(0..self.open.len());
        let (number, symbol, side, volume) = self.open[index];
        let part = if self.rng.random_bool(0.7) { volume } else { self.rng.random_range(1..=volume) };
        if part == volume {
            self.open.remove(index);
        } else {
            self.open[index].3 = volume - part;
        }
        let entry = if self.rng.random_bool(0.1) { DealEntry::OutBy } else { DealEntry::Out };
        self.trade(number, symbol, side.opposite(), entry, part);
    }

    /// Makes a deal at about the market's price. Its result is anything: no figure depends on where it came from.
    fn trade(&mut self, position: u64, symbol: &'static str, side: Side, entry: DealEntry, hundredths: u64) {
        let digits = self.contracts.get(symbol).map_or(0, |terms| terms.digits);
        let start = SYMBOLS.iter().find(|(name, _)| *name == symbol).map_or(1.0, |(_, at)| *at);
        let now = self.now();
        let candles = self.candles.get(symbol).map(Vec::as_slice).unwrap_or_default();
        let current =
            candles.iter().filter(|candle| candle.time_ms <= now).max_by_key(|candle| candle.time_ms);
        let market = current.map_or(start, |candle| candle.close.to_f64());
        let price = Price::from_f64(market * self.rng.random_range(0.999..1.001), digits).unwrap();
        let kind = DealKind::Trade { side, entry, volume: Volume::from_units(hundredths * 1_000_000), price };
        let is_exit = entry != DealEntry::In;
        let profit = if is_exit { self.rng.random_range(-30_000..33_000) / 100 * 100 } else { 0 };
        let swap = if is_exit && self.rng.random_bool(0.3) { self.rng.random_range(-500..100) } else { 0 };
        let commission = -self.rng.random_range(0..700);
        let fee = if self.rng.random_bool(0.1) { -7 } else { 0 };
        self.record(position, symbol, kind, [profit, swap, commission, fee]);
        // A trade that brings exactly nothing is neither won nor lost.
        if is_exit && self.rng.random_bool(0.05) {
            self.level(position);
        }
    }

    /// Makes the latest deal bring the position's result to zero.
    fn level(&mut self, position: u64) {
        let so_far: Money =
            self.deals.iter().filter(|deal| deal.position == position).map(Deal::amount).sum();
        if let Some(deal) = self.deals.last_mut() {
            deal.profit -= so_far;
        }
    }

    fn pay(&mut self, kind: DealKind, cents: i64) {
        self.record(0, "", kind, [cents, 0, 0, 0]);
    }

    fn record(&mut self, position: u64, symbol: &str, kind: DealKind, cents: [i64; 4]) {
        let [profit, swap, commission, fee] =
            cents.map(|cents| Money::from_units(i128::from(cents) * 1_000_000));
        let (ticket, time_ms) = (5000 + self.deals.len() as u64, self.now());
        let symbol = symbol.into();
        self.deals.push(Deal { ticket, position, time_ms, symbol, kind, profit, swap, commission, fee });
    }

    /// Time goes on with the deals; some happen at once, some on the hour.
    fn now(&self) -> i64 {
        let count = self.deals.len() as i64;
        let even = START + count / 3 * 3 * (HOURS - 10) * HOUR / DEALS as i64;
        if count % 21 < 3 { even - even.rem_euclid(HOUR) } else { even }
    }
}

fn units(money: Money) -> Value {
    json!(money.units().to_string())
}

fn all_units<const N: usize>(amounts: [Money; N]) -> Value {
    json!(amounts.map(|money| money.units().to_string()).to_vec())
}

fn deal_of(deal: &Deal) -> Value {
    let (kind, terms) = match deal.kind {
        DealKind::Trade { side, entry, volume, price } => {
            let entry = format!("{entry:?}");
            ("trade", json!([side == Side::Buy, entry, volume.units(), price.units()]))
        }
        DealKind::Transfer => ("transfer", Value::Null),
        DealKind::Credit => ("credit", Value::Null),
        DealKind::Charge | DealKind::Service { .. } => ("charge", Value::Null),
    };
    let amounts = [deal.profit, deal.swap, deal.commission, deal.fee].map(|money| money.units() as i64);
    json!({
        "ticket": deal.ticket, "position": deal.position, "time_ms": deal.time_ms, "symbol": &*deal.symbol,
        "kind": kind, "terms": terms, "amounts": amounts,
    })
}

fn contract_of(terms: &Contract) -> Value {
    json!({
        "mode": format!("{:?}", terms.calc_mode), "digits": terms.digits, "size": terms.contract_size,
        "tick_size": terms.tick_size, "tick_value": terms.tick_value,
        "profit": terms.currency_profit, "profit_digits": terms.currency_profit_digits,
    })
}

fn trade_of(trade: &Trade) -> Value {
    json!({
        "position": trade.position, "close_ticket": trade.close_ticket, "symbol": &*trade.symbol,
        "is_buy": trade.side == Side::Buy, "volume": trade.volume.units(),
        "opened": trade.opened.map(|fill| json!([fill.time_ms, fill.price.units()])),
        "closed": [trade.closed.time_ms, trade.closed.price.units()],
        "amounts": all_units([trade.amounts.profit, trade.amounts.swap, trade.amounts.commission, trade.amounts.fee]), "net": units(trade.net()),
    })
}

fn point_of(point: &Point) -> Value {
    json!({
        "time_ms": point.time_ms, "balance": units(point.balance), "equity": units(point.equity),
        "balance_drawdown": units(point.balance_drawdown),
        "balance_drawdown_percent": point.balance_drawdown_percent,
        "equity_drawdown": units(point.equity_drawdown),
        "equity_drawdown_percent": point.equity_drawdown_percent,
        "realized": units(point.realized), "unrealized": units(point.unrealized),
    })
}

fn extrema_of(found: &Extrema) -> Value {
    json!([
        found.ticket,
        &*found.symbol,
        found.max_time_ms,
        units(found.max),
        found.min_time_ms,
        units(found.min)
    ])
}

fn stats_of(s: &Stats) -> Value {
    let share = |share: Share| json!([share.count, share.of, share.percent]);
    let average = |average: Average| json!([average.money, average.pips]);
    let money = |one: Option<Notable<Money>>| {
        one.map(|one| json!([one.position, one.close_time_ms, units(one.value)]))
    };
    let pips = |one: Option<Notable<f64>>| one.map(|one| json!([one.position, one.close_time_ms, one.value]));
    let by_symbol: BTreeMap<_, _> =
        s.trades_by_symbol.iter().map(|(symbol, count)| (symbol.to_string(), *count)).collect();
    json!({
        "open": [json!(s.open_trades), units(s.open_profit)],
        "profits": all_units([s.day_profit, s.week_profit, s.month_profit, s.total_profit]),
        "drawdowns": [units(s.balance_drawdown), units(s.equity_drawdown)],
        "drawdown_percents": [s.balance_drawdown_percent, s.equity_drawdown_percent],
        "trades_by_symbol": by_symbol, "trades": s.trades,
        "won": share(s.won), "lost": share(s.lost),
        "longs_won": share(s.longs_won), "shorts_won": share(s.shorts_won),
        "pips": s.pips, "lots": s.lots.units(), "costs": all_units([s.swap, s.commission, s.fee]),
        "average_win": average(s.average_win), "average_loss": average(s.average_loss),
        "best_by_money": money(s.best_by_money), "worst_by_money": money(s.worst_by_money),
        "best_by_pips": pips(s.best_by_pips), "worst_by_pips": pips(s.worst_by_pips),
        "average_length_ms": s.average_length_ms, "profit_factor": s.profit_factor,
        "standard_deviation": s.standard_deviation,
        "ahpr": s.ahpr, "ghpr": s.ghpr, "sharpe_ratio": s.sharpe_ratio,
        "z_score": s.runs.z_score, "probability": s.runs.probability, "expectancy": average(s.expectancy),
    })
}
