//! The handle that operators and tests have in the process. Nothing of it can be reached from the network.

use std::time::Duration;

use model::calc::Equity;
use model::{DealType, Money, Price};
use tokio::sync::{mpsc, oneshot};

use super::hub::Hub;
use crate::accounts::BuildError;
use crate::engine::{Book, Command, Funds, Login, Tick};
use crate::feed::book_around;
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
    /// Not a bid above zero with an ask at or above it.
    #[error("not a pair of prices")]
    Price,
    /// The clock is the machine's and cannot be moved.
    #[error("the clock is not moved by hand")]
    Clock,
    /// The account cannot be made.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// What happens to trade requests on purpose, so that clients can show how they cope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// The request is not executed; the connection drops.
    LoseRequest,
    /// The request is executed; the connection drops before anything is answered.
    LoseAnswer,
    /// The request is executed and accepted; the connection drops before updates and result.
    LoseResult,
    /// The request is executed and accepted, updates are sent; the result never comes. The connection stays.
    Silence,
}

impl Fault {
    pub(super) fn drops_connection(self) -> bool {
        matches!(self, Self::LoseRequest | Self::LoseAnswer | Self::LoseResult)
    }
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
}

pub(super) fn channel() -> (Control, mpsc::Receiver<Work>) {
    let (to_hub, works) = mpsc::channel(WORKS_MAX);
    (Control { to_hub }, works)
}

impl Control {
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
            let made = || book_around(&symbol, bid, ask, 0);
            let book = symbol.has_book().then(|| book.unwrap_or_else(made));
            let time = hub.clock.now();
            hub.take_ticks(vec![Tick { symbol: symbol.id, time, bid, ask, last: None, book }]);
            Ok(())
        })
        .await?
    }

    /// Pays into an account, or out of it; account currency.
    ///
    /// # Errors
    /// For an unknown account.
    pub async fn deposit(&self, login: u64, amount: f64) -> Result<(), ControlError> {
        let login = Login(login);
        self.with(move |hub| {
            let digits = hub.engine.terms(login).ok_or(ControlError::Account)?.deposit.digits;
            let amount = Money::round(amount, digits);
            let comment = if amount < Money::ZERO { "Withdrawal" } else { "Deposit" }.into();
            hub.apply(Command::Operation { login, kind: DealType::Balance, amount, comment });
            Ok(())
        })
        .await?
    }

    /// Adds an account.
    ///
    /// # Errors
    /// If it is not possible as stated.
    pub async fn add_account(&self, account: AccountSettings) -> Result<(), ControlError> {
        Ok(self.with(move |hub| hub.open_account(&account)).await??)
    }

    /// Lets an account log in and trade, or not; not also ends its sessions.
    ///
    /// # Errors
    /// For an unknown account.
    pub async fn enable(&self, login: u64, enabled: bool) -> Result<(), ControlError> {
        let login = Login(login);
        self.with(move |hub| {
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
        .await?
    }

    /// Drops all connections, without a close frame.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn disconnect_all(&self) -> Result<(), Stopped> {
        self.with(|hub| hub.clients.values().for_each(|client| client.outbox.close())).await
    }

    /// What happens to trade requests from now on.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn fault(&self, fault: Fault) -> Result<(), Stopped> {
        self.with(move |hub| hub.fault = fault).await
    }

    /// Moves a clock that is moved by hand; what falls due on the way is done. Of the walk's ticks on the way
    /// only those of the last two seconds are made.
    ///
    /// # Errors
    /// If the clock is the machine's.
    pub async fn advance(&self, by: Duration) -> Result<(), ControlError> {
        self.with(move |hub| {
            if !hub.clock.advance(by) {
                return Err(ControlError::Clock);
            }
            hub.catch_up();
            Ok(())
        })
        .await?
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
