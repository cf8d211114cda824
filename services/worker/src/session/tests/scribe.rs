//! What a session writes into the registry: in order, until it is done, and by nobody but the owner.

use bus::{EVENT_BYTES_MAX, Event, Fanout, Interest, Position as Place, Topic};
use bytes::Bytes;
use error::Code;
use registry::{
    AccountName, CallOutcome, Entry, Events as _, Fence, Journal as _, Key, Keyed, Keys as _, MemoryRegistry,
    Opened, Registry, Sessions as _, WorkerId, Written,
};
use runtime::Tasks;
use testkit::eventually;

use super::*;
use crate::lease::Lease;
use crate::session::note::Inherited;
use crate::session::scribe::Scribe;
use crate::session::standing::{Rank, Standing};

/// A session in the registry, and what writes for it.
struct World {
    registry: Arc<MemoryRegistry>,
    fence: Fence,
    standing: Standing,
    fanout: Arc<Fanout>,
    scribe: Scribe,
}

async fn world(rank: Rank) -> World {
    let registry = Arc::new(MemoryRegistry::new());
    let opened = registry.open("token", &AccountName::new("account"), &one(), &Bytes::new()).await;
    let Ok(Opened::Yes(fence)) = opened else { panic!("{opened:?}") };
    assert_eq!(registry.opened("token", fence, &Bytes::new()).await.unwrap(), Written::Yes);
    let (standing, fanout) = (Standing::new(Lease::unending(), rank, fence), Arc::new(Fanout::new()));
    let known: Arc<dyn Registry> = registry.clone();
    let scribe = Scribe::new("token".into(), known, Tasks::new(), standing.clone(), Arc::clone(&fanout));
    World { registry, fence, standing, fanout, scribe }
}

fn one() -> WorkerId {
    WorkerId::new("one")
}

fn event(number: usize) -> Event {
    let before = format!(r#"{{"number":{number},"list":["#).into();
    Event { before, list: vec![Bytes::from_static(b"1")], after: Bytes::from_static(b"]}") }
}

/// One that replaces those before it, and one that adds to them.
fn memo(text: &str) -> Bytes {
    [&[1], text.as_bytes()].concat().into()
}

fn addition(text: &str) -> Bytes {
    [&[2], text.as_bytes()].concat().into()
}

fn entry(number: u32) -> Entry {
    Entry { number, key: None, request: Bytes::from_static(b"request") }
}

impl World {
    /// Places and texts of the log.
    async fn log(&self) -> Vec<(Place, Bytes)> {
        let from = Place { epoch: self.fence.0, offset: 0 };
        let since = self.registry.since("token", from).await.unwrap();
        let (replay, is_cut) = since.replay(from).unwrap();
        assert!(!is_cut);
        replay.map(|frame| (frame.at, frame.text)).collect()
    }

    async fn memo(&self) -> Bytes {
        self.registry.record("token").await.unwrap().unwrap().memo
    }

    async fn wait_until_written(&self) {
        eventually("everything is written", async || (self.scribe.waiting() == 0).then_some(())).await;
    }

    /// Has somebody else own the session.
    async fn give_away(&self) -> Fence {
        let given = self.registry.give("token", self.fence, &WorkerId::new("two"), &memo("given")).await;
        given.unwrap().unwrap()
    }

    /// Settles a request; its caller.
    fn settle(&self, number: u32) -> oneshot::Receiver<Outcome> {
        let (reply, outcome) = oneshot::channel();
        self.scribe.settle(number, Bytes::from_static(b"done"), Some((reply, Outcome::Absent(number))));
        outcome
    }
}

#[tokio::test]
async fn events_are_told_as_they_stand_in_the_log() {
    let world = world(Rank::Owner).await;
    let mut reader = world.fanout.subscribe(Interest::from(Topic::OrderUpdate)).unwrap();
    // More than are written at once.
    for number in 0..200 {
        world.scribe.event(event(number), addition("."));
    }
    world.wait_until_written().await;
    let log = world.log().await;
    let place = |offset| Place { epoch: world.fence.0, offset };
    let expected: Vec<_> = (1..=200).map(place).zip((0..200).map(|number| event(number).text())).collect();
    assert_eq!(log, expected);
    for (at, text) in expected {
        let frame = reader.next().await.unwrap();
        assert_eq!((frame.at, &frame.text), (at, &text));
    }
}

#[tokio::test]
async fn under_a_new_fence_places_begin_anew() {
    let world = world(Rank::Owner).await;
    world.scribe.event(event(0), Bytes::new());
    world.wait_until_written().await;
    let fence = world.give_away().await;
    // It comes back to where it was.
    let back = world.registry.give("token", fence, &one(), &Bytes::new()).await.unwrap().unwrap();
    world.standing.own(back);
    for number in 1..3 {
        world.scribe.event(event(number), Bytes::new());
    }
    world.wait_until_written().await;
    let places: Vec<_> = world.log().await.into_iter().map(|(at, _)| (at.epoch, at.offset)).collect();
    assert_eq!(places, [(world.fence.0, 1), (back.0, 1), (back.0, 2)]);
}

#[tokio::test]
async fn a_memo_stands_with_what_was_added_since() {
    let world = world(Rank::Owner).await;
    world.scribe.memo(memo("a"));
    world.wait_until_written().await;
    assert_eq!(world.memo().await, memo("a"));
    let rows = [addition("b"), addition("c"), memo("d"), addition("e"), memo("f"), addition("g")];
    for (number, memo) in rows.into_iter().enumerate() {
        world.scribe.event(event(number), memo);
    }
    world.wait_until_written().await;
    assert_eq!(world.memo().await, [memo("f"), addition("g")].concat());
    world.scribe.event(event(9), addition("h"));
    world.wait_until_written().await;
    assert_eq!(world.memo().await, [memo("f"), addition("g"), addition("h")].concat());
}

#[tokio::test]
async fn outcomes_keys_and_login_data_are_written() {
    let world = world(Rank::Owner).await;
    let (key, other) = (Key::Chosen("key".into()), Key::Chosen("other".into()));
    for key in [&key, &other] {
        let begun = world.registry.begin_key("token", world.fence, key, "buy").await;
        assert_eq!(begun.unwrap(), Keyed::New);
    }
    for number in [7, 8] {
        world.scribe.begin(&entry(number)).await.unwrap();
    }
    assert_eq!(world.registry.unsettled("token").await.unwrap(), [entry(7), entry(8)]);
    let outcome = world.settle(7);
    assert!(matches!(outcome.await, Ok(Outcome::Absent(7))));
    let kept = CallOutcome { text: Bytes::from_static(b"kept"), is_known: true, number: None };
    world.scribe.settle_key(key.clone(), kept);
    world.scribe.free_key(other.clone());
    world.scribe.login(Bytes::from_static(b"sealed"));
    world.wait_until_written().await;
    assert_eq!(world.registry.unsettled("token").await.unwrap(), [entry(8)]);
    let kept = world.registry.begin_key("token", world.fence, &key, "buy").await.unwrap();
    assert!(matches!(kept, Keyed::Done { outcome, .. } if outcome == "kept"));
    let again = world.registry.begin_key("token", world.fence, &other, "buy").await.unwrap();
    assert_eq!(again, Keyed::New);
    let record = world.registry.record("token").await.unwrap().unwrap();
    assert_eq!(record.sealed, "sealed");
}

#[tokio::test]
async fn what_was_given_up_while_it_was_written_down_does_not_stay_open() {
    let world = world(Rank::Owner).await;
    let (state, mut trades) = (state(), Trades::new(world.scribe.clone()));
    let (reply, outcome) = oneshot::channel();
    let call = CallName::default();
    let job = Job { request: buy(2), intent: Intent::Open, magic: 0, reply, number: Arc::default(), call };
    let begun = trades.begin(job, &state).unwrap();
    // The link is lost, and what came of it is written before it is begun.
    trades.on_link_lost();
    assert!(matches!(outcome.await, Ok(Outcome::NotSent(_))));
    assert!(world.scribe.begin(&begun).await.is_err());
    assert_eq!(world.standing.rank(), Rank::Owner, "the session is still its own");
    assert_eq!(world.registry.unsettled("token").await.unwrap(), []);
    // An entry all the same.
    world.scribe.begin(&entry(7)).await.unwrap();
    assert_eq!(trades.recorded(7), None);
    world.wait_until_written().await;
    assert_eq!(world.registry.unsettled("token").await.unwrap(), []);
}

#[tokio::test]
async fn what_never_left_a_session_that_ends_is_settled_as_not_sent() {
    let world = world(Rank::Owner).await;
    let (state, mut trades) = (state(), Trades::new(world.scribe.clone()));
    let begin = |trades: &mut Trades| {
        let (reply, outcome) = oneshot::channel();
        let call = CallName::default();
        let job =
            Job { request: buy(2), intent: Intent::Open, magic: 0, reply, number: Arc::default(), call };
        (trades.begin(job, &state).unwrap(), outcome)
    };
    let ((sent, unknown), (written, not_sent)) = (begin(&mut trades), begin(&mut trades));
    for entry in [&sent, &written] {
        world.scribe.begin(entry).await.unwrap();
    }
    trades.recorded(sent.number).unwrap();
    trades.abandon();
    assert!(matches!(not_sent.await, Ok(Outcome::NotSent(_))));
    assert!(matches!(unknown.await, Ok(Outcome::Unknown(_))));
    world.wait_until_written().await;
    assert_eq!(world.registry.unsettled("token").await.unwrap(), [sent], "it is looked for on");
}

#[tokio::test]
async fn the_next_owner_knows_which_orders_closed_something() {
    let world = world(Rank::Owner).await;
    let (mut state, mut trades) = (state(), Trades::new(world.scribe.clone()));
    state.load(Portfolio { positions: vec![position(70, 2)], orders: Vec::new() });
    // One verdict names the order, another the deal only.
    for (order, out) in [(90, deal(51, 90, 70, 1, 1)), (0, deal(52, 91, 70, 1, 1))] {
        let (reply, outcome) = oneshot::channel();
        let (number, call) = (Arc::default(), CallName::default());
        let job = Job { request: buy(1), intent: Intent::Close(70), magic: 0, reply, number, call };
        let entry = trades.begin(job, &state).unwrap();
        world.scribe.begin(&entry).await.unwrap();
        let request = trades.recorded(entry.number).unwrap();
        let result =
            TradeResult { retcode: 10009, deal: out.deal, trade_order: order, ..TradeResult::default() };
        let left = position(70, 52 - u64::try_from(out.deal).unwrap());
        apply(&mut state, deal_push(out, left, 1000.0));
        trades.on_result(TradeResultPush { request, result, ..TradeResultPush::default() }, &mut state);
        let Ok(Outcome::Done(told)) = outcome.await else { panic!("it is done") };
        assert_eq!(told.ticket, 70);
    }
    world.wait_until_written().await;
    let journal = world.registry.journal("token").await.unwrap();
    assert_eq!(Inherited::of(&[], &journal).claimed, [90, 91]);
}

#[tokio::test]
async fn who_has_lost_a_session_writes_nothing_more_and_keeps_nobody_waiting() {
    let world = world(Rank::Owner).await;
    world.scribe.begin(&entry(7)).await.unwrap();
    world.give_away().await;
    world.scribe.event(event(0), memo("late"));
    let (first, second) = (world.settle(7), world.settle(8));
    assert!(matches!(first.await, Ok(Outcome::Absent(7))));
    assert!(matches!(second.await, Ok(Outcome::Absent(8))));
    assert_eq!((world.standing.rank(), world.scribe.waiting()), (Rank::Gone, 0));
    // What comes afterwards is not even tried.
    assert!(matches!(world.settle(9).await, Ok(Outcome::Absent(9))));
    world.scribe.event(event(1), memo("later"));
    assert_eq!(world.scribe.waiting(), 0);
    assert_eq!(world.log().await, []);
    assert_eq!(world.memo().await, memo("given"));
    assert_eq!(world.registry.unsettled("token").await.unwrap(), [entry(7)]);
}

#[tokio::test]
async fn a_request_begins_with_its_owner_only() {
    let world = world(Rank::Owner).await;
    world.give_away().await;
    let refused = world.scribe.begin(&entry(7)).await.unwrap_err();
    assert_eq!((refused.code(), world.standing.rank()), (Code::ConnectError, Rank::Gone));
    assert_eq!(world.registry.unsettled("token").await.unwrap(), []);
}

#[tokio::test]
async fn who_is_in_doubt_waits_until_it_is_found_out() {
    let world = world(Rank::Doubtful).await;
    world.scribe.begin(&entry(7)).await.unwrap();
    world.give_away().await;
    assert!(matches!(world.settle(7).await, Ok(Outcome::Absent(7))), "its caller does not wait for that");
    assert_eq!((world.standing.rank(), world.scribe.waiting()), (Rank::Doubtful, 1));
    world.standing.set_rank(Rank::Gone);
    world.wait_until_written().await;
    assert_eq!(world.registry.unsettled("token").await.unwrap(), [entry(7)]);
}

#[tokio::test]
async fn who_listens_to_an_event_too_long_has_to_look_anew() {
    let world = world(Rank::Owner).await;
    let mut reader = world.fanout.subscribe(Interest::from(Topic::OrderUpdate)).unwrap();
    world.scribe.event(event(0), Bytes::new());
    assert!(reader.next().await.is_ok_and(|frame| frame.text == event(0).text()));
    let entry = Bytes::from(vec![b'1'; EVENT_BYTES_MAX / 4]);
    world.scribe.event(Event { list: vec![entry; 5], ..event(1) }, Bytes::new());
    assert!(reader.next().await.is_err());
}

#[tokio::test]
async fn a_standby_writes_nothing() {
    let world = world(Rank::Standby).await;
    world.scribe.event(event(0), memo("standby"));
    world.scribe.memo(memo("standby"));
    assert!(matches!(world.settle(7).await, Ok(Outcome::Absent(7))));
    assert_eq!((world.scribe.waiting(), world.scribe.has_overflowed()), (0, false));
    assert_eq!(world.log().await, []);
    assert_eq!(world.memo().await, Bytes::new());
}

#[tokio::test]
async fn a_session_that_the_registry_forgot_is_not_lost() {
    let mut world = world(Rank::Owner).await;
    // It came back empty: there is no such session.
    let empty = Arc::new(MemoryRegistry::new());
    let known: Arc<dyn Registry> = empty.clone();
    let fanout = Arc::clone(&world.fanout);
    world.scribe = Scribe::new("token".into(), known, Tasks::new(), world.standing.clone(), fanout);
    let outcome = world.settle(7);
    // Its caller does not wait for that.
    assert!(matches!(outcome.await, Ok(Outcome::Absent(7))));
    assert_eq!((world.standing.rank(), world.scribe.waiting()), (Rank::Owner, 1));
    // Whoever is told what it was goes on under the fence of now.
    let record = world.registry.record("token").await.unwrap().unwrap();
    let fence = empty.bring_back("token", &record, &one()).await.unwrap().unwrap();
    assert_eq!(empty.begin("token", fence, &entry(7)).await.unwrap(), Written::Yes);
    world.standing.own(fence);
    world.wait_until_written().await;
    assert_eq!(empty.unsettled("token").await.unwrap(), []);
}

#[tokio::test]
async fn too_much_that_waits_makes_the_session_begin_anew() {
    let world = world(Rank::Owner).await;
    assert!(!world.scribe.has_overflowed());
    // Nothing is written before this test waits.
    while !world.scribe.has_overflowed() {
        world.scribe.memo(memo("waiting"));
    }
    assert!(world.scribe.waiting() > 1_000);
    assert!(matches!(world.settle(7).await, Ok(Outcome::Absent(7))), "its caller is told all the same");
    world.wait_until_written().await;
}
