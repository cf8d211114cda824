//! Reads of symbols and quotes.

use std::collections::BTreeMap;

use crate::reply::{self, Quote, SymbolInfo};
use crate::{Names, Token};

calls! {
    /// Reads of symbols and quotes.
    SymbolsCall tagged "Symbols" {
        /// Answers the contract data of all symbols, keyed by name.
        Symbols {
            /// Session token, the value a Connect call answered.
            id: Token,
        } -> BTreeMap<String, SymbolInfo>;

        /// Lists the names of all symbols.
        SymbolList {
            /// Session token, the value a Connect call answered.
            id: Token,
        } -> Vec<String>;

        /// Answers contract data and trading conditions of a symbol.
        SymbolParams {
            /// Session token, the value a Connect call answered.
            id: Token,
            /// Symbol name as the broker spells it, suffix included.
            symbol: String,
        } -> reply::SymbolParams;

        /// Answers how far the trade server's clock is ahead of UTC, in hours.
        ServerTimezone {
            /// Session token, the value a Connect call answered.
            id: Token,
        } -> f64;

        /// Answers the last quote of a symbol.
        GetQuote {
            /// Session token, the value a Connect call answered.
            id: Token,
            /// Symbol name as the broker spells it, suffix included.
            symbol: String,
            /// 0 answers the last known quote at once; otherwise waits for a quote if the last one is older than
            /// this many milliseconds.
            ms_not_older as "msNotOlder": u32 = 0,
        } -> Quote;

        /// Answers the last quotes of several symbols.
        GetQuoteMany {
            /// Session token, the value a Connect call answered.
            id: Token,
            /// Symbol names; repeat the parameter for each one.
            symbols: Names,
            /// 0 answers the last known quotes at once; otherwise waits for quotes that are older than this many
            /// milliseconds.
            ms_not_older as "msNotOlder": u32 = 0,
        } -> Vec<Quote>;
    }
}
