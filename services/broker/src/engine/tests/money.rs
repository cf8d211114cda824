//! Margin, stop-outs, commissions, swaps: against figures worked out by hand.

use std::time::Duration;

use model::{DealEntry, DealType, Filling, Money, OrderType, Reason, Retcode, SwapMode};

use super::world::*;
use crate::catalogue::{Catalogue, GROUPS, MarketHours, Swap};
use crate::engine::*;
use OrderType::{Buy, Sell};

#[test]
fn margin_is_taken_in_account_currency() {
    let margin = |login, name: &str, volume| {
        let mut world = World::new();
        world.pay(login, 1_000_000.0);
        let filling = if name == "AAPL" { model::Filling::Return } else { model::Filling::ImmediateOrCancel };
        let request = TradeRequest { filling, ..market(Buy, name, volume) };
        let verdict = world.trade_as(login, request);
        assert_eq!(verdict.retcode, Retcode::DONE, "{name}");
        world.engine.equity(login).unwrap().margin.to_string()
    };
    // EURUSD 1.08500/1.08508, leverage 100.
    assert_eq!(margin(USD, "EURUSD", 1.0), "1085.08");
    assert_eq!(margin(EUR, "EURUSD", 1.0), "1000");
    assert_eq!(margin(USD, "USDJPY", 1.0), "1000");
    assert_eq!(margin(EUR, "USDJPY", 1.0), "921.66");
    // 34.214 lira at 20 per cent without leverage: the margin currency is the dollar.
    assert_eq!(margin(USD, "USDTRY", 1.0), "20000");
    // 100 ounces at 2655.18 with leverage.
    assert_eq!(margin(USD, "XAUUSD", 1.0), "2655.18");
    // 1000 barrels at 70.33, a tenth.
    assert_eq!(margin(USD, "USOIL", 1.0), "7033");
    // The index at 5920.5, a twentieth.
    assert_eq!(margin(USD, "US500", 1.0), "296.03");
    assert_eq!(margin(USD, "ES", 2.0), "26400");
    assert_eq!(margin(USD, "AAPL", 10.0), "1147.6");
}

#[test]
fn a_hedge_needs_no_money_of_its_own() {
    let mut world = World::new();
    world.done(market(Buy, "EURUSD", 9.0));
    let before = world.engine.equity(USD).unwrap();
    assert!(before.free_margin < money(300.0), "{before:?}");
    assert_eq!(world.trade(market(Buy, "EURUSD", 1.0)).retcode, Retcode::NO_MONEY);
    assert_eq!(world.trade(market(Sell, "EURUSD", 9.0)).retcode, Retcode::DONE);
    let hedged = world.engine.equity(USD).unwrap().margin;
    // Half a contract on the covered volume, at the average of both prices.
    assert_eq!(hedged, money(9.0 * 50_000.0 / 100.0 * 1.08504));
    // What is too much again must be paid for.
    assert_eq!(world.trade(market(Sell, "EURUSD", 10.0)).retcode, Retcode::NO_MONEY);
}

#[test]
fn the_worst_loss_is_closed_first_and_no_more_than_needed() {
    let mut world = World::new();
    let good = world.done(market(Sell, "GBPUSD", 0.1));
    let worst = world.done(market(Buy, "EURUSD", 4.0));
    let bad = world.done(market(Buy, "EURUSD", 2.0));
    world.quote("EURUSD", 1.0745, 1.0746);
    assert!(world.events.contains(&Event::MarginCall { login: USD }));
    assert_eq!(world.positions().len(), 3);
    world.quote("EURUSD", 1.0729, 1.073);
    let left: Vec<_> = world.positions().iter().map(|position| position.id).collect();
    assert_eq!(left, [good, bad]);
    let deal = world.last_deal();
    assert_eq!((deal.position, deal.reason), (Some(worst), Reason::StopOut));
    assert!(deal.comment.starts_with("so "), "{}", deal.comment);
    // A small loss more does not call again before the level has recovered.
    world.quote("EURUSD", 1.0728, 1.0729);
    assert_eq!(world.events, []);
}

#[test]
fn a_conversion_rate_alone_can_stop_out() {
    let mut world = World::new();
    // A loss in yen that a rising yen turns into more dollars.
    world.done(market(Sell, "EURJPY", 5.0));
    world.quote("EURJPY", 164.935, 164.95);
    assert_eq!(world.positions().len(), 1);
    world.quote("USDJPY", 120.0, 120.01);
    world.wait(Duration::from_secs(1));
    assert!(world.positions().is_empty());
}

#[test]
fn hedged_positions_end_when_nothing_is_left() {
    let mut world = World::of(edited("EURUSD", |s| s.contract.margin_hedged = 0.0), Limits::default());
    world.done(market(Buy, "EURUSD", 5.0));
    world.done(market(Sell, "EURUSD", 5.0));
    assert_eq!(world.engine.equity(USD).unwrap().margin, Money::ZERO);
    world.quote("EURUSD", 1.08, 1.0995);
    assert_eq!(world.positions().len(), 2);
    world.quote("EURUSD", 1.08, 1.11);
    assert!(world.positions().is_empty());
}

#[test]
fn commissions_are_those_of_the_group() {
    // Symbol, volume, charge of the standard and of the raw group for opening and closing.
    for (name, volume, standard, raw) in [
        ("EURUSD", 2.0, 0.0, -14.0),
        ("BTCUSD", 0.01, -0.96, -0.96),
        ("AAPL", 100.0, -4.0, -4.0),
        ("AAPL", 10.0, -2.0, -2.0),
    ] {
        for (group, expected) in GROUPS.iter().zip([standard, raw]) {
            let mut world = World::new();
            let login = Login(3);
            let terms = AccountTerms { commissions: group.commissions, ..terms(login, "USD") };
            world.apply(Command::Open(Box::new(terms)));
            world.pay(login, 100_000.0);
            let filling =
                if name == "AAPL" { model::Filling::Return } else { model::Filling::ImmediateOrCancel };
            let request = |kind| TradeRequest { filling, ..market(kind, name, volume) };
            let opened = world.trade_as(login, request(Buy));
            world.trade_as(login, TradeRequest { position: opened.order, ..request(Sell) });
            let deals = world.engine.history(login, 0, i64::MAX, 9).unwrap().deals;
            let charged: Money = deals.iter().map(|deal| deal.commission).sum();
            assert_eq!((deals.len(), charged), (3, money(expected)), "{name} {}", group.name);
        }
    }
}

#[test]
fn swaps_are_charged_at_midnight_and_three_times_on_wednesday() {
    let mut world = World::new();
    world.done(market(Buy, "EURUSD", 1.0));
    world.done(market(Sell, "USDJPY", 1.0));
    // Monday noon; the nights of Monday, Tuesday, Wednesday, ... Saturday and Sunday have none.
    let expected = [7.2, 14.4, 36.0, 43.2, 50.4, 50.4, 50.4, 57.6];
    for swap in expected {
        world.wait(Duration::from_hours(24));
        assert_eq!(world.positions()[0].swap, money(-swap));
    }
    // 19.6 points of 100 yen a night, bought with dollars at 150.2.
    assert_eq!(world.positions()[1].swap, money(-13.05 * 5.0 - 39.15));
    let position = world.positions().remove(0);
    world.done(close(&position, "EURUSD", 0.25));
    assert_eq!(world.last_deal().swap, money(-14.4));
    assert_eq!(world.positions()[0].swap, money(-43.2));
}

/// EURUSD is at 1.08500/1.08508. "At the end of a trading day the position is closed. Next day it is reopened by the
/// close price +/- specified number of points", or by the bid (MQL5 Reference, `ENUM_SYMBOL_SWAP_MODE`).
#[test]
fn swaps_may_be_charged_by_opening_positions_again() {
    let reopened = |mode, kind| {
        let swap = Swap { mode, long: -5.0, short: -3.0, triple_day: 7, rates: [1.0; 7] };
        let mut world = World::of(edited("EURUSD", move |s| s.swap = swap), Limits::default());
        let ticket = world.done(TradeRequest { tp: 0.0, ..market(kind, "EURUSD", 1.0) });
        world.quote("EURUSD", 1.0860, 1.08608);
        world.wait(Duration::from_hours(24));
        let position = world.positions().remove(0);
        assert_eq!((position.id, position.volume, position.swap), (ticket, lots(1.0), Money::ZERO));
        let deals: Vec<_> = world.history().deals.into_iter().skip(1).collect();
        let entries: Vec<_> = deals.iter().map(|deal| (deal.entry, deal.position)).collect();
        let id = Some(ticket);
        assert_eq!(entries, [(DealEntry::In, id), (DealEntry::Out, id), (DealEntry::In, id)]);
        assert_eq!(world.balance(USD), 10_000.0 + deals[1].profit.to_f64());
        (deals[1].profit.to_string(), position.price_open.to_string())
    };
    let pair = |profit: &str, open: &str| (profit.to_string(), open.to_string());
    assert_eq!(reopened(SwapMode::ReopenClose, Buy), pair("92", "1.08605"));
    assert_eq!(reopened(SwapMode::ReopenClose, Sell), pair("-108", "1.08605"));
    assert_eq!(reopened(SwapMode::ReopenBid, Buy), pair("92", "1.08605"));
    assert_eq!(reopened(SwapMode::ReopenBid, Sell), pair("-108", "1.08597"));
}

/// A world whose dollar account is in a group of this name, with so much money.
fn in_group(name: &str, amount: f64) -> World {
    let group = crate::catalogue::group(name).unwrap();
    let mut world = World::agreed(Catalogue::built_in(MarketHours::Always), Limits::default(), |terms| {
        (terms.commissions, terms.leverage) = (group.commissions, group.leverage_rules());
    });
    world.pay(USD, amount);
    world
}

#[test]
fn commissions_have_tiers_by_volume_and_by_value() {
    let mut world = in_group(r"demo\tiered", 100_000_000.0);
    let mut charged = |name: &str, volume: f64| {
        let symbol = world.catalogue.by_name(name).unwrap().clone();
        let filling = if symbol.has_book() { Filling::Return } else { Filling::ImmediateOrCancel };
        if symbol.has_book() {
            world.book(name, &[(199.0, 9000.0)], &[(200.0, 9000.0)]);
        }
        world.done(TradeRequest { filling, ..market(Buy, name, volume) });
        world.last_deal().commission.to_string()
    };
    // A lot costs 3.5, from ten lots on 3, from fifty on 2.5; a deal half a dollar at least.
    for (volume, expected) in [(0.1, "-0.5"), (1.0, "-3.5"), (9.99, "-34.97"), (10.0, "-30"), (50.0, "-125")]
    {
        assert_eq!(charged("EURUSD", volume), expected, "{volume}");
    }
    // Five dollars to a value of 50,000, then 0.02 %, 40 dollars at most; a share is 200 dollars.
    for (volume, expected) in [(1.0, "-5"), (249.0, "-5"), (250.0, "-10"), (900.0, "-36"), (1100.0, "-40")] {
        assert_eq!(charged("AAPL", volume), expected, "{volume}");
    }
}

/// Leverage 1:100 to five lots, half of it to twenty, a fifth above (group `demo\tiered`).
#[test]
fn margin_grows_with_the_steps_of_floating_leverage() {
    let mut world = in_group(r"demo\tiered", 90_000.0);
    let margin = |world: &mut World| world.engine.equity(USD).unwrap().margin.to_string();
    world.done(market(Buy, "EURUSD", 4.0));
    assert_eq!(margin(&mut world), "4340.32");
    world.done(market(Buy, "EURUSD", 4.0));
    // 5 × 1,085.08 + 3 × 2,170.16.
    assert_eq!(margin(&mut world), "11935.88");
    // Twelve more would take 26,041.92 + 12 × 5,425.40 on top; without steps they would take 13,020.96.
    let more = world.trade(market(Buy, "EURUSD", 30.0));
    assert_eq!(more.retcode, Retcode::NO_MONEY);
    world.done(market(Buy, "EURUSD", 12.0));
    assert_eq!(margin(&mut world), "37977.8");
    let position = world.positions().remove(0);
    world.done(close(&position, "EURUSD", 4.0));
    assert_eq!(margin(&mut world), "29297.16");
}

#[test]
fn operations_move_balance_or_credit() {
    let mut world = World::new();
    for (kind, amount) in [(DealType::Balance, -1000.0), (DealType::Credit, 500.0), (DealType::Bonus, 50.0)] {
        let (amount, comment) = (money(amount), "x".to_string());
        world.apply(Command::Operation { login: USD, kind, amount, comment });
        let Some(Event::Deal { report, change: Change::Added, .. }) = world.events.first() else {
            panic!("an operation is a deal")
        };
        assert_eq!((report.position.as_ref(), report.deal.as_ref().unwrap().profit), (None, amount));
    }
    let funds = world.engine.funds(USD).unwrap();
    assert_eq!((funds.balance, funds.credit, funds.day_profit), (money(9000.0), money(550.0), Money::ZERO));
    // A withdrawal from under open positions closes them.
    world.done(market(Buy, "EURUSD", 5.0));
    world.pay(USD, -8000.0);
    assert!(world.positions().is_empty());
}

#[test]
fn a_dividend_goes_to_who_is_long_and_comes_from_who_is_short() {
    let mut world = World::new();
    let symbol = world.catalogue.by_name("AAPL").unwrap().id;
    let order = |kind, volume| TradeRequest { filling: Filling::Return, ..market(kind, "AAPL", volume) };
    world.trade_as(USD, order(Buy, 30.0));
    world.trade_as(EUR, order(Buy, 40.0));
    world.trade_as(EUR, order(Sell, 10.0));
    let (usd, eur) = (world.balance(USD), world.balance(EUR));
    let comment = "x".to_string();
    world.apply(Command::Dividend { symbol, amount: 0.5, comment });
    // 30 x 0.5; 20 dollars sold for euros at the ask of 1.08508, 5 bought at the bid of 1.085.
    assert_eq!(money(world.balance(USD) - usd), money(15.0));
    assert_eq!(money(world.balance(EUR) - eur), money(18.43 - 4.61));
    let deal = world.last_deal();
    assert_eq!((deal.kind, deal.symbol, deal.position), (DealType::Dividend, None, None));
    assert_eq!(world.engine.funds(USD).unwrap().day_profit, money(usd - 10_000.0), "it is no trade");
    // An account that cannot pay is stopped out.
    world.apply(Command::Dividend { symbol, amount: 5000.0, comment: String::new() });
    assert_eq!(world.engine.snapshot(EUR).unwrap().positions.len(), 2, "it received more than it paid");
    world.trade_as(USD, order(Sell, 30.0));
    assert!(world.engine.can_pay_dividend(symbol));
    world.apply(Command::Dividend { symbol, amount: 0.5, comment: String::new() });
    // A deal for each of the positions: one and two, then two and two.
    let paid = [USD, EUR].map(|login| {
        let deals = world.engine.history(login, 0, i64::MAX, usize::MAX).unwrap().deals;
        deals.iter().filter(|deal| deal.kind == DealType::Dividend).count()
    });
    assert_eq!(paid, [1 + 1 + 2, 2 + 2 + 2]);
    let mut unquoted = World::unquoted(Catalogue::built_in(MarketHours::Always), Limits::default());
    unquoted.quote("AAPL", 200.0, 200.05);
    unquoted.apply(Command::Deal(Box::new(DealerDeal {
        login: EUR,
        symbol,
        side: model::Side::Buy,
        volume: lots(1.0),
        price: None,
        position: None,
        comment: String::new(),
    })));
    assert!(!unquoted.engine.can_pay_dividend(symbol), "nobody quotes EURUSD");
}

#[test]
fn the_days_profit_starts_anew_at_midnight() {
    let mut world = World::new();
    world.done(market(Buy, "EURUSD", 1.0));
    world.quote("EURUSD", 1.08608, 1.0862);
    let position = world.positions().remove(0);
    world.done(close(&position, "EURUSD", 1.0));
    assert_eq!(world.engine.funds(USD).unwrap().day_profit, money(100.0));
    world.wait(Duration::from_hours(12));
    assert_eq!(world.engine.funds(USD).unwrap().day_profit, Money::ZERO);
}
