//! The login governor in memory.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::MemoryRegistry;
use crate::limits::SEEN_MAX;
use crate::{Governor, Limits, LoginPass, LoginState, RegistryError, Slot};

/// Names whose state says no more than that of a new one are forgotten when there are more than this.
const IDLE_MAX: usize = 10_000;

/// What is known of brokers and accounts.
#[derive(Default)]
pub(super) struct Buckets {
    brokers: HashMap<String, Bucket>,
    accounts: HashMap<String, Bucket>,
}

/// The generic cell rate algorithm: what is stored is when the bucket will be full again.
struct Bucket {
    full_at: Instant,
    seen_at: Option<Instant>,
    refused: Option<Refused>,
}

struct Refused {
    password: String,
    count: u32,
    until: Instant,
}

/// How fast a bucket fills, and what it holds.
#[derive(Clone, Copy)]
struct Rate {
    each: Duration,
    burst: u32,
}

impl Rate {
    fn of_broker(limits: &Limits) -> Self {
        Self::new(limits.broker_per_second, Duration::from_secs(1), limits.broker_burst)
    }

    fn of_account(limits: &Limits) -> Self {
        Self::new(limits.account_per_minute, Duration::from_secs(60), limits.account_burst)
    }

    fn new(number: u32, of: Duration, burst: u32) -> Self {
        Self { each: (of / number.max(1)).max(Duration::from_micros(1)), burst: burst.max(1) }
    }
}

impl Bucket {
    fn new(now: Instant) -> Self {
        Self { full_at: now, seen_at: None, refused: None }
    }

    /// How long to wait until one can be taken.
    fn wait(&self, rate: Rate, now: Instant) -> Duration {
        let full_at = self.full_at.max(now) + rate.each;
        full_at.saturating_duration_since(now + rate.each * rate.burst)
    }

    fn take(&mut self, rate: Rate, now: Instant) {
        self.full_at = self.full_at.max(now) + rate.each;
        self.seen_at = Some(now);
    }

    fn free(&self, rate: Rate, now: Instant) -> u32 {
        let owed = self.full_at.saturating_duration_since(now);
        let left = (rate.each * rate.burst).saturating_sub(owed);
        u32::try_from(left.as_nanos() / rate.each.as_nanos().max(1)).unwrap_or(u32::MAX)
    }

    fn refusals(&self, now: Instant) -> u32 {
        self.refused.as_ref().filter(|refused| refused.until > now).map_or(0, |refused| refused.count)
    }

    fn is_idle(&self, now: Instant) -> bool {
        self.full_at <= now && self.refusals(now) == 0
    }
}

fn bucket<'a>(of: &'a mut HashMap<String, Bucket>, name: &str, now: Instant) -> &'a mut Bucket {
    if of.len() >= IDLE_MAX && !of.contains_key(name) {
        of.retain(|_, bucket| !bucket.is_idle(now));
    }
    of.entry(name.to_owned()).or_insert_with(|| Bucket::new(now))
}

#[async_trait]
impl Governor for MemoryRegistry {
    async fn login(&self, pass: &LoginPass, limits: &Limits) -> Result<Slot, RegistryError> {
        let (mut state, now) = (self.state(), Instant::now());
        let (account_rate, broker_rate) = (Rate::of_account(limits), Rate::of_broker(limits));
        let buckets = &mut state.buckets;
        let account = bucket(&mut buckets.accounts, pass.account.as_str(), now);
        if let Some(refused) = &account.refused
            && refused.password == pass.password
            && refused.until > now
            && refused.count >= limits.refusals_max
        {
            return Ok(Slot::Barred(refused.count));
        }
        let broker = bucket(&mut buckets.brokers, &pass.broker, now);
        for wait in [account.wait(account_rate, now), broker.wait(broker_rate, now)] {
            if !wait.is_zero() {
                return Ok(Slot::Wait(wait));
            }
        }
        account.take(account_rate, now);
        broker.take(broker_rate, now);
        Ok(Slot::Go)
    }

    async fn refused(&self, pass: &LoginPass, limits: &Limits) -> Result<u32, RegistryError> {
        let (mut state, now) = (self.state(), Instant::now());
        let account = bucket(&mut state.buckets.accounts, pass.account.as_str(), now);
        let old = account.refused.take().filter(|old| old.password == pass.password && old.until > now);
        let count = old.map_or(0, |old| old.count).saturating_add(1);
        let until = now + limits.refusals_kept;
        account.refused = Some(Refused { password: pass.password.clone(), count, until });
        Ok(count)
    }

    async fn accepted(&self, pass: &LoginPass) -> Result<(), RegistryError> {
        if let Some(account) = self.state().buckets.accounts.get_mut(pass.account.as_str()) {
            account.refused = None;
        }
        Ok(())
    }

    async fn logins(&self, limits: &Limits) -> Result<Vec<LoginState>, RegistryError> {
        let (state, now) = (self.state(), Instant::now());
        let mut found = Vec::new();
        let Buckets { brokers, accounts } = &state.buckets;
        for (all, rate, is_account) in
            [(brokers, Rate::of_broker(limits), false), (accounts, Rate::of_account(limits), true)]
        {
            let mut seen: Vec<_> =
                all.iter().filter_map(|(name, bucket)| Some((bucket.seen_at?, name, bucket))).collect();
            seen.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
            found.extend(seen.into_iter().take(SEEN_MAX).map(|(_, name, bucket)| LoginState {
                name: name.clone(),
                is_account,
                free: bucket.free(rate, now),
                refusals: bucket.refusals(now),
            }));
        }
        Ok(found)
    }
}
