//! A cluster of real processes, some of which are killed, paused and cut off: no token is lost, no order doubled or lost, no
//! event missed.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test fails by panicking.

mod audit;
mod chaos;
mod drain;
mod encrypted;
mod fitness;
mod governor;
mod guards;
mod health;
mod keys;
mod license;
mod memory;
mod owners;
mod quarantine;
mod redis;
mod replies;
mod safe;
mod streams;
mod world;
