//! Reads of past orders.

use error::Error;

use crate::params::Field;
use crate::reply::{DealInternal, Filtered, Order, OrderHistoryEventArgs, OrderInternal, PaginationReply};
use crate::spec::Parameters;
use crate::values::SortType;
use crate::{Given, Many, Names, Params, ServerTime};

params! {
    /// A range as it is given.
    Ends {
        /// Begin of the range on the trade server's clock.
        from: ServerTime,
        /// End of the range on the trade server's clock, not before its begin.
        to: ServerTime,
    }
}

/// A span of time on the trade server's clock, both ends included. The end is not before the begin: every call with a range
/// refuses one that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Its begin.
    pub from: ServerTime,
    /// Its end.
    pub to: ServerTime,
}

impl Field for Range {
    fn read(from: &Params, name: &str) -> Result<Self, Error> {
        let Ends { from, to } = Ends::read(from, name)?;
        if to < from {
            let accepts = format!("a date that is not before 'from', {from}");
            return Err(Error::invalid_param("to", &to.to_string(), &accepts));
        }
        Ok(Self { from, to })
    }

    fn describe(name: &'static str, doc: &'static str, to: &mut Parameters<'_>) {
        Ends::describe(name, doc, to);
    }

    fn list(&self, name: &'static str, to: &mut Given) {
        Ends { from: self.from, to: self.to }.list(name, to);
    }
}

params! {
    /// The order of a list.
    Sorting {
        /// The time to sort by.
        sort: SortType = SortType::OpenTime,
        /// True begins with the oldest.
        ascending: bool = true,
    }
}

calls! {
    /// Reads of past orders.
    HistoryCall tagged "History" with id {
        /// Answers what ended in a range: positions closed, orders cancelled, money moved.
        OrderHistory: read as read of session {
            /// The range.
            range: Range,
            /// The order of the list.
            sorting: Sorting,
            /// Fields to answer, by name and on any level; everything when absent.
            filter: Option<Names>,
        } -> Filtered<OrderHistoryEventArgs>;

        /// Lists the order records of a range: what became of each order, not of its position.
        PendingOrderHistory: read as read of session {
            /// The range.
            range: Range,
            /// The order of the list.
            sorting: Sorting,
        } -> Vec<OrderInternal>;

        /// Answers the order history of a range page by page; the list is kept between the pages.
        OrderHistoryPagination: read as read of session {
            /// The range.
            range: Range,
            /// Orders on a page, 1 or more.
            orders_per_page as "ordersPerPage": u32,
            /// Page number, from 0.
            page_number as "pageNumber": u32,
            /// Asks the trade server anew, in place of the kept list.
            request_again as "requestAgain": bool = false,
            /// The order of the list.
            sorting: Sorting,
            /// Tickets to answer; repeat the parameter for each one. All when absent.
            tickets: Option<Many<u64>>,
            /// Leaves balance operations out.
            ignore_balance as "ignoreDepositWithdraw": bool = false,
        } -> PaginationReply;

        /// Frees the kept list of a range.
        OrderHistoryPaginationRelease: read as read of session {
            /// The range.
            range: Range,
            /// Orders on a page that the list was asked with.
            orders_per_page as "ordersPerPage": u32,
        } -> PaginationReply;

        /// Lists the deals of one position.
        HistoryDealsByPositionId: read as read of session {
            /// Ticket of the position.
            ticket: u64,
        } -> Vec<DealInternal>;

        /// Lists closed positions from the history that is loaded in the background; waits for it a while if it is not there yet.
        HistoryPositions: read as read of session {
            /// Tickets to answer; repeat the parameter for each one. All when absent.
            tickets: Option<Many<u64>>,
        } -> Vec<Order>;

        /// Lists closed positions of a range of closing times from the history that is loaded in the background; waits for it a while.
        HistoryPositionsByCloseTime: read as read of session {
            /// The range.
            range: Range,
        } -> Vec<Order>;

        /// Answers whether the background load of the history, asked for on connect, has ended.
        OrderHistoryDownloadComplete also OrderHistoryDownloaded: read as read of session {} -> bool;
    }
}
