//! A running service of one test's own: in one process as users start it, or as a cluster. The same tests run against both.

#[path = "world/parts.rs"]
mod parts;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use api::Api;
use broker::{Broker, Control, Feed};
use bus::Backend;
use runtime::Tasks;
use serde_json::Value;
use testkit::{Client, Events, Reply, percent_encoded};
use tokio::net::TcpListener;
use worker::{BrokerServer, Endpoint};

use self::parts::Parts;

/// The built-in account in dollars.
pub(crate) const USD: u64 = 1_000_001;
/// The built-in account in euros.
pub(crate) const EUR: u64 = 1_000_002;

/// What the demo broker is called.
pub(crate) const SERVER: &str = "MT5Rest-Demo";

/// Front, worker and broker in this process, each on a port of its own.
pub(crate) struct World {
    pub(crate) http: Client,
    /// Where the worker finds the broker.
    pub(crate) broker_addr: SocketAddr,
    pub(crate) control: Control,
    broker: Broker,
    parts: Parts,
    front: Tasks,
}

impl World {
    /// A world whose prices are set by the test; the majors have some already.
    pub(crate) async fn start() -> Self {
        let world = Self::with(manual()).await;
        world.quotes().await;
        world
    }

    /// A world with a broker of one's own choice.
    pub(crate) async fn with(settings: broker::Settings) -> Self {
        Self::build(settings, worker::Settings::default(), api::Settings::default()).await
    }

    /// A world with broker and worker of one's own choice.
    pub(crate) async fn build(
        settings: broker::Settings,
        of_worker: worker::Settings,
        of_front: api::Settings,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let broker = Broker::start(listener, settings).unwrap();
        let endpoints = vec![endpoint(broker.addr())];
        let server = BrokerServer { name: SERVER.to_owned(), company: "MT5Rest".to_owned(), endpoints };
        let parts = Parts::start(worker::Settings { built_in: vec![server], ..of_worker }).await;
        let front = Tasks::new();
        let http = serve(&front, parts.backend(), of_front).await;
        let (broker_addr, control) = (broker.addr(), broker.control());
        Self { http, broker_addr, control, broker, parts, front }
    }

    /// What the front asks.
    pub(crate) fn backend(&self) -> Arc<dyn Backend> {
        self.parts.backend()
    }

    /// The same, in a cluster by a way of its own to the workers.
    pub(crate) fn another_backend(&mut self) -> Arc<dyn Backend> {
        self.parts.another_backend()
    }

    /// One more front, in a cluster by a way of its own to the workers.
    pub(crate) async fn another_front(&mut self) -> Client {
        serve(&self.front, self.parts.another_backend(), api::Settings::default()).await
    }

    /// Has the broker play a scenario.
    pub(crate) fn play(&self, scenario: broker::Scenario) {
        self.broker.play(scenario);
    }

    /// Ends the broker and starts another one, which knows nothing of the first, at another address.
    pub(crate) async fn replace_broker(&mut self, settings: broker::Settings) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let next = Broker::start(listener, settings).unwrap();
        (self.broker_addr, self.control) = (next.addr(), next.control());
        std::mem::replace(&mut self.broker, next).shutdown().await;
    }

    /// First prices of the majors.
    pub(crate) async fn quotes(&self) {
        for (symbol, bid, ask) in
            [("EURUSD", 1.1, 1.1001), ("GBPUSD", 1.3, 1.3002), ("USDJPY", 150.0, 150.01)]
        {
            self.control.quote(symbol, bid, ask).await.unwrap();
        }
    }

    /// A path that connects an account to this world's broker.
    pub(crate) fn connect_path(&self, user: u64, password: &str) -> String {
        connect_path(user, password, self.broker_addr)
    }

    /// Logs in the dollar account.
    pub(crate) async fn login(&self) -> Session {
        self.login_at(USD, self.broker_addr).await
    }

    /// Logs in at an address that may be a cable to the broker.
    pub(crate) async fn login_at(&self, user: u64, address: SocketAddr) -> Session {
        let reply = self.http.get(&connect_path(user, "demo", address)).await.ok();
        Session { http: self.http.clone(), token: reply.body }
    }

    /// How many positions the broker has on the account in dollars.
    pub(crate) async fn positions(&self) -> usize {
        self.control.account(USD).await.unwrap().positions
    }

    /// Ends everything in the order of the real process.
    pub(crate) async fn stop(self) {
        const GRACE: Duration = Duration::from_secs(20);
        assert!(self.front.finish(GRACE).await, "the front did not end");
        self.parts.stop(GRACE).await;
        self.broker.shutdown().await;
    }
}

/// Serves a front until its tasks are told to stop.
async fn serve(tasks: &Tasks, backend: Arc<dyn Backend>, settings: api::Settings) -> Client {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let http = Client::new(listener.local_addr().unwrap().to_string());
    let stop = tasks.stop_signal();
    tasks.spawn(Api::new(backend, settings).serve(listener, async move { stop.cancelled().await }));
    http
}

/// A broker whose prices and clock stand still until the test moves them.
pub(crate) fn manual() -> broker::Settings {
    broker::Settings { feed: Feed::Manual, ..broker::Settings::default() }
}

fn endpoint(address: SocketAddr) -> Endpoint {
    Endpoint::parse(&format!("ws://{address}"), None).unwrap()
}

fn connect_path(user: u64, password: &str, address: SocketAddr) -> String {
    let (host, port) = (address.ip(), address.port());
    format!("/Connect?user={user}&password={}&host={host}&port={port}", percent_encoded(password))
}

/// A logged-in account.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) http: Client,
    pub(crate) token: String,
}

impl Session {
    /// Makes a call; `query` holds its parameters beside the token.
    pub(crate) async fn call(&self, name: &str, query: &str) -> Reply {
        self.http.get(&self.path(name, query)).await
    }

    /// Makes a call that must succeed, and answers its JSON.
    pub(crate) async fn json(&self, name: &str, query: &str) -> Value {
        self.call(name, query).await.ok().json()
    }

    /// Makes a call that must be refused, and answers the code.
    pub(crate) async fn refused(&self, name: &str, query: &str) -> String {
        self.call(name, query).await.refused()
    }

    /// Opens a position at market.
    pub(crate) async fn open(&self, query: &str) -> Value {
        self.json("OrderSend", query).await
    }

    /// Trades once, so that the next order asks the broker for nothing before it is sent.
    pub(crate) async fn warm_up(&self) {
        let number = ticket(&self.open("symbol=EURUSD&operation=Buy&volume=0.1").await);
        self.json("OrderClose", &format!("ticket={number}")).await;
    }

    /// Opens a stream.
    pub(crate) async fn stream(&self, name: &str) -> Events {
        self.stream_with(name, "").await
    }

    /// Opens a stream with parameters beside the token.
    pub(crate) async fn stream_with(&self, name: &str, query: &str) -> Events {
        Events::open(&format!("ws://{}{}", self.http.address(), self.path(name, query))).await
    }

    /// The tickets of everything open.
    pub(crate) async fn tickets(&self) -> Vec<u64> {
        let tickets = self.json("OpenedOrdersTickets", "").await;
        tickets.as_array().unwrap().iter().map(|ticket| ticket.as_u64().unwrap()).collect()
    }

    /// Makes a call and hangs up once something has happened.
    pub(crate) async fn hang_up(&self, name: &str, query: &str, then: impl Future<Output = ()>) {
        tokio::select! {
            reply = self.call(name, query) => panic!("{name} was answered: {reply:?}"),
            () = then => {}
        }
    }

    pub(crate) fn path(&self, name: &str, query: &str) -> String {
        let and = if query.is_empty() { "" } else { "&" };
        format!("/{name}?id={}{and}{query}", percent_encoded(&self.token))
    }
}

/// A number of a reply.
#[track_caller]
pub(crate) fn number(value: &Value, field: &str) -> f64 {
    value[field].as_f64().unwrap_or_else(|| panic!("{field} is no number in {value}"))
}

/// The ticket of an order.
#[track_caller]
pub(crate) fn ticket(order: &Value) -> u64 {
    order["ticket"].as_u64().unwrap_or_else(|| panic!("no ticket in {order}"))
}

/// Fails unless two amounts of money or prices are the same but for the last bits.
#[track_caller]
pub(crate) fn assert_close(left: f64, right: f64) {
    assert!((left - right).abs() < 1e-9 * right.abs().max(1.0), "{left} is not {right}");
}

/// The names of an object's fields, in their order.
pub(crate) fn fields(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}
