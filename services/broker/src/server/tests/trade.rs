//! Trade requests on the wire.

use std::time::Duration;

use model::Money;
use wire::records as w;
use wire::{Command, Empty, Payload, pushes, requests};

use super::client::{Client, buy};
use super::quoted;

#[tokio::test]
async fn every_session_learns_of_a_deal_and_only_one_gets_the_verdict() {
    let broker = quoted().await;
    let mut trader = Client::login(broker.addr(), 1_000_001, "demo").await;
    let mut watcher = Client::login(broker.addr(), 1_000_001, "investor").await;
    let mut stranger = Client::login(broker.addr(), 1_000_002, "demo").await;
    let done = trader.trade(&buy("EURUSD", 10)).await;
    assert_eq!((done.retcode, done.price, done.volume), (10009, 1.1001, 10_000_000));
    assert!(done.deal > 0 && done.trade_order > 0);
    for session in [&mut trader, &mut watcher] {
        let mut seen = Vec::new();
        for _ in 0..4 {
            seen.push(session.update().await);
        }
        assert_eq!(seen, ["order 0 0", "order 0 2", "order 1 0", "deal 0 0 10"]);
    }
    let open = trader.ask::<requests::Portfolio>(&Empty).await.unwrap();
    assert_eq!((open.positions.len(), open.positions[0].position_id), (1, done.trade_order));
    assert_eq!((open.positions[0].profit, open.positions[0].rate_margin), (-1.0, 1.1001));
    for session in [&mut watcher, &mut stranger] {
        assert_eq!(session.ask_raw(Command::Ping.number(), vec![]).await.code, 0);
        assert!(session.kept().is_empty(), "{:?}", session.kept());
    }
}

#[tokio::test]
async fn both_layouts_of_a_request_are_understood() {
    let broker = quoted().await;
    let mut client = Client::login(broker.addr(), 1_000_001, "demo").await;
    // pymt5 calls every market order action 1.
    let request = w::TradeRequest { trade_action: 1, comment: "from pymt5".into(), ..buy("EURUSD", 20) };
    let opened = client.trade_pymt5(&request).await;
    assert_eq!(opened.retcode, 10009);
    let position = client.ask::<requests::Portfolio>(&Empty).await.unwrap().positions.remove(0);
    assert_eq!(position.comment, "from pymt5");
    broker.control().quote("EURUSD", 1.102, 1.1021).await.unwrap();
    let close = w::TradeRequest {
        trade_type: 1,
        trade_position: opened.trade_order as u64,
        type_flags: 3,
        ..buy("EURUSD", 5)
    };
    let closed = client.trade_pymt5(&close).await;
    assert_eq!((closed.retcode, closed.price), (10009, 1.102));
    let closed = client.trade(&w::TradeRequest { trade_volume: 15_000_000, ..close.clone() }).await;
    assert_eq!(closed.retcode, 10009);
    assert_eq!(client.trade(&close).await.retcode, 10036);
    let main = client.ask::<requests::Account>(&Empty).await.unwrap().main;
    assert_eq!((main.balance, main.acc_profit), (10_038.0, 38.0));
    let stop_limit = w::TradeRequest {
        trade_action: 5,
        trade_type: 6,
        type_filling: 2,
        price_order: 1.104,
        price_trigger: 1.105,
        ..buy("EURUSD", 1)
    };
    assert_eq!(client.trade(&stop_limit).await.retcode, 10015);
    assert_eq!(client.trade_pymt5(&stop_limit).await.retcode, 10008);
    let order = client.ask::<requests::Portfolio>(&Empty).await.unwrap().orders.remove(0);
    assert_eq!((order.price_order, order.price_trigger), (1.105, 1.104));
}

#[tokio::test]
async fn a_request_of_unknown_numbers_gets_its_verdict_at_once() {
    let broker = quoted().await;
    let mut client = Client::login(broker.addr(), 1_000_001, "demo").await;
    let request = w::TradeRequest { trade_action: 99, ..buy("EURUSD", 1) };
    let answer = client.ask::<requests::Trade>(&request).await.unwrap();
    assert_eq!(answer.retcode, 10013);
    assert_eq!(client.trade(&buy("NOSUCH", 1)).await.retcode, 10013);
    assert!(client.kept().is_empty());
}

#[tokio::test]
async fn pending_orders_live_change_and_end() {
    let broker = quoted().await;
    let control = broker.control();
    let mut client = Client::login(broker.addr(), 1_000_001, "demo").await;
    let limit = w::TradeRequest {
        trade_action: 5,
        trade_type: 2,
        type_filling: 2,
        price_order: 1.09,
        type_time: 2,
        time_expiration: u32::try_from(super::NOON_S + 60).unwrap(),
        ..buy("EURUSD", 10)
    };
    let placed = client.trade(&limit).await;
    assert_eq!((placed.retcode, client.update().await.as_str()), (10008, "order 0 0"));
    let ticket = placed.trade_order as u64;
    let change = w::TradeRequest { trade_action: 7, trade_order: ticket, price_order: 1.08, ..limit.clone() };
    assert_eq!(client.trade(&change).await.retcode, 10009);
    assert_eq!(client.update().await, "order 0 1");
    assert_eq!(client.trade(&change).await.retcode, 10025);
    control.advance(Duration::from_secs(60)).await.unwrap();
    assert_eq!((client.update().await.as_str(), client.update().await.as_str()), ("order 0 2", "order 1 0"));
    let history = client.ask::<requests::History>(&w::HistoryRequest::default()).await.unwrap();
    assert_eq!((history.orders[0].order_state, history.orders[0].time_done), (6, limit.time_expiration));
    let placed = client.trade(&w::TradeRequest { type_time: 0, ..limit }).await;
    assert_eq!(client.update().await, "order 0 0");
    control.quote("EURUSD", 1.0898, 1.0899).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(client.update().await);
    }
    assert_eq!(seen, ["order 0 2", "order 1 0", "deal 0 0 10"]);
    let open = client.ask::<requests::Portfolio>(&Empty).await.unwrap();
    assert_eq!((open.positions[0].position_id, open.positions[0].price_open), (placed.trade_order, 1.0899));
    // A night from Sunday to Monday costs nothing, the next one does.
    control.advance(Duration::from_hours(36)).await.unwrap();
    assert_eq!(client.update().await, "deal 1 0 10");
    let position = client.ask::<requests::Portfolio>(&Empty).await.unwrap().positions.remove(0);
    assert_eq!(position.storage, -0.72);
}

#[tokio::test]
async fn money_moves_and_figures_agree_with_the_engine() {
    let broker = quoted().await;
    let control = broker.control();
    let mut client = Client::login(broker.addr(), 1_000_002, "demo").await;
    control.deposit(1_000_002, 500.0).await.unwrap();
    let w::TradeUpdate::Deals(updates) = client.push::<pushes::TradeUpdate>().await else {
        panic!("a deposit is a deal")
    };
    assert_eq!((updates[0].head.balance, updates[0].head.deal.profit), (10_500.0, 500.0));
    assert_eq!(updates[0].head.position, w::Position::default());
    client.trade(&buy("USDJPY", 100)).await;
    control.quote("USDJPY", 149.0, 149.01).await.unwrap();
    let position = client.ask::<requests::Portfolio>(&Empty).await.unwrap().positions.remove(0);
    let state = control.account(1_000_002).await.unwrap();
    let floating = Money::round(position.profit, 2);
    assert_eq!(state.equity.equity, state.funds.balance + floating);
    // 101,000 yen in euros: by way of the dollar.
    assert_eq!(position.profit, -616.23);
}

#[tokio::test]
async fn the_result_repeats_the_request() {
    let broker = quoted().await;
    let mut client = Client::login(broker.addr(), 1_000_001, "demo").await;
    let request = client.numbered(&w::TradeRequest { comment: "mine".into(), ..buy("EURUSD", 1) });
    client.ask::<requests::Trade>(&request).await.unwrap();
    let push = client.push::<pushes::TradeResult>().await;
    let ticket = push.result.trade_order as u64;
    assert_eq!(push.request, w::TradeRequest { trade_order: ticket, ..request.clone() });
    assert_eq!(push.to_bytes().len(), 380);
    client.ask::<requests::Trade>(&request).await.unwrap();
    assert_eq!(client.push::<pushes::TradeResult>().await.serial, push.serial + 1);
}
