//! Sessions: their state and their end. Connecting is in [`crate::connect`].

use calls::connection::{CheckConnect, ConnectionStatus, Disconnect};
use calls::reply::{self, Text};
use calls::{Handle, UtcTime};
use error::Error;

use crate::backend::{About, Caller};
use crate::session::{Phase, Session};

impl Handle<CheckConnect> for Caller<'_> {
    async fn handle(&self, _: CheckConnect, session: About<CheckConnect>) -> Result<Text, Error> {
        session.restore(self.deadline).await?;
        Ok(Text::OK)
    }
}

impl Handle<ConnectionStatus> for Caller<'_> {
    async fn handle(
        &self,
        _: ConnectionStatus,
        session: About<ConnectionStatus>,
    ) -> Result<reply::ConnectionStatus, Error> {
        Ok(status_of(&session))
    }
}

/// Asks nobody, so that it can be told at any moment, also while the link breaks.
pub(super) fn status_of(session: &Session) -> reply::ConnectionStatus {
    let connected = match session.phase() {
        Phase::Online { since_ms } => Some(since_ms),
        _ => None,
    };
    let last_quote = connected.and_then(|_| session.last_quote_ms());
    reply::ConnectionStatus {
        id: session.id().to_owned(),
        is_connected: connected.is_some(),
        connect_time_utc: connected.map_or(UtcTime::NULL, UtcTime::from_ms),
        last_quote_time_utc: last_quote.map_or(UtcTime::NULL, UtcTime::from_ms),
        client_ip: None,
    }
}

impl Handle<Disconnect> for Caller<'_> {
    async fn handle(&self, _: Disconnect, session: About<Disconnect>) -> Result<Text, Error> {
        // Its login data stay for ConnectByToken.
        self.worker.close(session.token(), true).await?;
        Ok(Text::OK)
    }
}
