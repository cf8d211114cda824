//! Decoding, as tables of cases.

use error::Code;

use crate::connection::{Connect, ConnectEx};
use crate::symbols::GetQuoteMany;
use crate::trading::{OrderModify, OrderSend};
use crate::values::{OrderType, ProxyType};
use crate::{AnyCall, Call, Operation, ParamSpec, Params};

use super::{Names, Param};

fn params(pairs: &[(&str, &str)]) -> Params {
    pairs.iter().copied().collect()
}

#[test]
fn numbers_are_read_strictly() {
    for (text, value) in [("0.01", Some(0.01)), ("1e-2", Some(0.01)), ("-5", Some(-5.0)), ("1,5", None)] {
        assert_eq!(f64::parse(text), value, "{text}");
    }
    for nothing in ["0", "0.0", "-0", "0e5", ".0", "0.000000000000000"] {
        assert_eq!(f64::parse(nothing).map(f64::abs), Some(0.0), "{nothing}");
    }
    assert_eq!(f64::parse("0.00000001"), Some(1e-8));
    for vanishing in ["0.000000001", "-0.000000001", "1e-9", "1e-400", "-1E-400", "0.0000000099"] {
        assert_eq!(f64::parse(vanishing), None, "{vanishing}");
    }
    for text in ["NaN", "inf", "infinity", "1e999", "", "0x10", "1_000"] {
        assert_eq!(f64::parse(text), None, "{text}");
    }
    assert_eq!(u64::parse("18446744073709551615"), Some(u64::MAX));
    for text in ["-1", "+1", " 1", "1 ", "1.0", "1e3", "٧"] {
        assert_eq!(u64::parse(text), None, "{text}");
    }
}

#[test]
fn booleans_are_read_in_any_case_and_as_digits() {
    for (text, value) in [("true", Some(true)), ("False", Some(false)), ("1", Some(true)), ("0", Some(false))]
    {
        assert_eq!(bool::parse(text), value);
    }
    assert_eq!(bool::parse("yes"), None);
}

#[test]
fn operations_pass_as_names_or_as_any_number() {
    let cases = [
        ("buy", Some(Operation::Known(OrderType::Buy))),
        ("SellStopLimit", Some(Operation::Known(OrderType::SellStopLimit))),
        ("8", Some(Operation::Known(OrderType::CloseBy))),
        ("100", Some(Operation::Other(100))),
        ("Balance", Some(Operation::Other(100))),
        ("-3", Some(Operation::Other(-3))),
        ("Hold", None),
    ];
    for (text, value) in cases {
        assert_eq!(Operation::parse(text), value, "{text}");
    }
}

#[test]
fn lists_come_repeated_or_indexed_or_joined() {
    let cases: [&[(&str, &str)]; 4] = [
        &[("symbols", "A"), ("Symbols", "B"), ("symbols", "")],
        &[("symbols[0]", "A"), ("symbols[1]", "B")],
        &[("symbols", "A,B,")],
        &[("symbol", "A"), ("Symbol[1]", "B")],
    ];
    for case in cases {
        let mut all = params(case);
        all.push("id", "t");
        let call = GetQuoteMany::decode(&all).unwrap();
        assert_eq!(call.symbols.resolve(|name| name.len() == 1), ["A", "B"]);
    }
    let odd: Names = ["A,B"].into_iter().collect();
    assert_eq!(odd.resolve(|name| name == "A,B"), ["A,B"]);
}

/// Each kind of call that lists something takes the list under either name.
#[test]
fn lists_are_found_in_the_singular_and_in_the_plural() {
    let specs = AnyCall::specs(&mut schemars::SchemaGenerator::default());
    let mut lists = 0;
    for spec in &specs {
        let is_list = |param: &&ParamSpec| param.schema.get("type").is_some_and(|kind| kind == "array");
        for param in spec.params.iter().filter(is_list) {
            lists += 1;
            let other = match param.name.strip_suffix('s') {
                Some(one) => one.to_owned(),
                None => format!("{}s", param.name),
            };
            let given = params(&[(param.name, "7"), (&other, "8")]);
            assert_eq!(
                given.list(param.name).collect::<Vec<_>>(),
                ["7", "8"],
                "{} {}",
                spec.name,
                param.name
            );
        }
    }
    assert!(lists > 15, "{lists}");
}

#[test]
fn names_are_taken_as_they_came_and_blanks_count_nowhere_else() {
    let login =
        [("password", " p "), ("host", "h "), ("port", "1 "), ("id", "t "), ("otp", "1 "), ("user", "5")];
    let call = Connect::decode(&params(&login)).unwrap();
    assert_eq!((call.login.password.expose(), call.host.as_str(), call.port), (" p ", "h ", 1));
    assert_eq!(call.login.id.as_deref(), Some("t "));
    let call = ConnectEx::decode(&params(&[&login[..], &[("server", " S")]].concat())).unwrap();
    assert_eq!(call.server, " S");
    for (name, value) in [("user", " 5"), ("user", "5 "), ("user", "+5")] {
        let given = params(&[&[(name, value)], &login[..5]].concat());
        assert_eq!(Connect::decode(&given).unwrap_err().code(), Code::InvalidParam, "{value:?}");
    }
    let order = [("id", "t"), ("operation", " buy "), ("volume", " 0.1\n"), ("symbol", "EURUSD ")];
    let call = OrderSend::decode(&params(&order)).unwrap();
    assert_eq!((call.symbol.as_str(), call.lots), ("EURUSD ", 0.1));
    for ticket in [" 7", "7 ", "+7", "7\n"] {
        let given = params(&[("id", "t"), ("ticket", ticket)]);
        for call in ["OrderModify", "OrderClose", "OrderCancel", "OpenedOrder", "HistoryDealsByPositionId"] {
            assert_eq!(
                AnyCall::decode(call.parse().unwrap(), &given).unwrap_err().code(),
                Code::InvalidParam,
                "{call} {ticket:?}"
            );
        }
        let given = params(&[("id", "t"), ("tickets", &format!("5,{ticket}"))]);
        assert_eq!(
            AnyCall::decode("HistoryPositions".parse().unwrap(), &given).unwrap_err().code(),
            Code::InvalidParam
        );
    }
    let names: Names = ["A, B", "C "].into_iter().collect();
    assert_eq!(names.resolve(|_| false), ["A", " B", "C "]);
}

/// A blank where a raw plus was is a name as well, and not the absence of one, which may mean "all".
#[test]
fn a_blank_is_no_absent_name() {
    let given = params(&[("id", " "), ("symbol", " "), ("symbols", " ")]);
    for call in ["UnSubscribeMany", "UnsubscribeOhlc", "SymbolParamsMany", "GetQuote"] {
        let call = format!("{:?}", AnyCall::decode(call.parse().unwrap(), &given).unwrap());
        assert!(call.contains("\" \"") && !call.contains("None, interval"), "{call}");
    }
}

#[test]
fn a_missing_token_is_a_null_argument() {
    for given in [params(&[]), params(&[("id", "")])] {
        assert_eq!(
            AnyCall::decode("OpenedOrders".parse().unwrap(), &given).unwrap_err().code(),
            Code::NullArgument
        );
    }
}

#[test]
fn a_malformed_value_is_named_with_what_is_accepted() {
    let error =
        OrderSend::decode(&params(&[("id", "t"), ("symbol", "EURUSD"), ("operation", "0"), ("volume", "x")]))
            .unwrap_err();
    assert_eq!(error.code(), Code::InvalidParam);
    assert!(error.detail().contains("'volume' is 'x'") && error.detail().contains("0.01"), "{error}");
}

#[test]
fn absent_stops_of_a_modification_are_zero() {
    let call = OrderModify::decode(&params(&[("id", "t"), ("Ticket", "7"), ("stopLoss", "1.5")])).unwrap();
    assert_eq!((call.ticket, call.stoploss, call.takeprofit), (7, Some(1.5), None));
}

#[test]
fn all_names_of_a_call_lead_to_it_in_any_case() {
    let given = params(&[("id", "t"), ("ticket", "7"), ("unknown", "ignored")]);
    for name in ["OrderModify", "ordermodifysafe", "ORDERMODIFYTASK"] {
        assert!(matches!(AnyCall::decode(name.parse().unwrap(), &given), Ok(AnyCall::Trading(_))), "{name}");
    }
    assert_eq!("Nothing".parse::<crate::CallId>().unwrap_err().code(), Code::NotFound);
}

#[test]
fn shared_parts_and_defaults_are_filled_in() {
    let login = [("user", "5"), ("PASSWORD", "pa ss"), ("server", "Demo"), ("downloadorderhistory", "TRUE")];
    let call = ConnectEx::decode(&params(&login)).unwrap();
    assert_eq!((call.connect_timeout_s, call.member_timeout_s), (60, 30));
    assert!(call.login.download_order_history);
    assert!(!format!("{call:?} {:?}", params(&login)).contains("pa ss"));
    assert_eq!(ProxyType::parse("socks5"), ProxyType::from_number(3));
}

#[test]
fn a_port_out_of_range_is_refused() {
    let error =
        Connect::decode(&params(&[("user", "1"), ("password", "p"), ("host", "h"), ("port", "70000")]));
    assert_eq!(error.unwrap_err().code(), Code::InvalidParam);
}
