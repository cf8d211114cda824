//! The whole service once more, as a cluster: the same tests, but for those of the binary alone.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test fails by panicking.

mod candles;
mod certificates;
mod chaos;
mod connect;
mod daylight;
mod dry_run;
mod endpoints;
mod every_call;
mod every_stream;
mod faults;
mod figures;
mod history;
mod hours;
mod http;
mod https;
mod idempotency;
mod joining;
mod license;
mod lost_link;
mod margins;
mod misbehaviour;
mod netting;
mod opposites;
mod opted;
mod outcomes;
mod past_orders;
mod pending;
mod proxies;
mod reads;
mod refusals;
mod replay;
mod results;
mod returning;
mod safe;
mod scenarios;
mod streams;
mod tenants;
mod tls;
mod trading;
mod world;
