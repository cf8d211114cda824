//! Floating leverage against worked examples.

use super::*;
use crate::{LeverageRange, MarginMode};

/// Steps of lots or money, each with what it multiplies margin by.
fn rule(mask: &str, range: LeverageRange, steps: &[(f64, f64)]) -> LeverageRule {
    let ends = steps.iter().skip(1).map(|(from, _)| *from).chain([f64::MAX]);
    let tier = |((from, rate), to): (&(f64, f64), f64)| LeverageTier {
        from: *from,
        to,
        rate_initial: *rate,
        rate_maintenance: 0.0,
    };
    let tiers = steps.iter().zip(ends).map(tier).collect();
    LeverageRule { mask: mask.into(), range, currency: "USD".into(), tiers }
}

fn long(volume: f64, at: f64, rate: f64) -> Exposure {
    let mut exposure = Exposure::default();
    exposure.add(Side::Buy, lots(volume), price(at), rate);
    exposure
}

fn margin(held: &[Held<'_>], rules: &[LeverageRule], leverage: u32) -> String {
    let deposit = Deposit { leverage, ..deposit("USD") };
    account_margin(held, MarginMode::Hedging, rules, &deposit, &Market).to_string()
}

/// The example of a broker's help page, <https://support.equiti.com/hc/en-us/articles/10755865773073>: 0.2 % to 100
/// lots of EURUSD, 0.5 % to 200, 1 % to 300, 3 % from there on; 120 lots at 1.0100 take 20,200 + 10,100 dollars.
#[test]
fn each_part_of_a_volume_pays_by_the_step_it_lies_in() {
    let eurusd = contract(CalcMode::Forex, 100_000.0, "USD", "EUR");
    let steps = [(0.0, 1.0), (100.0, 2.5), (200.0, 5.0), (300.0, 15.0)];
    let rules = [rule(r"Forex\*", LeverageRange::SymbolVolume, &steps)];
    let of = |lots: f64| {
        let exposure = long(lots, 1.01, 1.01);
        margin(
            &[Held { path: r"Forex\EURUSD", contract: &eurusd, exposure, orders: &[], stage: Stage::Open }],
            &rules,
            500,
        )
    };
    assert_eq!(of(100.0), "20200");
    assert_eq!(of(120.0), "30300");
    // 20,200 + 50,500 + 101,000 + 10 lots at 3 %.
    assert_eq!(of(310.0), "202000");
}

/// 1 % to 2 lots, 2 % above, over both symbols together: of four lots on average 1.5 %.
#[test]
fn a_rule_may_count_all_of_its_symbols_together() {
    let eurusd = contract(CalcMode::Forex, 100_000.0, "USD", "EUR");
    let steps = [(0.0, 1.0), (2.0, 2.0)];
    let held = [
        Held {
            path: r"Forex\EURUSD",
            contract: &eurusd,
            exposure: long(3.0, 1.1, 1.0),
            orders: &[],
            stage: Stage::Open,
        },
        Held {
            path: r"Forex\GBPUSD",
            contract: &eurusd,
            exposure: long(1.0, 1.1, 1.0),
            orders: &[],
            stage: Stage::Open,
        },
        Held {
            path: r"Metals\XAUUSD",
            contract: &eurusd,
            exposure: long(9.0, 1.1, 1.0),
            orders: &[],
            stage: Stage::Open,
        },
    ];
    let rules = [rule(r"Forex\*", LeverageRange::Volume, &steps)];
    // 3 lots × 1,000 × 1.5, 1 lot × 1,000 × 1.5, and 9 lots that no rule is for.
    assert_eq!(margin(&held, &rules, 100), "15000");
    let each = [rule(r"Forex\*", LeverageRange::SymbolVolume, &steps)];
    // 2 + 2 lots' worth, 1, and 9.
    assert_eq!(margin(&held, &each, 100), "14000");
}

#[test]
fn values_are_those_of_opening_prices_in_the_currency_of_the_rule() {
    let steps = [(0.0, 1.0), (100_000.0, 3.0)];
    let rules = [rule("*", LeverageRange::SymbolValue, &steps)];
    // A lot of USDJPY at 150.02 is 15,002,000 yen, 100,000 dollars at the ask; two are twice that.
    let usdjpy = contract(CalcMode::Forex, 100_000.0, "JPY", "USD");
    let of = |lots: f64| {
        margin(
            &[Held {
                path: "USDJPY",
                contract: &usdjpy,
                exposure: long(lots, 150.02, 1.0),
                orders: &[],
                stage: Stage::Open,
            }],
            &rules,
            100,
        )
    };
    assert_eq!((of(1.0).as_str(), of(2.0).as_str()), ("1000", "4000"));
    // Nobody quotes liras: the lowest step.
    let usdtry = contract(CalcMode::Forex, 100_000.0, "TRY", "USD");
    let held = [Held {
        path: "USDTRY",
        contract: &usdtry,
        exposure: long(9.0, 34.0, 1.0),
        orders: &[],
        stage: Stage::Open,
    }];
    assert_eq!(margin(&held, &rules, 100), "9000");
}

#[test]
fn what_is_covered_counts_once_and_stages_have_rates_of_their_own() {
    let eurusd = contract(CalcMode::Forex, 100_000.0, "USD", "EUR");
    let mut exposure = long(2.0, 1.1, 1.0);
    exposure.add(Side::Sell, lots(2.0), price(1.1), 1.0);
    let mut rules = [rule("*", LeverageRange::SymbolVolume, &[(0.0, 1.0), (2.0, 4.0)])];
    let held = [Held { path: "EURUSD", contract: &eurusd, exposure, orders: &[], stage: Stage::Open }];
    assert_eq!(margin(&held, &rules, 100), "2000");
    rules[0].tiers[0].rate_maintenance = 0.5;
    assert_eq!(margin(&held, &rules, 100), "1000");
    let initial = [Held { stage: Stage::Initial, ..held[0] }];
    assert_eq!(margin(&initial, &rules, 100), "2000");
    assert_eq!(margin(&held, &[rule("*", LeverageRange::Volume, &[])], 100), "2000");
}

#[test]
fn what_no_step_covers_pays_as_usual() {
    let eurusd = contract(CalcMode::Forex, 100_000.0, "USD", "EUR");
    let mut rules = [rule("*", LeverageRange::SymbolVolume, &[(1.0, 3.0)])];
    rules[0].tiers[0].to = 2.0;
    let of = |lots: f64| {
        let exposure = long(lots, 1.1, 1.0);
        let stage = Stage::Open;
        let held = Held { path: "EURUSD", contract: &eurusd, exposure, orders: &[], stage };
        margin(&[held], &rules, 100)
    };
    // 1,000 a lot: before the step, with half of it, at its end, and beyond it.
    assert_eq!([of(1.0), of(1.5), of(2.0), of(4.0)], ["1000", "2500", "4000", "6000"]);
}
