//! What the hub keeps in a file, where it was given a folder.

use std::time::Duration;

use model::ServerTime;

use super::StartError;
use super::control::ControlError;
use super::hub::Hub;
use crate::accounts::BuildError;
use crate::engine::{Command, Login};
use crate::settings::AccountSettings;
use crate::store::{Books, StoreError};

const DAY: Duration = Duration::from_hours(24);

impl Hub {
    /// Takes over all accounts that were kept, and does what fell due since then. Prices are there already.
    pub(super) fn restore(&mut self, history_max: usize) -> Result<(), StartError> {
        let Some(store) = &self.store else { return Ok(()) };
        let Books { clock, accounts } = store.load(history_max)?;
        let Some(clock) = clock else { return Ok(()) };
        let (count, mut all) = (accounts.len(), Vec::with_capacity(accounts.len()));
        for (holder, account) in accounts {
            let (login, name) = (account.terms.login, holder.settings.name);
            let restored = self.directory.restore(login, name, &holder.secrets, holder.enabled);
            restored.map_err(|reason| BuildError::Account { login: login.0, reason })?;
            self.directory.show_as_real(login, holder.settings.shown_as_real);
            all.push(account);
        }
        // A clock that was far ahead, such as one moved by hand, must not put off swaps for as long.
        self.engine.restore(all, clock.min(self.clock.now() + DAY));
        self.apply(Command::Clock);
        tracing::info!(accounts = count, "accounts are as they were kept");
        Ok(())
    }

    /// Makes the accounts of the configuration, but those that were kept.
    pub(super) fn open_configured(&mut self, all: &[AccountSettings]) -> Result<(), StartError> {
        for account in all {
            let is_kept = self.store.is_some() && self.directory.holder(Login(account.login)).is_some();
            if is_kept {
                tracing::debug!(
                    login = account.login,
                    "an account is as it was kept, not as it is configured"
                );
            } else {
                self.open_account(account)?;
            }
        }
        Ok(())
    }

    /// The latest moment that was ever reached: by it the next broker knows which midnights have passed.
    pub(super) fn kept_time(&self) -> ServerTime {
        self.engine.furthest().max(self.clock.now())
    }

    /// Does something that must be kept. It is not begun while nothing can be written, and not called done before it is.
    pub(super) fn keeping<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, ControlError>,
    ) -> Result<T, ControlError> {
        if !self.is_writable() {
            return Err(ControlError::Unwritable);
        }
        let done = work(self)?;
        if self.is_failing() { Err(ControlError::Unwritten) } else { Ok(done) }
    }

    /// Keeps who an account is.
    pub(super) fn keep_account(&mut self, settings: &AccountSettings) {
        let secrets = self.directory.holder(Login(settings.login)).map(|holder| holder.secrets());
        let now = self.kept_time();
        if let Some((store, secrets)) = self.store.as_mut().zip(secrets) {
            store.keep_account(settings, secrets, now);
        }
    }

    /// Keeps what has become of an account, and how it proves itself.
    pub(super) fn keep_edit(&mut self, login: Login, edit: impl FnOnce(&mut AccountSettings)) {
        let kept = self.store.as_ref().and_then(|store| store.settings(login));
        if let Some(mut settings) = kept {
            edit(&mut settings);
            self.keep_account(&settings);
        }
    }

    /// Keeps how an account proves itself, after that has changed.
    pub(super) fn keep_holder(&mut self, login: Login) {
        let holder = self.directory.holder(login).map(|holder| (holder.secrets(), !holder.is_disabled));
        let now = self.kept_time();
        if let Some((store, (secrets, enabled))) = self.store.as_mut().zip(holder) {
            store.keep_holder(login, secrets, enabled, now);
        }
    }
}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> Self {
        Self::Store(Box::new(error))
    }
}
