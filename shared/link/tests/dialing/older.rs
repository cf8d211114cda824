//! Gateways that name token and key on a page (protocol, section 16).

use std::sync::Arc;

use link::{Dialer, Egress, Endpoint, Identity, Link, LinkError, Proxy, client_config};
use testkit::{ProxyKind, TestProxy};

use crate::certificates::{Admits, Authority, pfx};
use crate::gateway::{Entry, Gateway, LOGIN, Page, Plan, answer, credentials, document};

fn older(socket: Entry) -> Plan {
    Plan { tls: None, page: Arc::new(|own| document(&format!("{own}/terminal"))), socket }
}

fn plain() -> Dialer {
    Dialer::new(client_config(None).unwrap(), Egress::Any)
}

fn endpoint(scheme: &str, gateway: &Gateway) -> Endpoint {
    Endpoint::parse(&format!("{scheme}127.0.0.1"), Some(gateway.addr.port())).unwrap()
}

async fn dial(dialer: &Dialer, scheme: &str, gateway: &Gateway) -> Result<Link, LinkError> {
    dialer.dial(&endpoint(scheme, gateway), None, [0; 64]).await
}

/// Logs in, and fails to with another account: the link is encrypted right in both directions.
async fn use_it(mut link: Link) {
    let mut other = credentials();
    other.login = 1;
    assert!(matches!(link.login(&other).await, Err(LinkError::Refused { code: 3, .. })));
    assert_eq!(link.login(&credentials()).await.unwrap().session, 77);
    assert_eq!(link.token(), [0; 64]);
}

const SOCKET: &str = "socket /terminal from https://127.0.0.1";
const PAGE: &str = "page /terminal/json";

#[tokio::test]
async fn a_gateway_without_a_key_is_asked_for_its_page() {
    let authority = Authority::new("Server CA");
    for socket in [Entry::Older, Entry::Strict] {
        for scheme in ["ws://", "wss://"] {
            let tls = (scheme == "wss://").then(|| authority.acceptor(&Admits::everybody()));
            let gateway = Gateway::start(Plan { tls, ..older(socket) }).await;
            let link = dial(&authority.dialer(Egress::Any), scheme, &gateway).await.unwrap();
            use_it(link).await;
            let login = format!("login {LOGIN}");
            let path = [SOCKET, "bootstrap", PAGE, SOCKET, "bootstrap with its token", "login 1", &login];
            assert_eq!(gateway.events(), path);
        }
    }
}

#[tokio::test]
async fn on_this_machine_no_scheme_is_needed() {
    for socket in [Entry::Older, Entry::Strict] {
        let gateway = Gateway::start(older(socket)).await;
        use_it(dial(&plain(), "", &gateway).await.unwrap()).await;
    }
}

#[tokio::test]
async fn the_address_of_a_page_is_asked_first() {
    let authority = Authority::new("Server CA");
    for scheme in ["http://", "https://"] {
        let tls = (scheme == "https://").then(|| authority.acceptor(&Admits::everybody()));
        let gateway = Gateway::start(Plan { tls: tls.clone(), ..older(Entry::Strict) }).await;
        use_it(dial(&authority.dialer(Egress::Any), scheme, &gateway).await.unwrap()).await;
        assert_eq!(gateway.events()[..3], [PAGE, SOCKET, "bootstrap with its token"]);
        // Without a page it is as good as the address of the Web Terminal.
        let modern = Gateway::start(Plan { tls, ..Plan::modern() }).await;
        dial(&authority.dialer(Egress::Any), scheme, &modern).await.unwrap();
        assert_eq!(modern.events(), [PAGE, SOCKET, "bootstrap"]);
    }
}

#[tokio::test]
async fn the_page_may_name_another_server() {
    let authority = Authority::new("Server CA");
    let tls = Some(authority.acceptor(&Admits::everybody()));
    let other = Gateway::start(Plan { tls, ..older(Entry::Strict) }).await;
    let there = format!("wss://{}/mt5/socket", other.addr);
    let page: Page = Arc::new(move |_| document(&there));
    let refusal = Entry::Http("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    let asked = Gateway::start(Plan { tls: None, page, socket: refusal }).await;
    // From a plain page to a socket with TLS: that is better, and thus allowed.
    let endpoint = Endpoint::parse("ws://localhost", Some(asked.addr.port())).unwrap();
    let link = authority.dialer(Egress::Any).dial(&endpoint, None, [0; 64]).await.unwrap();
    use_it(link).await;
    assert_eq!(other.events()[0], "socket /mt5/socket from https://localhost");
    assert_eq!(asked.events(), ["socket /terminal from https://localhost", PAGE]);
}

#[tokio::test]
async fn a_proxy_carries_all_of_it() {
    let gateway = Gateway::start(older(Entry::Strict)).await;
    let running = TestProxy::start(ProxyKind::Http, "me", "secret").await;
    let proxy = Proxy {
        kind: link::ProxyKind::Https,
        host: "127.0.0.1".into(),
        port: running.addr().port(),
        user: "me".into(),
        password: "secret".into(),
    };
    let endpoint = endpoint("ws://", &gateway);
    use_it(plain().dial(&endpoint, Some(&proxy), [0; 64]).await.unwrap()).await;
    assert_eq!(running.tunnels(), 3);
}

#[tokio::test]
async fn a_gateway_that_is_switched_off_says_so() {
    for enabled in ["false", "0"] {
        let body = format!(r#"{{"signal_server":"","enabled":{enabled}}}"#);
        let page: Page = Arc::new(move |_| answer("200 OK", &body));
        let gateway = Gateway::start(Plan { page, ..older(Entry::Older) }).await;
        for scheme in ["ws://", "http://"] {
            let refused = dial(&plain(), scheme, &gateway).await.unwrap_err();
            assert!(refused.to_string().contains("switched off"), "{refused}");
            assert_eq!(error::Error::from(refused).code().as_str(), "SERVICE_NOT_AVAILABLE");
        }
    }
}

#[tokio::test]
async fn documents_are_read_in_every_form_of_http() {
    let forms: [fn(&str) -> String; 3] = [
        |body| format!("HTTP/1.1 200 OK\r\n\r\n{body}"),
        |body| format!("HTTP/1.0 200 Fine\r\ncontent-length:  {}\r\n\r\n{body} behind", body.len()),
        |body| {
            let (first, second) = body.split_at(20);
            format!(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n14\r\n{first}\r\n{:x};ext=1\r\n{second}\r\n0\r\n\r\n",
                second.len()
            )
        },
    ];
    for form in forms {
        let page: Page = Arc::new(move |own| {
            let whole = String::from_utf8(document(&own.to_string())).unwrap();
            form(whole.split_once("\r\n\r\n").unwrap().1).into_bytes()
        });
        let gateway = Gateway::start(Plan { page, ..older(Entry::Strict) }).await;
        use_it(dial(&plain(), "http://", &gateway).await.unwrap()).await;
    }
}

/// Answers that are no document, whatever they are.
fn useless(bait: &Gateway) -> Vec<Vec<u8>> {
    let good = String::from_utf8(document(&bait.addr.to_string())).unwrap();
    let body = good.split_once("\r\n\r\n").unwrap().1.to_owned();
    let edited = |old: &str, new: &str| {
        assert!(body.contains(old), "{old}");
        answer("200 OK", &body.replace(old, new))
    };
    let moved = format!("HTTP/1.1 302 Found\r\nLocation: http://{}/\r\nContent-Length: 0\r\n\r\n", bait.addr);
    vec![
        moved.clone().into_bytes(),
        moved.replace("302 Found", "307 Temporary Redirect").into_bytes(),
        answer("500 Internal Server Error", &body),
        answer("200 OK", "<html>"),
        answer("200 OK", "[]"),
        answer("200 OK", "{}"),
        answer("200 OK", &"[".repeat(30_000)),
        edited("5a5a", ""),
        edited("5a5a", "5a5z"),
        edited(r#""key":""#, r#""key":"00"#),
        edited(r#""token":""#, r#""token":"7"#),
        edited(r#""token":"7777"#, r#""token":"77é7"#),
        edited(&bait.addr.to_string(), ""),
        edited(&bait.addr.to_string(), "ftp://x"),
        edited(&bait.addr.to_string(), "a b"),
        edited(&bait.addr.to_string(), "x\\r\\nHost: y"),
        // Too long in body, head and announcement; shorter than announced.
        answer("200 OK", &format!("{}{body}", " ".repeat(100_000))),
        format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n{body}", "x".repeat(100_000)).into_bytes(),
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", u64::MAX).into_bytes(),
        format!("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{body}").into_bytes(),
        format!("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{body}").into_bytes(),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{".to_vec(),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}".to_vec(),
        b"\x00\x01\x02\r\n\r\n".to_vec(),
        Vec::new(),
    ]
}

#[tokio::test]
async fn without_a_document_the_error_is_what_it_was() {
    let bait = Gateway::start(Plan::modern()).await;
    let expected = {
        let gateway = Gateway::start(Plan { socket: Entry::Older, ..Plan::modern() }).await;
        let refused = dial(&plain(), "ws://", &gateway).await.unwrap_err();
        assert!(matches!(refused, LinkError::Protocol { .. }), "{refused:?}");
        assert_eq!(gateway.events(), [SOCKET, "bootstrap", PAGE]);
        format!("{refused:?}")
    };
    for bytes in useless(&bait) {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).into_owned();
        let page: Page = Arc::new(move |_| bytes.clone());
        let gateway = Gateway::start(Plan { page, ..older(Entry::Older) }).await;
        for scheme in ["ws://", "http://"] {
            let refused = dial(&plain(), scheme, &gateway).await.unwrap_err();
            assert_eq!(format!("{refused:?}"), expected, "{scheme} {shown}");
        }
        assert_eq!(gateway.events(), [SOCKET, "bootstrap", PAGE, PAGE, SOCKET, "bootstrap"], "{shown}");
    }
    assert_eq!(bait.events(), [""; 0]);
}

#[tokio::test]
async fn nobody_is_sent_from_tls_to_a_plain_socket() {
    let authority = Authority::new("Server CA");
    let bait = Gateway::start(Plan::modern()).await;
    for scheme in ["ws", "http"] {
        let there = format!("{scheme}://{}", bait.addr);
        let page: Page = Arc::new(move |_| document(&there));
        let tls = Some(authority.acceptor(&Admits::everybody()));
        let gateway = Gateway::start(Plan { tls, page, socket: Entry::Older }).await;
        let refused = dial(&authority.dialer(Egress::Any), "wss://", &gateway).await.unwrap_err();
        assert!(matches!(refused, LinkError::Protocol { .. }), "{refused:?}");
    }
    assert_eq!(bait.events(), [""; 0]);
}

#[tokio::test]
async fn an_identity_is_presented_to_page_and_socket() {
    let (server, clients) = (Authority::new("Server CA"), Authority::new("Client CA"));
    let admits = Admits { authority: Some(&clients), ..Admits::everybody() };
    let gateway = Gateway::start(Plan { tls: Some(server.acceptor(&admits)), ..older(Entry::Strict) }).await;
    let file = pfx(&clients.sign("A trader"), &[], "x", &[]);
    let dialer = server.dialer(Egress::Any);
    let refused = dial(&dialer, "https://", &gateway).await.unwrap_err();
    assert!(matches!(refused, LinkError::CertificateRequired { .. }), "{refused:?}");
    let dialer = dialer.with_identity(&Identity::from_pkcs12(&file, "x").unwrap());
    use_it(dial(&dialer, "https://", &gateway).await.unwrap()).await;
    let refused = dial(&dialer, "http://", &gateway).await.unwrap_err();
    assert!(matches!(refused, LinkError::CertificateNeedsTls { .. }), "{refused:?}");
}
