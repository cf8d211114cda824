//! What a worker takes of the dead, what it keeps, and what it lets go.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use access::{Caller, GuardBook};
use bus::Ask;
use bytes::Bytes;
use calls::CallId;
use calls::trading::OrderSend;
use cluster::{ClusterKey, Owner, Reply, WorkerClient};
use registry::{
    Beat, MemoryRegistry, Opened, Quarantine as _, Sessions as _, Unclaimed, Workers as _, Written,
};
use runtime::Tasks;
use seal::KeyRing;
use testkit::eventually;
use tokio::time::advance;

use super::*;
use crate::login_data::LoginData;
use crate::member::fitness::Fitness;
use crate::member::interests::Interests;
use crate::session::{AccountKey, Rank, Target};
use crate::worker::{Settings, Worker};

const KEY: &str = "one:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const OTHER_KEY: &str = "two:AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn ring(key: &str) -> Arc<KeyRing> {
    Arc::new(KeyRing::parse(key).unwrap())
}

fn dead() -> WorkerId {
    WorkerId::new("dead")
}

/// A member whose own looks are made by the test.
fn member(registry: &MemoryRegistry, key: &str, sessions_max: usize) -> Member {
    let (sealing_keys, registry) = (Some(ring(key)), Arc::new(registry.clone()));
    let settings = Settings { registry, sealing_keys, sessions_max, ..Settings::default() };
    let worker = Worker::start(settings).unwrap();
    Member {
        interests: Interests::new(Arc::clone(&worker)),
        client: WorkerClient::new(&ClusterKey::new("0123456789abcdef0123456789abcdef").unwrap(), None),
        worker,
        advertise: "here:1".to_owned(),
        is_open: AtomicBool::new(true),
        standbys: Mutex::default(),
        fitness: Fitness::default(),
        refused: Mutex::default(),
        tasks: Tasks::new(),
    }
}

/// Has a worker own a session on a server that nobody can reach.
async fn owned(registry: &MemoryRegistry, token: &str, login: u64, owner: &WorkerId) -> Fence {
    let fence = opening(registry, token, login, owner).await;
    assert_eq!(registry.opened(token, fence, &Bytes::new()).await.unwrap(), Written::Yes);
    fence
}

/// The same, before the session is up.
async fn opening(registry: &MemoryRegistry, token: &str, login: u64, owner: &WorkerId) -> Fence {
    let account = AccountKey { tenant: access::Tenant::default(), server: "server".into(), login };
    let data = LoginData {
        account: account.clone(),
        target: Target::nowhere(),
        error_status: None,
        is_token_chosen: false,
        is_investor: false,
        proved_ms: 0,
        is_demo: None,
    };
    let sealed = data.seal(&ring(KEY), token).unwrap();
    match registry.open(token, &account.name(), owner, &sealed).await.unwrap() {
        Opened::Yes(fence) => fence,
        other => panic!("{other:?}"),
    }
}

async fn many(registry: &MemoryRegistry, count: u64, owner: &WorkerId) {
    for login in 1..=count {
        owned(registry, &format!("token-{login}"), login, owner).await;
    }
}

impl Member {
    fn tokens(&self) -> Vec<String> {
        self.worker.all_sessions().iter().map(|session| session.token().to_owned()).collect()
    }

    async fn owner_of(&self, token: &str) -> WorkerId {
        self.registry().record(token).await.unwrap().unwrap().owner
    }
}

#[tokio::test]
async fn sessions_of_the_dead_are_taken_as_far_as_there_is_room() {
    let registry = MemoryRegistry::new();
    many(&registry, 70, &dead()).await;
    let small = member(&registry, KEY, 64);
    small.adopt_from(&dead()).await;
    // A batch is taken as a whole, or not begun.
    assert_eq!(small.tokens().len(), 64);
    small.adopt_from(&dead()).await;
    assert_eq!((small.tokens().len(), registry.tokens_at(&dead(), 100).await.unwrap().len()), (64, 6));
    let large = member(&registry, KEY, 100);
    large.adopt_from(&dead()).await;
    assert_eq!(large.tokens().len(), 6);
    assert_eq!(registry.tokens_at(&dead(), 100).await.unwrap(), Vec::<String>::new());
    for token in large.tokens() {
        assert_eq!(large.owner_of(&token).await, large.worker.shared.lease.worker());
    }
    assert_eq!(large.worker.trials.take_all().len(), 6, "each is on trial");
}

#[tokio::test]
async fn who_leaves_takes_nothing() {
    let registry = MemoryRegistry::new();
    many(&registry, 1, &dead()).await;
    let member = member(&registry, KEY, 10);
    member.is_open.store(false, Ordering::SeqCst);
    member.adopt_from(&dead()).await;
    assert_eq!(member.tokens(), Vec::<String>::new());
    assert_eq!(member.owner_of("token-1").await, dead());
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_taken_is_left_to_others_for_a_while() {
    let registry = MemoryRegistry::new();
    many(&registry, 1, &dead()).await;
    let stranger = member(&registry, OTHER_KEY, 10);
    stranger.adopt_from(&dead()).await;
    assert_eq!((stranger.tokens().len(), stranger.owner_of("token-1").await), (0, dead()));
    let until = |member: &Member| member.refused().get("token-1").copied();
    let first = until(&stranger).unwrap();
    advance(Duration::from_secs(14)).await;
    stranger.adopt_from(&dead()).await;
    assert_eq!(until(&stranger), Some(first), "it was not tried");
    advance(Duration::from_secs(2)).await;
    stranger.adopt_from(&dead()).await;
    assert!(until(&stranger).is_some_and(|second| second > first), "it was tried again");
}

#[tokio::test(start_paused = true)]
async fn what_comes_out_of_quarantine_and_could_not_be_taken_is_left_to_others_for_a_while() {
    let registry = MemoryRegistry::new();
    many(&registry, 1, &dead()).await;
    let (mut owner, mut deaths) = (dead(), 0);
    let left = loop {
        deaths += 1;
        let next = WorkerId::new(format!("dead-{deaths}"));
        match registry.claim("token-1", &owner, &next).await.unwrap() {
            Ok(_) => owner = next,
            Err(Unclaimed::Quarantined(left)) => break left,
            Err(other) => panic!("{other:?}"),
        }
    };
    let stranger = member(&registry, OTHER_KEY, 10);
    let until = |member: &Member| member.refused().get("token-1").copied();
    stranger.take_one_of_quarantine().await;
    assert_eq!(until(&stranger), None, "its time is not over");
    advance(left + Duration::from_millis(1)).await;
    stranger.take_one_of_quarantine().await;
    let first = until(&stranger).unwrap();
    advance(Duration::from_secs(14)).await;
    stranger.take_one_of_quarantine().await;
    assert_eq!(until(&stranger), Some(first), "it was not tried");
    advance(Duration::from_secs(2)).await;
    stranger.take_one_of_quarantine().await;
    assert!(until(&stranger).is_some_and(|second| second > first), "it was tried again");
}

#[tokio::test]
async fn a_worker_is_full_by_what_the_emptiest_of_the_others_has() {
    let registry = MemoryRegistry::new();
    many(&registry, 65, &dead()).await;
    let full = member(&registry, KEY, 100);
    assert!(!full.is_fuller_than_others().await);
    full.adopt_from(&dead()).await;
    assert_eq!(full.tokens().len(), 65);
    assert!(!full.is_fuller_than_others().await, "there are no others");
    let join = async |name: &str, address: &str, sessions: u32, is_open: bool| {
        let beat = Beat {
            worker: WorkerId::new(name),
            address: address.to_owned(),
            sessions,
            sessions_max: 100,
            is_open,
            brokers: Vec::new(),
            ttl: Duration::from_secs(60),
        };
        registry.join(&beat).await.unwrap();
    };
    join("itself", "here:1", 0, true).await;
    join("leaving", "there:2", 0, false).await;
    join("fuller", "there:3", 90, true).await;
    join("as full", "there:4", 1, true).await;
    assert!(!full.is_fuller_than_others().await, "65 are a batch more than 1");
    join("empty", "there:5", 0, true).await;
    assert!(full.is_fuller_than_others().await);
}

#[tokio::test]
async fn a_session_that_another_worker_owns_is_dropped() {
    let registry = MemoryRegistry::new();
    many(&registry, 3, &dead()).await;
    let member = member(&registry, KEY, 10);
    member.adopt_from(&dead()).await;
    member.verify().await;
    assert_eq!(member.tokens(), ["token-1", "token-2", "token-3"]);
    for token in ["token-1", "token-3"] {
        let fence = registry.record(token).await.unwrap().unwrap().fence;
        let given = registry.give(token, fence, &WorkerId::new("other"), &Bytes::new()).await.unwrap();
        assert!(given.is_some());
    }
    // One of them is about to be given away here as well: whoever does that looks after it.
    member.worker.session("token-3").unwrap().standing().set_rank(Rank::Doubtful);
    member.verify().await;
    assert_eq!(member.tokens(), ["token-2", "token-3"]);
}

#[tokio::test]
async fn guards_that_one_session_changes_are_looked_at_for_all_of_its_account() {
    let registry = MemoryRegistry::new();
    for (token, login) in [("one", 1), ("two", 1), ("another", 2)] {
        owned(&registry, token, login, &dead()).await;
    }
    let member = member(&registry, KEY, 10);
    member.adopt_from(&dead()).await;
    let session = member.worker.session("one").unwrap();
    let set = |book: &mut GuardBook| {
        book.account.guards.positions_max = Some(1);
        Ok(())
    };
    member.worker.change_guards(&session, set).await.unwrap();
    let touched = ["one", "two", "another"].map(|token| member.worker.touched.has(token));
    assert_eq!(touched, [true, true, false]);
}

#[tokio::test]
async fn an_order_that_comes_while_a_session_is_given_away_goes_to_the_next_owner() {
    let registry = MemoryRegistry::new();
    many(&registry, 1, &dead()).await;
    let member = member(&registry, KEY, 10);
    member.adopt_from(&dead()).await;
    let session = member.worker.session("token-1").unwrap();
    session.standing().set_rank(Rank::Giving);
    // The registry has its new owner, and the old one is about to hear of it.
    let fence = session.standing().fence();
    let given = registry.give("token-1", fence, &WorkerId::new("other"), &Bytes::new()).await.unwrap();
    assert!(given.is_some());
    let params = [("id", "token-1"), ("symbol", "EURUSD"), ("operation", "Buy"), ("volume", "1")];
    let ask = Ask {
        call: CallId::of::<OrderSend>(),
        params: params.into_iter().collect(),
        id: Some("token-1".to_owned()),
        caller: Caller::local(),
        deadline: std::time::Instant::now() + Duration::from_secs(60),
        idempotency_key: Some("key".to_owned()),
        source: None,
    };
    let (reply, ()) = tokio::join!(member.ask(ask), async {
        tokio::task::yield_now().await;
        member.worker.drop_session(&session, End::Moved);
    });
    assert!(matches!(reply, Reply::NotMine), "{reply:?}");
}

#[tokio::test]
async fn a_session_that_the_registry_forgot_is_kept() {
    let registry = MemoryRegistry::new();
    many(&registry, 1, &dead()).await;
    let member = member(&registry, KEY, 10);
    member.adopt_from(&dead()).await;
    let fence = registry.record("token-1").await.unwrap().unwrap().fence;
    assert_eq!(registry.end("token-1", fence, None).await.unwrap(), Written::Yes);
    assert_eq!(registry.record("token-1").await.unwrap(), None);
    member.verify().await;
    assert_eq!(member.tokens(), ["token-1"]);
}

#[tokio::test]
async fn a_session_of_its_own_that_does_not_run_begins_at_the_second_look() {
    let registry = MemoryRegistry::new();
    let member = member(&registry, KEY, 10);
    let own = member.worker.shared.lease.worker();
    owned(&registry, "live", 1, &own).await;
    opening(&registry, "opening", 2, &own).await;
    owned(&registry, "other", 3, &dead()).await;
    let missing = member.take_up_missing(HashSet::new()).await;
    assert_eq!(missing, HashSet::from(["live".to_owned()]));
    assert_eq!(member.tokens(), Vec::<String>::new());
    let missing = member.take_up_missing(missing).await;
    assert_eq!((missing.len(), member.tokens()), (0, vec!["live".to_owned()]));
    let missing = member.take_up_missing(HashSet::from(["opening".to_owned()])).await;
    assert_eq!((missing.len(), member.tokens()), (0, vec!["live".to_owned()]), "it is not up yet");
}

#[tokio::test(start_paused = true)]
async fn a_standby_waits_for_so_long_and_ends() {
    let registry = MemoryRegistry::new();
    many(&registry, 2, &dead()).await;
    let member = member(&registry, KEY, 10);
    member.adopt_from(&dead()).await;
    let now = Instant::now();
    for (token, seconds) in [("token-1", 5), ("token-2", 10)] {
        let session = member.worker.session(token).unwrap();
        member.standbys().insert(token.to_owned(), (session, now + Duration::from_secs(seconds)));
    }
    let left = |member: &Member| member.standbys().len();
    member.drop_old_standbys();
    assert_eq!(left(&member), 2);
    advance(Duration::from_secs(5)).await;
    member.drop_old_standbys();
    assert!(left(&member) == 1 && member.standbys().contains_key("token-2"));
    advance(Duration::from_secs(5)).await;
    member.drop_old_standbys();
    assert_eq!(left(&member), 0);
}

/// Joins, and dies.
async fn die(registry: &MemoryRegistry, worker: &WorkerId) {
    let beat = Beat {
        worker: worker.clone(),
        address: "gone:1".to_owned(),
        sessions: 1,
        sessions_max: 10,
        is_open: true,
        brokers: Vec::new(),
        ttl: Duration::from_secs(5),
    };
    registry.join(&beat).await.unwrap();
    registry.leave(worker).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_worker_looks_after_orphans_and_its_own_as_long_as_it_lives() {
    let registry = MemoryRegistry::new();
    many(&registry, 2, &dead()).await;
    die(&registry, &dead()).await;
    let member = Arc::new(member(&registry, KEY, 10));
    let own = member.worker.shared.lease.worker();
    owned(&registry, "lost answer", 3, &own).await;
    member.tasks.spawn(Arc::clone(&member).look_after_orphans());
    let has = async |what: &str, tokens: &[&str]| {
        eventually(what, async || (member.tokens() == tokens).then_some(())).await;
    };
    has("sessions of the dead are taken, and its own begin", &["lost answer", "token-1", "token-2"]).await;
    let fence = registry.record("token-1").await.unwrap().unwrap().fence;
    assert!(registry.give("token-1", fence, &WorkerId::new("other"), &Bytes::new()).await.unwrap().is_some());
    has("what another owns is dropped", &["lost answer", "token-2"]).await;
    member.tasks.stop();
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_quarantine_is_over_is_taken_if_there_is_room() {
    let registry = MemoryRegistry::new();
    many(&registry, 1, &dead()).await;
    die(&registry, &dead()).await;
    let mut last = dead();
    for name in ["one", "two"] {
        let next = WorkerId::new(name);
        assert!(registry.claim("token-1", &last, &next).await.unwrap().is_ok());
        die(&registry, &next).await;
        last = next;
    }
    let (worker, full) = (member(&registry, KEY, 10), member(&registry, KEY, 0));
    assert!(worker.worker.take_over("token-1", &last).await.is_err(), "two have died of it");
    worker.take_one_of_quarantine().await;
    assert_eq!(worker.tokens(), Vec::<String>::new());
    let left = registry.quarantined().await.unwrap()[0].left;
    advance(left).await;
    full.take_one_of_quarantine().await;
    assert_eq!(full.tokens(), Vec::<String>::new());
    worker.take_one_of_quarantine().await;
    assert_eq!(worker.tokens(), ["token-1"]);
    // It is told once it has lived with it for long enough.
    advance(Duration::from_secs(29)).await;
    assert_eq!(worker.worker.trials.take_stood(), []);
    advance(Duration::from_secs(1)).await;
    let stood = worker.worker.trials.take_stood();
    worker.tell_stood(stood).await;
    let own = worker.worker.shared.lease.worker();
    die(&registry, &own).await;
    let next = registry.claim("token-1", &own, &WorkerId::new("three")).await.unwrap();
    assert!(next.is_ok(), "it is suspected no more");
}
