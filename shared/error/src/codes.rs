//! Every reason a call can fail for, with its name on the wire, its numbers and its public meaning.

use std::fmt;

use serde::{Serialize, Serializer};

/// Declares [`Code`]: meaning, variant, name on the wire, and the numbers by which a trade server says it.
///
/// ```text
/// codes! {
///     /// There is not enough free margin.
///     NoMoney = "NO_MONEY", 10019;
/// }
/// ```
macro_rules! codes {
    ($(#[doc = $meaning:literal] $code:ident = $name:literal $(, $number:literal)*;)+) => {
        /// The reason of an error. Names are those of the HTTP interface, odd spellings included.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $meaning] $code,)+ }

        impl Code {
            /// Every code, in the order of the published list.
            pub const ALL: &'static [Code] = &[$(Code::$code),+];

            /// The name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$code => $name),+ }
            }

            /// What it means, as a sentence for the caller.
            pub const fn meaning(self) -> &'static str {
                match self { $(Code::$code => $meaning.trim_ascii()),+ }
            }

            /// The code a trade server's number stands for.
            pub const fn from_retcode(number: u32) -> Option<Code> {
                match number { $($($number => Some(Code::$code),)*)+ _ => None }
            }
        }
    };
}

codes! {
    /// Nothing was refused by the trade server: this service itself failed, the message says how.
    Done = "DONE", 0;
    /// Done.
    Ok = "OK", 1;
    /// The server failed without naming a reason.
    CommonError = "COMMON_ERROR", 2;
    /// A parameter has a value that cannot be used.
    InvalidParam = "INVALID_PARAM", 3;
    /// The data sent do not fit together.
    InvalidData = "INVALID_DATA", 4;
    /// The server could not read or write its disk.
    DiskError = "DISK_ERROR", 5;
    /// The server is out of memory.
    MemoryError = "MEMORY_ERROR", 6;
    /// The network failed on the way to the server.
    NetworkError = "NETWORK_ERROR", 7;
    /// This account may not do that.
    NotPermission = "NOT_PERMISSION", 8;
    /// The operation did not end in time.
    OperationTimeout = "OPERATION_TIMEOUT", 9;
    /// There is no connection to the trade server.
    NoConnection = "NO_CONNECTION", 10;
    /// The trade server does not offer this service now. Check host, port and trading hours.
    ServiceNotAvailable = "SERVICE_NOT_AVAILABLE", 11;
    /// Requests come too fast. Slow down and try again.
    TooFrequentRequest = "TOO_FREQUENT_REQUEST", 12;
    /// There is no such object.
    NotFound = "NOT_FOUND", 13;
    /// The server is shutting down.
    ServerShutdown = "SERVER_SHUTDOWN", 15;
    /// The operation was cancelled.
    OperationCanceled = "OPERATION_CANCELED", 16;
    /// The same attempt was made twice.
    DuplicateAttempt = "DUPLICATE_ATTEMPT", 17;
    /// The trade server does not accept this kind of program.
    InvalidTerminal = "INVALID_TERMINAL", 1000;
    /// The login or the password is wrong.
    InvalidAccount = "INVALID_ACCOUNT", 1001;
    /// The account is disabled.
    AccountDisabled = "ACCOUNT_DISABLED", 1002;
    /// The account needs extended authorisation.
    AdvancedAuthorization = "ADVANCED_AUTHORIZATION", 1003;
    /// The account needs a certificate.
    CertificateRequired = "CERTIFICATE_REQUIRED", 1004;
    /// The certificate is not valid.
    InvalidCertificate = "INVALID_CERTIFICATE", 1005;
    /// The certificate is not confirmed yet.
    CertificateNotConfirm = "CERTIFICATE_NOT_CONFIRM", 1006;
    /// The address is not an access server.
    AttemptConnectNonAccessServer = "ATTEMPT_CONNECT_NON_ACCESS_SERVER", 1007;
    /// The server is not valid for this account.
    InvalidServer = "INVALID_SERVER", 1008;
    /// Only updates are available on this server.
    OnlyUpdatesAvailable = "ONLY_UPDATES_AVAILABLE", 1009;
    /// The program's version is too old for the server.
    OldVersion = "OLD_VERSION", 1010;
    /// The account has no manager configuration.
    AccountNotManagerConfig = "ACCOUNT_NOT_MANAGER_CONFIG", 1011;
    /// This IP address is not allowed.
    UnallowedIpAddress = "UNALLOWED_IP_ADDRESS", 1012;
    /// The account's group is not initialised on the server.
    GroupNotInitialized = "GROUP_NOT_INITIALIZED", 1013;
    /// The server does not generate certificates.
    CertificateGenerationDisabled = "CERTIFICATE_GENERATION_DISABLED", 1014;
    /// The server's id is not valid.
    InvalidServerId = "INVALID_SERVER_ID", 1015;
    /// This address is not allowed.
    UnallowedAddress = "UNALLOWED_ADDRESS", 1016;
    /// The server's kind does not fit.
    InvalidServerType = "INVALID_SERVER_TYPE", 1017;
    /// The trade server is busy. Try again in a moment.
    ServerBusy = "SERVER_BUSY", 1018;
    /// The server's certificate is not valid.
    InvalidServerCertificate = "INVALID_SERVER_CERTIFICATE", 1019;
    /// The trade server does not know this account.
    UnknownAccount = "UNKNOWN_ACCOUNT", 1020;
    /// The server's version is too old.
    OldServer = "OLD_SERVER", 1021;
    /// The server's licence does not allow more.
    ServerLicenseLimitation = "SERVER_LICENSE_LIMITATION", 1022;
    /// Mobile terminals are not allowed on this account.
    MobileTerminalNotAllowed = "MOBILE_TERMINAL_NOT_ALLOWED", 1023;
    /// This kind of connection is not permitted.
    ConnectionNotPermitted = "CONNECTION_NOT_PERMITTED", 1024;
    /// Demo accounts are disabled on this server.
    DemoDisabled = "DEMO_DISABLED", 1025;
    /// The password must be changed before the account can be used.
    PasswordMustChanged = "PASSWORD_MUST_CHANGED", 1026;
    /// The one-time password is wrong. Give a fresh one as otp.
    InvalidOnetimePassword = "INVALID_ONETIME_PASSWORD", 1027;
    /// The account needs a secret key for one-time passwords.
    SecretKeyRequired = "SECRET_KEY_REQUIRED", 1028;
    /// The account was migrated from MT4 and needs a new password.
    Mt4MigrationPassword = "MT4_MIGRATION_PASSWORD", 1029;
    /// The account was migrated from MT5 and needs a new password.
    Mt5MigrationPassword = "MT5_MIGRATION_PASSWORD", 1030;
    /// The last configuration cannot be deleted.
    LastConfigCantDelete = "LAST_CONFIG_CANT_DELETE";
    /// The last group cannot be deleted.
    LastGroupCantDelete = "LAST_GROUP_CANT_DELETE";
    /// There are still accounts in the group.
    AccountsInGroup = "ACCOUNTS_IN_GROUP";
    /// The range of accounts or trades is not valid.
    InvalidAccountOrTradeRanges = "INVALID_ACCOUNT_OR_TRADE_RANGES";
    /// The account does not belong to the group.
    AccountNotGroup = "ACCOUNT_NOT_GROUP";
    /// The configuration is protected.
    ProtectedConfig = "PROTECTED_CONFIG";
    /// The configuration exists already.
    ConfigDuplicate = "CONFIG_DUPLICATE";
    /// The limit of configurations is reached.
    ConfigLimitReached = "CONFIG_LIMIT_REACHED";
    /// The network configuration is not valid.
    InvalidNetworkConfig = "INVALID_NETWORK_CONFIG";
    /// A dialer with this id exists already.
    DialerIdAlreadyExists = "DIALER_ID_ALREADY_EXISTS";
    /// The address exists already.
    AddressAlreadyExists = "ADDRESS_ALREADY_EXISTS";
    /// A working server cannot be deleted.
    AttemptDeleteWorkingServer = "ATTEMPT_DELETE_WORKING_SERVER";
    /// A gateway with this name exists already.
    GatewayNameAlreadyExists = "GATEWAY_NAME_ALREADY_EXISTS";
    /// The server was switched to its backup.
    SerwerSwitchedToBackup = "SERWER_SWITCHED_TO_BACKUP";
    /// The server has no backup module.
    BackupModuleAbsent = "BACKUP_MODULE_ABSENT";
    /// The server has no trade module.
    TradeModuleAbsent = "TRADE_MODULE_ABSENT";
    /// The server has no history module.
    HistoryModuleAbsent = "HISTORY_MODULE_ABSENT";
    /// Another process is still at work.
    AnotherProcessInProgress = "ANOTHER_PROCESS_IN_PROGRESS";
    /// The last account cannot be deleted.
    LastAccountCantDelete = "LAST_ACCOUNT_CANT_DELETE";
    /// The range of logins is used up.
    LoginRangeExhausted = "LOGIN_RANGE_EXHAUSTED";
    /// The login is reserved.
    LoginReserved = "LOGIN_RESERVED";
    /// The account exists already.
    AccountAlreadyExists = "ACCOUNT_ALREADY_EXISTS";
    /// An account cannot delete itself.
    AttemptSelfDeletion = "ATTEMPT_SELF_DELETION";
    /// The password is not valid.
    InvalidPassword = "INVALID_PASSWORD";
    /// The limit of users is reached.
    UsersLimitReached = "USERS_LIMIT_REACHED";
    /// The account has open trades.
    AccountHasOpenTrades = "ACCOUNT_HAS_OPEN_TRADES";
    /// The operation would touch more accounts than intended.
    AttemptToMoreAccount = "ATTEMPT_TO_MORE_ACCOUNT";
    /// The operation would touch more groups than intended.
    AttemptToMoreGroup = "ATTEMPT_TO_MORE_GROUP";
    /// The account's balance does not add up.
    AccountBalanceError = "ACCOUNT_BALANCE_ERROR";
    /// The account's group is not valid.
    AccountHasInvalidGroup = "ACCOUNT_HAS_INVALID_GROUP";
    /// The account exists already in the trade system.
    OnetradeAccountAlreadyExists = "ONETRADE_ACCOUNT_ALREADY_EXISTS";
    /// The account's trade data could not be imported.
    AccountTradeDataImportError = "ACCOUNT_TRADE_DATA_IMPORT_ERROR";
    /// The account's positions could not be imported.
    AccountTradePositionImportError = "ACCOUNT_TRADE_POSITION_IMPORT_ERROR";
    /// The account's open orders could not be imported.
    AccountOpenOrdersImportError = "ACCOUNT_OPEN_ORDERS_IMPORT_ERROR";
    /// The account's deal history could not be imported.
    AccountDealsHistoryImportError = "ACCOUNT_DEALS_HISTORY_IMPORT_ERROR";
    /// The account's order history could not be imported.
    AccountOrdersHistoryImportError = "ACCOUNT_ORDERS_HISTORY_IMPORT_ERROR";
    /// The account cannot hold more pending orders.
    OrderLimitReached = "ORDER_LIMIT_REACHED";
    /// The order exists already.
    OrderAlreadyExists = "ORDER_ALREADY_EXISTS";
    /// The range of order numbers is used up.
    OrderRangeExhausted = "ORDER_RANGE_EXHAUSTED";
    /// The range of deal numbers is used up.
    DealRangeExhausted = "DEAL_RANGE_EXHAUSTED";
    /// The money limit is reached.
    MoneyLimitReached = "MONEY_LIMIT_REACHED";
    /// The deal exists already.
    DealAlreadyExists = "DEAL_ALREADY_EXISTS";
    /// The order number is reserved.
    OrderTicketReserved = "ORDER_TICKET_RESERVED";
    /// The deal number is reserved.
    DealTicketReserved = "DEAL_TICKET_RESERVED";
    /// The data base could not be copied.
    BaseSnapshotError = "BASE_SNAPSHOT_ERROR";
    /// The server does not support this method.
    MethodNotSupported = "METHOD_NOT_SUPPORTED";
    /// There are no data for the report.
    NoDataReport = "NO_DATA_REPORT";
    /// The template is not valid.
    BadTemplate = "BAD_TEMPLATE";
    /// The template ended too early.
    EndOfTemplate = "END_OF_TEMPLATE";
    /// The row size is not valid.
    InvalidRowSize = "INVALID_ROW_SIZE";
    /// The repeat limit is reached.
    RepeatLimitReached = "REPEAT_LIMIT_REACHED";
    /// The report is too large.
    ReportSizeLimitReached = "REPORT_SIZE_LIMIT_REACHED";
    /// The symbol is not known to the server.
    SymbolNotFound = "SYMBOL_NOT_FOUND";
    /// The request is on its way.
    RequestOnWay = "REQUEST_ON_WAY", 10001;
    /// The request was accepted.
    RequestAccepted = "REQUEST_ACCEPTED", 10002;
    /// The request was processed.
    RequestProcessed = "REQUEST_PROCESSED", 10003;
    /// The price has moved: the server offers a new one. Send the order again.
    Requote = "REQUOTE", 10004;
    /// The server answered with new prices.
    Prices = "PRICES", 10005;
    /// The server rejected the request.
    RequestRejected = "REQUEST_REJECTED", 10006;
    /// The request was cancelled by the trader.
    RequestCancelled = "REQUEST_CANCELLED", 10007;
    /// The order was placed.
    OrderPlaced = "ORDER_PLACED", 10008;
    /// The request was executed.
    RequestExecuted = "REQUEST_EXECUTED", 10009;
    /// The request was executed in part.
    RequestExecutedPartially = "REQUEST_EXECUTED_PARTIALLY", 10010;
    /// The server failed while handling the request.
    RequestError = "REQUEST_ERROR", 10011;
    /// The request was not handled in time.
    RequestTimeout = "REQUEST_TIMEOUT", 10012;
    /// The request is not valid.
    InvalidRequest = "INVALID_REQUEST", 10013;
    /// The volume is not valid. /SymbolParams has the least, the greatest and the step.
    InvalidVolume = "INVALID_VOLUME", 10014;
    /// The price is not valid for this kind of order.
    InvalidPrice = "INVALID_PRICE", 10015;
    /// The stop loss or take profit is not valid: wrong side, or too near to the price.
    InvalidStops = "INVALID_STOPS", 10016;
    /// Trading is disabled for this account or symbol.
    TradeDisabled = "TRADE_DISABLED", 10017;
    /// Trading is closed on this symbol now.
    MarketClosed = "MARKET_CLOSED", 10018;
    /// There is not enough free margin.
    NoMoney = "NO_MONEY", 10019;
    /// The price has changed. Read it again and send a new order.
    PriceChanged = "PRICE_CHANGED", 10020;
    /// There are no prices for this symbol now.
    NoPrices = "NO_PRICES", 10021;
    /// The expiration is not valid for this symbol.
    InvalidExpiration = "INVALID_EXPIRATION", 10022;
    /// The order has changed meanwhile. Read it again.
    OrderAlreadyChanged = "ORDER_ALREADY_CHANGED", 10023;
    /// Too many trade requests. Slow down.
    TooManyTradeRequests = "TOO_MANY_TRADE_REQUESTS", 10024;
    /// The request changes nothing.
    NoChanges = "NO_CHANGES", 10025;
    /// Automated trading is disabled by the server.
    AutotradeDisableServer = "AUTOTRADE_DISABLE_SERVER", 10026;
    /// Automated trading is disabled by the client.
    AutotradeDisableClient = "AUTOTRADE_DISABLE_CLIENT", 10027;
    /// The order or position is locked or too near to its price to be changed.
    ModificationFailed = "MODIFICATION_FAILED", 10028, 10029;
    /// The symbol does not support this filling mode.
    UnsupportedFillingMode = "UNSUPPORTED_FILLING_MODE", 10030;
    /// The request was rejected because the connection is missing.
    RequestRejectedToAbsenceConnect = "REQUEST_REJECTED_TO_ABSENCE_CONNECT", 10031;
    /// Only real accounts may do that.
    AllowedRealAccountsOnly = "ALLOWED_REAL_ACCOUNTS_ONLY", 10032;
    /// The limit of pending orders is reached.
    PendingLimitReached = "ORDER_LIMIT_REACHED_", 10033;
    /// The limit of volume on this symbol is reached.
    VolumeLimitReached = "VOLUME_LIMIT_REACHED", 10034;
    /// The order's kind is not valid or is forbidden here.
    InvalidOrder = "INVALID_ORDER", 10035;
    /// There is no such position.
    PositionNotExists = "POSITION_NOT_EXISTS", 10036;
    /// The execution does not belong to this server.
    ExecutionNotBelongServer = "EXECUTION_NOT_BELONG_SERVER", 10037;
    /// The volume to close exceeds the position.
    VolumeCloseExceedsPosition = "VOLUME_CLOSE_EXCEEDS_POSITION", 10038;
    /// An order closing this position exists already.
    OrderCloseAlreadyExists = "ORDER_CLOSE_ALREADY_EXISTS", 10039;
    /// The limit of positions is reached.
    PositionLimitReached = "POSITION_LIMIT_REACHED", 10040;
    /// The pending order was cancelled.
    OrderCancelled = "ORDER_CANCELLED", 10041;
    /// Only long positions are allowed on this symbol.
    OnlyLongPosition = "ONLY_LONG_POSITION", 10042;
    /// Only short positions are allowed on this symbol.
    OnlyShortPosition = "ONLY_SHORT_POSITION", 10043;
    /// Positions on this symbol may only be closed.
    OnlyClosePosition = "ONLY_CLOSE_POSITION", 10044;
    /// Positions must be closed in the order they were opened.
    FifoClose = "FIFO_CLOSE", 10045;
    /// Opposite positions on one symbol are prohibited.
    HedgeProhibited = "HEDGE_PROHIBITED", 10046;
    /// The request was returned to the queue.
    RequestReturnedInQueue = "REQUEST_RETURNED_IN_QUEUE", 11000;
    /// The request was executed in part; the rest was cancelled.
    QueueExecutedPartially = "REQUEST_EXECUTED_PARTIALLY_", 11001;
    /// The price has moved while the request was in the queue.
    QueueRequote = "REQUOTE_", 11002;
    /// The token is unknown, or its session has ended. Call Connect again.
    InvalidToken = "INVALID_TOKEN";
    /// The broker has no such symbol.
    InvalidSymbol = "INVALID_SYMBOL";
    /// There is no open position or order with this ticket.
    InvalidTicket = "INVALID_TICKET";
    /// The new parameters equal the old ones.
    SameParams = "SAME_PARAMS";
    /// The trade server cannot be reached.
    ConnectError = "CONNECT_ERROR";
    /// The answer did not come in time.
    Timeout = "TIMEOUT";
    /// The connection to the trade server broke.
    SocketError = "SOCKET_ERROR";
    /// The same request is being handled already.
    DoubleRequest = "DOUBLE_REQUEST";
    /// The server is blocked by this service.
    ServerBlacklisted = "SERVER_BLACKLISTED";
    /// The server's name is not known to this service.
    ServerNotFound = "SERVER_NOT_FOUND";
    /// Too many failed logins. Wait as long as the message says.
    TooFrequentFailConnect = "TOO_FREQUENT_FAIL_CONNECT";
    /// Too many logins to one server. Wait and try again.
    TooFrequentConnectToOneServer = "TOO_FREQUENT_CONNECT_TO_ONE_SERVER";
    /// Too many broken connections. Wait and try again.
    TooFrequentSocketError = "TOO_FREQUENT_SOCKET_ERROR";
    /// The order history is not loaded yet.
    OrderHistoryNotReady = "ORDER_HISTORY_NOT_READY";
    /// The login used the read-only password, which cannot trade.
    InvestorMode = "INVESTOR_MODE";
    /// A required parameter is missing.
    NullArgument = "NULL_ARGUMENT";
    /// The network is unstable.
    NetworkProblem = "NETWORK_PROBLEM";
    /// The limit of sessions is reached. Disconnect one first.
    MaxSessionsReached = "MAX_SESSIONS_REACHED";
    /// Workers that took this session over have died of it, so it is left alone for as long as the message says.
    SessionQuarantined = "SESSION_QUARANTINED";
    /// A guard of the account or of the key has tripped: only what reduces is let through until it is reset, or its day is over.
    GuardTripped = "GUARD_TRIPPED";
    /// With the order the account would have more than a guard of it, or of the key, allows.
    GuardLimit = "GUARD_LIMIT";
    /// There is no API key that is good for this: it is missing, unknown, revoked or expired, or is not for this network.
    InvalidApiKey = "INVALID_API_KEY";
    /// The trial or the licence of this service has ended, so no new sessions are made.
    LicenseRequired = "LICENSE_REQUIRED";
    /// There are as many sessions as the licence of this service allows.
    LicenseSessionsReached = "LICENSE_SESSIONS_REACHED";
    /// Positions may only be reduced: closed, or made safer by nearer stops. Pending orders may be deleted.
    ReduceOnly = "REDUCE_ONLY";
}

impl Code {
    /// The code with this name on the wire.
    pub fn from_name(name: &str) -> Option<Code> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_again_and_used_once() {
        for code in Code::ALL {
            assert_eq!(Code::from_name(code.as_str()), Some(*code));
        }
    }

    #[test]
    fn trade_numbers_have_their_meaning() {
        let cases = [
            (10004, Code::Requote),
            (10009, Code::RequestExecuted),
            (10019, Code::NoMoney),
            (10029, Code::ModificationFailed),
            (10033, Code::PendingLimitReached),
            (10036, Code::PositionNotExists),
            (10046, Code::HedgeProhibited),
            (11001, Code::QueueExecutedPartially),
            (1001, Code::InvalidAccount),
        ];
        for (number, code) in cases {
            assert_eq!(Code::from_retcode(number), Some(code));
        }
        assert_eq!(Code::from_retcode(14), None);
        assert!((10001..=10046).all(|number| Code::from_retcode(number).is_some()));
    }
}
