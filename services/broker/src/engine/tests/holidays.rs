//! A day on which a market does not open.

use std::time::Duration;

use model::{Expiration, OrderState, OrderType, Reason, Retcode};

use super::world::*;
use crate::catalogue::Holiday;
use crate::engine::*;
use OrderType::{Buy, BuyLimit};

/// A world in which the euro rests on the day after the world's beginning, but for its last hour.
fn world() -> World {
    let date = "2026-11-24".parse().unwrap();
    let holiday = Holiday { symbols: "EURUSD".into(), date, sessions: vec![(1380, 1440)] };
    let catalogue = edited("EURUSD", |symbol| symbol.schedule.keep_holidays(std::iter::once(&holiday)));
    World::of(catalogue, Limits::default())
}

#[test]
fn nothing_is_traded_and_orders_end_as_on_other_days() {
    let mut world = world();
    let held = world.done(TradeRequest { sl: 1.08, ..market(Buy, "EURUSD", 0.1) });
    let day = TradeRequest { expiration: Expiration::Day, ..pending(BuyLimit, "EURUSD", 1.05) };
    let noon = TradeRequest {
        expiration: Expiration::Specified,
        expires_s: world.now.seconds() + 86_400,
        ..pending(BuyLimit, "EURUSD", 1.05)
    };
    let (day, noon) = (world.done(day), world.done(noon));
    let waiting = world.done(pending(BuyLimit, "EURUSD", 1.07));
    // The morning of the holiday.
    world.wait(Duration::from_hours(20));
    assert!(world.orders().iter().all(|order| order.ticket != day), "its day is over");
    for request in [
        market(Buy, "EURUSD", 0.1),
        pending(BuyLimit, "EURUSD", 1.05),
        close(&world.positions()[0].clone(), "EURUSD", 0.1),
        TradeRequest {
            action: model::TradeAction::Remove,
            order: Some(waiting),
            ..market(Buy, "EURUSD", 0.1)
        },
    ] {
        assert_eq!(world.trade(request).retcode, Retcode::MARKET_CLOSED);
    }
    assert_eq!(world.trade(market(Buy, "USDJPY", 0.01)).retcode, Retcode::DONE, "others are open");
    // Prices that come all the same set nothing going.
    world.quote("EURUSD", 1.06, 1.0601);
    assert_eq!((world.positions().len(), world.orders().len()), (2, 2));
    world.wait(Duration::from_hours(5));
    let ended = world.history().orders.iter().find(|order| order.ticket == noon).cloned().unwrap();
    assert_eq!(ended.state, OrderState::Expired);
    // The last hour is open.
    world.wait(Duration::from_hours(10));
    world.quote("EURUSD", 1.06, 1.0601);
    let left: Vec<_> = world.positions().iter().map(|position| position.order).collect();
    assert!(!left.contains(&held) && left.contains(&waiting), "{left:?}");
    let stopped = world.history().deals.into_iter().find(|deal| deal.reason == Reason::StopLoss).unwrap();
    assert_eq!(stopped.position, Some(held));
    assert!(world.orders().is_empty());
}

#[test]
fn nights_of_a_holiday_are_charged() {
    let mut world = world();
    world.done(market(Buy, "EURUSD", 1.0));
    world.wait(Duration::from_hours(13));
    let night = world.positions()[0].swap;
    world.wait(Duration::from_hours(24));
    assert_eq!(world.positions()[0].swap, night + night);
}
