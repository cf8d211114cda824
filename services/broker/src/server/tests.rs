//! The server over real sockets, with a client of its own.

mod admin;
mod client;
mod clock;
mod entry;
mod faults;
mod holidays;
mod kept;
mod market;
mod scenarios;
mod trade;

use model::ServerTime;
use tokio::net::TcpListener;

use crate::{Broker, Clock, Feed, Settings};

/// Sunday, 2026-11-22 13:47:12.
const NOON_S: i64 = 1_795_355_232;

async fn start(settings: Settings) -> Broker {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    Broker::start(listener, settings).unwrap()
}

/// Prices set by hand, and a clock that stands still.
fn by_hand() -> Settings {
    let clock = Clock::Manual(ServerTime::from_parts(NOON_S, 0));
    Settings { feed: Feed::Manual, clock, ..Settings::default() }
}

/// A broker with EURUSD at 1.10000/1.10010, AAPL at 230.00/230.02 and USDJPY.
async fn quoted() -> Broker {
    let broker = start(by_hand()).await;
    let control = broker.control();
    control.quote("EURUSD", 1.1, 1.1001).await.unwrap();
    control.quote("USDJPY", 150.0, 150.01).await.unwrap();
    control.quote("AAPL", 230.0, 230.02).await.unwrap();
    broker
}
