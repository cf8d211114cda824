//! An account told by its deals alone, and what moved its equity: written apart from the engine, to judge it.

use std::collections::BTreeMap;

use model::calc::profit_of;
use model::{DealEntry, DealType, Money, OrderType, Price, SCALE, Side, Volume};
use proptest::prelude::*;

use super::world::*;
use crate::catalogue::SymbolId;
use crate::engine::*;

/// What deals leave of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    symbol: SymbolId,
    /// Above zero bought, below zero sold; lots × 10^8.
    units: i128,
    /// Average opening price × 10^8.
    price: i128,
}

impl Held {
    pub(super) fn of(position: &Position) -> Self {
        Self {
            symbol: position.symbol,
            units: signed(position.side, position.volume),
            price: i128::from(position.price_open.units()),
        }
    }
}

fn signed(side: Side, volume: Volume) -> i128 {
    let units = i128::from(volume.units());
    if side == Side::Buy { units } else { -units }
}

fn side_of(deal: &Deal) -> Side {
    if deal.kind == DealType::Sell { Side::Sell } else { Side::Buy }
}

/// An account rebuilt from its deals.
#[derive(Debug, Default)]
pub(super) struct Replay {
    pub(super) balance: Money,
    pub(super) credit: Money,
    pub(super) positions: BTreeMap<Ticket, Held>,
}

impl Replay {
    pub(super) fn of(deals: &[Deal]) -> Result<Self, TestCaseError> {
        let mut replay = Self::default();
        for deal in deals {
            let total = deal.profit + deal.swap + deal.commission;
            if matches!(deal.kind, DealType::Credit | DealType::Bonus) {
                replay.credit += total;
            } else {
                replay.balance += total;
            }
            if deal.kind.is_trade() {
                replay.take(deal)?;
            }
        }
        Ok(replay)
    }

    fn take(&mut self, deal: &Deal) -> Result<(), TestCaseError> {
        let (id, symbol) = (deal.position.unwrap(), deal.symbol.unwrap());
        let (units, price) = (signed(side_of(deal), deal.volume), i128::from(deal.price.units()));
        prop_assert!(units != 0, "nothing was traded: {:?}", deal);
        let Some(held) = self.positions.get_mut(&id) else {
            prop_assert_eq!(deal.entry, DealEntry::In, "it was not open: {:?}", deal);
            self.positions.insert(id, Held { symbol, units, price });
            return Ok(());
        };
        prop_assert_eq!(held.symbol, symbol);
        let (size, traded) = (held.units.abs(), units.abs());
        let fits = match deal.entry {
            DealEntry::In => held.units.signum() == units.signum(),
            DealEntry::Out | DealEntry::OutBy => held.units.signum() != units.signum() && traded <= size,
            DealEntry::InOut => held.units.signum() != units.signum() && traded > size,
        };
        prop_assert!(fits, "{:?} was open before {:?}", held, deal);
        if deal.entry == DealEntry::In {
            let value = held.price * size + price * traded;
            let (whole, rest) = (value / (size + traded), value % (size + traded));
            held.price = if rest * 2 >= size + traded { whole + 1 } else { whole };
        } else {
            prop_assert_eq!(i128::from(deal.price_position.units()), held.price, "{:?}", deal);
        }
        if deal.entry == DealEntry::InOut {
            held.price = price;
        }
        held.units += units;
        if held.units == 0 {
            self.positions.remove(&id);
        }
        Ok(())
    }
}

/// An account before a step, to explain what the step did to its equity.
pub(super) struct Before {
    login: Login,
    funds: Funds,
    positions: Vec<Position>,
    deals: usize,
    day: i64,
}

impl World {
    pub(super) fn before(&mut self, login: Login) -> Before {
        Before {
            login,
            funds: self.engine.funds(login).unwrap(),
            positions: self.engine.snapshot(login).unwrap().positions,
            deals: self.deals(login).len(),
            day: model::day_start_s(self.engine.furthest().seconds()),
        }
    }

    pub(super) fn deals(&self, login: Login) -> Vec<Deal> {
        self.engine.history(login, 0, i64::MAX, usize::MAX).unwrap().deals
    }

    /// What a volume gains between two prices of its symbol, at the rates of now.
    fn gain(&self, login: Login, symbol: SymbolId, side: Side, volume: Volume, way: (Price, Price)) -> Money {
        let contract = &self.catalogue.get(symbol).unwrap().contract;
        let deposit = &self.engine.terms(login).unwrap().deposit;
        profit_of(contract, side, volume, way.0, way.1, deposit, &self.engine.market).unwrap().money
    }

    /// What a deal costs against the prices of now: what it opens could close at once, what it closes stood in the
    /// books at the price of closing.
    fn cost(&self, login: Login, deal: &Deal, closed: Volume) -> Money {
        let (side, symbol) = (side_of(deal), deal.symbol.unwrap());
        let quote = self.engine.quote(symbol).unwrap().price;
        let opens = (deal.price, quote.close(side));
        let closes = (quote.close(side.opposite()), deal.price);
        self.gain(login, symbol, side, deal.volume - closed, opens)
            + self.gain(login, symbol, side.opposite(), closed, closes)
            + deal.commission
    }

    /// Equity moves with prices, money paid in or out, swaps at midnight, and what deals cost; nothing else moves it.
    pub(super) fn explain(&mut self, before: &Before) -> Result<(), TestCaseError> {
        let login = before.login;
        let mut expected = before.funds.balance + before.funds.credit;
        for position in &before.positions {
            let now = self.engine.quote(position.symbol).unwrap().price.close(position.side);
            let way = (position.price_open, now);
            expected += self.gain(login, position.symbol, position.side, position.volume, way);
        }
        let deals = self.deals(login);
        let mut held: BTreeMap<Ticket, Volume> =
            before.positions.iter().map(|position| (position.id, position.volume)).collect();
        let mut swaps = Money::ZERO;
        for deal in &deals[before.deals..] {
            let Some(id) = deal.position else {
                expected += deal.profit;
                continue;
            };
            let open = held.entry(id).or_default();
            let (closed, left) = match deal.entry {
                DealEntry::In => (Volume::ZERO, *open + deal.volume),
                DealEntry::InOut => (*open, deal.volume - *open),
                DealEntry::Out | DealEntry::OutBy => (deal.volume, *open - deal.volume),
            };
            *open = left;
            expected += self.cost(login, deal, closed);
            swaps += deal.swap;
        }
        let after = self.engine.snapshot(login).unwrap().positions;
        swaps += after.iter().map(|position| position.swap).sum::<Money>();
        let charged = swaps - before.positions.iter().map(|position| position.swap).sum::<Money>();
        if model::day_start_s(self.engine.furthest().seconds()) == before.day {
            prop_assert_eq!(charged, Money::ZERO, "a swap in daylight");
        }
        expected += swaps;
        // Each position and each part of a deal is rounded to cents, and to whole yen before.
        let roundings = before.positions.len() + after.len() + 2 * (deals.len() - before.deals);
        let tolerance = money(0.02 * (1 + roundings) as f64);
        let off = self.engine.equity(login).unwrap().equity - expected;
        prop_assert!(off <= tolerance && -off <= tolerance, "{} of {} is unexplained", off, expected);
        Ok(())
    }
}

#[test]
fn a_replay_follows_averages_and_reversals() {
    let mut world = World::in_mode(model::MarginMode::Netting);
    let id = world.done(market(OrderType::Buy, "EURUSD", 0.3));
    world.quote("EURUSD", 1.0891, 1.08928);
    world.done(market(OrderType::Buy, "EURUSD", 0.1));
    let held = Replay::of(&world.history().deals).unwrap().positions[&id];
    assert_eq!((held.units, held.price), (4 * i128::from(SCALE) / 10, 108_613_000));
    world.done(market(OrderType::Sell, "EURUSD", 0.6));
    let replay = Replay::of(&world.history().deals).unwrap();
    let held = replay.positions[&id];
    assert_eq!((held.units, held.price), (-2 * i128::from(SCALE) / 10, 108_910_000));
    assert_eq!(replay.balance, money(10_118.8));
}
