//! Daylight saving time: an hour that comes twice, and one that never comes.

use std::time::Duration;

use model::{Expiration, OrderState, OrderType, Retcode, ServerTime};

use super::world::*;
use crate::engine::*;
use OrderType::Buy;

pub(super) const HOUR_MS: i64 = 3_600_000;
const MINUTE: Duration = Duration::from_mins(1);

impl World {
    pub(super) fn set_clock(&mut self, by_ms: i64) {
        self.now = self.now.set_by(by_ms);
        self.apply(Command::ClockSet { by_ms });
        assert_eq!(self.engine.now(), self.now);
    }

    /// Lets time pass until the clock shows so many minutes after the day at whose noon the world began.
    fn wait_until(&mut self, minutes: i64) {
        let midnight = START.set_by(12 * HOUR_MS);
        self.wait(midnight.set_by(minutes * 60_000) - self.now);
    }

    fn swap(&mut self) -> f64 {
        self.positions()[0].swap.to_f64()
    }
}

#[test]
fn a_night_is_charged_once_however_often_the_clock_shows_midnight() {
    let mut world = World::new();
    world.done(market(Buy, "EURUSD", 1.0));
    world.wait_until(30);
    let night = world.swap();
    assert!(night < 0.0);
    world.set_clock(-HOUR_MS);
    world.wait_until(-1);
    world.wait_until(0);
    world.wait_until(45);
    assert_eq!(world.swap(), night, "the same midnight again");
    world.wait_until(23 * 60 + 30);
    world.set_clock(HOUR_MS);
    assert_eq!(world.swap(), 2.0 * night, "the clock never showed this midnight");
    world.wait_until(25 * 60);
    assert_eq!(world.swap(), 2.0 * night);
}

#[test]
fn orders_end_when_the_clock_shows_their_time_after_they_were_placed() {
    let mut world = World::new();
    let order = |world: &World, minutes: i64| TradeRequest {
        expiration: Expiration::Specified,
        expires_s: world.now.seconds() + minutes * 60,
        ..pending(OrderType::BuyLimit, "EURUSD", 1.05)
    };
    let day = TradeRequest { expiration: Expiration::Day, ..pending(OrderType::BuyLimit, "EURUSD", 1.05) };
    world.wait_until(-30);
    let (short, long) = (order(&world, 20), order(&world, 90));
    let short = world.done(short);
    let long = world.done(long);
    let today = world.done(day.clone());
    world.wait_until(10);
    let open = |world: &mut World| world.orders().iter().map(|order| order.ticket).collect::<Vec<_>>();
    assert_eq!(open(&mut world), [long]);
    world.set_clock(-HOUR_MS);
    // The hour that comes again is the evening of the same day.
    let again = order(&world, 20);
    let (again, today_again) = (world.done(again), world.done(day));
    world.wait(19 * MINUTE);
    assert_eq!(open(&mut world), [long, again, today_again]);
    world.wait(MINUTE);
    assert_eq!(open(&mut world), [long, today_again]);
    world.wait_until(0);
    assert_eq!(open(&mut world), [long]);
    let ended = world.history().orders;
    assert_eq!(
        ended.iter().map(|order| order.ticket).collect::<Vec<_>>(),
        [short, today, again, today_again]
    );
    assert!(ended.iter().all(|order| order.state == OrderState::Expired));
    // Its last half hour is left out.
    world.wait_until(30);
    world.set_clock(HOUR_MS);
    assert_eq!(open(&mut world), []);
}

#[test]
fn a_history_is_in_the_order_of_what_happened() {
    let mut world = World::new();
    world.wait_until(30);
    let deals = |world: &World, from: ServerTime, to: ServerTime, limit| {
        let history = world.engine.history(USD, from.seconds(), to.seconds(), limit).unwrap();
        history.deals.iter().filter_map(|deal| deal.order).collect::<Vec<_>>()
    };
    let first = world.done(market(Buy, "EURUSD", 0.1));
    let (first_time, quoted) = (world.now, world.engine.quote(world.catalogue.by_name("EURUSD").unwrap().id));
    world.set_clock(-HOUR_MS);
    let restated = world.engine.quote(world.catalogue.by_name("EURUSD").unwrap().id);
    assert_eq!(restated.unwrap().time, quoted.unwrap().time.set_by(-HOUR_MS));
    world.wait(MINUTE);
    let second = world.done(market(Buy, "EURUSD", 0.1));
    let second_time = world.now;
    assert!(second_time < first_time);
    assert_eq!(world.last_deal().time, second_time);
    world.wait_until(31);
    let third = world.done(market(Buy, "EURUSD", 0.1));
    assert_eq!(deals(&world, START, world.now, usize::MAX), [first, second, third]);
    assert_eq!(deals(&world, second_time, second_time, usize::MAX), [second]);
    assert_eq!(deals(&world, first_time, world.now, usize::MAX), [first, third]);
    assert_eq!(deals(&world, START, world.now, 2), [second, third]);
}

#[test]
fn a_promised_price_stands_for_its_seconds_and_no_hour() {
    let mut world = World::new();
    let ask = TradeRequest { action: model::TradeAction::Prices, ..market(Buy, "GBPUSD", 0.1) };
    let symbol = world.catalogue.symbols().iter().find(|s| s.execution == model::Execution::Instant).unwrap();
    let (name, bid) = (symbol.name.clone(), symbol.pace.price);
    let spread = symbol.points(symbol.pace.spread).to_f64();
    let filling = model::Filling::FillOrKill;
    let instant = model::TradeAction::DealInstant;
    for (span, retcode) in [(5, Retcode::DONE), (9, Retcode::REQUOTE)] {
        world.quote(&name, bid, bid + spread);
        let promised = world.trade(TradeRequest { symbol: name.clone(), ..ask.clone() });
        assert_eq!(promised.retcode, Retcode::PRICES);
        world.set_clock(-HOUR_MS);
        world.wait(Duration::from_secs(span));
        world.quote(&name, bid * 1.01, bid * 1.01 + spread);
        let price = promised.ask.to_f64();
        let asked = TradeRequest { action: instant, filling, price, ..market(Buy, &name, 0.1) };
        assert_eq!(world.trade(asked).retcode, retcode, "{span} seconds later");
    }
}

#[test]
fn midnights_that_have_passed_are_known_after_a_restart() {
    let mut world = World::new();
    let furthest = START.set_by(13 * HOUR_MS);
    world.engine.restore(Vec::new(), furthest);
    // It began before midnight, in the hour that came again.
    assert_eq!((world.engine.now(), world.engine.furthest()), (START, furthest));
    world.done(market(Buy, "EURUSD", 0.1));
    assert_eq!(world.positions()[0].opened, START);
    world.wait_until(0);
    assert_eq!(world.swap(), 0.0);
    world.wait_until(24 * 60);
    assert!(world.swap() < 0.0);
}
