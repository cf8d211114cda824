use proptest::prelude::*;

use super::*;
use crate::frame::{Frame, Position, Topic};

fn event(before: &str, list: &[&str], after: &str) -> Event {
    let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    Event {
        before: bytes(before),
        list: list.iter().map(|entry| bytes(entry)).collect(),
        after: bytes(after),
    }
}

/// What happens to a list: entries come, go and change, in place or all at once.
#[derive(Clone, Debug)]
enum Step {
    Add(usize, u32),
    Remove(usize),
    Change(usize, u32),
    ChangeAll(u32),
    Swap(usize, usize),
    Nothing,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (any::<usize>(), any::<u32>()).prop_map(|(place, value)| Step::Add(place, value)),
        any::<usize>().prop_map(Step::Remove),
        (any::<usize>(), any::<u32>()).prop_map(|(place, value)| Step::Change(place, value)),
        any::<u32>().prop_map(Step::ChangeAll),
        (any::<usize>(), any::<usize>()).prop_map(|(one, other)| Step::Swap(one, other)),
        Just(Step::Nothing),
    ]
}

fn entry(value: u32) -> Bytes {
    format!(r#"{{"ticket":{value},"openPrice":1.{value},"symbol":"EURUSD","comment":"{}"}}"#, value % 7)
        .into()
}

/// The events of these steps.
fn row(begin: usize, steps: &[Step]) -> Vec<Event> {
    let mut list: Vec<Bytes> = (0..begin).map(|number| entry(u32::try_from(number).unwrap())).collect();
    let mut events = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let count = list.len();
        match step {
            Step::Add(place, value) => list.insert(place % (count + 1), entry(*value)),
            Step::Remove(place) if count > 0 => drop(list.remove(place % count)),
            Step::Change(place, value) if count > 0 => list[place % count] = entry(*value),
            Step::ChangeAll(value) => {
                let new = (0..count).map(|number| entry(value.wrapping_add(u32::try_from(number).unwrap())));
                list = new.collect();
            }
            Step::Swap(one, other) if count > 0 => list.swap(one % count, other % count),
            _ => {}
        }
        let before = format!(r#"{{"type":"OrderUpdate","timestampUTC":{number},"data":{{"openedOrders":["#);
        let after = format!(r#"],"update":{{"type":"PendingModify"}},"balance":{number}.5}}}}"#);
        events.push(Event { before: before.into(), list: list.clone(), after: after.into() });
    }
    events
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_event_is_read_as_it_was_from_any_whole_one_on(
        begin in 0_usize..40,
        steps in prop::collection::vec(step(), 1..400),
        from in any::<prop::sample::Index>(),
    ) {
        let events = row(begin, &steps);
        let mut keeper = Keeper::default();
        let short: Vec<Bytes> = events.iter().map(|event| keeper.keep(event)).collect();
        prop_assert!(is_whole(&short[0]));
        let from = from.index(short.len());
        let first = (0..=from).rev().find(|place| is_whole(&short[*place])).unwrap();
        let mut reader = Reader::default();
        for (event, short) in events.iter().zip(&short).skip(first) {
            prop_assert_eq!(reader.read(short).unwrap().text(), event.text());
        }
        // From any other place on, what cannot be right is not guessed.
        let mut reader = Reader::default();
        let mut is_known = false;
        for (event, short) in events.iter().zip(&short).skip(from) {
            is_known |= is_whole(short);
            match reader.read(short) {
                Ok(read) => prop_assert!(is_known && read.text() == event.text()),
                Err(Unreadable) => prop_assert!(!is_known),
            }
        }
    }

    #[test]
    fn what_was_broken_is_unreadable_or_as_it_was(
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<bool>(),
    ) {
        let events = row(5, &[Step::Nothing, Step::Change(1, 7), Step::Add(2, 9)]);
        let (mut keeper, mut reader) = (Keeper::default(), Reader::default());
        let short: Vec<Bytes> = events.iter().map(|event| keeper.keep(event)).collect();
        reader.read(&short[0]).unwrap();
        let mut broken = short[1].to_vec();
        let at = place.index(broken.len());
        if cut { broken.truncate(at) } else { broken[at] = byte }
        // There is no checksum of the last one itself; the next one tells.
        let is_right = reader.read(&broken.into()).is_ok_and(|read| read == events[1]);
        if let Ok(read) = reader.read(&short[2]) {
            prop_assert!(is_right && read == events[2]);
        }
    }

    #[test]
    fn nonsense_is_unreadable(nonsense in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut reader = Reader::default();
        for kind in [WHOLE, CHANGE, LEFT_OUT, 0, b'{'] {
            let bytes: Bytes = [&[kind], nonsense.as_slice()].concat().into();
            if let Ok(read) = reader.read(&bytes) {
                prop_assert!(std::str::from_utf8(&read.text()).is_ok());
            }
        }
    }
}

#[test]
fn what_stays_is_not_written_again() {
    let list: Vec<Bytes> = (0..1_000).map(entry).collect();
    let (mut keeper, mut reader) = (Keeper::default(), Reader::default());
    let mut event = Event { list, ..event("{[", &[], "]}") };
    reader.read(&keeper.keep(&event)).unwrap();
    let (mut bytes, mut whole) = (0, 0);
    for number in 0..1_000_u32 {
        event.list[(number as usize * 7) % 1_000] = entry(5_000 + number);
        let short = keeper.keep(&event);
        if is_whole(&short) {
            whole += 1;
        } else {
            bytes += short.len();
        }
        assert_eq!(reader.read(&short).unwrap().text(), event.text());
    }
    assert!((1..=4).contains(&whole) && bytes < 100 * 1_000, "{whole} whole, {bytes} bytes");
}

#[test]
fn what_stays_is_known_by_what_it_says() {
    let mut texts: Vec<String> = (0..100).map(|number| format!("{number:0>200}")).collect();
    let made_anew =
        |texts: &[String]| event("{[", &texts.iter().map(String::as_str).collect::<Vec<_>>(), "]}");
    for changed in [0, 50, 99] {
        let mut keeper = Keeper::default();
        keeper.keep(&made_anew(&texts));
        let unchanged = body(&made_anew(&texts), &made_anew(&texts).list);
        assert!(unchanged.len() < 16, "{} bytes", unchanged.len());
        let last = made_anew(&texts);
        texts[changed] = format!("{changed:1>200}");
        let one = body(&made_anew(&texts), &last.list);
        assert!((200..240).contains(&one.len()), "{changed}: {} bytes", one.len());
    }
}

#[test]
fn an_event_is_whole_when_enough_has_changed_since_the_last_one() {
    let mut number = 1_u64;
    let mut noise = |length: usize| -> String {
        let digits = std::iter::repeat_with(|| {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b"0123456789abcdef"[(number >> 60) as usize])
        });
        digits.take(length).collect()
    };
    // Hardly any change; changes beyond the least that counts; changes of large wholes.
    for (length, count, wholes_max) in [(1, 600, 3), (3_000, 40, 10), (30_000, 20, 10)] {
        let mut keeper = Keeper::default();
        let (mut bytes, mut changes, mut enough, mut wholes) = (0, 0, 0, 0);
        for round in 0..count {
            let short = keeper.keep(&event("{[", &[&noise(length)], "]}"));
            let expected = round == 0 || changes >= CHANGES_MAX || bytes >= enough;
            assert_eq!(is_whole(&short), expected, "{length}, {round}: {changes} changes, {bytes} bytes");
            if expected {
                (bytes, changes, wholes) = (0, 0, wholes + 1);
                enough = short.len().clamp(CHANGES_BYTES.0, CHANGES_BYTES.1);
            } else {
                (bytes, changes) = (bytes + short.len(), changes + 1);
            }
        }
        assert!((2..=wholes_max).contains(&wholes), "{length}: {wholes}");
    }
}

#[test]
fn the_length_of_a_text_is_known_before_it_is_made() {
    let rows: [(&str, &[&str], &str, &str); 6] = [
        ("", &[], "", ""),
        ("{}", &[], "", "{}"),
        ("{[", &[], "]}", "{[]}"),
        ("{[", &["1"], "]}", "{[1]}"),
        ("{[", &["1", "23", "456"], "]}", "{[1,23,456]}"),
        ("", &["1", "2"], "", "1,2"),
    ];
    for (before, list, after, text) in rows {
        let event = event(before, list, after);
        assert_eq!((event.text(), event.text_bytes()), (text.into(), text.len()));
    }
}

#[test]
fn the_longest_event_is_kept() {
    let (mut keeper, mut reader) = (Keeper::default(), Reader::default());
    let entry = "x".repeat(EVENT_BYTES_MAX - 4);
    let longest = event("{[", &[&entry], "]}");
    assert_eq!(longest.text_bytes(), EVENT_BYTES_MAX);
    assert!(reader.read(&keeper.keep(&longest)).is_ok_and(|read| read == longest));
    let longer = event("{[ ", &[&entry], "]}");
    assert_eq!(keeper.keep(&longer), [LEFT_OUT].as_slice());
}

/// A change after a whole event, with a list of these steps: how many entries stay from a place on.
fn forged(steps: &[(usize, usize)], last: &Event) -> Result<Event, Unreadable> {
    let (mut keeper, mut reader) = (Keeper::default(), Reader::default());
    reader.read(&keeper.keep(last))?;
    let known = keeper.known.as_ref().unwrap();
    let mut body = vec![0, 0];
    for (count, start) in steps {
        put_number(&mut body, count << 1);
        put_number(&mut body, *start);
    }
    let mut short = BytesMut::new();
    short.put_u8(CHANGE);
    short.put_u32(known.mark);
    squeeze(&body, &known.window, &mut short);
    reader.read(&short.freeze())
}

#[test]
fn a_short_change_cannot_claim_a_long_event() {
    let last = event("{[", &["1", &"x".repeat(EVENT_BYTES_MAX / 8)], "]}");
    let expected = event("", &["1", "1"], "");
    assert_eq!(forged(&[(1, 0), (1, 0)], &last), Ok(expected));
    assert!(forged(&[(2, 0); 7], &last).is_ok());
    for nonsense in [vec![(2, 0); 8], vec![(1, 1); 9], vec![(1, 2)], vec![(3, 0)], vec![(1, 0), (0, 0)]] {
        assert_eq!(forged(&nonsense, &last), Err(Unreadable), "{nonsense:?}");
    }
}

#[test]
fn a_log_is_read_from_a_place_on() {
    let place = |offset| Position { epoch: 1, offset };
    let events = row(3, &[Step::Nothing, Step::Add(0, 7), Step::Change(1, 9), Step::Remove(0)]);
    let mut keeper = Keeper::default();
    let frames: Vec<Frame> = (1..)
        .zip(&events)
        .map(|(offset, event)| Frame::new(Topic::OrderUpdate, None, keeper.keep(event)).at(place(offset)))
        .collect();
    for after in 0..=4 {
        let replay = Replay::of(frames.clone(), place(after)).unwrap();
        let read: Vec<_> = replay.map(|frame| (frame.at, frame.text)).collect();
        let all = (1..).zip(&events).map(|(offset, event)| (place(offset), event.text()));
        assert_eq!(read, all.skip(usize::try_from(after).unwrap()).collect::<Vec<_>>(), "after {after}");
    }
    // Without the whole one that it builds on.
    assert_eq!(Replay::of(frames[1..].to_vec(), place(0)).err(), Some(NoReplay::Unreadable(Unreadable)));
    assert_eq!(Replay::none().count(), 0);
}

#[test]
fn an_event_too_long_is_left_out_and_the_next_is_whole() {
    let (mut keeper, mut reader) = (Keeper::default(), Reader::default());
    let small = event("{[", &["1"], "]}");
    let entry = Bytes::from(vec![b'x'; EVENT_BYTES_MAX / 2]);
    let long = Event { list: vec![entry.clone(), entry], ..small.clone() };
    reader.read(&keeper.keep(&small)).unwrap();
    let short = keeper.keep(&long);
    assert!(!is_whole(&short) && short.len() == 1);
    assert_eq!(reader.read(&short), Err(Unreadable));
    let short = keeper.keep(&small);
    assert_eq!((is_whole(&short), reader.read(&short)), (true, Ok(small)));
}

#[test]
fn a_text_is_read_as_it_is() {
    let mut reader = Reader::default();
    let text = Bytes::from_static(b"{\"type\":\"OrderUpdate\"}");
    assert!(is_whole(&text));
    assert_eq!(reader.read(&text).unwrap().text(), text);
    assert_eq!(reader.read(&Bytes::new()), Err(Unreadable));
}

#[test]
fn a_trade_takes_little() {
    let texts: Vec<&str> = std::str::from_utf8(SAMPLE).unwrap().lines().collect();
    let mut keeper = Keeper::default();
    let mut bytes = 0;
    // The tickets, times and prices of another trade.
    for text in texts {
        let other = text.replace("50000", "61234").replace("17958", "17969").replace("1.089", "1.234");
        bytes += keeper.keep(&event(&other, &[], "")).len();
    }
    assert!(bytes < 1_400, "{bytes}");
}
