//! What each code means to a client that goes by HTTP: its status (RFC 9110), and whether trying again can help.

use crate::{Code, Outcome};

impl Code {
    /// The HTTP status of a reply that tells errors by status: 4xx blames the call, 5xx something behind it.
    ///
    /// What the trade server refuses of a well-formed call is 422.
    pub const fn http_status(self) -> u16 {
        use Code::*;
        match self {
            InvalidParam | InvalidData | NullArgument | InvalidRequest | InvalidVolume => 400,
            InvalidAccount
            | UnknownAccount
            | InvalidPassword
            | InvalidOnetimePassword
            | SecretKeyRequired
            | InvalidCertificate
            | CertificateRequired
            | CertificateNotConfirm
            | PasswordMustChanged
            | AdvancedAuthorization
            | Mt4MigrationPassword
            | Mt5MigrationPassword
            | InvalidApiKey => 401,
            NotPermission
            | AccountDisabled
            | InvestorMode
            | ConnectionNotPermitted
            | DemoDisabled
            | UnallowedAddress
            | UnallowedIpAddress
            | ServerBlacklisted
            | AllowedRealAccountsOnly
            | GuardTripped
            | GuardLimit
            | LicenseRequired
            | LicenseSessionsReached
            | ReduceOnly => 403,
            InvalidToken | NotFound | InvalidSymbol | SymbolNotFound | InvalidTicket | PositionNotExists
            | ServerNotFound => 404,
            DuplicateAttempt | DoubleRequest | OrderAlreadyChanged | OperationCanceled => 409,
            TooFrequentRequest
            | TooFrequentFailConnect
            | TooFrequentConnectToOneServer
            | TooFrequentSocketError
            | TooManyTradeRequests
            | MaxSessionsReached => 429,
            Done | MemoryError | DiskError => 500,
            MethodNotSupported => 501,
            CommonError
            | ConnectError
            | SocketError
            | NetworkError
            | NetworkProblem
            | InvalidServer
            | InvalidServerType
            | InvalidServerCertificate
            | OldServer
            | OldVersion
            | AttemptConnectNonAccessServer => 502,
            ServerBusy
            | ServiceNotAvailable
            | NoConnection
            | ServerShutdown
            | AnotherProcessInProgress
            | OrderHistoryNotReady
            | SessionQuarantined => 503,
            Timeout | OperationTimeout | RequestTimeout => 504,
            _ => 422,
        }
    }

    /// Whether the same call may be made again, and may succeed then without anybody changing anything. A call that sends no
    /// order has no outcome. An order is never doubled: one that may have been done is not to be repeated, and one that was
    /// sent only where the server itself refused it for a reason of the moment; what broke behind it (5xx) proves nothing.
    pub const fn is_retryable(self, outcome: Option<Outcome>) -> bool {
        match outcome {
            None | Some(Outcome::NotSent) => self.is_of_the_moment(),
            Some(Outcome::Rejected) => self.is_of_the_moment() && self.http_status() < 500,
            Some(Outcome::Applied | Outcome::Unknown) => false,
        }
    }

    /// True when the fault passes by itself.
    const fn is_of_the_moment(self) -> bool {
        match self.http_status() {
            429 | 503 | 504 => true,
            502 => !matches!(
                self,
                Code::InvalidServer | Code::InvalidServerCertificate | Code::OldServer | Code::OldVersion
            ),
            _ => matches!(
                self,
                Code::Requote
                    | Code::QueueRequote
                    | Code::PriceChanged
                    | Code::NoPrices
                    | Code::MarketClosed
                    | Code::RequestRejectedToAbsenceConnect
                    | Code::RequestCancelled
                    | Code::Done
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_errors_and_blame_the_right_side() {
        for code in Code::ALL.iter().filter(|code| **code != Code::Ok) {
            assert!((400..=504).contains(&code.http_status()), "{code}");
        }
        let cases = [
            (Code::NullArgument, 400, false),
            (Code::InvalidAccount, 401, false),
            (Code::InvestorMode, 403, false),
            (Code::InvalidToken, 404, false),
            (Code::NoMoney, 422, false),
            (Code::MarketClosed, 422, true),
            (Code::ServerBusy, 503, true),
            (Code::SessionQuarantined, 503, true),
            (Code::GuardTripped, 403, false),
            (Code::GuardLimit, 403, false),
            (Code::Timeout, 504, true),
            (Code::InvalidServerCertificate, 502, false),
            (Code::ConnectError, 502, true),
        ];
        for (code, status, retryable) in cases {
            assert_eq!((code.http_status(), code.is_retryable(None)), (status, retryable), "{code}");
        }
    }

    #[test]
    fn no_order_is_to_be_repeated_that_may_have_been_done() {
        for code in Code::ALL {
            let after = |outcome| code.is_retryable(Some(outcome));
            assert!(!after(Outcome::Applied) && !after(Outcome::Unknown), "{code}");
            assert_eq!(
                after(Outcome::NotSent),
                code.is_retryable(None),
                "{code}: what never left is like a read"
            );
            // A refusal is a verdict of the server on this very order, which no fault on the way to it is.
            let is_verdict = code.http_status() < 500;
            assert_eq!(after(Outcome::Rejected), code.is_retryable(None) && is_verdict, "{code}");
        }
    }

    #[test]
    fn codes_of_orders_have_their_advice() {
        // What was not sent, and what was rejected.
        let cases = [
            (Code::Timeout, true, false),
            (Code::RequestTimeout, true, false),
            (Code::OperationTimeout, true, false),
            (Code::SocketError, true, false),
            (Code::ConnectError, true, false),
            (Code::NoConnection, true, false),
            (Code::CommonError, true, false),
            (Code::Done, true, false),
            (Code::Requote, true, true),
            (Code::PriceChanged, true, true),
            (Code::MarketClosed, true, true),
            (Code::TooManyTradeRequests, true, true),
            (Code::NoMoney, false, false),
            (Code::InvalidVolume, false, false),
        ];
        for (code, not_sent, rejected) in cases {
            let after = [Outcome::NotSent, Outcome::Rejected].map(|outcome| code.is_retryable(Some(outcome)));
            assert_eq!(after, [not_sent, rejected], "{code}");
        }
    }
}
