//! Every return code has its cases.

use std::time::Duration;

use model::{Execution, Expiration, Filling, OrderType, Retcode, ServerTime, TradeAction, TradeMode};

use super::world::*;
use crate::catalogue::{Catalogue, MarketHours};
use crate::engine::*;
use OrderType::{Buy, BuyLimit, BuyStop, BuyStopLimit, Sell, SellLimit, SellStop, SellStopLimit};

/// EURUSD stands at 1.08500/1.08508 with 10,000 dollars on the account.
#[test]
fn market_orders_are_judged() {
    let buy = || market(Buy, "EURUSD", 0.1);
    let cases: Vec<(&str, TradeRequest, Retcode)> = vec![
        ("good", buy(), Retcode::DONE),
        ("good, all or nothing", TradeRequest { filling: Filling::FillOrKill, ..buy() }, Retcode::DONE),
        ("no such symbol", market(Buy, "NOSUCH", 0.1), Retcode::INVALID_REQUEST),
        ("filling", TradeRequest { filling: Filling::Return, ..buy() }, Retcode::INVALID_FILLING),
        ("filling", TradeRequest { filling: Filling::BookOrCancel, ..buy() }, Retcode::INVALID_FILLING),
        ("no volume", market(Buy, "EURUSD", 0.0), Retcode::INVALID_VOLUME),
        ("below the least", market(Buy, "EURUSD", 0.001), Retcode::INVALID_VOLUME),
        ("above the most", market(Buy, "EURUSD", 101.0), Retcode::INVALID_VOLUME),
        ("off the step", market(Buy, "EURUSD", 0.015), Retcode::INVALID_VOLUME),
        ("a pending type", market(BuyLimit, "EURUSD", 0.1), Retcode::INVALID_ORDER),
        ("good stops", TradeRequest { sl: 1.085, tp: 1.085, ..buy() }, Retcode::DONE),
        ("sl above the bid", TradeRequest { sl: 1.08501, ..buy() }, Retcode::INVALID_STOPS),
        ("tp below the bid", TradeRequest { tp: 1.08499, ..buy() }, Retcode::INVALID_STOPS),
        ("sl of a sell", TradeRequest { sl: 1.08507, ..market(Sell, "EURUSD", 0.1) }, Retcode::INVALID_STOPS),
        ("off the grid", TradeRequest { sl: 1.084_995, ..buy() }, Retcode::INVALID_STOPS),
        ("not a number", TradeRequest { sl: f64::NAN, ..buy() }, Retcode::INVALID_STOPS),
        ("negative", TradeRequest { tp: -1.0, ..buy() }, Retcode::INVALID_STOPS),
        ("huge", TradeRequest { tp: 1e9, ..buy() }, Retcode::INVALID_STOPS),
        ("no money", market(Buy, "EURUSD", 10.0), Retcode::NO_MONEY),
        ("any deal action", TradeRequest { action: TradeAction::DealExchange, ..buy() }, Retcode::DONE),
    ];
    for (name, request, expected) in cases {
        let verdict = World::new().trade(request);
        assert_eq!(verdict.retcode, expected, "{name}");
        let is_known = verdict.bid > model::Price::ZERO;
        assert_eq!(is_known, name != "no such symbol", "{name}");
    }
}

#[test]
fn pending_orders_are_judged() {
    let order = |kind, price| pending(kind, "EURUSD", price);
    let stop_limit = |kind, price, limit_price| TradeRequest { limit_price, ..order(kind, price) };
    let good = Retcode::PLACED;
    let cases = vec![
        (order(BuyLimit, 1.08508), good),
        (order(BuyLimit, 1.08509), Retcode::INVALID_PRICE),
        (order(SellLimit, 1.085), good),
        (order(SellLimit, 1.08499), Retcode::INVALID_PRICE),
        (order(BuyStop, 1.08508), good),
        (order(BuyStop, 1.08507), Retcode::INVALID_PRICE),
        (order(SellStop, 1.085), good),
        (order(SellStop, 1.08501), Retcode::INVALID_PRICE),
        (order(BuyLimit, 0.0), Retcode::INVALID_PRICE),
        (order(BuyLimit, f64::INFINITY), Retcode::INVALID_PRICE),
        (order(BuyLimit, 1.080_005), Retcode::INVALID_PRICE),
        (stop_limit(BuyStopLimit, 1.09, 1.089), good),
        (stop_limit(BuyStopLimit, 1.08, 1.079), Retcode::INVALID_PRICE),
        (stop_limit(BuyStopLimit, 1.09, 1.091), Retcode::INVALID_PRICE),
        (stop_limit(BuyStopLimit, 1.09, 0.0), Retcode::INVALID_PRICE),
        (stop_limit(SellStopLimit, 1.08, 1.081), good),
        (stop_limit(SellStopLimit, 1.08, 1.079), Retcode::INVALID_PRICE),
        (TradeRequest { sl: 1.0801, ..order(BuyLimit, 1.08) }, Retcode::INVALID_STOPS),
        (TradeRequest { tp: 1.0799, ..order(BuyLimit, 1.08) }, Retcode::INVALID_STOPS),
        (TradeRequest { sl: 1.0795, tp: 1.0805, ..order(BuyLimit, 1.08) }, good),
        (TradeRequest { sl: 1.0895, ..stop_limit(BuyStopLimit, 1.09, 1.089) }, Retcode::INVALID_STOPS),
        (TradeRequest { filling: Filling::FillOrKill, ..order(BuyLimit, 1.08) }, Retcode::INVALID_FILLING),
        (TradeRequest { volume: lots(0.015), ..order(BuyLimit, 1.08) }, Retcode::INVALID_VOLUME),
        (order(Buy, 1.08), Retcode::INVALID_ORDER),
        (order(OrderType::CloseBy, 1.08), Retcode::INVALID_ORDER),
        (pending(BuyLimit, "NOSUCH", 1.08), Retcode::INVALID_REQUEST),
        // The money is checked when it is filled.
        (TradeRequest { volume: lots(100.0), ..order(BuyLimit, 1.08) }, good),
    ];
    for (request, expected) in cases {
        let shown = format!("{request:?}");
        assert_eq!(World::new().trade(request).retcode, expected, "{shown}");
    }
}

#[test]
fn expirations_are_judged() {
    let now_s = START.seconds();
    let order =
        |expiration, expires_s| TradeRequest { expiration, expires_s, ..pending(BuyLimit, "EURUSD", 1.08) };
    let (good, bad) = (Retcode::PLACED, Retcode::INVALID_EXPIRATION);
    for (expiration, expires_s, expected) in [
        (Expiration::Day, 0, good),
        (Expiration::Specified, 0, bad),
        (Expiration::Specified, now_s, bad),
        (Expiration::Specified, now_s + 1, good),
        (Expiration::SpecifiedDay, 0, bad),
        (Expiration::SpecifiedDay, now_s - 86_400, bad),
        (Expiration::SpecifiedDay, now_s - 3600, good),
    ] {
        let verdict = World::new().trade(order(expiration, expires_s));
        assert_eq!(verdict.retcode, expected, "{expiration:?} {expires_s}");
    }
    let only_gtc = edited("EURUSD", |symbol| symbol.time_flags = 1);
    let mut world = World::of(only_gtc, Limits::default());
    assert_eq!(world.trade(order(Expiration::Day, 0)).retcode, bad);
}

#[test]
fn terms_of_symbols_forbid() {
    let mode = |mode| move |symbol: &mut crate::catalogue::Symbol| symbol.trade_mode = mode;
    let first =
        |catalogue, request: TradeRequest| World::of(catalogue, Limits::default()).trade(request).retcode;
    let (buy, sell) = (|| market(Buy, "EURUSD", 0.1), || market(Sell, "EURUSD", 0.1));
    for (trade_mode, bought, sold) in [
        (TradeMode::Disabled, Retcode::TRADE_DISABLED, Retcode::TRADE_DISABLED),
        (TradeMode::LongOnly, Retcode::DONE, Retcode::LONG_ONLY),
        (TradeMode::ShortOnly, Retcode::SHORT_ONLY, Retcode::DONE),
        (TradeMode::CloseOnly, Retcode::CLOSE_ONLY, Retcode::CLOSE_ONLY),
    ] {
        assert_eq!(first(edited("EURUSD", mode(trade_mode)), buy()), bought, "{trade_mode:?}");
        assert_eq!(first(edited("EURUSD", mode(trade_mode)), sell()), sold, "{trade_mode:?}");
    }
    let flags = |flags| edited("EURUSD", move |symbol| symbol.order_flags = flags);
    assert_eq!(first(flags(126), buy()), Retcode::INVALID_ORDER);
    assert_eq!(first(flags(125), pending(BuyLimit, "EURUSD", 1.08)), Retcode::INVALID_ORDER);
    assert_eq!(first(flags(127 - 16), TradeRequest { sl: 1.08, ..buy() }), Retcode::INVALID_STOPS);
    assert_eq!(first(flags(127 - 32), TradeRequest { tp: 1.09, ..buy() }), Retcode::INVALID_STOPS);
    let level = edited("EURUSD", |symbol| symbol.stops_level = 10);
    assert_eq!(first(level.clone(), pending(BuyLimit, "EURUSD", 1.08499)), Retcode::INVALID_PRICE);
    assert_eq!(first(level.clone(), pending(BuyLimit, "EURUSD", 1.08498)), Retcode::PLACED);
    assert_eq!(first(level, TradeRequest { sl: 1.08491, ..buy() }), Retcode::INVALID_STOPS);
}

#[test]
fn closed_markets_and_missing_prices_forbid() {
    let mut world = World::of(Catalogue::built_in(MarketHours::Real), Limits::default());
    let order = world.done(pending(BuyLimit, "EURUSD", 1.08));
    let position = world.done(market(Buy, "EURUSD", 0.1));
    world.now = START + Duration::from_hours(24 * 5);
    let requests = [
        market(Buy, "EURUSD", 0.1),
        pending(BuyLimit, "EURUSD", 1.08),
        TradeRequest { position: Some(position), ..market(Sell, "EURUSD", 0.1) },
        TradeRequest { action: TradeAction::StopsChange, position: Some(position), ..market(Buy, "", 0.0) },
        TradeRequest { action: TradeAction::Remove, order: Some(order), ..market(Buy, "", 0.0) },
        TradeRequest { action: TradeAction::Prices, ..market(Buy, "EURUSD", 0.1) },
    ];
    for request in requests {
        let action = request.action;
        assert_eq!(world.trade(request).retcode, Retcode::MARKET_CLOSED, "{action:?}");
    }
    let mut world = World::unquoted(Catalogue::built_in(MarketHours::Always), Limits::default());
    assert_eq!(world.trade(market(Buy, "EURUSD", 0.1)).retcode, Retcode::NO_QUOTES);
    world.quote("EURJPY", 160.0, 160.01);
    // Nothing tells what yen are worth in dollars.
    assert_eq!(world.trade(market(Buy, "EURJPY", 0.1)).retcode, Retcode::NO_QUOTES);
}

#[test]
fn limits_forbid() {
    let limits = Limits { orders_max: 1, positions_max: 1, ..Limits::default() };
    let mut world = World::of(edited("EURUSD", |symbol| symbol.volume_limit = lots(0.3)), limits);
    world.done(TradeRequest { volume: lots(0.2), ..pending(BuyLimit, "EURUSD", 1.08) });
    let more = |volume| TradeRequest { volume: lots(volume), ..pending(BuyStop, "EURUSD", 1.09) };
    assert_eq!(world.trade(more(0.1)).retcode, Retcode::ORDER_LIMIT);
    assert_eq!(world.trade(market(Buy, "EURUSD", 0.2)).retcode, Retcode::VOLUME_LIMIT);
    assert_eq!(world.trade(market(Sell, "EURUSD", 0.2)).retcode, Retcode::DONE);
    assert_eq!(world.trade(market(Buy, "EURUSD", 0.1)).retcode, Retcode::POSITION_LIMIT);
}

#[test]
fn closing_is_judged() {
    let mut world = World::new();
    world.done(market(Buy, "EURUSD", 0.5));
    let position = world.positions().remove(0);
    let request = |volume| close(&position, "EURUSD", volume);
    for (request, expected) in [
        (request(0.51), Retcode::INVALID_VOLUME),
        (request(0.015), Retcode::INVALID_VOLUME),
        (TradeRequest { kind: Buy, ..request(0.5) }, Retcode::INVALID_REQUEST),
        (TradeRequest { kind: SellLimit, ..request(0.5) }, Retcode::INVALID_REQUEST),
        (TradeRequest { filling: Filling::Return, ..request(0.5) }, Retcode::INVALID_FILLING),
        (TradeRequest { position: Some(Ticket(1)), ..request(0.5) }, Retcode::INVALID_REQUEST),
        (TradeRequest { symbol: "anything".into(), ..request(0.2) }, Retcode::DONE),
        // No volume is all of it.
        (request(0.0), Retcode::DONE),
        (request(0.1), Retcode::POSITION_CLOSED),
    ] {
        let shown = format!("{request:?}");
        assert_eq!(world.trade(request).retcode, expected, "{shown}");
    }
    // A volume below the least is good for closing.
    let least = edited("EURUSD", |symbol| symbol.volume_min = lots(0.1));
    let mut world = World::of(least, Limits::default());
    world.done(market(Buy, "EURUSD", 0.5));
    let position = world.positions().remove(0);
    assert_eq!(world.trade(close(&position, "EURUSD", 0.05)).retcode, Retcode::DONE);
}

#[test]
fn changes_are_judged() {
    let mut world = World::new();
    let position = world.done(market(Buy, "EURUSD", 0.1));
    let stops = |sl, tp| TradeRequest {
        action: TradeAction::StopsChange,
        position: Some(position),
        sl,
        tp,
        ..market(Buy, "", 0.0)
    };
    for (request, expected) in [
        (stops(0.0, 0.0), Retcode::NO_CHANGES),
        (stops(1.09, 0.0), Retcode::INVALID_STOPS),
        (stops(1.08, 1.09), Retcode::DONE),
        (stops(1.08, 1.09), Retcode::NO_CHANGES),
        (TradeRequest { position: Some(Ticket(9)), ..stops(1.08, 0.0) }, Retcode::INVALID_REQUEST),
        (TradeRequest { position: None, ..stops(1.08, 0.0) }, Retcode::INVALID_REQUEST),
    ] {
        assert_eq!(world.trade(request).retcode, expected);
    }
    let order = world.done(TradeRequest { limit_price: 1.089, ..pending(BuyStopLimit, "EURUSD", 1.09) });
    let change = |price, limit_price| TradeRequest {
        action: TradeAction::Modify,
        order: Some(order),
        limit_price,
        ..pending(BuyStopLimit, "", price)
    };
    for (request, expected) in [
        (change(1.09, 0.0), Retcode::NO_CHANGES),
        (change(1.09, 1.091), Retcode::INVALID_PRICE),
        (change(0.0, 0.0), Retcode::INVALID_PRICE),
        (change(1.091, 0.0), Retcode::DONE),
        (change(1.091, 1.0885), Retcode::DONE),
        (TradeRequest { expiration: Expiration::Day, ..change(1.091, 0.0) }, Retcode::DONE),
        (TradeRequest { sl: 1.09, ..change(1.091, 0.0) }, Retcode::INVALID_STOPS),
        (TradeRequest { order: Some(Ticket(9)), ..change(1.092, 0.0) }, Retcode::INVALID_REQUEST),
        (TradeRequest { action: TradeAction::Remove, ..change(0.0, 0.0) }, Retcode::DONE),
        (TradeRequest { action: TradeAction::Remove, ..change(0.0, 0.0) }, Retcode::INVALID_REQUEST),
    ] {
        let shown = format!("{request:?}");
        assert_eq!(world.trade(request).retcode, expected, "{shown}");
    }
}

#[test]
fn what_is_too_close_to_the_market_is_frozen() {
    let frozen = edited("EURUSD", |symbol| symbol.freeze_level = 20);
    let mut world = World::of(frozen, Limits::default());
    let order = world.done(pending(BuyLimit, "EURUSD", 1.0849));
    let position = world.done(TradeRequest { tp: 1.0851, ..market(Buy, "EURUSD", 0.1) });
    let remove = || TradeRequest { action: TradeAction::Remove, order: Some(order), ..market(Buy, "", 0.0) };
    let change = || TradeRequest {
        action: TradeAction::StopsChange,
        position: Some(position),
        sl: 1.07,
        ..market(Buy, "", 0.0)
    };
    let out = || TradeRequest { position: Some(position), ..market(Sell, "EURUSD", 0.1) };
    let modify = || TradeRequest {
        action: TradeAction::Modify,
        order: Some(order),
        ..pending(BuyLimit, "EURUSD", 1.08)
    };
    for request in [remove(), change(), out(), modify()] {
        assert_eq!(world.trade(request).retcode, Retcode::FROZEN);
    }
    world.quote("EURUSD", 1.0852, 1.0853);
    world.quote("EURUSD", 1.0840, 1.0853);
    for request in [modify(), remove()] {
        assert_eq!(world.trade(request).retcode, Retcode::DONE);
    }
}

#[test]
fn instant_execution_requotes_and_keeps_its_word() {
    let mut world = World::new();
    let order = |price, deviation| TradeRequest {
        filling: Filling::FillOrKill,
        price,
        deviation,
        ..market(Buy, "GBPJPY", 0.1)
    };
    world.quote("GBPJPY", 190.4, 190.422);
    assert_eq!(world.trade(order(190.4225, 0)).retcode, Retcode::INVALID_PRICE);
    let requote = world.trade(order(190.41, 5));
    assert_eq!((requote.retcode, requote.ask.to_f64()), (Retcode::REQUOTE, 190.422));
    world.quote("GBPJPY", 190.5, 190.522);
    // The requoted price holds although the market has moved on.
    assert_eq!(world.trade(order(190.422, 0)).price.to_f64(), 190.422);
    assert_eq!(world.trade(order(190.422, 0)).retcode, Retcode::REQUOTE);
    world.now = world.now + OFFER_SPAN + Duration::from_millis(1);
    assert_eq!(world.trade(order(190.422, 0)).retcode, Retcode::REQUOTE);
    let within = world.trade(order(190.5, 22));
    assert_eq!((within.retcode, within.price.to_f64()), (Retcode::DONE, 190.522));
    assert_eq!(world.trade(order(190.6, 0)).price.to_f64(), 190.522);
    assert_eq!(world.trade(order(0.0, 0)).price.to_f64(), 190.522);
    let filling = TradeRequest { filling: Filling::ImmediateOrCancel, ..order(0.0, 0) };
    assert_eq!(world.trade(filling).retcode, Retcode::INVALID_FILLING);
}

#[test]
fn request_execution_gives_prices_first() {
    let mut world = World::new();
    world.pay(USD, 100_000.0);
    let silver = |action, price| TradeRequest {
        action,
        price,
        filling: Filling::FillOrKill,
        ..market(Buy, "XAGUSD", 0.1)
    };
    let prices = world.trade(silver(TradeAction::Prices, 0.0));
    assert_eq!((prices.retcode, prices.ask.to_f64()), (Retcode::PRICES, 31.22));
    assert!(world.events.is_empty());
    world.quote("XAGUSD", 31.3, 31.32);
    let deal = world.trade(silver(TradeAction::DealRequest, 31.22));
    assert_eq!((deal.retcode, deal.price.to_f64()), (Retcode::DONE, 31.22));
    assert_eq!(world.trade(silver(TradeAction::DealRequest, 31.22)).retcode, Retcode::REQUOTE);
}

#[test]
fn close_by_is_judged() {
    let mut world = World::new();
    let first = world.done(market(Buy, "EURUSD", 0.1));
    let same = world.done(market(Buy, "EURUSD", 0.1));
    let other = world.done(market(Sell, "GBPUSD", 0.1));
    let by = |position, position_by| TradeRequest {
        action: TradeAction::CloseBy,
        position: Some(position),
        position_by: Some(position_by),
        ..market(Sell, "EURUSD", 0.0)
    };
    for (one, two) in [(first, same), (first, other), (first, first), (first, Ticket(1)), (Ticket(1), first)]
    {
        assert_eq!(world.trade(by(one, two)).retcode, Retcode::INVALID_REQUEST);
    }
    let opposite = world.done(market(Sell, "EURUSD", 0.2));
    assert_eq!(world.trade(by(first, opposite)).retcode, Retcode::DONE);
    assert_eq!(world.trade(by(first, opposite)).retcode, Retcode::POSITION_CLOSED);
    let flags = edited("EURUSD", |symbol| symbol.order_flags = 63);
    let mut world = World::of(flags, Limits::default());
    let first = world.done(market(Buy, "EURUSD", 0.1));
    let second = world.done(market(Sell, "EURUSD", 0.1));
    assert_eq!(world.trade(by(first, second)).retcode, Retcode::INVALID_ORDER);
}

#[test]
fn accounts_that_may_not_trade_do_not() {
    let mut world = World::new();
    let request = || Box::new(market(Buy, "EURUSD", 0.1));
    let trade = |login, is_investor| Command::Trade { login, tag: 0, is_investor, request: request() };
    for (login, is_investor) in [(USD, true), (Login(99), false)] {
        assert_eq!(world.apply(trade(login, is_investor)).unwrap().retcode, Retcode::TRADE_DISABLED);
    }
    world.apply(Command::Enable { login: USD, enabled: false });
    assert_eq!(world.apply(trade(USD, false)).unwrap().retcode, Retcode::TRADE_DISABLED);
    world.apply(Command::Enable { login: USD, enabled: true });
    assert_eq!(world.apply(trade(USD, false)).unwrap().retcode, Retcode::DONE);
}

#[test]
fn fillings_follow_the_execution() {
    // Symbol flags: 1 FOK, 2 IOC, 4 BOC; the answer is one letter for each filling that is taken.
    let allowed = |execution, flags, kind| {
        let catalogue = edited("EURUSD", move |s| (s.execution, s.fill_flags) = (execution, flags));
        let symbol = catalogue.by_name("EURUSD").unwrap().clone();
        let letters = Filling::ALL.iter().zip("FIRB".chars());
        letters
            .filter(|(filling, _)| super::super::check::filling(&symbol, kind, **filling).is_ok())
            .map(|(_, letter)| letter)
            .collect::<String>()
    };
    for (execution, flags, now, limit, stop) in [
        (Execution::Request, 7, "F", "R", "R"),
        (Execution::Instant, 7, "F", "R", "R"),
        (Execution::Market, 3, "FI", "R", "R"),
        (Execution::Market, 2, "I", "R", "R"),
        (Execution::Market, 0, "R", "R", "R"),
        (Execution::Exchange, 0, "R", "R", "R"),
        (Execution::Exchange, 7, "FIR", "FIRB", "R"),
        (Execution::Exchange, 4, "R", "RB", "R"),
    ] {
        let found = [Buy, BuyLimit, BuyStop].map(|kind| allowed(execution, flags, kind));
        assert_eq!(found, [now, limit, stop], "{execution:?} {flags}");
    }
}

#[test]
fn times_do_not_go_back() {
    let mut world = World::new();
    world.now = ServerTime::from_ms(START.ms() - 60_000);
    world.done(market(Buy, "EURUSD", 0.1));
    assert_eq!(world.positions()[0].opened, START);
}

#[test]
fn a_clock_may_jump_to_the_end_of_time() {
    let mut world = World::new();
    world.done(market(Buy, "EURUSD", 0.1));
    world.now = ServerTime::from_ms(i64::MAX);
    world.apply(Command::Clock);
    assert_eq!(world.engine.now(), world.now);
}
