//! Secrets that leave a process are sealed: AES-256-GCM under a ring of keys. The first key seals, all of them open, so
//! that a key is changed by putting a new one in front.
//!
//! ```
//! let ring = seal::KeyRing::parse("2026-11:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
//! let sealed = ring.seal(b"secret", b"what it belongs to").unwrap();
//! assert_eq!(ring.open(&sealed, b"what it belongs to").unwrap(), b"secret");
//! assert!(ring.open(&sealed, b"something else").is_err());
//! ```
//!
//! A sealed secret is `length of key id (1 byte) ‖ key id ‖ nonce (12) ‖ ciphertext ‖ tag (16)`. The context is
//! authenticated with it: what was sealed for one session cannot be passed off as another one's. Nonces are random, which
//! is safe for 2^32 secrets of a key (NIST SP 800-38D, 8.3).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

/// Bytes of a key.
pub const KEY_LEN: usize = 32;
/// Longest name of a key.
const ID_LEN_MAX: usize = 64;

/// Keys by name, the first of which seals.
pub struct KeyRing {
    keys: Vec<Key>,
    random: SystemRandom,
}

struct Key {
    id: String,
    aead: LessSafeKey,
    mac: hmac::Key,
}

/// Why a ring cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyRingError {
    /// There is no key at all.
    #[error("no sealing key is given: make one with `openssl rand -base64 32` and give it as NAME:KEY")]
    Empty,
    /// An entry is not `name:base64`. It is not repeated, since it may be a key.
    #[error("sealing key {0} is not NAME:BASE64, with a name of 1 to 64 characters and 32 bytes of key")]
    Malformed(usize),
    /// Two keys have one name.
    #[error("two sealing keys are called '{0}'")]
    Twice(String),
}

/// Why something cannot be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It was sealed with a key that is not on the ring.
    #[error("it was sealed with the key '{0}', which is not among the sealing keys")]
    UnknownKey(String),
    /// It is no sealed secret, was changed, or belongs to something else.
    #[error("it cannot be opened: it was changed, or belongs to something else")]
    Broken,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    NoRandom,
}

impl KeyRing {
    /// Reads `name:base64` entries, separated by commas or white space.
    ///
    /// # Errors
    /// [`KeyRingError`] says which entry is wrong, without repeating it.
    pub fn parse(text: &str) -> Result<Self, KeyRingError> {
        let entries = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty());
        let mut keys: Vec<Key> = Vec::new();
        for (place, entry) in entries.enumerate() {
            let key = Key::parse(entry).ok_or(KeyRingError::Malformed(place + 1))?;
            if keys.iter().any(|other| other.id == key.id) {
                return Err(KeyRingError::Twice(key.id));
            }
            keys.push(key);
        }
        if keys.is_empty() { Err(KeyRingError::Empty) } else { Ok(Self::of(keys)) }
    }

    /// A ring with one random key, for a process that keeps its secrets to itself.
    ///
    /// # Errors
    /// [`SealError::NoRandom`].
    pub fn random() -> Result<Self, SealError> {
        let mut bytes = [0; KEY_LEN];
        SystemRandom::new().fill(&mut bytes).map_err(|_| SealError::NoRandom)?;
        Key::new("random", &bytes).map(|key| Self::of(vec![key])).ok_or(SealError::Broken)
    }

    fn of(keys: Vec<Key>) -> Self {
        Self { keys, random: SystemRandom::new() }
    }

    /// Seals a secret for a context, with the first key.
    ///
    /// # Errors
    /// [`SealError::NoRandom`].
    pub fn seal(&self, secret: &[u8], context: &[u8]) -> Result<Vec<u8>, SealError> {
        let key = self.keys.first().ok_or(SealError::Broken)?;
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| SealError::NoRandom)?;
        let id_len = u8::try_from(key.id.len()).map_err(|_| SealError::Broken)?;
        let mut body = secret.to_vec();
        let nonce_of = Nonce::assume_unique_for_key(nonce);
        key.aead
            .seal_in_place_append_tag(nonce_of, Aad::from(context), &mut body)
            .map_err(|_| SealError::Broken)?;
        let mut sealed = vec![id_len];
        sealed.extend_from_slice(key.id.as_bytes());
        sealed.extend_from_slice(&nonce);
        sealed.append(&mut body);
        Ok(sealed)
    }

    /// Opens what was sealed for this context.
    ///
    /// # Errors
    /// [`SealError::UnknownKey`] or [`SealError::Broken`].
    pub fn open(&self, sealed: &[u8], context: &[u8]) -> Result<Vec<u8>, SealError> {
        let (id, rest) = split_id(sealed).ok_or(SealError::Broken)?;
        let key = self.keys.iter().find(|key| key.id == id);
        let key = key.ok_or_else(|| SealError::UnknownKey(id.to_owned()))?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Broken)?;
        let mut body = body.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = key.aead.open_in_place(nonce, Aad::from(context), &mut body);
        opened.map(|secret| secret.to_vec()).map_err(|_| SealError::Broken)
    }

    /// Whether a secret was sealed with another key than the first: it should be sealed anew.
    pub fn is_outdated(&self, sealed: &[u8]) -> bool {
        let first = self.keys.first().map(|key| key.id.as_str());
        split_id(sealed).map(|(id, _)| id) != first
    }

    /// A text that stands for a secret, the same in all processes with the same first key, and of no use without it
    /// (HMAC-SHA-256).
    pub fn digest(&self, secret: &[u8]) -> String {
        let tag = self.keys.first().map(|key| hmac::sign(&key.mac, secret));
        tag.map(|tag| STANDARD.encode(tag.as_ref())).unwrap_or_default()
    }
}

impl Key {
    fn parse(entry: &str) -> Option<Self> {
        let (id, key) = entry.split_once(':')?;
        let bytes = STANDARD.decode(key).ok()?;
        Self::new(id, bytes.as_slice().try_into().ok()?)
    }

    fn new(id: &str, bytes: &[u8; KEY_LEN]) -> Option<Self> {
        if id.is_empty() || id.len() > ID_LEN_MAX {
            return None;
        }
        let aead = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, bytes).ok()?);
        // A key of its own for digests, derived so that one is of no use for the other.
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, bytes), b"mt5rest digest");
        Some(Self { id: id.to_owned(), aead, mac: hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()) })
    }
}

impl fmt::Debug for KeyRing {
    /// Names only.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.keys.iter().map(|key| &key.id)).finish()
    }
}

fn split_id(sealed: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = sealed.split_first()?;
    let (id, rest) = rest.split_at_checked(usize::from(*length))?;
    Some((std::str::from_utf8(id).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "old:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const NEW: &str = "new:AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn ring(text: &str) -> KeyRing {
        KeyRing::parse(text).unwrap()
    }

    #[test]
    fn keys_are_changed_by_putting_a_new_one_in_front() {
        let sealed = ring(OLD).seal(b"secret", b"token").unwrap();
        let both = ring(&format!("{NEW}, {OLD}"));
        assert_eq!(both.open(&sealed, b"token").unwrap(), b"secret");
        assert!(both.is_outdated(&sealed));
        let sealed = both.seal(b"secret", b"token").unwrap();
        assert!(!both.is_outdated(&sealed));
        assert_eq!(ring(NEW).open(&sealed, b"token").unwrap(), b"secret");
        assert_eq!(ring(OLD).open(&sealed, b"token"), Err(SealError::UnknownKey("new".into())));
    }

    #[test]
    fn what_was_changed_or_belongs_elsewhere_is_not_opened() {
        let ring = ring(OLD);
        let sealed = ring.seal(b"secret", b"token").unwrap();
        assert_eq!(ring.open(&sealed, b"other"), Err(SealError::Broken));
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(ring.open(&changed, b"token").is_err(), "byte {place}");
            assert!(ring.open(&sealed[..place], b"token").is_err(), "cut at {place}");
        }
        assert_ne!(sealed, ring.seal(b"secret", b"token").unwrap(), "never the same twice");
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
    }

    #[test]
    fn wrong_rings_are_explained_without_repeating_a_key() {
        let wrong = |text: &str| KeyRing::parse(text).unwrap_err();
        assert_eq!(wrong(" , "), KeyRingError::Empty);
        assert_eq!(wrong(&format!("{OLD} c2hvcnQ=")), KeyRingError::Malformed(2));
        assert_eq!(wrong("a:c2hvcnQ="), KeyRingError::Malformed(1));
        assert_eq!(wrong(&format!("{OLD},{OLD}")), KeyRingError::Twice("old".into()));
        let shown = format!("{:?}", ring(OLD));
        assert_eq!(shown, r#"["old"]"#);
    }

    #[test]
    fn digests_depend_on_key_and_secret() {
        let (old, new) = (ring(OLD), ring(NEW));
        assert_eq!(old.digest(b"a"), ring(OLD).digest(b"a"));
        assert_ne!(old.digest(b"a"), old.digest(b"b"));
        assert_ne!(old.digest(b"a"), new.digest(b"a"));
        assert!(KeyRing::random().unwrap().digest(b"a") != KeyRing::random().unwrap().digest(b"a"));
    }
}
