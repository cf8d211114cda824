//! What the registry in memory forgets in time.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test fails by panicking.

use std::time::Duration;

use bus::{Frame, Position, Topic};
use bytes::Bytes;
use registry::{
    AccountName, Events, Fence, Key, Keyed, Keys, MemoryRegistry, Opened, Sessions, WorkerId, Written,
};
use tokio::time::advance;

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn live(registry: &MemoryRegistry, token: &str) -> Fence {
    let (account, owner) = (AccountName::new("account"), WorkerId::new("one"));
    let Opened::Yes(fence) = registry.open(token, &account, &owner, &Bytes::new()).await.unwrap() else {
        panic!("{token} is taken")
    };
    assert_eq!(registry.opened(token, fence, &Bytes::new()).await.unwrap(), Written::Yes);
    fence
}

#[tokio::test(start_paused = true)]
async fn keys_are_kept_for_their_time() {
    let implied = |print: &str| Key::Implied { print: print.to_owned(), attempt: "one".to_owned() };
    let chosen = |name: &str| Key::Chosen(name.to_owned());
    for (old, new, kept) in
        [(chosen("old"), chosen("new"), DAY), (implied("old"), implied("new"), Duration::from_secs(10 * 60))]
    {
        let registry = MemoryRegistry::new();
        let fence = live(&registry, "token").await;
        let open = Keyed::Open { attempt: old.attempt().to_owned() };
        assert_eq!(registry.begin_key("token", fence, &old, "print").await.unwrap(), Keyed::New);
        advance(kept - Duration::from_secs(1)).await;
        assert_eq!(registry.begin_key("token", fence, &new, "print").await.unwrap(), Keyed::New);
        assert_eq!(registry.begin_key("token", fence, &old, "print").await.unwrap(), open);
        advance(Duration::from_secs(2)).await;
        assert_eq!(registry.begin_key("token", fence, &old, "other").await.unwrap(), Keyed::New);
        assert_eq!(registry.begin_key("token", fence, &new, "print").await.unwrap(), open);
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_is_kept_for_a_day_after_its_last_event() {
    let registry = MemoryRegistry::new();
    let fence = live(&registry, "token").await;
    let at = |offset| Position { epoch: fence.0, offset };
    for offset in 1..=2 {
        let event = Frame::new(Topic::OrderUpdate, None, Bytes::from_static(b"{}")).at(at(offset));
        assert_eq!(registry.append("token", fence, &[event], &Bytes::new()).await.unwrap(), Written::Yes);
        advance(DAY - Duration::from_secs(1)).await;
    }
    assert!(!registry.since("token", at(0)).await.unwrap().is_cut);
    advance(Duration::from_secs(2)).await;
    let since = registry.since("token", at(1)).await.unwrap();
    assert_eq!((since.is_cut, since.events.len(), since.end), (true, 0, at(2)));
    assert!(!registry.since("token", at(2)).await.unwrap().is_cut);
}

#[tokio::test]
async fn the_largest_logs_make_room_when_all_are_too_much() {
    let registry = MemoryRegistry::with_log_bytes(100_000);
    let event = |fence: Fence, offset: u64, bytes: usize| {
        Frame::new(Topic::OrderUpdate, None, vec![b'x'; bytes].into()).at(Position { epoch: fence.0, offset })
    };
    let mut fences = Vec::new();
    for (number, bytes) in [10_000, 40_000, 20_000, 25_000].into_iter().enumerate() {
        let token = number.to_string();
        let fence = live(&registry, &token).await;
        let written = registry.append(&token, fence, &[event(fence, 1, bytes)], &Bytes::new()).await.unwrap();
        assert_eq!(written, Written::Yes);
        fences.push(fence);
    }
    let is_cut = async |number: usize| {
        let after = Position { epoch: fences[number].0, offset: 0 };
        registry.since(&number.to_string(), after).await.unwrap().is_cut
    };
    assert!(!is_cut(1).await, "they fit");
    let written =
        registry.append("0", fences[0], &[event(fences[0], 2, 10_000)], &Bytes::new()).await.unwrap();
    assert_eq!(written, Written::Yes);
    let cut = [is_cut(0).await, is_cut(1).await, is_cut(2).await, is_cut(3).await];
    assert_eq!(cut, [false, true, false, false], "the largest goes");
    // What a session had is free when it ends.
    assert_eq!(registry.end("3", fences[3], None).await.unwrap(), Written::Yes);
    for offset in 3..=5 {
        let frame = event(fences[0], offset, 9_000);
        assert_eq!(registry.append("0", fences[0], &[frame], &Bytes::new()).await.unwrap(), Written::Yes);
    }
    assert_eq!([is_cut(0).await, is_cut(2).await], [false, false]);
}
