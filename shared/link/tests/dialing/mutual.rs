//! Servers that ask for a client certificate.

use link::{Dialer, Egress, Endpoint, Identity, LinkError, RetryAdvice};
use rustls::version::{TLS12, TLS13};

use crate::certificates::{Admits, Authority, pfx};
use crate::gateway::{Entry, Gateway, Plan, credentials};

fn identity(authority: &Authority) -> Identity {
    Identity::from_pkcs12(&pfx(&authority.sign("A trader"), &[authority], "x", &[]), "x").unwrap()
}

async fn dial(dialer: &Dialer, scheme: &str, gateway: &Gateway) -> Result<link::Link, LinkError> {
    let endpoint = Endpoint::parse(&format!("{scheme}127.0.0.1"), Some(gateway.addr.port())).unwrap();
    dialer.dial(&endpoint, None, [0; 64]).await
}

/// Code of the error, and whether another attempt could help.
fn told(done: Result<link::Link, LinkError>) -> (&'static str, RetryAdvice) {
    let failure = done.expect_err("the server lets everybody in");
    let retry = failure.retry();
    let problem = error::Error::from(failure);
    assert!(problem.to_string().contains("client certificate"), "{problem}");
    (problem.code().as_str(), retry)
}

#[tokio::test]
async fn a_server_that_asks_gets_the_certificate() {
    let (server, clients) = (Authority::new("Server CA"), Authority::new("Client CA"));
    for version in [&TLS12, &TLS13] {
        let admits = Admits { authority: Some(&clients), versions: &[version] };
        let gateway = Gateway::start(Plan { tls: Some(server.acceptor(&admits)), ..Plan::modern() }).await;
        let nobody = server.dialer(Egress::Any);
        assert_eq!(
            told(dial(&nobody, "wss://", &gateway).await),
            ("CERTIFICATE_REQUIRED", RetryAdvice::Never)
        );
        let foreign = nobody.with_identity(&identity(&Authority::new("Somebody")));
        assert_eq!(
            told(dial(&foreign, "wss://", &gateway).await),
            ("INVALID_CERTIFICATE", RetryAdvice::Never)
        );
        let known = nobody.with_identity(&identity(&clients));
        for scheme in ["wss://", ""] {
            let mut link = dial(&known, scheme, &gateway).await.unwrap();
            assert_eq!(link.login(&credentials()).await.unwrap().session, 77);
        }
    }
}

#[tokio::test]
async fn the_certificates_between_own_and_authority_are_sent_along() {
    let (server, root) = (Authority::new("Server CA"), Authority::new("Root"));
    let between = root.below("Between");
    let admits = Admits { authority: Some(&root), ..Admits::everybody() };
    let gateway = Gateway::start(Plan { tls: Some(server.acceptor(&admits)), ..Plan::modern() }).await;
    let leaf = between.sign("A trader");
    let above: [&[&Authority]; 2] = [&[&between, &root], &[&root, &between]];
    for above in above {
        let identity = Identity::from_pkcs12(&pfx(&leaf, above, "x", &[]), "x").unwrap();
        let dialer = server.dialer(Egress::Any).with_identity(&identity);
        dial(&dialer, "wss://", &gateway).await.unwrap();
    }
    let alone = Identity::from_pkcs12(&pfx(&leaf, &[], "x", &[]), "x").unwrap();
    let dialer = server.dialer(Egress::Any).with_identity(&alone);
    assert_eq!(told(dial(&dialer, "wss://", &gateway).await).0, "INVALID_CERTIFICATE");
}

#[tokio::test]
async fn a_server_that_does_not_ask_is_dialled_all_the_same() {
    let server = Authority::new("Server CA");
    let tls = Some(server.acceptor(&Admits::everybody()));
    let gateway = Gateway::start(Plan { tls, ..Plan::modern() }).await;
    let dialer = server.dialer(Egress::Any).with_identity(&identity(&Authority::new("Client CA")));
    dial(&dialer, "wss://", &gateway).await.unwrap();
}

#[tokio::test]
async fn a_certificate_is_not_dropped_for_a_plain_socket() {
    let server = Authority::new("Server CA");
    let gateway = Gateway::start(Plan::modern()).await;
    let dialer = server.dialer(Egress::Any).with_identity(&identity(&server));
    let refused = dial(&dialer, "ws://", &gateway).await.err().unwrap();
    assert!(refused.to_string().contains("needs wss"), "{refused}");
    assert_eq!(refused.retry(), RetryAdvice::Never);
    // Nobody named a scheme here: this machine is tried with TLS only.
    assert!(matches!(dial(&dialer, "", &gateway).await, Err(LinkError::NotWebTerminal { .. })));
    assert_eq!(gateway.events().iter().filter(|event| event.starts_with("socket")).count(), 0);
}

#[tokio::test]
async fn a_front_end_that_asks_for_the_certificate_in_words_is_understood() {
    const WORDS: &str = "HTTP/1.1 400 Bad Request\r\nContent-Length: 44\r\n\r\n\
                         400 No required SSL certificate was sent....";
    let (server, clients) = (Authority::new("Server CA"), Authority::new("Client CA"));
    // Here everybody passes the handshake, and HTTP decides.
    let admits = Admits { authority: Some(&clients), ..Admits::everybody() };
    let plan =
        Plan { tls: Some(server.lenient_acceptor(&admits)), socket: Entry::Http(WORDS), ..Plan::modern() };
    let gateway = Gateway::start(plan).await;
    let nobody = server.dialer(Egress::Any);
    assert_eq!(told(dial(&nobody, "wss://", &gateway).await).0, "CERTIFICATE_REQUIRED");
    let known = nobody.with_identity(&identity(&clients));
    assert_eq!(told(dial(&known, "wss://", &gateway).await).0, "INVALID_CERTIFICATE");
}
