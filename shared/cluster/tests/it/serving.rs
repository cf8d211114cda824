//! The internal port.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use access::{Caller, Limits};
use bus::{Answer, Ask, Backend, Delivery, Payload, Topics};
use cluster::{ClusterKey, Failure, Reply, Router, RouterSettings, WorkerClient};
use error::{Code, Error, Outcome};
use registry::Fence;
use testkit::in_time;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::fake_owner::{Does, Worker, World, ask, key, said, until};

/// What a port answers to a request without a pass.
async fn plain(address: &str, request: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = format!("{request} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn health_needs_no_pass_and_everything_else_does() {
    let world = World::new();
    let worker = world.worker("a").await;
    assert!(plain(&worker.address, "GET /healthz").await.ends_with("OK"));
    assert!(plain(&worker.address, "GET /readyz").await.starts_with("HTTP/1.1 200"));
    worker.owner.is_ready.store(false, Ordering::SeqCst);
    let not_ready = plain(&worker.address, "GET /readyz").await;
    assert!(not_ready.starts_with("HTTP/1.1 503") && not_ready.ends_with("draining"), "{not_ready}");
    for path in ["/inner/ask", "/inner/interest", "/inner/adopt", "/inner/none"] {
        let refused = plain(&worker.address, &format!("POST {path}")).await;
        assert!(refused.starts_with("HTTP/1.1 401") && refused.contains("pass is missing"), "{refused}");
    }
    assert_eq!(worker.owner.asked(), 0);
}

#[tokio::test]
async fn another_key_is_refused_and_nothing_is_done() {
    let world = World::new();
    let worker = world.worker("a").await;
    world.own("t", &worker, 1);
    let other = ClusterKey::new("another key of enough characters").unwrap();
    let router = Router::new(world.registry.clone(), &other, RouterSettings::new("b"), &world.tasks);
    let error = router.ask(ask("OrderSend", &[("id", "t")])).await.result.unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::NotSent));
    assert!(error.cause().unwrap().contains("same cluster key"), "{error:?}");
    assert_eq!(worker.owner.asked(), 0);
}

#[tokio::test]
async fn a_worker_without_places_has_begun_nothing() {
    let world = World::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    world.registry.own("t", "full", &listener.local_addr().unwrap().to_string(), 1);
    world.tasks.spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let _ = socket.read(&mut [0; 4096]).await;
            let refused = "HTTP/1.1 503 Busy\r\ncontent-length: 9\r\nconnection: close\r\n\r\nall busy.";
            let _ = socket.write_all(refused.as_bytes()).await;
        }
    });
    let error = world.router.ask(ask("OrderSend", &[("id", "t")])).await.result.unwrap_err();
    assert_eq!((error.code(), error.outcome()), (Code::ServerBusy, Some(Outcome::NotSent)), "{error}");
    let error = world.router.ask(ask("Disconnect", &[("id", "t")])).await.result.unwrap_err();
    assert_eq!(error.code(), Code::ServerBusy, "{error}");
}

#[tokio::test]
async fn a_reply_arrives_as_it_was_made() {
    let world = World::new();
    let worker = world.worker("a").await;
    world.own("tök\"en", &worker, 1);
    let kinds = [
        Payload::Json("[ 1.10,\"ü\" ]".into()),
        Payload::Text("a bare ü".to_owned()),
        Payload::Html("<p>".to_owned()),
    ];
    for payload in kinds {
        let made = Answer::of(Ok(payload.clone())).synced_at(17, "synced").error_status(Some(409));
        let made = made.replayed(true).receipt(Some("1:2".to_owned()));
        worker.owner.does(Does::Say(Reply::Answer(made)));
        let mut asked = ask("accountSummary", &[("id", "tök\"en"), ("note", "x\n\u{1f600}")]);
        asked.idempotency_key = Some("schlüssel".to_owned());
        let got = world.router.ask(asked.clone()).await;
        assert_eq!(got.result.unwrap(), payload);
        assert_eq!(
            (got.as_of_ms, got.sync.as_deref(), got.error_status),
            (Some(17), Some("synced"), Some(409))
        );
        assert_eq!((got.is_replayed, got.receipt.as_deref()), (true, Some("1:2")));
        let heard = worker.owner.asks.lock().unwrap().pop().unwrap();
        assert_eq!(heard.params, asked.params);
        assert_eq!(
            (heard.call, heard.id, heard.idempotency_key),
            (asked.call, asked.id, asked.idempotency_key)
        );
        let left = heard.deadline.saturating_duration_since(Instant::now());
        assert!(left > Duration::from_secs(10) && left <= Duration::from_secs(20), "{left:?}");
    }
    let error = Error::server_not_found("x").with_outcome(Outcome::Rejected);
    worker.owner.says(Err(error.clone().because("for the log of the worker")));
    let got = world.router.ask(ask("OpenedOrders", &[("id", "tök\"en")])).await;
    assert_eq!((got.result, got.is_replayed, got.receipt), (Err(error), false, None));
}

#[tokio::test]
async fn whoever_owns_the_session_by_then_hears_what_became_of_an_answer() {
    let world = World::new();
    let (old, new) = (world.worker("old").await, world.worker("new").await);
    world.own("t", &old, 1);
    world.router.ask(ask("OpenedOrders", &[("id", "t")])).await;
    world.router.delivered("t", "1:2", Delivery::Lost).await;
    assert_eq!(*old.owner.deeds.lock().unwrap(), ["delivered t 1:2 Lost"]);
    old.owner.is_ready.store(false, Ordering::SeqCst);
    let told = world.router.delivered("t", "3:4", Delivery::Written);
    let moved = async {
        until("the old owner says that it is none", || old.owner.deeds.lock().unwrap().len() > 1).await;
        world.own("t", &new, 2);
    };
    in_time("the new owner is told", futures_util::future::join(told, moved)).await;
    assert_eq!(*new.owner.deeds.lock().unwrap(), ["delivered t 3:4 Written"]);
    let none = world.router.delivered("gone", "5:6", Delivery::Written);
    in_time("nobody is looked for without end", none).await;
}

#[tokio::test]
async fn a_file_of_the_largest_size_passes() {
    let world = World::new();
    let worker = world.worker("a").await;
    let file = "A".repeat(1_400_000);
    let answer = world.router.ask(ask("ConnectCert", &[("host", "h"), ("pfxFile", &file)])).await;
    assert_eq!(said(&answer), "[\"a\"]");
    assert_eq!(worker.owner.asks.lock().unwrap()[0].params.get("pfxFile").map(str::len), Some(1_400_000));
    let file = "A".repeat(5_000_000);
    let answer = world.router.ask(ask("ConnectCert", &[("host", "h"), ("pfxFile", &file)])).await;
    assert_eq!(answer.result.unwrap_err().code(), Code::InvalidData);
}

#[tokio::test]
async fn a_change_goes_on_when_its_asker_is_gone_and_a_read_does_not() {
    let world = World::new();
    let worker = world.worker("a").await;
    world.own("t", &worker, 1);
    worker.owner.does(Does::Hold);
    for (call, finishes) in [("OrderSend", true), ("OpenedOrders", false)] {
        let (asked, finished) = (worker.owner.asked(), worker.owner.finished.load(Ordering::SeqCst));
        let router = world.router.clone();
        let asking = world.tasks.spawn(async move { router.ask(ask(call, &[("id", "t")])).await });
        until("the call arrives", || worker.owner.asked() > asked).await;
        asking.abort();
        assert!(asking.await.unwrap_err().is_cancelled());
        if finishes {
            worker.owner.gate.notify_one();
            until("the change is done", || worker.owner.finished.load(Ordering::SeqCst) > finished).await;
        } else {
            // Once it is stopped, the worker has no call left: stopping does not wait for the gate.
            worker.stop.cancel();
            until("the read was given up", || worker.done.is_finished()).await;
            assert_eq!(worker.owner.finished.load(Ordering::SeqCst), finished);
        }
    }
}

#[tokio::test]
async fn stopping_finishes_what_was_begun_and_takes_nothing_new() {
    let world = World::new();
    let worker = world.worker("a").await;
    world.own("t", &worker, 1);
    worker.owner.does(Does::Hold);
    let router = world.router.clone();
    let asking = world.tasks.spawn(async move { router.ask(ask("OrderSend", &[("id", "t")])).await });
    until("the call arrives", || worker.owner.asked() == 1).await;
    worker.stop.cancel();
    until("the port is closed", || std::net::TcpStream::connect(&worker.address).is_err()).await;
    assert!(!worker.done.is_finished());
    worker.owner.gate.notify_one();
    assert_eq!(said(&asking.await.unwrap()), "a");
    in_time("the end", worker.done).await.unwrap();
}

#[tokio::test]
async fn a_fault_of_a_worker_is_an_answer() {
    let world = World::new();
    let worker = world.worker("a").await;
    world.own("t", &worker, 1);
    worker.owner.does(Does::Panic);
    let error = world.router.ask(ask("OrderSend", &[("id", "t")])).await.result.unwrap_err();
    assert_eq!((error.code(), error.outcome()), (Code::Done, Some(Outcome::Unknown)));
    assert_eq!(worker.owner.asked(), 1);
}

#[tokio::test]
async fn workers_hand_sessions_to_each_other() {
    let world = World::new();
    let worker = Worker::alone(&world.tasks, "a").await;
    let client = WorkerClient::new(&key(), None);
    let time = Duration::from_secs(20);
    client.adopt(&worker.address, "t1", time).await.unwrap();
    client.activate(&worker.address, "t2", Fence(1_800_000_000_000_123), time).await.unwrap();
    let refused = client.prepare(&worker.address, "t3", time).await.unwrap_err();
    assert_eq!(refused, Failure::Refused(Error::busy("not now")));
    assert_eq!(
        *worker.owner.deeds.lock().unwrap(),
        ["adopt t1", "activate t2 1800000000000123", "prepare t3"]
    );
    let nobody = crate::fake_owner::nobody().await;
    assert!(matches!(client.adopt(&nobody, "t", time).await, Err(Failure::NotSent(_))));
}

#[tokio::test]
async fn a_caller_travels_and_finds_the_sessions_of_its_tenant_alone() {
    let world = World::new();
    let worker = world.worker("a").await;
    world.own("acme t", &worker, 1);
    worker.owner.says(Ok(Payload::Text("1".to_owned())));
    let caller = Caller {
        tenant: "acme".parse().unwrap(),
        key: Some("Ab12Cd34".to_owned()),
        scopes: "read,trade,stream".parse().unwrap(),
        limits: Limits { accounts: vec![7], ..Limits::default() },
        is_operator: false,
    };
    let of = |caller: Arc<Caller>| Ask { caller, ..ask("AccountSummary", &[("id", "t")]) };
    assert_eq!(said(&world.router.ask(of(Arc::new(caller.clone()))).await), "1");
    let heard = worker.owner.asks.lock().unwrap().pop().unwrap();
    assert_eq!((heard.token().as_deref(), heard.id.as_deref()), (Some("acme t"), Some("t")));
    assert_eq!(*heard.caller, caller);
    for other in [Caller::local(), Arc::new(Caller { tenant: "other".parse().unwrap(), ..caller })] {
        let refused = world.router.ask(of(Arc::clone(&other))).await.result.unwrap_err();
        assert_eq!(refused, Error::invalid_token("t"));
        let refused = world.router.subscribe("t", Topics::ALL.into(), &other).await.unwrap_err();
        assert_eq!(refused, Error::invalid_token("t"));
        let guessed = Ask { caller: other, ..ask("AccountSummary", &[("id", "acme t")]) };
        let refused = world.router.ask(guessed).await.result.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidToken);
    }
    assert!(worker.owner.asks.lock().unwrap().is_empty(), "nobody else's call has come here");
    world.own("u", &worker, 1);
    assert_eq!(said(&world.router.ask(ask("AccountSummary", &[("id", "u")])).await), "1");
    assert!(worker.owner.asks.lock().unwrap().pop().unwrap().caller.is_local());
}
