//! Margin of pending orders, worked by hand. Sources: MQL5 Reference, `SymbolInfoMarginRate` and `ENUM_SYMBOL_CALC_MODE`;
//! MetaTrader 5 Help, "Margin Calculation: Retail Forex, Futures".

use super::*;
use crate::{LeverageRange, MarginMode, OrderType};
use OrderType::{Buy, BuyLimit, BuyStop, CloseBy, SellLimit, SellStop};

fn order(kind: OrderType, volume: f64, at: f64) -> Pending {
    Pending { kind, volume: lots(volume), price: price(at), rate: 1.0 }
}

/// Ten shares a lot; limit orders hold half of their value, stops a tenth, stop-limits nothing.
fn shares() -> Contract {
    let mut c = contract(CalcMode::Stocks, 10.0, "USD", "USD");
    c.rates_initial = [1.0, 1.0, 0.5, 0.5, 0.1, 0.1, 0.0, 0.0];
    c
}

fn margin(c: &Contract, mode: MarginMode, exposure: Exposure, orders: &[Pending]) -> String {
    let held = [Held { path: "S", contract: c, exposure, orders, stage: Stage::Open }];
    account_margin(&held, mode, &[], &deposit("USD"), &Market).to_string()
}

fn long(volume: f64, at: f64) -> Exposure {
    let mut exposure = Exposure::default();
    exposure.add(Side::Buy, lots(volume), price(at), 1.0);
    exposure
}

#[test]
fn an_order_holds_by_its_own_price_rate_and_ratio() {
    let c = shares();
    // Lots x ContractSize x price x ratio: 2 x 10 x 50 x 0.5 = 500; 3 x 10 x 60 x 0.1 = 180.
    let cases = [
        (order(BuyLimit, 2.0, 50.0), "500"),
        (order(SellStop, 3.0, 60.0), "180"),
        (Pending { rate: 0.9, ..order(SellLimit, 2.0, 50.0) }, "450"),
        (order(OrderType::BuyStopLimit, 2.0, 50.0), "0"),
        // What executes at once or closes only is no pending order.
        (order(Buy, 2.0, 50.0), "0"),
        (order(CloseBy, 2.0, 50.0), "0"),
    ];
    for (order, expected) in cases {
        assert_eq!(order.margin(&c, &deposit("USD")).to_string(), expected, "{order:?}");
        assert_eq!(holds_margin(&c, order.kind), expected != "0", "{order:?}");
        assert_eq!(margin(&c, MarginMode::Hedging, Exposure::default(), &[order]), expected);
    }
}

#[test]
fn of_limits_in_both_directions_the_larger_counts_and_of_stops_each() {
    let c = shares();
    let limits = [order(BuyLimit, 1.0, 40.0), order(SellLimit, 1.0, 70.0)];
    let stops = [order(BuyStop, 1.0, 60.0), order(SellStop, 1.0, 30.0)];
    // Limits: buys 1 x 10 x 40 x 0.5 = 200, sells 1 x 10 x 70 x 0.5 = 350. Stops: 1 x 10 x 60 x 0.1 + 1 x 10 x 30 x 0.1.
    for mode in MarginMode::ALL {
        let of = |orders: &[Pending]| margin(&c, *mode, Exposure::default(), orders);
        assert_eq!((of(&limits), of(&stops)), ("350".to_owned(), "90".to_owned()), "{mode:?}");
        assert_eq!(of(&[limits[0], stops[0], limits[1]]), "410", "{mode:?}");
        assert_eq!(of(&[limits[0], stops[0]]), "260", "{mode:?}");
    }
    // A stop against a net position closes it first as well: of two lots, one opens.
    let sell = [order(SellStop, 2.0, 40.0)];
    assert_eq!(margin(&c, MarginMode::Netting, long(1.0, 50.0), &sell[..]), "540");
    assert_eq!(margin(&c, MarginMode::Hedging, long(1.0, 50.0), &sell[..]), "580");
}

#[test]
fn an_order_against_a_net_position_closes_it_first() {
    let c = shares();
    let sell = [order(SellLimit, 1.0, 140.0)];
    // The position holds 1 x 10 x 50 = 500. An order of one lot closes it; of three lots, 1,050, two would be left, 700.
    for (mode, one, three) in [
        (MarginMode::Hedging, "1200", "1550"),
        (MarginMode::Netting, "500", "700"),
        (MarginMode::Exchange, "500", "700"),
    ] {
        assert_eq!(margin(&c, mode, long(1.0, 50.0), &sell), one, "{mode:?}");
        assert_eq!(margin(&c, mode, long(1.0, 50.0), &[order(SellLimit, 3.0, 70.0)]), three, "{mode:?}");
        // Along the position it comes on top: 500 + 200.
        assert_eq!(margin(&c, mode, long(1.0, 50.0), &[order(BuyLimit, 1.0, 40.0)]), "700", "{mode:?}");
    }
    let mut short = Exposure::default();
    short.add(Side::Sell, lots(1.0), price(50.0), 1.0);
    assert_eq!(margin(&c, MarginMode::Netting, short, &sell), "1200");
    // 4 lots in two orders of 70 x 10 x 0.5 a lot, one of them closing: 350 x 4 x 3 / 4.
    let two = [order(SellLimit, 1.0, 70.0), order(SellLimit, 3.0, 70.0)];
    assert_eq!(margin(&c, MarginMode::Netting, long(1.0, 50.0), &two), "1050");
}

#[test]
fn orders_pay_by_the_step_of_what_is_held() {
    let c = shares();
    let tier = |from, to, rate| LeverageTier { from, to, rate_initial: rate, rate_maintenance: 1.0 };
    let tiers = vec![tier(0.0, 1.0, 2.0), tier(1.0, f64::MAX, 4.0)];
    let range = LeverageRange::SymbolVolume;
    let rules = [LeverageRule { mask: "*".into(), range, currency: String::new(), tiers }];
    let orders = [order(BuyLimit, 2.0, 50.0)];
    let of = |exposure| {
        let held = [Held { path: "S", contract: &c, exposure, orders: &orders, stage: Stage::Open }];
        account_margin(&held, MarginMode::Hedging, &rules, &deposit("USD"), &Market).to_string()
    };
    // Nothing is held: 500 x 2. With two lots, 1,000, the initial ratio is (2 + 4) / 2 = 3: 1,000 + 500 x 3.
    assert_eq!(of(Exposure::default()), "1000");
    assert_eq!(of(long(2.0, 50.0)), "2500");
}
