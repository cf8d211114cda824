//! How the processes of a cluster talk.
//!
//! - An api process holds a [`Router`]: a `bus::Backend` that finds the worker of a token, forwards calls to it, and
//!   listens to its events.
//! - A worker process implements [`Owner`] and serves it on its internal port with [`serve`].
//!
//! This crate knows nothing of what calls mean, but for what the declarations in `calls` say of them.

mod owner;

pub use owner::{Interested, Owner, Reply};
