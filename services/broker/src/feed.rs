//! Where prices come from: a seeded random walk, recorded ticks, or somebody's hand.
//!
//! The walk is a function of seed, symbol and time, not a sequence of draws: the same seed gives the same
//! prices at the same moments however often it is asked, and [`crate::bars`] computes any past minute from the
//! same function. Nothing here reads a clock.

mod book;
mod export;
mod noise;
mod path;
mod replay;
mod source;
mod ticks;
mod walk;
mod world;

pub use book::book_around;
pub use export::export_ticks;
pub(crate) use noise::{hash, uniform};
pub use replay::{Replay, ReplayError};
pub use source::Source;
pub use ticks::{FileTick, parse_ticks};
pub use walk::{STEP_MS, Walk};
pub use world::World;
pub(crate) use world::bid_of;
