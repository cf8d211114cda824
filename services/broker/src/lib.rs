//! broker
mod accounts;
pub mod bars;
mod calendar;
pub mod catalogue;
pub mod engine;
pub mod feed;
mod settings;
pub use settings::*;
