//! Tokens of an identity provider (JWT, RFC 7519) that stand in for an API key.
//!
//! Which algorithm a token is checked by is decided by the key that it names, never by the token, and only by those that the
//! operator allows. What it must say: issuer, audience, begin and end, subject, tenant and scopes.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::{Deserialize, Deserializer};

use crate::{Caller, Limits, Scope, Scopes, Tenant};

/// The longest token that is looked at, in bytes.
pub const JWT_BYTES_MAX: usize = 8 << 10;
/// Keys of a set, and bytes of its file.
const KEYS_MAX: usize = 64;
/// See [`JwtKeys::parse`].
pub const JWKS_BYTES_MAX: usize = 256 << 10;
/// The shortest shared secret: as long as what it makes.
const SECRET_BYTES_MIN: usize = 32;
/// By so much may the provider's clock differ, in seconds.
const LEEWAY_S: i64 = 30;
const SUBJECT_CHARS_MAX: usize = 64;

/// An algorithm by which tokens may be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JwtAlgorithm {
    /// Ed25519.
    EdDsa,
    /// ECDSA with P-256.
    Es256,
    /// RSA, PKCS #1 1.5.
    Rs256,
    /// A secret that the provider shares with this service.
    Hs256,
}

impl JwtAlgorithm {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::EdDsa, Self::Es256, Self::Rs256, Self::Hs256];

    /// Its name in tokens.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::Hs256 => "HS256",
        }
    }

    const fn known(self) -> Algorithm {
        match self {
            Self::EdDsa => Algorithm::EdDSA,
            Self::Es256 => Algorithm::ES256,
            Self::Rs256 => Algorithm::RS256,
            Self::Hs256 => Algorithm::HS256,
        }
    }

    /// The one that a key is for.
    fn of(jwk: &Jwk) -> Option<Self> {
        let by_kind = match &jwk.algorithm {
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => Self::EdDsa,
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Self::Es256,
            AlgorithmParameters::RSA(_) => Self::Rs256,
            AlgorithmParameters::OctetKey(_) => Self::Hs256,
            _ => return None,
        };
        let is_so = match jwk.common.key_algorithm {
            None => true,
            Some(KeyAlgorithm::EdDSA) => by_kind == Self::EdDsa,
            Some(KeyAlgorithm::ES256) => by_kind == Self::Es256,
            Some(KeyAlgorithm::RS256) => by_kind == Self::Rs256,
            Some(KeyAlgorithm::HS256) => by_kind == Self::Hs256,
            Some(_) => false,
        };
        is_so.then_some(by_kind)
    }
}

impl FromStr for JwtAlgorithm {
    type Err = JwtError;

    fn from_str(text: &str) -> Result<Self, JwtError> {
        Self::ALL.into_iter().find(|one| one.as_str() == text).ok_or(JwtError::Keys("an unknown algorithm"))
    }
}

/// Why a set of keys is of no use, or a token is not good.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    /// The set of keys cannot be used.
    #[error("these keys cannot be used: {0}")]
    Keys(&'static str),
    /// The token is not good here; why, is for the log.
    #[error("this token is not good here: {0}")]
    Token(&'static str),
}

/// Whose tokens are good, and for whom they must be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtTerms {
    /// What `iss` must be.
    pub issuer: String,
    /// What `aud` must have.
    pub audience: String,
    /// Algorithms that are allowed.
    pub algorithms: Vec<JwtAlgorithm>,
}

/// The keys of an identity provider, by `kid`. Its `Debug` shows their names alone.
pub struct JwtKeys {
    terms: JwtTerms,
    keys: HashMap<String, (JwtAlgorithm, DecodingKey)>,
}

impl fmt::Debug for JwtKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtKeys").field("terms", &self.terms).field("keys", &self.keys.keys()).finish()
    }
}

/// Who shows a token that is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtCaller {
    /// Who calls.
    pub caller: Caller,
    /// The end of the token, in milliseconds since 1970 UTC.
    pub until_ms: i64,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    nbf: i64,
    exp: i64,
    tenant: Tenant,
    #[serde(deserialize_with = "scopes")]
    scopes: Scopes,
    #[serde(default)]
    limits: Limits,
}

impl JwtKeys {
    /// From a set of keys (JWKS, RFC 7517), in JSON. Keys that are for something else are left out.
    ///
    /// # Errors
    /// When it is none, is too large, or none of its keys is for an algorithm that is allowed.
    pub fn parse(json: &[u8], terms: JwtTerms) -> Result<Self, JwtError> {
        if json.len() > JWKS_BYTES_MAX {
            return Err(JwtError::Keys("they have more than 256 KiB"));
        }
        let set: JwkSet =
            serde_json::from_slice(json).map_err(|_| JwtError::Keys("this is no set of keys (JWKS)"))?;
        if set.keys.len() > KEYS_MAX {
            return Err(JwtError::Keys("there are more than 64"));
        }
        let mut keys = HashMap::new();
        for jwk in &set.keys {
            let is_for_signatures = !matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption));
            let (Some(kid), Some(algorithm)) = (&jwk.common.key_id, JwtAlgorithm::of(jwk)) else { continue };
            if !is_for_signatures || !terms.algorithms.contains(&algorithm) {
                continue;
            }
            if let AlgorithmParameters::OctetKey(secret) = &jwk.algorithm
                && secret.value.len() < SECRET_BYTES_MIN * 4 / 3
            {
                return Err(JwtError::Keys("a shared secret needs 32 bytes or more"));
            }
            let key = DecodingKey::from_jwk(jwk).map_err(|_| JwtError::Keys("one of them is malformed"))?;
            if keys.insert(kid.clone(), (algorithm, key)).is_some() {
                return Err(JwtError::Keys("two of them have the same kid"));
            }
        }
        if keys.is_empty() {
            return Err(JwtError::Keys("none has a kid and is for an algorithm that is allowed"));
        }
        Ok(Self { terms, keys })
    }

    /// Who shows this token.
    ///
    /// # Errors
    /// When it is not good here at this time.
    pub fn check(&self, token: &str, now_ms: i64) -> Result<JwtCaller, JwtError> {
        if token.len() > JWT_BYTES_MAX {
            return Err(JwtError::Token("it is too long"));
        }
        let header =
            jsonwebtoken::decode_header(token).map_err(|_| JwtError::Token("its head cannot be read"))?;
        let kid = header.kid.ok_or(JwtError::Token("it names no key"))?;
        let (algorithm, key) =
            self.keys.get(&kid).ok_or(JwtError::Token("nobody knows the key that it names"))?;
        if header.alg != algorithm.known() {
            return Err(JwtError::Token("it is signed by another algorithm than its key is for"));
        }
        let mut validation = Validation::new(algorithm.known());
        validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
        validation.set_audience(&[&self.terms.audience]);
        validation.set_issuer(&[&self.terms.issuer]);
        // The time is passed in.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &validation)
            .map_err(|_| {
                JwtError::Token("its signature, issuer, audience or claims are not those that are wanted")
            })?
            .claims;
        let now_s = now_ms.div_euclid(1000);
        if claims.nbf > now_s.saturating_add(LEEWAY_S) {
            return Err(JwtError::Token("it is not valid yet"));
        }
        if claims.exp.saturating_add(LEEWAY_S) <= now_s {
            return Err(JwtError::Token("it has expired"));
        }
        let is_name = |c: char| c.is_ascii_graphic();
        if claims.sub.is_empty() || claims.sub.len() > SUBJECT_CHARS_MAX || !claims.sub.chars().all(is_name) {
            return Err(JwtError::Token("its subject is not 1 to 64 visible ASCII characters"));
        }
        let caller = Caller {
            tenant: claims.tenant,
            // Not to be taken for the id of a key.
            key: Some(format!("sub:{}", claims.sub)),
            scopes: claims.scopes,
            limits: claims.limits,
            // Who runs the service has a key of it.
            is_operator: false,
        };
        Ok(JwtCaller { caller, until_ms: claims.exp.saturating_add(LEEWAY_S).saturating_mul(1000) })
    }
}

/// Scopes as a list of words, or as one text with blanks between them (RFC 8693). Others than ours allow nothing here.
fn scopes<'de, D: Deserializer<'de>>(from: D) -> Result<Scopes, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Text(String),
        Words(Vec<String>),
    }
    let words = match Given::deserialize(from)? {
        Given::Text(text) => text.split_whitespace().map(str::to_owned).collect(),
        Given::Words(words) => words,
    };
    Ok(words.iter().filter_map(|word| word.parse::<Scope>().ok()).collect())
}

#[cfg(test)]
#[path = "jwt/tests.rs"]
mod tests;
