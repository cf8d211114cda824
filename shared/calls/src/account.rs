//! Reads of the account.

use crate::Token;
use crate::reply::{self, Order};
use crate::values::SortType;

calls! {
    /// Reads of the account.
    AccountCall tagged "Account" {
        /// Answers balance, equity, margin figures and currency at current prices.
        AccountSummary {
            /// Session token, the value a Connect call answered.
            id: Token,
        } -> reply::AccountSummary;

        /// Answers the account record of the login.
        Account {
            /// Session token, the value a Connect call answered.
            id: Token,
        } -> reply::AccountRec;

        /// Answers server, company, group, leverage and similar facts.
        AccountDetails {
            /// Session token, the value a Connect call answered.
            id: Token,
        } -> reply::AccounDetails;

        /// Lists all open positions and pending orders.
        OpenedOrders {
            /// Session token, the value a Connect call answered.
            id: Token,
            /// Which time orders the list.
            sort: SortType = SortType::OpenTime,
            /// Oldest first when true.
            ascending: bool = true,
        } -> Vec<Order>;

        /// Answers one open position or pending order.
        OpenedOrder {
            /// Session token, the value a Connect call answered.
            id: Token,
            /// Ticket of the position or pending order.
            ticket: u64,
        } -> Order;

        /// Lists the tickets of everything open.
        OpenedOrdersTickets {
            /// Session token, the value a Connect call answered.
            id: Token,
        } -> Vec<u64>;

        /// Lists up to 100 latest orders closed while this session lives.
        ClosedOrders {
            /// Session token, the value a Connect call answered.
            id: Token,
        } -> Vec<Order>;
    }
}
