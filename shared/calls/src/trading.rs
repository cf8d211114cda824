//! Orders. Most calls answer to several names that clients use; all are equally safe against doubled orders.

use crate::reply::Order;
use crate::values::{ExpirationType, PlacedType};
use crate::{Operation, ServerTime};

calls! {
    /// Orders.
    TradingCall tagged "Trading" with id {
        /// Sends a market or pending order and answers the order made.
        OrderSend also OrderSendTask safe OrderSendSafe: trade as trade of session {
            /// Name of the symbol, exactly as /SymbolList has it.
            symbol: String,
            /// What to do, by name or number: Buy, Sell, or a kind of pending order.
            operation: Operation,
            /// Lots.
            lots as "volume": f64,
            /// The price asked for: a pending order needs one, and so does Instant execution.
            price: Option<f64>,
            /// How many points the price may differ.
            slippage: Option<u64>,
            /// Price of the stop loss; none when 0.
            stoploss: f64 = 0.0,
            /// Price of the take profit; none when 0.
            takeprofit: f64 = 0.0,
            /// Order comment.
            comment: Option<String>,
            /// Magic number.
            expert_id as "expertID": Option<i64>,
            /// The limit of an order that is stop and limit in one.
            stop_limit_price as "stopLimitPrice": Option<f64>,
            /// When a pending order expires, on the trade server's clock.
            expiration: Option<ServerTime>,
            /// How a pending order expires; follows from `expiration` when absent.
            expiration_type as "expirationType": Option<ExpirationType>,
            /// What the order says of its origin.
            placed_type as "placedType": Option<PlacedType>,
        } -> Order;

        /// Changes stops, price or expiration of a position or pending order and answers it.
        OrderModify also OrderModifyTask safe OrderModifySafe: trade as trade of session {
            /// The position or pending order, by its ticket.
            ticket: u64,
            /// The stop loss to have from now on; none when absent or 0, unless `keepStops` says otherwise.
            stoploss: Option<f64>,
            /// The take profit to have from now on; none when absent or 0, unless `keepStops` says otherwise.
            takeprofit: Option<f64>,
            /// True leaves a stop as it is that is absent here; 0 still removes it.
            keep_stops as "keepStops": bool = false,
            /// The price that a pending order shall have; as it is when absent.
            price: Option<f64>,
            /// New expiration of a pending order, on the trade server's clock.
            expiration: Option<ServerTime>,
            /// New way of expiring.
            expiration_type as "expirationType": Option<ExpirationType>,
            /// The limit that a stop-limit order shall have.
            stop_limit_price as "stoplimit": Option<f64>,
        } -> Order;

        /// Ends what is open under a ticket, or a part of it, and answers it.
        OrderClose also OrderCloseTask safe OrderCloseSafe: trade as trade of session {
            /// The position or pending order, by its ticket.
            ticket: u64,
            /// How many lots to close; all of them when absent or 0.
            lots: f64 = 0.0,
            /// The price asked for: Instant execution needs one.
            price: Option<f64>,
            /// How many points the price may differ.
            slippage: Option<u64>,
            /// Order comment.
            comment: Option<String>,
        } -> Order;

        /// Cancels a pending order and answers it.
        OrderCancelTask also OrderCancel: trade as trade of session {
            /// The pending order, by its ticket.
            ticket: u64,
        } -> Order;

        /// Closes a position with an opposite one of the same symbol and answers it; hedging accounts only.
        OrderCloseByTask also OrderCloseBy: trade as trade of session {
            /// The position to close, by its ticket.
            ticket: u64,
            /// The position on the other side, by its ticket.
            close_by_ticket as "closeByTicket": u64,
        } -> Order;
    }
}
