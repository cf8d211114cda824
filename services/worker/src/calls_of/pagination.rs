//! Past orders page by page.

use std::sync::Arc;

use calls::Handle;
use calls::history::{OrderHistoryPagination, OrderHistoryPaginationRelease};
use calls::reply::{Order, PaginationReply};
use calls::values::DealType;
use error::Error;
use wire::records::History;

use super::history::{SHOWN_RECORD_BYTES, records, request_of};
use crate::backend::{About, Caller};
use crate::session::Session;
use crate::translate::order_history;

impl Handle<OrderHistoryPagination> for Caller<'_> {
    async fn handle(
        &self,
        call: OrderHistoryPagination,
        session: About<OrderHistoryPagination>,
    ) -> Result<PaginationReply, Error> {
        let per_page = per_page(call.orders_per_page)?;
        let range = request_of(&call.range);
        let key = (range.from, range.to, call.orders_per_page);
        let kept = if call.request_again { None } else { session.pages().get(key) };
        let history = match kept {
            Some(history) => history,
            None => {
                let fresh = Arc::new(self.history(&session, range).await?);
                session.pages().keep(key, &fresh);
                fresh
            }
        };
        let mut orders = self.orders(&session, &history, &call).await?;
        let pages_count = pages(orders.len(), per_page);
        // A page beyond the last is empty: that is how some clients find the end.
        let first = usize::try_from(call.page_number).unwrap_or(usize::MAX).saturating_mul(per_page);
        let first = first.min(orders.len());
        let end = first.saturating_add(per_page).min(orders.len());
        let orders = orders.drain(first..end).collect();
        Ok(PaginationReply { pages_count, page_number: call.page_number, orders })
    }
}

impl Handle<OrderHistoryPaginationRelease> for Caller<'_> {
    /// What is freed is told, without its orders.
    async fn handle(
        &self,
        call: OrderHistoryPaginationRelease,
        session: About<OrderHistoryPaginationRelease>,
    ) -> Result<PaginationReply, Error> {
        let per_page = per_page(call.orders_per_page)?;
        let range = request_of(&call.range);
        let freed = session.pages().release((range.from, range.to, call.orders_per_page));
        let (login, zone) = self.owner(&session).await?;
        let count = freed.map_or(0, |history| {
            order_history(&history, login, zone, calls::values::SortType::OpenTime, true).orders.len()
        });
        Ok(PaginationReply { pages_count: pages(count, per_page), page_number: 0, orders: Vec::new() })
    }
}

impl Caller<'_> {
    async fn orders(
        &self,
        session: &Session,
        history: &History,
        call: &OrderHistoryPagination,
    ) -> Result<Vec<Order>, Error> {
        let (login, zone) = self.owner(session).await?;
        self.memory.add(records(history) * SHOWN_RECORD_BYTES).await?;
        let mut orders =
            order_history(history, login, zone, call.sorting.sort, call.sorting.ascending).orders;
        if let Some(tickets) = &call.tickets {
            orders.retain(|order| tickets.values().contains(&order.ticket));
        }
        if call.ignore_balance {
            orders.retain(|order| matches!(order.deal_type, DealType::DealBuy | DealType::DealSell));
        }
        Ok(orders)
    }
}

fn per_page(given: u32) -> Result<usize, Error> {
    match usize::try_from(given) {
        Ok(0) | Err(_) => {
            Err(Error::invalid_param("ordersPerPage", &given.to_string(), "a whole number from 1 on"))
        }
        Ok(per_page) => Ok(per_page),
    }
}

fn pages(orders: usize, per_page: usize) -> u32 {
    u32::try_from(orders.div_ceil(per_page)).unwrap_or(u32::MAX)
}
