//! The broker as a server: sockets outside, one task that owns the engine inside.
//!
//! A connection reads, decrypts and answers pings; everything else goes through a bounded channel to the hub,
//! which answers in the order of arrival. What the hub has for a client waits in that client's bounded outbox.

mod answers;
mod bars_desk;
mod books;
mod charges;
mod client;
mod clock;
mod connection;
mod control;
mod daylight;
mod edits;
mod figures;
mod handshake;
mod holidays;
mod hub;
mod listen;
mod opening;
mod outbox;
mod records;
mod symbols;
mod trading;
mod trickle;

#[cfg(test)]
#[allow(clippy::float_cmp)] // Rounded prices and money: equal, or wrong.
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use runtime::Tasks;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::accounts::{BuildError, Digest};
use crate::admin;
use crate::catalogue::Catalogue;
use crate::faults::Faults;
use crate::feed::ReplayError;
use crate::scenario::{self, Scenario};
use crate::settings::Settings;
use crate::store::StoreError;
use hub::Hub;
use listen::Listener;

pub use control::{
    AccountEdit, AccountState, AccountView, ClockView, ConnectionView, Control, ControlError, Daylight,
    DaylightOrder, DealDone, DealOrder, DividendOrder, DividendPaid, Hours, KnownHoliday, OperationOrder,
    Stopped, SymbolEdit, SymbolView,
};
pub use holidays::HolidayError;

/// Requests of all connections that wait for the hub; a full channel slows the senders down.
const REQUESTS_MAX: usize = 1024;
/// How long shutdown waits for connections to end.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// Why a broker does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its address cannot be told.
    #[error("the listening socket has no address: {0}")]
    Address(#[from] std::io::Error),
    /// The accounts cannot be made.
    #[error("accounts: {0}")]
    Accounts(#[from] BuildError),
    /// A day cannot be made a holiday.
    #[error("holidays: {0}")]
    Holidays(#[from] HolidayError),
    /// The ticks cannot be replayed.
    #[error("replay: {0}")]
    Replay(#[from] ReplayError),
    /// What was kept cannot be read, or nothing can be kept.
    #[error("data: {0}")]
    Store(Box<StoreError>),
    /// Certificate or key cannot be used.
    #[error("TLS: {0}")]
    Tls(#[from] tls::TlsError),
}

/// What is wrong with the files that settings name: everything at once, for those who check settings before they start.
#[must_use]
pub fn mistakes(settings: &Settings) -> Vec<StartError> {
    let mut mistakes = Vec::new();
    let tls = settings.tls.as_ref().and_then(|files| tls::Identity::load(files.clone()).err());
    mistakes.extend(tls.map(StartError::from));
    mistakes.extend(hub::mistakes(settings));
    mistakes
}

/// A running broker.
#[derive(Debug)]
pub struct Broker {
    addr: SocketAddr,
    control: Control,
    /// Symbols as they were at the start.
    catalogue: Arc<Catalogue>,
    tasks: Tasks,
}

impl Broker {
    /// Starts a broker on a socket that listens already. To be called within a tokio runtime; reads the files that
    /// the settings name.
    ///
    /// # Errors
    /// [`StartError`] if settings or files are of no use; nothing runs then.
    pub fn start(listener: TcpListener, settings: Settings) -> Result<Self, StartError> {
        let addr = listener.local_addr()?;
        let tls = settings.tls.clone().map(tls::Identity::load).transpose()?;
        let tasks = Tasks::new();
        let (to_hub, requests) = mpsc::channel(REQUESTS_MAX);
        let (control, commands) = control::channel();
        let faults = Faults::new(settings.seed);
        let hub = Hub::new(settings, faults.clone(), tasks.clone())?;
        let catalogue = Arc::clone(&hub.catalogue);
        tasks.spawn(hub::run(hub, requests, commands, tasks.stop_signal()));
        let listener = Listener {
            socket: listener,
            tls: tls.map(|own| own.acceptor()),
            to_hub,
            faults,
            tasks: tasks.clone(),
        };
        tasks.spawn(Arc::new(listener).run());
        Ok(Self { addr, control, catalogue, tasks })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The handle for operators and tests.
    #[must_use]
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Lets operators in over HTTP, until the broker ends. With a key, only those who show it. To be called within a
    /// tokio runtime.
    pub fn serve_admin(&self, listener: TcpListener, key: Option<&str>) {
        let key = key.map(|key| Digest::of(key.as_bytes()));
        self.tasks.spawn(admin::serve(listener, self.control(), key, self.tasks.clone()));
    }

    /// Plays a scenario, until it is over or the broker ends. To be called within a tokio runtime.
    pub fn play(&self, scenario: Scenario) {
        // A scenario that is broken off must not leave closed markets behind.
        let (control, catalogue) = (self.control().passing(), Arc::clone(&self.catalogue));
        self.tasks.spawn(scenario::play(scenario, control, catalogue, self.tasks.stop_signal()));
    }

    /// Ends all connections and waits for that.
    pub async fn shutdown(self) {
        if !self.tasks.finish(SHUTDOWN_GRACE).await {
            tracing::warn!(running = self.tasks.running(), "some connections did not end in time");
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}
