//! What holds for all bytes and all values: nothing panics, nothing allocates what was not sent, and what was written
//! is read back.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test fails by panicking.

use proptest::prelude::*;
use wire::records::{
    self, Account, Book, BookLevel, Books, CompressedSymbols, DealUpdate, LeverageRule, TradeUpdate,
};
use wire::{COMMANDS, Cipher, Counted, DecodeError, Payload, frame, message};

fn bytes(max: usize) -> impl Strategy<Value = Vec<u8>> {
    // Mostly small bytes, so that counts and lengths are plausible now and then.
    prop::collection::vec(prop_oneof![3 => 0_u8..4, 1 => any::<u8>()], 0..max)
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused_by_every_payload(body in bytes(6000)) {
        for layout in COMMANDS {
            for payload in layout.request.iter().chain([&layout.response]) {
                if let Ok(again) = (payload.recode)(&body) {
                    // A second trip changes nothing: what was read is what was written.
                    prop_assert_eq!((payload.recode)(&again), Ok(again), "{:?}", layout.command);
                    let _ = (payload.show)(&body);
                }
            }
        }
    }

    #[test]
    fn every_record_survives_the_wire(seed in prop::collection::vec(any::<u8>(), 4096)) {
        for layout in records::layouts() {
            let too_short = (layout.recode)(&seed[..layout.len - 1]);
            prop_assert!(too_short.is_err(), "{} is read from too few bytes", layout.name);
            let once = match (layout.recode)(&seed[..layout.len]) {
                // Random bytes are rarely money.
                Err(DecodeError::Absurd { .. }) => continue,
                read => read.unwrap(),
            };
            prop_assert_eq!(once.len(), layout.len, "{}", layout.name);
            prop_assert_eq!((layout.recode)(&once), Ok(once), "{}", layout.name);
        }
    }

    #[test]
    fn any_message_is_opened_or_refused(sent in bytes(300), key in prop::collection::vec(any::<u8>(), 32)) {
        let cipher = Cipher::new(&key).unwrap();
        if let Ok(inner) = frame::open(&cipher, &sent) {
            let _ = message::Request::from_bytes(&inner);
            let _ = message::Response::from_bytes(&inner);
        }
    }

    #[test]
    fn what_is_sealed_is_opened(inner in prop::collection::vec(any::<u8>(), 0..200), size in prop::sample::select(vec![16, 24, 32])) {
        let cipher = Cipher::new(&vec![7; size]).unwrap();
        let sealed = frame::seal(&cipher, &inner);
        prop_assert_eq!((sealed.len() - 8) % 16, 0);
        prop_assert_eq!(frame::open(&cipher, &sealed).unwrap(), inner);
    }

    #[test]
    fn texts_are_cut_to_whole_characters(name in ".{0,80}") {
        let sent = records::SymbolBrief { trade_symbol: name.clone(), ..Default::default() };
        let read = records::SymbolBrief::from_bytes(&sent.to_bytes()).unwrap().trade_symbol;
        prop_assert_eq!(sent.whole_bytes().is_ok(), read == name, "what is whole arrives whole, and nothing else");
        let until_zero = name.split('\0').next().unwrap_or_default();
        prop_assert!(until_zero.starts_with(&read));
        prop_assert!(wire::utf16_len(&read) <= 32);
        if wire::utf16_len(until_zero) <= 32 {
            prop_assert_eq!(read, until_zero);
        }
    }

    #[test]
    fn composed_bodies_survive_the_wire(tiers in 0_usize..4, levels in 0_usize..6, deals in 0_usize..3, balance in -1e9..1e9) {
        let mut account = Account { symbols_count: 7, ..Default::default() };
        account.main.balance = balance;
        account.trade_settings = vec![records::TradeSettings::neutral()];
        account.leverage_rules = vec![LeverageRule { tiers: vec![Default::default(); tiers], ..Default::default() }];
        account.leverage_rules[0].rule.tier_count = i32::try_from(tiers).unwrap();
        account.commissions = vec![records::Commission { tiers: vec![Default::default(); tiers], ..Default::default() }];
        prop_assert_eq!(&Account::from_bytes(&account.to_bytes()).unwrap(), &account);

        let mut book = Book { levels: vec![BookLevel { price: 5, ..Default::default() }; levels], ..Default::default() };
        book.head.level_count = u16::try_from(levels).unwrap();
        let books = Books(vec![book.clone(), book]);
        prop_assert_eq!(&Books::from_bytes(&books.to_bytes()).unwrap(), &books);

        let mut update = DealUpdate { deals: vec![Default::default(); deals], positions: vec![Default::default(); deals], ..Default::default() };
        update.head.flag_mask = records::mask::DEALS;
        let update = TradeUpdate::Deals(vec![update.clone(), update]);
        prop_assert_eq!(&TradeUpdate::from_bytes(&update.to_bytes()).unwrap(), &update);
    }
}

#[test]
fn a_list_that_was_never_sent_is_refused_before_memory_is_taken() {
    for layout in COMMANDS {
        let claims_four_billion = [&u32::MAX.to_le_bytes()[..], &[0; 60]].concat();
        let _ = (layout.response.recode)(&claims_four_billion);
    }
    assert!(Counted::<records::FullSymbol>::from_bytes(&u32::MAX.to_le_bytes()).is_err());
}

#[test]
fn a_small_zlib_stream_cannot_claim_a_large_list() {
    use std::io::Write;
    let mut encoder = flate2::write::ZlibEncoder::new(vec![0; 4], flate2::Compression::best());
    let zeros = vec![0; 1 << 20];
    for _ in 0..=records::MAX_INFLATED >> 20 {
        encoder.write_all(&zeros).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 100_000, "the bomb packs well");
    assert!(CompressedSymbols::from_bytes(&bomb).is_err());
}

#[test]
fn secrets_are_not_shown() {
    let mut login = records::LoginRequest { login: 5, ..Default::default() };
    login.password = wire::Secret::new("hunter2".into());
    login.password_token = wire::SecretBytes::new([0x77; 160]);
    let shown = format!("{login:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("119"), "{shown}");
}

/// Records whose numbers are judged elsewhere: by their masks (`check`), or by the broker that is asked.
const UNJUDGED: [&str; 4] = ["Tick", "SymbolDetails", "TradeRequest", "Applicant"];

#[test]
fn money_and_prices_that_make_no_sense_make_no_record() {
    let mut tried = Vec::new();
    for layout in records::layouts().filter(|layout| !UNJUDGED.contains(&layout.name)) {
        let mut at = 0;
        for field in layout.fields {
            let places = (at..at + field.len).step_by(8);
            at += field.len;
            assert!(!field.kind.starts_with("f64"), "{}.{} may be anything", layout.name, field.name);
            if !["money", "price", "term", "terms"].contains(&field.kind) {
                continue;
            }
            for place in places {
                let with = |value: f64| {
                    let mut bytes = vec![0; layout.len];
                    bytes[place..place + 8].copy_from_slice(&value.to_le_bytes());
                    (layout.recode)(&bytes)
                };
                for sane in [0.0, -1234.56, 1e9] {
                    assert!(with(sane).is_ok(), "{}.{}: {sane}", layout.name, field.name);
                }
                let keeps = field.kind.starts_with("term");
                assert_eq!(with(f64::MAX).is_ok(), keeps, "{}.{}", layout.name, field.name);
                for absurd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MIN, -1e300, 1e300, 1e16] {
                    let told = with(absurd).unwrap_err().to_string();
                    let begin = format!("{}.{}: ", layout.name, field.name);
                    assert!(told.starts_with(&begin) && told.ends_with(" is absurd"), "{told}");
                }
            }
            tried.push(format!("{}.{}", layout.name, field.name));
        }
    }
    for one in [
        "AccountMain.balance",
        "AccountMain.margin_so_so",
        "Position.price_open",
        "Position.contract_size",
        "Order.price_sl",
        "Deal.profit",
        "TradeResult.bid",
        "Bar.close",
        "FullSymbol.tick_value",
        "TradeSettings.margin_rates_initial",
        "TradeSettings.swap_long",
        "CommissionTier.value",
        "LeverageTier.margin_rate_initial",
    ] {
        assert!(tried.iter().any(|tried| tried == one), "{one} has another name now");
    }
}

#[test]
fn prices_that_are_given_must_be_some() {
    use records::{BookLevel, SymbolDetails, Tick, details_field, tick_field};
    let tick = |fields, bid, ask| Tick { fields, bid, ask, ..Tick::default() };
    let details = |fields, bid_high| SymbolDetails { fields, bid_high, ..SymbolDetails::default() };
    for absurd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e19, -1e300] {
        assert!(tick(tick_field::BID | tick_field::ASK, absurd, 1.0).check().is_err(), "{absurd}");
        assert!(tick(tick_field::BID | tick_field::ASK, 1.0, absurd).check().is_err(), "{absurd}");
        assert!(tick(tick_field::ASK, absurd, 1.0).check().is_ok(), "it was not given");
        assert!(details(details_field::BID_HIGH, absurd).check().is_err(), "{absurd}");
        assert!(details(details_field::BID_LOW, absurd).check().is_ok(), "it was not given");
    }
    assert!(tick(tick_field::BID | tick_field::ASK, 110_000.0, -37.0).check().is_ok());
    for (price, is_sane) in [(110_000, true), (-37, true), (i64::MIN, false), (i64::MAX, false)] {
        assert_eq!(BookLevel { price, ..BookLevel::default() }.check().is_ok(), is_sane, "{price}");
    }
}
