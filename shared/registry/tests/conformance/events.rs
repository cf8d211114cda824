//! Events.

use bus::{Frame, Position, Topic};
use registry::{Ear, Fence, Heard, Registry, Since, Written};
use testkit::in_time;

use crate::tools::{at, bytes, event, events, live, record, worker};

crate::on_both! {
    a_log_tells_what_came_after_a_position
    appending_replaces_the_memo_and_checks_the_fence
    positions_must_be_above_the_end
    a_log_keeps_so_many_events_and_knows_what_is_missing
    the_next_owner_goes_on_in_the_same_log
    a_session_that_is_opened_again_begins_a_new_log
    a_session_that_was_brought_back_has_lost_its_log
    a_hole_in_the_log_is_a_cut
    a_log_that_nobody_knows_is_cut
    a_log_has_so_many_bytes_and_begins_with_a_whole_event
    a_change_is_kept_behind_what_it_builds_on
    a_memo_is_replaced_or_grows
    nothing_is_left_of_a_session_that_ends
    an_ear_hears_what_it_is_open_for
    what_is_told_comes_as_it_is
    an_ear_hears_from_opening_to_closing
}

async fn append(registry: &dyn Registry, token: &str, fence: Fence, frames: &[Frame]) {
    let written = registry.append(token, fence, frames, &bytes("memo")).await.unwrap();
    assert_eq!(written, Written::Yes);
}

/// What came after a position, without what it builds on.
async fn since(registry: &dyn Registry, after: Position) -> Since {
    Since { base: Vec::new(), ..registry.since("token", after).await.unwrap() }
}

async fn is_cut(registry: &dyn Registry, after: Position) -> bool {
    since(registry, after).await.is_cut
}

async fn a_log_tells_what_came_after_a_position(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    let empty = since(registry, Position::default()).await;
    assert_eq!(empty, Since { is_cut: false, events: Vec::new(), end: at(fence, 0), base: Vec::new() });
    assert!(!is_cut(registry, at(fence, 0)).await);
    append(registry, "token", fence, &events(fence, 1..=2)).await;
    append(registry, "token", fence, &events(fence, 3..=3)).await;
    for (after, first) in [(Position::default(), 1), (at(fence, 0), 1), (at(fence, 2), 3)] {
        let told = since(registry, after).await;
        assert_eq!(
            told,
            Since { is_cut: false, events: events(fence, first..=3), end: at(fence, 3), base: Vec::new() }
        );
    }
    let told = since(registry, at(fence, 3)).await;
    assert_eq!(told, Since { is_cut: false, events: Vec::new(), end: at(fence, 3), base: Vec::new() });
}

async fn appending_replaces_the_memo_and_checks_the_fence(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    let one = events(fence, 1..=1);
    assert_eq!(registry.append("token", fence, &one, &bytes("new")).await.unwrap(), Written::Yes);
    assert_eq!(record(registry, "token").await.memo, bytes("new"));
    assert_eq!(registry.append("token", fence, &[], &bytes("newer")).await.unwrap(), Written::Yes);
    assert_eq!(record(registry, "token").await.memo, bytes("newer"));
    let claimed = registry.claim("token", &worker("one"), &worker("two")).await.unwrap().unwrap();
    for (token, fence) in [("token", fence), ("none", fence), ("token", Fence(claimed.fence.0 + 1))] {
        let written = registry.append(token, fence, &events(fence, 2..=2), &bytes("x")).await.unwrap();
        assert_eq!(written, Written::Stale);
    }
    assert_eq!(record(registry, "token").await, claimed);
    assert_eq!(since(registry, Position::default()).await.events, one);
}

async fn positions_must_be_above_the_end(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    append(registry, "token", fence, &events(fence, 1..=3)).await;
    let wrong = [
        events(fence, 3..=3),
        events(fence, 2..=5),
        vec![event(fence, 5), event(fence, 4)],
        events(Fence(fence.0 + 1), 1..=1),
    ];
    for frames in wrong {
        let written = registry.append("token", fence, &frames, &bytes("x")).await.unwrap();
        assert_eq!(written, Written::Stale, "{frames:?}");
    }
    assert_eq!(since(registry, Position::default()).await.events, events(fence, 1..=3));
    assert_eq!(record(registry, "token").await.memo, bytes("memo"));
}

async fn a_log_keeps_so_many_events_and_knows_what_is_missing(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    append(registry, "token", fence, &events(fence, 1..=600)).await;
    append(registry, "token", fence, &events(fence, 601..=640)).await;
    assert!(!is_cut(registry, Position::default()).await && !is_cut(registry, at(fence, 0)).await);
    append(registry, "token", fence, &events(fence, 641..=646)).await;
    let told = since(registry, at(fence, 6)).await;
    assert_eq!(
        told,
        Since { is_cut: false, events: events(fence, 7..=646), end: at(fence, 646), base: Vec::new() }
    );
    let cut = since(registry, at(fence, 5)).await;
    assert_eq!(cut, Since { is_cut: true, ..told });
    assert!(is_cut(registry, Position::default()).await && is_cut(registry, at(fence, 0)).await);
    append(registry, "token", fence, &events(fence, 647..=3_000)).await;
    assert_eq!(since(registry, at(fence, 1)).await.events, events(fence, 2_361..=3_000));
    assert!(!is_cut(registry, at(fence, 2_360)).await && is_cut(registry, at(fence, 2_359)).await);
}

async fn the_next_owner_goes_on_in_the_same_log(registry: &dyn Registry) {
    let first = live(registry, "token", "one").await;
    append(registry, "token", first, &events(first, 1..=2)).await;
    let second = registry.claim("token", &worker("one"), &worker("two")).await.unwrap().unwrap().fence;
    let third = registry.give("token", second, &worker("three"), &bytes("")).await.unwrap().unwrap();
    append(registry, "token", third, &events(third, 1..=2)).await;
    let told = since(registry, at(first, 1)).await;
    let expected = [events(first, 2..=2), events(third, 1..=2)].concat();
    assert_eq!(told, Since { is_cut: false, events: expected, end: at(third, 2), base: Vec::new() });
    for after in [Position::default(), at(first, 2), at(second, 0), at(third, 0), at(third, 2)] {
        assert!(!is_cut(registry, after).await, "{after}");
    }
    for unknown in [at(Fence(first.0 - 1), 9), at(Fence(third.0 + 1), 0)] {
        assert!(is_cut(registry, unknown).await, "{unknown}");
    }
}

async fn a_session_that_is_opened_again_begins_a_new_log(registry: &dyn Registry) {
    let first = live(registry, "token", "one").await;
    append(registry, "token", first, &events(first, 1..=2)).await;
    assert_eq!(registry.end("token", first, None).await.unwrap(), Written::Yes);
    let ended = since(registry, at(first, 1)).await;
    assert_eq!((ended.is_cut, ended.events), (true, Vec::new()), "it is gone with the session");
    let second = live(registry, "token", "one").await;
    assert!(is_cut(registry, at(first, 2)).await);
    append(registry, "token", second, &events(second, 1..=1)).await;
    for after in [Position::default(), at(second, 0)] {
        let told = since(registry, after).await;
        assert_eq!(
            told,
            Since { is_cut: false, events: events(second, 1..=1), end: at(second, 1), base: Vec::new() }
        );
    }
    assert!(is_cut(registry, at(first, 2)).await);
}

async fn a_session_that_was_brought_back_has_lost_its_log(registry: &dyn Registry) {
    let before = live(registry, "other", "one").await;
    let known = record(registry, "other").await;
    let fence = registry.bring_back("token", &known, &worker("one")).await.unwrap().unwrap();
    assert!(is_cut(registry, at(before, 2)).await && is_cut(registry, Position::default()).await);
    append(registry, "token", fence, &events(fence, 1..=1)).await;
    assert!(is_cut(registry, at(before, 2)).await && is_cut(registry, Position::default()).await);
    assert!(!is_cut(registry, at(fence, 0)).await);
}

async fn a_hole_in_the_log_is_a_cut(registry: &dyn Registry) {
    let first = live(registry, "token", "one").await;
    append(registry, "token", first, &events(first, 1..=2)).await;
    append(registry, "token", first, &events(first, 5..=6)).await;
    assert!(is_cut(registry, at(first, 2)).await && is_cut(registry, Position::default()).await);
    assert!(!is_cut(registry, at(first, 4)).await && !is_cut(registry, at(first, 5)).await);
    let second = registry.claim("token", &worker("one"), &worker("two")).await.unwrap().unwrap().fence;
    append(registry, "token", second, &events(second, 2..=2)).await;
    assert!(is_cut(registry, at(first, 6)).await && is_cut(registry, at(second, 0)).await);
    assert!(!is_cut(registry, at(second, 1)).await);
}

async fn a_log_that_nobody_knows_is_cut(registry: &dyn Registry) {
    let cut = Since { is_cut: true, ..Since::default() };
    assert_eq!(since(registry, Position::default()).await, cut);
    assert_eq!(since(registry, at(Fence(7), 7)).await, cut);
}

/// An event in short of this many bytes: a whole one, or one that builds on the one before it.
fn short(epoch: Fence, offset: u64, is_whole: bool, bytes: usize) -> Frame {
    let mut text = vec![b'x'; bytes];
    text[0] = if is_whole { 1 } else { 2 };
    Frame { text: text.into(), ..event(epoch, offset) }
}

async fn kept(registry: &dyn Registry) -> Vec<Frame> {
    registry.since("token", Position::default()).await.unwrap().events
}

async fn a_log_has_so_many_bytes_and_begins_with_a_whole_event(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    for offset in 1..=400_u64 {
        append(registry, "token", fence, &[short(fence, offset, offset % 10 == 1, 1_000)]).await;
        let kept = kept(registry).await;
        let bytes: usize = kept.iter().map(|event| event.text.len()).sum();
        assert!(
            kept[0].is_whole() && bytes <= 80 << 10 && kept.len() >= usize::try_from(offset).unwrap().min(60)
        );
        let first = kept[0].at.offset;
        assert_eq!(kept.last().unwrap().at.offset + 1 - first, u64::try_from(kept.len()).unwrap());
        assert_eq!(is_cut(registry, Position::default()).await, first > 1);
        assert!(!is_cut(registry, at(fence, first - 1)).await);
        assert!(first < 3 || is_cut(registry, at(fence, first - 2)).await);
    }
    // One that is larger than all that may stay with what builds on it, up to a limit.
    append(registry, "token", fence, &[short(fence, 401, true, 1 << 20)]).await;
    append(registry, "token", fence, &[short(fence, 402, false, 10), short(fence, 403, false, 10)]).await;
    assert_eq!(kept(registry).await.len(), 3);
    append(registry, "token", fence, &[short(fence, 404, false, 4 << 20), short(fence, 405, false, 10)])
        .await;
    assert!(kept(registry).await.is_empty() && is_cut(registry, at(fence, 404)).await);
    assert!(!is_cut(registry, at(fence, 405)).await);
    append(registry, "token", fence, &[short(fence, 406, true, 10), short(fence, 407, false, 10)]).await;
    assert_eq!(kept(registry).await.len(), 2);
}

async fn a_change_is_kept_behind_what_it_builds_on(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    append(registry, "token", fence, &[short(fence, 1, false, 9)]).await;
    assert!(kept(registry).await.is_empty() && is_cut(registry, at(fence, 0)).await);
    let all: Vec<Frame> =
        (2..=90).map(|offset| short(fence, offset, offset == 2 || offset == 80, 9)).collect();
    append(registry, "token", fence, &all).await;
    for (after, base) in [(1, 2..2), (2, 2..3), (70, 2..71), (79, 2..2), (80, 80..81), (90, 2..2)] {
        let told = registry.since("token", at(fence, after)).await.unwrap();
        let place = |offset: u64| usize::try_from(offset - 2).unwrap();
        assert_eq!(told.base, all[place(base.start)..place(base.end)], "{after}");
        assert_eq!(told.events, all[place(after + 1)..], "{after}");
        assert!(!told.is_cut);
    }
    // What stood between was lost.
    append(registry, "token", fence, &[short(fence, 95, false, 9)]).await;
    assert!(kept(registry).await.is_empty() && is_cut(registry, at(fence, 90)).await);
}

async fn a_memo_is_replaced_or_grows(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    for (written, is) in
        [("one", "one"), ("\u{2}two", "one\u{2}two"), ("\u{2}3", "one\u{2}two\u{2}3"), ("4", "4")]
    {
        let event = event(fence, u64::try_from(is.len()).unwrap() + 100 * u64::from(is == "4"));
        let appended = registry.append("token", fence, &[event], &bytes(written)).await.unwrap();
        assert_eq!((appended, record(registry, "token").await.memo), (Written::Yes, bytes(is)));
    }
    for (written, is) in [("\u{2}5", "4\u{2}5"), ("six", "six")] {
        let saved = registry.save("token", fence, &bytes(written)).await.unwrap();
        assert_eq!((saved, record(registry, "token").await.memo), (Written::Yes, bytes(is)));
    }
}

async fn nothing_is_left_of_a_session_that_ends(registry: &dyn Registry) {
    let fence = live(registry, "token", "one").await;
    append(registry, "token", fence, &events(fence, 1..=9)).await;
    let entry = registry::Entry { number: 1, key: None, request: bytes("request") };
    assert_eq!(registry.begin("token", fence, &entry).await.unwrap(), Written::Yes);
    assert_eq!(registry.settle("token", fence, 1, &bytes("done")).await.unwrap(), Written::Yes);
    assert_eq!(registry.begin("token", fence, &entry).await.unwrap(), Written::Yes);
    assert_eq!(registry.end("token", fence, Some(crate::tools::LONG)).await.unwrap(), Written::Yes);
    assert!(kept(registry).await.is_empty() && is_cut(registry, at(fence, 8)).await);
    assert_eq!(registry.journal("token").await.unwrap(), []);
    let record = record(registry, "token").await;
    assert_eq!((record.memo, record.sealed), (bytes(""), bytes("sealed")));
}

async fn next(ear: &mut dyn Ear) -> Heard {
    in_time("something is heard", ear.next()).await
}

fn frame(token: &str, frame: &Frame) -> Heard {
    Heard::Frame { token: token.to_owned(), frame: frame.clone() }
}

async fn an_ear_hears_what_it_is_open_for(registry: &dyn Registry) {
    let (one, two) = (live(registry, "a}b", "one").await, live(registry, "two", "one").await);
    let mut ears = [registry.listen().await.unwrap(), registry.listen().await.unwrap()];
    ears[0].open("a}b").await.unwrap();
    ears[1].open("a}b").await.unwrap();
    ears[1].open("two").await.unwrap();
    append(registry, "two", two, &events(two, 1..=1)).await;
    append(registry, "a}b", one, &events(one, 1..=2)).await;
    registry.tell_changed("a}b").await.unwrap();
    let changed = Heard::Changed { token: "a}b".to_owned() };
    for heard in [frame("a}b", &event(one, 1)), frame("a}b", &event(one, 2)), changed.clone()] {
        assert_eq!(next(&mut *ears[0]).await, heard);
    }
    let mut heard = Vec::new();
    for _ in 0..4 {
        heard.push(next(&mut *ears[1]).await);
    }
    assert!(heard.contains(&frame("two", &event(two, 1))));
    heard.retain(|each| *each != frame("two", &event(two, 1)));
    assert_eq!(heard, [frame("a}b", &event(one, 1)), frame("a}b", &event(one, 2)), changed]);
}

async fn what_is_told_comes_as_it_is(registry: &dyn Registry) {
    let mut ear = registry.listen().await.unwrap();
    ear.open("token").await.unwrap();
    let quote = Frame::new(Topic::Quote, Some("EURUSD"), bytes("{\"quote\":\"\u{fc}\"}")).at(at(Fence(7), 0));
    registry.tell("token", &quote).await.unwrap();
    assert_eq!(next(&mut *ear).await, frame("token", &quote));
    // It is not kept, and the record of a session is not needed.
    assert_eq!(since(registry, Position::default()).await.events, []);
}

async fn an_ear_hears_from_opening_to_closing(registry: &dyn Registry) {
    let mut ear = registry.listen().await.unwrap();
    registry.tell_changed("one").await.unwrap();
    for _ in 0..2 {
        ear.open("one").await.unwrap();
    }
    ear.open("two").await.unwrap();
    registry.tell_changed("one").await.unwrap();
    assert_eq!(next(&mut *ear).await, Heard::Changed { token: "one".to_owned() });
    ear.close("one").await.unwrap();
    ear.close("unknown").await.unwrap();
    registry.tell_changed("one").await.unwrap();
    registry.tell_changed("two").await.unwrap();
    assert_eq!(next(&mut *ear).await, Heard::Changed { token: "two".to_owned() });
    ear.open("one").await.unwrap();
    registry.tell_changed("one").await.unwrap();
    assert_eq!(next(&mut *ear).await, Heard::Changed { token: "one".to_owned() });
}
