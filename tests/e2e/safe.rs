//! `Safe` calls that are repeated: by callers who have not got the answer, and by callers who have.

use std::time::{Duration, Instant};

use access::Caller;
use broker::{Fault, Mishap, Push, Rule};
use bus::{Answer, Ask, Backend, Delivery, Params, Payload};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde_json::Value;
use testkit::{Reply, eventually, in_time};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::{Session, USD, World, assert_close, number, ticket};

const ORDER: &str = "symbol=EURUSD&operation=Buy&volume=0.1";

/// How late verdicts come, milliseconds: time for callers to hang up and to come back.
const LATE_MS: u32 = 2_000;

/// Verdicts are late for so many trade requests.
async fn late(world: &World, times: u32) {
    if times == 0 {
        return;
    }
    let fault = Fault::Pushes { push: Push::TradeResults, mishap: Mishap::DelayMs(LATE_MS) };
    world.control.add_fault(Rule { times: Some(times), ..Rule::of(fault) }).await.unwrap();
}

/// Waits until the broker has decided on all requests whose verdicts are late.
async fn decided(world: &World) {
    let none = async || world.control.faults().await.unwrap().is_empty().then_some(());
    eventually("the broker has decided", none).await;
}

fn is_replayed(reply: &Reply) -> bool {
    reply.header("idempotent-replayed") == "true"
}

async fn lots(session: &Session) -> f64 {
    let open = session.json("OpenedOrders", "").await;
    open.as_array().unwrap().iter().map(|order| number(order, "lots")).sum()
}

#[tokio::test]
async fn whoever_hung_up_before_the_answer_gets_it_by_asking_again() {
    let world = World::start().await;
    let session = world.login().await;
    late(&world, 1).await;
    for _ in 0..2 {
        session.hang_up("OrderSendSafe", ORDER, decided(&world)).await;
    }
    let reply = session.call("OrderSendSafe", ORDER).await.ok();
    assert_eq!((world.positions().await, is_replayed(&reply)), (1, true), "{reply:?}");
    assert_eq!(reply.header("x-outcome"), "applied");
    let position = ticket(&reply.json());
    assert_eq!(session.tickets().await, [position]);

    let stops = format!("ticket={position}&stoploss=1.05");
    late(&world, 1).await;
    session.hang_up("OrderModifySafe", &stops, decided(&world)).await;
    let reply = session.call("OrderModifySafe", &stops).await.ok();
    assert_close(number(&reply.json(), "stopLoss"), 1.05);
    assert!(is_replayed(&reply), "{reply:?}");

    let half = format!("ticket={position}&lots=0.05");
    late(&world, 1).await;
    session.hang_up("OrderCloseSafe", &half, decided(&world)).await;
    let reply = session.call("OrderCloseSafe", &half).await.ok();
    assert!(is_replayed(&reply), "{reply:?}");
    assert_close(lots(&session).await, 0.05);
}

#[tokio::test]
async fn a_refusal_is_repeated_like_any_outcome() {
    let world = World::start().await;
    let session = world.login().await;
    session.warm_up().await;
    let order = "symbol=EURUSD&operation=Buy&volume=90";
    late(&world, 1).await;
    session.hang_up("OrderSendSafe", order, decided(&world)).await;
    world.control.deposit(USD, 1e6).await.unwrap();
    let reply = session.call("OrderSendSafe", order).await;
    assert!(is_replayed(&reply), "{reply:?}");
    assert_eq!((reply.header("x-outcome"), reply.refused().as_str()), ("rejected", "NO_MONEY"));
    let reply = session.call("OrderSendSafe", order).await.ok();
    assert!(!is_replayed(&reply), "that answer has arrived");
}

#[tokio::test]
async fn whoever_got_the_answer_and_asks_again_gets_a_new_order() {
    let mut world = World::start().await;
    let session = world.login().await;
    let elsewhere = Session { http: world.another_front().await, token: session.token.clone() };
    let mut tickets = Vec::new();
    for round in 0..10 {
        let reply = [&session, &elsewhere][round % 2].call("OrderSendSafe", ORDER).await.ok();
        assert!(!is_replayed(&reply), "round {round}");
        tickets.push(ticket(&reply.json()));
    }
    tickets.dedup();
    assert_eq!((tickets.len(), world.positions().await), (10, 10));
}

#[tokio::test]
async fn equal_calls_at_the_same_time_are_one_and_others_are_not() {
    let mut world = World::start().await;
    let session = world.login().await;
    let elsewhere = Session { http: world.another_front().await, token: session.token.clone() };
    session.warm_up().await;
    late(&world, 5).await;
    let equal = "OPERATION=0&Volume=0.1&symbol=EURUSD&stoploss=0&whatever=1";
    let commented = format!("{ORDER}&comment=other");
    let keyed = format!("{ORDER}&idempotencyKey=key");
    let (one, two, three, plain, key) = tokio::join!(
        session.call("OrderSendSafe", ORDER),
        elsewhere.call("ordersendSAFE", equal),
        session.call("OrderSendSafe", &commented),
        session.call("OrderSend", ORDER),
        session.call("OrderSendSafe", &keyed),
    );
    assert_eq!(ticket(&one.clone().ok().json()), ticket(&two.clone().ok().json()));
    assert!(is_replayed(&one) != is_replayed(&two), "{one:?} {two:?}");
    assert!([three, plain, key].iter().all(|reply| reply.status == 200 && !is_replayed(reply)));
    assert_eq!(world.positions().await, 4);
    let again = session.call("OrderSendSafe", &keyed).await.ok();
    assert!(is_replayed(&again), "its key says so for a day");
    assert_eq!(world.positions().await, 4);
}

#[tokio::test]
async fn plain_calls_stay_as_they_are_and_what_was_not_sent_is_not_kept() {
    let world = World::start().await;
    let session = world.login().await;
    session.warm_up().await;
    late(&world, 1).await;
    session.hang_up("OrderSend", ORDER, decided(&world)).await;
    let reply = session.call("OrderSend", ORDER).await.ok();
    assert_eq!((world.positions().await, is_replayed(&reply)), (2, false));
    let closed = format!("ticket={}", ticket(&reply.json()));
    for _ in 0..2 {
        let reply = session.call("OrderSendSafe", "symbol=NOPE&operation=Buy&volume=0.1").await;
        assert_eq!((reply.header("x-outcome"), is_replayed(&reply)), ("not_sent", false));
    }
    session.call("OrderCloseSafe", &closed).await.ok();
    let again = session.call("OrderCloseSafe", &closed).await;
    assert_eq!((again.refused().as_str(), is_replayed(&again)), ("INVALID_TICKET", false));
}

/// Sends a call and shuts down its own side at once, as some programs end a request; answers whether the whole answer came.
async fn half_closed(session: &Session, name: &str, query: &str) -> bool {
    let mut socket = TcpStream::connect(session.http.address()).await.unwrap();
    let (path, host) = (session.path(name, query), session.http.address());
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    socket.shutdown().await.unwrap();
    let mut answer = Vec::new();
    // A connection that is broken has told nothing either.
    let _ = in_time("the service ends the connection", socket.read_to_end(&mut answer)).await;
    let answer = String::from_utf8(answer).unwrap();
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    serde_json::from_str::<Value>(body).is_ok()
}

/// Whatever becomes of its answer: who did not get it and asks again doubles nothing.
#[tokio::test]
async fn nothing_doubles_for_callers_who_close_their_side_of_the_connection() {
    let world = World::start().await;
    let session = world.login().await;
    session.warm_up().await;
    let (mut expected, mut held) = (0, 0.0);
    for times in [0, 1, 0, 1] {
        late(&world, times).await;
        let is_answered = half_closed(&session, "OrderSendSafe", ORDER).await;
        let reply = session.call("OrderSendSafe", ORDER).await.ok();
        assert_eq!(is_replayed(&reply), !is_answered, "{reply:?}");
        expected += 1 + usize::from(is_answered);
        assert_eq!(world.positions().await, expected, "{times} {is_answered}");
        held += 0.1 * (1.0 + f64::from(u8::from(is_answered)));

        let part = format!("ticket={}&lots=0.01", ticket(&reply.json()));
        late(&world, times).await;
        let is_answered = half_closed(&session, "OrderCloseSafe", &part).await;
        let reply = session.call("OrderCloseSafe", &part).await.ok();
        assert_eq!(is_replayed(&reply), !is_answered, "{reply:?}");
        held -= 0.01 * (1.0 + f64::from(u8::from(is_answered)));
        assert_close(lots(&session).await, held);
    }
}

/// Asks as a front does.
async fn ask(backend: &dyn Backend, token: &str, query: &str) -> Answer {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let params: Params = pairs.chain([("id", token)]).collect();
    let deadline = Instant::now() + Duration::from_secs(20);
    let (call, id) = ("OrderSendSafe".parse().unwrap(), Some(token.to_owned()));
    let caller = Caller::local();
    backend.ask(Ask { call, params, id, caller, deadline, idempotency_key: None, source: None }).await
}

fn ticket_of(answer: &Answer) -> u64 {
    let Ok(Payload::Json(order)) = &answer.result else { panic!("no order: {answer:?}") };
    ticket(&serde_json::from_slice::<Value>(order).unwrap())
}

/// Any sequence of answers that arrive and answers that are lost, by any front: an order is new exactly if the answer to
/// the last one has arrived.
#[tokio::test]
async fn an_order_is_new_exactly_if_the_last_answer_has_arrived() {
    let mut world = World::start().await;
    let session = world.login().await;
    let fronts = [world.backend(), world.another_backend()];
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut chance = move || usize::try_from(random.next_u32() % 2).unwrap();
    let mut last: Option<u64> = None;
    let mut orders = 0;
    for step in 0..40 {
        let answer = ask(fronts[chance()].as_ref(), &session.token, ORDER).await;
        let got = ticket_of(&answer);
        assert_eq!(answer.is_replayed, last.is_some(), "step {step}");
        match last {
            Some(before) => assert_eq!(got, before, "step {step}"),
            None => orders += 1,
        }
        let delivery = [Delivery::Written, Delivery::Lost][chance()];
        let receipt = answer.receipt.unwrap();
        for _ in 0..=chance() {
            fronts[chance()].delivered(&session.token, &receipt, delivery).await;
        }
        last = (delivery == Delivery::Lost).then_some(got);
        assert_eq!(world.positions().await, orders);
    }
}

#[tokio::test]
async fn an_answer_without_word_is_waited_for_and_then_taken_for_lost() {
    let mut world = World::start().await;
    let session = world.login().await;
    let fronts = [world.backend(), world.another_backend()];
    let first = ask(fronts[0].as_ref(), &session.token, ORDER).await;
    // The front has died with the answer.
    let second = ask(fronts[1].as_ref(), &session.token, ORDER).await;
    assert_eq!((ticket_of(&second), second.is_replayed), (ticket_of(&first), true));
    // The word comes while the next call waits for it.
    let receipt = second.receipt.unwrap();
    let word = fronts[1].delivered(&session.token, &receipt, Delivery::Written);
    let (third, ()) = tokio::join!(ask(fronts[0].as_ref(), &session.token, ORDER), word);
    assert_ne!(ticket_of(&third), ticket_of(&first));
    // Late word of the first says nothing of the third.
    fronts[0].delivered(&session.token, &receipt, Delivery::Written).await;
    let fourth = ask(fronts[0].as_ref(), &session.token, ORDER).await;
    assert_eq!((ticket_of(&fourth), fourth.is_replayed), (ticket_of(&third), true));
    assert_eq!(world.positions().await, 2);
}
