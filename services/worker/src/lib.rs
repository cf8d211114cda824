//! The worker owns sessions: each is one logged-in account on one link, kept up to date by an actor of its own.
//!
//! ```no_run
//! # async fn example() -> Result<(), worker::StartError> {
//! let worker = worker::Worker::start(worker::Settings::default())?;
//! // `worker` is a `bus::Backend`: hand it to the api.
//! worker.shutdown(std::time::Duration::from_secs(10)).await;
//! # Ok(())
//! # }
//! ```
//!
//! Invariants: a session's state belongs to its actor alone; an order is sent once and never blindly again; a read of
//! an account that is not synchronised is an error; replies are encoded here, once.
//!
//! This crate knows nothing of HTTP. Only `translate` knows both the wire's records and the contract's replies.

mod audit;
mod backend;
mod calls_of;
mod catalogue;
mod connect;
mod directory;
mod governor;
mod guards;
mod lease;
mod licensing;
mod limits;
mod login_data;
mod member;
mod nearest;
mod ownership;
mod ranges;
mod reply_memory;
mod session;
mod ticks;
mod translate;
mod trials;
mod worker;
mod zone;

pub use crate::audit::{AuditSettings, Export};
pub use calls::Secret;
pub use directory::{BrokerServer, DirectoryError};
pub use licensing::{LicenseClock, LicenseSettings, license_status};
pub use link::{Egress, Endpoint, EndpointError, IpNet};
pub use member::{Member, MemberSettings};
pub use session::ProofLimits;
pub use worker::{Settings, StartError, Worker};
