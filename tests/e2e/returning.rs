//! Sessions that come back, or must not: tokens, passwords, and the administrator's calls.

use serde_json::{Value, json};
use testkit::{Cable, Ended, eventually, percent_encoded};

use crate::world::{EUR, Session, USD, World, manual, ticket};

/// Of the installation under test.
const KEY: &str = "0123456789abcdef";
/// As strong as the broker demands.
const NEW: &str = "Aa1!aaaa";

async fn administered() -> World {
    let admin_key = Some(worker::Secret::new(KEY));
    let of_worker = worker::Settings { admin_key, ..worker::Settings::default() };
    let world = World::build(manual(), of_worker, api::Settings::default()).await;
    world.quotes().await;
    world
}

async fn by_token(world: &World, token: &str) -> testkit::Reply {
    world.http.get(&format!("/ConnectByToken?id={}", percent_encoded(token))).await
}

/// Makes a call of the administrator's, in the way that it takes.
async fn administer(world: &World, path: &str, form: &str) -> testkit::Reply {
    if ["/DisconnectOrphans", "/ReleaseSessions"].contains(&path) {
        return world.http.post(path, "application/x-www-form-urlencoded", form).await;
    }
    world.http.get(&format!("{path}?{form}")).await
}

async fn change(session: &Session, password: &str, more: &str) -> testkit::Reply {
    session.call("ChangePassword", &format!("password={}{more}", percent_encoded(password))).await
}

#[tokio::test]
async fn a_token_brings_its_session_back() {
    let world = World::start().await;
    let session = world.login().await;
    let position = ticket(&session.open("symbol=EURUSD&operation=Buy&volume=0.1").await);
    assert_eq!(by_token(&world, &session.token).await.ok().body, session.token, "it lives");
    assert_eq!(world.control.connections().await.unwrap(), 1);
    session.call("Disconnect", "").await.ok();
    assert_eq!(session.refused("OpenedOrders", "").await, "INVALID_TOKEN");
    for _ in 0..2 {
        assert_eq!(by_token(&world, &session.token).await.ok().body, session.token);
        assert_eq!(session.tickets().await, [position]);
    }
    session.call("Disconnect", "").await.ok();
    assert_eq!(by_token(&world, &session.token).await.ok().body, session.token, "as often as one likes");
    assert_eq!(by_token(&world, "no-such-token").await.refused(), "INVALID_TOKEN");
}

#[tokio::test]
async fn a_token_whose_account_is_closed_stays_away_and_works_later() {
    let world = World::start().await;
    let session = world.login().await;
    session.call("Disconnect", "").await.ok();
    world.control.enable(USD, false).await.unwrap();
    assert_eq!(by_token(&world, &session.token).await.refused(), "INVALID_ACCOUNT");
    assert_eq!(session.refused("AccountSummary", "").await, "INVALID_TOKEN");
    world.control.enable(USD, true).await.unwrap();
    by_token(&world, &session.token).await.ok();
    assert_eq!(session.json("AccountSummary", "").await["balance"], 10_000);
}

#[tokio::test]
async fn a_token_hurries_a_lost_link() {
    let world = World::start().await;
    let cable = Cable::to(world.broker_addr).await;
    let session = world.login_at(USD, cable.addr()).await;
    cable.cut().await;
    eventually("the loss is noticed", async || {
        (session.json("ConnectionStatus", "").await["isConnected"] == false).then_some(())
    })
    .await;
    cable.plug();
    assert_eq!(by_token(&world, &session.token).await.ok().body, session.token);
    assert_eq!(session.json("ConnectionStatus", "").await["isConnected"], true);
}

#[tokio::test]
async fn a_new_master_password_ends_the_session_and_its_token() {
    let world = World::start().await;
    let session = world.login().await;
    let earlier = session.token.clone();
    session.call("Disconnect", "").await.ok();
    let session = world.login().await;
    assert_ne!(session.token, earlier);
    let mut events = session.stream("Events").await;
    events.next().await;
    assert_eq!(change(&session, "weak", "").await.refused(), "INVALID_PASSWORD");
    assert_eq!(session.json("AccountSummary", "").await["balance"], 10_000, "nothing has changed");
    assert_eq!(change(&session, NEW, "").await.ok().body, "OK");
    assert_eq!(events.end().await, Ended::Closed(api::close::SESSION_OVER));
    assert_eq!(session.refused("AccountSummary", "").await, "INVALID_TOKEN");
    for token in [&session.token, &earlier] {
        assert_eq!(by_token(&world, token).await.refused(), "INVALID_TOKEN", "{token}");
    }
    assert_eq!(world.http.get(&world.connect_path(USD, "demo")).await.refused(), "INVALID_ACCOUNT");
    let token = world.http.get(&world.connect_path(USD, NEW)).await.ok().body;
    assert_ne!(token, session.token);
}

#[tokio::test]
async fn a_new_investor_password_leaves_the_session_alone() {
    let world = World::start().await;
    let session = world.login().await;
    assert_eq!(change(&session, NEW, "&isInvestor=true").await.ok().body, "OK");
    session.open("symbol=EURUSD&operation=Buy&volume=0.1").await;
    session.call("Disconnect", "").await.ok();
    assert_eq!(world.http.get(&world.connect_path(USD, "investor")).await.refused(), "INVALID_ACCOUNT");
    let token = world.http.get(&world.connect_path(USD, NEW)).await.ok().body;
    let looking = Session { http: world.http.clone(), token };
    assert_eq!(looking.json("AccountSummary", "").await["isInvestor"], true);
    assert_eq!(change(&looking, "Bb2!bbbb", "").await.refused(), "INVESTOR_MODE");
    looking.call("Disconnect", "").await.ok();
    by_token(&world, &session.token).await.ok();
    assert_eq!(session.json("AccountSummary", "").await["isInvestor"], false);
}

#[tokio::test]
async fn the_administrators_calls_need_the_key() {
    let (without, with) = (World::start().await, administered().await);
    without.login().await;
    let session = with.login().await;
    for path in [
        "/GetClients",
        "/ConnectionStatusAll",
        "/DisconnectOrphans",
        "/MetricsApiKey",
        "/LoginGovernor",
        "/QuarantinedSessions",
        "/ReleaseSessions",
    ] {
        let name = if path == "/MetricsApiKey" { "apiKey" } else { "adminKey" };
        for given in ["wrong", KEY] {
            let told = administer(&without, path, &format!("{name}={given}&ids=a")).await;
            assert_eq!(told.refused(), "NOT_PERMISSION", "{path}: {told:?}");
        }
        let wrong = administer(&with, path, &format!("{name}={KEY}x&ids=a")).await;
        assert_eq!(wrong.refused(), "NOT_PERMISSION", "{path}: {wrong:?}");
        assert!(!wrong.body.contains(&session.token), "{path}: {}", wrong.body);
    }
    assert_eq!(session.json("AccountSummary", "").await["balance"], 10_000, "nobody was disconnected");
}

#[tokio::test]
async fn orphans_are_those_that_are_not_named() {
    let world = administered().await;
    let (kept, lost) = (world.login().await, world.login_at(EUR, world.broker_addr).await);
    let tokens = async || {
        let clients = world.http.get(&format!("/GetClients?adminKey={KEY}")).await.ok().json();
        let mut tokens: Vec<Value> =
            clients.as_array().unwrap().iter().map(|client| client["id"].clone()).collect();
        tokens.sort_by_key(Value::to_string);
        tokens
    };
    let mut both = vec![json!(kept.token), json!(lost.token)];
    both.sort_by_key(Value::to_string);
    assert_eq!(tokens().await, both);
    let orphans = async |more: &str| {
        let form = format!("adminKey={KEY}{more}");
        administer(&world, "/DisconnectOrphans", &form).await.ok().json()
    };
    let keep = format!("&ids={}", kept.token);
    let dry = orphans(&format!("{keep}&dryRun=true")).await;
    assert_eq!(dry, json!([lost.token]));
    assert_eq!(tokens().await, both, "a dry run ends nothing");
    assert_eq!(orphans(&keep).await, json!([lost.token]));
    assert_eq!(tokens().await, [json!(kept.token)]);
    assert_eq!(lost.refused("AccountSummary", "").await, "INVALID_TOKEN");
    assert_eq!(kept.json("AccountSummary", "").await["currency"], "USD");
    by_token(&world, &lost.token).await.ok();
    assert_eq!(lost.json("AccountSummary", "").await["currency"], "EUR", "it can come back");
    let nobody = administer(&world, "/DisconnectOrphans", &format!("adminKey={KEY}")).await;
    assert_eq!(nobody.refused(), "NULL_ARGUMENT", "a list that went astray must not end every session");
    assert_eq!(orphans("&ids=none").await.as_array().unwrap().len(), 2);
    assert!(tokens().await.is_empty());
}

#[tokio::test]
async fn each_password_gives_what_it_may_beside_a_live_session_too() {
    for passwords in [["demo", "investor"], ["investor", "demo"]] {
        let world = World::start().await;
        let mut sessions = Vec::new();
        for password in passwords {
            let path = world.connect_path(USD, password);
            let token = world.http.get(&path).await.ok().body;
            assert_eq!(world.http.get(&path).await.ok().body, token, "{password}: the live session");
            sessions.push((password, Session { http: world.http.clone(), token }));
        }
        assert_ne!(sessions[0].1.token, sessions[1].1.token);
        for (password, session) in sessions {
            let is_investor = password == "investor";
            assert_eq!(session.json("AccountSummary", "").await["isInvestor"], is_investor, "{password}");
            let order = session.call("OrderSend", "symbol=EURUSD&operation=Buy&volume=0.1").await;
            assert_eq!(order.status, if is_investor { 201 } else { 200 }, "{password}: {order:?}");
        }
    }
}

#[tokio::test]
async fn other_sessions_of_the_account_learn_the_new_master_password() {
    let world = World::start().await;
    let cable = Cable::to(world.broker_addr).await;
    let (host, port) = (cable.addr().ip(), cable.addr().port());
    let own = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
    let path = |password: &str, more: &str| {
        let password = percent_encoded(password);
        format!("/Connect?user={USD}&password={password}&host={host}&port={port}{more}")
    };
    let other = world.http.get(&path("demo", &format!("&id={own}"))).await.ok().body;
    let other = Session { http: world.http.clone(), token: other };
    let token = world.http.get(&path("demo", "&id=another-token-of-the-same-account")).await.ok().body;
    let session = Session { http: world.http.clone(), token };
    change(&session, NEW, "").await.ok();
    assert_eq!(world.http.get(&path("demo", "")).await.refused(), "INVALID_ACCOUNT", "the old one is over");
    assert_eq!(world.http.get(&path(NEW, "")).await.ok().body, other.token);
    cable.cut().await;
    eventually("the loss is noticed", async || {
        (other.json("ConnectionStatus", "").await["isConnected"] == false).then_some(())
    })
    .await;
    cable.plug();
    assert_eq!(other.call("CheckConnect", "").await.ok().body, "OK", "it comes back by the new one");
}

#[tokio::test]
async fn who_names_no_token_is_led_to_the_same_one_each_time() {
    let world = World::start().await;
    let path = world.connect_path(USD, "demo");
    let own = world.http.get(&path).await.ok().body;
    // Sorts before any that could have been made.
    let chosen = "00000000-0000-0000-0000-000000000001";
    assert_eq!(world.http.get(&format!("{path}&id={chosen}")).await.ok().body, chosen);
    assert_eq!(world.http.get(&path).await.ok().body, own);
    world.http.get(&format!("/Disconnect?id={chosen}")).await.ok();
    by_token(&world, chosen).await.ok();
    assert_eq!(world.http.get(&path).await.ok().body, own);
}
