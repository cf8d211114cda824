//! Who may join a live session, whose token a chosen one is, and that nobody waits for another's network.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use broker::{AccountEdit, AccountSettings, Broker, OtpSettings};
use registry::Limits;
use runtime::Tasks;
use serde_json::Value;
use testkit::{Scratch, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use worker::ProofLimits;

use crate::world::{USD, World, manual};

#[tokio::test]
async fn a_one_time_password_is_asked_of_everybody_who_joins() {
    let account = AccountSettings {
        login: 77,
        password: "demo".into(),
        otp: OtpSettings::Code("123456".into()),
        ..AccountSettings::default()
    };
    let world = World::start().await;
    world.control.add_account(account).await.unwrap();
    let path = world.connect_path(77, "demo");
    let with_code = format!("{path}&otp=123456");
    let token = world.http.get(&with_code).await.ok().body;
    for _ in 0..2 {
        for without in [path.clone(), format!("{path}&otp=000000"), format!("{path}&id={token}")] {
            assert_eq!(world.http.get(&without).await.refused(), "INVALID_ONETIME_PASSWORD", "{without}");
        }
        assert_eq!(world.http.get(&with_code).await.ok().body, token, "a code is proved by a login");
        // One that comes back needed the code as well, though it is not asked again for it.
        world.http.get(&format!("/Disconnect?id={token}")).await.ok();
        assert_eq!(world.http.get(&format!("/ConnectByToken?id={token}")).await.ok().body, token);
    }
    eventually("logins that were only to prove something are over", async || {
        (world.control.connections().await.unwrap() == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_password_that_the_broker_has_changed_leads_to_no_session() {
    let proof_limits = ProofLimits { good_for: Duration::ZERO, ..ProofLimits::default() };
    let of_worker = worker::Settings { proof_limits, ..worker::Settings::default() };
    let world = World::build(manual(), of_worker, api::Settings::default()).await;
    world.quotes().await;
    let (old, new) = (world.connect_path(USD, "demo"), world.connect_path(USD, "another"));
    let token = world.http.get(&old).await.ok().body;
    let change = async |password: &str| {
        let edit = AccountEdit { password: Some(password.to_owned()), ..AccountEdit::default() };
        world.control.edit_account(USD, edit).await.unwrap();
    };
    change("another").await;
    assert_eq!(world.http.get(&old).await.refused(), "INVALID_ACCOUNT", "the live session has it still");
    change("demo").await;
    assert_eq!(world.http.get(&old).await.refused(), "INVALID_ACCOUNT", "once a minute is enough");
    change("another").await;
    assert_eq!(world.http.get(&new).await.ok().body, token);
    change("demo").await;
    assert_eq!(world.http.get(&new).await.ok().body, token, "proved a moment ago");
}

#[tokio::test]
async fn a_chosen_token_never_closes_a_session_of_other_rights() {
    for (first, second) in [("demo", "investor"), ("investor", "demo")] {
        let world = World::start().await;
        let own = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
        let path = |password| format!("{}&id={own}", world.connect_path(USD, password));
        let is_investor = async || {
            let summary = world.http.get(&format!("/AccountSummary?id={own}")).await.ok().json();
            summary["isInvestor"] == true
        };
        world.http.get(&path(first)).await.ok();
        let mut events = crate::world::Session { http: world.http.clone(), token: own.to_owned() }
            .stream("OnConnectionStatus")
            .await;
        events.next().await;
        let refused = world.http.get(&path(second)).await;
        assert_eq!(refused.refused(), "DUPLICATE_ATTEMPT", "{second}");
        assert!(refused.body.contains("investor") && refused.body.contains("master"), "{}", refused.body);
        assert_eq!(world.http.get(&path("wrong")).await.refused(), "INVALID_ACCOUNT");
        assert_eq!(is_investor().await, first == "investor", "it is what it was");
        assert_eq!(world.http.get(&path(first)).await.ok().body, own);
        assert!(events.try_next(Duration::from_millis(1)).await.is_none(), "and nobody was disturbed");
    }
}

#[tokio::test]
async fn a_session_that_has_ended_is_replaced_by_a_login_of_its_rights_only() {
    let world = World::start().await;
    let session = world.login().await;
    world.control.enable(USD, false).await.unwrap();
    eventually("the session ends", async || {
        let reply = session.call("AccountSummary", "").await;
        (reply.header("x-sync") == "ended").then_some(())
    })
    .await;
    let refused = world.http.get(&world.connect_path(USD, "wrong")).await;
    assert_eq!(refused.status, 201);
    world.control.enable(USD, true).await.unwrap();
    let looking = world.http.get(&world.connect_path(USD, "investor")).await.ok().body;
    assert_ne!(looking, session.token);
    let taken = format!("{}&id={}", world.connect_path(USD, "investor"), session.token);
    assert_eq!(world.http.get(&taken).await.refused(), "DUPLICATE_ATTEMPT");
    assert_eq!(session.call("CheckConnect", "").await.ok().body, "OK", "its token still brings it back");
    assert_eq!(session.json("AccountSummary", "").await["isInvestor"], false);
}

/// Accepts whatever comes and says nothing.
struct Silent {
    address: SocketAddr,
    listener: TcpListener,
}

impl Silent {
    async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        Self { address: listener.local_addr().unwrap(), listener }
    }
}

#[tokio::test]
async fn nobody_waits_for_a_dial_of_others_nor_loses_a_login_by_it() {
    const HANGING: usize = 12;
    let (folder, silent) = (Scratch::new("turns"), Silent::start().await);
    let file = folder.file("brokers.json", r#"{"servers":[]}"#);
    // As few logins as can be: a dial that leads nowhere is none.
    let login_limits = Limits { account_per_minute: 1, account_burst: 1, ..Limits::default() };
    let of_worker = worker::Settings { brokers: Some(file), login_limits, ..worker::Settings::default() };
    let world = World::build(manual(), of_worker, api::Settings::default()).await;
    world.quotes().await;
    let endpoints = format!(r#"["ws://{}/terminal", "ws://{}/terminal"]"#, silent.address, world.broker_addr);
    folder.file("brokers.json", &format!(r#"{{"servers":[{{"name":"Slow","endpoints":{endpoints}}}]}}"#));
    let tasks = Tasks::new();
    for number in 0..HANGING {
        let http = world.http.clone();
        let path = format!("/ConnectEx?user={USD}&password=demo&server=Slow&id=hanging-for-ever-{number}");
        tasks.spawn(async move { http.get(&path).await });
    }
    let mut held = Vec::new();
    while held.len() < HANGING {
        held.push(silent.listener.accept().await.unwrap());
    }
    // The same account by the server's other address, by three callers who ask the same.
    let path = world.connect_path(USD, "demo");
    let (one, two, three) = tokio::join!(world.http.get(&path), world.http.get(&path), world.http.get(&path));
    let token = one.ok().body;
    assert_eq!((&token, &token), (&two.ok().body, &three.ok().body), "one login for all three");
    assert_eq!(tasks.running(), HANGING, "nobody who hangs was waited for");
    assert_eq!(world.http.get(&path).await.ok().body, token);
}

/// A proxy (SOCKS 4) that leads wherever it likes.
async fn false_proxy(tasks: &Tasks, to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, tunnels) = (tasks.stop_signal(), tasks.clone());
    tasks.spawn(async move {
        loop {
            let mut near = tokio::select! {
                () = stop.cancelled() => return,
                accepted = listener.accept() => accepted.unwrap().0,
            };
            // Version, command, port, address; then a name that ends with a zero.
            let mut request = [0; 8];
            near.read_exact(&mut request).await.unwrap();
            while near.read_u8().await.unwrap() != 0 {}
            near.write_all(&[0, 0x5a, 0, 0, 0, 0, 0, 0]).await.unwrap();
            let mut far = TcpStream::connect(to).await.unwrap();
            let stop = stop.clone();
            tunnels.spawn(async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    _ = copy_bidirectional(&mut near, &mut far) => {}
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn a_proxy_that_leads_astray_opens_no_session_of_others() {
    const LOGIN: u64 = 88;
    let (world, tasks) = (World::start().await, Tasks::new());
    let account = |password: &str| AccountSettings {
        login: LOGIN,
        password: password.into(),
        ..AccountSettings::default()
    };
    world.control.add_account(account("demo")).await.unwrap();
    let session = world.login_at(LOGIN, world.broker_addr).await;
    // A broker of the intruder's own, where the account has a password of his choice.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let false_broker =
        Broker::start(listener, broker::Settings { accounts: vec![account("mine")], ..manual() }).unwrap();
    let proxy = false_proxy(&tasks, false_broker.addr()).await;
    let (host, port) = (world.broker_addr.ip(), world.broker_addr.port());
    let by_proxy = |more: &str| {
        format!(
            "/ConnectProxy?user={LOGIN}&password=mine&host=ws://{host}&port={port}&proxyHost={}&proxyPort={}\
             &proxyType=SOCKS4{more}",
            proxy.ip(),
            proxy.port()
        )
    };
    let intruder = world.http.get(&by_proxy("")).await.ok().body;
    assert_ne!(intruder, session.token, "what a proxy says of the password is no proof");
    let chosen = world.http.get(&by_proxy(&format!("&id={}", session.token))).await;
    assert_eq!(chosen.refused(), "DUPLICATE_ATTEMPT");
    assert_eq!(world.http.get(&world.connect_path(LOGIN, "mine")).await.refused(), "INVALID_ACCOUNT");
    let again = world.login_at(LOGIN, world.broker_addr).await;
    assert_eq!(again.token, session.token, "nor does its session stand in the way");
    assert_eq!(session.json("AccountSummary", "").await["currency"], Value::from("USD"));
    tasks.finish(Duration::from_secs(5)).await;
    false_broker.shutdown().await;
}
