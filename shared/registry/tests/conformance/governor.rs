//! The login governor.

use std::time::Duration;

use futures_util::future::join_all;
use registry::{Limits, LoginPass, Registry, Slot};
use testkit::eventually;

use crate::tools::account;

crate::on_both! {
    an_account_has_so_many_logins
    a_broker_has_so_many_logins_and_a_refusal_counts_nothing
    what_was_used_comes_back
    a_password_that_was_refused_too_often_is_barred
    refusals_are_forgotten
    of_many_who_ask_at_once_only_the_burst_may
    operators_see_logins_of_late
}

/// So slow that nothing comes back during a test.
const SLOW: Limits = Limits {
    broker_per_second: 1,
    broker_burst: 1_000,
    account_per_minute: 1,
    account_burst: 3,
    refusals_max: 3,
    refusals_kept: Duration::from_secs(600),
};

fn pass(name: &str) -> LoginPass {
    LoginPass { broker: "broker".to_owned(), account: account(name), password: "first".to_owned() }
}

async fn login(registry: &dyn Registry, name: &str, limits: &Limits) -> Slot {
    registry.login(&pass(name), limits).await.unwrap()
}

async fn an_account_has_so_many_logins(registry: &dyn Registry) {
    for _ in 0..3 {
        assert_eq!(login(registry, "one", &SLOW).await, Slot::Go);
    }
    for _ in 0..2 {
        let Slot::Wait(time) = login(registry, "one", &SLOW).await else { panic!("too many logins") };
        assert!(time > Duration::from_secs(30) && time <= Duration::from_secs(60), "{time:?}");
    }
    assert_eq!(login(registry, "two", &SLOW).await, Slot::Go);
}

async fn a_broker_has_so_many_logins_and_a_refusal_counts_nothing(registry: &dyn Registry) {
    let mut limits = Limits { broker_burst: 2, account_burst: 1, ..SLOW };
    // A second is enough for a slow machine to be given another login: far less often, then.
    limits.broker_per_second = 1;
    assert_eq!(login(registry, "one", &limits).await, Slot::Go);
    assert_eq!(login(registry, "two", &limits).await, Slot::Go);
    let three = login(registry, "three", &limits).await;
    if let Slot::Wait(time) = three {
        assert!(time <= Duration::from_secs(1), "{time:?}");
        // What the account had was given back: it may, as soon as the broker may.
        eventually("the broker may again", async || {
            (login(registry, "three", &limits).await == Slot::Go).then_some(())
        })
        .await;
    }
    let elsewhere = LoginPass { broker: "elsewhere".to_owned(), ..pass("four") };
    assert_eq!(registry.login(&elsewhere, &limits).await.unwrap(), Slot::Go);
}

async fn what_was_used_comes_back(registry: &dyn Registry) {
    let limits = Limits { account_per_minute: 600, account_burst: 1, ..SLOW };
    assert_eq!(login(registry, "one", &limits).await, Slot::Go);
    eventually("it comes back", async || (login(registry, "one", &limits).await == Slot::Go).then_some(()))
        .await;
}

async fn a_password_that_was_refused_too_often_is_barred(registry: &dyn Registry) {
    let limits = Limits { account_burst: 100, ..SLOW };
    let first = pass("one");
    for count in 1..=3 {
        assert_eq!(registry.login(&first, &limits).await.unwrap(), Slot::Go);
        assert_eq!(registry.refused(&first, &limits).await.unwrap(), count);
    }
    assert_eq!(registry.login(&first, &limits).await.unwrap(), Slot::Barred(3));
    let second = LoginPass { password: "second".to_owned(), ..first.clone() };
    assert_eq!(registry.login(&second, &limits).await.unwrap(), Slot::Go);
    assert_eq!(registry.login(&pass("two"), &limits).await.unwrap(), Slot::Go);
    // Another password than the last begins anew.
    assert_eq!(registry.refused(&second, &limits).await.unwrap(), 1);
    assert_eq!(registry.login(&first, &limits).await.unwrap(), Slot::Go);
    assert_eq!(registry.refused(&first, &limits).await.unwrap(), 1);
}

async fn refusals_are_forgotten(registry: &dyn Registry) {
    let limits = Limits { account_burst: 1_000_000, ..SLOW };
    for count in 1..=2 {
        assert_eq!(registry.refused(&pass("one"), &limits).await.unwrap(), count);
    }
    registry.accepted(&pass("one")).await.unwrap();
    registry.accepted(&pass("nobody")).await.unwrap();
    assert_eq!(registry.refused(&pass("one"), &limits).await.unwrap(), 1);
    let short = Limits { refusals_kept: Duration::from_millis(80), ..limits };
    for count in 1..=3 {
        assert!(registry.refused(&pass("two"), &short).await.unwrap() <= count);
    }
    eventually("it may be tried again", async || {
        (login(registry, "two", &short).await == Slot::Go).then_some(())
    })
    .await;
    assert_eq!(registry.refused(&pass("two"), &short).await.unwrap(), 1);
}

async fn of_many_who_ask_at_once_only_the_burst_may(registry: &dyn Registry) {
    let answers = join_all((0..16).map(|_| login(registry, "one", &SLOW))).await;
    assert_eq!(answers.iter().filter(|answer| **answer == Slot::Go).count(), 3);
}

async fn operators_see_logins_of_late(registry: &dyn Registry) {
    assert_eq!(registry.logins(&SLOW).await.unwrap(), []);
    let elsewhere = LoginPass { broker: "elsewhere".to_owned(), ..pass("one") };
    for pass in [&pass("one"), &elsewhere, &pass("two")] {
        assert_eq!(registry.login(pass, &SLOW).await.unwrap(), Slot::Go);
    }
    registry.refused(&pass("two"), &SLOW).await.unwrap();
    let mut states = registry.logins(&SLOW).await.unwrap();
    states.sort_by(|one, other| one.name.cmp(&other.name));
    let seen: Vec<_> =
        states.iter().map(|state| (state.name.as_str(), state.is_account, state.refusals)).collect();
    assert_eq!(seen, [("broker", false, 0), ("elsewhere", false, 0), ("one", true, 0), ("two", true, 1)]);
    assert_eq!((states[2].free, states[3].free), (1, 2));
    assert!((998..=1_000).contains(&states[0].free), "{states:?}");
    for number in 0..300 {
        let pass = LoginPass { broker: format!("b{number}"), ..pass(&format!("a{number}")) };
        assert_eq!(registry.login(&pass, &SLOW).await.unwrap(), Slot::Go);
    }
    assert_eq!(registry.logins(&SLOW).await.unwrap().len(), 400);
}
