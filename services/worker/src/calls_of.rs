//! How each call is answered, by group.

mod account;
mod admin;
mod brokers;
mod candles;
mod connection;
mod diagnostic;
mod guards;
mod history;
mod hours;
mod keys;
mod pagination;
mod password;
mod past_positions;
mod prices;
mod quotes;
mod service;
mod statistics;
mod subscriptions;
mod symbols;
mod tick_values;
pub(crate) mod trading;

pub(crate) use account::is_investor;
