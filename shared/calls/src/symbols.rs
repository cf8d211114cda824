//! Reads of symbols and quotes.

use std::collections::BTreeMap;

use crate::Names;
use crate::reply::{self, Filtered, MarketWatch, Quote, SessionState, SymbolInfo, SymbolParams as Params};

calls! {
    /// Reads of symbols and quotes.
    SymbolsCall tagged "Symbols" with id {
        /// Answers the contracts of all symbols by their names.
        Symbols: read as read of session {} -> BTreeMap<String, SymbolInfo>;

        /// Lists the names of all symbols.
        SymbolList: read as read of session {} -> Vec<String>;

        /// Answers all that is known of a symbol: its contract, and how it trades.
        SymbolParams: read as read of session {
            /// Name of the symbol, exactly as /SymbolList has it.
            symbol: String,
        } -> reply::SymbolParams;

        /// Answers how far the trade server's clock is ahead of UTC, in hours.
        ServerTimezone: read as read of session {} -> f64;

        /// Answers how far the trade server's clock is ahead of UTC now, and was before it was set while the session lived.
        ServerClock: read as read of session {} -> crate::ServerClock;

        /// Answers how a symbol was quoted last.
        GetQuote: read as read of session {
            /// Name of the symbol, exactly as /SymbolList has it.
            symbol: String,
            /// 0 answers the last known quote at once; otherwise waits for a quote if the last one is older than
            /// this many milliseconds.
            ms_not_older as "msNotOlder": u32 = 0,
        } -> Quote;

        /// Answers how several symbols were quoted last.
        GetQuoteMany: read as read of session {
            /// Names of symbols, one for each time the parameter is given.
            symbols: Names,
            /// 0 answers the last known quotes at once; otherwise waits for quotes that are older than this many
            /// milliseconds.
            ms_not_older as "msNotOlder": u32 = 0,
        } -> Vec<Quote>;

        /// Answers the day's figures and present prices of several symbols.
        MarketWatchMany: read as read of session {
            /// Names of symbols, one for each time the parameter is given.
            symbols: Names,
        } -> Vec<MarketWatch>;

        /// Answers all that is known of several symbols.
        SymbolParamsMany: read as read of session {
            /// Names of symbols, one for each time the parameter is given, also as `symbols`. All when absent.
            symbols as "symbol": Option<Names>,
            /// The most symbols to answer: more are an error.
            limit: Option<u32>,
            /// Fields to answer, by name and on any level; everything when absent.
            filter: Option<Names>,
        } -> Filtered<Vec<Params>>;

        /// Answers the weekly timetable of a symbol, beginning with Sunday.
        SymbolSessions also SymbolSessionsEx: read as read of session {
            /// Name of the symbol, exactly as /SymbolList has it.
            symbol: String,
        } -> reply::SymbolSessions;

        /// Answers the weekly timetables of several symbols, keyed by name.
        SymbolSessionsExMany: read as read of session {
            /// Names of symbols, one for each time the parameter is given. All when absent.
            symbols: Option<Names>,
        } -> BTreeMap<String, reply::SymbolSessions>;

        /// Answers whether a symbol is in its trading hours now.
        IsTradeSession: read as read of session {
            /// Name of the symbol, exactly as /SymbolList has it.
            symbol: String,
        } -> bool;

        /// Answers whether several symbols are in their trading hours now.
        IsTradeSessionMany: read as read of session {
            /// Names of symbols, one for each time the parameter is given. All when absent.
            symbols: Option<Names>,
        } -> Vec<SessionState>;

        /// Answers whether a symbol is in its quoting hours now.
        IsQuoteSession: read as read of session {
            /// Name of the symbol, exactly as /SymbolList has it.
            symbol: String,
        } -> bool;

        /// Answers whether several symbols are in their quoting hours now.
        IsQuoteSessionMany: read as read of session {
            /// Names of symbols, one for each time the parameter is given. All when absent.
            symbols: Option<Names>,
        } -> Vec<SessionState>;

        /// Answers what one tick of one lot is worth in the deposit currency, a map of one symbol each.
        GetTickValueMany: read as read of session {
            /// Names of symbols, one for each time the parameter is given, also as `symbols`. All subscribed ones when absent.
            symbols as "symbol": Option<Names>,
        } -> Vec<BTreeMap<String, f64>>;

        /// Answers what one tick of one lot is worth in the deposit currency, with the size of the tick.
        TickValueWithSize: read as read of session {
            /// Names of symbols, one for each time the parameter is given, also as `symbols`. All subscribed ones when absent.
            symbols as "symbol": Option<Names>,
        } -> Vec<reply::TickValueWithSize>;
    }
}
