use registry::{AccountName, Events as _, MemoryRegistry, Opened, Sessions as _, WorkerId};

use super::*;
use crate::lease::Lease;

/// A session in a registry whose logs have so many bytes.
async fn scribe(log_bytes: usize) -> (MemoryRegistry, Scribe) {
    let registry = MemoryRegistry::with_log_bytes(log_bytes);
    let (account, owner) = (AccountName::new("account"), WorkerId::new("one"));
    let opened = registry.open("token", &account, &owner, &Bytes::new()).await.unwrap();
    let Opened::Yes(fence) = opened else { panic!("it is taken") };
    let standing = Standing::new(Lease::unending(), Rank::Owner, fence);
    let (shared, fanout) = (Arc::new(registry.clone()), Arc::new(Fanout::new()));
    (registry, Scribe::new("token".into(), shared, Tasks::new(), standing, fanout))
}

/// Events wait that nobody writes meanwhile.
fn wait(scribe: &Scribe, count: usize) {
    scribe.backlog().is_writing = true;
    for number in 0..count {
        let event = Event { before: number.to_string().into(), ..Event::default() };
        scribe.event(event, Bytes::new());
    }
}

#[tokio::test]
async fn what_was_written_and_cut_at_once_is_not_written_again() {
    for log_bytes in [0, 1 << 20] {
        let (registry, scribe) = scribe(log_bytes).await;
        wait(&scribe, 3);
        let fence = scribe.standing().fence();
        // It is done, but its answer is lost.
        let (frames, memo) = scribe.events(3, fence);
        assert_eq!(registry.append("token", fence, &frames, &memo).await.unwrap(), Written::Yes);
        wait(&scribe, 2);
        let Attempt::Done(places) = scribe.write(5, true).await else { panic!("it is tried for ever") };
        assert_eq!(places, frames.iter().map(|frame| frame.at).collect::<Vec<_>>());
        scribe.backlog().take(places.len());
        let Attempt::Done(places) = scribe.write(2, true).await else { panic!("it is tried for ever") };
        assert_eq!(places.iter().map(|at| at.offset).collect::<Vec<_>>(), [4, 5]);
    }
}

#[test]
fn only_what_stands_behind_the_last_place_was_written() {
    let at = |epoch, offset| Position { epoch, offset };
    assert_eq!(places_after(at(5, 3), at(5, 3), 9), []);
    assert_eq!(places_after(at(5, 3), at(5, 5), 9), [at(5, 4), at(5, 5)]);
    assert_eq!(places_after(at(5, 3), at(6, 1), 9), [at(6, 1)]);
    assert_eq!(places_after(at(5, 3), at(6, 0), 9), [], "a log that began anew");
    assert_eq!(places_after(at(5, 3), at(4, 7), 9), []);
    assert_eq!(places_after(at(5, 0), at(5, u64::MAX), 2), [at(5, 1), at(5, 2)]);
}
