//! Client certificates: PKCS#12 files, and brokers that ask for them.

use std::process::Stdio;

use broker::TlsFiles;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use testkit::{Scratch, percent_encoded};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::world::{USD, World, manual};

/// Whoever signs the certificates of a test.
struct Authority {
    certificate: rcgen::Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    /// Certificate and key, PEM.
    fn sign(&self, name: &str, purpose: ExtendedKeyUsagePurpose) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![purpose];
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    async fn client(&self, password: &str) -> Vec<u8> {
        let (certificate, key) = self.sign("trader", ExtendedKeyUsagePurpose::ClientAuth);
        packed(&format!("{key}{certificate}"), password).await
    }
}

/// A PKCS#12 file of a certificate that nobody trusts.
pub(crate) async fn pfx(password: &str) -> Vec<u8> {
    Authority::new().client(password).await
}

/// Packs a key and its certificate as most programs do.
async fn packed(pem: &str, password: &str) -> Vec<u8> {
    let mut openssl = Command::new("openssl")
        .args(["pkcs12", "-export", "-passout", &format!("pass:{password}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program openssl is needed: `cargo xtask test` installs it");
    openssl.stdin.take().unwrap().write_all(pem.as_bytes()).await.unwrap();
    let output = openssl.wait_with_output().await.unwrap();
    assert!(output.status.success());
    output.stdout
}

/// A broker that asks its clients for certificates of an authority.
async fn world(folder: &Scratch, authority: &Authority) -> World {
    let (cert, key) = authority.sign("localhost", ExtendedKeyUsagePurpose::ServerAuth);
    let ca = folder.file("ca.pem", &authority.certificate.pem());
    let files = TlsFiles {
        cert: folder.file("cert.pem", &cert),
        key: folder.file("key.pem", &key),
        client_ca: Some(ca.clone()),
    };
    let brokers = Some(folder.file("brokers.json", r#"{"servers":[]}"#));
    let trusting = worker::Settings { extra_ca: Some(ca), brokers, ..worker::Settings::default() };
    World::build(broker::Settings { tls: Some(files), ..manual() }, trusting, api::Settings::default()).await
}

/// Logs in the account in dollars.
async fn connect(world: &World, file: &[u8], password: &str) -> testkit::Reply {
    connect_as(world, "", &[("user", &USD.to_string())], file, password).await
}

/// A multipart body as browsers and HTTP libraries send it, with more in the query.
async fn connect_as(
    world: &World,
    query: &str,
    more: &[(&str, &str)],
    file: &[u8],
    password: &str,
) -> testkit::Reply {
    let port = world.broker_addr.port();
    let fields = [
        ("password", "demo".to_owned()),
        ("host", "wss://localhost".to_owned()),
        ("port", port.to_string()),
        ("pfxFilePassword", password.to_owned()),
    ];
    let mut body = Vec::new();
    let more = more.iter().map(|(name, value)| (*name, (*value).to_owned()));
    for (name, value) in fields.into_iter().chain(more) {
        body.extend(
            format!("--edge\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes(),
        );
    }
    let head = "--edge\r\ncontent-disposition: form-data; name=\"pfxFile\"; filename=\"me.pfx\"\r\n\
                content-type: application/octet-stream\r\n\r\n";
    body.extend(head.bytes());
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--edge--\r\n");
    let path = format!("/ConnectCert{query}");
    world.http.post_bytes(&path, "multipart/form-data; boundary=edge", body).await
}

#[tokio::test]
async fn a_certificate_opens_a_broker_that_asks_for_one() {
    let (folder, authority) = (Scratch::new("mtls"), Authority::new());
    let world = world(&folder, &authority).await;
    let file = authority.client("secret").await;
    let token = connect(&world, &file, "secret").await.ok().body;
    let summary = world.http.get(&format!("/AccountSummary?id={token}")).await.ok().json();
    assert_eq!(summary["currency"], "USD");
    // It is kept with the login data, as the password is.
    world.http.get(&format!("/Disconnect?id={token}")).await.ok();
    assert_eq!(world.http.get(&format!("/ConnectByToken?id={token}")).await.ok().body, token);
}

#[tokio::test]
async fn a_one_time_password_goes_with_the_certificate() {
    let (folder, authority) = (Scratch::new("mtls"), Authority::new());
    let world = world(&folder, &authority).await;
    let account = broker::AccountSettings {
        login: 77,
        password: "demo".into(),
        otp: broker::OtpSettings::Code("123456".into()),
        ..broker::AccountSettings::default()
    };
    world.control.add_account(account).await.unwrap();
    let file = authority.client("secret").await;
    let user = ("user", "77");
    let by = async |query: &str, more: &[(&str, &str)]| {
        connect_as(&world, query, &[&[user], more].concat(), &file, "secret").await
    };
    assert_eq!(by("", &[]).await.refused(), "INVALID_ONETIME_PASSWORD");
    assert_eq!(by("", &[("otp", "000000")]).await.refused(), "INVALID_ONETIME_PASSWORD");
    assert_eq!(by("?otp=000000", &[]).await.refused(), "INVALID_ONETIME_PASSWORD");
    for (query, more) in [("", &[("otp", "123456")][..]), ("?otp=123456", &[])] {
        let token = by(query, more).await.ok().body;
        assert_eq!(world.http.get(&format!("/AccountDetails?id={token}")).await.ok().json()["user"], 77);
        world.http.get(&format!("/Disconnect?id={token}")).await.ok();
    }
}

#[tokio::test]
async fn a_certificate_that_does_not_fit_is_told() {
    let (folder, authority) = (Scratch::new("mtls"), Authority::new());
    let world = world(&folder, &authority).await;
    let file = authority.client("secret").await;
    assert_eq!(connect(&world, &file, "wrong").await.refused(), "INVALID_CERTIFICATE");
    assert_eq!(connect(&world, b"not a file", "secret").await.refused(), "INVALID_CERTIFICATE");
    assert_eq!(connect(&world, &pfx("secret").await, "secret").await.refused(), "INVALID_CERTIFICATE");
    let host = percent_encoded("wss://localhost");
    let port = world.broker_addr.port();
    let without = world.http.get(&format!("/Connect?user={USD}&password=demo&host={host}&port={port}")).await;
    assert_eq!(without.refused(), "CERTIFICATE_REQUIRED");
}

#[tokio::test]
async fn a_certificate_is_shown_by_everybody_who_joins() {
    let (folder, authority) = (Scratch::new("mtls"), Authority::new());
    let world = world(&folder, &authority).await;
    let file = authority.client("secret").await;
    let token = connect(&world, &file, "secret").await.ok().body;
    let (host, port) = (percent_encoded("wss://localhost"), world.broker_addr.port());
    let path = format!("/Connect?user={USD}&password=demo&host={host}&port={port}");
    for without in [path.clone(), format!("{path}&id={token}")] {
        let refused = world.http.get(&without).await;
        assert_eq!(refused.refused(), "CERTIFICATE_REQUIRED");
        assert!(refused.body.contains("ConnectCert"), "{}", refused.body);
    }
    assert_eq!(connect(&world, &file, "secret").await.ok().body, token);
    let renewed = authority.client("secret").await;
    assert_eq!(
        connect(&world, &renewed, "secret").await.ok().body,
        token,
        "another one is proved by a login"
    );
    let foreign = pfx("secret").await;
    assert_eq!(connect(&world, &foreign, "secret").await.refused(), "INVALID_CERTIFICATE");
}

#[tokio::test]
async fn an_address_that_wants_a_certificate_does_not_bar_the_others() {
    let (folder, authority) = (Scratch::new("mtls"), Authority::new());
    let world = world(&folder, &authority).await;
    let port = world.broker_addr.port();
    let endpoints = format!(r#"["wss://localhost:{port}/terminal", "ws://127.0.0.1:{port}/terminal"]"#);
    folder.file("brokers.json", &format!(r#"{{"servers":[{{"name":"Two-Ways","endpoints":{endpoints}}}]}}"#));
    let path = format!("/ConnectEx?user={USD}&password=demo&server=Two-Ways");
    let token = world.http.get(&path).await.ok().body;
    assert_eq!(world.http.get(&format!("/AccountDetails?id={token}")).await.ok().json()["host"], "127.0.0.1");
}
