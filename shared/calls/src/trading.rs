//! Orders. Most calls answer to several names that clients use; all are equally safe against doubled orders.

use crate::reply::Order;
use crate::values::{ExpirationType, PlacedType};
use crate::{Operation, ServerTime};

calls! {
    /// Orders.
    TradingCall tagged "Trading" with id {
        /// Sends a market or pending order and answers the order made.
        OrderSend also OrderSendSafe, OrderSendTask {
            /// Symbol name as the broker spells it, suffix included.
            symbol: String,
            /// Buy, Sell or a pending kind; name or number.
            operation: Operation,
            /// Lots.
            lots as "volume": f64,
            /// Wanted price; needed for pending orders and Instant execution.
            price: Option<f64>,
            /// Allowed deviation in points.
            slippage: Option<u64>,
            /// Stop loss price, 0 for none.
            stoploss: f64 = 0.0,
            /// Take profit price, 0 for none.
            takeprofit: f64 = 0.0,
            /// Order comment.
            comment: Option<String>,
            /// Magic number.
            expert_id as "expertID": Option<i64>,
            /// Limit price of a stop-limit order.
            stop_limit_price as "stopLimitPrice": Option<f64>,
            /// When a pending order expires, on the trade server's clock.
            expiration: Option<ServerTime>,
            /// How a pending order expires; follows from `expiration` when absent.
            expiration_type as "expirationType": Option<ExpirationType>,
            /// Origin mark of the order.
            placed_type as "placedType": Option<PlacedType>,
        } -> Order;

        /// Changes stops, price or expiration of a position or pending order and answers it.
        OrderModify also OrderModifySafe, OrderModifyTask {
            /// Ticket of the position or pending order.
            ticket: u64,
            /// New stop loss price; 0, the default, removes it.
            stoploss: f64 = 0.0,
            /// New take profit price; 0, the default, removes it.
            takeprofit: f64 = 0.0,
            /// New price of a pending order; unchanged when absent.
            price: Option<f64>,
            /// New expiration of a pending order, on the trade server's clock.
            expiration: Option<ServerTime>,
            /// New way of expiring.
            expiration_type as "expirationType": Option<ExpirationType>,
            /// New limit price of a stop-limit order.
            stop_limit_price as "stoplimit": Option<f64>,
        } -> Order;

        /// Closes a position in whole or in part, or cancels a pending order, and answers it.
        OrderClose also OrderCloseSafe, OrderCloseTask {
            /// Ticket of the position or pending order.
            ticket: u64,
            /// Lots to close; the whole position when absent or 0.
            lots: f64 = 0.0,
            /// Wanted price; needed for Instant execution.
            price: Option<f64>,
            /// Allowed deviation in points.
            slippage: Option<u64>,
            /// Order comment.
            comment: Option<String>,
        } -> Order;

        /// Cancels a pending order and answers it.
        OrderCancelTask also OrderCancel {
            /// Ticket of the pending order.
            ticket: u64,
        } -> Order;

        /// Closes a position with an opposite one of the same symbol and answers it; hedging accounts only.
        OrderCloseByTask also OrderCloseBy {
            /// Ticket of the position to close.
            ticket: u64,
            /// Ticket of the opposite position.
            close_by_ticket as "closeByTicket": u64,
        } -> Order;
    }
}
