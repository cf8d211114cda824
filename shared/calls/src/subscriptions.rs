//! Interest in streams. It belongs to the session, not to a socket.

use crate::reply::{Order, Text};
use crate::{Names, Token};

calls! {
    /// Interest in streams.
    SubscriptionsCall tagged "Subscriptions" {
        /// Starts quotes of a symbol; they arrive on /OnQuote and /Events.
        Subscribe {
            /// Session token, the value a Connect call answered.
            id: Token,
            /// Symbol name as the broker spells it, suffix included.
            symbol: String,
            /// Least time between two events of the symbol in milliseconds; 0 sends every change.
            interval_ms as "interval": u32 = 0,
        } -> Text;

        /// Starts quotes of several symbols.
        SubscribeMany {
            /// Session token, the value a Connect call answered.
            id: Token,
            /// Symbol names; repeat the parameter for each one.
            symbols: Names,
            /// Least time between two events of a symbol in milliseconds; 0 sends every change.
            interval_ms as "interval": u32 = 0,
            /// Asks the trade server for all symbols in one request.
            force: bool = false,
        } -> Text;

        /// Ends quotes of a symbol.
        UnSubscribe {
            /// Session token, the value a Connect call answered.
            id: Token,
            /// Symbol name as the broker spells it, suffix included.
            symbol: String,
        } -> Text;

        /// Ends quotes of several symbols.
        UnSubscribeMany {
            /// Session token, the value a Connect call answered.
            id: Token,
            /// Symbol names; repeat the parameter for each one. All when absent.
            symbols: Option<Names>,
        } -> Text;

        /// Sets the pace of profit updates on /OnOrderProfit and /Events, and lists everything open.
        SubscribeOrderProfit {
            /// Session token, the value a Connect call answered.
            id: Token,
            /// Least time between two events in milliseconds; 0 sends every change.
            interval_ms as "interval": u32 = 0,
        } -> Vec<Order>;

        /// Ends profit updates.
        UnSubscribeOrderProfit {
            /// Session token, the value a Connect call answered.
            id: Token,
        } -> Text;
    }
}
