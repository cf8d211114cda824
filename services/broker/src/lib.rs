//! A trade server: the server side of the MetaTrader 5 Web Terminal protocol around a real engine.
//!
//! ```text
//!  sockets ─> server ─┬─> engine      orders, positions, margin, money; pure
//!                     ├─> accounts    passwords, tokens, one-time codes
//!                     ├─> bars        price history
//!                     ├─> feed        a seeded walk, recorded ticks, or prices set by hand
//!                     ├─> store       the file
//!                     ├─> faults      what goes wrong on purpose
//!                     └─> scenario    operators' work, written down
//! ```
//!
//! [`Broker::start`] runs one on a socket; [`Control`] is its handle for operators and tests, [`Broker::serve_admin`] hands
//! it out over HTTP. Everything is kept in memory, and with a folder for data also in a file: then accounts, positions and
//! history outlive the broker.
//!
//! This crate knows nothing of the REST interface, and the engine knows nothing of this crate's sockets and clocks.

mod accounts;
mod admin;
pub mod bars;
pub mod catalogue;
pub mod engine;
mod faults;
pub mod feed;
mod files;
mod scenario;
mod server;
mod settings;
mod store;
mod zone;

pub use accounts::BuildError;
pub use faults::{ActiveRule, Fault, FaultError, Mishap, Push, QuoteSide, Rule};
pub use files::FileError;
pub use scenario::{Scenario, ScenarioError};
pub use server::{
    AccountEdit, AccountState, AccountView, Broker, ClockView, ConnectionView, Control, ControlError,
    Daylight, DaylightOrder, DealDone, DealOrder, DividendOrder, DividendPaid, HolidayError, Hours,
    KnownHoliday, OperationOrder, StartError, Stopped, SymbolEdit, SymbolView, mistakes,
};
pub use settings::{AccountSettings, AnswerLimits, Clock, Feed, MarginMode, OtpSettings, Settings};
pub use store::StoreError;
pub use tls::{Files as TlsFiles, TlsError};
pub use zone::{Zone, ZoneError};
