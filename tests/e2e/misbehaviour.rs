//! A trade server that misbehaves in every way it can be told to: what callers see of it, and that sessions get over it.

use std::time::Duration;

use broker::{Fault, Mishap, Push, QuoteSide, Rule};
use serde_json::Value;
use testkit::{Reply, eventually, pause};

use crate::world::{Session, USD, World, number, ticket};

const ORDER: &str = "symbol=EURUSD&operation=Buy&volume=0.1";
/// Commands of the protocol.
const PORTFOLIO: u16 = 4;
const TRADE: u16 = 12;

fn of(reply: &Reply) -> &str {
    reply.header("x-outcome")
}

/// A world in which this goes wrong once the session stands and has traded.
async fn world_with(rule: Rule) -> (World, Session) {
    let world = World::start().await;
    let session = world.login().await;
    session.warm_up().await;
    world.control.add_fault(rule).await.unwrap();
    (world, session)
}

/// Sends an order, which must be done once and only once, and told so.
async fn is_done_once(world: &World, session: &Session, why: &str) -> Value {
    let reply = session.call("OrderSend", ORDER).await;
    assert_eq!((reply.status, of(&reply)), (200, "applied"), "{why}: {reply:?}");
    assert_eq!(world.positions().await, 1, "{why}");
    let order = reply.json();
    assert_eq!(session.tickets().await, [ticket(&order)], "{why}");
    order
}

async fn quote(session: &Session) -> (f64, f64) {
    let quote = session.json("GetQuote", "symbol=EURUSD").await;
    (number(&quote, "bid"), number(&quote, "ask"))
}

#[tokio::test]
async fn requotes_are_told_with_the_new_prices() {
    let (world, session) = world_with(Rule::of(Fault::Requote).times(2)).await;
    for _ in 0..2 {
        let reply = session.call("OrderSend", ORDER).await;
        assert_eq!((of(&reply), reply.refused().as_str()), ("rejected", "REQUOTE"), "{reply:?}");
        let message = reply.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains("bid 1.1, ask 1.1001"), "{message}");
    }
    is_done_once(&world, &session, "the third time").await;
}

#[tokio::test]
async fn refusals_are_told_whichever_way_they_come() {
    for at_once in [false, true] {
        let rule = Rule::of(Fault::Reject { retcode: 10_006, at_once }).for_login(USD).times(1);
        let (world, session) = world_with(rule).await;
        let reply = session.call("OrderSend", ORDER).await;
        assert_eq!((of(&reply), reply.refused().as_str()), ("rejected", "REQUEST_REJECTED"), "{reply:?}");
        assert_eq!(world.positions().await, 0);
        is_done_once(&world, &session, "after the refusal").await;
    }
}

#[tokio::test]
async fn a_partial_fill_is_told_with_what_was_filled() {
    let (world, session) = world_with(Rule::of(Fault::PartialFill { share: 0.5 }).times(2)).await;
    let order = is_done_once(&world, &session, "a part").await;
    assert_eq!(order["lots"], 0.05, "{order}");
    let position = ticket(&order);
    let closed = session.call("OrderClose", &format!("ticket={position}")).await.ok();
    assert_eq!(of(&closed), "applied", "{closed:?}");
    let rest = session.json("OpenedOrder", &format!("ticket={position}")).await;
    assert_eq!(rest["lots"], 0.03, "half of five steps is two: {rest}");
}

#[tokio::test]
async fn a_late_result_is_waited_for() {
    let (world, session) = world_with(Rule::of(Fault::LateResult { ms: 500 })).await;
    is_done_once(&world, &session, "half a second late").await;
}

#[tokio::test]
async fn a_result_past_the_limit_is_looked_up_and_its_late_copy_harms_nothing() {
    // Fifteen seconds are waited for a verdict.
    let (world, session) = world_with(Rule::of(Fault::LateResult { ms: 16_500 }).times(1)).await;
    let first = ticket(&is_done_once(&world, &session, "found in the state").await);
    pause(Duration::from_secs(2)).await;
    let second = ticket(&session.open(ORDER).await);
    assert_eq!((world.positions().await, session.tickets().await), (2, vec![first, second]));
}

#[tokio::test]
async fn orders_survive_whatever_happens_to_their_answers() {
    for mishap in [Mishap::DelayMs(500), Mishap::Drop, Mishap::Duplicate, Mishap::Garble, Mishap::Truncate] {
        let fault = Fault::Answers { command: Some(TRADE), mishap };
        let (world, session) = world_with(Rule::of(fault).times(1)).await;
        let first = is_done_once(&world, &session, &format!("{mishap:?}")).await;
        session.call("CheckConnect", "").await.ok();
        if mishap == Mishap::Drop {
            // The link still waits for the lost answer; until it gives up, no other order leaves.
            let second = session.call("OrderSend", ORDER).await;
            assert_eq!((of(&second), second.refused().as_str()), ("not_sent", "TIMEOUT"), "{second:?}");
            assert_eq!(world.positions().await, 1);
            eventually("the link was replaced", async || {
                (session.call("OrderSend", ORDER).await.status == 200).then_some(())
            })
            .await;
            assert_eq!(world.positions().await, 2, "what was not sent came to nothing");
            continue;
        }
        let second = session.open(ORDER).await;
        assert_eq!(session.tickets().await, [ticket(&first), ticket(&second)], "{mishap:?}");
        assert_eq!(world.positions().await, 2, "{mishap:?}");
    }
}

#[tokio::test]
async fn orders_survive_whatever_happens_to_their_results() {
    for mishap in [Mishap::Duplicate, Mishap::Garble, Mishap::Truncate] {
        let fault = Fault::Pushes { push: Push::TradeResults, mishap };
        let (world, session) = world_with(Rule::of(fault).times(1)).await;
        is_done_once(&world, &session, &format!("{mishap:?}")).await;
    }
}

#[tokio::test]
async fn orders_survive_whatever_happens_to_their_updates() {
    for mishap in [Mishap::DelayMs(500), Mishap::Drop, Mishap::Duplicate, Mishap::Garble, Mishap::Truncate] {
        let (world, session) = world_with(Rule::of(Fault::Pushes { push: Push::TradeUpdates, mishap })).await;
        let order = session.call("OrderSend", ORDER).await;
        world.control.clear_faults().await.unwrap();
        assert_eq!((order.status, of(&order)), (200, "applied"), "{mishap:?}: {order:?}");
        assert_eq!(world.positions().await, 1, "{mishap:?}");
        session.call("CheckConnect", "").await.ok();
        assert_eq!(session.tickets().await, [ticket(&order.json())], "{mishap:?}");
    }
}

#[tokio::test]
async fn unlikely_faults_leave_every_order_with_a_true_outcome() {
    let world = World::start().await;
    let session = world.login().await;
    for (fault, probability) in [
        (Fault::Reject { retcode: 10_006, at_once: false }, 0.2),
        (Fault::Requote, 0.2),
        (Fault::LateResult { ms: 50 }, 0.3),
    ] {
        world.control.add_fault(Rule::of(fault).likely(probability)).await.unwrap();
    }
    let mut tickets = Vec::new();
    for _ in 0..30 {
        let reply = session.call("OrderSend", ORDER).await;
        match of(&reply) {
            "applied" => tickets.push(ticket(&reply.json())),
            "rejected" => {}
            other => panic!("{other}: {reply:?}"),
        }
    }
    assert!(!tickets.is_empty() && tickets.len() < 30, "the seed gives both");
    assert_eq!(world.positions().await, tickets.len());
    assert_eq!(session.tickets().await, tickets);
}

#[tokio::test]
async fn frozen_quotes_are_the_last_ones_until_they_thaw() {
    let world = World::start().await;
    let session = world.login().await;
    assert_eq!(quote(&session).await, (1.1, 1.1001));
    world.control.fault(Fault::FreezeQuotes { symbol: Some("EURUSD".into()) }).await.unwrap();
    world.control.quote("EURUSD", 1.2, 1.2001).await.unwrap();
    assert_eq!(quote(&session).await, (1.1, 1.1001));
    assert_eq!(session.open(ORDER).await["openPrice"], 1.2001, "the server deals at its own price");
    world.control.clear_faults().await.unwrap();
    world.control.quote("EURUSD", 1.3, 1.3001).await.unwrap();
    eventually("quotes go on", async || (quote(&session).await == (1.3, 1.3001)).then_some(())).await;
}

#[tokio::test]
async fn ticks_of_one_side_leave_the_other_as_it_was() {
    let world = World::start().await;
    let session = world.login().await;
    session.call("Subscribe", "symbol=EURUSD").await.ok();
    assert_eq!(quote(&session).await, (1.1, 1.1001));
    for (side, seen) in
        [(Some(QuoteSide::Ask), (1.1, 1.2001)), (Some(QuoteSide::Bid), (1.2, 1.2001)), (None, (1.3, 1.3001))]
    {
        world.control.fault(Fault::PartialTicks { side }).await.unwrap();
        let bid = if side.is_some() { 1.2 } else { 1.3 };
        world.control.quote("EURUSD", bid, bid + 0.0001).await.unwrap();
        eventually(&format!("{side:?}"), async || (quote(&session).await == seen).then_some(())).await;
    }
}

#[tokio::test]
async fn quotes_go_on_after_ticks_that_are_late_doubled_lost_or_spoilt() {
    let world = World::start().await;
    let session = world.login().await;
    session.call("Subscribe", "symbol=EURUSD").await.ok();
    let mishaps = [Mishap::DelayMs(300), Mishap::Duplicate, Mishap::Drop, Mishap::Truncate, Mishap::Garble];
    for (step, mishap) in (1..).zip(mishaps) {
        let rule = Rule::of(Fault::Pushes { push: Push::Ticks, mishap }).times(1);
        world.control.add_fault(rule).await.unwrap();
        let bid = 1.1 + f64::from(step) / 100.0;
        world.control.quote("EURUSD", bid, bid + 0.001).await.unwrap();
        let next = bid + 0.005;
        eventually(&format!("quotes go on after {mishap:?}"), async || {
            world.control.quote("EURUSD", next, next + 0.001).await.unwrap();
            let reply = session.call("GetQuote", "symbol=EURUSD").await;
            (reply.status == 200 && (number(&reply.json(), "bid") - next).abs() < 1e-9).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn refused_logins_are_told_by_their_codes() {
    let world = World::start().await;
    for (code, told) in [
        (1, "COMMON_ERROR"),
        (2, "SERVICE_NOT_AVAILABLE"),
        (3, "INVALID_ACCOUNT"),
        (5, "INVALID_ONETIME_PASSWORD"),
        (6, "SECRET_KEY_REQUIRED"),
        (9, "CERTIFICATE_REQUIRED"),
        (201, "INVALID_ONETIME_PASSWORD"),
    ] {
        world.control.refuse_logins(Some(code)).await.unwrap();
        assert_eq!(world.http.get(&world.connect_path(USD, "demo")).await.refused(), told, "{code}");
    }
    world.control.refuse_logins(None).await.unwrap();
    world.login().await;
}

#[tokio::test]
async fn a_session_comes_back_through_logins_that_are_refused_for_a_while() {
    let world = World::start().await;
    let session = world.login().await;
    let first = ticket(&session.open(ORDER).await);
    world.control.add_fault(Rule::of(Fault::RefuseLogin { code: 2 }).times(2)).await.unwrap();
    assert_eq!(world.control.disconnect(USD).await.unwrap(), 1);
    eventually("the session is back", async || {
        (session.call("CheckConnect", "").await.status == 200).then_some(())
    })
    .await;
    assert!(world.control.faults().await.unwrap().is_empty(), "both refusals were met");
    assert_eq!(session.tickets().await, [first]);
}

#[tokio::test]
async fn a_trickle_carries_a_whole_session() {
    let world = World::start().await;
    world.control.fault(Fault::Trickle { bytes_per_s: 20_000 }).await.unwrap();
    let session = world.login().await;
    is_done_once(&world, &session, "slowly").await;
}

#[tokio::test]
async fn a_session_begins_although_its_first_answers_are_spoilt() {
    for mishap in [Mishap::Garble, Mishap::Truncate, Mishap::Duplicate] {
        let world = World::start().await;
        let fault = Fault::Answers { command: Some(PORTFOLIO), mishap };
        world.control.add_fault(Rule::of(fault).times(1)).await.unwrap();
        let session = eventually(&format!("a session in spite of {mishap:?}"), async || {
            let reply = world.http.get(&world.connect_path(USD, "demo")).await;
            (reply.status == 200).then(|| Session { http: world.http.clone(), token: reply.body })
        })
        .await;
        is_done_once(&world, &session, &format!("{mishap:?}")).await;
    }
}

#[tokio::test]
async fn other_terms_of_a_symbol_and_an_account_reach_the_caller() {
    let world = World::start().await;
    let session = world.login().await;
    session.call("Subscribe", "symbol=EURUSD").await.ok();
    let edit = broker::AccountEdit { leverage: Some(20), ..broker::AccountEdit::default() };
    world.control.edit_account(USD, edit).await.unwrap();
    eventually("the leverage is told", async || {
        (session.json("AccountSummary", "").await["leverage"] == 20.0).then_some(())
    })
    .await;
    world.control.open_market("EURUSD", false).await.unwrap();
    assert_eq!(session.refused("OrderSend", ORDER).await, "MARKET_CLOSED");
    world.control.open_market("EURUSD", true).await.unwrap();
    let edit = broker::SymbolEdit { trade_mode: Some("close_only".into()), ..broker::SymbolEdit::default() };
    world.control.edit_symbol("EURUSD", edit).await.unwrap();
    let refused = session.call("OrderSend", ORDER).await;
    assert_eq!(refused.status, 201, "{refused:?}");
    assert_eq!(world.positions().await, 0);
}

#[tokio::test]
async fn pushes_of_every_other_kind_may_be_spoilt_or_lost() {
    for push in
        [Push::SymbolUpdates, Push::AccountUpdates, Push::SymbolDetails, Push::Books, Push::LoginStatus]
    {
        for mishap in [Mishap::Drop, Mishap::Duplicate, Mishap::Truncate, Mishap::Garble] {
            let world = World::start().await;
            let fault = Fault::Pushes { push, mishap };
            if push == Push::LoginStatus {
                world.control.add_fault(Rule::of(fault.clone()).times(1)).await.unwrap();
            }
            let session = eventually("a session", async || {
                let reply = world.http.get(&world.connect_path(USD, "demo")).await;
                (reply.status == 200).then(|| Session { http: world.http.clone(), token: reply.body })
            })
            .await;
            session.call("Subscribe", "symbol=EURUSD").await.ok();
            if push != Push::LoginStatus {
                world.control.add_fault(Rule::of(fault).times(1)).await.unwrap();
            }
            let levels = broker::SymbolEdit { stops_level: Some(5), ..broker::SymbolEdit::default() };
            world.control.edit_symbol("EURUSD", levels).await.unwrap();
            let leverage = broker::AccountEdit { leverage: Some(50), ..broker::AccountEdit::default() };
            world.control.edit_account(USD, leverage).await.unwrap();
            world.control.quote("EURUSD", 1.2, 1.2001).await.unwrap();
            eventually(&format!("quotes go on: {push:?} {mishap:?}"), async || {
                let reply = session.call("GetQuote", "symbol=EURUSD").await;
                (reply.status == 200 && reply.json()["bid"] == 1.2).then_some(())
            })
            .await;
            is_done_once(&world, &session, &format!("{push:?} {mishap:?}")).await;
        }
    }
}

#[tokio::test]
async fn a_login_without_an_answer_is_given_up() {
    let world = World::start().await;
    for (mishap, told) in [(Mishap::Garble, "NETWORK_ERROR"), (Mishap::Drop, "TIMEOUT")] {
        let fault = Fault::Answers { command: Some(PORTFOLIO), mishap };
        world.control.add_fault(Rule::of(fault).times(1)).await.unwrap();
        assert_eq!(world.http.get(&world.connect_path(USD, "demo")).await.refused(), told);
    }
    world.login().await;
}

/// What the account has, as clients read it: all of it, or a refusal.
async fn account(session: &Session) -> Option<(f64, f64, usize)> {
    let summary = session.call("AccountSummary", "").await;
    let open = session.call("OpenedOrders", "").await;
    let is_told = summary.status == 200 && open.status == 200;
    is_told.then(|| {
        let (summary, open) = (summary.json(), open.json());
        (number(&summary, "balance"), number(&summary, "leverage"), open.as_array().unwrap().len())
    })
}

#[tokio::test]
async fn what_a_push_would_have_changed_is_never_told_as_it_was_before() {
    for push in [Push::TradeUpdates, Push::AccountUpdates, Push::SymbolUpdates] {
        let world = World::start().await;
        let session = world.login().await;
        session.open(ORDER).await;
        let before = account(&session).await.unwrap();
        let fault = Fault::Pushes { push, mishap: Mishap::Absurd };
        world.control.add_fault(Rule::of(fault).times(1)).await.unwrap();
        world.control.deposit(USD, 500.0).await.unwrap();
        let edit = broker::AccountEdit { leverage: Some(50), ..broker::AccountEdit::default() };
        world.control.edit_account(USD, edit).await.unwrap();
        let levels = broker::SymbolEdit { stops_level: Some(5), ..broker::SymbolEdit::default() };
        world.control.edit_symbol("EURUSD", levels).await.unwrap();
        eventually(&format!("{push:?}: all is told as it is"), async || {
            let terms = session.call("SymbolParams", "symbol=EURUSD").await;
            let is_new = terms.status == 200 && terms.json()["symbolGroup"]["sl"] == 5;
            (account(&session).await == Some((before.0 + 500.0, 50.0, 1)) && is_new).then_some(())
        })
        .await;
        assert!(world.control.faults().await.unwrap().is_empty(), "{push:?} was spoilt");
    }
}

#[tokio::test]
async fn money_that_is_no_number_is_never_shown() {
    let world = World::start().await;
    let session = world.login().await;
    session.open(ORDER).await;
    let before = account(&session).await.unwrap();
    // Whatever the account is asked for or told, from now on.
    for command in [3, 4, 5] {
        let fault = Fault::Answers { command: Some(command), mishap: Mishap::Absurd };
        world.control.add_fault(Rule::of(fault)).await.unwrap();
    }
    assert_eq!(world.http.get(&world.connect_path(USD, "investor")).await.refused(), "NETWORK_ERROR");
    let fault = Fault::Pushes { push: Push::AccountUpdates, mishap: Mishap::Absurd };
    world.control.add_fault(Rule::of(fault)).await.unwrap();
    let edit = broker::AccountEdit { leverage: Some(50), ..broker::AccountEdit::default() };
    world.control.edit_account(USD, edit).await.unwrap();
    let told = eventually("reads say that nothing is known", async || {
        let reply = session.call("AccountSummary", "").await;
        (reply.status != 200).then_some(reply.body)
    })
    .await;
    assert!(told.contains("CONNECT_ERROR") && told.contains("its number is absurd"), "{told}");
    world.control.clear_faults().await.unwrap();
    eventually("the session is back", async || {
        (account(&session).await == Some((before.0, 50.0, 1))).then_some(())
    })
    .await;
}

#[tokio::test]
async fn prices_that_are_no_numbers_change_nothing() {
    let world = World::start().await;
    let session = world.login().await;
    session.call("Subscribe", "symbol=EURUSD").await.ok();
    let before = quote(&session).await;
    let fault = Fault::Pushes { push: Push::Ticks, mishap: Mishap::Absurd };
    world.control.add_fault(Rule::of(fault).times(1)).await.unwrap();
    world.control.quote("EURUSD", 1.3, 1.3001).await.unwrap();
    eventually("it was told", async || world.control.faults().await.unwrap().is_empty().then_some(())).await;
    assert_eq!(quote(&session).await, before);
    let fault = Fault::Answers { command: Some(11), mishap: Mishap::Absurd };
    world.control.add_fault(Rule::of(fault).times(1)).await.unwrap();
    let bars = session.call("PriceHistoryToday", "symbol=EURUSD&timeFrame=1").await;
    assert_ne!(bars.status, 200, "{bars:?}");
    world.control.quote("EURUSD", 1.3, 1.3001).await.unwrap();
    eventually("quotes go on", async || (quote(&session).await == (1.3, 1.3001)).then_some(())).await;
}
