//! Logging in through proxies.

use testkit::{ProxyKind, TestProxy};

use crate::world::{EUR, SERVER, USD, World};

/// How a proxy is named in calls.
const KINDS: [(ProxyKind, &str); 3] =
    [(ProxyKind::Http, "HTTPS"), (ProxyKind::Socks4, "SOCKS4"), (ProxyKind::Socks5, "SOCKS5")];

fn through(proxy: &TestProxy, kind: &str, user: &str, password: &str) -> String {
    let (host, port) = (proxy.addr().ip(), proxy.addr().port());
    format!("proxyHost={host}&proxyPort={port}&proxyType={kind}&proxyUser={user}&proxyPassword={password}")
}

#[tokio::test]
async fn every_kind_of_proxy_carries_a_session() {
    for (kind, name) in KINDS {
        let world = World::start().await;
        let proxy = TestProxy::start(kind, "someone", "secret").await;
        let (host, port) = (world.broker_addr.ip(), world.broker_addr.port());
        let path = format!(
            "/ConnectProxy?user={USD}&password=demo&host={host}&port={port}&{}",
            through(&proxy, name, "someone", "secret")
        );
        let token = world.http.get(&path).await.ok().body;
        let summary = world.http.get(&format!("/AccountSummary?id={token}")).await.ok().json();
        assert_eq!(summary["currency"], "USD", "{name}");
        assert!(proxy.tunnels() > 0, "{name} was not used");
    }
}

#[tokio::test]
async fn a_proxy_that_sends_the_user_away_is_told() {
    for (kind, name) in KINDS {
        let world = World::start().await;
        let proxy = TestProxy::start(kind, "someone", "secret").await;
        let (host, port) = (world.broker_addr.ip(), world.broker_addr.port());
        let path = format!(
            "/ConnectProxy?user={USD}&password=demo&host={host}&port={port}&{}",
            through(&proxy, name, "another", "wrong-one")
        );
        let refused = world.http.get(&path).await;
        assert_eq!(refused.status, 201, "{name}: {refused:?}");
        assert!(refused.body.contains("proxy"), "{name}: {}", refused.body);
        assert!(!refused.body.contains("wrong-one"), "{name}: {}", refused.body);
        assert!(proxy.refusals() > 0 && proxy.tunnels() == 0, "{name}");
    }
}

#[tokio::test]
async fn servers_by_name_are_reached_through_a_proxy_too() {
    let world = World::start().await;
    let proxy = TestProxy::start(ProxyKind::Socks5, "someone", "secret").await;
    let path = format!(
        "/ConnectProxyEx?user={EUR}&password=demo&server={SERVER}&{}",
        through(&proxy, "SOCKS5", "someone", "secret")
    );
    let token = world.http.get(&path).await.ok().body;
    assert_eq!(world.http.get(&format!("/AccountSummary?id={token}")).await.ok().json()["currency"], "EUR");
    assert!(proxy.tunnels() > 0);
}
