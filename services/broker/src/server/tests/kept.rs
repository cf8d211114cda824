//! A broker that ends, and another one with the same folder.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::pin::Pin;

use serde_json::json;
use testkit::{Scratch, eventually};
use wire::records as w;
use wire::{Command, Empty, Payload, requests};

use super::client::{Client, buy};
use super::{by_hand, start};
use crate::catalogue::Holiday;
use crate::server::control::ControlError;
use crate::{AccountSettings, Broker, Control, Scenario, Settings, StartError, SymbolEdit, SymbolView};

async fn quoted(folder: &Scratch) -> Broker {
    let settings = Settings { data: Some(folder.path().to_owned()), ..by_hand() };
    let broker = start(settings).await;
    broker.control().quote("EURUSD", 1.1, 1.1001).await.unwrap();
    broker
}

#[tokio::test]
async fn accounts_positions_and_history_outlive_a_broker() {
    let folder = Scratch::new("kept");
    let broker = quoted(&folder).await;
    let added =
        AccountSettings { login: 77, password: "first".into(), deposit: 500.0, ..AccountSettings::default() };
    broker.control().add_account(added).await.unwrap();
    let mut client = Client::login(broker.addr(), 1_000_001, "demo").await;
    let done = client.trade(&buy("EURUSD", 10)).await;
    assert_eq!(done.retcode, 10009);
    let change = w::PasswordChange {
        old_password: wire::Secret::new("demo".into()),
        new_password: wire::Secret::new("Other123!".into()),
        ..w::PasswordChange::default()
    };
    assert_eq!(client.ask::<requests::ChangePassword>(&change).await.unwrap().result, 0);
    let before = client.ask::<requests::Portfolio>(&Empty).await.unwrap();
    let account = client.ask::<requests::Account>(&Empty).await.unwrap().main;
    broker.control().enable(77, false).await.unwrap();
    broker.shutdown().await;

    let broker = quoted(&folder).await;
    let mut client = Client::connect(broker.addr()).await;
    assert!(client.enter(1_000_001, "demo").await.is_err(), "the password was changed");
    client.enter(1_000_001, "Other123!").await.unwrap();
    assert_eq!(client.ask::<requests::Portfolio>(&Empty).await.unwrap(), before);
    let now = client.ask::<requests::Account>(&Empty).await.unwrap().main;
    assert_eq!((now.balance, now.credit), (account.balance, account.credit), "no deposit is made twice");
    let next = client.trade(&buy("EURUSD", 10)).await;
    assert!(next.retcode == 10009 && next.trade_order > done.trade_order, "{next:?}");
    let mut added = Client::connect(broker.addr()).await;
    assert!(added.enter(77, "first").await.is_err(), "it may not log in");
    broker.control().enable(77, true).await.unwrap();
    added.enter(77, "first").await.unwrap();
}

/// The modes of a folder and of everything in it.
fn modes(folder: &Path) -> BTreeMap<String, u32> {
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    let name = |path: &Path| path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
    let inside = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    inside.chain([folder.to_owned()]).map(|path| (name(&path), mode(&path))).collect()
}

#[tokio::test]
async fn nobody_else_can_look_into_the_books() {
    let scratch = Scratch::new("private");
    let files = ["", "broker.sqlite", "broker.sqlite-wal"];
    for is_new in [true, false] {
        let folder = scratch.path().join("data");
        if !is_new {
            // As another program, or an older version, may have left them.
            for (name, mode) in [("", 0o755), ("broker.sqlite", 0o644)] {
                std::fs::set_permissions(folder.join(name), Permissions::from_mode(mode)).unwrap();
            }
        }
        let settings = Settings { data: Some(folder.clone()), ..by_hand() };
        let broker = start(settings).await;
        let added = AccountSettings { login: 77, password: "first".into(), ..AccountSettings::default() };
        // The second time it is there already.
        assert_eq!(broker.control().add_account(added).await.is_ok(), is_new);
        broker.control().quote("EURUSD", 1.1, 1.1001).await.unwrap();
        let mut client = Client::login(broker.addr(), 1_000_001, "demo").await;
        assert_eq!(client.trade(&buy("EURUSD", 10)).await.retcode, 10009);
        let found = modes(&folder);
        for (name, mode) in &found {
            assert_eq!(*mode, if name.is_empty() { 0o700 } else { 0o600 }, "{name} of {found:?}");
        }
        for name in files {
            assert!(found.contains_key(name), "{name} is not there: {found:?}");
        }
        drop(client);
        broker.shutdown().await;
    }
}

#[tokio::test]
async fn two_brokers_do_not_share_a_folder() {
    let folder = Scratch::new("shared");
    let _first = quoted(&folder).await;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let settings = Settings { data: Some(folder.path().to_owned()), ..by_hand() };
    let refused = Broker::start(listener, settings).unwrap_err();
    assert!(matches!(refused, StartError::Store(_)), "{refused}");
    assert!(refused.to_string().contains("used by another broker"), "{refused}");
}

/// Makes the books of a broker writable or not.
async fn protect(control: &Control, is_protected: bool) {
    control.with(move |hub| hub.store.as_ref().unwrap().write_protect(is_protected)).await.unwrap();
}

#[tokio::test]
async fn nothing_is_traded_that_could_not_be_kept() {
    let folder = Scratch::new("protected");
    let broker = quoted(&folder).await;
    let control = broker.control();
    let mut client = Client::login(broker.addr(), 1_000_001, "demo").await;
    protect(&control, true).await;
    // It was done before it could not be written, and nobody is told that it is kept.
    assert!(matches!(control.deposit(1_000_001, 5.0).await, Err(ControlError::Unwritten)));
    assert!(matches!(control.deposit(1_000_001, 6.0).await, Err(ControlError::Unwritable)));
    let account = client.ask_raw(Command::Account.number(), Vec::new()).await;
    assert_eq!(account.code, wire::code::INTERNAL_ERROR, "no balance is told that might be gone");
    let request = client.numbered(&buy("EURUSD", 10)).to_bytes();
    let refused = client.ask_raw(Command::Trade.number(), request).await;
    assert_eq!((refused.code, &refused.body[..]), (0, &10011_u32.to_le_bytes()[..]));
    protect(&control, false).await;
    control.deposit(1_000_001, 7.0).await.unwrap();
    assert_eq!(client.trade(&buy("EURUSD", 10)).await.retcode, 10009);
    broker.shutdown().await;
    let broker = quoted(&folder).await;
    let state = broker.control().account(1_000_001).await.unwrap();
    assert_eq!((state.funds.balance.to_f64(), state.positions), (10_012.0, 1), "nothing was lost meanwhile");
}

type Change = fn(Control) -> Pin<Box<dyn Future<Output = Result<(), ControlError>> + Send>>;

/// What is to outlive a broker, each as an operator would ask for it.
const CHANGES: [(&str, Change); 11] = [
    ("add_account", |control| Box::pin(async move { control.add_account(other_account()).await })),
    ("enable", |control| Box::pin(async move { control.enable(1_000_001, true).await })),
    ("edit_account", |control| {
        let edit = || serde_json::from_value(json!({"leverage": 50})).unwrap();
        Box::pin(async move { control.edit_account(1_000_001, edit()).await })
    }),
    ("deposit", |control| Box::pin(async move { control.deposit(1_000_001, 1.0).await })),
    ("operate", |control| {
        let order = || serde_json::from_value(json!({"kind": "credit", "amount": 5.0})).unwrap();
        Box::pin(async move { control.operate(1_000_001, order()).await })
    }),
    ("deal", |control| {
        let order = json!({"symbol": "EURUSD", "side": "buy", "volume": 0.1});
        Box::pin(
            async move { control.deal(1_000_001, serde_json::from_value(order).unwrap()).await.map(drop) },
        )
    }),
    ("dividend", |control| {
        let order = json!({"amount": 0.5});
        Box::pin(
            async move { control.dividend("EURUSD", serde_json::from_value(order).unwrap()).await.map(drop) },
        )
    }),
    ("edit_symbol", |control| {
        let edit = json!({"stops_level": 20});
        Box::pin(async move { control.edit_symbol("EURUSD", serde_json::from_value(edit).unwrap()).await })
    }),
    ("open_market", |control| Box::pin(async move { control.open_market("USDJPY", false).await })),
    ("add_holiday", |control| Box::pin(async move { control.add_holiday(christmas()).await.map(drop) })),
    ("remove_holiday", |control| Box::pin(async move { control.remove_holiday(1).await })),
];

fn other_account() -> AccountSettings {
    AccountSettings { login: 77, password: "first".into(), ..AccountSettings::default() }
}

fn christmas() -> Holiday {
    Holiday { symbols: "AAPL".into(), date: "2026-12-24".parse().unwrap(), sessions: Vec::new() }
}

#[tokio::test]
async fn what_could_not_be_written_is_never_called_done() {
    for (name, change) in CHANGES {
        let folder = Scratch::new("unwritten");
        let broker = quoted(&folder).await;
        let control = broker.control();
        control.add_holiday(christmas()).await.unwrap();
        let mut client = Client::login(broker.addr(), 1_000_001, "demo").await;
        assert_eq!(client.trade(&buy("EURUSD", 10)).await.retcode, 10009);
        protect(&control, true).await;
        // Whatever is asked for first is done and not written; from then on nothing is begun.
        let first = change(control.clone()).await;
        assert!(matches!(first, Err(ControlError::Unwritten)), "{name}: {first:?}");
        let second = change(control.clone()).await;
        assert!(matches!(second, Err(ControlError::Unwritable)), "{name}: {second:?}");
        let money = control.deposit(1_000_001, 1.0).await;
        assert!(matches!(money, Err(ControlError::Unwritable)), "{name}: {money:?}");
        protect(&control, false).await;
        control.deposit(1_000_001, 1.0).await.unwrap();
        broker.shutdown().await;
    }
}

#[tokio::test]
async fn what_clients_change_of_their_accounts_is_not_called_done_before_it_is_written() {
    let folder = Scratch::new("unwritten-accounts");
    let broker = quoted(&folder).await;
    let control = broker.control();
    let change = w::PasswordChange {
        old_password: wire::Secret::new("demo".into()),
        new_password: wire::Secret::new("Other123!".into()),
        ..w::PasswordChange::default()
    };
    let mut client = Client::login(broker.addr(), 1_000_001, "demo").await;
    let mut visitor = Client::connect(broker.addr()).await;
    visitor.ask::<requests::Visitor>(&w::VisitorRequest::default()).await.unwrap();
    protect(&control, true).await;
    let refused = client.ask::<requests::ChangePassword>(&change).await.unwrap_err();
    assert_eq!(refused, wire::code::INTERNAL_ERROR);
    // Now it is known that nothing can be written.
    assert_eq!(client.ask::<requests::ChangePassword>(&change).await.unwrap_err(), refused);
    let applicant = w::Applicant { deposit: 100.0, leverage: 100, ..w::Applicant::default() };
    assert_eq!(visitor.ask::<requests::OpenDemo>(&applicant).await.unwrap_err(), refused);
    let setup = w::TwoFactorRequest::default();
    assert_eq!(visitor.ask::<requests::TwoFactor>(&setup).await.unwrap_err(), refused);
    protect(&control, false).await;
    control.deposit(1_000_001, 1.0).await.unwrap();
}

#[tokio::test]
async fn what_operators_change_in_symbols_outlives_a_broker_but_not_what_a_scenario_does() {
    let folder = Scratch::new("kept-symbols");
    let broker = quoted(&folder).await;
    let control = broker.control();
    let edit = |value: serde_json::Value| serde_json::from_value::<SymbolEdit>(value).unwrap();
    control.edit_symbol("EURUSD", edit(json!({"stops_level": 20, "swap_long": -3.5}))).await.unwrap();
    control.edit_symbol("EURUSD", edit(json!({"stops_level": 30, "volume_min": 0.1}))).await.unwrap();
    let week = [(); 7].map(|()| vec![(60, 120)]);
    let hours = json!({"quotes": week, "trades": week});
    control.edit_symbol("GBPUSD", edit(json!({ "hours": hours }))).await.unwrap();
    control.open_market("GBPUSD", false).await.unwrap();
    control.open_market("USDJPY", false).await.unwrap();
    control.edit_symbol("USDJPY", edit(json!({ "hours": hours }))).await.unwrap();
    let holiday = |symbols: &str| Holiday {
        symbols: symbols.into(),
        date: "2026-11-22".parse().unwrap(),
        sessions: Vec::new(),
    };
    let first = control.add_holiday(holiday("AAPL")).await.unwrap();
    let second = control.add_holiday(holiday("BTCUSD")).await.unwrap();
    control.remove_holiday(first).await.unwrap();
    let scenario = "about = \"x\"\n[[step]]\nat = \"0s\"\ndo = \"close_market\"\nsymbols = \"Metals*\"";
    broker.play(Scenario::parse("x", scenario).unwrap());
    eventually("it is closed", async || (!control.symbol("XAUUSD").await.unwrap().is_open).then_some(()))
        .await;
    let view = async |control: &Control, name: &str| control.symbol(name).await.unwrap();
    let names = ["EURUSD", "GBPUSD", "USDJPY", "BTCUSD"];
    let mut before = Vec::new();
    for name in names {
        before.push(SymbolView { bid: None, ask: None, ..view(&control, name).await });
    }
    assert_eq!((before[0].stops_level, before[0].swap_long, before[0].volume_min), (30, -3.5, 0.1));
    broker.shutdown().await;

    let broker = quoted(&folder).await;
    let control = broker.control();
    for (name, before) in names.into_iter().zip(before) {
        assert_eq!(SymbolView { bid: None, ask: None, ..view(&control, name).await }, before, "{name}");
    }
    assert!(view(&control, "XAUUSD").await.is_open, "a scenario is over with its broker");
    let holidays = control.holidays().await.unwrap();
    assert_eq!((holidays.len(), holidays[0].id), (1, second));
    assert!(control.add_holiday(holiday("AAPL")).await.unwrap() > second);
    // Positions are checked by the terms that were kept.
    let mut client = Client::login(broker.addr(), 1_000_001, "demo").await;
    assert_eq!(client.trade(&buy("EURUSD", 1)).await.retcode, 10014, "below the smallest volume");
}

#[tokio::test]
async fn a_holiday_that_does_not_fit_any_more_keeps_its_number() {
    let holiday =
        || Holiday { symbols: "AAPL".into(), date: "2026-11-24".parse().unwrap(), sessions: Vec::new() };
    let unknown = json!({"symbols": "Nothing\\*", "date": "2026-12-24"}).to_string();
    let newer = json!({"symbols": "AAPL", "date": "2026-12-24", "reason": "x"}).to_string();
    for text in [unknown, newer] {
        let folder = Scratch::new("kept-holidays");
        let broker = quoted(&folder).await;
        let first = broker.control().add_holiday(holiday()).await.unwrap();
        let second = broker.control().add_holiday(holiday()).await.unwrap();
        broker.shutdown().await;
        let file = rusqlite::Connection::open(folder.path().join("broker.sqlite")).unwrap();
        file.execute("UPDATE holidays SET holiday = ?2 WHERE id != ?1", (first.cast_signed(), &text))
            .unwrap();
        drop(file);

        let broker = quoted(&folder).await;
        let control = broker.control();
        let third = control.add_holiday(holiday()).await.unwrap();
        let known: Vec<_> = control.holidays().await.unwrap().iter().map(|known| known.id).collect();
        assert_eq!((known, third), (vec![first, second + 1], second + 1), "{text}");
        let mut client = Client::login(broker.addr(), 1_000_001, "demo").await;
        assert_eq!(client.trade(&buy("EURUSD", 10)).await.retcode, 10009, "the books are written");
        // Even a number that is in the file already would be no reason to stop all trading.
        control.with(move |hub| hub.keep_holiday(second, &holiday())).await.unwrap();
        assert_eq!(client.trade(&buy("EURUSD", 10)).await.retcode, 10009, "{text}");
    }
}
