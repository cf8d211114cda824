//! Reads of the account.

use crate::reply::{self, Filtered, MailMessage, Mt5Api, Order, Text};
use crate::values::{DealType, SortType};
use crate::{Names, Secret};

calls! {
    /// Reads of the account.
    AccountCall tagged "Account" with id {
        /// Answers how the account stands at present prices.
        AccountSummary: read as read of session {} -> reply::AccountSummary;

        /// Answers the record that the server keeps of the account.
        Account: read as read of session {} -> reply::AccountRec;

        /// Answers where the account is kept, and on what terms.
        AccountDetails: read as read of session {} -> reply::AccounDetails;

        /// Lists everything open, pending orders too.
        OpenedOrders: read as read of session {
            /// The time to sort by.
            sort: SortType = SortType::OpenTime,
            /// True begins with the oldest.
            ascending: bool = true,
        } -> Vec<Order>;

        /// Answers what is open under a ticket.
        OpenedOrder: read as read of session {
            /// The position or pending order, by its ticket.
            ticket: u64,
        } -> Order;

        /// Lists the tickets of everything open.
        OpenedOrdersTickets: read as read of session {} -> Vec<crate::Ticket>;

        /// Lists what was closed since the login, the latest 100 at most.
        ClosedOrders: read as read of session {} -> Vec<Order>;

        /// Answers what the session looks like from inside, but for parameters of symbols.
        QuoteClient: read as read of session {
            /// Fields to answer, by name and on any level; everything when absent.
            filter: Option<Names>,
        } -> Filtered<Mt5Api>;

        /// Lists the addresses of the session's trade server.
        ClusterDetails: read as read of session {} -> reply::ClusterDetails;

        /// Sets a new password. A new master password ends the session and its token.
        ChangePassword: change as connect of session {
            /// New password: long enough for the broker, with lower and upper case, digits and signs.
            password: Option<Secret>,
            /// Changes the read-only password in place of the master one.
            is_investor as "isInvestor": bool = false,
        } -> Text;

        /// Lists the inbox. The Web Terminal protocol carries no mail, so this call is always refused.
        Mails: read as read of session {} -> Vec<MailMessage>;

        /// Answers the margin that a trade would need, in the deposit currency.
        RequiredMargin: read as read of session {
            /// Name of the symbol, exactly as /SymbolList has it.
            symbol: String,
            /// Lots.
            lots: f64,
            /// DealBuy or DealSell, or simply Buy or Sell.
            kind as "type": DealType = DealType::DealBuy,
            /// Price to compute with; the present one when absent or 0.
            price: Option<f64>,
        } -> f64;

        /// Computes the profit of open positions anew and answers the sum, in the deposit currency.
        UpdateProfits: read as read of session {} -> f64;
    }
}
