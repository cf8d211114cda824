//! The login governor in Redis.
//!
//! The bucket of an account and that of its broker lie in different slots: the account's is taken from first, and what was
//! taken is given back when the broker's refuses. Should the process die in between, an account has one login less for
//! some seconds: never one too many.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::RedisRegistry;
use super::replies::{Row, nonsense, parsed, text};
use super::scripts;
use super::sessions::AT_ONCE;
use crate::limits::SEEN_MAX;
use crate::{Governor, Limits, LoginPass, LoginState, RegistryError, Slot};

/// A bucket: microseconds until it holds one more, and how many at most.
struct Bucket {
    key: String,
    each: String,
    burst: String,
}

impl Bucket {
    fn new(key: String, number: u32, of: Duration, burst: u32) -> Self {
        let each = of.as_micros() / u128::from(number.max(1));
        Self { key, each: each.max(1).to_string(), burst: burst.max(1).to_string() }
    }
}

impl RedisRegistry {
    fn of_account(&self, account: &str, limits: &Limits) -> Bucket {
        let (number, burst) = (limits.account_per_minute, limits.account_burst);
        Bucket::new(self.names.account_bucket(account), number, Duration::from_secs(60), burst)
    }

    fn of_broker(&self, broker: &str, limits: &Limits) -> Bucket {
        let (number, burst) = (limits.broker_per_second, limits.broker_burst);
        Bucket::new(self.names.broker_bucket(broker), number, Duration::from_secs(1), burst)
    }

    async fn take(&self, from: &Bucket, password: &str, refusals_max: u32) -> Result<Slot, RegistryError> {
        let most = refusals_max.to_string();
        let args = [&*from.each, &from.burst, password, &most].map(str::as_bytes);
        let row: Row = self.lines.script(&scripts::TAKE, &[&from.key], &args).await?;
        match row.as_slice() {
            [word] if word == b"go" => Ok(Slot::Go),
            [word, time] if word == b"wait" => Ok(Slot::Wait(Duration::from_micros(parsed(time)?))),
            [word, refusals] if word == b"barred" => Ok(Slot::Barred(parsed(refusals)?)),
            _ => Err(nonsense("neither go nor wait")),
        }
    }

    async fn look(&self, name: &str, is_account: bool, limits: &Limits) -> Result<LoginState, RegistryError> {
        let bucket = if is_account { self.of_account(name, limits) } else { self.of_broker(name, limits) };
        let args = [&*bucket.each, &bucket.burst].map(str::as_bytes);
        let (free, refusals) = self.lines.script(&scripts::BUCKET, &[&bucket.key], &args).await?;
        Ok(LoginState { name: name.to_owned(), is_account, free, refusals })
    }
}

#[async_trait]
impl Governor for RedisRegistry {
    async fn login(&self, pass: &LoginPass, limits: &Limits) -> Result<Slot, RegistryError> {
        let account = self.of_account(pass.account.as_str(), limits);
        match self.take(&account, &pass.password, limits.refusals_max).await? {
            Slot::Go => {}
            refusal => return Ok(refusal),
        }
        let slot = self.take(&self.of_broker(&pass.broker, limits), "", 0).await?;
        if slot != Slot::Go {
            let args = [account.each.as_bytes()];
            self.lines.script::<i64>(&scripts::GIVE_BACK, &[&account.key], &args).await?;
            return Ok(slot);
        }
        let most = SEEN_MAX.to_string();
        for (list, name) in self.names.seen().iter().zip([&*pass.broker, pass.account.as_str()]) {
            self.lines.script::<i64>(&scripts::SEEN, &[list], &[name.as_bytes(), most.as_bytes()]).await?;
        }
        Ok(Slot::Go)
    }

    async fn refused(&self, pass: &LoginPass, limits: &Limits) -> Result<u32, RegistryError> {
        let bucket = self.names.account_bucket(pass.account.as_str());
        let kept = limits.refusals_kept.as_millis().to_string();
        let args = [pass.password.as_bytes(), kept.as_bytes()];
        self.lines.script(&scripts::REFUSED, &[&bucket], &args).await
    }

    async fn accepted(&self, pass: &LoginPass) -> Result<(), RegistryError> {
        let mut cmd = redis::cmd("HDEL");
        cmd.arg(self.names.account_bucket(pass.account.as_str()));
        cmd.arg("password").arg("refusals").arg("until");
        self.lines.repeatable::<i64>(&cmd).await.map(drop)
    }

    async fn logins(&self, limits: &Limits) -> Result<Vec<LoginState>, RegistryError> {
        let mut found = Vec::new();
        for (list, is_account) in self.names.seen().iter().zip([false, true]) {
            let mut cmd = redis::cmd("ZRANGE");
            cmd.arg(list).arg(0).arg(-1).arg("REV");
            let names: Row = self.lines.repeatable(&cmd).await?;
            let looked = stream::iter(names)
                .map(|name| async move { self.look(text(&name)?, is_account, limits).await });
            found.extend(looked.buffered(AT_ONCE).try_collect::<Vec<_>>().await?);
        }
        Ok(found)
    }
}
