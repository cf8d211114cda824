//! The record of what was done: one line for each call that changes something, each line bound to the one before by its hash.
//!
//! - A [`Record`] says who did what, and what came of it. [`Head::line`] makes the next line of a chain from it.
//! - A [`Checkpoint`] is signed now and then: it says how long the chain was and what its last hash was, and names the checkpoint
//!   before. Whoever has kept one notices when later lines are gone.
//! - [`verify`] finds edits, another order, gaps and an end that was cut off.
//!
//! There is one chain for each tenant. No I/O happens here.

mod chain;
mod checkpoint;
mod record;
mod verify;

pub use chain::{Hash, Head, LINE_BYTES_MAX, Line};
pub use checkpoint::{Checkpoint, Signer, SigningKeyError, VerifyingKey};
pub use record::Record;
pub use verify::{Fault, Report, verify};
