//! What a line says.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;
use std::time::Instant;

use audit::Record;
use bus::{Answer, Ask, Payload};
use calls::{AnyCall, CallId, Effect};
use schemars::SchemaGenerator;
use serde::Deserialize;

/// The longest value of a parameter that is written, in characters.
const VALUE_CHARS_MAX: usize = 256;

/// Parts of names of what is nobody's business, whatever its declaration says.
const SECRET_PARTS: [&str; 6] = ["pass", "token", "key", "otp", "secret", "pfx"];

/// By which a session is taken over: as good as a password.
const TOKENS: [&str; 2] = ["id", "ids"];

/// The parameters of each call that may be written, by its first name.
static WRITTEN: LazyLock<HashMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
    let specs = AnyCall::specs(&mut SchemaGenerator::default());
    let of = |spec: &calls::CallSpec| {
        let open = spec.params.iter().filter(|param| !param.is_secret() && !param.is_file());
        open.map(|param| param.name).filter(|name| is_open(name)).collect()
    };
    specs.iter().map(|spec| (spec.name, of(spec))).collect()
});

fn is_open(name: &str) -> bool {
    // The id of an API key is no secret, and lines about keys are about it.
    if name == "keyId" {
        return true;
    }
    let lower = name.to_ascii_lowercase();
    !TOKENS.contains(&name) && !SECRET_PARTS.iter().any(|part| lower.contains(part))
}

/// A line of a call that is under way.
pub(crate) struct Draft {
    record: Record,
    call: CallId,
    begun: Instant,
    is_of_nobody: bool,
}

impl Draft {
    /// What is known when a call begins; `account` is that of its session.
    pub(crate) fn begin(ask: &Ask, account: Option<u64>) -> Self {
        let names = WRITTEN.get(ask.call.call()).map(Vec::as_slice).unwrap_or_default();
        let value = |name: &str| {
            let value = ask.params.get(name).filter(|value| !value.is_empty())?;
            Some((name.to_owned(), value.chars().take(VALUE_CHARS_MAX).collect()))
        };
        let params: BTreeMap<String, String> = names.iter().filter_map(|name| value(name)).collect();
        let account = account.or_else(|| params.get("user").and_then(|user| user.parse().ok()));
        let (trace, span) = trace().unzip();
        let reason = calls::reason(&ask.params).ok().flatten().map(str::to_owned);
        let record = Record {
            tenant: ask.caller.tenant.as_str().to_owned(),
            key: ask.caller.key.clone(),
            source: ask.source.map(|source| source.to_string()),
            account,
            call: ask.call.call().to_owned(),
            params,
            reason,
            request: span.unwrap_or_else(|| format!("{:016x}", rand::random::<u64>())),
            trace,
            ..Record::default()
        };
        let is_of_nobody = ask.caller.key.is_none() && !ask.caller.is_local() && !ask.caller.is_operator;
        Self { record, call: ask.call, begun: Instant::now(), is_of_nobody }
    }

    /// Whether nobody knows who makes the call: he shows no key where keys are asked for.
    pub(crate) const fn is_of_nobody(&self) -> bool {
        self.is_of_nobody
    }

    /// With what came of it.
    pub(crate) fn ended(self, answer: &Answer) -> Record {
        let trades = self.call.policy().effect == Effect::Trade;
        let outcome = match &answer.result {
            Ok(_) => error::Outcome::Applied.as_str(),
            Err(error) if trades => error.outcome().unwrap_or(error::Outcome::NotSent).as_str(),
            Err(_) => "failed",
        };
        let code = answer.result.as_ref().map_or_else(|error| error.code().as_str(), |_| "OK");
        let ticket = answer.result.as_ref().ok().filter(|_| trades).and_then(ticket);
        Record {
            at_ms: runtime::unix_ms(),
            outcome: outcome.to_owned(),
            code: code.to_owned(),
            ticket,
            latency_ms: u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            ..self.record
        }
    }
}

/// The ticket of the order that a trade answers.
fn ticket(payload: &Payload) -> Option<u64> {
    #[derive(Deserialize)]
    struct Order {
        ticket: Option<u64>,
    }
    let Payload::Json(json) = payload else { return None };
    serde_json::from_slice::<Order>(json).ok()?.ticket
}

/// The trace of this call, and its own part of it.
fn trace() -> Option<(String, String)> {
    let header = runtime::outgoing_trace()?;
    let mut parts = header.split('-').skip(1);
    Some((parts.next()?.to_owned(), parts.next()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_among_what_is_written() {
        let all = |name: &str| WRITTEN.values().any(|names| names.contains(&name));
        for secret in [
            "password",
            "proxyPassword",
            "otp",
            "id",
            "pfxFile",
            "pfxFilePassword",
            "adminKey",
            "newPassword",
        ] {
            assert!(!all(secret), "{secret}");
        }
        for open in ["symbol", "volume", "ticket", "user", "stoploss"] {
            assert!(all(open), "{open}");
        }
    }
}
