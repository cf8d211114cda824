//! Sessions: their state and their end. Connecting is in [`crate::connect`].

use calls::connection::{CheckConnect, ConnectionStatus, Disconnect};
use calls::reply::{self, Text};
use calls::{Handle, UtcTime};
use error::Error;

use crate::backend::Caller;
use crate::session::{Phase, Session};

impl Handle<CheckConnect> for Caller<'_> {
    async fn handle(&self, call: CheckConnect) -> Result<Text, Error> {
        self.session(&call.id)?.restore(self.deadline).await?;
        Ok(Text::OK)
    }
}

impl Handle<ConnectionStatus> for Caller<'_> {
    async fn handle(&self, call: ConnectionStatus) -> Result<reply::ConnectionStatus, Error> {
        self.status_of(&self.session(&call.id)?).await
    }
}

impl Caller<'_> {
    pub(super) async fn status_of(&self, session: &Session) -> Result<reply::ConnectionStatus, Error> {
        let (is_connected, connected) = match session.phase() {
            Phase::Online { since_ms } => (true, UtcTime::from_ms(since_ms)),
            _ => (false, UtcTime::NULL),
        };
        let last_quote = if is_connected {
            let tick = |state: &mut crate::session::state::State| {
                let last = state.quotes.last_tick_ms();
                if last == 0 { UtcTime::NULL } else { UtcTime::from_ms(last - state.zone_ms()) }
            };
            session.visit(self.deadline, tick).await?
        } else {
            UtcTime::NULL
        };
        Ok(reply::ConnectionStatus {
            id: session.token().to_owned(),
            is_connected,
            connect_time_utc: connected,
            last_quote_time_utc: last_quote,
            client_ip: None,
        })
    }
}

impl Handle<Disconnect> for Caller<'_> {
    async fn handle(&self, call: Disconnect) -> Result<Text, Error> {
        // Its login data stay for ConnectByToken.
        self.worker.close(call.id.as_str(), true).await?;
        Ok(Text::OK)
    }
}
