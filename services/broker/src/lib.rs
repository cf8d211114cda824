//! A trade server: the server side of the MetaTrader 5 Web Terminal protocol around a real engine.
//!
//! ```text
//!  sockets ─> server ─┬─> engine      orders, positions, margin, money; pure
//!                     ├─> accounts    passwords, tokens, one-time codes
//!                     ├─> bars        price history
//!                     ├─> feed        a seeded walk, recorded ticks, or prices set by hand
//!                     └─> store       the file
//! ```
//!
//! [`Broker::start`] runs one on a socket; [`Control`] is its handle for operators and tests. Everything is kept in
//! memory, and with a folder for data also in a file: then accounts, positions and history outlive the broker.
//!
//! This crate knows nothing of the REST interface, and the engine knows nothing of this crate's sockets and clocks.

mod accounts;
pub mod bars;
pub mod catalogue;
pub mod engine;
pub mod feed;
mod server;
mod settings;
mod store;

pub use accounts::BuildError;
pub use server::{AccountState, Broker, Control, ControlError, Fault, StartError, Stopped, TlsError};
pub use settings::{AccountSettings, Clock, Feed, MarginMode, OtpSettings, Settings, TlsFiles};
pub use store::StoreError;
