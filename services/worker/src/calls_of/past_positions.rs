//! Closed positions from the history that was loaded in the background.

use calls::Handle;
use calls::history::{HistoryPositions, HistoryPositionsByCloseTime, OrderHistoryDownloadComplete};
use calls::reply::Order;
use error::Error;

use super::history::{request_of, seconds};
use crate::backend::Caller;
use crate::session::Session;
use crate::session::state::State;
use crate::translate::closed_positions;

impl Handle<HistoryPositions> for Caller<'_> {
    async fn handle(&self, call: HistoryPositions) -> Result<Vec<Order>, Error> {
        let mut positions = self.past_positions(&self.session(&call.id)?).await?;
        if let Some(tickets) = &call.tickets {
            positions.retain(|position| tickets.values().contains(&position.ticket));
        }
        Ok(positions)
    }
}

impl Handle<HistoryPositionsByCloseTime> for Caller<'_> {
    async fn handle(&self, call: HistoryPositionsByCloseTime) -> Result<Vec<Order>, Error> {
        let mut positions = self.past_positions(&self.session(&call.id)?).await?;
        // As the server counts ranges: by the second, both ends included.
        let range = request_of(&call.range);
        let closed_s = |position: &Order| i64::from(seconds(position.close_time));
        positions.retain(|one| (i64::from(range.from)..=i64::from(range.to)).contains(&closed_s(one)));
        positions.sort_by_key(|position| (position.close_time, position.ticket));
        Ok(positions)
    }
}

impl Handle<OrderHistoryDownloadComplete> for Caller<'_> {
    async fn handle(&self, call: OrderHistoryDownloadComplete) -> Result<bool, Error> {
        self.session(&call.id)?.visit(self.deadline, |state| state.past.is_complete()).await
    }
}

impl Caller<'_> {
    async fn past_positions(&self, session: &Session) -> Result<Vec<Order>, Error> {
        let whole = |state: &mut State| {
            let history = state.whole_past()?;
            Ok(closed_positions(&history, state.login, state.zone))
        };
        session.visit(self.deadline, whole).await?
    }
}
