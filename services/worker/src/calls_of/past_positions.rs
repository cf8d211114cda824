//! Closed positions from the history that is loaded in the background.

use std::time::Duration;

use calls::Handle;
use calls::history::{HistoryPositions, HistoryPositionsByCloseTime, OrderHistoryDownloadComplete};
use calls::reply::Order;
use error::Error;
use tokio::time::{Instant, timeout_at};

use super::history::{SHOWN_RECORD_BYTES, request_of};
use crate::backend::{About, Caller};
use crate::session::Session;
use crate::session::state::State;
use crate::translate::{closed_positions, closed_within};

/// So long before the client stops waiting, a history that is not there yet is given up: the answer must still reach it.
const MARGIN: Duration = Duration::from_secs(1);

impl Handle<HistoryPositions> for Caller<'_> {
    async fn handle(
        &self,
        call: HistoryPositions,
        session: About<HistoryPositions>,
    ) -> Result<Vec<Order>, Error> {
        let mut positions = self.past_positions(&session).await?;
        if let Some(tickets) = &call.tickets {
            positions.retain(|position| tickets.values().contains(&position.ticket));
        }
        Ok(positions)
    }
}

impl Handle<HistoryPositionsByCloseTime> for Caller<'_> {
    async fn handle(
        &self,
        call: HistoryPositionsByCloseTime,
        session: About<HistoryPositionsByCloseTime>,
    ) -> Result<Vec<Order>, Error> {
        let positions = self.past_positions(&session).await?;
        let range = request_of(&call.range);
        Ok(closed_within(positions, i64::from(range.from)..=i64::from(range.to)))
    }
}

impl Handle<OrderHistoryDownloadComplete> for Caller<'_> {
    async fn handle(
        &self,
        _: OrderHistoryDownloadComplete,
        session: About<OrderHistoryDownloadComplete>,
    ) -> Result<bool, Error> {
        session.visit(self.deadline, |state| state.past.is_complete()).await
    }
}

impl Caller<'_> {
    /// The closed positions of the whole history, which is loaded if nobody asked for it on connect.
    async fn past_positions(&self, session: &Session) -> Result<Vec<Order>, Error> {
        let now = Instant::now();
        let limit = self.deadline.saturating_duration_since(now);
        let until = now + limit.saturating_sub(MARGIN.min(limit / 4));
        loop {
            let whole = |state: &mut State| {
                state.past.want();
                let (ended, is_final) = (state.past.ended(), state.past.is_complete());
                let positions =
                    state.whole_past().map(|history| closed_positions(&history, state.login, state.zone));
                (positions, ended, is_final)
            };
            let (positions, mut ended, is_final) = session.visit(self.deadline, whole).await?;
            if positions.is_ok() || is_final || timeout_at(until, ended.changed()).await.is_err() {
                let positions = positions?;
                self.memory.add(positions.len() * SHOWN_RECORD_BYTES).await?;
                return Ok(positions);
            }
        }
    }
}
