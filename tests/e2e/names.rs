//! What names something is taken as it came: nothing is bought, read or ended that only resembles what was named.

use serde_json::Value;
use testkit::percent_encoded;

use crate::world::{SERVER, Session, USD, World, number};

/// Names that are almost that of a symbol there is.
const ALMOST: [&str; 6] = ["EURUSD ", " EURUSD", "eurusd", "EURUSD\n", "\"EURUSD\"", "EURUSD%"];

/// Every call that takes a symbol, or a list of them.
#[tokio::test]
async fn a_symbol_that_only_resembles_one_is_none() {
    let world = World::start().await;
    let session = world.login().await;
    let document = world.http.get("/swagger/v1/swagger.json").await.ok().json();
    let mut calls = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let params: Vec<&Value> = item["get"]["parameters"].as_array().into_iter().flatten().collect();
        let named = |param: &&&Value| param["name"] == "symbol" || param["name"] == "symbols";
        let Some(name) = params.iter().find(named).map(|param| &param["name"]) else { continue };
        calls += 1;
        let (call, name) = (path.trim_start_matches('/'), name.as_str().unwrap());
        let others: String =
            params.iter().filter(|param| param["required"] == true).map(|one| filled(one)).collect();
        for symbol in ALMOST {
            let query = format!("{others}&{name}={}", percent_encoded(symbol));
            let reply = session.call(call, query.trim_start_matches('&')).await;
            // A list of candles tells the failure of each symbol in its place.
            let told = reply.body;
            let case = format!("{call} {symbol:?}: {} {told}", reply.status);
            assert!(told.contains("INVALID_SYMBOL") && told.contains("EURUSD"), "{case}");
            assert_eq!(told.contains("%2B"), symbol.contains(char::is_whitespace), "{case}");
        }
    }
    assert!(calls > 25, "{calls}");
    assert_eq!(world.positions().await, 0);
    let raw = session.call("OrderSend", "symbol=EURUSD+&operation=Buy&volume=0.1").await;
    assert!(raw.body.contains("%2B"), "{}", raw.body);
    assert_eq!((raw.refused().as_str(), world.positions().await), ("INVALID_SYMBOL", 0));
    assert!(session.json("SubscribedSymbols", "").await.as_array().unwrap().is_empty());
}

/// A value that does for a required parameter which is no name.
fn filled(param: &Value) -> String {
    let name = param["name"].as_str().unwrap();
    let value = match name {
        "id" | "symbol" | "symbols" => return String::new(),
        "from" => "2026-01-05",
        "to" => "2026-01-06",
        "operation" => "Buy",
        "timeFrame" => "60",
        "year" | "startYear" => "2026",
        "volume" | "lots" => "0.1",
        _ => "1",
    };
    format!("&{name}={value}")
}

#[tokio::test]
async fn a_blank_is_no_wish_for_all() {
    let world = World::start().await;
    let session = world.login().await;
    session.call("SubscribeMany", "symbols=EURUSD&symbols=GBPUSD").await.ok();
    for call in ["UnSubscribeMany", "IsTradeSessionMany", "SymbolParamsMany", "GetTickValueMany"] {
        assert_eq!(session.refused(call, "symbols=+").await, "INVALID_SYMBOL", "{call}");
    }
    assert_eq!(session.json("SubscribedSymbols", "").await.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn lists_of_symbols_are_taken_in_the_singular_and_in_the_plural() {
    let world = World::start().await;
    let session = world.login().await;
    for call in
        ["SymbolParamsMany", "GetTickValueMany", "TickValueWithSize", "GetQuoteMany", "IsTradeSessionMany"]
    {
        for query in
            ["symbol=EURUSD&symbol=GBPUSD", "symbols=EURUSD&symbols=GBPUSD", "symbol=EURUSD&symbols=GBPUSD"]
        {
            let answered = session.json(call, query).await;
            assert_eq!(answered.as_array().map(Vec::len), Some(2), "{call} {query}: {answered}");
        }
    }
}

#[tokio::test]
async fn a_direction_has_the_name_of_its_deal_and_of_its_order() {
    let world = World::start().await;
    // So far apart that the sides need different margins.
    world.control.quote("EURUSD", 1.0, 1.2).await.unwrap();
    let session = world.login().await;
    let margin = |kind: &str| format!("symbol=EURUSD&lots=0.1&type={kind}");
    let mut sides = Vec::new();
    for names in [["DealBuy", "Buy", "buy", "0"], ["DealSell", "Sell", "SELL", "1"]] {
        let needed = session.json("RequiredMargin", &margin(names[0])).await;
        for name in names {
            assert_eq!(needed, session.json("RequiredMargin", &margin(name)).await, "{name}");
        }
        sides.push(needed);
    }
    assert_ne!(sides[0], sides[1]);
    for other in ["BuyLimit", "Balance", "DealBalance", "7"] {
        let refused = session.call("RequiredMargin", &margin(other)).await;
        assert_eq!(refused.refused(), "INVALID_PARAM", "{other}");
        let told = refused.json()["message"].as_str().unwrap().to_owned();
        assert!(["Buy", "Sell"].iter().all(|name| told.contains(name)), "{told}");
    }
}

/// What is refused says what would be taken: names near to it, or the range of numbers.
#[tokio::test]
async fn refused_names_and_numbers_say_what_would_be_taken() {
    let world = World::start().await;
    let session = world.login().await;
    for call in ["OrderClose", "OrderModify", "OpenedOrder", "HistoryDealsByPositionId"] {
        for number in ["18446744073709551616", "99999999999999999999999999", "-1"] {
            let refused = session.call(call, &format!("ticket={number}")).await;
            assert!(refused.body.contains("from 0 to 18446744073709551615"), "{refused:?}");
            assert_eq!(refused.refused(), "INVALID_PARAM");
        }
    }
    let many = "from=2026-01-05T00:00:00&to=2026-01-05T12:00:00&timeFrame=60";
    for query in [
        format!("PriceHistoryMany?{many}"),
        "PriceHistoryExMany?numBars=2&timeFrame=60&from=2026-01-05T00:00:00".to_owned(),
    ] {
        let (call, query) = query.split_once('?').unwrap();
        let query = format!("symbol=eurusd&symbol=USDJPYm&symbol=EURUSD&{query}");
        let told = session.json(call, &query).await;
        for (place, nearest) in [(0, "EURUSD"), (1, "USDJPY")] {
            let exception = told[place]["exception"].as_str().unwrap();
            assert!(exception.contains(&format!("nearest are {nearest}")), "{told}");
        }
        assert_eq!(told[2]["exception"], Value::Null, "{told}");
    }
    // Only in an address or a form is a plus a blank.
    let (host, port) = (world.broker_addr.ip(), world.broker_addr.port());
    let login = format!(r#"{{"user": {USD}, "password": "de mo", "host": "{host}", "port": {port}}}"#);
    let refused = world.http.post("/Connect", "application/json", &login).await;
    assert!(
        refused.body.contains("URL or a form") && refused.body.contains("in JSON it is what it is"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn tickets_accounts_servers_and_tokens_are_taken_as_they_came() {
    let world = World::start().await;
    let session = world.login().await;
    let ticket = session.open("symbol=EURUSD&operation=Buy&volume=0.1").await["ticket"].to_string();
    for almost in [format!("+{ticket}"), format!("{ticket}+"), format!("%2B{ticket}"), format!("{ticket}%0A")]
    {
        for call in ["OrderClose", "OrderModify", "OrderCancel", "OpenedOrder", "HistoryDealsByPositionId"] {
            assert_eq!(
                session.refused(call, &format!("ticket={almost}")).await,
                "INVALID_PARAM",
                "{call} {almost}"
            );
        }
        let by = format!("ticket={ticket}&closeByTicket={almost}");
        assert_eq!(session.refused("OrderCloseBy", &by).await, "INVALID_PARAM", "{almost}");
    }
    assert_eq!(world.positions().await, 1);
    let connect = world.connect_path(USD, "demo");
    for user in [format!("+{USD}"), format!("{USD}+"), format!("%2B{USD}")] {
        let reply = world.http.get(&connect.replace(&format!("user={USD}"), &format!("user={user}"))).await;
        assert_eq!(reply.refused(), "INVALID_PARAM", "{user}");
    }
    assert_eq!(world.http.get(&connect.replace("&host=", "&host=+")).await.refused(), "INVALID_PARAM");
    for server in [format!("{SERVER}+"), format!("+{SERVER}")] {
        let reply = world.http.get(&format!("/ConnectEx?user={USD}&password=demo&server={server}")).await;
        let told = [format!("The nearest are {SERVER}."), "%2B".to_owned()];
        assert!(told.iter().all(|told| reply.body.contains(told)), "{reply:?}");
        assert_eq!(reply.refused(), "DONE", "{server}");
    }
    for (token, hint) in
        [(format!("{}+", session.token), "%2B"), (format!("\"{}\"", session.token), "quotes")]
    {
        let other = Session { http: world.http.clone(), token: token.replace('+', " ") };
        for call in ["CheckConnect", "AccountSummary", "ConnectByToken", "Disconnect", "OpenedOrders"] {
            let reply = other.call(call, "").await;
            assert!(reply.body.contains(hint) && reply.body.contains("Client with id"), "{call}: {reply:?}");
            assert_eq!(reply.refused(), "INVALID_TOKEN", "{call}");
        }
        for stream in ["OnQuote", "OnOrderUpdate", "Events"] {
            let mut events = other.stream(stream).await;
            let told = events.next().await;
            assert!(told["type"] == "IdNotExist" && told["data"].as_str().unwrap().contains(hint), "{told}");
        }
    }
    assert_eq!(session.call("CheckConnect", "").await.ok().body, "OK");
}

#[tokio::test]
async fn a_raw_plus_in_a_refused_password_is_explained() {
    let world = World::start().await;
    let path = world.connect_path(USD, "wrong");
    let told = |password: &str| path.replace("password=wrong", &format!("password={password}"));
    for (password, is_told) in
        [("de+mo", true), ("demo+", true), ("+demo", true), ("de%20mo", true), ("dem0", false)]
    {
        let reply = world.http.get(&told(password)).await;
        assert_eq!(reply.body.contains("%2B"), is_told, "{password}: {reply:?}");
        assert_eq!(reply.refused(), "INVALID_ACCOUNT", "{password}");
        // Three wrong ones in a row would be one too many.
        world.http.get(&told("demo")).await.ok();
    }
    assert_eq!(world.http.get(&told("demo")).await.status, 200);
}

/// What would be rounded to nothing is no order without a stop, and no close of everything.
#[tokio::test]
async fn amounts_that_vanish_are_refused() {
    let world = World::start().await;
    let session = world.login().await;
    let market = "symbol=EURUSD&operation=Buy&volume=0.1";
    let pending = "symbol=EURUSD&operation=BuyLimit&volume=0.1";
    let limit = "symbol=EURUSD&operation=BuyStopLimit&volume=0.1&price=1.2";
    let position = format!("ticket={}", session.open(market).await["ticket"]);
    let order = format!("ticket={}", session.open(&format!("{pending}&price=1.05")).await["ticket"]);
    for vanishing in ["0.000000001", "1e-400", "-1e-9"] {
        for (call, query) in every_amount(market, pending, limit, &position, &order) {
            let query = format!("{query}={vanishing}");
            assert_eq!(session.refused(call, &query).await, "INVALID_PARAM", "{call} {query}");
        }
    }
    // Something at the eighth digit, and nothing at the symbol's.
    for (call, query) in every_amount(market, pending, limit, &position, &order) {
        if !query.ends_with("lots") && !query.ends_with("volume") {
            let query = format!("{query}=0.000001");
            assert_eq!(session.refused(call, &query).await, "INVALID_PARAM", "{call} {query}");
        }
    }
    let open = session.json("OpenedOrders", "").await;
    assert_eq!(open.as_array().unwrap().len(), 2);
    assert!(open.as_array().unwrap().iter().all(|one| number(one, "lots") > 0.09), "{open}");
}

fn every_amount(
    market: &str,
    pending: &str,
    limit: &str,
    position: &str,
    order: &str,
) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    for send in ["OrderSend", "OrderSendSafe", "OrderSendTask"] {
        all.push((send, "symbol=EURUSD&operation=Buy&volume".to_owned()));
        all.push((send, format!("{pending}&price")));
        all.push((send, format!("{limit}&stopLimitPrice")));
        for stop in ["stoploss", "takeprofit"] {
            all.extend([market, pending].map(|order| (send, format!("{order}&price=1.05&{stop}"))));
        }
    }
    for name in ["stoploss", "takeprofit"] {
        all.extend([position, order].map(|which| ("OrderModify", format!("{which}&{name}"))));
    }
    all.extend(["price", "stoplimit"].map(|name| ("OrderModify", format!("{order}&{name}"))));
    all.push(("OrderClose", format!("{position}&lots")));
    all.push(("RequiredMargin", "symbol=EURUSD&lots".to_owned()));
    all.push(("RequiredMargin", "symbol=EURUSD&lots=0.1&price".to_owned()));
    all
}

#[tokio::test]
async fn a_misspelt_stop_is_a_stop_or_a_refusal() {
    let world = World::start().await;
    let session = world.login().await;
    let order = "symbol=EURUSD&operation=Buy&volume=0.1";
    for call in ["OrderSend", "OrderSendSafe", "OrderSendTask"] {
        for name in ["stop_los", "stoplos", "stop-losss", "takeproft", "slipage", "idempotencyKy"] {
            let reply = session.call(call, &format!("{order}&{name}=1")).await;
            assert_eq!(reply.header("x-outcome"), "not_sent", "{call} {name}");
            assert_eq!(reply.refused(), "INVALID_PARAM", "{call} {name}");
        }
        let two = format!("{order}&stoploss=1.05&stop_loss=1.04");
        assert_eq!(session.refused(call, &two).await, "INVALID_PARAM");
    }
    assert_eq!(world.positions().await, 0);
    let made = session.open(&format!("{order}&stop_loss=1.05&Take-Profit=1.2")).await;
    assert_eq!((number(&made, "stopLoss"), number(&made, "takeProfit")), (1.05, 1.2));
    let ticket = &made["ticket"];
    assert_eq!(
        session.refused("OrderModify", &format!("ticket={ticket}&stoplos=1.06")).await,
        "INVALID_PARAM"
    );
    // Clients send parameters of other calls, and their own.
    let extra = format!("ticket={ticket}&volume=0.05&expertId=7&page=1&na%0d%0ame=x&from=2026-01-01");
    let strict = format!("/OrderClose?id={}&{extra}", session.token);
    let strict = world.http.get_with(&strict, &[("Accept", "application/problem+json")]).await;
    assert_eq!((strict.status, strict.json()["code"].as_str()), (400, Some("INVALID_PARAM")), "{strict:?}");
    let closed = session.call("OrderClose", &extra).await.ok();
    assert_eq!(closed.header("x-ignored-parameters"), "volume, expertId, page, na??me, from");
    assert_eq!(world.positions().await, 0);
    let closed = session.call("ClosedOrders", "from=2026-01-01&to=2026-01-02").await.ok();
    assert_eq!(closed.header("x-ignored-parameters"), "", "only trades tell");
    let many: String = (0..100).map(|n| format!("&{}{n}=1", "z".repeat(100))).collect();
    let told = session.call("OrderSend", &format!("{order}{many}")).await.ok();
    assert!(told.header("x-ignored-parameters").len() < 1200);
}

/// Both ends: no call sends a password of which a part would arrive, and the broker keeps none that nobody can send.
#[tokio::test]
async fn a_password_that_is_too_long_is_refused_in_words() {
    let world = World::start().await;
    let session = world.login().await;
    let right = format!("Aa1!{}", "x".repeat(28));
    let longer = format!("{right}x");
    let told = session.call("ChangePassword", &format!("password={}", percent_encoded(&longer))).await;
    assert!(told.body.contains("32 characters"), "{told:?}");
    assert_eq!(told.refused(), "INVALID_PASSWORD");
    session.call("ChangePassword", &format!("password={}", percent_encoded(&right))).await.ok();
    let (host, port) = (world.broker_addr.ip(), world.broker_addr.port());
    let login = format!("user={USD}&password={}", percent_encoded(&longer));
    for path in [
        format!("/Connect?{login}&host={host}&port={port}"),
        format!("/ConnectEx?{login}&server={SERVER}"),
        format!("/ConnectProxy?{login}&host={host}&port={port}&proxyHost=127.0.0.1&proxyPort=1"),
        format!("/ConnectProxyEx?{login}&server={SERVER}&proxyHost=127.0.0.1&proxyPort=1"),
        world.connect_path(USD, &format!("{right}\0")),
        format!("{}&otp={}", world.connect_path(USD, &right), "1".repeat(65)),
    ] {
        let reply = world.http.get(&path).await;
        assert!(reply.body.contains("would arrive cut"), "{path}: {reply:?}");
        assert_eq!(reply.refused(), "INVALID_PARAM", "{path}");
    }
    world.http.get(&world.connect_path(USD, &right)).await.ok();
}
