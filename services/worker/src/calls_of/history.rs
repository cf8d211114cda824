//! Past orders and deals, by range or by position.

use calls::history::{HistoryDealsByPositionId, OrderHistory, PendingOrderHistory, Range};
use calls::reply::{DealInternal, Filtered, OrderHistoryEventArgs, OrderInternal};
use calls::values::SortType;
use calls::{Handle, ServerClock, ServerTime};
use error::Error;
use wire::records::{Deal, History, HistoryRequest};

use crate::backend::{About, Caller};
use crate::ranges::{Cut, RECORD_BYTES, RECORDS_MAX, REPLY_RECORDS_MAX};
use crate::session::Session;
use crate::session::state::State;
use crate::translate::{deal, order_history, order_record, ticket};

/// What a deal or an order takes in a reply with everything about it, its text included.
pub(super) const SHOWN_RECORD_BYTES: usize = 3 * 1024;

impl Handle<OrderHistory> for Caller<'_> {
    async fn handle(
        &self,
        call: OrderHistory,
        session: About<OrderHistory>,
    ) -> Result<Filtered<OrderHistoryEventArgs>, Error> {
        let (history, cut) =
            self.part_of_history(&session, &request_of(&call.range), REPLY_RECORDS_MAX).await?;
        let (login, zone) = self.owner(&session).await?;
        self.memory.add(records(&history) * SHOWN_RECORD_BYTES).await?;
        let mut shown = order_history(&history, login, zone, call.sorting.sort, call.sorting.ascending);
        shown.partial_response = cut.is_some();
        Ok(Filtered::new(shown, call.filter.as_ref()))
    }
}

impl Handle<PendingOrderHistory> for Caller<'_> {
    async fn handle(
        &self,
        call: PendingOrderHistory,
        session: About<PendingOrderHistory>,
    ) -> Result<Vec<OrderInternal>, Error> {
        let history = self.history(&session, request_of(&call.range)).await?;
        let (login, zone) = self.owner(&session).await?;
        self.memory.add(history.orders.len() * SHOWN_RECORD_BYTES).await?;
        let mut orders: Vec<OrderInternal> =
            history.orders.iter().map(|order| order_record(order, login, zone)).collect();
        match call.sorting.sort {
            SortType::OpenTime => orders.sort_by_key(|order| (order.open_time_ms, order.ticket)),
            SortType::CloseTime => orders.sort_by_key(|order| (order.execution_time, order.ticket)),
        }
        if !call.sorting.ascending {
            orders.reverse();
        }
        Ok(orders)
    }
}

impl Handle<HistoryDealsByPositionId> for Caller<'_> {
    async fn handle(
        &self,
        call: HistoryDealsByPositionId,
        session: About<HistoryDealsByPositionId>,
    ) -> Result<Vec<DealInternal>, Error> {
        let history = self.whole_history(&session).await?;
        let (login, zone) = self.owner(&session).await?;
        // Money that was paid in or out belongs to no position, and says so by a zero.
        let is_of = |one: &&Deal| one.position_id != 0 && ticket(one.position_id) == call.ticket;
        let of_position = history.deals.iter().filter(is_of);
        let deals: Vec<DealInternal> = of_position.map(|one| deal(one, login, zone)).collect();
        if deals.is_empty() {
            return Err(Error::new(
                error::Code::InvalidTicket,
                format!("There is no deal of position {}.", call.ticket),
            ));
        }
        Ok(deals)
    }
}

impl Caller<'_> {
    /// Deals and ended orders of a range, all of them.
    pub(super) async fn history(&self, session: &Session, range: HistoryRequest) -> Result<History, Error> {
        match self.part_of_history(session, &range, RECORDS_MAX).await? {
            (history, None) => Ok(history),
            (_, Some(cut)) => Err(cut.error()),
        }
    }

    /// Deals and ended orders of a range, the newest of them where there are too many, and why part of it is missing.
    async fn part_of_history(
        &self,
        session: &Session,
        range: &HistoryRequest,
        records_max: usize,
    ) -> Result<(History, Option<Cut>), Error> {
        let (mut history, cut) =
            session.whole_history(self.deadline, range, records_max, &self.memory).await?;
        let mark = move |state: &mut State| {
            state.mark(&mut history);
            history
        };
        Ok((session.visit(self.deadline, mark).await?, cut))
    }

    /// Everything since the account began: as it was loaded in the background, or from the server.
    pub(super) async fn whole_history(&self, session: &Session) -> Result<History, Error> {
        if let Ok(history) = session.visit(self.deadline, State::whole_past).await? {
            self.memory.add(records(&history) * RECORD_BYTES).await?;
            return Ok(history);
        }
        self.history(session, HistoryRequest { from: 0, to: 0 }).await
    }

    /// Login and zone, which records are shown with.
    pub(super) async fn owner(&self, session: &Session) -> Result<(u64, ServerClock), Error> {
        session.visit(self.deadline, |state| (state.login, state.zone)).await
    }
}

pub(super) fn records(history: &History) -> usize {
    history.deals.len() + history.orders.len()
}

/// A range as the server counts it.
pub(super) fn request_of(range: &Range) -> HistoryRequest {
    HistoryRequest { from: range_start(range.from), to: range_end(range.to) }
}

/// Zero means "everything" to the server, so the very beginning is one second later.
fn range_start(from: ServerTime) -> i32 {
    seconds(from).max(1)
}

/// Zero means "until now" to the server.
pub(super) fn range_end(to: ServerTime) -> i32 {
    // A fraction of a second belongs to the range.
    let has_fraction = to.as_ms().is_some_and(|ms| ms.rem_euclid(1000) != 0);
    seconds(to).saturating_add(i32::from(has_fraction)).max(1)
}

/// Seconds of the server clock; what does not fit is as near as can be.
pub(super) fn seconds(time: ServerTime) -> i32 {
    let seconds = time.as_seconds().unwrap_or(0);
    i32::try_from(seconds).unwrap_or(if seconds < 0 { 0 } else { i32::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_never_turn_into_the_servers_everything() {
        let time = |text| ServerTime::parse(text).unwrap();
        assert_eq!(range_start(time("1970-01-01")), 1);
        assert_eq!(range_end(time("1970-01-01")), 1);
        assert_eq!(range_end(time("1970-01-01T00:00:59.5")), 60);
        assert_eq!(range_end(time("9999-01-01")), i32::MAX);
    }
}
