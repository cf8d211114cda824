//! An error as RFC 9457 has it, for clients that go by HTTP rather than by the known interface.

use serde::Serialize;

use crate::{Code, Details, Error, Outcome};

/// The body of `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Problem<'a> {
    /// Names the kind of problem: a URN that ends with the code.
    pub r#type: String,
    /// What the code means, the same for all its errors.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong this time and what to do.
    pub detail: &'a str,
    /// The reason, for programs.
    pub code: Code,
    /// True when the same call may be made again, and may succeed then.
    pub retryable: bool,
    /// What became of the trade request, if the call was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The numbers by which the call can be mended, each kind under a name of its own.
    #[serde(flatten)]
    pub details: Option<&'a Details>,
}

impl Error {
    /// The problem, with the status that its code has or the one that HTTP itself demands.
    pub fn problem(&self, status: Option<u16>) -> Problem<'_> {
        let code = self.precise_code();
        Problem {
            r#type: format!("urn:mt5rest:error:{code}"),
            title: code.meaning(),
            status: status.unwrap_or_else(|| code.http_status()),
            detail: self.detail(),
            code,
            retryable: code.is_retryable(self.outcome()),
            outcome: self.outcome(),
            details: self.details(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_names_the_precise_code() {
        let error = Error::server_not_found("Nowhere");
        assert_eq!(error.code(), Code::Done);
        let body = serde_json::to_value(error.problem(None)).unwrap();
        assert_eq!(body["type"], "urn:mt5rest:error:SERVER_NOT_FOUND");
        assert_eq!((&body["status"], &body["code"]), (&404.into(), &"SERVER_NOT_FOUND".into()));
        assert_eq!(body.get("outcome"), None);
    }

    #[test]
    fn a_trade_of_unknown_fate_is_not_to_be_repeated() {
        let late = Error::timeout("The order");
        assert!(late.problem(None).retryable);
        let unknown = late.with_outcome(Outcome::Unknown);
        let body = serde_json::to_value(unknown.problem(None)).unwrap();
        assert_eq!((&body["retryable"], &body["outcome"]), (&false.into(), &"unknown".into()));
    }
}
