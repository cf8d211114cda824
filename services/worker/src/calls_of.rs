//! How each call is answered, by group.

mod account;
mod connection;
mod history;
mod service;
mod subscriptions;
mod symbols;
pub(crate) mod trading;
