//! What came of the trading so far, computed from deals and candles.

use crate::ServerTime;
use crate::reply::{EquityPoint, Stats, StatsWithCharts, TradeUnrealizedExtrema};

params! {
    /// A curve of the equity.
    Curve {
        /// Begin on the trade server's clock.
        from: ServerTime,
        /// Drops points that equal their predecessor.
        exclude_same as "excludeSameBars": bool = false,
    }
}

calls! {
    /// What came of the trading so far.
    StatisticsCall tagged "Statistics" with id {
        /// Answers the curve of balance and equity from a date on.
        EquityHistory: read as read of session {
            /// The curve.
            curve: Curve,
        } -> Vec<EquityPoint>;

        /// Answers figures over the trades since a date.
        TradeStats: read as read of session {
            /// Begin on the trade server's clock.
            from: ServerTime,
        } -> Stats;

        /// Answers trading statistics together with the curve of balance and equity.
        TradeStatsEquityHistory: read as read of session {
            /// The curve.
            curve: Curve,
        } -> StatsWithCharts;

        /// Tells of each trade since a date how well and how badly it stood.
        TradeUnrealizedPL: read as read of session {
            /// Begin on the trade server's clock.
            from: ServerTime,
        } -> Vec<TradeUnrealizedExtrema>;
    }
}
