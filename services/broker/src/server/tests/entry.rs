//! Getting in: keys, logins, accounts, and what is no protocol at all.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::Message;
use wire::records as w;
use wire::{Command, Empty, Payload, Secret, code, requests};

use super::client::{Client, buy};
use super::{by_hand, quoted, start};
use crate::{AccountSettings, OtpSettings, Settings, TlsFiles};

#[tokio::test]
async fn a_login_opens_everything() {
    let broker = quoted().await;
    let mut client = Client::login(broker.addr(), 1_000_001, "demo").await;
    let account = client.ask::<requests::Account>(&Empty).await.unwrap();
    let main = &account.main;
    assert_eq!((main.balance, main.margin_leverage, main.margin_mode), (10_000.0, 100, 2));
    assert_eq!((main.account_currency.as_str(), main.server_name.as_str()), ("USD", "MT5Rest-Demo"));
    assert_eq!(account.trade_settings.len(), 1);
    assert!(!account.commissions.is_empty());
    let plain = client.ask::<requests::Symbols>(&Empty).await.unwrap();
    let packed = client.ask::<requests::CompressedSymbols>(&Empty).await.unwrap();
    assert_eq!(plain, packed.0);
    assert_eq!(account.symbols_count as usize, plain.0.len());
    let groups = client.ask::<requests::SymbolGroups>(&Empty).await.unwrap();
    for symbol in &plain.0 {
        let folder = symbol.symbol_path.rsplit_once('\\').unwrap().0;
        assert!(groups.0.iter().any(|group| group.path == folder), "{}", symbol.symbol_path);
    }
    let by_ids = w::FullSymbolsRequest::Ids(w::SymbolIds(vec![plain.0[0].symbol_id, 9999]));
    let by_name = w::FullSymbolsRequest::Name("EURUSD".into());
    let full = client.ask::<requests::FullSymbols>(&by_ids).await.unwrap();
    assert_eq!(full, client.ask::<requests::FullSymbols>(&by_name).await.unwrap());
    assert_eq!((full.0[0].trade_symbol.as_str(), full.0[0].trade.volume_min), ("EURUSD", 1_000_000));
    let open = client.ask::<requests::Portfolio>(&Empty).await.unwrap();
    assert_eq!(open, w::Portfolio::default());
    let history = client.ask::<requests::History>(&w::HistoryRequest::default()).await.unwrap();
    assert_eq!(
        (history.deals.len(), history.deals[0].trade_action, history.deals[0].profit),
        (1, 2, 10_000.0)
    );
    assert_eq!(client.ask_raw(20, vec![]).await.body, [0; 8]);
    assert!(client.ask::<requests::CorporateLinks>(&Empty).await.unwrap().0.is_empty());
    for ack in [7, 22] {
        assert!(client.ask_raw(ack, vec![0; 4]).await.body.is_empty());
    }
    assert_eq!(client.ask_raw(42, vec![1, 0, 0, 0]).await.code, 0);
    assert_eq!(client.ask_raw(51, vec![]).await.code, 0);
    assert_eq!(client.ask_raw(2, vec![]).await.code, 0);
    client.ended().await;
}

#[tokio::test]
async fn nothing_is_told_before_a_login() {
    let broker = quoted().await;
    let mut client = Client::connect(broker.addr()).await;
    for command in [3, 4, 5, 6, 7, 9, 11, 12, 18, 20, 22, 24, 34, 42, 44, 51, 27, 30, 39, 40, 41] {
        let answer = client.ask_raw(command, vec![0; 2000]).await;
        assert_eq!((answer.code, answer.body.len()), (code::INVALID_ACCOUNT, 0), "{command}");
    }
    for (login, password) in [(1_000_001, "wrong"), (1_000_001, ""), (999, "demo")] {
        let refused = client.ask_raw(28, login_request(login, password).to_bytes()).await;
        assert_eq!((refused.code, refused.body.len()), (code::INVALID_ACCOUNT, 0));
    }
    client.enter(1_000_001, "demo").await.unwrap();
}

fn login_request(login: u64, password: &str) -> w::LoginRequest {
    w::LoginRequest { login, password: Secret::new(password.into()), ..w::LoginRequest::default() }
}

#[tokio::test]
async fn a_token_stands_for_the_password_until_it_changes() {
    let broker = quoted().await;
    let mut client = Client::connect(broker.addr()).await;
    let reply = client.enter(1_000_001, "demo").await.unwrap();
    assert_ne!(reply.session, 0);
    let by_token = w::LoginRequest { password_token: reply.password_token, ..login_request(1_000_001, "") };
    let mut second = Client::connect(broker.addr()).await;
    second.enter_with(&by_token).await.unwrap();
    let change = |old: &str, new: &str| w::PasswordChange {
        is_investor: 0,
        new_password: Secret::new(new.into()),
        old_password: Secret::new(old.into()),
    };
    for (old, new, result) in [
        ("no", "Abcd123!", 2005),
        ("demo", "Ab1!", 2000),
        ("demo", "abcdefgh", 2001),
        ("demo", "Abcd123!", 0),
    ] {
        let reply = second.ask::<requests::ChangePassword>(&change(old, new)).await.unwrap();
        assert_eq!(reply.result, result, "{old} {new}");
    }
    let mut third = Client::connect(broker.addr()).await;
    assert_eq!(third.enter_with(&by_token).await.unwrap_err(), code::INVALID_ACCOUNT);
    assert_eq!(third.enter(1_000_001, "demo").await.unwrap_err(), code::INVALID_ACCOUNT);
    third.enter(1_000_001, "Abcd123!").await.unwrap();
}

#[tokio::test]
async fn one_time_codes_are_asked_for() {
    let account = AccountSettings {
        login: 77,
        password: "p".into(),
        otp: OtpSettings::Code("123456".into()),
        ..AccountSettings::default()
    };
    let broker = start(Settings { accounts: vec![account], ..by_hand() }).await;
    let mut client = Client::connect(broker.addr()).await;
    assert_eq!(client.enter(77, "p").await.unwrap_err(), code::OTP_REQUIRED);
    let with_code = |code: &str| w::LoginRequest { otp: Secret::new(code.into()), ..login_request(77, "p") };
    assert_eq!(client.enter_with(&with_code("000000")).await.unwrap_err(), code::INVALID_OTP);
    client.enter_with(&with_code("123456")).await.unwrap();
    let account = client.ask::<requests::Account>(&Empty).await.unwrap();
    assert_eq!(account.main.otp_status, 2);

    let mut setup = w::TwoFactorRequest::default();
    (setup.setup.mode, setup.setup.login, setup.setup.password) = (5, 77, Secret::new("p".into()));
    let mut visitor = Client::connect(broker.addr()).await;
    assert_eq!(visitor.ask::<requests::TwoFactor>(&setup).await.unwrap_err(), code::OTP_REQUIRED);
    setup.setup.otp = Secret::new("123456".into());
    visitor.ask::<requests::TwoFactor>(&setup).await.unwrap();
    visitor.enter(77, "p").await.unwrap();
}

#[tokio::test]
async fn visitors_open_demo_accounts_and_no_real_ones() {
    let broker = quoted().await;
    let mut client = Client::connect(broker.addr()).await;
    client.ask::<requests::Visitor>(&w::VisitorRequest::default()).await.unwrap();
    let needed = client.ask::<requests::Verification>(&w::VerificationRequest::default()).await.unwrap();
    assert_eq!((needed.email, needed.phone), (0, 0));
    let applicant = w::Applicant {
        full_name: "Ada Lovelace".into(),
        email: "ada@example.org".into(),
        deposit: 5000.0,
        leverage: 50,
        ..w::Applicant::default()
    };
    let bad = w::Applicant { email: "nobody".into(), ..applicant.clone() };
    assert_eq!(client.ask::<requests::Confirmation>(&bad).await.unwrap_err(), code::INVALID_EMAIL);
    client.ask::<requests::Confirmation>(&applicant).await.unwrap();
    let opened = client.ask::<requests::OpenDemo>(&applicant).await.unwrap();
    assert_eq!(opened.code, 0);
    let real = client.ask::<requests::OpenReal>(&w::RealApplication::default()).await.unwrap();
    assert_eq!((real.code, real.login), (code::DEMO_DISABLED, 0));
    let login = opened.login as u64;
    let mut owner = Client::login(broker.addr(), login, opened.password.reveal()).await;
    let main = owner.ask::<requests::Account>(&Empty).await.unwrap().main;
    assert_eq!(
        (main.account_name.as_str(), main.balance, main.margin_leverage),
        ("Ada Lovelace", 5000.0, 50)
    );
    let mut investor = Client::login(broker.addr(), login, opened.investor_password.reveal()).await;
    assert_eq!(investor.ask::<requests::Account>(&Empty).await.unwrap().main.rights, 8);
    assert_eq!(investor.trade(&buy("EURUSD", 1)).await.retcode, 10017);
}

#[tokio::test]
async fn what_is_not_the_protocol_ends_the_connection() {
    let broker = quoted().await;
    let sealed = |by: u8| [&[16, 0, 0, 0, 1, 0, 0, 0][..], &[by; 16]].concat();
    for bad in [Some(vec![]), Some(vec![0; 7]), Some(vec![1; 40]), None] {
        let mut client = Client::login(broker.addr(), 1_000_001, "demo").await;
        // One in 256 blocks ends like a message under any key.
        let unreadable = || (0..=u8::MAX).map(sealed).find(|bytes| client.opened(bytes).is_none()).unwrap();
        let bad = bad.unwrap_or_else(unreadable);
        client.send_message(Message::Binary(bad.into())).await;
        assert_eq!(client.ended().await, Some(1002));
    }
}

#[tokio::test]
async fn text_and_unknown_commands_are_ignored() {
    let broker = quoted().await;
    let mut client = Client::login(broker.addr(), 1_000_001, "demo").await;
    client.send_message(Message::Text("hello".into())).await;
    for unknown in [1, 8, 21, 52, 100, 65_535] {
        client.send(unknown, vec![]).await;
    }
    for unusable in [5, 7, 11, 12, 18, 22, 24, 28, 43] {
        let answer = client.ask_raw(unusable, vec![1, 2, 3]).await;
        assert_eq!((answer.code, answer.body.len()), (code::INTERNAL_ERROR, 0), "{unusable}");
    }
    assert_eq!(client.ask_raw(Command::Ping.number(), vec![]).await.code, 0);
    assert!(client.kept().is_empty());
}

#[tokio::test]
async fn noise_in_known_commands_harms_nobody() {
    let broker = quoted().await;
    let mut client = Client::login(broker.addr(), 1_000_001, "demo").await;
    let lengths = [0, 1, 4, 8, 74, 128, 129, 236, 248, 476, 636, 744, 912, 1664, 1682, 5000, 70_000];
    let spared = [Command::Logout.number(), Command::Ping.number()];
    for command in (0..60).filter(|command| !spared.contains(command)) {
        for length in lengths {
            let byte =
                |place: usize| crate::feed::hash(&[u64::from(command), length as u64, place as u64]) as u8;
            client.send(command, (0..length).map(byte).collect()).await;
        }
        client.ask_raw(Command::Ping.number(), vec![]).await;
    }
    let mut other = Client::login(broker.addr(), 1_000_001, "demo").await;
    assert_eq!(other.ask::<requests::Portfolio>(&Empty).await, Ok(w::Portfolio::default()));
}

#[tokio::test]
async fn the_same_port_speaks_tls_and_http() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let dir = std::env::temp_dir().join(format!("mt5rest-broker-tls-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let files = TlsFiles { cert: dir.join("cert.pem"), key: dir.join("key.pem"), client_ca: None };
    std::fs::write(&files.cert, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    let broker = start(Settings { tls: Some(files), ..by_hand() }).await;
    std::fs::remove_dir_all(&dir).unwrap();

    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(broker.addr()).await.unwrap();
    let name = "localhost".try_into().unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    let mut client = Client::over(stream, broker.addr()).await;
    client.enter(1_000_001, "demo").await.unwrap();
    Client::login(broker.addr(), 1_000_001, "demo").await;

    for (path, status) in [("/terminal/json", "404"), ("/", "404"), ("/terminal", "426")] {
        let mut stream = TcpStream::connect(broker.addr()).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {answer}");
    }
}

#[tokio::test]
async fn clients_of_other_authorities_are_kept_out() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let dir = std::env::temp_dir().join(format!("mt5rest-broker-mtls-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let (cert, key, none) = (dir.join("cert.pem"), dir.join("key.pem"), dir.join("none.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    std::fs::write(&none, "").unwrap();
    let files = TlsFiles { cert: cert.clone(), key, client_ca: Some(none) };
    let useless = tls::Identity::load(files.clone()).unwrap_err().to_string();
    // The certificate vouches for itself here, so it is the authority as well.
    let files = TlsFiles { client_ca: Some(cert), ..files };
    let broker = start(Settings { tls: Some(files), ..by_hand() }).await;
    std::fs::remove_dir_all(&dir).unwrap();
    assert!(useless.contains("none.pem"), "{useless}");

    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let own = rustls::pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let known = client.clone().with_client_auth_cert(vec![made.cert.der().clone()], own).unwrap();
    for (config, reason) in [(known, None), (client.with_no_client_auth(), Some("CertificateRequired"))] {
        let stream = TcpStream::connect(broker.addr()).await.unwrap();
        let name = "localhost".try_into().unwrap();
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        let done = stream.read_to_string(&mut answer).await.map_err(|cause| cause.to_string());
        match reason {
            None => assert!(answer.starts_with("HTTP/1.1 404 "), "{answer} {done:?}"),
            Some(reason) => assert!(done.unwrap_err().contains(reason)),
        }
    }
}

#[tokio::test]
async fn shutdown_ends_connections_and_refuses_new_ones() {
    let broker = quoted().await;
    let (addr, control) = (broker.addr(), broker.control());
    let mut client = Client::login(addr, 1_000_001, "demo").await;
    broker.shutdown().await;
    assert_eq!(client.ended().await, Some(1001));
    assert!(control.connections().await.is_err());
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn a_disabled_account_is_put_out_and_kept_out() {
    let broker = quoted().await;
    let mut client = Client::login(broker.addr(), 1_000_001, "demo").await;
    broker.control().enable(1_000_001, false).await.unwrap();
    assert_ne!(client.push::<wire::pushes::LoginStatus>().await.status, 0);
    client.ended().await;
    let mut again = Client::connect(broker.addr()).await;
    assert_eq!(again.enter(1_000_001, "demo").await.unwrap_err(), code::INVALID_ACCOUNT);
    broker.control().enable(1_000_001, true).await.unwrap();
    again.enter(1_000_001, "demo").await.unwrap();
}

#[tokio::test]
async fn accounts_come_from_a_file_and_impossible_ones_are_named() {
    let path = std::env::temp_dir().join(format!("mt5rest-broker-accounts-{}.json", std::process::id()));
    let settings = || Settings { accounts_file: Some(path.clone()), ..by_hand() };
    let start_with = async |text: &str| {
        std::fs::write(&path, text).unwrap();
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        crate::Broker::start(listener, settings())
    };
    let good = r#"{"accounts": [
        {"login": 5, "password": "p", "currency": "GBP", "group": "demo\\raw"},
        {"login": 6, "password": "p", "margin_mode": "netting"},
        {"login": 7, "password": "p", "margin_mode": "exchange"},
        {"login": 8, "password": "p", "fifo": true}
    ]}"#;
    let broker = start_with(good).await.unwrap();
    let mut client = Client::login(broker.addr(), 5, "p").await;
    let account = client.ask::<requests::Account>(&Empty).await.unwrap();
    assert_eq!((account.main.account_currency.as_str(), account.commissions.len()), ("GBP", 4));
    for (login, margin_mode, trade_flags) in [(6, 0, 128), (7, 1, 128), (8, 2, 128 + 256)] {
        let mut client = Client::login(broker.addr(), login, "p").await;
        let account = client.ask::<requests::Account>(&Empty).await.unwrap();
        assert_eq!((account.main.margin_mode, account.trade_flags), (margin_mode, trade_flags));
    }
    for (bad, reason) in [
        ("nonsense", "line 1"),
        (
            r#"{"accounts": [{"login": 5, "password": "p", "margin_mode": "netting", "fifo": true}]}"#,
            "account 5: only hedging",
        ),
        (r#"{"accounts": [{"login": 1000001, "password": "p"}]}"#, "account 1000001: there is an account"),
        (
            r#"{"accounts": [{"login": 5, "password": "a password that nobody can send whole"}]}"#,
            "account 5: a password has 32 characters",
        ),
    ] {
        let error = start_with(bad).await.unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    std::fs::remove_file(&path).unwrap();
}
