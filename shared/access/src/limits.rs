//! Within which limits a key may do what its scopes allow.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::guards::Guards;
use crate::rate::Rates;

/// The limits of a key. Absent means that there is none; what only a newer process knows is read by those alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Limits {
    /// Only accounts that the server reports as demo accounts.
    #[serde(skip_serializing_if = "is_false")]
    pub demo_only: bool,
    /// Only what makes positions smaller or safer: closing, deleting orders, tightening stops.
    #[serde(skip_serializing_if = "is_false")]
    pub reduce_only: bool,
    /// Only these accounts, by their logins.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<u64>,
    /// Only these brokers, by the name of their server or the host of its Web Terminal; case does not matter.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub brokers: Vec<String>,
    /// Only calls from these networks (address, or address/bits).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<String>,
    /// Only orders of at most so much.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_max: Option<Lots>,
    /// What accounts that it trades must not lose, and must not hold.
    #[serde(skip_serializing_if = "Guards::are_none")]
    pub guards: Guards,
    /// Other rates than the usual ones.
    #[serde(skip_serializing_if = "Rates::is_empty")]
    pub rates: Rates,
}

impl Limits {
    /// Whether they leave sessions out.
    #[must_use]
    pub const fn are_of_sessions(&self) -> bool {
        self.demo_only || !self.accounts.is_empty() || !self.brokers.is_empty()
    }
}

const fn is_false(is: &bool) -> bool {
    !*is
}

/// A volume in lots, exact. As a text and in JSON it is a decimal number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lots(u64);

/// Digits after the point.
const DIGITS: usize = 8;
const UNITS: u64 = 100_000_000;

impl Lots {
    /// Of so many 10^-8 lots.
    #[must_use]
    pub const fn from_units(units: u64) -> Self {
        Self(units)
    }

    /// In 10^-8 lots.
    #[must_use]
    pub const fn units(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Lots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:0DIGITS$}", self.0 / UNITS, self.0 % UNITS);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// A text that is no volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a volume is a decimal number of lots with at most 8 digits after the point, such as 0.5")]
pub struct LotsError;

impl FromStr for Lots {
    type Err = LotsError;

    fn from_str(text: &str) -> Result<Self, LotsError> {
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !are_digits(whole) || !are_digits(part) || part.len() > DIGITS {
            return Err(LotsError);
        }
        let whole: u64 = whole.parse().map_err(|_| LotsError)?;
        let part: u64 = format!("{part:0<DIGITS$}").parse().map_err(|_| LotsError)?;
        whole.checked_mul(UNITS).and_then(|units| units.checked_add(part)).map(Self).ok_or(LotsError)
    }
}

impl Serialize for Lots {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Lots {
    /// From a text, or from a number as people write it.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Given {
            Text(String),
            Whole(u64),
            Number(f64),
        }
        let text = match Given::deserialize(from)? {
            Given::Text(text) => text,
            Given::Whole(whole) => whole.to_string(),
            Given::Number(number) => number.to_string(),
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_are_exact() {
        for (text, units, shown) in
            [("0.1", 10_000_000, "0.1"), ("2", 2 * UNITS, "2"), ("1.50", 150_000_000, "1.5")]
        {
            let lots: Lots = text.parse().unwrap();
            assert_eq!((lots.units(), lots.to_string().as_str()), (units, shown));
        }
        for bad in ["", ".", "1.", ".5", "-1", "1e3", "1.123456789", "999999999999999999"] {
            assert_eq!(bad.parse::<Lots>(), Err(LotsError), "{bad}");
        }
    }

    #[test]
    fn limits_are_read_by_older_and_newer_processes() {
        assert_eq!(serde_json::to_string(&Limits::default()).unwrap(), "{}");
        let newer = r#"{"demoOnly":true,"volumeMax":0.1,"accounts":[7],"moonOnly":true}"#;
        let limits: Limits = serde_json::from_str(newer).unwrap();
        let expected = Limits {
            demo_only: true,
            volume_max: Some(Lots::from_units(10_000_000)),
            accounts: vec![7],
            ..Limits::default()
        };
        assert_eq!(limits, expected);
        let again: Limits = serde_json::from_str(&serde_json::to_string(&limits).unwrap()).unwrap();
        assert_eq!(again, limits);
    }
}
