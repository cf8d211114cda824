//! Certificates of the ports that this process listens on, and which ones it trusts where it calls ports of its own kind.
//!
//! An [`Identity`] is loaded once, where mistakes end the start, and looked after then: files that have changed are
//! taken without a restart, and files that are of no use leave the last good ones in force.
//!
//! TLS is 1.2 or 1.3 everywhere; older versions are not built in.

mod identity;
mod load;

pub use identity::{Identity, Looked};
pub use load::{Files, TlsError, Trust};
