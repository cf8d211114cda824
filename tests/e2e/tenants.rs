//! Tenants that share a service, and keys within their limits. The callers are made here, behind the front.

use std::sync::Arc;
use std::time::{Duration, Instant};

use access::{Caller, Limits, Scopes, Tenant};
use bus::{Answer, Ask, Backend, Interest, Params, Payload, Position, Subscription, Topic};
use calls::CallId;
use error::{Code, Error};
use serde_json::{Value, json};
use testkit::{ProxyKind, TestProxy, in_time};

use crate::world::{EUR, SERVER, USD, World, manual, ticket};

/// Somebody with a key.
pub(crate) struct Key {
    backend: Arc<dyn Backend>,
    caller: Arc<Caller>,
    /// Where sessions are connected.
    address: std::net::SocketAddr,
}

/// A key of a tenant, for everything.
pub(crate) fn key(world: &World, tenant: &str) -> Key {
    let caller = Caller {
        tenant: tenant.parse().unwrap(),
        key: Some(format!("key of {tenant}")),
        scopes: Scopes::ALL,
        limits: Limits::default(),
        is_operator: false,
    };
    Key { backend: world.backend(), caller: Arc::new(caller), address: world.broker_addr }
}

impl Key {
    /// Everybody where no keys are asked for.
    pub(crate) fn local(world: &World) -> Self {
        Self { backend: world.backend(), caller: Caller::local(), address: world.broker_addr }
    }

    fn with(&self, change: impl FnOnce(&mut Caller)) -> Self {
        let mut caller = Caller::clone(&self.caller);
        change(&mut caller);
        Self { backend: Arc::clone(&self.backend), caller: Arc::new(caller), address: self.address }
    }

    pub(crate) fn operator(&self) -> Self {
        self.with(|caller| caller.is_operator = true)
    }

    pub(crate) fn with_scopes(&self, scopes: Scopes) -> Self {
        self.with(|caller| caller.scopes = scopes)
    }

    fn limited(&self, limits: Limits) -> Self {
        self.with(|caller| caller.limits = limits)
    }

    pub(crate) async fn ask(&self, call: CallId, id: &str, query: &str) -> Answer {
        self.ask_under(None, call, id, query).await
    }

    /// Asks as a front does; an `id` that the query has is the only one.
    pub(crate) async fn ask_under(&self, key: Option<&str>, call: CallId, id: &str, query: &str) -> Answer {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let pairs = pairs.map(|(name, value)| (name.to_owned(), plain(value)));
        let own = (!id.is_empty()).then(|| ("id".to_owned(), id.to_owned()));
        let params: Params = pairs.chain(own).collect();
        let id = params.get("id").map(str::to_owned);
        let caller = Arc::clone(&self.caller);
        let deadline = Instant::now() + Duration::from_secs(20);
        self.backend
            .ask(Ask {
                call,
                params,
                id,
                caller,
                deadline,
                idempotency_key: key.map(str::to_owned),
                source: None,
            })
            .await
    }

    async fn text(&self, call: &str, id: &str, query: &str) -> Result<String, Error> {
        let answer = self.ask(call.parse().unwrap(), id, query).await;
        answer.result.map(|payload| match payload {
            Payload::Json(json) => String::from_utf8(json.to_vec()).unwrap(),
            Payload::Text(text) | Payload::Html(text) => text,
        })
    }

    pub(crate) async fn json(&self, call: &str, id: &str, query: &str) -> Value {
        let text = self.text(call, id, query).await.unwrap_or_else(|error| panic!("{call}: {error}"));
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    }

    /// Makes a call that must be refused by a limit, which the error names.
    async fn refused(&self, call: &str, id: &str, query: &str, limit: &str) {
        let refused = self.text(call, id, query).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotPermission, "{call}: {refused}");
        assert!(refused.detail().contains(&format!("limit {limit})")), "{call}: {}", refused.detail());
    }

    fn connecting(&self, login: u64, more: &str) -> String {
        let (host, port) = (self.address.ip(), self.address.port());
        format!("user={login}&password=demo&host={host}&port={port}{more}")
    }

    pub(crate) async fn connect(&self, login: u64, more: &str) -> String {
        self.text("Connect", "", &self.connecting(login, more)).await.unwrap()
    }

    pub(crate) async fn subscribe(
        &self,
        id: &str,
        topic: Topic,
        since: Option<Position>,
    ) -> Result<Subscription, Error> {
        self.backend.subscribe(id, Interest { since, ..topic.into() }, &self.caller).await
    }
}

/// A value of a query, where the table has it encoded.
fn plain(value: &str) -> String {
    let encoded = [("%3A", ":"), ("%2F", "/"), ("%20", " "), ("%2B", "+"), ("%3D", "=")];
    encoded.iter().fold(value.to_owned(), |value, (code, sign)| value.replace(code, sign))
}

async fn next(events: &mut Subscription) -> Value {
    let frame = in_time("an event comes", events.next()).await.unwrap();
    serde_json::from_slice(&frame.text).unwrap()
}

const BUY: &str = "symbol=EURUSD&operation=Buy&volume=0.01";

#[tokio::test]
async fn two_tenants_with_one_id_and_one_account_know_nothing_of_each_other() {
    let world = World::start().await;
    let (one, other) = (key(&world, "acme"), key(&world, "other"));
    for (key, login) in [(&one, USD), (&other, EUR), (&Key::local(&world), EUR)] {
        assert_eq!(key.connect(login, "&id=same").await, "same");
        assert_eq!(key.json("AccountDetails", "same", "").await["user"], login);
    }
    // Idempotency keys are of one of them each.
    let send: CallId = "OrderSend".parse().unwrap();
    let sent = async |key: &Key| {
        let answer = key.ask_under(Some("k"), send, "same", BUY).await;
        (answer.is_replayed, answer.result.is_ok())
    };
    assert_eq!((sent(&one).await, sent(&other).await), ((false, true), (false, true)));
    assert_eq!((sent(&one).await, sent(&other).await), ((true, true), (true, true)));

    // So are events, and the places in their logs.
    let mut events = one.subscribe("same", Topic::OrderUpdate, Some(Position::NOW)).await.unwrap();
    let mut foreign = other.subscribe("same", Topic::OrderUpdate, Some(Position::NOW)).await.unwrap();
    let theirs = ticket(&other.json("OrderSend", "same", BUY).await);
    let event = next(&mut foreign).await;
    assert_eq!(
        (&event["id"], &event["data"]["update"]["order"]["ticket"]),
        (&json!("same"), &json!(theirs)),
        "{event}"
    );
    let own = ticket(&one.json("OrderSend", "same", BUY).await);
    let event = next(&mut events).await;
    assert_eq!(
        (&event["id"], &event["data"]["update"]["order"]["ticket"]),
        (&json!("same"), &json!(own)),
        "{event}"
    );

    // So is the account itself: each has a session of its own, and ends it alone.
    let theirs = other.connect(USD, "").await;
    assert_eq!(one.connect(USD, "").await, "same", "its own is joined");
    assert_eq!(other.connect(USD, "").await, theirs);
    assert_eq!(one.text("AccountSummary", &theirs, "").await, Err(Error::invalid_token(&theirs)));
    one.json("Disconnect", "same", "").await;
    other.json("AccountSummary", &theirs, "").await;
    assert_eq!(other.text("ConnectByToken", "same", "").await.unwrap(), "same", "the other's own");
    assert_eq!(other.json("AccountDetails", "same", "").await["user"], EUR);
    assert_eq!(one.text("ConnectByToken", "same", "").await.unwrap(), "same");
    assert_eq!(one.json("AccountDetails", "same", "").await["user"], USD);
}

#[tokio::test]
async fn kept_ticks_are_of_one_tenant() {
    let world = World::start().await;
    let (one, other) = (key(&world, "acme"), key(&world, "other"));
    let (own, foreign) = (one.connect(USD, "").await, other.connect(USD, "").await);
    let since = "symbol=EURUSD&startYear=2020&startMonth=1&startDay=1";
    one.json("GetQuote", &own, "symbol=EURUSD").await;
    world.control.quote("EURUSD", 1.2, 1.2001).await.unwrap();
    testkit::eventually("the tick is kept", async || {
        one.text("TickHistoryRequest", &own, since).await.is_ok().then_some(())
    })
    .await;
    assert_eq!(other.text("TickHistoryRequest", &foreign, since).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn wrong_passwords_of_one_tenant_bar_no_other() {
    let world = World::start().await;
    let (one, other) = (key(&world, "acme"), key(&world, "other"));
    let wrong = one.connecting(USD, "").replace("demo", "wrong");
    let code = async |key: &Key| key.text("Connect", "", &wrong).await.unwrap_err().code();
    for _ in 0..3 {
        assert_eq!(code(&one).await, Code::InvalidAccount);
    }
    assert_eq!(code(&one).await, Code::TooFrequentFailConnect);
    assert_eq!(code(&other).await, Code::InvalidAccount);
}

#[tokio::test]
async fn a_key_has_the_accounts_and_brokers_of_its_limits() {
    let world = World::start().await;
    let all = key(&world, "acme");
    let of_usd = all.limited(Limits { accounts: vec![USD], ..Limits::default() });
    of_usd.refused("Connect", "", &of_usd.connecting(EUR, ""), "accounts").await;
    let (usd, eur) = (of_usd.connect(USD, "").await, all.connect(EUR, "").await);
    of_usd.json("AccountSummary", &usd, "").await;
    for (call, query) in
        [("AccountSummary", ""), ("OrderSend", BUY), ("Disconnect", ""), ("ConnectByToken", "")]
    {
        of_usd.refused(call, &eur, query, "accounts").await;
    }
    let refused = of_usd.subscribe(&eur, Topic::OrderUpdate, None).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotPermission);
    assert!(of_usd.subscribe(&usd, Topic::OrderUpdate, None).await.is_ok());
    let listed = of_usd.json("GetClients", "", "").await;
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["id"]), (1, &json!(usd)));
    all.json("Disconnect", &eur, "").await;
    of_usd.refused("ConnectByToken", &eur, "", "accounts").await;

    let at = |broker: &str| all.limited(Limits { brokers: vec![broker.to_owned()], ..Limits::default() });
    let elsewhere = at("broker.example");
    for call in ["Connect", "GetDemo"] {
        elsewhere.refused(call, "", &elsewhere.connecting(USD, ""), "brokers").await;
    }
    let by_name = format!("user={USD}&password=demo&server={SERVER}");
    elsewhere.refused("ConnectEx", "", &by_name, "brokers").await;
    elsewhere.refused("AccountSummary", &usd, "", "brokers").await;
    for here in [at(&SERVER.to_uppercase()), at("127.0.0.1")] {
        assert_eq!(here.connect(USD, "").await, usd);
        assert_eq!(here.text("ConnectEx", "", &by_name).await.unwrap(), usd);
        here.json("AccountSummary", &usd, "").await;
    }
    // Nothing proves that a proxy leads there.
    let proxy = TestProxy::start(ProxyKind::Socks5, "", "").await;
    let by_proxy = format!("&proxyHost={}&proxyPort={}", proxy.addr().ip(), proxy.addr().port());
    let here = at(SERVER);
    here.refused("ConnectProxy", "", &here.connecting(USD, &by_proxy), "brokers").await;
}

#[tokio::test]
async fn a_key_for_demo_accounts_goes_by_what_the_server_says() {
    let world = World::with(manual()).await;
    let login = 77;
    let account = broker::AccountSettings {
        login,
        password: "demo".to_owned(),
        name: "Demo".to_owned(),
        shown_as_real: true,
        ..broker::AccountSettings::default()
    };
    world.control.add_account(account).await.unwrap();
    let all = key(&world, "acme");
    let practice = all.limited(Limits { demo_only: true, ..Limits::default() });
    practice.connect(USD, "").await;
    // Also when both connect at once: what is said to one is not the answer to the other.
    let both = [(practice.connecting(login, ""), &practice), (all.connecting(login, ""), &all)];
    let [refused, real] = both.map(|(query, key)| async move { key.text("Connect", "", &query).await });
    let (refused, real) = tokio::join!(refused, real);
    assert!(refused.as_ref().is_err_and(|refused| refused.detail().contains("demoOnly")), "{refused:?}");
    let real = real.unwrap();
    practice.refused("Connect", "", &practice.connecting(login, ""), "demoOnly").await;
    for call in ["AccountSummary", "ConnectByToken", "CheckConnect"] {
        practice.refused(call, &real, "", "demoOnly").await;
    }
    assert_eq!(
        practice.subscribe(&real, Topic::OrderUpdate, None).await.unwrap_err().code(),
        Code::NotPermission
    );
    all.json("Disconnect", &real, "").await;
    practice.refused("ConnectByToken", &real, "", "demoOnly").await;
    let refused = practice.text("Connect", "", &practice.connecting(login, "&id=new")).await.unwrap_err();
    assert!(refused.detail().contains("demoOnly"), "{refused}");
    assert_eq!(all.json("GetClients", "", "").await.as_array().unwrap().len(), 1, "that session was closed");
}

#[tokio::test]
async fn a_key_that_only_reduces_closes_and_opens_nothing() {
    let world = World::start().await;
    let all = key(&world, "acme");
    let id = all.connect(USD, "").await;
    let first = ticket(&all.json("OrderSend", &id, "symbol=EURUSD&operation=Buy&volume=1").await);
    let pending = ticket(
        &all.json("OrderSend", &id, "symbol=EURUSD&operation=BuyLimit&volume=1&price=0.9&stoploss=0.8").await,
    );
    let careful = all.limited(Limits { reduce_only: true, ..Limits::default() });
    for more in ["operation=Buy", "operation=Sell", "operation=BuyLimit&price=0.9"] {
        careful.refused("OrderSend", &id, &format!("symbol=EURUSD&volume=0.01&{more}"), "reduceOnly").await;
    }
    careful
        .refused("OrderModify", &id, &format!("ticket={pending}&price=1.0&stoploss=0.8"), "reduceOnly")
        .await;
    careful.json("OrderModify", &id, &format!("ticket={first}&stoploss=1.0")).await;
    careful.refused("OrderModify", &id, &format!("ticket={first}&stoploss=0.9"), "reduceOnly").await;
    careful.json("OrderClose", &id, &format!("ticket={first}&lots=0.4")).await;
    careful.json("OrderClose", &id, &format!("ticket={first}")).await;
    careful.json("OrderClose", &id, &format!("ticket={pending}")).await;
    assert_eq!(world.positions().await, 0);
}

#[tokio::test]
async fn an_order_is_no_larger_than_the_key_allows() {
    let world = World::start().await;
    let all = key(&world, "acme");
    let id = all.connect(USD, "").await;
    let small = all.limited(Limits { volume_max: Some("0.5".parse().unwrap()), ..Limits::default() });
    let order = |volume: &str| format!("symbol=EURUSD&operation=Buy&volume={volume}");
    small.refused("OrderSend", &id, &order("0.51"), "volumeMax").await;
    let pending = "symbol=EURUSD&operation=BuyLimit&volume=9&price=0.9";
    small.refused("OrderSend", &id, pending, "volumeMax").await;
    small.json("OrderSend", &id, &order("0.5")).await;
    // What is open can be closed, however large it is.
    let large = ticket(&all.json("OrderSend", &id, &order("2")).await);
    small.json("OrderClose", &id, &format!("ticket={large}")).await;
}

#[tokio::test]
async fn an_id_is_anything_but_another_tenants_token() {
    let world = World::start().await;
    let strange = "default x";
    assert_eq!(Tenant::default().token(strange), "default default x");
    let refused =
        key(&world, "acme").text("Connect", "", &key(&world, "acme").connecting(USD, "&id=other x")).await;
    assert_eq!(refused.unwrap_err().code(), Code::InvalidParam);
    let slashed = Key::local(&world).connect(USD, "&id=acme/x").await;
    assert_eq!(slashed, "acme/x", "as before");
    assert_eq!(key(&world, "acme").text("AccountSummary", "x", "").await, Err(Error::invalid_token("x")));
}
