//! When symbols are quoted and traded.

use std::collections::BTreeMap;
use std::sync::Arc;

use calls::reply::{self, Session as Window, SessionState};
use calls::symbols::{
    IsQuoteSession, IsQuoteSessionMany, IsTradeSession, IsTradeSessionMany, SymbolSessions,
    SymbolSessionsExMany,
};
use calls::{Handle, Names};
use error::Error;
use model::ServerTime;
use wire::records::{self, Schedule};

use crate::backend::{About, Caller};
use crate::session::Session;
use crate::session::state::State;
use crate::session::terms::Terms;

/// Which of a symbol's two timetables.
type Hours = fn(&Schedule) -> &[Vec<records::Session>; 7];

impl Handle<SymbolSessions> for Caller<'_> {
    async fn handle(
        &self,
        call: SymbolSessions,
        session: About<SymbolSessions>,
    ) -> Result<reply::SymbolSessions, Error> {
        let terms = session.terms(self.deadline, &call.symbol).await?;
        Ok(timetable(&terms.full.schedule))
    }
}

impl Handle<SymbolSessionsExMany> for Caller<'_> {
    async fn handle(
        &self,
        call: SymbolSessionsExMany,
        session: About<SymbolSessionsExMany>,
    ) -> Result<BTreeMap<String, reply::SymbolSessions>, Error> {
        let all = self.terms_of(&session, call.symbols).await?;
        let entry = |terms: &Arc<Terms>| (terms.full.trade_symbol.clone(), timetable(&terms.full.schedule));
        Ok(all.iter().map(entry).collect())
    }
}

impl Handle<IsTradeSession> for Caller<'_> {
    async fn handle(&self, call: IsTradeSession, session: About<IsTradeSession>) -> Result<bool, Error> {
        self.is_open(&session, &call.symbol, |schedule| &schedule.trades).await
    }
}

impl Handle<IsTradeSessionMany> for Caller<'_> {
    async fn handle(
        &self,
        call: IsTradeSessionMany,
        session: About<IsTradeSessionMany>,
    ) -> Result<Vec<SessionState>, Error> {
        self.are_open(&session, call.symbols, |schedule| &schedule.trades).await
    }
}

impl Handle<IsQuoteSession> for Caller<'_> {
    async fn handle(&self, call: IsQuoteSession, session: About<IsQuoteSession>) -> Result<bool, Error> {
        self.is_open(&session, &call.symbol, |schedule| &schedule.quotes).await
    }
}

impl Handle<IsQuoteSessionMany> for Caller<'_> {
    async fn handle(
        &self,
        call: IsQuoteSessionMany,
        session: About<IsQuoteSessionMany>,
    ) -> Result<Vec<SessionState>, Error> {
        self.are_open(&session, call.symbols, |schedule| &schedule.quotes).await
    }
}

impl Caller<'_> {
    async fn is_open(&self, session: &Session, symbol: &str, hours: Hours) -> Result<bool, Error> {
        let states = self.are_open(session, Some(std::iter::once(symbol).collect()), hours).await?;
        states.first().map(|state| state.active).ok_or_else(|| Error::invalid_symbol(symbol, &[]))
    }

    async fn are_open(
        &self,
        session: &Session,
        symbols: Option<Names>,
        hours: Hours,
    ) -> Result<Vec<SessionState>, Error> {
        let all = self.terms_of(session, symbols).await?;
        let now = session.visit(self.deadline, |state: &mut State| state.now()).await?;
        let state = |terms: &Arc<Terms>| SessionState {
            symbol: terms.full.trade_symbol.clone(),
            active: holds(hours(&terms.full.schedule), now),
        };
        Ok(all.iter().map(state).collect())
    }
}

/// Whether a moment of the server clock is in one of its day's windows (protocol 9.13.1).
fn holds(week: &[Vec<records::Session>; 7], time: ServerTime) -> bool {
    let minute = time.minute_of_day();
    let inside = |one: &records::Session| i64::from(one.open) <= minute && minute < i64::from(one.close);
    week[time.weekday()].iter().any(inside)
}

fn timetable(schedule: &Schedule) -> reply::SymbolSessions {
    let window = |one: &records::Session| Window { start_time: one.open.into(), end_time: one.close.into() };
    let week =
        |days: &[Vec<records::Session>; 7]| days.iter().map(|day| day.iter().map(window).collect()).collect();
    reply::SymbolSessions { quotes: week(&schedule.quotes), trades: week(&schedule.trades) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_ends_before_its_last_minute() {
        let mut week: [Vec<records::Session>; 7] = Default::default();
        week[1] =
            vec![records::Session { open: 60, close: 120 }, records::Session { open: 1380, close: 1440 }];
        // 2026-11-23 is a Monday.
        let at = |minute: i64| ServerTime::from_parts(1_795_392_000 + minute * 60, 0);
        assert_eq!(
            [59, 60, 119, 120, 1380, 1439, 1440].map(|minute| holds(&week, at(minute))),
            [false, true, true, false, true, true, false]
        );
    }
}
