//! Texts that are made once are those that would be made anew, and what the next owner gets is what there was.

use super::*;
use crate::session::memo::Memo;
use crate::translate;

fn shown(state: &mut State) -> Vec<String> {
    let texts = state.opened_texts();
    texts.iter().map(|text| String::from_utf8(text.to_vec()).unwrap()).collect()
}

fn anew(state: &mut State) -> Vec<String> {
    let orders = state.opened_orders();
    orders.iter().map(|order| String::from_utf8(calls::json(order).unwrap().to_vec()).unwrap()).collect()
}

fn pending(ticket: i64, price: f64) -> Order {
    Order {
        trade_order: ticket,
        trade_symbol: "EURUSD".into(),
        order_type: 2,
        price_order: price,
        volume_initial: 1_000_000,
        volume_current: 1_000_000,
        digits: 5,
        time_setup: 1_800_000_000,
        ..Order::default()
    }
}

#[test]
fn texts_follow_every_change_of_what_they_say() {
    let mut state = state();
    let steps: [&dyn Fn(&mut State); 12] = [
        &|state| state.put_order(pending(5, 1.05)),
        &|state| state.put_position(position(7, 1)),
        &|state| tick(state, 20, 110_100.0, 110_110.0),
        &|state| state.put_order(pending(6, 1.04)),
        &|state| state.put_order(pending(5, 1.06)),
        &|state| state.remember_magic(6, 99),
        &|state| state.remember_magic(7, 77),
        &|state| state.put_position(position(7, 2)),
        &|state| state.set_clock(calls::ServerClock::fixed(3_600_000)),
        &|state| tick(state, 30, 110_200.0, 110_210.0),
        &|state| state.drop_order(5),
        &|state| drop(state.drop_position(7)),
    ];
    let mut before = shown(&mut state);
    for (number, step) in steps.iter().enumerate() {
        step(&mut state);
        let (kept, fresh) = (shown(&mut state), anew(&mut state));
        assert_eq!(kept, fresh, "step {number}");
        assert_ne!(kept, before, "step {number} changes something");
        before = kept;
    }
    state.load(Portfolio { positions: vec![position(8, 1)], orders: vec![pending(6, 1.03)] });
    assert_eq!(shown(&mut state), anew(&mut state));
}

#[test]
fn what_did_not_change_is_not_made_again() {
    let mut state = state();
    (1..=50).for_each(|ticket| state.put_order(pending(ticket, 1.05)));
    let before = (state.opened_texts(), state.kept_texts());
    state.put_order(pending(25, 1.06));
    let after = (state.opened_texts(), state.kept_texts());
    let same = |one: &[bytes::Bytes], other: &[bytes::Bytes]| {
        one.iter().zip(other).filter(|(one, other)| one.as_ptr() == other.as_ptr()).count()
    };
    assert_eq!((same(&before.0, &after.0), same(&before.1, &after.1)), (49, 49));
}

#[test]
fn a_memo_has_everything_and_grows_by_what_changes() {
    let mut state = state();
    state.put_position(position(7, 1));
    (100..1_100).for_each(|ticket| state.put_order(pending(ticket, 1.05)));
    (1..=300).for_each(|ticket| state.remember_magic(ticket, 5));
    state.know_up_to(0, 1_099);
    let (mut keeper, mut kept) = (bus::Keeper::default(), Vec::new());
    let (mut whole_bytes, mut added) = (0, 0);
    for number in 0..200_i64 {
        state.put_order(pending(100 + number, 1.06));
        state.remember_magic(400 + number, number + 1);
        let memo = Memo::of(&mut state, Some(250), None);
        let bytes = memo.next_of(&mut keeper);
        if !registry::adds_to_memo(&bytes) {
            (kept, whole_bytes) = (Vec::new(), bytes.len());
        }
        added = added.max(if kept.is_empty() { 0 } else { bytes.len() });
        kept.extend_from_slice(&bytes);
        assert!(Memo::from_bytes(&kept.clone().into()).as_ref() == Some(&memo));
        assert!(Memo::from_bytes(&memo.to_bytes()) == Some(memo));
    }
    assert!(whole_bytes < 64 << 10 && added < 1_000, "{whole_bytes} {added}");
    // A change of what is not there is left out.
    let later = Memo::of(&mut state, None, None).next_of(&mut keeper);
    assert!(registry::adds_to_memo(&later));
    let known = Memo::of(&mut state, Some(9), None);
    let both = [known.to_bytes(), later].concat();
    assert!(Memo::from_bytes(&both.into()).as_ref() == Some(&known));
    assert_eq!(Memo::from_bytes(&"nonsense".into()), None);

    let mut next = super::state();
    known.restore(&mut next, &History::default());
    assert!(next.orders == state.orders && next.positions.len() == 1);
    assert!(Memo::of(&mut next, Some(9), None) == known);
    let magic = next.magic(7, 0);
    assert_eq!((magic, next.magic(599, 0)), (5, 200));
    assert_eq!(translate::position(&next.positions[&7], next.zone).expert_id, 5);
}

#[test]
fn magic_numbers_make_room_by_the_text() {
    let mut state = state();
    for ticket in 1..=20_000_i64 {
        state.remember_magic(ticket, 3);
        if ticket % 997 == 0 || ticket > 19_990 {
            let known: Vec<i64> = (1..=ticket).filter(|ticket| state.magic(*ticket, 0) == 3).collect();
            let memo = Memo::of(&mut state, None, None);
            let mut next = super::state();
            memo.restore(&mut next, &History::default());
            let restored: Vec<i64> = (1..=ticket).filter(|ticket| next.magic(*ticket, 0) == 3).collect();
            assert!(restored == known && (known.len() > 9_800 || ticket < 10_000), "{ticket}");
        }
    }
}
