//! The past in other shapes: page by page, by position, by order, and as it was loaded in the background.

use std::net::SocketAddr;
use std::time::Duration;

use broker::{Fault, Mishap};
use serde_json::{Value, json};
use testkit::{Cable, eventually};

use crate::world::{Session, USD, World, manual, number, ticket};

const ALL: &str = "from=2000-01-01T00:00:00&to=2037-01-01T00:00:00";
const ORDER: &str = "symbol=EURUSD&operation=Buy&volume=0.1";

async fn trade(session: &Session) -> u64 {
    let number = ticket(&session.open(ORDER).await);
    session.json("OrderClose", &format!("ticket={number}")).await;
    number
}

/// The number of pages, and the tickets on one.
async fn page(session: &Session, number: usize, more: &str) -> (Value, Vec<u64>) {
    let query = format!("{ALL}&ordersPerPage=3&pageNumber={number}{more}");
    let reply = session.json("OrderHistoryPagination", &query).await;
    assert_eq!(reply["pageNumber"], number, "{reply}");
    (reply["pagesCount"].clone(), tickets(&reply["orders"]))
}

fn tickets(orders: &Value) -> Vec<u64> {
    orders.as_array().unwrap().iter().map(ticket).collect()
}

/// Logs in with the history loaded in the background.
async fn login_with_history(world: &World, address: SocketAddr) -> Session {
    let (host, port) = (address.ip(), address.port());
    let path = format!("/Connect?user={USD}&password=demo&host={host}&port={port}&downloadOrderHistory=true");
    let session = Session { http: world.http.clone(), token: world.http.get(&path).await.ok().body };
    eventually("the history is loaded", async || {
        (session.json("OrderHistoryDownloadComplete", "").await == true).then_some(())
    })
    .await;
    session
}

#[tokio::test]
async fn pages_hold_the_history_once_and_stay_as_they_are() {
    let world = World::start().await;
    let session = world.login().await;
    for _ in 0..7 {
        trade(&session).await;
    }
    let whole = tickets(&session.json("OrderHistory", ALL).await["orders"]);
    assert_eq!(whole.len(), 8, "seven positions and the first deposit");
    let mut read = Vec::new();
    for number in 0..3 {
        let (pages, on_page) = page(&session, number, "").await;
        assert_eq!((pages, on_page.len()), (json!(3), [3, 3, 2][number]), "page {number}");
        read.extend(on_page);
        // What happens while a client reads does not shift its pages.
        trade(&session).await;
    }
    assert_eq!(read, whole);
    let (pages, first) = page(&session, 0, "&requestAgain=true").await;
    assert_eq!((pages, &first[..]), (json!(4), &whole[..3]));
    let (pages, last) = page(&session, 3, "").await;
    assert_eq!((pages, last.len()), (json!(4), 2), "what was asked for anew is kept");
    let (_, newest) = page(&session, 0, "&ascending=false").await;
    assert_eq!(newest[..2], [last[1], last[0]]);
}

#[tokio::test]
async fn pages_can_be_of_some_orders_only_and_end() {
    let world = World::start().await;
    let session = world.login().await;
    let mut traded = Vec::new();
    for _ in 0..4 {
        traded.push(trade(&session).await);
    }
    let some = format!("&tickets={}&tickets={}", traded[1], traded[3]);
    assert_eq!(page(&session, 0, &some).await, (json!(1), vec![traded[1], traded[3]]));
    assert_eq!(page(&session, 0, "&tickets=1").await, (json!(0), vec![]));
    let without_money = "&ignoreDepositWithdraw=true";
    assert_eq!(page(&session, 0, without_money).await, (json!(2), traded[..3].to_vec()));
    assert_eq!(page(&session, 1, without_money).await, (json!(2), traded[3..].to_vec()));
    for (wrong, code) in
        [("ordersPerPage=0&pageNumber=0", "INVALID_PARAM"), ("ordersPerPage=3", "NULL_ARGUMENT")]
    {
        assert_eq!(
            session.refused("OrderHistoryPagination", &format!("{ALL}&{wrong}")).await,
            code,
            "{wrong}"
        );
    }
    assert_eq!(page(&session, 9, "").await.1, Vec::<u64>::new(), "beyond the end there is nothing");
    let empty = "from=2001-01-01&to=2001-02-01&ordersPerPage=3&pageNumber=0";
    let reply = session.json("OrderHistoryPagination", empty).await;
    assert_eq!((&reply["pagesCount"], &reply["orders"]), (&json!(0), &json!([])));
}

#[tokio::test]
async fn released_pages_are_read_afresh() {
    let world = World::start().await;
    let session = world.login().await;
    trade(&session).await;
    assert_eq!(page(&session, 0, "").await.1.len(), 2);
    trade(&session).await;
    assert_eq!(page(&session, 0, "").await.1.len(), 2);
    // Pages of another size are another list.
    session.json("OrderHistoryPaginationRelease", &format!("{ALL}&ordersPerPage=4")).await;
    assert_eq!(page(&session, 0, "").await.1.len(), 2);
    let freed = session.json("OrderHistoryPaginationRelease", &format!("{ALL}&ordersPerPage=3")).await;
    assert_eq!((&freed["pagesCount"], &freed["orders"]), (&json!(1), &json!([])));
    assert_eq!(page(&session, 0, "").await.1.len(), 3);
}

#[tokio::test]
async fn closed_positions_are_loaded_when_they_are_asked_for() {
    for (call, query) in [("HistoryPositions", ""), ("HistoryPositionsByCloseTime", ALL)] {
        let world = World::start().await;
        let before = world.login().await;
        let first = trade(&before).await;
        before.call("Disconnect", "").await.ok();
        let session = world.login().await;
        assert_eq!(session.json("OrderHistoryDownloadComplete", "").await, json!(false));
        let second = trade(&session).await;
        assert_eq!(tickets(&session.json(call, query).await), [first, second], "{call}");
        assert_eq!(session.json("OrderHistoryDownloadComplete", "").await, json!(true));
    }
}

#[tokio::test]
async fn closed_positions_that_take_too_long_to_load_are_not_ready() {
    let call_timeout = Duration::from_secs(2);
    let hurried = api::Settings { call_timeout, ..api::Settings::default() };
    let world = World::build(manual(), worker::Settings::default(), hurried).await;
    world.quotes().await;
    let session = world.login().await;
    let first = trade(&session).await;
    let late = Fault::Answers { command: Some(5), mishap: Mishap::DelayMs(4_000) };
    world.control.fault(late).await.unwrap();
    assert_eq!(session.refused("HistoryPositions", "").await, "ORDER_HISTORY_NOT_READY");
    // It goes on meanwhile, and is there sooner or later.
    let positions = eventually("the history is loaded", async || {
        let reply = session.call("HistoryPositions", "").await;
        (reply.status == 200).then(|| reply.json())
    })
    .await;
    assert_eq!(tickets(&positions), [first]);
}

#[tokio::test]
async fn loaded_positions_are_kept_up_also_over_a_lost_link() {
    let world = World::start().await;
    let before = world.login().await;
    let first = trade(&before).await;
    before.call("Disconnect", "").await.ok();
    let cable = Cable::to(world.broker_addr).await;
    let session = login_with_history(&world, cable.addr()).await;
    let closed = async || tickets(&session.json("HistoryPositions", "").await);
    assert_eq!(closed().await, [first]);
    let second = trade(&session).await;
    assert_eq!(closed().await, [first, second], "it was closed after the load");
    let third = ticket(&session.open(&format!("{ORDER}&stoploss=1.09")).await);
    assert_eq!(closed().await, [first, second], "it is open");
    cable.cut().await;
    world.control.quote("EURUSD", 1.08, 1.0801).await.unwrap();
    cable.plug();
    session.call("CheckConnect", "").await.ok();
    assert_eq!(closed().await, [first, second, third], "it was closed while the link was down");
    let some = session.json("HistoryPositions", &format!("tickets={third}&tickets={first}")).await;
    assert_eq!(tickets(&some), [first, third]);
    let stopped = &some[1];
    // The stop at 1.09 is filled at the price of the moment, 1.08: 0.0201 of 10,000 euros.
    assert_eq!((&stopped["profit"], &stopped["closePrice"]), (&json!(-201), &json!(1.08)));
}

#[tokio::test]
async fn loaded_positions_are_found_by_the_second_of_their_closing() {
    let world = World::start().await;
    let session = login_with_history(&world, world.broker_addr).await;
    let (first, second) = (trade(&session).await, trade(&session).await);
    let all = session.json("HistoryPositionsByCloseTime", ALL).await;
    assert_eq!(tickets(&all), [first, second]);
    let closed = all[0]["closeTime"].as_str().unwrap().split('.').next().unwrap();
    let within = session.json("HistoryPositionsByCloseTime", &format!("from={closed}&to={closed}")).await;
    assert_eq!(tickets(&within)[0], first, "closed at {}", all[0]["closeTime"]);
    let of_server = session.json("OrderHistory", &format!("from={closed}&to={closed}&sort=CloseTime")).await;
    let positions = of_server["orders"].as_array().unwrap().iter().filter(|one| one["orderType"] == "Buy");
    assert_eq!(positions.map(ticket).collect::<Vec<_>>(), tickets(&within), "as the server counts");
    let none = session.json("HistoryPositionsByCloseTime", "from=2001-01-01&to=2001-02-01").await;
    assert_eq!(none, json!([]));
}

#[tokio::test]
async fn a_position_has_its_deals() {
    let world = World::start().await;
    let session = world.login().await;
    let other = trade(&session).await;
    let position = ticket(&session.open("symbol=EURUSD&operation=Sell&volume=0.3").await);
    session.json("OrderClose", &format!("ticket={position}&lots=0.1")).await;
    world.control.quote("EURUSD", 1.1009, 1.101).await.unwrap();
    session.json("OrderClose", &format!("ticket={position}")).await;
    let deals = session.json("HistoryDealsByPositionId", &format!("ticket={position}")).await;
    let shown: Vec<_> = deals
        .as_array()
        .unwrap()
        .iter()
        .map(|deal| {
            (
                deal["type"].as_str().unwrap(),
                deal["direction"].as_str().unwrap(),
                &deal["lots"],
                &deal["profit"],
            )
        })
        .collect();
    // Sold at 1.1; bought back at 1.1001 and at 1.101.
    let expected = [
        ("DealSell", "In", &json!(0.3), &json!(0)),
        ("DealBuy", "Out", &json!(0.1), &json!(-1)),
        ("DealBuy", "Out", &json!(0.2), &json!(-20)),
    ];
    assert_eq!(shown, expected);
    assert!(deals.as_array().unwrap().iter().all(|deal| deal["positionTicket"] == position), "{deals}");
    let of_other = session.json("HistoryDealsByPositionId", &format!("ticket={other}")).await;
    assert_eq!(of_other.as_array().unwrap().len(), 2);
    // The deposit belongs to no position: zero is none.
    for unknown in ["987654321", "0"] {
        let told = session.refused("HistoryDealsByPositionId", &format!("ticket={unknown}")).await;
        assert_eq!(told, "INVALID_TICKET", "{unknown}");
    }
}

#[tokio::test]
async fn order_records_say_what_became_of_each_order() {
    let world = World::start().await;
    let session = world.login().await;
    let market = ticket(&session.open(ORDER).await);
    let limit = |price: &str| format!("symbol=EURUSD&operation=BuyLimit&volume=0.2&price={price}");
    let cancelled = ticket(&session.open(&limit("1.05")).await);
    let filled = ticket(&session.open(&limit("1.09")).await);
    let waiting = ticket(&session.open(&limit("1.01")).await);
    session.json("OrderClose", &format!("ticket={cancelled}")).await;
    world.control.quote("EURUSD", 1.0898, 1.0899).await.unwrap();
    eventually("the limit is filled", async || session.tickets().await.contains(&filled).then_some(())).await;
    let records = async |sorting: &str| {
        let records = session.json("PendingOrderHistory", &format!("{ALL}{sorting}")).await;
        let shown =
            |one: &Value| (one["ticket"].as_u64().unwrap(), one["state"].as_str().unwrap().to_owned());
        records.as_array().unwrap().iter().map(shown).collect::<Vec<_>>()
    };
    let expected = [(market, "Filled"), (cancelled, "Cancelled"), (filled, "Filled")]
        .map(|(ticket, state)| (ticket, state.to_owned()));
    let by_opening = eventually("the end of the limit is told", async || {
        let records = records("").await;
        (records.len() == 3).then_some(records)
    })
    .await;
    assert_eq!(by_opening, expected, "{waiting} waits still");
    let mut backwards = expected.to_vec();
    backwards.reverse();
    assert_eq!(records("&ascending=false").await, backwards);
    let all = session.json("PendingOrderHistory", ALL).await;
    assert_eq!((number(&all[1], "openPrice"), number(&all[1], "requestLots")), (1.05, 0.2), "{}", all[1]);
}

#[tokio::test]
async fn magic_numbers_that_the_session_knows_are_in_its_history() {
    let world = World::start().await;
    let session = world.login().await;
    let made = ticket(&session.open("symbol=EURUSD&operation=Buy&volume=0.02&expertID=4242").await);
    session.json("OrderClose", &format!("ticket={made}")).await;
    let history = eventually("the position is history", async || {
        let history = session.json("OrderHistory", ALL).await;
        history["orders"].as_array().unwrap().iter().any(|order| order["ticket"] == made).then_some(history)
    })
    .await;
    let closed = history["orders"].as_array().unwrap().iter().find(|order| order["ticket"] == made).unwrap();
    assert_eq!(closed["expertId"], 4242);
    let deals = session.json("HistoryDealsByPositionId", &format!("ticket={made}")).await;
    assert!(deals.as_array().unwrap().iter().all(|deal| deal["expertId"] == 4242), "{deals}");
    let orders = session.json("PendingOrderHistory", ALL).await;
    assert_eq!(orders[0]["expertId"], 4242);
}
