//! Reads of the account.

use crate::reply::{self, Filtered, MailMessage, Mt5Api, Order, Text};
use crate::values::{DealType, SortType};
use crate::{Names, Secret};

calls! {
    /// Reads of the account.
    AccountCall tagged "Account" with id {
        /// Answers balance, equity, margin figures and currency at current prices.
        AccountSummary {} -> reply::AccountSummary;

        /// Answers the account record of the login.
        Account {} -> reply::AccountRec;

        /// Answers server, company, group, leverage and similar facts.
        AccountDetails {} -> reply::AccounDetails;

        /// Lists all open positions and pending orders.
        OpenedOrders {
            /// Which time orders the list.
            sort: SortType = SortType::OpenTime,
            /// Oldest first when true.
            ascending: bool = true,
        } -> Vec<Order>;

        /// Answers one open position or pending order.
        OpenedOrder {
            /// Ticket of the position or pending order.
            ticket: u64,
        } -> Order;

        /// Lists the tickets of everything open.
        OpenedOrdersTickets {} -> Vec<u64>;

        /// Lists up to 100 latest orders closed while this session lives.
        ClosedOrders {} -> Vec<Order>;

        /// Answers a diagnostic view of the session, without symbol parameters.
        QuoteClient {
            /// Names of the fields to keep in the answer, on any level; all when absent.
            filter: Option<Names>,
        } -> Filtered<Mt5Api>;

        /// Lists the addresses of the session's trade server.
        ClusterDetails {} -> reply::ClusterDetails;

        /// Sets a new password. A new master password ends the session and its token.
        ChangePassword {
            /// New password: long enough for the broker, with lower and upper case, digits and signs.
            password: Option<Secret>,
            /// True changes the read-only password, false the master one.
            is_investor as "isInvestor": bool = false,
        } -> Text;

        /// Lists the inbox. The Web Terminal protocol carries no mail, so this call is always refused.
        Mails {} -> Vec<MailMessage>;

        /// Answers the margin that a trade would need, in the deposit currency.
        RequiredMargin {
            /// Symbol name as the broker spells it, suffix included.
            symbol: String,
            /// Lots.
            lots: f64,
            /// DealBuy or DealSell.
            kind as "type": DealType = DealType::DealBuy,
            /// Price to compute with; the present one when absent or 0.
            price: Option<f64>,
        } -> f64;

        /// Computes the profit of open positions anew and answers the sum, in the deposit currency.
        UpdateProfits {} -> f64;
    }
}
