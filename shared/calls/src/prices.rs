//! Reads of past prices.

use crate::history::Range;
use crate::reply::{Bar, BarsForSymbol, QuoteHistoryEventArgs};
use crate::{Names, ServerTime, TimeFrame};

params! {
    /// The candles of one symbol.
    Candles {
        /// Symbol name as the broker spells it, suffix included.
        symbol: String,
        /// Candle length in minutes.
        time_frame as "timeFrame": TimeFrame,
    }
}

params! {
    /// A day of the trade server's calendar.
    Day {
        /// Year of the last day.
        year: u32,
        /// Month of the last day, 1 to 12.
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
        PriceHistory also PriceHistoryV2 {
            /// What is wanted.
            candles: Candles,
            /// The range.
            range: Range,
        } -> Vec<Bar>;

        /// Lists the candles of a range for several symbols; the failure of one is told in its place.
        PriceHistoryMany {
            /// Symbol names; repeat the parameter for each one.
            symbols as "symbol": Names,
            /// The range.
            range: Range,
            /// Candle length in minutes.
            time_frame as "timeFrame": TimeFrame,
        } -> Vec<BarsForSymbol>;

        /// Answers one candle that sums up a range.
        PriceHistoryHighLow {
            /// What is wanted.
            candles: Candles,
            /// The range.
            range: Range,
        } -> Bar;

        /// Lists a number of candles back from a moment.
        PriceHistoryEx {
            /// What is wanted.
            candles: Candles,
            /// Where they end, and how many.
            back: Back,
        } -> Vec<Bar>;

        /// Lists a number of candles back from a moment for several symbols; the failure of one is told in its place.
        PriceHistoryExMany {
            /// Symbol names; repeat the parameter for each one.
            symbols as "symbol": Names,
            /// Where they end, and how many.
            back: Back,
            /// Candle length in minutes.
            time_frame as "timeFrame": TimeFrame,
        } -> Vec<BarsForSymbol>;

        /// Lists the candles of the 30 days up to a day.
        PriceHistoryMonth {
            /// What is wanted.
            candles: Candles,
            /// The last day.
            day: Day,
        } -> Vec<Bar>;

        /// Lists the candles of the 30 days up to a day for several symbols.
        PriceHistoryMonthMany {
            /// Symbol names; repeat the parameter for each one.
            symbols: Names,
            /// The last day.
            day: Day,
            /// Candle length in minutes.
            time_frame as "timeFrame": TimeFrame,
        } -> Vec<QuoteHistoryEventArgs>;

        /// Lists the candles of the present day.
        PriceHistoryToday {
            /// What is wanted.
            candles: Candles,
        } -> Vec<Bar>;

        /// Lists the candles of the present day for several symbols.
        PriceHistoryTodayMany {
            /// Symbol names; repeat the parameter for each one.
            symbols: Names,
            /// Candle length in minutes.
            time_frame as "timeFrame": TimeFrame,
        } -> Vec<QuoteHistoryEventArgs>;
    }
}
