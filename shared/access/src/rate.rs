//! How often something may be done with a key, and by all keys of a tenant together.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What may be done so often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rated {
    /// Calls of any kind.
    Requests,
    /// Calls that send an order.
    Orders,
    /// Calls that log in.
    Connects,
    /// WebSockets that are opened.
    Sockets,
    /// Symbols that are subscribed to.
    Subscriptions,
    /// Bytes of bodies.
    BodyBytes,
}

impl Rated {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Requests, Self::Orders, Self::Connects, Self::Sockets, Self::Subscriptions, Self::BodyBytes];

    /// Its word in options and headers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Orders => "orders",
            Self::Connects => "connects",
            Self::Sockets => "sockets",
            Self::Subscriptions => "subscriptions",
            Self::BodyBytes => "body-bytes",
        }
    }
}

/// The longest time that a rate is about, seconds.
const SECONDS_MAX: u32 = 3_600;
/// The largest quota: a body has at most so many bytes a second.
const QUOTA_MAX: u32 = 1 << 31;

/// So much in so many seconds: all of it may come at once, and comes back evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    quota: u32,
    seconds: u32,
}

impl Rate {
    /// `None` where one of the two is zero or absurdly large.
    #[must_use]
    pub const fn new(quota: u32, seconds: u32) -> Option<Self> {
        if quota == 0 || quota > QUOTA_MAX || seconds == 0 || seconds > SECONDS_MAX {
            return None;
        }
        Some(Self { quota, seconds })
    }

    /// How much.
    #[must_use]
    pub const fn quota(self) -> u32 {
        self.quota
    }

    /// In so many seconds.
    #[must_use]
    pub const fn seconds(self) -> u32 {
        self.seconds
    }

    /// Several times as much in the same time.
    #[must_use]
    pub const fn times(self, factor: u32) -> Self {
        let quota = self.quota.saturating_mul(factor);
        Self { quota: if quota > QUOTA_MAX { QUOTA_MAX } else { quota }, ..self }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}s", self.quota, self.seconds)
    }
}

/// A text that is no rate, or no list of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is no rate: one is NAME=NUMBER/SECONDSs, such as requests=100/1s, with at most 2147483648 in at most 3600 s; the \
     names are requests, orders, connects, sockets, subscriptions and body-bytes"
)]
pub struct RateError(String);

impl RateError {
    fn of(text: &str) -> Self {
        Self(text.chars().take(64).collect())
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let parts = text.trim().split_once('/').and_then(|(quota, time)| {
            let seconds = time.trim().strip_suffix('s')?;
            Self::new(quota.trim().parse().ok()?, seconds.trim().parse().ok()?)
        });
        parts.ok_or_else(|| RateError::of(text))
    }
}

/// Rates by what they are of. What is absent has none here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates(BTreeMap<Rated, Rate>);

impl Rates {
    /// That of a kind.
    #[must_use]
    pub fn get(&self, of: Rated) -> Option<Rate> {
        self.0.get(&of).copied()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These, and those of `usual` where there is none here.
    #[must_use]
    pub fn or(&self, usual: &Self) -> Self {
        let mut all = usual.clone();
        all.0.extend(&self.0);
        all
    }

    /// Several times as much of everything.
    #[must_use]
    pub fn times(&self, factor: u32) -> Self {
        Self(self.0.iter().map(|(of, rate)| (*of, rate.times(factor))).collect())
    }
}

impl fmt::Display for Rates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (of, rate)) in self.0.iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            write!(f, "{comma}{}={rate}", of.as_str())?;
        }
        Ok(())
    }
}

impl FromStr for Rates {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let mut all = BTreeMap::new();
        for one in text.split(',').map(str::trim).filter(|one| !one.is_empty()) {
            let wrong = || RateError::of(one);
            let (name, rate) = one.split_once('=').ok_or_else(wrong)?;
            let of = Rated::ALL.into_iter().find(|of| of.as_str() == name.trim()).ok_or_else(wrong)?;
            let rate = rate.parse().map_err(|_| wrong())?;
            if all.insert(of, rate).is_some() {
                return Err(wrong());
            }
        }
        Ok(Self(all))
    }
}

impl Serialize for Rates {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rates {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_they_are_written() {
        let rates: Rates = "orders=10/60s, requests=100/1s".parse().unwrap();
        assert_eq!(rates.to_string(), "requests=100/1s,orders=10/60s");
        assert_eq!(rates.to_string().parse(), Ok(rates.clone()));
        assert_eq!(rates.get(Rated::Orders), Rate::new(10, 60));
        assert_eq!(rates.get(Rated::Sockets), None);
        let json = serde_json::to_string(&rates).unwrap();
        assert_eq!(serde_json::from_str::<Rates>(&json).unwrap(), rates);
        assert!("".parse::<Rates>().unwrap().is_empty());
        for of in Rated::ALL {
            let one: Rates = format!("{}=1/1s", of.as_str()).parse().unwrap();
            assert_eq!(one.get(of), Rate::new(1, 1));
        }
    }

    #[test]
    fn what_is_no_rate_is_named() {
        for bad in [
            "requests",
            "requests=1",
            "requests=0/1s",
            "requests=1/0s",
            "requests=1/1",
            "requests=-1/1s",
            "requests=1/3601s",
            "requests=4000000000/1s",
            "moons=1/1s",
            "requests=1/1s,requests=2/1s",
        ] {
            let error = bad.parse::<Rates>().unwrap_err();
            assert!(error.to_string().contains("requests=100/1s"), "{error}");
        }
    }

    #[test]
    fn own_rates_go_before_usual_ones() {
        let usual: Rates = "requests=100/1s,orders=10/1s".parse().unwrap();
        let own: Rates = "orders=1/60s".parse().unwrap();
        assert_eq!(own.or(&usual).to_string(), "requests=100/1s,orders=1/60s");
        assert_eq!(usual.times(5).to_string(), "requests=500/1s,orders=50/1s");
        assert_eq!(Rate::new(u32::MAX >> 1, 1).unwrap().times(9).quota(), QUOTA_MAX);
    }
}
