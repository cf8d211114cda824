//! What holds for any history.

use std::collections::BTreeSet;

use model::DealEntry;
use proptest::prelude::*;

use super::*;
use crate::{Present, Repeats, equity_curve, extrema, stats, trades};

/// Any record at all: numbers without measure, unknown symbols, exits without entries, several of one ticket.
fn any_deal() -> impl Strategy<Value = Deal> {
    let amount = prop_oneof![-1_000_000_000_000_i128..1_000_000_000_000, any::<i128>()];
    let volume = prop_oneof![Just(0), 1_u64..1_000_000_000, any::<u64>()];
    let at = prop_oneof![1_i64..20_000_000_000, any::<i64>()];
    let time = prop_oneof![0_i64..100 * HOUR, any::<i64>()];
    let symbol = prop_oneof![Just("EURUSD"), Just("USDJPY"), Just("COCOA"), Just("")];
    let what = (0_usize..9, any::<bool>(), volume, at);
    ((0_u64..50, 0_u64..6, time, symbol), what, prop::array::uniform4(amount)).prop_map(
        |(
            (ticket, position, time_ms, symbol),
            (kind, is_buy, volume, at),
            [profit, swap, commission, fee],
        )| {
            let side = if is_buy { Side::Buy } else { Side::Sell };
            let (volume, price) = (Volume::from_units(volume), Price::from_units(at));
            let kind = match DealEntry::ALL.get(kind) {
                Some(entry) => DealKind::Trade { side, entry: *entry, volume, price },
                None if kind < 7 => [DealKind::Transfer, DealKind::Credit, DealKind::Charge][kind - 4],
                None => DealKind::Service { entry: [DealEntry::Out, DealEntry::In][kind - 7], price },
            };
            let [profit, swap, commission, fee] = [profit, swap, commission, fee].map(Money::from_units);
            Deal { ticket, position, time_ms, symbol: symbol.into(), kind, profit, swap, commission, fee }
        },
    )
}

/// Records of moderate size, so that sums do not saturate.
fn moderate(deals: Vec<Deal>) -> Vec<Deal> {
    let cut = |money: Money| Money::from_units(money.units() % 1_000_000_000_000);
    let of = |deal: Deal| Deal {
        profit: cut(deal.profit),
        swap: cut(deal.swap),
        commission: cut(deal.commission),
        fee: cut(deal.fee),
        ..deal
    };
    deals.into_iter().map(of).collect()
}

fn market() -> Tape {
    let mut tape = tape("EURUSD", 0, &[[1.1, 1.2, 1.0, 1.15]; 90]);
    tape.insert("USDJPY".into(), candles(-5, &[[150.0, 149.0, 151.0, 0.0]; 20]));
    tape.name_pair("USD", "JPY", "USDJPY".into());
    tape
}

proptest! {
    #[test]
    fn nothing_panics_and_everything_is_finite(
        deals in prop::collection::vec(any_deal(), 0..40),
        from_ms in prop_oneof![0_i64..100 * HOUR, any::<i64>()],
        now_ms in any::<i64>(),
        size in prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(100_000.0), Just(-1.0)],
    ) {
        let mut home = Home::new();
        home.contracts.values_mut().for_each(|contract| contract.contract_size = size);
        let (account, tape) = (home.account(&deals, 1000.0), market());
        let curve = equity_curve(&account, &tape, from_ms, i64::MAX, Repeats::Keep);
        for point in &curve.points {
            prop_assert!(point.balance_drawdown_percent.is_finite() && point.balance_drawdown_percent >= 0.0);
            prop_assert!(point.equity_drawdown_percent.is_finite() && point.equity_drawdown_percent >= 0.0);
        }
        let closed = trades(&deals, 2);
        let present = Present { now_ms, open_trades: 0, open_profit: Money::ZERO };
        let found = stats(&account, &closed, &curve.points, from_ms, present);
        for figure in [
            found.balance_drawdown_percent, found.equity_drawdown_percent, found.pips, found.average_win.money,
            found.average_win.pips, found.average_loss.money, found.profit_factor, found.standard_deviation,
            found.ahpr, found.ghpr, found.sharpe_ratio, found.runs.z_score, found.runs.probability,
            found.expectancy.money, found.expectancy.pips,
        ] {
            prop_assert!(figure.is_finite(), "{found:?}");
        }
        for holding in closed.iter().filter_map(|trade| trade.holding()) {
            let terms = &home.contracts["EURUSD"];
            let found = extrema(&holding, terms, &home.deposit, &tape);
            prop_assert!(found.min <= Money::ZERO && Money::ZERO <= found.max);
        }
    }

    #[test]
    fn no_money_is_lost_between_deals_and_trades(deals in prop::collection::vec(any_deal(), 0..40)) {
        // With a last exit for each position every deal belongs to a trade.
        let mut deals = moderate(deals);
        let exits: Vec<Deal> = deals.iter().filter(|deal| matches!(deal.kind, DealKind::Trade { .. })).map(|deal| {
            let side = Side::Buy;
            let volume = Volume::from_units(u64::MAX);
            let kind = DealKind::Trade { side, entry: DealEntry::Out, volume, price: price(1.0) };
            Deal { kind, time_ms: i64::MAX, ticket: u64::MAX, ..deal.clone() }
        }).collect();
        deals.extend(exits);
        let of_position = |deal: &Deal| (deal.position, deal.symbol.clone());
        let is_trade = |deal: &&Deal| matches!(deal.kind, DealKind::Trade { .. });
        let traded: BTreeSet<_> = deals.iter().filter(is_trade).map(of_position).collect();
        let is_counted = |deal: &&Deal| deal.kind.is_of_position() && traded.contains(&of_position(deal));
        let expected: Money = deals.iter().filter(is_counted).map(Deal::amount).sum();
        prop_assert_eq!(trades(&deals, 2).iter().map(|trade| trade.net()).sum::<Money>(), expected);
    }

    #[test]
    fn the_curve_ends_with_the_present_balance(deals in prop::collection::vec(any_deal(), 0..40)) {
        let deals = moderate(deals);
        let home = Home::new();
        let account = home.account(&deals, 1000.0);
        let curve = equity_curve(&account, &market(), i64::MIN, i64::MAX, Repeats::Drop);
        prop_assert_eq!(curve.points.last().map(|point| point.balance), Some(money(1000.0)));
        prop_assert!(curve.points.windows(2).all(|pair| pair[0].time_ms <= pair[1].time_ms));
        for point in &curve.points {
            prop_assert_eq!(point.equity, point.balance + point.unrealized + credit(&deals, point.time_ms));
        }
    }
}

/// The credit after a moment, if there was none in the end.
fn credit(deals: &[Deal], time_ms: i64) -> Money {
    -deals.iter().filter(|deal| deal.time_ms > time_ms).map(Deal::credit_change).sum::<Money>()
}
