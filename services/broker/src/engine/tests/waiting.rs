//! Margin of pending orders, and what a stop-out does with them. Shares hold half of their value, waiting limit orders
//! of them as well; the dollar account has 10,000.

use model::{Filling, MarginMode, Money, OrderState, OrderType, Reason, Retcode, TradeAction};

use super::world::*;
use crate::catalogue::{Catalogue, MarketHours, Symbol};
use crate::engine::*;
use OrderType::{Buy, BuyLimit, BuyStop, Sell, SellLimit};

fn limit(kind: OrderType, volume: f64, at: f64) -> TradeRequest {
    TradeRequest { volume: lots(volume), ..pending(kind, "AAPL", at) }
}

fn shares(kind: OrderType, volume: f64) -> TradeRequest {
    TradeRequest { filling: Filling::Return, ..market(kind, "AAPL", volume) }
}

impl World {
    fn margin(&mut self) -> Money {
        self.engine.equity(USD).unwrap().margin
    }

    fn change(&mut self, ticket: Ticket, at: f64) -> Retcode {
        let request = limit(BuyLimit, 0.0, at);
        self.trade(TradeRequest { action: TradeAction::Modify, order: Some(ticket), ..request }).retcode
    }

    fn remove(&mut self, ticket: Ticket) {
        self.done(TradeRequest {
            action: TradeAction::Remove,
            order: Some(ticket),
            ..market(Buy, "AAPL", 0.0)
        });
    }
}

#[test]
fn a_waiting_limit_order_holds_margin_until_it_ends() {
    let mut world = World::new();
    // 10 x 200 x 0.5; 20 x 220 x 0.5 instead; nothing.
    let ticket = world.done(limit(BuyLimit, 10.0, 200.0));
    assert_eq!(world.margin(), money(1000.0));
    assert_eq!(world.change(ticket, 220.0), Retcode::DONE);
    assert_eq!(world.margin(), money(1100.0));
    world.remove(ticket);
    assert_eq!(world.margin(), Money::ZERO);
    // Filled at 199.50, it is a position that needs 10 x 199.50 x 0.5.
    world.done(limit(BuyLimit, 10.0, 200.0));
    world.book("AAPL", &[(199.0, 100.0)], &[(199.5, 100.0)]);
    assert_eq!((world.orders().len(), world.margin()), (0, money(997.5)));
    // Stops of shares and all pending orders of currencies hold nothing.
    world.done(limit(BuyStop, 10.0, 300.0));
    world.done(pending(BuyLimit, "EURUSD", 1.05));
    assert_eq!(world.margin(), money(997.5));
}

#[test]
fn the_rate_of_placing_converts_it() {
    let mut world = World::new();
    world.trade_as(EUR, limit(BuyLimit, 10.0, 200.0));
    // 1,000 dollars, bought at 1 / 1.085.
    assert_eq!(world.engine.equity(EUR).unwrap().margin, money(921.66));
    world.quote("EURUSD", 1.2, 1.2001);
    assert_eq!(world.engine.equity(EUR).unwrap().margin, money(921.66));
}

#[test]
fn an_order_that_is_not_covered_is_refused() {
    let mut world = World::new();
    // 100 x 200 x 0.5 is all there is.
    assert_eq!(world.trade(limit(BuyLimit, 101.0, 200.0)).retcode, Retcode::NO_MONEY);
    let ticket = world.done(limit(BuyLimit, 100.0, 200.0));
    assert_eq!(world.engine.equity(USD).unwrap().free_margin, Money::ZERO);
    assert_eq!(world.trade(limit(BuyLimit, 1.0, 200.0)).retcode, Retcode::NO_MONEY);
    assert_eq!(world.trade(market(Buy, "EURUSD", 0.01)).retcode, Retcode::NO_MONEY);
    // Against the others it holds nothing, up to their margin.
    world.done(limit(SellLimit, 80.0, 250.0));
    assert_eq!(world.trade(limit(SellLimit, 1.0, 250.0)).retcode, Retcode::NO_MONEY);
    // It may become cheaper, not dearer.
    assert_eq!(world.change(ticket, 201.0), Retcode::NO_MONEY);
    assert_eq!(world.orders()[0].price.to_f64(), 200.0);
    assert_eq!(world.change(ticket, 190.0), Retcode::DONE);
}

#[test]
fn a_limit_order_is_covered_with_the_part_that_waits() {
    let mut world = World::new();
    world.book("AAPL", &[(199.0, 100.0)], &[(200.0, 50.0)]);
    // 50 x 200 x 0.5 for the position, 50 x 201 x 0.5 for the rest, a dollar of commission.
    assert_eq!(world.trade(limit(BuyLimit, 100.0, 201.0)).retcode, Retcode::NO_MONEY);
    let verdict = world.trade(limit(BuyLimit, 99.0, 201.0));
    assert_eq!((verdict.retcode, verdict.volume), (Retcode::DONE_PARTIALLY, lots(50.0)));
    assert_eq!(world.margin(), money(5000.0 + 49.0 * 100.5));
    world.book("AAPL", &[(199.0, 100.0)], &[(200.0, 50.0)]);
    assert_eq!((world.orders().len(), world.margin()), (0, money(9900.0)));
}

#[test]
fn a_net_position_covers_the_order_that_closes_it() {
    for (mode, closing) in [(MarginMode::Exchange, 0.0), (MarginMode::Hedging, 3000.0)] {
        let mut world = World::in_mode(mode);
        world.book("AAPL", &[(199.0, 100.0)], &[(200.0, 100.0)]);
        world.done(shares(Buy, 20.0));
        world.done(limit(SellLimit, 20.0, 300.0));
        assert_eq!(world.margin(), money(2000.0 + closing), "{mode:?}");
    }
}

/// 10,000 dollars, a loss to come from EURUSD, and three orders that hold 3,000, 1,000 and nothing.
fn in_trouble() -> (World, [Ticket; 3]) {
    let mut world = World::new();
    let dear = world.done(limit(BuyLimit, 30.0, 200.0));
    let cheap = world.done(limit(BuyLimit, 10.0, 200.0));
    let free = world.done(limit(BuyStop, 10.0, 300.0));
    world.done(market(Buy, "EURUSD", 5.0));
    assert_eq!(world.margin(), money(3000.0 + 1000.0 + 5425.4));
    (world, [dear, cheap, free])
}

#[test]
fn a_stop_out_deletes_orders_first_the_dearest_before_others() {
    let (mut world, [dear, cheap, free]) = in_trouble();
    // 5 x 100,000 x (1.07380 - 1.08508) = -5,640: 4,360 of 9,425.40 are 46.26 per cent, of 6,425.40 then 67.86.
    world.quote("EURUSD", 1.0738, 1.0739);
    let left: Vec<_> = world.orders().iter().map(|order| order.ticket).collect();
    assert_eq!((left, world.positions().len()), (vec![cheap, free], 1));
    let ended = world.history().orders.pop().unwrap();
    assert_eq!((ended.ticket, ended.state, ended.reason), (dear, OrderState::Canceled, Reason::Web));
    assert_eq!(ended.comment, "so 46.26%/4360/9425.4");
    assert_eq!(world.margin(), money(6425.4));
    // The next one goes, then the position; what holds nothing stays.
    world.quote("EURUSD", 1.0692, 1.0693);
    let left: Vec<_> = world.orders().iter().map(|order| order.ticket).collect();
    assert_eq!((left, world.positions().len()), (vec![free], 0));
    assert_eq!(world.last_deal().reason, Reason::StopOut);
}

#[test]
fn orders_alone_can_be_too_much() {
    let mut world = World::new();
    let first = world.done(limit(BuyLimit, 50.0, 200.0));
    let second = world.done(limit(BuyLimit, 50.0, 200.0));
    world.pay(USD, -5000.0);
    assert_eq!(world.orders().len(), 2, "half of the margin is there");
    world.pay(USD, -100.0);
    // Of equal ones the oldest goes.
    let left: Vec<_> = world.orders().iter().map(|order| order.ticket).collect();
    assert_eq!((left, world.history().orders.last().map(|order| order.ticket)), (vec![second], Some(first)));
}

#[test]
fn other_terms_of_a_symbol_count_at_once() {
    let (mut world, _) = in_trouble();
    let catalogue = Catalogue::built_in(MarketHours::Always);
    let mut symbol = Symbol::clone(catalogue.by_name("AAPL").unwrap());
    symbol.contract.rates_initial[BuyLimit.number() as usize] = 0.25;
    world.apply(Command::Symbols(std::sync::Arc::new(catalogue.with_all(vec![symbol]))));
    assert_eq!(world.margin(), money(1500.0 + 500.0 + 5425.4));
    assert!(world.trade(shares(Sell, 1.0)).retcode.is_success());
}
