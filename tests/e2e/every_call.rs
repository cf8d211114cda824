//! Every path of the document, called rightly and wrongly; every reply is held against its schema.

pub(crate) mod document;
mod foreign;
mod ranges;
mod table;

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use testkit::{ProxyKind, Reply, TestProxy, percent_encoded};

use self::document::{Call, Document, Param, check};
use self::table::{Comes, Done, Refused};
use crate::world::{SERVER, Session, World, manual, ticket};

/// Of the installation under test.
const ADMIN_KEY: &str = "0123456789abcdef";
/// A symbol of an exchange, which has an order book.
const BOOK: &str = "MSFT";

/// A service on which every call can succeed.
struct Prepared {
    world: World,
    proxy: TestProxy,
    next_login: AtomicU64,
}

impl Prepared {
    async fn start() -> Self {
        let of_worker = worker::Settings {
            admin_key: Some(worker::Secret::new(ADMIN_KEY)),
            ..worker::Settings::default()
        };
        let world = World::build(manual(), of_worker, api::Settings::default()).await;
        world.quotes().await;
        world.control.quote(BOOK, 5000.0, 5000.25).await.unwrap();
        let proxy = TestProxy::start(ProxyKind::Socks5, "someone", "secret").await;
        Self { world, proxy, next_login: AtomicU64::new(9_000_000) }
    }

    /// The login of a new account.
    async fn account(&self) -> u64 {
        // Downwards: accounts that the broker opens itself are numbered upwards.
        let login = self.next_login.fetch_sub(1, Ordering::Relaxed);
        let password = "demo".to_owned();
        let settings = broker::AccountSettings { login, password, ..broker::AccountSettings::default() };
        self.world.control.add_account(settings).await.unwrap();
        login
    }

    /// A session of a new account, with its history and some ticks of EURUSD.
    async fn session(&self) -> Session {
        let login = self.account().await;
        let path = format!("{}&downloadOrderHistory=true", self.world.connect_path(login, "demo"));
        let token = self.world.http.get(&path).await.ok().body;
        let session = Session { http: self.world.http.clone(), token };
        session.json("GetQuote", "symbol=EURUSD").await;
        testkit::eventually("the history is loaded", async || {
            (session.json("OrderHistoryDownloadComplete", "").await == true).then_some(())
        })
        .await;
        session
    }

    /// The parameters of a call with what they stand for.
    async fn fill(&self, query: &str, session: &Session) -> String {
        let mut filled = query.to_owned();
        let (host, port) = (self.world.broker_addr.ip(), self.world.broker_addr.port());
        let proxy = self.proxy.addr();
        let proxy = format!(
            "proxyHost={}&proxyPort={}&proxyType=Socks5&proxyUser=someone&proxyPassword=secret",
            proxy.ip(),
            proxy.port()
        );
        let known = [
            ("{host}", host.to_string()),
            ("{port}", port.to_string()),
            ("{server}", SERVER.to_owned()),
            ("{admin}", ADMIN_KEY.to_owned()),
            ("{book}", BOOK.to_owned()),
            ("{proxy}", proxy),
            ("{pfx}", percent_encoded(&calls::Upload::text_of(&crate::certificates::pfx("secret").await))),
        ];
        for (word, value) in known {
            filled = filled.replace(word, &value);
        }
        if filled.contains("{key}") {
            let form = format!("adminKey={ADMIN_KEY}&tenant=acme");
            let kind = "application/x-www-form-urlencoded";
            let made = self.world.http.post("/CreateApiKey", kind, &form).await.ok().body;
            filled = filled.replace("{key}", made.split('_').nth(2).unwrap());
        }
        let order = "symbol=EURUSD&volume=0.01&operation=";
        if filled.contains("{user}") {
            filled = filled.replace("{user}", &self.account().await.to_string());
        }
        for (word, operation) in
            [("{position}", "Buy"), ("{sell}", "Sell"), ("{pending}", "BuyLimit&price=0.9")]
        {
            if filled.contains(word) {
                let made = session.json("OrderSend", &format!("{order}{operation}")).await;
                filled = filled.replace(word, &ticket(&made).to_string());
            }
        }
        if filled.contains("{closed}") {
            let made = ticket(&session.json("OrderSend", &format!("{order}Buy")).await);
            session.json("OrderClose", &format!("ticket={made}")).await;
            filled = filled.replace("{closed}", &made.to_string());
        }
        filled
    }

    async fn send(&self, call: &Call, path: &str, query: &str) -> Reply {
        let http = &self.world.http;
        if call.posted {
            return http.post(&format!("/{path}"), "application/x-www-form-urlencoded", query).await;
        }
        http.get(&format!("/{path}?{query}")).await
    }
}

impl Call {
    fn takes_session(&self) -> bool {
        self.params.iter().any(|param| param.name == "id" && param.required)
    }

    fn with_session(&self, query: &str, token: &str) -> String {
        if self.takes_session() { format!("id={token}&{query}") } else { query.to_owned() }
    }
}

fn all() -> Vec<(Call, String, Comes)> {
    let mut rows = table::rows();
    let mut all = Vec::new();
    for call in Document::new().calls() {
        let place = rows.iter().position(|row| row.0 == call.path);
        let (_, query, comes) = rows.remove(place.unwrap_or_else(|| panic!("no row for {}", call.path)));
        all.push((call, query, comes));
    }
    assert!(rows.is_empty(), "rows for calls that are not in the document: {rows:?}");
    all
}

/// A reply of a right call, whichever way it was written.
#[track_caller]
fn expect(document: &Document, call: &Call, comes: Comes, reply: &Reply, how: &str) {
    let what = format!("{} {how}", call.path);
    match comes {
        Done => {
            assert_eq!(reply.status, 200, "{what}: {}", reply.body);
            if let Some(schema) = &call.reply {
                check(&document.validator(schema), &reply.json(), &what);
            }
        }
        Refused(code) => {
            assert_eq!((reply.status, &reply.json()["code"]), (201, &code.into()), "{what}: {}", reply.body);
            check(&document.failure(), &reply.json(), &what);
        }
    }
}

#[tokio::test]
async fn every_call_answers_what_its_schema_says() {
    let (document, prepared) = (Document::new(), Prepared::start().await);
    for (call, query, comes) in all() {
        let session = prepared.session().await;
        let filled = call.with_session(&prepared.fill(&query, &session).await, &session.token);
        let reply = prepared.send(&call, &call.path, &filled).await;
        expect(&document, &call, comes, &reply, &filled);
    }
}

/// A way to write the same parameters differently; `None` when it changes nothing.
type Rewrite = fn(&Call, &str) -> Option<String>;

#[tokio::test]
async fn a_call_may_be_written_in_several_ways() {
    let ways: [(&str, Rewrite); 4] = [
        ("in another case", |_, query| Some(in_capitals(query))),
        ("with numbers for enums", numbered),
        ("with indexed arrays", indexed),
        ("with arrays joined by commas", joined),
    ];
    let (document, prepared) = (Document::new(), Prepared::start().await);
    for (call, query, comes) in all() {
        for (how, rewrite) in ways {
            let session = prepared.session().await;
            let filled = call.with_session(&prepared.fill(&query, &session).await, &session.token);
            let Some(rewritten) = rewrite(&call, &filled) else { continue };
            let reply = prepared.send(&call, &call.path.to_uppercase(), &rewritten).await;
            expect(&document, &call, comes, &reply, &format!("{how}: {rewritten}"));
        }
    }
}

fn pairs(query: &str) -> Vec<(&str, &str)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap()).collect()
}

fn query_of(pairs: impl Iterator<Item = (String, String)>) -> String {
    pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn in_capitals(query: &str) -> String {
    query_of(pairs(query).into_iter().map(|(name, value)| (name.to_uppercase(), value.to_owned())))
}

fn numbered(call: &Call, query: &str) -> Option<String> {
    let number = |name: &str, value: &str| {
        let param = call.params.iter().find(|param| param.name == name)?;
        Some(param.schema["x-enum-numbers"].get(value)?.to_string())
    };
    let changes = pairs(query).into_iter().any(|(name, value)| number(name, value).is_some());
    let rewritten = pairs(query)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), number(name, value).unwrap_or_else(|| value.to_owned())));
    changes.then(|| query_of(rewritten))
}

fn is_list(call: &Call, name: &str) -> bool {
    call.params.iter().any(|param| param.name == name && param.schema["type"] == "array")
}

fn indexed(call: &Call, query: &str) -> Option<String> {
    let mut index = 0;
    let rewritten = query_of(pairs(query).into_iter().map(|(name, value)| {
        let name = if is_list(call, name) {
            index += 1;
            format!("{name}[{}]", index - 1)
        } else {
            name.to_owned()
        };
        (name, value.to_owned())
    }));
    (index > 0).then_some(rewritten)
}

fn joined(call: &Call, query: &str) -> Option<String> {
    let mut whole: Vec<(String, String)> = Vec::new();
    for (name, value) in pairs(query) {
        match whole.iter_mut().find(|(known, _)| known == name && is_list(call, name)) {
            Some((_, values)) => *values = format!("{values},{value}"),
            None => whole.push((name.to_owned(), value.to_owned())),
        }
    }
    (whole.len() < pairs(query).len()).then(|| query_of(whole.into_iter()))
}

#[tokio::test]
async fn every_call_refuses_what_is_wrong() {
    let (document, prepared) = (Document::new(), Prepared::start().await);
    let failure = document.failure();
    let session = prepared.session().await;
    for (call, query, _) in all() {
        let filled = call.with_session(&prepared.fill(&query, &session).await, &session.token);
        for (wrong, code, name) in mistakes(&call, &filled) {
            let reply = prepared.send(&call, &call.path, &wrong).await;
            let what = format!("{} {wrong}", call.path);
            assert_eq!(reply.status, 201, "{what}: {}", reply.body);
            let body: Value = reply.json();
            check(&failure, &body, &what);
            assert_eq!(body["code"], code, "{what}: {}", reply.body);
            assert!(body["message"].as_str().unwrap().contains(&name), "{what}: {}", reply.body);
        }
    }
}

/// Wrong ways to make a call: parameters, the code they come to, and what the message names.
fn mistakes(call: &Call, right: &str) -> Vec<(String, &'static str, String)> {
    let mut wrong = Vec::new();
    let without = |name: &str| {
        let rest = pairs(right).into_iter().filter(|(known, _)| *known != name);
        query_of(rest.map(|(name, value)| (name.to_owned(), value.to_owned())))
    };
    for param in &call.params {
        let name = &param.name;
        if param.required {
            wrong.push((without(name), "NULL_ARGUMENT", format!("'{name}'")));
            wrong.push((format!("{}&{name}=", without(name)), "NULL_ARGUMENT", format!("'{name}'")));
        }
        if let Some(bad) = malformed(param) {
            wrong.push((format!("{}&{name}={bad}", without(name)), "INVALID_PARAM", format!("'{name}'")));
        }
    }
    // A range ends after it begins.
    if ["from", "to"].iter().all(|end| call.params.iter().any(|param| param.name == *end)) {
        let swapped = pairs(right).into_iter().map(|(name, value)| match name {
            "from" => ("to".to_owned(), value.to_owned()),
            "to" => ("from".to_owned(), value.to_owned()),
            name => (name.to_owned(), value.to_owned()),
        });
        wrong.push((query_of(swapped), "INVALID_PARAM", "'to'".to_owned()));
    }
    // ConnectByToken brings sessions back, but only those that were.
    if call.takes_session() {
        let unknown = format!("{}&id=no-such-token", without("id"));
        wrong.push((unknown, "INVALID_TOKEN", "Client with id no-such-token not found".to_owned()));
    }
    wrong
}

/// A value that is none of the parameter's kind; `None` if every text is.
fn malformed(param: &Param) -> Option<&'static str> {
    let schema = if param.schema["type"] == "array" { &param.schema["items"] } else { &param.schema };
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("integer"), _) => Some("12x"),
        (Some("number"), _) => Some("1.2.3"),
        (Some("boolean"), _) => Some("perhaps"),
        (Some("string"), Some("date-time")) => Some("yesterday"),
        (Some("string"), Some("binary")) => Some("%25%25"),
        (Some("string"), _) if schema["enum"].is_array() => Some("Sideways"),
        _ => None,
    }
}
