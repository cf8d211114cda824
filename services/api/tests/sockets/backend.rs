//! A backend with one session, and a front to it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::calls::connection::{CheckConnect, Connect, ConnectCert, DisconnectOrphans};
use ::calls::reply::Text;
use ::calls::trading::OrderSend;
use ::calls::{AccountCall, AnyCall, Call, ConnectionCall, SymbolsCall, TradingCall};
use access::Caller;
use api::{Api, Settings};
use bus::{
    Answer, Ask, Backend, Body, Delivery, Fanout, Frame, Interest, Interrupted, Payload, Streamed,
    Subscription, Topic,
};
use bytes::Bytes;
use error::{Code, Error, Outcome};
use registry::Registry;
use runtime::Tasks;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;

/// What Connect answers, and the token of the only session.
pub(crate) const TOKEN: &str = "6a3ff9b4-7a6f-4c7e-8f0e-3a1f2f6a9d10";

/// The length of a reply that no socket takes before it is read.
pub(crate) const LARGE: usize = 32 * 1024 * 1024;

/// The status the session was connected with; asked for by the symbol of this name.
pub(crate) const REMEMBERED: u16 = 418;

pub(crate) struct Desk {
    pub(crate) session: Fanout,
    pub(crate) asks: Mutex<Vec<Ask>>,
    /// Orders wait for a permit here.
    pub(crate) market: Semaphore,
    pub(crate) orders_done: AtomicUsize,
    pub(crate) interests: Mutex<Vec<Interest>>,
    /// What became of answers with receipts.
    pub(crate) delivered: Mutex<Vec<String>>,
    /// Reads under way of what never comes.
    pub(crate) readings: AtomicUsize,
    /// Pieces of a streamed reply that were taken.
    pub(crate) pieces: Arc<AtomicUsize>,
}

/// Pieces of a streamed reply, and how long each is.
pub(crate) const PIECES: (usize, usize) = (64, LARGE / 64);

/// Counts itself while it lives.
struct Reading<'a>(&'a AtomicUsize);

impl<'a> Reading<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait::async_trait]
impl Backend for Desk {
    async fn ask(&self, ask: Ask) -> Answer {
        self.asks.lock().unwrap().push(ask.clone());
        let call = match AnyCall::decode(ask.call, &ask.params) {
            Ok(call) => call,
            Err(error) => return error.into(),
        };
        match call {
            AnyCall::Connection(ConnectionCall::Connect(_)) => {
                return Answer::of(Connect::payload(&Text::new(TOKEN)));
            }
            AnyCall::Connection(ConnectionCall::ConnectCert(_)) => {
                return Answer::of(ConnectCert::payload(&Text::new(TOKEN)));
            }
            AnyCall::Connection(ConnectionCall::DisconnectOrphans(call)) => {
                let kept = call.ids.values().to_vec();
                return Answer::of(DisconnectOrphans::payload(&kept));
            }
            AnyCall::Connection(ConnectionCall::CheckConnect(_)) if ask.id.as_deref() == Some(TOKEN) => {
                return Answer::of(CheckConnect::payload(&Text::OK));
            }
            _ if ask.id.as_deref() != Some(TOKEN) => {
                return Error::invalid_token(ask.id.as_deref().unwrap_or_default()).into();
            }
            AnyCall::Account(AccountCall::OpenedOrdersTickets(_)) => {
                return Answer::of(Ok(Payload::Json("[1,2]".into()))).synced_at(1_700_000_000_123, "synced");
            }
            AnyCall::Symbols(SymbolsCall::GetQuote(call)) if call.symbol == "PANIC" => panic!("asked to"),
            AnyCall::Symbols(SymbolsCall::GetQuote(call)) if call.symbol == "NEVER" => {
                let _reading = Reading::begin(&self.readings);
                std::future::pending::<()>().await;
            }
            AnyCall::Symbols(SymbolsCall::GetQuote(call)) if Code::from_name(&call.symbol).is_some() => {
                return coded(&call.symbol).into();
            }
            AnyCall::Symbols(SymbolsCall::GetQuote(call)) => {
                return Answer::from(Error::invalid_symbol(&call.symbol, &[])).error_status(Some(REMEMBERED));
            }
            AnyCall::Trading(TradingCall::OrderSend(call)) if call.symbol == "PANIC" => panic!("asked to"),
            AnyCall::Trading(TradingCall::OrderSend(call)) if Code::from_name(&call.symbol).is_some() => {
                return refused(&call).into();
            }
            AnyCall::Trading(TradingCall::OrderSend(_)) => {
                self.market.acquire().await.unwrap().forget();
                self.orders_done.fetch_add(1, Ordering::SeqCst);
            }
            _ => {}
        }
        let symbol = ask.params.get("symbol").unwrap_or_default();
        let body = if symbol == "LARGE" { format!("\"{}\"", "x".repeat(LARGE)) } else { "{}".to_owned() };
        let answer = Answer::of(Ok(Payload::Json(body.into()))).replayed(symbol == "REPEATED");
        answer.receipt(ask.call.is_safe().then(|| format!("receipt of {symbol}")))
    }

    async fn ask_streamed(&self, ask: Ask) -> Answer<Body> {
        let come = match ask.params.get("symbol") {
            Some("STREAMED") => PIECES.0,
            Some("CUT") => PIECES.0 / 2,
            _ => return self.ask(ask).await.map(Body::Whole),
        };
        self.asks.lock().unwrap().push(ask);
        let taken = Arc::clone(&self.pieces);
        let pieces = (0..=come).filter_map(move |number| match number {
            number if number < come => {
                taken.fetch_add(1, Ordering::SeqCst);
                Some(Ok(Bytes::from(vec![b' '; PIECES.1])))
            }
            number if number == PIECES.0 => None,
            _ => Some(Err(Interrupted("the worker is gone".to_owned()))),
        });
        let pieces = Box::pin(futures_util::stream::iter(pieces));
        Answer::of(Ok(Body::Streamed(Streamed { length: LARGE as u64, pieces })))
    }

    async fn delivered(&self, token: &str, receipt: &str, delivery: Delivery) {
        assert_eq!(token, TOKEN);
        self.delivered.lock().unwrap().push(format!("{receipt}: {delivery:?}"));
    }

    async fn subscribe(&self, id: &str, interest: Interest, _: &Arc<Caller>) -> Result<Subscription, Error> {
        self.interests.lock().unwrap().push(interest);
        match id {
            TOKEN => self.session.subscribe(interest),
            "full" => Err(Error::of(Code::ServerBusy)),
            _ => Err(Error::invalid_token(id)),
        }
    }
}

/// The error whose code is named where a symbol should stand.
fn coded(name: &str) -> Error {
    Error::of(Code::from_name(name).unwrap())
}

/// The error of an order whose comment names what became of it.
fn refused(order: &OrderSend) -> Error {
    let known = [Outcome::NotSent, Outcome::Rejected, Outcome::Applied, Outcome::Unknown];
    let wanted = known.into_iter().find(|outcome| order.comment.as_deref() == Some(outcome.as_str()));
    let error = coded(&order.symbol);
    wanted.map_or(error.clone(), |outcome| error.with_outcome(outcome))
}

impl Desk {
    /// Publishes an event of the session.
    pub(crate) fn publish(&self, topic: Topic, key: Option<&str>, text: &str) {
        self.session.publish(Frame::new(topic, key, text.to_owned().into()));
    }

    /// The parameters of the last call, names in lower case.
    pub(crate) fn last_params(&self) -> HashMap<String, String> {
        let asks = self.asks.lock().unwrap();
        let pairs = asks.last().unwrap().params.pairs();
        pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect()
    }
}

/// A running front.
pub(crate) struct World {
    pub(crate) desk: Arc<Desk>,
    pub(crate) address: String,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(Settings { version: "1.2.3".to_owned(), body_bytes_max: 1024, ..Settings::default() })
            .await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        Self::serving(|backend| Api::new(backend, settings)).await
    }

    /// A front that asks for keys.
    pub(crate) async fn guarded(settings: Settings, registry: Arc<dyn Registry>) -> Self {
        Self::serving(|backend| Api::guarded(backend, settings, registry).unwrap()).await
    }

    async fn serving(front: impl FnOnce(Arc<dyn Backend>) -> Api) -> Self {
        let desk = Arc::new(Desk {
            session: Fanout::new(),
            asks: Mutex::default(),
            market: Semaphore::new(0),
            orders_done: AtomicUsize::new(0),
            readings: AtomicUsize::new(0),
            pieces: Arc::default(),
            interests: Mutex::default(),
            delivered: Mutex::default(),
        });
        let backend: Arc<dyn Backend> = Arc::<Desk>::clone(&desk);
        let api = front(backend);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async move {
            // A dropped sender means the test is over, which is a reason to stop as well.
            let _ = stopped.await;
        };
        let server = Tasks::new().spawn(api.serve(listener, shutdown));
        Self { desk, address, stop, server }
    }

    /// Stops the server and waits until it has returned.
    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        tokio::time::timeout(Duration::from_secs(10), self.server).await.unwrap().unwrap();
    }
}

/// Waits for a state, not for a change.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}
