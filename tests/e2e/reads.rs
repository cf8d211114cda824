//! Reads of account, symbols and quotes.

use serde_json::json;
use testkit::eventually;

use crate::world::{EUR, USD, World, assert_close, manual, number, ticket};

#[tokio::test]
async fn the_summary_agrees_with_the_brokers_own_figures() {
    let world = World::start().await;
    let account = broker::AccountSettings {
        login: 55,
        password: "demo".into(),
        currency: "EUR".into(),
        group: r"demo\raw".into(),
        ..broker::AccountSettings::default()
    };
    world.control.add_account(account).await.unwrap();
    let session = world.login_at(55, world.broker_addr).await;
    for order in [
        "symbol=EURUSD&operation=Buy&volume=0.37",
        "symbol=EURUSD&operation=Sell&volume=0.11",
        "symbol=USDJPY&operation=Sell&volume=0.53",
        "symbol=GBPUSD&operation=Buy&volume=0.29",
    ] {
        session.open(order).await;
    }
    let moves = [(1.10321, 1.10333, 149.713, 149.731), (1.08999, 1.09004, 151.002, 151.009)];
    for (eur_bid, eur_ask, jpy_bid, jpy_ask) in moves {
        world.control.quote("EURUSD", eur_bid, eur_ask).await.unwrap();
        world.control.quote("USDJPY", jpy_bid, jpy_ask).await.unwrap();
        world.control.quote("GBPUSD", eur_bid * 1.2, eur_bid * 1.2002).await.unwrap();
        let own = world.control.account(55).await.unwrap();
        let summary = eventually("the session has caught up with the broker", async || {
            let summary = session.json("AccountSummary", "").await;
            (summary["equity"] == json!(own.equity.equity.to_f64())).then_some(summary)
        })
        .await;
        assert_close(number(&summary, "balance"), own.funds.balance.to_f64());
        assert_close(number(&summary, "credit"), own.funds.credit.to_f64());
        assert_close(number(&summary, "margin"), own.equity.margin.to_f64());
        assert_close(number(&summary, "freeMargin"), own.equity.free_margin.to_f64());
        let floating = number(&summary, "equity") - number(&summary, "balance") - number(&summary, "credit");
        let orders = session.json("OpenedOrders", "").await;
        let sum =
            |field: &str| orders.as_array().unwrap().iter().map(|order| number(order, field)).sum::<f64>();
        assert_close((sum("profit") + sum("swap")) * 100.0, floating * 100.0);
        assert_close(sum("profit") * 100.0, number(&summary, "profit") * 100.0);
        let level = number(&summary, "equity") / number(&summary, "margin") * 100.0;
        assert!((number(&summary, "marginLevel") - level).abs() < 0.01, "{summary} {level}");
    }
}

#[tokio::test]
async fn an_empty_account_has_its_deposit_and_no_level() {
    let world = World::start().await;
    let session = world.login_at(EUR, world.broker_addr).await;
    let summary = session.json("AccountSummary", "").await;
    let expected = json!({
        "balance": 10_000, "credit": 0, "profit": 0, "equity": 10_000, "margin": 0, "freeMargin": 10_000,
        "marginLevel": 0, "leverage": 100, "currency": "EUR", "method": "Hedging", "type": "demo",
        "isInvestor": false, "synced": true,
    });
    assert_eq!(summary, expected);
    assert_eq!(session.json("OpenedOrders", "").await, json!([]));
    assert_eq!(session.json("OpenedOrdersTickets", "").await, json!([]));
    assert_eq!(session.json("ClosedOrders", "").await, json!([]));
}

#[tokio::test]
async fn money_that_is_paid_in_is_seen() {
    let world = World::start().await;
    let session = world.login().await;
    let mut updates = session.stream("OnOrderUpdate").await;
    world.control.deposit(USD, 250.5).await.unwrap();
    let told =
        updates.until("the deposit is told", |event| event["data"]["update"]["type"] == "Balance").await;
    assert_eq!(told["data"]["balance"], 10_250.5);
    assert_eq!(session.json("AccountSummary", "").await["balance"], 10_250.5);
}

#[tokio::test]
async fn the_account_is_described() {
    let world = World::start().await;
    let session = world.login().await;
    let details = session.json("AccountDetails", "").await;
    assert_eq!((&details["serverName"], &details["user"]), (&json!("MT5Rest-Demo"), &json!(USD)));
    assert_eq!(details["port"], world.broker_addr.port());
    assert_eq!(details["password"], json!(null), "passwords are never shown");
    let account = session.json("Account", "").await;
    assert_eq!((&account["login"], &account["balance"]), (&json!(USD), &json!(10_000)));
}

#[tokio::test]
async fn a_server_clock_of_its_own_moves_times_but_not_timestamps() {
    let shift_s = 3 * 3600;
    let world = World::with(broker::Settings { zone: broker::Zone::fixed(shift_s), ..manual() }).await;
    world.quotes().await;
    let session = world.login().await;
    let details = session.json("AccountDetails", "").await;
    assert_eq!(details["serverTimeZone"], 3);
    assert_eq!(
        session.json("ServerTimezone", "").await,
        json!(3),
        "clients ask for it right after the login"
    );
    let order = session.open("symbol=EURUSD&operation=Buy&volume=0.1").await;
    let opened =
        calls::ServerTime::from_ms(order["openTimestampUTC"].as_i64().unwrap() + i64::from(shift_s) * 1000);
    assert_eq!(order["openTime"], serde_json::to_value(opened).unwrap());
}

#[tokio::test]
async fn symbols_are_listed_and_described() {
    let world = World::start().await;
    let session = world.login().await;
    let names = session.json("SymbolList", "").await;
    assert!(names.as_array().unwrap().contains(&json!("EURUSD")), "{names}");
    let symbols = session.json("Symbols", "").await;
    assert_eq!(symbols.as_object().unwrap().len(), names.as_array().unwrap().len());
    assert_eq!(symbols["EURUSD"]["currency"], "EURUSD", "the vendor's own oddity");
    assert_eq!(symbols["EURUSD"]["contractSize"], 100_000);
    let params = session.json("SymbolParams", "symbol=USDJPY").await;
    assert_eq!((&params["symbol"], &params["symbolInfo"]["digits"]), (&json!("USDJPY"), &json!(3)));
    assert_eq!(
        (&params["symbolGroup"]["minLots"], &params["symbolGroup"]["minVolume"]),
        (&json!(0.01), &json!(1_000_000))
    );
    assert_eq!(session.refused("SymbolParams", "symbol=NOPE").await, "INVALID_SYMBOL");
}

#[tokio::test]
async fn quotes_are_those_of_the_broker() {
    let world = World::start().await;
    let session = world.login().await;
    world.control.quote("EURUSD", 1.23456, 1.2346).await.unwrap();
    let quote = eventually("the quote arrives", async || {
        let quote = session.json("GetQuote", "symbol=EURUSD").await;
        (quote["bid"] == 1.23456).then_some(quote)
    })
    .await;
    assert_eq!((&quote["symbol"], &quote["ask"]), (&json!("EURUSD"), &json!(1.2346)));
    let many = session.json("GetQuoteMany", "symbols=EURUSD&symbols=USDJPY").await;
    let symbols: Vec<_> = many.as_array().unwrap().iter().map(|quote| &quote["symbol"]).collect();
    assert_eq!(symbols, ["EURUSD", "USDJPY"]);
    assert_eq!(session.refused("GetQuote", "symbol=NOPE").await, "INVALID_SYMBOL");
}

#[tokio::test]
async fn a_quote_that_must_be_fresh_is_waited_for() {
    let world = World::start().await;
    let session = world.login().await;
    session.json("GetQuote", "symbol=EURUSD").await;
    let fresh = session.json("GetQuote", "symbol=EURUSD&msNotOlder=1");
    let prices = async {
        for step in 0.. {
            world.control.quote("EURUSD", 1.2 + f64::from(step % 100) * 0.0001, 1.3).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let quote = tokio::select! {
        quote = fresh => quote,
        () = prices => unreachable!(),
    };
    assert!(number(&quote, "bid") >= 1.2, "{quote}");
}

#[tokio::test]
async fn open_orders_are_sorted_as_asked() {
    let world = World::start().await;
    let session = world.login().await;
    let first = ticket(&session.open("symbol=EURUSD&operation=Buy&volume=0.1").await);
    let second = ticket(&session.open("symbol=USDJPY&operation=Sell&volume=0.2").await);
    assert_eq!(session.tickets().await.len(), 2);
    let tickets = async |query: &str| -> Vec<u64> {
        session.json("OpenedOrders", query).await.as_array().unwrap().iter().map(ticket).collect()
    };
    assert_eq!(tickets("").await, [first, second]);
    assert_eq!(tickets("sort=OpenTime&ascending=false").await, [second, first]);
    let one = session.json("OpenedOrder", &format!("ticket={second}")).await;
    assert_eq!(
        (&one["symbol"], &one["orderType"], &one["lots"]),
        (&json!("USDJPY"), &json!("Sell"), &json!(0.2))
    );
    assert_eq!(session.refused("OpenedOrder", "ticket=1").await, "INVALID_TICKET");
}

#[tokio::test]
async fn candles_fit_into_their_range() {
    let world = World::with(broker::Settings::default()).await;
    let session = world.login().await;
    let query = "symbol=EURUSD&from=2026-01-06T00:00:00&to=2026-01-06T05:59:59&timeFrame=60";
    let bars = session.json("PriceHistory", query).await;
    let times: Vec<_> = bars.as_array().unwrap().iter().map(|bar| bar["time"].as_str().unwrap()).collect();
    assert_eq!(times.len(), 6, "{times:?}");
    assert_eq!((times[0], times[5]), ("2026-01-06T00:00:00", "2026-01-06T05:00:00"));
    for bar in bars.as_array().unwrap() {
        let (low, high) = (number(bar, "lowPrice"), number(bar, "highPrice"));
        assert!(low <= number(bar, "openPrice") && number(bar, "closePrice") <= high, "{bar}");
    }
    let odd = session.call("PriceHistory", "symbol=EURUSD&from=2026-01-06&to=2026-01-07&timeFrame=7").await;
    assert_eq!(odd.status, 201);
}
