//! Accounts whose positions are closed in the order in which they were opened.

use std::time::Duration;

use model::{MarginMode, OrderType, Reason, Retcode, TradeAction};

use super::world::*;
use crate::catalogue::{Catalogue, MarketHours};
use crate::engine::*;
use OrderType::{Buy, BuyLimit, Sell};

fn world() -> World {
    let catalogue = Catalogue::built_in(MarketHours::Always);
    World::agreed(catalogue, Limits::default(), |terms| terms.fifo = true)
}

fn position(world: &mut World, id: Ticket) -> Position {
    world.positions().into_iter().find(|position| position.id == id).unwrap()
}

#[test]
fn a_position_waits_for_the_older_ones_of_its_symbol() {
    let mut world = world();
    let waiting = world.done(TradeRequest { volume: lots(0.1), ..pending(BuyLimit, "EURUSD", 1.08) });
    let first = world.done(market(Buy, "EURUSD", 0.2));
    let other = world.done(market(Sell, "GBPUSD", 0.1));
    world.wait(Duration::from_secs(1));
    world.quote("EURUSD", 1.0799, 1.08);
    // Its order is older, it is not.
    let second = position(&mut world, waiting);
    let first = position(&mut world, first);
    assert_eq!(world.trade(close(&second, "EURUSD", 0.1)).retcode, Retcode::FIFO_ONLY);
    let other = position(&mut world, other);
    assert_eq!(world.trade(close(&other, "GBPUSD", 0.1)).retcode, Retcode::DONE);
    assert_eq!(world.trade(close(&first, "EURUSD", 0.1)).retcode, Retcode::DONE);
    assert_eq!(world.trade(close(&second, "EURUSD", 0.1)).retcode, Retcode::FIFO_ONLY);
    assert_eq!(world.trade(close(&first, "EURUSD", 0.1)).retcode, Retcode::DONE);
    assert_eq!(world.trade(close(&second, "EURUSD", 0.1)).retcode, Retcode::DONE);
}

#[test]
fn the_two_oldest_may_close_each_other() {
    let mut world = world();
    let first = world.done(market(Buy, "EURUSD", 0.1));
    let second = world.done(market(Buy, "EURUSD", 0.1));
    let third = world.done(market(Sell, "EURUSD", 0.1));
    let by = |one, other| TradeRequest {
        action: TradeAction::CloseBy,
        position: Some(one),
        position_by: Some(other),
        ..market(Sell, "EURUSD", 0.0)
    };
    for (one, other) in [(first, third), (second, third), (third, first)] {
        assert_eq!(world.trade(by(one, other)).retcode, Retcode::FIFO_ONLY);
    }
    let first = position(&mut world, first);
    world.done(close(&first, "EURUSD", 0.1));
    assert_eq!(world.trade(by(third, second)).retcode, Retcode::DONE);
}

#[test]
fn stops_that_are_reached_out_of_turn_are_passed_over() {
    let mut world = world();
    let first = world.done(TradeRequest { sl: 1.07, ..market(Buy, "EURUSD", 0.1) });
    let second = world.done(TradeRequest { sl: 1.08, ..market(Buy, "EURUSD", 0.1) });
    world.quote("EURUSD", 1.079, 1.0791);
    assert_eq!(world.positions().len(), 2);
    let first = position(&mut world, first);
    world.done(close(&first, "EURUSD", 0.1));
    world.quote("EURUSD", 1.0789, 1.079);
    assert!(world.positions().is_empty());
    assert_eq!((world.last_deal().position, world.last_deal().reason), (Some(second), Reason::StopLoss));
}

#[test]
fn one_tick_closes_all_whose_turn_it_becomes() {
    let mut world = world();
    for sl in [1.08, 1.081] {
        world.done(TradeRequest { sl, ..market(Buy, "EURUSD", 0.1) });
    }
    world.quote("EURUSD", 1.079, 1.0791);
    assert!(world.positions().is_empty());
}

#[test]
fn a_stop_out_takes_the_oldest_of_a_symbol() {
    let mut world = world();
    let oldest = world.done(market(Buy, "EURUSD", 2.0));
    let worst = world.done(market(Buy, "EURUSD", 4.0));
    let good = world.done(market(Sell, "GBPUSD", 0.1));
    world.quote("EURUSD", 1.0729, 1.073);
    let left: Vec<_> = world.positions().iter().map(|position| position.id).collect();
    assert_eq!((left, world.last_deal().position), (vec![worst, good], Some(oldest)));
}

#[test]
fn netting_accounts_have_no_order_to_keep() {
    let catalogue = Catalogue::built_in(MarketHours::Always);
    let mut world = World::agreed(catalogue, Limits::default(), |terms| {
        (terms.fifo, terms.margin_mode) = (true, MarginMode::Netting);
    });
    world.done(market(Buy, "EURUSD", 0.1));
    world.done(market(Buy, "EURUSD", 0.1));
    let position = world.positions().remove(0);
    assert_eq!(world.trade(close(&position, "EURUSD", 0.2)).retcode, Retcode::DONE);
}
