//! The guards of accounts.

use access::{Amount, GuardBook, Guarded, Guards, Trip, Tripwire};
use registry::{AccountName, GuardsKept, Registry};

crate::on_both! {
    guards_are_changed_by_who_has_seen_them_last
}

fn floor(units: u64, trip: Option<Trip>) -> GuardBook {
    let guards = Guards { equity_floor: Some(Amount::from_units(units)), ..Guards::default() };
    GuardBook { account: Guarded { guards, trip }, ..GuardBook::default() }
}

async fn guards_are_changed_by_who_has_seen_them_last(registry: &dyn Registry) {
    let (own, other) = (AccountName::new("own"), AccountName::new("other"));
    assert_eq!(registry.guards(&own).await.unwrap(), GuardsKept::default());
    assert!(registry.change_guards(&own, 0, &floor(1, None)).await.unwrap());
    assert_eq!(registry.guards(&own).await.unwrap(), GuardsKept { revision: 1, book: floor(1, None) });
    assert!(!registry.change_guards(&own, 0, &floor(2, None)).await.unwrap(), "somebody was faster");
    assert!(!registry.change_guards(&own, 2, &floor(2, None)).await.unwrap());
    let trip = Trip { by: Tripwire::EquityFloor, day: 20_000, at_ms: 7, close_all: true };
    for revision in 1..12 {
        assert!(registry.change_guards(&own, revision, &floor(revision, Some(trip.clone()))).await.unwrap());
    }
    let kept = registry.guards(&own).await.unwrap();
    assert_eq!(kept, GuardsKept { revision: 12, book: floor(11, Some(trip)) });
    assert_eq!(registry.guards(&other).await.unwrap(), GuardsKept::default());
}
