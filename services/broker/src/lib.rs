//! broker
pub mod catalogue;
pub mod engine;
