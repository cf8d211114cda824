//! The engine against tables of cases worked out by hand, and against its own invariants.

mod assets;
mod clock;
mod costs;
mod exchange;
mod fifo;
mod formulas;
mod holidays;
mod kept;
mod money;
mod netting;
mod orders;
mod properties;
mod replay;
mod retcodes;
mod waiting;
mod world;
