//! Reads of past prices.

use crate::reply::Bar;
use crate::{ServerTime, Token};

calls! {
    /// Reads of past prices.
    PricesCall tagged "Prices" {
        /// Lists the candles of a range.
        PriceHistory {
            /// Session token, the value a Connect call answered.
            id: Token,
            /// Symbol name as the broker spells it, suffix included.
            symbol: String,
            /// Begin of the range on the trade server's clock.
            from: ServerTime,
            /// End of the range on the trade server's clock.
            to: ServerTime,
            /// Candle length in minutes: 1, 5, 10, 15, 30, 60, 240, 1440, 10080 or 43200.
            time_frame_min as "timeFrame": u32,
        } -> Vec<Bar>;
    }
}
