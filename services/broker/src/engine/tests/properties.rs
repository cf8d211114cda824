//! Random lives of accounts: whatever is asked for, the books balance.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use model::{
    DealType, Execution, Expiration, Filling, MarginMode, Money, OrderType, Price, Side, TradeAction, Volume,
};
use proptest::prelude::*;

use super::clock::HOUR_MS;
use super::replay::{Held, Replay};
use super::world::*;
use crate::catalogue::{Catalogue, MarketHours};
use crate::engine::*;

const SYMBOLS: [&str; 6] = ["EURUSD", "USDJPY", "GBPJPY", "AAPL", "ES", "UST2034"];

#[derive(Clone, Debug)]
pub(super) enum Step {
    Quote {
        symbol: usize,
        permille: i64,
        depth: u64,
    },
    Wait {
        minutes: u64,
    },
    Trade(Ask),
    Pay {
        kind: DealType,
        amount: i64,
    },
    /// Daylight saving time begins or ends.
    Clock {
        by_ms: i64,
    },
}

/// A margin mode, and whether positions are closed first in, first out.
pub(super) fn mode() -> impl Strategy<Value = (MarginMode, bool)> {
    prop_oneof![
        Just((MarginMode::Hedging, false)),
        Just((MarginMode::Hedging, true)),
        Just((MarginMode::Netting, false)),
        Just((MarginMode::Exchange, false)),
    ]
}

fn world((margin_mode, fifo): (MarginMode, bool)) -> World {
    let catalogue = Catalogue::built_in(MarketHours::Always);
    World::agreed(catalogue, Limits::default(), |terms| {
        (terms.margin_mode, terms.fifo) = (margin_mode, fifo);
    })
}

/// What a random request is made of.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    login: Login,
    action: TradeAction,
    symbol: usize,
    kind: u32,
    volume: u64,
    filling: u32,
    at: i64,
    pick: usize,
    /// Whether type and filling are made to fit; most requests of real traders do.
    fits: bool,
}

fn ask() -> impl Strategy<Value = Ask> {
    let action = prop_oneof![
        8 => Just(TradeAction::DealMarket),
        6 => Just(TradeAction::Pending),
        2 => Just(TradeAction::StopsChange),
        2 => Just(TradeAction::Modify),
        1 => Just(TradeAction::Remove),
        3 => Just(TradeAction::CloseBy),
        1 => Just(TradeAction::Prices),
    ];
    let login = prop_oneof![Just(USD), Just(EUR)];
    let numbers = (0..SYMBOLS.len(), 0_u32..9, 1_u64..120, 0_u32..4, -12_i64..12, 0_usize..6);
    (login, action, numbers, prop::bool::weighted(0.9)).prop_map(|(login, action, numbers, fits)| {
        let (symbol, kind, volume, filling, at, pick) = numbers;
        Ask { login, action, symbol, kind, volume, filling, at, pick, fits }
    })
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..SYMBOLS.len(), -15_i64..15, 1_u64..60)
            .prop_map(|(symbol, permille, depth)| Step::Quote { symbol, permille, depth }),
        1 => (1_u64..3000).prop_map(|minutes| Step::Wait { minutes }),
        8 => ask().prop_map(Step::Trade),
        1 => (prop::sample::select(&[DealType::Balance, DealType::Credit, DealType::Correction][..]), -3000_i64..3000)
            .prop_map(|(kind, amount)| Step::Pay { kind, amount }),
        1 => prop::sample::select(&[-HOUR_MS, HOUR_MS][..]).prop_map(|by_ms| Step::Clock { by_ms }),
    ]
}

/// The filling that is always taken: whatever the symbol's execution is.
fn fitting(execution: Execution, kind: OrderType) -> Filling {
    match execution {
        Execution::Exchange => Filling::Return,
        _ if kind.is_pending() => Filling::Return,
        _ => Filling::FillOrKill,
    }
}

impl World {
    pub(super) fn step(&mut self, step: &Step) {
        match *step {
            Step::Quote { symbol, permille, depth } => {
                let name = SYMBOLS[symbol];
                let symbol = self.catalogue.by_name(name).unwrap().clone();
                let bid = symbol.pace.price * (1.0 + permille as f64 / 1000.0);
                let ask = bid + symbol.points(symbol.pace.spread).to_f64();
                if symbol.has_book() {
                    self.book(name, &[(bid, depth as f64)], &[(ask, depth as f64), (ask + 0.1, 5.0)]);
                } else {
                    self.quote(name, bid, ask);
                }
            }
            Step::Wait { minutes } => self.wait(Duration::from_secs(minutes * 60)),
            Step::Pay { kind, amount } => {
                let (amount, comment) = (money(amount as f64), String::new());
                self.apply(Command::Operation { login: USD, kind, amount, comment });
            }
            Step::Clock { by_ms } => self.set_clock(by_ms),
            Step::Trade(ref ask) => {
                let request = self.request(ask);
                self.trade_as(ask.login, request);
            }
        }
    }

    fn request(&mut self, ask: &Ask) -> TradeRequest {
        let Ask { login, action, symbol, kind, volume, filling, at, pick, fits } = *ask;
        let symbol = self.catalogue.by_name(SYMBOLS[symbol]).unwrap().clone();
        let open = self.engine.snapshot(login).unwrap();
        let position =
            |n: usize| (!open.positions.is_empty()).then(|| open.positions[n % open.positions.len()].clone());
        let order = (!open.orders.is_empty()).then(|| open.orders[pick % open.orders.len()].clone());
        let base = symbol.pace.price;
        let near = |permille: i64| symbol.price(base * (1.0 + permille as f64 / 1000.0)).unwrap().to_f64();
        let closes = position(pick).filter(|_| pick % 2 == 0 && action == TradeAction::DealMarket);
        let named = match action {
            TradeAction::StopsChange | TradeAction::CloseBy => position(pick),
            _ => closes.clone(),
        };
        let is_opposite =
            |one: &Position, other: &Position| one.symbol == other.symbol && one.side != other.side;
        let opposite =
            named.as_ref().and_then(|one| open.positions.iter().find(|p| is_opposite(one, p)).cloned());
        let kind = match (action, &closes, &order) {
            (_, Some(position), _) => position.side.opposite().market_order(),
            (TradeAction::Modify, _, Some(order)) => order.kind,
            (TradeAction::Pending, ..) if fits => OrderType::ALL[2 + kind as usize % 6],
            (TradeAction::DealMarket, ..) if fits => OrderType::ALL[kind as usize % 2],
            _ => OrderType::ALL[kind as usize],
        };
        let filling = Filling::from_number(filling).unwrap();
        let rise = if kind.side() == Some(Side::Sell) { -20 } else { 20 };
        TradeRequest {
            action,
            symbol: symbol.name.clone(),
            volume: Volume::from_units(volume * symbol.volume_step.units()),
            kind,
            filling: if fits { fitting(symbol.execution, kind) } else { filling },
            expiration: if pick == 5 { Expiration::Day } else { Expiration::GoodTillCancelled },
            expires_s: 0,
            price: if kind.is_pending() { near(at) } else { 0.0 },
            limit_price: if kind.is_stop_limit() { near(if at > 0 { at - 3 } else { at + 3 }) } else { 0.0 },
            sl: if pick == 3 { near(-rise) } else { 0.0 },
            tp: if pick == 4 { near(rise) } else { 0.0 },
            deviation: 10,
            comment: String::new(),
            order: order.map(|order| order.ticket),
            position: named.as_ref().map(|position| position.id),
            position_by: opposite.or_else(|| position(pick + 1)).map(|position| position.id),
            share: 1.0,
        }
    }

    pub(super) fn check_books(&mut self) -> Result<(), TestCaseError> {
        for login in [USD, EUR] {
            let open = self.engine.snapshot(login).unwrap();
            let replay = Replay::of(&self.deals(login))?;
            let funds = self.engine.funds(login).unwrap();
            prop_assert_eq!((funds.balance, funds.credit), (replay.balance, replay.credit));
            prop_assert_eq!(replay.positions, open.positions.iter().map(|p| (p.id, Held::of(p))).collect());
            if self.engine.terms(login).unwrap().is_netting() {
                let symbols: BTreeSet<_> = open.positions.iter().map(|position| position.symbol).collect();
                prop_assert_eq!(symbols.len(), open.positions.len(), "two positions in a symbol");
            }
            let floating: Money = open.positions.iter().map(|p| p.profit + p.swap).sum();
            let equity = self.engine.equity(login).unwrap();
            prop_assert_eq!(equity.equity, funds.balance + funds.credit + floating);
            prop_assert_eq!(equity.free_margin, equity.equity - equity.margin);
            prop_assert!(open.positions.iter().all(|position| !position.volume.is_zero()));
            prop_assert!(open.orders.iter().all(|order| !order.volume_current.is_zero()));
            // What cannot be closed for want of a counterparty may stay.
            let is_closable = |p: &Position| self.catalogue.get(p.symbol).is_some_and(|s| !s.has_book());
            if equity.margin > Money::ZERO && open.positions.iter().any(is_closable) {
                prop_assert!(equity.margin_level >= 50.0, "{equity:?}");
            }
            let (account, market) = (&self.engine.accounts[&login], &self.engine.market);
            let needed = account.margin_of(&account.holdings(None, market), None, market);
            prop_assert_eq!(equity.margin, needed, "a change of margin was missed");
            if equity.margin > Money::ZERO && equity.margin_level < 50.0 {
                let holds = |order: &Order| order.pending(market).is_some();
                prop_assert!(!open.orders.iter().any(holds), "orders go before positions");
            }
        }
        Ok(())
    }
}

/// What a client knows that only applies events.
#[derive(Default)]
struct Mirror {
    orders: BTreeMap<Ticket, (OrderType, Volume, Price)>,
    positions: BTreeMap<Ticket, (Held, Option<Price>, Option<Price>, Money)>,
}

impl Mirror {
    fn apply(&mut self, event: &Event) {
        match event {
            Event::Order { list: List::Open, change, order, .. } => {
                if *change == Change::Deleted {
                    assert!(self.orders.remove(&order.ticket).is_some(), "an unknown order left: {order:?}");
                } else {
                    let is_new = self
                        .orders
                        .insert(order.ticket, (order.kind, order.volume_current, order.price))
                        .is_none();
                    assert_eq!(is_new, *change == Change::Added, "{order:?}");
                }
            }
            Event::Deal { report, .. } => {
                let second = report.other.as_ref().map(|(_, position)| position);
                for position in report.position.iter().chain(second) {
                    if position.volume.is_zero() {
                        assert!(self.positions.remove(&position.id).is_some(), "unknown: {position:?}");
                    } else {
                        self.positions.insert(position.id, state(position));
                    }
                }
            }
            Event::Order { .. } | Event::Verdict { .. } | Event::MarginCall { .. } | Event::NewDay { .. } => {
            }
        }
    }
}

fn state(position: &Position) -> (Held, Option<Price>, Option<Price>, Money) {
    (Held::of(position), position.sl, position.tp, position.swap)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn the_books_balance_whatever_happens(
        mode in mode(),
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut world = world(mode);
        for step in &steps {
            world.step(step);
            // Conversion rates may have moved accounts that had no tick of their own.
            world.apply(Command::Clock);
            world.check_books()?;
        }
    }

    #[test]
    fn equity_never_moves_without_a_cause(
        mode in mode(),
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut world = world(mode);
        for step in &steps {
            let before = world.before(USD);
            world.step(step);
            world.explain(&before)?;
            // Conversion rates may have moved accounts that had no tick of their own.
            let before = world.before(USD);
            world.apply(Command::Clock);
            world.explain(&before)?;
        }
    }

    #[test]
    fn the_same_commands_make_the_same_events(
        mode in mode(),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let run = || {
            let mut world = world(mode);
            steps.iter().map(|step| {
                world.step(step);
                world.events.clone()
            }).collect::<Vec<_>>()
        };
        prop_assert_eq!(run(), run());
    }

    #[test]
    fn events_alone_tell_what_is_open(
        mode in mode(),
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut world = world(mode);
        let mut mirrors = [Mirror::default(), Mirror::default()];
        for step in &steps {
            world.step(step);
            for event in &world.events {
                let login = match event {
                    Event::Order { login, .. } | Event::Deal { login, .. } => *login,
                    Event::Verdict { .. } | Event::MarginCall { .. } | Event::NewDay { .. } => continue,
                };
                mirrors[usize::from(login == EUR)].apply(event);
            }
            for (login, mirror) in [USD, EUR].into_iter().zip(&mirrors) {
                let open = world.engine.snapshot(login).unwrap();
                let orders = open.orders.iter().map(|o| (o.ticket, (o.kind, o.volume_current, o.price)));
                prop_assert_eq!(&mirror.orders, &orders.collect());
                let positions = open.positions.iter().map(|position| (position.id, state(position)));
                prop_assert_eq!(&mirror.positions, &positions.collect());
            }
        }
    }

    #[test]
    fn no_numbers_in_a_request_break_anything(
        mode in mode(),
        numbers in (0_usize..10, 0_usize..9, 0_usize..4, 0_usize..4),
        prices in prop::array::uniform4(prop_oneof![any::<f64>(), Just(0.0), 0.5..2.0_f64]),
        (volume, expires_s, deviation) in (any::<u64>(), any::<i64>(), any::<u32>()),
        (symbol, owns) in (0..SYMBOLS.len(), any::<bool>()),
    ) {
        let mut world = world(mode);
        let position = world.done(market(OrderType::Buy, "EURUSD", 0.1));
        let order = world.done(pending(OrderType::BuyLimit, "EURUSD", 1.05));
        let [price, limit_price, sl, tp] = prices;
        let (action, kind, filling, expiration) = numbers;
        world.trade(TradeRequest {
            action: TradeAction::ALL[action],
            symbol: SYMBOLS[symbol].into(),
            volume: Volume::from_units(volume),
            kind: OrderType::ALL[kind],
            filling: Filling::ALL[filling],
            expiration: Expiration::ALL[expiration],
            expires_s,
            price,
            limit_price,
            sl,
            tp,
            deviation,
            comment: String::new(),
            order: owns.then_some(order),
            position: owns.then_some(position),
            position_by: Some(position),
            share: 1.0,
        });
        world.wait(Duration::from_hours(30));
        world.check_books()?;
    }
}
