//! Guards of accounts: what must not be lost or held, whoever trades.

use crate::reply::GuardReport;

calls! {
    /// Guards of accounts.
    GuardsCall tagged "Guards" with id {
        /// Answers the guards of the account and of keys that have traded it, and which have tripped.
        AccountGuards: read as read of session {} -> GuardReport;

        /// Sets the guards of the account; what is absent is not guarded. What has tripped stays so.
        SetAccountGuards: change as admin of session posted {
            /// What a day of the server's clock may lose at most, closed and open positions together, in the deposit currency.
            daily_loss as "dailyLoss": Option<f64>,
            /// What the equity must stay above, in the deposit currency.
            equity_floor as "equityFloor": Option<f64>,
            /// The lots that positions and pending orders may have together, whatever their sides are.
            lots_max as "lotsMax": Option<f64>,
            /// The same for each symbol.
            symbol_lots_max as "symbolLotsMax": Option<f64>,
            /// How many positions there may be, each pending order counted as one.
            positions_max as "positionsMax": Option<u32>,
            /// True closes all positions when a guard trips; pending orders are deleted anyway.
            close_all as "closeAll": bool = false,
        } -> GuardReport;

        /// Deletes all pending orders of the account, and lets only what reduces through from now on, until ResetGuards.
        KillSwitch: change as trade of session posted {
            /// True closes all positions as well.
            close_all as "closeAll": bool = false,
        } -> GuardReport;

        /// Lets the account, and the keys that trade it, trade again whose guards have tripped. What still is beyond a guard
        /// trips it again.
        ResetGuards: change as admin of session posted {} -> GuardReport;
    }
}
