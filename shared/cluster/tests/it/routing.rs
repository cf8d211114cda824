//! Calls for a session find its owner, and no change is sent twice.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::Backend;
use cluster::Reply;
use error::{Code, Outcome};
use testkit::in_time;

use crate::fake_owner::{Breaker, Does, World, ask, nobody, said, until};

#[tokio::test]
async fn a_route_is_looked_up_once() {
    let world = World::new();
    let worker = world.worker("a").await;
    world.own("t", &worker, 1);
    for _ in 0..5 {
        assert_eq!(said(&world.router.ask(ask("OpenedOrders", &[("id", "t")])).await), "[\"a\"]");
    }
    assert_eq!(world.looked_up(), 1);
    world.registry.state().is_down = true;
    assert_eq!(said(&world.router.ask(ask("OpenedOrders", &[("id", "t")])).await), "[\"a\"]");
    let error = world.router.ask(ask("OrderSend", &[("id", "other")])).await.result.unwrap_err();
    assert_eq!((error.code(), error.outcome()), (Code::ServerBusy, Some(Outcome::NotSent)));
    assert!(error.detail().contains("Try again"), "{error}");
}

#[tokio::test]
async fn a_registry_that_does_not_answer_holds_nothing_up() {
    let world = World::with(|settings| settings.registry_time = Duration::from_millis(100));
    world.registry.state().is_silent = true;
    let error = in_time("the answer", world.router.ask(ask("OrderSend", &[("id", "t")]))).await;
    let error = error.result.unwrap_err();
    assert_eq!((error.code(), error.outcome()), (Code::ServerBusy, Some(Outcome::NotSent)));
}

#[tokio::test]
async fn unknown_and_missing_tokens_are_told_so() {
    let world = World::new();
    let error = world.router.ask(ask("OpenedOrders", &[("id", "no")])).await.result.unwrap_err();
    assert_eq!(error.detail(), "Client with id no not found");
    let error = world.router.ask(ask("OrderSend", &[("id", "no")])).await.result.unwrap_err();
    assert_eq!((error.code(), error.outcome()), (Code::InvalidToken, Some(Outcome::NotSent)));
    let error = world.router.ask(ask("OpenedOrders", &[])).await.result.unwrap_err();
    assert_eq!(error.code(), Code::NullArgument);
}

#[tokio::test]
async fn a_worker_that_does_not_own_the_session_corrects_the_route() {
    let world = World::new();
    let (old, new) = (world.worker("old").await, world.worker("new").await);
    world.own("t", &old, 1);
    assert_eq!(said(&world.router.ask(ask("OpenedOrders", &[("id", "t")])).await), "[\"old\"]");
    old.owner.does(Does::Say(Reply::NotMine));
    world.own("t", &new, 2);
    assert_eq!(said(&world.router.ask(ask("OrderSend", &[("id", "t")])).await), "[\"new\"]");
    assert_eq!(old.owner.asked(), 2);
    // The registry is behind: the router waits until it is not.
    new.owner.does(Does::Say(Reply::NotMine));
    old.owner.says(Ok(bus::Payload::Text("old again".to_owned())));
    let router = world.router.clone();
    let asking = world.tasks.spawn(async move { router.ask(ask("OrderSend", &[("id", "t")])).await });
    until("it is asked more than once", || new.owner.asked() > 2).await;
    world.own("t", &old, 3);
    assert_eq!(said(&asking.await.unwrap()), "old again");
}

#[tokio::test]
async fn another_worker_that_is_named_is_asked() {
    let world = World::new();
    let (first, second) = (world.worker("first").await, world.worker("second").await);
    world.own("t", &first, 1);
    first.owner.does(Does::Say(Reply::Elsewhere(second.address.clone())));
    assert_eq!(said(&world.router.ask(ask("OrderSend", &[("id", "t")])).await), "[\"second\"]");
    world.own("t", &second, 2);
    assert_eq!(said(&world.router.ask(ask("OrderSend", &[("id", "t")])).await), "[\"second\"]");
    assert_eq!(first.owner.asked(), 1, "the detour is not made again");
    second.owner.does(Does::Say(Reply::Elsewhere(first.address.clone())));
    let mut round = ask("OrderSend", &[("id", "t")]);
    round.deadline = Instant::now() + Duration::from_millis(300);
    let error = world.router.ask(round).await.result.unwrap_err();
    assert_eq!((error.code(), error.outcome()), (Code::ServerBusy, Some(Outcome::NotSent)));
}

#[tokio::test]
async fn a_session_without_an_owner_is_given_one() {
    let world = World::new();
    let worker = world.worker("heir").await;
    world.registry.orphan("t");
    let (registry, address) = (Arc::clone(&world.registry), worker.address.clone());
    worker.owner.on_adopt(move |token| registry.own(token, "heir", &address, 2));
    let answers = futures_util::future::join_all(
        (0..20).map(|_| async { said(&world.router.ask(ask("OrderSend", &[("id", "t")])).await) }),
    );
    assert!(answers.await.iter().all(|answer| answer == "[\"heir\"]"));
    assert_eq!(worker.owner.deeds.lock().unwrap().len(), 1, "one call asks for all");
}

#[tokio::test]
async fn waiting_for_an_owner_ends_with_the_deadline() {
    let world = World::new();
    let _worker = world.worker("a").await;
    world.registry.orphan("t");
    let mut late = ask("OrderSend", &[("id", "t")]);
    late.deadline = Instant::now() + Duration::from_millis(100);
    let error = in_time("the answer", world.router.ask(late)).await.result.unwrap_err();
    assert_eq!((error.code(), error.outcome()), (Code::ServerBusy, Some(Outcome::NotSent)));
}

#[tokio::test]
async fn a_worker_that_is_not_there_got_nothing_so_the_next_owner_gets_it() {
    let world = World::new();
    let heir = world.worker("heir").await;
    let gone = nobody().await;
    world.registry.own("t", "gone", &gone, 1);
    let router = world.router.clone();
    let asking = world.tasks.spawn(async move { router.ask(ask("OrderSend", &[("id", "t")])).await });
    until("it is looked up again", || world.looked_up() > 2).await;
    world.own("t", &heir, 2);
    assert_eq!(said(&asking.await.unwrap()), "[\"heir\"]");
    assert_eq!(heir.owner.asked(), 1);
}

/// The worker that a token is at dies over each call; another one is the owner from then on.
async fn broken(call: &str, idempotency_key: Option<&str>) -> (Result<String, error::Error>, usize, usize) {
    let world = World::new();
    let (breaker, heir) = (Breaker::start(&world.tasks).await, world.worker("heir").await);
    world.registry.own("t", "breaker", &breaker.address, 1);
    let mut asked = ask(call, &[("id", "t")]);
    asked.idempotency_key = idempotency_key.map(str::to_owned);
    let router = world.router.clone();
    let asking = world.tasks.spawn(async move { router.ask(asked).await });
    until("it is delivered", || breaker.deliveries() > 0).await;
    world.own("t", &heir, 2);
    let answer = asking.await.unwrap();
    let result = answer.result.clone().map(|_| said(&answer));
    (result, breaker.deliveries(), heir.owner.asked())
}

#[tokio::test]
async fn an_order_that_may_have_been_sent_is_not_sent_again() {
    let (result, delivered, repeated) = broken("OrderSend", None).await;
    let error = result.unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::Unknown));
    assert!(error.detail().contains("OpenedOrders") && error.detail().contains("idempotency key"), "{error}");
    assert_eq!((delivered, repeated), (1, 0));
}

#[tokio::test]
async fn an_order_with_a_key_is_repeated_at_the_next_owner() {
    let (result, _, repeated) = broken("OrderSend", Some("key")).await;
    assert_eq!((result, repeated), (Ok("[\"heir\"]".to_owned()), 1));
}

#[tokio::test]
async fn a_read_is_repeated_and_another_change_is_not() {
    let (result, _, repeated) = broken("OpenedOrders", None).await;
    assert_eq!((result, repeated), (Ok("[\"heir\"]".to_owned()), 1));
    let (result, delivered, repeated) = broken("Disconnect", Some("a key says nothing here")).await;
    let error = result.unwrap_err();
    assert_eq!((error.code(), error.outcome()), (Code::NetworkError, None));
    assert!(error.detail().contains("not known whether Disconnect was done"), "{error}");
    assert_eq!((delivered, repeated), (1, 0));
}

#[tokio::test]
async fn an_order_that_may_have_been_sent_stays_unknown_when_nobody_can_tell() {
    let world = World::new();
    let breaker = Breaker::start(&world.tasks).await;
    world.registry.own("t", "breaker", &breaker.address, 1);
    let mut asked = ask("OrderSend", &[("id", "t")]);
    asked.idempotency_key = Some("key".to_owned());
    let router = world.router.clone();
    let asking = world.tasks.spawn(async move { router.ask(asked).await });
    until("it is delivered", || breaker.deliveries() > 0).await;
    world.registry.state().routes.clear();
    let error = asking.await.unwrap().result.unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::Unknown), "{error}");
}

#[tokio::test]
async fn a_worker_that_vanished_is_noticed_before_the_deadline() {
    let world = World::new();
    let (silent, heir) = (world.worker("silent").await, world.worker("heir").await);
    world.own("t", &silent, 1);
    silent.owner.does(Does::Hold);
    let router = world.router.clone();
    let asking = world.tasks.spawn(async move { router.ask(ask("OpenedOrders", &[("id", "t")])).await });
    until("it is asked", || silent.owner.asked() == 1).await;
    world.own("t", &heir, 2);
    world.registry.remove_worker("silent");
    assert_eq!(said(&asking.await.unwrap()), "[\"heir\"]");
}

#[tokio::test]
async fn a_late_call_is_answered_and_an_order_is_of_unknown_outcome() {
    let world = World::new();
    let worker = world.worker("a").await;
    world.own("t", &worker, 1);
    worker.owner.does(Does::Hold);
    for (call, outcome) in [("OrderSend", Some(Outcome::Unknown)), ("OpenedOrders", None)] {
        let mut late = ask(call, &[("id", "t")]);
        late.deadline = Instant::now() + Duration::from_millis(50);
        let error = world.router.ask(late).await.result.unwrap_err();
        assert_eq!((error.code(), error.outcome()), (Code::Timeout, outcome), "{call}");
    }
    assert_eq!(worker.owner.asked(), 2);
}

#[tokio::test]
async fn only_so_many_calls_are_under_way_at_a_worker() {
    let world = World::with(|settings| settings.in_flight_max = 2);
    let worker = world.worker("a").await;
    world.own("t", &worker, 1);
    worker.owner.does(Does::Hold);
    let held: Vec<_> = (0..2)
        .map(|_| {
            let router = world.router.clone();
            world.tasks.spawn(async move { router.ask(ask("OrderSend", &[("id", "t")])).await })
        })
        .collect();
    until("both are under way", || worker.owner.asked() == 2).await;
    let error = world.router.ask(ask("OrderSend", &[("id", "t")])).await.result.unwrap_err();
    assert_eq!((error.code(), error.outcome()), (Code::ServerBusy, Some(Outcome::NotSent)));
    assert_eq!(worker.owner.asked(), 2);
    worker.owner.gate.notify_one();
    worker.owner.gate.notify_one();
    for call in held {
        // Both waiters are woken, in whatever order.
        worker.owner.gate.notify_waiters();
        assert_eq!(said(&call.await.unwrap()), "a");
    }
    worker.owner.says(Ok(bus::Payload::Text("free".to_owned())));
    assert_eq!(said(&world.router.ask(ask("OrderSend", &[("id", "t")])).await), "free");
}
