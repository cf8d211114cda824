//! What an order will cost, and what a step of the price is worth, before it has happened.

use serde_json::{Value, json};
use testkit::eventually;

use crate::world::{EUR, Session, World, assert_close, number};

/// Symbols of several kinds with a volume and a price of each.
const SYMBOLS: [(&str, f64, f64, f64); 8] = [
    ("EURUSD", 0.7, 1.1, 1.1001),
    ("USDJPY", 0.3, 150.0, 150.01),
    ("XAUUSD", 0.2, 2000.0, 2000.5),
    ("AAPL", 7.0, 200.0, 200.05),
    ("ES", 2.0, 5000.0, 5000.25),
    ("GBPJPY", 0.1, 195.0, 195.02),
    ("UST2034", 20.0, 97.3, 97.32),
    ("JP225", 0.3, 38_400.0, 38_408.0),
];

/// An account with enough for everything, on a broker that has prices of everything.
async fn rich(world: &World, login: u64, currency: &str) -> Session {
    for (symbol, _, bid, ask) in SYMBOLS {
        world.control.quote(symbol, bid, ask).await.unwrap();
    }
    // Pounds and yen are converted into euros by these.
    world.control.quote("EURGBP", 0.846, 0.8461).await.unwrap();
    world.control.quote("EURJPY", 165.0, 165.02).await.unwrap();
    let account = broker::AccountSettings {
        login,
        password: "demo".into(),
        currency: currency.into(),
        deposit: 1_000_000.0,
        ..broker::AccountSettings::default()
    };
    world.control.add_account(account).await.unwrap();
    world.login_at(login, world.broker_addr).await
}

async fn margin(session: &Session) -> f64 {
    number(&session.json("AccountSummary", "").await, "margin")
}

/// Money is compared in cents.
fn cents(money: f64) -> i64 {
    (money * 100.0).round() as i64
}

#[tokio::test]
async fn an_order_takes_the_margin_that_was_told_before() {
    for (login, currency) in [(71, "USD"), (72, "EUR")] {
        for (operation, kind) in [("Buy", "DealBuy"), ("Sell", "DealSell")] {
            let world = World::start().await;
            let session = rich(&world, login, currency).await;
            for (symbol, lots, ..) in SYMBOLS {
                let before = margin(&session).await;
                let question = format!("symbol={symbol}&lots={lots}&type={kind}");
                let told = session.json("RequiredMargin", &question).await.as_f64().unwrap();
                assert!(told > 0.0, "{question}");
                session.open(&format!("symbol={symbol}&operation={operation}&volume={lots}")).await;
                let grown = margin(&session).await - before;
                assert_eq!(cents(grown), cents(told), "{currency} {question}: {grown} is not {told}");
            }
        }
    }
}

#[tokio::test]
async fn margins_follow_from_the_terms() {
    let world = World::start().await;
    let (usd, eur) = (rich(&world, 71, "USD").await, rich(&world, 72, "EUR").await);
    let cases = [
        // 100,000 euros by 100, at the ask of EURUSD; the seller's at the bid.
        (&usd, "symbol=EURUSD&lots=1&type=DealBuy", 1100.1),
        (&usd, "symbol=EURUSD&lots=1&type=DealSell", 1100.0),
        (&usd, "symbol=EURUSD&lots=1", 1100.1),
        (&eur, "symbol=EURUSD&lots=1&type=DealBuy", 1000.0),
        // 100,000 dollars by 100, one euro brings 1.1 of them.
        (&usd, "symbol=USDJPY&lots=1&type=DealBuy", 1000.0),
        (&eur, "symbol=USDJPY&lots=1&type=DealBuy", 909.09),
        // 100 ounces at the ask, or at a price of the caller's, by 100.
        (&usd, "symbol=XAUUSD&lots=0.5&type=DealBuy", 1000.25),
        (&usd, "symbol=XAUUSD&lots=0.5&type=DealBuy&price=1000", 500.0),
        // Seven shares, half of their price.
        (&usd, "symbol=AAPL&lots=7&type=DealSell&price=100", 350.0),
        // Twenty notes of 1,000, a tenth of what they cost.
        (&usd, "symbol=UST2034&lots=20&type=DealBuy&price=97.5", 1950.0),
        // Futures have a margin of their own.
        (&usd, "symbol=ES&lots=2&type=DealBuy", 26_400.0),
    ];
    for (session, question, expected) in cases {
        let told = session.json("RequiredMargin", question).await.as_f64().unwrap();
        assert_eq!(cents(told), cents(expected), "{question}: {told} is not {expected}");
    }
    for (question, code) in [
        ("symbol=EURUSD&lots=1&type=Balance", "INVALID_PARAM"),
        ("symbol=EURUSD&lots=1&type=Nonsense", "INVALID_PARAM"),
        ("symbol=EURUSD&lots=0", "INVALID_VOLUME"),
        ("symbol=EURUSD&lots=-1", "INVALID_VOLUME"),
        ("symbol=NOPE&lots=1", "INVALID_SYMBOL"),
    ] {
        assert_eq!(usd.refused("RequiredMargin", question).await, code, "{question}");
    }
}

#[tokio::test]
async fn tick_values_times_ticks_are_profits() {
    for (login, currency) in [(71, "USD"), (72, "EUR")] {
        let world = World::start().await;
        let session = rich(&world, login, currency).await;
        for (symbol, _, bid, ask) in SYMBOLS {
            let opened = session.open(&format!("symbol={symbol}&operation=Sell&volume=1")).await;
            let sizes = session.json("TickValueWithSize", &format!("symbol={symbol}")).await;
            let size = number(&sizes[0], "tickSize");
            let point = if size > 0.0 { size } else { 1e-5 };
            world.control.quote(symbol, bid - 300.0 * point, ask - 300.0 * point).await.unwrap();
            let question = format!("ticket={}", crate::world::ticket(&opened));
            let order = eventually("the profit has followed", async || {
                let order = session.json("OpenedOrder", &question).await;
                (number(&order, "profit") > 0.0).then_some(order)
            })
            .await;
            let ticks = ((number(&opened, "openPrice") - number(&order, "closePrice")) / point).round();
            let values = session.json("TickValueWithSize", &format!("symbol={symbol}")).await;
            let value = number(&values[0], "tickValue");
            assert_eq!(
                cents(ticks * value),
                cents(number(&order, "profit")),
                "{currency} {symbol}: {ticks} ticks of {value}"
            );
            assert_close(number(&values[0], "tickValueMq"), value);
            let params = session.json("SymbolParams", &format!("symbol={symbol}")).await;
            assert_close(number(&params["symbolInfo"], "bid_tickvalue"), value);
            let many = session.json("GetTickValueMany", &format!("symbol={symbol}")).await;
            assert_close(number(&many[0], symbol), value);
        }
    }
}

#[tokio::test]
async fn updated_profits_are_the_sum_of_all_orders() {
    let world = World::start().await;
    let session = rich(&world, 72, "EUR").await;
    assert_eq!(session.json("UpdateProfits", "").await, json!(0));
    for (symbol, lots, ..) in SYMBOLS {
        session.open(&format!("symbol={symbol}&operation=Buy&volume={lots}")).await;
    }
    session.open("symbol=EURUSD&operation=BuyLimit&volume=1&price=1").await;
    world.control.quote("XAUUSD", 2100.0, 2100.5).await.unwrap();
    world.control.quote("EURUSD", 1.05, 1.0501).await.unwrap();
    let profits = |orders: &Value| -> f64 {
        orders.as_array().unwrap().iter().map(|order| number(order, "profit")).sum()
    };
    let settled = eventually("gold has gained", async || {
        let orders = session.json("OpenedOrders", "").await;
        let of =
            |symbol: &str| orders.as_array().unwrap().iter().find(|one| one["symbol"] == symbol).cloned();
        let (gold, euro) = (of("XAUUSD").unwrap(), of("EURUSD").unwrap());
        (gold["closePrice"] == 2100 && euro["closePrice"] == 1.05).then_some(orders)
    })
    .await;
    let told = session.json("UpdateProfits", "").await.as_f64().unwrap();
    assert_eq!(cents(told), cents(profits(&settled)));
    assert_ne!(cents(told), 0);
    let summary = session.json("AccountSummary", "").await;
    assert_eq!(cents(told), cents(number(&summary, "profit")));
}

#[tokio::test]
async fn a_pair_that_is_not_quoted_is_gone_around_through_the_dollar() {
    let world = World::start().await;
    let session = world.login_at(EUR, world.broker_addr).await;
    // EURGBP exists and has no price: 1000 GBP at 1.3002 dollars, for euros at 1.1.
    let margin = session.json("RequiredMargin", "symbol=GBPJPY&lots=1&price=195").await;
    assert_eq!(margin, json!(1182));
    // One yen a point and unit: 100 yen at 150.01 a dollar, for euros at 1.1001.
    let value = session.json("GetTickValueMany", "symbol=GBPJPY").await;
    assert_close(number(&value[0], "GBPJPY"), 100.0 / 150.01 / 1.1001);
    assert_eq!(session.refused("RequiredMargin", "symbol=EURGBP&lots=1").await, "NO_PRICES");
}
