//! A front says whether it and its cluster fit together.

use std::time::{Duration, Instant};

use bus::{Ask, Backend, Readiness};
use cluster::ClusterKey;
use error::{Code, Outcome};

use crate::fake_owner::{Worker, World, ask, until};

async fn is_not_ready(world: &World, words: &str) {
    let says = || match world.router.readiness() {
        Readiness::NotReady(why) => why.contains(words),
        _ => false,
    };
    until(&format!("it is not ready: {words}"), says).await;
}

async fn is_ready(world: &World) {
    until("it is ready", || world.router.readiness() == Readiness::Ready).await;
}

async fn refusal(world: &World, token: &str) -> (Code, Option<Outcome>, String) {
    // Callers do not wait long here: a worker may be about to come.
    let order =
        Ask { deadline: Instant::now() + Duration::from_millis(200), ..ask("OrderSend", &[("id", token)]) };
    let error = world.router.ask(order).await.result.unwrap_err();
    (error.code(), error.outcome(), error.detail().to_owned())
}

#[tokio::test]
async fn without_workers_nobody_is_told_that_one_is_about_to_come() {
    let world = World::new();
    is_not_ready(&world, "no worker").await;
    world.registry.orphan("t");
    let (code, outcome, told) = refusal(&world, "t").await;
    assert_eq!((code, outcome), (Code::ServiceNotAvailable, Some(Outcome::NotSent)), "{told}");
    let _worker = world.worker("a").await;
    is_ready(&world).await;
    world.registry.remove_worker("a");
    is_not_ready(&world, "no worker").await;
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_told() {
    let world = World::new();
    let _worker = world.worker("a").await;
    for (registry_ahead, words) in [(-3_600_500, "3600 s ahead of"), (3_600_500, "3600 s behind")] {
        world.registry.state().clock_ahead_ms = registry_ahead;
        is_not_ready(&world, words).await;
    }
    world.registry.state().clock_ahead_ms = 20_000;
    is_ready(&world).await;
}

#[tokio::test]
async fn a_cluster_key_of_its_own_is_told_to_operators_and_callers() {
    let world = World::new();
    let stranger = ClusterKey::new("a key that nobody else has got").unwrap();
    let worker = Worker::with_key(&world.tasks, "a", stranger).await;
    world.registry.add_worker("a", &worker.address);
    world.own("t", &worker, 1);
    is_not_ready(&world, "--cluster-key").await;
    let (code, outcome, told) = refusal(&world, "t").await;
    assert_eq!((code, outcome), (Code::ServiceNotAvailable, Some(Outcome::NotSent)), "{told}");
    // One worker with another key does not make the front a stranger.
    let _good = world.worker("b").await;
    is_ready(&world).await;
}

#[tokio::test]
async fn workers_that_cannot_be_reached_are_told() {
    let world = World::new();
    world.registry.add_worker("a", "127.0.0.1:1");
    is_not_ready(&world, "127.0.0.1:1").await;
}

#[tokio::test]
async fn a_registry_that_was_never_there_differs_from_one_that_is_away() {
    let world = World::new();
    let _worker = world.worker("a").await;
    world.registry.state().is_down = true;
    is_not_ready(&world, "the registry does not answer").await;
    world.registry.state().is_down = false;
    is_ready(&world).await;
    world.registry.state().is_down = true;
    let is_impaired = || matches!(world.router.readiness(), Readiness::Impaired(why) if why.contains("down"));
    until("it says what it misses", is_impaired).await;
}
