//! What every process needs around its own work: tasks that shutdown can wait for, a door for connections, the one clock, pauses between
//! attempts, and logging. This crate knows nothing of trading.

mod backoff;
mod clock;
mod door;
mod seldom;
mod tasks;
mod telemetry;
mod trace;

pub use backoff::Backoff;
pub use clock::unix_ms;
pub use door::{Busy, Door, DoorLimits, Full, Guest, GuestSocket, Held, RESERVE, Visit, WriteRate, caller};
pub use seldom::Seldom;
pub use tasks::Tasks;
pub use telemetry::{LogFormat, init_logging};
pub use tokio_util::sync::{CancellationToken, DropGuard};
pub use trace::{TRACE_HEADER, call_span, outgoing_trace};
