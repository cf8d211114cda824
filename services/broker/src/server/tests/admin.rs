//! Operators: the admin port over real HTTP, and what clients of the broker see of it.

use serde_json::{Value, json};
use testkit::{Client as Http, Reply};
use tokio::net::TcpListener;
use wire::records as w;
use wire::{Command, Empty, pushes, requests};

use super::client::{Client, buy};
use super::{by_hand, quoted, start};
use crate::{Broker, Settings};

const USD: u64 = 1_000_001;
const EUR: u64 = 1_000_002;

struct Port(Http);

impl Port {
    async fn of(broker: &Broker, key: Option<&str>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        broker.serve_admin(listener, key);
        Self(Http::new(address))
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Reply {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.0.json(method, path, &[], &body).await
    }

    async fn get(&self, path: &str) -> Value {
        self.call("GET", path, Value::Null).await.ok().json()
    }

    /// A call that must fail with this status; gives what the operator is told.
    async fn refused(&self, method: &str, path: &str, body: Value, status: u16) -> String {
        let reply = self.call(method, path, body).await;
        assert_eq!(reply.status, status, "{reply:?}");
        reply.json()["error"].as_str().unwrap().to_owned()
    }
}

async fn with_port() -> (Broker, Port) {
    let broker = quoted().await;
    let port = Port::of(&broker, None).await;
    (broker, port)
}

#[tokio::test]
async fn accounts_are_listed_made_and_changed() {
    let (broker, port) = with_port().await;
    let mut client = Client::login(broker.addr(), USD, "demo").await;
    let listed = port.get("/accounts").await;
    assert_eq!((&listed[0]["login"], &listed[0]["connections"]), (&json!(USD), &json!(1)));
    let new = json!({"login": 5, "password": "secret", "currency": "GBP", "leverage": 30, "deposit": 500.0});
    let made = port.call("POST", "/accounts", new.clone()).await;
    assert_eq!((made.status, made.json()["balance"].as_f64()), (201, Some(500.0)), "{made:?}");
    assert!(port.refused("POST", "/accounts", new, 409).await.contains("choose another login"));
    Client::login(broker.addr(), 5, "secret").await;

    let path = format!("/accounts/{USD}");
    let edit = json!({"leverage": 50, "group": "demo\\raw", "name": "Anna", "password": "other"});
    let edited = port.call("PATCH", &path, edit).await.ok().json();
    assert_eq!(
        (&edited["leverage"], &edited["group"], &edited["name"]),
        (&json!(50), &json!("demo\\raw"), &json!("Anna"))
    );
    let told = client.push::<pushes::AccountUpdate>().await.main;
    assert_eq!((told.margin_leverage, told.account_name.as_str()), (50, "Anna"));
    let mut again = Client::connect(broker.addr()).await;
    assert_eq!(again.enter(USD, "demo").await, Err(3));
    again.enter(USD, "other").await.unwrap();
    port.call("PATCH", &path, json!({"enabled": false})).await.ok();
    client.ended().await;
    assert_eq!(port.get(&path).await["enabled"], false);

    for (body, part) in [
        (json!({"leverage": 0}), "leverage"),
        (json!({"group": "x"}), "group"),
        (json!({"password": ""}), "password"),
        (json!({"password": "x".repeat(33)}), "32 characters"),
        (json!({"investor_password": "x".repeat(33)}), "32 characters"),
        (json!({"name": "x".repeat(129)}), "128 characters"),
        (json!({"leverag": 1}), "leverag"),
    ] {
        let told = port.refused("PATCH", &path, body, 400).await;
        assert!(told.contains(part), "{told}");
    }
    assert!(
        port.refused("PATCH", "/accounts/77", json!({"leverage": 5}), 404).await.contains("GET /accounts")
    );
    port.refused("GET", "/accounts/x", Value::Null, 404).await;
}

#[tokio::test]
async fn a_dividend_is_paid_to_all_who_hold() {
    let (broker, port) = with_port().await;
    let control = broker.control();
    for (symbol, bid, ask) in [("AAPL", 200.0, 200.05), ("EURUSD", 1.1, 1.1001)] {
        control.quote(symbol, bid, ask).await.unwrap();
    }
    assert_eq!(
        port.call("POST", "/symbols/AAPL/dividend", json!({"amount": 1})).await.ok().json(),
        json!([])
    );
    for (login, side, volume) in [(USD, "buy", 30), (USD, "sell", 10), (EUR, "sell", 20)] {
        let deal = json!({"symbol": "AAPL", "side": side, "volume": volume});
        port.call("POST", &format!("/accounts/{login}/deals"), deal).await.ok();
    }
    let mut client = Client::login(broker.addr(), EUR, "demo").await;
    let paid = port.call("POST", "/symbols/AAPL/dividend", json!({"amount": 0.25})).await.ok().json();
    // 30 x 0.25, -10 x 0.25, and 5 dollars bought for euros at 1.1.
    let amounts: Vec<_> =
        paid.as_array().unwrap().iter().map(|one| (one["login"].clone(), one["amount"].clone())).collect();
    assert_eq!(amounts, [(json!(USD), json!(7.5)), (json!(USD), json!(-2.5)), (json!(EUR), json!(-4.55))]);
    let w::TradeUpdate::Deals(updates) = client.push::<pushes::TradeUpdate>().await else { panic!("a deal") };
    let deal = &updates[0].head.deal;
    assert_eq!((deal.trade_action, deal.comment.as_str()), (15, "Dividend AAPL"));
    assert_eq!(deal.deal, paid[2]["deal"].as_i64().unwrap());
    for (path, order, status) in [
        ("/symbols/NOPE/dividend", json!({"amount": 1}), 404),
        ("/symbols/AAPL/dividend", json!({"amount": 0}), 400),
        ("/symbols/AAPL/dividend", json!({"amount": -1}), 400),
        ("/symbols/AAPL/dividend", json!({"amount": 1, "comment": "x".repeat(32)}), 400),
    ] {
        port.refused("POST", path, order, status).await;
    }
}

#[tokio::test]
async fn money_moves_by_every_kind_of_operation() {
    let (broker, port) = with_port().await;
    let mut client = Client::login(broker.addr(), USD, "demo").await;
    let path = format!("/accounts/{USD}/operations");
    let (mut balance, mut credit) = (10_000.0, 0.0);
    for (kind, amount, is_credit, number) in [
        ("deposit", 100.0, false, 2),
        ("withdrawal", -50.0, false, 2),
        ("credit", 30.0, true, 3),
        ("bonus", 5.0, true, 6),
        ("charge", -1.0, false, 4),
        ("correction", 2.5, false, 5),
        ("commission", -0.5, false, 7),
        ("interest", 0.25, false, 12),
        ("dividend", 7.0, false, 15),
        ("tax", -3.0, false, 17),
    ] {
        if is_credit {
            credit += amount;
        } else {
            balance += amount;
        }
        let order = json!({"kind": kind, "amount": amount, "comment": "by hand"});
        let after = port.call("POST", &path, order).await.ok().json();
        assert_eq!(
            (after["balance"].as_f64(), after["credit"].as_f64()),
            (Some(balance), Some(credit)),
            "{kind}"
        );
        let w::TradeUpdate::Deals(updates) = client.push::<pushes::TradeUpdate>().await else {
            panic!("{kind}")
        };
        let deal = &updates[0].head.deal;
        assert_eq!(
            (deal.trade_action, deal.profit, deal.comment.as_str()),
            (number, amount, "by hand"),
            "{kind}"
        );
    }
    for body in [
        json!({"kind": "gift", "amount": 1.0}),
        json!({"kind": "deposit", "amount": 0.0}),
        json!({"kind": "deposit", "amount": 1e10}),
        json!({"kind": "deposit", "amount": 1.0, "comment": "x".repeat(32)}),
    ] {
        port.refused("POST", &path, body, 400).await;
    }
}

#[tokio::test]
async fn a_dealer_deals_past_hours_and_money() {
    let (broker, port) = with_port().await;
    let mut client = Client::login(broker.addr(), USD, "demo").await;
    port.call("POST", "/symbols/EURUSD/close", Value::Null).await.ok();
    let path = format!("/accounts/{USD}/deals");
    let order = json!({"symbol": "EURUSD", "side": "buy", "volume": 1.0, "price": 1.2, "comment": "fix"});
    let done = port.call("POST", &path, order).await.ok().json();
    assert_eq!((done["price"].as_f64(), done["volume"].as_f64()), (Some(1.2), Some(1.0)));
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(client.update().await);
    }
    assert_eq!(seen, ["order 0 0", "order 0 2", "order 1 0", "deal 0 0 100"]);
    let position = client.ask::<requests::Portfolio>(&Empty).await.unwrap().positions.remove(0);
    assert_eq!((position.trade_reason, position.price_open), (2, 1.2));
    let close = json!({"symbol": "EURUSD", "side": "sell", "volume": 0.4, "position": done["order"]});
    port.call("POST", &path, close.clone()).await.ok();
    let position = client.ask::<requests::Portfolio>(&Empty).await.unwrap().positions.remove(0);
    assert_eq!(position.trade_volume, 60_000_000);
    let same_side = json!({"symbol": "EURUSD", "side": "buy", "volume": 0.4, "position": done["order"]});
    port.refused("POST", &path, same_side, 409).await;
    let too_much = json!({"symbol": "EURUSD", "side": "sell", "volume": 0.7, "position": done["order"]});
    port.refused("POST", &path, too_much, 409).await;
    port.refused("POST", &path, json!({"symbol": "NOSUCH", "side": "buy", "volume": 1.0}), 404).await;
    port.refused("POST", &path, json!({"symbol": "EURUSD", "side": "both", "volume": 1.0}), 400).await;
    port.refused("POST", &path, json!({"symbol": "EURUSD", "side": "buy", "volume": 0.0}), 400).await;
    port.refused("POST", "/accounts/7/deals", close, 404).await;
    let told = port.refused("POST", &format!("/accounts/{USD}/mail"), json!({"subject": "a"}), 501).await;
    assert!(told.contains("protocol carries none"), "{told}");
}

#[tokio::test]
async fn other_terms_of_a_symbol_count_at_once_and_are_told() {
    let (broker, port) = with_port().await;
    let mut client = Client::login(broker.addr(), USD, "demo").await;
    let edit = |body: Value| async { port.call("PATCH", "/symbols/EURUSD", body).await.ok().json() };
    edit(json!({"stops_level": 50, "volume_min": 0.1, "volume_max": 5.0, "swap_long": -9.5})).await;
    let told = client.push::<pushes::SymbolUpdate>().await.0.remove(0);
    let terms = &told.trade;
    assert_eq!((told.trade_symbol.as_str(), terms.trade_stops_level, terms.swap_long), ("EURUSD", 50, -9.5));
    let ids = w::FullSymbolsRequest::Name("EURUSD".into());
    assert_eq!(client.ask::<requests::FullSymbols>(&ids).await.unwrap().0[0], told);
    assert_eq!(client.trade(&buy("EURUSD", 1)).await.retcode, 10014);
    assert_eq!(client.trade(&w::TradeRequest { price_sl: 1.0998, ..buy("EURUSD", 10) }).await.retcode, 10016);
    let done = client.trade(&buy("EURUSD", 10)).await;
    assert_eq!(done.retcode, 10009);
    // Margin is computed anew: twice the rate, twice the margin.
    let margin = || async { port.get(&format!("/accounts/{USD}")).await["margin"].as_f64().unwrap() };
    let before = margin().await;
    edit(json!({"margin_rate_long": 2.0})).await;
    assert_eq!(margin().await, 2.0 * before);
    let view = edit(json!({"margin_rate_limits": 0.5})).await;
    assert_eq!((&view["margin_rate_limits"], &view["margin_rate_short"]), (&json!(0.5), &json!(1.0)));
    let known = client.ask::<requests::FullSymbols>(&ids).await.unwrap().0.remove(0);
    assert_eq!(known.trade.margin_rates_initial, [2.0, 1.0, 0.5, 0.5, 0.0, 0.0, 0.0, 0.0]);
    for (mode, retcode) in [("short_only", 10043), ("close_only", 10044), ("disabled", 10017)] {
        edit(json!({ "trade_mode": mode })).await;
        assert_eq!(client.trade(&buy("EURUSD", 10)).await.retcode, retcode, "{mode}");
    }
    edit(json!({"trade_mode": "full", "execution": "exchange", "fill_flags": 3})).await;
    let done = client.trade(&w::TradeRequest { trade_action: 4, ..buy("EURUSD", 10) }).await;
    assert_eq!((done.retcode, done.price), (10009, 1.1001), "the book is there at once");
    let week = vec![vec![[0, 1]]; 7];
    let view = edit(json!({"hours": {"quotes": week, "trades": week}})).await;
    assert_eq!(view["is_open"], false);
    assert_eq!(client.trade(&buy("EURUSD", 10)).await.retcode, 10018);
    port.call("POST", "/symbols/EURUSD/open", Value::Null).await.ok();
    assert_eq!(client.trade(&buy("EURUSD", 10)).await.retcode, 10009);
    port.call("POST", "/symbols/EURUSD/close", Value::Null).await.ok();
    assert_eq!(client.trade(&buy("EURUSD", 10)).await.retcode, 10018);
    assert_eq!(port.get("/symbols").await.as_array().unwrap().len(), 29);
}

#[tokio::test]
async fn impossible_terms_and_prices_change_nothing() {
    let (_broker, port) = with_port().await;
    let before = port.get("/symbols/EURUSD").await;
    let long_day: Vec<[u16; 2]> = (0..17).map(|n| [n * 2, n * 2 + 1]).collect();
    let week = |day: Value| json!({"quotes": vec![day.clone(); 7], "trades": vec![day; 7]});
    for body in [
        json!({"trade_mode": "half"}),
        json!({"execution": "slow"}),
        json!({"stops_level": -1}),
        json!({"fill_flags": 8}),
        json!({"swap_long": 1e9}),
        json!({"margin_rate_short": -1.0}),
        json!({"margin_rate_limits": 1001.0}),
        json!({"volume_min": 0.0}),
        json!({"volume_min": 7.0, "volume_max": 6.0}),
        json!({"volume_min": 0.015}),
        json!({"hours": week(json!([[5, 5]]))}),
        json!({"hours": week(json!([[5, 1441]]))}),
        json!({"hours": week(json!(long_day))}),
        json!({"spread": 5}),
    ] {
        port.refused("PATCH", "/symbols/EURUSD", body, 400).await;
    }
    for (bid, ask) in [(0.0, 1.0), (1.2, 1.1), (-1.0, 1.0)] {
        port.refused("PUT", "/symbols/EURUSD/price", json!({"bid": bid, "ask": ask}), 400).await;
    }
    port.refused("POST", "/symbols/EURUSD/jump", json!({"points": -200_000}), 400).await;
    port.refused("POST", "/symbols/XAUUSD/jump", json!({"points": 1}), 409).await;
    port.refused("PUT", "/symbols/NOSUCH/price", json!({"bid": 1.0, "ask": 1.1}), 404).await;
    assert_eq!(port.get("/symbols/EURUSD").await, before);
}

#[tokio::test]
async fn prices_are_set_and_jump() {
    let (broker, port) = with_port().await;
    let mut client = Client::login(broker.addr(), USD, "demo").await;
    let set = port.call("PUT", "/symbols/EURUSD/price", json!({"bid": 1.5, "ask": 1.5002})).await.ok().json();
    assert_eq!((set["bid"].as_f64(), set["ask"].as_f64()), (Some(1.5), Some(1.5002)));
    assert_eq!(client.trade(&buy("EURUSD", 1)).await.price, 1.5002);
    let set = port.call("POST", "/symbols/EURUSD/jump", json!({"points": -1000})).await.ok().json();
    assert_eq!((set["bid"].as_f64(), set["ask"].as_f64()), (Some(1.49), Some(1.4902)));
}

#[tokio::test]
async fn a_walk_goes_on_from_where_it_jumped_to() {
    let clock = by_hand().clock;
    let broker = start(Settings { clock, ..Settings::default() }).await;
    let port = Port::of(&broker, None).await;
    let bid = |name: &'static str| {
        let port = &port;
        async move { port.get(&format!("/symbols/{name}")).await["bid"].as_f64().unwrap() }
    };
    let (eurusd, eurjpy) = (bid("EURUSD").await, bid("EURJPY").await);
    port.call("POST", "/symbols/EURUSD/jump", json!({"points": 50_000})).await.ok();
    port.call("PUT", "/symbols/EURGBP/price", json!({"bid": 3.0, "ask": 3.0002})).await.ok();
    for _ in 0..20 {
        port.call("POST", "/clock/advance", json!({"ms": 60_000})).await.ok();
    }
    assert!((bid("EURUSD").await - eurusd - 0.5).abs() < 0.05, "{} after {eurusd}", bid("EURUSD").await);
    let share = bid("EURJPY").await / eurjpy;
    assert!((share - (eurusd + 0.5) / eurusd).abs() < 0.05, "crosses follow: {share}");
    assert!((bid("EURGBP").await - 3.0).abs() < 0.1, "a cross has a way of its own");
    port.refused("POST", "/clock/advance", json!({"ms": 0}), 400).await;
}

#[tokio::test]
async fn connections_logins_and_the_clock() {
    let (broker, port) = with_port().await;
    let mut one = Client::login(broker.addr(), USD, "investor").await;
    let mut two = Client::login(broker.addr(), 1_000_002, "demo").await;
    let listed = port.get("/connections").await;
    assert_eq!((&listed[0]["login"], &listed[0]["is_investor"]), (&json!(USD), &json!(true)));
    let path = format!("/accounts/{USD}/disconnect");
    assert_eq!(port.call("POST", &path, Value::Null).await.ok().json()["disconnected"], 1);
    assert_eq!(one.ended().await, None);
    assert_eq!(two.ask_raw(Command::Ping.number(), vec![]).await.code, 0);
    port.call("POST", "/disconnect", Value::Null).await.ok();
    assert_eq!(two.ended().await, None);
    let mut client = Client::connect(broker.addr()).await;
    for (body, code) in [(json!({"accepted": false}), 2), (json!({"accepted": false, "code": 201}), 201)] {
        port.call("PUT", "/logins", body).await.ok();
        assert_eq!(client.enter(USD, "demo").await, Err(code));
    }
    port.refused("PUT", "/logins", json!({"accepted": false, "code": 0}), 400).await;
    port.refused("PUT", "/logins", json!({"accepted": true, "code": 3}), 400).await;
    port.call("PUT", "/logins", json!({"accepted": true})).await.ok();
    client.enter(USD, "demo").await.unwrap();
    port.call("POST", "/clock/advance", json!({"ms": 1000})).await.ok();
    let set = port.call("PUT", "/clock/daylight", json!({"mode": "on", "silent": true})).await.ok().json();
    assert_eq!(set, port.get("/clock").await);
    let expected = json!({"time": "2026-11-22T14:47:13.000", "zone": "0", "ahead_minutes": 60, "daylight": true,
        "told_ahead_minutes": 0});
    assert_eq!(set, expected);
    port.refused("PUT", "/clock/daylight", json!({"mode": "summer"}), 400).await;
    let walking = start(Settings::default()).await;
    let port = Port::of(&walking, None).await;
    assert!(port.refused("POST", "/clock/advance", json!({"ms": 1000}), 409).await.contains("machine"));
}

#[tokio::test]
async fn holidays_are_added_listed_and_removed() {
    let (_broker, port) = with_port().await;
    let is_open = async || port.get("/symbols/EURUSD").await["is_open"] == true;
    let today = json!({"symbols": "Forex\\*", "date": "2026-11-22"});
    let added = port.call("POST", "/holidays", today.clone()).await;
    assert_eq!((added.status, added.json()), (201, json!({"id": 1})));
    assert!(!is_open().await);
    let expected = json!([{"id": 1, "symbols": "Forex\\*", "date": "2026-11-22", "sessions": []}]);
    assert_eq!(port.get("/holidays").await, expected);
    // The one that was made later counts.
    let afternoon = json!({"symbols": "EURUSD", "date": "2026-11-22", "sessions": [[720, 1440]]});
    assert_eq!(port.call("POST", "/holidays", afternoon).await.status, 201);
    assert!(is_open().await);
    port.call("DELETE", "/holidays/2", Value::Null).await.ok();
    assert_eq!(port.call("DELETE", "/holidays/1", Value::Null).await.ok().json(), json!([]));
    assert!(is_open().await);
    assert!(port.refused("DELETE", "/holidays/1", Value::Null, 404).await.contains("GET /holidays"));
    for (wrong, told) in [
        (json!({"symbols": "NOPE", "date": "2026-11-22"}), "matches no symbol"),
        (json!({"symbols": "*", "date": "2026-02-30"}), "the body does not fit"),
        (json!({"symbols": "*", "date": "2026-11-22", "sessions": [[5, 5]]}), "sessions"),
    ] {
        let refused = port.refused("POST", "/holidays", wrong, 400).await;
        assert!(refused.contains(told), "{refused}");
    }
}

#[tokio::test]
async fn faults_are_added_listed_and_removed() {
    let (broker, port) = with_port().await;
    let mut client = Client::login(broker.addr(), USD, "demo").await;
    let rule = json!({"fault": {"kind": "reject", "retcode": 10006}, "login": USD, "times": 1});
    assert_eq!(port.call("POST", "/faults", rule).await.status, 201);
    let rule = json!({"fault": {"kind": "freeze_quotes", "symbol": "EURUSD"}});
    let id = port.call("POST", "/faults", rule).await.json()["id"].as_u64().unwrap();
    let listed = port.get("/faults").await;
    assert_eq!((&listed[0]["fault"]["kind"], &listed[0]["left"]), (&json!("reject"), &json!(1)));
    assert_eq!((&listed[1]["fault"]["symbol"], &listed[1]["probability"]), (&json!("EURUSD"), &json!(1.0)));
    assert_eq!(client.trade(&buy("EURUSD", 1)).await.retcode, 10006);
    assert_eq!(client.trade(&buy("EURUSD", 1)).await.retcode, 10009);
    let left = port.call("DELETE", &format!("/faults/{id}"), Value::Null).await.ok().json();
    assert_eq!(left, json!([]));
    port.refused("DELETE", &format!("/faults/{id}"), Value::Null, 404).await;
    port.call("POST", "/faults", json!({"fault": {"kind": "silence"}})).await;
    assert_eq!(port.call("DELETE", "/faults", Value::Null).await.ok().json(), json!([]));
    for (rule, status) in [
        (json!({"fault": {"kind": "sleep"}}), 400),
        (json!({"fault": {"kind": "late_result", "ms": 0}}), 400),
        (json!({"fault": {"kind": "silence"}, "login": 7}), 404),
        (json!({"fault": {"kind": "freeze_quotes", "symbol": "NOSUCH"}}), 404),
    ] {
        port.refused("POST", "/faults", rule, status).await;
    }
}

#[tokio::test]
async fn strangers_and_web_pages_are_kept_out() {
    let broker = quoted().await;
    let Port(http) = Port::of(&broker, Some("a key of the operators")).await;
    for headers in [&[][..], &[("authorization", "Bearer x")], &[("authorization", "a key of the operators")]]
    {
        let reply = http.json("GET", "/accounts", headers, "").await;
        assert_eq!((reply.status, reply.header("www-authenticate")), (401, "Bearer"));
    }
    let shown = ("authorization", "bearer a key of the operators");
    http.json("GET", "/accounts", &[shown], "").await.ok();
    let page = http.json("POST", "/disconnect", &[shown, ("origin", "http://127.0.0.1")], "").await;
    assert_eq!(page.status, 403);
    let port = Port::of(&broker, None).await;
    assert!(port.refused("GET", "/", Value::Null, 404).await.contains("README"));
    assert!(port.refused("PUT", "/faults", Value::Null, 405).await.contains("PUT"));
    assert!(port.refused("PUT", "/logins", Value::Null, 415).await.contains("Content-Type"));
    let long = json!({"kind": "deposit", "amount": 1.0, "comment": "x".repeat(70_000)});
    port.refused("POST", &format!("/accounts/{USD}/operations"), long, 413).await;
    broker.shutdown().await;
}
