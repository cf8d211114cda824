//! What a broker can be told before it starts.

use std::path::PathBuf;

use model::ServerTime;
use serde::{Deserialize, Serialize};

use crate::bars::BARS_MAX;
use crate::catalogue::{Holiday, MarketHours};
use crate::engine::Limits;
use crate::zone::Zone;

/// Where prices come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Feed {
    /// The seeded random walk.
    #[default]
    Walk,
    /// Tick files of this directory, in the terminal's export format, over and over.
    Replay(PathBuf),
    /// Only what [`crate::Control::quote`] says.
    Manual,
}

/// Which clock the server goes by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// The machine's.
    #[default]
    System,
    /// Stands still here until [`crate::Control::advance`] moves it.
    Manual(ServerTime),
}

/// How much one answer holds. Servers give the newest of what a longer range holds, and do not say that there is more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerLimits {
    /// Bars.
    pub bars_max: usize,
    /// Deals, and as many ended orders.
    pub deals_max: usize,
}

impl AnswerLimits {
    /// The most that fits the smallest message limit that clients have.
    pub const MOST: Self = Self { bars_max: 300_000, deals_max: 20_000 };
}

impl Default for AnswerLimits {
    fn default() -> Self {
        Self { bars_max: BARS_MAX, deals_max: Self::MOST.deals_max }
    }
}

/// The options of a broker.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Makes the prices; the same seed makes the same.
    pub seed: u64,
    /// Where prices come from.
    pub feed: Feed,
    /// How fast recorded ticks are played; 1 is as they came.
    pub speed: f64,
    /// Hours of trading.
    pub market_hours: MarketHours,
    /// Days on which symbols are not quoted and traded, besides those of [`MarketHours::Real`].
    pub holidays: Vec<Holiday>,
    /// File with accounts, besides the two built-in ones: JSON like
    /// `{"accounts": [{"login": 5, "password": "secret", "currency": "GBP"}]}`, with the fields of
    /// [`AccountSettings`].
    pub accounts_file: Option<PathBuf>,
    /// Further accounts.
    pub accounts: Vec<AccountSettings>,
    /// For `wss`.
    pub tls: Option<tls::Files>,
    /// Name of the trade server.
    pub server_name: String,
    /// Name of the broker's company.
    pub company: String,
    /// The zone of the server clock.
    pub zone: Zone,
    /// Which clock the server goes by.
    pub clock: Clock,
    /// What accounts may have.
    pub limits: Limits,
    /// How much an answer holds.
    pub answers: AnswerLimits,
    /// Folder in which accounts, positions, history and what operators change are kept; none: they end with the broker.
    pub data: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            feed: Feed::Walk,
            speed: 1.0,
            market_hours: MarketHours::Always,
            holidays: Vec::new(),
            accounts_file: None,
            accounts: Vec::new(),
            tls: None,
            server_name: "MT5Rest-Demo".into(),
            company: "MT5Rest".into(),
            zone: Zone::UTC,
            clock: Clock::System,
            limits: Limits::default(),
            answers: AnswerLimits::default(),
            data: None,
        }
    }
}

/// One-time codes of an account.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OtpSettings {
    /// None are asked for.
    #[default]
    Off,
    /// Time-based codes from this secret (Base32).
    Secret(String),
    /// Always this code: for tests.
    Code(String),
}

/// How an account nets its positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarginMode {
    /// Positions in both directions side by side.
    #[default]
    Hedging,
    /// One position a symbol: a deal in its direction enlarges it, an opposite one reduces, closes or reverses it.
    Netting,
    /// The same on an exchange.
    Exchange,
}

impl MarginMode {
    pub(crate) const fn in_model(self) -> model::MarginMode {
        match self {
            Self::Hedging => model::MarginMode::Hedging,
            Self::Netting => model::MarginMode::Netting,
            Self::Exchange => model::MarginMode::Exchange,
        }
    }
}

/// An account as configuration states it. Nothing secret of it is written.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountSettings {
    /// Its number; required.
    pub login: u64,
    /// Master password; required.
    #[serde(skip_serializing)]
    pub password: String,
    /// Password that may only look; empty: there is none.
    #[serde(skip_serializing)]
    pub investor_password: String,
    /// Holder.
    pub name: String,
    /// Deposit currency.
    pub currency: String,
    /// First deposit, account currency.
    pub deposit: f64,
    /// 100 means 1:100.
    pub leverage: u32,
    /// Account group, see [`crate::catalogue::GROUPS`]; empty: the first.
    pub group: String,
    /// Margin-call level, per cent.
    pub margin_call: f64,
    /// Stop-out level, per cent.
    pub stop_out: f64,
    /// Which positions it may have.
    pub margin_mode: MarginMode,
    /// Whether positions of a symbol are closed in the order in which they were opened; for hedging accounts only.
    pub fifo: bool,
    /// Whether the account says that it is a real one, for programs that mind; its money is no more real than that of others.
    pub shown_as_real: bool,
    /// One-time codes.
    #[serde(skip_serializing)]
    pub otp: OtpSettings,
}

impl Default for AccountSettings {
    fn default() -> Self {
        Self {
            login: 0,
            password: String::new(),
            investor_password: String::new(),
            name: "Demo account".into(),
            currency: "USD".into(),
            deposit: 10_000.0,
            leverage: 100,
            group: String::new(),
            margin_call: 100.0,
            stop_out: 50.0,
            margin_mode: MarginMode::Hedging,
            fifo: false,
            shown_as_real: false,
            otp: OtpSettings::Off,
        }
    }
}

impl std::fmt::Debug for OtpSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if *self == Self::Off { "Off" } else { "***" })
    }
}

impl std::fmt::Debug for AccountSettings {
    /// Without what nobody may read in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { login, currency, group, .. } = self;
        f.debug_struct("AccountSettings")
            .field("login", login)
            .field("currency", currency)
            .field("group", group)
            .finish_non_exhaustive()
    }
}

/// A file of accounts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountsFile {
    pub(crate) accounts: Vec<AccountSettings>,
}
