//! Token buckets in memory.

use std::collections::HashMap;
use std::time::Duration;

use access::Rate;
use async_trait::async_trait;
use tokio::time::Instant;

use super::MemoryRegistry;
use crate::limits::RATE_BUCKETS_MAX;
use crate::{Drawn, RateBuckets, RegistryError};

/// When each bucket is full again.
pub(super) type FullAt = HashMap<String, Instant>;

#[async_trait]
impl RateBuckets for MemoryRegistry {
    async fn draw(&self, bucket: &str, rate: Rate, need: u32, most: u32) -> Result<Drawn, RegistryError> {
        let (mut state, now) = (self.state(), Instant::now());
        let buckets = &mut state.rate_buckets;
        if buckets.len() >= RATE_BUCKETS_MAX && !buckets.contains_key(bucket) {
            buckets.retain(|_, full_at| *full_at > now);
            // All of them are in use: one more is not kept, and so not bounded here.
            if buckets.len() >= RATE_BUCKETS_MAX {
                return Ok(Drawn::Granted(most.max(need)));
            }
        }
        let full_at = buckets.entry(bucket.to_owned()).or_insert(now);
        let window = Duration::from_secs(rate.seconds().into());
        let cost = |amount: u32| window.mul_f64(f64::from(amount) / f64::from(rate.quota()));
        let owed = full_at.saturating_duration_since(now);
        let wait = (owed + cost(need.min(rate.quota()))).saturating_sub(window);
        if !wait.is_zero() {
            return Ok(Drawn::Wait(wait));
        }
        let free = window.saturating_sub(owed).as_secs_f64() * f64::from(rate.quota()) / window.as_secs_f64();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Within the quota, which is one.
        let granted = (free as u32).min(most).max(need);
        *full_at = (*full_at).max(now) + cost(granted);
        Ok(Drawn::Granted(granted))
    }
}
