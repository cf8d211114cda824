//! Swaps and commissions of every mode, each row with the source of its formula; worked examples that were published stand
//! with their own numbers.

use std::time::Duration;

use model::{Filling, OrderType, SwapMode};

use super::world::*;
use crate::catalogue::{
    Catalogue, CommissionEntry, CommissionPer, CommissionRange, CommissionRule, CommissionTier,
    CommissionUnit, MarketHours, Swap,
};
use crate::engine::*;
use OrderType::{Buy, Sell};

/// One night of a position that was opened at this quote.
struct Night {
    mode: SwapMode,
    swap: f64,
    login: Login,
    kind: OrderType,
    symbol: &'static str,
    lots: f64,
    quote: (f64, f64),
    /// What the position is charged, and where it is open afterwards if it was opened again.
    charged: &'static str,
    reopened: Option<&'static str>,
    source: &'static str,
}

const NIGHT: Night = Night {
    mode: SwapMode::Off,
    swap: -5.0,
    login: USD,
    kind: Buy,
    symbol: "EURUSD",
    lots: 1.0,
    quote: (1.085, 1.08508),
    charged: "",
    reopened: None,
    source: "",
};

const NIGHTS: [Night; 16] = [
    Night { charged: "0", source: "MQL5 Reference, SYMBOL_SWAP_MODE_DISABLED: no swaps", ..NIGHT },
    Night {
        // Two lots of 100,000: a point is 2 dollars, times 7.
        mode: SwapMode::Points,
        swap: 7.0,
        lots: 2.0,
        charged: "14",
        source: "https://fxce.zendesk.com/hc/en-us/articles/4404347272089-Swap: example 1",
        ..NIGHT
    },
    Night {
        // 0.00001 / 1.0895 x 500,000 x 0.15 euros.
        mode: SwapMode::Points,
        swap: 0.15,
        login: EUR,
        kind: Sell,
        lots: 5.0,
        quote: (1.0895, 1.0895),
        charged: "0.69",
        source: "https://buzzfx.com/Swaps-Calculator.php: the example of EURUSD",
        ..NIGHT
    },
    Night {
        // Five euros, bought at the ask of 1.08508.
        mode: SwapMode::BaseCurrency,
        charged: "-5.43",
        source: "MQL5 Reference, SYMBOL_SWAP_MODE_CURRENCY_SYMBOL: in the base currency",
        ..NIGHT
    },
    Night {
        // Five euros for each of two lots, sold at the bid of 1.08500.
        mode: SwapMode::MarginCurrency,
        swap: 5.0,
        lots: 2.0,
        charged: "10.85",
        source: "MQL5 Reference, SYMBOL_SWAP_MODE_CURRENCY_MARGIN: in the margin currency",
        ..NIGHT
    },
    Night {
        // A lot costs 0.89.
        mode: SwapMode::DepositCurrency,
        swap: -0.89,
        symbol: "US500",
        quote: (5000.0, 5000.5),
        charged: "-0.89",
        source: "https://globalprime.zendesk.com/hc/en-us/articles/900000799163: the example of NAS100",
        ..NIGHT
    },
    Night {
        mode: SwapMode::DepositCurrency,
        lots: 3.0,
        login: EUR,
        charged: "-15",
        source: "MQL5 Reference, SYMBOL_SWAP_MODE_CURRENCY_DEPOSIT: in the deposit currency",
        ..NIGHT
    },
    Night {
        // 0.5 x 1 x 10,000 x -30.98 / 100 / 360.
        mode: SwapMode::InterestCurrent,
        swap: -30.98,
        symbol: "BTCUSD",
        lots: 0.5,
        quote: (10_000.0, 10_010.0),
        charged: "-4.3",
        source: "https://globalprime.zendesk.com/hc/en-us/articles/900000799163: the example of BTCUSD",
        ..NIGHT
    },
    Night {
        // 200 x 1 x 119.19 x -3.31 / 100 / 360.
        mode: SwapMode::InterestCurrent,
        swap: -3.31,
        kind: Sell,
        symbol: "AAPL",
        lots: 200.0,
        quote: (119.17, 119.19),
        charged: "-2.19",
        source: "https://globalprime.zendesk.com/hc/en-us/articles/900000799163: the example of equities",
        ..NIGHT
    },
    Night {
        // 20 x (1,000 x 97.35 / 100 + 10.60) x -3.6 / 100 / 360: with the interest that has accrued.
        mode: SwapMode::InterestCurrent,
        swap: -3.6,
        symbol: "UST2034",
        lots: 20.0,
        quote: (97.35, 97.37),
        charged: "-1.97",
        source: "MQL5 Reference, SYMBOL_SWAP_MODE_INTEREST_CURRENT and SYMBOL_CALC_MODE_EXCH_BONDS",
        ..NIGHT
    },
    Night {
        // 108,508 dollars at 3.6 per cent for a day of 360.
        mode: SwapMode::InterestOpen,
        swap: -3.6,
        charged: "-10.85",
        source: "MQL5 Reference, SYMBOL_SWAP_MODE_INTEREST_OPEN: of the opening price, 360 days a year",
        ..NIGHT
    },
    Night {
        // 2 lots x 5,000.25 x 12.5 / 0.25 at 3.6 per cent for a day of 360.
        mode: SwapMode::InterestOpen,
        swap: -3.6,
        symbol: "ES",
        lots: 2.0,
        quote: (5000.0, 5000.25),
        charged: "-50",
        source: "MQL5 Reference, SYMBOL_SWAP_MODE_INTEREST_OPEN and SYMBOL_CALC_MODE_FUTURES",
        ..NIGHT
    },
    Night {
        // Closed and opened again at the bid, five points worse for the buyer.
        mode: SwapMode::ReopenClose,
        charged: "0",
        reopened: Some("1.08505"),
        source: "MQL5 Reference, SYMBOL_SWAP_MODE_REOPEN_CURRENT: by the close price +/- points",
        ..NIGHT
    },
    Night {
        // A seller's position closes at the ask; lower is worse.
        mode: SwapMode::ReopenClose,
        kind: Sell,
        charged: "0",
        reopened: Some("1.08503"),
        source: "MQL5 Reference, SYMBOL_SWAP_MODE_REOPEN_CURRENT: by the close price +/- points",
        ..NIGHT
    },
    Night {
        mode: SwapMode::ReopenBid,
        charged: "0",
        reopened: Some("1.08505"),
        source: "MQL5 Reference, SYMBOL_SWAP_MODE_REOPEN_BID: by the current Bid price +/- points",
        ..NIGHT
    },
    Night {
        mode: SwapMode::ReopenBid,
        kind: Sell,
        charged: "0",
        reopened: Some("1.08495"),
        source: "MQL5 Reference, SYMBOL_SWAP_MODE_REOPEN_BID: by the current Bid price +/- points",
        ..NIGHT
    },
];

/// A request that every symbol takes.
fn request(world: &World, kind: OrderType, symbol: &str, lots: f64) -> TradeRequest {
    let has_book = world.catalogue.by_name(symbol).unwrap().has_book();
    let filling = if has_book { Filling::Return } else { Filling::ImmediateOrCancel };
    TradeRequest { filling, ..market(kind, symbol, lots) }
}

#[test]
fn every_swap_mode_charges_by_its_source() {
    for row in &NIGHTS {
        let swap = Swap { mode: row.mode, long: row.swap, short: row.swap, triple_day: 7, rates: [1.0; 7] };
        let mut world = World::of(edited(row.symbol, move |symbol| symbol.swap = swap), Limits::default());
        world.pay(row.login, 1e6);
        world.quote(row.symbol, row.quote.0, row.quote.1);
        let request = request(&world, row.kind, row.symbol, row.lots);
        assert!(world.trade_as(row.login, request).retcode.is_success(), "{}", row.source);
        let before = world.engine.snapshot(row.login).unwrap().positions.remove(0);
        world.wait(Duration::from_hours(24));
        let after = world.engine.snapshot(row.login).unwrap().positions.remove(0);
        assert_eq!(after.swap.to_string(), row.charged, "{}", row.source);
        let open = row.reopened.map_or(before.price_open.to_string(), str::to_owned);
        assert_eq!((after.id, after.price_open.to_string()), (before.id, open), "{}", row.source);
    }
    let missing = SwapMode::ALL.iter().find(|mode| NIGHTS.iter().all(|row| row.mode != **mode));
    assert_eq!(missing, None, "every mode has a row");
    assert!(NIGHTS.iter().all(|row| !row.source.is_empty()));
}

/// A deal of the dollar account, bought at this quote.
struct Charge {
    unit: CommissionUnit,
    per: CommissionPer,
    value: f64,
    symbol: &'static str,
    lots: f64,
    quote: (f64, f64),
    charged: &'static str,
    source: &'static str,
}

/// Seven of something for two lots.
const CHARGE: Charge = Charge {
    unit: CommissionUnit::Deposit,
    per: CommissionPer::Lot,
    value: 7.0,
    symbol: "EURUSD",
    lots: 2.0,
    quote: (1.085, 1.08508),
    charged: "",
    source: "protocol 9.2.4",
};

const CHARGES: [Charge; 10] = [
    Charge {
        // "6$ * lots".
        value: 6.0,
        charged: "-12",
        source: "http://www.softaddress.com/forex_calculator/help/commission.php: fixed, by lots",
        ..CHARGE
    },
    Charge { per: CommissionPer::Deal, charged: "-7", ..CHARGE },
    Charge {
        // Fourteen euros at 1.085.
        unit: CommissionUnit::Base,
        charged: "-15.19",
        ..CHARGE
    },
    Charge { unit: CommissionUnit::Profit, charged: "-14", ..CHARGE },
    Charge {
        // Seven euros at 1.085.
        unit: CommissionUnit::Margin,
        per: CommissionPer::Deal,
        charged: "-7.6",
        ..CHARGE
    },
    Charge {
        // A point of a lot is a dollar.
        unit: CommissionUnit::Points,
        charged: "-14",
        ..CHARGE
    },
    Charge {
        // Seven points of 0.01 of a future, each worth 12.5 / 0.25 a unit: 7 x 0.01 x 50 x 2.
        unit: CommissionUnit::Points,
        symbol: "ES",
        quote: (5000.0, 5000.25),
        charged: "-7",
        ..CHARGE
    },
    Charge {
        // 1 x 1 x 10,000 x 10 / 100,000.
        unit: CommissionUnit::Percent,
        per: CommissionPer::Deal,
        value: 0.01,
        symbol: "US500",
        lots: 1.0,
        quote: (9999.5, 10_000.0),
        charged: "-1",
        source: "https://trade.deriv.com/partners-help-center-questions/what-is-the-commission-calculation-for-trades-on-mt5-standard: the example of Volatility 75",
    },
    Charge {
        // 1 x 100 x 22.14 x 0.1 / 100 = 2.214.
        unit: CommissionUnit::Percent,
        per: CommissionPer::Deal,
        value: 0.1,
        symbol: "XAUUSD",
        lots: 1.0,
        quote: (22.13, 22.14),
        charged: "-2.21",
        source: "http://www.softaddress.com/forex_calculator/help/commission.php: per cent",
    },
    Charge {
        // 20 x (1,000 x 97.37 / 100 + 10.60) x 0.05 / 100: what the buyer pays for them.
        unit: CommissionUnit::Percent,
        per: CommissionPer::Deal,
        value: 0.05,
        symbol: "UST2034",
        lots: 20.0,
        quote: (97.35, 97.37),
        charged: "-9.84",
        source: "MQL5 Reference, SYMBOL_CALC_MODE_EXCH_BONDS: with AccruedInterest * Lots * ContractSize",
    },
];

/// What stands for a unit; a new one does not compile without a place here, and rows beside it.
const fn place(unit: CommissionUnit) -> usize {
    match unit {
        CommissionUnit::Deposit => 0,
        CommissionUnit::Base => 1,
        CommissionUnit::Profit => 2,
        CommissionUnit::Margin => 3,
        CommissionUnit::Points => 4,
        CommissionUnit::Percent => 5,
    }
}

#[test]
fn every_commission_unit_charges_by_its_source() {
    let mut seen = [false; 6];
    for row in &CHARGES {
        let (from, to, minimal, maximal) = (0.0, f64::MAX, 0.0, 0.0);
        let tier =
            CommissionTier { unit: row.unit, per: row.per, value: row.value, from, to, minimal, maximal };
        let (mask, entry, range) = ("*", CommissionEntry::All, CommissionRange::Volume);
        // Groups are constants; these live as long as the test program.
        let tiers: &'static [CommissionTier] = Box::leak(Box::new([tier]));
        let rules: &'static [CommissionRule] =
            Box::leak(Box::new([CommissionRule { mask, entry, range, tiers }]));
        let terms = |terms: &mut AccountTerms| terms.commissions = rules;
        let mut world = World::agreed(Catalogue::built_in(MarketHours::Always), Limits::default(), terms);
        world.pay(USD, 1e6);
        world.quote(row.symbol, row.quote.0, row.quote.1);
        let request = request(&world, Buy, row.symbol, row.lots);
        world.done(request);
        assert_eq!(world.last_deal().commission.to_string(), row.charged, "{}", row.source);
        seen[place(row.unit)] = true;
    }
    assert_eq!(seen, [true; 6], "every unit has a row");
}
