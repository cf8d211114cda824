//! What end-to-end tests stand on.
//!
//! Tests wait for states with [`eventually`], talk to the service with [`Client`] and [`Events`], run the real binary
//! as a [`Process`], break connections with a [`Cable`], go through a [`TestProxy`] and look at pages with a
//! [`Browser`]. Every wait ends: after [`PATIENCE`] the test fails and says what it was waiting for.
//!
//! This crate knows nothing about trading, and nothing here asserts how long something takes.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test fails by panicking.

mod browser;
mod by_hand;
mod cable;
mod golden;
mod http;
mod process;
mod proxy;
mod proxy_greeting;
mod redis;
mod scratch;
mod socket;
mod wait;

pub use browser::{Browser, Page};
pub use by_hand::{flood_with_pings, take_upgrade, upgrade};
pub use cable::Cable;
pub use golden::golden;
pub use http::{Client, Reply, percent_encoded};
pub use process::{Process, resident};
pub use proxy::{ProxyKind, TestProxy};
pub use redis::Redis;
pub use scratch::Scratch;
pub use socket::{Ended, Events};
pub use wait::{PATIENCE, eventually, eventually_within, in_time, pause};
