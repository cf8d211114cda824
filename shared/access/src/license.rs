//! Licences: signed statements of what a customer may run. A licence is a JWT of its own type, signed with Ed25519; what is
//! not signed does not count.

use std::collections::HashMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde::{Deserialize, Serialize};

/// The type that a licence has in its header: a token of another type is none, whoever signed it.
const TYPE: &str = "mt5rest-license+jwt";
/// Longest licence that is read, bytes.
pub const LICENSE_BYTES_MAX: usize = 16 * 1024;
/// The public key that counts unless another one is given: its name, and the key in Base64 for URLs. Who sells licences of
/// builds of one's own puts one's own key here (`mt5rest license keygen`).
pub const VENDOR_KEY: (&str, &str) = ("vendor-2026", "ZxO7vQogZ6oqPqFohFYp7dWRHBiBDWLhHTcGNy3aZE4");
const DAY_S: i64 = 86_400;
/// A day ends last at UTC−12.
const LAST_ZONE_S: i64 = 12 * 3600;

/// Why a text is no valid licence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LicenseError {
    /// It is no signed token, or one of another kind.
    #[error("this is not a licence: {0}")]
    Form(&'static str),
    /// Nobody knows the key that it names.
    #[error(
        "the licence is signed with the unknown key '{0}': give its public key, or ask for a licence of this issuer"
    )]
    UnknownKey(String),
    /// It was changed, or somebody else has signed it.
    #[error("the signature of the licence is wrong: it was changed after it was issued")]
    Signature,
    /// A public or private key that is none.
    #[error("the key is not an Ed25519 key in Base64")]
    Key,
    /// What it says makes no sense.
    #[error("the licence says {0}")]
    Claims(&'static str),
}

/// What is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Claims {
    customer: String,
    plan: String,
    sessions: u32,
    #[serde(default)]
    features: Vec<String>,
    nbf: i64,
    exp: i64,
}

/// A licence whose signature was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct License {
    /// Whose it is.
    pub customer: String,
    /// What was bought, in the issuer's words.
    pub plan: String,
    /// Most sessions at once.
    pub sessions: u32,
    /// Further things that it allows.
    pub features: Vec<String>,
    /// From when on it is valid, seconds since 1970 UTC.
    pub begins_s: i64,
    /// Until when it is valid, not included: the end of its last day where the day ends last, at UTC−12. Seconds since 1970
    /// UTC.
    pub ends_s: i64,
    /// The key that it was signed with.
    pub key: String,
}

impl License {
    /// Whether it is valid at a time, seconds since 1970 UTC.
    #[must_use]
    pub const fn is_valid(&self, now_s: i64) -> bool {
        self.begins_s <= now_s && now_s < self.ends_s
    }
}

/// A licence to be issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLicense {
    /// Whose it will be.
    pub customer: String,
    /// What was bought.
    pub plan: String,
    /// Most sessions at once.
    pub sessions: u32,
    /// Further things that it allows.
    pub features: Vec<String>,
    /// From when on it is valid, seconds since 1970 UTC.
    pub begins_s: i64,
    /// A moment of its last day, seconds since 1970 UTC.
    pub last_day_s: i64,
}

/// The key that licences are signed with. Its `Debug` shows its name alone.
pub struct LicenseKey {
    name: String,
    pkcs8: Vec<u8>,
    public: Vec<u8>,
}

impl fmt::Debug for LicenseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LicenseKey({}, ***)", self.name)
    }
}

impl LicenseKey {
    /// A new one.
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub fn generate(name: impl Into<String>) -> Result<Self, LicenseError> {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| LicenseError::Key)?;
        Self::of(name.into(), pkcs8.as_ref().to_vec())
    }

    /// One that was kept as [`expose`](Self::expose) gave it.
    ///
    /// # Errors
    /// [`LicenseError::Key`] if it is none.
    pub fn read(name: impl Into<String>, text: &str) -> Result<Self, LicenseError> {
        let pkcs8 = URL_SAFE_NO_PAD.decode(text.trim()).map_err(|_| LicenseError::Key)?;
        Self::of(name.into(), pkcs8)
    }

    fn of(name: String, pkcs8: Vec<u8>) -> Result<Self, LicenseError> {
        let pair = Ed25519KeyPair::from_pkcs8(&pkcs8).map_err(|_| LicenseError::Key)?;
        Ok(Self { name, public: pair.public_key().as_ref().to_vec(), pkcs8 })
    }

    /// The private key, in Base64 for URLs. Whoever calls this answers for where it goes.
    #[must_use]
    pub fn expose(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.pkcs8)
    }

    /// The public key, in Base64 for URLs.
    #[must_use]
    pub fn public(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.public)
    }

    /// Issues a licence.
    ///
    /// # Errors
    /// [`LicenseError::Claims`] if it would never be valid.
    pub fn issue(&self, new: &NewLicense) -> Result<String, LicenseError> {
        let NewLicense { customer, plan, sessions, features, begins_s, last_day_s } = new.clone();
        let claims = Claims { customer, plan, sessions, features, nbf: begins_s, exp: last_day_s };
        check(&claims)?;
        let mut header = Header::new(Algorithm::EdDSA);
        (header.typ, header.kid) = (Some(TYPE.to_owned()), Some(self.name.clone()));
        let key = EncodingKey::from_ed_der(&self.pkcs8);
        jsonwebtoken::encode(&header, &claims, &key).map_err(|_| LicenseError::Key)
    }
}

/// The public keys that licences are checked with, by name.
#[derive(Default)]
pub struct LicenseKeys(HashMap<String, DecodingKey>);

impl fmt::Debug for LicenseKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl LicenseKeys {
    /// The one that is built in.
    #[must_use]
    pub fn vendor() -> Self {
        let (name, public) = VENDOR_KEY;
        let mut keys = Self::default();
        // That it is one is tested.
        let added = keys.add(name, public);
        debug_assert!(added.is_ok());
        keys
    }

    /// Adds a public key, in Base64 for URLs.
    ///
    /// # Errors
    /// [`LicenseError::Key`] if it is none.
    pub fn add(&mut self, name: impl Into<String>, public: &str) -> Result<(), LicenseError> {
        let public = public.trim();
        let bytes = URL_SAFE_NO_PAD.decode(public).map_err(|_| LicenseError::Key)?;
        if bytes.len() != 32 {
            return Err(LicenseError::Key);
        }
        let key = DecodingKey::from_ed_components(public).map_err(|_| LicenseError::Key)?;
        self.0.insert(name.into(), key);
        Ok(())
    }

    /// Reads a licence and checks who signed it. Whether it is valid now is another question: [`License::is_valid`].
    ///
    /// # Errors
    /// [`LicenseError`].
    pub fn read(&self, text: &str) -> Result<License, LicenseError> {
        let text = text.trim();
        if text.len() > LICENSE_BYTES_MAX {
            return Err(LicenseError::Form("it is too long"));
        }
        let header = jsonwebtoken::decode_header(text).map_err(|_| LicenseError::Form("it is no JWT"))?;
        if header.alg != Algorithm::EdDSA || header.typ.as_deref() != Some(TYPE) {
            return Err(LicenseError::Form("it is a token for something else"));
        }
        let kid = header.kid.ok_or(LicenseError::Form("it does not name its key"))?;
        let key = self.0.get(&kid).ok_or_else(|| LicenseError::UnknownKey(kid.clone()))?;
        let mut rules = Validation::new(Algorithm::EdDSA);
        // Its times are judged where they are needed, by a time that is passed in.
        (rules.validate_exp, rules.validate_nbf, rules.validate_aud) = (false, false, false);
        rules.set_required_spec_claims(&["exp", "nbf"]);
        let claims =
            jsonwebtoken::decode::<Claims>(text, key, &rules).map_err(|cause| match cause.kind() {
                jsonwebtoken::errors::ErrorKind::InvalidSignature => LicenseError::Signature,
                _ => LicenseError::Form("something is missing in it"),
            })?;
        let claims = claims.claims;
        check(&claims)?;
        let ends_s = end_of_day(claims.exp);
        let Claims { customer, plan, sessions, features, nbf, .. } = claims;
        Ok(License { customer, plan, sessions, features, begins_s: nbf, ends_s, key: kid })
    }
}

fn check(claims: &Claims) -> Result<(), LicenseError> {
    /// The years 1970 to 9999.
    const TIMES: std::ops::Range<i64> = 0..253_402_300_800;
    if !TIMES.contains(&claims.nbf) || !TIMES.contains(&claims.exp) {
        return Err(LicenseError::Claims("a time that is none"));
    }
    if claims.nbf >= end_of_day(claims.exp) {
        return Err(LicenseError::Claims("that it ends before it begins"));
    }
    if claims.sessions == 0 {
        return Err(LicenseError::Claims("that no session is allowed"));
    }
    Ok(())
}

/// The end of the day of a moment where that day ends last.
const fn end_of_day(moment_s: i64) -> i64 {
    moment_s.div_euclid(DAY_S) * DAY_S + DAY_S + LAST_ZONE_S
}

/// The best one of several: valid now, with the most sessions, and of those the one that ends last. Without a valid one, the
/// one that ended last.
#[must_use]
pub fn best(licenses: &[License], now_s: i64) -> Option<&License> {
    let valid = licenses.iter().filter(|license| license.is_valid(now_s));
    let ended =
        || licenses.iter().filter(|license| license.ends_s <= now_s).max_by_key(|license| license.ends_s);
    valid.max_by_key(|license| (license.sessions, license.ends_s)).or_else(ended)
}

/// Until when licences hold without a gap from a time on, where one may follow on another; that time itself if none is valid
/// then. Seconds since 1970 UTC.
#[must_use]
pub fn covered_until_s(from_s: i64, licenses: &[License]) -> i64 {
    let mut until_s = from_s;
    while let Some(next) = licenses.iter().filter(|next| next.is_valid(until_s)).map(|next| next.ends_s).max()
    {
        until_s = next;
    }
    until_s
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// 2026-11-28T00:00:00Z.
    const DAY: i64 = 1_795_824_000;

    fn new() -> NewLicense {
        NewLicense {
            customer: "A customer".into(),
            plan: "pro".into(),
            sessions: 100,
            features: vec!["audit".into()],
            begins_s: DAY,
            last_day_s: DAY + 30 * DAY_S + 3600,
        }
    }

    fn keys(key: &LicenseKey) -> LicenseKeys {
        let mut keys = LicenseKeys::default();
        keys.add("k1", &key.public()).unwrap();
        keys
    }

    #[test]
    fn a_licence_is_read_as_it_was_issued() {
        let key = LicenseKey::generate("k1").unwrap();
        let text = key.issue(&new()).unwrap();
        let license = keys(&key).read(&format!("{text}\n")).unwrap();
        assert_eq!(
            (license.customer.as_str(), license.plan.as_str(), license.sessions),
            ("A customer", "pro", 100)
        );
        assert_eq!((license.features.as_slice(), license.key.as_str()), (&["audit".to_owned()][..], "k1"));
        // The last day ends at UTC−12.
        let end = DAY + 31 * DAY_S + 12 * 3600;
        for (now, is_valid) in [(DAY - 1, false), (DAY, true), (end - 1, true), (end, false)] {
            assert_eq!(license.is_valid(now), is_valid, "{}", now - end);
        }
        let again = LicenseKey::read("k1", &key.expose()).unwrap();
        assert_eq!(again.public(), key.public());
        assert!(!format!("{key:?}").contains(&key.expose()));
    }

    #[test]
    fn the_key_that_is_built_in_is_one() {
        assert!(LicenseKeys::default().add(VENDOR_KEY.0, VENDOR_KEY.1).is_ok());
        assert_eq!(format!("{:?}", LicenseKeys::vendor()), format!("{{{:?}}}", VENDOR_KEY.0));
    }

    #[test]
    fn a_licence_may_follow_on_another() {
        let license = |begins_day: i64, ends_day: i64| License {
            customer: String::new(),
            plan: String::new(),
            sessions: 1,
            features: Vec::new(),
            begins_s: begins_day * DAY_S,
            ends_s: ends_day * DAY_S,
            key: String::new(),
        };
        let all = [license(0, 10), license(10, 20), license(15, 18), license(21, 30)];
        for (from, until) in [(0, 20), (9, 20), (19, 20), (20, 20), (21, 30), (40, 40)] {
            assert_eq!(covered_until_s(from * DAY_S, &all), until * DAY_S, "day {from}");
        }
    }

    fn part(value: &Value) -> String {
        URL_SAFE_NO_PAD.encode(value.to_string())
    }

    #[test]
    fn what_is_not_signed_by_a_known_key_is_no_licence() {
        let (key, other) = (LicenseKey::generate("k1").unwrap(), LicenseKey::generate("k1").unwrap());
        let keys = keys(&key);
        let text = key.issue(&new()).unwrap();
        let parts: Vec<&str> = text.split('.').collect();
        let claims = json!({"customer": "x", "plan": "x", "sessions": 1_000_000, "nbf": 0, "exp": DAY});
        let header = |alg: &str, typ: &str| part(&json!({"alg": alg, "typ": typ, "kid": "k1"}));
        let changed = format!("{}.{}.{}", parts[0], part(&claims), parts[2]);
        assert_eq!(keys.read(&changed), Err(LicenseError::Signature));
        assert_eq!(keys.read(&other.issue(&new()).unwrap()), Err(LicenseError::Signature));
        let unsigned = format!("{}.{}.", header("none", TYPE), part(&claims));
        assert!(matches!(keys.read(&unsigned), Err(LicenseError::Form(_))));
        // The public key is no secret: it must not do as one of another algorithm.
        let mut by_public = Header::new(Algorithm::HS256);
        (by_public.typ, by_public.kid) = (Some(TYPE.into()), Some("k1".into()));
        let secret = EncodingKey::from_secret(&key.public);
        let confused = jsonwebtoken::encode(&by_public, &claims, &secret).unwrap();
        assert!(matches!(keys.read(&confused), Err(LicenseError::Form(_))));
        // A token of the same key for something else.
        let mut for_else = Header::new(Algorithm::EdDSA);
        (for_else.typ, for_else.kid) = (Some("JWT".into()), Some("k1".into()));
        let private = EncodingKey::from_ed_der(&key.pkcs8);
        let elsewhere = jsonwebtoken::encode(&for_else, &claims, &private).unwrap();
        assert!(matches!(keys.read(&elsewhere), Err(LicenseError::Form(_))));
        let unknown = LicenseKey::read("k2", &key.expose()).unwrap().issue(&new()).unwrap();
        assert_eq!(keys.read(&unknown), Err(LicenseError::UnknownKey("k2".into())));
        for text in ["", "x", "a.b.c", &"x".repeat(LICENSE_BYTES_MAX + 1)] {
            assert!(matches!(keys.read(text), Err(LicenseError::Form(_))));
        }
    }

    #[test]
    fn a_licence_that_makes_no_sense_is_neither_issued_nor_taken() {
        let key = LicenseKey::generate("k1").unwrap();
        for wrong in [
            NewLicense { sessions: 0, ..new() },
            NewLicense { last_day_s: DAY - 2 * DAY_S, ..new() },
            NewLicense { begins_s: -1, ..new() },
            NewLicense { last_day_s: i64::MAX, ..new() },
        ] {
            assert!(matches!(key.issue(&wrong), Err(LicenseError::Claims(_))), "{wrong:?}");
        }
        for public in ["", "x", "AAAA", &key.expose()] {
            assert_eq!(LicenseKeys::default().add("k", public), Err(LicenseError::Key), "{public}");
        }
        assert_eq!(LicenseKey::read("k", "AAAA").unwrap_err(), LicenseError::Key);
    }

    #[test]
    fn of_several_the_best_valid_one_counts() {
        let of = |sessions, begins_s, ends_s| License {
            customer: String::new(),
            plan: String::new(),
            features: Vec::new(),
            key: String::new(),
            sessions,
            begins_s,
            ends_s,
        };
        let all = [of(10, 0, 100), of(20, 50, 80), of(20, 50, 90), of(1000, 200, 300)];
        for (now, expected) in
            [(10, Some(0)), (60, Some(2)), (85, Some(2)), (95, Some(0)), (150, Some(0)), (250, Some(3))]
        {
            assert_eq!(best(&all, now), expected.map(|at: usize| &all[at]), "{now}");
        }
        assert_eq!(best(&all[3..], 100), None, "it has not begun");
        assert_eq!(best(&[], 100), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let keys = keys(&LicenseKey::generate("k1").unwrap());
            prop_assert!(keys.read(&text).is_err());
            let like_one = format!("{}.{text}.x", URL_SAFE_NO_PAD.encode(bytes));
            prop_assert!(keys.read(&like_one).is_err());
        }
    }
}
