//! How an error goes from one process of ours to another.

use serde::{Deserialize, Serialize};

use crate::{Code, Details, Error, Outcome};

/// All of an [`Error`] but its cause, which stays in the log of the process it arose in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Carried {
    code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    precise: Option<String>,
    detail: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    details: Option<Box<Details>>,
}

impl From<&Error> for Carried {
    fn from(error: &Error) -> Self {
        Self {
            code: error.code.as_str().to_owned(),
            precise: error.precise.map(|code| code.as_str().to_owned()),
            detail: error.detail.clone().into_owned(),
            outcome: error.outcome,
            details: error.details.clone(),
        }
    }
}

impl From<Carried> for Error {
    /// A code that only a newer process knows becomes the one that says the least.
    fn from(carried: Carried) -> Self {
        let code = Code::from_name(&carried.code).unwrap_or(Code::CommonError);
        let precise = carried.precise.as_deref().and_then(Code::from_name);
        let Carried { detail, outcome, details, .. } = carried;
        Self { code, precise, detail: detail.into(), cause: None, outcome, details }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_arrives_whole_but_for_its_cause() {
        let plain = Error::of(Code::NoMoney);
        let full = Error::server_not_found("x").with_outcome(Outcome::NotSent);
        for sent in [plain, full] {
            let text = serde_json::to_string(&Carried::from(&sent.clone().because("secret"))).unwrap();
            assert!(!text.contains("secret"), "{text}");
            let got: Carried = serde_json::from_str(&text).unwrap();
            assert_eq!(Error::from(got), sent);
        }
    }

    #[test]
    fn an_unknown_code_is_still_an_error() {
        let got: Carried = serde_json::from_str(r#"{"code":"OF_TOMORROW","detail":"d"}"#).unwrap();
        assert_eq!(Error::from(got), Error::new(Code::CommonError, "d"));
    }
}
