//! Sessions.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use registry::{Fence, Opened, Record, Registry, Routed, SessionState, Unclaimed, Written};
use testkit::eventually;

use crate::tools::{account, at, beat, bytes, events, live, opening, record, worker};

crate::on_both! {
    a_session_is_made_once_and_known_whole
    a_fence_is_the_clock_at_first_and_grows_always
    strange_tokens_are_tokens
    calls_are_routed_to_the_owner
    a_session_that_was_only_opening_is_nothing_without_its_owner
    a_claim_compares_the_owner
    of_many_who_claim_one_gets_it
    the_owner_gives_its_session
    a_stale_fence_writes_nothing
    an_ended_session_keeps_its_login_data_for_a_while
    without_keeping_only_the_fence_stays
    login_data_of_ended_sessions_are_forgotten
    a_forgotten_session_is_brought_back
    who_knows_a_higher_fence_takes_a_session_that_was_brought_back
    tokens_are_found_by_account_and_by_worker
    an_account_is_connected_in_turns
}

async fn a_session_is_made_once_and_known_whole(registry: &dyn Registry) {
    assert_eq!(registry.record("token").await.unwrap(), None);
    registry.join(&beat("one", 0)).await.unwrap();
    let fence = opening(registry, "token", "one").await;
    let mut expected = Record {
        account: account("account"),
        owner: worker("one"),
        fence,
        state: SessionState::Opening,
        sealed: bytes("sealed"),
        memo: bytes(""),
    };
    assert_eq!(record(registry, "token").await, expected);
    for _ in 0..2 {
        let again = registry.open("token", &account("other"), &worker("two"), &bytes("x")).await.unwrap();
        assert_eq!(again, Opened::Taken);
        assert_eq!(registry.opened("token", fence, &bytes("memo")).await.unwrap(), Written::Yes);
    }
    assert_eq!(registry.opened("token", fence, &bytes("earlier")).await.unwrap(), Written::Yes);
    assert_eq!(record(registry, "token").await.memo, bytes("memo"), "what is there is the later one");
    assert_eq!(registry.save("token", fence, &bytes("\0\u{ff}later")).await.unwrap(), Written::Yes);
    assert_eq!(registry.reseal("token", fence, &bytes("anew")).await.unwrap(), Written::Yes);
    expected.state = SessionState::Live;
    (expected.sealed, expected.memo) = (bytes("anew"), bytes("\0\u{ff}later"));
    assert_eq!(record(registry, "token").await, expected);
}

async fn a_fence_is_the_clock_at_first_and_grows_always(registry: &dyn Registry) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let first = live(registry, "token", "one").await;
    assert!(u128::from(first.0).abs_diff(now) < 600_000, "{first} is far from {now}");
    let mut last = first;
    for _ in 0..5 {
        let claimed = registry.reclaim("token", &worker("one"), &worker("one")).await.unwrap().unwrap();
        assert!(claimed.fence > last);
        last = registry.give("token", claimed.fence, &worker("one"), &bytes("")).await.unwrap().unwrap();
        assert!(last > claimed.fence);
    }
    for keep in [None, Some(Duration::from_secs(60))] {
        assert_eq!(registry.end("token", last, keep).await.unwrap(), Written::Yes);
        let next = live(registry, "token", "one").await;
        assert!(next > last, "the fence does not outlive the session");
        last = next;
    }
}

async fn strange_tokens_are_tokens(registry: &dyn Registry) {
    registry.join(&beat("{}", 0)).await.unwrap();
    for token in ["", "{", "}", "a}b{c", "%7D", "%", "ünï", "a b\nc", "workers"] {
        let fence = live(registry, token, "{}").await;
        assert_eq!(
            registry.append(token, fence, &events(fence, 1..=1), &bytes("")).await.unwrap(),
            Written::Yes
        );
        assert_eq!(registry.since(token, at(fence, 0)).await.unwrap().events.len(), 1);
        assert!(matches!(registry.route(token).await.unwrap(), Routed::At { .. }));
    }
    assert_eq!(registry.tokens_at(&worker("{}"), 100).await.unwrap().len(), 9);
    assert_eq!(registry.tokens_of(&account("account")).await.unwrap().len(), 9);
}

async fn calls_are_routed_to_the_owner(registry: &dyn Registry) {
    assert_eq!(registry.route("token").await.unwrap(), Routed::Nowhere);
    for id in ["one", "two"] {
        registry.join(&beat(id, 0)).await.unwrap();
    }
    let fence = live(registry, "token", "one").await;
    let to_one = Routed::At { worker: worker("one"), address: "one:80".to_owned(), fence };
    assert_eq!(registry.route("token").await.unwrap(), to_one);
    registry.leave(&worker("one")).await.unwrap();
    assert_eq!(registry.route("token").await.unwrap(), Routed::Orphan { owner: worker("one") });
    let claimed = registry.claim("token", &worker("one"), &worker("two")).await.unwrap().unwrap();
    let to_two = Routed::At { worker: worker("two"), address: "two:80".to_owned(), fence: claimed.fence };
    assert_eq!(registry.route("token").await.unwrap(), to_two);
    assert_eq!(
        registry.end("token", claimed.fence, Some(Duration::from_secs(60))).await.unwrap(),
        Written::Yes
    );
    assert_eq!(registry.route("token").await.unwrap(), Routed::Nowhere);
}

async fn a_session_that_was_only_opening_is_nothing_without_its_owner(registry: &dyn Registry) {
    for id in ["one", "two"] {
        registry.join(&beat(id, 0)).await.unwrap();
    }
    let fence = opening(registry, "token", "one").await;
    assert!(matches!(registry.route("token").await.unwrap(), Routed::At { .. }));
    registry.leave(&worker("one")).await.unwrap();
    assert_eq!(registry.route("token").await.unwrap(), Routed::Nowhere);
    let claimed = registry.claim("token", &worker("one"), &worker("two")).await.unwrap();
    assert_eq!(claimed, Err(Unclaimed::Gone));
    assert_eq!(registry.record("token").await.unwrap(), None);
    assert_eq!(registry.tokens_at(&worker("one"), 10).await.unwrap(), [""; 0]);
    let again = opening(registry, "token", "two").await;
    assert!(again > fence);
    // Nobody needs to claim it before the token is used anew.
    registry.leave(&worker("two")).await.unwrap();
    registry.join(&beat("three", 0)).await.unwrap();
    assert!(opening(registry, "token", "three").await > again);
}

async fn a_claim_compares_the_owner(registry: &dyn Registry) {
    let gone = registry.claim("token", &worker("one"), &worker("two")).await.unwrap();
    assert_eq!(gone, Err(Unclaimed::Gone));
    let fence = live(registry, "token", "one").await;
    let other = registry.claim("token", &worker("three"), &worker("two")).await.unwrap();
    assert_eq!(other, Err(Unclaimed::Other));
    let claimed = registry.claim("token", &worker("one"), &worker("two")).await.unwrap().unwrap();
    assert!(claimed.fence > fence);
    assert_eq!((&claimed.owner, &claimed.memo), (&worker("two"), &bytes("memo")));
    assert_eq!(record(registry, "token").await, claimed);
    let late = registry.claim("token", &worker("one"), &worker("three")).await.unwrap();
    assert_eq!(late, Err(Unclaimed::Other));
    assert_eq!(
        registry.end("token", claimed.fence, Some(Duration::from_secs(60))).await.unwrap(),
        Written::Yes
    );
    let ended = registry.claim("token", &worker("two"), &worker("three")).await.unwrap();
    assert_eq!(ended, Err(Unclaimed::Gone));
}

async fn of_many_who_claim_one_gets_it(registry: &dyn Registry) {
    let fence = live(registry, "token", "dead").await;
    let claimers: Vec<_> = (0..16).map(|number| worker(&format!("w{number}"))).collect();
    let dead = worker("dead");
    let claims = claimers.iter().map(|to| registry.claim("token", &dead, to));
    let results = futures_util::future::join_all(claims.collect::<Vec<_>>()).await;
    let won: Vec<_> = results.into_iter().filter_map(|result| result.unwrap().ok()).collect();
    assert_eq!(won.len(), 1, "{won:?}");
    assert_eq!(won[0].fence, Fence(fence.0 + 1));
    assert_eq!(record(registry, "token").await, won[0]);
    assert!(registry.tokens_at(&won[0].owner, 10).await.unwrap().contains(&"token".to_owned()));
}

async fn the_owner_gives_its_session(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    let given = registry.give("token", fence, &worker("two"), &bytes("last")).await.unwrap().unwrap();
    assert!(given > fence);
    let now = record(registry, "token").await;
    assert_eq!((now.owner, now.fence, now.memo), (worker("two"), given, bytes("last")));
    assert_eq!(registry.give("token", fence, &worker("three"), &bytes("x")).await.unwrap(), None);
    assert_eq!(registry.give("none", fence, &worker("three"), &bytes("x")).await.unwrap(), None);
    assert_eq!(registry.tokens_at(&worker("one"), 10).await.unwrap(), [""; 0]);
    assert_eq!(registry.tokens_at(&worker("two"), 10).await.unwrap(), ["token"]);
}

async fn a_stale_fence_writes_nothing(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    let claimed = registry.claim("token", &worker("one"), &worker("two")).await.unwrap().unwrap();
    for (token, wrong) in [("token", fence), ("token", Fence(claimed.fence.0 + 1)), ("none", fence)] {
        let text = bytes("wrong");
        assert_eq!(registry.opened(token, wrong, &text).await.unwrap(), Written::Stale);
        assert_eq!(registry.save(token, wrong, &text).await.unwrap(), Written::Stale);
        assert_eq!(registry.reseal(token, wrong, &text).await.unwrap(), Written::Stale);
        assert_eq!(registry.end(token, wrong, None).await.unwrap(), Written::Stale);
    }
    assert_eq!(record(registry, "token").await, claimed);
    let asked =
        [("token".to_owned(), fence), ("token".to_owned(), claimed.fence), ("none".to_owned(), fence)];
    assert_eq!(registry.verify(&asked).await.unwrap(), [false, true, false]);
    assert_eq!(
        registry.end("token", claimed.fence, Some(Duration::from_secs(60))).await.unwrap(),
        Written::Yes
    );
    assert_eq!(registry.verify(&asked).await.unwrap(), [false, false, false]);
    assert_eq!(registry.end("token", claimed.fence, None).await.unwrap(), Written::Stale);
}

async fn an_ended_session_keeps_its_login_data_for_a_while(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    let mut known = record(registry, "token").await;
    assert_eq!(registry.end("token", fence, Some(Duration::from_millis(300))).await.unwrap(), Written::Yes);
    (known.state, known.memo) = (SessionState::Ended, bytes(""));
    assert_eq!(record(registry, "token").await, known);
    assert_eq!(registry.tokens_of(&account("account")).await.unwrap(), ["token"]);
    assert_eq!(registry.tokens_at(&worker("one"), 10).await.unwrap(), [""; 0]);
    eventually("they are forgotten", async || {
        registry.record("token").await.unwrap().is_none().then_some(())
    })
    .await;
    assert!(live(registry, "token", "one").await > fence);
}

async fn without_keeping_only_the_fence_stays(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    assert_eq!(registry.end("token", fence, None).await.unwrap(), Written::Yes);
    assert_eq!(registry.record("token").await.unwrap(), None);
    assert_eq!(registry.tokens_of(&account("account")).await.unwrap(), [""; 0]);
    assert!(live(registry, "token", "one").await > fence);
}

async fn login_data_of_ended_sessions_are_forgotten(registry: &dyn Registry) {
    let keep = Some(Duration::from_secs(60));
    let ended = live(registry, "ended", "one").await;
    assert_eq!(registry.end("ended", ended, keep).await.unwrap(), Written::Yes);
    live(registry, "live", "one").await;
    let opened = registry.open("other", &account("other"), &worker("one"), &bytes("x")).await.unwrap();
    let Opened::Yes(other) = opened else { panic!("taken") };
    assert_eq!(registry.end("other", other, keep).await.unwrap(), Written::Yes);

    registry.forget_ended(&account("account")).await.unwrap();
    assert_eq!(registry.record("ended").await.unwrap(), None);
    assert!(
        registry.record("live").await.unwrap().is_some() && registry.record("other").await.unwrap().is_some()
    );
    assert!(live(registry, "ended", "one").await > ended);
}

fn known(fence: u64) -> Record {
    Record {
        account: account("account"),
        owner: worker("before"),
        fence: Fence(fence),
        state: SessionState::Live,
        sealed: bytes("sealed"),
        memo: bytes("memo"),
    }
}

async fn a_forgotten_session_is_brought_back(registry: &dyn Registry) {
    // A fence that is ahead of the registry's clock, as after a clock was set back.
    let ahead = known(9_000_000_000_000);
    let fence = registry.bring_back("token", &ahead, &worker("one")).await.unwrap().unwrap();
    assert!(fence > ahead.fence);
    let expected = Record { owner: worker("one"), fence, ..ahead.clone() };
    assert_eq!(record(registry, "token").await, expected);
    assert_eq!(registry.tokens_at(&worker("one"), 10).await.unwrap(), ["token"]);
    assert_eq!(registry.tokens_of(&account("account")).await.unwrap(), ["token"]);
    // The answer may have been lost: asking again is no harm, for the same one.
    assert_eq!(registry.bring_back("token", &ahead, &worker("one")).await.unwrap(), Some(fence));
    assert_eq!(registry.bring_back("token", &ahead, &worker("two")).await.unwrap(), None);
    // What exists otherwise is left alone.
    let own = live(registry, "opened", "one").await;
    assert_eq!(registry.bring_back("opened", &ahead, &worker("two")).await.unwrap(), None);
    assert_eq!(registry.end("opened", own, None).await.unwrap(), Written::Yes);
    assert_eq!(registry.bring_back("opened", &ahead, &worker("two")).await.unwrap(), None);
}

async fn who_knows_a_higher_fence_takes_a_session_that_was_brought_back(registry: &dyn Registry) {
    let left_behind = registry.bring_back("token", &known(5), &worker("one")).await.unwrap().unwrap();
    assert!(left_behind.0 > 1_000_000_000_000, "not the clock");
    assert_eq!(registry.bring_back("token", &known(4), &worker("two")).await.unwrap(), None);
    let taken = registry.bring_back("token", &known(6), &worker("two")).await.unwrap().unwrap();
    assert!(taken > left_behind);
    assert_eq!(record(registry, "token").await.owner, worker("two"));
    assert_eq!(registry.save("token", left_behind, &bytes("x")).await.unwrap(), Written::Stale);
    assert_eq!(registry.bring_back("token", &known(5), &worker("one")).await.unwrap(), None);
    // One that was ended meanwhile stays so.
    assert_eq!(registry.end("token", taken, None).await.unwrap(), Written::Yes);
    assert_eq!(registry.bring_back("token", &known(7), &worker("three")).await.unwrap(), None);
}

async fn tokens_are_found_by_account_and_by_worker(registry: &dyn Registry) {
    for token in ["a", "b", "c"] {
        live(registry, token, "one").await;
    }
    let mut tokens = registry.tokens_of(&account("account")).await.unwrap();
    tokens.sort();
    assert_eq!(tokens, ["a", "b", "c"]);
    assert_eq!(registry.tokens_of(&account("nobody")).await.unwrap(), [""; 0]);
    assert_eq!(registry.tokens_at(&worker("one"), 2).await.unwrap().len(), 2);
    assert_eq!(registry.tokens_at(&worker("one"), 0).await.unwrap(), [""; 0]);
    registry.unlist("b", &worker("one")).await.unwrap();
    let mut listed = registry.tokens_at(&worker("one"), 10).await.unwrap();
    listed.sort();
    assert_eq!(listed, ["a", "c"]);
    assert_eq!(record(registry, "b").await.owner, worker("one"));
    registry.claim("a", &worker("one"), &worker("two")).await.unwrap().unwrap();
    assert_eq!(registry.tokens_at(&worker("one"), 10).await.unwrap(), ["c"]);
    assert_eq!(registry.tokens_at(&worker("two"), 10).await.unwrap(), ["a"]);
}

async fn an_account_is_connected_in_turns(registry: &dyn Registry) {
    let (one, other, ttl) = (account("one"), account("other"), Duration::from_secs(60));
    assert!(registry.lock(&one, "first", ttl).await.unwrap());
    assert!(registry.lock(&other, "second", Duration::from_millis(60)).await.unwrap());
    assert!(!registry.lock(&one, "second", ttl).await.unwrap());
    registry.unlock(&one, "second").await.unwrap();
    assert!(!registry.lock(&one, "second", ttl).await.unwrap(), "somebody else gave the turn back");
    assert!(registry.lock(&one, "first", ttl).await.unwrap(), "the holder may ask again");
    registry.unlock(&one, "first").await.unwrap();
    assert!(registry.lock(&one, "second", ttl).await.unwrap());
    eventually("the turn runs out", async || {
        registry.lock(&other, "third", ttl).await.unwrap().then_some(())
    })
    .await;
}
