//! The front over real sockets, with a backend that lives in the test.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests may fail the test")]

mod auth;
mod backend;
mod calls;
mod delivery;
mod documents;
mod heads;
mod http;
mod places;
mod posts;
mod replies;
mod streams;
mod strict;
mod tokens;
