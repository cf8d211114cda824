//! Workers and routers on real sockets; only what a worker does with a call, and the registry, are made up.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test fails by panicking.

mod fake_owner;
mod fake_registry;
mod health;
mod interest;
mod placing;
mod routing;
mod serving;
mod streamed;
mod streams;
mod together;
mod traces;
