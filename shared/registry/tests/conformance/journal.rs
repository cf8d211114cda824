//! Journal and idempotency keys.

use futures_util::future::join_all;
use registry::{CallOutcome, Entry, Fence, Key, Keyed, Opened, Record, Registry, SessionState, Written};

use crate::tools::{LONG, account, bytes, live, worker};

crate::on_both! {
    a_request_is_open_until_it_is_settled
    a_later_word_replaces_an_earlier_one
    what_is_settled_first_is_not_begun_any_more
    settled_requests_are_kept_up_to_a_number
    outcomes_are_kept_up_to_so_many_bytes
    the_journal_outlives_its_owner_and_not_its_session
    the_journal_refuses_a_stale_fence
    a_key_goes_from_new_over_open_to_done
    a_key_of_a_dead_owner_is_new_only_if_nothing_was_sent
    what_is_known_under_a_key_is_not_forgotten
    under_a_key_stands_what_came_of_its_last_request
    a_key_is_of_one_call
    a_freed_key_is_new
    keys_refuse_a_stale_fence
    of_many_who_begin_a_key_one_is_new
    a_session_has_so_many_keys
    the_keys_of_a_session_have_so_many_bytes
    a_journal_counts_on_when_its_session_is_brought_back
    an_implied_key_is_of_one_attempt
    what_is_said_of_an_earlier_attempt_does_not_reach_a_later_one
    an_implied_key_outlives_its_owner
    implied_keys_are_counted_by_themselves
    a_token_of_another_account_begins_without_keys
}

fn entry(number: u32, key: Option<&str>) -> Entry {
    of_call(number, key.map(chosen))
}

fn of_call(number: u32, key: Option<Key>) -> Entry {
    Entry { number, key, request: bytes(&format!("request \0{number}")) }
}

fn chosen(name: &str) -> Key {
    Key::Chosen(name.to_owned())
}

fn implied(print: &str, attempt: &str) -> Key {
    Key::Implied { print: print.to_owned(), attempt: attempt.to_owned() }
}

fn open(attempt: &str) -> Keyed {
    Keyed::Open { attempt: attempt.to_owned() }
}

fn done(attempt: &str, outcome: &str) -> Keyed {
    Keyed::Done { outcome: bytes(outcome), attempt: attempt.to_owned() }
}

/// What came of the call of a key, and is known.
fn told(outcome: &str) -> CallOutcome {
    CallOutcome { text: bytes(outcome), is_known: true, number: None }
}

async fn begun(registry: &dyn Registry, fence: Fence, entries: &[Entry]) {
    for entry in entries {
        assert_eq!(registry.begin("token", fence, entry).await.unwrap(), Written::Yes);
    }
}

async fn settled(registry: &dyn Registry, fence: Fence, number: u32, outcome: &str) {
    let written = registry.settle("token", fence, number, &bytes(outcome)).await.unwrap();
    assert_eq!(written, Written::Yes);
}

async fn a_request_is_open_until_it_is_settled(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    let entries = [entry(1, None), entry(2, Some("key")), entry(3, Some("")), entry(10, None)];
    begun(registry, fence, &entries).await;
    assert_eq!(registry.unsettled("token").await.unwrap(), entries);
    settled(registry, fence, 2, "done").await;
    settled(registry, fence, 99, "of nothing").await;
    let open = [entries[0].clone(), entries[2].clone(), entries[3].clone()];
    assert_eq!(registry.unsettled("token").await.unwrap(), open);
    let journal = registry.journal("token").await.unwrap();
    assert_eq!(journal.iter().map(|(number, ..)| *number).collect::<Vec<_>>(), [1, 2, 3, 10]);
    assert_eq!(journal[1], (2, bytes(""), Some(bytes("done"))));
    assert_eq!(journal[0].2, None);
    assert_eq!(registry.journal("none").await.unwrap(), []);
    assert_eq!(registry.unsettled("none").await.unwrap(), []);
}

async fn a_later_word_replaces_an_earlier_one(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    begun(registry, fence, &[entry(1, None), entry(2, None)]).await;
    for word in ["unknown", "filled"] {
        settled(registry, fence, 1, word).await;
    }
    let journal = registry.journal("token").await.unwrap();
    assert_eq!(journal[0], (1, bytes(""), Some(bytes("filled"))));
    assert_eq!(journal.len(), 2);
}

async fn what_is_settled_first_is_not_begun_any_more(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    assert_eq!(key(registry, fence, "key").await, Keyed::New);
    for _ in 0..2 {
        settled(registry, fence, 11, "not_sent").await;
    }
    for late in [entry(11, Some("key")), entry(11, None)] {
        assert!(registry.begin("token", fence, &late).await.is_err());
    }
    begun(registry, fence, &[entry(1, None), entry(111, None)]).await;
    assert_eq!(registry.unsettled("token").await.unwrap(), [entry(1, None), entry(111, None)]);
    let next = registry.claim("token", &worker("one"), &worker("two")).await.unwrap().unwrap().fence;
    assert_eq!(key(registry, next, "key").await, Keyed::New, "nothing was sent under it");
    // As many are remembered as may be under way.
    for number in 1_000..1_256 {
        settled(registry, next, number, "not_sent").await;
    }
    assert!(registry.begin("token", next, &entry(1_000, None)).await.is_err());
    begun(registry, next, &[entry(11, None)]).await;
}

async fn settled_requests_are_kept_up_to_a_number(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    begun(registry, fence, &[entry(1, None)]).await;
    for number in 2..=1_030 {
        begun(registry, fence, &[entry(number, None)]).await;
        settled(registry, fence, number, "done").await;
    }
    let journal = registry.journal("token").await.unwrap();
    assert_eq!((journal.len(), journal[0].0, journal[1].0), (1_025, 1, 7), "an open one is never dropped");
}

async fn outcomes_are_kept_up_to_so_many_bytes(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    for number in 1..=20 {
        begun(registry, fence, &[entry(number, None)]).await;
        settled(registry, fence, number, &"x".repeat(2 << 10)).await;
    }
    let journal = registry.journal("token").await.unwrap();
    assert_eq!((journal.len(), journal[0].0), (8, 13));
    settled(registry, fence, 15, "a later word").await;
    begun(registry, fence, &[entry(21, None)]).await;
    settled(registry, fence, 21, &"x".repeat(1 << 10)).await;
    let journal = registry.journal("token").await.unwrap();
    assert_eq!((journal.len(), journal[0].0), (9, 13));
}

async fn the_journal_outlives_its_owner_and_not_its_session(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    begun(registry, fence, &[entry(1, None), entry(2, None)]).await;
    let next = registry.claim("token", &worker("one"), &worker("two")).await.unwrap().unwrap().fence;
    settled(registry, next, 1, "reconciled").await;
    assert_eq!(registry.unsettled("token").await.unwrap(), [entry(2, None)]);
    assert_eq!(registry.end("token", next, None).await.unwrap(), Written::Yes);
    live(registry, "token", "one").await;
    assert_eq!(registry.journal("token").await.unwrap(), []);
}

async fn the_journal_refuses_a_stale_fence(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    begun(registry, fence, &[entry(1, None)]).await;
    let next = registry.claim("token", &worker("one"), &worker("two")).await.unwrap().unwrap().fence;
    assert_eq!(registry.begin("token", fence, &entry(2, None)).await.unwrap(), Written::Stale);
    assert_eq!(registry.settle("token", fence, 1, &bytes("x")).await.unwrap(), Written::Stale);
    assert_eq!(registry.begin("none", fence, &entry(2, None)).await.unwrap(), Written::Stale);
    assert_eq!(registry.unsettled("token").await.unwrap(), [entry(1, None)]);
    assert_eq!(registry.end("token", next, None).await.unwrap(), Written::Yes);
    assert_eq!(registry.begin("token", next, &entry(3, None)).await.unwrap(), Written::Stale);
}

async fn key(registry: &dyn Registry, fence: Fence, key: &str) -> Keyed {
    registry.begin_key("token", fence, &chosen(key), "print").await.unwrap()
}

/// Begins an attempt at the call of this print.
async fn attempt(registry: &dyn Registry, fence: Fence, print: &str, attempt: &str) -> Keyed {
    registry.begin_key("token", fence, &implied(print, attempt), print).await.unwrap()
}

async fn a_key_goes_from_new_over_open_to_done(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    assert_eq!(key(registry, fence, "key").await, Keyed::New);
    assert_eq!(key(registry, fence, "key").await, open(""), "under the same fence also before it is sent");
    begun(registry, fence, &[entry(1, Some("key"))]).await;
    assert_eq!(key(registry, fence, "key").await, open(""));
    for outcome in ["unknown", "filled \0"] {
        let written = registry.settle_key("token", fence, &chosen("key"), &told(outcome)).await.unwrap();
        assert_eq!(written, Written::Yes);
        assert_eq!(key(registry, fence, "key").await, done("", outcome));
    }
    // Under the next owner, and after the session too.
    let next = registry.claim("token", &worker("one"), &worker("two")).await.unwrap().unwrap().fence;
    assert_eq!(key(registry, next, "key").await, done("", "filled \0"));
    assert_eq!(registry.end("token", next, None).await.unwrap(), Written::Yes);
    assert_eq!(key(registry, next, "key").await, Keyed::Stale);
    let again = live(registry, "token", "one").await;
    assert_eq!(key(registry, again, "key").await, done("", "filled \0"));
}

async fn a_key_of_a_dead_owner_is_new_only_if_nothing_was_sent(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    assert_eq!(key(registry, fence, "sent").await, Keyed::New);
    assert_eq!(key(registry, fence, "unsent").await, Keyed::New);
    begun(registry, fence, &[entry(1, Some("sent"))]).await;
    let next = registry.claim("token", &worker("one"), &worker("two")).await.unwrap().unwrap().fence;
    assert_eq!(key(registry, next, "sent").await, open(""));
    assert_eq!(key(registry, next, "unsent").await, Keyed::New);
    assert_eq!(key(registry, next, "unsent").await, open(""), "it is the new owner's now");
    assert_eq!(
        registry.settle_key("token", next, &chosen("sent"), &told("found")).await.unwrap(),
        Written::Yes
    );
    assert_eq!(key(registry, next, "sent").await, done("", "found"));
}

async fn what_is_known_under_a_key_is_not_forgotten(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    for (name, number) in [("of a request", Some(1)), ("of a call", None)] {
        assert_eq!(key(registry, fence, name).await, Keyed::New);
        begun(registry, fence, &[entry(1, Some(name))]).await;
        let word = |text, is_known| CallOutcome { text: bytes(text), is_known, number };
        let words =
            [("unknown", false), ("absent", false), ("filled", true), ("unknown", false), ("more", true)];
        for ((text, is_known), expected) in
            words.into_iter().zip(["unknown", "absent", "filled", "filled", "more"])
        {
            let written = registry.settle_key("token", fence, &chosen(name), &word(text, is_known)).await;
            assert_eq!(written.unwrap(), Written::Yes);
            assert_eq!(key(registry, fence, name).await, done("", expected), "{name}");
        }
    }
}

async fn under_a_key_stands_what_came_of_its_last_request(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    let of = |number, text| CallOutcome { text: bytes(text), is_known: true, number: Some(number) };
    let say =
        async |fence, outcome| registry.settle_key("token", fence, &chosen("key"), &outcome).await.unwrap();
    assert_eq!(key(registry, fence, "key").await, Keyed::New);
    begun(registry, fence, &[entry(5, Some("key"))]).await;
    freed(registry, fence, &chosen("key")).await;
    assert_eq!(key(registry, fence, "key").await, Keyed::New);
    // One that was on its way all the time arrives after the one that followed it.
    begun(registry, fence, &[entry(6, Some("key")), entry(5, Some("key"))]).await;
    assert_eq!(say(fence, of(5, "never done")).await, Written::Yes);
    assert_eq!(key(registry, fence, "key").await, open(""));
    let next = registry.claim("token", &worker("one"), &worker("two")).await.unwrap().unwrap().fence;
    assert_eq!(say(next, of(6, "filled")).await, Written::Yes);
    begun(registry, next, &[entry(7, Some("key"))]).await;
    for number in [5, 7] {
        assert_eq!(say(next, of(number, "never done")).await, Written::Yes);
    }
    assert_eq!(key(registry, next, "key").await, done("", "filled"));
    assert_eq!(say(next, of(6, "filled later")).await, Written::Yes);
    assert_eq!(say(next, told("and corrected")).await, Written::Yes);
    assert_eq!(key(registry, next, "key").await, done("", "and corrected"));
}

async fn a_key_is_of_one_call(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    assert_eq!(key(registry, fence, "key").await, Keyed::New);
    assert_eq!(registry.begin_key("token", fence, &chosen("key"), "other").await.unwrap(), Keyed::Other);
    assert_eq!(
        registry.settle_key("token", fence, &chosen("key"), &told("done")).await.unwrap(),
        Written::Yes
    );
    assert_eq!(registry.begin_key("token", fence, &chosen("key"), "other").await.unwrap(), Keyed::Other);
    let elsewhere = live(registry, "other", "one").await;
    assert_eq!(registry.begin_key("other", elsewhere, &chosen("key"), "other").await.unwrap(), Keyed::New);
}

async fn a_freed_key_is_new(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    assert_eq!(key(registry, fence, "key").await, Keyed::New);
    assert_eq!(registry.free_key("token", fence, &chosen("key")).await.unwrap(), Written::Yes);
    assert_eq!(registry.begin_key("token", fence, &chosen("key"), "other").await.unwrap(), Keyed::New);
    assert_eq!(
        registry.settle_key("token", fence, &chosen("key"), &told("done")).await.unwrap(),
        Written::Yes
    );
    assert_eq!(registry.free_key("token", fence, &chosen("key")).await.unwrap(), Written::Yes);
    let found = registry.begin_key("token", fence, &chosen("key"), "other").await.unwrap();
    assert_eq!(found, done("", "done"), "an outcome is not freed");
    assert_eq!(
        registry.settle_key("token", fence, &chosen("unknown"), &told("x")).await.unwrap(),
        Written::Yes
    );
    assert_eq!(key(registry, fence, "unknown").await, Keyed::New);
}

async fn keys_refuse_a_stale_fence(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    assert_eq!(key(registry, fence, "key").await, Keyed::New);
    let next = registry.claim("token", &worker("one"), &worker("two")).await.unwrap().unwrap().fence;
    assert_eq!(key(registry, fence, "key").await, Keyed::Stale);
    assert_eq!(
        registry.settle_key("token", fence, &chosen("key"), &told("x")).await.unwrap(),
        Written::Stale
    );
    assert_eq!(registry.free_key("token", fence, &chosen("key")).await.unwrap(), Written::Stale);
    assert_eq!(registry.begin_key("none", fence, &chosen("key"), "print").await.unwrap(), Keyed::Stale);
    assert_eq!(key(registry, next, "key").await, Keyed::New);
}

async fn of_many_who_begin_a_key_one_is_new(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    let answers = join_all((0..16).map(|_| key(registry, fence, "key"))).await;
    assert_eq!(answers.iter().filter(|answer| **answer == Keyed::New).count(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == open("")).count(), 15);
}

async fn a_session_has_so_many_keys(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    let names: Vec<String> = (0..10_000).map(|number| format!("key {number}")).collect();
    for chunk in names.chunks(500) {
        let answers = join_all(chunk.iter().map(|name| key(registry, fence, name))).await;
        assert!(answers.iter().all(|answer| *answer == Keyed::New));
    }
    assert_eq!(key(registry, fence, "one more").await, Keyed::Full);
    assert_eq!(key(registry, fence, "key 7").await, open(""), "known ones are answered still");
    assert_eq!(registry.free_key("token", fence, &chosen("key 7")).await.unwrap(), Written::Yes);
    assert_eq!(key(registry, fence, "one more").await, Keyed::New);
}

async fn the_keys_of_a_session_have_so_many_bytes(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    // A quarter of all, as a name; freed, it does not count.
    let long = "n".repeat(1 << 20);
    for number in 0..8 {
        let name = format!("{number}{long}");
        assert_eq!(key(registry, fence, &name).await, Keyed::New, "{number}");
        freed(registry, fence, &chosen(&name)).await;
    }
    let outcome = "x".repeat(512 << 10);
    for number in 0..8 {
        let name = format!("key {number}");
        assert_eq!(key(registry, fence, &name).await, Keyed::New, "{number}");
        begun(registry, fence, &[entry(number, Some(&name))]).await;
        // A later word takes the place of an earlier one.
        for word in [outcome.as_str(), "short", outcome.as_str()] {
            said(registry, fence, &chosen(&name), word).await;
        }
    }
    assert_eq!(key(registry, fence, "one more").await, Keyed::Full);
    assert_eq!(key(registry, fence, "key 7").await, done("", &outcome), "known ones are answered still");
    assert_eq!(
        attempt(registry, fence, "print", "one").await,
        Keyed::New,
        "implied ones count by themselves"
    );
    said(registry, fence, &chosen("key 3"), "short").await;
    assert_eq!(key(registry, fence, "one more").await, Keyed::New);
    // What is left of the session counts as well, and another account begins without it.
    assert_eq!(registry.end("token", fence, Some(LONG)).await.unwrap(), Written::Yes);
    let opened = registry.open("token", &account("other"), &worker("one"), &bytes("sealed")).await.unwrap();
    let Opened::Yes(fence) = opened else { panic!("the token is taken") };
    for number in 0..8 {
        let name = format!("key {number}");
        assert_eq!(key(registry, fence, &name).await, Keyed::New, "{number}");
        said(registry, fence, &chosen(&name), &outcome).await;
    }
    assert_eq!(key(registry, fence, "one more").await, Keyed::Full);
}

async fn a_journal_counts_on_when_its_session_is_brought_back(registry: &dyn Registry) {
    let known = |fence| Record {
        account: account("account"),
        owner: worker("lost"),
        fence: Fence(fence),
        state: SessionState::Live,
        sealed: bytes("sealed"),
        memo: bytes("memo"),
    };
    let back =
        async |fence, owner| registry.bring_back("token", &known(fence), &worker(owner)).await.unwrap();
    let settle = async |fence, numbers: std::ops::RangeInclusive<u32>| {
        for number in numbers {
            begun(registry, fence, &[entry(number, None)]).await;
            settled(registry, fence, number, &"x".repeat(2 << 10)).await;
        }
    };
    settle(back(5, "one").await.unwrap(), 1..=7).await;
    settle(back(6, "two").await.unwrap(), 8..=12).await;
    let journal = registry.journal("token").await.unwrap();
    assert_eq!((journal.len(), journal[0].0), (8, 5), "16 KiB of outcomes");
}

async fn said(registry: &dyn Registry, fence: Fence, key: &Key, outcome: &str) {
    assert_eq!(registry.settle_key("token", fence, key, &told(outcome)).await.unwrap(), Written::Yes);
}

async fn freed(registry: &dyn Registry, fence: Fence, key: &Key) {
    assert_eq!(registry.free_key("token", fence, key).await.unwrap(), Written::Yes);
}

async fn an_implied_key_is_of_one_attempt(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    let one = implied("print:1", "one");
    assert_eq!(attempt(registry, fence, "print:1", "one").await, Keyed::New);
    assert_eq!(attempt(registry, fence, "print:1", "two").await, open("one"));
    assert_eq!(attempt(registry, fence, "print:2", "two").await, Keyed::New, "another call");
    let entries = [of_call(1, Some(one.clone())), of_call(2, Some(implied("", "2")))];
    begun(registry, fence, &entries).await;
    assert_eq!(registry.unsettled("token").await.unwrap(), entries, "an entry names its attempt");
    said(registry, fence, &one, "filled").await;
    assert_eq!(attempt(registry, fence, "print:1", "two").await, done("one", "filled"));
    assert_eq!(key(registry, fence, "print:1").await, Keyed::New, "a chosen key is none of them");
    freed(registry, fence, &one).await;
    assert_eq!(attempt(registry, fence, "print:1", "two").await, Keyed::New, "its answer has arrived");
    assert_eq!(attempt(registry, fence, "print:1", "three").await, open("two"));
}

async fn what_is_said_of_an_earlier_attempt_does_not_reach_a_later_one(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    let (one, two) = (implied("print", "one"), implied("print", "two"));
    assert_eq!(attempt(registry, fence, "print", "one").await, Keyed::New);
    freed(registry, fence, &one).await;
    assert_eq!(attempt(registry, fence, "print", "two").await, Keyed::New);
    said(registry, fence, &one, "of the first").await;
    freed(registry, fence, &one).await;
    begun(registry, fence, &[of_call(1, Some(one))]).await;
    assert_eq!(attempt(registry, fence, "print", "three").await, open("two"));
    let next = registry.claim("token", &worker("one"), &worker("two")).await.unwrap().unwrap().fence;
    assert_eq!(attempt(registry, next, "print", "four").await, Keyed::New, "the second has sent nothing");
    said(registry, next, &two, "of the second").await;
    assert_eq!(attempt(registry, next, "print", "five").await, open("four"));
}

async fn an_implied_key_outlives_its_owner(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    for print in ["sent", "told"] {
        assert_eq!(attempt(registry, fence, print, "one").await, Keyed::New);
    }
    begun(registry, fence, &[of_call(1, Some(implied("sent", "one")))]).await;
    said(registry, fence, &implied("told", "one"), "filled").await;
    let next = registry.claim("token", &worker("one"), &worker("two")).await.unwrap().unwrap().fence;
    let stale = registry.begin_key("token", fence, &implied("sent", "two"), "sent").await.unwrap();
    assert_eq!(stale, Keyed::Stale);
    assert_eq!(attempt(registry, next, "sent", "two").await, open("one"));
    said(registry, next, &implied("sent", "one"), "found").await;
    assert_eq!(attempt(registry, next, "sent", "two").await, done("one", "found"));
    assert_eq!(attempt(registry, next, "told", "two").await, done("one", "filled"));
    freed(registry, next, &implied("told", "one")).await;
    assert_eq!(attempt(registry, next, "told", "two").await, Keyed::New);
}

async fn implied_keys_are_counted_by_themselves(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    let prints: Vec<String> = (0..256).map(|number| format!("print {number}")).collect();
    let answers = join_all(prints.iter().map(|print| attempt(registry, fence, print, "one"))).await;
    assert!(answers.iter().all(|answer| *answer == Keyed::New));
    assert_eq!(attempt(registry, fence, "one more", "one").await, Keyed::Full);
    assert_eq!(
        attempt(registry, fence, "print 7", "two").await,
        open("one"),
        "known ones are answered still"
    );
    assert_eq!(key(registry, fence, "key").await, Keyed::New, "chosen keys have places of their own");
    freed(registry, fence, &implied("print 7", "one")).await;
    assert_eq!(attempt(registry, fence, "one more", "one").await, Keyed::New);
}

async fn a_token_of_another_account_begins_without_keys(registry: &dyn Registry) {
    let keys = [chosen("key"), implied("print", "one")];
    let reopened = async |name: &str| {
        let opened = registry.open("token", &account(name), &worker("one"), &bytes("sealed")).await.unwrap();
        let Opened::Yes(fence) = opened else { panic!("the token is taken") };
        fence
    };
    let mut fence = reopened("first").await;
    for key in &keys {
        assert_eq!(registry.begin_key("token", fence, key, "print").await.unwrap(), Keyed::New);
        said(registry, fence, key, "filled").await;
    }
    for (name, is_known) in [("first", true), ("second", false), ("first", false)] {
        assert_eq!(registry.end("token", fence, Some(LONG)).await.unwrap(), Written::Yes);
        fence = reopened(name).await;
        for key in &keys {
            let found = registry.begin_key("token", fence, key, "print").await.unwrap();
            let expected = if is_known { done(key.attempt(), "filled") } else { Keyed::New };
            assert_eq!(found, expected, "{name} {key:?}");
        }
        assert_eq!(registry.journal("token").await.unwrap(), []);
    }
}
