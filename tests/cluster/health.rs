//! Fronts that do not fit their cluster say so.

use testkit::{Client, Redis, eventually};

use crate::world::{Part, World};

/// Waits until a front is not ready for a reason with these words, and says so in its log.
async fn is_not_ready(front: &Part, words: &str) {
    let http = Client::new(front.address.clone());
    eventually("it says why it is not ready", async || {
        let reply = http.get("/readyz").await;
        (reply.status == 503 && reply.body.contains(words)).then_some(())
    })
    .await;
    eventually("its log says so", async || front.process.stderr().contains(words).then_some(())).await;
    http.get("/healthz").await.ok();
}

fn errors(front: &Part) -> usize {
    front.process.stderr().lines().filter(|line| line.contains("ERROR")).count()
}

#[tokio::test]
async fn a_front_says_what_keeps_it_from_its_cluster() {
    let redis = Redis::start().await;
    let url = redis.url();
    let mut world = World::empty(redis, url, 1).await;
    let front = world.api().await;
    is_not_ready(&front, "no worker").await;
    let worker = world.worker(&[]).await;
    world.workers.push(worker);
    let http = Client::new(front.address.clone());
    eventually("it is ready", async || (http.get("/readyz").await.status == 200).then_some(())).await;
    assert_eq!(errors(&front), 1, "{}", front.process.stderr());

    let stranger = world.api_with(&[("MT5REST_CLUSTER_KEY", "a key that nobody else has")]).await;
    is_not_ready(&stranger, "--cluster-key").await;
    let told = Client::new(stranger.address.clone()).get("/Connect?user=1&password=x&host=h&port=1").await;
    assert_eq!(told.refused(), "SERVICE_NOT_AVAILABLE");
    assert_eq!(errors(&stranger), 1, "{}", stranger.process.stderr());

    // The demo broker's port is no Redis.
    let none = format!("redis://{}", world.broker_addr());
    let lost = world.api_with(&[("MT5REST_REDIS_URL", &none)]).await;
    is_not_ready(&lost, "--redis-url").await;
    assert_eq!(errors(&lost), 1, "{}", lost.process.stderr());
}
