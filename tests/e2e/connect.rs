//! Logging in and out.

use serde_json::{Value, json};
use testkit::{Client, eventually};
use tokio::net::TcpSocket;

use crate::world::{EUR, SERVER, USD, World};

#[tokio::test]
async fn a_login_gives_a_token_that_works() {
    let world = World::start().await;
    let token = world.http.get(&world.connect_path(USD, "demo")).await.ok();
    assert_eq!(token.header("content-type"), "text/plain; charset=utf-8");
    assert!(token.body.len() >= 36 && !token.body.contains('"'), "{}", token.body);
    let session = world.login().await;
    assert_eq!(session.token, token.body, "a second connect answers the live session");
    let summary = session.json("AccountSummary", "").await;
    assert_eq!(summary["currency"], "USD");
    assert_eq!(session.call("CheckConnect", "").await.ok().body, "OK");
    let status = session.json("ConnectionStatus", "").await;
    assert_eq!((&status["id"], &status["isConnected"]), (&json!(token.body), &json!(true)));
    assert!(status["connectTimeUTC"].as_str().unwrap().ends_with('Z'), "{status}");
}

#[tokio::test]
async fn two_connects_at_once_make_one_session() {
    let world = World::start().await;
    let path = world.connect_path(USD, "demo");
    let (one, two, three) = tokio::join!(world.http.get(&path), world.http.get(&path), world.http.get(&path));
    assert_eq!((&one.body, one.status), (&two.body, 200));
    assert_eq!(one.body, three.body);
    assert_eq!(world.control.connections().await.unwrap(), 1);
}

#[tokio::test]
async fn the_caller_may_choose_the_token() {
    let world = World::start().await;
    let path = world.connect_path(USD, "demo");
    let own = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
    assert_eq!(world.http.get(&format!("{path}&id={own}")).await.ok().body, own);
    assert_eq!(world.http.get(&format!("{path}&ID={own}")).await.ok().body, own, "once more is no harm");
    assert_eq!(world.http.get(&format!("/AccountSummary?id={own}")).await.ok().json()["currency"], "USD");
    let taken = world.http.get(&format!("{}&id={own}", world.connect_path(EUR, "demo"))).await;
    assert_eq!(taken.status, 201, "a token is never taken over: {taken:?}");
    assert_eq!(world.http.get(&format!("/AccountSummary?id={own}")).await.ok().json()["currency"], "USD");
}

#[tokio::test]
async fn accounts_have_sessions_of_their_own() {
    let world = World::start().await;
    let (usd, eur) = (world.login().await, world.login_at(EUR, world.broker_addr).await);
    assert_ne!(usd.token, eur.token);
    usd.open("symbol=EURUSD&operation=Buy&volume=0.1").await;
    assert_eq!((usd.tickets().await.len(), eur.tickets().await.len()), (1, 0));
    assert_eq!(eur.json("AccountSummary", "").await["currency"], "EUR");
}

#[tokio::test]
async fn a_wrong_password_is_refused_also_beside_a_live_session() {
    let world = World::start().await;
    let wrong = world.connect_path(USD, "Demo");
    assert_eq!(world.http.get(&wrong).await.refused(), "INVALID_ACCOUNT");
    let session = world.login().await;
    assert_eq!(world.http.get(&wrong).await.refused(), "INVALID_ACCOUNT");
    let own = format!("{wrong}&id={}", session.token);
    assert_eq!(world.http.get(&own).await.refused(), "INVALID_ACCOUNT");
    assert_eq!(session.call("CheckConnect", "").await.ok().body, "OK", "the session is not harmed");
    assert_eq!(world.http.get(&world.connect_path(1, "demo")).await.refused(), "INVALID_ACCOUNT");
}

#[tokio::test]
async fn errors_say_what_to_do_and_hide_the_password() {
    let world = World::start().await;
    let reply = world.http.get(&world.connect_path(USD, "hunter2")).await;
    let body = reply.json();
    assert_eq!(reply.status, 201);
    assert!(body["message"].as_str().is_some_and(|text| text.contains("password")), "{body}");
    assert_eq!(body["stackTrace"], Value::Null);
    assert!(!reply.body.contains("hunter2"));
}

#[tokio::test]
async fn the_status_of_errors_can_be_chosen() {
    let world = World::start().await;
    let wrong = format!("{}&errorReplyStatusCode=400", world.connect_path(USD, "no"));
    assert_eq!(world.http.get(&wrong).await.status, 400);
    let right = format!("{}&errorReplyStatusCode=418", world.connect_path(USD, "demo"));
    let token = world.http.get(&right).await.ok().body;
    let unknown = format!("/GetQuote?id={token}&symbol=NOPE");
    assert_eq!(world.http.get(&unknown).await.status, 418, "the session remembers it");
    assert_eq!(world.http.get(&format!("{unknown}&errorReplyStatusCode=201")).await.status, 201);
}

#[tokio::test]
async fn a_host_that_does_not_answer_is_told() {
    let world = World::start().await;
    // Bound, so that nobody else gets the port, but not listening.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let nobody = socket.local_addr().unwrap();
    let path = format!("/Connect?user=1&password=x&host=127.0.0.1&port={}", nobody.port());
    let refused = world.http.get(&path).await;
    assert_eq!(refused.refused(), "CONNECT_ERROR");
    assert!(refused.body.contains(&nobody.to_string()), "{}", refused.body);
    let unnamed = world.http.get("/Connect?user=1&password=x&host=no-such-host.invalid&port=443").await;
    assert_eq!(unnamed.refused(), "CONNECT_ERROR");
}

#[tokio::test]
async fn a_server_that_is_no_web_terminal_is_told() {
    let world = World::start().await;
    // The service itself: it speaks HTTP, but not this.
    let port = world.http.address().rsplit(':').next().unwrap();
    let refused = world.http.get(&format!("/Connect?user=1&password=x&host=127.0.0.1&port={port}")).await;
    assert_eq!(refused.status, 201);
    assert!(refused.body.contains("Web Terminal"), "it should say what is expected there: {}", refused.body);
}

#[tokio::test]
async fn servers_are_found_by_name() {
    let world = World::start().await;
    let path = |name: &str| format!("/ConnectEx?user={EUR}&password=demo&server={name}");
    let token = world.http.get(&path(SERVER)).await.ok().body;
    assert_eq!(world.http.get(&format!("/AccountSummary?id={token}")).await.ok().json()["currency"], "EUR");
    let unknown = world.http.get(&path("No-Such-Server")).await;
    assert_eq!(unknown.refused(), "DONE");
    assert!(unknown.body.contains("No-Such-Server") && unknown.body.contains("/Search"), "{}", unknown.body);
}

#[tokio::test]
async fn one_account_is_one_session_however_its_server_is_named() {
    let world = World::start().await;
    let by_address = world.login().await;
    let by_name = world.http.get(&format!("/ConnectEx?user={USD}&password=demo&server={SERVER}")).await.ok();
    assert_eq!(by_name.body, by_address.token);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_also_beside_a_live_session() {
    let world = World::start().await;
    let path = world.connect_path(USD, "demo");
    for _ in 0..2 {
        assert_eq!(world.http.get(&format!("{path}&hardwareId=zz")).await.refused(), "INVALID_PARAM");
        assert_eq!(world.http.get(&format!("{path}&hardwareId={}", "0f".repeat(16))).await.ok().status, 200);
    }
}

#[tokio::test]
async fn a_password_can_stay_out_of_the_url() {
    let world = World::start().await;
    let (host, port) = (world.broker_addr.ip(), world.broker_addr.port());
    let form = format!("user={USD}&password=demo&host={host}&port={port}");
    let json = json!({ "user": USD, "password": "demo", "host": host, "port": port }).to_string();
    let by_form = world.http.post("/Connect", "application/x-www-form-urlencoded", &form).await.ok();
    let by_json = world.http.post("/connect", "application/json", &json).await.ok();
    assert_eq!(by_form.body, by_json.body);
    let path = format!("/Connect?host={host}&port={port}");
    let mixed = world.http.post(&path, "application/json", &json).await.ok();
    assert_eq!(mixed.body, by_form.body);
}

#[tokio::test]
async fn after_disconnect_the_token_is_unknown() {
    let world = World::start().await;
    let session = world.login().await;
    assert_eq!(session.call("Disconnect", "").await.ok().body, "OK");
    let gone = session.call("AccountSummary", "").await;
    assert_eq!(gone.refused(), "INVALID_TOKEN");
    assert_eq!(gone.json()["message"], format!("Client with id {} not found", session.token));
    assert_eq!(session.refused("CheckConnect", "").await, "INVALID_TOKEN");
    assert_eq!(session.refused("Disconnect", "").await, "INVALID_TOKEN");
    eventually("the broker sees the logout", async || {
        (world.control.connections().await.unwrap() == 0).then_some(())
    })
    .await;
    assert_ne!(world.login().await.token, session.token);
}

#[tokio::test]
async fn a_demo_account_can_be_opened_and_used() {
    let world = World::start().await;
    let (host, port) = (world.broker_addr.ip(), world.broker_addr.port());
    let path = format!("/GetDemo?host={host}&port={port}&userName=Somebody&deposit=5000&leverage=200");
    let demo = world.http.get(&path).await.ok().json();
    let (user, password) = (demo["login"].as_u64().unwrap(), demo["password"].as_str().unwrap());
    let token = world.http.get(&world.connect_path(user, password)).await.ok().body;
    let summary = world.http.get(&format!("/AccountSummary?id={token}")).await.ok().json();
    assert_eq!((&summary["balance"], &summary["leverage"]), (&json!(5000), &json!(200)));
}

#[tokio::test]
async fn the_read_only_password_reads_only() {
    let world = World::start().await;
    let token = world.http.get(&world.connect_path(USD, "investor")).await.ok().body;
    let http = Client::new(world.http.address());
    let summary = http.get(&format!("/AccountSummary?id={token}")).await.ok().json();
    assert_eq!(summary["isInvestor"], true);
    let order = format!("/OrderSend?id={token}&symbol=EURUSD&operation=Buy&volume=0.1");
    assert_eq!(http.get(&order).await.refused(), "INVESTOR_MODE");
}

#[tokio::test]
async fn one_time_passwords_are_passed_on() {
    let account = broker::AccountSettings {
        login: 77,
        password: "demo".into(),
        otp: broker::OtpSettings::Code("123456".into()),
        ..broker::AccountSettings::default()
    };
    let world = World::start().await;
    world.control.add_account(account).await.unwrap();
    let path = world.connect_path(77, "demo");
    assert_eq!(world.http.get(&path).await.status, 201);
    let wrong = world.http.get(&format!("{path}&otp=000000")).await;
    assert_eq!(wrong.refused(), "INVALID_ONETIME_PASSWORD");
    world.http.get(&format!("{path}&otp=123456")).await.ok();
}
