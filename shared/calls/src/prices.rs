//! Reads of past prices.

use crate::history::Range;
use crate::reply::{Bar, BarsForSymbol, QuoteHistoryEventArgs, Series};
use crate::{Names, ServerTime, TimeFrame};

params! {
    /// The candles of one symbol.
    Candles {
        /// Name of the symbol, exactly as /SymbolList has it.
        symbol: String,
        /// Minutes in a candle.
        time_frame as "timeFrame": TimeFrame,
    }
}

params! {
    /// A day of the trade server's calendar.
    Day {
        /// The last day's year.
        year: u32,
        /// The last day's month, 1 to 12.
        month: u32,
        /// The last day, 1 to 31.
        day: u32,
    }
}

params! {
    /// A number of candles that end at a moment.
    Back {
        /// Newest moment on the trade server's clock; candles up to it are answered.
        from: ServerTime,
        /// How many candles to answer, going back from that moment.
        bars as "numBars": u32,
    }
}

calls! {
    /// Reads of past prices.
    PricesCall tagged "Prices" with id {
        /// Lists the candles of a range.
        PriceHistory also PriceHistoryV2: read as read of session {
            /// What is wanted.
            candles: Candles,
            /// The range.
            range: Range,
        } -> Series<Bar>;

        /// Lists the candles of a range for several symbols; the failure of one is told in its place.
        PriceHistoryMany: read as read of session {
            /// Names of symbols, one for each time the parameter is given, also as `symbols`.
            symbols as "symbol": Names,
            /// The range.
            range: Range,
            /// Minutes in a candle.
            time_frame as "timeFrame": TimeFrame,
        } -> Vec<BarsForSymbol>;

        /// Sums a range up in one candle.
        PriceHistoryHighLow: read as read of session {
            /// What is wanted.
            candles: Candles,
            /// The range.
            range: Range,
        } -> Bar;

        /// Lists as many candles as asked for, up to a moment.
        PriceHistoryEx: read as read of session {
            /// What is wanted.
            candles: Candles,
            /// Where they end, and how many.
            back: Back,
        } -> Series<Bar>;

        /// Lists as many candles as asked for, up to a moment, for several symbols; the failure of one is told in its place.
        PriceHistoryExMany: read as read of session {
            /// Names of symbols, one for each time the parameter is given, also as `symbols`.
            symbols as "symbol": Names,
            /// Where they end, and how many.
            back: Back,
            /// Minutes in a candle.
            time_frame as "timeFrame": TimeFrame,
        } -> Vec<BarsForSymbol>;

        /// Lists the candles of the 30 days that end with a day.
        PriceHistoryMonth: read as read of session {
            /// What is wanted.
            candles: Candles,
            /// The last day.
            day: Day,
        } -> Series<Bar>;

        /// Lists the candles of the 30 days that end with a day for several symbols.
        PriceHistoryMonthMany: read as read of session {
            /// Names of symbols, one for each time the parameter is given.
            symbols: Names,
            /// The last day.
            day: Day,
            /// Minutes in a candle.
            time_frame as "timeFrame": TimeFrame,
        } -> Vec<QuoteHistoryEventArgs>;

        /// Lists the candles of the present day.
        PriceHistoryToday: read as read of session {
            /// What is wanted.
            candles: Candles,
        } -> Series<Bar>;

        /// Lists the candles of the present day for several symbols.
        PriceHistoryTodayMany: read as read of session {
            /// Names of symbols, one for each time the parameter is given.
            symbols: Names,
            /// Minutes in a candle.
            time_frame as "timeFrame": TimeFrame,
        } -> Vec<QuoteHistoryEventArgs>;
    }
}
