//! How far away a server is.

use link::{Dialer, Egress, LinkError, client_config};
use tokio::net::TcpListener;

fn dialer(egress: Egress) -> Dialer {
    Dialer::new(client_config(None).unwrap(), egress)
}

#[tokio::test]
async fn an_open_port_has_a_distance() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for host in ["127.0.0.1", "localhost"] {
        let taken = dialer(Egress::Any).ping(host, port).await.unwrap();
        assert!(!taken.is_zero(), "{host}");
    }
}

#[tokio::test]
async fn what_cannot_be_reached_has_none() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for host in ["127.0.0.1", "localhost", "::1"] {
        let refused = dialer(Egress::Public).ping(host, port).await;
        assert!(matches!(refused, Err(LinkError::Egress { .. })), "{host}: {refused:?}");
    }
    drop(listener);
    let closed = dialer(Egress::Any).ping("127.0.0.1", port).await;
    assert!(matches!(closed, Err(LinkError::Connect { .. })), "{closed:?}");
    let unknown = dialer(Egress::Any).ping("no such name", port).await;
    assert!(matches!(unknown, Err(LinkError::Resolve { .. })), "{unknown:?}");
}
