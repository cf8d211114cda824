//! What every trade may be asked for: to be tried without being sent, and a reason for the record.
//!
//! Whether a trade is one in earnest is never guessed: a value that is neither true nor false, none at all, or two that differ
//! refuse the call. Processes agree on this one reading, and a process that does not know it must not get such a call (`cluster`
//! sends it by a path of its own).

use error::{Error, echo};

use crate::Params;
use crate::params::Param;
use crate::spelling::plain;

/// The parameter by which a trade is tried, and nothing sent.
pub const DRY_RUN: &str = "dryRun";

/// The parameter that says why a trade is made.
pub const REASON: &str = "reason";

/// What every trade takes beside its own parameters and those of every call.
pub const OF_EVERY_TRADE: [&str; 2] = [DRY_RUN, REASON];

/// The longest reason, in characters.
pub const REASON_CHARS_MAX: usize = 256;

/// Whether a trade with these parameters is to be tried only.
///
/// # Errors
/// [`error::Code::InvalidParam`] where that is not said clearly: nothing may be sent then.
pub fn is_dry_run(params: &Params) -> Result<bool, Error> {
    let wanted = plain(DRY_RUN);
    let mut said = None;
    for (_, value) in params.pairs().filter(|(name, _)| plain(name) == wanted) {
        let value = bool::parse(value.trim())
            .filter(|value| said.is_none_or(|said| said == *value))
            .ok_or_else(|| Error::invalid_param(DRY_RUN, &echo(value), "true or false, once"))?;
        said = Some(value);
    }
    Ok(said.unwrap_or(false))
}

/// Why a trade is made, if it says so.
///
/// # Errors
/// [`error::Code::InvalidParam`] if it is too long or has control characters, which would break the record's lines.
pub fn reason(params: &Params) -> Result<Option<&str>, Error> {
    let Some(reason) = params.get(REASON).map(str::trim).filter(|reason| !reason.is_empty()) else {
        return Ok(None);
    };
    if reason.chars().count() > REASON_CHARS_MAX || reason.chars().any(char::is_control) {
        let accepts = format!("up to {REASON_CHARS_MAX} printable characters");
        return Err(Error::invalid_param(REASON, &echo(reason), &accepts));
    }
    Ok(Some(reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(pairs: &[(&str, &str)]) -> Option<bool> {
        is_dry_run(&pairs.iter().copied().collect()).ok()
    }

    #[test]
    fn a_trade_is_in_earnest_only_where_nothing_else_is_said() {
        assert_eq!(said(&[]), Some(false));
        assert_eq!(said(&[("symbol", "dryRun")]), Some(false));
        for name in ["dryRun", "dryrun", "DRY_RUN", "dry-run", "dryRun[0]"] {
            for (value, is_dry) in
                [("true", Some(true)), ("1", Some(true)), (" True ", Some(true)), ("false", Some(false))]
            {
                assert_eq!(said(&[(name, value)]), is_dry, "{name}={value}");
            }
            for unclear in ["", "yes", "ture", "2", "true,true"] {
                assert_eq!(said(&[(name, unclear)]), None, "{name}={unclear}");
            }
        }
        assert_eq!(said(&[("dryRun", "true"), ("dryrun", "1")]), Some(true));
        assert_eq!(said(&[("dryRun", "false"), ("dryrun", "true")]), None);
        assert_eq!(said(&[("dryRun", ""), ("dryrun", "true")]), None);
    }

    #[test]
    fn a_reason_is_a_line_of_text() {
        let of = |text: &str| {
            let params: Params = [(REASON, text)].into_iter().collect();
            reason(&params).map(|reason| reason.map(str::to_owned)).map_err(|error| error.code())
        };
        assert_eq!(of(" "), Ok(None));
        assert_eq!(of(" stop é "), Ok(Some("stop é".to_owned())));
        assert!(of(&"x".repeat(REASON_CHARS_MAX)).is_ok());
        assert_eq!(of(&"x".repeat(REASON_CHARS_MAX + 1)), Err(error::Code::InvalidParam));
        assert_eq!(of("a\nb"), Err(error::Code::InvalidParam));
    }
}
