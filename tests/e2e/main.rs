//! The whole service over real sockets: front, worker and demo broker, in this process or as the real binary.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test fails by panicking.

mod binary;
mod candles;
mod certificates;
mod chaos;
mod clients;
mod connect;
mod daylight;
mod endpoints;
mod events_page;
mod every_call;
mod every_stream;
mod example;
mod faults;
mod figures;
mod fillings;
mod history;
mod hours;
mod http;
mod idempotency;
mod kept;
mod margins;
mod misbehaviour;
mod money;
mod names;
mod netting;
mod opposites;
mod outcomes;
mod past_orders;
mod pending;
mod process;
mod proxies;
mod readme;
mod reads;
mod refusals;
mod replay;
mod results;
mod returning;
mod scenarios;
mod streams;
mod swagger_page;
mod time_frames;
mod tls;
mod trading;
mod world;
