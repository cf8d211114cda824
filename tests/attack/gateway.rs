//! A hostile gateway: it stands before the demo broker, reads along, and does to answers and pushes what no server should.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use futures_util::{SinkExt, StreamExt};
use runtime::Tasks;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{MissedTickBehavior, interval};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, accept_async, connect_async};

use wire::message::Response;
use wire::records::{
    Account, BootstrapReply, DealUpdate, DealUpdateHead, Order, OrderUpdate, Portfolio, Position, Tick,
    TradeUpdate, mask,
};
use wire::{Bare, Cipher, Command, INITIAL_KEY, Payload, frame};

/// Its own pushes come in portions, so often.
const PORTION_EVERY: Duration = Duration::from_millis(10);
/// Ticks in a portion: 100,000 in a second.
const TICKS: usize = 1_000;
/// Orders in a portion.
const ORDERS: i64 = 50;
/// Bytes of a frame that is far too large.
const LARGE: usize = 64 << 20;

/// What a login needs the answers to, and what is asked for after it.
const NEEDED: [Command; 8] = [
    Command::Login,
    Command::Account,
    Command::CompressedSymbols,
    Command::Portfolio,
    Command::History,
    Command::FullSymbols,
    Command::SubscribeTicks,
    Command::Ping,
];

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Malice {
    /// Swallows the answers to one command, another one on each connection.
    Silence,
    /// Answers one command with garbage, another one on each connection.
    Garbage,
    /// Money that is no number.
    NotANumber,
    /// Answers that come twice, and deals that contradict each other.
    Contradictions,
    /// 100,000 ticks in a second.
    Ticks,
    /// Frames of 64 MiB.
    LargeFrames,
    /// A symbol list that inflates to this many MiB.
    Bomb(usize),
    /// This many pushes of new orders.
    OrderPushes(i64),
    /// An account that has so many orders, and a push of so many more, once.
    MuchOpen { open: i64, pushed: i64 },
}

/// A gateway that listens.
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    /// Orders that it has told.
    told: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Gateway {
    pub(crate) async fn start(broker: SocketAddr, malice: Malice) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let bomb: Arc<[u8]> = if let Malice::Bomb(mib) = malice { bomb(mib).into() } else { [].into() };
        let told = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&told);
        let task = Tasks::new().spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            let mut number = 0;
            while let Ok((stream, _)) = listener.accept().await {
                let (bomb, told) = (Arc::clone(&bomb), Arc::clone(&counted));
                connections.spawn(async move {
                    let evil = Evil { malice, number, bomb, told, is_subscribed: false };
                    // A connection that breaks is what such a gateway wants.
                    let _ = evil.serve(stream, broker).await;
                });
                number += 1;
            }
        });
        Self { address, told, task }
    }

    /// Messages that it has pushed on its own.
    pub(crate) fn told(&self) -> usize {
        self.told.load(Ordering::Relaxed)
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Server = WebSocketStream<MaybeTlsStream<TcpStream>>;

struct Evil {
    malice: Malice,
    /// Of the connection.
    number: usize,
    bomb: Arc<[u8]>,
    told: Arc<AtomicUsize>,
    /// Somebody wants ticks: the login is over.
    is_subscribed: bool,
}

impl Evil {
    async fn serve(mut self, stream: TcpStream, broker: SocketAddr) -> Result<(), Failure> {
        let mut client = accept_async(stream).await?;
        let (mut server, _) = connect_async(format!("ws://{broker}/terminal")).await?;
        let cipher = shake_hands(&mut client, &mut server).await?;
        let mut portions = interval(PORTION_EVERY);
        portions.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                asked = client.next() => server.send(asked.ok_or("the client is gone")??).await?,
                answered = server.next() => {
                    let message = answered.ok_or("the server is gone")??;
                    let Message::Binary(sealed) = message else { continue };
                    let response = Response::from_bytes(&frame::open(&cipher, &sealed)?)?;
                    self.is_subscribed |= response.command == Command::SubscribeTicks.number();
                    for response in self.twisted(response) {
                        client.send(Message::binary(frame::seal(&cipher, &response.to_bytes()))).await?;
                    }
                }
                _ = portions.tick(), if self.is_subscribed => {
                    if self.malice == Malice::LargeFrames {
                        client.send(Message::binary(vec![0; LARGE])).await?;
                    }
                    for push in self.portion() {
                        self.told.fetch_add(1, Ordering::Relaxed);
                        client.send(Message::binary(frame::seal(&cipher, &push.to_bytes()))).await?;
                    }
                }
            }
        }
    }

    /// What the client gets instead of an answer or a push.
    fn twisted(&self, mut response: Response) -> Vec<Response> {
        let is_account =
            [Command::Account, Command::AccountUpdate].map(Command::number).contains(&response.command);
        let is_chosen = NEEDED[self.number % NEEDED.len()].number() == response.command;
        match self.malice {
            Malice::Silence if is_chosen => Vec::new(),
            Malice::Garbage if is_chosen => {
                response.body =
                    response.body.iter().map(|byte| byte.wrapping_mul(167).wrapping_add(89)).collect();
                vec![response]
            }
            Malice::NotANumber if is_account => {
                if let Ok(mut account) = Account::from_bytes(&response.body) {
                    account.main.balance = f64::NAN;
                    response.body = account.to_bytes();
                }
                vec![response]
            }
            Malice::Contradictions => {
                let other = Response { prefix: response.prefix.map(|byte| !byte), ..response.clone() };
                vec![response.clone(), other, response]
            }
            Malice::MuchOpen { open, .. } if response.command == Command::Portfolio.number() => {
                let orders = (0..open).map(order).collect();
                vec![Response { body: Portfolio { orders, ..Portfolio::default() }.to_bytes(), ..response }]
            }
            Malice::Bomb(_) if response.command == Command::CompressedSymbols.number() => {
                vec![Response { body: self.bomb.to_vec(), ..response }]
            }
            _ => vec![response],
        }
    }

    /// What it pushes by itself.
    fn portion(&self) -> Vec<Response> {
        let told = i64::try_from(self.told.load(Ordering::Relaxed)).unwrap();
        match self.malice {
            Malice::Ticks => {
                let tick = |number: usize| Tick {
                    symbol_id: u32::try_from(number % 50).unwrap(),
                    tick_time: 2_000_000_000,
                    fields: 3,
                    bid: 110_000.0 + number as f64,
                    ask: 110_010.0 + number as f64,
                    ..Tick::default()
                };
                vec![push(Command::Ticks, &Bare((0..TICKS).map(tick).collect()))]
            }
            Malice::OrderPushes(most) => (told..most.min(told + ORDERS))
                .map(|number| push(Command::TradeUpdate, &new_orders(number..number + 1)))
                .collect(),
            Malice::MuchOpen { open, pushed } if told == 0 && pushed > 0 => {
                vec![push(Command::TradeUpdate, &new_orders(open..open + pushed))]
            }
            Malice::Contradictions => {
                // A position that is opened, closed twice, and there all the same.
                let position =
                    Position { position_id: 5, trade_symbol: "EURUSD".into(), ..Position::default() };
                let deals = [0, 1, 1, 0, 7].map(|entry| {
                    let head = DealUpdateHead {
                        flag_mask: mask::DEALS,
                        position: Position {
                            trade_volume: u64::from(entry == 0) * 100_000_000,
                            ..position.clone()
                        },
                        balance: f64::from(entry) * 1e9,
                        ..DealUpdateHead::default()
                    };
                    let mut update = DealUpdate { head, ..DealUpdate::default() };
                    (update.head.deal.deal, update.head.deal.position_id, update.head.deal.entry) =
                        (told % 7, 5, entry);
                    update
                });
                vec![push(Command::TradeUpdate, &TradeUpdate::Deals(deals.into()))]
            }
            _ => Vec::new(),
        }
    }
}

fn push(command: Command, body: &impl Payload) -> Response {
    Response { prefix: [0; 2], command: command.number(), code: 0, body: body.to_bytes() }
}

fn new_orders(numbers: std::ops::Range<i64>) -> TradeUpdate {
    let new =
        |number| OrderUpdate { flag_mask: mask::OPEN_ORDERS, order: order(number), ..OrderUpdate::default() };
    TradeUpdate::Orders(numbers.map(new).collect())
}

fn order(number: i64) -> Order {
    Order {
        trade_order: 1_000_000 + number,
        trade_symbol: "EURUSD".into(),
        order_type: 2,
        order_state: 1,
        price_order: 1.0,
        volume_initial: 1_000_000,
        volume_current: 1_000_000,
        digits: 5,
        comment: "an order that nobody sent".into(),
        ..Order::default()
    }
}

/// Passes the bootstrap on, and learns the key from it.
async fn shake_hands(
    client: &mut WebSocketStream<TcpStream>,
    server: &mut Server,
) -> Result<Cipher, Failure> {
    server.send(client.next().await.ok_or("no bootstrap")??).await?;
    let answer = server.next().await.ok_or("no answer")??;
    let Message::Binary(sealed) = &answer else { return Err("no frame".into()) };
    let response = Response::from_bytes(&frame::open(&Cipher::new(&INITIAL_KEY)?, sealed)?)?;
    let cipher = Cipher::new(&BootstrapReply::from_bytes(&response.body)?.session_key)?;
    client.send(answer).await?;
    Ok(cipher)
}

/// A compressed symbol list that inflates to so many MiB.
fn bomb(mib: usize) -> Vec<u8> {
    let length = u32::try_from(mib << 20).unwrap_or(u32::MAX);
    let mut out = length.to_le_bytes().to_vec();
    let mut encoder = ZlibEncoder::new(&mut out, Compression::fast());
    let zeros = vec![0; 1 << 20];
    for _ in 0..mib {
        encoder.write_all(&zeros).unwrap();
    }
    encoder.finish().unwrap();
    out
}
