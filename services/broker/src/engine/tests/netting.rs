//! Accounts with one position a symbol, against figures worked out by hand.

use std::time::Duration;

use model::{
    DealEntry, Filling, MarginMode, Money, OrderState, OrderType, Reason, Retcode, Side, TradeAction, Volume,
};

use super::world::*;
use crate::catalogue::{
    Catalogue, CommissionEntry, CommissionPer, CommissionRange, CommissionRule, CommissionTier,
    CommissionUnit, MarketHours, Symbol,
};
use crate::engine::*;
use OrderType::{Buy, BuyLimit, BuyStop, Sell, SellLimit};

fn world() -> World {
    World::in_mode(MarginMode::Netting)
}

/// A netting world with other terms of EURUSD.
fn of(limits: Limits, edit: impl Fn(&mut Symbol)) -> World {
    World::agreed(edited("EURUSD", edit), limits, |terms| terms.margin_mode = MarginMode::Netting)
}

fn the_position(world: &mut World) -> Position {
    let mut positions = world.positions();
    assert_eq!(positions.len(), 1, "{positions:?}");
    positions.remove(0)
}

#[test]
fn a_deal_in_the_same_direction_enlarges_at_the_average_price() {
    for mode in [MarginMode::Netting, MarginMode::Exchange] {
        let mut world = World::in_mode(mode);
        let first = world.done(market(Buy, "EURUSD", 0.3));
        world.wait(Duration::from_secs(60));
        world.quote("EURUSD", 1.0891, 1.08928);
        let second = world.done(market(Buy, "EURUSD", 0.1));
        let position = the_position(&mut world);
        // (0.3 x 1.08508 + 0.1 x 1.08928) / 0.4
        assert_eq!((position.volume, position.price_open), (lots(0.4), price(1.08613)));
        assert_eq!((position.id, position.order, position.side), (first, second, Side::Buy));
        assert_eq!((position.opened, position.updated), (START, world.now));
        // 0.4 lots from 1.08613 to 1.0891.
        assert_eq!(position.profit, money(118.8));
        let deal = world.last_deal();
        assert_eq!((deal.entry, deal.position, deal.order), (DealEntry::In, Some(first), Some(second)));
        assert_eq!((deal.volume, deal.profit), (lots(0.1), Money::ZERO));
        let order = world.history().orders.pop().unwrap();
        assert_eq!((order.position, order.state), (Some(first), OrderState::Filled));
    }
}

#[test]
fn averages_keep_eight_digits() {
    let mut world = world();
    world.done(market(Sell, "EURUSD", 0.2));
    world.quote("EURUSD", 1.08501, 1.08508);
    world.done(market(Sell, "EURUSD", 0.1));
    // (0.2 x 1.08500 + 0.1 x 1.08501) / 0.3
    assert_eq!(the_position(&mut world).price_open.to_string(), "1.08500333");
}

#[test]
fn an_opposite_deal_reduces_at_the_average_price() {
    let mut world = world();
    let id = world.done(TradeRequest { sl: 1.07, ..market(Buy, "EURUSD", 0.3) });
    world.quote("EURUSD", 1.0891, 1.08928);
    world.done(TradeRequest { sl: 1.07, ..market(Buy, "EURUSD", 0.1) });
    world.quote("EURUSD", 1.09013, 1.0902);
    let verdict = world.trade(TradeRequest { tp: 1.08, ..market(Sell, "EURUSD", 0.15) });
    assert_eq!((verdict.retcode, verdict.price), (Retcode::DONE, price(1.09013)));
    let deal = world.last_deal();
    // 0.15 lots from 1.08613 to 1.09013.
    assert_eq!((deal.entry, deal.profit, deal.volume), (DealEntry::Out, money(60.0), lots(0.15)));
    assert_eq!((deal.position, deal.price_position), (Some(id), price(1.08613)));
    let position = the_position(&mut world);
    assert_eq!((position.volume, position.price_open), (lots(0.25), price(1.08613)));
    // What reduces a position leaves its stops.
    assert_eq!((position.sl, position.tp), (Some(price(1.07)), None));
    assert_eq!((position.opened, Some(position.order)), (START, verdict.order));
    assert_eq!(world.balance(USD), 10_060.0);
}

#[test]
fn an_equal_opposite_deal_closes() {
    let mut world = world();
    let id = world.done(market(Sell, "EURUSD", 0.4));
    world.quote("EURUSD", 1.0839, 1.084);
    world.done(market(Buy, "EURUSD", 0.4));
    let deal = world.last_deal();
    assert_eq!((deal.entry, deal.position, deal.profit), (DealEntry::Out, Some(id), money(40.0)));
    assert!(world.positions().is_empty());
    let Some(Event::Deal { report, .. }) = world.events.last() else { panic!("no deal") };
    assert_eq!(report.position.as_ref().map(|p| (p.id, p.volume)), Some((id, Volume::ZERO)));
    // The next one has a number of its own.
    let next = world.done(market(Buy, "EURUSD", 0.1));
    assert_eq!(the_position(&mut world).id, next);
}

#[test]
fn a_larger_opposite_deal_reverses() {
    let mut world = world();
    let id = world.done(TradeRequest { sl: 1.07, tp: 1.1, ..market(Buy, "EURUSD", 0.4) });
    world.wait(Duration::from_hours(24));
    assert_eq!(the_position(&mut world).swap, money(-2.88));
    world.quote("EURUSD", 1.08608, 1.08618);
    assert_eq!(figures(&mut world), (money(434.03), money(10_000.0 + 40.0 - 2.88 - 434.03)));
    let verdict =
        world.trade(TradeRequest { tp: 1.08, comment: "turn".into(), ..market(Sell, "EURUSD", 0.6) });
    assert_eq!((verdict.retcode, verdict.volume), (Retcode::DONE, lots(0.6)));
    let deal = world.last_deal();
    assert_eq!((deal.entry, deal.volume, deal.price), (DealEntry::InOut, lots(0.6), price(1.08608)));
    // 0.4 lots from 1.08508 to 1.08608, and the swap of a night.
    assert_eq!((deal.profit, deal.swap), (money(40.0), money(-2.88)));
    assert_eq!((deal.position, deal.price_position), (Some(id), price(1.08508)));
    assert_eq!(world.history().deals.len(), 3);
    let position = the_position(&mut world);
    assert_eq!((position.id, Some(position.order)), (id, verdict.order));
    assert_eq!((position.side, position.volume), (Side::Sell, lots(0.2)));
    assert_eq!((position.price_open, position.opened), (price(1.08608), world.now));
    assert_eq!((position.sl, position.tp), (None, Some(price(1.08))));
    assert_eq!((position.swap, position.profit), (Money::ZERO, money(-2.0)));
    assert_eq!(position.comment, "turn");
    assert_eq!(world.balance(USD), 10_037.12);
    // 0.2 lots at 1.08608 with leverage.
    assert_eq!(figures(&mut world), (money(217.22), money(10_037.12 - 2.0 - 217.22)));
}

/// Margin and free margin of the dollar account.
fn figures(world: &mut World) -> (Money, Money) {
    let figures = world.engine.equity(USD).unwrap();
    (figures.margin, figures.free_margin)
}

#[test]
fn the_newest_stops_are_those_of_the_position() {
    let mut world = world();
    let stops = |world: &mut World| {
        let position = the_position(world);
        (position.sl, position.tp)
    };
    world.done(TradeRequest { sl: 1.07, tp: 1.1, ..market(Buy, "EURUSD", 0.1) });
    assert_eq!(stops(&mut world), (Some(price(1.07)), Some(price(1.1))));
    world.done(TradeRequest { sl: 1.075, ..market(Buy, "EURUSD", 0.1) });
    assert_eq!(stops(&mut world), (Some(price(1.075)), None));
    // An order without stops removes them, and a reversal keeps none of the old ones.
    world.done(market(Buy, "EURUSD", 0.1));
    assert_eq!(stops(&mut world), (None, None));
    world.done(TradeRequest { tp: 1.1, ..market(Buy, "EURUSD", 0.1) });
    world.done(market(Sell, "EURUSD", 0.6));
    assert_eq!(stops(&mut world), (None, None));
}

#[test]
fn stops_close_the_whole_position() {
    let mut world = world();
    world.done(market(Buy, "EURUSD", 0.1));
    world.done(TradeRequest { sl: 1.08, ..market(Buy, "EURUSD", 0.2) });
    world.quote("EURUSD", 1.08, 1.0801);
    assert!(world.positions().is_empty());
    let deal = world.last_deal();
    assert_eq!((deal.volume, deal.entry, deal.reason), (lots(0.3), DealEntry::Out, Reason::StopLoss));
}

#[test]
fn pending_orders_join_reduce_and_reverse() {
    for (kind, at, volume, quote, expected) in [
        (BuyLimit, 1.08, 0.1, (1.0799, 1.08), (DealEntry::In, Side::Buy, 0.4, 1.08381)),
        (SellLimit, 1.09, 0.1, (1.09, 1.0901), (DealEntry::Out, Side::Buy, 0.2, 1.08508)),
        (SellLimit, 1.09, 0.5, (1.09, 1.0901), (DealEntry::InOut, Side::Sell, 0.2, 1.09)),
    ] {
        let mut world = world();
        let id = world.done(market(Buy, "EURUSD", 0.3));
        let request = TradeRequest { sl: 0.0, volume: lots(volume), ..pending(kind, "EURUSD", at) };
        let order = world.done(request);
        world.quote("EURUSD", quote.0, quote.1);
        let position = the_position(&mut world);
        let (entry, side, left, open) = expected;
        assert_eq!((position.id, position.order, position.side), (id, order, side), "{kind:?}");
        assert_eq!((position.volume, position.price_open), (lots(left), price(open)), "{kind:?}");
        assert_eq!((world.last_deal().entry, world.last_deal().volume), (entry, lots(volume)));
        let order = world.history().orders.pop().unwrap();
        assert_eq!((order.position, order.state), (Some(id), OrderState::Filled));
    }
}

#[test]
fn an_order_filled_in_parts_finds_the_position_that_is_there() {
    let mut world = world();
    world.book("AAPL", &[(230.0, 15.0)], &[(230.02, 10.0)]);
    let buy = |volume| TradeRequest { filling: Filling::Return, ..market(Buy, "AAPL", volume) };
    let sell = |volume| TradeRequest { filling: Filling::Return, ..market(Sell, "AAPL", volume) };
    let first = world.done(TradeRequest { sl: 200.0, ..buy(30.0) });
    let change = TradeRequest {
        action: TradeAction::StopsChange,
        position: Some(first),
        sl: 210.0,
        ..market(Buy, "AAPL", 0.0)
    };
    world.done(change);
    world.book("AAPL", &[(230.0, 15.0)], &[(230.04, 10.0)]);
    // A further fill of the same order does not bring its stops back.
    let position = the_position(&mut world);
    assert_eq!((position.volume, position.sl), (lots(20.0), Some(price(210.0))));
    world.book("AAPL", &[(230.0, 50.0)], &[]);
    let turned = world.done(sell(25.0));
    let position = the_position(&mut world);
    assert_eq!((position.id, position.side, position.volume), (first, Side::Sell, lots(5.0)));
    assert_eq!((position.order, position.sl), (turned, None));
    // The last ten shares of the first order close the five and open as many.
    world.book("AAPL", &[(230.0, 15.0)], &[(230.04, 10.0)]);
    assert!(world.orders().is_empty());
    let position = the_position(&mut world);
    assert_eq!((position.id, position.side, position.volume), (first, Side::Buy, lots(5.0)));
    assert_eq!((position.order, position.sl), (first, Some(price(200.0))));
}

#[test]
fn a_waiting_close_takes_no_more_than_other_orders_leave() {
    let mut world = world();
    let sell = |volume| TradeRequest { filling: Filling::Return, ..market(Sell, "AAPL", volume) };
    world.book("AAPL", &[(230.0, 15.0)], &[(230.02, 30.0)]);
    let id = world.done(TradeRequest { filling: Filling::Return, ..market(Buy, "AAPL", 30.0) });
    let part = world.trade(TradeRequest { position: Some(id), ..sell(30.0) });
    assert_eq!(part.volume, lots(15.0));
    world.book("AAPL", &[], &[(230.02, 30.0)]);
    world.done(sell(20.0));
    // The close comes first; the other order opens what is left to it.
    world.book("AAPL", &[(230.0, 100.0)], &[(230.02, 30.0)]);
    assert!(world.orders().is_empty());
    let position = the_position(&mut world);
    assert_eq!((position.side, position.volume), (Side::Sell, lots(20.0)));
    assert_ne!(position.id, id);
}

#[test]
fn a_waiting_close_ends_when_its_position_is_gone_or_has_turned() {
    for (volume, left) in [(15.0, None), (20.0, Some((Side::Sell, lots(5.0))))] {
        let mut world = world();
        world.book("AAPL", &[(230.0, 15.0)], &[(230.02, 30.0)]);
        let buy = TradeRequest { filling: Filling::Return, ..market(Buy, "AAPL", 30.0) };
        let id = world.done(buy);
        world.done(TradeRequest { volume: lots(volume), ..pending(SellLimit, "AAPL", 231.0) });
        let sell = TradeRequest { filling: Filling::Return, ..market(Sell, "AAPL", 30.0) };
        let waiting = world.done(TradeRequest { position: Some(id), ..sell });
        // The older order comes first.
        world.book("AAPL", &[(231.0, 100.0)], &[(231.02, 30.0)]);
        assert!(world.orders().is_empty());
        assert_eq!(world.positions().first().map(|position| (position.side, position.volume)), left);
        let ended = world.history().orders.into_iter().find(|order| order.ticket == waiting).unwrap();
        assert_eq!((ended.state, ended.volume_current), (OrderState::Canceled, lots(15.0)));
    }
}

#[test]
fn closing_names_the_position_and_takes_no_more_than_it_has() {
    let mut world = world();
    world.done(market(Buy, "EURUSD", 0.3));
    world.done(market(Buy, "EURUSD", 0.1));
    let position = the_position(&mut world);
    assert_eq!(world.trade(close(&position, "EURUSD", 0.5)).retcode, Retcode::INVALID_VOLUME);
    assert_eq!(world.trade(close(&position, "EURUSD", 0.1)).retcode, Retcode::DONE);
    assert_eq!(the_position(&mut world).volume, lots(0.3));
    assert_eq!(world.trade(close(&position, "EURUSD", 0.0)).retcode, Retcode::DONE);
    assert_eq!(world.trade(close(&position, "EURUSD", 0.1)).retcode, Retcode::POSITION_CLOSED);
}

#[test]
fn there_is_nothing_to_close_by() {
    for mode in [MarginMode::Netting, MarginMode::Exchange] {
        let mut world = World::in_mode(mode);
        let one = world.done(market(Buy, "EURUSD", 0.3));
        let other = world.done(market(Sell, "GBPUSD", 0.3));
        let by = TradeRequest {
            action: TradeAction::CloseBy,
            position: Some(one),
            position_by: Some(other),
            ..market(Sell, "EURUSD", 0.0)
        };
        assert_eq!(world.trade(by).retcode, Retcode::INVALID_REQUEST);
    }
}

#[test]
fn only_what_is_opened_needs_money() {
    let mut world = world();
    // 9 lots take 9765.72 of 10,000 dollars.
    world.done(market(Buy, "EURUSD", 9.0));
    assert_eq!(figures(&mut world).0, money(9765.72));
    assert_eq!(world.trade(market(Buy, "EURUSD", 0.2)).retcode, Retcode::NO_MONEY);
    // 10 lots the other way would take 10,850 and release 9765.72; 72 dollars are lost already.
    assert_eq!(world.trade(market(Sell, "EURUSD", 19.0)).retcode, Retcode::NO_MONEY);
    assert_eq!(world.trade(market(Sell, "EURUSD", 18.1)).retcode, Retcode::DONE);
    let position = the_position(&mut world);
    assert_eq!((position.side, position.volume), (Side::Sell, lots(9.1)));
    assert_eq!(figures(&mut world).0, money(9873.5));
    // A reduction is always paid for.
    world.quote("EURUSD", 1.0854, 1.08548);
    assert!(figures(&mut world).1 < Money::ZERO);
    assert_eq!(world.trade(market(Buy, "EURUSD", 0.1)).retcode, Retcode::DONE);
    assert_eq!(world.trade(market(Buy, "EURUSD", 9.0)).retcode, Retcode::DONE);
    assert_eq!(figures(&mut world).0, Money::ZERO);
}

#[test]
fn a_pending_reversal_that_cannot_be_paid_is_refused() {
    let mut world = world();
    world.done(market(Buy, "EURUSD", 9.0));
    world.done(TradeRequest { volume: lots(30.0), ..pending(SellLimit, "EURUSD", 1.0852) });
    world.quote("EURUSD", 1.0852, 1.08528);
    assert_eq!(the_position(&mut world).volume, lots(9.0));
    assert_eq!(world.history().orders.pop().unwrap().state, OrderState::Rejected);
}

#[test]
fn the_net_position_is_stopped_out() {
    let mut world = world();
    let id = world.done(market(Buy, "EURUSD", 4.0));
    world.done(market(Buy, "EURUSD", 2.0));
    world.done(market(Sell, "GBPUSD", 0.1));
    world.quote("EURUSD", 1.0745, 1.0746);
    assert!(world.events.contains(&Event::MarginCall { login: USD }));
    assert_eq!(world.positions().len(), 2);
    world.quote("EURUSD", 1.0729, 1.073);
    let deal = world.last_deal();
    assert_eq!((deal.position, deal.volume, deal.entry), (Some(id), lots(6.0), DealEntry::Out));
    // 6 lots from 1.08508 to 1.0729.
    assert_eq!((deal.reason, deal.profit), (Reason::StopOut, money(-7308.0)));
    assert_eq!(world.positions().len(), 1);
}

#[test]
fn limits_count_what_would_be_held() {
    let limits = Limits { orders_max: 2, positions_max: 1, ..Limits::default() };
    let mut world = of(limits, |symbol| symbol.volume_limit = lots(0.5));
    world.done(market(Buy, "EURUSD", 0.3));
    // No further position, but more of the one there is.
    assert_eq!(world.trade(market(Buy, "GBPUSD", 0.1)).retcode, Retcode::POSITION_LIMIT);
    assert_eq!(world.trade(market(Buy, "EURUSD", 0.1)).retcode, Retcode::DONE);
    assert_eq!(world.trade(market(Buy, "EURUSD", 0.2)).retcode, Retcode::VOLUME_LIMIT);
    // 0.4 are held: nine tenths the other way leave half a lot.
    assert_eq!(world.trade(market(Sell, "EURUSD", 1.0)).retcode, Retcode::VOLUME_LIMIT);
    assert_eq!(world.trade(market(Sell, "EURUSD", 0.9)).retcode, Retcode::DONE);
    assert_eq!(world.trade(market(Buy, "EURUSD", 0.5)).retcode, Retcode::DONE);
    // Working orders count in their direction, whatever they would close.
    let order = |kind, volume, at| TradeRequest { volume: lots(volume), ..pending(kind, "EURUSD", at) };
    world.done(market(Buy, "EURUSD", 0.5));
    assert_eq!(world.trade(order(BuyLimit, 0.1, 1.08)).retcode, Retcode::VOLUME_LIMIT);
    assert_eq!(world.trade(order(SellLimit, 0.6, 1.09)).retcode, Retcode::VOLUME_LIMIT);
    world.done(order(SellLimit, 0.5, 1.09));
    assert_eq!(world.trade(market(Sell, "EURUSD", 0.6)).retcode, Retcode::VOLUME_LIMIT);
    assert_eq!(world.trade(market(Sell, "EURUSD", 0.5)).retcode, Retcode::DONE);
    world.done(order(BuyStop, 0.1, 1.09));
    assert_eq!(world.trade(order(BuyStop, 0.1, 1.09)).retcode, Retcode::ORDER_LIMIT);
}

#[test]
fn a_position_is_reduced_where_none_may_be_opened() {
    let mut world = of(Limits::default(), |symbol| symbol.trade_mode = model::TradeMode::LongOnly);
    assert_eq!(world.trade(market(Sell, "EURUSD", 0.1)).retcode, Retcode::LONG_ONLY);
    world.done(market(Buy, "EURUSD", 0.2));
    assert_eq!(world.trade(market(Sell, "EURUSD", 0.3)).retcode, Retcode::LONG_ONLY);
    assert_eq!(world.trade(market(Sell, "EURUSD", 0.1)).retcode, Retcode::DONE);
    let mut world = of(Limits::default(), |symbol| symbol.freeze_level = 20);
    world.done(TradeRequest { tp: 1.0851, ..market(Buy, "EURUSD", 0.1) });
    assert_eq!(world.trade(market(Sell, "EURUSD", 0.1)).retcode, Retcode::FROZEN);
}

const TEN_A_LOT: CommissionTier = CommissionTier {
    unit: CommissionUnit::Deposit,
    per: CommissionPer::Lot,
    value: 10.0,
    from: 0.0,
    to: f64::MAX,
    minimal: 0.0,
    maximal: 0.0,
};

const fn per_lot(entry: CommissionEntry) -> CommissionRule {
    CommissionRule { mask: "*", entry, range: CommissionRange::Volume, tiers: &[TEN_A_LOT] }
}

static ALL: [CommissionRule; 1] = [per_lot(CommissionEntry::All)];
static ENTRIES: [CommissionRule; 1] = [per_lot(CommissionEntry::In)];
static EXITS: [CommissionRule; 1] = [per_lot(CommissionEntry::Out)];

#[test]
fn a_reversal_pays_commission_for_what_the_rule_is_about() {
    // One lot is bought, three are sold: one of them closes, two open.
    for (rules, opening, reversing, kept) in
        [(&ALL, -10.0, -30.0, -20.0), (&ENTRIES, -10.0, -20.0, -13.33), (&EXITS, 0.0, -10.0, -6.67)]
    {
        let mut world = World::agreed(Catalogue::built_in(MarketHours::Always), Limits::default(), |terms| {
            terms.margin_mode = MarginMode::Netting;
            terms.commissions = rules;
        });
        world.done(market(Buy, "EURUSD", 1.0));
        assert_eq!(world.last_deal().commission, money(opening));
        world.done(market(Sell, "EURUSD", 3.0));
        assert_eq!(world.last_deal().commission, money(reversing));
        assert_eq!(the_position(&mut world).commission, money(kept));
    }
}
