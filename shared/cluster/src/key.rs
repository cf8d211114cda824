//! The key that processes of a cluster know each other by.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use error::{Code, Error};
use hyper::header::HeaderValue;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use registry::CLOCKS_APART_MAX;
use serde::{Deserialize, Serialize};

/// The shortest key that is taken, in bytes.
pub const KEY_BYTES_MIN: usize = 16;

/// For how long a pass is good.
const PASS_LIFE: Duration = Duration::from_secs(60);

/// How long a pass is used before a new one is made.
const PASS_USED: Duration = Duration::from_secs(20);

/// Accepted passes that are remembered: one or two for each process that calls.
const PASSES_MAX: usize = 1024;

/// Who makes passes.
const ISSUER: &str = "mt5rest";

/// Whom they are for.
const AUDIENCE: &str = "mt5rest-worker";

/// How a pass stands in its header.
const SCHEME: &str = "Bearer ";

/// The secret that all processes of a cluster share. It is never printed.
#[derive(Clone)]
pub struct ClusterKey(Vec<u8>);

impl ClusterKey {
    /// A key from the operator's secret, which must have [`KEY_BYTES_MIN`] bytes.
    pub fn new(secret: impl Into<Vec<u8>>) -> Result<Self, Error> {
        let secret = secret.into();
        if secret.len() < KEY_BYTES_MIN {
            let told =
                format!("The cluster key is too short: give at least {KEY_BYTES_MIN} random characters.");
            return Err(Error::new(Code::InvalidParam, told));
        }
        Ok(Self(secret))
    }
}

impl fmt::Debug for ClusterKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ClusterKey(***)")
    }
}

/// What a pass says.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    iat: u64,
    exp: u64,
}

/// Makes passes, each for many calls.
pub(crate) struct Passes {
    key: EncodingKey,
    last: Mutex<Option<(Instant, HeaderValue)>>,
}

impl Passes {
    pub(crate) fn new(key: &ClusterKey) -> Self {
        Self { key: EncodingKey::from_secret(&key.0), last: Mutex::default() }
    }

    /// The value of the header `Authorization`.
    pub(crate) fn pass(&self) -> Result<HeaderValue, Error> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((made, pass)) = last.as_ref()
            && made.elapsed() < PASS_USED
        {
            return Ok(pass.clone());
        }
        let pass = mint(&self.key, now_s(), PASS_LIFE)?;
        *last = Some((Instant::now(), pass.clone()));
        Ok(pass)
    }
}

fn mint(key: &EncodingKey, now_s: u64, life: Duration) -> Result<HeaderValue, Error> {
    let claims =
        Claims { iss: ISSUER.to_owned(), aud: AUDIENCE.to_owned(), iat: now_s, exp: now_s + life.as_secs() };
    let text = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, key).map_err(Error::internal)?;
    let mut pass = HeaderValue::try_from(format!("{SCHEME}{text}")).map_err(Error::internal)?;
    pass.set_sensitive(true);
    Ok(pass)
}

/// Checks passes. Those that were good are remembered until they run out, so that not every call costs a signature.
pub(crate) struct Guard {
    key: DecodingKey,
    rules: Validation,
    /// With the second from which on they are not good any more.
    good: Mutex<HashMap<HeaderValue, u64>>,
}

impl Guard {
    pub(crate) fn new(key: &ClusterKey) -> Self {
        let mut rules = Validation::new(Algorithm::HS256);
        rules.leeway = CLOCKS_APART_MAX.as_secs();
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&[AUDIENCE]);
        rules.set_required_spec_claims(&["exp", "iss", "aud"]);
        Self { key: DecodingKey::from_secret(&key.0), rules, good: Mutex::default() }
    }

    /// Whether the caller is one of us; an error is a sentence for it.
    pub(crate) fn check(&self, pass: Option<&HeaderValue>) -> Result<(), String> {
        let Some(pass) = pass else {
            return Err("This port is for processes of the cluster: a pass is missing.".to_owned());
        };
        let now = now_s();
        let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        if good.get(pass).is_some_and(|end| now < *end) {
            return Ok(());
        }
        let text = pass.to_str().ok().and_then(|text| text.strip_prefix(SCHEME)).unwrap_or_default();
        let claims = jsonwebtoken::decode::<Claims>(text, &self.key, &self.rules).map_err(|refused| {
            format!("The pass of this process is not good here ({refused}): do all processes have the same cluster key and the right time?")
        })?;
        good.retain(|_, end| now < *end);
        if good.len() < PASSES_MAX {
            good.insert(pass.clone(), claims.claims.exp + CLOCKS_APART_MAX.as_secs());
        }
        Ok(())
    }
}

fn now_s() -> u64 {
    u64::try_from(runtime::unix_ms() / 1000).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> ClusterKey {
        ClusterKey::new(text).unwrap()
    }

    #[test]
    fn a_pass_is_good_for_its_key_only() {
        let (ours, theirs) = (key("0123456789abcdef"), key("0123456789abcdeF"));
        let passes = Passes::new(&ours);
        let pass = passes.pass().unwrap();
        assert_eq!(passes.pass().unwrap(), pass, "one pass is for many calls");
        let guard = Guard::new(&ours);
        guard.check(Some(&pass)).unwrap();
        guard.check(Some(&pass)).unwrap();
        assert!(Guard::new(&theirs).check(Some(&pass)).unwrap_err().contains("same cluster key"));
        assert!(guard.check(None).unwrap_err().contains("missing"));
        assert!(guard.check(Some(&HeaderValue::from_static("Bearer x.y.z"))).is_err());
    }

    #[test]
    fn clocks_may_differ_a_little_and_no_more() {
        let ours = key("0123456789abcdef");
        let made = |ago: u64| mint(&EncodingKey::from_secret(&ours.0), now_s() - ago, PASS_LIFE).unwrap();
        let guard = Guard::new(&ours);
        guard.check(Some(&made(75))).unwrap();
        assert!(guard.check(Some(&made(100))).is_err());
    }

    #[test]
    fn a_key_is_long_enough_and_not_shown() {
        assert_eq!(ClusterKey::new("short").unwrap_err().code(), Code::InvalidParam);
        assert_eq!(format!("{:?}", key("0123456789abcdef")), "ClusterKey(***)");
    }
}
