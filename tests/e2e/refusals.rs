//! Refusals of orders carry the numbers by which they can be mended.

use serde_json::{Value, json};
use testkit::Reply;

use crate::world::{Session, World, assert_close, number, ticket};

/// A call of a strict client.
async fn strict(session: &Session, name: &str, query: &str) -> Reply {
    let path = format!("/{name}?id={}&{query}", session.token);
    session.http.get_with(&path, &[("Accept", "application/problem+json")]).await
}

/// The field of a refusal, and the text of the same refusal for clients of the known interface.
async fn refused(session: &Session, (name, query): (&str, &str), code: &str, field: &str) -> Value {
    let problem = strict(session, name, query).await.json();
    assert_eq!(problem["code"], code, "{name}?{query}: {problem}");
    let numbers =
        problem.get(field).unwrap_or_else(|| panic!("{name}?{query}: no {field} in {problem}")).clone();
    let known = session.call(name, query).await;
    assert_eq!(known.status, 201, "{}", known.body);
    let message = known.json()["message"].as_str().unwrap().to_owned();
    for value in numbers.as_object().unwrap().values().filter(|value| value.is_number()) {
        assert!(message.contains(&value.to_string()), "{value} is not in: {message}");
    }
    numbers
}

/// A world where stops and pending orders must keep 50 points away.
async fn world() -> (World, Session) {
    let world = World::start().await;
    let levels = broker::SymbolEdit { stops_level: Some(50), ..broker::SymbolEdit::default() };
    world.control.edit_symbol("EURUSD", levels).await.unwrap();
    let session = world.login().await;
    (world, session)
}

#[tokio::test]
async fn a_refused_volume_comes_with_the_nearest_one() {
    let (_world, session) = world().await;
    for (given, nearest) in [("0", 0.01), ("-1", 0.01), ("0.001", 0.01), ("0.014", 0.01), ("1000", 100.0)] {
        let order = |volume: &str| format!("symbol=EURUSD&operation=BuyLimit&price=1.05&volume={volume}");
        let numbers = refused(&session, ("OrderSend", &order(given)), "INVALID_VOLUME", "volume").await;
        assert_eq!((&numbers["least"], &numbers["step"]), (&json!(0.01), &json!(0.01)), "{numbers}");
        assert_close(number(&numbers, "nearest"), nearest);
        assert_close(number(&numbers, "given"), given.parse().unwrap());
        session.json("OrderSend", &order(&nearest.to_string())).await;
    }
    let held = ticket(&session.open("symbol=EURUSD&operation=Buy&volume=0.3").await);
    let part = |lots: &str| format!("ticket={held}&lots={lots}");
    let numbers = refused(&session, ("OrderClose", &part("0.5")), "INVALID_VOLUME", "volume").await;
    assert_eq!((&numbers["most"], &numbers["nearest"]), (&json!(0.3), &json!(0.3)), "{numbers}");
    let numbers = refused(&session, ("OrderClose", &part("0.015")), "INVALID_VOLUME", "volume").await;
    session.json("OrderClose", &part(&number(&numbers, "nearest").to_string())).await;
    let margin = "symbol=EURUSD&type=DealBuy&lots=0";
    refused(&session, ("RequiredMargin", margin), "INVALID_VOLUME", "volume").await;
}

#[tokio::test]
async fn refused_stops_come_with_the_nearest_ones() {
    let (_world, session) = world().await;
    let market = "symbol=EURUSD&volume=0.1";
    let open = ticket(&session.open(&format!("{market}&operation=Buy")).await);
    let short = ticket(&session.open(&format!("{market}&operation=Sell")).await);
    let pending = ticket(&session.open(&format!("{market}&operation=BuyLimit&price=1.05")).await);
    // At the price, and on the wrong side of it.
    let cases = [
        ("OrderSend", format!("{market}&operation=Buy"), "Buy", 1.1, ["1.2", "1.0"]),
        ("OrderSend", format!("{market}&operation=Sell"), "Sell", 1.1001, ["1.0", "1.2"]),
        ("OrderSend", format!("{market}&operation=BuyStop&price=1.2"), "Buy", 1.2, ["1.2", "1.2"]),
        ("OrderModify", format!("ticket={open}"), "Buy", 1.1, ["1.1", "1.1"]),
        ("OrderModify", format!("ticket={short}"), "Sell", 1.1001, ["1.1001", "1.1001"]),
        ("OrderModify", format!("ticket={pending}"), "Buy", 1.05, ["1.0499", "1.0501"]),
    ];
    for (name, query, side, present, [loss, profit]) in cases {
        let wrong = format!("{query}&stoploss={loss}&takeprofit={profit}");
        let numbers = refused(&session, (name, &wrong), "INVALID_STOPS", "stops").await;
        assert_eq!(
            (&numbers["side"], &numbers["leastDistance"]),
            (&json!(side), &json!(0.0005)),
            "{numbers}"
        );
        assert_eq!(numbers["presentPrice"], json!(present), "{numbers}");
        let (loss, profit) = (number(&numbers, "nearestStopLoss"), number(&numbers, "nearestTakeProfit"));
        session.json(name, &format!("{query}&stoploss={loss}&takeprofit={profit}")).await;
    }
}

#[tokio::test]
async fn a_refused_price_comes_with_the_nearest_one() {
    let (_world, session) = world().await;
    let cases = [
        ("BuyLimit", "&price=1.2", ""),
        ("SellLimit", "&price=1", ""),
        ("BuyStop", "&price=1.1001", ""),
        ("SellStop", "&price=1.2", ""),
        ("BuyStopLimit", "&price=1", "&stopLimitPrice=1.0"),
        ("SellStopLimit", "&price=1.2", "&stopLimitPrice=1.3"),
        ("BuyLimit", "", ""),
    ];
    for (operation, price, limit) in cases {
        let order = |price: &str| format!("symbol=EURUSD&volume=0.1&operation={operation}{price}{limit}");
        let numbers = refused(&session, ("OrderSend", &order(price)), "INVALID_PRICE", "price").await;
        assert_eq!((&numbers["bid"], &numbers["ask"]), (&json!(1.1), &json!(1.1001)), "{numbers}");
        assert_eq!(numbers["leastDistance"], json!(0.0005), "{numbers}");
        let placed =
            session.json("OrderSend", &order(&format!("&price={}", number(&numbers, "nearest")))).await;
        let modify = format!("ticket={}{price}", ticket(&placed));
        if !price.is_empty() {
            refused(&session, ("OrderModify", &modify), "INVALID_PRICE", "price").await;
        }
    }
}

#[tokio::test]
async fn the_price_of_a_stop_limit_order_that_is_wrong_is_named() {
    let (_world, session) = world().await;
    let cases = [
        ("BuyStopLimit", "1.2", ["1.2", "1.3", ""], 1.1995),
        ("SellStopLimit", "1.05", ["1.05", "1.0", ""], 1.0505),
    ];
    for (operation, price, limits, nearest) in cases {
        let order = |limit: &str| {
            let limit = if limit.is_empty() { String::new() } else { format!("&stopLimitPrice={limit}") };
            format!("symbol=EURUSD&volume=0.1&operation={operation}&price={price}{limit}")
        };
        let placed = ticket(&session.json("OrderSend", &order(&nearest.to_string())).await);
        for limit in limits {
            let numbers = refused(&session, ("OrderSend", &order(limit)), "INVALID_PRICE", "price").await;
            assert_eq!(
                (&numbers["parameter"], &numbers["nearest"]),
                (&json!("stopLimitPrice"), &json!(nearest))
            );
            assert_eq!(numbers["orderPrice"].to_string(), price, "{numbers}");
            assert_eq!(numbers.get("given").and_then(Value::as_f64), limit.parse().ok(), "{numbers}");
            if !limit.is_empty() {
                let modify = format!("ticket={placed}&stoplimit={limit}");
                let numbers = refused(&session, ("OrderModify", &modify), "INVALID_PRICE", "price").await;
                assert_eq!(
                    (&numbers["parameter"], &numbers["nearest"]),
                    (&json!("stoplimit"), &json!(nearest))
                );
            }
        }
    }
}

#[tokio::test]
async fn what_is_too_near_to_the_market_says_how_near() {
    let world = World::start().await;
    let levels = broker::SymbolEdit { freeze_level: Some(100), ..broker::SymbolEdit::default() };
    world.control.edit_symbol("EURUSD", levels).await.unwrap();
    let session = world.login().await;
    let order = "symbol=EURUSD&volume=0.1";
    let pending = ticket(&session.open(&format!("{order}&operation=BuyLimit&price=1.0996")).await);
    let sell = ticket(&session.open(&format!("{order}&operation=Sell")).await);
    let near = format!("{order}&operation=Buy&stoploss=1.0995&takeprofit=1.2");
    let open = session.open(&near).await;
    let cases = [
        ("OrderModify", format!("ticket={pending}&price=1.05"), 1.1001, 1.0996),
        ("OrderCancel", format!("ticket={pending}"), 1.1001, 1.0996),
        ("OrderModify", format!("ticket={}&stoploss=1.0", ticket(&open)), 1.1, 1.0995),
        ("OrderClose", format!("ticket={}", ticket(&open)), 1.1, 1.0995),
        ("OrderCloseBy", format!("ticket={sell}&closeByTicket={}", ticket(&open)), 1.1, 1.0995),
    ];
    for (name, query, present, near) in cases {
        let numbers = refused(&session, (name, &query), "MODIFICATION_FAILED", "freeze").await;
        assert_eq!(numbers, json!({ "freezeDistance": 0.001, "presentPrice": present, "tooNear": [near] }));
    }
    // Without hedging an order against the position changes it, and does not name it.
    let margin_mode = broker::MarginMode::Netting;
    let account =
        broker::AccountSettings { login: 81, password: "demo".into(), margin_mode, ..Default::default() };
    world.control.add_account(account).await.unwrap();
    let netting = world.login_at(81, world.broker_addr).await;
    netting.open(&near).await;
    let against = format!("{order}&operation=Sell");
    let numbers = refused(&netting, ("OrderSend", &against), "MODIFICATION_FAILED", "freeze").await;
    assert_eq!((&numbers["presentPrice"], &numbers["tooNear"]), (&json!(1.1), &json!([1.0995])), "{numbers}");
}

/// A symbol has no price in a session that nobody asked for it: the refusal waits for one.
#[tokio::test]
async fn refusals_have_their_numbers_without_a_quote_before() {
    let world = World::start().await;
    for (symbol, bid) in [("USDCHF", 0.9), ("NZDUSD", 0.6), ("XAUUSD", 2400.0), ("EURGBP", 0.85)] {
        world.control.quote(symbol, bid, bid * 1.0005).await.unwrap();
    }
    let cases = [
        ("symbol=USDCHF&operation=BuyLimit&volume=0.01&price=9", "INVALID_PRICE", "price", "nearest"),
        ("symbol=USDCHF&operation=BuyLimit&volume=0.01", "INVALID_PRICE", "price", "nearest"),
        ("symbol=NZDUSD&operation=Buy&volume=0.01&stoploss=9", "INVALID_STOPS", "stops", "nearestStopLoss"),
        ("symbol=XAUUSD&operation=Buy&volume=50", "NO_MONEY", "margin", "needed"),
        ("symbol=EURGBP&operation=Sell&volume=50", "NO_MONEY", "margin", "needed"),
    ];
    for (order, code, field, number) in cases {
        // Another session each time, which nothing has been asked before.
        let session = world.login().await;
        let problem = strict(&session, "OrderSend", order).await.json();
        assert_eq!(problem["code"], code, "{order}: {problem}");
        assert!(problem[field][number].is_number(), "{order}: {problem}");
        session.call("Disconnect", "").await.ok();
    }
}

#[tokio::test]
async fn a_refused_expiration_names_the_parameter_that_is_missing() {
    let (_world, session) = world().await;
    let order = "symbol=EURUSD&volume=0.1&operation=BuyLimit&price=1.05";
    let dateless = format!("{order}&expirationType=Specified");
    let numbers = refused(&session, ("OrderSend", &dateless), "INVALID_EXPIRATION", "expiration").await;
    assert_eq!(numbers["missing"], "expiration", "{numbers}");
    let past = format!("{order}&expiration=2001-01-01T00:00:00");
    let numbers = refused(&session, ("OrderSend", &past), "INVALID_EXPIRATION", "expiration").await;
    assert!(
        numbers.get("missing").is_none() && numbers["serverTime"].as_str().unwrap() > "2001",
        "{numbers}"
    );
    let placed = session.json("OrderSend", &format!("{order}&expirationType=Today")).await;
    let modify = format!("ticket={}&stoploss=0&expirationType=Specified", ticket(&placed));
    refused(&session, ("OrderModify", &modify), "INVALID_EXPIRATION", "expiration").await;
}

#[tokio::test]
async fn an_order_without_cover_comes_with_what_it_needs_and_what_is_free() {
    let (_world, session) = world().await;
    let order = "symbol=EURUSD&volume=50&operation=Buy";
    let numbers = refused(&session, ("OrderSend", order), "NO_MONEY", "margin").await;
    let needed = session.json("RequiredMargin", "symbol=EURUSD&lots=50&type=DealBuy").await;
    let free = session.json("AccountSummary", "").await["freeMargin"].clone();
    assert_eq!((&numbers["needed"], &numbers["free"]), (&needed, &free), "{numbers}");
    assert_eq!(numbers["currency"], "USD");
}
