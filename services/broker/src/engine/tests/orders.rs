//! The lives of orders and positions.

use std::time::Duration;

use model::{
    DealEntry, Expiration, MarginMode, OrderState, OrderType, Reason, Retcode, ServerTime, Side, TradeAction,
    Volume,
};

use super::world::*;
use crate::engine::*;
use OrderType::{Buy, BuyLimit, BuyStop, BuyStopLimit, Sell, SellLimit, SellStop, SellStopLimit};

/// What happened, a word each.
fn told(events: &[Event]) -> Vec<String> {
    let tell = |event: &Event| match event {
        Event::Order { list, change, order, .. } => format!("{list:?} {change:?} {:?}", order.state),
        Event::Deal { change, report, .. } => {
            let volume = report.position.as_ref().map_or(Volume::ZERO, |position| position.volume);
            let entry = report.deal.as_ref().map(|deal| deal.entry);
            format!("Deal {change:?} {entry:?} {volume}")
        }
        Event::Verdict { .. } => "Verdict".into(),
        Event::MarginCall { .. } => "MarginCall".into(),
        Event::NewDay { .. } => "NewDay".into(),
    };
    events.iter().map(tell).collect()
}

#[test]
fn a_market_order_tells_its_life() {
    let mut world = World::new();
    let verdict = world.trade(TradeRequest { comment: "hello".into(), ..market(Buy, "EURUSD", 0.1) });
    assert_eq!(
        told(&world.events),
        ["Open Added Started", "Open Deleted Filled", "History Added Filled", "Deal Added Some(In) 0.1"]
    );
    let position = world.positions().remove(0);
    assert_eq!((position.id, Some(position.id)), (verdict.order.unwrap(), world.last_deal().position));
    assert_eq!((verdict.price, position.price_open), (price(1.08508), price(1.08508)));
    assert_eq!((verdict.deal, verdict.volume), (Some(world.last_deal().ticket), lots(0.1)));
    assert_eq!((position.reason, position.comment.as_str()), (Reason::Web, "hello"));
    let order = world.history().orders.pop().unwrap();
    assert_eq!(
        (order.position, order.volume_current, order.done),
        (Some(position.id), Volume::ZERO, Some(START))
    );
}

#[test]
fn a_position_closes_in_parts() {
    let mut world = World::new();
    world.done(market(Sell, "EURUSD", 0.3));
    let position = world.positions().remove(0);
    assert_eq!((position.side, position.price_open), (Side::Sell, price(1.085)));
    world.quote("EURUSD", 1.084, 1.0841);
    let verdict = world.trade(close(&position, "EURUSD", 0.1));
    assert_eq!((verdict.retcode, verdict.price), (Retcode::DONE, price(1.0841)));
    assert_eq!(told(&world.events)[3], "Deal Added Some(Out) 0.2");
    let deal = world.last_deal();
    assert_eq!((deal.entry, deal.price_position, deal.profit), (DealEntry::Out, price(1.085), money(9.0)));
    assert_eq!((deal.position, deal.order), (Some(position.id), verdict.order));
    assert_ne!(verdict.order, Some(position.id));
    world.done(close(&position, "EURUSD", 0.2));
    assert_eq!(told(&world.events)[3], "Deal Added Some(Out) 0");
    assert!(world.positions().is_empty());
    assert_eq!(world.balance(USD), 10_027.0);
}

/// An order's type and price, the market's way, and the price of the deal.
type Triggered = (OrderType, f64, &'static [(f64, f64)], Option<f64>);

#[test]
fn pending_orders_trigger_on_their_side_of_the_market() {
    let cases: &[Triggered] = &[
        // By ask, at the market's price when it is better.
        (BuyLimit, 1.08, &[(1.0799, 1.08001)], None),
        (BuyLimit, 1.08, &[(1.0799, 1.08)], Some(1.08)),
        (BuyLimit, 1.08, &[(1.07, 1.0701)], Some(1.0701)),
        // By bid.
        (SellLimit, 1.09, &[(1.08999, 1.0901)], None),
        (SellLimit, 1.09, &[(1.0905, 1.0906)], Some(1.0905)),
        // Stops fill where the market is.
        (BuyStop, 1.09, &[(1.0898, 1.08999)], None),
        (BuyStop, 1.09, &[(1.0948, 1.095)], Some(1.095)),
        (SellStop, 1.08, &[(1.08001, 1.0801)], None),
        (SellStop, 1.08, &[(1.0700, 1.0701)], Some(1.07)),
    ];
    for (kind, at, quotes, filled) in cases {
        let mut world = World::new();
        let ticket = world.done(TradeRequest { volume: lots(0.1), ..pending(*kind, "EURUSD", *at) });
        assert_eq!(told(&world.events), ["Open Added Placed"]);
        quotes.iter().for_each(|(bid, ask)| world.quote("EURUSD", *bid, *ask));
        let open = world.positions();
        assert_eq!(open.first().map(|p| p.price_open), filled.map(price), "{kind:?} {quotes:?}");
        if filled.is_some() {
            assert_eq!((open[0].id, world.orders().len()), (ticket, 0));
            let expected = ["Open Deleted Filled", "History Added Filled", "Deal Added Some(In) 0.1"];
            assert_eq!(told(&world.events), expected);
        }
    }
}

#[test]
fn a_stop_limit_becomes_its_limit_order() {
    for (kind, becomes, stop, limit, reach, back, filled) in [
        (BuyStopLimit, BuyLimit, 1.09, 1.089, (1.0899, 1.09), (1.0888, 1.0889), 1.0889),
        (SellStopLimit, SellLimit, 1.08, 1.081, (1.08, 1.0801), (1.0812, 1.0813), 1.0812),
    ] {
        let mut world = World::new();
        let request = TradeRequest { volume: lots(0.1), limit_price: limit, ..pending(kind, "EURUSD", stop) };
        let ticket = world.done(request);
        world.quote("EURUSD", reach.0, reach.1);
        assert_eq!(told(&world.events), ["Open Updated Placed"]);
        let order = world.orders().remove(0);
        assert_eq!((order.ticket, order.kind, order.price), (ticket, becomes, price(limit)));
        assert_eq!((order.limit_price, order.activation), (None, Activation::StopLimit));
        world.quote("EURUSD", back.0, back.1);
        assert_eq!(world.positions()[0].price_open, price(filled));
    }
}

#[test]
fn stops_close_positions_where_the_market_is() {
    // Side, sl, tp, quote, price and reason.
    for (kind, sl, tp, quote, expected) in [
        (Buy, 1.08, 1.09, (1.08001, 1.0801), None),
        (Buy, 1.08, 1.09, (1.08, 1.0801), Some((1.08, Reason::StopLoss, "[sl 1.08000]"))),
        (Buy, 1.08, 1.09, (1.07, 1.0701), Some((1.07, Reason::StopLoss, "[sl 1.08000]"))),
        (Buy, 1.08, 1.09, (1.0899, 1.0905), None),
        (Buy, 1.08, 1.09, (1.0901, 1.0902), Some((1.0901, Reason::TakeProfit, "[tp 1.09000]"))),
        (Sell, 1.09, 1.08, (1.0898, 1.09), Some((1.09, Reason::StopLoss, "[sl 1.09000]"))),
        (Sell, 1.09, 1.08, (1.0799, 1.08001), None),
        (Sell, 1.09, 1.08, (1.0798, 1.0799), Some((1.0799, Reason::TakeProfit, "[tp 1.08000]"))),
    ] {
        let mut world = World::new();
        let id = world.done(TradeRequest { sl, tp, ..market(kind, "EURUSD", 0.1) });
        world.quote("EURUSD", quote.0, quote.1);
        let Some((at, reason, comment)) = expected else {
            assert_eq!(world.positions().len(), 1, "{kind:?} {quote:?}");
            continue;
        };
        assert!(world.positions().is_empty(), "{kind:?} {quote:?}");
        let (deal, order) = (world.last_deal(), world.history().orders.pop().unwrap());
        assert_eq!((deal.price, deal.reason, deal.comment.as_str()), (price(at), reason, comment));
        assert_eq!((deal.position, order.reason), (Some(id), reason));
    }
}

#[test]
fn orders_carry_their_stops_into_the_position() {
    let mut world = World::new();
    world.done(TradeRequest { sl: 1.079, tp: 1.082, ..pending(BuyLimit, "EURUSD", 1.08) });
    world.quote("EURUSD", 1.0798, 1.0799);
    let position = world.positions().remove(0);
    assert_eq!((position.sl, position.tp), (Some(price(1.079)), Some(price(1.082))));
}

#[test]
fn a_filled_order_that_cannot_be_paid_is_refused() {
    let mut world = World::new();
    world.done(TradeRequest { volume: lots(50.0), ..pending(BuyLimit, "EURUSD", 1.08) });
    world.quote("EURUSD", 1.0798, 1.0799);
    assert!(world.positions().is_empty() && world.orders().is_empty());
    let order = world.history().orders.pop().unwrap();
    assert_eq!((order.state, order.comment.as_str()), (OrderState::Rejected, Retcode::NO_MONEY.text()));
}

#[test]
fn orders_expire_in_their_time() {
    let end = |hours| START + Duration::from_hours(hours);
    let order = |expiration, expires: ServerTime| TradeRequest {
        expiration,
        expires_s: expires.seconds(),
        ..pending(BuyLimit, "EURUSD", 1.08)
    };
    // It is noon: the day ends in twelve hours, the next one in thirty-six.
    let cases = [
        (order(Expiration::GoodTillCancelled, START), None),
        (order(Expiration::Day, START), Some(12)),
        (order(Expiration::Specified, end(7)), Some(7)),
        (order(Expiration::SpecifiedDay, end(13)), Some(36)),
    ];
    let all = MarginMode::ALL.iter().flat_map(|mode| cases.clone().map(|case| (*mode, case)));
    for (mode, (request, hours)) in all {
        let mut world = World::in_mode(mode);
        let ticket = world.done(request);
        let Some(hours) = hours else {
            world.wait(Duration::from_hours(10_000));
            assert_eq!(world.orders().len(), 1);
            continue;
        };
        world.now = ServerTime::from_ms(end(hours).ms() - 1);
        world.apply(Command::Clock);
        assert_eq!(world.orders().len(), 1);
        world.wait(Duration::from_millis(1));
        assert_eq!(told(&world.events), ["Open Deleted Expired", "History Added Expired"]);
        let order = world.history().orders.pop().unwrap();
        assert_eq!((order.ticket, order.done), (ticket, Some(end(hours))));
    }
}

#[test]
fn opposite_positions_close_each_other() {
    let mut world = World::new();
    let buy = world.done(market(Buy, "EURUSD", 0.3));
    world.quote("EURUSD", 1.086, 1.0861);
    let sell = world.done(market(Sell, "EURUSD", 0.1));
    let verdict = world.trade(TradeRequest {
        action: TradeAction::CloseBy,
        position: Some(buy),
        position_by: Some(sell),
        ..market(Sell, "EURUSD", 0.0)
    });
    assert_eq!((verdict.retcode, verdict.volume), (Retcode::DONE, lots(0.1)));
    assert_eq!(told(&world.events)[3], "Deal Added Some(OutBy) 0.2");
    let Some(Event::Deal { report, .. }) = world.events.last() else { panic!("no deal") };
    let (second, closed) = report.other.clone().unwrap();
    assert_eq!((closed.id, closed.volume, second.profit), (sell, Volume::ZERO, money(0.0)));
    // 0.1 lots from 1.08508 to 1.08600.
    assert_eq!(report.deal.as_ref().unwrap().profit, money(9.2));
    assert_eq!((world.positions().len(), world.balance(USD)), (1, 10_009.2));
}

#[test]
fn history_is_told_by_ranges() {
    let mut world = World::new();
    world.wait(Duration::from_secs(10));
    let id = world.done(market(Buy, "EURUSD", 0.1));
    world.wait(Duration::from_secs(10));
    world.done(TradeRequest { position: Some(id), ..market(Sell, "EURUSD", 0.1) });
    let s = START.seconds();
    let count = |from, to, limit| {
        let history = world.engine.history(USD, from, to, limit).unwrap();
        (history.deals.len(), history.orders.len())
    };
    assert_eq!(count(0, i64::MAX, 100), (3, 2));
    assert_eq!(count(s + 10, s + 10, 100), (1, 1));
    assert_eq!(count(s + 11, s + 19, 100), (0, 0));
    assert_eq!(count(s + 20, s, 100), (0, 0));
    assert_eq!(count(0, i64::MAX, 1), (1, 1));
}
