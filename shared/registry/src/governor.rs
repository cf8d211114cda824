//! The login governor: not too many logins at a broker or of an account at once, and none with a password that was
//! refused too often.

use std::time::Duration;

use async_trait::async_trait;

use crate::{AccountName, RegistryError};

/// How many logins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Logins at a broker in a second, over the whole cluster.
    pub broker_per_second: u32,
    /// Logins at a broker that may come at once.
    pub broker_burst: u32,
    /// Logins of an account in a minute.
    pub account_per_minute: u32,
    /// Logins of an account that may come at once.
    pub account_burst: u32,
    /// So many times a password may be refused before it is not tried any more.
    pub refusals_max: u32,
    /// For how long refusals are remembered.
    pub refusals_kept: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            broker_per_second: 200,
            broker_burst: 200,
            account_per_minute: 60,
            account_burst: 30,
            refusals_max: 3,
            refusals_kept: Duration::from_secs(24 * 3600),
        }
    }
}

/// Who wants to log in where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginPass {
    /// The broker, as one text.
    pub broker: String,
    /// The account.
    pub account: AccountName,
    /// Stands for the password: a keyed digest that only workers can make.
    pub password: String,
}

/// Whether a login may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// Now. It counts.
    Go,
    /// Not yet: ask again after this time. Nothing was counted.
    Wait(Duration),
    /// Not with this password: it was refused so many times.
    Barred(u32),
}

/// What the governor knows of a broker or an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginState {
    /// The broker, or the account.
    pub name: String,
    /// Which of the two.
    pub is_account: bool,
    /// Logins that could be made at once now.
    pub free: u32,
    /// How often the last password was refused; of accounts only.
    pub refusals: u32,
}

/// See the module.
#[async_trait]
pub trait Governor: Send + Sync {
    /// Asks to log in. Both limits must allow it; counts only if they do.
    async fn login(&self, pass: &LoginPass, limits: &Limits) -> Result<Slot, RegistryError>;

    /// The server refused the password: answers how often by now. Another password than the last begins anew at 1.
    async fn refused(&self, pass: &LoginPass, limits: &Limits) -> Result<u32, RegistryError>;

    /// The server took the password: refusals are forgotten.
    async fn accepted(&self, pass: &LoginPass) -> Result<(), RegistryError>;

    /// Brokers and accounts with logins of late (at most some hundred), for operators.
    async fn logins(&self, limits: &Limits) -> Result<Vec<LoginState>, RegistryError>;
}
