//! Token buckets in Redis.

use std::time::Duration;

use access::Rate;
use async_trait::async_trait;

use super::RedisRegistry;
use super::replies::{Row, nonsense, parsed};
use super::scripts;
use crate::{Drawn, RateBuckets, RegistryError};

#[async_trait]
impl RateBuckets for RedisRegistry {
    async fn draw(&self, bucket: &str, rate: Rate, need: u32, most: u32) -> Result<Drawn, RegistryError> {
        let window = Duration::from_secs(rate.seconds().into()).as_micros();
        let args = [u128::from(rate.quota()), window, need.into(), most.into()].map(|one| one.to_string());
        let args: Vec<&[u8]> = args.iter().map(String::as_bytes).collect();
        let name = self.names.rate_bucket(bucket);
        let row: Row = self.lines.script(&scripts::DRAW, &[&name], &args).await?;
        match row.as_slice() {
            [word, amount] if word == b"granted" => Ok(Drawn::Granted(parsed(amount)?)),
            [word, time] if word == b"wait" => Ok(Drawn::Wait(Duration::from_micros(parsed(time)?))),
            _ => Err(nonsense("neither granted nor wait")),
        }
    }
}
