//! Dialling over real sockets: certificates, distances, older gateways.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test fails by panicking.

mod certificates;
mod gateway;
mod identity;
mod mutual;
mod older;
mod ping;
