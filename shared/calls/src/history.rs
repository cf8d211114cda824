//! Reads of past orders.

use crate::reply::{Filtered, OrderHistoryEventArgs};
use crate::values::SortType;
use crate::{Names, ServerTime, Token};

calls! {
    /// Reads of past orders.
    HistoryCall tagged "History" {
        /// Answers closed positions, cancelled orders and balance operations of a range.
        OrderHistory {
            /// Session token, the value a Connect call answered.
            id: Token,
            /// Begin of the range on the trade server's clock.
            from: ServerTime,
            /// End of the range on the trade server's clock.
            to: ServerTime,
            /// Which time orders the list.
            sort: SortType = SortType::OpenTime,
            /// Oldest first when true.
            ascending: bool = true,
            /// Names of the fields to keep in the answer, on any level; all when absent.
            filter: Option<Names>,
        } -> Filtered<OrderHistoryEventArgs>;
    }
}
