//! What a call was given, by the names of its parameters: for records of it, and to tell equal calls.

use serde::Serialize;
use serde_json::Value;

/// The version of [`Given::canonical`]: what one version has written, the next ones recognise.
const VERSION: u32 = 1;

/// Parameters by their published names, in declared order. What is absent, or as it would be without it, is left out, so
/// that a parameter that comes with a later version changes nothing for who does not use it. Secrets are stars.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    call: &'static str,
    values: Vec<(&'static str, Value)>,
}

impl Given {
    /// Nothing yet.
    pub(crate) const fn new(call: &'static str) -> Self {
        Self { call, values: Vec::new() }
    }

    /// Adds a value.
    pub(crate) fn add<T: Serialize>(&mut self, name: &'static str, value: &T) {
        // What has no JSON form is no parameter: texts, numbers and lists of them have one.
        self.values.push((name, serde_json::to_value(value).unwrap_or(Value::Null)));
    }

    /// Removes the values from `start` on if they are those of `other`.
    pub(crate) fn drop_default(&mut self, start: usize, other: &Self) {
        if self.values[start..] == other.values {
            self.values.truncate(start);
        }
    }

    /// How many there are.
    pub(crate) const fn len(&self) -> usize {
        self.values.len()
    }

    /// The values by their names.
    pub fn values(&self) -> &[(&'static str, Value)] {
        &self.values
    }

    /// The same text for the same call with the same parameters, and for no other; the token of its session is not among
    /// them. A line names the version and the call, further ones name each value, as JSON.
    #[must_use]
    pub fn canonical(&self) -> String {
        let mut text = format!("{VERSION} {}", self.call);
        for (name, value) in self.values.iter().filter(|(name, _)| *name != "id") {
            text.push_str(&format!("\n{name}={value}"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use crate::{AnyCall, CallId, Params};

    fn canonical(name: &str, query: &str) -> String {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let params: Params = pairs.chain([("id", "token")]).collect();
        let id: CallId = name.parse().unwrap();
        let AnyCall::Trading(call) = AnyCall::decode(id, &params).unwrap() else { panic!("{name}") };
        call.given().canonical()
    }

    /// These stand in registries of running services: they must never change.
    #[test]
    fn what_was_written_once_is_recognised_for_ever() {
        for (name, query, text) in [
            (
                "OrderSend",
                "symbol=EURUSD&operation=Buy&volume=0.1",
                "1 OrderSend\nsymbol=\"EURUSD\"\noperation=\"Buy\"\nvolume=0.1",
            ),
            (
                "OrderSend",
                "symbol=A=B&operation=BuyStopLimit&volume=1&price=1.1&slippage=20&stoploss=1.05&takeprofit=1.15\
                 &comment=two words&expertID=-7&stopLimitPrice=1.09&expiration=2026-12-24T10:00:00\
                 &expirationType=Specified&placedType=Mobile",
                "1 OrderSend\nsymbol=\"A=B\"\noperation=\"BuyStopLimit\"\nvolume=1.0\nprice=1.1\nslippage=20\n\
                 stoploss=1.05\ntakeprofit=1.15\ncomment=\"two words\"\nexpertID=-7\nstopLimitPrice=1.09\n\
                 expiration=\"2026-12-24T10:00:00\"\nexpirationType=\"Specified\"\nplacedType=\"Mobile\"",
            ),
            ("OrderModify", "ticket=7&stoploss=1.5", "1 OrderModify\nticket=7\nstoploss=1.5"),
            ("OrderModify", "ticket=7&keepStops=true", "1 OrderModify\nticket=7\nkeepStops=true"),
            (
                "OrderClose",
                "ticket=18446744073709551615&lots=0.5",
                "1 OrderClose\nticket=18446744073709551615\nlots=0.5",
            ),
            ("OrderCancel", "ticket=7", "1 OrderCancelTask\nticket=7"),
            ("OrderCloseBy", "ticket=7&closeByTicket=8", "1 OrderCloseByTask\nticket=7\ncloseByTicket=8"),
        ] {
            assert_eq!(canonical(name, query), text, "{name}?{query}");
        }
    }

    #[test]
    fn equal_calls_have_the_same_text_and_others_do_not() {
        let plain = canonical("OrderSend", "symbol=EURUSD&operation=Buy&volume=0.1");
        for same in [
            "symbol=EURUSD&operation=0&volume=0.10",
            "VOLUME=1e-1&operation=buy&symbol=EURUSD&stoploss=0&takeprofit=0.0&comment=",
        ] {
            assert_eq!(canonical("OrderSendSafe", same), plain, "{same}");
        }
        for other in [
            "symbol=EURUSD&operation=Sell&volume=0.1",
            "symbol=EURUSD&operation=Buy&volume=0.11",
            "symbol=EURUSD&operation=Buy&volume=0.1&stoploss=1",
            "symbol=EURUSD\"&operation=Buy&volume=0.1",
            "symbol=EURUSD&operation=Buy&volume=0.1&comment=x\nprice=1.0",
            "symbol=EURUSD&operation=Buy&volume=0.1&price=1",
        ] {
            assert_ne!(canonical("OrderSend", other), plain, "{other}");
        }
        assert_ne!(
            canonical("OrderSend", "symbol=E&operation=Buy&volume=0.1&comment=x\nprice=1.0"),
            canonical("OrderSend", "symbol=E&operation=Buy&volume=0.1&comment=x&price=1.0"),
        );
    }
}
