//! API keys: `mt5r_<kind>_<id, 8>_<secret, 32><checksum, 6>`, all in base62. The checksum is the CRC-32 of everything before
//! it, so that a key that was cut or mistyped is refused before anybody is asked about it. The id is no secret: the key is
//! looked up by it, and shown by it.

use std::fmt;
use std::str::FromStr;

use rand::Rng;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const PREFIX: &str = "mt5r";
const ID_CHARS: usize = 8;
/// About 190 random bits.
const SECRET_CHARS: usize = 32;
const CHECKSUM_CHARS: usize = 6;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Characters of the longest key.
pub const KEY_CHARS: usize = PREFIX.len() + 1 + 5 + 1 + ID_CHARS + 1 + SECRET_CHARS + CHECKSUM_CHARS;

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// A customer's.
    Live,
    /// A customer's, for tries.
    Test,
    /// An operator's.
    Admin,
}

impl KeyKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Live, Self::Test, Self::Admin];

    /// As it stands in a key.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for KeyKind {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(KeyError::Form)
    }
}

/// Why a text is no key. It does not say whether the key exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It does not look like one.
    #[error(
        "this is not an API key: it should be mt5r_live_, mt5r_test_ or mt5r_admin_, followed by 8, _ and 38 characters"
    )]
    Form,
    /// Characters are missing or wrong.
    #[error("this API key is incomplete or mistyped: its checksum does not fit")]
    Checksum,
}

/// By what a key is looked up and shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// Its eight characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for KeyId {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        if text.len() == ID_CHARS && is_base62(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(KeyError::Form)
        }
    }
}

/// A whole key, the secret included. Its `Debug` shows the id alone, and it has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    kind: KeyKind,
    id: KeyId,
    secret: String,
}

impl ApiKey {
    /// A new one, from the system's random numbers.
    #[must_use]
    pub fn generate(kind: KeyKind) -> Self {
        Self { kind, id: KeyId(random(ID_CHARS)), secret: random(SECRET_CHARS) }
    }

    /// A new secret for the key of this id.
    #[must_use]
    pub fn generate_for(kind: KeyKind, id: KeyId) -> Self {
        Self { kind, id, secret: random(SECRET_CHARS) }
    }

    /// The same key with a new secret.
    #[must_use]
    pub fn rotated(&self) -> Self {
        Self { secret: random(SECRET_CHARS), ..self.clone() }
    }

    /// Whether a text is meant to be a key, so that it is nothing else.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        let rest = text.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix('_'));
        let kind = rest.and_then(|rest| rest.split_once('_'));
        kind.is_some_and(|(kind, _)| kind.parse::<KeyKind>().is_ok())
    }

    /// What it is for.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// By what it is looked up.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        &self.id
    }

    /// The key as its owner has it. Whoever calls this answers for where it goes.
    #[must_use]
    pub fn expose(&self) -> String {
        let body = format!("{PREFIX}_{}_{}_{}", self.kind.as_str(), self.id, self.secret);
        let sum = checksum(&body);
        body + &sum
    }

    /// What is kept of it.
    #[must_use]
    pub fn digest(&self) -> KeyDigest {
        KeyDigest(Sha256::digest(&self.secret).into())
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({}_{}_***)", self.kind.as_str(), self.id)
    }
}

impl FromStr for ApiKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut parts = text.splitn(4, '_');
        let mut next = || parts.next().ok_or(KeyError::Form);
        let (prefix, kind, id, rest) = (next()?, next()?, next()?, next()?);
        let (kind, id) = (kind.parse()?, id.parse()?);
        if prefix != PREFIX || rest.len() != SECRET_CHARS + CHECKSUM_CHARS || !is_base62(rest) {
            return Err(KeyError::Form);
        }
        let (secret, sum) = rest.split_at(SECRET_CHARS);
        if checksum(&text[..text.len() - CHECKSUM_CHARS]) != sum {
            return Err(KeyError::Checksum);
        }
        Ok(Self { kind, id, secret: secret.to_owned() })
    }
}

/// What is kept of a key: the SHA-256 of its secret. The secret has 190 random bits, so no slow hash is needed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyDigest([u8; 32]);

impl KeyDigest {
    /// Whether a key has the secret that this was made of; takes the same time whether it has or not.
    #[must_use]
    pub fn is_of(&self, key: &ApiKey) -> bool {
        self.equals(&key.digest())
    }

    /// Whether both are of the same secret; takes the same time whether they are or not.
    #[must_use]
    pub fn equals(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// Its bytes, to keep them.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// One that was kept.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyDigest(***)")
    }
}

pub(crate) fn is_base62(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

pub(crate) fn random(chars: usize) -> String {
    let mut rng = rand::rng();
    (0..chars).map(|_| char::from(BASE62[rng.random_range(0..BASE62.len())])).collect()
}

/// The CRC-32 of a text in base62, filled up with zeros; six digits hold every one.
fn checksum(text: &str) -> String {
    let mut left = crc32fast::hash(text.as_bytes());
    let mut digits = [b'0'; CHECKSUM_CHARS];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[left as usize % BASE62.len()];
        left /= 62;
    }
    digits.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_shown() {
        for kind in KeyKind::ALL {
            let key = ApiKey::generate(kind);
            let text = key.expose();
            assert!(text.starts_with(&format!("mt5r_{}_{}_", kind.as_str(), key.id())), "{text}");
            assert!(text.len() <= KEY_CHARS, "{text}");
            let read: ApiKey = text.parse().unwrap();
            assert_eq!(read, key);
            assert!(key.digest().is_of(&read));
        }
        // Kept by clients: the form must not change.
        let known = ApiKey { kind: KeyKind::Live, id: KeyId("ab12CD34".into()), secret: "Zz09".repeat(8) };
        let text = "mt5r_live_ab12CD34_Zz09Zz09Zz09Zz09Zz09Zz09Zz09Zz091M6FrA";
        assert_eq!(known.expose(), text);
        assert_eq!(text.parse::<ApiKey>().unwrap(), known);
    }

    #[test]
    fn secrets_are_not_shown_and_never_the_same() {
        let key = ApiKey::generate(KeyKind::Admin);
        let shown = format!("{key:?} {:?}", key.digest());
        assert!(!shown.contains(&key.secret) && shown.contains(key.id().as_str()), "{shown}");
        let rotated = key.rotated();
        assert_eq!((rotated.id(), rotated.kind()), (key.id(), key.kind()));
        assert!(!key.digest().is_of(&rotated));
        let many: BTreeSet<String> = (0..1000).map(|_| ApiKey::generate(KeyKind::Live).expose()).collect();
        assert_eq!(many.len(), 1000);
    }

    #[test]
    fn what_is_almost_a_key_is_none() {
        let text = ApiKey::generate(KeyKind::Live).expose();
        for form in [
            String::new(),
            "mt5r".to_owned(),
            text.replace("mt5r_", "mt5x_"),
            text.replace("_live_", "_LIVE_"),
            text.replace("_live_", "_prod_"),
            format!(" {text}"),
            format!("{text}x"),
            text[..text.len() - 1].to_owned(),
            text.replacen('_', "-", 1),
        ] {
            assert_eq!(form.parse::<ApiKey>(), Err(KeyError::Form), "{form}");
        }
        let other_kind = text.replace("_live_", "_admin_");
        assert_eq!(other_kind.parse::<ApiKey>(), Err(KeyError::Checksum), "{other_kind}");
    }

    proptest! {
        #[test]
        fn one_wrong_character_is_noticed(at in 0_usize..56, to in "[0-9A-Za-z]") {
            let text = ApiKey::generate(KeyKind::Live).expose();
            let mut wrong = text.clone();
            wrong.replace_range(at..=at, &to);
            prop_assume!(wrong != text);
            prop_assert!(wrong.parse::<ApiKey>().is_err(), "{wrong}");
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,80}") {
            let _ = text.parse::<ApiKey>();
        }
    }
}
