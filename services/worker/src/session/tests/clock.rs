//! What the session knows of the server clock's past, and its next owner.

use super::*;
use crate::session::Memo;

const HOUR_MS: i64 = 3_600_000;

fn told(state: &mut State, daylight: i8) {
    let mut account = state.account.clone();
    account.main.daylightmode = daylight;
    let _ = state.set_account(account);
}

/// What a memo brings to a state that was told this of daylight saving time.
fn heir(memo: &Memo, daylight: i8) -> State {
    let mut heir = state();
    told(&mut heir, daylight);
    heir.zone = calls::ServerClock::fixed(heir.zone.ahead_ms());
    Memo::from_bytes(&memo.to_bytes()).unwrap().restore(&mut heir, &History::default());
    heir
}

#[test]
fn the_next_owner_knows_when_the_clock_was_set() {
    let mut state = state();
    let long_ago = state.now().ms() - 1000 * HOUR_MS;
    let version = state.wants_version();
    told(&mut state, 1);
    assert_ne!(state.wants_version(), version, "it is written down");
    assert_eq!(state.zone.ahead_at(long_ago), 0);
    let memo = Memo::of(&mut state, None, None);
    let same = heir(&memo, 1);
    assert_eq!((same.zone.ahead_at(long_ago), same.zone.ahead_ms()), (0, HOUR_MS));
    // Set back while nobody owned the session.
    let later = heir(&memo, 0);
    let now_ms = later.now().ms();
    assert_eq!((later.zone.ahead_at(long_ago), later.zone.ahead_at(now_ms)), (0, 0));
    let written = serde_json::to_value(later.zone).unwrap();
    let ahead = |place: usize| written["earlier"][place]["minutesAhead"].as_i64();
    assert_eq!((ahead(0), ahead(1), ahead(2)), (Some(60), Some(0), None), "{written}");
    // A memo of before there were clocks in them.
    let nothing = Memo::default();
    assert_eq!(heir(&nothing, 1).zone.ahead_at(long_ago), HOUR_MS);
}
