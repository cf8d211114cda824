//! Reads of symbols and quotes.

use std::collections::BTreeMap;

use crate::Names;
use crate::reply::{self, Filtered, MarketWatch, Quote, SessionState, SymbolInfo, SymbolParams as Params};

calls! {
    /// Reads of symbols and quotes.
    SymbolsCall tagged "Symbols" with id {
        /// Answers the contract data of all symbols, keyed by name.
        Symbols {} -> BTreeMap<String, SymbolInfo>;

        /// Lists the names of all symbols.
        SymbolList {} -> Vec<String>;

        /// Answers contract data and trading conditions of a symbol.
        SymbolParams {
            /// Symbol name as the broker spells it, suffix included.
            symbol: String,
        } -> reply::SymbolParams;

        /// Answers how far the trade server's clock is ahead of UTC, in hours.
        ServerTimezone {} -> f64;

        /// Answers the last quote of a symbol.
        GetQuote {
            /// Symbol name as the broker spells it, suffix included.
            symbol: String,
            /// 0 answers the last known quote at once; otherwise waits for a quote if the last one is older than
            /// this many milliseconds.
            ms_not_older as "msNotOlder": u32 = 0,
        } -> Quote;

        /// Answers the last quotes of several symbols.
        GetQuoteMany {
            /// Symbol names; repeat the parameter for each one.
            symbols: Names,
            /// 0 answers the last known quotes at once; otherwise waits for quotes that are older than this many
            /// milliseconds.
            ms_not_older as "msNotOlder": u32 = 0,
        } -> Vec<Quote>;

        /// Answers the day's figures and present prices of several symbols.
        MarketWatchMany {
            /// Symbol names; repeat the parameter for each one.
            symbols: Names,
        } -> Vec<MarketWatch>;

        /// Answers contract data and trading conditions of several symbols.
        SymbolParamsMany {
            /// Symbol names; repeat the parameter for each one. All when absent.
            symbols as "symbol": Option<Names>,
            /// Fails when the server has more symbols than this.
            limit: Option<u32>,
            /// Names of the fields to keep in the answer, on any level; all when absent.
            filter: Option<Names>,
        } -> Filtered<Vec<Params>>;

        /// Answers the weekly timetable of a symbol, beginning with Sunday.
        SymbolSessions also SymbolSessionsEx {
            /// Symbol name as the broker spells it, suffix included.
            symbol: String,
        } -> reply::SymbolSessions;

        /// Answers the weekly timetables of several symbols, keyed by name.
        SymbolSessionsExMany {
            /// Symbol names; repeat the parameter for each one. All when absent.
            symbols: Option<Names>,
        } -> BTreeMap<String, reply::SymbolSessions>;

        /// Answers whether a symbol is in its trading hours now.
        IsTradeSession {
            /// Symbol name as the broker spells it, suffix included.
            symbol: String,
        } -> bool;

        /// Answers whether several symbols are in their trading hours now.
        IsTradeSessionMany {
            /// Symbol names; repeat the parameter for each one. All when absent.
            symbols: Option<Names>,
        } -> Vec<SessionState>;

        /// Answers whether a symbol is in its quoting hours now.
        IsQuoteSession {
            /// Symbol name as the broker spells it, suffix included.
            symbol: String,
        } -> bool;

        /// Answers whether several symbols are in their quoting hours now.
        IsQuoteSessionMany {
            /// Symbol names; repeat the parameter for each one. All when absent.
            symbols: Option<Names>,
        } -> Vec<SessionState>;

        /// Answers what one tick of one lot is worth in the deposit currency, a map of one symbol each.
        GetTickValueMany {
            /// Symbol names; repeat the parameter for each one. All subscribed ones when absent.
            symbols as "symbol": Option<Names>,
        } -> Vec<BTreeMap<String, f64>>;

        /// Answers what one tick of one lot is worth in the deposit currency, with the size of the tick.
        TickValueWithSize {
            /// Symbol names; repeat the parameter for each one. All subscribed ones when absent.
            symbols as "symbol": Option<Names>,
        } -> Vec<reply::TickValueWithSize>;
    }
}
