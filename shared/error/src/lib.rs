//! The one error that leaves a crate of mt5rest, and the table of its codes.
//!
//! An [`Error`] has two faces: `detail` goes to the caller and says what to do, `cause` goes to the log and may
//! name internals. Neither may hold a password, an API key or a raw frame. The same value travels over the bus,
//! into HTTP bodies and into WebSocket envelopes; it serialises to the body clients know.
//!
//! ```
//! use error::{Code, Error};
//!
//! let refused = Error::from_retcode(10019, "OrderSend").because("retcode 10019 in the trade result push");
//! assert_eq!(refused.code(), Code::NoMoney);
//! assert_eq!(Error::invalid_token("abc").detail(), "Client with id abc not found");
//! ```
//!
//! This crate knows nothing about HTTP, sessions or the wire protocol.

mod carried;
mod codes;
mod details;
mod problem;
mod status;

pub use carried::Carried;
pub use codes::Code;
pub use details::{
    Details, ExpirationDetails, FreezeDetails, MarginDetails, PriceDetails, Side, StopsDetails, VolumeDetails,
};
pub use problem::Problem;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

/// The longest piece of a caller's own text that is repeated in a message, in characters.
const ECHO_CHARS_MAX: usize = 64;

/// A failed call: a code for programs, a message for the caller, a cause for the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    code: Code,
    /// The code that fits better, where the known interface has one for everything.
    precise: Option<Code>,
    detail: Cow<'static, str>,
    cause: Option<String>,
    outcome: Option<Outcome>,
    /// In a box: errors are passed around by value, and few have any.
    details: Option<Box<Details>>,
}

/// How a message begins its advice to repeat the call.
const AGAIN: &str = " Try again";

/// What it says instead where the call may have been done.
const LOOK_FIRST: &str =
    " Whether it was done is unknown: look before you repeat it, or repeat it under its idempotency key.";

/// What became of a trade request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It never left: sending it anew cannot double it.
    NotSent,
    /// The trade server refused it.
    Rejected,
    /// It was done, though the call failed.
    Applied,
    /// Nobody can tell yet: look before repeating it.
    Unknown,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::NotSent, Self::Rejected, Self::Applied, Self::Unknown];

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::Rejected => "rejected",
            Self::Applied => "applied",
            Self::Unknown => "unknown",
        }
    }
}

impl Error {
    /// An error with a message for the caller.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, precise: None, detail: detail.into(), cause: None, outcome: None, details: None }
    }

    /// An error whose message is the code's general meaning.
    pub fn of(code: Code) -> Self {
        Self::new(code, code.meaning())
    }

    /// The answer to a trade or login that the server refused with a numeric code.
    pub fn from_retcode(number: u32, doing: &str) -> Self {
        match Code::from_retcode(number) {
            Some(code) => Self::new(code, format!("{doing}: {}", code.meaning())),
            None => {
                Self::new(Code::CommonError, format!("{doing}: the trade server refused with code {number}."))
            }
        }
    }

    /// The token is unknown, or its session is gone. Clients look for these very words to log in again.
    pub fn invalid_token(token: &str) -> Self {
        let unknown = Self::new(Code::InvalidToken, format!("Client with id {} not found", echo(token)));
        if is_quoted(token) {
            return unknown.adding(". The token came in quotes: send what is between them.");
        }
        match plus_hint("The token", token) {
            Some(hint) => unknown.adding(". ").adding(&hint),
            None => unknown,
        }
    }

    /// A required parameter is absent or empty.
    pub fn missing_param(name: &str, accepts: &str) -> Self {
        Self::new(Code::NullArgument, format!("Parameter '{name}' is required: give {accepts}."))
    }

    /// A parameter cannot be read.
    pub fn invalid_param(name: &str, given: &str, accepts: &str) -> Self {
        let given = echo(given);
        Self::new(Code::InvalidParam, format!("Parameter '{name}' is '{given}', but should be {accepts}."))
    }

    /// The broker has no such symbol; `nearest` are those that it has and that may have been meant.
    pub fn invalid_symbol(symbol: &str, nearest: &[&str]) -> Self {
        let told = format!("Symbol '{}' not found.", echo(symbol));
        let mut error = Self::new(Code::InvalidSymbol, told);
        if !nearest.is_empty() {
            error = error.adding(&format!(" The nearest are {}.", nearest.join(", ")));
        }
        let hint = plus_hint("The name", symbol);
        error.adding(" ").adding(hint.as_deref().unwrap_or("/SymbolList has all names, with suffixes."))
    }

    /// There is no such open position or order.
    pub fn invalid_ticket(ticket: impl fmt::Display) -> Self {
        Self::new(Code::InvalidTicket, format!("Order {ticket} not found among the opened orders."))
    }

    /// The directory has no such broker server.
    pub fn server_not_found(server: &str) -> Self {
        let server = echo(server);
        let told = format!(
            "Server not found: {server}. The name is what is unknown: no server of this name is in the broker directory \
             of this service. /Search and /SearchMQ list the names that are, by a part of the company's or the server's \
             name; whoever runs the service adds others with --brokers; /Connect takes the address of the broker's Web \
             Terminal in place of a name."
        );
        Self::new(Code::Done, told).precisely(Code::ServerNotFound)
    }

    /// Nothing came back in time.
    pub fn timeout(doing: &str) -> Self {
        Self::new(Code::Timeout, format!("{doing} took too long and was given up. Try again."))
    }

    /// Nobody takes this session over for a while, since its owners have died of it.
    pub fn quarantined(left: Duration) -> Self {
        let seconds = left.as_millis().div_ceil(1000);
        Self::new(
            Code::SessionQuarantined,
            format!(
                "Workers that took this session over have died of it, so nothing is done for it in the next {seconds} \
                 seconds. Whoever runs the service can end that, by ReleaseSessions."
            ),
        )
    }

    /// A named limit was reached; the caller may come back later.
    pub fn busy(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::ServerBusy, detail)
    }

    /// A fault of this service: the caller learns only that, the log gets the cause.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::new(Code::Done, "The service failed inside; its log has the reason. Try again.").because(cause)
    }

    /// Says more, at the end of the message.
    #[must_use]
    pub fn adding(mut self, more: &str) -> Self {
        self.detail.to_mut().push_str(more);
        self
    }

    /// Names the code that fits better than the one that clients of the known interface expect.
    #[must_use]
    pub const fn precisely(mut self, code: Code) -> Self {
        self.precise = Some(code);
        self
    }

    /// Says what became of the trade request of the call. A message that invites to repeat it does not where it may have
    /// been done.
    #[must_use]
    pub fn with_outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = Some(outcome);
        if outcome == Outcome::Unknown
            && let Some(at) = self.detail.rfind(AGAIN)
        {
            self.detail = format!("{}{LOOK_FIRST}", &self.detail[..at]).into();
        }
        self
    }

    /// Adds the numbers by which the call can be mended, to the message as well.
    #[must_use]
    pub fn with_details(mut self, details: Details) -> Self {
        self.detail = format!("{} {details}", self.detail).into();
        self.details = Some(Box::new(details));
        self
    }

    /// Adds what the log should know and the caller should not.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// The reason, for programs.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The reason, where clients are not bound to the known interface.
    pub fn precise_code(&self) -> Code {
        self.precise.unwrap_or(self.code)
    }

    /// What became of the trade request, if the call was one.
    pub const fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    /// The numbers by which the call can be mended.
    pub fn details(&self) -> Option<&Details> {
        self.details.as_deref()
    }

    /// The message for the caller.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The reason for the log only.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }
}

impl fmt::Display for Error {
    /// Without the cause, so that printing an error never leaks it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.code, self.detail)
    }
}

impl std::error::Error for Error {}

impl Serialize for Error {
    /// Writes the error body of the HTTP interface; the cause stays here.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut body = to.serialize_struct("ExceptionResult", 3)?;
        body.serialize_field("message", &self.detail)?;
        body.serialize_field("code", &self.code)?;
        body.serialize_field("stackTrace", &None::<&str>)?;
        body.end()
    }
}

/// What to say about a name or a password that is not known and holds a blank, as a raw plus of a URL becomes one;
/// `what` it is begins the sentence.
pub fn plus_hint(what: &str, text: &str) -> Option<String> {
    let hint = || {
        format!(
            "{what} holds a blank or a line end. Where it came in a URL or a form, a + is read as a blank: write %2B for it \
             there; in JSON it is what it is."
        )
    };
    text.contains(char::is_whitespace).then(hint)
}

/// Whether a text is in quotes, as a JSON string is before it is read.
fn is_quoted(text: &str) -> bool {
    let in_quotes = |quote| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote);
    in_quotes('"') || in_quotes('\'')
}

/// A caller's text, fit to be repeated: cut, and without control characters.
pub fn echo(text: &str) -> String {
    let mut shown: String =
        text.chars().take(ECHO_CHARS_MAX).map(|c| if c.is_control() { '?' } else { c }).collect();
    if text.chars().nth(ECHO_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_has_the_three_fields_clients_know_and_no_cause() {
        let error = Error::of(Code::MarketClosed).because("secret internals");
        let body = serde_json::to_string(&error).unwrap();
        assert_eq!(
            body,
            r#"{"message":"Trading is closed on this symbol now.","code":"MARKET_CLOSED","stackTrace":null}"#
        );
    }

    #[test]
    fn names_that_are_not_known_say_what_may_have_become_of_them() {
        let told = |error: Error| error.detail().to_owned();
        assert_eq!(told(Error::invalid_token("a-b")), "Client with id a-b not found");
        for (token, hint) in [("\"a-b\"", "quotes"), ("'a'", "quotes"), ("a b", "%2B"), ("ab ", "%2B")] {
            let told = told(Error::invalid_token(token));
            assert!(told.starts_with(&format!("Client with id {token} not found. ")), "{told}");
            assert!(told.contains(hint), "{told}");
        }
        assert!(!told(Error::invalid_token("\"")).contains("quotes"));
        let told = |symbol, nearest: &[&str]| told(Error::invalid_symbol(symbol, nearest));
        assert_eq!(told("X", &[]), "Symbol 'X' not found. /SymbolList has all names, with suffixes.");
        assert!(
            told("EURUSD ", &["EURUSD+", "EURUSD"])
                .contains("'EURUSD ' not found. The nearest are EURUSD+, EURUSD.")
        );
        assert!(told("EURUSD ", &[]).contains("%2B") && !told("X", &["XY"]).contains("%2B"));
    }

    #[test]
    fn a_repeated_value_is_cut_and_cleaned() {
        let error = Error::invalid_param("user", &"x\n".repeat(100), "a whole number");
        assert!(error.detail().contains("x?x?"));
        assert!(error.detail().chars().count() < 150);
    }

    #[test]
    fn what_may_have_been_done_is_never_said_to_be_tried_again() {
        let invitations = [
            Error::timeout("OrderSend"),
            Error::internal("x"),
            Error::busy("The worker is busy. Try again soon."),
        ];
        for error in invitations {
            assert!(error.clone().with_outcome(Outcome::NotSent).detail().contains(AGAIN));
            let unknown = error.with_outcome(Outcome::Unknown);
            assert!(!unknown.detail().contains(AGAIN) && unknown.detail().ends_with(LOOK_FIRST), "{unknown}");
        }
    }

    #[test]
    fn an_unknown_server_is_told_by_its_name_and_how_to_find_it() {
        let error = Error::server_not_found("Nowhere-Demo");
        assert_eq!(error.code(), Code::Done);
        for word in ["Nowhere-Demo", "name", "/Search", "/SearchMQ", "--brokers", "/Connect"] {
            assert!(error.detail().contains(word), "{word}");
        }
    }

    #[test]
    fn an_unknown_number_is_still_reported() {
        let error = Error::from_retcode(12345, "OrderSend");
        assert_eq!(error.code(), Code::CommonError);
        assert!(error.detail().contains("12345"));
    }
}
