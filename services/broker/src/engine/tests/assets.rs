//! Bonds, and assets that cover the margin of others.

use model::{Filling, Money, OrderType, Reason, Retcode, Side, TradeAction, TradeMode};

use super::world::*;
use crate::engine::*;
use OrderType::{Buy, BuyLimit, Sell};

/// So many ounces come into the dollar account.
fn custody(world: &mut World, side: Side, ounces: f64, position: Option<Ticket>) -> Verdict {
    let symbol = world.catalogue.by_name("GOLDBAR").unwrap().id;
    let volume = lots(ounces);
    let deal = DealerDeal { login: USD, symbol, side, volume, price: None, position, comment: String::new() };
    world.apply(Command::Deal(Box::new(deal))).unwrap()
}

#[test]
fn bonds_are_traded_in_per_cent_of_their_face_value() {
    let mut world = World::new();
    let order = |kind| TradeRequest { filling: Filling::Return, ..market(kind, "UST2034", 100.0) };
    world.done(order(Buy));
    let figures = world.engine.equity(USD).unwrap();
    // 100 x 1 x 1,000 x 97.37 / 100 x 0.1; bought at the ask, two points above the bid.
    assert_eq!((figures.margin, figures.equity), (money(9737.0), money(10_000.0 - 20.0)));
    world.quote("UST2034", 98.0, 98.02);
    let position = world.positions().remove(0);
    assert_eq!(position.profit, money(100.0 * 1000.0 * 0.63 / 100.0));
    world.done(TradeRequest { position: Some(position.id), ..order(Sell) });
    assert_eq!(world.balance(USD), 10_630.0);
}

#[test]
fn collateral_is_not_traded() {
    let mut world = World::new();
    assert_eq!(world.trade(market(Buy, "GOLDBAR", 1.0)).retcode, Retcode::TRADE_DISABLED);
    assert_eq!(world.trade(pending(BuyLimit, "GOLDBAR", 2000.0)).retcode, Retcode::TRADE_DISABLED);
    let held = custody(&mut world, Side::Buy, 1.0, None).order.unwrap();
    let position = world.positions().remove(0);
    assert_eq!((position.id, position.reason), (held, Reason::Dealer));
    let stops = TradeRequest {
        action: TradeAction::StopsChange,
        position: Some(held),
        sl: 2000.0,
        ..market(Buy, "GOLDBAR", 0.0)
    };
    for request in [close(&position, "GOLDBAR", 1.0), stops] {
        assert_eq!(world.trade(request).retcode, Retcode::TRADE_DISABLED);
    }
    // Not even where the symbol would be.
    let open = edited("GOLDBAR", |symbol| symbol.trade_mode = TradeMode::Full);
    let mut world = World::of(open, Limits::default());
    assert_eq!(world.trade(market(Buy, "GOLDBAR", 1.0)).retcode, Retcode::TRADE_DISABLED);
}

#[test]
fn collateral_covers_the_margin_of_others() {
    let mut world = World::new();
    // 10 lots need 10,850.80 of the 10,000 there are.
    assert_eq!(world.trade(market(Buy, "EURUSD", 10.0)).retcode, Retcode::NO_MONEY);
    let held = custody(&mut world, Side::Buy, 2.0, None).order.unwrap();
    // 2 x 2,655 x 0.8 = 4,248: no margin, no profit, no money.
    let figures = world.engine.equity(USD).unwrap();
    assert_eq!((figures.equity, figures.free_margin), (money(14_248.0), money(14_248.0)));
    assert_eq!((figures.margin, world.balance(USD)), (Money::ZERO, 10_000.0));
    world.done(market(Buy, "EURUSD", 10.0));
    // It follows the market, and has no profit by that.
    world.quote("GOLDBAR", 2700.0, 2700.2);
    let figures = world.engine.equity(USD).unwrap();
    assert_eq!(figures.equity, money(10_000.0 - 80.0 + 2.0 * 2700.0 * 0.8));
    assert_eq!(world.positions()[0].profit, Money::ZERO);
    // Taken out again it covers nothing: what is left is below the stop-out level.
    world.quote("EURUSD", 1.0794, 1.07948);
    assert_eq!(world.positions().len(), 2, "8,640 of 10,850.80");
    custody(&mut world, Side::Sell, 2.0, Some(held));
    assert_eq!((world.positions().len(), world.balance(USD)), (0, 4320.0));
}

#[test]
fn a_stop_out_leaves_collateral() {
    let mut world = World::new();
    let held = custody(&mut world, Side::Buy, 1.0, None).order.unwrap();
    world.done(market(Buy, "EURUSD", 9.0));
    world.quote("EURUSD", 1.072, 1.07208);
    // 10,000 - 11,772 + 2,124 = 352 of 9,765.72.
    let left: Vec<_> = world.positions().iter().map(|position| position.id).collect();
    assert_eq!((left, world.balance(USD)), (vec![held], -1772.0));
    // Gold that falls is no reason to sell it.
    world.quote("GOLDBAR", 1000.0, 1000.2);
    assert_eq!(world.positions().len(), 1);
}
