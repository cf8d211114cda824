//! How the processes of a cluster talk.
//!
//! - An api process holds a [`Router`]: a `bus::Backend` that finds the worker of a token, forwards calls to it, and
//!   listens to its events.
//! - A worker process implements [`Owner`] and serves it on its internal port with [`serve`].
//! - Workers call each other with a [`WorkerClient`].
//!
//! **What is sent twice.** A call goes to a worker anew only if the attempt before provably did nothing (no connection, or
//! the worker said so), if it only reads, or if it trades under an idempotency key. Everything else is answered with an
//! error that says that its outcome is not known.
//!
//! This crate knows nothing of what calls mean, but for what the declarations in `calls` say of them.

mod client;
mod form;
mod key;
mod owner;
mod protocol;
mod router;
mod routes;
mod serve;
mod stream;

pub use client::{Failure, IN_FLIGHT_MAX, TLS_SCHEME, WorkerClient};
pub use key::{ClusterKey, KEY_BYTES_MIN};
pub use owner::{Interested, Owner, Reply};
pub use router::{Router, RouterSettings, SEARCH_MAX};
pub use routes::ROUTES_MAX;
pub use serve::{CONNECTIONS_MAX, serve};
pub use stream::CHANNELS_MAX;
