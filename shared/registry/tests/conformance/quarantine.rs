//! Sessions that kill their owners.

use std::time::Duration;

use registry::{Fence, Record, Registry, Routed, Unclaimed, Written};

use crate::tools::{beat, bytes, live, worker};

crate::on_both! {
    two_owners_that_die_of_a_session_put_it_into_quarantine
    an_owner_that_has_stood_a_session_says_nothing_by_its_death
    who_takes_his_own_session_has_not_died
    who_gives_a_session_away_has_not_died
}

/// The next one takes the session from one that is dead.
async fn taken(registry: &dyn Registry, from: &str, to: &str) -> Result<Record, Unclaimed> {
    registry.claim("token", &worker(from), &worker(to)).await.unwrap()
}

/// The session is with its second owner, which has it on trial.
async fn on_trial(registry: &dyn Registry) -> Fence {
    live(registry, "token", "w1").await;
    taken(registry, "w1", "w2").await.unwrap().fence
}

fn seconds(left: Duration) -> u64 {
    left.as_millis().div_ceil(1000).try_into().unwrap()
}

async fn two_owners_that_die_of_a_session_put_it_into_quarantine(registry: &dyn Registry) {
    on_trial(registry).await;
    assert_eq!(registry.quarantined().await.unwrap(), []);
    assert!(!registry.release("token").await.unwrap() && !registry.release("none").await.unwrap());
    let third = taken(registry, "w2", "w3").await.unwrap();
    let mut owner = "w3".to_owned();
    for (times, span) in [(1, 10), (2, 20), (3, 40)] {
        for attempt in 0..2 {
            // Whoever else comes meanwhile is told the same, and it is not counted again.
            let Err(Unclaimed::Quarantined(left)) = taken(registry, &owner, "w4").await else {
                panic!("it was taken")
            };
            assert!(seconds(left) <= span && seconds(left) > span - 8, "{attempt}: {left:?}");
        }
        let Routed::Quarantined { left } = registry.route("token").await.unwrap() else { panic!("not told") };
        assert!(seconds(left) <= span, "{left:?}");
        let all = registry.quarantined().await.unwrap();
        assert_eq!((all.len(), all[0].times, &all[0].owner), (1, times, &worker(&owner)), "{all:?}");
        assert_eq!((&*all[0].token, &all[0].account), ("token", &third.account));
        assert_eq!(
            registry.tokens_at(&worker(&owner), 10).await.unwrap(),
            [""; 0],
            "nobody looks for it there"
        );
        assert_eq!(registry.tokens_of(&third.account).await.unwrap(), ["token"]);
        // An administrator lets it out; the next death costs twice as much.
        assert!(registry.release("token").await.unwrap());
        assert_eq!(registry.quarantined().await.unwrap()[0].left, Duration::ZERO);
        assert!(matches!(registry.route("token").await.unwrap(), Routed::Orphan { .. }));
        let next = format!("next{times}");
        let record = taken(registry, &owner, &next).await.unwrap();
        assert!(record.fence > third.fence);
        assert_eq!(registry.quarantined().await.unwrap(), []);
        assert_eq!(registry.tokens_at(&worker(&next), 10).await.unwrap(), ["token"]);
        owner = next;
    }
}

async fn an_owner_that_has_stood_a_session_says_nothing_by_its_death(registry: &dyn Registry) {
    let mut fence = on_trial(registry).await;
    for (from, to) in [("w2", "w3"), ("w3", "w4"), ("w4", "w5"), ("w5", "w6")] {
        assert_eq!(registry.stood("token", Fence(fence.0 - 1)).await.unwrap(), Written::Stale);
        assert_eq!(registry.stood("token", fence).await.unwrap(), Written::Yes);
        fence = taken(registry, from, to).await.unwrap().fence;
    }
    assert_eq!(registry.stood("none", fence).await.unwrap(), Written::Stale);
}

async fn who_takes_his_own_session_has_not_died(registry: &dyn Registry) {
    on_trial(registry).await;
    for (from, to) in [("w2", "w2"), ("w2", "w2b"), ("w2b", "w2c"), ("w2c", "w2c")] {
        registry.reclaim("token", &worker(from), &worker(to)).await.unwrap().unwrap();
    }
    taken(registry, "w2c", "w3").await.unwrap();
}

async fn who_gives_a_session_away_has_not_died(registry: &dyn Registry) {
    for id in ["w1", "w2"] {
        registry.join(&beat(id, 0)).await.unwrap();
    }
    live(registry, "token", "w1").await;
    registry.leave(&worker("w1")).await.unwrap();
    // What cannot be served is given back, to be found where it was.
    for _ in 0..3 {
        let fence = taken(registry, "w1", "w2").await.unwrap().fence;
        assert_eq!(registry.dead().await.unwrap(), []);
        registry.give("token", fence, &worker("w1"), &bytes("memo")).await.unwrap().unwrap();
        assert_eq!(registry.dead().await.unwrap(), [worker("w1")]);
        assert_eq!(registry.tokens_at(&worker("w1"), 10).await.unwrap(), ["token"]);
    }
    taken(registry, "w1", "w3").await.unwrap();
}
