//! Encrypted links.

use broker::TlsFiles;
use testkit::Scratch;

use crate::world::{USD, World, manual};

/// A certificate for this machine by name, which nobody trusts.
pub(crate) fn certificate(folder: &Scratch) -> TlsFiles {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    TlsFiles {
        cert: folder.file("cert.pem", &made.cert.pem()),
        key: folder.file("key.pem", &made.signing_key.serialize_pem()),
        client_ca: None,
    }
}

fn path(world: &World, host: &str) -> String {
    format!("/Connect?user={USD}&password=demo&host={host}&port={}", world.broker_addr.port())
}

#[tokio::test]
async fn a_trusted_certificate_carries_a_session() {
    let folder = Scratch::new("tls");
    let files = certificate(&folder);
    let trusting = worker::Settings { extra_ca: Some(files.cert.clone()), ..worker::Settings::default() };
    let world =
        World::build(broker::Settings { tls: Some(files), ..manual() }, trusting, api::Settings::default())
            .await;
    let token = world.http.get(&path(&world, "wss://localhost")).await.ok().body;
    let summary = world.http.get(&format!("/AccountSummary?id={token}")).await.ok().json();
    assert_eq!(summary["currency"], "USD");
}

#[tokio::test]
async fn an_unknown_certificate_is_refused_with_the_reason() {
    let folder = Scratch::new("tls");
    let settings = broker::Settings { tls: Some(certificate(&folder)), ..manual() };
    let world = World::with(settings).await;
    let refused = world.http.get(&path(&world, "wss://localhost")).await;
    assert_eq!(refused.status, 201, "{refused:?}");
    assert!(refused.body.to_lowercase().contains("certificate"), "{}", refused.body);
    world.http.get(&path(&world, "ws://127.0.0.1")).await.ok();
}
