//! What each code means to a client that goes by HTTP: its status (RFC 9110), and whether trying again can help.

use crate::Code;

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
            | Mt5MigrationPassword => 401,
            NotPermission
            | AccountDisabled
            | InvestorMode
            | ConnectionNotPermitted
            | DemoDisabled
            | UnallowedAddress
            | UnallowedIpAddress
            | ServerBlacklisted
            | AllowedRealAccountsOnly => 403,
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
            | OrderHistoryNotReady => 503,
            Timeout | OperationTimeout | RequestTimeout => 504,
            _ => 422,
        }
    }

    /// True when the same call may succeed later without anybody changing anything: the fault is one of the moment.
    pub const fn is_retryable(self) -> bool {
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
            (Code::Timeout, 504, true),
            (Code::InvalidServerCertificate, 502, false),
            (Code::ConnectError, 502, true),
        ];
        for (code, status, retryable) in cases {
            assert_eq!((code.http_status(), code.is_retryable()), (status, retryable), "{code}");
        }
    }
}
