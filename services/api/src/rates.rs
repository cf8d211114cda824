//! How often it may be done what is done with a key, and with all keys of a tenant together.
//!
//! What is allowed is drawn from buckets that all fronts share, in batches: while a batch lasts, nobody is asked, and the next
//! one is drawn in the background before it is used up. So a call costs no round trip, and what a front has drawn and does not use
//! is lost to the others for as long as a batch is worth, a sixteenth of the quota. While the registry is away, each front
//! counts by itself.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use access::{Caller, Rate, Rated, Rates, Scope};
use axum::http::header::{CONTENT_LENGTH, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use calls::{Effect, Params, Policy};
use error::{Code, Error};
use registry::{Drawn, MemoryRegistry, RateBuckets};
use runtime::Tasks;
use tokio::time::Instant;

/// A batch is one in so many of a quota.
const BATCHES: u32 = 16;

/// For how long what was drawn is kept at least, however short the time of a rate is: else whoever calls seldom asks each time.
const KEPT_MIN: Duration = Duration::from_secs(60);

/// For how long a registry that did not answer is not asked again: nobody shall wait for it with each call.
const AWAY: Duration = Duration::from_secs(1);

/// Stocks that are kept; those that are worth nothing any more make room.
const STOCKS_MAX: usize = 100_000;

/// Header: what is allowed (draft-ietf-httpapi-ratelimit-headers-11, 3).
const POLICY: &str = "ratelimit-policy";
/// Header: what is left of it (the same, 4).
const LEFT: &str = "ratelimit";

/// What is usually allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsualRates {
    /// To a key that has no rates of its own.
    pub key: Rates,
    /// To all keys of a tenant together.
    pub tenant: Rates,
}

/// What a program with some dozens of sessions needs, many times over. By its text, since options have it like this.
pub const KEY_RATES: &str = "requests=300/1s,orders=50/1s,connects=120/60s,sockets=300/60s,subscriptions=5000/60s,body-bytes=134217728/60s";
/// How many keys like that a tenant may use up.
const KEYS_OF_TENANT: u32 = 10;

impl Default for UsualRates {
    fn default() -> Self {
        let key: Rates = KEY_RATES.parse().unwrap_or_default();
        Self { tenant: Self::tenant_of(&key), key }
    }
}

impl UsualRates {
    /// What all keys of a tenant may together where nothing else is said.
    #[must_use]
    pub fn tenant_of(key: &Rates) -> Rates {
        key.times(KEYS_OF_TENANT)
    }
}

/// See the module. Clones are the same.
#[derive(Clone)]
pub(crate) struct RateLimiter(Arc<Inner>);

struct Inner {
    buckets: Arc<dyn RateBuckets>,
    /// Counted by while the registry is away.
    own: MemoryRegistry,
    usual: UsualRates,
    stocks: Mutex<HashMap<String, Stock>>,
    /// Until then the registry counts as away.
    away_until: Mutex<Option<Instant>>,
    tasks: Tasks,
}

/// What was drawn from a bucket and is not used.
#[derive(Debug, Clone, Copy)]
struct Stock {
    left: u32,
    /// From then on the bucket has long been full again, and this is worth nothing.
    until: Instant,
    is_drawing: bool,
}

/// What is not allowed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooOften {
    of: Rated,
    rate: Rate,
    /// Whose rate it is.
    whose: &'static str,
    wait: Duration,
}

impl TooOften {
    /// As it is told.
    pub(crate) fn error(self) -> Error {
        let Self { of, rate, whose, .. } = self;
        let (quota, seconds, wait) = (rate.quota(), rate.seconds(), self.wait_s());
        let told = format!(
            "The limit '{}' of this {whose} is reached: {quota} in {seconds} s. Wait {wait} s, then go on.",
            of.as_str()
        );
        Error::new(Code::TooFrequentRequest, told)
    }

    /// The response with what clients pace themselves by.
    pub(crate) fn with_headers(self, mut response: Response) -> Response {
        let (name, wait) = (self.of.as_str(), self.wait_s());
        let policy = format!("\"{name}\";q={};w={}", self.rate.quota(), self.rate.seconds());
        let left = format!("\"{name}\";r=0;t={wait}");
        for (header, value) in [(POLICY, policy), (LEFT, left), (RETRY_AFTER.as_str(), wait.to_string())] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(header, value);
            }
        }
        response
    }

    fn wait_s(self) -> u64 {
        self.wait.as_secs() + u64::from(self.wait.subsec_nanos() > 0).max(u64::from(self.wait.is_zero()))
    }
}

impl RateLimiter {
    pub(crate) fn new(buckets: Arc<dyn RateBuckets>, usual: UsualRates) -> Self {
        let (own, stocks, tasks) = (MemoryRegistry::new(), Mutex::default(), Tasks::new());
        let away_until = Mutex::default();
        Self(Arc::new(Inner { buckets, own, usual, stocks, away_until, tasks }))
    }

    /// Takes what a call counts as.
    ///
    /// # Errors
    /// It is not allowed now. Of what is counted, that may have been taken which stands before what is refused.
    pub(crate) async fn take_call(
        &self,
        caller: &Caller,
        policy: Policy,
        headers: &HeaderMap,
        params: &Params,
    ) -> Result<(), TooOften> {
        self.take(caller, Rated::Requests, 1).await?;
        let body = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        if let Some(body) = body.filter(|body| *body > 0) {
            self.take(caller, Rated::BodyBytes, body).await?;
        }
        match policy.effect {
            Effect::Trade => self.take(caller, Rated::Orders, 1).await,
            Effect::Connect => self.take(caller, Rated::Connects, 1).await,
            Effect::Change if policy.scope == Scope::Stream => {
                let symbols = params.list("symbols").flat_map(|some| some.split(',')).count().max(1);
                self.take(caller, Rated::Subscriptions, u32::try_from(symbols).unwrap_or(u32::MAX)).await
            }
            Effect::Read | Effect::Change | Effect::Admin => Ok(()),
        }
    }

    /// Takes what the opening of a socket counts as.
    ///
    /// # Errors
    /// It is not allowed now.
    pub(crate) async fn take_socket(&self, caller: &Caller) -> Result<(), TooOften> {
        self.take(caller, Rated::Requests, 1).await?;
        self.take(caller, Rated::Sockets, 1).await
    }

    /// Takes so much of what a caller may do. Who has no key has no limits here.
    ///
    /// # Errors
    /// It is not allowed now: nothing was taken.
    pub(crate) async fn take(&self, caller: &Caller, of: Rated, amount: u32) -> Result<(), TooOften> {
        let Some(key) = &caller.key else { return Ok(()) };
        let tenant = caller.tenant.as_str();
        let own = caller.limits.rates.get(of).or_else(|| self.0.usual.key.get(of));
        let key_bucket = format!("key/{tenant}/{key}/{}", of.as_str());
        if let Some(rate) = own {
            self.of_bucket(&key_bucket, rate, amount).await.map_err(|wait| TooOften {
                of,
                rate,
                whose: "key",
                wait,
            })?;
        }
        let Some(rate) = self.0.usual.tenant.get(of) else { return Ok(()) };
        let taken = self.of_bucket(&format!("tenant/{tenant}/{}", of.as_str()), rate, amount).await;
        taken.map_err(|wait| {
            if let Some(stock) = self.0.stocks().get_mut(&key_bucket) {
                stock.left = stock.left.saturating_add(amount);
            }
            TooOften { of, rate, whose: "tenant", wait }
        })
    }

    /// Takes from what was drawn of a bucket, or draws. The error is how long to wait.
    async fn of_bucket(&self, bucket: &str, rate: Rate, amount: u32) -> Result<(), Duration> {
        let batch = (rate.quota() / BATCHES).max(1);
        match self.0.of_stock(bucket, amount, batch) {
            Taken::Enough => return Ok(()),
            Taken::Last => {
                let (own, bucket) = (self.clone(), bucket.to_owned());
                self.0.tasks.spawn(async move {
                    let drawn = own.draw(&bucket, rate, 1, batch).await;
                    own.0.put(&bucket, rate, if let Drawn::Granted(some) = drawn { some } else { 0 });
                });
                return Ok(());
            }
            Taken::Nothing => {}
        }
        match self.draw(bucket, rate, amount, amount.max(batch)).await {
            Drawn::Granted(some) => {
                self.0.put(bucket, rate, some.saturating_sub(amount));
                Ok(())
            }
            Drawn::Wait(time) => Err(time),
        }
    }

    async fn draw(&self, bucket: &str, rate: Rate, need: u32, most: u32) -> Drawn {
        let drawn = match self.0.is_away() {
            true => Err(None),
            false => self.0.buckets.draw(bucket, rate, need, most).await.map_err(Some),
        };
        let drawn = match drawn {
            Ok(drawn) => Ok(drawn),
            Err(failure) => {
                if let Some(failure) = failure {
                    tracing::debug!(%failure, "rates are counted here alone");
                    *self.0.away_until.lock().unwrap_or_else(PoisonError::into_inner) =
                        Some(Instant::now() + AWAY);
                }
                self.0.own.draw(bucket, rate, need, most).await
            }
        };
        // What counts in memory does not fail.
        drawn.unwrap_or(Drawn::Granted(need))
    }
}

/// What was taken of a stock.
enum Taken {
    Enough,
    /// Enough, but it is time to draw more: the taker does.
    Last,
    Nothing,
}

impl Inner {
    /// No step is left half done by a panic: nothing in them can.
    fn stocks(&self) -> MutexGuard<'_, HashMap<String, Stock>> {
        self.stocks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_away(&self) -> bool {
        let until = *self.away_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    fn of_stock(&self, bucket: &str, amount: u32, batch: u32) -> Taken {
        let mut stocks = self.stocks();
        let Some(stock) = stocks.get_mut(bucket).filter(|stock| stock.until > Instant::now()) else {
            return Taken::Nothing;
        };
        let Some(left) = stock.left.checked_sub(amount) else { return Taken::Nothing };
        stock.left = left;
        if stock.is_drawing || left > batch / 2 {
            return Taken::Enough;
        }
        stock.is_drawing = true;
        Taken::Last
    }

    /// What was drawn, to be used.
    fn put(&self, bucket: &str, rate: Rate, drawn: u32) {
        let (mut stocks, now) = (self.stocks(), Instant::now());
        if stocks.len() >= STOCKS_MAX && !stocks.contains_key(bucket) {
            stocks.retain(|_, stock| stock.until > now);
            if stocks.len() >= STOCKS_MAX {
                return;
            }
        }
        let until = now + Duration::from_secs(rate.seconds().into()).max(KEPT_MIN);
        let stock = stocks.entry(bucket.to_owned()).or_insert(Stock { left: 0, until, is_drawing: false });
        let left = if stock.until > now { stock.left } else { 0 };
        *stock = Stock { left: left.saturating_add(drawn).min(rate.quota()), until, is_drawing: false };
    }
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter").field("usual", &self.0.usual).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use access::{Limits, Scopes};
    use async_trait::async_trait;
    use registry::RegistryError;

    use super::*;

    /// Buckets in memory, which count how often they are drawn from.
    #[derive(Default)]
    struct Counted {
        buckets: MemoryRegistry,
        draws: AtomicUsize,
        is_away: AtomicBool,
    }

    #[async_trait]
    impl RateBuckets for Counted {
        async fn draw(&self, bucket: &str, rate: Rate, need: u32, most: u32) -> Result<Drawn, RegistryError> {
            self.draws.fetch_add(1, Ordering::SeqCst);
            if self.is_away.load(Ordering::SeqCst) {
                return Err(RegistryError("away".to_owned()));
            }
            self.buckets.draw(bucket, rate, need, most).await
        }
    }

    fn caller(tenant: &str, key: &str, rates: &str) -> Caller {
        Caller {
            tenant: tenant.parse().unwrap(),
            key: Some(key.to_owned()),
            scopes: Scopes::ALL,
            limits: Limits { rates: rates.parse().unwrap(), ..Limits::default() },
            is_operator: false,
        }
    }

    fn limiter(buckets: &Arc<Counted>, key: &str, tenant: &str) -> RateLimiter {
        let usual = UsualRates { key: key.parse().unwrap(), tenant: tenant.parse().unwrap() };
        RateLimiter::new(Arc::<Counted>::clone(buckets), usual)
    }

    /// How many of these are let through.
    async fn let_through(limiter: &RateLimiter, caller: &Caller, of: Rated, count: u32) -> u32 {
        let mut through = 0;
        for _ in 0..count {
            through += u32::from(limiter.take(caller, of, 1).await.is_ok());
            // Others work as well.
            tokio::task::yield_now().await;
        }
        through
    }

    #[tokio::test(start_paused = true)]
    async fn most_calls_ask_nobody_and_no_more_than_the_quota_go_through() {
        let buckets = Arc::new(Counted::default());
        let limiter = limiter(&buckets, "requests=1600/60s", "requests=3200/60s");
        let one = caller("acme", "one", "");
        assert_eq!(let_through(&limiter, &one, Rated::Requests, 1_700).await, 1_600);
        let draws = buckets.draws.load(Ordering::SeqCst);
        assert!(draws < 260, "{draws} draws for 1,600 calls and 100 refusals");
        let refused = limiter.take(&one, Rated::Requests, 1).await.unwrap_err();
        assert_eq!((refused.of, refused.whose, refused.rate.quota()), (Rated::Requests, "key", 1_600));
        assert!(refused.error().detail().contains("'requests' of this key"), "{}", refused.error());
        let response = refused.with_headers(Response::default());
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("ratelimit-policy"), "\"requests\";q=1600;w=60");
        assert_eq!(
            (header("ratelimit").as_str(), header("retry-after").as_str()),
            ("\"requests\";r=0;t=1", "1")
        );
        // It comes back evenly.
        tokio::time::advance(Duration::from_secs(6)).await;
        assert!((160..=170).contains(&let_through(&limiter, &one, Rated::Requests, 200).await));
    }

    #[tokio::test(start_paused = true)]
    async fn keys_have_a_rate_each_and_their_tenant_one_for_all() {
        let buckets = Arc::new(Counted::default());
        let limiter = limiter(&buckets, "orders=10/60s", "orders=25/60s");
        let through = async |key: &str, rates: &str| {
            let_through(&limiter, &caller("acme", key, rates), Rated::Orders, 30).await
        };
        assert_eq!(through("one", "").await, 10);
        assert_eq!(through("two", "orders=3/60s").await, 3);
        assert_eq!(through("three", "orders=100/60s").await, 12, "what the tenant has left");
        let refused = limiter.take(&caller("acme", "four", ""), Rated::Orders, 1).await.unwrap_err();
        assert_eq!(refused.whose, "tenant");
        // What is not done is not counted, and others have their own.
        assert_eq!(let_through(&limiter, &caller("acme", "one", ""), Rated::Requests, 99).await, 99);
        assert_eq!(let_through(&limiter, &caller("other", "one", ""), Rated::Orders, 30).await, 10);
        assert!(limiter.take(&Caller::local(), Rated::Orders, 1_000).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn fronts_share_what_is_allowed() {
        let buckets = Arc::new(Counted::default());
        let fronts = [(); 3].map(|()| limiter(&buckets, "requests=320/3600s", ""));
        let one = caller("acme", "one", "");
        let mut through = 0;
        for _ in 0..200 {
            for front in &fronts {
                through += let_through(front, &one, Rated::Requests, 1).await;
            }
        }
        assert!((260..=320).contains(&through), "{through}: at most a batch is left at each front");
    }

    #[tokio::test(start_paused = true)]
    async fn amounts_are_taken_as_a_whole_or_not_at_all() {
        let buckets = Arc::new(Counted::default());
        let limiter = limiter(&buckets, "body-bytes=1000/3600s", "");
        let one = caller("acme", "one", "");
        assert!(limiter.take(&one, Rated::BodyBytes, 600).await.is_ok());
        assert!(limiter.take(&one, Rated::BodyBytes, 600).await.is_err());
        assert!(limiter.take(&one, Rated::BodyBytes, 400).await.is_ok());
        assert!(limiter.take(&one, Rated::BodyBytes, 1).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn each_front_counts_by_itself_while_the_registry_is_away() {
        let buckets = Arc::new(Counted::default());
        buckets.is_away.store(true, Ordering::SeqCst);
        let limiter = limiter(&buckets, "orders=10/60s", "");
        assert_eq!(let_through(&limiter, &caller("acme", "one", ""), Rated::Orders, 30).await, 10);
    }

    #[tokio::test]
    async fn the_next_batch_is_drawn_before_it_is_needed() {
        let buckets = Arc::new(Counted::default());
        let limiter = limiter(&buckets, "requests=1600/3600s", "");
        let one = caller("acme", "one", "");
        limiter.take(&one, Rated::Requests, 60).await.unwrap();
        assert_eq!(buckets.draws.load(Ordering::SeqCst), 1);
        limiter.take(&one, Rated::Requests, 1).await.unwrap();
        while buckets.draws.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
    }
}
