//! What sessions tell reaches those who listen, once and in order.

use std::sync::Arc;
use std::time::Duration;

use access::Caller;
use bus::{Backend, End, Frame, Interest, Position, Subscription, Topic, Topics};
use error::Code;
use registry::Heard;
use testkit::in_time;

use crate::fake_owner::{World, ask, said, until};

fn event(epoch: u64, offset: u64) -> Frame {
    let text = format!("{epoch}-{offset}");
    Frame::new(Topic::OrderUpdate, None, text.into()).at(Position { epoch, offset })
}

fn quote(epoch: u64, text: &'static str) -> Frame {
    Frame::new(Topic::Quote, Some("A"), text.into()).at(Position { epoch, offset: 0 })
}

async fn next(reader: &mut Subscription) -> Result<String, End> {
    let frame = in_time("a frame", reader.next()).await?;
    Ok(String::from_utf8(frame.text.to_vec()).unwrap())
}

async fn gets(reader: &mut Subscription, wanted: &[&str]) {
    for wanted in wanted {
        assert_eq!(next(reader).await.as_deref(), Ok(*wanted));
    }
}

async fn listening(world: &World, since: Option<&str>) -> Subscription {
    let since = since.map(|place| place.parse().unwrap());
    let interest = Interest { since, ..Topics::ALL.into() };
    world.router.subscribe("t", interest, &Caller::local()).await.unwrap()
}

#[tokio::test]
async fn all_who_listen_hear_by_one_ear() {
    let world = World::new();
    let worker = world.worker("a").await;
    world.own("t", &worker, 5);
    let (mut one, mut two) = (listening(&world, None).await, listening(&world, None).await);
    assert_eq!(*world.registry.state().open.lock().unwrap(), ["t"]);
    for frame in [event(5, 1), quote(5, "q"), event(5, 2)] {
        world.registry.say_frame("t", frame);
    }
    gets(&mut one, &["5-1", "q", "5-2"]).await;
    gets(&mut two, &["5-1", "q", "5-2"]).await;
}

#[tokio::test]
async fn unknown_tokens_are_told_so_and_leave_nothing() {
    let world = World::new();
    let error = world.router.subscribe("no", Topics::ALL.into(), &Caller::local()).await.unwrap_err();
    assert_eq!((error.code(), error.detail()), (Code::InvalidToken, "Client with id no not found"));
    world.registry.state().is_down = true;
    let error = world.router.subscribe("t", Topics::ALL.into(), &Caller::local()).await.unwrap_err();
    assert_eq!(error.code(), Code::ServerBusy);
    assert_eq!(world.router.listened_to(), 0);
}

#[tokio::test]
async fn who_comes_back_hears_what_it_missed_once_and_across_owners() {
    let world = World::new();
    let (old, new) = (world.worker("old").await, world.worker("new").await);
    world.own("t", &old, 5);
    world.registry.state().log = vec![event(5, 1), event(5, 2), event(5, 3)];
    let mut reader = listening(&world, Some("5-1")).await;
    assert!(!reader.is_cut());
    // In the log already, and only heard now.
    world.registry.say_frame("t", event(5, 3));
    world.own("t", &new, 6);
    world.registry.say(&Heard::Changed { token: "t".to_owned() });
    world.registry.say_frame("t", event(6, 1));
    world.registry.say_frame("t", event(5, 4));
    world.registry.say_frame("t", quote(5, "of the old owner"));
    world.registry.say_frame("t", quote(6, "of the new owner"));
    gets(&mut reader, &["5-2", "5-3", "6-1", "of the new owner"]).await;
    world.registry.state().log.extend([event(6, 1)]);
    let mut other = listening(&world, Some("5-3")).await;
    gets(&mut other, &["6-1"]).await;
    assert_eq!(said(&world.router.ask(ask("OpenedOrders", &[("id", "t")])).await), "[\"new\"]");
}

#[tokio::test]
async fn what_is_not_kept_any_more_is_said() {
    let world = World::new();
    let worker = world.worker("a").await;
    world.own("t", &worker, 5);
    world.registry.state().log = vec![event(5, 7)];
    world.registry.state().is_cut = true;
    assert!(listening(&world, Some("5-1")).await.is_cut());
    world.registry.state().is_cut = false;
    // A place of a log that is gone does not silence what comes.
    let mut reader = listening(&world, Some("9-9")).await;
    assert!(reader.is_cut());
    world.registry.say_frame("t", event(5, 8));
    gets(&mut reader, &["5-8"]).await;
    let last = format!("{0}-{0}", u64::MAX);
    let mut reader = listening(&world, Some(&last)).await;
    world.registry.say_frame("t", event(5, 9));
    gets(&mut reader, &["5-9"]).await;
}

#[tokio::test]
async fn a_gap_is_filled_from_the_log_before_what_comes_later() {
    let world = World::new();
    let worker = world.worker("a").await;
    world.own("t", &worker, 5);
    world.registry.state().log = vec![event(5, 1), event(5, 2)];
    let mut reader = listening(&world, None).await;
    world.registry.state().log.extend([event(5, 3), event(5, 4)]);
    world.registry.say(&Heard::Gap);
    world.registry.say_frame("t", event(5, 4));
    world.registry.say_frame("t", event(5, 5));
    gets(&mut reader, &["5-3", "5-4", "5-5"]).await;
    world.registry.state().is_cut = true;
    world.registry.say(&Heard::Gap);
    assert_eq!(next(&mut reader).await, Err(End::Lagged));
    world.registry.state().is_cut = false;
    world.registry.state().log.push(event(5, 5));
    let mut again = listening(&world, Some("5-4")).await;
    gets(&mut again, &["5-5"]).await;
}

#[tokio::test]
async fn readers_of_states_only_are_not_bothered_by_a_gap() {
    let world = World::new();
    let worker = world.worker("a").await;
    world.own("t", &worker, 5);
    let mut quotes = world.router.subscribe("t", Topic::Quote.into(), &Caller::local()).await.unwrap();
    world.registry.state().log = vec![event(5, 1)];
    world.registry.state().is_cut = true;
    world.registry.say_frame("t", event(5, 1));
    world.registry.say(&Heard::Gap);
    world.registry.say_frame("t", quote(5, "after"));
    gets(&mut quotes, &["after"]).await;
    // One who joins after that hears what comes from then on.
    world.registry.state().is_cut = false;
    world.registry.state().log.push(event(5, 2));
    let mut reader = listening(&world, None).await;
    world.registry.state().log.push(event(5, 3));
    world.registry.say(&Heard::Gap);
    gets(&mut reader, &["5-3"]).await;
}

#[tokio::test]
async fn the_end_of_a_session_ends_its_streams() {
    let world = World::new();
    let worker = world.worker("a").await;
    world.own("t", &worker, 5);
    let mut reader = listening(&world, None).await;
    world.registry.say_frame("t", event(5, 1));
    world.registry.end("t");
    gets(&mut reader, &["5-1"]).await;
    assert_eq!(next(&mut reader).await, Err(End::Closed));
    assert!(world.router.subscribe("t", Topics::ALL.into(), &Caller::local()).await.is_err());
    // The token may come to life again.
    world.own("t", &worker, 6);
    let mut reader = listening(&world, None).await;
    world.registry.say_frame("t", event(6, 1));
    gets(&mut reader, &["6-1"]).await;
}

#[tokio::test]
async fn nothing_stays_when_nobody_listens_any_more() {
    let world = World::new();
    let worker = world.worker("a").await;
    world.own("t", &worker, 5);
    let readers = (listening(&world, None).await, listening(&world, None).await);
    let tasks = world.tasks.running();
    drop(readers);
    until("the session is forgotten", || world.router.listened_to() == 0).await;
    until("the ear is closed", || world.registry.state().open.lock().unwrap().is_empty()).await;
    assert_eq!(world.tasks.running(), tasks);
    let mut reader = listening(&world, None).await;
    world.registry.say_frame("t", event(5, 2));
    gets(&mut reader, &["5-2"]).await;
}

#[tokio::test]
async fn stopping_tells_readers_to_come_back_and_leaves_no_task() {
    let world = World::new();
    let mut reader = {
        let worker = world.worker("a").await;
        world.own("t", &worker, 5);
        let reader = listening(&world, None).await;
        worker.stop.cancel();
        reader
    };
    in_time("the end", world.router.shutdown()).await;
    assert_eq!(next(&mut reader).await, Err(End::Moved));
    let error = world.router.subscribe("t", Topics::ALL.into(), &Caller::local()).await.unwrap_err();
    assert_eq!(error.code(), Code::ServerBusy);
    assert!(world.tasks.finish(Duration::from_secs(60)).await);
}

#[tokio::test]
async fn a_router_that_is_dropped_stops() {
    let world = World::new();
    let tasks = world.tasks.clone();
    assert_eq!(tasks.running(), 3);
    assert_eq!(Arc::strong_count(&world.router), 1);
    drop(world);
    until("its tasks end", || tasks.running() == 0).await;
}
