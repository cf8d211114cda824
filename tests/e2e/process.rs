//! The real binary: options, output, signals.

use serde_json::json;
use testkit::{Client, Ended, Events, Process, Scratch, eventually, in_time};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use crate::binary::start_binary;
use crate::world::Session;

const BINARY: &str = env!("CARGO_BIN_EXE_mt5rest");

/// The address after the printed Connect call; it can be pasted.
async fn connect(process: &mut Process, http: &Client) -> Session {
    let url = process.says("  Connect          http://").await;
    let path = url.strip_prefix(http.address()).unwrap();
    Session { http: http.clone(), token: http.get(path).await.ok().body }
}

#[tokio::test]
async fn what_is_printed_at_start_works_when_pasted() {
    let (mut process, http) = start_binary(&[]).await;
    let session = connect(&mut process, &http).await;
    assert_eq!(session.json("AccountSummary", "").await["balance"], 10_000);
    session.open("symbol=EURUSD&operation=Buy&volume=0.1").await;
    for page in ["  Calls to try     http://", "  Manual           http://", "  Events           http://"] {
        let url = process.says(page).await;
        http.get(url.strip_prefix(http.address()).unwrap()).await.ok();
    }
}

#[tokio::test]
async fn operators_of_the_demo_broker_have_a_port_if_asked_for() {
    let key = "a key of the operators";
    let (mut process, http) = start_binary(&["--broker-admin", "0", "--broker-admin-key", key]).await;
    let session = connect(&mut process, &http).await;
    let url = process.says("  Broker admin     http://").await;
    let admin = Client::new(url.strip_suffix("/accounts").unwrap());
    assert_eq!(admin.get("/accounts").await.status, 401);
    let bearer = format!("Bearer {key}");
    let shown = [("authorization", bearer.as_str())];
    let operation = json!({"kind": "bonus", "amount": 50}).to_string();
    admin.json("POST", "/accounts/1000001/operations", &shown, &operation).await.ok();
    eventually("the bonus arrives", async || {
        (session.json("AccountSummary", "").await["credit"] == 50.0).then_some(())
    })
    .await;
    let fault = json!({"fault": {"kind": "requote"}, "times": 1}).to_string();
    assert_eq!(admin.json("POST", "/faults", &shown, &fault).await.status, 201);
    assert_eq!(session.refused("OrderSend", "symbol=EURUSD&operation=Buy&volume=0.1").await, "REQUOTE");
    process.signal("TERM");
    assert_eq!(process.end().await.code(), Some(0));
    assert!(!process.stderr().contains(key));
}

#[tokio::test]
async fn either_signal_ends_it_cleanly() {
    for signal in ["INT", "TERM"] {
        let (mut process, http) = start_binary(&[]).await;
        let session = connect(&mut process, &http).await;
        let mut events = Events::open(&format!("ws://{}/Events?id={}", http.address(), session.token)).await;
        events.next().await;
        process.signal(signal);
        assert_eq!(events.end().await, Ended::Closed(api::close::GOING_AWAY), "{signal}");
        let status = process.end().await;
        assert_eq!(status.code(), Some(0), "{signal}: {}", process.stderr());
        let log = process.stderr();
        assert!(log.contains("stopped"), "{log}");
        assert!(!log.contains("WARN") && !log.contains("ERROR") && !log.contains("panicked"), "{log}");
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[tokio::test]
async fn the_allocator_gives_large_blocks_back_unless_its_operator_knows_better() {
    let limit = |process: &Process| {
        let all = std::fs::read(format!("/proc/{}/environ", process.id().unwrap())).unwrap();
        let all = String::from_utf8(all).unwrap();
        let of = |name| all.split('\0').find_map(|pair: &str| pair.strip_prefix(name)).map(str::to_owned);
        (of("MALLOC_MMAP_THRESHOLD_="), of("GLIBC_TUNABLES="))
    };
    let ports = ["--listen", "127.0.0.1:0", "--broker-listen", "127.0.0.1:0"];
    let known = ("MALLOC_MMAP_THRESHOLD_", "65536");
    // Of a program with more rights than its user, glibc takes the names away: it must not begin for ever.
    let again = ("MT5REST_BEGUN", "again");
    let tuned = ("GLIBC_TUNABLES", "glibc.malloc.arena_max=2");
    for (environment, expected) in [
        (&[][..], (Some("262144"), None)),
        (&[known], (Some("65536"), None)),
        (&[again], (None, None)),
        (&[tuned], (None, Some("glibc.malloc.arena_max=2"))),
    ] {
        let mut process = Process::start(BINARY, &ports, environment);
        process.says("Connect").await;
        let (threshold, tunables) = limit(&process);
        assert_eq!((threshold.as_deref(), tunables.as_deref()), expected);
    }
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let (mut process, http) = start_binary(&[]).await;
    // A server that takes connections and says nothing: the call to it is under way for long.
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let path = format!("/Connect?user=1&password=x&host=ws://127.0.0.1&port={port}");
    let mut request = TcpStream::connect(http.address()).await.unwrap();
    request.write_all(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n").as_bytes()).await.unwrap();
    let _held = in_time("the call is under way", silent.accept()).await.unwrap();
    process.signal("TERM");
    eventually("the first signal is heard", async || process.stderr().contains("stopping").then_some(()))
        .await;
    process.signal("INT");
    assert_eq!(process.end().await.code(), Some(1));
    assert!(process.stderr().contains("second signal"), "{}", process.stderr());
    assert!(!process.stderr().contains("stopped"), "it did not wait for the call: {}", process.stderr());
}

#[tokio::test]
async fn nothing_secret_is_logged() {
    let folder = Scratch::new("secrets");
    let accounts = json!({ "accounts": [{ "login": 9, "password": "hunter2-master", "investor_password": "hunter2-look" }] });
    let file = folder.file("accounts.json", &accounts.to_string());
    let (mut process, http) = start_binary(&["--accounts", file.to_str().unwrap(), "--log", "trace"]).await;
    let url = process.says("  Connect          http://").await;
    let path = url.strip_prefix(http.address()).unwrap();
    let path = path.replace("user=1000001", "user=9").replace("password=demo", "password=hunter2-master");
    let token = http.get(&path).await.ok().body;
    assert_eq!(http.get(&path.replace("master", "wrong")).await.refused(), "INVALID_ACCOUNT");
    http.get(&format!("/AccountSummary?id={token}")).await.ok();
    process.signal("INT");
    process.end().await;
    let log = process.stderr();
    assert!(log.contains("starting"), "{log}");
    assert!(!log.contains("hunter2"), "{}", log.lines().find(|line| line.contains("hunter2")).unwrap());
    assert!(!log.contains(&token), "{}", log.lines().find(|line| line.contains(&token)).unwrap());
}

#[tokio::test]
async fn a_taken_port_is_told_with_the_way_out() {
    let (_first, http) = start_binary(&[]).await;
    let mut second =
        Process::start(BINARY, &["--listen", http.address(), "--broker-listen", "127.0.0.1:0"], &[]);
    assert_eq!(second.end().await.code(), Some(1));
    let told = second.stderr();
    assert!(
        told.contains(http.address()) && told.contains("--listen") && told.contains("MT5REST_LISTEN"),
        "{told}"
    );
    assert!(second.stdout().is_empty(), "nothing was promised: {}", second.stdout());
}

#[tokio::test]
async fn wrong_options_end_with_the_usage_code() {
    let wrong =
        [vec!["--seed", "x", "--listen", "y"], vec!["--no-such-option"], vec!["broker", "--speed", "-1"]];
    for args in wrong {
        let mut process = Process::start(BINARY, &args, &[]);
        assert_eq!(process.end().await.code(), Some(2), "{args:?}");
        assert!(process.stderr().contains("error: "), "{args:?}: {}", process.stderr());
    }
    // The last one is an old name.
    let environment = [("MT5REST_SEED", "x"), ("MT5REST_EGRESS", "all"), ("MT5REST_TIMEZONE_MINUTES", "y")];
    let mut process = Process::start(BINARY, &[], &environment);
    assert_eq!(process.end().await.code(), Some(2));
    let told = process.stderr();
    for part in ["--seed 'x'", "--egress 'all'", "--timezone: 'y'"] {
        assert!(told.contains(part), "{told}");
    }
}

#[tokio::test]
async fn the_environment_sets_what_options_do() {
    let environment = [
        ("MT5REST_LISTEN", "127.0.0.1:0"),
        ("MT5REST_NO_BROKER", "true"),
        ("MT5REST_LOG_FORMAT", "json"),
        ("MT5REST_ACCOUNTS", ""),
    ];
    let mut process = Process::start(BINARY, &[], &environment);
    let http = Client::new(process.says("listening on http://").await);
    http.get("/Ping").await.ok();
    assert!(process.stdout().contains("user=LOGIN"), "{}", process.stdout());
    process.signal("TERM");
    process.end().await;
    for line in process.stderr().lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "no JSON: {line}");
    }
}

#[tokio::test]
async fn a_lone_broker_serves_a_service_elsewhere() {
    let mut broker = Process::start(BINARY, &["broker", "--broker-listen", "127.0.0.1:0"], &[]);
    let address = broker.says("listening on ws://").await;
    let port = address.trim_end_matches("/terminal").rsplit(':').next().unwrap();
    let (_process, http) = start_binary(&["--no-broker"]).await;
    let path = format!("/Connect?user=1000002&password=demo&host=127.0.0.1&port={port}");
    let token = http.get(&path).await.ok().body;
    assert_eq!(http.get(&format!("/AccountSummary?id={token}")).await.ok().json()["currency"], "EUR");
    broker.signal("INT");
    assert_eq!(broker.end().await.code(), Some(0), "{}", broker.stderr());
}

#[tokio::test]
async fn a_careful_egress_keeps_the_service_off_this_machine() {
    let (mut process, http) = start_binary(&["--egress", "public"]).await;
    let url = process.says("  Connect          http://").await;
    let refused = http.get(url.strip_prefix(http.address()).unwrap()).await;
    assert_eq!(refused.status, 201, "{refused:?}");
}

#[tokio::test]
async fn the_document_is_printed_as_it_is_served() {
    let mut process = Process::start(BINARY, &["openapi"], &[]);
    assert_eq!(process.end().await.code(), Some(0));
    let (_process, http) = start_binary(&[]).await;
    let served = http.get("/swagger/v1/swagger.json").await.ok();
    let printed: serde_json::Value = serde_json::from_str(&process.stdout()).unwrap();
    assert_eq!(printed, served.json());
}
