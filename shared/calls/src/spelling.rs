//! Parameters of trades whose names are almost right.
//!
//! Unknown parameters are ignored, as clients of the interface rely on, but an order without the stop that was meant is
//! another order. So a trade tells the name that was meant, and names what it ignores.

use std::collections::HashSet;

use error::{Code, Error, echo};
use strsim::levenshtein;

use crate::params::base_of;
use crate::{CallSpec, DRY_RUN, OF_EVERY_TRADE, Params};

/// The parameter by which tickets come as texts.
pub const TICKETS_AS_TEXT: &str = "ticketsAsText";

/// The parameter by which times carry a zone.
pub const ZONED: &str = "zoned";

/// What every call takes.
pub const OF_EVERY_CALL: [&str; 4] = ["idempotencyKey", "errorReplyStatusCode", TICKETS_AS_TEXT, ZONED];

/// What other programs call a parameter that changes what is traded, as it is compared, with its names in our calls. Where
/// a call has one of these and it was not given, the other name is a mistake.
const OTHER_NAMES: [(&str, &[&str]); 29] = [
    ("sl", &["stoploss"]),
    ("stop", &["stoploss"]),
    ("slprice", &["stoploss"]),
    ("stoplossprice", &["stoploss"]),
    ("tp", &["takeprofit"]),
    ("tpprice", &["takeprofit"]),
    ("takeprofitprice", &["takeprofit"]),
    ("deviation", &["slippage"]),
    ("expiry", &["expiration"]),
    ("expirationtime", &["expiration"]),
    ("lot", &["volume", "lots"]),
    ("lotsize", &["volume", "lots"]),
    ("qty", &["volume", "lots"]),
    ("quantity", &["volume", "lots"]),
    ("size", &["volume", "lots"]),
    // Whoever means to try an order must not send it.
    ("dry", &[DRY_RUN]),
    ("simulate", &[DRY_RUN]),
    ("simulation", &[DRY_RUN]),
    ("preview", &[DRY_RUN]),
    ("test", &[DRY_RUN]),
    ("testonly", &[DRY_RUN]),
    ("checkonly", &[DRY_RUN]),
    ("validateonly", &[DRY_RUN]),
    ("whatif", &[DRY_RUN]),
    ("paper", &[DRY_RUN]),
    // Names in other calls of ours: only a strict caller hears of them, see `Spelling::elsewhere`.
    ("lots", &["volume"]),
    ("volume", &["lots"]),
    ("stoplimit", &["stopLimitPrice"]),
    ("stoplimitprice", &["stoplimit"]),
];

/// A name so many letters from a parameter's is taken for a mistake.
const DISTANCE_MAX: usize = 2;

/// The names that a call knows.
#[derive(Debug, Clone)]
pub struct Spelling {
    call: &'static str,
    /// Each parameter: as it is compared, and as it is declared.
    known: Vec<(String, &'static str)>,
    /// Parameters of other calls, as they are compared. Clients send them with this one, and never got anything by it.
    elsewhere: HashSet<String>,
}

/// The parameters of a request by their declared names.
#[derive(Debug)]
pub struct Spelled {
    /// Those that are known.
    pub params: Params,
    /// The names of the others, as they came.
    pub ignored: Vec<String>,
    /// Why the call must not be made.
    pub fault: Option<Error>,
}

impl Spelling {
    /// Of a call under one of its names, among all.
    pub fn of(call: &CallSpec, name: &'static str, all: &[CallSpec]) -> Self {
        let names = |call: &CallSpec| call.params.iter().map(|param| param.name).collect::<Vec<_>>();
        let of_trades = if call.policy.trades() { &OF_EVERY_TRADE[..] } else { &[] };
        let known = names(call).into_iter().chain(OF_EVERY_CALL).chain(of_trades.iter().copied());
        let known = known.map(|name| (plain(name), name)).collect();
        Self { call: name, known, elsewhere: all.iter().flat_map(names).map(plain).collect() }
    }

    /// Settles what each parameter of a request is. A strict caller has every unknown one refused.
    pub fn settle(&self, given: &Params, is_strict: bool) -> Spelled {
        let (mut params, mut ignored) = (Params::new(), Vec::new());
        for (name, value) in given.pairs() {
            match self.declared(name) {
                Some(declared) => params.push(declared, value),
                None => ignored.push(name.to_owned()),
            }
        }
        let mut faults = ignored.iter().filter_map(|name| self.misspelt(name, &params, is_strict));
        let fault = faults.next().or_else(|| self.contradiction(&params));
        Spelled { params, ignored, fault }
    }

    /// The parameter that a name is, but for `_`, `-` and the case of letters.
    fn declared(&self, name: &str) -> Option<&'static str> {
        let wanted = plain(name);
        self.known.iter().find(|(known, _)| *known == wanted).map(|(_, declared)| *declared)
    }

    fn misspelt(&self, name: &str, given: &Params, is_strict: bool) -> Option<Error> {
        if let Some(meant) = name.strip_prefix("amp;").and_then(|rest| self.declared(rest)) {
            return Some(
                self.unknown(name, &format!("'{meant}' is meant, after a plain '&' instead of '&amp;'")),
            );
        }
        let wanted = plain(name);
        let is_elsewhere = self.elsewhere.contains(&wanted);
        if (is_strict || !is_elsewhere)
            && let Some(meant) = self.other_name(&wanted).filter(|meant| given.get(meant).is_none())
        {
            return Some(self.unknown(name, &format!("its name here is '{meant}'")));
        }
        let is_near = |known: &str| {
            known.len().abs_diff(wanted.len()) <= DISTANCE_MAX && levenshtein(known, &wanted) <= DISTANCE_MAX
        };
        // The token has a name so short that much is near it, and without it there is no call anyway.
        let is_open = |declared: &str| declared != "id" && given.get(declared).is_none();
        let mut meant = self.known.iter().filter(|(known, declared)| is_open(declared) && is_near(known));
        if !is_elsewhere && let Some((_, meant)) = meant.next() {
            return Some(self.unknown(name, &format!("perhaps '{meant}' is meant")));
        }
        let names: Vec<&str> = self.known.iter().map(|(_, declared)| *declared).collect();
        is_strict.then(|| self.unknown(name, &format!("it takes {}", names.join(", "))))
    }

    /// The parameter that other programs, or other calls, call so.
    fn other_name(&self, wanted: &str) -> Option<&'static str> {
        let (_, meant) = OTHER_NAMES.iter().find(|(other, _)| *other == wanted)?;
        let declared = self.known.iter().map(|(_, declared)| *declared);
        declared.into_iter().find(|declared| meant.contains(declared))
    }

    fn unknown(&self, name: &str, told: &str) -> Error {
        let told = format!("{} has no parameter '{}': {told}.", self.call, echo(name));
        Error::new(Code::InvalidParam, told)
    }

    /// Two values for one parameter: whichever counted, the other may have been meant.
    fn contradiction(&self, given: &Params) -> Option<Error> {
        let two = |declared: &&str| {
            let mut values = given.pairs().filter(|(name, value)| name == declared && !value.is_empty());
            let first = values.next()?;
            values.any(|other| other != first).then_some(())
        };
        let declared = self.known.iter().map(|(_, declared)| *declared).find(|name| two(name).is_some())?;
        let told = format!("Parameter '{declared}' came with several values: give it once.");
        Some(Error::new(Code::InvalidParam, told))
    }
}

/// A name as it is compared.
pub(crate) fn plain(name: &str) -> String {
    base_of(name).chars().filter(|c| !matches!(c, '_' | '-')).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use schemars::SchemaGenerator;

    use super::*;
    use crate::AnyCall;

    /// Calls as they are at least: what they require, and nothing else.
    const LEAST: [(&str, &[(&str, &str)]); 5] = [
        ("OrderSend", &[("id", "t"), ("symbol", "S"), ("operation", "Buy"), ("volume", "1")]),
        ("OrderModify", &[("id", "t"), ("ticket", "7")]),
        ("OrderClose", &[("id", "t"), ("ticket", "7")]),
        ("OrderCancelTask", &[("id", "t"), ("ticket", "7")]),
        ("OrderCloseByTask", &[("id", "t"), ("ticket", "7"), ("closeByTicket", "8")]),
    ];

    static SPECS: LazyLock<Vec<CallSpec>> = LazyLock::new(|| AnyCall::specs(&mut SchemaGenerator::default()));

    fn settled(call: &str, given: &[(&str, &str)], is_strict: bool) -> Spelled {
        let all = &*SPECS;
        let spec = all.iter().find(|spec| spec.name == call).unwrap();
        let spelling = Spelling::of(spec, spec.name, all);
        spelling.settle(&given.iter().copied().collect(), is_strict)
    }

    /// What is said of one more parameter beside the least.
    fn told(call: &str, name: &str, is_strict: bool) -> Result<Vec<String>, String> {
        let least = LEAST.into_iter().find(|(known, _)| *known == call).unwrap().1;
        let Spelled { ignored, fault, .. } = settled(call, &[least, &[(name, "0.5")]].concat(), is_strict);
        fault.map_or(Ok(ignored), |fault| Err(fault.detail().to_owned()))
    }

    #[test]
    fn the_table_has_every_trading_call() {
        let trading: Vec<_> =
            SPECS.iter().filter(|spec| spec.policy.trades()).map(|spec| spec.name).collect();
        assert_eq!(trading, LEAST.map(|(name, _)| name));
    }

    #[test]
    fn other_separators_and_cases_are_the_same_name() {
        for (call, least) in LEAST {
            let spec = SPECS.iter().find(|spec| spec.name == call).unwrap();
            let names = spec.params.iter().map(|param| param.name).chain(OF_EVERY_CALL).chain(OF_EVERY_TRADE);
            for name in names.filter(|name| least.iter().all(|(given, _)| given != name)) {
                let (head, tail) = name.split_at(name.len() / 2);
                for spelled in [
                    name.to_uppercase(),
                    format!("{head}_{tail}"),
                    format!("{head}-{tail}_"),
                    format!("{name}[0]"),
                ] {
                    for is_strict in [false, true] {
                        let found = settled(call, &[least, &[(&spelled, "1")]].concat(), is_strict);
                        assert_eq!(found.params.get(name), Some("1"), "{call} {spelled}");
                        assert!(found.ignored.is_empty() && found.fault.is_none(), "{call} {spelled}");
                    }
                }
            }
        }
    }

    /// Every parameter that was not given, with each letter left out, doubled, and replaced.
    #[test]
    fn what_is_almost_a_name_is_refused_with_the_right_one() {
        for (call, least) in LEAST {
            let all = &*SPECS;
            let spec = all.iter().find(|spec| spec.name == call).unwrap();
            let is_known =
                |wanted: &str| all.iter().flat_map(|spec| &spec.params).any(|one| plain(one.name) == wanted);
            let names = spec.params.iter().map(|param| param.name).chain(OF_EVERY_CALL).chain(OF_EVERY_TRADE);
            for name in names.filter(|name| least.iter().all(|(given, _)| given != name)) {
                for at in 0..name.len() {
                    let (head, tail) = name.split_at(at);
                    for wrong in [
                        format!("{head}{}", &tail[1..]),
                        format!("{head}x{tail}"),
                        format!("{head}xx{}", &tail[1..]),
                    ] {
                        let told = told(call, &wrong, false);
                        assert!(told.is_err() || is_known(&plain(&wrong)), "{call} {wrong} passes");
                    }
                }
                let wrong = told(call, &format!("{name}x"), false).unwrap_err();
                assert!(wrong.contains(&format!("'{name}'")) && wrong.contains(call), "{wrong}");
            }
        }
        for (name, meant) in [
            ("stop_los", "stoploss"),
            ("tekeprofit", "takeprofit"),
            ("slipage", "slippage"),
            ("expert", "expertID"),
            ("amp;stoploss", "stoploss"),
            ("dryRn", "dryRun"),
            ("amp;dryRun", "dryRun"),
        ] {
            assert!(told("OrderSend", name, false).unwrap_err().contains(meant), "{name}");
        }
    }

    /// What clients send to one call is a parameter of another one, or something of theirs.
    #[test]
    fn parameters_of_other_calls_are_ignored_and_named() {
        let all = &*SPECS;
        let others = ["page", "pageSize", "magic", "strategy", "apiKey", "t", "_", ""];
        let names = all.iter().flat_map(|spec| spec.params.iter().map(|param| param.name)).chain(others);
        for name in names {
            for (call, least) in LEAST {
                let spec = all.iter().find(|spec| spec.name == call).unwrap();
                let own =
                    spec.params.iter().map(|param| param.name).chain(OF_EVERY_CALL).chain(OF_EVERY_TRADE);
                let is_own = own.map(plain).any(|own| own == plain(name));
                if is_own || least.iter().any(|(given, _)| *given == name) {
                    continue;
                }
                assert_eq!(told(call, name, false), Ok(vec![name.to_owned()]), "{call} {name}");
                assert!(
                    told(call, name, true).unwrap_err().contains(&format!("no parameter '{name}'")),
                    "{call} {name}"
                );
            }
        }
    }

    /// Without its stop, or of another volume, an order is another one.
    #[test]
    fn what_other_programs_call_a_parameter_is_refused_with_its_name_here() {
        let cases = [
            ("OrderSend", "sl", "stoploss"),
            ("OrderSend", "TP", "takeprofit"),
            ("OrderSend", "take_profit_price", "takeprofit"),
            ("OrderSend", "deviation", "slippage"),
            ("OrderSend", "expiry", "expiration"),
            ("OrderSend", "preview", "dryRun"),
            ("OrderCancelTask", "validate_only", "dryRun"),
            ("OrderModify", "sl", "stoploss"),
            ("OrderClose", "Qty", "lots"),
            ("OrderClose", "lot_size", "lots"),
            ("OrderClose", "deviation", "slippage"),
        ];
        // Known clients send these, and never got anything by them.
        let of_other_calls = [
            ("OrderSend", "stoplimit", "stopLimitPrice"),
            ("OrderModify", "stopLimitPrice", "stoplimit"),
            ("OrderClose", "volume", "lots"),
        ];
        for (call, name, meant) in cases.into_iter().chain(of_other_calls) {
            let told = told(call, name, true).unwrap_err();
            assert!(told.contains(call) && told.contains(&format!("'{meant}'")), "{call} {name}: {told}");
        }
        for (call, name, meant) in cases {
            let told = told(call, name, false).unwrap_err();
            assert!(told.contains(call) && told.contains(&format!("'{meant}'")), "{call} {name}: {told}");
        }
        for (call, name, _) in of_other_calls {
            assert_eq!(told(call, name, false), Ok(vec![name.to_owned()]), "{call} {name}");
        }
        let without_volume = [("id", "t"), ("symbol", "S"), ("operation", "Buy"), ("qty", "1")];
        let fault = settled("OrderSend", &without_volume, false).fault.unwrap();
        assert!(fault.detail().contains("'volume'"), "{fault}");
        // Each name is told for whatever call has the parameter, and is none of the call's own.
        for (other, meant) in OTHER_NAMES {
            for spec in SPECS.iter().filter(|spec| spec.policy.trades()) {
                let has = |name: &str| spec.params.iter().any(|param| plain(param.name) == name);
                assert!(
                    !(has(other) && meant.iter().any(|meant| has(&plain(meant)))),
                    "{other} {}",
                    spec.name
                );
            }
            let is_known = |meant: &&str| {
                OF_EVERY_TRADE.contains(meant)
                    || SPECS
                        .iter()
                        .any(|spec| spec.policy.trades() && spec.params.iter().any(|one| one.name == *meant))
            };
            assert!(meant.iter().all(is_known), "{other}");
        }
        // Beside the right one it is a word of the client's own, and so it is where a call has nothing of the kind.
        let both = [LEAST[0].1, &[("stoploss", "1"), ("sl", "1")]].concat();
        assert_eq!(settled("OrderSend", &both, false).fault, None);
        assert_eq!(told("OrderClose", "sl", false), Ok(vec!["sl".to_owned()]));
    }

    #[test]
    fn two_values_of_one_parameter_are_refused() {
        let least = LEAST[0].1;
        let fault = |more: &[(&str, &str)]| settled("OrderSend", &[least, more].concat(), false).fault;
        for two in [
            [("stoploss", "1"), ("stop_loss", "2")],
            [("stopLoss", "1"), ("stoploss", "2")],
            [("comment", "a"), ("comment", "b")],
            [("Volume", "2"), ("price", "1")],
            [("idempotencyKey", "a"), ("idempotency_key", "b")],
        ] {
            assert!(fault(&two).is_some_and(|fault| fault.detail().contains("once")), "{two:?}");
        }
        for one in [[("stoploss", "1"), ("stop_loss", "1")], [("stoploss", ""), ("stop_loss", "1")]] {
            assert_eq!(fault(&one), None, "{one:?}");
        }
    }
}
