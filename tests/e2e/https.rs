//! The public port with TLS.

use std::path::Path;
use std::sync::Arc;

use futures_util::StreamExt;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use testkit::{Client, Scratch, eventually};
use tls::{Files, Identity, Looked};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::tls::certificate;
use crate::world::{USD, World, manual};

/// A ClientHello of TLS 1.1, which lacks nothing but the version.
fn old_hello() -> Vec<u8> {
    let hello = [
        &[3, 2][..],
        &[7; 32], // Random.
        &[0],     // No session.
        &[0, 4, 0xc0, 0x13, 0xc0, 0x2f, 1, 0],
        &[0, 16, 0, 13, 0, 4, 0, 2, 4, 1, 0, 10, 0, 4, 0, 2, 0, 0x1d], // Signatures and groups.
    ]
    .concat();
    let length = u8::try_from(hello.len()).unwrap();
    [&[0x16, 3, 1, 0, length + 4, 1, 0, 0, length][..], &hello].concat()
}

/// A world whose front speaks TLS only.
async fn world(files: &Files) -> (World, Identity) {
    let identity = Identity::load(files.clone()).unwrap();
    let front = api::Settings { tls: Some(identity.clone()), ..api::Settings::default() };
    let world = World::build(manual(), worker::Settings::default(), front).await;
    world.quotes().await;
    (world, identity)
}

/// A client that trusts one certificate.
struct Trusting {
    connector: TlsConnector,
    address: String,
}

impl Trusting {
    fn new(http: &Client, certificate: &Path) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { connector: TlsConnector::from(Arc::new(config)), address: http.address().to_owned() }
    }

    async fn connect(&self) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(&self.address).await?;
        self.connector.connect("localhost".try_into().unwrap(), stream).await
    }

    /// Asks on a connection of its own, which the client ends as it should.
    async fn get(&self, path: &str) -> std::io::Result<String> {
        let mut stream = self.connect().await?;
        ask(&mut stream, path).await
    }
}

/// Asks on a connection, and reads until the server ends it.
async fn ask(stream: &mut TlsStream<TcpStream>, path: &str) -> std::io::Result<String> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
    Ok(answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

/// Sends bytes and reads what comes until the end.
async fn raw(http: &Client, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(http.address()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

#[tokio::test]
async fn calls_streams_and_words_of_delivery_go_by_tls() {
    let folder = Scratch::new("https");
    let files = certificate(&folder);
    let (world, _) = world(&files).await;
    let client = Trusting::new(&world.http, &files.cert);
    let token = client.get(&world.connect_path(USD, "demo")).await.unwrap();

    let stream = client.connect().await.unwrap();
    let url = format!("wss://localhost/OnOrderUpdate?id={token}");
    let (mut events, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
    // A safe call is a new one once the answer to the first has arrived: the front sees that through TLS as well.
    for count in 1..=2 {
        let path = format!("/OrderSendSafe?id={token}&symbol=EURUSD&operation=Buy&volume=0.1");
        client.get(&path).await.unwrap();
        assert_eq!(world.positions().await, count);
    }
    let event = events.next().await.unwrap().unwrap().into_text().unwrap();
    assert!(event.contains("OrderUpdate"), "{event}");
    // Longer than any buffer on the way.
    let symbols = client.get(&format!("/Symbols?id={token}")).await.unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&symbols).is_ok(), "{} bytes", symbols.len());
}

#[tokio::test]
async fn who_comes_without_tls_is_told_so_and_the_health_is_answered() {
    let folder = Scratch::new("https-clear");
    let (world, _) = world(&certificate(&folder)).await;
    for path in ["/Ping", "/Connect?user=1&password=x&host=y", "/nowhere"] {
        let refused = world.http.get(path).await;
        assert_eq!(refused.status, 400, "{refused:?}");
        assert!(refused.body.contains("https only"), "{refused:?}");
        assert_eq!(refused.header("connection"), "close", "{refused:?}");
    }
    world.http.get("/healthz").await.ok();
    let is_ready = async || (world.http.get("/readyz").await.status == 200).then_some(());
    eventually("it is ready", is_ready).await;
}

#[tokio::test]
async fn old_versions_are_refused() {
    let folder = Scratch::new("https-old");
    let (world, _) = world(&certificate(&folder)).await;
    let answer = raw(&world.http, &old_hello()).await;
    // A fatal alert: protocol_version.
    assert_eq!((answer.first(), &answer[answer.len() - 2..]), (Some(&0x15), &[2, 70][..]), "{answer:?}");
}

#[tokio::test]
async fn a_new_certificate_is_taken_without_a_restart_and_a_broken_one_is_not() {
    let (folder, other) = (Scratch::new("https-reload"), Scratch::new("https-next"));
    let files = certificate(&folder);
    let (world, identity) = world(&files).await;
    let (old, next) = (Trusting::new(&world.http, &files.cert), certificate(&other));
    let mut open = old.connect().await.unwrap();
    for (from, to) in [(&next.cert, &files.cert), (&next.key, &files.key)] {
        std::fs::copy(from, to).unwrap();
    }
    let new = Trusting::new(&world.http, &next.cert);
    eventually("the new certificate is in force", async || new.get("/Ping").await.ok()).await;
    assert!(old.get("/Ping").await.is_err(), "the old one is shown no more");
    ask(&mut open, "/Ping").await.unwrap();

    std::fs::write(&files.cert, "nothing").unwrap();
    let is_refused = async || matches!(identity.look(), Looked::StillRefused).then_some(());
    eventually("the broken one is refused", is_refused).await;
    new.get("/Ping").await.unwrap();
}
