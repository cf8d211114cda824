//! Calls without a session, and those about all sessions.

use bus::{Backend, Payload};
use cluster::Reply;
use error::{Code, Error};

use crate::fake_owner::{Breaker, Does, World, ask, nobody, said};

#[tokio::test]
async fn a_new_session_goes_where_the_registry_places_it() {
    let world = World::new();
    let worker = world.worker("a").await;
    let params = [("host", "MT5.Example.com"), ("user", "1"), ("password", "p"), ("id", "wished")];
    assert_eq!(said(&world.router.ask(ask("Connect", &params)).await), "[\"a\"]");
    assert_eq!(said(&world.router.ask(ask("ConnectEx", &[("server", "Demo-X")])).await), "[\"a\"]");
    assert_eq!(world.registry.state().placed, ["mt5.example.com:443", "demo-x"]);
    // Reads are no sessions, so they take no place.
    assert_eq!(said(&world.router.ask(ask("Search", &[("company", "x")])).await), "[\"a\"]");
    assert_eq!(world.registry.state().placed.len(), 2);
    assert_eq!(worker.owner.asked(), 3);
}

#[tokio::test]
async fn a_full_worker_and_one_that_is_gone_are_passed_over() {
    let world = World::new();
    world.registry.add_worker("gone", &nobody().await);
    let full = world.worker("full").await;
    full.owner.says(Err(Error::of(Code::MaxSessionsReached)));
    let error = world.router.ask(ask("Connect", &[("host", "h")])).await.result.unwrap_err();
    assert_eq!(error.code(), Code::MaxSessionsReached, "all that can be asked are full");
    let free = world.worker("free").await;
    assert_eq!(said(&world.router.ask(ask("Connect", &[("host", "h")])).await), "[\"free\"]");
    assert_eq!((full.owner.asked(), free.owner.asked()), (2, 1));
}

#[tokio::test]
async fn no_more_than_three_others_are_tried() {
    let world = World::new();
    let mut all = Vec::new();
    for number in 0..6 {
        let worker = world.worker(&format!("w{number}")).await;
        worker.owner.says(Err(Error::of(Code::MaxSessionsReached)));
        all.push(worker);
    }
    let error = world.router.ask(ask("Connect", &[("host", "h")])).await.result.unwrap_err();
    assert_eq!(error.code(), Code::MaxSessionsReached);
    assert_eq!(all.iter().map(|worker| worker.owner.asked()).sum::<usize>(), 4);
}

#[tokio::test]
async fn a_login_that_may_have_begun_is_not_begun_elsewhere() {
    let world = World::new();
    let breaker = Breaker::start(&world.tasks).await;
    world.registry.add_worker("breaker", &breaker.address);
    let other = world.worker("other").await;
    let error = world.router.ask(ask("Connect", &[("host", "h")])).await.result.unwrap_err();
    assert!(error.detail().contains("not known whether Connect was done"), "{error}");
    assert_eq!((breaker.deliveries(), other.owner.asked()), (1, 0));
    // A read asks the other one.
    world.registry.state().workers[1].is_open = false;
    assert_eq!(said(&world.router.ask(ask("Search", &[("company", "x")])).await), "[\"other\"]");
}

#[tokio::test]
async fn without_workers_or_registry_there_is_a_sentence() {
    let world = World::new();
    for call in ["Connect", "Search", "GetClients"] {
        let error = world.router.ask(ask(call, &[("host", "h")])).await.result.unwrap_err();
        assert_eq!(error.code(), Code::ServiceNotAvailable, "{call}");
    }
    world.registry.state().is_down = true;
    for call in ["Connect", "GetClients"] {
        let error = world.router.ask(ask(call, &[("host", "h")])).await.result.unwrap_err();
        assert_eq!(error.code(), Code::ServerBusy, "{call}");
    }
}

#[tokio::test]
async fn a_session_is_brought_back_where_it_is_or_anywhere() {
    let world = World::new();
    let (first, second) = (world.worker("first").await, world.worker("second").await);
    world.own("live", &second, 1);
    let of = async |token| said(&world.router.ask(ask("ConnectByToken", &[("id", token)])).await);
    assert_eq!(of("live").await, "[\"second\"]");
    assert_eq!(of("ended").await, "[\"first\"]");
    // Whoever makes the session of an id that lives elsewhere says so.
    first.owner.does(Does::Say(Reply::Elsewhere(second.address.clone())));
    assert_eq!(
        said(&world.router.ask(ask("Connect", &[("id", "live"), ("host", "h")])).await),
        "[\"second\"]"
    );
}

#[tokio::test]
async fn what_is_about_all_sessions_is_asked_of_all_workers() {
    let world = World::new();
    let (one, two) = (world.worker("one").await, world.worker("two").await);
    let both = "[\"one\",\"two\"]";
    for call in ["ConnectionStatusAll", "GetClients", "DisconnectOrphans", "DisconnectOrphansCluster"] {
        assert_eq!(said(&world.router.ask(ask(call, &[])).await), both, "{call}");
    }
    let counts = |name: &str, count: u32| {
        let text = format!(
            r#"{{"accountsCount":{count},"podsCount":1,"accountsCountByPod":{{"{name}":{count}}},"pods":[{{"id":"{name}"}}]}}"#
        );
        Ok(Payload::Json(text.into()))
    };
    one.owner.says(counts("one", 2));
    two.owner.says(counts("two", 3));
    let whole = r#"{"accountsCount":5,"podsCount":2,"accountsCountByPod":{"one":2,"two":3},"pods":[{"id":"one"},{"id":"two"}]}"#;
    assert_eq!(said(&world.router.ask(ask("MetricsApiKey", &[])).await), whole);
    two.owner.says(Err(Error::of(Code::NotPermission)));
    let error = world.router.ask(ask("GetClients", &[])).await.result.unwrap_err();
    assert_eq!(error.code(), Code::NotPermission, "a part does not pass for all");
    two.owner.says(counts("two", 3));
    world.registry.add_worker("gone", &nobody().await);
    let error = world.router.ask(ask("MetricsApiKey", &[])).await.result.unwrap_err();
    assert!(error.detail().contains("would not be complete"), "{error}");
    let error = world.router.ask(ask("DisconnectOrphans", &[])).await.result.unwrap_err();
    assert!(error.detail().contains("on some of them only"), "{error}");
}
