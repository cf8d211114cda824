//! Workers.

use std::time::Duration;

use registry::{Beat, Lease, Registry, WorkerInfo};
use testkit::eventually;

use crate::tools::{beat, live, worker};

crate::on_both! {
    its_clock_is_that_of_this_machine
    a_worker_lives_from_its_first_heartbeat_until_it_leaves
    a_heartbeat_that_ran_out_never_comes_back
    renewing_never_creates
    a_dead_id_is_listed_as_long_as_it_has_sessions
    a_burst_is_spread
    sessions_of_a_broker_come_together_up_to_a_limit
    full_and_closed_and_unwanted_workers_get_nothing
}

async fn ids(registry: &dyn Registry) -> Vec<String> {
    let mut ids: Vec<_> =
        registry.workers().await.unwrap().into_iter().map(|info| info.worker.to_string()).collect();
    ids.sort();
    ids
}

async fn its_clock_is_that_of_this_machine(registry: &dyn Registry) {
    let ahead = registry.clock_ahead_ms().await.unwrap();
    assert!(ahead.unsigned_abs() < 1000, "{ahead} ms");
}

async fn a_worker_lives_from_its_first_heartbeat_until_it_leaves(registry: &dyn Registry) {
    assert_eq!(registry.workers().await.unwrap(), []);
    registry.join(&Beat { is_open: false, ..beat("one", 3) }).await.unwrap();
    let expected = WorkerInfo {
        worker: worker("one"),
        address: "one:80".to_owned(),
        sessions: 3,
        sessions_max: 1_000,
        is_open: false,
    };
    assert_eq!(registry.workers().await.unwrap(), [expected]);
    assert_eq!(registry.beat(&beat("one", 7)).await.unwrap(), Lease::Kept);
    let info = registry.workers().await.unwrap().remove(0);
    assert_eq!((info.sessions, info.is_open), (7, true));

    registry.leave(&worker("one")).await.unwrap();
    assert_eq!(registry.workers().await.unwrap(), []);
    assert_eq!(registry.beat(&beat("one", 7)).await.unwrap(), Lease::Lost);
    registry.leave(&worker("one")).await.unwrap();
}

async fn a_heartbeat_that_ran_out_never_comes_back(registry: &dyn Registry) {
    let short = Beat { ttl: Duration::from_millis(60), ..beat("one", 0) };
    registry.join(&short).await.unwrap();
    registry.join(&beat("two", 0)).await.unwrap();
    eventually("the heartbeat runs out", async || (ids(registry).await == ["two"]).then_some(())).await;
    assert_eq!(registry.beat(&beat("one", 0)).await.unwrap(), Lease::Lost);
    assert!(registry.join(&beat("one", 0)).await.is_err(), "an id that is dead joins");
    assert_eq!(ids(registry).await, ["two"]);
}

async fn renewing_never_creates(registry: &dyn Registry) {
    assert_eq!(registry.beat(&beat("one", 0)).await.unwrap(), Lease::Lost);
    assert_eq!(ids(registry).await, [""; 0]);
    // Renewing in time keeps it for longer than its first heartbeat was good.
    registry.join(&Beat { ttl: Duration::from_millis(60), ..beat("two", 0) }).await.unwrap();
    assert_eq!(registry.beat(&beat("two", 0)).await.unwrap(), Lease::Kept);
    registry.join(&Beat { ttl: Duration::from_millis(120), ..beat("three", 0) }).await.unwrap();
    eventually("the other runs out", async || (ids(registry).await == ["two"]).then_some(())).await;
}

async fn a_dead_id_is_listed_as_long_as_it_has_sessions(registry: &dyn Registry) {
    for id in ["one", "two"] {
        registry.join(&beat(id, 0)).await.unwrap();
    }
    live(registry, "token", "one").await;
    assert_eq!(registry.dead().await.unwrap(), []);
    registry.leave(&worker("one")).await.unwrap();
    registry.leave(&worker("two")).await.unwrap();
    assert_eq!(registry.dead().await.unwrap(), [worker("one")]);
    registry.claim("token", &worker("one"), &worker("three")).await.unwrap().unwrap();
    assert_eq!(registry.dead().await.unwrap(), []);
}

async fn a_burst_is_spread(registry: &dyn Registry) {
    for id in ["one", "two", "three", "four"] {
        registry.join(&beat(id, 0)).await.unwrap();
    }
    for _ in 0..200 {
        let place = registry.place("broker", &[]).await.unwrap().unwrap();
        assert_eq!(place.address, format!("{}:80", place.worker));
    }
    let sessions: Vec<_> = registry.workers().await.unwrap().iter().map(|info| info.sessions).collect();
    assert_eq!(sessions.iter().sum::<u32>(), 200);
    assert!(sessions.iter().all(|count| (35..=65).contains(count)), "{sessions:?}");
}

async fn sessions_of_a_broker_come_together_up_to_a_limit(registry: &dyn Registry) {
    registry.join(&Beat { brokers: vec!["broker".to_owned()], ..beat("one", 0) }).await.unwrap();
    for id in ["two", "three", "four"] {
        registry.join(&beat(id, 0)).await.unwrap();
    }
    let mut alone = 0;
    while registry.place("broker", &[]).await.unwrap().unwrap().worker == worker("one") {
        alone += 1;
        assert!(alone < 100, "it gets everything");
    }
    // 1.25 times the mean of four workers, and 8: n > 1.25 n / 4 + 8 first holds for 12.
    assert!(alone >= 12, "only {alone} came together");
    // Others' brokers do not prefer it: of two that are compared the emptier one is chosen.
    for _ in 0..6 {
        assert_ne!(registry.place("other", &[]).await.unwrap().unwrap().worker, worker("one"));
    }
}

async fn full_and_closed_and_unwanted_workers_get_nothing(registry: &dyn Registry) {
    assert_eq!(registry.place("broker", &[]).await.unwrap(), None);
    registry.join(&Beat { sessions_max: 2, ..beat("full", 1) }).await.unwrap();
    registry.join(&Beat { is_open: false, ..beat("closed", 0) }).await.unwrap();
    registry.join(&beat("unwanted", 0)).await.unwrap();
    let unwanted = [worker("unwanted")];
    assert_eq!(registry.place("broker", &unwanted).await.unwrap().unwrap().worker, worker("full"));
    assert_eq!(registry.place("broker", &unwanted).await.unwrap(), None);
    assert_eq!(registry.place("broker", &[]).await.unwrap().unwrap().worker, worker("unwanted"));
}
