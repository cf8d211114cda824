//! The handle that operators and tests have in the process. The network reaches it only by the admin port, if that
//! was asked for.

mod accounts;
mod clock;
mod dividends;
mod faults;
mod holidays;
mod symbols;

use model::calc::Equity;
use model::{Price, Retcode};
use tokio::sync::{mpsc, oneshot};

pub use accounts::{AccountEdit, AccountView, ConnectionView, DealDone, DealOrder, OperationOrder};
pub use clock::{ClockView, Daylight, DaylightOrder};
pub use dividends::{DividendOrder, DividendPaid};
pub use holidays::KnownHoliday;
pub use symbols::{Hours, SymbolEdit, SymbolView};

use super::holidays::HolidayError;
use super::hub::Hub;
use crate::accounts::BuildError;
use crate::engine::{Book, Command, Funds, Login};
use crate::faults::FaultError;
use crate::settings::AccountSettings;

/// Work for the hub.
pub(super) type Work = Box<dyn FnOnce(&mut Hub) + Send>;

/// Works that may wait.
const WORKS_MAX: usize = 64;

/// The broker has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the broker has stopped")]
pub struct Stopped;

/// Something that was asked of the broker cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The broker has ended.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// There is no such symbol.
    #[error("there is no such symbol")]
    Symbol,
    /// There is no such account.
    #[error("there is no such account")]
    Account,
    /// Nothing can be kept at the moment, so nothing is done.
    #[error("the books of the broker cannot be written, so nothing was done: make room on the disk")]
    Unwritable,
    /// It is done, and will be kept and told when that can be written.
    #[error(
        "it is done, but the books cannot be written: it is kept and told when they can. Make room on the disk"
    )]
    Unwritten,
    /// Not a bid above zero with an ask at or above it.
    #[error("not a pair of prices")]
    Price,
    /// Nothing to jump from.
    #[error("the symbol has no price yet: set one first")]
    NoPrice,
    /// The clock is the machine's and cannot be moved.
    #[error("the clock is not moved by hand")]
    Clock,
    /// The account cannot be made.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// There is an account of this number.
    #[error("there is an account of this number already")]
    Exists,
    /// There is no such fault rule.
    #[error("there is no such fault")]
    NoFault,
    /// The fault rule makes no sense.
    #[error(transparent)]
    Fault(#[from] FaultError),
    /// There is no such holiday.
    #[error("there is no such holiday")]
    NoHoliday,
    /// The day cannot be made a holiday.
    #[error(transparent)]
    Holiday(#[from] HolidayError),
    /// Something that was given is of no use.
    #[error("{0}")]
    Invalid(&'static str),
    /// The engine refuses.
    #[error("the engine refuses: {text} ({number})", text = .0.text(), number = .0.0)]
    Refused(Retcode),
}

/// An account at a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AccountState {
    /// Money without open positions.
    pub funds: Funds,
    /// Equity and margin.
    pub equity: Equity,
    /// Open positions.
    pub positions: usize,
    /// Working orders.
    pub orders: usize,
}

/// The handle of a running broker; clones are the same. Each call returns when its effect is there.
#[derive(Clone, Debug)]
pub struct Control {
    to_hub: mpsc::Sender<Work>,
    /// Whether what it changes in symbols and holidays outlives the broker.
    keeps: bool,
}

pub(super) fn channel() -> (Control, mpsc::Receiver<Work>) {
    let (to_hub, works) = mpsc::channel(WORKS_MAX);
    (Control { to_hub, keeps: true }, works)
}

impl Control {
    /// The same for what is to end with the broker.
    pub(super) fn passing(self) -> Self {
        Self { keeps: false, ..self }
    }

    pub(super) async fn with<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Hub) -> R + Send + 'static,
    ) -> Result<R, Stopped> {
        let (tell, told) = oneshot::channel();
        let work: Work = Box::new(move |hub| {
            // Whoever asked may have given up waiting.
            let _ = tell.send(work(hub));
        });
        self.to_hub.send(work).await.map_err(|_| Stopped)?;
        told.await.map_err(|_| Stopped)
    }

    /// The same for what is to outlive the broker: it is not begun while nothing can be written, and not called done before
    /// it is.
    pub(super) async fn keep<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Hub) -> Result<R, ControlError> + Send + 'static,
    ) -> Result<R, ControlError> {
        self.with(move |hub| hub.keeping(work)).await?
    }

    /// Sets a symbol's prices, plain; an exchange symbol gets a deep book around them.
    ///
    /// # Errors
    /// For an unknown symbol, or prices that cannot be.
    pub async fn quote(&self, symbol: &str, bid: f64, ask: f64) -> Result<(), ControlError> {
        self.set_quote(symbol, bid, ask, None).await
    }

    /// Sets an exchange symbol's prices with its order book, best prices first.
    ///
    /// # Errors
    /// For an unknown symbol, or a book without two sides.
    pub async fn book(&self, symbol: &str, book: Book) -> Result<(), ControlError> {
        let best = |levels: &[crate::engine::Level]| levels.first().map(|level| level.price.to_f64());
        let (bid, ask) = best(&book.bids).zip(best(&book.asks)).ok_or(ControlError::Price)?;
        self.set_quote(symbol, bid, ask, Some(book)).await
    }

    async fn set_quote(
        &self,
        symbol: &str,
        bid: f64,
        ask: f64,
        book: Option<Book>,
    ) -> Result<(), ControlError> {
        let name = symbol.to_owned();
        self.with(move |hub| {
            let symbol = hub.catalogue.by_name(&name).cloned().ok_or(ControlError::Symbol)?;
            let prices = symbol.price(bid).zip(symbol.price(ask));
            let (bid, ask) =
                prices.filter(|(bid, ask)| *bid > Price::ZERO && ask >= bid).ok_or(ControlError::Price)?;
            hub.quote(&symbol, bid, ask, book);
            Ok(())
        })
        .await?
    }

    /// Adds an account.
    ///
    /// # Errors
    /// If it is not possible as stated.
    pub async fn add_account(&self, account: AccountSettings) -> Result<(), ControlError> {
        let login = Login(account.login);
        self.keep(move |hub| {
            if hub.directory.holder(login).is_some() {
                return Err(ControlError::Exists);
            }
            Ok(hub.open_account(&account)?)
        })
        .await
    }

    /// Lets an account log in and trade, or not; not also ends its sessions.
    ///
    /// # Errors
    /// For an unknown account.
    pub async fn enable(&self, login: u64, enabled: bool) -> Result<(), ControlError> {
        let login = Login(login);
        self.keep(move |hub| {
            if !hub.directory.set_disabled(login, !enabled) {
                return Err(ControlError::Account);
            }
            hub.keep_holder(login);
            hub.apply(Command::Enable { login, enabled });
            if !enabled {
                hub.end_sessions(login);
            }
            Ok(())
        })
        .await
    }

    /// Drops all connections, without a close frame; gives how many those were.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn disconnect_all(&self) -> Result<usize, Stopped> {
        self.with(|hub| hub.clients.values().inspect(|client| client.outbox.close()).count()).await
    }

    /// An account as the engine sees it now.
    ///
    /// # Errors
    /// For an unknown account.
    pub async fn account(&self, login: u64) -> Result<AccountState, ControlError> {
        let login = Login(login);
        let state = self.with(move |hub| {
            let open = hub.engine.snapshot(login)?;
            let (funds, equity) = hub.engine.funds(login).zip(hub.engine.equity(login))?;
            Some(AccountState { funds, equity, positions: open.positions.len(), orders: open.orders.len() })
        });
        state.await?.ok_or(ControlError::Account)
    }

    /// Connections that have finished their bootstrap.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn connections(&self) -> Result<usize, Stopped> {
        self.with(|hub| hub.clients.len()).await
    }
}
