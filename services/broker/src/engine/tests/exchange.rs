//! Orders against an order book.

use model::{Filling, OrderState, OrderType, Retcode, TradeAction, Volume};

use super::world::*;
use crate::engine::*;
use OrderType::{Buy, BuyLimit, BuyStop, Sell};

/// AAPL with 10 shares at 230.02 and 20 at 230.10, and 15 wanted at 230.00; commissions are a dollar at least.
fn world() -> World {
    let mut world = World::new();
    world.book("AAPL", &[(230.0, 15.0)], &[(230.02, 10.0), (230.1, 20.0)]);
    world
}

fn order(kind: OrderType, volume: f64, filling: Filling) -> TradeRequest {
    TradeRequest { filling, action: TradeAction::DealExchange, ..market(kind, "AAPL", volume) }
}

fn limit(volume: f64, price: f64, filling: Filling) -> TradeRequest {
    TradeRequest { volume: lots(volume), filling, ..pending(BuyLimit, "AAPL", price) }
}

#[test]
fn market_orders_take_what_the_book_has() {
    for (volume, filling, retcode, filled, at) in [
        (10.0, Filling::FillOrKill, Retcode::DONE, 10.0, 230.02),
        (20.0, Filling::FillOrKill, Retcode::DONE, 20.0, 230.06),
        (31.0, Filling::FillOrKill, Retcode::REJECTED, 0.0, 0.0),
        (31.0, Filling::ImmediateOrCancel, Retcode::DONE_PARTIALLY, 30.0, 230.07),
        (30.0, Filling::Return, Retcode::DONE, 30.0, 230.07),
        (40.0, Filling::Return, Retcode::DONE_PARTIALLY, 30.0, 230.07),
    ] {
        let mut world = world();
        let verdict = world.trade(order(Buy, volume, filling));
        assert_eq!((verdict.retcode, verdict.volume), (retcode, lots(filled)), "{volume} {filling:?}");
        assert_eq!(verdict.price.to_f64(), at);
        let working = usize::from(filling == Filling::Return && volume > 30.0);
        assert_eq!((world.positions().len(), world.orders().len()), (usize::from(filled > 0.0), working));
    }
}

#[test]
fn what_was_taken_is_not_there_for_the_next() {
    let mut world = world();
    assert_eq!(world.trade(order(Buy, 30.0, Filling::FillOrKill)).retcode, Retcode::DONE);
    assert_eq!(world.trade(order(Buy, 1.0, Filling::ImmediateOrCancel)).retcode, Retcode::REJECTED);
    assert_eq!(world.trade(order(Buy, 1.0, Filling::Return)).retcode, Retcode::PLACED);
}

#[test]
fn the_rest_of_an_order_waits_for_the_next_book_and_enlarges_the_position() {
    let mut world = world();
    let ticket = world.done(order(Buy, 40.0, Filling::Return));
    let working = world.orders().remove(0);
    assert_eq!((working.state, working.volume_current), (OrderState::PartiallyFilled, lots(10.0)));
    world.book("AAPL", &[(230.0, 15.0)], &[(231.0, 4.0)]);
    assert_eq!(world.orders()[0].volume_current, lots(6.0));
    world.book("AAPL", &[(230.0, 15.0)], &[(231.0, 400.0)]);
    assert!(world.orders().is_empty());
    let position = world.positions().remove(0);
    assert_eq!((position.id, position.volume), (ticket, lots(40.0)));
    assert_eq!(position.price_open.to_string(), "230.3025");
    assert_eq!(world.history().orders.pop().unwrap().state, OrderState::Filled);
    let remove = TradeRequest { action: TradeAction::Remove, order: Some(ticket), ..market(Buy, "", 0.0) };
    assert_eq!(world.trade(remove).retcode, Retcode::INVALID_REQUEST);
}

#[test]
fn limit_orders_may_be_at_any_price_and_are_matched_at_once() {
    for (volume, price, filling, retcode, filled) in [
        (10.0, 200.0, Filling::Return, Retcode::PLACED, 0.0),
        (20.0, 230.05, Filling::Return, Retcode::DONE_PARTIALLY, 10.0),
        (20.0, 300.0, Filling::Return, Retcode::DONE, 20.0),
        (20.0, 230.05, Filling::ImmediateOrCancel, Retcode::DONE_PARTIALLY, 10.0),
        (20.0, 230.05, Filling::FillOrKill, Retcode::REJECTED, 0.0),
        (20.0, 230.05, Filling::BookOrCancel, Retcode::REJECTED, 0.0),
        (20.0, 230.01, Filling::BookOrCancel, Retcode::PLACED, 0.0),
    ] {
        let mut world = world();
        let verdict = world.trade(limit(volume, price, filling));
        assert_eq!(
            (verdict.retcode, verdict.volume),
            (retcode, lots(filled)),
            "{volume} {price} {filling:?}"
        );
        let rests = matches!(filling, Filling::Return | Filling::BookOrCancel) && filled < volume;
        let rests = rests && retcode != Retcode::REJECTED;
        assert_eq!(world.orders().len(), usize::from(rests));
        world.book("AAPL", &[(199.0, 5.0)], &[(199.5, 500.0)]);
        assert!(world.orders().is_empty());
        let held: Volume = world.positions().iter().map(|position| position.volume).sum();
        assert_eq!(held, if rests { lots(volume) } else { lots(filled) });
    }
}

#[test]
fn a_limit_order_never_pays_more_than_its_price() {
    let mut world = world();
    world.done(limit(30.0, 230.0, Filling::Return));
    world.book("AAPL", &[(229.0, 5.0)], &[(229.9, 5.0), (230.0, 5.0), (230.01, 100.0)]);
    let position = world.positions().remove(0);
    assert_eq!((position.volume, position.price_open.to_f64()), (lots(10.0), 229.95));
}

#[test]
fn stop_orders_become_market_orders_that_may_wait() {
    let mut world = world();
    world.done(TradeRequest { volume: lots(50.0), ..pending(BuyStop, "AAPL", 231.0) });
    world.book("AAPL", &[(230.9, 5.0)], &[(231.0, 20.0)]);
    let order = world.orders().remove(0);
    assert_eq!((order.activation, order.volume_current), (Activation::Price, lots(30.0)));
    world.book("AAPL", &[(228.9, 5.0)], &[(229.0, 100.0)]);
    assert_eq!((world.orders().len(), world.positions()[0].volume), (0, lots(50.0)));
}

#[test]
fn a_stop_that_finds_nothing_is_told_to_be_active_once() {
    let mut world = world();
    let ticket = world.done(TradeRequest { volume: lots(5.0), ..pending(BuyStop, "AAPL", 231.0) });
    world.book("AAPL", &[(230.9, 5.0)], &[(231.0, 1.0)]);
    assert_eq!(world.orders()[0].volume_current, lots(4.0));
    world.done(TradeRequest { volume: lots(5.0), ..pending(BuyStop, "AAPL", 232.0) });
    world.book("AAPL", &[(231.9, 5.0)], &[(232.0, 4.0)]);
    let activations: Vec<_> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Order { list: List::Open, change: Change::Updated, order, .. } => Some(order),
            _ => None,
        })
        .map(|order| (order.ticket == ticket, order.activation))
        .collect();
    assert_eq!(activations, [(false, Activation::Price)], "the older one took all there was");
    world.book("AAPL", &[(231.9, 5.0)], &[]);
    assert_eq!(world.events, [], "it is no news any more");
}

#[test]
fn closing_takes_what_the_book_has_and_one_order_at_a_time() {
    let mut world = world();
    world.done(order(Buy, 30.0, Filling::FillOrKill));
    let position = world.positions().remove(0);
    let out = |volume, filling| TradeRequest { position: Some(position.id), ..order(Sell, volume, filling) };
    assert_eq!(world.trade(out(30.0, Filling::FillOrKill)).retcode, Retcode::REJECTED);
    let part = world.trade(out(30.0, Filling::Return));
    assert_eq!((part.retcode, part.volume), (Retcode::DONE_PARTIALLY, lots(15.0)));
    let again = world.trade(out(5.0, Filling::ImmediateOrCancel));
    assert_eq!(again.retcode, Retcode::CLOSE_ORDER_EXISTS);
    world.book("AAPL", &[(229.0, 100.0)], &[(229.5, 5.0)]);
    assert!(world.positions().is_empty() && world.orders().is_empty());
}

#[test]
fn a_stop_loss_takes_the_book_in_steps() {
    let mut world = world();
    let stops = TradeRequest { sl: 229.0, ..order(Buy, 30.0, Filling::FillOrKill) };
    world.done(stops);
    world.book("AAPL", &[(228.0, 12.0)], &[(229.5, 5.0)]);
    assert_eq!(world.positions()[0].volume, lots(18.0));
    world.book("AAPL", &[(227.0, 100.0)], &[(229.5, 5.0)]);
    assert!(world.positions().is_empty());
}

#[test]
fn a_waiting_close_takes_no_more_than_a_stop_has_left() {
    let mut world = world();
    world.done(TradeRequest { sl: 229.0, ..order(Buy, 30.0, Filling::FillOrKill) });
    let position = world.positions().remove(0);
    let out = TradeRequest { position: Some(position.id), ..order(Sell, 30.0, Filling::Return) };
    assert_eq!(world.trade(out).volume, lots(15.0));
    // The stop takes 12 of the 15 that are left, then the order finds 3.
    world.book("AAPL", &[(228.0, 12.0)], &[(229.5, 5.0)]);
    assert_eq!(world.positions()[0].volume, lots(3.0));
    world.book("AAPL", &[(229.2, 100.0)], &[(229.5, 5.0)]);
    assert!(world.positions().is_empty() && world.orders().is_empty());
    let closed: Volume = world.history().deals[2..].iter().map(|deal| deal.volume).sum();
    assert_eq!(closed, lots(30.0));
}
