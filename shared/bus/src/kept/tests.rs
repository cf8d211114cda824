use proptest::prelude::*;

use super::*;

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
