//! Answers that are lost on purpose.

use wire::records as w;
use wire::{Command, Empty, Payload, pushes, requests};

use super::client::{Client, buy};
use super::quoted;
use crate::{Broker, Fault, Mishap, Push, QuoteSide, Rule};

/// Sends a trade request under a fault; gives what arrived before the connection ended, and how many positions
/// there are afterwards.
async fn under(fault: Fault) -> (Vec<u16>, usize, Broker) {
    let broker = quoted().await;
    broker.control().fault(fault.clone()).await.unwrap();
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
    broker.control().clear_faults().await.unwrap();
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

const USD: u64 = 1_000_001;
const PING: u16 = 51;
const PORTFOLIO: u16 = 4;

/// A broker under one fault for everybody, with a client that is logged in.
async fn quoted_under(fault: Fault) -> (Broker, Client) {
    let broker = quoted().await;
    let client = Client::login(broker.addr(), USD, "demo").await;
    broker.control().fault(fault).await.unwrap();
    (broker, client)
}

async fn subscribed(broker: &Broker, names: &[&str]) -> Client {
    let mut client = Client::login(broker.addr(), USD, "demo").await;
    let catalogue = crate::catalogue::Catalogue::built_in(crate::catalogue::MarketHours::Always);
    let ids = names.iter().map(|name| catalogue.by_name(name).unwrap().id.0).collect();
    client.ask::<requests::SubscribeTicks>(&w::SymbolIds(ids)).await.unwrap();
    let mut first = 0;
    while first < names.len() {
        first += client.push::<pushes::Ticks>().await.0.len();
    }
    client
}

#[tokio::test]
async fn deals_are_requoted_so_many_times() {
    let broker = quoted().await;
    let mut client = Client::login(broker.addr(), USD, "demo").await;
    broker.control().add_fault(Rule::of(Fault::Requote).times(2)).await.unwrap();
    for _ in 0..2 {
        let requote = client.trade(&buy("EURUSD", 1)).await;
        assert_eq!((requote.retcode, requote.bid, requote.ask), (10004, 1.1, 1.1001));
        assert_eq!(requote.deal, 0);
    }
    assert_eq!(client.trade(&buy("EURUSD", 1)).await.retcode, 10009);
    assert_eq!(broker.control().account(USD).await.unwrap().positions, 1);
    assert!(broker.control().faults().await.unwrap().is_empty());
}

#[tokio::test]
async fn requests_are_rejected_in_both_ways_and_only_for_the_account_meant() {
    let broker = quoted().await;
    let control = broker.control();
    let mut client = Client::login(broker.addr(), USD, "demo").await;
    let mut other = Client::login(broker.addr(), 1_000_002, "demo").await;
    let late = Rule::of(Fault::Reject { retcode: 10006, at_once: false }).for_login(USD);
    control.add_fault(late).await.unwrap();
    assert_eq!(client.trade(&buy("EURUSD", 1)).await.retcode, 10006);
    assert_eq!(other.trade(&buy("EURUSD", 1)).await.retcode, 10009);
    control.fault(Fault::Reject { retcode: 10024, at_once: true }).await.unwrap();
    assert_eq!(client.ask::<requests::Trade>(&buy("EURUSD", 1)).await.unwrap().retcode, 10024);
    assert_eq!(control.account(USD).await.unwrap().positions, 0);
    let unknown = Rule::of(Fault::Silence).for_login(7);
    assert!(matches!(control.add_fault(unknown).await, Err(crate::ControlError::Account)));
}

#[tokio::test]
async fn a_part_is_filled_and_the_rest_cancelled() {
    let (broker, mut client) = quoted_under(Fault::PartialFill { share: 0.55 }).await;
    let done = client.trade(&buy("EURUSD", 10)).await;
    assert_eq!((done.retcode, done.volume), (10010, 5_000_000));
    let open = client.ask::<requests::Portfolio>(&Empty).await.unwrap();
    assert_eq!((open.positions[0].trade_volume, open.orders.len()), (5_000_000, 0));
    let history = client.ask::<requests::History>(&w::HistoryRequest::default()).await.unwrap();
    let order = &history.orders[0];
    assert_eq!((order.volume_initial, order.volume_current, order.order_state), (10_000_000, 5_000_000, 2));
    // Closing is no exception; the last step goes whole.
    let close =
        w::TradeRequest { trade_type: 1, trade_position: done.trade_order as u64, ..buy("EURUSD", 5) };
    assert_eq!(client.trade(&close).await.retcode, 10010);
    broker.control().clear_faults().await.unwrap();
    assert_eq!(client.trade(&w::TradeRequest { trade_volume: 3_000_000, ..close }).await.retcode, 10009);
    assert_eq!(client.trade(&buy("EURUSD", 10)).await.volume, 10_000_000);
}

#[tokio::test]
async fn a_late_result_is_overtaken_by_everything() {
    let (_broker, mut client) = quoted_under(Fault::LateResult { ms: 50 }).await;
    let request = client.numbered(&buy("EURUSD", 1));
    client.ask::<requests::Trade>(&request).await.unwrap();
    for _ in 0..4 {
        client.update().await;
    }
    assert_eq!(client.ask::<requests::Portfolio>(&Empty).await.unwrap().positions.len(), 1);
    assert!(client.kept().is_empty(), "the result is not there yet");
    let result = client.push::<pushes::TradeResult>().await;
    assert_eq!((result.request.action_id, result.result.retcode), (request.action_id, 10009));
}

#[tokio::test]
async fn delayed_answers_hold_up_what_follows_but_no_ping() {
    let delay = Fault::Answers { command: Some(PORTFOLIO), mishap: Mishap::DelayMs(60) };
    let (broker, mut client) = quoted_under(delay).await;
    let begun = std::time::Instant::now();
    client.send(PORTFOLIO, vec![]).await;
    client.send(Command::Account.number(), vec![]).await;
    client.ask_raw(PING, vec![]).await;
    assert!(client.kept().is_empty());
    broker.control().deposit(USD, 1.0).await.unwrap();
    client.push::<pushes::TradeUpdate>().await;
    assert_eq!(client.kept(), [PORTFOLIO, Command::Account.number()], "in the order of the requests");
    assert!(begun.elapsed().as_millis() >= 60);
}

#[tokio::test]
async fn answers_are_dropped_and_doubled() {
    let (broker, mut client) = quoted_under(Fault::Answers { command: None, mishap: Mishap::Drop }).await;
    client.send(PORTFOLIO, vec![]).await;
    client.ask_raw(PING, vec![]).await;
    broker.control().fault(Fault::Answers { command: None, mishap: Mishap::Duplicate }).await.unwrap();
    client.ask_raw(PORTFOLIO, vec![]).await;
    client.ask_raw(PING, vec![]).await;
    assert_eq!(client.response(PORTFOLIO).await.code, 0, "the second copy; the first request has no answer");
    assert!(client.kept().is_empty());
}

#[tokio::test]
async fn updates_are_dropped_doubled_and_delayed() {
    let updates = |mishap| Fault::Pushes { push: Push::TradeUpdates, mishap };
    let (broker, mut client) = quoted_under(updates(Mishap::Drop)).await;
    let control = broker.control();
    assert_eq!(client.trade(&buy("EURUSD", 1)).await.retcode, 10009);
    assert!(client.kept().is_empty(), "a deal without updates");
    control.fault(updates(Mishap::Duplicate)).await.unwrap();
    control.deposit(USD, 1.0).await.unwrap();
    assert_eq!(client.update().await, client.update().await);
    control.fault(updates(Mishap::DelayMs(40))).await.unwrap();
    let begun = std::time::Instant::now();
    assert_eq!(client.trade(&buy("EURUSD", 1)).await.retcode, 10009);
    assert!(begun.elapsed().as_millis() >= 40, "the result does not overtake them");
    assert_eq!(client.kept(), [10; 4]);
}

#[tokio::test]
async fn ticks_are_dropped_doubled_delayed_and_halved() {
    let broker = quoted().await;
    let control = broker.control();
    let mut client = subscribed(&broker, &["EURUSD"]).await;
    let ticks = |mishap| Fault::Pushes { push: Push::Ticks, mishap };
    control.fault(ticks(Mishap::Drop)).await.unwrap();
    control.quote("EURUSD", 1.2, 1.2001).await.unwrap();
    control.fault(ticks(Mishap::Duplicate)).await.unwrap();
    control.quote("EURUSD", 1.3, 1.3001).await.unwrap();
    let twice = client.push::<pushes::Ticks>().await.0;
    assert_eq!((twice.len(), twice[0].bid), (2, 130_000.0));
    assert_eq!(twice[0], twice[1]);
    control.fault(ticks(Mishap::DelayMs(40))).await.unwrap();
    let begun = std::time::Instant::now();
    control.quote("EURUSD", 1.4, 1.4001).await.unwrap();
    control.clear_faults().await.unwrap();
    control.quote("EURUSD", 1.5, 1.5001).await.unwrap();
    let both = client.push::<pushes::Ticks>().await.0;
    assert!(begun.elapsed().as_millis() >= 40);
    assert_eq!(both.iter().map(|tick| tick.bid).collect::<Vec<_>>(), [140_000.0, 150_000.0]);
    for (side, shown) in [
        (None, vec![(1, 160_000.0, 0.0), (2, 0.0, 160_010.0)]),
        (Some(QuoteSide::Bid), vec![(1, 160_000.0, 0.0)]),
        (Some(QuoteSide::Ask), vec![(2, 0.0, 160_010.0)]),
    ] {
        control.fault(Fault::PartialTicks { side }).await.unwrap();
        control.quote("EURUSD", 1.6, 1.6001).await.unwrap();
        let ticks = client.push::<pushes::Ticks>().await.0;
        let seen: Vec<_> = ticks.iter().map(|tick| (tick.fields, tick.bid, tick.ask)).collect();
        assert_eq!(seen, shown, "{side:?}");
    }
}

#[tokio::test]
async fn frozen_quotes_stay_in_the_engine() {
    let broker = quoted().await;
    let control = broker.control();
    let mut client = subscribed(&broker, &["EURUSD", "USDJPY"]).await;
    control.fault(Fault::FreezeQuotes { symbol: Some("EURUSD".into()) }).await.unwrap();
    control.quote("EURUSD", 1.2, 1.2001).await.unwrap();
    control.quote("USDJPY", 151.0, 151.01).await.unwrap();
    let ticks = client.push::<pushes::Ticks>().await.0;
    assert_eq!((ticks.len(), ticks[0].bid), (1, 151_000.0));
    assert_eq!(client.trade(&buy("EURUSD", 1)).await.price, 1.2001);
    control.fault(Fault::FreezeQuotes { symbol: None }).await.unwrap();
    control.quote("USDJPY", 152.0, 152.01).await.unwrap();
    control.clear_faults().await.unwrap();
    control.quote("EURUSD", 1.3, 1.3001).await.unwrap();
    assert_eq!(client.push::<pushes::Ticks>().await.0[0].bid, 130_000.0);
    let unknown = Fault::FreezeQuotes { symbol: Some("NOSUCH".into()) };
    assert!(matches!(control.fault(unknown).await, Err(crate::ControlError::Symbol)));
}

#[tokio::test]
async fn spoilt_messages_cannot_be_read() {
    let spoil = |mishap| Fault::Answers { command: Some(PORTFOLIO), mishap };
    let (broker, mut client) = quoted_under(spoil(Mishap::Garble)).await;
    client.send(PORTFOLIO, vec![]).await;
    let message = client.message().await;
    assert_eq!(client.opened(&message), None);
    assert_eq!(usize::try_from(u32::from_le_bytes(message[..4].try_into().unwrap())), Ok(message.len() - 8));
    broker.control().fault(spoil(Mishap::Truncate)).await.unwrap();
    client.send(PORTFOLIO, vec![]).await;
    let message = client.message().await;
    let inner = client.opened(&message).unwrap();
    assert!(w::Portfolio::from_bytes(&inner[5..]).is_err());
    broker.control().fault(spoil(Mishap::Absurd)).await.unwrap();
    assert_eq!(
        client.ask::<requests::Portfolio>(&Empty).await,
        Ok(w::Portfolio::default()),
        "it has no numbers"
    );
    assert_eq!(client.trade(&buy("EURUSD", 1)).await.retcode, 10009);
    let body = client.ask_raw(PORTFOLIO, vec![]).await.body;
    let told = w::Portfolio::from_bytes(&body).unwrap_err().to_string();
    assert_eq!(told, "Position.price_open: its number is absurd");
    // The connection goes on.
    broker.control().clear_faults().await.unwrap();
    client.ask::<requests::Portfolio>(&Empty).await.unwrap();
}

#[tokio::test]
async fn logins_are_refused_by_any_code() {
    let broker = quoted().await;
    let control = broker.control();
    let mut client = Client::connect(broker.addr()).await;
    for code in [1, 2, 3, 6, 9, 201] {
        control.refuse_logins(Some(code)).await.unwrap();
        assert_eq!(client.enter(USD, "demo").await, Err(code));
    }
    assert_eq!(control.faults().await.unwrap().len(), 1, "a refusal replaces the one before");
    control.refuse_logins(None).await.unwrap();
    client.enter(USD, "demo").await.unwrap();
    assert!(control.refuse_logins(Some(0)).await.is_err());
}

#[tokio::test]
async fn a_slow_connection_carries_all_the_same() {
    let (broker, mut client) = quoted_under(Fault::Trickle { bytes_per_s: 5000 }).await;
    let begun = std::time::Instant::now();
    let account = client.ask_raw(Command::Account.number(), vec![]).await;
    let least = account.body.len() as f64 / 5000.0 * 0.5;
    assert!(begun.elapsed().as_secs_f64() >= least, "{} bytes in {:?}", account.body.len(), begun.elapsed());
    broker.control().clear_faults().await.unwrap();
    client.ask::<requests::CompressedSymbols>(&Empty).await.unwrap();
}

#[tokio::test]
async fn what_is_delayed_counts_as_waiting() {
    let delay = Fault::Pushes { push: Push::TradeUpdates, mishap: Mishap::DelayMs(600_000) };
    let (broker, mut client) = quoted_under(delay).await;
    for _ in 0..=4096 {
        broker.control().deposit(USD, 1.0).await.unwrap();
    }
    assert_eq!(client.ended().await, None);
    assert!(client.kept().is_empty());
}

#[tokio::test]
async fn the_rest_of_a_returned_order_works_on() {
    let broker = quoted().await;
    let mut client = Client::login(broker.addr(), USD, "demo").await;
    broker.control().add_fault(Rule::of(Fault::PartialFill { share: 0.5 }).times(1)).await.unwrap();
    let request = w::TradeRequest { trade_action: 4, type_filling: 2, ..buy("AAPL", 1000) };
    let done = client.trade(&request).await;
    assert_eq!((done.retcode, done.volume), (10010, 500_000_000));
    let open = client.ask::<requests::Portfolio>(&Empty).await.unwrap();
    assert_eq!((open.positions[0].trade_volume, open.orders[0].volume_current), (500_000_000, 500_000_000));
    broker.control().quote("AAPL", 230.0, 230.02).await.unwrap();
    let open = client.ask::<requests::Portfolio>(&Empty).await.unwrap();
    assert_eq!((open.positions[0].trade_volume, open.orders.len()), (1_000_000_000, 0));
}
