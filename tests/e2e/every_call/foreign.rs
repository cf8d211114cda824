//! Every call and every stream with what is another tenant's: it is answered as if it did not exist.

use bus::{Answer, Topic};
use calls::{CallId, Reach, Scope};
use error::Code;

use super::document::Document;
use super::{Comes, Prepared, all};
use crate::tenants::{Key, key};
use crate::world::Session;

/// Words of the table that would be made by orders: that these exist is not needed where nothing is reached.
const OF_ORDERS: [&str; 4] = ["{position}", "{sell}", "{pending}", "{closed}"];

/// Calls of the backend as the table makes them, without their `id`.
async fn rows(prepared: &Prepared) -> Vec<(CallId, String, bool)> {
    let nobody = Session { http: prepared.world.http.clone(), token: String::new() };
    let mut rows = Vec::new();
    for (call, query, comes) in all() {
        let id: CallId = call.path.parse().unwrap();
        if calls::AnyCall::entries().all(|entry| entry.name != id.name()) {
            continue;
        }
        let query = OF_ORDERS.iter().fold(query, |query, word| query.replace(word, "1"));
        rows.push((id, prepared.fill(&query, &nobody).await, comes == Comes::Done));
    }
    rows
}

/// All that an answer tells, with an id in it as `{id}`.
fn told(answer: &Answer, id: &str) -> String {
    format!("{answer:?}").replace(id, "{id}")
}

#[tokio::test]
async fn what_is_anothers_does_not_exist() {
    let prepared = Prepared::start().await;
    let world = &prepared.world;
    let (owner, stranger) = (key(world, "acme"), key(world, "other"));
    let login = prepared.account().await;
    let chosen = owner.connect(login, "&id=chosen").await;
    let made_up = owner.connect(prepared.account().await, "").await;
    owner.json("OrderSend", &chosen, "symbol=EURUSD&operation=Buy&volume=0.01").await;
    owner.json("Subscribe", &chosen, "symbol=EURUSD").await;
    let before =
        (owner.json("OpenedOrders", &chosen, "").await, owner.json("SubscribedSymbols", &chosen, "").await);

    let callers = [stranger, key(world, "default"), Key::local(world), key(world, "default").operator()];
    let rows = rows(&prepared).await;
    // Each beside one of the same form that is nobody's.
    let ids = [
        (chosen.as_str(), "nobodys"),
        (made_up.as_str(), "nobodys"),
        ("acme chosen", "nobodys one"),
        ("acme/chosen", "nobodys/one"),
    ];
    for (call, query, _) in rows.iter().filter(|(call, _, _)| call.policy().needs_session()) {
        for caller in &callers {
            for (id, nobodys) in ids {
                let of_nobody = told(&caller.ask(*call, nobodys, query).await, nobodys);
                assert!(of_nobody.contains("InvalidToken"), "{call}: {of_nobody}");
                assert_eq!(told(&caller.ask(*call, id, query).await, id), of_nobody, "{call} {id}");
                let keyed = caller.ask_under(Some("key"), *call, id, query).await;
                assert_eq!(told(&keyed, id), of_nobody, "{call} {id} under a key");
            }
        }
    }
    for topic in Topic::ALL {
        for caller in &callers {
            for (id, nobodys) in ids {
                let nowhere = caller.subscribe(nobodys, topic, None).await.unwrap_err();
                for since in [None, Some(bus::Position::default())] {
                    let refused = caller.subscribe(id, topic, since).await.unwrap_err();
                    assert_eq!(refused.detail().replace(id, nobodys), nowhere.detail(), "{topic:?} {id}");
                    assert_eq!(refused.code(), Code::InvalidToken, "{topic:?} {id}");
                }
            }
        }
    }
    let after =
        (owner.json("OpenedOrders", &chosen, "").await, owner.json("SubscribedSymbols", &chosen, "").await);
    assert_eq!((&after.0[0]["ticket"], &after.1), (&before.0[0]["ticket"], &before.1), "nothing was done");
}

#[tokio::test]
async fn what_is_told_of_many_sessions_is_of_the_callers_own() {
    let prepared = Prepared::start().await;
    let world = &prepared.world;
    let (owner, stranger) = (key(world, "acme"), key(world, "other"));
    let (own, foreign) = (prepared.account().await, prepared.account().await);
    let chosen = owner.connect(own, "&id=chosen").await;
    let theirs = stranger.connect(foreign, "").await;
    for (call, query, is_done) in rows(&prepared).await {
        if call.policy().needs_session() || call.policy().connects() || !is_done {
            continue;
        }
        let query = query.replace("adminKey=", "not=").replace("apiKey=", "not=");
        let told_to = async |key: &Key| format!("{:?}", key.ask(call, "", &query).await.result);
        let told = told_to(&stranger).await;
        assert!(!told.contains("chosen") && !told.contains(&own.to_string()), "{call}: {told}");
        match (call.policy().scope, call.policy().reach) {
            (Scope::Admin, _) => assert!(told.contains("NotPermission"), "{call}: {told}"),
            (_, Reach::All) => {
                assert!(told.contains(&theirs), "{call}: {told}");
                let told = told_to(&owner).await;
                assert!(told.contains("chosen") && !told.contains(&theirs), "{call}: {told}");
                let told = told_to(&key(world, "default").operator()).await;
                assert!(told.contains("acme/chosen"), "{call}: {told}");
                assert!(told.contains(&format!("other/{theirs}")), "{call}: {told}");
                let told = told_to(&Key::local(world)).await;
                assert!(told.contains("NotPermission"), "{call}: {told}");
            }
            _ => assert!(!told.contains("NotPermission"), "{call}: {told}"),
        }
    }
    // And so is what is done to many.
    stranger.ask("DisconnectOrphans".parse().unwrap(), "", "ids=none").await.result.unwrap();
    assert!(stranger.ask("AccountSummary".parse().unwrap(), &theirs, "").await.result.is_err());
    owner.json("AccountSummary", &chosen, "").await;
}

#[tokio::test]
async fn a_call_needs_the_scope_that_it_declares() {
    let prepared = Prepared::start().await;
    let world = &prepared.world;
    let owner = key(world, "acme");
    let id = owner.connect(prepared.account().await, "").await;
    for (call, query, _) in rows(&prepared).await {
        let needed = call.policy().scope;
        let others = Scope::OF_KEYS.into_iter().filter(|scope| *scope != needed).collect();
        let refused = owner.with_scopes(others).ask_under(Some("key"), call, &id, &query).await;
        assert_eq!((&refused.sync, refused.as_of_ms), (&None, None), "{call}");
        let refused = refused.result.unwrap_err();
        assert_eq!(refused.code(), Code::NotPermission, "{call}");
        assert!(refused.detail().contains(&format!("'{}'", needed.as_str())), "{call}: {refused}");
    }
    let deaf = owner.with_scopes("read,trade,connect,admin".parse().unwrap());
    for topic in Topic::ALL {
        let refused = deaf.subscribe(&id, topic, None).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotPermission, "{topic:?}");
    }
    assert!(Document::new().calls().len() > 90);
}
