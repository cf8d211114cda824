//! How many sessions there are.

use std::time::Duration;

use futures_util::future::join_all;
use registry::{Opened, Registry, Written};

use crate::tools::{account, beat, bytes, live, opening, record, worker};

crate::on_both! {
    sessions_count_until_they_have_ended
    each_session_knows_how_many_are_older
    what_comes_back_counts_once
}

async fn numbers(registry: &dyn Registry, tokens: &[&str]) -> Vec<usize> {
    let mut numbers = Vec::new();
    for token in tokens {
        numbers.push(registry.older_sessions(token).await.unwrap());
    }
    numbers
}

async fn sessions_count_until_they_have_ended(registry: &dyn Registry) {
    registry.join(&beat("w1", 0)).await.unwrap();
    assert_eq!(registry.count_sessions().await.unwrap(), 0);
    let one = live(registry, "one", "w1").await;
    let two = opening(registry, "two", "w1").await;
    assert_eq!(registry.count_sessions().await.unwrap(), 2);
    // Whoever takes it over, it is one session.
    let taken = registry.claim("one", &worker("w1"), &worker("w2")).await.unwrap().unwrap().fence;
    assert_eq!(registry.count_sessions().await.unwrap(), 2);
    assert_eq!(registry.end("one", one, None).await.unwrap(), Written::Stale);
    assert_eq!(registry.count_sessions().await.unwrap(), 2);
    let keep = Some(Duration::from_secs(60));
    assert_eq!(registry.end("one", taken, keep).await.unwrap(), Written::Yes);
    assert_eq!(registry.end("two", two, None).await.unwrap(), Written::Yes);
    assert_eq!(registry.count_sessions().await.unwrap(), 0);
    // One that was only opening when its owner died is removed by whoever claims it.
    opening(registry, "three", "w1").await;
    assert_eq!(registry.count_sessions().await.unwrap(), 1);
    registry.claim("three", &worker("w1"), &worker("w2")).await.unwrap().unwrap_err();
    assert_eq!(registry.count_sessions().await.unwrap(), 0);
    // One that is about to be made is not taken for one that has ended.
    live(registry, "one", "w2").await;
    registry.recount_sessions().await.unwrap();
    assert_eq!(registry.count_sessions().await.unwrap(), 1);
}

async fn each_session_knows_how_many_are_older(registry: &dyn Registry) {
    let tokens: Vec<String> = (0..20).map(|number| format!("t{number}")).collect();
    let all = join_all(tokens.iter().map(|token| opening(registry, token, "w1"))).await;
    let mut older = join_all(tokens.iter().map(|token| registry.older_sessions(token))).await;
    older.sort_unstable_by_key(|number| *number.as_ref().unwrap());
    let older: Vec<usize> = older.into_iter().map(Result::unwrap).collect();
    assert_eq!(older, (0..20).collect::<Vec<_>>(), "no two have the same place");
    assert_eq!(registry.older_sessions("none").await.unwrap(), 0);
    for (token, fence) in tokens.iter().zip(all) {
        assert_eq!(registry.end(token, fence, None).await.unwrap(), Written::Yes);
    }
    live(registry, "first", "w1").await;
    assert_eq!(numbers(registry, &["first", "t0"]).await, [0, 0]);
}

async fn what_comes_back_counts_once(registry: &dyn Registry) {
    registry.join(&beat("w1", 0)).await.unwrap();
    live(registry, "one", "w1").await;
    let known = record(registry, "one").await;
    let keep = Some(Duration::from_secs(60));
    assert_eq!(registry.end("one", known.fence, keep).await.unwrap(), Written::Yes);
    registry.bring_back("two", &known, &worker("w1")).await.unwrap().unwrap();
    registry.bring_back("two", &known, &worker("w1")).await.unwrap();
    assert_eq!(registry.count_sessions().await.unwrap(), 1);
    let again = registry.open("one", &account("account"), &worker("w1"), &bytes("sealed")).await.unwrap();
    assert!(matches!(again, Opened::Yes(_)));
    assert_eq!(registry.count_sessions().await.unwrap(), 2);
    assert_eq!(numbers(registry, &["two", "one"]).await, [0, 1]);
}
