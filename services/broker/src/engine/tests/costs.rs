//! What positions are told to have cost, against the account that their deals give.

use std::collections::BTreeMap;

use model::{DealType, Money, Side, SwapMode};
use proptest::prelude::*;

use super::properties::{mode, step};
use super::world::*;
use crate::catalogue::*;
use crate::engine::*;

/// Six cents a hundredth of a lot and deal: parts of it do not come out even.
static ODD: [CommissionRule; 1] = [CommissionRule {
    mask: "*",
    entry: CommissionEntry::All,
    range: CommissionRange::Volume,
    tiers: &[CommissionTier {
        unit: CommissionUnit::Deposit,
        per: CommissionPer::Lot,
        value: 6.37,
        from: 0.0,
        to: f64::MAX,
        minimal: 0.0,
        maximal: 0.0,
    }],
}];

/// A deal as the account of its position takes it.
fn counted(deal: &Deal) -> statistics::Deal {
    let entry = deal.entry;
    let side = if deal.kind == DealType::Sell { Side::Sell } else { Side::Buy };
    let kind = match statistics::DealKind::of_money(deal.kind) {
        Some(money) => money,
        None if deal.reason.is_service() => statistics::DealKind::Service { entry, price: deal.price },
        None => statistics::DealKind::Trade { side, entry, volume: deal.volume, price: deal.price },
    };
    statistics::Deal {
        ticket: deal.ticket.0,
        position: deal.position.map_or(0, |id| id.0),
        time_ms: deal.time.ms(),
        symbol: "".into(),
        kind,
        profit: deal.profit,
        swap: deal.swap,
        commission: deal.commission,
        fee: Money::ZERO,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn records_of_positions_have_the_costs_that_no_closing_has_taken(
        mode in mode(),
        reopens in any::<bool>(),
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut catalogue = Catalogue::built_in(MarketHours::Always);
        if reopens {
            catalogue = edited("EURUSD", |symbol| symbol.swap.mode = SwapMode::ReopenClose);
        }
        let (margin_mode, fifo) = mode;
        let mut world = World::agreed(catalogue, Limits::default(), |terms| {
            (terms.margin_mode, terms.fifo, terms.commissions) = (margin_mode, fifo, &ODD);
        });
        for step in &steps {
            world.step(step);
            for login in [USD, EUR] {
                let deals: Vec<statistics::Deal> = world.deals(login).iter().map(counted).collect();
                let (mut open, mut closed) = (BTreeMap::new(), Money::ZERO);
                for deal in deals.iter().filter(|deal| deal.kind.is_of_position()) {
                    let held = open.entry(deal.position).or_insert(statistics::Open::NONE);
                    closed += held.take(deal, 2).amounts.net();
                }
                let mut left = Money::ZERO;
                for position in world.engine.snapshot(login).unwrap().positions {
                    let held = open[&position.id.0];
                    prop_assert_eq!(position.commission, held.booked.commission, "{:?}", position);
                    left += held.booked.net();
                }
                let traded: Money = deals.iter().filter(|one| one.kind.is_of_position()).map(statistics::Deal::amount).sum();
                prop_assert_eq!(closed + left, traded);
            }
        }
    }
}
