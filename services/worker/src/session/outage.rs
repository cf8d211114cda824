//! A lost link, as calls and streams are told of it.

use calls::UtcTime;
use calls::reply::LinkStatus;
use calls::values::LinkState;
use error::{Code, Error};
use link::LinkError;

/// When and why a link was lost.
#[derive(Clone, Debug)]
pub(crate) struct Outage {
    since_ms: i64,
    reason: String,
}

impl Outage {
    /// The link broke just now.
    pub(crate) fn of_link(cause: &LinkError) -> Self {
        Self { since_ms: runtime::unix_ms(), reason: cause.to_string() }
    }

    /// The session was found without an owner, and so without a link.
    pub(crate) fn of_owner() -> Self {
        let reason = "the worker that had the session is gone, and another one has taken it over";
        Self { since_ms: runtime::unix_ms(), reason: reason.to_owned() }
    }

    /// The error of calls while the link is being restored.
    pub(crate) fn error(&self) -> Error {
        let (since, reason) = (UtcTime::from_ms(self.since_ms), &self.reason);
        let told = format!(
            "The connection to the trade server was lost at {since} ({reason}). It is being restored: try again."
        );
        Error::new(Code::ConnectError, told)
    }

    /// The error of calls after an attempt to restore it that ends all attempts.
    pub(crate) fn ended_by(&self, verdict: &Error) -> Error {
        let since = UtcTime::from_ms(self.since_ms);
        let told = format!(
            "{} The connection to the trade server is lost since {since}, and is restored when somebody asks for it.",
            verdict.detail()
        );
        let error = Error::new(verdict.code(), told).precisely(verdict.precise_code());
        match verdict.cause() {
            Some(cause) => error.because(cause),
            None => error,
        }
    }

    /// What streams tell while the link is lost.
    pub(crate) fn status(&self) -> LinkStatus {
        let since = UtcTime::from_ms(self.since_ms);
        let reason = Some(self.reason.clone());
        LinkStatus { status: LinkState::Lost, since_utc: since, reason, lost_since_utc: Some(since) }
    }

    /// What they tell when it will not be restored by itself.
    pub(crate) fn ended_status(&self, verdict: &Error) -> LinkStatus {
        LinkStatus {
            status: LinkState::Ended,
            since_utc: UtcTime::from_ms(runtime::unix_ms()),
            reason: Some(verdict.detail().to_owned()),
            ..self.status()
        }
    }

    /// What they tell when it is up again.
    pub(crate) fn restored_status(&self, since_ms: i64) -> LinkStatus {
        LinkStatus { status: LinkState::Restored, since_utc: UtcTime::from_ms(since_ms), ..self.status() }
    }
}

/// What streams tell of a link that was never lost.
pub(crate) fn connected_status(since_ms: i64) -> LinkStatus {
    LinkStatus {
        status: LinkState::Connected,
        since_utc: UtcTime::from_ms(since_ms),
        reason: None,
        lost_since_utc: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_since_when_and_why() {
        let outage = Outage { since_ms: 1_800_000_000_000, reason: "the connection was closed".into() };
        let since = "2027-01-15T08:00:00.0000000Z";
        let error = outage.error();
        assert_eq!(error.code(), Code::ConnectError);
        assert!(error.detail().contains(since) && error.detail().contains("the connection was closed"));
        let verdict = Error::new(Code::InvalidAccount, "Wrong password.").because("code 3");
        let ended = outage.ended_by(&verdict);
        assert_eq!((ended.code(), ended.cause()), (Code::InvalidAccount, Some("code 3")));
        assert!(ended.detail().starts_with("Wrong password.") && ended.detail().contains(since));
    }
}
