//! Answers that are lost on purpose.

use wire::records as w;
use wire::{Command, Empty, Payload, requests};

use super::client::{Client, buy};
use super::quoted;
use crate::{Broker, Fault};

/// Sends a trade request under a fault; gives what arrived before the connection ended, and how many positions
/// there are afterwards.
async fn under(fault: Fault) -> (Vec<u16>, usize, Broker) {
    let broker = quoted().await;
    broker.control().fault(fault).await.unwrap();
    let mut client = Client::login(broker.addr(), 1_000_001, "demo").await;
    let request = w::TradeRequest { action_id: 1, ..buy("EURUSD", 1) };
    client.send(Command::Trade.number(), request.to_bytes()).await;
    if fault == Fault::Silence {
        for _ in 0..4 {
            client.update().await;
        }
        client.ask_raw(Command::Ping.number(), vec![]).await;
    } else {
        assert_eq!(client.ended().await, None);
    }
    let positions = broker.control().account(1_000_001).await.unwrap().positions;
    (client.kept(), positions, broker)
}

#[tokio::test]
async fn lost_requests_and_answers_leave_the_outcome_open() {
    let trade = Command::Trade.number();
    let (seen, positions, _) = under(Fault::LoseRequest).await;
    assert_eq!((seen, positions), (vec![], 0));
    let (seen, positions, _) = under(Fault::LoseAnswer).await;
    assert_eq!((seen, positions), (vec![], 1));
    let (seen, positions, _) = under(Fault::LoseResult).await;
    assert_eq!((seen, positions), (vec![trade], 1));
    let (seen, positions, broker) = under(Fault::Silence).await;
    assert_eq!((seen, positions), (vec![trade], 1));
    broker.control().fault(Fault::None).await.unwrap();
    let mut client = Client::login(broker.addr(), 1_000_001, "demo").await;
    assert_eq!(client.trade(&buy("EURUSD", 1)).await.retcode, 10009);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_dropped() {
    let broker = quoted().await;
    let control = broker.control();
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    // A small window, so that not much hides in the system's buffers.
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(broker.addr()).await.unwrap();
    let mut client = Client::over(stream, broker.addr()).await;
    client.enter(1_000_001, "demo").await.unwrap();
    let mut updates = 0;
    while control.connections().await.unwrap() > 0 {
        for _ in 0..100 {
            control.deposit(1_000_001, 1.0).await.unwrap();
        }
        updates += 100;
        assert!(updates < 50_000, "it is still there after {updates} updates");
    }
    // What arrived before is whole and in order.
    client.ended().await;
    assert!(client.kept().iter().all(|command| *command == 10));
}

#[tokio::test]
async fn all_connections_drop_and_can_come_back() {
    let broker = quoted().await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(Client::login(broker.addr(), 1_000_001, "demo").await);
    }
    assert_eq!(broker.control().connections().await, Ok(3));
    broker.control().disconnect_all().await.unwrap();
    for client in &mut clients {
        assert_eq!(client.ended().await, None);
    }
    let mut client = Client::login(broker.addr(), 1_000_001, "demo").await;
    client.ask::<requests::Account>(&Empty).await.unwrap();
}
