//! Guards of accounts: what they refuse, what trips, and what is done about it.

use broker::{Fault, Rule};
use serde_json::{Value, json};
use testkit::{Cable, Reply, eventually};

use crate::world::{Session, USD, World, number};

async fn post(world: &World, session: &Session, name: &str, form: &str) -> Reply {
    let path = session.path(name, "");
    world.http.post(&path, "application/x-www-form-urlencoded", form).await
}

async fn set(world: &World, session: &Session, guards: &str) -> Value {
    post(world, session, "SetAccountGuards", guards).await.ok().json()
}

async fn tripped_by(session: &Session) -> Value {
    session.json("AccountGuards", "").await["guards"][0]["trippedBy"].clone()
}

const LIMIT: &str = "symbol=EURUSD&operation=BuyLimit&volume=0.1&price=1.05";
const BUY: &str = "symbol=EURUSD&operation=Buy&volume=0.1";

#[tokio::test]
async fn an_account_holds_no_more_than_its_guards_allow() {
    let world = World::start().await;
    let session = world.login().await;
    let report = set(&world, &session, "lotsMax=0.3&positionsMax=2").await;
    assert_eq!(
        (&report["guards"][0]["lotsMax"], &report["guards"][0]["trippedBy"]),
        (&json!(0.3), &json!(null))
    );
    session.open(BUY).await;
    // A pending order counts as what it may become.
    session.json("OrderSend", LIMIT).await;
    assert_eq!(session.refused("OrderSend", BUY).await, "GUARD_LIMIT");
    // One that is only tried says so.
    let tried = session.json("OrderSend", &format!("{BUY}&dryRun=true")).await;
    let guards = tried["guards"][0].as_str().unwrap();
    assert!(guards.contains("more than 2 positions") && tried["isAccepted"] == false, "{tried}");
    set(&world, &session, "lotsMax=0.3").await;
    session.open(BUY).await;
    assert_eq!(session.refused("OrderSend", "symbol=EURUSD&operation=Sell&volume=0.01").await, "GUARD_LIMIT");
    // Another session of the account has the same guards.
    let other = world.login().await;
    assert_eq!(other.refused("OrderSend", BUY).await, "GUARD_LIMIT");
    let ticket = session.tickets().await[0];
    session.json("OrderClose", &format!("ticket={ticket}")).await;
    session.open(BUY).await;
    let wrong = post(&world, &session, "SetAccountGuards", "lotsMax=-1").await;
    assert_eq!(wrong.refused(), "INVALID_PARAM");
}

#[tokio::test]
async fn a_kill_switch_deletes_orders_closes_positions_and_stays_until_it_is_reset() {
    let world = World::start().await;
    let session = world.login().await;
    for _ in 0..3 {
        session.open(BUY).await;
        session.json("OrderSend", LIMIT).await;
    }
    let report = post(&world, &session, "KillSwitch", "closeAll=true").await.ok().json();
    assert_eq!(report["guards"][0]["trippedBy"], "the kill switch");
    assert_eq!(session.refused("OrderSend", BUY).await, "GUARD_TRIPPED");
    eventually("everything is closed", async || session.tickets().await.is_empty().then_some(())).await;
    assert_eq!(world.positions().await, 0);
    assert_eq!(session.refused("OrderSend", LIMIT).await, "GUARD_TRIPPED");
    post(&world, &session, "ResetGuards", "").await.ok();
    session.open(BUY).await;
    // Without closing, positions stay and can be closed.
    session.json("OrderSend", LIMIT).await;
    post(&world, &session, "KillSwitch", "").await.ok();
    eventually("the order is deleted", async || (session.tickets().await.len() == 1).then_some(())).await;
    let ticket = session.tickets().await[0];
    session.json("OrderClose", &format!("ticket={ticket}")).await;
}

#[tokio::test]
async fn what_a_server_refuses_to_close_is_closed_when_it_does_not_any_more() {
    let world = World::start().await;
    let session = world.login().await;
    session.open(BUY).await;
    // Each closing that is tried has its own refusal.
    world.control.add_fault(Rule::of(Fault::Requote).times(2)).await.unwrap();
    post(&world, &session, "KillSwitch", "closeAll=true").await.ok();
    eventually("everything is closed", async || session.tickets().await.is_empty().then_some(())).await;
    assert_eq!(world.positions().await, 0);
}

#[tokio::test]
async fn a_kill_switch_is_thrown_also_while_the_link_is_lost() {
    let world = World::start().await;
    let cable = Cable::to(world.broker_addr).await;
    let session = world.login_at(USD, cable.addr()).await;
    session.open(BUY).await;
    cable.cut().await;
    let report = post(&world, &session, "KillSwitch", "closeAll=true").await.ok().json();
    let thrown = &report["guards"][0]["trippedBy"];
    assert_eq!((thrown, &report["equity"]), (&json!("the kill switch"), &json!(null)));
    cable.plug();
    eventually("everything is closed", async || session.tickets().await.is_empty().then_some(())).await;
    assert_eq!(session.refused("OrderSend", BUY).await, "GUARD_TRIPPED");
}

#[tokio::test]
async fn a_kill_switch_that_is_only_to_be_tried_is_not_thrown() {
    let world = World::start().await;
    let session = world.login().await;
    session.open(BUY).await;
    let refused = post(&world, &session, "KillSwitch", "closeAll=true&dryRun=true").await;
    assert_eq!(refused.refused(), "INVALID_PARAM");
    assert_eq!(tripped_by(&session).await, json!(null));
    // One that is thrown later takes nothing back of what was thrown before.
    post(&world, &session, "KillSwitch", "closeAll=true").await.ok();
    post(&world, &session, "KillSwitch", "").await.ok();
    eventually("everything is closed", async || session.tickets().await.is_empty().then_some(())).await;
}

#[tokio::test]
async fn a_loss_trips_by_itself_and_what_is_left_is_closed() {
    let world = World::start().await;
    let session = world.login().await;
    session.json("OrderSend", LIMIT).await;
    session.open("symbol=EURUSD&operation=Buy&volume=1").await;
    let report = session.json("AccountGuards", "").await;
    let (equity, loss) = (number(&report, "equity"), number(&report, "dayLoss"));
    assert!(loss > 0.0 && equity < 10_000.0, "the spread is lost: {report}");
    set(&world, &session, &format!("dailyLoss={}", loss + 1000.0)).await;
    assert_eq!(tripped_by(&session).await, json!(null));
    set(&world, &session, &format!("dailyLoss={}&closeAll=true", loss - 0.01)).await;
    // Nobody asks for anything.
    eventually("everything is closed", async || session.tickets().await.is_empty().then_some(())).await;
    assert_eq!(tripped_by(&session).await, json!("the loss of the day"));
    assert_eq!(session.refused("OrderSend", BUY).await, "GUARD_TRIPPED");
    // What still is beyond a guard trips it again.
    post(&world, &session, "ResetGuards", "").await.ok();
    assert_eq!(session.refused("OrderSend", BUY).await, "GUARD_TRIPPED");
    set(&world, &session, "equityFloor=1000000").await;
    post(&world, &session, "ResetGuards", "").await.ok();
    assert_eq!(session.refused("OrderSend", BUY).await, "GUARD_TRIPPED");
    assert_eq!(tripped_by(&session).await, json!("the floor of the equity"));
    set(&world, &session, "").await;
    assert_eq!(session.refused("OrderSend", BUY).await, "GUARD_TRIPPED", "what has tripped stays so");
    post(&world, &session, "ResetGuards", "").await.ok();
    session.open(BUY).await;
}
