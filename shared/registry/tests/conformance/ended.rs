//! What is left of sessions that have ended is bounded, by their number and by their bytes.

use std::time::Duration;

use bytes::Bytes;
use registry::{EndedMax, Key, Keyed, MemoryRegistry, Opened, Registry, Written};
use testkit::pause;

use crate::tools::{account, bytes, cluster, live, redis, worker};

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Opens a session that is remembered by so many bytes, and ends it.
async fn ended(registry: &dyn Registry, token: &str, sealed: usize, keep: Duration) {
    let fence = live(registry, token, "one").await;
    let key = Key::Chosen("key".to_owned());
    registry.begin_key(token, fence, &key, "print").await.unwrap();
    let sealed = Bytes::from(vec![b'x'; sealed]);
    assert_eq!(registry.reseal(token, fence, &sealed).await.unwrap(), Written::Yes);
    assert_eq!(registry.end(token, fence, Some(keep)).await.unwrap(), Written::Yes);
    // The order of those that end in one millisecond is not promised.
    pause(Duration::from_millis(2)).await;
}

/// Which of the sessions with these numbers are known.
async fn known(registry: &dyn Registry, numbers: std::ops::Range<usize>) -> Vec<usize> {
    let mut known = Vec::new();
    for number in numbers {
        if registry.record(&format!("token {number}")).await.unwrap().is_some() {
            known.push(number);
        }
    }
    let listed = registry.tokens_of(&account("account")).await.unwrap();
    assert_eq!(listed.len(), known.len(), "{listed:?}");
    known
}

async fn so_many_are_kept(registry: &dyn Registry) {
    for number in 0..20 {
        let keep = if number % 2 == 0 { WEEK } else { DAY };
        ended(registry, &format!("token {number}"), 10, keep).await;
    }
    assert_eq!(known(registry, 0..20).await, [17, 18, 19]);

    // One that lives again does not count, and is not taken away; its keys are its own.
    let own = (account("account"), worker("one"), bytes("sealed"));
    let Opened::Yes(fence) = registry.open("token 17", &own.0, &own.1, &own.2).await.unwrap() else {
        panic!("it is taken")
    };
    let key = Key::Chosen("key".to_owned());
    assert!(matches!(registry.begin_key("token 17", fence, &key, "other").await.unwrap(), Keyed::Other));
    for number in 20..25 {
        ended(registry, &format!("token {number}"), 10, DAY).await;
    }
    assert_eq!(known(registry, 16..25).await, [17, 22, 23, 24]);
    // What is forgotten is forgotten with its keys.
    let fence = live(registry, "token 3", "one").await;
    assert_eq!(registry.begin_key("token 3", fence, &key, "other").await.unwrap(), Keyed::New);
}

async fn so_many_bytes_are_kept(registry: &dyn Registry) {
    for number in 0..12 {
        ended(registry, &format!("token {number}"), 20_000, WEEK).await;
    }
    let kept = known(registry, 0..12).await;
    assert!((1..=3).contains(&kept.len()) && kept.last() == Some(&11), "{kept:?}");
}

const FEW: EndedMax = EndedMax { sessions: 3, bytes: usize::MAX };
const SMALL: EndedMax = EndedMax { sessions: 1_000, bytes: 64 * 1024 };

#[tokio::test]
async fn ended_sessions_are_bounded_in_memory() {
    so_many_are_kept(&MemoryRegistry::new().with_ended_max(FEW)).await;
    so_many_bytes_are_kept(&MemoryRegistry::new().with_ended_max(SMALL)).await;
}

#[tokio::test]
async fn ended_sessions_are_bounded_in_redis() {
    let (server, registry) = redis().await;
    so_many_are_kept(&registry.with_ended_max(FEW)).await;
    let (_, registry) = redis().await;
    so_many_bytes_are_kept(&registry.with_ended_max(SMALL)).await;
    drop(server);
}

#[tokio::test]
async fn ended_sessions_are_bounded_in_a_cluster() {
    let (servers, registry) = cluster().await;
    so_many_are_kept(&registry.with_ended_max(FEW)).await;
    let (_, registry) = cluster().await;
    so_many_bytes_are_kept(&registry.with_ended_max(SMALL)).await;
    drop(servers);
}
