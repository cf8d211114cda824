//! Token buckets that all processes draw from.

use std::time::Duration;

use access::Rate;
use async_trait::async_trait;

use crate::RegistryError;

/// What was drawn from a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawn {
    /// So much of it, at least what was needed.
    Granted(u32),
    /// Nothing: what is needed is there after this time.
    Wait(Duration),
}

/// See the module.
#[async_trait]
pub trait RateBuckets: Send + Sync {
    /// Draws what is needed from the bucket of this name, and more as far as there is, at most `most`. Who needs more than
    /// the bucket ever holds gets it when it is full. A bucket is full at first, and forgotten once it is full again.
    ///
    /// # Errors
    /// The registry does not answer. It may have been drawn.
    async fn draw(&self, bucket: &str, rate: Rate, need: u32, most: u32) -> Result<Drawn, RegistryError>;
}
