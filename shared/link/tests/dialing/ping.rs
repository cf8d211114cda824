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
        let Err(LinkError::Egress { .. }) = refused else { panic!("{host}: {refused:?}") };
        let told = error::Error::from(refused.unwrap_err()).detail().to_owned();
        assert_eq!(
            told,
            format!("Connections to {host} are not allowed from this service."),
            "and not to what it is"
        );
    }
    drop(listener);
    let closed = dialer(Egress::Any).ping("127.0.0.1", port).await;
    assert!(matches!(closed, Err(LinkError::Connect { .. })), "{closed:?}");
    let named = dialer(Egress::Any).ping("localhost", port).await.unwrap_err().to_string();
    assert_eq!(named, format!("localhost:{port} cannot be reached"));
    let unknown = dialer(Egress::Any).ping("no such name", port).await;
    assert!(matches!(unknown, Err(LinkError::Resolve { .. })), "{unknown:?}");
}
