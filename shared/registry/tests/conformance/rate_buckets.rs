//! Token buckets.

use std::time::Duration;

use access::Rate;
use futures_util::future::join_all;
use registry::{Drawn, Registry};
use testkit::eventually;

crate::on_both! {
    a_bucket_holds_its_quota_and_grants_in_batches
    who_needs_more_than_there_is_gets_nothing_and_a_time
    what_was_drawn_comes_back
    who_needs_more_than_a_bucket_holds_waits_until_it_is_full
    of_many_who_draw_at_once_no_more_is_granted_than_there_is
    buckets_of_other_names_are_others
}

/// So slow that nothing comes back during a test.
fn slow(quota: u32) -> Rate {
    Rate::new(quota, 3_600).unwrap()
}

async fn draw(registry: &dyn Registry, bucket: &str, rate: Rate, need: u32, most: u32) -> Drawn {
    registry.draw(bucket, rate, need, most).await.unwrap()
}

async fn a_bucket_holds_its_quota_and_grants_in_batches(registry: &dyn Registry) {
    let rate = slow(100);
    assert_eq!(draw(registry, "a", rate, 1, 30).await, Drawn::Granted(30));
    assert_eq!(draw(registry, "a", rate, 1, 60).await, Drawn::Granted(60));
    assert_eq!(draw(registry, "a", rate, 1, 30).await, Drawn::Granted(10));
    assert!(matches!(draw(registry, "a", rate, 1, 30).await, Drawn::Wait(_)));
}

async fn who_needs_more_than_there_is_gets_nothing_and_a_time(registry: &dyn Registry) {
    let rate = slow(36);
    assert_eq!(draw(registry, "a", rate, 30, 30).await, Drawn::Granted(30));
    let Drawn::Wait(time) = draw(registry, "a", rate, 8, 8).await else { panic!("more than there is") };
    assert!(time > Duration::from_secs(190) && time <= Duration::from_secs(200), "{time:?}");
    assert_eq!(draw(registry, "a", rate, 6, 6).await, Drawn::Granted(6), "a refusal takes nothing");
}

async fn what_was_drawn_comes_back(registry: &dyn Registry) {
    let rate = Rate::new(20, 1).unwrap();
    assert_eq!(draw(registry, "a", rate, 20, 20).await, Drawn::Granted(20));
    eventually("some of it is back", async || {
        matches!(draw(registry, "a", rate, 2, 2).await, Drawn::Granted(2)).then_some(())
    })
    .await;
}

async fn who_needs_more_than_a_bucket_holds_waits_until_it_is_full(registry: &dyn Registry) {
    let rate = slow(10);
    assert_eq!(draw(registry, "a", rate, 25, 25).await, Drawn::Granted(25));
    let Drawn::Wait(time) = draw(registry, "a", rate, 1, 1).await else { panic!("more than there is") };
    assert!(time > Duration::from_secs(5_000), "what was too much is paid off: {time:?}");
    assert_eq!(draw(registry, "b", rate, 1, 1).await, Drawn::Granted(1));
    assert!(matches!(draw(registry, "b", rate, 25, 25).await, Drawn::Wait(_)));
}

async fn of_many_who_draw_at_once_no_more_is_granted_than_there_is(registry: &dyn Registry) {
    let all = join_all((0..50).map(|_| draw(registry, "a", slow(100), 1, 7))).await;
    let granted: u32 = all.iter().map(|one| if let Drawn::Granted(some) = one { *some } else { 0 }).sum();
    assert_eq!(granted, 100);
}

async fn buckets_of_other_names_are_others(registry: &dyn Registry) {
    for bucket in ["key/a/requests", "key/a/orders", "tenant/a/requests", "}{", ""] {
        assert_eq!(draw(registry, bucket, slow(5), 5, 5).await, Drawn::Granted(5), "{bucket}");
        assert!(matches!(draw(registry, bucket, slow(5), 1, 1).await, Drawn::Wait(_)), "{bucket}");
    }
}
