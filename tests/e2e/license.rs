//! What the trial and licences allow, as clients see it. A day passes by moving the beginning of the trial into the past.

use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use access::{LicenseKey, LicenseKeys, NewLicense, TrialMark};
use broker::{AccountSettings, Fault, MarginMode};
use futures_util::future::join_all;
use registry::{RegistryError, TrialStore};
use serde_json::{Value, json};
use testkit::{Reply, Scratch, eventually, percent_encoded};
use worker::LicenseSettings;

use crate::world::{EUR, Session, USD, World, manual, ticket};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

fn now_s() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// A place that keeps the trial, as the test wants it.
#[derive(Default)]
struct Kept(Mutex<Option<TrialMark>>);

impl Kept {
    /// The trial began so long ago.
    fn began(&self, ago_s: i64) {
        let now_s = now_s();
        *self.0.lock().unwrap() = Some(TrialMark { began_s: now_s - ago_s, mark_s: now_s });
    }
}

#[async_trait::async_trait]
impl TrialStore for Kept {
    async fn trial(&self) -> Result<Option<TrialMark>, RegistryError> {
        Ok(*self.0.lock().unwrap())
    }

    async fn keep_trial(&self, mark: TrialMark) -> Result<TrialMark, RegistryError> {
        let mut kept = self.0.lock().unwrap();
        let both = kept.map_or(mark, |kept| kept.and(mark));
        *kept = Some(both);
        Ok(both)
    }
}

/// A world, the keeper of its trial, and the folder of its licences.
struct Licensed {
    world: World,
    kept: Arc<Kept>,
    folder: Scratch,
    key: LicenseKey,
}

impl Licensed {
    async fn start() -> Self {
        let (kept, folder) = (Arc::new(Kept::default()), Scratch::new("licences"));
        let key = LicenseKey::generate("test").unwrap();
        let mut keys = LicenseKeys::default();
        keys.add("test", &key.public()).unwrap();
        let license = LicenseSettings {
            path: Some(folder.path().to_owned()),
            keys: Arc::new(keys),
            link: "https://example.com/licences".to_owned(),
            stores: vec![Arc::<Kept>::clone(&kept)],
            ..LicenseSettings::default()
        };
        let of_worker = worker::Settings { license, ..worker::Settings::default() };
        let world = World::build(manual(), of_worker, api::Settings::default()).await;
        world.quotes().await;
        Self { world, kept, folder, key }
    }

    /// Puts a licence into the folder that is valid for so many days, negative ones ago.
    fn license(&self, name: &str, sessions: u32, days: i64) {
        let new = NewLicense {
            customer: "A customer".into(),
            plan: "pro".into(),
            sessions,
            features: vec!["audit".into()],
            begins_s: now_s() - 100 * DAY,
            last_day_s: now_s() + days * DAY,
        };
        self.folder.file(name, &self.key.issue(&new).unwrap());
    }

    async fn status(&self) -> Value {
        self.world.http.get("/LicenseStatus").await.ok().json()
    }

    /// Waits until the service stands so: both workers of a cluster may be asked.
    async fn stands(&self, standing: &str) {
        for _ in 0..4 {
            eventually(&format!("it stands at {standing}"), async || {
                (self.status().await["standing"] == standing).then_some(())
            })
            .await;
        }
    }

    async fn try_connect(&self, user: u64) -> Reply {
        self.world.http.get(&self.world.connect_path(user, "demo")).await
    }

    /// Waits until no connect is let in any more, and answers why.
    async fn is_shut(&self, user: u64) -> Value {
        eventually("no session is made", async || {
            let reply = self.try_connect(user).await;
            if reply.status == 201 {
                return Some(reply.json());
            }
            // It was let in by what was known a moment ago, and would be found open again.
            self.world.http.get(&format!("/Disconnect?id={}", reply.body)).await.ok();
            None
        })
        .await
    }
}

async fn refused(session: &Session, name: &str, query: &str) -> String {
    let reply = session.call(name, query).await;
    assert_eq!(reply.header("x-outcome"), "not_sent", "{name}: {reply:?}");
    reply.refused()
}

#[tokio::test]
async fn after_the_trial_sessions_only_reduce_and_then_end() {
    let licensed = Licensed::start().await;
    let world = &licensed.world;
    let session = world.login().await;
    let opened = session.open("symbol=EURUSD&operation=Buy&volume=0.3&stoploss=1.05").await;
    let (long, short) =
        (ticket(&opened), ticket(&session.open("symbol=EURUSD&operation=Sell&volume=0.1").await));
    let limit = ticket(&session.open("symbol=EURUSD&operation=BuyLimit&volume=0.1&price=1.0").await);
    licensed.kept.began(14 * DAY + HOUR);
    let why = licensed.is_shut(EUR).await;
    assert_eq!(why["code"], "LICENSE_REQUIRED");
    assert!(why["message"].as_str().unwrap().contains("https://example.com/licences"), "{why}");
    licensed.stands("ReduceOnly").await;
    eventually("no order opens", async || {
        let reply = session.call("OrderSend", "symbol=EURUSD&operation=Buy&volume=0.01").await;
        (reply.status == 201 && reply.refused() == "REDUCE_ONLY").then_some(())
    })
    .await;

    only_reduces(&licensed, &session, (long, short, limit)).await;

    licensed.kept.began(15 * DAY + HOUR);
    eventually("the session ends", async || {
        let reply = session.call("AccountSummary", "").await;
        (reply.status == 201 && reply.refused() == "INVALID_TOKEN").then_some(())
    })
    .await;
    assert_eq!(world.positions().await, 1, "the position is the account's");
    assert_eq!(licensed.is_shut(USD).await["code"], "LICENSE_REQUIRED");
    world.http.get("/healthz").await.ok();

    // A licence is taken without a restart, and brings everything back.
    licensed.license("licence", 10, 30);
    eventually("the token brings it back", async || {
        let path = format!("/ConnectByToken?id={}", percent_encoded(&session.token));
        (world.http.get(&path).await.status == 200).then_some(())
    })
    .await;
    licensed.stands("Licensed").await;
    let status = licensed.status().await;
    assert_eq!(
        json!([
            status["customer"],
            status["plan"],
            status["sessionsMax"],
            status["features"],
            status["notice"]
        ]),
        json!(["A customer", "pro", 10, ["audit"], null])
    );
    session.open("symbol=EURUSD&operation=Buy&volume=0.01").await;
    licensed.world.stop().await;
}

/// Of these positions and this pending order, what may be done once the trial has ended.
async fn only_reduces(licensed: &Licensed, session: &Session, (long, short, limit): (u64, u64, u64)) {
    let (stops, by) = (format!("ticket={long}"), format!("ticket={long}&closeByTicket={short}"));
    for (name, query) in [
        ("OrderSend", "symbol=EURUSD&operation=Sell&volume=0.3".to_owned()),
        ("OrderSendSafe", "symbol=EURUSD&operation=SellLimit&volume=0.3&price=1.2".to_owned()),
        ("OrderModify", format!("{stops}&stoploss=1.04")),
        ("OrderModify", stops.clone()),
        ("OrderModify", format!("ticket={limit}&price=1.01")),
    ] {
        assert_eq!(refused(session, name, &query).await, "REDUCE_ONLY", "{name} {query}");
    }
    for (lots, is_accepted) in [("0.3", true), ("0.4", false)] {
        let query = format!("{stops}&lots={lots}&dryRun=true");
        let tried = session.call("OrderClose", &query).await;
        // More than there is fails before.
        assert_eq!(tried.status == 200, is_accepted, "{tried:?}");
    }
    let tried = session.json("OrderSend", "symbol=EURUSD&operation=Sell&volume=0.1&dryRun=true").await;
    let checks = tried["checks"].as_array().unwrap();
    assert!(
        checks.iter().any(|check| check["code"] == "REDUCE_ONLY") && tried["isAccepted"] == false,
        "{tried}"
    );
    // Nobody is kept in a position: not by a lost token either.
    let again = licensed.try_connect(USD).await.ok();
    assert_eq!(again.body, session.token);
    assert!(again.header("x-license-notice").starts_with("The trial has ended; sessions may only reduce"));
    session.json("OrderModify", &format!("{stops}&stoploss=1.06")).await;
    session.json("OrderCloseByTask", &by).await;
    session.json("OrderClose", &format!("{stops}&lots=0.1")).await;
    session.json("OrderCancelTask", &format!("ticket={limit}")).await;
    assert_eq!(session.tickets().await, [long]);
    for path in ["/healthz", "/readyz"] {
        licensed.world.http.get(path).await.ok();
    }
}

#[tokio::test]
async fn an_end_is_announced_beside_connects_and_the_version() {
    let licensed = Licensed::start().await;
    let told = async |user: u64| {
        let connected = licensed.try_connect(user).await.ok();
        connected.header("x-license-notice").to_owned()
    };
    assert_eq!(told(USD).await, "");
    let version = licensed.world.http.get("/Version").await.ok();
    assert_eq!(version.header("x-license-notice"), "");
    for (days_left, words) in [(6, "within 7 days"), (2, "within 3 days"), (0, "within a day")] {
        licensed.kept.began((13 - days_left) * DAY + HOUR);
        eventually(&format!("a connect says {words}"), async || {
            told(USD).await.contains(words).then_some(())
        })
        .await;
    }
    let end = eventually("the version comes with it", async || {
        let version = licensed.world.http.get("/Version").await.ok();
        assert_eq!(version.body, licensed.world.http.get("/Version").await.body);
        let notice = version.header("x-license-notice").to_owned();
        notice.contains("within a day").then_some(notice)
    })
    .await;
    assert!(end.starts_with("The trial ends within a day, at 20"), "{end}");
    // What follows on it is no end.
    licensed.license("licence", 10, 60);
    eventually("nothing is announced", async || told(USD).await.is_empty().then_some(())).await;
    licensed.world.stop().await;
}

#[tokio::test]
async fn no_more_sessions_than_licensed_are_made_and_none_is_ended() {
    let licensed = Licensed::start().await;
    let world = &licensed.world;
    for login in 101..=106 {
        let account = AccountSettings { login, password: "demo".into(), ..AccountSettings::default() };
        world.control.add_account(account).await.unwrap();
    }
    let first = world.login().await;
    let second = Session { token: licensed.try_connect(EUR).await.ok().body, ..first.clone() };
    licensed.license("licence", 2, 30);
    licensed.stands("Licensed").await;
    let why = licensed.is_shut(101).await;
    assert_eq!(why["code"], "LICENSE_SESSIONS_REACHED");
    assert!(why["message"].as_str().unwrap().contains("allows 2 sessions"), "{why}");
    assert_eq!(licensed.try_connect(USD).await.ok().body, first.token, "there is one for it");
    // Less than there are: nobody is ended for it.
    licensed.license("licence", 1, 30);
    assert_eq!(licensed.is_shut(101).await["code"], "LICENSE_SESSIONS_REACHED");
    for session in [&first, &second] {
        session.open("symbol=EURUSD&operation=Buy&volume=0.01").await;
    }
    second.call("Disconnect", "").await.ok();
    assert_eq!(licensed.is_shut(101).await["code"], "LICENSE_SESSIONS_REACHED");
    // Of those who come at once, as many get in as there are places.
    licensed.license("licence", 3, 30);
    eventually("there are places", async || (licensed.status().await["sessionsMax"] == 3).then_some(()))
        .await;
    licensed.stands("Licensed").await;
    let in_time = async |login| {
        eventually("it is answered for good", async || {
            let reply = licensed.try_connect(login).await;
            // A worker that has not seen the new licence yet says so of the old one.
            (!reply.body.contains("allows 1 sessions")).then_some(reply)
        })
        .await
    };
    let replies = join_all((101..=106).map(in_time)).await;
    let got_in = replies.iter().filter(|reply| reply.status == 200).count();
    assert!((1..=2).contains(&got_in), "{replies:?}");
    for reply in replies.iter().filter(|reply| reply.status != 200) {
        assert_eq!(reply.refused(), "LICENSE_SESSIONS_REACHED");
    }
    licensed.world.stop().await;
}

#[tokio::test]
async fn a_licence_has_two_weeks_in_which_positions_are_closed() {
    let licensed = Licensed::start().await;
    let world = &licensed.world;
    let account = AccountSettings {
        login: 81,
        password: "demo".into(),
        margin_mode: MarginMode::Netting,
        ..AccountSettings::default()
    };
    world.control.add_account(account).await.unwrap();
    let session = world.login_at(81, world.broker_addr).await;
    session.open("symbol=EURUSD&operation=Buy&volume=0.3").await;
    licensed.license("licence", 10, -10);
    licensed.kept.began(100 * DAY);
    licensed.stands("ReduceOnly").await;
    let status = licensed.status().await;
    assert!((1..=5 * DAY).contains(&status["secondsLeft"].as_i64().unwrap()), "{status}");
    let sell = |lots: &str| format!("symbol=EURUSD&operation=Sell&volume={lots}");
    assert_eq!(refused(&session, "OrderSend", &sell("0.4")).await, "REDUCE_ONLY", "it would turn it round");
    assert_eq!(refused(&session, "OrderSend", "symbol=EURUSD&operation=Buy&volume=0.1").await, "REDUCE_ONLY");
    session.open(&sell("0.1")).await;
    // Two that would close it twice.
    let both =
        join_all([session.call("OrderSend", &sell("0.2")), session.call("OrderSend", &sell("0.2"))]).await;
    let done = both.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(done, 1, "{both:?}");
    assert!(session.tickets().await.is_empty());
    licensed.world.stop().await;
}

#[tokio::test]
async fn no_session_ends_in_the_middle_of_an_order() {
    let licensed = Licensed::start().await;
    let world = &licensed.world;
    let session = world.login().await;
    let number = ticket(&session.open("symbol=EURUSD&operation=Buy&volume=0.3").await);
    world.control.fault(Fault::LateResult { ms: 9_000 }).await.unwrap();
    let query = format!("ticket={number}");
    let meanwhile = async {
        eventually("it is closed", async || (world.positions().await == 0).then_some(())).await;
        licensed.kept.began(15 * DAY + HOUR);
        licensed.stands("Ended").await;
    };
    let (closed, ()) = tokio::join!(session.call("OrderClose", &query), meanwhile);
    let closed = closed.ok().json();
    assert_eq!(closed["ticket"], number, "its answer came");
    eventually("the session ends", async || {
        let reply = session.call("AccountSummary", "").await;
        (reply.status == 201 && reply.refused() == "INVALID_TOKEN").then_some(())
    })
    .await;
    licensed.world.stop().await;
}
