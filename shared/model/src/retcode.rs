//! Return codes of trade requests (protocol 12).

use std::fmt;

/// The verdict on a trade request. Numbers outside the table are possible and count as failures.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Retcode(pub u32);

macro_rules! retcodes {
    ($($name:ident = $number:literal, $text:literal;)+) => {
        impl Retcode {
            $(#[doc = $text] pub const $name: Self = Self($number);)+

            /// What it means, in a few words.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self.0 { $($number => $text,)+ _ => "unknown return code" }
            }

            /// The name of its constant, if it is known.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 { $($number => Some(stringify!($name)),)+ _ => None }
            }
        }
    };
}

retcodes! {
    NONE = 0, "accepted for processing";
    OK = 1, "ok";
    COMMON_ERROR = 2, "common error";
    INVALID_PARAMETERS = 3, "invalid parameters";
    INVALID_DATA = 4, "invalid data";
    SERVER_PROBLEM = 5, "server problem";
    SERVER_MEMORY = 6, "server problem, out of memory";
    NETWORK_PROBLEM = 7, "network problem";
    NOT_PERMITTED = 8, "not permitted";
    TIMED_OUT = 9, "timed out";
    NO_CONNECTION = 10, "no connection";
    TOO_FREQUENT = 12, "requests too frequent";
    ON_THE_WAY = 10001, "request on the way";
    ACCEPTED = 10002, "request accepted";
    PROCESSED = 10003, "request processed by the dealer";
    REQUOTE = 10004, "requote";
    PRICES = 10005, "prices";
    REJECTED = 10006, "request rejected";
    CANCELED = 10007, "request canceled by the trader";
    PLACED = 10008, "order placed";
    DONE = 10009, "done";
    DONE_PARTIALLY = 10010, "done partially";
    PROCESSING_ERROR = 10011, "processing error";
    TIMEOUT = 10012, "request timed out";
    INVALID_REQUEST = 10013, "invalid request";
    INVALID_VOLUME = 10014, "invalid volume";
    INVALID_PRICE = 10015, "invalid price";
    INVALID_STOPS = 10016, "invalid stop loss or take profit";
    TRADE_DISABLED = 10017, "trading is disabled";
    MARKET_CLOSED = 10018, "market is closed";
    NO_MONEY = 10019, "not enough money";
    PRICE_CHANGED = 10020, "price changed";
    NO_QUOTES = 10021, "no quotes";
    INVALID_EXPIRATION = 10022, "invalid expiration";
    ORDER_CHANGED = 10023, "order changed meanwhile";
    TOO_MANY_REQUESTS = 10024, "too many requests";
    NO_CHANGES = 10025, "nothing to change";
    AUTOTRADE_DISABLED_BY_SERVER = 10026, "automated trading disabled by the server";
    AUTOTRADE_DISABLED_BY_CLIENT = 10027, "automated trading disabled by the client";
    LOCKED = 10028, "request is being processed";
    FROZEN = 10029, "order or position frozen, too close to the market";
    INVALID_FILLING = 10030, "filling mode not supported";
    REJECTED_NO_CONNECTION = 10031, "no connection to the trade server";
    REAL_ONLY = 10032, "allowed for real accounts only";
    ORDER_LIMIT = 10033, "limit of pending orders reached";
    VOLUME_LIMIT = 10034, "limit of volume reached";
    INVALID_ORDER = 10035, "order type not allowed";
    POSITION_CLOSED = 10036, "position is closed already";
    CLOSE_VOLUME_EXCEEDS = 10038, "closing volume above the position's";
    CLOSE_ORDER_EXISTS = 10039, "a closing order exists already";
    POSITION_LIMIT = 10040, "limit of positions reached";
    REJECTED_CANCELED = 10041, "rejected, the order will be canceled";
    LONG_ONLY = 10042, "only long positions are allowed";
    SHORT_ONLY = 10043, "only short positions are allowed";
    CLOSE_ONLY = 10044, "only closing is allowed";
    FIFO_ONLY = 10045, "positions must be closed first in, first out";
    PARTIALLY_FILLED = 11001, "done partially";
}

impl Retcode {
    /// Whether another result push will follow.
    #[must_use]
    pub const fn is_pending(self) -> bool {
        matches!(self, Self::NONE | Self::ON_THE_WAY | Self::ACCEPTED | Self::PROCESSED | Self::LOCKED)
    }

    /// Whether the request was done: placed, filled, or filled in part.
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(self, Self::PLACED | Self::DONE | Self::DONE_PARTIALLY | Self::PARTIALLY_FILLED)
    }
}

impl fmt::Debug for Retcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Retcode({} {})", self.0, self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::Retcode;

    #[test]
    fn only_four_codes_mean_success_and_none_of_them_is_pending() {
        let successes: Vec<u32> = (0..12_000).filter(|n| Retcode(*n).is_success()).collect();
        assert_eq!(successes, [10008, 10009, 10010, 11001]);
        assert!(successes.iter().all(|n| !Retcode(*n).is_pending()));
        let pending: Vec<u32> = (0..12_000).filter(|n| Retcode(*n).is_pending()).collect();
        assert_eq!(pending, [0, 10001, 10002, 10003, 10028]);
    }
}
