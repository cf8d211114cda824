//! What numbers on the wire mean, and what is left where settings of an account change those of a symbol.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test fails by panicking.

use std::collections::BTreeSet;

use wire::records::{
    Account, Commission, CompressedSymbols, Deal, FullSymbol, FullSymbolsRequest, KEEP_F64, KEEP_I32,
    KEEP_U32, KEEP_U64, LeverageRule, LeverageTier, LoginRequest, Order, PERIODS, Period, Profile, Schedule,
    Session, SymbolBrief, SymbolIds, TradeRequest, TradeSettings, TransactionType, details_field,
};
use wire::{Cipher, Counted, DecodeError, Overlong, Payload, Record, Secret, SecretBytes, code};

fn symbol() -> TradeSettings {
    TradeSettings {
        spread_diff: 1,
        trade_mode: 2,
        volume_min: 3,
        margin_initial: 4.0,
        margin_rates_initial: [5.0; 8],
        margin_rates_maintenance: [6.0; 8],
        swap_rates: [7.0; 7],
        ..TradeSettings::default()
    }
}

#[test]
fn neutral_settings_change_nothing() {
    let mut settings = symbol();
    settings.override_with(&TradeSettings::neutral());
    assert_eq!(settings, symbol());
    assert_eq!(TradeSettings::neutral().symbol_path, "*");
}

#[test]
fn an_account_changes_what_it_does_not_keep() {
    let mut settings = symbol();
    let account = TradeSettings {
        spread_diff: -1,
        trade_mode: 0,
        // Of volumes nothing means nothing said.
        volume_min: 0,
        volume_max: 30,
        margin_initial: 0.0,
        margin_rates_initial: [KEEP_F64, 0.5, KEEP_F64, 0.0, KEEP_F64, KEEP_F64, KEEP_F64, 0.25],
        ..TradeSettings::neutral()
    };
    settings.override_with(&account);
    let expected = TradeSettings {
        spread_diff: -1,
        trade_mode: 0,
        volume_max: 30,
        margin_initial: 0.0,
        margin_rates_initial: [5.0, 0.5, 5.0, 0.0, 5.0, 5.0, 5.0, 0.25],
        ..symbol()
    };
    assert_eq!(settings, expected);
    let keeps = [u64::from(KEEP_U32), KEEP_I32.unsigned_abs().into(), KEEP_U64];
    assert_eq!(keeps, [0xFFFF_FFFF, 0x7FFF_FFFF, u64::MAX]);
}

#[test]
fn periods_are_known_by_code_and_length() {
    for period in PERIODS {
        assert_eq!(Period::from_code(period.code), Some(period));
        assert_eq!(Period::from_minutes(period.minutes), Some(period));
    }
    assert_eq!((Period::from_code(2), Period::from_minutes(2)), (None, None));
}

#[test]
fn bars_are_put_together_from_the_longest_period_that_divides_them() {
    let rows = [
        (1, Some("M1")),
        (2, Some("M1")),
        (10, Some("M5")),
        (15, Some("M15")),
        (20, Some("M5")),
        (45, Some("M15")),
        (90, Some("M30")),
        (120, Some("H1")),
        (240, Some("H4")),
        (360, Some("H1")),
        (720, Some("H4")),
        (1440, Some("D1")),
        (10_080, Some("W1")),
        // They divide no day.
        (0, None),
        (7, None),
        (2880, None),
        (20_160, None),
    ];
    for (minutes, name) in rows {
        assert_eq!(Period::for_minutes(minutes).map(|period| period.name), name, "{minutes}");
    }
}

#[test]
fn each_result_code_has_a_meaning_of_its_own() {
    let known = [
        code::SUCCESS,
        code::INTERNAL_ERROR,
        code::SERVER_NOT_AVAILABLE,
        code::INVALID_ACCOUNT,
        code::OTP_REQUIRED,
        code::OTP_SETUP_REQUIRED,
        code::INVALID_EMAIL,
        code::INVALID_PHONE,
        code::CERTIFICATE_UNSUPPORTED,
        code::INVALID_OTP,
    ];
    let texts: BTreeSet<&str> = known.into_iter().map(code::text).collect();
    assert_eq!(texts.len(), known.len());
    assert!(!texts.contains(code::text(4)) && texts.iter().all(|text| text.len() > 5), "{texts:?}");
    let unknown: BTreeSet<&str> = (0..=u8::MAX).filter(|one| !known.contains(one)).map(code::text).collect();
    assert_eq!(unknown.len(), 1);
}

#[test]
fn changes_have_their_numbers() {
    for change in [TransactionType::Add, TransactionType::Update, TransactionType::Delete] {
        assert_eq!(TransactionType::from_number(change as u32), Some(change));
    }
    assert_eq!(TransactionType::from_number(3), None);
}

#[test]
fn fields_of_symbol_details_have_the_bits_of_the_protocol() {
    use details_field as bit;
    let low = [bit::BID_LAST, bit::BID_HIGH, bit::BID_LOW, bit::ASK_LAST, bit::ASK_HIGH, bit::ASK_LOW];
    assert_eq!(low, [0x1, 0x2, 0x4, 0x8, 0x10, 0x20]);
    assert_eq!([bit::LAST_LAST, bit::LAST_HIGH, bit::LAST_LOW], [0x40, 0x80, 0x100]);
    assert_eq!([bit::PRICE_OPEN, bit::PRICE_CLOSE, bit::PRICE_CHANGE], [0x10_0000, 0x20_0000, 0x80_0000]);
}

#[test]
fn a_schedule_has_sixteen_sessions_for_each_day_of_both_weeks() {
    assert_eq!(Schedule::LEN, 2 * 7 * 16 * Session::LEN);
    assert_eq!(Schedule::FIELDS.iter().map(|field| field.len * 2).collect::<Vec<_>>(), [Schedule::LEN; 2]);
    let always = Schedule::always();
    let days: Vec<_> = always.quotes.iter().chain(&always.trades).flatten().collect();
    assert_eq!(days, [&Session { open: 0, close: 1440 }; 14]);
}

#[test]
fn symbols_are_asked_for_by_ids_or_by_a_name_that_fits() {
    for ids in [vec![], vec![7], vec![7, 8, 9]] {
        let request = FullSymbolsRequest::Ids(SymbolIds(ids));
        assert_eq!(FullSymbolsRequest::from_bytes(&request.to_bytes()), Ok(request));
    }
    let named = |length: usize| FullSymbolsRequest::Name("x".repeat(length));
    assert_eq!(FullSymbolsRequest::from_bytes(&named(32).to_bytes()), Ok(named(32)));
    assert_eq!(named(32).whole_bytes(), Ok(named(32).to_bytes()));
    assert_eq!(named(33).whole_bytes(), Err(Overlong { field: "symbol", units_max: 32 }));
    // Ids of which some are missing are no ids; they are read as a name, and are too short for one.
    let cut = &FullSymbolsRequest::Ids(SymbolIds(vec![7, 8])).to_bytes()[..8];
    assert!(FullSymbolsRequest::from_bytes(cut).is_err());
}

#[test]
fn a_packed_list_may_be_as_long_as_its_stream_can_hold() {
    let symbol = |id| SymbolBrief { symbol_id: id, trade_symbol: format!("S{id}"), ..SymbolBrief::default() };
    for count in [0, 1, 3_000] {
        let list = CompressedSymbols(Counted((0..count).map(symbol).collect()));
        assert_eq!(CompressedSymbols::from_bytes(&list.to_bytes()), Ok(list));
    }
}

#[test]
fn texts_of_a_whole_record_arrive_whole_or_name_their_field() {
    let of = |name: &str| SymbolBrief { trade_symbol: name.into(), ..SymbolBrief::default() };
    let longest = "x".repeat(32);
    assert_eq!(of(&longest).whole_bytes(), Ok(of(&longest).to_bytes()));
    for name in ["x".repeat(33), "a\0b".to_owned()] {
        let field = of(&name).whole_bytes().unwrap_err();
        assert_eq!((field.field, field.units_max), ("trade_symbol", 32), "{name:?}");
    }
}

#[test]
fn a_record_of_which_nothing_is_said_is_all_zeros() {
    fn check<R: Record + Payload + Default + PartialEq + std::fmt::Debug>() {
        let zeros = vec![0; R::LEN];
        assert_eq!(R::default().to_bytes(), zeros, "{}", R::NAME);
        assert_eq!(R::from_bytes(&zeros), Ok(R::default()), "{}", R::NAME);
    }
    check::<LoginRequest>();
    check::<TradeSettings>();
    check::<FullSymbol>();
    check::<Deal>();
    check::<Order>();
}

#[test]
fn a_count_beyond_what_was_sent_is_refused_as_such() {
    let body = |count: u32, bytes: usize| [&count.to_le_bytes()[..], &vec![0; bytes]].concat();
    let read =
        |count, bytes| Counted::<SymbolBrief>::from_bytes(&body(count, bytes)).map(|read| read.0.len());
    assert_eq!(read(2, 2 * SymbolBrief::LEN), Ok(2));
    assert_eq!(read(2, 3 * SymbolBrief::LEN), Ok(2));
    for (count, left) in [(2, 2 * SymbolBrief::LEN - 1), (1, 0), (u32::MAX, 3 * SymbolBrief::LEN)] {
        assert_eq!(read(count, left), Err(DecodeError::Count { record: "SymbolBrief", count, left }));
    }
}

#[test]
fn of_a_secret_nothing_is_shown_but_whether_there_is_one() {
    assert_eq!(format!("{:?}", Secret::new("hunter2".into())), "***");
    let cipher = format!("{:?}", Cipher::new(&[0x77; 16]).unwrap());
    assert!(cipher.contains("***") && !cipher.contains("119"), "{cipher}");
    let bytes = |first| SecretBytes::new([first, 0, 0]);
    assert_eq!(format!("{:?} {:?}", bytes(0), bytes(7)), "none ***");
    assert!(bytes(0).is_zero() && !bytes(7).is_zero());
    assert_eq!(bytes(7).reveal(), &[7, 0, 0]);
}

#[test]
fn tiers_that_were_never_sent_are_not_begun() {
    let rule = LeverageRule { tiers: vec![LeverageTier::default(); 2], ..LeverageRule::default() };
    let account = Account { symbols_count: 7, leverage_rules: vec![rule], ..Account::default() };
    let body = account.to_bytes();
    let mut refused = 0;
    for length in body.len() - 3 * LeverageTier::LEN..body.len() {
        match Account::from_bytes(&body[..length]) {
            Err(DecodeError::Invalid { record: "LeverageRule", .. }) => refused += 1,
            Err(DecodeError::Short { record: "LeverageTier", .. }) => panic!("begun, cut at {length}"),
            _ => {}
        }
    }
    assert_eq!(refused, 2 * LeverageTier::LEN);
}

#[test]
fn commissions_that_were_never_sent_are_not_begun() {
    let account = Account { commissions: vec![Commission::default(); 2], ..Account::default() };
    let body = account.to_bytes();
    assert_eq!(Account::from_bytes(&body).map(|read| read.commissions), Ok(account.commissions));
    for cut in 1..20 {
        let read = Account::from_bytes(&body[..body.len() - cut]);
        let is_counted = matches!(read, Err(DecodeError::Count { record: "Commission", count: 2, .. }));
        assert!(is_counted, "{cut} bytes less: {read:?}");
    }
}

#[test]
fn every_field_of_a_request_of_pymt5_is_read() {
    let official = TradeRequest { action_id: 7, trade_volume: 8, ..TradeRequest::default() };
    let mut body = official.to_bytes()[..144].to_vec();
    body.extend_from_slice(&20_u64.to_le_bytes());
    let mut comment: Vec<u8> = "mine".encode_utf16().flat_map(u16::to_le_bytes).collect();
    comment.resize(64, 0);
    body.extend_from_slice(&comment);
    for number in [70_u64, 71] {
        body.extend_from_slice(&number.to_le_bytes());
    }
    body.extend_from_slice(&1_700_000_000_u32.to_le_bytes());
    assert_eq!(body.len(), 236);
    let expected = TradeRequest {
        price_deviation: 20,
        comment: "mine".into(),
        trade_position: 70,
        position_by: 71,
        time_expiration: 1_700_000_000,
        ..official
    };
    assert_eq!(TradeRequest::from_either(&body), Ok((expected, Profile::Pymt5)));
    assert!(TradeRequest::from_either(&body[..235]).is_err());
}
