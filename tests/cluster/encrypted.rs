//! Calls between the processes by TLS.

use testkit::{Client, Redis, Scratch, eventually};

use crate::world::{World, is_ready};

#[tokio::test]
async fn workers_with_certificates_are_called_by_tls_and_not_otherwise() {
    let folder = Scratch::new("internal-tls");
    let names = ["localhost", "127.0.0.1"].map(str::to_owned);
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let certificate = folder.file("worker.pem", &made.cert.pem()).display().to_string();
    let key = folder.file("worker.key", &made.signing_key.serialize_pem()).display().to_string();
    let trust = ("MT5REST_INTERNAL_TLS_CA", certificate.as_str());
    let identity =
        [trust, ("MT5REST_INTERNAL_TLS_CERT", &certificate), ("MT5REST_INTERNAL_TLS_KEY", key.as_str())];
    let redis = Redis::start().await;
    let url = redis.url();
    let mut world = World::empty(redis, url, 1).await;
    world.workers.push(world.worker(&identity).await);
    // Fronts are told whom to trust first; then workers change over one by one.
    world.apis.push(world.api_with(&[trust]).await);
    world.is_ready().await;
    let session = world.connect(0).await;
    let ticket = session.buy("by-tls").await;

    // From worker to worker, too.
    let next = world.worker(&identity).await;
    is_ready(&next).await;
    world.workers[0].process.signal("TERM");
    world.workers[0].process.end().await;
    assert_eq!(session.tickets().await, [ticket]);

    let plain = Client::new(next.address.clone());
    let refused = plain.get("/ask").await;
    assert_eq!(refused.status, 400, "{refused:?}");
    assert!(refused.body.contains("TLS"), "{refused:?}");

    let strangers = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let strangers = folder.file("other.pem", &strangers.cert.pem()).display().to_string();
    for (more, words) in [(None, "--internal-tls-ca"), (Some(strangers.as_str()), "certificate")] {
        let more = more.map(|file| ("MT5REST_INTERNAL_TLS_CA", file));
        let front = world.api_with(more.as_slice()).await;
        let http = Client::new(front.address.clone());
        eventually("it says why it is not ready", async || {
            let reply = http.get("/readyz").await;
            (reply.status == 503 && reply.body.contains(words)).then_some(())
        })
        .await;
    }
}
